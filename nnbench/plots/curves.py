"""How training went: learning curves, one line a level, every seed behind it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nnbench.plots.labels import told_apart
from nnbench.plots.style import (
    INK,
    MARKERS,
    MOST_SERIES,
    MOST_THIN,
    QUIET,
    RULE,
    SERIES,
    Look,
    end_labels,
    house_style,
    new_figure,
    place_axes,
    shorten,
    write,
)
from nnbench.plots.ticks import log_ticks


def learning_curves(
    summary: pd.DataFrame,
    lines: pd.DataFrame,
    levels: Sequence[str],
    y_label: str,
    log: bool = False,
    width: float = 1080,
) -> Figure:
    """Draw one panel per data set, one line per level: its median, and thin each of its seeds.

    summary: `data, level, epoch, median, k, n`; lines: `data, level, seed, epoch, value`. levels:
    at most 7, the baseline first; it is drawn in ink. Axis limits are shared.
    """
    panels = list(dict.fromkeys(summary["data"]))
    across = min(len(panels), 2)
    down = -(-len(panels) // across)
    panel_width, panel_height = width / across, 300.0
    label_room = 104 + 7 * max(map(len, told_apart(levels, 22).values()))
    limits = _curve_limits(summary, lines, log)
    with house_style():
        figure = new_figure(width if across > 1 else 760, down * (panel_height + 108))
        if across == 1:
            panel_width = 760
        for i, panel in enumerate(panels):
            left = (i % across) * panel_width + 44
            top = (i // across) * (panel_height + 108) + 54
            axes = place_axes(figure, left, top, panel_width - 44 - label_room, panel_height)
            write(axes, shorten(str(panel)), (0, 1), (-36, 40), weight="bold")
            write(axes, y_label, (0, 1), (-36, 20), color=QUIET)
            axes.set_ylim(*limits)
            _curve_axes(axes, log, summary["epoch"].max())
            _curve_panel(axes, summary[summary["data"] == panel],
                         lines[lines["data"] == panel], levels)  # fmt: skip
    return figure


def _curve_limits(summary: pd.DataFrame, lines: pd.DataFrame, log: bool) -> tuple[float, float]:
    values = pd.concat([summary["median"], lines["value"]])
    values = values[values > 0] if log else values
    low, high = float(values.min()), float(values.max())
    if log:
        return low / 1.2, high * 1.2
    air = 0.06 * (high - low) or 0.5
    return low - air, high + air


def _curve_axes(axes: Axes, log: bool, last_epoch: float) -> None:
    if log:
        axes.set_yscale("log")
        log_ticks(axes, "y")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set_xlim(0, max(last_epoch, 1))
    axes.grid(axis="y", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("epoch")


def _curve_panel(
    axes: Axes, summary: pd.DataFrame, lines: pd.DataFrame, levels: Sequence[str]
) -> None:
    names = told_apart(levels, 22)
    ends: list[tuple[float, str, str, str]] = []
    for i, level in enumerate(levels[:MOST_SERIES]):
        part = summary[summary["level"] == level]
        if part.empty:
            continue
        color, marker = (INK, "o") if i == 0 else (SERIES[i - 1], MARKERS[i - 1])
        last = part.iloc[-1]
        seeds = lines[lines["level"] == level].groupby("seed", sort=False)
        for _, line in [*seeds][:MOST_THIN]:
            axes.plot(line["epoch"], line["value"], color=color, linewidth=0.7, alpha=0.35)
        # One mark a line, each further along than the one before, so that none hides another.
        every = [round((i + 1) / (MOST_SERIES + 1) * (len(part) - 1))]
        look: Look = {"color": color, "linewidth": 2.4, "markevery": every, "markersize": 7}
        axes.plot(part["epoch"], part["median"], marker, ls="-", **look)
        label = f"{names[level]}  {last['k']}/{last['n']}"
        ends.append((float(last["median"]), label, color, marker))
    end_labels(axes, ends)
