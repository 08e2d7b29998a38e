"""Two things crossed: heat maps with their values printed, by seaborn on axes laid out here."""

from collections.abc import Sequence
from typing import Any, NamedTuple

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
from nnbench.plots.rooms import SMALL, WIDE, for_both, is_small
from nnbench.plots.style import (
    MOST_PRINTED,
    PAPER,
    QUIET,
    TEXT,
    Look,
    bare,
    beside,
    cut_apart,
    house_style,
    ink_on,
    name_panel,
    new_figure,
    one_line,
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
SMALL_ROW = 33.0  # pixels of a row of cells, and of the name above it, in a small room
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
            said = [(one_line(str(cell["column"])), text or f"{cell['value']:.3g}")]
            name = one_line(str(cell["row"]))
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
    for (text, size), up in zip(texts, (7, -7) if len(texts) == 2 else (0,), strict=False):
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
    axes = place_axes(figure, at[0], at[1], 190 if is_small() else 300, 12)
    edges = np.linspace(0, 1, 41)
    faces = colors(edges[:-1])
    look: Any = {"align": "edge", "color": faces, "edgecolor": faces, "linewidth": 0.6}  # no seams
    axes.bar(edges[:-1], 1, width=1 / 40, **look)
    axes.set_xlim(0, 1)
    axes.set_yticks([])
    axes.set_xticks(np.linspace(0, 1, len(ends)), list(ends))
    bare(axes)
    write(axes, name, (1, 0.5), (14, 0), color=QUIET, size=TEXT - 1)


class Part(NamedTuple):
    """A grid, or a part of one: its panel, its axes, and the columns that are in it."""

    panel: str
    axes: Axes
    rows: Sequence[str]
    columns: Sequence[str]


def _named_grids(
    panels: Sequence[str],
    rows: Sequence[str],
    columns: Sequence[str],
    names: tuple[str, str],
    cell: tuple[float, float],
    across: int,
    cells: pd.DataFrame,
    foot: float = 0,
) -> tuple[Figure, list[Part], tuple[float, float]]:
    """The figure of a grid a panel, its parts, and where what belongs at its foot may stand.

    names: of what is in the rows and in the columns. cell: its width and height. cells: `panel,
    row, column` of those that there are.
    """
    if is_small():
        return _small_grids(panels, rows, columns, names, foot, cells)
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
    for title, axes in zip(cut_apart(panels), found, strict=True):
        for x, lines in enumerate(heads):
            at = ((x + 0.5) / len(columns), 1)
            write_lines(axes, lines, at, (0, 14), ha="center", size=TEXT - 1)
        name_panel(axes, title, shorten(names[1], 40), 0, over + 8)
        write(axes, shorten(names[0]), (0, 1), (-8, 14), color=QUIET, ha="right", size=TEXT - 1)
    parts = [Part(panel, axes, rows, columns) for panel, axes in zip(panels, found, strict=True)]
    return figure, parts, (room - 8, down * step[1] + 10)


def _small_grids(
    panels: Sequence[str],
    rows: Sequence[str],
    columns: Sequence[str],
    names: tuple[str, str],
    foot: float,
    cells: pd.DataFrame,
) -> tuple[Figure, list[Part], tuple[float, float]]:
    """The same in a small room: as many columns side by side as can be read, then the others.

    A row's name stands above its cells; one without any has no place.
    """
    longest = max(len(word) for name in columns for word in shorten(name, 30).split() or [""])
    most = max(1, int((SMALL - 8) // max(80.0, 7.2 * longest + 8)))
    blocks = [list(b) for b in np.array_split(np.array(columns, object), -(-len(columns) // most))]
    cell = min((SMALL - 8) / len(blocks[0]), 130.0)
    letters = max(int((cell - 2) / 7), 4)
    heads = columns_apart(columns, letters)
    over = 14.0 + 16 * max(map(len, heads.values()))
    header, said = over + 66, " by ".join(shorten(name, 24) for name in names if name)
    titles = dict(zip(panels, cut_apart(panels), strict=True))
    planned, foot_at = [], 0.0
    for panel, block in ((p, b) for p in panels for b in blocks):
        here = cells[cells["column"].isin(block) & (cells["panel"].astype(str) == panel)]
        own = [row for row in rows if row in set(here["row"])] or rows[:1]
        planned.append((panel, block, own, foot_at))
        foot_at += header + 2 * SMALL_ROW * len(own) + 14
    figure = new_figure(SMALL, foot_at + foot)
    parts = []
    for panel, block, own, top in planned:
        size = (cell * len(block), 2 * SMALL_ROW * len(own))
        axes = place_axes(figure, 4, top + header, *size)
        for x, name in enumerate(block):
            at = ((x + 0.5) / len(block), 1)
            write_lines(axes, heads[name], at, (0, 6), ha="center", size=TEXT - 1)
        more = "" if block == blocks[0] else ", continued"
        name_panel(axes, f"{titles[panel]}{more}".removeprefix(", "), said, 0, over + 6)
        parts.append(Part(panel, axes, own, block))
    return figure, parts, (18, foot_at + 10)


def _room(rows: Sequence[str], name: str) -> float:
    return 24 + 7.6 * max(map(len, [shorten(name), *cut_apart(rows)]))


def _fill(part: Part, cells: pd.DataFrame, *look: Any) -> None:
    """Draw a part's cells, and the names of the rows beside them or, in a small room, above."""
    axes, rows, cells = part.axes, part.rows, cells[cells["column"].isin(part.columns)]
    if not is_small():
        heat_grid(axes, cells, rows, part.columns, *look)
        axes.set_yticks(np.arange(len(rows)) + 0.5, cut_apart(rows))
        return
    every = [name for row in rows for name in (f"{row}\0", row)]  # no level is called so
    heat_grid(axes, cells, every, part.columns, *look)
    beside(axes, cut_apart(rows, 44), 2 * np.arange(len(rows)) + 0.66, 0, ha="left")


@for_both
def heat_maps(
    cross: pd.DataFrame,
    rows: Sequence[str],
    columns: Sequence[str],
    row_name: str,
    column_name: str,
    log: bool = False,
    least: float = 0.0,
) -> Figure:
    """Draw one heat map per data set on one colour scale, values printed, diverged cells hatched.

    least: what the scale spans at least.

    cross: `data, row, column, mean, used, n, diverged, text`. Rows and columns in drawing order.
    """
    panels = list(dict.fromkeys(cross["data"]))
    room = _room(rows, row_name)
    longest = max(len(line) for head in columns_apart(columns, 12).values() for line in head)
    cell = min(max(96.0, 8.0 * longest + 10), max((WIDE - room) / len(columns), 30.0))
    across = max(1, min(len(panels), int(WIDE // (room + cell * len(columns)))))
    means = cross["mean"].astype(float)
    log = log and bool((means.dropna() > 0).all())
    scale = scale_of(means, log, WIDEST, least)
    cells = cross.assign(value=means, hatched=cross["diverged"] > 0)
    printed = len(rows) * len(columns) <= MOST_PRINTED * (4 if is_small() else 1)
    lost = [
        f"{k} of {n} div." if k else "" for k, n in zip(cross["diverged"], cross["n"], strict=True)
    ]
    cells["text"] = cross["text"].where(means.notna(), "") if printed else ""
    cells["under"] = lost if printed else ""
    names, foot = (row_name, shorten(column_name, 24)), 0 if printed else 62
    with house_style():
        figure, found, at = _named_grids(
            list(map(str, panels)),
            rows,
            columns,
            names,
            (cell, 40.0),
            across,
            cells.rename(columns={"data": "panel"}),
            foot,
        )
        for part in found:
            own = cells[cells["data"].astype(str) == part.panel]
            _fill(part, own, MAGNITUDE, scale, TEXT)
        if not printed:
            color_bar(figure, MAGNITUDE, at, [f"{end:.3g}" for end in ends_of(scale)])
    return figure


def ends_of(scale: Normalize) -> list[float]:
    """What the start, the middle and the end of a colour scale stand for."""
    return [float(end) for end in np.ma.getdata(scale.inverse(np.array([0.0, 0.5, 1.0])))]


@for_both
def growth_maps(
    cross: pd.DataFrame,
    panels: Sequence[str],
    rows: Sequence[str],
    columns: Sequence[str],
    names: tuple[str, str],
) -> Figure:
    """Draw the growth of gradients a layer around the one that keeps them, values and verdicts.

    cross: `panel, row, column, value` (log10 of the factor), `text, under`: the two lines in a
    cell. names: of rows and columns. A cell without networks stays empty.
    """
    room = _room(rows, names[0])
    across = max(1, min(len(panels), int(WIDE // (room + 118 * len(columns)))))
    cell = min(150.0, max((WIDE / across - room) / len(columns), 34.0))
    printed = is_small() or (len(rows) * len(columns) <= MOST_PRINTED and cell >= 84)
    cells = cross if printed else cross.drop(columns=["text", "under"])
    largest = float(cross["value"].replace([np.inf, -np.inf], np.nan).abs().max())
    span = min(max(SMALLEST_SPAN, np.nan_to_num(largest)), LARGEST_SPAN)
    least, most = ("≤ ", "≥ ") if largest > span else ("", "")
    ends = [f"{least}{10**-span:.2g}", "1", f"{most}{10**span:.2g}"]
    with house_style():
        size = (cell, 40.0 if printed else 20.0)
        figure, found, at = _named_grids(panels, rows, columns, names, size, across, cells, foot=62)
        for part in found:
            own = cells[cells["panel"] == part.panel]
            _fill(part, own, DIVERGING, Normalize(-span, span))
        color_bar(figure, DIVERGING, at, ends, "factor per layer")
    return figure


@for_both
def difference_matrix(pairs: pd.DataFrame, names: Sequence[str]) -> Figure:
    """Draw each row's difference to each column: blue where the row is better, orange where worse.

    pairs: `row, column, effect, towards, text, clear`: `towards` is the effect with better above
    zero. What is not `clear` is grey. Colours span at least `detectable`, where that is a column.
    """
    corner = "row minus column"
    cell = min(max((WIDE - _room(names, corner)) / len(names), 60.0), 130.0)
    shown = pairs["towards"].astype(float).where(pairs["clear"], 0 * pairs["towards"])
    ends = pd.concat([shown.abs(), pairs.get("detectable", shown)]).dropna()
    largest = float(ends.max()) if len(ends) else 1.0
    scale = Normalize(-(largest or 1.0), largest or 1.0)
    weight = np.where(pairs["clear"], "bold", "normal")
    cells = pairs.assign(value=shown, weight=weight)
    with house_style():
        figure, found, _ = _named_grids(
            [""], names, names, (corner, ""), (cell, 38.0), 1, cells.assign(panel="")
        )
        for part in found:
            _fill(part, cells, DIFFERENCES, scale)
    return figure
