"""Labels that a reader can tell apart and read: short names, wrapped titles, free spots."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection

from nnbench.plots.style import INK, PAPER, TEXT, Look, cut_apart, shorten, write

SEPARATORS = (" / ", ", ")  # between the levels of an arm's name
LETTER = 0.58  # of the size of the type: how wide a letter is on average
# Where a text may stand about a spot: its alignment, and how far it is moved right and up.
PLACES = (("left", 9, 0), ("left", 6, 11), ("left", 6, -11), ("right", -9, 0), ("right", -6, 11),
          ("right", -6, -11), ("center", 0, 14), ("center", 0, -14))  # fmt: skip


class Note(NamedTuple):
    """A text that may stand at any of some spots, `(x, y)` in data, the preferred one first."""

    text: str
    spots: Sequence[tuple[float, float]]
    color: str = INK


def told_apart(names: Sequence[str], most: int) -> dict[str, str]:
    """Each name's short form: without what all have in common, cut, and no two alike.

    most: how many letters there are room for. Names that are alike when cut get more.
    """
    bare = _without_common(list(dict.fromkeys(names)))
    return dict(zip(bare, cut_apart(list(bare.values()), most), strict=True))


def stacked(names: Sequence[str], most: int) -> dict[str, list[str]]:
    """What `told_apart` gives on one line of `most` letters, or on two."""
    return _cut(_without_common(list(dict.fromkeys(names))), most, wrapped)


def columns_apart(names: Sequence[str], most: int) -> dict[str, list[str]]:
    """Each whole name on a line of `most` letters or on two, and no two alike."""
    return _cut({name: name for name in names}, most, wrapped)


def _cut(
    bare: dict[str, str], most: int, lines_of: Callable[[str, int], list[str]]
) -> dict[str, list[str]]:
    """The lines of each name, longer than asked for if some would be alike."""
    room, longest = most, max(map(len, bare.values()), default=0)
    while room < longest and len({(*lines_of(x, room),) for x in bare.values()}) < len(bare):
        room += 1
    return {name: lines_of(short, room) for name, short in bare.items()}


def _without_common(names: Sequence[str]) -> dict[str, str]:
    """The names without the levels that all of them share."""
    for separator in SEPARATORS:
        rows = [name.split(separator) for name in names]
        if len(rows) < 2 or len({len(row) for row in rows}) > 1:
            continue
        if len(rows[0]) == 1:
            break
        kept = [place for place, levels in enumerate(zip(*rows, strict=True)) if len({*levels}) > 1]
        short = (separator.join(row[place] for place in kept) for row in rows)
        return dict(zip(names, short, strict=True))
    return {name: name for name in names}


def wrapped(text: str, most: int) -> list[str]:
    """The text on one line or, if it is longer and can be broken between levels, on two."""
    if len(text) <= most:
        return [shorten(text, most)]
    for separator in (*SEPARATORS, " "):
        sign = separator.rstrip()  # a comma stays on the first line
        ends = [i + len(sign) for i in range(len(text)) if text.startswith(separator, i)]
        fitting = [i for i in ends if max(i, len(text) - i - 1) <= most]
        if fitting:
            end = min(fitting, key=lambda i: abs(2 * i - len(text)))
            return [shorten(line.strip(), most) for line in (text[:end], text[end:])]
    return [shorten(text, most)]


def write_lines(
    axes: Axes,
    lines: Sequence[str],
    at: tuple[float, float],
    shift: tuple[float, float],
    **look: Any,
) -> None:
    """Write lines one below the other, the last at the place.

    Each is a text of its own: matplotlib would set a text of two lines by its own font's height.
    """
    for place, line in enumerate(reversed(lines)):
        write(axes, line, at, (shift[0], shift[1] + 16 * place), **look)


def write_clear(axes: Axes, notes: Sequence[Note], size: float = TEXT - 2) -> None:
    """Write each note where it hides least of what is drawn by now, on a patch of paper if it must.

    The limits of the axes have to be settled.
    """
    drawn = _drawn_pixels(axes)
    for note in notes:
        tried = [
            (_box(axes, note.text, spot, place, size), spot, place)
            for spot in note.spots
            for place in PLACES
        ]
        costs = [_hidden(axes, drawn, box) for box, _, _ in tried]
        cost = min(costs)
        box, spot, (side, right, up) = tried[costs.index(cost)]
        patch = {"facecolor": PAPER, "edgecolor": "none", "pad": 1.0}
        look: Look = {"on_data": "xy", "ha": side, "size": size, "color": note.color, "zorder": 6}
        write(axes, note.text, spot, (right, up), **look, bbox=patch if cost else None)
        drawn = np.concatenate([drawn, _filled(box)])


def _box(
    axes: Axes, text: str, spot: tuple[float, float], place: tuple[str, int, int], size: float
) -> tuple[float, float, float, float]:
    """About where a text would stand, in pixels: left, bottom, right, top."""
    side, right, up = place
    x, y = axes.transData.transform(spot)
    width = LETTER * size * len(text)
    left = x + right - {"left": 0.0, "center": width / 2, "right": width}[side]
    return left, y + up - size / 2 - 1, left + width, y + up + size / 2 + 1


def _filled(box: tuple[float, float, float, float]) -> np.ndarray:
    x, y = np.meshgrid(np.arange(box[0], box[2], 4), np.arange(box[1], box[3], 4))
    return np.column_stack([x.ravel(), y.ravel()])


def _hidden(axes: Axes, drawn: np.ndarray, box: tuple[float, float, float, float]) -> float:
    """How many drawn points a box hides; one that leaves the axes hides far more."""
    left, bottom, right, top = box
    inside = (drawn > (left - 2, bottom - 2)) & (drawn < (right + 2, top + 2))
    frame = axes.bbox
    beyond = [frame.x0 - left, right - frame.x1, frame.y0 - bottom, top - frame.y1]
    return float(inside.all(axis=1).sum() + 10 * sum(max(0.0, pixels) for pixels in beyond))


def _drawn_pixels(axes: Axes) -> np.ndarray:
    """Points along all that is drawn, at most four pixels apart."""
    lines = [
        (line.get_transform().transform(line.get_xydata()), line.get_linestyle() == "None")
        for line in axes.lines
    ]
    for collection in axes.collections:
        if isinstance(collection, LineCollection):
            lines += [(axes.transData.transform(part), False) for part in collection.get_segments()]
        elif isinstance(collection, PathCollection):
            lines += [(axes.transData.transform(collection.get_offsets()), True)]
    parts = [_filled_in(points, apart) for points, apart in lines if len(points)]
    found = np.concatenate(parts) if parts else np.empty((0, 2))
    return found[np.isfinite(found).all(axis=1)]


def _filled_in(points: np.ndarray, apart: bool) -> np.ndarray:
    """A line's points with those between them; marks that are no line as they are."""
    if apart or len(points) < 2:
        return points
    steps = np.ceil(np.abs(np.diff(points, axis=0)).max(axis=1) / 4)
    counts = np.clip(np.nan_to_num(steps, nan=1.0), 1, 500).astype(int)
    parts = [
        np.linspace(start, end, count, endpoint=False)
        for start, end, count in zip(points[:-1], points[1:], counts, strict=True)
    ]
    return np.concatenate([*parts, points[-1:]])
