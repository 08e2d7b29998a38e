"""Pictures of data sets: the plane, two principal components, or targets against a linear fit."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnbench.atlas.canvas import Canvas, Margins, Span, ticks
from nnbench.atlas.picture import Picture, defaults
from nnbench.catalog.data.samples import Data, Sample
from nnbench.seeds import numpy_generator

MOST = 420  # points of a scatter
SERIES = 6  # colours; each goes with a mark of its own
MARKS = {  # pen strokes from a point, by the class that gives the pen its width and end
    "dot": "h0",
    "plus": "m-2 0h4m-2-2v4",
    "triangle": "m-2 1.6h4l-2-3.6z",
    "cross": "m-1.7-1.7l3.4 3.4m0-3.4l-3.4 3.4",
    "square": "h0",
    "bar": "m0 2v-4",
}
TABLE = (
    ("age", "colour", "price"),
    ("34", "red", "12.5"),
    ("51", "blue", "30.1"),
    ("", "red", "18"),
)


class Scatter(NamedTuple):
    """Points (points,) twice, what each is coloured by, and the names of the axes."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    group: NDArray[np.int64] | None  # classes; None for a regression
    wrong: NDArray[np.bool_]  # examples whose training target is not the truth
    x_label: str
    y_label: str
    note: str = ""


def scatter(name: str, entry: Data) -> Scatter:
    """What is drawn of a data set made from seed 0 with its default parameters."""
    sample = entry.function(numpy_generator(0, "atlas", name, 0), **defaults(entry.parameters))
    examples, features = sample.x.shape
    size = f"{examples:,} examples, {features} feature{'s' * (features > 1)}"
    observed = sample.targets("train")
    chosen = np.linspace(0, examples - 1, min(MOST, examples)).astype(int)
    chosen = numpy_generator(0, "atlas order", name, 0).permutation(chosen)
    if entry.task == "regression":
        x, x_label = _against(sample)
        wrong = np.zeros(len(chosen), bool)
        return Scatter(x[chosen], observed[chosen], None, wrong, x_label, "target", size)
    classes = len(np.unique(sample.y))
    places, x_label, y_label = _plane(sample.x, entry.scaled)
    wrong = observed[chosen] != sample.y[chosen]
    x, y = places[chosen].T
    return Scatter(x, y, observed[chosen], wrong, x_label, y_label, f"{size}, {classes} classes")


def _plane(x: NDArray[np.float64], scaled: bool) -> tuple[NDArray[np.float64], str, str]:
    """The two features, or the first two principal components of more (examples, 2)."""
    if x.shape[1] == 2:
        return x, "feature 1", "feature 2"
    centred = x - x.mean(0)
    if scaled:
        deviation = x.std(0)
        centred = centred / np.where(deviation > 0, deviation, 1)
    _, vectors = np.linalg.eigh(centred.T @ centred)  # in the order of rising variance
    directions = vectors[:, [-1, -2]]
    # the sign of a component is arbitrary: its largest part points up
    directions = directions * np.sign(directions[np.abs(directions).argmax(0), [0, 1]])
    return centred @ directions, "principal component 1", "component 2"


def _against(sample: Sample) -> tuple[NDArray[np.float64], str]:
    """What a regression's targets are drawn over: its one feature, or the linear fit."""
    if sample.x.shape[1] == 1:
        return sample.x[:, 0], "feature"
    design = np.column_stack([np.ones(len(sample.x)), sample.x])
    weights, *_ = np.linalg.lstsq(design, sample.y, rcond=None)
    return design @ weights, "best linear fit to the truth"


def data_picture(name: str, entry: Data) -> Picture:
    """Draw a data set on axes of its own, for the units of two have nothing in common."""
    if entry.reader is not None:
        return _table_picture(name)
    drawn = scatter(name, entry)
    x, y = _limits(drawn.x), _limits(drawn.y)
    canvas = Canvas(x, y, Margins(left=40, top=22))
    if drawn.group is None:
        canvas.points(drawn.x, drawn.y, "mark dot s1")
    else:
        for place, group in enumerate(np.unique(drawn.group)):
            here = drawn.group == group
            # the second round of colours goes with other marks than the first
            mark = list(MARKS)[(place + place // SERIES) % len(MARKS)]
            look = f"mark {mark} s{place % SERIES + 1}"
            canvas.points(drawn.x[here], drawn.y[here], look, MARKS[mark])
    if drawn.wrong.any():
        ring = "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0"
        canvas.points(drawn.x[drawn.wrong], drawn.y[drawn.wrong], "ring", ring)
    canvas.x_axis(ticks(x), drawn.x_label)
    canvas.y_axis(ticks(y), drawn.y_label)
    note = drawn.note + (". Ringed: flipped labels." if drawn.wrong.any() else ".")
    return Picture(canvas, f"{name}: scatter of {drawn.y_label} over {drawn.x_label}", note)


def _limits(values: NDArray[np.float64]) -> Span:
    low, high = float(values.min()), float(values.max())
    air = 0.05 * (high - low) or 1.0
    return Span(low - air, high + air)


def _table_picture(name: str) -> Picture:
    """Draw what a file is: a header, rows, a gap, and the column that is the target."""
    canvas = Canvas(Span(0, 3), Span(-4, 0), Margins(24, 20, 24, 20))
    canvas.box(Span(2, 3), Span(-4, 0), "wash")
    for row, cells in enumerate(TABLE):
        for column, words in enumerate(cells):
            canvas.text(
                column + 0.5, -row - 0.5, words or "–", "mid" if row else "mid strong", (0, 4)
            )
        canvas.line([0, 3], [-row - 1] * 2, "tick")
    canvas.text(2.5, -4, "target", "mid quiet", (0, 15))
    return Picture(canvas, f"{name}: a table with a header, one column of which is the target")
