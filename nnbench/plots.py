"""Figures of a study: frame in, figure out, one function per question; nothing is computed here.

Sizes are in CSS pixels (one matplotlib point at 72 dots an inch), so that a figure's text has the
page's size. Colours are those of a light page; `nnbench.report.svg` maps each to a variable of the
page's style sheet. Every distinction that a colour makes is also made by a marker or a word.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unicodedata import category

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

INK, QUIET, RULE, PAPER = "#1a1a1b", "#62666c", "#dcdee1", "#fffffe"
# Okabe and Ito 2008, Color Universal Design: distinct under every common colour blindness.
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
MARKERS = ("s", "^", "D", "v", "P", "X")
BETTER, WORSE = SERIES[0], SERIES[1]
VERDICT_MARKS: Mapping[str, tuple[str, str, str]] = {  # marker, edge, face
    "better": ("^", BETTER, BETTER),
    "worse": ("v", WORSE, WORSE),
}
Look = dict[str, Any]  # matplotlib's keyword arguments
MOST_SERIES = 7  # lines of one panel that an eye can tell apart
MOST_PRINTED = 150  # heat map cells with their value in them
MOST_THIN = 12  # lines of single networks behind a median; beyond it, the quartiles
TEXT = 13.0
STYLE: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"],  # ships with matplotlib: the same layout on every machine
    "font.size": TEXT,
    "text.color": INK,
    "text.parse_math": False,  # a "$" in a user's label is a dollar
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": TEXT,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.formatter.use_mathtext": False,
    "axes.formatter.useoffset": False,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": TEXT - 1,
    "ytick.labelsize": TEXT - 1,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "hatch.linewidth": 0.8,
    "svg.fonttype": "none",
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw and save under the house style, whatever the user's matplotlibrc says."""
    with warnings.catch_warnings(), mpl.rc_context():
        # The browser has the glyph (an emoji in a name) even where the layout font lacks it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        mpl.rcParams.update(mpl.rcParamsDefault)
        mpl.rcParams.update(STYLE)
        yield


def shorten(text: str, most: int = 34) -> str:
    """Return the text on one line, its middle cut out beyond `most` characters.

    Levels of one family differ at the end (`negative_slope=0.2`), so that the end stays. Control
    characters, which SVG does not allow, become the replacement character.
    """
    forbidden = {"Cc", "Cs", "Zl", "Zp"}
    line = "".join(
        "\N{REPLACEMENT CHARACTER}" if category(c) in forbidden or c in "\ufffe\uffff" else c
        for c in text
    )
    kept = most - 1
    return line if len(line) <= most else f"{line[: kept - kept // 2]}…{line[-(kept // 2) :]}"


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of that many pixels."""
    return Figure(figsize=(width / 72, height / 72), dpi=72)


def place_axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Add axes at a place in pixels, measured from the figure's left and top edges."""
    whole_width, whole_height = figure.get_size_inches() * 72
    bottom = whole_height - top - height
    return figure.add_axes(
        (left / whole_width, bottom / whole_height, width / whole_width, height / whole_height)
    )


def write(
    axes: Axes,
    text: str,
    at: tuple[float, float],
    shift: tuple[float, float] = (0, 0),
    on_data: str = "",
    **look: Any,
) -> None:
    """Write a text at a fraction of the axes, moved by so many pixels.

    on_data: "x", "y" or "xy", the coordinates of `at` that are data and not fractions.
    """
    frame: Any = tuple("data" if name in on_data else "axes fraction" for name in "xy")
    look = {"va": "center"} | look
    axes.annotate(text, at, shift, xycoords=frame, textcoords="offset points", **look)


# What mattered: every level's paired difference to its baseline ---------------------------------


def effect_strips(
    effects: pd.DataFrame,
    blocks: pd.DataFrame,
    x_label: str,
    higher_is_better: bool,
    width: float = 1080,
    top: float = 26,
    row_height: float = 24,
    margin: float = 0,
) -> Figure:
    """Draw, factor by factor, each level's paired difference with interval, every block behind it.

    effects: `factor, heading, level, effect, effect_low, effect_high, verdict, text` in drawing
    order, baselines left out. blocks: `factor, level, difference`. text: written at the right.
    """
    headings = effects.drop_duplicates("factor").set_index("factor")["heading"]
    rows = [(f, level) for f in headings.index for level in [None, *_levels_of(effects, f)]]
    places = np.cumsum([row_height + 10 if level is None else row_height for _, level in rows])
    with house_style():
        figure = new_figure(width, top + places[-1] + 66)
        left, right = 220 + margin, 330 + margin
        axes = place_axes(figure, left, top, width - left - right, places[-1] + 16)
        axes.set_ylim(places[-1] + 16, 0)
        axes.set_xlim(*_padded(effects, blocks))
        axes.axvline(0, color=INK, linewidth=1)
        for (factor, level), y in zip(rows, places, strict=True):
            if level is None:
                _strip_heading(axes, str(factor), str(headings[factor]), y)
            else:
                here = (effects["factor"] == factor) & (effects["level"] == level)
                points = blocks[(blocks["factor"] == factor) & (blocks["level"] == level)]
                _strip(axes, effects[here].iloc[0], points["difference"].to_numpy(), y)
        _finish_strips(axes, x_label, higher_is_better)
    return figure


