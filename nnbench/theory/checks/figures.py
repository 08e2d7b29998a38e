"""Figures of theory against measurement: predictions dashed and named, measurements as points.

Each takes checks as theory.json has them. Bars are four standard errors, what a check allows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from nnbench.plots import (
    INK,
    MARKERS,
    QUIET,
    RULE,
    SERIES,
    TEXT,
    house_style,
    new_figure,
    place_axes,
    spread_out,
    write,
)
from nnbench.theory import laws

Rows = Sequence[Mapping[str, Any]]
ERRORS = 4.0
DASHED: dict[str, Any] = {"color": INK, "linewidth": 1.4, "dashes": (5, 3)}
TICK = DASHED | {"dashes": (2.5, 2)}  # short, and still dashed
POINTS: dict[str, Any] = {"linestyle": "none", "elinewidth": 1.6, "capsize": 0, "markersize": 6}


def of_figure(checks: Rows, figure: str) -> list[Mapping[str, Any]]:
    """Return the checks that a figure shows."""
    return [check for check in checks if check["detail"].get("figure") == figure]


def _axes(
    figure: Figure, size: tuple[float, float], y_label: str, x_label: str, left: float = 60
) -> Axes:
    """Axes of that many pixels with quiet rules across and the name of y above."""
    axes = place_axes(figure, left, 40, *size)
    write(axes, y_label, (0, 1), (-left + 6, 22), color=QUIET)
    axes.set_xlabel(x_label)
    axes.grid(axis="y", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return axes


def _log_y(axes: Axes) -> None:
    """Ticks for a logarithmic axis, once everything is drawn on it."""
    low, high = axes.get_ylim()
    narrow = high / low < 100
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if narrow else (1,), numticks=9))
    axes.yaxis.set_major_formatter(FuncFormatter(_log_tick))
    axes.yaxis.set_minor_locator(NullLocator())


def _log_tick(y: float, place: int) -> str:
    power = round(np.log10(y))
    raised = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{y:g}" if y > 9e-4 else f"10{raised}"


def _points(axes: Axes, x: Any, y: Any, error: Any, number: int) -> None:
    look = POINTS | {"color": SERIES[number], "marker": MARKERS[number]}
    axes.errorbar(x, y, yerr=ERRORS * np.asarray(error), **look)


def overview(checks: Rows, width: float = 1080) -> Figure:
    """Draw every check's difference in units of what it allows, group by group."""
    groups = list(dict.fromkeys(check["group"] for check in checks))
    with house_style():
        figure = new_figure(width, 34 * len(groups) + 66)
        axes = place_axes(figure, 230, 16, width - 330, 34 * len(groups))
        axes.set_ylim(len(groups) - 0.4, -0.6)
        axes.axvspan(-1, 1, color=RULE, alpha=0.4, linewidth=0)
        axes.axvline(0, **DASHED)
        for place, group in enumerate(groups):
            members = [check for check in checks if check["group"] == group]
            shares = [difference_share(check) for check in members]
            for check, share in zip(members, shares, strict=True):
                color, marker = (SERIES[0], "o") if check["agrees"] else (SERIES[1], "X")
                axes.plot(np.clip(share, -1.5, 1.5), place, marker, color=color, alpha=0.55,
                          markersize=7, mew=0)  # fmt: skip
            agree = sum(check["agrees"] for check in members)
            write(axes, group, (0, place), (-230, 0), on_data="y")
            write(axes, f"{agree} of {len(members)}", (1, place), (20, 0), on_data="y")
        axes.set_xlim(-1.6, 1.6)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("measured − predicted, in units of the largest difference that agrees")
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


