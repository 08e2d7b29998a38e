"""Rows with their names beside them: differences, shares of variance, ranks, good settings.

What a row shows is drawn by seaborn at its height, with the interval that the frame gives.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from nnbench.plots.labels import wrapped
from nnbench.plots.marks import say
from nnbench.plots.rooms import SMALL, WIDE, for_both, is_small
from nnbench.plots.style import (
    INK,
    PAPER,
    QUIET,
    RULE,
    SERIES,
    TEXT,
    VERDICT_MARKS,
    Look,
    beside,
    cut_apart,
    draw_marks,
    house_style,
    name_panel,
    new_figure,
    one_line,
    panel_axes,
    place_axes,
    rows_only,
    shorten,
    write,
)
from nnbench.plots.ticks import factor_ticks, log_ticks

ROW = 26.0
OPEN = ("o", QUIET, PAPER)  # marker, edge and face of a difference that is not clear
SHARE_FACES = {"factor": SERIES[0], "pair": SERIES[5], "data pair": SERIES[5]}  # the rest is noise
LABELS, TEXTS = 300.0, 210.0  # room beside the bars


@for_both
def effect_strips(
    effects: pd.DataFrame,
    blocks: pd.DataFrame,
    x_label: str,
    higher_is_better: bool,
    width: float = WIDE,
    top: float = 26,
    row_height: float = 24,
    margin: float = 0,
    logs: bool = False,
) -> Figure:
    """Draw, factor by factor, each level's paired difference with interval, every block behind it.

    effects: `factor`, shown as `name` where that is a column, `heading, level, effect,
    effect_low, effect_high, verdict, text` in drawing
    order, baselines left out. blocks: `factor, level, difference`. text: written at the right. The
    axis spans at least the smallest `detectable`, where that is a column. logs: effects are
    logarithms to base ten, and the axis says what of.
    """
    if is_small():
        return _small_strips(effects, blocks, x_label, logs)
    first = ~effects["factor"].duplicated()
    rows = effects.assign(y=(row_height + first * (row_height + 10)).cumsum())
    foot = float(rows["y"].iloc[-1]) + 16
    with house_style():
        figure = new_figure(width, top + foot + 50)
        levels = cut_apart(list(rows["level"]))
        left, right = max(220.0, _room(levels)) + margin, 330 + margin
        axes = place_axes(figure, left, top, width - left - right, foot)
        _draw_effects(axes, rows, blocks, foot)
        _headings(axes, rows[first].assign(y=rows["y"] - row_height), left - margin)
        say_rows(axes, rows["effect"], rows["y"], rows["level"], rows["text"])
        beside(axes, levels, rows["y"])
        for _, row in rows.iterrows():
            known = np.isfinite(row["effect"])
            look: Look = {"color": INK} if known else {"color": QUIET, "style": "italic"}
            beside(axes, [shorten(row["text"], 60)], [row["y"]], 330, 1, size=TEXT - 1, **look)
        _difference_axis(axes, x_label, logs)
        _sides(axes, ("worse", "better") if higher_is_better else ("better", "worse"))
    return figure


def _small_strips(effects: pd.DataFrame, blocks: pd.DataFrame, x_label: str, logs: bool) -> Figure:
    """Draw what `effect_strips` does in a small room: words stand above marks."""
    first = ~effects["factor"].duplicated()
    rows = effects.assign(y=(62.0 + first * 34.0).cumsum())
    foot = float(rows["y"].iloc[-1]) + 16
    with house_style():
        figure = new_figure(SMALL, foot + 62)
        axes = place_axes(figure, 12, 0, SMALL - 24, foot)
        _draw_effects(axes, rows, blocks, foot)
        patch: Look = {"bbox": {"facecolor": PAPER, "edgecolor": "none", "pad": 1.0}}
        left: Look = {"ha": "left"} | patch
        heads = rows[first]
        names = cut_apart(list(map(str, heads.get("name", heads["factor"]))), 40)
        beside(axes, names, heads["y"] - 66, 0, weight="bold", **left)
        beside(axes, cut_apart(list(rows["level"])), rows["y"] - 40, 0, **left)
        texts = [shorten(text, 52) for text in rows["text"]]
        beside(axes, texts, rows["y"] - 20, 0, size=TEXT - 1, color=QUIET, **left)
        _difference_axis(axes, "\n".join(wrapped(x_label, 44)), logs)
        say_rows(axes, rows["effect"], rows["y"] - 12, rows["level"], rows["text"])
    return figure


def _difference_axis(axes: Axes, label: str, logs: bool) -> None:
    if logs:
        factor_ticks(axes)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5 if is_small() else 6))
    axes.set(xlabel=label, ylabel="")


def _draw_effects(axes: Axes, rows: pd.DataFrame, blocks: pd.DataFrame, foot: float) -> None:
    """Draw each row's blocks as dots, and over them its effect with the interval, by verdict."""
    rows_only(axes, (0, foot), list(rows["y"]))
    axes.set_xlim(*_padded(rows, blocks))
    axes.axvline(0, color=INK, linewidth=1)
    dots = blocks.merge(rows[["factor", "level", "verdict", "y"]], on=["factor", "level"])
    for verdict, part in rows.groupby("verdict", sort=False):
        marker, edge, face = VERDICT_MARKS.get(str(verdict), OPEN)
        own = dots[dots["verdict"] == verdict]
        draw_marks(axes, own["difference"], own["y"], "o", 6, edge, alpha=0.3, zorder=2)
        ends = (part["effect_low"], part["effect_high"])
        axes.hlines(part["y"], *ends, edge, linewidth=2.4, zorder=2.5)
        draw_marks(axes, part["effect"], part["y"], marker, 9, face, edgecolor=edge, linewidth=1)


