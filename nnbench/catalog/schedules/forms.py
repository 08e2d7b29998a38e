"""The closed forms of learning-rate schedules: numpy, one expression each.

`count` is an array of epochs or steps from 0 on, `lr` the base rate, `total` the epochs or steps
of the whole training; the rate at each count is returned, in the unit of `lr`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rates = NDArray[np.float64]
Counts = NDArray[np.int64]


def none(count: Counts, lr: float, total: int) -> Rates:
    """The base rate throughout."""
    return np.full(count.shape, lr)


def constant_lr(count: Counts, lr: float, total: int, factor: float, total_iters: int) -> Rates:
    """factor lr before epoch total_iters, lr from there on."""
    return np.where(count < total_iters, lr * factor, lr)


def step(count: Counts, lr: float, total: int, step_size: int, gamma: float) -> Rates:
    """lr gamma^floor(epoch / step_size)."""
    return np.asarray(lr * gamma ** (count // step_size), dtype=np.float64)


def multistep(
    count: Counts, lr: float, total: int, milestones: tuple[int, ...], gamma: float
) -> Rates:
    """lr gamma^(milestones reached)."""
    reached = (count[:, None] >= np.asarray(milestones)).sum(1)
    return np.asarray(lr * gamma**reached, dtype=np.float64)


def exponential(count: Counts, lr: float, total: int, gamma: float) -> Rates:
    """lr gamma^epoch."""
    return np.asarray(lr * gamma**count, dtype=np.float64)


def linear(
    count: Counts,
    lr: float,
    total: int,
    start_factor: float,
    end_factor: float,
    total_iters: int | None,
) -> Rates:
    """lr times a factor that goes in a line from start_factor to end_factor, and stays there."""
    share = np.minimum(count / (total_iters or max(total, 1)), 1.0)
    return lr * (start_factor + (end_factor - start_factor) * share)


def polynomial(
    count: Counts, lr: float, total: int, total_iters: int | None, power: float
) -> Rates:
    """lr (1 - epoch / total_iters)^power, 0 from there on."""
    share = np.minimum(count / (total_iters or max(total, 1)), 1.0)
    return np.asarray(lr * (1 - share) ** power, dtype=np.float64)


def cosine(count: Counts, lr: float, total: int, t_max: int | None, eta_min: float) -> Rates:
    """eta_min + (lr - eta_min) (1 + cos(pi epoch / t_max)) / 2; t_max defaults to all epochs."""
    return eta_min + (lr - eta_min) * (1 + np.cos(np.pi * count / (t_max or max(total, 1)))) / 2


def cosine_restarts(
    count: Counts, lr: float, total: int, t_0: int, t_mult: int, eta_min: float
) -> Rates:
    """The cosine, begun anew after each cycle; a cycle is t_mult times as long as the last."""
    starts, length = [0], t_0
    while starts[-1] + length <= count.max(initial=0):
        starts.append(starts[-1] + length)
        length *= t_mult
    cycle = np.searchsorted(starts, count, side="right") - 1
    share = (count - np.asarray(starts)[cycle]) / (t_0 * float(t_mult) ** cycle)
    return eta_min + (lr - eta_min) * (1 + np.cos(np.pi * share)) / 2


def cyclic(
    count: Counts,
    lr: float,
    total: int,
    base_lr: float | None,
    max_lr: float | None,
    step_size_up: int | None,
    step_size_down: int | None,
    mode: str,
    gamma: float,
) -> Rates:
    """base_lr + (max_lr - base_lr) h a: h a triangle from 0 to 1 to 0, a its height.

    a is 1 (triangular), 1 / 2^cycles before (triangular2) or gamma^step (exp_range).
    """
    base_lr, max_lr, up, down = cycle(lr, total, base_lr, max_lr, step_size_up, step_size_down)
    number = count // (up + down)
    place = count / (up + down) - number
    top = up / (up + down)
    triangle = np.where(place <= top, place / top, (place - 1) / (top - 1))
    height = {
        "triangular": np.ones(count.shape),
        "triangular2": 0.5**number,
        "exp_range": np.asarray(gamma, dtype=np.float64) ** count,
    }[mode]
    return base_lr + (max_lr - base_lr) * triangle * height


def cycle(
    lr: float,
    total: int,
    base_lr: float | None,
    max_lr: float | None,
    step_size_up: int | None,
    step_size_down: int | None,
) -> tuple[float, float, int, int]:
    """Return a cycle's lowest and highest rate and the steps up and down, defaults filled in.

    They are four cycles in all, from a tenth of the optimizer's rate to all of it.
    """
    top = lr if max_lr is None else max_lr
    up = step_size_up or max(total // 8, 1)
    return top / 10 if base_lr is None else base_lr, top, up, step_size_down or up


def onecycle(
    count: Counts,
    lr: float,
    total: int,
    pct_start: float,
    anneal_strategy: str,
    div_factor: float,
    final_div_factor: float,
) -> Rates:
    """From lr / div_factor up to lr by step pct_start total - 1, then down past where it began.

    The last rate is lr / (div_factor final_div_factor).
    """
    count = np.minimum(count, max(total - 1, 0))
    low = lr / div_factor
    peak, last = pct_start * total - 1, max(total, 1) - 1
    rise = anneal(low, lr, count / peak if peak > 0 else np.ones(count.shape), anneal_strategy)
    past = np.maximum(count - peak, 0) / (last - peak) if last > peak else np.zeros(count.shape)
    fall = anneal(lr, low / final_div_factor, past, anneal_strategy)
    return np.where(count <= peak, rise, fall)


def anneal(start: float, end: float, share: Rates, strategy: str) -> Rates:
    """Go from start to end as the share goes from 0 to 1, along half a cosine or a line."""
    if strategy == "cos":
        return end + (start - end) / 2 * (1 + np.cos(np.pi * share))
    return start + (end - start) * share


def warm_up(count: Counts, total: int, warmup: float) -> tuple[Rates, int]:
    """Return the factor (step + 1) / w, up to 1, and w: the share `warmup` of all steps."""
    length = max(round(warmup * total), 1)
    return np.minimum((count + 1) / length, 1.0), length


def warmup_cosine(
    count: Counts, lr: float, total: int, warmup: float, final_factor: float
) -> Rates:
    """Up in a line over w steps, then down half a cosine from lr to final_factor lr."""
    rise, length = warm_up(count, total, warmup)
    share = np.clip((count - length) / max(total - length, 1), 0, 1)
    return lr * rise * (final_factor + (1 - final_factor) * (1 + np.cos(np.pi * share)) / 2)


def inverse_sqrt(count: Counts, lr: float, total: int, warmup: float) -> Rates:
    """lr min((step + 1) / w, sqrt(w / (step + 1)))."""
    rise, length = warm_up(count, total, warmup)
    return lr * np.minimum(rise, np.sqrt(length / (count + 1)))


def wsd(
    count: Counts, lr: float, total: int, warmup: float, decay: float, final_factor: float
) -> Rates:
    """Up in a line over w steps, level, then down in a line over the last share `decay`."""
    rise, _ = warm_up(count, total, warmup)
    length = max(round(decay * total), 1)
    left = np.clip((total - count) / length, 0, 1)
    return lr * np.minimum(rise, final_factor + (1 - final_factor) * left)


@dataclass(frozen=True)
class PlateauState:
    """What ReduceLROnPlateau remembers: the rate, the best loss so far, epochs since."""

    lr: float
    best: float = np.inf
    bad_epochs: int = 0
    cooldown_left: int = 0


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
    return PlateauState(lr, best, bad_epochs, cooldown_left)
