"""Figures of layers through training: dead units in strips, a statistic as a heat map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import (
    MaxNLocator,
)

from nnbench.plots import (
    INK,
    MOST_PRINTED,
    PAPER,
    QUIET,
    RULE,
    SERIES,
    TEXT,
    house_style,
    ink_on,
    new_figure,
    place_axes,
    short_number,
    stacked,
    write,
    write_lines,
)
from nnbench.plots.layer_lines import panel_places
from nnbench.plots.layer_maps import MAGNITUDE, color_bar

PARTS = {  # of the dead and the once dead: column, name, colour, hatch
    "born_dead_fraction": ("born dead", INK, ""),
    "died_fraction": ("died in training", SERIES[1], ""),
    "revived_fraction": ("revived", SERIES[5], "////"),
}
MOST_PRINTED_EPOCHS = 7  # of a map: more are too narrow for a number
SHADES = 48  # of a map whose equal neighbours are drawn as one


# Dead units -------------------------------------------------------------------------------------


def dead_raster(
    shares: pd.DataFrame, panels: Sequence[str], notes: dict[str, str], across: int = 3
) -> Figure:
    """Draw a strip for each layer: over epochs the share of units born dead, died and revived.

    shares: `panel, layer, epoch` and the three fractions, means over networks. notes: a line under
    each panel's name. A strip's full height is all units of the layer; the last layer is on top.
    """
    layers = sorted(set(shares["layer"]))
    titles = stacked(panels, 42)
    places, width, height = panel_places(
        len(panels), across, 0, height=26.0 * len(layers), lines=max(map(len, titles.values()))
    )
    last = float(shares["epoch"].max())
    with house_style():
        figure = new_figure(width, height + 34)
        _part_legend(figure)
        for panel, place in zip(panels, places, strict=True):
            axes = place_axes(figure, *place._replace(top=place.top + 34))
            write_lines(axes, titles[panel], (0, 1), (-42, 36), weight="bold")
            quiet: dict[str, Any] = {"color": QUIET, "size": TEXT - 1}
            write(axes, notes.get(panel, ""), (0, 1), (0, 17), **quiet)
            write(axes, "layer", (0, 1), (-8, 17), ha="right", **quiet)
            part = shares[shares["panel"] == panel]
            for row, layer in enumerate(layers):
                _strip(axes, part[part["layer"] == layer].sort_values("epoch"), row)
            axes.set_ylim(-0.1, len(layers))
            axes.set_xlim(0, max(last, 1))
            axes.set_yticks(np.arange(len(layers)) + 0.4, [f"{layer}" for layer in layers])
            axes.tick_params(axis="y", length=0)
            axes.spines["left"].set_visible(False)
            axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
            axes.set_xlabel("epoch")
    return figure


def _strip(axes: Axes, part: pd.DataFrame, row: int) -> None:
    axes.axhline(row, color=RULE, linewidth=0.8, zorder=0)
    axes.axhspan(row, row + 0.84, color=RULE, alpha=0.25, linewidth=0, zorder=0)
    base = np.full(len(part), float(row))
    for column, (_, color, hatch) in PARTS.items():
        top = base + 0.84 * part[column].fillna(0.0).to_numpy(float)
        look: dict[str, Any] = {"hatch": hatch, "edgecolor": color} if hatch else {}
        face = "none" if hatch else color
        axes.fill_between(part["epoch"], base, top, facecolor=face, linewidth=0, **look)
        base = top


def _part_legend(figure: Figure) -> None:
    """Name the three kinds once, above all panels."""
    axes = place_axes(figure, 10, 4, 600, 24)
    axes.set_axis_off()
    axes.set_xlim(0, 600)
    axes.set_ylim(0, 24)
    for number, (name, color, hatch) in enumerate(PARTS.values()):
        face = "none" if hatch else color
        box = Rectangle((number * 170, 6), 14, 14, facecolor=face, edgecolor=color, hatch=hatch)
        axes.add_patch(box)
        write(axes, name, (number * 170 + 22, 13), on_data="xy")


# Layer and epoch --------------------------------------------------------------------------------


def layer_epoch_maps(
    values: pd.DataFrame, panels: Sequence[str], what: str, log: bool, across: int = 3
) -> Figure:
    """Draw a statistic by layer and epoch, a panel for each arm, all on one colour scale.

    values: `panel, layer, epoch, value, lost, n`, evenly spaced epochs; lost: networks of n that
    diverged before the epoch. Epochs without any value because of that are hatched, with the
    count. Zeros of a log scale are left empty, with a "0" in them. Few cells print their values.
    """
    layers, epochs = sorted(set(values["layer"])), sorted(set(values["epoch"]))
    titles = stacked(panels, 42)
    printed = len(layers) * len(epochs) <= MOST_PRINTED and len(epochs) <= MOST_PRINTED_EPOCHS
    places, width, height = panel_places(
        len(panels),
        across,
        10,
        height=max(120.0, min((18.0 if printed else 14.0) * len(layers), 300.0)),
        lines=max(map(len, titles.values())),
    )
    scale = _scale(values["value"].astype(float), log)
    with house_style():
        figure = new_figure(max(width, 560), height + 50)
        for panel, place in zip(panels, places, strict=True):
            axes = place_axes(figure, *place)
            write_lines(axes, titles[panel], (0, 1), (-42, 28), weight="bold")
            write(axes, "layer", (0, 1), (-8, 12), color=QUIET, size=TEXT - 1, ha="right")
            _cells(axes, values[values["panel"] == panel], layers, epochs, scale, printed)
        ends = [short_number(float(scale.inverse(place))) for place in (0.0, 0.5, 1.0)]
        color_bar(figure, MAGNITUDE, (52, height + 8), ends, what)
    return figure


def _scale(shown: pd.Series, log: bool) -> Normalize:
    usable = shown[np.isfinite(shown) & ((shown > 0) | (not log))]
    low, high = (float(usable.min()), float(usable.max())) if len(usable) else (0.5, 1.0)
    high = high if high > low else low * 1.01 + 1e-12
    return LogNorm(low, high) if log else Normalize(low, high)


def _cells(
    axes: Axes,
    part: pd.DataFrame,
    layers: Sequence[int],
    epochs: Sequence[int],
    scale: Normalize,
    printed: bool,
) -> None:
    table = part.pivot_table(index="layer", columns="epoch", values="value", aggfunc="first")
    table = table.reindex(index=list(layers), columns=list(epochs))
    log = isinstance(scale, LogNorm)
    for row, layer in enumerate(layers):
        line = table.loc[layer].to_numpy(float)
        usable = np.isfinite(line) & ((line > 0) | (not log))
        shade = np.full(len(line), -1)
        shown = np.where(usable, line, float(scale.inverse(1.0)))
        inner = np.clip(np.ma.getdata(scale(shown)).astype(float), 0, 1)
        shade[usable] = np.round(inner[usable] * (SHADES - 1)).astype(int)
        _row_of_cells(axes, row, shade)
        if printed:
            _print_row(axes, row, line, shade)
        elif len(line) and line[-1] == 0 and log:
            _print_row(
                axes, row, np.where(np.arange(len(line)) < len(line) - 1, np.nan, line), shade
            )
    _lost_epochs(axes, part, layers, epochs)
    _cell_axes(axes, layers, epochs)


def _row_of_cells(axes: Axes, row: int, shade: np.ndarray) -> None:
    """Draw a layer's cells, neighbours of one shade as one; those of shade -1 stay empty."""
    edges = np.flatnonzero(np.diff(shade)) + 1
    for first, after in zip([0, *edges], [*edges, len(shade)], strict=True):
        if shade[first] >= 0:
            face = mpl.colormaps[MAGNITUDE](shade[first] / (SHADES - 1))
            # an edge of its own colour hides the seam that a browser leaves
            box = Rectangle((first, row), after - first, 1, color=face, linewidth=0.6)
            axes.add_patch(box)


