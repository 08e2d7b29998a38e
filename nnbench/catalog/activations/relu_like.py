"""Activations that pass what is positive and dampen what is not: rectifiers, hard and soft."""

import math

from nnbench.catalog.activations.base import (
    AT_ZERO,
    NEGATIVE,
    Activation,
    above,
    always,
    below,
)
from nnbench.catalog.twin import Twin
from nnbench.catalog.works import HE_RECTIFIERS, HOWARD
from nnbench.lazy import Tensor, torch
from nnbench.study.vocabulary import Parameter


def rrelu(x: Tensor, noise: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
    """x above 0, slope x below; the slope is lower + (upper - lower) noise, one for each element.

    `noise` is uniform on [0, 1) in training and 1/2 at evaluation, which gives the mean slope.
    """
    return torch.where(x > 0, x, (lower + (upper - lower) * noise) * x)


def squareplus(x: Tensor, b: Tensor) -> Tensor:
    """(x + sqrt(x^2 + b)) / 2, on the left as b / 4 over its mirror image: no difference of equals.

    The root is the hypotenuse, which does not overflow where the square would.
    """
    larger = (torch.where(x > 0, x, -x) + torch.hypot(x, torch.ones_like(x) * b**0.5)) / 2
    return torch.where(x > 0, larger, b / 4 / larger)


HENDRYCKS = "Hendrycks & Gimpel (2016), Gaussian Error Linear Units, arXiv:1606.08415"

RELU_LIKE: dict[str, Activation] = {
    "relu": Activation(
        summary="Rectifier: passes positive inputs, zero otherwise.",
        formula="max(0, x)",
        reference="Nair & Hinton (2010), Rectified Linear Units Improve Restricted Boltzmann "
        "Machines, https://icml.cc/Conferences/2010/papers/432.pdf",
        function=lambda x: torch.relu(x),
        twin=Twin("torch.nn.ReLU"),
        saturates="left",
        breaks=AT_ZERO,
        dead_regions=NEGATIVE,
        gain=math.sqrt(2),
    ),
    "prelu": Activation(
        summary="Rectifier whose slope below zero is learned.",
        formula="x if x > 0 else a * x, a learned, 0.25 at the start",
        reference=HE_RECTIFIERS,
        function=lambda x, slope: torch.where(x > 0, x, slope * x),
        twin=Twin("torch.nn.PReLU"),
        learned={"slope": 0.25},
        breaks=AT_ZERO,
        gain=math.sqrt(2 / (1 + 0.25**2)),
    ),
    "leaky_relu": Activation(
        summary="Rectifier with a small slope below zero, so that no unit can die.",
        formula="x if x > 0 else negative_slope * x",
        reference="Maas, Hannun & Ng (2013), Rectifier Nonlinearities Improve Neural Network "
        "Acoustic Models, https://ai.stanford.edu/~amaas/papers/relu_hybrid_icml2013_final.pdf",
        parameters={"negative_slope": Parameter(0.01, "slope below zero", low=0, high=10)},
        function=lambda x, negative_slope: torch.where(x > 0, x, negative_slope * x),
        twin=Twin("torch.nn.LeakyReLU"),
        breaks=AT_ZERO,
        dead_regions=lambda negative_slope: (below(0.0),) if negative_slope == 0 else (),
        gain=math.sqrt(2 / (1 + 0.01**2)),
    ),
    "relu6": Activation(
        summary="Rectifier that is cut off at 6, for arithmetic of few bits.",
        formula="min(max(0, x), 6)",
        reference="Krizhevsky (2010), Convolutional Deep Belief Networks on CIFAR-10, "
        "https://www.cs.toronto.edu/~kriz/conv-cifar10-aug2010.pdf",
        function=lambda x: torch.nn.functional.relu6(x),
        twin=Twin("torch.nn.ReLU6"),
        saturates="both",
        breaks=always(0.0, 6.0),
        dead_regions=always(below(0.0), above(6.0)),
        gain=math.sqrt(2),
    ),
    "rrelu": Activation(
        summary="Rectifier whose slope below zero is random in training and its mean afterwards "
        "(torch's law; in the paper it is the slope's inverse that is uniform).",
        formula="x if x > 0 else a * x, a ~ U(lower, upper) anew for each element and step",
        reference="Xu, Wang, Chen & Li (2015), Empirical Evaluation of Rectified Activations in "
        "Convolutional Network, arXiv:1505.00853",
        torch="torch.nn.RReLU",
        parameters={
            "lower": Parameter(1 / 8, "least slope below zero", low=0, high=10),
            "upper": Parameter(1 / 3, "largest slope below zero", low=0, high=10),
        },
        function=rrelu,
        twin=Twin("activations.twins.GivenRReLU"),
        breaks=AT_ZERO,
        dead_regions=lambda lower, upper: (below(0.0),) if lower == upper == 0 else (),
        gain=1.376117,
        random=True,
    ),
    "relu_squared": Activation(
        summary="Square of the rectifier: no kink, and a slope that grows without bound.",
        formula="max(0, x)^2",
        reference="So, Mańke, Liu, Dai, Shazeer & Le (2021), Primer: Searching for Efficient "
        "Transformers for Language Modeling, arXiv:2109.08668",
        function=lambda x: torch.relu(x).square(),
        twin=Twin("activations.twins.SquaredReLU"),
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
        "Functional Knowledge for Better Option Pricing, "
        "https://proceedings.neurips.cc/paper/2000/hash/44968aece94f667e4095002d140b5896-Abstract.html",
        parameters={"beta": Parameter(1.0, "sharpness", low=0, open_low=True, high=1000)},
        function=lambda x, beta: torch.logaddexp(beta * x, torch.zeros_like(x)) / beta,
        # torch turns linear above beta x = 20, 2e-9 away from the formula; above 40 nobody can tell
        twin=Twin("torch.nn.Softplus", threshold=40.0),
        saturates="left",
        gain=1.041867,
    ),
    "gelu": Activation(
        summary="Weighs x by the share of a normal distribution that lies below it.",
        formula="x * Phi(x)",
        reference=HENDRYCKS,
        function=lambda x: torch.nn.functional.gelu(x),
        twin=Twin("torch.nn.GELU"),
        saturates="left",
        gain=1.533530,
        max_slope=1.128904,
    ),
    "gelu_tanh": Activation(
        summary="GELU by a tanh, within 0.0005 of it: the form of GPT-2.",
        formula="0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))",
        reference=HENDRYCKS,
        function=lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
        twin=Twin("torch.nn.GELU", approximate="tanh"),
        saturates="left",
        gain=1.533581,
        max_slope=1.128993,
    ),
    "swish": Activation(
        summary="x times its own sigmoid: a smooth rectifier with a dip below zero.",
        formula="x * sigmoid(x)",
        reference="Ramachandran, Zoph & Le (2017), Searching for Activation Functions, "
        "arXiv:1710.05941",
        aliases=("silu",),
        function=lambda x: torch.nn.functional.silu(x),
        twin=Twin("torch.nn.SiLU"),
        saturates="left",
        gain=1.676532,
        max_slope=1.099839,
    ),
    "hardswish": Activation(
        summary="Swish with the hard sigmoid: cheap.",
        formula="x * min(max(0, x + 3), 6) / 6",
        reference=HOWARD,
        function=lambda x: torch.nn.functional.hardswish(x),
        twin=Twin("torch.nn.Hardswish"),
        saturates="left",
        breaks=always(-3.0, 3.0),
        dead_regions=always(below(-3.0)),
        gain=1.736657,
        max_slope=1.5,
    ),
    "mish": Activation(
        summary="x times the tanh of its softplus: swish's close relative.",
        formula="x * tanh(ln(1 + exp(x)))",
        reference="Misra (2020), Mish: A Self Regularized Non-Monotonic Activation Function, "
        "arXiv:1908.08681",
        function=lambda x: torch.nn.functional.mish(x),
        twin=Twin("torch.nn.Mish"),
        saturates="left",
        gain=1.486848,
        max_slope=1.088498,
    ),
    "squareplus": Activation(
        summary="A smooth rectifier without exponentials.",
        formula="(x + sqrt(x^2 + b)) / 2",
        reference="Barron (2021), Squareplus: A Softplus-Like Algebraic Rectifier, "
        "arXiv:2112.11687",
        parameters={"b": Parameter(4.0, "width of the bend", low=0, open_low=True, high=1e6)},
        function=squareplus,
        twin=Twin("activations.twins.Squareplus"),
        saturates="left",
        gain=0.816497,
    ),
}
