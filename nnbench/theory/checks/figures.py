"""Figures of theory against measurement: predictions dashed and named, measurements as points.

Each takes checks as theory.json has them. Bars are four standard errors, what a check allows.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

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
    house_style,
    name_panel,
    new_figure,
    place_axes,
    rows_only,
    ruled,
    spread_out,
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


def _plot(
    width: float, height: float, right: float, y_label: str, x_label: str
) -> tuple[Figure, Axes]:
    """A figure of one plot with the name of y above, and room for words at the right."""
    figure = new_figure(width, height)
    axes = place_axes(figure, 60, 40, width - 60 - right, height - 90)
    name_panel(axes, "", y_label, 54)
    ruled(axes)
    axes.set_xlabel(x_label)
    return figure, axes


def _points(axes: Axes, x: Any, y: Any, error: Any, number: int) -> None:
    bar = ERRORS * np.asarray(error)
    axes.vlines(x, np.asarray(y) - bar, np.asarray(y) + bar, SERIES[number], linewidth=1.6)
    draw_marks(axes, x, y, MARKERS[number], 6.5, SERIES[number], clip_on=True)
    axes.set(ylabel="")


def _name(axes: Axes, text: str, at: tuple[float, float], on_data: str = "xy") -> None:
    write(axes, text, at, (14, 0), on_data=on_data, size=TEXT - 1)


def _rows(
    height: float,
    x_label: str,
    names: Sequence[str],
    numbers: tuple[Any, Any],
    texts: Sequence[str],
) -> tuple[Figure, Axes]:
    """A figure of a row each: its name, what is predicted and measured, and a text."""
    count, places = len(names), np.arange(len(names))
    figure = new_figure(1080, height * count + 74)
    axes = place_axes(figure, NAMES, 20, 1080 - NAMES - NUMBERS, height * count)
    rows_only(axes, (-0.6, count - 0.4), range(count))
    predicted, measured = numbers
    draw_marks(axes, measured, places, "s", 6.5, SERIES[0])
    axes.vlines(predicted, places - 0.42, places + 0.42, zorder=4, **TICK)
    beside(axes, names, places, -NAMES, ha="left")
    beside(axes, texts, places, 240, 1, size=TEXT - 1)
    axes.set(xlabel=x_label, ylabel="")
    return figure, axes


def overview(checks: Rows, width: float = 1080) -> Figure:
    """Draw every check's difference in units of what it allows, group by group."""
    groups = list(dict.fromkeys(check["group"] for check in checks))
    with house_style():
        figure = new_figure(width, 34 * len(groups) + 66)
        axes = place_axes(figure, NAMES, 16, width - NAMES - 100, 34 * len(groups))
        rows_only(axes, (-0.6, len(groups) - 0.4))
        axes.axvspan(-1, 1, color=RULE, alpha=0.4, linewidth=0)
        axes.axvline(0, **DASHED)
        for agrees, color, marker in ((True, SERIES[0], "o"), (False, SERIES[1], "X")):
            own = [check for check in checks if check["agrees"] == agrees]
            x = np.clip([difference_share(check) for check in own], -1.5, 1.5)
            places = [groups.index(check["group"]) for check in own]
            draw_marks(axes, x, places, marker, 7, color, alpha=0.55)
        beside(axes, groups, range(len(groups)), -NAMES, ha="left")
        members = [[c["agrees"] for c in checks if c["group"] == group] for group in groups]
        counts = [f"{sum(agree)} of {len(agree)}" for agree in members]
        beside(axes, counts, range(len(groups)), 20, 1, ha="left")
        axes.set_xlim(-1.6, 1.6)
        x_label = "measured − predicted, in units of the largest difference that agrees"
        axes.set(xlabel=x_label, ylabel="")
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


def depth_figure(rows: Rows) -> Figure:
    """Draw the mean square by layer under He's and Xavier's init."""
    lines = []
    for detail in (row["detail"] for row in rows):
        law = detail["growth"] ** np.arange(1, len(detail["measured"]) + 1)
        text = f"predicted, {detail['label']}: times {detail['growth']:g} a layer"
        lines.append((detail, law, text))
    return _by_layer("mean square of ReLU activations", 220, lines)


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
        figure, axes = _plot(760, 400, right, y_label, "layer")
        axes.set_yscale("log")
        for number, (detail, law, text) in enumerate(lines):
            layers = np.arange(1, len(detail["measured"]) + 1)
            axes.plot(layers, law, **DASHED)
            _points(axes, layers, detail["measured"], detail["error"], number)
            _name(axes, text, (layers[-1], law[-1]))
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        log_ticks(axes, "y")
    return figure


