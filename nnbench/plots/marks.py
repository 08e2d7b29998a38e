"""What the marks of a figure say to whoever points at them, and which of them are of one series.

A page shows and hides a series by its name, and tells the number under the pointer. Both are kept
beside the figure and not in it, so that a figure on paper loses nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

MOST_SAID = 4000  # marks of a figure: beyond it a page grows heavy, and no pointer tells them apart
NEAR = (20.0, 60.0)  # pixels about a mark of a line within which it is meant
SERIES_OF, LABEL_OF, HIDDEN, FRAME_OF = "series ", "label ", "hidden ", "frame "


class Marks(NamedTuple):
    """Marks of one series in one plot, each with what it says.

    places: in the plot's data; texts: of each, `(x, y)` in words; reach: how many pixels away a
    pointer still means a mark, across and along.
    """

    axes: Axes
    series: str
    names: tuple[str, str]
    places: Sequence[tuple[float, float]]
    texts: Sequence[tuple[str, str]]
    reach: tuple[float, float]

    def pixels(self) -> np.ndarray:
        """Where the marks are, from the figure's left and top edges."""
        height = self.axes.get_figure(root=True).bbox.height  # type: ignore[union-attr]
        found = self.axes.transData.transform(np.asarray(self.places, dtype=float).reshape(-1, 2))
        return np.column_stack([found[:, 0], height - found[:, 1]])


Box = tuple[float, float, float, float]  # pixels: left, top, width and height


class Drawing(Figure):
    """A figure that knows what its marks say, and how it is drawn for a small window.

    again: draws it so; windows: of a figure whose panels fit as they are, where each is.
    """

    def __init__(self, *arguments: Any, **look: Any) -> None:
        super().__init__(*arguments, **look)
        self.said: list[Marks] = []
        self.again: Callable[[], Figure] | None = None
        self.windows: Sequence[Box] = ()

    def document(self) -> list[dict[str, Any]]:
        """What a page needs to tell the number under a pointer; nothing of a figure too full."""
        if sum(len(marks.places) for marks in self.said) > MOST_SAID:
            return []
        return [
            {
                "series": marks.series,
                "names": marks.names,
                "reach": [round(pixels, 1) for pixels in marks.reach],
                "marks": [
                    [round(x, 1), round(y, 1), *text]
                    for (x, y), text in zip(marks.pixels().tolist(), marks.texts, strict=True)
                ],
            }
            for marks in self.said
        ]


def say(
    axes: Axes,
    x: Iterable[Any],
    y: Iterable[Any],
    texts: Iterable[tuple[str, str]],
    series: str = "",
    names: tuple[str, str] = ("", ""),
    reach: tuple[float, float] = NEAR,
) -> None:
    """Let the marks at these places of a plot say their texts; those of unknown places say none.

    names: of what the two texts of a mark are.
    """
    figure = axes.get_figure(root=True)
    places = np.column_stack([np.asarray(list(x), float), np.asarray(list(y), float)])
    known = np.isfinite(places).all(axis=1)
    if isinstance(figure, Drawing) and known.any():
        kept = [text for text, is_known in zip(texts, known, strict=True) if is_known]
        points = [(float(x), float(y)) for x, y in places[known]]
        figure.said.append(Marks(axes, series, names, points, kept, reach))


def of_series(name: str, *artists: Artist) -> None:
    """Mark artists as the series of a name, which a reader of the page shows and hides."""
    for artist in artists:
        artist.set_gid(f"{SERIES_OF}{name}")


def label_of(name: str, axes: Axes, *artists: Artist) -> None:
    """Mark artists as the label of a series in a plot: a click on it hides the series."""
    panel = axes.get_figure(root=True).axes.index(axes)  # type: ignore[union-attr]
    for artist in artists:
        artist.set_gid(f"{LABEL_OF}{panel} {name}")


def frame_of(place: int, name: str, *artists: Artist) -> None:
    """Mark artists as the frame of a place, from 0 on, in what a page plays; name: what it says."""
    for artist in artists:
        artist.set_gid(f"{FRAME_OF}{place} {name}")


def leave_out(*artists: Artist) -> None:
    """Leave artists of a series out of the figure; a reader of the page can have them back."""
    for artist in artists:
        artist.set_visible(False)


@contextmanager
def with_those_left_out(figure: Figure) -> Iterator[None]:
    """Have what was left out in the figure, told apart by `HIDDEN` before the name."""
    starts = (SERIES_OF, LABEL_OF)
    found = [
        artist
        for artist in figure.findobj(include_self=False)
        if not artist.get_visible() and str(artist.get_gid() or "").startswith(starts)
    ]
    for artist in found:
        artist.set_gid(f"{HIDDEN}{artist.get_gid()}")
        artist.set_visible(True)
    try:
        yield
    finally:
        for artist in found:
            artist.set_gid(str(artist.get_gid()).removeprefix(HIDDEN))
            artist.set_visible(False)
