"""The style of every figure: colours, sizes in pixels, texts and labels that keep apart.

Sizes are in CSS pixels (one matplotlib point at 72 dots an inch), so that a figure's text has the
page's size. Colours are those of a light page; `nnbench.report.page.svg` maps each to a variable
of the page's style sheet. Every distinction that a colour makes is also made by a marker or a word.
"""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from unicodedata import category

import matplotlib as mpl
import numpy as np
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import optimize

from nnbench.plots.marks import Drawing, label_of, leave_out
from nnbench.plots.rooms import is_small

INK, QUIET, RULE, PAPER = "#1a1a1b", "#62666c", "#dcdee1", "#fffffe"
DARK, LIGHT = "#000002", "#fffffd"  # on a coloured face the theme must not change the ink
# Okabe and Ito 2008, Color Universal Design: distinct under every common colour blindness.
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
MARKERS = ("s", "^", "D", "v", "P", "X")
BETTER, WORSE = SERIES[0], SERIES[1]
VERDICT_MARKS: Mapping[str, tuple[str, str, str]] = {  # marker, edge, face
    "better": ("^", BETTER, BETTER),
    "worse": ("v", WORSE, WORSE),
}
Look = dict[str, Any]  # matplotlib's keyword arguments
MOST_SERIES = 7  # lines of one panel that an eye can tell apart
MOST_KEPT = 24  # series that a page keeps, those that it can show when asked too
MOST_PRINTED = 150  # heat map cells with their value in them
MOST_THIN = 12  # lines of single seeds or networks behind a median
TEXT = 13.0
DASHED: Look = {"color": INK, "linewidth": 1.4, "dashes": (5, 3)}  # theory
STYLE: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"],  # ships with matplotlib: the same layout on every machine
    "font.size": TEXT,
    "text.color": INK,
    "text.parse_math": False,  # a "$" in a user's label is a dollar
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": TEXT,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.formatter.use_mathtext": False,
    "axes.formatter.useoffset": False,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": TEXT - 1,
    "ytick.labelsize": TEXT - 1,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "hatch.linewidth": 0.8,
    "svg.fonttype": "none",
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw and save under the house style, whatever the user's matplotlibrc says."""
    with warnings.catch_warnings(), mpl.rc_context():
        # The browser has the glyph (an emoji in a name) even where the layout font lacks it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        mpl.rcParams.update(mpl.rcParamsDefault)
        mpl.rcParams.update(STYLE)
        yield


def one_line(text: str) -> str:
    """The whole text; control characters, which SVG does not allow, are replaced."""
    forbidden = {"Cc", "Cs", "Zl", "Zp"}
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if category(c) in forbidden or c in "\ufffe\uffff" else c
        for c in text
    )


def shorten(text: str, most: int = 34) -> str:
    """The text on one line, its middle cut out beyond `most` characters.

    Levels of one family differ at the end (`negative_slope=0.2`), so that the end stays. Names that
    a reader is to tell apart are cut together: see `cut_apart`.
    """
    line, kept = one_line(text), most - 1
    return line if len(line) <= most else f"{line[: kept - kept // 2]}…{line[-(kept // 2) :]}"


def cut_apart(names: Sequence[str], most: int = 34) -> list[str]:
    """The names in their order, cut to so many letters, or to what keeps any two apart."""
    different = dict.fromkeys(names)
    room, longest = most, max(map(len, different), default=0)
    while room < longest and len({shorten(name, room) for name in different}) < len(different):
        room += 1
    return [shorten(name, room) for name in names]


def look_of(place: int) -> tuple[str, str]:
    """The colour and marker of a series; the baseline is the 0th, drawn in ink.

    From the seventh on, which a figure leaves out, colours begin again with other markers.
    """
    if place == 0:
        return INK, "o"
    turn, color = divmod(place - 1, len(SERIES))
    return SERIES[color], MARKERS[(color + turn) % len(MARKERS)]


