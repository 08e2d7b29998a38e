"""Who won: mean ranks with their cliques, differences of every pair, and performance profiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from nnbench.plots.labels import stacked, told_apart, write_lines
from nnbench.plots.style import (
    INK,
    MARKERS,
    MOST_SERIES,
    PAPER,
    QUIET,
    RULE,
    SERIES,
    TEXT,
    Look,
    end_labels,
    house_style,
    ink_on,
    new_figure,
    place_axes,
    shorten,
    write,
)
from nnbench.plots.ticks import log_ticks

# The page's theme must leave these alone: the ink on them is chosen for these very colours.
DIFFERENCES = LinearSegmentedColormap.from_list("differences", ["#d45d01", "#f7f7f6", "#0171b1"])
ROW = 26.0
MOST_BANDS = 3  # beyond it, bands hide each other


def rank_ladder(
    ranks: pd.DataFrame, cliques: Sequence[Sequence[str]], baseline: str, width: float = 900
) -> Figure:
    """Draw contestants by mean rank, best at the top; a bar joins those that cannot be told apart.

    ranks: `arm, mean_rank`, best first. cliques: runs of neighbours in that order. The classic
    critical-difference diagram (Demsar 2006) turned on its side, so that names have room.
    """
    names = list(ranks["arm"])
    drawn = [clique for clique in cliques if len(clique) > 1]
    left = 40 + 7.4 * max(len(shorten(name)) for name in names)
    right = 90 + 18.0 * len(drawn)
    height = ROW * len(names)
    with house_style():
        figure = new_figure(width, height + 70)
        axes = place_axes(figure, left, 8, width - left - right, height)
        axes.set_ylim(len(names) - 0.5, -0.5)
        low, high = float(ranks["mean_rank"].min()), float(ranks["mean_rank"].max())
        air = 0.04 * (high - low) or 0.5
        axes.set_xlim(max(low - air, 0.5), high + air)
        for y, (_, row) in enumerate(ranks.iterrows()):
            is_base = row["arm"] == baseline
            axes.axhline(y, color=RULE, linewidth=0.8, zorder=0)
            face = INK if is_base else SERIES[0]
            axes.plot([row["mean_rank"]], [y], "o" if is_base else "s", color=face, markersize=8)
            write(axes, shorten(row["arm"]), (0, y), (-12, 0), on_data="y", ha="right")
            at: Look = {"on_data": "y", "ha": "right", "size": TEXT - 1}
            write(axes, f"{row['mean_rank']:.2f}", (1, y), (56, 0), **at)
        for place, clique in enumerate(drawn):
            _clique_bar(axes, names.index(clique[0]), names.index(clique[-1]), 76 + 18 * place)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.set_xlabel("mean rank over blocks, 1 is best")
    return figure


def _clique_bar(axes: Axes, first: int, last: int, shift: float) -> None:
    x = 1 + shift / axes.bbox.width
    ends = [first - 0.28, last + 0.28]
    look: Any = {"clip_on": False, "transform": axes.get_yaxis_transform(), "color": INK}
    axes.plot([x, x], ends, linewidth=5, solid_capstyle="butt", **look)


def difference_matrix(pairs: pd.DataFrame, names: Sequence[str], width: float = 1080) -> Figure:
    """Draw each row's difference to each column: blue where the row is better, orange where worse.

    pairs: `row, column, effect, towards, text, clear`: `towards` is the effect with better above
    zero; `clear` marks a difference that is told from zero.
    """
    left = max(30 + 7.4 * max(len(shorten(name, 24)) for name in names), 120.0)
    cell = min(max((width - left) / len(names), 60.0), 130.0)
    heads = _heads(names, cell)
    top = 32 + 16.0 * max(map(len, heads))
    scale = _around_zero(pairs["towards"])
    with house_style():
        figure = new_figure(left + cell * len(names) + 8, top + 10 + 38.0 * len(names))
        axes = place_axes(figure, left, top, cell * len(names), 38.0 * len(names))
        axes.set_xlim(0, len(names))
        axes.set_ylim(len(names), 0)
        axes.set_xticks([])
        axes.set_yticks(np.arange(len(names)) + 0.5, [shorten(name, 24) for name in names])
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        for x, lines in enumerate(heads):
            at = ((x + 0.5) / len(names), 1)
            write_lines(axes, lines, at, (0, 14), ha="center", size=12)
        write(axes, "row minus column", (0, 1), (-12, 14), ha="right", color=QUIET, size=12)
        for _, pair in pairs.iterrows():
            _matrix_cell(axes, pair, names, scale)
    return figure


def _heads(names: Sequence[str], cell: float) -> list[list[str]]:
    """Return the lines of each column's head: two where one is too narrow for a name."""
    room = max(int((cell - 6) / 7), 6)
    return list(stacked(names, room).values())


