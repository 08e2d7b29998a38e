"""Tuned arms: which setting is chosen, on which seeds, and what more settings are worth by luck."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nnbench import stats
from nnbench.stats.claims import UNDECIDED
from nnbench.stats.claims.pairs import pair_sides
from tests.stats.claims.claim_cells import better, judge, study
from tests.stats.grids import generator_for
from tests.stats.tuned import told_apart, tuned_cells

BOTH = ("same", "halves")
FACTORS = {"optimizer": ["adam", "sgd"]}
DOCUMENT = study(
    factors=FACTORS | {"optimizer.lr": ["0.1"]},
    report={"metric": "test_accuracy", "tune": ["optimizer.lr"], "target": None},
)
CLAIM = better(better={"optimizer": "adam"}, than={"optimizer": "sgd"})


def chosen(cells: pd.DataFrame, across: bool) -> pd.DataFrame:
    return stats.choose_tuned(cells, ["optimizer"], ["optimizer.lr"], "test_accuracy", across)


def test_each_half_gets_what_does_best_on_the_other() -> None:
    cells = tuned_cells((3, 1), 4, np.random.default_rng(0))
    adam = cells["optimizer"] == "adam"
    cells.loc[adam, "val_accuracy"] = 0.5
    best = {0.1: [], 0.2: [0, 2], 0.3: [1, 3]}  # seeds on which a rate is ahead on validation
    for rate, seeds in best.items():
        ahead = adam & np.isclose(cells["optimizer.lr"], rate) & cells["seed"].isin(seeds)
        cells.loc[ahead, "val_accuracy"] = 0.9
    found = chosen(cells, across=True)
    rates = found[found["optimizer"] == "adam"].set_index("seed")["optimizer.lr"].round(9)
    assert rates.to_dict() == {0: 0.3, 1: 0.2, 2: 0.3, 3: 0.2}
    assert found[found["optimizer"] == "sgd"]["seed"].tolist() == [0, 1, 2, 3]
    assert found.groupby("optimizer")[stats.SETTINGS].unique().map(list).to_dict() == {
        "adam": [3],
        "sgd": [1],
    }


def test_a_seed_alone_has_no_other_to_choose_on() -> None:
    cells = tuned_cells((3, 2), 1, np.random.default_rng(1))
    pd.testing.assert_frame_equal(chosen(cells, across=True), chosen(cells, across=False))


def test_a_seeds_own_validation_plays_no_part_in_its_choice() -> None:
    cells = tuned_cells((5, 1), 6, np.random.default_rng(2))
    mine = cells["seed"] == 3
    before = chosen(cells, across=True)
    other = cells.assign(val_accuracy=cells["val_accuracy"].where(~mine, 1 - cells["val_accuracy"]))
    after = chosen(other, across=True)
    rate = [f[(f["seed"] == 3)]["cell_id"].tolist() for f in (before, after)]
    assert rate[0] == rate[1]


def test_levels_with_unequal_numbers_of_settings_are_named() -> None:
    frame = chosen(tuned_cells((14, 2), 3, np.random.default_rng(3)), across=False)
    assert stats.uneven_levels(frame, "optimizer", "sgd", ["optimizer"]) == {"adam": (14, 2)}
    even = chosen(tuned_cells((4, 4), 3, np.random.default_rng(3)), across=False)
    assert stats.uneven_levels(even, "optimizer", "sgd", ["optimizer"]) == {}


# Luck ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_fourteen_settings_against_one_win_by_luck_only_where_the_choice_is_judged(
    seeds: int,
) -> None:
    assert told_apart((14, 1), seeds, 2000, ("same",)) > 0.085
    assert told_apart((14, 1), seeds, 2000, BOTH) <= 0.05
    assert told_apart((14, 14), seeds, 2000, ("same",)) <= 0.025


def test_leaving_out_each_seed_in_turn_is_far_too_sure() -> None:
    assert told_apart((14, 14), 10, 2000, ("each",)) > 0.2


def test_a_real_difference_is_still_found() -> None:
    assert told_apart((14, 1), 10, 1000, BOTH, 0.8, gap=1.5) > 0.75


@pytest.mark.slow
@pytest.mark.parametrize("settings", [(14, 1), (14, 3), (14, 7), (5, 1), (3, 1), (2, 1)])
@pytest.mark.parametrize("alike", [0.5, 0.8, 0.95, 1.0])
def test_no_numbers_of_settings_win_by_luck(settings: tuple[int, int], alike: float) -> None:
    for seeds in (3, 4, 5, 7, 10, 20):
        assert told_apart(settings, seeds, 5000, BOTH, alike) <= 0.055


# Whole studies ------------------------------------------------------------------------------------


def sureness(cells: pd.DataFrame, across: bool) -> float:
    """Return how many standard errors adam is ahead of sgd."""
    frame = chosen(cells, across).pivot(index="seed", columns="optimizer", values="test_accuracy")
    gaps = frame["adam"] - frame["sgd"]
    return float(gaps.mean() / gaps.std(ddof=1) * len(gaps) ** 0.5)


def lucky() -> pd.DataFrame:
    """Return a study of equal arms of which the one with 14 settings looks better by its choice."""
    for number in range(200):
        cells = tuned_cells((14, 1), 5, np.random.default_rng(number))
        if sureness(cells, across=False) > 3.5 and sureness(cells, across=True) < 2:
            return cells
    raise AssertionError("no study was lucky")


def effects_of(cells: pd.DataFrame, held: bool = True) -> pd.Series:
    one, other = (
        stats.label_cells(chosen(cells, across), ["optimizer"], ["optimizer.lr"])
        for across in (False, True)
    )
    levels, baselines = {"optimizer": ["adam", "sgd"]}, {"optimizer": "sgd"}
    table = stats.summarise_effects(
        one, levels, baselines, "test_accuracy", generator_for, across=other if held else None
    )
    return table.set_index("level").loc["adam"]


@pytest.mark.whole
def test_a_lucky_choice_is_neither_better_nor_a_supported_claim() -> None:
    cells = lucky()
    plain, held = effects_of(cells, held=False), effects_of(cells)
    assert plain["verdict"] == "better"
    assert held["verdict"] == "no clear difference"
    assert held["note"].startswith("14 settings were tried against 1")
    assert held["effect_low"] <= 0 and held["effect"] == plain["effect"]
    found = judge(CLAIM, cells, DOCUMENT)
    assert found.verdict == UNDECIDED and found.effect == pytest.approx(held["effect"])
    assert (found.low, found.p) == (pytest.approx(held["effect_low"], abs=2e-3), held["p"])
    assert "14 settings were tried against 1, and with those chosen on other seeds" in found.reason


def test_a_planted_difference_is_supported_and_says_of_how_many_settings() -> None:
    cells = tuned_cells((14, 1), 6, np.random.default_rng(5))
    ahead = (cells["optimizer"] == "adam").astype(float) * 0.1
    cells = cells.assign(test_accuracy=cells["test_accuracy"] + ahead)
    found = judge(CLAIM, cells, DOCUMENT)
    assert found.verdict == "supported"
    assert found.reason == "14 settings were tried against 1"
    assert effects_of(cells)["verdict"] == "better"


def test_equal_numbers_are_judged_as_ever() -> None:
    cells = tuned_cells((4, 4), 5, np.random.default_rng(6))
    pairs = pair_sides(CLAIM, cells, DOCUMENT)
    assert pairs.settings is None and pairs.across is None
    assert effects_of(cells).to_dict() == pytest.approx(
        effects_of(cells, held=False).to_dict(), nan_ok=True
    )
