"""What a study varies by a key of its own rather than by a name: layers, regularisers, gradients.

The values that such a key takes stand in `nnbench.study.fields`; here stands what there is to say
of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nnbench.catalog.works import (
    CAUCHY,
    HE_RESIDUAL,
    IOFFE,
    KLAMBAUER,
    LOSHCHILOV,
    ROBBINS,
    ROSENBLATT,
    SZEGEDY,
    TIBSHIRANI,
)
from nnbench.study.vocabulary import Entry


@dataclass(frozen=True, kw_only=True)
class Key(Entry):
    """An item that has keys of `[grid]` to itself.

    `levels` maps each of them to the level that asks for the item. A level that is a table names an
    entry of that key's kind, and its parameters.
    """

    levels: Mapping[str, Any]
    family: str = ""


SRIVASTAVA = (
    "Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov (2014), Dropout: A Simple Way to "
    "Prevent Neural Networks from Overfitting, https://jmlr.org/papers/v15/srivastava14a.html"
)
MIKOLOV = "Mikolov (2012), Statistical Language Models Based on Neural Networks (a thesis)"
PASCANU = (
    "Pascanu, Mikolov & Bengio (2013), On the Difficulty of Training Recurrent Neural Networks, "
    "https://proceedings.mlr.press/v28/pascanu13.html"
)

LAYERS: dict[str, Key] = {
    "linear": Key(
        summary="Hidden layers: linear maps, the size of whose input is inferred at the first "
        "forward pass.",
        formula="h = W x + b, depth times",
        reference=ROSENBLATT,
        torch="torch.nn.LazyLinear",
        aliases=("lazy_linear", "hidden_layers"),
        levels={"depth": 4},
    ),
    "batchnorm_before": Key(
        summary="BatchNorm between the linear map and the activation.",
        formula="h = f(BatchNorm(W x + b))",
        reference=IOFFE,
        torch="torch.nn.LazyBatchNorm1d",
        levels={"norm": {"name": "batchnorm", "position": "before"}},
    ),
    "batchnorm_after": Key(
        summary="BatchNorm behind the activation, where the paper has it before.",
        formula="h = BatchNorm(f(W x + b))",
        reference=IOFFE,
        torch="torch.nn.LazyBatchNorm1d",
        levels={"norm": {"name": "batchnorm", "position": "after"}},
    ),
    "residual": Key(
        summary="Residual connections: a hidden layer's input is added to its output. The paper "
        "spans two layers or more, and adds before the last activation.",
        formula="h = x + f(W x + b), where widths allow",
        reference=HE_RESIDUAL,
        aliases=("skip_connection",),
        levels={"residual": True},
    ),
    "dropout": Key(
        summary="Zeroes a share of the hidden units at random and scales up the rest (inverted "
        "dropout); off at evaluation.",
        formula="h <- h m / (1 - p), m = 0 with probability p, else 1",
        reference=SRIVASTAVA,
        torch="torch.nn.Dropout",
        levels={"dropout": 0.2},
    ),
    "alpha_dropout": Key(
        summary="Dropout for SELU: dropped units go to its negative limit, and mean and variance "
        "are kept.",
        formula="h <- a (h m + h' (1 - m)) + b, h' = -lambda alpha of SELU",
        reference=KLAMBAUER,
        torch="torch.nn.AlphaDropout",
        levels={"dropout": 0.05, "dropout_kind": "alpha"},
    ),
    "training_mode": Key(
        summary="Evaluation as in training, to show what it costs: dropout stays on, and BatchNorm "
        "takes the statistics of a batch of one.",
        formula="h as in training, one example at a time",
        reference="PyTorch, torch.nn.Module.train",
        torch="torch.nn.Module.train",
        levels={"evaluation": "train"},
    ),
}

REGULARISERS: dict[str, Key] = {
    "l1": Key(
        summary="Penalty on the weights' absolute values, biases left out: useless weights go to "
        "zero.",
        formula="loss + l1 sum |w|",
        reference=TIBSHIRANI,
        aliases=("lasso",),
        levels={"l1": 0.001},
    ),
    "l2": Key(
        summary="Weight decay by the gradient: a penalty on squares, which shrinks large weights "
        "most.",
        formula="g <- g + weight_decay p",
        reference="Krogh & Hertz (1992), A Simple Weight Decay Can Improve Generalization, "
        "https://proceedings.neurips.cc/paper/1991/hash/8eefcfdf5990e441f0fb6f3fad709e21-Abstract.html",
        torch="torch.optim.SGD(weight_decay=...)",
        aliases=("ridge", "weight_decay"),
        levels={"weight_decay": 0.01, "decoupled": False},
    ),
    "elastic_net": Key(
        summary="L1 and L2 together: sparse, and even among features that say the same (the "
        "paper's naive form, without its rescaling).",
        formula="loss + l1 sum |w| + weight_decay / 2 sum p^2",
        reference="Zou & Hastie (2005), Regularization and Variable Selection via the Elastic "
        "Net, doi:10.1111/j.1467-9868.2005.00503.x",
        aliases=("elastic",),
        levels={"l1": 0.001, "weight_decay": 0.01},
    ),
    "decoupled_decay": Key(
        summary="Weight decay apart from the gradient, so that an adaptive rate does not divide it "
        "away. As in torch the rate multiplies it, of which the paper takes the schedule alone.",
        formula="p <- (1 - lr weight_decay) p, then the step",
        reference=LOSHCHILOV,
        torch="torch.optim.AdamW",
        aliases=("decoupled",),
        levels={"weight_decay": 0.01, "decoupled": True},
    ),
    "label_smoothing": Key(
        summary="Targets a little less than sure: a share of each is spread over all classes.",
        formula="t <- (1 - s) t + s / classes",
        reference=SZEGEDY,
        torch="torch.nn.CrossEntropyLoss(label_smoothing=...)",
        levels={"loss": {"name": "cross_entropy", "label_smoothing": 0.1}},
    ),
}

GRADIENTS: dict[str, Key] = {
    "one_sample_sgd": Key(
        summary="One example a step: the most steps an epoch, and the noisiest.",
        formula="g = gradient of one example's loss",
        reference=ROBBINS,
        torch="torch.optim.SGD",
        aliases=("one_sample",),
        family="Batches",
        levels={"batch_size": 1},
    ),
    "mini_batch": Key(
        summary="A few examples a step: noise falls with the root of their number.",
        formula="g = mean gradient of batch_size examples",
        reference=ROBBINS,
        torch="torch.optim.SGD",
        family="Batches",
        levels={"batch_size": 8},
    ),
    "full_batch": Key(
        summary="All examples at each step: no noise, and one step an epoch.",
        formula="g = mean gradient of all examples",
        reference=CAUCHY,
        torch="torch.optim.SGD",
        family="Batches",
        levels={"batch_size": 0},
    ),
    "clip_norm": Key(
        summary="Clipping by norm: a network's gradient is shortened to the bound, its direction "
        "kept.",
        formula="g <- g min(1, clip_norm / |g|)",
        reference=PASCANU,
        torch="torch.nn.utils.clip_grad_norm_",
        aliases=("clipping_by_norm",),
        family="Clipping",
        levels={"clip_norm": 1.0},
    ),
    "clip_value": Key(
        summary="Clipping by value: each entry of the gradient on its own, so that its direction "
        "turns.",
        formula="g_i <- min(max(g_i, -clip_value), clip_value)",
        reference=MIKOLOV,
        torch="torch.nn.utils.clip_grad_value_",
        aliases=("clipping_by_value",),
        family="Clipping",
        levels={"clip_value": 0.01},
    ),
}

KEYS: dict[str, dict[str, Key]] = {
    "layer": LAYERS,
    "regulariser": REGULARISERS,
    "gradient": GRADIENTS,
}
