"""Backpropagation by hand is what autograd gives, and the figure's numbers are those."""

from __future__ import annotations

import itertools

import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Annotation

from nnbench.plots.rooms import small_of
from nnbench.report.worked import HIDDEN, INPUT, OUTPUT, TARGET, passes, worked_picture


def test_the_passes_of_the_course() -> None:
    found = passes()
    assert found.hidden.tolist() == pytest.approx([0.5, 1.1])
    assert found.output == pytest.approx(0.91)
    assert found.by_output == pytest.approx(-0.09)
    assert found.by_output_weights.tolist() == pytest.approx([-0.045, -0.099])


@pytest.mark.parametrize("output", [OUTPUT, (-0.5, 0.1)])  # the second lets nothing through ReLU
def test_the_slopes_are_autograds(output: tuple[float, float]) -> None:
    hidden = torch.tensor(HIDDEN, dtype=torch.float64, requires_grad=True)
    last = torch.tensor(output, dtype=torch.float64, requires_grad=True)
    y = hidden @ torch.tensor(INPUT, dtype=torch.float64)
    y.retain_grad()
    loss = (TARGET - torch.relu(last @ y)) ** 2 / 2
    loss.backward()
    found = passes(output=output)
    assert found.loss == pytest.approx(loss.item())
    for slopes, wanted in (
        (found.by_output_weights, last.grad),
        (found.by_hidden, y.grad),
        (found.by_hidden_weights, hidden.grad),
    ):
        assert wanted is not None
        assert slopes.ravel().tolist() == pytest.approx(wanted.ravel().tolist())


def test_every_number_stands_in_the_figure() -> None:
    drawn = worked_picture()
    for text in ("0.5<", "1.1<", "0.91<", "−0.045<", "−0.099<", "−0.09<", "w5 = 0.5<", "w6 = 0.6<"):
        assert text in drawn.svg
    assert "−0.045 and −0.099" in drawn.title


def test_no_number_of_the_small_drawing_stands_on_another() -> None:
    figure = small_of(worked_picture().figure)
    assert figure is not None
    FigureCanvasAgg(figure).draw()
    notes = figure.findobj(Annotation)
    boxes = [(note.get_text(), note.get_window_extent()) for note in notes]
    assert len(boxes) > 20
    for (one, box), (other, beside) in itertools.combinations(boxes, 2):
        apart = min(box.x1, beside.x1) - max(box.x0, beside.x0)
        over = min(box.y1, beside.y1) - max(box.y0, beside.y0)
        assert min(apart, over) < 2, (one, other, apart, over)
