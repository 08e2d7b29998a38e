"""Figures of theory against measurement: predictions dashed and named, measurements as points.

Each takes checks as theory.json has them. Bars are four standard errors, what a check allows.
"""

from collections.abc import Iterable, Mapping, Sequence
from textwrap import fill
from typing import Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from nnbench.plots.lines import LEFT, panel_plan
from nnbench.plots.rooms import SMALL, WIDE, for_both, is_small
from nnbench.plots.style import (
    DASHED,
    MARKERS,
    QUIET,
    RULE,
    SERIES,
    TEXT,
    Look,
    beside,
    draw_marks,
    end_labels,
    house_style,
    name_panel,
    new_figure,
    panel_axes,
    place_axes,
    rows_only,
    ruled,
    write,
)
from nnbench.plots.ticks import log_ticks
from nnbench.theory import laws

Rows = Sequence[Mapping[str, Any]]
ERRORS = 4.0
NAMES, NUMBERS = 230.0, 250.0  # room for the words beside rows
# a prediction in a row: short, and still dashed
TICK: Look = {"color": DASHED["color"], "linewidth": 1.4, "linestyle": (0, (2.5, 2))}


def of_figure(checks: Rows, figure: str) -> list[Mapping[str, Any]]:
    """Return the checks that a figure shows."""
    return [check for check in checks if check["detail"].get("figure") == figure]


def _plot(right: float, y_label: str, x_label: str, laws: int) -> tuple[Figure, Axes]:
    """A figure of one plot with the name of y above, and room for the names of so many laws."""
    plan = panel_plan(1, 1, right, 310, labels=laws)
    figure = new_figure(*plan.figure)
    (axes,) = panel_axes(figure, 1, *plan[:4])
    name_panel(axes, "", y_label, LEFT)
    ruled(axes)
    axes.set_xlabel(x_label)
    return figure, axes


def _points(axes: Axes, x: Any, y: Any, error: Any, number: int) -> None:
    bar = ERRORS * np.asarray(error)
    axes.vlines(x, np.asarray(y) - bar, np.asarray(y) + bar, SERIES[number], linewidth=1.6)
    draw_marks(axes, x, y, MARKERS[number], 6.5, SERIES[number], clip_on=True)
    axes.set(ylabel="")


def _name_laws(axes: Axes, laws: Iterable[tuple[float, str]]) -> None:
    """Write each law's name where it ends, with the mark of what was measured of it."""
    end_labels(axes, [(y, text, SERIES[i], MARKERS[i]) for i, (y, text) in enumerate(laws)])


def _rows(
    high: float, right: float, x_label: str, names: Sequence[str], texts: Sequence[str]
) -> tuple[Figure, Axes]:
    """A figure of a row each, so many pixels high: its name, a place for marks, and a text.

    right: room for the texts. In a small room names and texts stand above the marks.
    """
    count, places, air = len(names), np.arange(len(names)), 0.1
    width, left, label = WIDE, NAMES, x_label
    if is_small():
        width, left, right, label = SMALL, 12.0, 12.0, fill(x_label, 44)
        fits = max(len(name) + len(text) for name, text in zip(names, texts, strict=True)) < 42
        high, air = 46.0 if fits else 62.0, 0.0
    lines = label.count("\n")
    figure = new_figure(width, high * count + 74 + 16 * lines)
    axes = place_axes(figure, left, 20, width - left - right, high * count)
    if is_small():
        rows_only(axes, (14 / high - 1, count - 1 + 14 / high))
        beside(axes, names, places - (high - 20) / high, 0, ha="left")
        look: Look = {"ha": "right" if fits else "left", "size": TEXT - 1, "color": QUIET}
        beside(axes, texts, places - (26 if fits else 24) / high, 0, int(fits), **look)
    else:
        rows_only(axes, (-0.5 - air, count - 0.5 + air), range(count))
        beside(axes, names, places, -NAMES, ha="left")
        beside(axes, texts, places, right - 10, 1, size=TEXT - 1)
    axes.set_xlabel(label)
    return figure, axes


def _predicted(axes: Axes, predicted: Any, count: int, layer: float) -> None:
    """Draw a dashed tick of 22 pixels in each row: a line through all would cross the names."""
    half, places = 11 * float(np.ptp(axes.get_ylim())) / axes.bbox.height, np.arange(count)
    axes.vlines(predicted, places - half, places + half, zorder=layer, **TICK)