def depth_figure(rows: Rows, width: float = 760) -> Figure:
    """Draw the mean square by layer under He's and Xavier's init."""
    with house_style():
        figure = new_figure(width, 400)
        axes = _axes(figure, (width - 280, 310), "mean square of ReLU activations", "layer")
        axes.set_yscale("log")
        for number, row in enumerate(rows):
            detail = row["detail"]
            layers = np.arange(1, len(detail["measured"]) + 1)
            law = detail["growth"] ** layers
            axes.plot(layers, law, **DASHED)
            _points(axes, layers, detail["measured"], detail["error"], number)
            text = f"predicted, {detail['label']}: times {detail['growth']:g} a layer"
            write(axes, text, (layers[-1], law[-1]), (14, 0), on_data="xy", size=TEXT - 1)
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        _log_y(axes)
    return figure


def chi_figure(rows: Rows, width: float = 1080) -> Figure:
    """Draw each activation's growth of squared gradients, predicted as a dashed tick."""
    ordered = sorted(rows, key=lambda row: (-row["predicted"], row["detail"]["activation"]))
    with house_style():
        figure = new_figure(width, 28 * len(ordered) + 74)
        axes = place_axes(figure, 230, 20, width - 480, 28 * len(ordered))
        axes.set_ylim(len(ordered) - 0.4, -0.6)
        for place, row in enumerate(ordered):
            axes.axhline(place, color=RULE, linewidth=0.8, zorder=0)
            axes.plot([row["predicted"]] * 2, [place - 0.42, place + 0.42], **TICK)
            axes.errorbar(row["measured"], place, xerr=ERRORS * row["standard_error"],
                          color=SERIES[0], marker="s", **POINTS)  # fmt: skip
            write(axes, row["detail"]["activation"], (0, place), (-230, 0), on_data="y")
            text = f"predicted {row['predicted']:.3f}, measured {row['measured']:.3f}"
            write(axes, text, (1, place), (240, 0), on_data="y", ha="right", size=TEXT - 1)
        write(axes, "dashed: predicted", (ordered[0]["predicted"], -0.6), (0, 10), on_data="xy",
              ha="center", size=TEXT - 1)  # fmt: skip
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("growth of squared gradients, per layer towards the input")
    return figure


