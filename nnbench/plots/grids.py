"""Two things crossed: heat maps with their values printed, by seaborn on axes laid out here."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from nnbench.plots.labels import columns_apart, write_lines
from nnbench.plots.marks import say
from nnbench.plots.style import (
    DARK,
    LIGHT,
    MOST_PRINTED,
    PAPER,
    QUIET,
    TEXT,
    Look,
    bare,
    house_style,
    ink_on,
    name_panel,
    new_figure,
    panel_axes,
    place_axes,
    shorten,
    write,
)

MAGNITUDE = mpl.colormaps["viridis"]
DIVERGING = mpl.colormaps["RdBu_r"]
# The page's theme must leave these alone: the ink on them is chosen for these very colours.
DIFFERENCES = LinearSegmentedColormap.from_list("differences", ["#d45d01", "#f7f7f6", "#0171b1"])
WIDEST = 1000.0  # of a logarithmic scale, its end over its start: beyond, one colour would do
SMALLEST_SPAN = 0.1  # of log10 growth: a table that keeps everything looks so
LARGEST_SPAN = float(np.log10(2))  # beyond twice a layer colours say no more; the texts do


def heat_grid(
    axes: Axes,
    cells: pd.DataFrame,
    rows: Sequence[Any],
    columns: Sequence[Any],
    colors: Any,
    scale: Normalize,
    size: float = TEXT - 1,
    gap: float = 2.0,
) -> None:
    """Draw values as colours, the first row on top, and write and hatch over them.

    cells: `row, column, value` and, as far as there are any, `text`, `under` (smaller, below it),
    `weight` and `hatched`. What is not finite has no colour. gap: between cells, in pixels.
    """
    table = cells.pivot(index="row", columns="column", values="value").astype(float)
    table = table.reindex(index=list(rows), columns=list(columns))
    sns.heatmap(
        table.where(np.isfinite(table)), ax=axes, cmap=colors, norm=scale, vmin=scale.vmin,
        vmax=scale.vmax, cbar=False, xticklabels=False, yticklabels=False,
        # without a gap, an edge of a cell's own colour hides the seam that a browser leaves
        linewidths=gap or 0.6, linecolor=PAPER if gap else "face", clip_on=False,
    )  # fmt: skip
    axes.set(xlabel="", ylabel="")
    bare(axes)
    reach = (axes.bbox.width / len(columns) / 2, axes.bbox.height / len(rows) / 2)
    for _, cell in cells.iterrows():
        corner = (list(columns).index(cell["column"]), list(rows).index(cell["row"]))
        if np.isfinite(cell["value"]):
            text = " ".join(filter(None, (cell.get("text", ""), cell.get("under", ""))))
            said = [(shorten(str(cell["column"]), 60), text or f"{cell['value']:.3g}")]
            name = shorten(str(cell["row"]), 60)
            say(axes, [corner[0] + 0.5], [corner[1] + 0.5], said, name, reach=reach)
        face = colors(scale(cell["value"])) if np.isfinite(cell["value"]) else None
        _write_cell(axes, cell, corner, face, size)


def _write_cell(
    axes: Axes, cell: pd.Series, corner: tuple[int, int], face: Any, size: float
) -> None:
    ink = QUIET if face is None else ink_on(face)
    look: Look = {"on_data": "xy", "ha": "center", "color": ink}
    if cell.get("hatched", False):
        lines: Look = {"hatch": "////", "edgecolor": ink, "alpha": 0.45, "linewidth": 0}
        inside = (corner[0] + 0.03, corner[1] + 0.03)
        axes.add_patch(Rectangle(inside, 0.94, 0.94, facecolor="none", **lines))
        back = PAPER if face is None else face
        look["bbox"] = {"facecolor": back, "edgecolor": "none", "pad": 1.5}
    texts = [(cell.get("text", ""), size), (cell.get("under", ""), TEXT - 3)]
    texts = [(text, size) for text, size in texts if text]
    for (text, size), up in zip(texts, (8, -8) if len(texts) == 2 else (0,), strict=False):
        look |= {"size": size, "weight": cell.get("weight", "normal")}
        write(axes, text, (corner[0] + 0.5, corner[1] + 0.5), (0, up), **look)


def scale_of(
    values: pd.Series, log: bool = False, widest: float = np.inf, least: float = 0.0
) -> Normalize:
    """The colour scale of what is finite, of a logarithmic one above zero.

    least: how much a linear one spans at least, so that noise does not look like a result.
    """
    known = values[np.isfinite(values) & ((values > 0) | (not log))].astype(float)
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.5, 1.0)
    if low == high:
        air = 0.5 * abs(low) or 0.5
        low, high = low - air, high + air
    if not log and high - low < least:
        low, high = (low + high - least) / 2, (low + high + least) / 2
    return LogNorm(max(low, high / widest), high, clip=True) if log else Normalize(low, high)


def color_bar(
    figure: Figure, colors: Any, at: tuple[float, float], ends: Sequence[str], name: str = ""
) -> None:
    """Draw the colour scale in forty steps, which stay vector shapes, with texts along it."""
    axes = place_axes(figure, at[0], at[1], 300, 12)
    edges = np.linspace(0, 1, 41)
    faces = colors(edges[:-1])
    look: Any = {"align": "edge", "color": faces, "edgecolor": faces, "linewidth": 0.6}  # no seams
    axes.bar(edges[:-1], 1, width=1 / 40, **look)
    axes.set_xlim(0, 1)
    axes.set_yticks([])
    axes.set_xticks(np.linspace(0, 1, len(ends)), list(ends))
    bare(axes)
    write(axes, name, (1, 0.5), (14, 0), color=QUIET, size=TEXT - 1)


def _named_grids(
    panels: Sequence[str],
    rows: Sequence[str],
    columns: Sequence[str],
    names: tuple[str, str],
    cell: tuple[float, float],
    across: int,
    foot: float = 0,
) -> tuple[Figure, list[Axes], tuple[float, float]]:
    """The figure of a grid a panel, its axes, and where what belongs at its foot may stand.

    names: of what is in the rows and in the columns. cell: its width and height.
    """
    room = _room(rows, names[0])
    heads = list(columns_apart(columns, max(int((cell[0] - 2) / 7), 4)).values())
    over = 14.0 + 16 * max(map(len, heads))
    header = over + 18 + 20 * (any(panels) + bool(names[1]))
    size = (cell[0] * len(columns), cell[1] * len(rows))
    step = (room + size[0], header + size[1] + 18)
    down = -(-len(panels) // across)
    least = room + 460 if foot else 0
    figure = new_figure(max(across * step[0] + 12, least), down * step[1] + foot)
    found = panel_axes(figure, len(panels), across, step, (room - 8, header), size)
    for panel, axes in zip(panels, found, strict=True):
        for x, lines in enumerate(heads):
            at = ((x + 0.5) / len(columns), 1)
            write_lines(axes, lines, at, (0, 14), ha="center", size=TEXT - 1)
        name_panel(axes, shorten(panel), shorten(names[1], 40), 0, over + 8)
        write(axes, shorten(names[0]), (0, 1), (-8, 14), color=QUIET, ha="right", size=TEXT - 1)
    return figure, found, (room - 8, down * step[1] + 10)


def _room(rows: Sequence[str], name: str) -> float:
    return 24 + 7.6 * max(len(shorten(row)) for row in [name, *rows])


def _fill(
    axes: Axes, cells: pd.DataFrame, rows: Sequence[str], columns: Sequence[str], *look: Any
) -> None:
    heat_grid(axes, cells, rows, columns, *look)
    axes.set_yticks(np.arange(len(rows)) + 0.5, [shorten(row) for row in rows])


def heat_maps(
    cross: pd.DataFrame,
    rows: Sequence[str],
    columns: Sequence[str],
    row_name: str,
    column_name: str,
    log: bool = False,
    width: float = 1080,
    least: float = 0.0,
) -> Figure:
    """Draw one heat map per data set on one colour scale, values printed, diverged cells hatched.

    least: what the scale spans at least.

    cross: `data, row, column, mean, used, n, diverged, text`. Rows and columns in drawing order.
    """
    panels = list(dict.fromkeys(cross["data"]))
    room = _room(rows, row_name)
    longest = max(len(word) for c in columns for word in shorten(c, 30).split() or [""])
    cell = min(max(96.0, 8.0 * longest + 10), max((width - room) / len(columns), 30.0))
    across = max(1, min(len(panels), int(width // (room + cell * len(columns)))))
    means = cross["mean"].astype(float)
    log = log and bool((means.dropna() > 0).all())
    scale = scale_of(means, log, WIDEST, least)
    cells = cross.assign(value=means, hatched=cross["diverged"] > 0)
    printed = len(rows) * len(columns) <= MOST_PRINTED
    lost = [
        f"{k} of {n} div." if k else "" for k, n in zip(cross["diverged"], cross["n"], strict=True)
    ]
    cells["text"] = cross["text"].where(means.notna(), "") if printed else ""
    cells["under"] = lost if printed else ""
    names, foot = (row_name, shorten(column_name, 24)), 0 if printed else 62
    with house_style():
        figure, found, at = _named_grids(
            list(map(str, panels)), rows, columns, names, (cell, 40.0), across, foot
        )
        for panel, axes in zip(panels, found, strict=True):
            _fill(axes, cells[cells["data"] == panel], rows, columns, MAGNITUDE, scale, TEXT)
        if not printed:
            color_bar(figure, MAGNITUDE, at, [f"{end:.3g}" for end in ends_of(scale)])
    return figure


def ends_of(scale: Normalize) -> list[float]:
    """What the start, the middle and the end of a colour scale stand for."""
    return [float(end) for end in np.ma.getdata(scale.inverse(np.array([0.0, 0.5, 1.0])))]


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
    room = _room(rows, names[0])
    across = max(1, min(len(panels), int(width // (room + 118 * len(columns)))))
    cell = min(150.0, max((width / across - room) / len(columns), 34.0))
    printed = len(rows) * len(columns) <= MOST_PRINTED and cell >= 84
    cells = cross if printed else cross.drop(columns=["text", "under"])
    largest = float(cross["value"].replace([np.inf, -np.inf], np.nan).abs().max())
    span = min(max(SMALLEST_SPAN, np.nan_to_num(largest)), LARGEST_SPAN)
    least, most = ("≤ ", "≥ ") if largest > span else ("", "")
    ends = [f"{least}{10**-span:.2g}", "1", f"{most}{10**span:.2g}"]
    with house_style():
        size = (cell, 40.0 if printed else 20.0)
        figure, found, at = _named_grids(panels, rows, columns, names, size, across, foot=62)
        for panel, axes in zip(panels, found, strict=True):
            part = cells[cells["panel"] == panel]
            _fill(axes, part, rows, columns, DIVERGING, Normalize(-span, span))
        color_bar(figure, DIVERGING, at, ends, "factor per layer")
    return figure


def difference_matrix(pairs: pd.DataFrame, names: Sequence[str], width: float = 1080) -> Figure:
    """Draw each row's difference to each column: blue where the row is better, orange where worse.

    pairs: `row, column, effect, towards, text, clear`: `towards` is the effect with better above
    zero. What is not `clear` is grey. Colours span at least `detectable`, where that is a column.
    """
    corner = "row minus column"
    cell = min(max((width - _room(names, corner)) / len(names), 60.0), 130.0)
    shown = pairs["towards"].astype(float).where(pairs["clear"], 0 * pairs["towards"])
    ends = pd.concat([shown.abs(), pairs.get("detectable", shown)]).dropna()
    largest = float(ends.max()) if len(ends) else 1.0
    scale = Normalize(-(largest or 1.0), largest or 1.0)
    weight = np.where(pairs["clear"], "bold", "normal")
    cells = pairs.assign(value=shown, weight=weight)
    with house_style():
        figure, (axes,), _ = _named_grids([""], names, names, (corner, ""), (cell, 38.0), 1)
        _fill(axes, cells, names, names, DIFFERENCES, scale)
    return figure


def trainability_map(
    cross: pd.DataFrame,
    law: pd.DataFrame,
    names: tuple[str, str, str],
    law_name: str,
    width: float = 1080,
    least: float = 0.0,
) -> Figure:
    """Draw a score by depth and gain, and a depth that theory gives for each gain over it.

    cross: `panel, row, column` (numbers), `value, text, under` (how many finished where some did
    not, which hatches the cell); law: `panel, column, value` (a depth). least: what the colours
    span at least, so that noise does not look like a result.
    names: of the rows, the columns and the score. Depth grows upwards, evenly from level to level,
    and so does the law between two depths by their logarithms.
    """
    panels = list(dict.fromkeys(cross["panel"]))
    rows, columns = sorted(set(cross["row"]), reverse=True), sorted(set(cross["column"]))
    room, beside, across = 70.0, 24 + 7.5 * len(law_name), min(len(panels), 2)
    cell = min(110.0, (width / across - room - beside) / len(columns))
    cells = cross.assign(hatched=cross["under"] != "")
    if cell < 44:
        cells = cells.drop(columns=["text", "under"])
    size = (cell * len(columns), 36.0 * len(rows))
    step = (room + size[0] + beside, size[1] + 124)
    scale = scale_of(cross["value"], least=least)
    with house_style():
        figure = new_figure(across * step[0], -(-len(panels) // across) * step[1])
        found = panel_axes(figure, len(panels), across, step, (room, 56), size)
        for panel, axes in zip(panels, found, strict=True):
            part = cells[cells["panel"] == panel]
            heat_grid(axes, part, rows, columns, MAGNITUDE, scale, gap=1.5)
            axes.set_xticks(np.arange(len(columns)) + 0.5, [f"{column:g}" for column in columns])
            axes.set_yticks(np.arange(len(rows)) + 0.5, [f"{row:g}" for row in rows])
            axes.set_xlabel(names[1])
            name_panel(axes, str(panel), f"{names[0]}; colour: {names[2]}", room - 14, 22)
            _law_over(axes, law[law["panel"] == panel], rows, columns, law_name)
    return figure


def _law_over(
    axes: Axes, law: pd.DataFrame, rows: Sequence[float], columns: Sequence[float], name: str
) -> None:
    """Draw the law's depths as a dashed line with a light edge, which shows on any colour."""
    part = law.dropna(subset=["value"]).sort_values("column")
    if part.empty:
        return
    depths, places = np.log(rows[::-1]), len(rows) - 0.5 - np.arange(len(rows))
    step = (depths[-1] - depths[0]) / (len(rows) - 1) if len(rows) > 1 else 1.0
    depth = np.log(np.clip(part["value"].to_numpy(float), 1e-3, 1e6))
    # beyond the first and the last depth the law goes on at their distance
    beyond = np.minimum(depth - depths[0], 0) + np.maximum(depth - depths[-1], 0)
    y = np.clip(np.interp(depth, depths, places) - beyond / step, 0, len(rows))
    x = np.array([columns.index(column) + 0.5 for column in part["column"]])
    axes.plot(x, y, color=LIGHT, linewidth=4.5, clip_on=False)  # texts stand above it
    axes.plot(x, y, color=DARK, linewidth=1.8, dashes=(5, 3), clip_on=False)
    beside = axes.bbox.width / len(columns) / 2 + 6
    write(axes, name, (float(x[-1]), float(y[-1])), (beside, 0), on_data="xy")