def _levels_of(effects: pd.DataFrame, factor: Any) -> list[str]:
    return list(effects.loc[effects["factor"] == factor, "level"])


def _padded(effects: pd.DataFrame, blocks: pd.DataFrame) -> tuple[float, float]:
    """Return limits that hold every block and interval, and zero, with air around."""
    columns = [effects[c] for c in ("effect", "effect_low", "effect_high")]
    values = pd.concat([*columns, blocks["difference"], pd.Series([0.0])]).dropna().to_numpy(float)
    low, high = float(values.min()), float(values.max())
    air = 0.05 * (high - low) or 1.0
    return low - air, high + air


def _strip_heading(axes: Axes, factor: str, heading: str, y: float) -> None:
    write(axes, shorten(factor, 28), (0, y + 2), (-220, 0), on_data="y", weight="bold")
    at: Look = {"on_data": "y", "ha": "right", "color": QUIET, "size": TEXT - 1}
    write(axes, heading, (1, y + 2), (330, 0), **at)
    ends = (-220 / axes.bbox.width, 1 + 330 / axes.bbox.width)
    across = axes.get_yaxis_transform()
    axes.plot(ends, [y - 14] * 2, color=RULE, linewidth=1, clip_on=False, transform=across)


def _strip(axes: Axes, row: pd.Series, points: np.ndarray, y: float) -> None:
    marker, edge, face = VERDICT_MARKS.get(row["verdict"], ("o", INK, PAPER))
    axes.axhline(y, color=RULE, linewidth=0.8, zorder=0)
    axes.plot(points, np.full(len(points), y), "o", color=edge, alpha=0.3, markersize=6, mew=0)
    axes.plot([row["effect_low"], row["effect_high"]], [y, y], color=edge, linewidth=2.4)
    axes.plot([row["effect"]], [y], marker, color=face, markeredgecolor=edge, markersize=9)
    write(axes, shorten(row["level"]), (0, y), (-12, 0), on_data="y", ha="right")
    known = np.isfinite(row["effect"])
    look: Look = {"color": INK} if known else {"color": QUIET, "style": "italic"}
    text = shorten(row["text"], 60)
    write(axes, text, (1, y), (330, 0), on_data="y", ha="right", size=TEXT - 1, **look)


def _finish_strips(axes: Axes, x_label: str, higher_is_better: bool) -> None:
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_xlabel(x_label)
    sides = ("worse", "better") if higher_is_better else ("better", "worse")
    low, high = axes.get_xlim()
    zero = (0 - low) / (high - low)
    look: Look = {"color": QUIET, "size": TEXT - 1}
    if zero > 0.15:
        write(axes, f"← {sides[0]}", (zero, 1), (-10, 12), ha="right", **look)
    if zero < 0.85:
        write(axes, f"{sides[1]} →", (zero, 1), (10, 12), **look)


# How training went ------------------------------------------------------------------------------


def learning_curves(
    summary: pd.DataFrame,
    lines: pd.DataFrame,
    levels: Sequence[str],
    y_label: str,
    log: bool = False,
    width: float = 1080,
) -> Figure:
    """Draw one panel per data set, one line per level: median, and every network or the quartiles.

    summary: `data, level, epoch, median, low, high, k, n`; lines: `data, level, cell_id, epoch,
    value`. levels: at most 7, the baseline first; it is drawn in ink. Axis limits are shared.
    """
    panels = list(dict.fromkeys(summary["data"]))
    across = min(len(panels), 2)
    down = -(-len(panels) // across)
    panel_width, panel_height = width / across, 300.0
    label_room = 104 + 7 * min(max(len(level) for level in levels), 22)
    limits = _curve_limits(summary, log)
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


def _curve_limits(summary: pd.DataFrame, log: bool) -> tuple[float, float]:
    low, high = float(summary["low"].min()), float(summary["high"].max())
    if log:
        return low / 1.2, high * 1.2
    air = 0.06 * (high - low) or 0.5
    return low - air, high + air


def _curve_axes(axes: Axes, log: bool, last_epoch: float) -> None:
    if log:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(numticks=7))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
        axes.yaxis.set_minor_locator(NullLocator())
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
    ends: list[tuple[float, str, str, str]] = []
    for i, level in enumerate(levels[:MOST_SERIES]):
        part = summary[summary["level"] == level]
        if part.empty:
            continue
        color, marker = (INK, "o") if i == 0 else (SERIES[i - 1], MARKERS[i - 1])
        epochs, last = part["epoch"], part.iloc[-1]
        single = lines[lines["level"] == level].groupby("cell_id", sort=False)
        if single.ngroups <= MOST_THIN:
            for _, line in single:
                axes.plot(line["epoch"], line["value"], color=color, linewidth=0.7, alpha=0.35)
        else:
            axes.fill_between(epochs, part["low"], part["high"], color=color, alpha=0.14, lw=0)
        axes.plot(epochs, part["median"], color=color, linewidth=2.4)
        axes.plot(last["epoch"], last["median"], marker, color=color, markersize=7, clip_on=False)
        label = f"{shorten(level, 22)}  {last['k']}/{last['n']}"
        ends.append((float(last["median"]), label, color, marker))
    _end_labels(axes, ends)


