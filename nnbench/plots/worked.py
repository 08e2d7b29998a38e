"""A network small enough to be reckoned by hand, drawn with every number in it."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from nnbench.plots.marks import say
from nnbench.plots.rooms import SMALL, for_both, is_small
from nnbench.plots.style import (
    INK,
    PAPER,
    QUIET,
    SERIES,
    TEXT,
    Look,
    blank,
    house_style,
    new_figure,
    write,
)
from nnbench.study.words import MINUS

RADIUS = 34.0
APART = 170.0  # nodes of a layer, in a small room
Node = tuple[str, float, float]  # its name, and its value and slope
Edge = tuple[int, int, str, float, float]  # from node, to node; name, weight and slope of the loss


@for_both
def network_drawing(layers: Sequence[Sequence[Node]], edges: Sequence[Edge]) -> Figure:
    """Draw nodes layer by layer from the left, and edges between them, with values and slopes.

    edges: between nodes by their place in all layers. In ink: forward, values. In blue: back, the
    slope of the loss by that number. A slope that is not known is left out.
    """
    width, height, step = 1000.0, 380.0, 270.0
    if is_small():  # from the top down
        width, height, step = SMALL, 190.0 * len(layers) + 40, 190.0
    first, apart, middle = (80.0, APART, 165.0) if is_small() else (60.0, 200.0, 160.0)
    begin = 60.0 if is_small() else 80.0
    places = []
    for i, layer in enumerate(layers):
        for j in range(len(layer)):
            along, across = begin + step * i, first + apart * j if len(layer) > 1 else middle
            places.append((across, along) if is_small() else (along, across))
    nodes = [node for layer in layers for node in layer]
    with house_style():
        figure = new_figure(width, height)
        axes = blank(figure, 0, 0, width, height)
        for start, end, name, weight, slope in edges:
            _edge(axes, places[start], places[end], name, weight, slope)
        for (name, value, slope), at in zip(nodes, places, strict=True):
            axes.add_patch(Circle(at, RADIUS, facecolor=PAPER, edgecolor=INK, linewidth=1.4))
            write(axes, name, at, (0, 10), on_data="xy", ha="center", weight="bold")
            write(axes, _short(value), at, (0, -8), on_data="xy", ha="center")
            if slope == slope:
                _slope(axes, slope, at, (0, -RADIUS - 14))
            back = f"slope {_short(slope)}" if slope == slope else ""
            said = [(_short(value), back)]
            say(axes, [at[0]], [at[1]], said, name, reach=(RADIUS, RADIUS))
        write(axes, "forward: values", (20, height - 48), on_data="xy", color=INK)
        words, place = "back: the slope of the loss by each number", (194.0, height - 48)
        place = (20.0, height - 26) if is_small() else place
        write(axes, words, place, on_data="xy", color=SERIES[0])
    return figure


def _edge(
    axes: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    name: str,
    weight: float,
    slope: float,
) -> None:
    axes.plot([start[0], end[0]], [start[1], end[1]], color=QUIET, linewidth=1.2, zorder=0)
    if not name:
        return
    # A third of the way, where edges that cross lie apart; in a small room those that do not cross
    # are written further on, clear of their neighbours and of what stands under a node.
    share = 0.34
    if is_small():
        share = 0.3 if abs(end[0] - start[0]) >= APART else 0.55
    at = (start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1]))
    patch: Look = {"bbox": {"facecolor": PAPER, "edgecolor": "none", "pad": 1.0}}
    look: Look = {"on_data": "xy", "ha": "center", "size": TEXT - 1} | patch
    write(axes, f"{name} = {_short(weight)}", at, (0, 8), **look)
    if slope == slope:
        _slope(axes, slope, at, (0, -8), **patch)


def _slope(
    axes: Axes, slope: float, at: tuple[float, float], shift: tuple[float, float], **look: Any
) -> None:
    own: Look = {"on_data": "xy", "ha": "center", "size": TEXT - 1, "color": SERIES[0]}
    write(axes, _short(slope), at, shift, **(own | look))


def _short(value: float) -> str:
    return f"{value:.4g}".replace("-", MINUS)
