"""What a result costs: scores against time, good learning rates, and the score of k trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nnbench.plots.labels import Note, stacked, told_apart, write_clear
from nnbench.plots.ranks import look_of
from nnbench.plots.style import (
    INK,
    QUIET,
    RULE,
    SERIES,
    TEXT,
    Look,
    end_labels,
    house_style,
    new_figure,
    place_axes,
    shorten,
    write,
)
from nnbench.plots.ticks import log_ticks

ROW = 26.0


def cost_scatter(
    points: pd.DataFrame, x_label: str, y_label: str, higher_is_better: bool, width: float = 900
) -> Figure:
    """Draw each contestant's mean score against its cost; those on the front are joined and named.

    points: `arm, cost, mean, mean_low, mean_high, on_front, named`. The cost axis is logarithmic.
    """
    with house_style():
        figure = new_figure(width, 440)
        axes = place_axes(figure, 60, 40, width - 60 - 20, 340)
        axes.set_xscale("log")
        axes.grid(axis="y", color=RULE, linewidth=0.8)
        axes.set_axisbelow(True)
        front = points[points["on_front"]].sort_values("cost")
        axes.plot(front["cost"], front["mean"], color=QUIET, linewidth=1.2, zorder=1)
        for _, row in points.iterrows():
            color = SERIES[0] if row["on_front"] else QUIET
            marker = "s" if row["on_front"] else "o"
            span = [row["mean_low"], row["mean_high"]]
            axes.plot([row["cost"]] * 2, span, color=color, linewidth=1.2, alpha=0.6)
            axes.plot([row["cost"]], [row["mean"]], marker, color=color, markersize=7)
        low, high = float(points["cost"].min()), float(points["cost"].max())
        air = max((high / low) ** 0.12, 1.1)
        axes.set_xlim(low / air, high * air)
        axes.set_ylim(*axes.get_ylim())  # settled now, for the names are placed by it
        _name_points(axes, points[points["named"]])
        log_ticks(axes, "x")
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel(f"{x_label}, logarithmic")
        arrow = "up" if higher_is_better else "down"
        write(axes, f"{y_label}, better is {arrow} and to the left", (0, 1), (-52, 20), color=QUIET)
    return figure


def _name_points(axes: Axes, points: pd.DataFrame) -> None:
    """Write each name beside its point, where it hides least."""
    names = told_apart(list(points["arm"]), 26)
    spots = zip(points["arm"], points["cost"], points["mean"], strict=True)
    write_clear(axes, [Note(names[arm], [(cost, mean)]) for arm, cost, mean in spots], TEXT - 1)


def good_regions(
    regions: pd.DataFrame, arms: Sequence[str], x_label: str, width: float = 1080
) -> Figure:
    """Draw, one panel a data set, from where to where each arm's setting is nearly its best.

    regions: `data, arm, low, high, best, open_low, open_high, text`; the axis is logarithmic, an
    arrow an end of the grid that is still good.
    """
    panels = list(dict.fromkeys(regions["data"]))
    left = 30 + 7.4 * max(len(shorten(arm)) for arm in arms)
    across = (width - left) / len(panels)
    limits = (float(regions["low"].min()) / 1.6, float(regions["high"].max()) * 1.6)
    height = ROW * len(arms)
    with house_style():
        figure = new_figure(width, height + 110)
        for i, panel in enumerate(panels):
            axes = place_axes(figure, left + i * across, 44, across - 84, height)
            axes.set_xscale("log")
            axes.set_xlim(*limits)
            axes.set_ylim(len(arms) - 0.5, -0.5)
            write(axes, shorten(str(panel)), (0, 1), (0, 22), weight="bold")
            for y, arm in enumerate(arms):
                axes.axhline(y, color=RULE, linewidth=0.8, zorder=0)
                if i == 0:
                    write(axes, shorten(arm), (0, y), (-12, 0), on_data="y", ha="right")
                here = regions[(regions["data"] == panel) & (regions["arm"] == arm)]
                for _, row in here.iterrows():
                    _region(axes, row, y)
            log_ticks(axes, "x")
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
            axes.set_xlabel(x_label)
    return figure


def _region(axes: Axes, row: pd.Series, y: float) -> None:
    at: Look = {"on_data": "y", "ha": "left", "size": TEXT - 2, "color": QUIET}
    write(axes, row["text"], (1, y), (10, 0), **at)
    if not np.isfinite(row["low"]):
        return
    axes.plot([row["low"], row["high"]], [y, y], color=SERIES[0], linewidth=5, alpha=0.45)
    for end, is_open, marker in (("low", "open_low", "<"), ("high", "open_high", ">")):
        if row[is_open]:
            axes.plot([row[end]], [y], marker, color=SERIES[0], markersize=7)
    axes.plot([row["best"]], [y], "o", color=INK, markersize=6)


def budget_lines(
    budget: pd.DataFrame, arms: Sequence[str], y_label: str, width: float = 1080
) -> Figure:
    """Draw, one panel a data set, the expected score of the best of k trials, one line an arm.

    budget: `data, arm, trials, mean, mean_low, mean_high`. arms: at most 7, the baseline first.
    """
    panels = list(dict.fromkeys(budget["data"]))
    across = min(len(panels), 2)
    down = -(-len(panels) // across)
    names = {arm: "\n".join(lines) for arm, lines in stacked(arms, 22).items()}
    room = 50 + 7.4 * max(len(line) for name in names.values() for line in name.split("\n"))
    panel_width = width / across if across > 1 else 760.0
    ends = budget[["mean", "mean_low", "mean_high"]].to_numpy(float)
    low, high = float(np.nanmin(ends)), float(np.nanmax(ends))
    air = 0.08 * (high - low) or 0.5
    with house_style():
        figure = new_figure(panel_width * across, down * 360)
        for i, panel in enumerate(panels):
            left, top = (i % across) * panel_width + 48, (i // across) * 360 + 54
            axes = place_axes(figure, left, top, panel_width - 48 - room, 240)
            write(axes, shorten(str(panel)), (0, 1), (-40, 40), weight="bold")
            write(axes, y_label, (0, 1), (-40, 20), color=QUIET)
            axes.set_ylim(low - air, high + air)
            _budget_panel(axes, budget[budget["data"] == panel], names)
    return figure


def _budget_panel(axes: Axes, budget: pd.DataFrame, names: Mapping[str, str]) -> None:
    """Draw each arm's line with its intervals, a little beside those of the others."""
    ends = []
    for place, (arm, name) in enumerate(names.items()):
        part = budget[budget["arm"] == arm].sort_values("trials")
        if part["mean"].notna().sum() == 0:
            continue
        color, marker = look_of(place)
        x = part["trials"] + 0.04 * (place - (len(names) - 1) / 2)
        axes.vlines(x, part["mean_low"], part["mean_high"], color=color, linewidth=1.2, alpha=0.6)
        axes.plot(x, part["mean"], marker + "-", color=color, markersize=5)
        ends.append((float(part["mean"].dropna().iloc[-1]), name, color, marker))
    end_labels(axes, ends)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.grid(axis="y", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("settings tried at random")