def _end_labels(axes: Axes, ends: Sequence[tuple[float, str, str, str]]) -> None:
    """Write the labels at the line ends, moved apart to 16 pixels so that none hides another.

    ends: `(value, label, colour, marker)` of each line.
    """
    to_pixels = axes.transData + axes.transAxes.inverted()
    width, height = axes.bbox.width, axes.bbox.height
    wanted = [float(to_pixels.transform((0, end[0]))[1]) * height for end in ends]
    order = sorted(range(len(ends)), key=lambda i: wanted[i])
    places = spread_out([wanted[i] for i in order], 16.0)
    for y, i in zip(places, order, strict=True):
        _, label, color, marker = ends[i]
        at = (1 + 14 / width, y / height)
        on_axes: Look = {"clip_on": False, "transform": axes.transAxes}
        axes.plot(*at, marker, color=color, markersize=6, **on_axes)
        write(axes, label, at, (9, 0), size=TEXT - 1)


def spread_out(places: Sequence[float], gap: float) -> list[float]:
    """Return the ascending places moved apart to at least `gap`, each group about its middle."""
    groups = [[place] for place in places]
    merged = True
    while merged:
        merged = False
        for i in range(len(groups) - 1):
            below, above = groups[i], groups[i + 1]
            reach = (len(below) + len(above)) * gap / 2
            if np.mean(above) - np.mean(below) < reach - 1e-9:
                groups[i : i + 2] = [below + above]
                merged = True
                break
    return [
        float(np.mean(group)) + (i - (len(group) - 1) / 2) * gap
        for group in groups
        for i in range(len(group))
    ]


# How two factors interact -------------------------------------------------------------------------


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
    return LogNorm(low, high) if log and low > 0 else Normalize(low, high)


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
    ink = INK if not known else "#000002" if _luminance(face) > 0.36 else "#fffffd"
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


def _luminance(color: Any) -> float:
    """Return the relative luminance of an RGB colour (WCAG 2.1)."""
    channel = np.asarray(color[:3], dtype=float)
    linear = np.where(channel <= 0.04045, channel / 12.92, ((channel + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def _heat_bar(figure: Figure, scale: Normalize, left: float, top: float) -> None:
    """Draw the colour scale as forty steps: vector shapes, no embedded picture."""
    axes = place_axes(figure, left, top, 300, 14)
    edges = np.linspace(0, 1, 41)
    axes.bar(edges[:-1], 1, width=1 / 40, align="edge", color=mpl.colormaps["viridis"](edges[:-1]))
    axes.set_xlim(0, 1)
    axes.set_yticks([])
    ticks = [0.0, 0.5, 1.0]
    axes.set_xticks(ticks, [f"{v:.3g}" for v in np.ma.getdata(scale.inverse(np.array(ticks)))])


# The picture for a README -------------------------------------------------------------------------


def hero_png(
    effects: pd.DataFrame,
    blocks: pd.DataFrame,
    x_label: str,
    higher_is_better: bool,
    title: str,
    subtitle: str,
    path: Path,
) -> Path:
    """Write the strips of `effect_strips` as a picture on white, under a title that is a finding.

    The picture is 2,000 pixels wide: two for each of a page's, for sharp screens.
    """
    figure = effect_strips(effects, blocks, x_label, higher_is_better, 1000, 128, 30, margin=20)
    with house_style():
        height = float(figure.get_size_inches()[1]) * 72
        at: Look = {"ha": "left", "va": "top"}
        # A bold letter is about 0.66 of its size wide.
        size = min(24.0, 960 / (0.66 * max(len(title), 1)))
        figure.text(0.02, 1 - 22 / height, title, size=size, weight="bold", **at)
        figure.text(0.02, 1 - 60 / height, subtitle, size=TEXT, color=QUIET, **at)
        figure.savefig(path, format="png", dpi=144, facecolor="white", metadata={"Software": None})
    return path
