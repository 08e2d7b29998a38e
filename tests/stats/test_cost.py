"""Costs: time to a target with those that never reach it, and the Pareto front by brute force."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from nnbench import stats


def reached(*epochs: float | None, status: str = "ok") -> pd.DataFrame:
    column = pd.Series(epochs, dtype=float)
    return pd.DataFrame({"f0": "a", "epochs_to_target": column, "status": status})


def test_a_cell_that_never_reaches_the_target_is_later_than_all_that_do() -> None:
    row = stats.time_to_target(reached(3, 5, 9, None, None), ["f0"]).iloc[0]
    assert (row["n"], row["reached"], row["median"], row["q25"]) == (5, 3, 9, 5)
    assert math.isnan(row["q75"]) and row["reason"] is None
    wilson = stats.wilson_interval(3, 5)
    assert (row["reached_low"], row["reached_high"]) == (wilson.low, wilson.high)


def test_a_median_that_most_never_reach_is_undefined() -> None:
    row = stats.time_to_target(reached(3, 5, None, None, None), ["f0"]).iloc[0]
    assert math.isnan(row["median"]) and row["reason"] == "undefined: reached by 2 of 5"
    even = stats.time_to_target(reached(3, 5, None, None), ["f0"]).iloc[0]
    assert math.isnan(even["median"]), "half way between 5 and never is never"


def test_a_diverged_cell_did_not_stay_at_the_target() -> None:
    frame = pd.concat([reached(2, 4, 6), reached(1, 1, status="diverged")])
    row = stats.time_to_target(frame, ["f0"]).iloc[0]
    assert (row["reached"], row["median"]) == (3, 6)


def dominated(table: pd.DataFrame, row: pd.Series, sign: int) -> bool:
    for _, other in table.iterrows():
        better = (other["mean"] - row["mean"]) * sign
        cheaper = row["seconds"] - other["seconds"]
        if better >= 0 and cheaper >= 0 and (better > 0 or cheaper > 0):
            return True
    return False


small = st.integers(0, 4)


@given(st.lists(st.tuples(small, small), min_size=1, max_size=12), st.booleans())
def test_the_front_is_what_no_other_arm_dominates(
    points: list[tuple[int, int]], higher_is_better: bool
) -> None:
    table = pd.DataFrame(points, columns=["seconds", "mean"], dtype=float)
    front = stats.pareto_front(table, "seconds", higher_is_better=higher_is_better)
    assert front["seconds"].is_monotonic_increasing
    sign = 1 if higher_is_better else -1
    for _, row in front.iterrows():
        assert row["on_front"] == (not dominated(table, row, sign))


def test_an_arm_without_a_mean_or_a_cost_is_not_on_the_front() -> None:
    table = pd.DataFrame({"seconds": [1.0, 0.1, np.nan], "mean": [0.5, np.nan, 0.9]})
    front = stats.pareto_front(table, "seconds")
    assert list(front.loc[front["on_front"], "mean"]) == [0.5] and len(front) == 3


def test_costs_are_means_over_cells_that_finished() -> None:
    frame = pd.DataFrame({"f0": list("aab"), "seconds": [1.0, 9.0, 2.0], "status": "ok"})
    frame.loc[1, "status"] = "diverged"
    costs = stats.arm_costs(frame, ["f0"], "seconds").set_index("f0")
    assert list(costs["seconds"]) == [1.0, 2.0]
    assert list(costs["cost_used"]) == [1, 1] and list(costs["cost_n"]) == [2, 1]
