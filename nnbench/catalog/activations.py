"""Activations: plain functions of the pre-activation, and what is known about each.

A function takes `x` (..., units), its parameters as keywords (0-dimensional tensors, so that
networks of one stack may differ in them) and, where it has any, its learned numbers.
No function mixes two branches with a mask that could hide a NaN: a NaN goes in, a NaN comes out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nnbench.vocabulary import Entry, Parameter
from nnbench.lazy import lazy_import

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = lazy_import("torch", globals())

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


@dataclass(frozen=True, kw_only=True)
class Activation(Entry):
    """An activation function.

    `learned` names the numbers that training adjusts, one of each per layer, with their start.
    `saturates` is the side on which the derivative goes to zero: none, left, right or both.
    `can_die` says whether a unit can be constant, with no gradient, over any bounded data set.
    `gain` is torch's recommended factor on 1/sqrt(fan_in), where torch has one.
    """

    function: Callable[..., Tensor]
    twin: Callable[..., torch.nn.Module]
    learned: Mapping[str, float] = field(default_factory=dict)
    saturates: str = "none"
    can_die: bool = False
    gain: float = 1.0
    elementwise: bool = True


def identity(x: Tensor) -> Tensor:
    """x: a stack of linear layers with it is one linear map."""
    return x


def relu(x: Tensor) -> Tensor:
    """max(0, x), with derivative 0 at 0, as in torch."""
    return torch.relu(x)


def leaky_relu(x: Tensor, negative_slope: Tensor) -> Tensor:
    """x above 0, negative_slope x below."""
    return torch.where(x > 0, x, negative_slope * x)


def prelu(x: Tensor, slope: Tensor) -> Tensor:
    """x above 0, slope x below; the slope is learned, one for a layer."""
    return torch.where(x > 0, x, slope * x)


def elu(x: Tensor, alpha: Tensor) -> Tensor:
    """x above 0, alpha (e^x - 1) below."""
    # the clamp keeps e^x finite where its branch is not taken: inf * 0 would be a NaN gradient
    return torch.where(x > 0, x, alpha * torch.expm1(x.clamp(max=0)))


def selu(x: Tensor) -> Tensor:
    """lambda (x above 0, alpha (e^x - 1) below), with the two constants of the paper."""
    return torch.nn.functional.selu(x)


def gelu(x: Tensor) -> Tensor:
    """x Phi(x), Phi the standard normal distribution function."""
    return torch.nn.functional.gelu(x)


def swish(x: Tensor) -> Tensor:
    """x sigmoid(x)."""
    return torch.nn.functional.silu(x)


def tanh(x: Tensor) -> Tensor:
    """(e^x - e^-x) / (e^x + e^-x)."""
    return torch.tanh(x)


def sigmoid(x: Tensor) -> Tensor:
    """1 / (1 + e^-x)."""
    return torch.sigmoid(x)


def softplus(x: Tensor, beta: Tensor) -> Tensor:
    """ln(1 + e^(beta x)) / beta, written so that it cannot overflow."""
    return torch.logaddexp(beta * x, torch.zeros_like(x)) / beta


def _module(name: str) -> Callable[..., torch.nn.Module]:
    """Return a maker of `torch.nn.<name>`, found when it is called: torch is not imported yet."""

    def make(**parameters: Any) -> torch.nn.Module:
        return getattr(torch.nn, name)(**parameters)  # type: ignore[no-any-return]

    return make


ACTIVATIONS: dict[str, Activation] = {
    "identity": Activation(
        summary="No activation: depth adds nothing to a linear model.",
        formula="x",
        reference="(definition)",
        torch="torch.nn.Identity",
        function=identity,
        twin=_module("Identity"),
    ),
    "relu": Activation(
        summary="Rectifier: passes what is positive.",
        formula="max(0, x)",
        reference="Nair & Hinton (2010), Rectified Linear Units Improve Restricted Boltzmann "
        "Machines",
        torch="torch.nn.ReLU",
        function=relu,
        twin=_module("ReLU"),
        saturates="left",
        can_die=True,
        gain=math.sqrt(2),
    ),
    "leaky_relu": Activation(
        summary="Rectifier with a small slope below zero, so that no unit can die.",
        formula="x if x > 0 else negative_slope * x",
        reference="Maas, Hannun & Ng (2013), Rectifier Nonlinearities Improve Neural Network "
        "Acoustic Models",
        torch="torch.nn.LeakyReLU",
        parameters={"negative_slope": Parameter(0.01, "slope below zero", low=0, high=10)},
        function=leaky_relu,
        twin=_module("LeakyReLU"),
        gain=math.sqrt(2 / (1 + 0.01**2)),
    ),
    "prelu": Activation(
        summary="Rectifier whose slope below zero is learned.",
        formula="x if x > 0 else a * x, a learned, 0.25 at the start",
        reference="He, Zhang, Ren & Sun (2015), Delving Deep into Rectifiers",
        torch="torch.nn.PReLU",
        function=prelu,
        twin=_module("PReLU"),
        learned={"slope": 0.25},
        gain=math.sqrt(2 / (1 + 0.25**2)),
    ),
    "elu": Activation(
        summary="Exponential below zero: negative outputs centre the mean, and no unit dies fast.",
        formula="x if x > 0 else alpha * (exp(x) - 1)",
        reference="Clevert, Unterthiner & Hochreiter (2016), Fast and Accurate Deep Network "
        "Learning by Exponential Linear Units",
        torch="torch.nn.ELU",
        parameters={"alpha": Parameter(1.0, "limit at minus infinity, negated", low=0, high=100)},
        function=elu,
        twin=_module("ELU"),
        saturates="left",
    ),
    "selu": Activation(
        summary="ELU with the two constants that keep mean 0 and variance 1 through depth.",
        formula=f"lambda * (x if x > 0 else alpha * (exp(x) - 1)), alpha = {SELU_ALPHA:.4f}, "
        f"lambda = {SELU_SCALE:.4f}",
        reference="Klambauer, Unterthiner, Mayr & Hochreiter (2017), Self-Normalizing Neural "
        "Networks",
        torch="torch.nn.SELU",
        function=selu,
        twin=_module("SELU"),
        saturates="left",
        gain=0.75,
    ),
    "gelu": Activation(
        summary="Weighs x by the share of a normal distribution that lies below it.",
        formula="x * Phi(x)",
        reference="Hendrycks & Gimpel (2016), Gaussian Error Linear Units",
        torch="torch.nn.GELU",
        function=gelu,
        twin=_module("GELU"),
        saturates="left",
    ),
    "swish": Activation(
        summary="x times its own sigmoid: a smooth rectifier with a dip below zero.",
        formula="x * sigmoid(x)",
        reference="Ramachandran, Zoph & Le (2017), Searching for Activation Functions",
        torch="torch.nn.SiLU",
        aliases=("silu",),
        function=swish,
        twin=_module("SiLU"),
        saturates="left",
    ),
    "tanh": Activation(
        summary="Hyperbolic tangent: zero-centred and saturating on both sides.",
        formula="tanh(x)",
        reference="LeCun, Bottou, Orr & Müller (1998), Efficient BackProp",
        torch="torch.nn.Tanh",
        function=tanh,
        twin=_module("Tanh"),
        saturates="both",
        gain=5 / 3,
    ),
    "sigmoid": Activation(
        summary="Logistic function: in (0, 1), slope at most 1/4, saturating on both sides.",
        formula="1 / (1 + exp(-x))",
        reference="Rumelhart, Hinton & Williams (1986), Learning Representations by "
        "Back-propagating Errors",
        torch="torch.nn.Sigmoid",
        function=sigmoid,
        twin=_module("Sigmoid"),
        saturates="both",
    ),
    "softplus": Activation(
        summary="Smooth rectifier: the integral of the sigmoid.",
        formula="ln(1 + exp(beta * x)) / beta",
        reference="Dugas, Bengio, Bélisle, Nadeau & Garcia (2001), Incorporating Second-Order "
        "Functional Knowledge for Better Option Pricing",
        torch="torch.nn.Softplus",
        parameters={"beta": Parameter(1.0, "sharpness", low=0, open_low=True, high=1000)},
        function=softplus,
        # torch turns linear above beta x = 20, 2e-9 away from the formula
        twin=lambda beta=1.0: torch.nn.Softplus(beta=beta, threshold=1e9),
        saturates="left",
    ),
}
