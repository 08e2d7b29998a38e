"""Learning-rate schedules: closed forms `count -> rate`, held against torch's own, value for value.

A function takes `count` (an array: epochs 0, 1, ..., or steps, as the entry's `unit` says), the base
rate `lr` and `total` (epochs or steps in all); it returns the rate at each count. A schedule that
answers to the validation loss (`plateau`) is a pair of `start` and `after_epoch` instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnbench.vocabulary import Entry, Parameter
from nnbench.lazy import lazy_import

if TYPE_CHECKING:
    import torch
else:
    torch = lazy_import("torch", globals())

Rates = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class PlateauState:
    """What ReduceLROnPlateau remembers: the rate, the best loss so far, epochs since."""

    lr: float
    best: float = np.inf
    bad_epochs: int = 0
    cooldown_left: int = 0


@dataclass(frozen=True, kw_only=True)
class Schedule(Entry):
    """A schedule. `twin(optimizer, total, **parameters)` is torch's scheduler."""

    function: Callable[..., Rates] | None
    twin: Callable[..., Any]
    after_epoch: Callable[..., PlateauState] | None = None
    unit: str = "epoch"


def none(count: Counts, lr: float, total: int) -> Rates:
    """The base rate throughout."""
    return np.full(count.shape, lr)


def step(count: Counts, lr: float, total: int, step_size: int, gamma: float) -> Rates:
    """lr gamma^floor(epoch / step_size)."""
    return np.asarray(lr * gamma ** (count // step_size), dtype=np.float64)


def exponential(count: Counts, lr: float, total: int, gamma: float) -> Rates:
    """lr gamma^epoch."""
    return np.asarray(lr * gamma**count, dtype=np.float64)


def cosine(count: Counts, lr: float, total: int, t_max: int | None, eta_min: float) -> Rates:
    """eta_min + (lr - eta_min) (1 + cos(pi epoch / t_max)) / 2; t_max defaults to all epochs."""
    return eta_min + (lr - eta_min) * (1 + np.cos(np.pi * count / (t_max or max(total, 1)))) / 2


def after_plateau(
    state: PlateauState,
    val_loss: float,
    factor: float,
    patience: int,
    threshold: float,
    cooldown: int,
    min_lr: float,
) -> PlateauState:
    """Multiply the rate by `factor` once the loss has not fallen for more than `patience` epochs."""
    better = val_loss < state.best * (1 - threshold)
    best = val_loss if better else state.best
    bad_epochs = 0 if better else state.bad_epochs + 1
    cooldown_left = state.cooldown_left
    if cooldown_left > 0:
        cooldown_left -= 1
        bad_epochs = 0
    lr = state.lr
    if bad_epochs > patience:
        reduced = max(lr * factor, min_lr)
        lr = reduced if lr - reduced > 1e-8 else lr  # torch ignores a smaller change, as do we
        cooldown_left, bad_epochs = cooldown, 0
    return PlateauState(lr, best, bad_epochs, cooldown_left)


def _twin(name: str) -> Callable[..., Any]:
    def make(optimizer: torch.optim.Optimizer, total: int, **parameters: Any) -> Any:
        return getattr(torch.optim.lr_scheduler, name)(optimizer, **parameters)

    return make


def _cosine_twin(
    optimizer: torch.optim.Optimizer, total: int, t_max: int | None, eta_min: float
) -> Any:
    return torch.optim.lr_scheduler.CosineAnnealingLR(
        optimizer, T_max=t_max or max(total, 1), eta_min=eta_min
    )


def _none_twin(optimizer: torch.optim.Optimizer, total: int) -> Any:
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1.0)


GAMMA = "factor on the rate"

SCHEDULES: dict[str, Schedule] = {
    "none": Schedule(
        summary="The same learning rate throughout.",
        formula="lr",
        reference="(definition)",
        torch="torch.optim.lr_scheduler.LambdaLR(lambda epoch: 1)",
        function=none,
        twin=_none_twin,
    ),
    "step": Schedule(
        summary="Falls by a factor every few epochs.",
        formula="lr gamma^floor(epoch / step_size)",
        reference="He, Zhang, Ren & Sun (2016), Deep Residual Learning for Image Recognition",
        torch="torch.optim.lr_scheduler.StepLR",
        parameters={
            "step_size": Parameter(10, "epochs between two falls", low=1, high=1e9),
            "gamma": Parameter(0.1, GAMMA, low=0, high=10),
        },
        function=step,
        twin=_twin("StepLR"),
    ),
    "exponential": Schedule(
        summary="Falls by the same factor every epoch.",
        formula="lr gamma^epoch",
        reference="PyTorch, torch.optim.lr_scheduler.ExponentialLR",
        torch="torch.optim.lr_scheduler.ExponentialLR",
        parameters={"gamma": Parameter(0.95, GAMMA + " each epoch", low=0, high=10)},
        function=exponential,
        twin=_twin("ExponentialLR"),
    ),
    "cosine": Schedule(
        summary="Falls along half a cosine from the base rate to eta_min.",
        formula="eta_min + (lr - eta_min) (1 + cos(pi epoch / t_max)) / 2",
        reference="Loshchilov & Hutter (2017), SGDR: Stochastic Gradient Descent with Warm "
        "Restarts",
        torch="torch.optim.lr_scheduler.CosineAnnealingLR",
        parameters={
            "t_max": Parameter(
                None,
                "epochs to the bottom (none: all of them)",
                low=1,
                high=1e9,
                optional=True,
                whole=True,
            ),
            "eta_min": Parameter(0.0, "lowest rate", low=0, high=1e12),
        },
        function=cosine,
        twin=_cosine_twin,
    ),
    "plateau": Schedule(
        summary="Falls by a factor when the validation loss has stopped falling.",
        formula="lr <- max(factor lr, min_lr) after more than patience epochs without a new best",
        reference="PyTorch, torch.optim.lr_scheduler.ReduceLROnPlateau",
        torch="torch.optim.lr_scheduler.ReduceLROnPlateau",
        parameters={
            "factor": Parameter(0.1, GAMMA, low=0, high=1, open_high=True),
            "patience": Parameter(10, "epochs to wait", low=0, high=1e9),
            "threshold": Parameter(1e-4, "relative fall that counts", low=0, high=1),
            "cooldown": Parameter(0, "epochs to rest after a fall", low=0, high=1e9),
            "min_lr": Parameter(0.0, "lowest rate", low=0, high=1e12),
        },
        function=None,
        after_epoch=after_plateau,
        twin=_twin("ReduceLROnPlateau"),
    ),
}
