"""Schedules that change the rate after every step."""

from typing import Any

import numpy as np

from nnbench.catalog.formulas import Of
from nnbench.catalog.schedules.base import (
    GAMMA,
    Counts,
    Rates,
    Schedule,
    length_parameter,
    momentum_parameters,
    share_parameter,
)
from nnbench.catalog.twin import Twin
from nnbench.catalog.works import GOYAL, SGDR
from nnbench.study.vocabulary import Parameter, Term, need


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
    **momentum: Any,
) -> Rates:
    """base_lr + (max_lr - base_lr) h a: h a triangle from 0 to 1 to 0, a its height."""
    base_lr, max_lr, up, down = cycle(lr, total, base_lr, max_lr, step_size_up, step_size_down)
    return base_lr + (max_lr - base_lr) * triangles(count, up, down, mode, gamma)


def cyclic_momentum(
    count: Counts,
    total: int,
    step_size_up: int | None,
    step_size_down: int | None,
    mode: str,
    gamma: float,
    base_momentum: float = 0.8,
    max_momentum: float = 0.9,
    **rates: Any,
) -> Rates:
    """max_momentum - (max_momentum - base_momentum) h a, with the h and a of the rate."""
    *_, up, down = cycle(0.0, total, None, None, step_size_up, step_size_down)
    return max_momentum - (max_momentum - base_momentum) * triangles(count, up, down, mode, gamma)


def triangles(count: Counts, up: int, down: int, mode: str, gamma: float) -> Rates:
    """Triangles from 0 to 1 to 0, each times its height.

    That is 1 (triangular), 1 / 2^cycles before (triangular2) or gamma^step (exp_range).
    """
    number = count // (up + down)
    place = count / (up + down) - number
    top = up / (up + down)
    triangle = np.where(place <= top, place / top, (place - 1) / (top - 1))
    height = {
        "triangular": np.ones(count.shape),
        "triangular2": 0.5**number,
        "exp_range": np.asarray(gamma, dtype=np.float64) ** count,
    }[mode]
    return np.asarray(triangle * height)