def _predicted_and_measured(axes: Axes, predicted: Any, measured: Any) -> None:
    draw_marks(axes, measured, np.arange(len(measured)), "s", 6.5, SERIES[0])
    _predicted(axes, predicted, len(measured), 4)
    axes.set(ylabel="")


@for_both
def overview(checks: Rows) -> Figure:
    """Draw every check's difference in units of what it allows, group by group."""
    groups = list(dict.fromkeys(check["group"] for check in checks))
    members = [[c["agrees"] for c in checks if c["group"] == group] for group in groups]
    counts = [f"{sum(agree)} of {len(agree)}" for agree in members]
    x_label = "measured − predicted, in units of the largest difference that agrees"
    with house_style():
        figure, axes = _rows(34, 100, x_label, groups, counts)
        axes.axvspan(-1, 1, color=RULE, alpha=0.4, linewidth=0)
        _predicted(axes, np.zeros(len(groups)), len(groups), 1)
        for agrees, color, marker in ((True, SERIES[0], "o"), (False, SERIES[1], "X")):
            own = [check for check in checks if check["agrees"] == agrees]
            x = np.clip([difference_share(check) for check in own], -1.5, 1.5)
            places = [groups.index(check["group"]) for check in own]
            draw_marks(axes, x, places, marker, 7, color, alpha=0.55)
        axes.set_xlim(-1.6, 1.6)
        axes.set(ylabel="")
    return figure


def difference_share(check: Mapping[str, Any]) -> float:
    """Return the difference over the largest that agrees; 0 for a bound that is kept."""
    if check["measured"] is None or check["standard_error"] is None:
        return 9.0
    allowed = ERRORS * check["standard_error"] + check["allowance"]
    difference = check["measured"] - check["predicted"]
    if check["relation"] != "equals" and check["agrees"]:
        return 0.0
    return float(difference / allowed) if allowed else (0.0 if check["agrees"] else 9.0)


@for_both
def depth_figure(rows: Rows) -> Figure:
    """Draw the mean square by layer under He's and Xavier's init."""
    lines = []
    for detail in (row["detail"] for row in rows):
        law = detail["growth"] ** np.arange(1, len(detail["measured"]) + 1)
        text = f"predicted, {detail['label']}: × {detail['growth']:g} per layer"
        lines.append((detail, law, text))
    return _by_layer("mean square of ReLU activations", 220, lines)


@for_both
def correlation_figure(rows: Rows) -> Figure:
    """Draw how two orthogonal inputs come together under ReLU."""
    detail = rows[0]["detail"]
    lines = [(detail, detail["predicted"], "predicted, infinite width")]
    return _by_layer("1 − cosine of two inputs", 180, lines)


def _by_layer(
    y_label: str, right: float, lines: Sequence[tuple[Mapping[str, Any], Any, str]]
) -> Figure:
    """Draw measurements over layers, each with its law, which bears a name."""
    with house_style():
        figure, axes = _plot(right, y_label, "layer", len(lines))
        axes.set_yscale("log")
        for number, (detail, law, _) in enumerate(lines):
            layers = np.arange(1, len(detail["measured"]) + 1)
            axes.plot(layers, law, **DASHED)
            _points(axes, layers, detail["measured"], detail["error"], number)
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        log_ticks(axes, "y")
        _name_laws(axes, [(law[-1], text) for _, law, text in lines])
    return figure


@for_both
def chi_figure(rows: Rows) -> Figure:
    """Draw each activation's growth of squared gradients, predicted as a dashed tick."""
    ordered = sorted(rows, key=lambda row: (-row["predicted"], row["detail"]["activation"]))
    known, measured, error = (
        np.array([row[name] for row in ordered], dtype=float)
        for name in ("predicted", "measured", "standard_error")
    )
    with house_style():
        x_label = "growth of squared gradients, per layer towards the input; dashed: predicted"
        names = [row["detail"]["activation"] for row in ordered]
        texts = [f"predicted {r['predicted']:.3f}, measured {r['measured']:.3f}" for r in ordered]
        figure, axes = _rows(28, NUMBERS, x_label, names, texts)
        _predicted_and_measured(axes, known, measured)
        bar = ERRORS * error
        axes.hlines(range(len(ordered)), measured - bar, measured + bar, SERIES[0], linewidth=1.6)
    return figure


