"""Torch's own schedulers, made with a study's parameters; LambdaLR with the formula where torch
has none. A maker takes the optimizer, the epochs or steps in all, and the parameters.
"""

from __future__ import annotations

import math
from typing import Any

from torch.optim import Optimizer, lr_scheduler

from nnbench.catalog.schedules.forms import cycle


def none(optimizer: Optimizer, total: int) -> Any:
    """A constant factor of 1; LambdaLR would undo the schedulers that it is chained to."""
    return lr_scheduler.ConstantLR(optimizer, factor=1.0, total_iters=0)


def linear(optimizer: Optimizer, total: int, total_iters: int | None, **parameters: Any) -> Any:
    """LinearLR, over all epochs unless told."""
    return lr_scheduler.LinearLR(optimizer, total_iters=total_iters or max(total, 1), **parameters)


def polynomial(optimizer: Optimizer, total: int, total_iters: int | None, power: float) -> Any:
    """PolynomialLR, over all epochs unless told."""
    return lr_scheduler.PolynomialLR(optimizer, total_iters or max(total, 1), power)


def cosine(optimizer: Optimizer, total: int, t_max: int | None, eta_min: float) -> Any:
    """CosineAnnealingLR, over all epochs unless told."""
    return lr_scheduler.CosineAnnealingLR(optimizer, T_max=t_max or max(total, 1), eta_min=eta_min)


def cosine_restarts(optimizer: Optimizer, total: int, t_0: int, t_mult: int, eta_min: float) -> Any:
    """CosineAnnealingWarmRestarts."""
    return lr_scheduler.CosineAnnealingWarmRestarts(optimizer, t_0, t_mult, eta_min)


def cyclic(optimizer: Optimizer, total: int, mode: Any, gamma: float, **parameters: Any) -> Any:
    """CyclicLR of the rate alone."""
    low, high, up, down = cycle(optimizer.param_groups[0]["lr"], total, **parameters)
    return lr_scheduler.CyclicLR(
        optimizer, low, high, up, down, mode=mode, gamma=gamma, cycle_momentum=False
    )


def onecycle(optimizer: Optimizer, total: int, **parameters: Any) -> Any:
    """OneCycleLR of the rate alone, its peak the optimizer's rate."""
    return lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=optimizer.param_groups[0]["lr"],
        total_steps=max(total, 1),
        cycle_momentum=False,
        **parameters,
    )


def warmup_cosine(optimizer: Optimizer, total: int, warmup: float, final_factor: float) -> Any:
    """Goyal et al. (2017)'s warm-up, then the cosine of Loshchilov & Hutter (2017)."""
    length = max(round(warmup * total), 1)

    def factor(step: int) -> float:
        if step < length:
            return (step + 1) / length
        share = min((step - length) / max(total - length, 1), 1.0)
        return final_factor + (1 - final_factor) * 0.5 * (1 + math.cos(math.pi * share))

    return lr_scheduler.LambdaLR(optimizer, factor)


def inverse_sqrt(optimizer: Optimizer, total: int, warmup: float) -> Any:
    """Vaswani et al. (2017), equation 3, scaled to be 1 at its peak."""
    length = max(round(warmup * total), 1)

    def factor(step: int) -> float:
        number = step + 1
        return length**0.5 * min(number**-0.5, number * length**-1.5)

    return lr_scheduler.LambdaLR(optimizer, factor)


def wsd(optimizer: Optimizer, total: int, warmup: float, decay: float, final_factor: float) -> Any:
    """Hu et al. (2024), with the linear decay of Hägele et al. (2024)."""
    up, down = max(round(warmup * total), 1), max(round(decay * total), 1)

    def factor(step: int) -> float:
        rise = (step + 1) / up if step < up else 1.0
        if step < total - down:
            return rise
        left = max(total - step, 0) / down
        return min(rise, final_factor + (1 - final_factor) * left)

    return lr_scheduler.LambdaLR(optimizer, factor)


def chained(optimizer: Optimizer, parts: list[Any]) -> Any:
    """ChainedScheduler of schedulers that were made one after another."""
    return lr_scheduler.ChainedScheduler(parts, optimizer)


def sequential(optimizer: Optimizer, parts: list[Any], milestones: tuple[int, ...]) -> Any:
    """SequentialLR of schedulers that were made one after another."""
    return lr_scheduler.SequentialLR(optimizer, parts, list(milestones))