def say_rows(
    axes: Axes, x: Iterable[float], y: Iterable[float], names: Iterable[str], texts: Iterable[str]
) -> None:
    """Let each row, anywhere along it, say its name and its text."""
    for at, place, name, text in zip(x, y, names, texts, strict=True):
        say(axes, [at], [place], [("", str(text))], one_line(str(name)), reach=(2000.0, 13.0))


def _padded(effects: pd.DataFrame, blocks: pd.DataFrame) -> tuple[float, float]:
    """Limits that hold every block and interval, and zero, with air around."""
    columns = [effects[c] for c in ("effect", "effect_low", "effect_high")]
    least = effects["detectable"].min() if "detectable" in effects else 0.0
    ends = pd.Series([-least, 0.0, least], dtype=float)
    values = pd.concat([*columns, blocks["difference"], ends]).dropna().to_numpy(float)
    low, high = float(values.min()), float(values.max())
    air = 0.05 * (high - low) or 1.0
    return low - air, high + air


def _headings(axes: Axes, first: pd.DataFrame, room: float) -> None:
    """Head each factor's rows by its name and what they are held against, under a rule.

    room: at the left, for names.
    """
    places = first["y"] + 2
    names = cut_apart(list(map(str, first.get("name", first["factor"]))), 28)
    beside(axes, names, places, -room, ha="left", weight="bold")
    beside(axes, first["heading"], places, 330, 1, color=QUIET, size=TEXT - 1)
    ends = (-room / axes.bbox.width, 1 + 330 / axes.bbox.width)
    across: Look = {"clip_on": False, "transform": axes.get_yaxis_transform()}
    axes.hlines(first["y"] - 14, *ends, RULE, linewidth=1, **across)


def _sides(axes: Axes, sides: tuple[str, str]) -> None:
    """Say above zero on which side a difference is better, where there is room."""
    low, high = axes.get_xlim()
    zero = (0 - low) / (high - low)
    look: Look = {"color": QUIET, "size": TEXT - 1}
    if zero > 0.15:
        write(axes, f"← {sides[0]}", (zero, 1), (-10, 12), ha="right", **look)
    if zero < 0.85:
        write(axes, f"{sides[1]} →", (zero, 1), (10, 12), **look)


def _room(names: Sequence[str]) -> float:
    """The pixels that names beside rows take, in a wide font."""
    return 40 + 7.4 * max(map(len, names))


def _name_rows(
    axes: Axes, names: Iterable[str], places: Iterable[float], up: float, **look: Any
) -> None:
    """Write names beside rows; in a small room above them, so far up in the rows' own unit."""
    if is_small():
        beside(axes, names, [place - up for place in places], 4, ha="left", **look)
    else:
        beside(axes, names, places, **look)