def _around_zero(values: pd.Series) -> Normalize:
    largest = float(values.abs().max()) if values.notna().any() else 1.0
    return Normalize(-(largest or 1.0), largest or 1.0)


def _matrix_cell(axes: Axes, pair: pd.Series, names: Sequence[str], scale: Normalize) -> None:
    x, y = list(names).index(pair["column"]), list(names).index(pair["row"])
    known = bool(np.isfinite(pair["towards"]))
    face: Any = DIFFERENCES(scale(pair["towards"])) if known else "none"
    axes.add_patch(Rectangle((x, y), 1, 1, facecolor=face, edgecolor=PAPER, linewidth=2))
    ink = ink_on(face) if known else QUIET
    weight = "bold" if pair["clear"] else "normal"
    look: Look = {"on_data": "xy", "ha": "center", "color": ink, "size": TEXT - 1}
    write(axes, pair["text"], (x + 0.5, y + 0.5), weight=weight, **look)


def profile_lines(
    profile: pd.DataFrame,
    names: Sequence[str],
    x_label: str,
    log: bool = False,
    width: float = 900,
) -> Figure:
    """Draw the share of runs that do at least so well, one falling or rising line a contestant.

    profile: `arm, tau, share, share_low, share_high`. names: at most 7, the baseline first. Lines
    begin and end together, so that marks and labels stand where they lie furthest apart, which a
    dotted line shows.
    """
    drawn = list(names)[:MOST_SERIES]
    labels = told_apart(drawn, 26)
    room = 60 + 7.4 * max(map(len, labels.values()))
    with house_style():
        figure = new_figure(width, 400)
        axes = place_axes(figure, 52, 40, width - 52 - room, 300)
        axes.set_ylim(0, 1.03)
        axes.set_xlim(float(profile["tau"].min()), float(profile["tau"].max()))
        if log:
            axes.set_xscale("log")
        apart = _furthest_apart(profile, drawn)
        axes.axvline(apart, color=QUIET, linewidth=1, dashes=(1, 3))
        ends = []
        for place, name in enumerate(drawn):
            part = profile[profile["arm"] == name].sort_values("tau")
            color, marker = look_of(place)
            if len(drawn) <= MOST_BANDS:
                band: Look = {"color": color, "alpha": 0.1, "lw": 0, "step": "post"}
                axes.fill_between(part["tau"], part["share_low"], part["share_high"], **band)
            line: Look = {"color": color, "linewidth": 2, "drawstyle": "steps-post"}
            at = int(np.abs(part["tau"].to_numpy(float) - apart).argmin())
            axes.plot(part["tau"], part["share"], marker, ls="-", markevery=[at], **line)
            ends.append((float(part["share"].iloc[at]), labels[name], color, marker))
        end_labels(axes, ends)
        _finish_profiles(axes, x_label)
        if log:
            log_ticks(axes, "x")
    return figure


def _furthest_apart(profile: pd.DataFrame, names: Sequence[str]) -> float:
    """Return where the lines lie furthest apart."""
    shares = profile[profile["arm"].isin(names)].groupby("tau")["share"]
    spread = shares.max() - shares.min()
    return float(spread.index[int(spread.to_numpy().argmax())])


def _finish_profiles(axes: Axes, x_label: str) -> None:
    write(axes, "share of runs", (0, 1), (-44, 20), color=QUIET)
    axes.grid(axis="y", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * y:.0f} %"))
    axes.set_xlabel(x_label)


def look_of(place: int) -> tuple[str, str]:
    """Return the colour and marker of a series; the baseline is the 0th, drawn in ink."""
    return (INK, "o") if place == 0 else (SERIES[place - 1], MARKERS[place - 1])
