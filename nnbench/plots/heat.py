"""How two factors interact: heat maps with their values, and what diverged hatched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from nnbench.plots.style import (
    INK,
    MOST_PRINTED,
    PAPER,
    QUIET,
    TEXT,
    Look,
    house_style,
    ink_on,
    new_figure,
    place_axes,
    shorten,
    write,
)

WIDEST = 1000.0  # of a logarithmic scale, its end over its start: beyond, one colour would do


def heat_maps(
    cross: pd.DataFrame,
    rows: Sequence[str],
    columns: Sequence[str],
    row_name: str,
    column_name: str,
    log: bool = False,
    width: float = 1080,
) -> Figure:
    """Draw one heat map per data set on one colour scale, values printed, diverged cells hatched.

    cross: `data, row, column, mean, used, n, diverged, text`. Rows and columns in drawing order.
    """
    panels = list(dict.fromkeys(cross["data"]))
    label_room = 24 + 7.6 * max(len(shorten(r)) for r in [row_name, *rows])
    widest = max(len(word) for c in columns for word in shorten(c, 30).split() or [""])
    roomy = max(96.0, 8.0 * widest + 10)
    cell_width = min(roomy, max((width - label_room) / len(columns), 30.0))
    panel_width = label_room + cell_width * len(columns)
    across = max(1, min(len(panels), int(width // panel_width)))
    cell_height, header = 40.0, 92.0
    panel_height = header + cell_height * len(rows) + 16
    down = -(-len(panels) // across)
    scale = _scale(cross["mean"], log)
    printed = len(rows) * len(columns) <= MOST_PRINTED
    with house_style():
        bar_room = 0 if printed else 70
        figure = new_figure(across * panel_width + 12, down * panel_height + bar_room)
        for i, panel in enumerate(panels):
            left = (i % across) * panel_width + label_room - 8
            top = (i // across) * panel_height + header
            size = (cell_width * len(columns), cell_height * len(rows))
            axes = place_axes(figure, left, top, *size)
            _heat_axes(axes, rows, columns, (row_name, column_name), str(panel))
            for _, cell in cross[cross["data"] == panel].iterrows():
                at = (list(columns).index(cell["column"]), list(rows).index(cell["row"]))
                _heat_cell(axes, cell, at, scale, printed)
        if not printed:
            _heat_bar(figure, scale, label_room, down * panel_height + 14)
    return figure


def _scale(means: pd.Series, log: bool) -> Normalize:
    known = means.dropna()
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    if low == high:
        low, high = low - 0.5 * abs(low) - 1e-9, high + 0.5 * abs(high) + 1e-9
    if log and low > 0:
        return LogNorm(max(low, high / WIDEST), high, clip=True)
    return Normalize(low, high)


def _heat_axes(
    axes: Axes, rows: Sequence[str], columns: Sequence[str], names: tuple[str, str], panel: str
) -> None:
    axes.set_xlim(0, len(columns))
    axes.set_ylim(len(rows), 0)
    axes.set_xticks([])
    axes.set_yticks(np.arange(len(rows)) + 0.5, [shorten(r) for r in rows])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for x, column in enumerate(columns):
        # Line by line: a text of two lines would be placed by matplotlib's font, not the page's.
        words = shorten(column, 30).split(" ", 1)
        for word, height in zip(words, (14 + 16 * (len(words) - 1), 14), strict=False):
            write(axes, word, ((x + 0.5) / len(columns), 1), (0, height), ha="center", size=12)
    write(axes, shorten(panel), (0, 1), (0, 74), weight="bold")
    write(axes, shorten(names[1], 24), (0, 1), (0, 52), color=QUIET)
    write(axes, shorten(names[0]), (0, 1), (-8, 14), color=QUIET, ha="right")


def _heat_cell(
    axes: Axes, cell: pd.Series, at: tuple[int, int], scale: Normalize, printed: bool
) -> None:
    x, y = at
    known = bool(np.isfinite(cell["mean"]))
    face: Any = mpl.colormaps["viridis"](scale(cell["mean"])) if known else "none"
    ink = ink_on(face) if known else INK
    axes.add_patch(Rectangle((x, y), 1, 1, facecolor=face, edgecolor=PAPER, linewidth=2))
    if cell["diverged"]:
        lines: Look = {"hatch": "////", "edgecolor": ink if known else QUIET, "alpha": 0.45}
        inside = (x + 0.03, y + 0.03)
        axes.add_patch(Rectangle(inside, 0.94, 0.94, facecolor="none", linewidth=0, **lines))
    if not printed:
        return
    middle = (x + 0.5, y + 0.5)
    back = {"facecolor": face if known else PAPER, "edgecolor": "none", "pad": 1.5}
    look: Look = {"on_data": "xy", "ha": "center", "color": ink}
    look |= {"bbox": back} if cell["diverged"] else {}
    if known:
        write(axes, cell["text"], middle, (0, 8 if cell["diverged"] else 0), **look)
    if cell["diverged"]:
        lost = f"{cell['diverged']} of {cell['n']} div."
        write(axes, lost, middle, (0, -8 if known else 0), size=TEXT - 3, **look)


def _heat_bar(figure: Figure, scale: Normalize, left: float, top: float) -> None:
    """Draw the colour scale as forty steps: vector shapes, no embedded picture."""
    axes = place_axes(figure, left, top, 300, 14)
    edges = np.linspace(0, 1, 41)
    faces = mpl.colormaps["viridis"](edges[:-1])
    look: Any = {"align": "edge", "color": faces, "edgecolor": faces, "linewidth": 0.6}  # no seams
    axes.bar(edges[:-1], 1, width=1 / 40, **look)
    axes.set_xlim(0, 1)
    axes.set_yticks([])
    ticks = [0.0, 0.5, 1.0]
    axes.set_xticks(ticks, [f"{v:.3g}" for v in np.ma.getdata(scale.inverse(np.array(ticks)))])