@for_both
def share_bars(shares: pd.DataFrame, x_label: str) -> Figure:
    """Draw one bar a term with its interval, under a heading where a new group begins.

    shares: `group, kind, term, share, low, high, text` in drawing order; share in 0..1.
    """
    terms = cut_apart(list(shares["term"]), 40)
    width, texts, high = WIDE, TEXTS, ROW
    labels = max(LABELS, _room(terms))
    if is_small():  # a bar's name stands above it
        width, labels, texts, high = SMALL, 12.0, 112.0, 44.0
    first = shares["group"] != shares["group"].shift()
    rows = shares.assign(y=(high + ROW * first).cumsum() - 10)
    foot = float(rows["y"].iloc[-1]) + ROW
    ends = rows[["share", "high"]].to_numpy(dtype=float)
    most = max(float(np.nanmax(ends)) if np.isfinite(ends).any() else 1.0, 0.01)
    with house_style():
        figure = new_figure(width, foot + 62)
        axes = place_axes(figure, labels, 12, width - labels - texts, foot)
        rows_only(axes, (0, foot))
        axes.set_xlim(0, 1.04 * most)
        for _, row in rows[rows["share"].notna()].iterrows():
            face = SHARE_FACES.get(row["kind"])
            noise: Look = {"color": RULE, "edgecolor": QUIET, "hatch": "////"}
            look = noise if face is None else {"color": face}
            axes.barh(row["y"], row["share"], height=14, linewidth=0, **look)
        axes.hlines(rows["y"], rows["low"], rows["high"], INK, linewidth=1.6, zorder=2)
        heads = rows[first]
        beside(axes, heads["group"], heads["y"] - high, -labels, ha="left", weight="bold")
        say_rows(axes, rows["share"], rows["y"], rows["term"], rows["text"])
        _name_rows(axes, terms, rows["y"], 20)
        beside(axes, rows["text"], rows["y"], texts, 1, size=TEXT - 1)
        axes.axvline(0, color=INK, linewidth=1)
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{100 * x:.3g}"))
        axes.set_xlabel(x_label)
    return figure


@for_both
def score_rows(rows: pd.DataFrame, x_label: str) -> Figure:
    """Draw a row for each contestant: its score with the interval, and the one to use in blue.

    rows: `name, value, low, high, text, first`, in drawing order.
    """
    names, first = list(rows["name"]), rows["first"].to_numpy(bool)
    short = cut_apart(names)
    left = max(250.0, _room(short))
    width, right, high, up = 900.0, 150.0, 30.0, 0.0
    if is_small():
        width, left, right, high, up = SMALL, 12.0, 118.0, 46.0, 0.42
    ends = rows[["value", "low", "high"]].to_numpy(float)
    air = 0.04 * float(np.nanmax(ends) - np.nanmin(ends)) or 0.5
    with house_style():
        figure = new_figure(width, high * len(rows) + 62)
        axes = place_axes(figure, left, 6, width - left - right, high * len(rows))
        rows_only(axes, (-0.5 - up / 2, len(rows) - 0.5), range(len(rows)))
        axes.set_xlim(np.nanmin(ends) - air, np.nanmax(ends) + air)
        for chosen, marker, color in ((first, "s", SERIES[0]), (~first, "o", QUIET)):
            part, y = rows[chosen], np.flatnonzero(chosen)
            axes.hlines(y, part["low"], part["high"], color, linewidth=2.4, zorder=2)
            draw_marks(axes, part["value"], y, marker, 10, color)
        for place, name in enumerate(short):
            weight = "bold" if first[place] else "normal"
            _name_rows(axes, [name], [place], up, weight=weight)
        beside(axes, rows["text"], range(len(rows)), right - 4, 1, size=TEXT - 1)
        say_rows(axes, rows["value"], range(len(rows)), names, rows["text"])
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set(xlabel=x_label, ylabel="")
    return figure


