"""A figure in a small window: every number still there, nothing cut, nothing beside the window."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from nnbench import plots
from nnbench.plots.rooms import SMALL, is_small, small_of
from tests.plots.test_plots import cross, curves, points, strips
from tests.plots.test_winner_plots import budget, costs, matrix, profile, ranks, regions, shares

NAMES = ["he_normal gain=1", "xavier_normal", "random_small bound=0.01", "orthogonal", "zero"]
MANY = [f"level {number}" for number in range(9)]  # two of which a page leaves out
FIGURES = {
    "effects": lambda: plots.effect_strips(strips(NAMES), points(NAMES), "difference", True),
    "heat": lambda: plots.heat_maps(cross(NAMES), NAMES, NAMES, "init", "norm"),
    "many curves": lambda: plots.learning_curves(*curves(MANY), MANY, "accuracy"),
    "curves": lambda: plots.learning_curves(*curves(NAMES), NAMES, "accuracy"),
    "shares": lambda: plots.share_bars(shares(), "share"),
    "ranks": lambda: plots.rank_ladder(ranks(NAMES), [NAMES], NAMES[0]),
    "pairs": lambda: plots.difference_matrix(matrix(NAMES), NAMES),
    "profile": lambda: plots.profile_lines(profile(NAMES), NAMES, "score"),
    "cost": lambda: plots.cost_scatter(costs(NAMES), "s", "y", True),
    "regions": lambda: plots.good_regions(regions(NAMES), NAMES, "lr"),
    "budget": lambda: plots.budget_lines(budget(NAMES), NAMES, "y"),
}


def written(figure: Figure) -> list[str]:
    """Return all that is written into a figure, the axes' ticks and names apart."""
    return [note.get_text() for note in figure.findobj(Annotation)]


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_a_small_window_has_all_numbers_and_cuts_none(draw: Callable[[], Figure]) -> None:
    assert_whole_when_small(draw())


def assert_whole_when_small(wide: Figure) -> None:
    """Hold a figure's second drawing against the first: all numbers, none beside the window."""
    small = small_of(wide)
    assert small is not None and not is_small(), "the room is left again"
    assert small.bbox.width == pytest.approx(SMALL)
    there = " ".join(written(small))
    numbers = {text for text in written(wide) if any(sign.isdigit() for sign in text)}
    numbers = {text for text in numbers if "…" not in text and "against" not in text}
    assert not {text for text in numbers if text not in there}
    canvas = FigureCanvasAgg(small).get_renderer()
    for text in small.findobj(Annotation):
        if text.get_text().strip() and text.get_visible():
            box = text.get_window_extent(canvas)
            assert box.x0 > -2 and box.x1 < SMALL + 4, text.get_text()


def test_numbers_stand_under_the_name_of_their_row_whatever_it_is_called() -> None:
    names = ["zero", "above zero"]
    small = small_of(plots.heat_maps(cross(names), names, names, "init", "norm"))
    assert small is not None
    notes = [note for axes in small.axes for note in axes.findobj(Annotation)]
    told = {note.xy[1] for note in notes if note.xycoords == ("data", "data")}
    assert told == {1.5, 3.5}
