"""Descent with one rate for all parameters: plain, and with a velocity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnbench.catalog.optimizers.base import (
    KEPT,
    Hyper,
    Moved,
    Optimizer,
    State,
    decay_parameter,
    lr_parameter,
    zeros,
)
from nnbench.catalog.twin import Twin
from nnbench.catalog.works import CAUCHY, POLYAK, ROBBINS

if TYPE_CHECKING:
    from torch import Tensor


def sgd(grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor) -> Moved:
    """p - lr g."""
    return param - hyper["lr"] * grad, state


def momentum(grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor) -> Moved:
    """v = mu v + g;  p - lr v (torch's form)."""
    v = hyper["momentum"] * state["v"] + grad
    return param - hyper["lr"] * v, {"v": v}


def momentum_ema(grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor) -> Moved:
    """v = beta v + (1 - beta) lr g;  p - v (a moving mean of steps: its size does not grow)."""
    beta = hyper["momentum"]
    v = beta * state["v"] + (1 - beta) * hyper["lr"] * grad
    return param - v, {"v": v}


def nesterov(grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor) -> Moved:
    """v = mu v + g;  p - lr (g + mu v)."""
    v = hyper["momentum"] * state["v"] + grad
    return param - hyper["lr"] * (grad + hyper["momentum"] * v), {"v": v}


MOMENTUM = decay_parameter(0.9, "share of the velocity that is kept", KEPT)

DESCENT: dict[str, Optimizer] = {
    "sgd": Optimizer(
        summary="Stochastic gradient descent on mini-batches.",
        formula="p <- p - lr g",
        reference=ROBBINS,
        parameters={"lr": lr_parameter(0.1)},
        init=zeros(),
        update=sgd,
        twin=Twin("torch.optim.SGD"),
    ),
    "gd": Optimizer(
        summary="Gradient descent: the whole training part at each step, one step per epoch.",
        formula="p <- p - lr g, g over all examples",
        reference=CAUCHY,
        parameters={"lr": lr_parameter(0.1)},
        init=zeros(),
        update=sgd,
        twin=Twin("torch.optim.SGD"),
        full_batch=True,
    ),
    "momentum": Optimizer(
        summary="SGD with a velocity that sums past gradients (torch's form).",
        formula="v <- mu v + g;  p <- p - lr v",
        reference=POLYAK,
        torch="torch.optim.SGD(momentum=...)",
        parameters={"lr": lr_parameter(0.01), "momentum": MOMENTUM},
        init=zeros("v"),
        update=momentum,
        twin=Twin("torch.optim.SGD"),
        state_floats=1,
    ),
    "momentum_ema": Optimizer(
        summary="SGD with a velocity that is a moving mean of past steps: steps as long as SGD's.",
        formula="v <- beta v + (1 - beta) lr g;  p <- p - v",
        reference=POLYAK + "; as a moving mean, it is 1 - beta times the usual form",
        parameters={"lr": lr_parameter(0.1), "momentum": MOMENTUM},
        init=zeros("v"),
        update=momentum_ema,
        twin=Twin("optimizers.twins.MomentumEma"),
        state_floats=1,
    ),
    "nesterov": Optimizer(
        summary="Momentum that looks one step ahead.",
        formula="v <- mu v + g;  p <- p - lr (g + mu v)",
        reference="Nesterov (1983), A Method for Solving the Convex Programming Problem with "
        "Convergence Rate O(1/k^2), https://www.mathnet.ru/eng/dan46009; Sutskever, Martens, Dahl "
        "& Hinton (2013), On the Importance of Initialization and Momentum in Deep Learning, "
        "https://proceedings.mlr.press/v28/sutskever13.html",
        parameters={
            "lr": lr_parameter(0.01),
            "momentum": decay_parameter(
                0.9, "share of the velocity that is kept", KEPT, open_low=True
            ),
        },
        init=zeros("v"),
        update=nesterov,
        twin=Twin("torch.optim.SGD", nesterov=True),
        state_floats=1,
    ),
}
