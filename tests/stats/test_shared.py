"""Incomplete grids: levels are compared on the cells that all of them have."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnbench import stats
from nnbench.report.study.sentences import findings
from tests.stats.grids import factors_of, full_grid, generator_for
from tests.stats.simulated import by_networks, share_coverage

METRIC = "test_accuracy"


def gains() -> pd.DataFrame:
    """Return a grid in which a1 is worse than a0 where both ran, and a2 ran in the easy b0 only.

    There a2 is worse than a0 too; b0 is so easy that its plain mean is the highest of all.
    """
    frame = full_grid([3, 4], data_sets=2, seeds=4)
    easy = frame["f1"].eq("b0") * 0.3
    effect = frame["f0"].map({"a0": 0.0, "a1": -0.05, "a2": -0.1})
    frame[METRIC] = frame[METRIC] + easy + effect
    return frame[frame["f0"].ne("a2") | frame["f1"].eq("b0")].reset_index(drop=True)


def effects_of(frame: pd.DataFrame, **changes: bool) -> pd.DataFrame:
    levels = {f: list(dict.fromkeys(frame[f])) for f in factors_of(frame)}
    baselines = {f: names[0] for f, names in levels.items()}
    return stats.summarise_effects(frame, levels, baselines, METRIC, generator_for, **changes)


def shared_of(frame: pd.DataFrame, factor: str, **changes: bool) -> stats.Shared:
    others = [f for f in factors_of(frame) if f != factor]
    return stats.shared_cells(frame, frame[factor], others, frame[factor].iloc[0], **changes)


def test_on_a_complete_grid_all_cells_count() -> None:
    frame = full_grid([3, 2, 2], data_sets=2)
    for factor in factors_of(frame):
        shared = shared_of(frame, factor)
        assert shared.cells is frame and not shared.partial and not shared.left_out


def test_a_level_that_ran_in_a_corner_stands_on_its_own() -> None:
    frame = gains()
    shared = shared_of(frame, "f0")
    assert shared.whole == ["a0", "a1"] and shared.partial == {"a2": "only with f1 b0"}
    assert len(shared.cells) == 2 * 4 * 8
    table = effects_of(frame).set_index(["factor", "level"])
    corner = table.loc["f0", "a2"]
    assert frame.loc[frame["f0"] == "a2", METRIC].mean() > frame.loc[frame["f0"] == "a0"][
        METRIC].mean()  # fmt: skip
    assert corner["verdict"] == "worse" and corner["only"] == "only with f1 b0"
    assert corner["effect"] == pytest.approx(-0.1, abs=0.02) and corner["pairs"] == 8
    assert table.loc[("f0", "a1"), "effect"] == pytest.approx(-0.05, abs=0.01)


def test_means_rest_on_the_cells_that_differences_rest_on() -> None:
    table = effects_of(gains())
    part = table[table["factor"] == "f0"].set_index("level")
    difference = part.loc["a1", "mean"] - part.loc["a0", "mean"]
    assert difference == pytest.approx(part.loc["a1", "effect"])
    assert set(part.loc[["a0", "a1"], "n"]) == {32} and part.loc["a2", "n"] == 8


def test_a_level_on_its_own_is_not_in_the_headline() -> None:
    table = effects_of(gains())
    ranking = stats.importance(table).assign(within=np.nan)
    counts = {"n": 1, "ok": 1, "diverged": 0, "crashed": 0}
    first = findings(table, ranking, {"f0": "a0", "f1": "b0"}, METRIC, counts, "")
    assert not any("a2" in sentence for sentence in first)
    assert ranking.set_index("factor").loc["f0", "range"] == pytest.approx(0.05, abs=0.01)


def test_a_level_that_met_few_others_is_not_mixed_in() -> None:
    """A leaky unit never dies: at one width of five, it would make every depth look better."""
    frame = full_grid([2, 5, 3], seeds=4)
    frame = frame[frame["f0"].eq("a0") | frame["f1"].eq("b2")].reset_index(drop=True)
    for factor in ("f1", "f2"):
        shared = shared_of(frame, factor)
        assert set(shared.cells["f0"]) == {"a0"} and not shared.partial
        assert shared.left_out == "with f0 a1"
    activation = shared_of(frame, "f0")
    assert set(activation.cells["f1"]) == {"b2"} and activation.whole == ["a0", "a1"]


def test_one_factor_designs_compare_on_the_baseline_of_the_others() -> None:
    frame = full_grid([3, 3, 3], seeds=3)
    changed = sum((frame[f] != frame[f].iloc[0]).astype(int) for f in factors_of(frame))
    shared = shared_of(frame[changed <= 1].reset_index(drop=True), "f1")
    assert shared.whole == ["b0", "b1", "b2"] and not shared.partial
    assert set(shared.cells["f0"]) == {"a0"} and len(shared.cells) == 9


def test_extra_seeds_of_two_levels_set_no_other_level_aside() -> None:
    frame = full_grid([4, 2], seeds=9)
    settled = frame["f0"].isin(["a0", "a1"]) | (frame["seed"] < 3)
    shared = shared_of(frame[settled].reset_index(drop=True), "f0")
    assert len(shared.whole) == 4 and set(shared.cells["seed"]) == {0, 1, 2}


def test_a_data_set_that_has_one_level_only_keeps_it() -> None:
    """Losses of regression never meet those of classification, and neither is rare for that."""
    frame = full_grid([3, 4], data_sets=2)
    of_data = frame["data"].eq("d0") == frame["f1"].ne("b3")
    shared = shared_of(frame[of_data].reset_index(drop=True), "f0")
    assert set(shared.cells["data"]) == {"d0", "d1"}
    assert set(shared.cells["f1"]) == {"b0", "b1", "b2", "b3"}


def test_a_sample_of_arms_keeps_every_pair() -> None:
    frame = full_grid([4, 5], seeds=3)
    arms = frame["f0"] + frame["f1"]
    drawn = np.random.default_rng(0).permutation(arms.unique())[:11]
    sample = frame[arms.isin(drawn)].reset_index(drop=True)
    shared = shared_of(sample, "f0", is_sampled=True)
    assert shared.cells is sample and len(shared.whole) == sample["f0"].nunique()
    assert effects_of(sample, is_sampled=True)["only"].isna().all()


@pytest.mark.whole
@given(st.lists(st.booleans(), min_size=24, max_size=24))
def test_levels_that_compare_have_the_same_cells(kept: list[bool]) -> None:
    grid = list(itertools.product("abc", "xy", "pq", [0, 1]))
    frame = pd.DataFrame(grid, columns=["f0", "f1", "data", "seed"])[kept].reset_index(drop=True)
    if frame.empty:
        return
    shared = stats.shared_cells(frame, frame["f0"], ["f1"], "a")
    places = shared.cells.groupby("f0")[["f1", "data", "seed"]].apply(
        lambda part: frozenset(map(tuple, part.to_numpy()))
    )
    assert places.nunique() <= 1
    assert set(shared.whole) | set(shared.partial) == set(frame["f0"])
    assert not set(shared.whole) & set(shared.partial) and set(shared.cells["f0"]) <= set(
        shared.whole
    )


@pytest.mark.parametrize(("blocks", "between"), [(3, 0.5), (5, 0.5), (10, 0.5), (5, 0.1)])
def test_bands_of_shares_hold_over_blocks(blocks: int, between: float) -> None:
    assert share_coverage(blocks, 12, between, 1000) >= 0.93
    assert share_coverage(blocks, 12, between, 1000, by_networks) < 0.9


@pytest.mark.slow
@pytest.mark.parametrize("blocks", [3, 5, 10, 20])
@pytest.mark.parametrize("between", [0.0, 0.1, 0.5, 0.9])
def test_bands_of_shares_hold_in_many_more_studies(blocks: int, between: float) -> None:
    assert share_coverage(blocks, 12, between, 20_000) >= 0.94