def chi_figure(rows: Rows) -> Figure:
    """Draw each activation's growth of squared gradients, predicted as a dashed tick."""
    ordered = sorted(rows, key=lambda row: (-row["predicted"], row["detail"]["activation"]))
    places = np.arange(len(ordered))
    known, measured, error = (
        np.array([row[name] for row in ordered], dtype=float)
        for name in ("predicted", "measured", "standard_error")
    )
    with house_style():
        x_label = "growth of squared gradients, per layer towards the input"
        names = [row["detail"]["activation"] for row in ordered]
        texts = [f"predicted {r['predicted']:.3f}, measured {r['measured']:.3f}" for r in ordered]
        figure, axes = _rows(28, x_label, names, (known, measured), texts)
        bar = ERRORS * error
        axes.hlines(places, measured - bar, measured + bar, SERIES[0], linewidth=1.6)
        look: Look = {"on_data": "xy", "ha": "center", "size": TEXT - 1}
        write(axes, "dashed: predicted", (known[0], -0.6), (0, 10), **look)
    return figure


def batchnorm_figure(rows: Rows) -> Figure:
    """Draw the growth of squared gradients against the batch size."""
    batches = np.geomspace(8, 256, 200)
    curves = {
        "relu": ("predicted, ReLU", [laws.batchnorm_relu_growth(float(b)) for b in batches]),
        "identity": ("predicted, linear: (B − 2)/(B − 3)", list((batches - 2) / (batches - 3))),
    }
    limit = np.pi / (np.pi - 1)
    with house_style():
        figure, axes = _plot(760, 410, 240, "growth of squared gradients per layer", "batch size B")
        axes.set_xscale("log", base=2)
        axes.set_ylim(0.95, 1.9)
        for number, (activation, (name, law)) in enumerate(curves.items()):
            axes.plot(batches, law, **DASHED)
            own = [row for row in rows if row["detail"]["activation"] == activation]
            x = [row["detail"]["batch"] for row in own]
            y, errors = ([row[key] for row in own] for key in ("measured", "standard_error"))
            _points(axes, x, y, errors, number)
            _name(axes, name, (256, law[-1]))
        axes.axhline(limit, color=QUIET, linewidth=0.8)
        look: Look = {"on_data": "xy", "color": QUIET, "size": TEXT - 1}
        write(axes, "π/(π − 1)", (8, limit), (0, -11), **look)
        axes.xaxis.set_major_locator(FixedLocator([8, 16, 32, 64, 128, 256]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        axes.xaxis.set_minor_locator(NullLocator())
    return figure


def dead_figure(rows: Rows) -> Figure:
    """Draw the share of networks that give zero for an input, by depth, for each width."""
    deepest = max(len(row["detail"]["predicted"]) for row in rows)
    with house_style():
        figure, axes = _plot(760, 410, 180, "share of networks that are dead", "hidden layers")
        axes.set_ylim(0, 1)
        ends = []
        for number, row in enumerate(rows):
            detail = row["detail"]
            layers = np.arange(1, deepest + 1)
            law = 1 - (1 - 2.0 ** -detail["width"]) ** layers
            axes.plot(layers, law, **DASHED)
            known = layers[: len(detail["predicted"])]
            _points(axes, known, detail["measured"], detail["error"], number)
            ends.append((law[-1], f"predicted, {detail['width']} units a layer"))
        ends.sort()
        for y, (_, text) in zip(spread_out([320 * y for y, _ in ends], 17), ends, strict=True):
            _name(axes, text, (1, y / 320), on_data="")
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axes.set_xlim(0, deepest + 0.5)
    return figure


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
        figure, axes = _rows(34, x_label, names, (known, measured), texts)
        axes.set_xlim(0, 4.2)
    return figure


def edge_figure(rows: Rows) -> Figure:
    """Draw the sharpness during full-batch descent, at three rates."""
    with house_style():
        figure, axes = _plot(760, 410, 200, "sharpness", "step of gradient descent")
        for number, row in enumerate(rows):
            detail, color = row["detail"], SERIES[number]
            steps = detail["steps"]
            axes.axhline(row["predicted"], **DASHED)
            axes.fill_between(steps, detail["low"], detail["high"], color=color, alpha=0.16, lw=0)
            sns.lineplot(x=steps, y=detail["measured"], estimator=None, color=color, linewidth=1.6,
                         marker=MARKERS[number], markersize=6, mec="none", ax=axes)  # fmt: skip
            text = f"predicted, 2/lr at lr = {detail['rate']:g}"
            _name(axes, text, (1, row["predicted"]), on_data="y")
        axes.set_xlim(0, rows[0]["detail"]["steps"][-1])
        axes.set_ylim(0, max(max(row["detail"]["high"]) for row in rows) * 1.05)
    return figure
