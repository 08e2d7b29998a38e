"""A small SVG canvas: axes in data coordinates, a few marks, text that stays text.

Sizes are in CSS pixels. Colours are classes that the page's style sheet (or the one inside a
picture on its own) gives a meaning, so that one picture serves light, dark and paper.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnbench.study.words import MINUS

WIDTH, HEIGHT = 300, 200
TOLERANCE = 0.12  # pixels that a line may be off for having fewer points
FAR = 4.0  # heights of the frame beyond which a line is cut off


class Span(NamedTuple):
    """The limits of an axis, in data units."""

    low: float
    high: float

    @property
    def length(self) -> float:
        """How much the axis spans."""
        return self.high - self.low


class Margins(NamedTuple):
    """Pixels between the picture's edge and the frame of its axes."""

    left: float = 34
    top: float = 10
    right: float = 10
    bottom: float = 34


MARGINS = Margins()


@dataclass
class Canvas:
    """A picture with one pair of axes; every method draws over what is there.

    Marks are clipped to the frame, texts are not.
    """

    x: Span
    y: Span
    margins: Margins = MARGINS
    width: float = WIDTH
    height: float = HEIGHT
    _marks: list[str] = field(default_factory=list)
    _around: list[str] = field(default_factory=list)

    @property
    def inner_width(self) -> float:
        """The frame's width in pixels."""
        return self.width - self.margins.left - self.margins.right

    @property
    def inner_height(self) -> float:
        """The frame's height in pixels."""
        return self.height - self.margins.top - self.margins.bottom

    def place(self, xs: ArrayLike, ys: ArrayLike) -> NDArray[np.float64]:
        """Data (points,) twice as pixels (points, 2) within the frame."""
        across = (np.asarray(xs, float) - self.x.low) / self.x.length * self.inner_width
        down = (self.y.high - np.asarray(ys, float)) / self.y.length * self.inner_height
        return np.column_stack([across, np.clip(down, -FAR * self.height, FAR * self.height)])

    def line(self, xs: ArrayLike, ys: ArrayLike, look: str) -> None:
        """Draw a line; it is interrupted where a value is not finite."""
        self._path(line_path(self.place(xs, ys)), look)

    def area(self, xs: ArrayLike, low: ArrayLike, high: ArrayLike, look: str) -> None:
        """Fill between two lines."""
        there, back = self.place(xs, high), self.place(xs, low)[::-1]
        self._path(line_path(np.concatenate([there, back])) + "z", look)

    def box(self, x: Span, y: Span, look: str) -> None:
        """Draw a rectangle."""
        self.area([x.low, x.high], [y.low] * 2, [y.high] * 2, look)

    def bars(self, edges: ArrayLike, heights: ArrayLike, look: str) -> None:
        """Fill a histogram: edges (bins + 1,) and heights (bins,)."""
        xs, tops = np.repeat(edges, 2), np.concatenate([[0.0], np.repeat(heights, 2), [0.0]])
        self._path(line_path(self.place(xs, tops)) + "z", look)

    def patches(self, outlines: Sequence[NDArray[np.float64]], look: str) -> None:
        """Fill outlines (points, 2); one inside another is a hole in it."""
        closed = (line_path(self.place(*outline.T)) + "z" for outline in outlines)
        self._path("".join(closed), look)

    def hatch(self, x: Span, look: str, gap: float = 7) -> None:
        """Hatch the frame from one x to another with diagonals, `gap` pixels apart."""
        (left, _), (right, _) = self.place([x.low, x.high], [0, 0])
        height = self.inner_height
        parts = []
        for start in np.arange(left - height, right, gap):
            first, last = max(start, left), min(start + height, right)
            # on the diagonal that leaves the bottom edge at `start`
            parts.append(
                f"M{first:.1f} {height - first + start:.1f}L{last:.1f} {height - last + start:.1f}"
            )
        self._path("".join(parts), look)

    def points(self, xs: ArrayLike, ys: ArrayLike, look: str, mark: str = "h0") -> None:
        """Draw one mark at each point: all are one path, `mark` its pen strokes from the point."""
        places = self.place(xs, ys)
        self._path("".join(f"M{x:.1f} {y:.1f}{mark}" for x, y in places), look)

    def ellipse(self, at: tuple[float, float], radii: tuple[float, float], degrees: float) -> None:
        """Draw a contour line: an ellipse turned counter-clockwise, radii in units of x."""
        ((x, y),) = self.place([at[0]], [at[1]])
        scale = self.inner_width / self.x.length
        rx, ry = (scale * radius for radius in radii)
        self._marks.append(
            f'<ellipse class="contour" rx="{rx:.1f}" ry="{ry:.1f}" '
            f'transform="translate({x:.1f} {y:.1f}) rotate({-degrees:g})"/>'
        )

    def text(
        self, x: float, y: float, words: str, look: str = "", shift: tuple[float, float] = (0, 0)
    ) -> None:
        """Write at a place in data coordinates, moved by pixels; `look` has the anchor too."""
        ((across, down),) = self.place([x], [y])
        self._write(across + shift[0], down + shift[1], words, look)

    def x_axis(self, ticks: Sequence[float], label: str) -> None:
        """Write the ticks of the x axis under the frame, and its name under them."""
        for tick in ticks:
            ((across, _),) = self.place([tick], [0])
            self._stroke(f"M{across:.1f} {self.inner_height:.1f}v4", "tick")
            self._write(across, self.inner_height + 16, number(tick), "mid quiet")
        self._write(self.inner_width / 2, self.inner_height + 31, label, "mid quiet")
        self._stroke(f"M0 {self.inner_height:.1f}h{self.inner_width:.1f}", "tick")

    def y_axis(self, ticks: Sequence[float], label: str = "") -> None:
        """Write the ticks of the y axis left of the frame, and its name on top of it."""
        for tick in ticks:
            ((_, down),) = self.place([0], [tick])
            self._stroke(f"M0 {down:.1f}h-4", "tick")
            self._write(-7, down + 4, number(tick), "end quiet")
        self._stroke(f"M0 0v{self.inner_height:.1f}", "tick")
        if label:
            self._write(-self.margins.left + 2, -9, label, "quiet")

    def zero_lines(self) -> None:
        """Draw the lines x = 0 and y = 0 where they are in the frame."""
        if self.y.low < 0 < self.y.high:
            self.line(self.x, [0, 0], "rule")
        if self.x.low < 0 < self.x.high:
            self.line([0, 0], self.y, "rule")

    def svg(self, alt: str, **attributes: str) -> str:
        """The `<svg>` element; `alt` is read aloud in its place."""
        more = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
        left, top = self.margins.left, self.margins.top
        frame = f'width="{self.inner_width:g}" height="{self.inner_height:g}"'
        return (
            f'<svg viewBox="0 0 {self.width:g} {self.height:g}" role="img" '
            f'aria-label="{escape(alt)}"{more}>'
            f'<svg x="{left:g}" y="{top:g}" {frame}>{"".join(self._marks)}</svg>'
            f'<g transform="translate({left:g} {top:g})">{"".join(self._around)}</g></svg>'
        )

    def thumbnail(self) -> str:
        """The marks alone, without axes and words, for where a name stands beside them."""
        box = f"0 0 {self.inner_width:g} {self.inner_height:g}"
        ratio = 'preserveAspectRatio="none"'
        return f'<svg viewBox="{box}" {ratio} aria-hidden="true">{"".join(self._marks)}</svg>'

    def _path(self, d: str, look: str) -> None:
        self._marks.append(f'<path class="{look}" d="{d}"/>')

    def _stroke(self, d: str, look: str) -> None:
        self._around.append(f'<path class="{look}" d="{d}"/>')

    def _write(self, x: float, y: float, words: str, look: str) -> None:
        named = f' class="{look}"' if look else ""
        self._around.append(f'<text x="{x:.1f}" y="{y:.1f}"{named}>{escape(words)}</text>')


