"""The stage of walks: what stands above the landscape, and panels that nobody walked."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from nnbench.plots.stage import stage_still
from nnbench.plots.walks import Landscape, path_panels

X = np.linspace(-2.0, 2.0, 21)
LANDSCAPES: dict[int, Landscape] = {
    1: {"dims": 1, "axes": [X], "heights": X**2, "minima": [[0.0]]},
    2: {"dims": 2, "axes": [X, X], "heights": X**2 + X[:, None] ** 2, "minima": [[0.0, 0.0]]},
}


def walks_of(*names: str) -> pd.DataFrame:
    steps = np.arange(4)
    each = {"step": steps, "x": 1.5 - steps / 2, "y": 1.0 - steps / 3, "height": 2.0 - steps / 2}
    return pd.concat(
        [pd.DataFrame({"walk": name, "cell_id": name, "reached": True} | each) for name in names]
    )


def text_boxes(figure: Figure) -> list[tuple[str, Bbox]]:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return [
        (text.get_text(), text.get_window_extent(canvas.get_renderer()))
        for text in figure.findobj(Text)
        if isinstance(text, Text) and text.get_text() and text.get_visible()
    ]


@pytest.mark.parametrize("dims", [1, 2])
def test_names_of_walks_stand_clear_of_the_heads_above_them(dims: int) -> None:
    figure = stage_still(LANDSCAPES[dims], "a valley", walks_of("sgd at first", "adam too"))
    # no numbers: those of steps, and of ticks, some of which lie outside and are not drawn
    boxes = [(said, box) for said, box in text_boxes(figure) if not said[-1].isdigit()]
    assert {"a valley", "sgd at first", "adam too"} <= {said for said, _ in boxes}
    meet = [(one, other) for (one, a), (other, b) in combinations(boxes, 2) if a.overlaps(b)]
    assert meet == []


@pytest.mark.parametrize("dims", [1, 2])
def test_a_panel_that_nobody_walked_has_the_landscape_alone(dims: int) -> None:
    panels = pd.DataFrame({"panel": ["sgd", "adam"], "text": ["1 of 1", "not run"]})
    walks = walks_of("sgd").assign(panel="sgd")
    figure = path_panels(LANDSCAPES[dims], walks, panels)  # a warning would end it
    walked, empty = (len(axes.collections) + len(axes.lines) for axes in figure.axes[:2])
    assert 0 < empty < walked
