"""Figures of what layers do, as lines, points and strips: frame in, figure out.

Panels are small multiples on one pair of limits. Theory is a black dashed line with its name on it.
On a logarithmic axis a zero has no place: it stands at the foot, under a "0" of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FixedLocator,
    FuncFormatter,
    MaxNLocator,
    NullLocator,
)

from nnbench.plots import (
    INK,
    MARKERS,
    MOST_SERIES,
    MOST_THIN,
    QUIET,
    RULE,
    SERIES,
    TEXT,
    Note,
    end_labels,
    house_style,
    log_ticks,
    new_figure,
    place_axes,
    shorten,
    write,
    write_clear,
)

DASHED: dict[str, Any] = {"color": INK, "linewidth": 1.4, "dashes": (5, 3)}
NARROWEST = 200.0  # pixels of a plot beside others: below, fewer stand side by side


class Scales(NamedTuple):
    """What the axes of a figure's panels say, and how they run."""

    x_label: str
    y_label: str
    log_x: bool = False
    log_y: bool = False
    falling: bool = False  # x runs from its largest value to its least
    limits: tuple[float, float] | None = None  # of y; by the data without them


class Place(NamedTuple):
    """Where a panel's axes go, in pixels."""

    left: float
    top: float
    width: float
    height: float


def panel_places(
    count: int,
    across: int,
    room: float,
    width: float = 1080,
    height: float = 250,
    lines: int = 1,
) -> tuple[list[Place], float, float]:
    """Return each panel's place and the figure's size.

    room: for labels at a panel's right. lines: of the longest panel's name.
    """
    across = 2 if count == 4 else min(count, across)  # two rows of two leave no hole
    while across > 1 and width / across - 70 - room < NARROWEST:
        across -= 1
    each = min(width / across, 620 + room)
    tall = height + 104 + 16 * (lines - 1)
    top = 54 + 16 * (lines - 1)
    places = [
        Place(i % across * each + 52, i // across * tall + top, each - 70 - room, height)
        for i in range(count)
    ]
    return places, across * each, -(-count // across) * tall


# Lines ------------------------------------------------------------------------------------------


def line_panels(
    summary: pd.DataFrame,
    singles: pd.DataFrame,
    laws: pd.DataFrame,
    panels: Sequence[str],
    series: Sequence[str],
    scales: Scales,
    across: int = 3,
) -> Figure:
    """Draw each series' summary over x, its networks thin behind it, and its law dashed.

    summary: `panel, series, x, value, label`, the label for the line's end; singles: `panel,
    series, cell_id, x, value`; laws: `panel, name, x, value`, named on the line where it is not
    empty. At most 7 series; a panel's first is drawn in ink.
    """
    longest = max((len(shorten(str(label), 26)) for label in summary["label"]), default=0)
    room = 28 + 6.6 * longest
    places, width, height = panel_places(len(panels), across, room)
    limits = scales.limits or _limits([summary, singles, laws], scales.log_y)
    ends = (float(summary["x"].min()), float(summary["x"].max()))
    with house_style():
        figure = new_figure(width, height)
        for panel, place in zip(panels, places, strict=True):
            axes = _panel_axes(figure, place, panel, scales, limits, ends)
            law = laws[laws["panel"] == panel]
            here, thin = (f[f["panel"] == panel] for f in (summary, singles))
            _lines(axes, here, thin, series, limits, scales)
            write_clear(axes, _laws(axes, law, limits, scales))
    return figure


def _limits(frames: Sequence[pd.DataFrame], log: bool) -> tuple[float, float]:
    """Return limits that hold every value of the frames, zeros of a log axis apart."""
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


def _panel_axes(
    figure: Figure,
    place: Place,
    panel: str,
    scales: Scales,
    limits: tuple[float, float],
    ends: tuple[float, float],
) -> Axes:
    axes = place_axes(figure, *place)
    write(axes, shorten(panel, 40), (0, 1), (-42, 38), weight="bold")
    write(axes, scales.y_label, (0, 1), (-42, 18), color=QUIET, size=TEXT - 1)
    if scales.log_y:
        axes.set_yscale("log")
    axes.set_ylim(*limits)
    if scales.log_y:
        log_ticks(axes, "y")
    else:
        axes.yaxis.set_major_locator(MaxNLocator(6))
    low, high = ends if ends[0] < ends[1] else (ends[0] - 0.5, ends[1] + 0.5)
    if scales.log_x:
        axes.set_xscale("log")
        low, high = low / 1.15, high * 1.15
    axes.set_xlim(*((high, low) if scales.falling else (low, high)))
    if not scales.log_x:
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    axes.grid(axis="y", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(scales.x_label)
    return axes


def _at_foot(values: Any, limits: tuple[float, float], log: bool) -> np.ndarray:
    """Return the values with the zeros of a log axis, which has none, at its foot."""
    found = np.asarray(values, dtype=float)
    return np.where(found <= 0, limits[0], found) if log else found


def _lines(
    axes: Axes,
    summary: pd.DataFrame,
    singles: pd.DataFrame,
    series: Sequence[str],
    limits: tuple[float, float],
    scales: Scales,
) -> None:
    labels: list[tuple[float, str, str, str]] = []
    for number, level in enumerate(series[:MOST_SERIES]):
        part = summary[summary["series"] == level].sort_values("x")
        if part.empty:
            continue
        color, marker = (INK, "o") if number == 0 else (SERIES[number - 1], MARKERS[number - 1])
        thin = singles[singles["series"] == level].groupby("cell_id", sort=False)
        for _, line in [*thin][:MOST_THIN]:
            line = line.sort_values("x")
            y = _at_foot(line["value"], limits, scales.log_y)
            axes.plot(line["x"], y, color=color, linewidth=0.7, alpha=0.35)
        y = _at_foot(part["value"], limits, scales.log_y)
        # One mark a line, each further along than the one before, so that none hides another.
        every = [round((number + 1) / (MOST_SERIES + 1) * (len(part) - 1))]
        look: dict[str, Any] = {"color": color, "linewidth": 2.2, "markevery": every}
        axes.plot(part["x"], y, marker, ls="-", markersize=6, **look)
        last = part.iloc[0 if scales.falling else -1]
        at = float(_at_foot([last["value"]], limits, scales.log_y)[0])
        zero = ", at 0" if scales.log_y and last["value"] <= 0 else ""
        labels.append((at, f"{shorten(str(last['label']), 26)}{zero}", color, marker))
    end_labels(axes, labels)


def _laws(
    axes: Axes, laws: pd.DataFrame, limits: tuple[float, float], scales: Scales
) -> list[Note]:
    """Draw each law, and return the names to write once all else is drawn."""
    names = []
    for _, line in laws.groupby("line", sort=False):
        line = line.dropna(subset=["value"]).sort_values("x")
        if line.empty:
            continue
        quiet = bool(line["quiet"].iloc[0]) if "quiet" in line else False
        look = DASHED | ({"color": QUIET, "linewidth": 0.9, "dashes": (2, 2)} if quiet else {})
        line = line.assign(value=_at_foot(line["value"], limits, scales.log_y))
        axes.plot(line["x"], line["value"], zorder=3, **look)
        name = str(line["name"].iloc[0])
        if name:
            names.append(Note(name, _name_spots(line), QUIET if quiet else INK))
    return names


def _name_spots(line: pd.DataFrame) -> list[tuple[float, float]]:
    """Return where a law's name may stand: in the middle of the line, else nearer to its ends."""
    places = dict.fromkeys(round(share * (len(line) - 1)) for share in (0.5, 0.3, 0.7, 0.1, 0.9))
    return [(float(line["x"].iloc[i]), float(line["value"].iloc[i])) for i in places]


# Points -----------------------------------------------------------------------------------------


def point_panels(
    points: pd.DataFrame,
    laws: pd.DataFrame,
    panels: Sequence[str],
    scales: Scales,
    across: int = 3,
) -> Figure:
    """Draw measured points with their intervals over x, and the laws as dashed lines.

    points: `panel, x, value, low, high, text`, the text beside a point; laws: as for `line_panels`.
    """
    places, width, height = panel_places(len(panels), across, 40)
    limits = scales.limits or _limits([points, laws], scales.log_y)
    ends = (float(points["x"].min()), float(points["x"].max()))
    with house_style():
        figure = new_figure(width, height)
        for panel, place in zip(panels, places, strict=True):
            axes = _panel_axes(figure, place, panel, scales, limits, ends)
            part = points[points["panel"] == panel].sort_values("x")
            if not scales.log_x:
                air = 0.04 * (ends[1] - ends[0])
                axes.set_xlim(ends[0] - air, ends[1] + air)
            names = _laws(axes, laws[laws["panel"] == panel], limits, scales)
            values = part[["value", "low", "high"]].astype(float)
            axes.vlines(part["x"], values["low"], values["high"], color=SERIES[0], linewidth=1.6)
            axes.plot(part["x"], values["value"], "s", color=SERIES[0], markersize=6, clip_on=False)
            _x_ticks(axes, part["x"], scales.log_x)
            write_clear(axes, names)
    return figure


def _x_ticks(axes: Axes, x: pd.Series, log: bool) -> None:
    """Put the ticks of few points at the points themselves."""
    if log or x.nunique() <= 8:
        axes.xaxis.set_major_locator(FixedLocator(sorted(set(map(float, x)))))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_locator(NullLocator())
