"""Shares of variance against statsmodels' analysis of variance and closed forms."""

from __future__ import annotations

import math

import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.formula.api import ols

from nnbench import stats
from nnbench.stats import anova
from nnbench.stats.shares_squares import CONFOUNDED, TOO_FEW, square_forms
from tests.searching import examples
from tests.stats.grids import factors_of, full_grid, generator_for, lose
from tests.stats.simulated import seeds_component

METRIC = "test_accuracy"


def shares(frame: pd.DataFrame) -> pd.DataFrame:
    table = stats.variance_shares(frame, factors_of(frame), METRIC, generator_for)
    return table.set_index("term")


def planted(**options: object) -> pd.DataFrame:
    """Return a grid where f0 matters, f1 matters on one data set, and f0 and f1 interact."""
    frame = full_grid([3, 2, 2], data_sets=2, **options)  # type: ignore[arg-type]
    first, second = (frame[f].str.slice(1).astype(int) for f in ("f0", "f1"))
    moved = 0.03 * first + 0.02 * second * (frame["data"] == "d0") + 0.02 * first * second
    return frame.assign(test_accuracy=frame[METRIC] + moved + 0.2 * (frame["data"] == "d1"))


def table_of(frame: pd.DataFrame, formula: str, kind: int = 2) -> pd.Series:
    fitted = ols(formula, frame.assign(y=frame[METRIC].astype(float))).fit()
    found: pd.Series = sm.stats.anova_lm(fitted, typ=kind)["sum_sq"]
    return found


# A complete grid


@pytest.mark.parametrize("seeds", [1, 3])
def test_shares_of_a_full_grid_equal_the_sums_of_squares_of_statsmodels(seeds: int) -> None:
    frame = planted(seeds=seeds)
    formula = "y ~ C(data) + C(f0) + C(f1) + C(f2) + C(data):C(f0) + C(data):C(f1) + C(data):C(f2)"
    theirs = table_of(frame, formula + " + C(f0):C(f1) + C(f0):C(f2) + C(f1):C(f2)")
    total = ((frame[METRIC] - frame[METRIC].mean()) ** 2).sum()
    mine = shares(frame)["share"]
    for name, value in theirs.drop("Residual").items():
        term = str(name).replace("C(", "").replace(")", "").replace(":", stats.TERM_SEPARATOR)
        assert mine[term] == pytest.approx(value / total, rel=1e-8), term
    rest = mine["higher"] + (mine["seeds"] if seeds > 1 else 0)
    assert rest == pytest.approx(theirs["Residual"] / total, rel=1e-8)


def test_the_seeds_share_is_what_differs_between_cells_alike_in_all_else() -> None:
    frame = planted()
    within = frame.groupby(["data", *factors_of(frame)])[METRIC].var(ddof=0).mean()
    assert shares(frame).loc["seeds", "share"] == pytest.approx(within / frame[METRIC].var(ddof=0))


@examples(15)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(1, 3), st.integers(1, 4))
def test_shares_add_up_to_one_on_any_grid(levels: list[int], data_sets: int, seeds: int) -> None:
    if math.prod(levels) * data_sets * seeds < 2:
        return
    frame = full_grid(levels, data_sets=data_sets, seeds=seeds)
    table = shares(frame)
    assert table["share"].sum() == pytest.approx(1.0, abs=1e-9)
    known = table["within"].notna()
    if known.any() and table["kind"].isin(["factor", "seeds"]).any():
        assert table.loc[known, "within"].sum() == pytest.approx(1.0, abs=1e-9)
    assert (table["share"].dropna() > -1e-9).all()