@for_both
def batchnorm_figure(rows: Rows) -> Figure:
    """Draw the growth of squared gradients against the batch size."""
    batches = np.geomspace(8, 256, 200)
    curves = {
        "relu": ("predicted, ReLU", [laws.batchnorm_relu_growth(float(b)) for b in batches]),
        "identity": ("predicted, linear: (B − 2)/(B − 3)", list((batches - 2) / (batches - 3))),
    }
    limit = np.pi / (np.pi - 1)
    with house_style():
        figure, axes = _plot(240, "growth of squared gradients per layer", "batch size B", 2)
        axes.set_xscale("log", base=2)
        axes.set_ylim(0.95, 1.9)
        for number, (activation, (_, law)) in enumerate(curves.items()):
            axes.plot(batches, law, **DASHED)
            own = [row for row in rows if row["detail"]["activation"] == activation]
            x = [row["detail"]["batch"] for row in own]
            y, errors = ([row[key] for row in own] for key in ("measured", "standard_error"))
            _points(axes, x, y, errors, number)
        _name_laws(axes, [(law[-1], name) for name, law in curves.values()])
        axes.axhline(limit, color=QUIET, linewidth=0.8)
        look: Look = {"on_data": "xy", "color": QUIET, "size": TEXT - 1}
        write(axes, "π/(π − 1)", (8, limit), (0, -11), **look)
        axes.xaxis.set_major_locator(FixedLocator([8, 16, 32, 64, 128, 256]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        axes.xaxis.set_minor_locator(NullLocator())
    return figure


@for_both
def dead_figure(rows: Rows) -> Figure:
    """Draw the share of networks that give zero for an input, by depth, for each width."""
    deepest = max(len(row["detail"]["predicted"]) for row in rows)
    with house_style():
        y_label = "share of networks that are dead"
        figure, axes = _plot(180, y_label, "hidden layers", len(rows))
        axes.set_ylim(0, 1)
        ends = []
        for number, row in enumerate(rows):
            detail = row["detail"]
            layers = np.arange(1, deepest + 1)
            law = 1 - (1 - 2.0 ** -detail["width"]) ** layers
            axes.plot(layers, law, **DASHED)
            known = layers[: len(detail["predicted"])]
            _points(axes, known, detail["measured"], detail["error"], number)
            ends.append((law[-1], f"predicted, {detail['width']} units per layer"))
        _name_laws(axes, ends)
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axes.set_xlim(0, deepest + 0.5)
    return figure


@for_both
def stability_figure(rows: Rows) -> Figure:
    """Draw each optimizer's largest stable rate, in units of 1/h."""
    known, measured = (
        np.array([row[name] * row["detail"]["curvature"] for row in rows])
        for name in ("predicted", "measured")
    )
    with house_style():
        x_label = "largest stable learning rate times the curvature h; dashed: predicted"
        names = [row["detail"]["label"] for row in rows]
        texts = [f"predicted {row['law']}" for row in rows]
        figure, axes = _rows(34, NUMBERS, x_label, names, texts)
        _predicted_and_measured(axes, known, measured)
        axes.set_xlim(0, 4.2)
    return figure


@for_both
def edge_figure(rows: Rows) -> Figure:
    """Draw the sharpness during full-batch descent, at three rates."""
    with house_style():
        figure, axes = _plot(200, "sharpness", "step of gradient descent", len(rows))
        for number, row in enumerate(rows):
            detail, color = row["detail"], SERIES[number]
            steps = detail["steps"]
            axes.axhline(row["predicted"], **DASHED)
            axes.fill_between(steps, detail["low"], detail["high"], color=color, alpha=0.16, lw=0)
            sns.lineplot(x=steps, y=detail["measured"], estimator=None, color=color, linewidth=1.6,
                         marker=MARKERS[number], markersize=6, mec="none", ax=axes)  # fmt: skip
        axes.set_xlim(0, rows[0]["detail"]["steps"][-1])
        axes.set_ylim(0, max(max(row["detail"]["high"]) for row in rows) * 1.05)
        texts = [f"predicted, 2/lr at lr = {row['detail']['rate']:g}" for row in rows]
        _name_laws(axes, zip([row["predicted"] for row in rows], texts, strict=True))
    return figure
