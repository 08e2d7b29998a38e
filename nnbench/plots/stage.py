"""The stage of walks: one large landscape with its heights filled in, and walks upon it by steps.

A page's script plays walks over the same landscapes: `Scene` tells it where a point lies.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nnbench.plots.labels import Note, write_clear
from nnbench.plots.style import (
    INK,
    PAPER,
    QUIET,
    RULE,
    SERIES,
    TEXT,
    Look,
    blank,
    draw_marks,
    house_style,
    new_figure,
    place_axes,
    write,
)
from nnbench.plots.walks import Landscape

WIDTH, LEFT, TOP, SIDE = 620.0, 46.0, 108.0, 560.0  # pixels: of the figure, and of the plot in it
KEY, ROW = 64.0, 24.0  # pixels from the top to the first walk's name, and to the next
HEIGHTS = {1: 320.0, 2: 460.0}  # of the plot, by the landscape's dimensions
LAYERS = 9  # of ink, one over the other: the higher, the darker
STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)  # that have their number on the way
COLORS = SERIES[:2]  # of the first walk and of the second
AWAY = 2000.0  # pixels: a walk further off is drawn no further


class Scene(NamedTuple):
    """A landscape without walks, and what places a point on it, in pixels from its top left.

    box: the plot's left, top, width and height; span: x and y at its left and bottom, right and
    top edges.
    """

    figure: Figure
    box: tuple[float, float, float, float]
    span: tuple[float, float, float, float]

    def pixels(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where points lie."""
        left, top, width, height = self.box
        x0, y0, x1, y1 = self.span
        across = left + width * (x - x0) / (x1 - x0)
        down = top + height * (y1 - y) / (y1 - y0)
        return np.clip(across, -AWAY, AWAY), np.clip(down, -AWAY, AWAY)


def scene_of(landscape: Landscape, name: str) -> Scene:
    """Draw a landscape: its heights as ink, the paper shining through at the bottom."""
    box = (LEFT, TOP, SIDE, HEIGHTS[landscape["dims"]])
    with house_style():
        figure = new_figure(WIDTH, TOP + box[3] + 34)
        axes = place_axes(figure, *box)
        draw = _curve if landscape["dims"] == 1 else _map
        span = draw(axes, landscape)
        axes.set(xlim=(span[0], span[2]), ylim=(span[1], span[3]))
        axes.tick_params(length=3)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(5))
        under = (
            "height over x" if landscape["dims"] == 1 else "shaded by height, blank at the bottom"
        )
        heads = [(-LEFT + 4, TOP - down) for down in (KEY - 48, KEY - 22)]  # above walks' names
        write(axes, name, (0, 1), heads[0], weight="bold")
        write(axes, f"{under}; the star is the global minimum", (0, 1), heads[1],
              color=QUIET, size=TEXT - 1)  # fmt: skip
    return Scene(figure, box, span)


def _curve(axes: Axes, landscape: Landscape) -> tuple[float, float, float, float]:
    x, heights = np.array(landscape["axes"][0]), np.array(landscape["heights"])
    low, air = float(heights.min()), 0.08 * float(np.ptp(heights))
    span = (float(x[0]), low - air, float(x[-1]), float(heights.max()) + air)
    axes.fill_between(x, span[1], heights, color=INK, alpha=0.12, linewidth=0)
    axes.plot(x, heights, color=QUIET, linewidth=1.4)
    _stars(axes, [(*minimum, low) for minimum in landscape["minima"]])
    return span


def _map(axes: Axes, landscape: Landscape) -> tuple[float, float, float, float]:
    heights = np.array(landscape["heights"])
    x, y = (np.array(axis) for axis in landscape["axes"])
    low, spread = float(heights.min()), float(np.ptp(heights))
    for level in low + spread * np.linspace(0.0, 1.0, LAYERS + 1)[1:-1] ** 3:
        inside = [level, low + 1.01 * spread]
        axes.contourf(x, y, heights, levels=inside, colors=[INK], alpha=0.08)
    _stars(axes, landscape["minima"])
    axes.spines[:].set(visible=True, color=RULE)
    return float(x[0]), float(y[0]), float(x[-1]), float(y[-1])


def _stars(axes: Axes, minima: Sequence[Sequence[float]]) -> None:
    for place in minima:
        axes.plot(*place, "*", color=INK, markersize=12, mew=0, zorder=4, clip_on=False)


def stage_still(landscape: Landscape, name: str, walks: pd.DataFrame) -> Figure:
    """Draw one or two walks over a landscape, with the numbers of some of their steps.

    walks: `walk, step, x, y or height, reached` in the order of steps; the walk is its label.
    """
    figure = scene_of(landscape, name).figure
    axes = figure.axes[0]
    names = list(dict.fromkeys(walks["walk"]))
    with house_style():
        notes: list[Note] = []
        for walk, color in zip(names, COLORS, strict=False):
            part = walks[walks["walk"] == walk]
            notes += _draw_walk(axes, part, color, "height" if landscape["dims"] == 1 else "y")
        write_clear(axes, notes)
        key = blank(figure, 0, 0, WIDTH, TOP)
        for row, (walk, color) in enumerate(zip(names, COLORS, strict=False)):
            reached = bool(walks.loc[walks["walk"] == walk, "reached"].iloc[0])
            at = (9, KEY + ROW * row)
            key.plot(*at, "D" if reached else "X", color=color, markersize=7)
            write(key, walk, at, (12, 0), on_data="xy", size=TEXT - 1)
    return figure


def _draw_walk(axes: Axes, part: pd.DataFrame, color: str, height: str) -> list[Note]:
    """Draw a walk with a dot for each step, and return the numbers of some of them."""
    x, y, steps = (part[name].to_numpy(float) for name in ("x", height, "step"))
    axes.plot(x, y, color=color, linewidth=1.5, zorder=3)
    look: Look = {"clip_on": True}
    draw_marks(axes, x, y, "o", 3, color, **look)
    draw_marks(axes, x[:1], y[:1], "o", 8, PAPER, edgecolor=color, linewidth=1.6, **look)
    end = "D" if bool(part["reached"].iloc[0]) else "X"
    draw_marks(axes, x[-1:], y[-1:], end, 8, color, **look)
    box = axes.viewLim
    notes, last = [], None
    for place, step in enumerate(steps):
        spot: Any = (float(x[place]), float(y[place]))
        at = axes.transData.transform(spot)
        is_far = last is None or float(np.hypot(*(at - last))) > 16
        if step in STEPS and is_far and box.contains(*spot):
            notes.append(Note(f"{step:.0f}", [spot], color))
            last = at
    return notes