def test_least_squares_gives_the_same_shares_on_a_complete_grid(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frame = planted()
    exact = shares(frame)
    monkeypatch.setattr(anova, "grid_forms", square_forms)
    fitted = shares(frame)
    assert fitted.loc["unattributed", "share"] == pytest.approx(0.0, abs=1e-9)
    for column in ("share", "within", "by_chance", "component", "component_low", "p"):
        mine, theirs = exact[column], fitted[column].drop("unattributed")
        pd.testing.assert_series_equal(mine, theirs[mine.index], atol=1e-8, check_names=False)


def test_the_share_within_data_sets_forgets_how_hard_each_is() -> None:
    frame = planted()
    harder = frame.assign(test_accuracy=frame[METRIC] - 5.0 * (frame["data"] == "d1"))
    one, other = shares(frame), shares(harder)
    assert other.loc["data", "share"] > 0.99 > one.loc["data", "share"]
    pd.testing.assert_series_equal(one["within"], other["within"], atol=1e-6)


@pytest.mark.whole
def test_noise_alone_holds_the_share_expected_by_chance() -> None:
    rows = [shares(full_grid([4, 3], seeds=4, random_seed=i)) for i in range(60)]
    mean = sum(table["share"] for table in rows) / len(rows)
    expected = sum(table["by_chance"] for table in rows) / len(rows)
    for term in ("f0", "f1", "f0 x f1"):
        assert mean[term] == pytest.approx(expected[term], rel=0.25)
    assert rows[0].loc["f0", "freedom"] == 3 and rows[0].loc["seeds", "freedom"] == 36


def test_components_are_shares_less_noise_and_add_up_to_one() -> None:
    frame = planted(seeds=6)
    table = shares(frame)
    noise = frame.groupby(["data", *factors_of(frame)])[METRIC].var().mean()
    total = (table["component"] / table["within"])["f0"]
    assert table.loc["f0", "component"] < table.loc["f0", "within"] and total > 0.9
    ratio = table.loc["seeds", "component"] / table.loc["f0", "component"]
    level = frame.groupby("f0")[METRIC].mean()
    spread = ((level - level.mean()) ** 2).mean() - 2 * noise / len(frame)
    assert ratio == pytest.approx(noise / spread, rel=0.02)
    clipped = table["component"].sum()
    assert clipped + 1e-9 >= 1 and clipped < 1.02  # what noise gives a row in excess is none of it


@pytest.mark.whole
@pytest.mark.parametrize(("seeds", "raw"), [(2, 0.25), (3, 0.35), (5, 0.4)])
def test_the_seeds_component_is_the_noise(seeds: int, raw: float) -> None:
    """Half of the variance is noise; the sum of squares alone says a quarter to two fifths."""
    rows = seeds_component(seeds, 40)
    assert rows["component"].mean() == pytest.approx(0.5, abs=0.06)
    assert rows["within"].mean() == pytest.approx(raw, abs=0.04)
    assert rows["component_low"].isna().all() == (seeds < anova.LEAST_SEEDS)


def covered_half(rows: pd.DataFrame, truth: float = 0.5) -> float:
    return float(((rows["component_low"] <= truth) & (truth <= rows["component_high"])).mean())


@pytest.mark.whole
def test_the_interval_covers_the_component_and_can_fail_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(anova, "RESAMPLES", 300)
    rows = seeds_component(6, 60)
    assert covered_half(rows) >= 0.82
    assert covered_half(rows, 0.95) < 0.7


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [5, 10, 20])
@pytest.mark.parametrize("data_sets", [1, 2])
def test_the_interval_covers_the_component_in_many_more_studies(seeds: int, data_sets: int) -> None:
    rows = seeds_component(seeds, 400, data_sets)
    assert covered_half(rows) >= 0.87
    assert rows["component"].mean() == pytest.approx(0.5, abs=0.03)


def test_few_seeds_have_components_and_no_interval() -> None:
    table = shares(planted(seeds=3))
    assert table["component"].drop("data").notna().all() and table["component_low"].isna().all()
    assert set(table["interval_reason"]) == {"undefined: 3 seeds, and 5 show how they vary"}
    assert table.loc["f0", "p"] < 1e-6 < table.loc["f2", "p"]


# An incomplete one


def test_type_two_shares_equal_those_of_statsmodels() -> None:
    frame = planted()
    lost = (frame["data"] == "d0") & (frame["f0"] == "a2") & (frame["f1"] == "b1")
    frame = lose(frame, lost & (frame["f2"] == "c0") & (frame["seed"] == 1))
    table = shares(frame)
    assert set(table["arms_used"]) == {23} and set(table["arms"]) == {24}
    kept = frame[~(lost & (frame["f2"] == "c0"))]
    formula = "y ~ C(data) + C(f0) + C(f1) + C(f2) + C(data):C(f0) + C(data):C(f1) + C(data):C(f2)"
    theirs = table_of(kept, formula + " + C(f0):C(f1) + C(f0):C(f2) + C(f1):C(f2)")
    total = ((kept[METRIC] - kept[METRIC].mean()) ** 2).sum()
    for name, value in theirs.drop("Residual").items():
        term = str(name).replace("C(", "").replace(")", "").replace(":", stats.TERM_SEPARATOR)
        assert table.loc[term, "share"] == pytest.approx(value / total, rel=1e-7), term
    assert table["share"].sum() == pytest.approx(1.0)
    assert table.loc["unattributed", "share"] != 0


def test_a_pair_whose_combination_is_gone_has_a_reason_and_no_share() -> None:
    frame = planted()
    gone = lose(frame, (frame["f0"] == "a2") & (frame["f1"] == "b1"))
    row = shares(gone).loc["f0 x f1"]
    assert math.isnan(row["share"])
    assert row["reason"] == "undefined: 5 of 6 combinations have all their cells"
    assert shares(gone).loc["f0 x f2", "share"] >= 0
    assert shares(gone)["share"].sum() == pytest.approx(1.0)


