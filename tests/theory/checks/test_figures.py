"""Theory's figures: each is drawn again for a small window, with every number in it."""

from __future__ import annotations

from typing import Any

import pytest

from nnbench.plots.rooms import small_of
from nnbench.theory.checks import figures as draw
from nnbench.theory.checks.page import SHOWN, pictures
from tests.plots.test_rooms import assert_whole_when_small, written

LINE = [0.9, 0.7, 0.5]
DETAILS: dict[str, list[dict[str, Any]]] = {
    "depth": [{"label": "He", "growth": 1.0}, {"label": "Xavier", "growth": 0.5}],
    "chi": [{"activation": "tanh, torch's default"}, {"activation": "gelu, He"}],
    "correlation": [{}],
    "batchnorm": [{"activation": kind, "batch": 16} for kind in ("relu", "identity")],
    "dead": [{"width": 2}, {"width": 3}],
    "stability": [{"label": "Nesterov, b = 0.9", "curvature": 3.0}],
    "edge": [{"rate": 0.08}, {"rate": 0.1}],
}


def check(figure: str, detail: dict[str, Any], place: int) -> dict[str, Any]:
    lines = {"measured": LINE, "predicted": LINE, "error": [0.01] * 3, "steps": [0, 1, 2],
             "low": LINE, "high": LINE}  # fmt: skip
    return {
        "name": f"{figure} {place}", "group": f"Law of {figure}", "predicted": 1.0 + place,
        "measured": 1.01 + place, "standard_error": 0.01, "allowance": 0.0, "relation": "equals",
        "agrees": place == 0, "law": "2 (1 + b) / [h (1 + 2 b)]",
        "detail": {"figure": figure, **lines, **detail},
    }  # fmt: skip


CHECKS = [check(name, d, i) for name, details in DETAILS.items() for i, d in enumerate(details)]


def test_every_picture_of_the_page_has_a_small_drawing() -> None:
    found = pictures(CHECKS)
    assert [picture.name for picture in found] == ["overview", *SHOWN]
    assert all(picture.narrow for picture in found)


@pytest.mark.parametrize("name", ["overview", *SHOWN])
def test_a_small_window_has_all_numbers_of_a_figure(name: str) -> None:
    own = draw.of_figure(CHECKS, name)
    assert_whole_when_small(SHOWN[name][0](own) if own else draw.overview(CHECKS))


def test_names_of_laws_bear_the_marks_of_what_was_measured() -> None:
    figure = draw.edge_figure(draw.of_figure(CHECKS, "edge"))
    small = small_of(figure)
    assert small is not None
    for drawn in (figure, small):
        assert "predicted, 2/lr at lr = 0.08" in written(drawn)
        marks = [line.get_marker() for line in drawn.axes[0].lines if len(line.get_xdata()) == 1]
        assert sorted(marks) == ["^", "s"]
