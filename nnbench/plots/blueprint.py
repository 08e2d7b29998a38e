"""A network as a column of blocks, from its inputs up to its loss, with sizes in them."""

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.figure import Figure
from matplotlib.patches import FancyArrow, Rectangle

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
    shorten,
    write,
)

WIDTH, LEFT, ACROSS = 330.0, 34.0, 250.0  # pixels: of the figure, and of a block in it
HIGH, GAP, AIR = 42.0, 16.0, 12.0  # of a block, between two, and about the hidden layers
LETTERS, SMALLER = 36, 42  # that fit into a block, as its name and under it


class Block(NamedTuple):
    """A block: what it is, its sizes, whether the study varies it, whether it is in each layer."""

    name: str
    under: str
    is_varied: bool = False
    is_hidden: bool = False


def blueprint(blocks: Sequence[Block], around: str, skips: bool = False) -> Figure:
    """Draw blocks from the top down; those of the hidden layers in a frame that says `around`.

    In blue is what the study varies. skips: whether an arrow leads around the hidden layer.
    """
    hidden = [place for place, block in enumerate(blocks) if block.is_hidden]
    tops = [
        8 + place * (HIGH + GAP) + 2 * AIR * (place >= hidden[0]) for place in range(len(blocks))
    ]
    tops = [top + AIR * (place > hidden[-1]) for place, top in enumerate(tops)]
    with house_style():
        figure = new_figure(WIDTH, tops[-1] + HIGH + 8)
        axes = blank(figure, 0, 0, WIDTH, tops[-1] + HIGH + 8)
        first, last = tops[hidden[0]] - 2 * AIR, tops[hidden[-1]] + HIGH + AIR
        frame = Rectangle((LEFT - 14, first), ACROSS + 28, last - first, fill=False)
        frame.set(edgecolor=QUIET, linewidth=1, linestyle=(0, (4, 3)))
        axes.add_patch(frame)
        write(axes, around, (LEFT, first + AIR), on_data="xy", color=QUIET, size=TEXT - 1)
        for place, (block, top) in enumerate(zip(blocks, tops, strict=True)):
            color = SERIES[0] if block.is_varied else INK
            axes.add_patch(
                Rectangle(
                    (LEFT, top), ACROSS, HIGH, facecolor=PAPER, edgecolor=color, linewidth=1.4
                )
            )
            name, under = shorten(block.name, LETTERS), shorten(block.under, SMALLER)
            at = (LEFT + ACROSS / 2, top + HIGH / 2)
            lifted = 8 if under else 0
            write(
                axes, name, at, (0, lifted), on_data="xy", ha="center", color=color, weight="bold"
            )
            write(axes, under, at, (0, -9), on_data="xy", ha="center", color=QUIET, size=TEXT - 2)
            if place + 1 < len(blocks):
                gap = tops[place + 1] - top - HIGH
                look: Look = {"width": 0.8, "head_width": 7, "head_length": 6, "color": QUIET}
                arrow = FancyArrow(
                    at[0], top + HIGH + 1, 0, gap - 3, length_includes_head=True, **look
                )
                axes.add_patch(arrow)
        if skips:
            x, low, high = LEFT + ACROSS + 22, tops[hidden[0]] + HIGH / 2, last - AIR / 2
            axes.plot([x - 22, x, x, x - 60], [low, low, high, high], color=QUIET, linewidth=1)
            write(axes, "+", (x - 64, high), on_data="xy", ha="right", color=QUIET)
    return figure
