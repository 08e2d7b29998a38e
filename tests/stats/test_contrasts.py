"""Paired comparisons against scipy and statsmodels, and the words that may be said of them."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from nnbench import stats
from nnbench.stats.anytime import findable
from tests.searching import examples
from tests.stats.grids import factors_of, full_grid, generator_for, lose

METRIC = "test_accuracy"


def pairs_of(differences: list[float], data: list[str] | None = None) -> pd.DataFrame:
    seeds = list(range(len(differences)))
    names = data or ["one"] * len(differences)
    pairs = pd.DataFrame({"data": names, "seed": seeds, "difference": differences})
    return pairs.assign(lost=False, lost_baseline=False)


def contrast(differences: list[float], data: list[str] | None = None) -> dict[str, object]:
    return stats.contrast(pairs_of(differences, data), METRIC, np.random.default_rng(0))


def effects_of(frame: pd.DataFrame) -> pd.DataFrame:
    levels = {f: list(dict.fromkeys(frame[f])) for f in factors_of(frame)}
    baselines = {f: names[0] for f, names in levels.items()}
    return stats.summarise_effects(frame, levels, baselines, METRIC, generator_for)


def test_p_and_size_of_one_data_set_are_those_of_the_paired_t_test() -> None:
    values = list(np.random.default_rng(0).normal(0.5, 1.0, size=8))
    row = contrast(values)
    theirs = scipy.stats.ttest_1samp(values, 0.0)
    assert row["p"] == pytest.approx(theirs.pvalue)
    assert row["effect_freedom"] == pytest.approx(theirs.df)
    assert row["cohen_d"] == pytest.approx(np.mean(values) / np.std(values, ddof=1))
    assert row["wilcoxon_p"] == pytest.approx(scipy.stats.wilcoxon(values).pvalue)
    assert (row["blocks"], row["seeds"], row["comparisons"]) == (8, 8, 1)


def test_p_of_two_data_sets_is_that_of_welchs_test_with_two_degrees_fewer() -> None:
    generator = np.random.default_rng(1)
    one, other = generator.normal(0.5, 1.0, size=5), generator.normal(0.9, 2.0, size=5)
    row = contrast([*one, *other], ["a"] * 5 + ["b"] * 5)
    # The mean of two means and half the difference of them have the same standard error.
    theirs = scipy.stats.ttest_ind(one, -other, equal_var=False)
    freedom = max(theirs.df - 2, 4)
    assert row["effect_freedom"] == pytest.approx(freedom) and freedom < theirs.df - 1
    assert row["p"] == pytest.approx(2 * scipy.stats.t.sf(abs(theirs.statistic), freedom))
    assert row["seeds"] == 5


def test_pairs_of_a_block_count_as_one_block() -> None:
    thrice = pd.concat([pairs_of([0.1, 0.2, 0.4])] * 3)
    row = stats.contrast(thrice, METRIC, np.random.default_rng(0))
    assert row["blocks"] == 3 and row["pairs"] == 9
    assert row["p"] == pytest.approx(contrast([0.1, 0.2, 0.4])["p"])


@pytest.mark.whole
@examples(12)  # theirs collects garbage each time, for long
@given(st.lists(st.floats(0, 1) | st.just(math.nan), max_size=12))
def test_holms_correction_is_that_of_statsmodels(values: list[float]) -> None:
    p = np.array(values, dtype=float)
    known = ~np.isnan(p)
    mine = stats.holm(p)
    assert np.isnan(mine[~known]).all()
    if known.any():
        np.testing.assert_allclose(mine[known], multipletests(p[known], method="holm")[1])


def test_the_family_is_all_contrasts_of_all_factors() -> None:
    frame = full_grid([4, 3], seeds=5)
    table = effects_of(frame)
    others = table[~table["baseline"]]
    assert set(others["comparisons"]) == {5}
    expected = multipletests(others["p"], method="holm")[1]
    np.testing.assert_allclose(others["p_holm"], expected)
    own = others[others["factor"] == "f1"]
    assert set(stats.correct_family(own, METRIC)["comparisons"]) == {2}


def test_an_interval_that_excludes_zero_takes_no_side_if_the_family_is_large() -> None:
    rows = pd.DataFrame([contrast([0.1, 0.2, 0.15, 0.25, 0.02])])
    assert rows["verdict"].iloc[0] == "better" and rows["note"].iloc[0] is None
    many = pd.concat([rows, *[pd.DataFrame([contrast([0.1, -0.1, 0.05, -0.06, 0.01])])] * 20])
    judged = stats.correct_family(many.reset_index(drop=True), METRIC).iloc[0]
    assert judged["effect_low"] > 0 and judged["p"] < 0.05 < judged["p_holm"]
    assert judged["verdict"] == "no clear difference"
    assert judged["note"].endswith("but not after correction for 21 comparisons")
    assert judged["detectable"] > rows["detectable"].iloc[0]
    assert judged["seeds_needed"] > judged["seeds"]


def test_a_bootstrap_and_a_t_test_that_disagree_take_no_side() -> None:
    row = contrast([-0.12, -0.001, -0.03, 0.002, -0.004, -0.02, -0.001, 0.001, -0.03, -0.004])
    assert row["effect_high"] < 0 and row["p"] > 0.05  # type: ignore[operator]
    assert row["verdict"] == "no clear difference"
    assert row["note"] == "the interval excludes zero, but the t test's p is 0.111"


@examples(40)
@given(
    st.lists(st.floats(-1, 1).map(lambda x: round(x, 3)), min_size=3, max_size=8),
    st.floats(0, 1),
    st.booleans(),
)
def test_no_side_without_both_the_interval_and_the_corrected_p(
    values: list[float], p: float, higher_is_better: bool
) -> None:
    row = contrast(values)
    effect = stats.Interval(*(row[k] for k in ("effect", "effect_low", "effect_high")), len(values),
                            row["effect_reason"])  # type: ignore[misc, arg-type]  # fmt: skip
    word = stats.verdict(effect, higher_is_better, p)
    if word in ("better", "worse"):
        assert p < 0.05 and not effect.low <= 0 <= effect.high
        assert (word == "better") == ((effect.estimate > 0) == higher_is_better)
    if row["verdict"] in ("better", "worse"):
        assert row["p_holm"] < 0.05 and row["effect_low"] * row["effect_high"] > 0  # type: ignore[operator]


def test_the_seeds_needed_settle_it_and_one_fewer_does_not() -> None:
    generator = np.random.default_rng(3)
    row = contrast(list(generator.normal(0.3, 1.0, size=6)))
    seeds, needed = row["seeds"], int(row["seeds_needed"])  # type: ignore[call-overload]
    assert needed > 6
    for count, settles in ((needed, True), (needed - 1, False)):
        deviation = row["effect_error"] * seeds**0.5  # type: ignore[operator]
        found = findable(count, 0.05) * deviation  # for who looks again
        assert (abs(row["effect"]) >= found) == settles  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("differences", "word", "reason"),
    [
        ([], "undefined", "undefined: no pair with the baseline"),
        ([math.nan, math.nan], "undefined", "undefined: none of 2 pairs has both values"),
        ([0.3], "undefined", "undefined: one block"),
        ([0.0, 0.0, 0.0], "tie", "undefined: all 3 blocks equal"),
        ([0.1, 0.1, 0.1], "undefined", "undefined: all 3 blocks equal"),
    ],
)
def test_what_cannot_be_compared_says_why(differences: list[float], word: str, reason: str) -> None:
    row = contrast(differences)
    assert row["verdict"] == word
    assert row["effect_reason"] == row["detectable_reason"] == row["seeds_reason"] == reason
    assert all(math.isnan(row[k]) for k in ("effect_low", "p", "p_holm", "detectable"))  # type: ignore[arg-type]
    assert row["comparisons"] == 0


def test_one_seed_on_each_of_two_data_sets_is_no_tie_even_where_the_mean_is_zero() -> None:
    row = contrast([0.1, -0.1], ["a", "b"])
    assert row["effect"] == 0 and row["verdict"] == "undefined"


def test_no_difference_would_need_endless_seeds() -> None:
    row = contrast([0.1, -0.1, 0.2, -0.2])
    assert math.isnan(row["seeds_needed"])  # type: ignore[arg-type]
    assert row["seeds_reason"] == "undefined: more than 10,000"
    assert row["detectable"] > 0.2  # type: ignore[operator]


def test_no_interval_and_no_detectable_difference_is_larger_than_the_metric_allows() -> None:
    pairs = pairs_of([0.9, 0.1])
    accuracy, loss = (
        stats.contrast(pairs, metric, np.random.default_rng(0))
        for metric in ("test_accuracy", "test_loss")
    )
    assert (accuracy["effect_low"], accuracy["effect_high"]) == (-1, 1)
    assert loss["effect_low"] < -1 and loss["effect_high"] > 1
    assert math.isnan(accuracy["detectable"]) and loss["detectable"] > 1
    assert accuracy["detectable_reason"] == "undefined: not even the largest possible difference"
    assert accuracy["seeds_needed"] == loss["seeds_needed"] and loss["detectable_reason"] is None


def test_a_level_wholly_diverged_is_undefined_among_others_that_are_not() -> None:
    frame = full_grid([3], seeds=5)
    frame["test_accuracy"] += 0.5 * (frame["f0"] == "a1")
    table = effects_of(lose(frame, frame["f0"] == "a2")).set_index("level")
    assert list(table["verdict"]) == ["baseline", "better", "undefined"]
    assert table.loc["a2", "effect_reason"] == "undefined: none of 5 pairs has both values"
    assert table.loc["a1", "comparisons"] == 1
    reasons = [c for c in table if str(c).endswith("_reason")]
    assert table.loc["a0", reasons].isna().all()


def test_a_study_without_factors_has_no_effects() -> None:
    frame = full_grid([2])
    assert stats.summarise_effects(frame, {}, {}, METRIC, generator_for).empty


def lost_pairs(differences: list[float], lost: int, lost_baseline: int = 0) -> pd.DataFrame:
    """Return the pairs, and as many more in which only one of the two has a result."""
    pairs = pairs_of([*differences, *[math.nan] * (lost + lost_baseline)])
    place = np.arange(len(pairs)) - len(differences)
    return pairs.assign(
        lost=(place >= 0) & (place < lost), lost_baseline=(place >= lost) & (place >= 0)
    )


def judged(pairs: pd.DataFrame, metric: str = METRIC) -> dict[str, object]:
    return stats.contrast(pairs, metric, np.random.default_rng(0))


AHEAD = [0.02, 0.03, 0.025, 0.035, 0.03, 0.02, 0.028, 0.024, 0.031, 0.027, 0.022, 0.029]


def test_the_side_that_lost_more_is_not_called_better_for_it() -> None:
    """16 of 28 lost: those that finished are ahead, and that says nothing of the level."""
    row = judged(lost_pairs(AHEAD, 16))
    assert row["effect_low"] > 0 and row["p"] < 0.001 < row["p_holm"]  # type: ignore[operator]
    assert row["verdict"] == "no clear difference"
    assert row["note"] == (
        "better of those that finished, but it alone has no result in 16 of 28 pairs, "
        "the other alone in 0"
    )
    assert math.isnan(row["seeds_needed"])  # type: ignore[arg-type]
    assert row["seeds_reason"] == "undefined: more networks lost on one side than on the other"
    lower = lost_pairs([-value for value in AHEAD], 16)
    assert judged(lower, "test_loss")["verdict"] == "no clear difference"


def test_a_difference_that_outweighs_what_was_lost_stands_and_says_of_whom() -> None:
    row = judged(lost_pairs(AHEAD, 1))
    assert row["verdict"] == "better"
    assert row["note"] == (
        "of those that finished: it alone has no result in 1 of 13 pairs, the other alone in 0"
    )


def test_losses_of_the_side_behind_and_losses_alike_change_no_verdict() -> None:
    for lost, lost_baseline in ((0, 8), (4, 4)):
        row = judged(lost_pairs(AHEAD, lost, lost_baseline))
        assert row["verdict"] == "better" and row["held_p"] == row["p"]
    behind = judged(lost_pairs([-value for value in AHEAD], 8))
    assert behind["verdict"] == "worse" and behind["held_p"] == behind["p"]


def test_a_baseline_that_lost_its_worst_makes_no_level_worse() -> None:
    row = judged(lost_pairs([-value for value in AHEAD], 0, 16))
    assert row["verdict"] == "no clear difference"
    assert str(row["note"]).startswith(
        "worse of those that finished, but it alone has no result in 0 of 28 pairs"
    )


def test_data_sets_weigh_alike_whatever_they_lost() -> None:
    frame = full_grid([2], data_sets=2, seeds=6)
    shift = frame["data"].map({"d0": 0.0, "d1": 0.1}) * frame["f0"].eq("a1")
    moved = frame.assign(test_accuracy=frame[METRIC] + shift)
    whole = effects_of(moved).iloc[1]
    part = effects_of(lose(moved, frame["data"].eq("d1") & (frame["seed"] > 2))).iloc[1]
    assert whole["effect"] == pytest.approx(0.05, abs=0.01)
    assert part["effect"] == pytest.approx(0.05, abs=0.01)
    assert part["mean"] == pytest.approx(whole["mean"], abs=0.01) and part["pairs_used"] == 9


def test_the_seeds_that_would_settle_count_those_that_will_be_lost() -> None:
    values = [0.02, -0.01, 0.03, -0.02, 0.01, 0.02]
    alone = judged(pairs_of(values))
    both = lost_pairs(values, 3, 3)
    assert judged(both)["seeds_needed"] == pytest.approx(2 * float(str(alone["seeds_needed"])))
