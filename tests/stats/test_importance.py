"""The caption of the importance figure: what kind of shares, with intervals, of which arms."""

from __future__ import annotations

import pandas as pd

from nnbench import stats
from nnbench.report.study.mattered import shares_caption
from tests.stats.grids import factors_of, full_grid, generator_for, lose

METRIC = "test_accuracy"


def caption(frame: pd.DataFrame) -> str:
    shares = stats.variance_shares(frame, factors_of(frame), METRIC, generator_for)
    within = shares[shares["kind"] != "data"]
    return shares_caption(within)


def test_a_full_grid_has_exact_shares() -> None:
    said = caption(full_grid([3, 2], seeds=5))
    assert said.startswith("Exact functional analysis of variance")
    assert "with 95 % intervals over seeds" in said and "noise alone" in said
    assert "Counted:" not in said


def test_few_seeds_have_no_intervals() -> None:
    said = caption(full_grid([3, 2], seeds=4))
    assert "interval" not in said and "noise alone" in said


def test_one_seed_has_no_intervals_and_no_share_of_noise() -> None:
    said = caption(full_grid([3, 2], seeds=1))
    assert "interval" not in said and "noise alone" not in said


def test_lost_arms_are_counted_and_make_the_shares_of_type_two() -> None:
    frame = full_grid([3, 4], data_sets=2)
    lost = (frame["f0"] == "a1") & (frame["f1"] == "b2") & (frame["data"] == "d1")
    said = caption(lose(frame, lost & (frame["seed"] == 0)))
    assert said.startswith("Type II analysis of variance") and "add up" not in said
    assert said.endswith(
        " Counted: 23 of 24 combinations of configuration and data set; the others lack a "
        "network's result."
    )


def test_a_design_with_gaps_is_of_type_two_without_a_lost_arm() -> None:
    frame = full_grid([3, 3])
    one_factor = frame[(frame["f0"] == "a0") | (frame["f1"] == "b0")]
    said = caption(one_factor)
    assert said.startswith("Type II") and "cannot be attributed" in said and "Counted:" not in said
