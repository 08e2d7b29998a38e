"""Logarithmic axes in plain numbers: no markup in them, and enough ticks to see the scale."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import (
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullLocator,
)

from nnbench.study.words import RAISED


def log_tick(value: float, place: int | None = None) -> str:
    """A plain number down to a thousandth, and below and far above a power of ten."""
    if 9e-4 < value < 1e4:
        return f"{value:g}"
    power = math.floor(math.log10(value) + 1e-9)
    digits = f"{value / 10**power:g}"
    raised = str(power).translate(RAISED)
    return f"10{raised}" if digits == "1" else f"{digits}·10{raised}"


def log_ticks(axes: Axes, name: str) -> None:
    """Put plain ticks on a logarithmic axis, "x" or "y", the denser the shorter it is."""
    low, high = sorted(axes.get_xlim() if name == "x" else axes.get_ylim())
    decades = math.log10(high / low)
    axis = axes.xaxis if name == "x" else axes.yaxis
    axis.set_major_locator(LogLocator(subs=_subs(decades), numticks=8))
    axis.set_major_formatter(FuncFormatter(log_tick))
    axis.set_minor_locator(NullLocator())


def factor_ticks(axes: Axes) -> None:
    """Let an x axis of logarithms to base ten say what they are logarithms of: `×1  ×2  ×5`.

    No factor stands there twice: of those that are written alike the nearest to one is kept.
    """
    low, high = np.clip(axes.get_xlim(), -200, 200)  # far beyond, a factor is no number
    ends, decades = (10**low, 10**high), high - low
    if decades < 0.5:
        found = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(*ends)
    else:
        found = LogLocator(subs=_subs(decades), numticks=8).tick_values(*ends)
    shown = sorted((x for x in found if ends[0] <= x <= ends[1]), key=lambda x: -abs(x - 1))
    texts = {f"×{log_tick(float(f'{x:.12g}'))}": math.log10(x) for x in shown}
    axes.set_xticks(list(texts.values()), list(texts))


def _subs(decades: float) -> tuple[float, ...]:
    return (1, 1.5, 2, 3, 5, 7) if decades < 1 else (1, 2, 5) if decades < 2 else (1,)
