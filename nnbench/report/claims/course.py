"""The claims of the course, by number, in this project's own words.

A `[[claim]]` of a study that tests one of them says so with `course = N`; `nnbench claims` gathers
them. Some will fail when they are tested: that is what they are listed for.
"""

from collections.abc import Mapping

COURSE: Mapping[int, str] = {
    1: "Without an activation, depth adds nothing: any number of layers is one linear map.",
    2: "Sign and threshold cannot learn: they leave no derivative to learn from.",
    3: "Tanh trains more steadily than sigmoid, because its values are centred on zero.",
    4: "Sigmoid saturates, and its gradients vanish with depth; those of ReLU do not.",
    5: "ReLU units can die, which leaky ReLU, PReLU and ELU cure; ReLU's activations are sparse.",
    6: "The random slope of RReLU reduces over-fitting.",
    7: "Hardsigmoid, hardtanh and hardswish cost less than the functions that they imitate.",
    8: "GELU, swish and mish do at least as well as ReLU.",
    9: "Under LeCun initialisation, SELU keeps mean 0 and variance 1 at any depth.",
    10: "From zero weights nothing is learned; weights within 0.01 of zero let signals vanish.",
    11: "LeCun suits sigmoid, tanh and SELU; Xavier balances the variance of signals and of "
    "gradients; He mends that both halve it with every ReLU layer; normal and uniform forms agree.",
    12: "Momentum makes SGD faster and carries it out of shallow local minima.",
    13: "AdaGrad is good on rare features but stalls in long training; RMSProp and Adadelta do not "
    "stall.",
    14: "Adam works nearly everywhere and hardly minds its hyper-parameters.",
    15: "AdamW's decoupled decay regularises better than L2 within Adam.",
    16: "Averaged SGD ends more steadily than SGD; Adafactor matches Adam with less memory.",
    17: "Full batch, mini-batch and one example at a time trade the number of steps for noise.",
    18: "BatchNorm speeds training up, allows larger learning rates and regularises a little, "
    "before the activation as after it.",
    19: "At evaluation BatchNorm must use its running statistics, or a batch of one has none; and "
    "dropout must be off.",
    20: "Dropout reduces over-fitting.",
    21: "L2 shrinks large weights; L1 sets useless ones to zero.",
    22: "Huber and MAE withstand outliers that drag MSE along.",
    23: "Cross-entropy on logits, binary or not, is numerically safer than the logarithm of a "
    "sigmoid or softmax.",
    24: "A learning rate that starts large and falls beats a constant one; cosine, cyclic and "
    "plateau schedules each have a place where they help.",
    25: "Early stopping prevents over-fitting.",
}
