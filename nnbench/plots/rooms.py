"""How wide a figure is laid out: for a page, and once more for a small window.

A figure that is only shrunk hides its numbers on a telephone, and one that scrolls hides the rest
of itself. So each knows how it was drawn, and is drawn again in a small room, where panels and
names stand one below the other. Of panels that fit as they are, each is a window on the figure.
"""

from collections.abc import Callable
from contextvars import ContextVar
from functools import partial, wraps
from typing import ParamSpec

from matplotlib.figure import Figure

from nnbench.plots.marks import Drawing

WIDE, SMALL = 1080.0, 330.0  # pixels
_is_small: ContextVar[bool] = ContextVar("small", default=False)
Arguments = ParamSpec("Arguments")


def is_small() -> bool:
    """Whether what is drawn now is for a small window."""
    return _is_small.get()


def for_both(draw: Callable[Arguments, Figure]) -> Callable[Arguments, Figure]:
    """Let what a function draws be drawn again in a small room."""

    @wraps(draw)
    def drawn(*arguments: Arguments.args, **look: Arguments.kwargs) -> Figure:
        figure = draw(*arguments, **look)
        if isinstance(figure, Drawing) and not is_small():
            figure.again = partial(draw, *arguments, **look)
        return figure

    return drawn


def small_of(figure: Figure | None) -> Figure | None:
    """The figure as it is for a small window; None where it has no other form."""
    again = figure.again if isinstance(figure, Drawing) else None
    if again is None:
        return None
    token = _is_small.set(True)
    try:
        return again()
    finally:
        _is_small.reset(token)
