"""Activations of no large family: none at all, periodic ones, and those of a whole layer."""

import math

from nnbench.catalog.activations.base import Activation
from nnbench.catalog.twin import Twin
from nnbench.catalog.works import BRIDLE
from nnbench.lazy import torch
from nnbench.study.vocabulary import Parameter

NONE: dict[str, Activation] = {
    "identity": Activation(
        summary="No activation: depth adds nothing to a linear model.",
        formula="x",
        reference="PyTorch, torch.nn.Identity",
        function=lambda x: x,
        twin=Twin("torch.nn.Identity"),
    ),
}

PERIODIC: dict[str, Activation] = {
    "sine": Activation(
        summary="Periodic: fits waves; its slope keeps oscillating (the paper: omega = 30).",
        formula="sin(omega * x)",
        reference="Sitzmann, Martel, Bergman, Lindell & Wetzstein (2020), Implicit Neural "
        "Representations with Periodic Activation Functions, arXiv:2006.09661",
        torch="torch.sin",
        parameters={"omega": Parameter(1.0, "frequency", low=0, high=1000, open_low=True)},
        function=lambda x, omega: torch.sin(omega * x),
        twin=Twin("activations.twins.Sine"),
        gain=1.520867,
    ),
    "snake": Activation(
        summary="A line with waves on it: learns periodic functions and extrapolates them.",
        formula="x + sin(a * x)^2 / a",
        reference="Ziyin, Hartwig & Ueda (2020), Neural Networks Fail to Learn Periodic Functions "
        "and How to Fix It, arXiv:2006.08195",
        parameters={"a": Parameter(1.0, "frequency", low=0, high=1000, open_low=True)},
        function=lambda x, a: x + torch.sin(a * x).square() / a,
        twin=Twin("activations.twins.Snake"),
        gain=0.874581,
        max_slope=2.0,
    ),
}

SOFTMAX_LIKE: dict[str, Activation] = {
    "softmax": Activation(
        summary="Outputs that sum to one over the units: as a hidden layer, a bottleneck.",
        formula="exp(x_i) / sum_j exp(x_j)",
        reference=BRIDLE,
        function=lambda x: torch.softmax(x, -1),
        twin=Twin("torch.nn.Softmax", dim=-1),
        saturates="both",
        max_slope=0.5,
        elementwise=False,
    ),
    "logsoftmax": Activation(
        summary="Logarithm of the softmax: every unit feels every other.",
        formula="x_i - ln sum_j exp(x_j)",
        reference=BRIDLE,
        function=lambda x: torch.log_softmax(x, -1),
        twin=Twin("torch.nn.LogSoftmax", dim=-1),
        max_slope=math.inf,  # it grows with the number of units
        elementwise=False,
    ),
    "softmin": Activation(
        summary="Softmax of -x: the smallest takes the largest share.",
        formula="exp(-x_i) / sum_j exp(-x_j)",
        reference=BRIDLE,
        function=lambda x: torch.softmax(-x, -1),
        twin=Twin("torch.nn.Softmin", dim=-1),
        saturates="both",
        max_slope=0.5,
        elementwise=False,
    ),
}
