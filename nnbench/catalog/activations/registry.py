"""Activations: what is known about each. The functions are in `activation_functions.py`.

Everything that is said here of slopes, kinks and dead regions is measured by the tests.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nnbench.catalog.activations import functions as rules
from nnbench.catalog.activations.base import Activation, above, always, below
from nnbench.catalog.activations.functions import SELU_ALPHA, SELU_SCALE
from nnbench.lazy import lazy_import
from nnbench.study.vocabulary import Parameter

if TYPE_CHECKING:
    import torch

    from nnbench.catalog.activations import twins as twins
else:
    torch = lazy_import("torch", globals())
    twins = lazy_import("nnbench.catalog.activations.twins", globals(), "twins")


def _module(name: str, **fixed: Any) -> Callable[..., torch.nn.Module]:
    """Return a maker of `torch.nn.<name>`, found when it is called: torch is not imported yet."""

    def make(**parameters: Any) -> torch.nn.Module:
        return getattr(torch.nn, name)(**fixed, **parameters)

    return make


def _twin(name: str) -> Callable[..., torch.nn.Module]:
    """Return a maker of a module of `activation_twins.py`, which imports torch."""

    def make(*arguments: Any, **parameters: Any) -> torch.nn.Module:
        return getattr(twins, name)(*arguments, **parameters)

    return make


AT_ZERO = always(0.0)
NEGATIVE = always(below(0.0))
LAMBDA = Parameter(0.5, "half the width of the flat middle", low=0, high=1e6)
LECUN = "LeCun, Bottou, Orr & Müller (1998), Efficient BackProp"
NAIR = "Nair & Hinton (2010), Rectified Linear Units Improve Restricted Boltzmann Machines"
MCCULLOCH = "McCulloch & Pitts (1943), A Logical Calculus of the Ideas Immanent in Nervous Activity"
DONOHO = "Donoho & Johnstone (1994), Ideal Spatial Adaptation by Wavelet Shrinkage"
BRIDLE = "Bridle (1990), Probabilistic Interpretation of Feedforward Classification Network Outputs"
HENDRYCKS = "Hendrycks & Gimpel (2016), Gaussian Error Linear Units"

ACTIVATIONS: dict[str, Activation] = {
    "identity": Activation(
        summary="No activation: depth adds nothing to a linear model.",
        formula="x",
        reference="(definition)",
        torch="torch.nn.Identity",
        family="none",
        function=rules.identity,
        twin=_module("Identity"),
    ),
    "threshold": Activation(
        summary="Passes what is above a threshold, and a fixed value elsewhere.",
        formula="x if x > threshold else value",
        reference="PyTorch, torch.nn.Threshold",
        torch="torch.nn.Threshold",
        parameters={
            "threshold": Parameter(0.0, "from where on x passes", low=-1e6, high=1e6),
            "value": Parameter(0.0, "output elsewhere", low=-1e6, high=1e6),
        },
        family="threshold-like",
        function=rules.threshold,
        twin=_module("Threshold"),
        saturates="left",
        breaks=lambda threshold, value: (threshold,),
        dead_regions=lambda threshold, value: (below(threshold),),
        gain=math.sqrt(2),
    ),
    "heaviside": Activation(
        summary="The step of the first perceptrons: no derivative that could teach anything.",
        formula="1 if x > 0 else 0",
        reference=MCCULLOCH,
        torch="torch.heaviside",
        aliases=("step",),
        family="threshold-like",
        function=rules.heaviside,
        twin=_twin("Heaviside"),
        saturates="both",
        breaks=AT_ZERO,
        dead_regions=always(below(0.0), above(0.0)),
        gain=math.sqrt(2),
        max_slope=0.0,
    ),
    "sign": Activation(
        summary="The step from -1 to 1: no derivative that could teach anything.",
        formula="-1, 0 or 1",
        reference="Rosenblatt (1958), The Perceptron",
        torch="torch.sign",
        family="threshold-like",
        function=rules.sign,
        twin=_twin("Sign"),
        saturates="both",
        breaks=AT_ZERO,
        dead_regions=always(below(0.0), above(0.0)),
        max_slope=0.0,
    ),
    "softsign": Activation(
        summary="Saturates on both sides as tanh does, but slowly: by 1/x^2.",
        formula="x / (1 + |x|)",
        reference="Turian, Bergstra & Bengio (2009), Quadratic Features and Deep Architectures for "
        "Chunking",
        torch="torch.nn.Softsign",
        family="threshold-like",
        function=rules.softsign,
        twin=_twin("Softsign"),
        saturates="both",
        breaks=AT_ZERO,
        gain=2.337533,
    ),
    "tanhshrink": Activation(
        summary="What tanh leaves of x: flat at zero, a line far away.",
        formula="x - tanh(x)",
        reference="PyTorch, torch.nn.Tanhshrink",
        torch="torch.nn.Tanhshrink",
        family="threshold-like",
        function=rules.tanhshrink,
        twin=_module("Tanhshrink"),
        gain=2.338368,
    ),
    "softshrink": Activation(
        summary="Moves x towards zero by lambda, and kills what is nearer.",
        formula="x - lambd if x > lambd, x + lambd if x < -lambd, else 0",
        reference=DONOHO,
        torch="torch.nn.Softshrink",
        parameters={"lambd": LAMBDA},
        family="threshold-like",
        function=rules.softshrink,
        twin=_module("Softshrink"),
        breaks=lambda lambd: (-lambd, lambd),
        dead_regions=lambda lambd: ((-lambd, lambd),) if lambd > 0 else (),
        gain=1.544361,
    ),
    "hardshrink": Activation(
        summary="Passes x as it is, but kills what is nearer to zero than lambda.",
        formula="x if |x| > lambd else 0",
        reference=DONOHO,
        torch="torch.nn.Hardshrink",
        parameters={"lambd": LAMBDA},
        family="threshold-like",
        function=rules.hardshrink,
        twin=_module("Hardshrink"),
        breaks=lambda lambd: (-lambd, lambd),
        dead_regions=lambda lambd: ((-lambd, lambd),) if lambd > 0 else (),
        gain=1.015797,
    ),
    "sigmoid": Activation(
        summary="Logistic function: in (0, 1), slope at most 1/4, saturating on both sides.",
        formula="1 / (1 + exp(-x))",
        reference="Rumelhart, Hinton & Williams (1986), Learning Representations by "
        "Back-propagating Errors",
        torch="torch.nn.Sigmoid",
        family="sigmoid-like",
        function=rules.sigmoid,
        twin=_module("Sigmoid"),
        saturates="both",
        max_slope=0.25,
    ),
    "logsigmoid": Activation(
        summary="Logarithm of the sigmoid: a soft rectifier upside down.",
        formula="ln(1 / (1 + exp(-x)))",
        reference="PyTorch, torch.nn.LogSigmoid",
        torch="torch.nn.LogSigmoid",
        family="sigmoid-like",
        function=rules.logsigmoid,
        twin=_module("LogSigmoid"),
        saturates="right",
        gain=1.041867,
    ),
    "tanh": Activation(
        summary="Hyperbolic tangent: zero-centred and saturating on both sides.",
        formula="tanh(x)",
        reference=LECUN,
        torch="torch.nn.Tanh",
        family="sigmoid-like",
        function=rules.tanh,
        twin=_module("Tanh"),
        saturates="both",
        gain=5 / 3,
    ),
    "hardsigmoid": Activation(
        summary="Sigmoid in three straight pieces: cheap.",
        formula="0 if x < -3, 1 if x > 3, else x / 6 + 1/2",
        reference="Courbariaux, Bengio & David (2015), BinaryConnect",
        torch="torch.nn.Hardsigmoid",
        family="sigmoid-like",
        function=rules.hardsigmoid,
        twin=_twin("Hardsigmoid"),
        saturates="both",
        breaks=always(-3.0, 3.0),
        dead_regions=always(below(-3.0), above(3.0)),
        gain=1.897840,
        max_slope=1 / 6,
    ),
    "hardtanh": Activation(
        summary="Tanh in three straight pieces: x, clipped.",
        formula="min(max(x, min_val), max_val)",
        reference="Collobert (2004), Large Scale Machine Learning",
        torch="torch.nn.Hardtanh",
        parameters={
            "min_val": Parameter(-1.0, "least output", low=-1e6, high=0),
            "max_val": Parameter(1.0, "largest output", low=0, high=1e6, open_low=True),
        },
        family="sigmoid-like",
        function=rules.hardtanh,
        twin=_module("Hardtanh"),
        saturates="both",
        breaks=lambda min_val, max_val: (min_val, max_val),
        dead_regions=lambda min_val, max_val: (below(min_val), above(max_val)),
        gain=1.392036,
    ),
    "erf": Activation(
        summary="The error function: an odd sigmoid for which mean-field integrals are closed.",
        formula="2/sqrt(pi) * integral of exp(-t^2) from 0 to x",
        reference="Williams (1998), Computation with Infinite Neural Networks",
        torch="torch.erf",
        family="sigmoid-like",
        function=rules.erf,
        twin=_twin("Erf"),
        saturates="both",
        gain=1.467167,
        max_slope=2 / math.sqrt(math.pi),
    ),
    "relu": Activation(
        summary="Rectifier: passes what is positive.",
        formula="max(0, x)",
        reference=NAIR,
        torch="torch.nn.ReLU",
        family="relu-like",
        function=rules.relu,
        twin=_module("ReLU"),
        saturates="left",
        breaks=AT_ZERO,
        dead_regions=NEGATIVE,
        gain=math.sqrt(2),
    ),
    "prelu": Activation(
        summary="Rectifier whose slope below zero is learned.",
        formula="x if x > 0 else a * x, a learned, 0.25 at the start",
        reference="He, Zhang, Ren & Sun (2015), Delving Deep into Rectifiers",
        torch="torch.nn.PReLU",
        family="relu-like",
        function=rules.prelu,
        twin=_module("PReLU"),
        learned={"slope": 0.25},
        breaks=AT_ZERO,
        gain=math.sqrt(2 / (1 + 0.25**2)),
    ),
    "leaky_relu": Activation(
        summary="Rectifier with a small slope below zero, so that no unit can die.",
        formula="x if x > 0 else negative_slope * x",
        reference="Maas, Hannun & Ng (2013), Rectifier Nonlinearities Improve Neural Network "
        "Acoustic Models",
        torch="torch.nn.LeakyReLU",
        parameters={"negative_slope": Parameter(0.01, "slope below zero", low=0, high=10)},
        family="relu-like",
        function=rules.leaky_relu,
        twin=_module("LeakyReLU"),
        breaks=AT_ZERO,
        dead_regions=lambda negative_slope: (below(0.0),) if negative_slope == 0 else (),
        gain=math.sqrt(2 / (1 + 0.01**2)),
    ),
    "relu6": Activation(
        summary="Rectifier that is cut off at 6, for arithmetic of few bits.",
        formula="min(max(0, x), 6)",
        reference="Krizhevsky (2010), Convolutional Deep Belief Networks on CIFAR-10",
        torch="torch.nn.ReLU6",
        family="relu-like",
        function=rules.relu6,
        twin=_module("ReLU6"),
        saturates="both",
        breaks=always(0.0, 6.0),
        dead_regions=always(below(0.0), above(6.0)),
        gain=math.sqrt(2),
    ),
    "rrelu": Activation(
        summary="Rectifier whose slope below zero is random in training and its mean afterwards.",
        formula="x if x > 0 else a * x, a ~ U(lower, upper) anew for each element and step",
        reference="Xu, Wang, Chen & Li (2015), Empirical Evaluation of Rectified Activations in "
        "Convolutional Network",
        torch="torch.nn.RReLU",
        parameters={
            "lower": Parameter(1 / 8, "least slope below zero", low=0, high=10),
            "upper": Parameter(1 / 3, "largest slope below zero", low=0, high=10),
        },
        family="relu-like",
        function=rules.rrelu,
        twin=_twin("GivenRReLU"),
        breaks=AT_ZERO,
        dead_regions=lambda lower, upper: (below(0.0),) if lower == upper == 0 else (),
        gain=1.376117,
        random=True,
    ),
    "relu_squared": Activation(
        summary="Square of the rectifier: no kink, and a slope that grows without bound.",
        formula="max(0, x)^2",
        reference="So, Mańke, Liu, Dai, Shazeer & Le (2021), Primer: Searching for Efficient "
        "Transformers for Language Modeling",
        family="relu-like",
        function=rules.relu_squared,
        twin=_twin("SquaredReLU"),
        saturates="left",
        breaks=AT_ZERO,
        dead_regions=NEGATIVE,
        gain=math.sqrt(2 / 3),
        max_slope=2.0,
    ),
    "softplus": Activation(
        summary="Smooth rectifier: the integral of the sigmoid.",
        formula="ln(1 + exp(beta * x)) / beta",
        reference="Dugas, Bengio, Bélisle, Nadeau & Garcia (2001), Incorporating Second-Order "
        "Functional Knowledge for Better Option Pricing",
        torch="torch.nn.Softplus",
        parameters={"beta": Parameter(1.0, "sharpness", low=0, open_low=True, high=1000)},
        family="relu-like",
        function=rules.softplus,
        # torch turns linear above beta x = 20, 2e-9 away from the formula; above 40 nobody can tell
        twin=_module("Softplus", threshold=40.0),
        saturates="left",
        gain=1.041867,
    ),
    "gelu": Activation(
        summary="Weighs x by the share of a normal distribution that lies below it.",
        formula="x * Phi(x)",
        reference=HENDRYCKS,
        torch="torch.nn.GELU",
        family="relu-like",
        function=rules.gelu,
        twin=_module("GELU"),
        saturates="left",
        gain=1.533530,
        max_slope=1.128904,
    ),
    "gelu_tanh": Activation(
        summary="GELU by a tanh, within 0.0005 of it: the form of GPT-2.",
        formula="0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))",
        reference=HENDRYCKS,
        torch="torch.nn.GELU(approximate='tanh')",
        family="relu-like",
        function=rules.gelu_tanh,
        twin=_module("GELU", approximate="tanh"),
        saturates="left",
        gain=1.533581,
        max_slope=1.128993,
    ),
    "swish": Activation(
        summary="x times its own sigmoid: a smooth rectifier with a dip below zero.",
        formula="x * sigmoid(x)",
        reference="Ramachandran, Zoph & Le (2017), Searching for Activation Functions",
        torch="torch.nn.SiLU",
        aliases=("silu",),
        family="relu-like",
        function=rules.swish,
        twin=_module("SiLU"),
        saturates="left",
        gain=1.676532,
        max_slope=1.099839,
    ),
    "hardswish": Activation(
        summary="Swish with the hard sigmoid: cheap.",
        formula="x * min(max(0, x + 3), 6) / 6",
        reference="Howard et al. (2019), Searching for MobileNetV3",
        torch="torch.nn.Hardswish",
        family="relu-like",
        function=rules.hardswish,
        twin=_module("Hardswish"),
        saturates="left",
        breaks=always(-3.0, 3.0),
        dead_regions=always(below(-3.0)),
        gain=1.736657,
        max_slope=1.5,
    ),
    "mish": Activation(
        summary="x times the tanh of its softplus: swish's close relative.",
        formula="x * tanh(ln(1 + exp(x)))",
        reference="Misra (2020), Mish: A Self Regularized Non-Monotonic Activation Function",
        torch="torch.nn.Mish",
        family="relu-like",
        function=rules.mish,
        twin=_module("Mish"),
        saturates="left",
        gain=1.486848,
        max_slope=1.088498,
    ),
    "elu": Activation(
        summary="Exponential below zero: negative outputs centre the mean, and no unit dies fast.",
        formula="x if x > 0 else alpha * (exp(x) - 1)",
        reference="Clevert, Unterthiner & Hochreiter (2016), Fast and Accurate Deep Network "
        "Learning by Exponential Linear Units",
        torch="torch.nn.ELU",
        parameters={"alpha": Parameter(1.0, "limit at minus infinity, negated", low=0, high=100)},
        family="elu-like",
        function=rules.elu,
        twin=_module("ELU"),
        saturates="left",
        breaks=AT_ZERO,
        dead_regions=lambda alpha: (below(0.0),) if alpha == 0 else (),
        gain=1.245198,
    ),
    "selu": Activation(
        summary="ELU with the two constants that keep mean 0 and variance 1 through depth.",
        formula=f"lambda * (x if x > 0 else alpha * (exp(x) - 1)), alpha = {SELU_ALPHA:.4f}, "
        f"lambda = {SELU_SCALE:.4f}",
        reference="Klambauer, Unterthiner, Mayr & Hochreiter (2017), Self-Normalizing Neural "
        "Networks",
        torch="torch.nn.SELU",
        family="elu-like",
        function=rules.selu,
        twin=_module("SELU"),
        saturates="left",
        breaks=AT_ZERO,
        gain=0.75,
        max_slope=SELU_ALPHA * SELU_SCALE,
    ),
    "celu": Activation(
        summary="ELU whose exponent is scaled too, so that it is smooth for every alpha.",
        formula="x if x > 0 else alpha * (exp(x / alpha) - 1)",
        reference="Barron (2017), Continuously Differentiable Exponential Linear Units",
        torch="torch.nn.CELU",
        parameters={
            "alpha": Parameter(
                1.0, "limit at minus infinity, negated", low=0, high=100, open_low=True
            )
        },
        family="elu-like",
        function=rules.celu,
        twin=_twin("CELU"),
        saturates="left",
        breaks=AT_ZERO,
        gain=1.245198,
    ),
    "sine": Activation(
        summary="Periodic: fits waves; its slope never settles.",
        formula="sin(omega * x)",
        reference="Sitzmann, Martel, Bergman, Lindell & Wetzstein (2020), Implicit Neural "
        "Representations with Periodic Activation Functions",
        torch="torch.sin",
        parameters={"omega": Parameter(1.0, "frequency", low=0, high=1000, open_low=True)},
        family="periodic",
        function=rules.sine,
        twin=_twin("Sine"),
        gain=1.520867,
    ),
    "snake": Activation(
        summary="A line with waves on it: learns periodic functions and extrapolates them.",
        formula="x + sin(a * x)^2 / a",
        reference="Ziyin, Hartwig & Ueda (2020), Neural Networks Fail to Learn Periodic Functions "
        "and How to Fix It",
        parameters={"a": Parameter(1.0, "frequency", low=0, high=1000, open_low=True)},
        family="periodic",
        function=rules.snake,
        twin=_twin("Snake"),
        gain=0.874581,
        max_slope=2.0,
    ),
    "softmax": Activation(
        summary="Shares that sum to one over the units: as a hidden layer, a bottleneck.",
        formula="exp(x_i) / sum_j exp(x_j)",
        reference=BRIDLE,
        torch="torch.nn.Softmax(dim=-1)",
        family="softmax-like",
        function=rules.softmax,
        twin=_module("Softmax", dim=-1),
        saturates="both",
        max_slope=0.5,
        elementwise=False,
    ),
    "logsoftmax": Activation(
        summary="Logarithm of the softmax: every unit feels every other.",
        formula="x_i - ln sum_j exp(x_j)",
        reference=BRIDLE,
        torch="torch.nn.LogSoftmax(dim=-1)",
        family="softmax-like",
        function=rules.logsoftmax,
        twin=_module("LogSoftmax", dim=-1),
        max_slope=math.inf,  # it grows with the number of units
        elementwise=False,
    ),
    "softmin": Activation(
        summary="Softmax of -x: the smallest takes the largest share.",
        formula="exp(-x_i) / sum_j exp(-x_j)",
        reference=BRIDLE,
        torch="torch.nn.Softmin(dim=-1)",
        family="softmax-like",
        function=rules.softmin,
        twin=_module("Softmin", dim=-1),
        saturates="both",
        max_slope=0.5,
        elementwise=False,
    ),
}
