"""Lines and points over a number: small multiples on one pair of limits, drawn by seaborn.

Theory is a black dashed line with its name on it. On a logarithmic axis a zero has no place: it
stands at the foot, and a label says so.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from nnbench.plots.labels import Note, told_apart, write_clear
from nnbench.plots.marks import leave_out, of_series, say
from nnbench.plots.rooms import SMALL, WIDE, for_both, is_small
from nnbench.plots.style import (
    DASHED,
    INK,
    KEY_ROW,
    MOST_KEPT,
    MOST_SERIES,
    MOST_THIN,
    QUIET,
    SERIES,
    cut_apart,
    draw_marks,
    end_labels,
    house_style,
    look_of,
    name_panel,
    new_figure,
    one_line,
    panel_axes,
    ruled,
)
from nnbench.plots.ticks import log_ticks

NARROWEST = 200.0  # pixels of a plot beside others: below, fewer stand side by side
LEFT, RIGHT = 52.0, 18.0  # pixels beside a plot: for ticks, and air


class Scales(NamedTuple):
    """What the axes of a figure's panels say, and how they run."""

    x_label: str
    y_label: str
    log_x: bool = False
    log_y: bool = False
    falling: bool = False  # x runs from its largest value to its least
    limits: tuple[float, float] | None = None  # of y; by the data without them


class Plan(NamedTuple):
    """Where the axes of small multiples go: `panel_axes` takes all but the figure's own size."""

    across: int
    step: tuple[float, float]
    corner: tuple[float, float]
    size: tuple[float, float]
    figure: tuple[float, float]