def number(value: float) -> str:
    """A tick's number, with a true minus."""
    return f"{value + 0.0:g}".replace("-", MINUS)  # + 0.0: no minus before a zero


def ticks(span: Span, most: int = 5) -> list[float]:
    """At most `most` round numbers within the span, evenly apart."""
    rough = span.length / most
    unit = 10.0 ** np.floor(np.log10(rough))
    for step in (unit, 2 * unit, 2.5 * unit, 5 * unit, 10 * unit):
        first, last = np.ceil(span.low / step - 1e-9), np.floor(span.high / step + 1e-9)
        if last - first + 1 <= most:
            break
    return [round(float(i * step), 12) for i in np.arange(first, last + 1)]


def line_path(places: NDArray[np.float64]) -> str:
    """The path through pixels (points, 2) with as few points as the eye allows."""
    finite = np.isfinite(places[:, 0]) & np.isfinite(places[:, 1])
    runs = np.split(np.arange(len(places)), np.flatnonzero(np.diff(finite)) + 1)
    parts = []
    for run in (run for run in runs if len(run) and finite[run[0]]):
        kept = simplified(places[run])
        parts.append("M" + "L".join(f"{_short(x)} {_short(y)}" for x, y in kept))
    return "".join(parts)


def simplified(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Drop points that lie within `TOLERANCE` pixels of the line through the others.

    Douglas & Peucker (1973), Algorithms for the Reduction of the Number of Points.
    """
    keep = np.zeros(len(places), bool)
    keep[[0, -1]] = True
    open_parts = [(0, len(places) - 1)]
    while open_parts:
        first, last = open_parts.pop()
        if last - first < 2:
            continue
        between = places[first + 1 : last]
        distances = _distances(between, places[first], places[last])
        furthest = int(distances.argmax())
        if distances[furthest] > TOLERANCE:
            middle = first + 1 + furthest
            keep[middle] = True
            open_parts += [(first, middle), (middle, last)]
    return places[keep]


def _distances(points: NDArray[np.float64], start: Any, end: Any) -> NDArray[np.float64]:
    """The distance of each point (points, 2) from the segment from start to end."""
    along = end - start
    length = float(along @ along)
    share = np.clip((points - start) @ along / length, 0, 1) if length else np.zeros(len(points))
    offset = points - start - share[:, None] * along
    return np.sqrt((offset**2).sum(1))


def _short(value: float) -> str:
    """A pixel to a tenth, without a needless ".0" or "-0"."""
    return f"{round(value, 1) + 0.0:g}"