def new_figure(width: float, height: float) -> Drawing:
    """An empty figure of that many pixels."""
    return Drawing(figsize=(width / 72, height / 72), dpi=72)


def place_axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Add axes at a place in pixels, measured from the figure's left and top edges."""
    whole_width, whole_height = figure.get_size_inches() * 72
    bottom = whole_height - top - height
    return figure.add_axes(
        (left / whole_width, bottom / whole_height, width / whole_width, height / whole_height)
    )


def panel_axes(
    figure: Figure,
    count: int,
    across: int,
    step: tuple[float, float],
    corner: tuple[float, float],
    size: tuple[float, float],
) -> list[Axes]:
    """Add the axes of small multiples row by row: the first at a corner, each a step further."""
    return [
        place_axes(
            figure, i % across * step[0] + corner[0], i // across * step[1] + corner[1], *size
        )
        for i in range(count)
    ]


def ruled(axes: Axes) -> None:
    """Draw quiet rules across instead of a line at the left: y is read off them."""
    axes.grid(axis="y", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def rows_only(axes: Axes, ends: tuple[float, float], rules: Sequence[float] = ()) -> None:
    """Let y run from its top to its foot without an axis, for rows that are named beside it."""
    top, foot = ends
    axes.set_ylim(foot, top)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    if len(rules):
        axes.hlines(
            rules, 0, 1, RULE, linewidth=0.8, zorder=0, transform=axes.get_yaxis_transform()
        )


def draw_marks(
    axes: Axes, x: Any, y: Any, marker: str, size: float, color: str, **look: Any
) -> None:
    """Draw marks of so many pixels, wherever both numbers are known, above rules and intervals."""
    # on the axes' edge a mark stays whole; the page's marks have no edges but those asked for
    look = {"linewidth": 0, "zorder": 3, "clip_on": False} | look
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    sns.scatterplot(x=x, y=y, marker=marker, s=size**2, color=color, ax=axes, **look)


def bare(axes: Axes) -> None:
    """Leave out the lines about the axes and the ticks, not their labels."""
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def blank(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Add a place for marks and words, in its own pixels from its top left corner."""
    axes = place_axes(figure, left, top, width, height)
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    return axes


def write(
    axes: Axes,
    text: str,
    at: tuple[float, float],
    shift: tuple[float, float] = (0, 0),
    on_data: str = "",
    **look: Any,
) -> Artist:
    """Write a text at a fraction of the axes, moved by so many pixels.

    on_data: "x", "y" or "xy", the coordinates of `at` that are data and not fractions.
    """
    frame: Any = tuple("data" if name in on_data else "axes fraction" for name in "xy")
    look = {"va": "center"} | look
    return axes.annotate(text, at, shift, xycoords=frame, textcoords="offset points", **look)


def name_panel(axes: Axes, name: str, under: str, left: float, up: float = 20) -> None:
    """Write a panel's name above its axes, so many pixels to the left, and a quiet line below."""
    write(axes, name, (0, 1), (-left, up + 20), weight="bold")
    write(axes, under, (0, 1), (-left, up), color=QUIET, size=TEXT - 1)


def beside(
    axes: Axes,
    texts: Iterable[str],
    places: Iterable[float],
    shift: float = -12,
    edge: int = 0,
    **look: Any,
) -> None:
    """Write a text beside each row, so many pixels from the left edge (0) or the right one (1)."""
    for text, y in zip(texts, places, strict=True):
        write(axes, text, (edge, y), (shift, 0), on_data="y", **{"ha": "right"} | look)


def end_labels(
    axes: Axes,
    ends: Sequence[tuple[float, str, str, str]],
    names: Sequence[str] = (),
    shown: int | None = None,
) -> None:
    """Write the labels at the line ends, moved apart so that none hides another.

    ends: `(value, label, colour, marker)` of each line. A label may have two lines of text. Of one
    line alone the label stands at its end without the mark that tells lines apart. names: the
    series of each. shown: how many are in the figure, all without it; the
    labels of the rest are left out, as their lines are. In a small room those shown are a list
    under the axis, in the order of the ends.
    """
    if is_small():
        return _key_below(axes, ends, names, shown)
    to_pixels = axes.transData + axes.transAxes.inverted()
    width, height = axes.bbox.width, axes.bbox.height
    wanted = [float(to_pixels.transform((0, end[0]))[1]) * height for end in ends]
    order = sorted(range(len(ends[:shown])), key=lambda i: wanted[i])
    gap = 16.0 if not any("\n" in end[1] for end in ends) else 32.0
    places = dict(zip(order, spread_out([wanted[i] for i in order], gap, height), strict=True))
    for i, (_, label, color, marker) in enumerate(ends):
        at = (1 + 14 / width, places.get(i, min(max(wanted[i], 0.0), height)) / height)
        on_axes: Look = {"clip_on": False, "transform": axes.transAxes}
        drawn: list[Artist] = []
        if len(ends) == 1:
            at = (1.0, at[1])
        else:
            drawn += axes.plot(*at, marker, color=color, markersize=6, **on_axes)
        lines = label.split("\n") if label else []
        for row, line in enumerate(lines):
            shift = (9, 7.0 * (len(lines) - 1) - 14 * row)
            drawn.append(write(axes, line, at, shift, size=TEXT - 1))
        if names:
            label_of(names[i], axes, *drawn)
        if i not in places:
            leave_out(*drawn)


KEY_TOP, KEY_ROW = 56.0, 17.0  # pixels from an axis down to the list under it, and of its lines


def _key_below(
    axes: Axes,
    ends: Sequence[tuple[float, str, str, str]],
    names: Sequence[str],
    shown: int | None,
) -> None:
    """List the labels under the axis, the highest end first; those left out have no line there.

    Asked for again, they stand at their ends, within the plot: the list cannot grow.
    """
    order = sorted(range(len(ends[:shown])), key=lambda i: -ends[i][0])
    rows = {i: -(KEY_TOP + KEY_ROW * row) / axes.bbox.height for row, i in enumerate(order)}
    on_axes: Look = {"clip_on": False, "transform": axes.transAxes}
    over: Look = {"ha": "right", "bbox": {"facecolor": PAPER, "edgecolor": "none", "pad": 1.0}}
    to_axes = axes.transData - axes.transAxes
    labels = [label.replace("\n", ", ").replace(",,", ",") for _, label, _, _ in ends]
    texts = cut_apart(labels, 42)
    for i, (value, _, color, marker) in enumerate(ends):
        at, shift, look = (0.0, rows.get(i, 0.0)), 10.0, Look()
        if i not in rows:
            at, shift, look = (1.0, float(to_axes.transform((0, value))[1])), -10.0, over
        drawn: list[Artist] = []
        if len(ends) > 1:
            drawn += axes.plot(*at, marker, color=color, markersize=6, **on_axes)
        drawn.append(write(axes, texts[i], at, (shift, 0), size=TEXT - 1, **look))
        if names:
            label_of(names[i], axes, *drawn)
        if i not in rows:
            leave_out(*drawn)


def spread_out(places: Sequence[float], gap: float, height: float = np.inf) -> list[float]:
    """The ascending places moved as little as need be to lie at least `gap` apart.

    And between 0 and the height, if they fit. A group that is moved apart keeps its middle: this is
    the isotonic regression of the places less what the gaps before them take.
    """
    if not len(places):
        return []
    gaps = gap * np.arange(len(places))
    top = height - gaps[-1]
    bounds = (min(0.0, top), top) if np.isfinite(height) else (None, None)
    moved = optimize.isotonic_regression(np.asarray(places, float) - gaps).x
    return [float(place) for place in np.clip(moved, *bounds) + gaps]


def ink_on(face: Any) -> str:
    """The ink that is read best on a face: contrast is at least 4.5 either way."""
    return DARK if sns.utils.relative_luminance(face) > 0.18 else LIGHT
