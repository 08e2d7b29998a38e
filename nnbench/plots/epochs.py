"""Layers through training: dead units in strips, a statistic by layer and epoch as a heat map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from nnbench.plots.grids import MAGNITUDE, color_bar, ends_of, heat_grid, scale_of
from nnbench.plots.labels import stacked, write_lines
from nnbench.plots.lines import panel_plan
from nnbench.plots.style import (
    INK,
    MOST_PRINTED,
    PAPER,
    QUIET,
    RULE,
    SERIES,
    TEXT,
    Look,
    blank,
    house_style,
    new_figure,
    panel_axes,
    write,
)
from nnbench.plots.ticks import short_number

PARTS = {  # of the dead and the once dead: column, name, colour, hatch
    "born_dead_fraction": ("born dead", INK, ""),
    "died_fraction": ("died in training", SERIES[1], ""),
    "revived_fraction": ("revived", SERIES[5], "////"),
}
SHADES = MAGNITUDE.resampled(48)  # of a map: a file of equal neighbours stays small
MOST_PRINTED_EPOCHS = 7  # of a map: more are too narrow for a number
STRIP = 0.84  # of a row is its strip


def _layer_panels(
    panels: Sequence[str], across: int, height: float, up: float, over: float, under: float
) -> tuple[Figure, dict[str, Axes], float]:
    """Named axes with epochs along them, and where they end; with room over and under them all."""
    titles = stacked(panels, 42)
    lines = max(map(len, titles.values()))
    plan = panel_plan(len(panels), across, 10, height=height, lines=lines)
    figure = new_figure(max(plan.figure[0], 560), over + plan.figure[1] + under)
    corner = (plan.corner[0], plan.corner[1] + over)
    found = panel_axes(figure, len(panels), plan.across, plan.step, corner, plan.size)
    for panel, axes in zip(panels, found, strict=True):
        write_lines(axes, titles[panel], (0, 1), (-42, up + 16), weight="bold")
        write(axes, "layer", (0, 1), (-8, up), color=QUIET, size=TEXT - 1, ha="right")
    return figure, dict(zip(panels, found, strict=True)), over + plan.figure[1]


def dead_raster(
    shares: pd.DataFrame, panels: Sequence[str], notes: dict[str, str], across: int = 3
) -> Figure:
    """Draw a strip for each layer: over epochs the share of units born dead, died and revived.

    shares: `panel, layer, epoch` and the three fractions, means over networks. notes: a line under
    each panel's name. A strip's full height is all units of the layer; the last layer is on top.
    """
    layers = sorted(set(shares["layer"]))
    with house_style():
        figure, found, _ = _layer_panels(panels, across, 26.0 * len(layers), 18, 34, 0)
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
    for number, (name, color, hatch) in enumerate(PARTS.values()):
        axes.add_patch(Rectangle((number * 170, 4), 14, 14, **_look(color, hatch)))
        write(axes, name, (number * 170 + 22, 11), on_data="xy")


def layer_epoch_maps(
    values: pd.DataFrame, panels: Sequence[str], what: str, log: bool, across: int = 3
) -> Figure:
    """Draw a statistic by layer and epoch, a panel for each arm, all on one colour scale.

    values: `panel, layer, epoch, value, lost, n`, evenly spaced epochs; lost: networks of n that
    diverged before the epoch. Epochs without any value because of that are hatched, with the
    count. Zeros of a log scale are left empty, with a "0" in them. Few cells print their values.
    """
    layers, epochs = sorted(set(values["layer"]), reverse=True), sorted(set(values["epoch"]))
    printed = len(layers) * len(epochs) <= MOST_PRINTED and len(epochs) <= MOST_PRINTED_EPOCHS
    height = max(120.0, min((18.0 if printed else 14.0) * len(layers), 300.0))
    known = values["value"].astype(float)
    scale = scale_of(known, log)
    # a row of many cells says "0" in its last one only
    told = known.notna() & (printed | ((known == 0) & log & (values["epoch"] == epochs[-1])))
    cells = values.rename(columns={"layer": "row", "epoch": "column"}).assign(
        value=known.where((known > 0) | (not log)),
        text=[short_number(v) if v else "0" for v in known.where(told, 1.0)],
    )
    cells["text"] = cells["text"].where(told, "")
    with house_style():
        figure, found, foot = _layer_panels(panels, across, height, 12, 0, 50)
        for panel, axes in found.items():
            part = cells[cells["panel"] == panel]
            heat_grid(axes, part, layers, epochs, SHADES, scale, size=10, gap=0)
            _lost_epochs(axes, values[values["panel"] == panel], len(layers), epochs)
            _thin_ticks(axes, layers, epochs)
        ends = [short_number(end) for end in ends_of(scale)]
        color_bar(figure, MAGNITUDE, (52, foot + 8), ends, what)
    return figure


def _lost_epochs(axes: Axes, part: pd.DataFrame, rows: int, epochs: Sequence[int]) -> None:
    """Hatch the epochs that no network reached because all diverged, with their count."""
    by_epoch = part.groupby("epoch").agg(lost=("lost", "max"), known=("value", "count"))
    gone = by_epoch[(by_epoch["known"] == 0) & (by_epoch["lost"] > 0)]
    if gone.empty:
        return
    first = list(epochs).index(gone.index.min())
    look: Look = {"facecolor": "none", "hatch": "////", "edgecolor": RULE, "linewidth": 0}
    axes.add_patch(Rectangle((first, 0), len(epochs) - first, rows, **look))
    text = f"{gone['lost'].max():.0f} of {part['n'].max():.0f} diverged"
    look = {"bbox": {"facecolor": PAPER, "edgecolor": "none", "pad": 2.0}, "size": TEXT - 1}
    write(axes, text, ((first + len(epochs)) / 2, rows / 2), on_data="xy", ha="center", **look)


def _thin_ticks(axes: Axes, layers: Sequence[int], epochs: Sequence[int]) -> None:
    """Name every so manieth layer, from the first one on, and epoch."""
    down, along = max(1, -(-len(layers) // 8)), max(1, -(-len(epochs) // 8))
    rows: Any = range(len(layers) - 1, -1, -down)
    columns = range(0, len(epochs), along)
    axes.set_yticks([row + 0.5 for row in rows], [f"{layers[row]}" for row in rows])
    axes.set_xticks([column + 0.5 for column in columns], [f"{epochs[c]}" for c in columns])
    axes.set_xlabel("epoch")
