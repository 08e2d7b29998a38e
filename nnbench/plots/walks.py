"""Figures of walks: paths over contours and over curves, and shares that reach the minimum.

Frame in, figure out, as in `nnbench.plots`; nothing is computed here but where marks go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nnbench.plots import (
    INK,
    PAPER,
    QUIET,
    RULE,
    SERIES,
    TEXT,
    house_style,
    new_figure,
    place_axes,
    shorten,
    write,
)

ACROSS = 4  # panels side by side
DOTS = 25  # first steps of a walk that are marked
LEVELS = 9  # contour lines
WALK, OTHER_WALK = SERIES[0], SERIES[1]
SHARE_MARKS = (("o", PAPER, SERIES[0]), ("o", SERIES[0], SERIES[0]), ("s", SERIES[1], SERIES[1]))
Ground = Mapping[str, Any]  # one landscape of landscapes.json


def path_panels(
    ground: Ground, walks: pd.DataFrame, panels: pd.DataFrame, width: float = 1080
) -> Figure:
    """Draw walks over one landscape, a panel for each optimizer; axes are shared.

    walks: `panel, cell_id, x, y or height, reached` in step order; panels: `panel, text`, at most
    7. The eighth place says what the marks mean.
    """
    flat = ground["dims"] == 1
    size = width / ACROSS
    height = 150.0 if flat else 190.0
    down = -(-(len(panels) + 1) // ACROSS)
    with house_style():
        figure = new_figure(width, down * (height + 84))
        for place, panel in enumerate(panels.itertuples()):
            left, top = place % ACROSS * size + 34, place // ACROSS * (height + 84) + 46
            axes = place_axes(figure, left, top, size - 54, height)
            _ground(axes, ground)
            for _, walk in walks[walks["panel"] == panel.panel].groupby("cell_id", sort=False):
                _walk(axes, walk, flat)
            _minima(axes, ground)
            write(axes, shorten(str(panel.panel), 26), (0, 1), (0, 28), weight="bold")
            write(axes, str(panel.text), (0, 1), (0, 11), color=QUIET, size=TEXT - 1)
        place = len(panels)
        left, top = place % ACROSS * size + 34, place // ACROSS * (height + 84) + 46
        _legend(place_axes(figure, left, top, size - 54, height), flat)
    return figure


def _ground(axes: Axes, ground: Ground) -> None:
    """Draw the landscape itself: a curve, or contours that are densest near the bottom."""
    heights = np.array(ground["heights"])
    x = np.array(ground["axes"][0])
    if ground["dims"] == 2:  # seven maps of one landscape: every other point will do
        heights, x = heights[::2, ::2], x[::2]
    axes.tick_params(length=3, labelsize=TEXT - 2)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.set_xlim(x[0], x[-1])
    if ground["dims"] == 1:
        axes.plot(x, heights, color=QUIET, linewidth=1.2)
        air = 0.08 * np.ptp(heights)
        axes.set_ylim(heights.min() - air, heights.max() + air)
        return
    y = np.array(ground["axes"][1])[::2]
    low, spread = heights.min(), np.ptp(heights)
    levels = low + spread * np.linspace(0.04, 1, LEVELS) ** 3
    axes.contour(x, y, heights, levels=levels, colors=QUIET, linewidths=0.6, alpha=0.55)
    axes.set_ylim(y[0], y[-1])
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color(RULE)


def _walk(axes: Axes, walk: pd.DataFrame, flat: bool) -> None:
    color = WALK if walk["reached"].iloc[0] else OTHER_WALK
    x, y = walk["x"].to_numpy(), walk["height" if flat else "y"].to_numpy()
    axes.plot(x, y, color=color, linewidth=1.0, alpha=0.85)
    axes.plot(x[:DOTS], y[:DOTS], ".", color=color, markersize=3.2, mew=0)
    axes.plot(x[0], y[0], "o", color=PAPER, markeredgecolor=color, markersize=5.5)
    axes.plot(x[-1], y[-1], "X" if color == OTHER_WALK else "D", color=color, markersize=5.5, mew=0)


def _minima(axes: Axes, ground: Ground) -> None:
    """Mark the global minima by a star."""
    for minimum in ground["minima"]:
        if ground["dims"] == 1:
            low = float(np.min(ground["heights"]))
            axes.plot(minimum[0], low, "*", color=INK, markersize=9, clip_on=False, mew=0)
        else:
            axes.plot(*minimum, "*", color=INK, markersize=9, mew=0)


def _legend(axes: Axes, flat: bool) -> None:
    axes.axis("off")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    rows = (
        ("*", INK, INK, "global minimum"),
        ("o", PAPER, QUIET, "start"),
        ("D", WALK, WALK, "end, at a global minimum"),
        ("X", OTHER_WALK, OTHER_WALK, "end, elsewhere"),
    )
    for place, (marker, face, edge, words) in enumerate(rows):
        height = 0.9 - 0.16 * place
        axes.plot(0.04, height, marker, color=face, markeredgecolor=edge, markersize=7)
        write(axes, words, (0.04, height), (14, 0), size=TEXT - 1)
    write(axes, "height over x" if flat else "x across, y up", (0.04, 0.2), (-5, 0), color=QUIET)


def share_panels(
    shares: pd.DataFrame,
    rows: Sequence[str],
    panels: Sequence[str],
    marks: Sequence[str],
    width: float = 1080,
) -> Figure:
    """Draw the share of walks that reach the minimum, a panel a landscape, a row an arm.

    shares: `panel, row, mark, share, low, high`; marks: what tells the marks of a row apart.
    """
    label_room = 26 + 7.0 * max(len(shorten(row, 30)) for row in rows)
    across = min(ACROSS, len(panels))
    size = (width - label_room) / across
    row_height = 19.0
    height = row_height * len(rows) + 8
    down = -(-len(panels) // across)
    with house_style():
        figure = new_figure(width, down * (height + 78) + 14)
        for place, panel in enumerate(panels):
            left = label_room + place % across * size
            top = place // across * (height + 78) + 46
            axes = place_axes(figure, left, top, size - 22, height)
            _share_axes(axes, rows, str(panel), first=place % across == 0)
            part = shares[shares["panel"] == panel]
            _shares(axes, part, rows, marks)
        _share_legend(figure, marks, label_room)
    return figure


def _share_axes(axes: Axes, rows: Sequence[str], panel: str, first: bool) -> None:
    axes.set_ylim(len(rows) - 0.3, -0.7)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    write(axes, shorten(panel, 28), (0, 1), (0, 12), weight="bold")
    for place, row in enumerate(rows):
        starts = place == 0 or rows[place - 1].split(" ")[0] != row.split(" ")[0]
        if place and starts:
            axes.axhline(place - 0.5, color=RULE, linewidth=0.8, zorder=0)
        if first:
            at: dict[str, Any] = {"on_data": "y", "ha": "right", "size": TEXT - 1}
            write(axes, shorten(row, 30), (0, place), (-12, 0), **at)


def _shares(axes: Axes, part: pd.DataFrame, rows: Sequence[str], marks: Sequence[str]) -> None:
    for number, mark in enumerate(marks):
        marker, face, edge = SHARE_MARKS[number]
        shift = (number - (len(marks) - 1) / 2) * 0.34
        for _, one in part[part["mark"] == mark].iterrows():
            y = list(rows).index(one["row"]) + shift
            axes.plot([one["low"], one["high"]], [y, y], color=edge, linewidth=1.3)
            axes.plot(one["share"], y, marker, color=face, markeredgecolor=edge, markersize=5)


def _share_legend(figure: Figure, marks: Sequence[str], left: float) -> None:
    """Say what the marks of a row are, in the top left corner where there is no panel."""
    if len(marks) < 2:
        return
    axes = place_axes(figure, 0, 8, left, 18 * len(marks))
    axes.axis("off")
    axes.set_xlim(0, left)
    axes.set_ylim(len(marks), 0)
    for number, mark in enumerate(marks):
        marker, face, edge = SHARE_MARKS[number]
        axes.plot(8, number + 0.5, marker, color=face, markeredgecolor=edge, markersize=6)
        write(axes, mark, (8, number + 0.5), (12, 0), on_data="xy", size=TEXT - 1)
