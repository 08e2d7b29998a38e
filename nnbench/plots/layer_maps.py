"""Heat maps of what layers do: growth of gradients, who trains, a statistic by layer and epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from nnbench.plots import (
    DARK,
    INK,
    LIGHT,
    MOST_PRINTED,
    PAPER,
    QUIET,
    TEXT,
    house_style,
    ink_on,
    new_figure,
    place_axes,
    shorten,
    write,
)

DIVERGING, MAGNITUDE = "RdBu_r", "viridis"
SMALLEST_SPAN = 0.1  # of log10 growth: a table that keeps everything looks so
LARGEST_SPAN = float(np.log10(2))  # beyond twice a layer colours say no more; the texts do


# Growth -----------------------------------------------------------------------------------------


def growth_maps(
    cross: pd.DataFrame,
    panels: Sequence[str],
    rows: Sequence[str],
    columns: Sequence[str],
    names: tuple[str, str],
    width: float = 1080,
) -> Figure:
    """Draw the growth of gradients a layer around the one that keeps them, values and verdicts.

    cross: `panel, row, column, value` (log10 of the factor), `text, under`: the two lines in a
    cell. names: of rows and columns. A cell without networks stays empty.
    """
    label_room = 24 + 7.6 * max(len(shorten(row)) for row in [names[0], *rows])
    across = max(1, min(len(panels), int(width // (label_room + 118 * len(columns)))))
    each = width / across
    cell_width = min(150.0, max((each - label_room) / len(columns), 34.0))
    printed = len(rows) * len(columns) <= MOST_PRINTED and cell_width >= 84
    cell_height = 40.0 if printed else 20.0
    tall = 88 + cell_height * len(rows) + 18
    known = cross["value"].replace([np.inf, -np.inf], np.nan).dropna()
    largest = float(known.abs().max()) if len(known) else 0.0
    span = min(max(SMALLEST_SPAN, largest), LARGEST_SPAN)
    panel_width = label_room + cell_width * len(columns)
    with house_style():
        figure = new_figure(
            max(across * panel_width + 8, label_room + 460), -(-len(panels) // across) * tall + 62
        )
        for i, panel in enumerate(panels):
            left, top = i % across * panel_width + label_room - 8, i // across * tall + 88
            size = (cell_width * len(columns), cell_height * len(rows))
            axes = place_axes(figure, left, top, *size)
            _table_axes(axes, rows, columns, names, panel)
            for _, cell in cross[cross["panel"] == panel].iterrows():
                at = (list(columns).index(cell["column"]), list(rows).index(cell["row"]))
                _growth_cell(axes, cell, at, Normalize(-span, span), printed)
        foot = -(-len(panels) // across) * tall + 10
        least, most = ("≤ ", "≥ ") if largest > span else ("", "")
        ends = [f"{least}{10**-span:.2g}", "1", f"{most}{10**span:.2g}"]
        color_bar(figure, DIVERGING, (label_room - 8, foot), ends, "factor a layer")
    return figure


def _table_axes(
    axes: Axes, rows: Sequence[str], columns: Sequence[str], names: tuple[str, str], panel: str
) -> None:
    axes.set_xlim(0, len(columns))
    axes.set_ylim(len(rows), 0)
    axes.set_xticks([])
    axes.set_yticks(np.arange(len(rows)) + 0.5, [shorten(row) for row in rows])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for x, column in enumerate(columns):
        at = ((x + 0.5) / len(columns), 1)
        # a combination of two factors, or a level and its parameter: one below the other
        lines = column.split(", ", 1) if ", " in column else column.split(" ", 1)
        for line, height in zip(lines, (14 + 16 * (len(lines) - 1), 14), strict=False):
            write(axes, shorten(line, 20), at, (0, height), ha="center", size=12)
    write(axes, shorten(panel), (0, 1), (0, 74), weight="bold")
    write(axes, shorten(names[1], 40), (0, 1), (0, 52), color=QUIET)
    write(axes, shorten(names[0]), (0, 1), (-8, 14), color=QUIET, ha="right")


def _growth_cell(
    axes: Axes, cell: pd.Series, at: tuple[int, int], scale: Normalize, printed: bool
) -> None:
    x, y = at
    known = bool(np.isfinite(cell["value"]))
    face: Any = mpl.colormaps[DIVERGING](scale(cell["value"])) if known else "none"
    axes.add_patch(Rectangle((x, y), 1, 1, facecolor=face, edgecolor=PAPER, linewidth=2))
    if not printed:
        return
    ink = ink_on(face) if known else INK
    look: dict[str, Any] = {"on_data": "xy", "ha": "center", "color": ink}
    write(axes, cell["text"], (x + 0.5, y + 0.5), (0, 7 if cell["under"] else 0), size=12, **look)
    if cell["under"]:
        write(axes, cell["under"], (x + 0.5, y + 0.5), (0, -9), size=TEXT - 3, **look)


def color_bar(
    figure: Figure, colors: str, at: tuple[float, float], ends: Sequence[str], name: str = ""
) -> None:
    """Draw the colour scale as steps, with texts along it and its name at the right."""
    axes = place_axes(figure, at[0], at[1], 300, 12)
    edges = np.linspace(0, 1, 41)
    faces = mpl.colormaps[colors](edges[:-1])
    look: Any = {"align": "edge", "color": faces, "edgecolor": faces, "linewidth": 0.6}  # no seams
    axes.bar(edges[:-1], 1, width=1 / 40, **look)
    axes.set_xlim(0, 1)
    axes.set_yticks([])
    axes.set_xticks(np.linspace(0, 1, len(ends)), list(ends))
    axes.tick_params(length=0)
    write(axes, name, (1, 0.5), (14, 0), color=QUIET, size=TEXT - 1)
    for spine in axes.spines.values():
        spine.set_visible(False)


# Who trains -------------------------------------------------------------------------------------


def trainability_map(
    cross: pd.DataFrame,
    law: pd.DataFrame,
    names: tuple[str, str, str],
    law_name: str,
    width: float = 1080,
) -> Figure:
    """Draw a score by depth and gain, and a depth that theory gives for each gain over it.

    cross: `panel, row, column` (numbers), `value, text, under` (how many finished where some did
    not, which hatches the cell); law: `panel, column, value` (a depth).
    names: of the rows, the columns and the score. Depth grows upwards, evenly from level to level,
    and so does the law between two depths by their logarithms.
    """
    panels = list(dict.fromkeys(cross["panel"]))
    rows, columns = sorted(set(cross["row"])), sorted(set(cross["column"]))
    room, beside = 70.0, 24 + 7.5 * len(law_name)
    across = min(len(panels), 2)
    cell_width = min(110.0, (width / across - room - beside) / len(columns))
    panel_width, tall = room + cell_width * len(columns) + beside, 36.0 * len(rows) + 124
    known = cross["value"].dropna()
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    scale = Normalize(low, high if high > low else low + 1)
    down = -(-len(panels) // across)
    with house_style():
        figure = new_figure(across * panel_width, down * tall)
        for i, panel in enumerate(panels):
            left, top = i % across * panel_width + room, i // across * tall + 56
            axes = place_axes(figure, left, top, cell_width * len(columns), 36.0 * len(rows))
            _grid_axes(axes, rows, columns, names, str(panel))
            for _, cell in cross[cross["panel"] == panel].iterrows():
                at = (columns.index(cell["column"]), rows.index(cell["row"]))
                _score_cell(axes, cell, at, scale, cell_width >= 44)
            _law_over(axes, law[law["panel"] == panel], rows, columns, law_name)
    return figure


def _grid_axes(
    axes: Axes,
    rows: Sequence[float],
    columns: Sequence[float],
    names: tuple[str, str, str],
    panel: str,
) -> None:
    axes.set_xlim(0, len(columns))
    axes.set_ylim(0, len(rows))
    axes.set_xticks(np.arange(len(columns)) + 0.5, [f"{column:g}" for column in columns])
    axes.set_yticks(np.arange(len(rows)) + 0.5, [f"{row:g}" for row in rows])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xlabel(names[1])
    write(axes, panel, (0, 1), (-56, 42), weight="bold")
    write(axes, f"{names[0]}; colour: {names[2]}", (0, 1), (-56, 22), color=QUIET, size=TEXT - 1)


def _score_cell(
    axes: Axes, cell: pd.Series, at: tuple[int, int], scale: Normalize, printed: bool
) -> None:
    x, y = at
    known = bool(np.isfinite(cell["value"]))
    face: Any = mpl.colormaps[MAGNITUDE](scale(cell["value"])) if known else "none"
    axes.add_patch(Rectangle((x, y), 1, 1, facecolor=face, edgecolor=PAPER, linewidth=1.5))
    color = ink_on(face) if known else QUIET
    if cell["under"]:
        lines: dict[str, Any] = {"hatch": "////", "edgecolor": color, "alpha": 0.45}
        inside = (x + 0.03, y + 0.05)
        axes.add_patch(Rectangle(inside, 0.94, 0.9, facecolor="none", linewidth=0, **lines))
    if printed:
        middle = (x + 0.5, y + 0.5)
        back = {"facecolor": face if known else PAPER, "edgecolor": "none", "pad": 1.5}
        texts = [text for text in (cell["text"], cell["under"]) if text]
        heights = (8, -8) if len(texts) == 2 else (0,)
        look: dict[str, Any] = {"on_data": "xy", "ha": "center", "color": color, "bbox": back}
        for text, height, size in zip(texts, heights, (12, TEXT - 3), strict=False):
            write(axes, text, middle, (0, height), size=size, **look)


def _law_over(
    axes: Axes, law: pd.DataFrame, rows: Sequence[float], columns: Sequence[float], name: str
) -> None:
    """Draw the law's depths as a dashed line with a light edge, which shows on any colour."""
    part = law.dropna(subset=["value"]).sort_values("column")
    if part.empty:
        return
    places = np.arange(len(rows)) + 0.5
    depth = np.clip(part["value"].to_numpy(float), 1e-3, 1e6)
    step = np.log(rows[-1] / rows[0]) / (len(rows) - 1) if len(rows) > 1 else 1.0
    y = np.interp(np.log(depth), np.log(rows), places)
    below, above = np.log(depth / rows[0]) / step, np.log(depth / rows[-1]) / step
    y = np.where(below < 0, places[0] + below, np.where(above > 0, places[-1] + above, y))
    y = np.clip(y, 0, len(rows))
    x = np.array([columns.index(column) + 0.5 for column in part["column"]])
    axes.plot(x, y, color=LIGHT, linewidth=4.5, clip_on=False)  # texts stand above it
    axes.plot(x, y, color=DARK, linewidth=1.8, dashes=(5, 3), clip_on=False)
    write(axes, name, (float(x[-1]), float(y[-1])), (cell_pixels(axes) / 2 + 6, 0), on_data="xy")


def cell_pixels(axes: Axes) -> float:
    """Return the width of a unit of x in pixels."""
    low, high = axes.get_xlim()
    return float(axes.bbox.width / (high - low))