@for_both
def rank_ladder(ranks: pd.DataFrame, cliques: Sequence[Sequence[str]], baseline: str) -> Figure:
    """Draw contestants by mean rank, best at the top; a bar joins those that cannot be told apart.

    ranks: `arm, mean_rank`, best first. cliques: runs of neighbours in that order. The classic
    critical-difference diagram (Demsar 2006) turned on its side, so that names have room.
    """
    names = list(ranks["arm"])
    short = cut_apart(names)
    bars = [clique for clique in cliques if len(clique) > 1]
    left, right = _room(short), 90 + 18.0 * len(bars)
    width, row, up = 900.0, ROW, 0.0
    if is_small():
        left, right, width, row, up = 12.0, 66 + 12.0 * len(bars), SMALL, 44.0, 0.45
    low, high = float(ranks["mean_rank"].min()), float(ranks["mean_rank"].max())
    air = 0.04 * (high - low) or 0.5
    with house_style():
        figure = new_figure(width, row * len(names) + 70)
        axes = place_axes(figure, left, 8, width - left - right, row * len(names))
        rows_only(axes, (-0.5 - up / 2, len(names) - 0.5), range(len(names)))
        axes.set_xlim(max(low - air, 0.5), high + air)
        for chosen, look in ((ranks["arm"] == baseline, ("o", 9, INK)),
                             (ranks["arm"] != baseline, ("s", 9, SERIES[0]))):  # fmt: skip
            draw_marks(axes, ranks.loc[chosen, "mean_rank"], np.flatnonzero(chosen), *look)
        _name_rows(axes, short, range(len(names)), up)
        texts = [f"{rank:.2f}" for rank in ranks["mean_rank"]]
        said = [f"mean rank {text}" for text in texts]
        say_rows(axes, ranks["mean_rank"], range(len(names)), names, said)
        beside(axes, texts, range(len(names)), 56 - 8 * is_small(), 1, size=TEXT - 1)
        for place, clique in enumerate(bars):
            ends = (names.index(clique[0]) - 0.28, names.index(clique[-1]) + 0.28)
            x = 1 + ((60 + 12 * place) if is_small() else (76 + 18 * place)) / axes.bbox.width
            at: Look = {"clip_on": False, "transform": axes.get_yaxis_transform()}
            axes.vlines(x, *ends, INK, linewidth=5, **at)
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.set(xlabel="mean rank over blocks, 1 is best", ylabel="")
    return figure


@for_both
def good_regions(regions: pd.DataFrame, arms: Sequence[str], x_label: str) -> Figure:
    """Draw, one panel a data set, from where to where each arm's setting is nearly its best.

    regions: `data, arm, low, high, best, open_low, open_high, text`; the axis is logarithmic, an
    arrow an end of the grid that is still good.
    """
    panels = list(dict.fromkeys(regions["data"]))
    short = cut_apart(arms)
    left, height = _room(short), ROW * len(arms)
    step, count, up = ((WIDE - left) / len(panels), 0.0), len(panels), 0.0
    width, whole = step[0] - 84, (WIDE, height + 110)
    if is_small():
        left, height, count, up = 12.0, 44.0 * len(arms), 1, 0.45
        step = (SMALL, height + 110)
        width, whole = SMALL - 90, (SMALL, step[1] * len(panels))
    limits = (float(regions["low"].min()) / 1.6, float(regions["high"].max()) * 1.6)
    rows = regions.assign(y=regions["arm"].map(list(arms).index))
    with house_style():
        figure = new_figure(*whole)
        found = panel_axes(figure, len(panels), count, step, (left, 44), (width, height))
        for axes in found[: None if is_small() else 1]:
            _name_rows(axes, short, range(len(arms)), up)
        titles = cut_apart(list(map(str, panels)))
        for panel, title, axes in zip(panels, titles, found, strict=True):
            axes.set_xscale("log")
            axes.set_xlim(*limits)
            rows_only(axes, (-0.5 - up / 2, len(arms) - 0.5), range(len(arms)))
            name_panel(axes, title, "", 0, 2)
            part = rows[rows["data"] == panel]
            beside(axes, part["text"], part["y"], 10, 1, ha="left", size=TEXT - 2, color=QUIET)
            part = part[np.isfinite(part["low"].astype(float))]
            axes.hlines(part["y"], part["low"], part["high"], SERIES[0], linewidth=5, alpha=0.45)
            for end, marker in (("low", "<"), ("high", ">")):
                still = part[part[f"open_{end}"].astype(bool)]
                draw_marks(axes, still[end], still["y"], marker, 7, SERIES[0])
            draw_marks(axes, part["best"], part["y"], "o", 6, INK)
            say_rows(axes, part["best"], part["y"], part["arm"], part["text"])
            log_ticks(axes, "x")
            axes.set(xlabel=x_label, ylabel="")
    return figure