def _print_row(axes: Axes, row: int, line: np.ndarray, shade: np.ndarray) -> None:
    for column in np.flatnonzero(np.isfinite(line)):
        known = shade[column] >= 0
        face = mpl.colormaps[MAGNITUDE](shade[column] / (SHADES - 1))
        text = short_number(float(line[column])) if line[column] else "0"
        look: dict[str, Any] = {"color": ink_on(face) if known else QUIET, "size": 10}
        write(axes, text, (column + 0.5, row + 0.5), on_data="xy", ha="center", **look)


def _lost_epochs(
    axes: Axes, part: pd.DataFrame, layers: Sequence[int], epochs: Sequence[int]
) -> None:
    """Hatch the epochs that no network reached because all diverged, with their count."""
    by_epoch = part.groupby("epoch").agg(lost=("lost", "max"), known=("value", "count"))
    gone = by_epoch[(by_epoch["known"] == 0) & (by_epoch["lost"] > 0)]
    if gone.empty:
        return
    first = list(epochs).index(gone.index.min())
    box = Rectangle((first, 0), len(epochs) - first, len(layers), facecolor="none", hatch="////",
                    edgecolor=RULE, linewidth=0)  # fmt: skip
    axes.add_patch(box)
    middle = ((first + len(epochs)) / 2, len(layers) / 2)
    text = f"{gone['lost'].max():.0f} of {part['n'].max():.0f} diverged"
    patch = {"facecolor": PAPER, "edgecolor": "none", "pad": 2.0}
    write(axes, text, middle, on_data="xy", ha="center", size=TEXT - 1, bbox=patch)


def _cell_axes(axes: Axes, layers: Sequence[int], epochs: Sequence[int]) -> None:
    axes.set_xlim(0, len(epochs))
    axes.set_ylim(0, len(layers))
    down, along = max(1, -(-len(layers) // 8)), max(1, -(-len(epochs) // 8))
    rows, columns = range(0, len(layers), down), range(0, len(epochs), along)
    axes.set_yticks([row + 0.5 for row in rows], [f"{layers[row]}" for row in rows])
    axes.set_xticks([column + 0.5 for column in columns], [f"{epochs[c]}" for c in columns])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xlabel("epoch")