def cycle(
    lr: float,
    total: int,
    base_lr: float | None,
    max_lr: float | None,
    step_size_up: int | None,
    step_size_down: int | None,
) -> tuple[float, float, int, int]:
    """A cycle's lowest and highest rate and the steps up and down, defaults filled in.

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
    **momentum: Any,
) -> Rates:
    """From lr / div_factor up to lr by step pct_start total - 1, then down past where it began.

    The last rate is lr / (div_factor final_div_factor).
    """
    low = lr / div_factor
    return there_and_back(count, total, pct_start, anneal_strategy, low, lr, low / final_div_factor)


def onecycle_momentum(
    count: Counts,
    total: int,
    pct_start: float,
    anneal_strategy: str,
    base_momentum: float = 0.85,
    max_momentum: float = 0.95,
    **rates: Any,
) -> Rates:
    """From max_momentum down to base_momentum while the rate rises, and back."""
    ends = max_momentum, base_momentum, max_momentum
    return there_and_back(count, total, pct_start, anneal_strategy, *ends)


def there_and_back(
    count: Counts,
    total: int,
    share: float,
    strategy: str,
    first: float,
    middle: float,
    last: float,
) -> Rates:
    """From first to middle by step share total - 1, from there to last by the last step."""
    count = np.minimum(count, max(total - 1, 0))
    peak, end = share * total - 1, max(total, 1) - 1
    rise = anneal(first, middle, count / peak if peak > 0 else np.ones(count.shape), strategy)
    past = np.maximum(count - peak, 0) / (end - peak) if end > peak else np.zeros(count.shape)
    return np.where(count <= peak, rise, anneal(middle, last, past, strategy))


def anneal(start: float, end: float, share: Rates, strategy: str) -> Rates:
    """Go from start to end as the share goes from 0 to 1, along half a cosine or a line."""
    if strategy == "cos":
        return end + (start - end) / 2 * (1 + np.cos(np.pi * share))
    return start + (end - start) * share


def warm_up(count: Counts, total: int, warmup: float) -> tuple[Rates, int]:
    """The factor (step + 1) / w, up to 1, and w: the share `warmup` of all steps."""
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


WARMUP = share_parameter(0.1, "share of all steps in which the rate rises")

BY_STEP: dict[str, Schedule] = {
    "cyclic": Schedule(
        summary="Up and down linearly between two rates, step by step.",
        formula="base_lr + (max_lr - base_lr) triangle(step) height;  height: 1 (triangular), "
        "1 / 2^cycle (triangular2) or gamma^step (exp_range)",
        reference="Smith (2017), Cyclical Learning Rates for Training Neural Networks, "
        "arXiv:1506.01186",
        parameters={
            "base_lr": Parameter(
                None, "lowest rate (none: a tenth of max_lr)", low=0, high=1e12, optional=True
            ),
            "max_lr": Parameter(
                None, "highest rate (none: the optimizer's lr)", low=0, high=1e12, optional=True
            ),
            "step_size_up": length_parameter("steps up (none: an eighth of all)"),
            "step_size_down": length_parameter("steps down (none: as up)"),
            "mode": Parameter(
                "triangular",
                "how cycles shrink",
                choices=("triangular", "triangular2", "exp_range"),
            ),
            "gamma": Parameter(
                1.0,
                "factor on the height each step (exp_range)",
                low=0,
                high=1,
                needs=(need(Term(".mode", value="exp_range")),),
            ),
            **momentum_parameters(0.8, 0.9),
        },
        function=cyclic,
        momentum=cyclic_momentum,
        twin=Twin(
            "torch.optim.lr_scheduler.CyclicLR",
            base_lr=Of("(lr if max_lr is None else max_lr) / 10 if base_lr is None else base_lr"),
            max_lr=Of("lr if max_lr is None else max_lr"),
            step_size_up=Of("step_size_up or max(total // 8, 1)"),
            step_size_down=Of("step_size_down or step_size_up or max(total // 8, 1)"),
            cycle_momentum=Of("cycle_momentum"),
        ),
        unit="step",
    ),
    "onecycle": Schedule(
        summary="One rise to the base rate and one long fall far below where it began.",
        formula="lr / div_factor up to lr by step pct_start total - 1, then down to "
        "lr / (div_factor final_div_factor)",
        reference="Smith & Topin (2018), Super-Convergence: Very Fast Training of Neural Networks "
        "Using Large Learning Rates, arXiv:1708.07120",
        parameters={
            "pct_start": Parameter(
                0.3, "share of all steps in which the rate rises", low=0, high=1, open_high=True
            ),
            "anneal_strategy": Parameter(
                "cos", "half a cosine or a line", choices=("cos", "linear")
            ),
            "div_factor": Parameter(25.0, "highest rate over the first", low=1, high=1e12),
            "final_div_factor": Parameter(1e4, "first rate over the last", low=1e-12, high=1e12),
            **momentum_parameters(0.85, 0.95),
        },
        function=onecycle,
        momentum=onecycle_momentum,
        twin=Twin(
            "torch.optim.lr_scheduler.OneCycleLR",
            max_lr=Of("lr"),
            total_steps=Of("max(total, 1)"),
            cycle_momentum=Of("cycle_momentum"),
        ),
        unit="step",
    ),
    "warmup_cosine": Schedule(
        summary="Linear warm-up for the first steps, then half a cosine down.",
        formula="lr (step + 1) / w up to step w = warmup total, then "
        "lr (f + (1 - f) (1 + cos(pi (step - w) / (total - w))) / 2), f = final_factor",
        reference=GOYAL + "; " + SGDR,
        parameters={"warmup": WARMUP, "final_factor": share_parameter(0.0, GAMMA + " at the end")},
        function=warmup_cosine,
        twin=Twin("schedules.twins.warmup_cosine", Of("optimizer"), Of("total")),
        unit="step",
    ),
    "inverse_sqrt": Schedule(
        summary="Linear warm-up, then down with the inverse square root of the step.",
        formula="lr min((step + 1) / w, sqrt(w / (step + 1))), w = warmup total",
        reference="Vaswani et al. (2017), Attention Is All You Need, arXiv:1706.03762",
        parameters={"warmup": WARMUP},
        function=inverse_sqrt,
        twin=Twin("schedules.twins.inverse_sqrt", Of("optimizer"), Of("total")),
        unit="step",
    ),
    "wsd": Schedule(
        summary="Warm-up, stable, decay: up in a line, level, down in a line at the end.",
        formula="lr min((step + 1) / w, 1, f + (1 - f) (total - step) / d), "
        "w = warmup total, d = decay total, f = final_factor",
        reference="Hu et al. (2024), MiniCPM, arXiv:2404.06395; Hägele et al. (2024), Scaling "
        "Laws and Compute-Optimal Training Beyond Fixed Training Durations, arXiv:2405.18392",
        parameters={
            "warmup": WARMUP,
            "decay": share_parameter(0.2, "share of all steps in which the rate falls"),
            "final_factor": share_parameter(0.0, GAMMA + " at the end"),
        },
        function=wsd,
        twin=Twin("schedules.twins.wsd", Of("optimizer"), Of("total")),
        unit="step",
    ),
}
