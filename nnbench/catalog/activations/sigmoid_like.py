"""Activations that saturate, most of them on both sides."""

import math

from nnbench.catalog.activations.base import Activation, above, always, below, like
from nnbench.catalog.twin import Twin
from nnbench.catalog.works import HOWARD, LECUN
from nnbench.lazy import Tensor, torch
from nnbench.study.vocabulary import Parameter


def hardtanh(x: Tensor, min_val: Tensor, max_val: Tensor) -> Tensor:
    """x, clipped to [min_val, max_val]; the derivative is 0 at the bounds already."""
    low, high = like(min_val, x), like(max_val, x)
    return torch.where(x <= low, low, torch.where(x >= high, high, x))


SIGMOID_LIKE: dict[str, Activation] = {
    "sigmoid": Activation(
        summary="Logistic function: in (0, 1), slope at most 1/4, saturating on both sides.",
        formula="1 / (1 + exp(-x))",
        reference="Rumelhart, Hinton & Williams (1986), Learning Representations by "
        "Back-propagating Errors, doi:10.1038/323533a0",
        function=lambda x: torch.sigmoid(x),
        twin=Twin("torch.nn.Sigmoid"),
        saturates="both",
        max_slope=0.25,
    ),
    "logsigmoid": Activation(
        summary="Logarithm of the sigmoid: a soft rectifier upside down.",
        formula="ln(1 / (1 + exp(-x)))",
        reference="PyTorch, torch.nn.LogSigmoid",
        function=lambda x: torch.nn.functional.logsigmoid(x),
        twin=Twin("torch.nn.LogSigmoid"),
        saturates="right",
        gain=1.041867,
    ),
    "tanh": Activation(
        summary="Hyperbolic tangent: zero-centred and saturating on both sides (the paper scales "
        "it, 1.7159 tanh(2x/3)).",
        formula="tanh(x)",
        reference=LECUN,
        function=lambda x: torch.tanh(x),
        twin=Twin("torch.nn.Tanh"),
        saturates="both",
        gain=5 / 3,
    ),
    "hardsigmoid": Activation(
        summary="Sigmoid in three straight pieces: cheap.",
        formula="0 if x < -3, 1 if x > 3, else x / 6 + 1/2",
        reference=HOWARD,
        torch="torch.nn.Hardsigmoid",
        function=lambda x: torch.nn.functional.relu6(x + 3) / 6,
        twin=Twin("activations.twins.Hardsigmoid"),
        saturates="both",
        breaks=always(-3.0, 3.0),
        dead_regions=always(below(-3.0), above(3.0)),
        gain=1.897840,
        max_slope=1 / 6,
    ),
    "hardtanh": Activation(
        summary="Tanh in three straight pieces: x, clipped.",
        formula="min(max(x, min_val), max_val)",
        reference="Collobert (2004), Large Scale Machine Learning, "
        "https://ronan.collobert.com/pub/matos/2004_phdthesis_lip6.pdf",
        parameters={
            "min_val": Parameter(-1.0, "least output", low=-1e6, high=0),
            "max_val": Parameter(1.0, "largest output", low=0, high=1e6, open_low=True),
        },
        function=hardtanh,
        twin=Twin("torch.nn.Hardtanh"),
        saturates="both",
        breaks=lambda min_val, max_val: (min_val, max_val),
        dead_regions=lambda min_val, max_val: (below(min_val), above(max_val)),
        gain=1.392036,
    ),
    "erf": Activation(
        summary="The error function: an odd sigmoid for which mean-field integrals are closed.",
        formula="2/sqrt(pi) * integral of exp(-t^2) from 0 to x",
        reference="Williams (1998), Computation with Infinite Neural Networks, "
        "doi:10.1162/089976698300017412",
        torch="torch.erf",
        function=lambda x: torch.erf(x),
        twin=Twin("activations.twins.Erf"),
        saturates="both",
        gain=1.467167,
        max_slope=2 / math.sqrt(math.pi),
    ),
}
