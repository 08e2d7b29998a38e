"""Backpropagation by hand: two inputs, two hidden units, one output, every number worked out."""

import math
from typing import NamedTuple

import numpy as np

from nnbench.plots.worked import network_drawing
from nnbench.report.page.numbers import number
from nnbench.report.page.parts import Column, Picture, TableCell, picture, table_of

INPUT, TARGET = (1.0, 2.0), 1.0
HIDDEN = ((0.1, 0.2), (0.3, 0.4))  # w1, w2 into the first hidden unit; w3, w4 into the second
OUTPUT = (0.5, 0.6)  # w5, w6


class Passes(NamedTuple):
    """What the two passes give: values forward, slopes of the loss back."""

    hidden: np.ndarray
    output: float
    loss: float
    by_output: float
    by_output_weights: np.ndarray
    by_hidden: np.ndarray
    by_hidden_weights: np.ndarray


def passes(output: tuple[float, ...] = OUTPUT) -> Passes:
    """Run forward and back, a rule a line: linear hidden units, a ReLU output, (y - yhat)²/2."""
    y = np.array(HIDDEN) @ np.array(INPUT)
    weighted = float(np.array(output) @ y)
    estimate = max(weighted, 0.0)
    by_output = estimate - TARGET
    by_weighted = by_output * (weighted > 0)  # the chain rule through ReLU
    by_hidden = by_weighted * np.array(output)
    return Passes(
        hidden=y,
        output=estimate,
        loss=(TARGET - estimate) ** 2 / 2,
        by_output=by_output,
        by_output_weights=by_weighted * y,
        by_hidden=by_hidden,
        by_hidden_weights=np.outer(by_hidden, INPUT),
    )


def worked_picture() -> Picture:
    """Draw the network with the numbers of both passes."""
    found = passes()
    unknown = math.nan
    layers = [
        [(f"x{i}", value, unknown) for i, value in enumerate(INPUT, start=1)],
        [(f"y{i}", found.hidden[i - 1], found.by_hidden[i - 1]) for i in (1, 2)],
        [("ŷ", found.output, found.by_output)],
        [("L", found.loss, unknown)],
    ]
    weights = [w for row in HIDDEN for w in row]
    slopes = found.by_hidden_weights.ravel()
    edges = [
        (place % 2, 2 + place // 2, f"w{place + 1}", weights[place], float(slopes[place]))
        for place in range(4)
    ]
    edges += [(2 + i, 4, f"w{5 + i}", OUTPUT[i], float(found.by_output_weights[i])) for i in (0, 1)]
    edges.append((4, 5, "", unknown, unknown))
    rows = [(name, weight, slope) for _, _, name, weight, slope in edges if name]
    columns = [
        Column("weight", of=lambda row: row[0]),
        Column("value", True, lambda row: TableCell(number(row[1], 1), value=row[1])),
        Column("slope of the loss", True, lambda row: TableCell(number(row[2], 3), value=row[2])),
    ]
    last = [number(float(slope), 3) for slope in found.by_output_weights]
    title = (
        f"The forward pass gives {number(found.output, 2)} for a target of {number(TARGET, 0)}; "
        f"backward, the slopes of the loss in w5 and w6 are {last[0]} and {last[1]}"
    )
    caption = (
        "Two inputs, two linear hidden units, a ReLU output, L = (y − ŷ)²/2 with y = 1. In the "
        "text colour: the forward pass. Blue: the slope (derivative) of the loss in each number; "
        "an edge's slope is the value where it begins times the slope where it ends."
    )
    return picture(
        network_drawing(layers, edges), "worked", title, caption, table_of(rows, columns)
    )
