"""Ticks of logarithmic axes say where they stand, each once."""

from __future__ import annotations

import math

import pytest
from matplotlib.figure import Figure

from nnbench.plots.ticks import factor_ticks, log_tick


def test_a_tick_of_two_digits_is_not_rounded_to_another_tick() -> None:
    values = (1e-4, 1.5e-4, 2e-4, 2e-5, 1e4, 1.5e4)
    assert [log_tick(value) for value in values] == [
        "10⁻⁴", "1.5·10⁻⁴", "2·10⁻⁴", "2·10⁻⁵", "10⁴", "1.5·10⁴"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "ends",
    [(-0.01, 0.01), (-1, 1), (-14, 1), (-400, 5), (-20, 340), (3.9, 4.2), (-1e-9, 1e-9)],
)
def test_ticks_of_factors_stand_where_they_say_and_once(ends: tuple[float, float]) -> None:
    axes = Figure().add_subplot()
    axes.set_xlim(*ends)
    factor_ticks(axes)
    texts = [label.get_text() for label in axes.get_xticklabels()]
    assert texts and len(set(texts)) == len(texts)
    assert axes.get_xlim() == ends
    for place, text in zip(axes.get_xticks(), texts, strict=True):
        assert ends[0] <= place <= ends[1]
        if text == "×1":
            assert math.isclose(place, 0, abs_tol=1e-6)