def panel_plan(
    count: int, across: int, room: float, height: float = 250, lines: int = 1, labels: int = 0
) -> Plan:
    """Plan so many panels. room: for labels at their right; lines: of the longest panel's name.

    labels: how many lines those of a panel take where they stand under its axis, in a small room.
    """
    if is_small():
        top, height = 38.0 + 16 * lines, min(height, 210.0)
        step = (SMALL, height + top + 50 + KEY_ROW * labels + (10 if labels else 0))
        size = (SMALL - LEFT - RIGHT, height)
        return Plan(1, step, (LEFT, top), size, (SMALL, count * step[1]))
    across = 2 if count == 4 else min(count, across)  # two rows of two leave no hole
    while across > 1 and WIDE / across - LEFT - RIGHT - room < NARROWEST:
        across -= 1
    top = 38.0 + 16 * lines
    step = (min(WIDE / across, 620 + room), height + top + 50)
    size = (step[0] - LEFT - RIGHT - room, height)
    return Plan(across, step, (LEFT, top), size, (across * step[0], -(-count // across) * step[1]))


def line_axes(
    names: Mapping[str, str],
    frames: Sequence[pd.DataFrame],
    scales: Scales,
    room: float,
    across: int,
    height: float = 250,
    labels: int = 0,
) -> tuple[Figure, dict[str, Axes]]:
    """The figure, and the axes of each panel by its level in the frames, with common limits.

    room: for labels at a panel's right, `labels` of them at most.
    """
    plan = panel_plan(len(names), across, room, height, labels=labels)
    limits = scales.limits or _limits(frames, scales.log_y)
    x = frames[0]["x"]
    figure = new_figure(*plan.figure)
    found = dict(zip(names, panel_axes(figure, len(names), *plan[:4]), strict=True))
    for name, axes in zip(cut_apart(list(names.values()), 40), found.values(), strict=True):
        name_panel(axes, name, scales.y_label, LEFT - 10, 18)
        ruled(axes)
        axes.set_ylim(*limits)
        if scales.log_y:
            axes.set_yscale("log")
            log_ticks(axes, "y")
        else:
            axes.yaxis.set_major_locator(MaxNLocator(6))
        _set_x(axes, float(x.min()), float(x.max()), scales)
    return figure, found


def _set_x(axes: Axes, low: float, high: float, scales: Scales) -> None:
    low, high = (low, high) if low < high else (low - 0.5, high + 0.5)
    if scales.log_x:
        axes.set_xscale("log")
        low, high = low / 1.15, high * 1.15
    else:
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    axes.set_xlim(*((high, low) if scales.falling else (low, high)))


def _limits(frames: Sequence[pd.DataFrame], log: bool) -> tuple[float, float]:
    """Limits that hold every value of the frames, zeros of a log axis apart."""
    columns = [f[c] for f in frames for c in ("value", "low", "high") if c in f]
    values = pd.concat(columns).astype(float).to_numpy()
    values = values[np.isfinite(values) & ((values > 0) | (not log))]
    if not len(values):
        return (0.1, 10.0) if log else (0.0, 1.0)
    low, high = float(values.min()), float(values.max())
    if log:
        # At least a factor of four, or a signal that is kept would look like one that moves.
        air = max((high / low) ** 0.06, 1.15, 2 / math.sqrt(high / low))
        return low / air, high * air
    air = 0.06 * (high - low) or 0.5
    return low - air, high + air


def at_foot(axes: Axes, frame: pd.DataFrame) -> pd.DataFrame:
    """The frame without unknown values, the zeros of a log axis, which has none, at its foot."""
    known = frame.dropna(subset=["value"]).astype({"value": float})
    if axes.get_yscale() != "log":
        return known
    return known.assign(value=known["value"].where(known["value"] > 0, axes.get_ylim()[0]))


def draw_series(
    axes: Axes, frame: pd.DataFrame, names: Sequence[str], **look: Any
) -> dict[str, Line2D]:
    """Draw a line for each name, the first in ink, as given: nothing is computed.

    frame: `series, x, value`, and `cell_id` where a series has a line for each. Returns the line
    of each that is there, where a series has but one. Those beyond seven are left out: a reader of
    the page can have them back.
    """
    frame = frame.dropna(subset=["value"])
    known = set(frame["series"])
    here = {n: look_of(i)[0] for i, n in enumerate(names[:MOST_KEPT]) if n in known}
    if not here:
        return {}
    before = len(axes.lines)
    sns.lineplot(
        x=frame["x"], y=frame["value"], hue=frame["series"], hue_order=list(here), palette=here,
        units=frame.get("cell_id"), estimator=None, legend=False, ax=axes, **look,
    )  # fmt: skip
    axes.set(xlabel="", ylabel="")
    drawn = iter(list(axes.lines)[before:])
    found = {}
    for name in here:
        of_it = frame["series"] == name
        count = frame.loc[of_it, "cell_id"].nunique() if "cell_id" in frame else 1
        lines = list(islice(drawn, count))
        of_series(one_line(str(name)), *lines)
        if list(names).index(name) >= MOST_SERIES:
            leave_out(*lines)
        found[name] = lines[0]
    return found


def _draw_lines(
    axes: Axes,
    summary: pd.DataFrame,
    singles: pd.DataFrame,
    series: Sequence[str],
    names: tuple[str, str],
) -> None:
    """Draw each series' networks thin, its summary thick, and its label at the line's end."""
    number = singles.groupby("series")["cell_id"].transform(lambda ids: pd.factorize(ids)[0])
    draw_series(axes, at_foot(axes, singles[number < MOST_THIN]), series, linewidth=0.7, alpha=0.35)
    lines = draw_series(axes, at_foot(axes, summary), series, linewidth=2.2)
    shown = {name: one_line(str(name)) for name in lines}
    ends, falls = [], axes.xaxis_inverted()
    for name, line in lines.items():
        place, y = list(series).index(name), np.asarray(line.get_ydata(), dtype=float)
        color, marker = look_of(place)
        # One mark a line, each further along than the one before, so that none hides another.
        every = [round((place % MOST_SERIES + 1) / (MOST_SERIES + 1) * (len(y) - 1))]
        if len(lines) > 1:  # a line that is alone needs no mark to be known by
            line.set(marker=marker, markersize=6, markeredgecolor=color, markevery=every)
        own = summary[summary["series"] == name].dropna(subset=["value"])
        label = own.sort_values("x", ascending=falls)["label"].iloc[0]
        ends.append((float(y[0 if falls else -1]), str(label), color, marker))
        say(axes, own["x"], at_foot(axes, own)["value"], texts_of(own), shown[name], names)
    in_figure = sum(name in series[:MOST_SERIES] for name in shown)
    end_labels(axes, ends, list(shown.values()), in_figure)


@for_both
def line_panels(
    summary: pd.DataFrame,
    singles: pd.DataFrame,
    laws: pd.DataFrame | None,
    panels: Mapping[str, str],
    series: Sequence[str],
    scales: Scales,
    across: int = 3,
    height: float = 250,
) -> Figure:
    """Draw each series' summary over x, its networks thin behind it, and its law dashed.

    summary: `panel, series, x, value, label`, the label for the line's end; singles: `panel,
    series, cell_id, x, value`; laws: `panel, line, name, x, value`, named on the line where it is
    not empty, and `quiet` where it is a reference. panels: their names. The first series is drawn
    in ink; those beyond 7 are left out until a reader of the page asks for them.
    """
    laws = summary.head(0).assign(line="", name="") if laws is None else laws
    at_zero = scales.log_y & (summary["value"] <= 0)
    summary = summary.assign(label=summary["label"] + np.where(at_zero, ", at 0", ""))
    room = 28 + 6.6 * max((len(label) for label in summary["label"]), default=0)
    frames = (summary, singles, laws)
    with house_style():
        labels = int(summary.groupby("panel")["series"].nunique().max()) if len(summary) else 0
        figure, found = line_axes(
            panels, frames, scales, room, across, height, min(labels, MOST_SERIES)
        )
        for panel, axes in found.items():
            here, thin, law = (frame[frame["panel"] == panel] for frame in frames)
            _draw_lines(axes, here, thin, series, (scales.x_label, scales.y_label))
            axes.set_xlabel(scales.x_label)
            write_clear(axes, _draw_laws(axes, law))
    return figure


def _draw_laws(axes: Axes, laws: pd.DataFrame) -> list[Note]:
    """Draw each law, and return the names to write once all else is drawn."""
    names = []
    for _, line in at_foot(axes, laws).groupby("line", sort=False):
        line = line.sort_values("x")
        quiet = bool(line["quiet"].iloc[0]) if "quiet" in line else False
        look = DASHED | ({"color": QUIET, "linewidth": 0.9, "dashes": (2, 2)} if quiet else {})
        axes.plot(line["x"], line["value"], zorder=3, **look)
        if name := str(line["name"].iloc[0]):
            # in the middle of the line, else nearer to its ends
            spots = [round(share * (len(line) - 1)) for share in (0.5, 0.3, 0.7, 0.1, 0.9)]
            places = line[["x", "value"]].astype(float).to_numpy()[list(dict.fromkeys(spots))]
            names.append(Note(name, [tuple(place) for place in places], QUIET if quiet else INK))
    return names


def texts_of(points: pd.DataFrame) -> list[tuple[str, str]]:
    """Each point's x and value in words, with its interval where it has one."""
    texts = []
    for x, y, low, high in points.reindex(columns=["x", "value", "low", "high"]).to_numpy(float):
        span = f" [{low:.4g}, {high:.4g}]" if np.isfinite(high - low) else ""
        texts.append((f"{x:.4g}", f"{y:.4g}{span}"))
    return texts


def learning_curves(
    summary: pd.DataFrame, lines: pd.DataFrame, levels: Sequence[str], y_label: str,
    log: bool = False,
) -> Figure:  # fmt: skip
    """Draw one panel per data set, one line per level: its median, and thin each of its seeds.

    summary: `data, level, epoch, median, k, n`; lines: `data, level, seed, epoch, value`. levels:
    the baseline first; it is drawn in ink. Axis limits are shared.
    """
    names = told_apart(levels, 22)
    same = {"data": "panel", "level": "series", "epoch": "x"}
    thick = summary.rename(columns=same | {"median": "value"})
    thin = lines.rename(columns=same | {"seed": "cell_id"})
    last = thick.groupby(["panel", "series"])[["k", "n"]].transform("last")
    counts = last["k"].astype(str) + "/" + last["n"].astype(str)
    thick["label"] = thick["series"].map(names) + "  " + counts
    found = list(dict.fromkeys(thick["panel"]))
    panels = {panel: str(panel) if len(found) > 1 else "" for panel in found}
    return line_panels(
        thick, thin, None, panels, levels, Scales("epoch", y_label, log_y=log), 2, 300
    )


@for_both
def point_panels(
    points: pd.DataFrame, laws: pd.DataFrame, panels: Sequence[str], scales: Scales
) -> Figure:
    """Draw measured points with their intervals over x, and the laws as dashed lines.

    points: `panel, x, value, low, high`; laws: as for `line_panels`.
    """
    low, high = float(points["x"].min()), float(points["x"].max())
    air = 0.0 if scales.log_x else 0.04 * (high - low)
    with house_style():
        names = {panel: panel for panel in panels}
        figure, found = line_axes(names, [points, laws], scales, 40, 3)
        for panel, axes in found.items():
            _set_x(axes, low - air, high + air, scales)
            notes = _draw_laws(axes, laws[laws["panel"] == panel])
            part = points[points["panel"] == panel].sort_values("x")
            spans = part[["low", "high"]].astype(float)
            axes.vlines(part["x"], spans["low"], spans["high"], SERIES[0], linewidth=1.6)
            draw_marks(axes, part["x"], part["value"], "s", 6.5, SERIES[0])
            names_of = (scales.x_label, scales.y_label)
            say(axes, part["x"], part["value"], texts_of(part), "", names_of)
            axes.set(xlabel=scales.x_label, ylabel="")
            set_x_ticks(axes, part["x"], scales.log_x)
            write_clear(axes, notes)
    return figure


def set_x_ticks(axes: Axes, x: pd.Series, log: bool) -> None:
    """Put the ticks of few points at the points themselves."""
    if log or x.nunique() <= 8:
        axes.xaxis.set_major_locator(FixedLocator(sorted(set(map(float, x)))))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_locator(NullLocator())
