"""Each arm's row against scipy, hand-written means and the intervals of a single arm."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from nnbench import stats
from tests.stats.grids import factors_of, full_grid, generator_for, lose

METRIC = "test_accuracy"


def arms_of(frame: pd.DataFrame, by_data: bool = False, metric: str = METRIC) -> pd.DataFrame:
    return stats.summarise_arms(frame, factors_of(frame), metric, generator_for, by_data)


def row_of(table: pd.DataFrame, **levels: str) -> pd.Series:
    keep = np.logical_and.reduce([table[name] == level for name, level in levels.items()])
    return table[keep].iloc[0]


def test_the_centres_equal_those_of_scipy() -> None:
    frame = full_grid([3, 2], seeds=9)
    table = arms_of(frame)
    assert len(table) == 6
    for row in table.to_dict("records"):
        own = frame[(frame["f0"] == row["f0"]) & (frame["f1"] == row["f1"])][METRIC]
        assert row["mean"] == pytest.approx(own.mean())
        assert row["median"] == own.median()
        assert row["iqm"] == pytest.approx(scipy.stats.trim_mean(own, 0.25))
        assert row["sd"] == pytest.approx(own.std())
        assert (row["n"], row["ok"], row["used"]) == (9, 9, 9)


def test_the_interval_is_that_of_the_arm_alone() -> None:
    frame = full_grid([2, 2], data_sets=2, seeds=5)
    one = frame[(frame["f0"] == "a0") & (frame["f1"] == "b0")]
    alone = stats.bootstrap_interval(
        one[METRIC], one["data"], np.random.default_rng(0), blocks=one["seed"]
    )
    row = row_of(arms_of(frame), f0="a0", f1="b0")
    width = alone.high - alone.low
    assert row["mean"] == pytest.approx(alone.estimate)
    assert row["mean_low"] == pytest.approx(alone.low, abs=0.06 * width)
    assert row["mean_high"] == pytest.approx(alone.high, abs=0.06 * width)


def test_another_arm_changes_no_number_of_an_arm() -> None:
    frame = full_grid([3, 2], seeds=4)
    fewer = frame[frame["f0"] != "a2"]
    columns = ["mean", "mean_low", "mean_high", "sd", "diverged_high"]
    one, other = row_of(arms_of(frame), f0="a0", f1="b1"), row_of(arms_of(fewer), f0="a0", f1="b1")
    assert list(one[columns]) == list(other[columns])


def test_the_best_comes_first_whatever_the_metrics_direction() -> None:
    frame = full_grid([4])
    level = frame["f0"].str.slice(1).astype(int)
    frame = frame.assign(test_accuracy=0.5 + 0.1 * level + 0.001 * frame["seed"], test_loss=level)
    assert list(arms_of(frame)["f0"]) == ["a3", "a2", "a1", "a0"]
    assert list(arms_of(frame)["rank"]) == list(arms_of(frame)["mean_rank"]) == [1, 2, 3, 4]
    assert list(arms_of(frame, metric="test_loss")["f0"]) == ["a0", "a1", "a2", "a3"]


def test_a_lost_cell_is_counted_and_moves_no_weight_to_another_data_set() -> None:
    frame = full_grid([2], data_sets=2, seeds=4)
    frame["test_accuracy"] += 0.3 * (frame["data"] == "d0")
    lost = (frame["f0"] == "a1") & (frame["data"] == "d1") & (frame["seed"] == 0)
    row = row_of(arms_of(lose(frame, lost)), f0="a1")
    kept = frame[(frame["f0"] == "a1") & ~lost]
    assert (row["n"], row["ok"], row["diverged"], row["used"]) == (8, 7, 1, 7)
    assert row["mean"] == pytest.approx(kept.groupby("data")[METRIC].mean().mean())
    assert abs(row["mean"] - kept[METRIC].mean()) > 0.01
    wilson = stats.wilson_interval(1, 8)
    found = (row["diverged_share"], row["diverged_low"], row["diverged_high"])
    assert found == pytest.approx((wilson.estimate, wilson.low, wilson.high))


def test_an_arm_that_lost_a_whole_data_set_has_no_pooled_numbers_and_comes_last() -> None:
    frame = full_grid([3], data_sets=2)
    frame["test_accuracy"] += 0.3 * (frame["data"] == "d0")
    lost = lose(frame, (frame["f0"] == "a0") & (frame["data"] == "d1"))
    row = arms_of(lost).iloc[-1]
    assert row["f0"] == "a0" and row["mean_reason"] == "undefined: no cell finished on d1"
    assert row[["mean", "median", "iqm", "sd", "mean_low", "rank"]].isna().all()
    own = arms_of(lost, by_data=True)
    assert row_of(own, f0="a0", data="d0")["mean"] > 0.7
    assert math.isnan(row_of(own, f0="a0", data="d1")["mean"])
    assert row_of(own, f0="a0", data="d1")["mean_rank"] == 3


def test_ranks_by_data_start_anew_on_each_data_set() -> None:
    table = arms_of(full_grid([3], data_sets=2), by_data=True)
    assert list(table["data"]) == ["d0"] * 3 + ["d1"] * 3
    assert list(table["rank"]) == [1, 2, 3, 1, 2, 3]


def test_undefined_intervals_say_why_and_keep_the_mean() -> None:
    one_seed = arms_of(full_grid([2], seeds=1))
    assert set(one_seed["mean_reason"]) == {"undefined: one block"}
    assert one_seed["mean"].notna().all() and one_seed["mean_low"].isna().all()
    assert one_seed["sd"].isna().all()
    ties = arms_of(full_grid([2]).assign(test_accuracy=0.5))
    assert set(ties["mean_reason"]) == {"undefined: all 3 blocks equal"}
    partly = lose(full_grid([2]), full_grid([2]).eval("f0 == 'a0' and seed > 0"))
    assert row_of(arms_of(partly), f0="a0")["mean_reason"] == "undefined: one block"


def test_an_interval_ends_where_the_metric_does() -> None:
    frame = full_grid([1], seeds=3).assign(test_accuracy=[0.99, 1.0, 1.0])
    row = arms_of(frame).iloc[0]
    assert row["mean_high"] == 1.0 and row["mean_low"] < 0.99


def test_a_study_of_one_arm_and_an_empty_frame_have_rows_too() -> None:
    frame = full_grid([2]).query("f0 == 'a0'").drop(columns="f0")
    table = stats.summarise_arms(frame, [], METRIC, generator_for)
    assert len(table) == 1 and table["n"].iloc[0] == 3
    assert list(arms_of(full_grid([2]).iloc[:0]).columns) == ["f0", *stats.ARM_COLUMNS]


def test_a_subset_of_the_factors_averages_over_the_others_by_block() -> None:
    frame = full_grid([2, 6], seeds=4)
    row = row_of(stats.summarise_arms(frame, ["f0"], METRIC, generator_for), f0="a0")
    own = frame[frame["f0"] == "a0"]
    alone = stats.mean_interval(own, METRIC, np.random.default_rng(0))
    assert row["n"] == 24 and row["mean"] == pytest.approx(alone.estimate)
    assert row["mean_low"] == pytest.approx(alone.low, abs=0.1 * (alone.high - alone.low))


def test_an_arm_that_lost_most_of_its_networks_is_not_first_for_the_rest() -> None:
    frame = full_grid([3], data_sets=2, seeds=10)
    moved = frame.assign(test_accuracy=frame[METRIC] + 0.1 * frame["f0"].eq("a0"))
    lost = frame["f0"].eq("a0") & (frame["seed"] >= 2)
    table = arms_of(lose(moved, lost))
    first = row_of(table, f0="a0")
    assert first["mean"] == table["mean"].max() and first["used"] == 4
    assert first["rank"] == 3 and table["f0"].iloc[-1] == "a0"
    assert arms_of(moved)["f0"].iloc[0] == "a0"
    one = arms_of(lose(moved, lost & (frame["seed"] == 2)))
    assert row_of(one, f0="a0")["rank"] == 1  # one of ten does not undo a clear lead
    swapped = lose(moved, lost).assign(test_loss=lambda part: 1 - part[METRIC])
    assert row_of(arms_of(swapped, metric="test_loss"), f0="a0")["rank"] == 3


def test_what_never_arrived_comes_last() -> None:
    frame = full_grid([2], seeds=8).assign(epochs_to_target=40.0)
    fast = frame["f0"].eq("a1")
    frame.loc[fast, "epochs_to_target"] = np.nan
    frame.loc[fast & (frame["seed"] < 2), "epochs_to_target"] = 3.0
    table = arms_of(frame, metric="epochs_to_target")
    assert list(table["f0"]) == ["a0", "a1"] and row_of(table, f0="a1")["mean"] == 3


def test_an_arm_that_never_ran_on_a_data_set_has_no_rank_among_those_that_did() -> None:
    frame = full_grid([3], data_sets=2, seeds=4)
    frame[METRIC] += 0.3 * frame["data"].eq("d0")
    table = arms_of(frame[frame["f0"].ne("a2") | frame["data"].eq("d0")])
    assert table["f0"].iloc[-1] == "a2" and table["mean"].iloc[-1] > 0.7
    assert math.isnan(table["rank"].iloc[-1]) and math.isnan(table["standing"].iloc[-1])
