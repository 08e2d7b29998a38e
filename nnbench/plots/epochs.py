"""Layers through training: dead units in strips, a statistic by layer, epoch by epoch."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from nnbench.plots.labels import stacked, write_lines
from nnbench.plots.lines import Scales, at_foot, line_axes, panel_plan
from nnbench.plots.marks import frame_of, say
from nnbench.plots.rooms import for_both, is_small
from nnbench.plots.style import (
    INK,
    QUIET,
    RULE,
    SERIES,
    TEXT,
    Look,
    blank,
    end_labels,
    house_style,
    look_of,
    new_figure,
    panel_axes,
    write,
)

PARTS = {  # of the dead and the once dead: column, name, colour, hatch
    "born_dead_fraction": ("born dead", INK, ""),
    "died_fraction": ("died in training", SERIES[1], ""),
    "revived_fraction": ("revived", SERIES[5], "////"),
}
STRIP = 0.84  # of a row is its strip
KEY = 34.0  # pixels above all panels, for what their colours mean


def _layer_panels(panels: Sequence[str], height: float) -> tuple[Figure, dict[str, Axes]]:
    """Named axes with epochs along them, below room for what names their colours."""
    titles = stacked(panels, 36 if is_small() else 42)
    lines = max(map(len, titles.values()))
    plan = panel_plan(len(panels), 3, 10, height=height, lines=lines)
    least = 0 if is_small() else 560
    figure = new_figure(max(plan.figure[0], least), KEY + plan.figure[1])
    corner = (plan.corner[0], plan.corner[1] + KEY)
    found = panel_axes(figure, len(panels), plan.across, plan.step, corner, plan.size)
    for panel, axes in zip(panels, found, strict=True):
        write_lines(axes, titles[panel], (0, 1), (-42, 34), weight="bold")
        write(axes, "layer", (0, 1), (-8, 18), color=QUIET, size=TEXT - 1, ha="right")
    return figure, dict(zip(panels, found, strict=True))


@for_both
def dead_raster(shares: pd.DataFrame, panels: Sequence[str], notes: dict[str, str]) -> Figure:
    """Draw a strip for each layer: over epochs the share of units born dead, died and revived.

    shares: `panel, layer, epoch` and the three fractions, means over networks. notes: a line under
    each panel's name. A strip's full height is all units of the layer; the last layer is on top.
    """
    layers = sorted(set(shares["layer"]))
    with house_style():
        figure, found = _layer_panels(panels, 26.0 * len(layers))
        _name_parts(blank(figure, 10, 4, 600, 24))
        for panel, axes in found.items():
            write(axes, notes.get(panel, ""), (0, 1), (0, 18), color=QUIET, size=TEXT - 1)
            part = shares[shares["panel"] == panel].sort_values("epoch")
            for row, layer in enumerate(layers):
                _strip(axes, part[part["layer"] == layer], row)
            axes.set_ylim(-0.1, len(layers))
            axes.set_xlim(0, max(float(shares["epoch"].max()), 1))
            axes.set_yticks(np.arange(len(layers)) + STRIP / 2, [f"{layer}" for layer in layers])
            axes.tick_params(axis="y", length=0)
            axes.spines["left"].set_visible(False)
            axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
            axes.set_xlabel("epoch")
    return figure


def _look(color: str, hatch: str) -> Look:
    return {"facecolor": "none" if hatch else color, "edgecolor": color, "hatch": hatch or None}


def _strip(axes: Axes, part: pd.DataFrame, row: int) -> None:
    axes.axhline(row, color=RULE, linewidth=0.8, zorder=0)
    axes.axhspan(row, row + STRIP, color=RULE, alpha=0.25, linewidth=0, zorder=0)
    base = np.full(len(part), float(row))
    for column, (_, color, hatch) in PARTS.items():
        top = base + STRIP * part[column].fillna(0.0).to_numpy(float)
        axes.fill_between(part["epoch"], base, top, linewidth=0, **_look(color, hatch))
        base = top


def _name_parts(axes: Axes) -> None:
    """Name the three kinds once, above all panels."""
    step = 106 if is_small() else 170
    for number, (name, color, hatch) in enumerate(PARTS.values()):
        axes.add_patch(Rectangle((number * step, 4), 14, 14, **_look(color, hatch)))
        write(axes, name, (number * step + 20, 11), on_data="xy", size=TEXT - is_small())


@for_both
def layer_epoch_lines(values: pd.DataFrame, panels: Sequence[str], what: str) -> Figure:
    """Draw a statistic over the layers, a line for each epoch, a panel for each arm.

    values: `panel, layer, epoch, value, lost, n`; lost: networks of n that diverged before the
    epoch. The first epoch and the last are in colour and named; each line is a frame that a page
    plays. A zero, which a logarithmic axis has no place for, stands at the foot.
    """
    known = values.assign(x=values["layer"], value=values["value"].astype(float))
    scales = Scales("layer, from the last to the first", what, log_y=True, falling=True)
    names = {panel: panel for panel in panels}
    with house_style():
        figure, found = line_axes(names, [known], scales, 70, 3, labels=2)
        for panel, axes in found.items():
            part = at_foot(axes, known[known["panel"] == panel])
            _draw_epochs(axes, part, what, lost_text(values[values["panel"] == panel]))
            axes.set_xlabel(scales.x_label)
    return figure


def lost_text(part: pd.DataFrame) -> str:
    """`4 of 5 diverged`, of an arm's networks; nothing where all finished."""
    lost = int(part["lost"].max()) if len(part) else 0
    return f", {lost} of {part['n'].max():.0f} diverged" if lost else ""


def _draw_epochs(axes: Axes, part: pd.DataFrame, what: str, lost: str) -> None:
    """Draw each epoch's line, those between the first and the last pale, and name these two."""
    epochs = sorted(set(part["epoch"]))
    ends = []
    for place, epoch in enumerate(epochs):
        line = part[part["epoch"] == epoch].sort_values("x")
        is_end = place in (0, len(epochs) - 1)
        name = f"epoch {epoch}" + (lost if place == len(epochs) - 1 else "")
        color, marker = look_of(2 if place == 0 else 1)
        look: Look = {"color": color, "linewidth": 2.2, "zorder": 3}
        if not is_end:
            look = {"color": QUIET, "linewidth": 1.0, "alpha": 0.6}
        (drawn,) = axes.plot(line["x"], line["value"], **look)
        frame_of(place, f"epoch {epoch}", drawn)
        said = [(f"{x:.0f}", f"{y:.3g}") for x, y in zip(line["x"], line["value"], strict=True)]
        say(axes, line["x"], line["value"], said, f"epoch {epoch}", ("layer", what))
        if is_end:
            ends.append((float(line["value"].iloc[0]), name, color, marker))
    end_labels(axes, ends)
