"""The schedule that answers to the validation loss."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nnbench.catalog.schedules.base import (
    GAMMA,
    LOWEST,
    Schedule,
)
from nnbench.catalog.twin import Twin
from nnbench.study.vocabulary import Parameter


@dataclass(frozen=True)
class PlateauState:
    """What ReduceLROnPlateau remembers: the rate, the best loss so far, epochs since.

    base, warmed: of a warm-up, the rate that it rises to and the epochs that it has had.
    """

    lr: float
    best: float = np.inf
    bad_epochs: int = 0
    cooldown_left: int = 0
    base: float = 0.0
    warmed: int = 0


def after_plateau(
    state: PlateauState,
    val_loss: float,
    factor: float,
    patience: int,
    threshold: float,
    cooldown: int,
    min_lr: float,
) -> PlateauState:
    """Multiply the rate by `factor` after more than `patience` epochs without a new best."""
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
    return replace(state, lr=lr, best=best, bad_epochs=bad_epochs, cooldown_left=cooldown_left)


def begin_warm(lr: float, warmup: int, **parameters: Any) -> PlateauState:
    """The first epoch of a warm-up."""
    return PlateauState(lr / warmup, base=lr, warmed=1)


def after_warm_plateau(
    state: PlateauState, val_loss: float, warmup: int, **parameters: Any
) -> PlateauState:
    """Rise to the base rate, whatever the loss; then as `after_plateau`, from its beginning."""
    if state.warmed < warmup:
        warmed = state.warmed + 1
        return replace(state, lr=state.base * warmed / warmup, warmed=warmed)
    return after_plateau(state, val_loss, **parameters)


PLATEAU = {
    "factor": Parameter(0.1, GAMMA, low=0, high=1, open_high=True),
    "patience": Parameter(10, "epochs to wait", low=0, high=1e9),
    "threshold": Parameter(1e-4, "relative fall that counts", low=0, high=1),
    "cooldown": Parameter(0, "epochs to rest after a fall", low=0, high=1e9),
    "min_lr": LOWEST,
}

BY_LOSS: dict[str, Schedule] = {
    "plateau": Schedule(
        summary="Falls by a factor when the validation loss has stopped falling.",
        formula="lr <- max(factor lr, min_lr) after more than patience epochs without a new best",
        reference="PyTorch, torch.optim.lr_scheduler.ReduceLROnPlateau",
        parameters=PLATEAU,
        function=None,
        begin=lambda lr, **parameters: PlateauState(lr),
        after_epoch=after_plateau,
        twin=Twin("torch.optim.lr_scheduler.ReduceLROnPlateau"),
    ),
    "warmup_plateau": Schedule(
        summary="Rises in equal steps for a few epochs, then falls by a factor when the validation "
        "loss has stopped falling.",
        formula="lr (epoch + 1) / warmup up to lr, then lr <- max(factor lr, min_lr) after more "
        "than patience epochs without a new best",
        reference="PyTorch, torch.optim.lr_scheduler.LinearLR and ReduceLROnPlateau",
        parameters={
            "warmup": Parameter(5, "epochs until the base rate", low=1, high=1e9, whole=True),
            **PLATEAU,
        },
        function=None,
        begin=begin_warm,
        after_epoch=after_warm_plateau,
        twin=Twin("schedules.twins.WarmThenPlateau"),
    ),
}