def batchnorm_figure(rows: Rows, width: float = 760) -> Figure:
    """Draw the growth of squared gradients against the batch size."""
    batches = np.geomspace(8, 256, 200)
    curves = {
        "relu": ("predicted, ReLU", [laws.batchnorm_relu_growth(float(b)) for b in batches]),
        "identity": ("predicted, linear: (B − 2)/(B − 3)", list((batches - 2) / (batches - 3))),
    }
    with house_style():
        figure = new_figure(width, 410)
        axes = _axes(
            figure, (width - 300, 320), "growth of squared gradients per layer", "batch size B"
        )
        axes.set_xscale("log", base=2)
        axes.set_ylim(0.95, 1.9)
        for number, (activation, (name, law)) in enumerate(curves.items()):
            axes.plot(batches, law, **DASHED)
            members = [row for row in rows if row["detail"]["activation"] == activation]
            x = [row["detail"]["batch"] for row in members]
            errors = [row["standard_error"] for row in members]
            _points(axes, x, [row["measured"] for row in members], errors, number)
            write(axes, name, (256, law[-1]), (14, 0), on_data="xy", size=TEXT - 1)
        axes.axhline(np.pi / (np.pi - 1), color=QUIET, linewidth=0.8)
        write(axes, "π/(π − 1)", (8, np.pi / (np.pi - 1)), (0, -11), on_data="xy",
              color=QUIET, size=TEXT - 1)  # fmt: skip
        axes.xaxis.set_major_locator(FixedLocator([8, 16, 32, 64, 128, 256]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        axes.xaxis.set_minor_locator(NullLocator())
    return figure


def dead_figure(rows: Rows, width: float = 760) -> Figure:
    """Draw the share of networks that give zero for an input, by depth, for each width."""
    with house_style():
        figure = new_figure(width, 410)
        axes = _axes(figure, (width - 240, 320), "share of networks that are dead", "hidden layers")
        axes.set_ylim(0, 1)
        deepest = max(len(row["detail"]["predicted"]) for row in rows)
        for number, row in enumerate(rows):
            detail, known = row["detail"], np.arange(1, len(row["detail"]["predicted"]) + 1)
            layers = np.arange(1, deepest + 1)
            law = 1 - (1 - 2.0 ** -detail["width"]) ** layers
            axes.plot(layers, law, **DASHED)
            _points(axes, known, detail["measured"], detail["error"], number)
        ends = [1 - (1 - 2.0 ** -row["detail"]["width"]) ** deepest for row in rows]
        order = np.argsort(ends)
        pixels = spread_out([320 * ends[i] for i in order], 17)
        for i, y in zip(order, pixels, strict=True):
            text = f"predicted, {rows[i]['detail']['width']} units a layer"
            write(axes, text, (1, y / 320), (16, 0), size=TEXT - 1)
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axes.set_xlim(0, deepest + 0.5)
    return figure


def stability_figure(rows: Rows, width: float = 1080) -> Figure:
    """Draw each optimizer's largest stable rate, in units of 1/h."""
    with house_style():
        figure = new_figure(width, 34 * len(rows) + 72)
        axes = place_axes(figure, 230, 20, width - 480, 34 * len(rows))
        axes.set_ylim(len(rows) - 0.4, -0.6)
        for place, row in enumerate(rows):
            h = row["detail"]["curvature"]
            axes.axhline(place, color=RULE, linewidth=0.8, zorder=0)
            axes.plot([row["predicted"] * h] * 2, [place - 0.42, place + 0.42], **TICK)
            axes.plot(row["measured"] * h, place, "s", color=SERIES[0], markersize=6)
            write(axes, row["detail"]["label"], (0, place), (-230, 0), on_data="y")
            text = f"predicted {row['law']}"
            write(axes, text, (1, place), (240, 0), on_data="y", ha="right", size=TEXT - 1)
        axes.set_xlim(0, 4.2)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("largest stable learning rate times the curvature h; dashed: predicted")
    return figure


def edge_figure(rows: Rows, width: float = 760) -> Figure:
    """Draw the sharpness during full-batch descent, at three rates."""
    with house_style():
        figure = new_figure(width, 410)
        axes = _axes(figure, (width - 260, 320), "sharpness", "step of gradient descent")
        for number, row in enumerate(rows):
            detail = row["detail"]
            steps, color = detail["steps"], SERIES[number]
            axes.axhline(row["predicted"], **DASHED)
            axes.fill_between(steps, detail["low"], detail["high"], color=color, alpha=0.16, lw=0)
            axes.plot(steps, detail["measured"], color=color, linewidth=1.6,
                      marker=MARKERS[number], markersize=5)  # fmt: skip
            write(axes, f"predicted, 2/lr at lr = {detail['rate']:g}", (1, row["predicted"]),
                  (14, 0), on_data="y", size=TEXT - 1)  # fmt: skip
        axes.set_xlim(0, rows[0]["detail"]["steps"][-1])
        axes.set_ylim(0, max(max(row["detail"]["high"]) for row in rows) * 1.05)
    return figure


def correlation_figure(rows: Rows, width: float = 760) -> Figure:
    """Draw how two orthogonal inputs come together under ReLU."""
    detail = rows[0]["detail"]
    layers = np.arange(1, len(detail["measured"]) + 1)
    with house_style():
        figure = new_figure(width, 400)
        axes = _axes(figure, (width - 240, 310), "1 − cosine of two inputs", "layer")
        axes.set_yscale("log")
        axes.plot(layers, detail["predicted"], **DASHED)
        _points(axes, layers, detail["measured"], detail["error"], 0)
        write(axes, "predicted, infinite width", (layers[-1], detail["predicted"][-1]), (14, 0),
              on_data="xy", size=TEXT - 1)  # fmt: skip
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        _log_y(axes)
    return figure