def test_a_level_wholly_lost_leaves_the_rest_a_complete_grid() -> None:
    frame = planted()
    lost = shares(lose(frame, frame["f0"] == "a2"))
    without = shares(frame[frame["f0"] != "a2"])
    pd.testing.assert_series_equal(lost["share"], without["share"], atol=1e-12)
    assert set(lost["arms_used"]) == {16} and set(lost["arms"]) == {24}
    alone = shares(lose(frame, frame["f1"] == "b1"))
    assert alone.loc["f1", "reason"] == "undefined: one level has all its cells"
    single = shares(frame[frame["f1"] == "b0"])
    assert single.loc["f1", "reason"] == "undefined: one level"


def test_a_one_factor_design_has_main_effects_and_no_pair() -> None:
    frame = planted()
    moved = sum((frame[f] != name).astype(int) for f, name in (("f0", "a0"), ("f1", "b0")))
    design = frame[(moved <= 1) & (frame["f2"] == "c0")].drop(columns="f2")
    table = shares(design)
    assert table.loc[["f0", "f1"], "share"].notna().all()
    assert table.loc["f0 x f1", "reason"] == "undefined: 4 of 6 combinations have all their cells"
    assert table.loc["data x f1", "share"] > 0
    assert table["share"].sum() == pytest.approx(1.0)


def test_a_small_sample_gives_main_effects_or_says_what_is_confounded() -> None:
    frame = full_grid([3, 3, 3])
    pairs = frame[["f0", "f1", "f2"]].agg("".join, axis=1)
    # A Latin square: every pair of levels is there once, and all is told apart but the pairs.
    square = frame[pairs.map(lambda arm: sum(int(d) for d in arm if d.isdigit()) % 3 == 0)]
    table = shares(square)
    assert table.loc[["f0", "f1", "f2"], "share"].notna().all()
    assert set(table.loc[table["kind"] == "pair", "reason"]) == {TOO_FEW}
    twins = frame[(frame["f0"].str.slice(1) == frame["f1"].str.slice(1)) & (frame["f2"] != "c2")]
    confounded = shares(twins)
    assert confounded.loc["f0", "reason"] == confounded.loc["f1", "reason"] == CONFOUNDED
    assert confounded.loc["f2", "share"] >= 0


# Degenerate, and divergence


def test_one_seed_has_shares_and_no_interval() -> None:
    table = shares(planted(seeds=1))
    assert table.loc["seeds", "reason"] == "undefined: one seed"
    assert table["component_low"].isna().all()
    assert table["component"].sum() == pytest.approx(table["within"].sum())
    assert set(table["interval_reason"]) == {"undefined: one seed"}
    assert table["share"].sum() == pytest.approx(1.0)


def test_nothing_to_share_says_why() -> None:
    frame = planted()
    flat = shares(frame.assign(test_accuracy=0.5))
    assert set(flat["reason"]) == {f"undefined: all {len(frame)} values equal"}
    gone = shares(lose(frame, frame["seed"] == 0))
    assert set(gone["reason"]) == {"undefined: none of 24 arms has all its cells"}
    assert stats.variance_shares(frame.iloc[:0], ["f0"], METRIC, generator_for).empty


def test_a_large_offset_costs_no_digits() -> None:
    frame = planted()
    moved = frame.assign(test_accuracy=frame[METRIC] + 1e6)
    expected = shares(frame)["share"]
    pd.testing.assert_series_equal(shares(moved)["share"], expected, rtol=1e-6, atol=1e-8)


def test_the_probability_of_diverging_has_shares_of_its_own() -> None:
    frame = planted()
    diverged = (frame["f0"] == "a2") & (frame["seed"] > 0)
    table = stats.divergence_shares(lose(frame, diverged), factors_of(frame), generator_for)
    mine = table.set_index("term")["share"]
    # 1 in a third of levels and two thirds of seeds: p = 2/9; between levels 2/27 * 4/3 of it.
    p = 2 / 9
    assert mine["f0"] == pytest.approx((2 / 3) ** 2 * (1 / 3) * (2 / 3) / (p * (1 - p)))
    assert mine["f0"] + mine["seeds"] == pytest.approx(1.0)
    none = stats.divergence_shares(frame, factors_of(frame), generator_for)
    assert set(none["reason"]) == {f"undefined: all {len(frame)} values equal"}
    crashed = lose(frame, frame["seed"] == 0, status="crashed")
    assert (stats.divergence_shares(crashed, ["f0"], generator_for)["arms_used"] == 0).all()
