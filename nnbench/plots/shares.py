"""How much of the variance each factor explains: bars from zero, with interval and chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from nnbench.plots.style import (
    INK,
    PAPER,
    QUIET,
    RULE,
    SERIES,
    TEXT,
    Look,
    house_style,
    new_figure,
    place_axes,
    shorten,
    write,
)

LEFT, RIGHT, ROW = 300.0, 210.0, 26.0
FACES = {"factor": SERIES[0], "pair": SERIES[5], "data pair": SERIES[5]}  # the rest is noise


def share_bars(shares: pd.DataFrame, x_label: str, width: float = 1080) -> Figure:
    """Draw one bar a term with its interval, under a heading where a new group begins.

    shares: `group, kind, term, share, low, high, by_chance, text` in drawing order; share in 0..1.
    """
    places, headings = _places(list(shares["group"]))
    bottom = places[-1] + ROW
    with house_style():
        figure = new_figure(width, bottom + 62)
        axes = place_axes(figure, LEFT, 12, width - LEFT - RIGHT, bottom)
        axes.set_ylim(bottom, 0)
        ends = shares[["share", "high", "by_chance"]].to_numpy(dtype=float)
        axes.set_xlim(0, 1.04 * max(float(np.nanmax(ends)) if np.isfinite(ends).any() else 1, 0.01))
        for name, y in headings:
            write(axes, name, (0, y), (-LEFT, 0), on_data="y", weight="bold")
        for y, (_, row) in zip(places, shares.iterrows(), strict=True):
            _bar(axes, row, y)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.axvline(0, color=INK, linewidth=1)
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{100 * x:.3g} %"))
        axes.set_xlabel(x_label)
    return figure


def _places(groups: list[str]) -> tuple[list[float], list[tuple[str, float]]]:
    """Return the rows' places, and each group's name at the place of its first row."""
    y, before, places, headings = 0.0, "", [], []
    for group in groups:
        y += ROW + 10 * (group != before and before != "")
        if group != before:
            headings.append((group, y))
        places.append(y)
        before = group
    return places, headings


def _bar(axes: Axes, row: pd.Series, y: float) -> None:
    write(axes, shorten(row["term"], 30), (0, y), (-12, 0), on_data="y", ha="right")
    face = FACES.get(row["kind"])
    if np.isfinite(row["share"]):
        look: Look = {"facecolor": face, "linewidth": 0}
        if face is None:
            look = {"facecolor": RULE, "edgecolor": QUIET, "hatch": "////", "linewidth": 0}
        axes.add_patch(Rectangle((0, y - 7), row["share"], 14, **look))
    if np.isfinite(row["low"]):
        axes.plot([row["low"], row["high"]], [y, y], color=INK, linewidth=1.6)
    if row["by_chance"] > 0.005 * axes.get_xlim()[1]:  # nearer to zero it would only be a smudge
        around: Any = {"color": PAPER, "linewidth": 4.2, "solid_capstyle": "butt"}
        axes.plot([row["by_chance"]] * 2, [y - 9, y + 9], **around)
        axes.plot([row["by_chance"]] * 2, [y - 9, y + 9], color=INK, linewidth=1.6, dashes=(2, 1.4))
    at: Look = {"on_data": "y", "ha": "right", "size": TEXT - 1}
    write(axes, row["text"], (1, y), (RIGHT, 0), color=INK, **at)
