"""Tuning: the good region by hand, the expected best against every choice of trials."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from nnbench import stats
from nnbench.stats.tuning import REGION_COLUMNS, TRIAL_COLUMNS
from nnbench.study.fields import FIELDS
from tests.stats.grids import generator_for

RATES = [0.001, 0.01, 0.1, 1.0, 10.0]


def sweep(means: list[float], rates: list[float] = RATES, seeds: int = 2) -> pd.DataFrame:
    """Return the cells of one optimizer; where the mean is NaN the last seed diverged."""
    rows = [
        {
            "data": "d0",
            "optimizer": "sgd",
            "optimizer.lr": rate,
            "seed": seed,
            "val_accuracy": 0.5 if math.isnan(mean) else mean + (0.001 if seed else -0.001),
            "val_loss": 2.0 if math.isnan(mean) else 1 - mean,
            "test_accuracy": mean,
            "status": "diverged" if math.isnan(mean) and seed == seeds - 1 else "ok",
        }
        for rate, mean in zip(rates, means, strict=True)
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows)


def region(cells: pd.DataFrame, **options: object) -> pd.Series:
    table = stats.good_region(
        cells,
        ["optimizer"],
        "optimizer.lr",
        "val_accuracy",
        **options,  # type: ignore[arg-type]
    )
    assert len(table) == 1
    return table.iloc[0]


def test_the_region_ends_where_the_line_between_means_crosses_the_bar() -> None:
    row = region(sweep([0.5, 0.7, 0.8, 0.79, 0.5]), tolerance=0.05)
    # Down from 0.8 at 0.1: the bar 0.75 is half way to 0.7 at 0.01. Up: 0.04 of 0.29 beyond 1.
    assert row["low"] == pytest.approx(10**-1.5)
    assert row["high"] == pytest.approx(10 ** (0.04 / 0.29))
    assert row["decades"] == pytest.approx(1.5 + 0.04 / 0.29)
    assert (row["best"], row["settings"], row["used"], row["n"]) == (0.1, 5, 5, 5)
    assert row["best_mean"] == pytest.approx(0.8)
    assert not row["open_low"] and not row["open_high"] and row["reason"] is None


def test_a_setting_that_lost_a_cell_ends_the_region_at_its_neighbour() -> None:
    row = region(sweep([0.5, 0.7, 0.8, math.nan, 0.8]), tolerance=0.05)
    assert row["high"] == pytest.approx(0.1) and row["used"] == 4


def test_a_region_that_reaches_the_end_is_open_there() -> None:
    row = region(sweep([0.79, 0.8, 0.81, 0.5, 0.5]), tolerance=0.05)
    assert row["open_low"] and not row["open_high"] and row["low"] == pytest.approx(0.001)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (sweep([0.9, 0.8, 0.7, 0.6, 0.5]), "undefined: the best, 0.001, is the smallest tried"),
        (sweep([0.5, 0.6, 0.7, 0.8, 0.9]), "undefined: the best, 10, is the largest tried"),
        (sweep([math.nan] * 5), "undefined: no setting finished all its seeds"),
        (
            sweep([0.5, 0.9, 0.5], rates=[0.0, 0.1, 0.2]),
            "undefined: a setting is not positive, so it has no logarithm",
        ),
        (
            sweep([0.5, 0.9, 0.5], rates=[math.nan] * 3),
            "undefined: it has no optimizer.lr",
        ),
    ],
)
def test_a_region_that_cannot_be_told_says_why(cells: pd.DataFrame, reason: str) -> None:
    row = region(cells)
    assert row["reason"] == reason and math.isnan(row["decades"])


def test_the_tolerance_is_stated_and_suits_the_metric() -> None:
    assert region(sweep([0.5, 0.7, 0.8, 0.7, 0.5]))["tolerance"] == 0.01
    assert stats.default_tolerance("val_loss", 0.4) == pytest.approx(0.04)
    assert stats.default_tolerance("val_r2", 0.4) == 0.01
    losses = stats.good_region(
        sweep([0.5, 0.7, 0.8, 0.7, 0.5]), ["optimizer"], "optimizer.lr", "val_loss"
    )
    assert losses["best"].iloc[0] == 0.1 and losses["tolerance"].iloc[0] == pytest.approx(0.02)


def by_enumeration(val: list[float], test: list[float], trials: int) -> tuple[float, float]:
    """Return the expected loss and test value of the best of k by going through every choice."""
    chosen = [min(draw, key=lambda i: val[i]) for draw in itertools.combinations(range(5), trials)]
    return float(np.mean([val[i] for i in chosen])), float(np.mean([test[i] for i in chosen]))


def curve(cells: pd.DataFrame, select: str = "val_loss") -> pd.DataFrame:
    table = stats.expected_best(
        cells, ["optimizer"], ["optimizer.lr"], "test_accuracy", generator_for, select
    )
    return table.set_index("trials")


@pytest.mark.parametrize("trials", [1, 2, 3, 5])
def test_the_expected_best_equals_that_over_every_choice(trials: int) -> None:
    cells = sweep([0.0] * 5, seeds=3)
    generator = np.random.default_rng(0)
    cells["val_loss"], cells["test_accuracy"] = generator.uniform(size=(2, len(cells)))
    row = curve(cells).loc[trials]
    pairs = [
        by_enumeration(list(own["val_loss"]), list(own["test_accuracy"]), trials)
        for _, own in cells.groupby("seed")
    ]
    assert row["val"] == pytest.approx(np.mean([val for val, _ in pairs]))
    assert row["mean"] == pytest.approx(np.mean([test for _, test in pairs]))
    assert row["mean_low"] < row["mean"] < row["mean_high"]
    assert (row["settings"], row["blocks_used"], row["blocks"], row["none"]) == (5, 3, 3, 0)


def test_no_expected_score_has_an_interval_beyond_what_it_can_be() -> None:
    cells = sweep([0.7, 0.8, 0.9, 0.95, 0.98], seeds=2)
    cells["test_accuracy"] += 0.02 * (cells["seed"] == 1)
    table = curve(cells)
    assert table["mean_high"].max() == 1.0 and (table["mean_high"] > table["mean"]).all()


def test_the_choice_is_on_validation_and_the_test_value_may_fall() -> None:
    cells = sweep([0.9, 0.8, 0.7, 0.6, 0.5], seeds=3)
    cells["val_loss"] = cells["test_accuracy"]  # the best on validation is the worst on test
    table = curve(cells)
    assert table["val"].is_monotonic_decreasing and table["mean"].is_monotonic_decreasing
    assert table.loc[5, "mean"] == pytest.approx(0.5)


def test_where_all_trials_may_diverge_nothing_is_expected() -> None:
    cells = sweep([0.5, 0.7, 0.8, math.nan, math.nan], seeds=3)
    table = curve(cells)
    assert table.loc[1, "none"] == pytest.approx(2 / 5)
    assert table.loc[2, "none"] == pytest.approx(1 / 10)
    assert table.loc[1, "reason"] == "undefined: the trial may diverge in 3 of 3 blocks"
    assert table.loc[2, "reason"] == "undefined: all 2 trials may diverge in 3 of 3 blocks"
    assert table.loc[[1, 2], ["val", "mean"]].isna().all(axis=None)
    assert table.loc[3, "reason"] is None and table.loc[5, "mean"] == pytest.approx(0.8)


def test_each_data_set_has_a_curve_of_its_own() -> None:
    one = sweep([0.5, 0.7, 0.8, 0.6, 0.4], seeds=3)
    both = pd.concat([one, one.assign(data="d1", test_accuracy=one["test_accuracy"] - 0.2)])
    last = curve(both).loc[5].set_index("data")
    assert dict(last["mean"].round(9)) == {"d0": 0.8, "d1": 0.6}
    assert list(last["blocks"]) == [3, 3]


@pytest.mark.parametrize(("settings", "trials"), [(1, 1), (5, 2), (7, 7), (200, 30)])
def test_the_chances_of_a_choice_add_up_to_one(settings: int, trials: int) -> None:
    chances = stats.choice_chances(settings, trials)
    assert chances.sum() == pytest.approx(1.0) and (chances >= 0).all()
    assert chances[0] == pytest.approx(trials / settings)


def test_no_column_is_called_as_a_factor_of_networks_is() -> None:
    assert not {*REGION_COLUMNS, *TRIAL_COLUMNS} & set(FIELDS)
