"""Claims: every branch of a verdict against cells made to have it, and against other arithmetic."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from nnbench.report.claims.sentences import sentence_of
from nnbench.stats.anytime import bound
from nnbench.stats.claims import VERDICTS, judge_all
from nnbench.stats.claims.pairs import pair_sides
from nnbench.stats.claims.spread import interval_of
from nnbench.stats.claims.verdict import equated_word, ranked_word
from tests.searching import examples
from tests.stats.claims.claim_cells import around, better, cell, frame, judge, same, study, two_arms

# Words from intervals -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "by", "word"),
    [
        (0.01, 0.03, 0.0, "supported"),
        (-0.03, -0.01, 0.0, "contradicted"),
        (-0.01, 0.03, 0.0, "undecided"),
        (0.0, 0.03, 0.0, "undecided"),
        (-0.03, 0.0, 0.0, "undecided"),
        (0.06, 0.09, 0.05, "supported"),
        (0.05, 0.09, 0.05, "supported"),
        (0.01, 0.04, 0.05, "contradicted"),
        (0.01, 0.06, 0.05, "undecided"),
        (0.01, 0.05, 0.05, "undecided"),
        (-0.01, 0.03, -0.02, "supported"),
        (-0.02, -0.01, -0.02, "supported"),
        (-0.03, 0.03, -0.02, "undecided"),
        (-0.05, -0.03, -0.02, "contradicted"),
    ],
)
def test_better_is_read_off_the_interval(low: float, high: float, by: float, word: str) -> None:
    assert ranked_word(low, high, by) == word


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (-0.01, 0.015, "supported"),
        (-0.02, 0.01, "undecided"),
        (-0.03, 0.01, "undecided"),
        (0.021, 0.05, "contradicted"),
        (-0.05, -0.021, "contradicted"),
        (0.02, 0.05, "undecided"),
        (-0.05, 0.05, "undecided"),
    ],
)
def test_same_is_read_off_the_interval(low: float, high: float, word: str) -> None:
    assert equated_word(low, high, 0.02) == word


# Differences --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mean", "claim", "word"),
    [
        (0.05, better(), "supported"),
        (-0.05, better(), "contradicted"),
        (0.002, better(), "undecided"),
        (0.05, better(by=0.03), "supported"),
        (0.02, better(by=0.05), "contradicted"),
        (0.05, better(by=0.05), "undecided"),
        (0.0, same(0.02), "supported"),
        (0.06, same(0.02), "contradicted"),
        (-0.06, same(0.02), "contradicted"),
        (0.02, same(0.02), "undecided"),
    ],
)
def test_planted_differences_get_their_verdict(
    mean: float, claim: dict[str, Any], word: str
) -> None:
    found = judge(claim, two_arms(around(mean)), study())
    assert found.verdict == word
    assert found.effect == pytest.approx(mean, abs=1e-12)
    assert (found.n_ok, found.n, found.blocks, found.reason) == (10, 10, 10, "")


def test_the_interval_agrees_with_students() -> None:
    differences = around(0.01, 0.02)
    found = judge(better(), two_arms(differences), study())
    theirs = scipy_stats.ttest_1samp(differences, 0).confidence_interval(0.95)
    width = theirs.high - theirs.low
    assert found.low == pytest.approx(theirs.low, abs=0.15 * width)
    assert found.high == pytest.approx(theirs.high, abs=0.15 * width)


def test_of_a_loss_the_lower_is_better() -> None:
    cells = two_arms(around(0.05))  # test_loss is 1 - test_accuracy
    assert judge(better(metric="test_loss"), cells, study()).verdict == "supported"
    assert judge(better(metric="test_loss"), cells, study()).effect == pytest.approx(0.05)


def test_more_seeds_are_asked_for_by_a_noisier_study() -> None:
    calm = judge(better(), two_arms(around(0.005, 0.01)), study())
    noisy = judge(better(), two_arms(around(0.005, 0.04)), study())
    assert calm.verdict == noisy.verdict == "undecided"
    assert calm.seeds_needed is not None and noisy.seeds_needed is not None
    assert 10 < calm.seeds_needed < noisy.seeds_needed
    # (bound + z(0.8))^2 spread^2 / effect^2: where the e-value of that many seeds is enough
    spread = float(np.std(around(0.005, 0.04), ddof=1))
    normal = (float(bound(noisy.seeds_needed)) + 0.8416) ** 2 * spread**2 / 0.005**2
    assert noisy.seeds_needed == pytest.approx(normal, rel=0.02, abs=4)
    assert judge(better(), two_arms(around(0.05)), study()).seeds_needed is None


def test_an_interval_depends_on_neither_row_order_nor_other_claims() -> None:
    cells = two_arms(around(0.003))
    alone = judge(better(), cells, study())
    shuffled = cells.sample(frac=1, random_state=1)
    assert judge(better(), shuffled, study()) == alone
    both = study(claims=[same(0.01, text="another"), better()])
    beside = judge_all(both, cells)[1]
    numbers = ("effect", "low", "high", "p", "n_ok", "blocks")
    assert [getattr(beside, n) for n in numbers] == [getattr(alone, n) for n in numbers]
    assert (alone.claims, beside.claims) == (1, 2)  # one of two needs more seeds
    assert alone.seeds_needed is not None and beside.seeds_needed is not None
    assert alone.seeds_needed < beside.seeds_needed


# Divergence ---------------------------------------------------------------------------------------


def flipped(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the cells with the two arms' names exchanged."""
    return cells.assign(activation=cells["activation"].map({"relu": "tanh", "tanh": "relu"}))


def test_a_side_that_always_diverges_loses_without_an_effect() -> None:
    cells = two_arms([None] * 5)
    found = judge(better(), cells, study())
    assert (found.verdict, found.n_ok, found.n) == ("contradicted", 0, 5)
    assert math.isnan(found.effect) and math.isnan(found.low)
    assert "tanh diverged in 5" in found.reason and "divergence decides" in found.reason
    assert judge(better(), flipped(cells), study()).verdict == "supported"
    assert judge(same(0.5), cells, study()).verdict == "contradicted"


def test_three_blocks_do_not_tell_a_diverging_side_from_chance() -> None:
    """Wilson's intervals of 3 of 3 and 0 of 3 overlap (0.44 and 0.56); those of 4 do not."""
    found = judge(better(), two_arms([None] * 3), study())
    assert (found.verdict, found.n_ok) == ("undecided", 0)
    assert judge(better(), two_arms([None] * 4), study()).verdict == "contradicted"


def test_lost_pairs_are_counted_and_said() -> None:
    found = judge(better(), two_arms([None, *around(0.05, n=9)]), study())
    assert (found.verdict, found.n_ok, found.n) == ("supported", 9, 10)
    assert found.reason == "of 10 pairs, tanh diverged in 1"


def test_divergence_withdraws_what_the_survivors_say() -> None:
    cells = two_arms([*around(0.05, n=6), *[None] * 6])
    found = judge(better(), cells, study())
    assert found.verdict == "undecided"
    assert "by the pairs that finished it would be supported" in found.reason
    # the other way round the lost pairs agree with the survivors
    assert judge(better(), flipped(two_arms([*around(-0.05, n=6), *[None] * 6])), study()).verdict
    agreeing = flipped(two_arms([*around(-0.05, n=6), *[None] * 6]))
    assert judge(better(), agreeing, study()).verdict == "supported"
    nearly = two_arms([*around(0.0, n=6), *[None] * 6])
    assert judge(same(0.1), nearly, study()).verdict == "contradicted"


def test_a_crash_says_nothing() -> None:
    cells = two_arms([None] * 6).assign(status=lambda t: t["status"].replace("diverged", "crashed"))
    found = judge(better(), cells, study())
    assert (found.verdict, found.n_ok, found.n) == ("undecided", 0, 6)
    assert "6 have no result" in found.reason


# What cannot be judged ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "claim", "reason"),
    [
        (two_arms([0.05]), better(), "one seed shows no variation"),
        (two_arms([0.05], data=("digits", "moons")), better(), "one seed shows no variation"),
        (two_arms([0.0] * 8), better(), "none of 8 pairs differs"),
        (two_arms([0.0] * 3), better(), "none of 3 pairs differs"),
        (two_arms([0.0] * 3), same(0.1), "none of 3 pairs differs, but that is only 3 blocks"),
        (two_arms(around(0.05)), better(than={"activation": "gelu"}), "no cell matches both than"),
        (two_arms(around(0.05)), better(where={"depth": 99}), "no cell matches both better"),
        (two_arms(around(0.05)), better(metric="test_r2"), "no cell has a test R²"),
        (two_arms(around(0.05)), better(metric="final_value"), "the results have no final_value"),
        (two_arms(around(0.05)), better(metric="beauty"), "the results have no beauty"),
        (two_arms(around(0.05)).query("activation == 'tanh' or seed > 20"), better(), "both than"),
        (two_arms(around(0.05)).iloc[:0], better(), "no cell"),
        (two_arms(around(0.05)), better(metric="epochs_to_target"), "neither side ever arrived"),
    ],
)
def test_what_cannot_be_judged_is_undecided_with_a_reason(
    cells: pd.DataFrame, claim: dict[str, Any], reason: str
) -> None:
    found = judge(claim, cells, study())
    assert found.verdict == "undecided"
    assert reason in found.reason
    assert math.isnan(found.low) or found.low == found.high == 0


def test_cells_without_a_partner_make_no_pair() -> None:
    cells = two_arms(around(0.05))
    apart = cells.assign(depth=np.where(cells["activation"] == "tanh", 8, 2))
    found = judge(better(), apart, study())
    assert (found.verdict, found.n) == ("undecided", 0)
    assert "no cell has a partner" in found.reason


def test_six_blocks_that_tie_are_the_same() -> None:
    six = judge(same(0.01), two_arms([0.0] * 6), study())
    assert (six.verdict, six.effect, six.low, six.high) == ("supported", 0, 0, 0)
    five = judge(same(0.01), two_arms([0.0] * 5), study())
    assert (five.verdict, five.seeds_needed) == ("undecided", 6)


def test_differences_that_are_all_alike_show_no_chance() -> None:
    cells = two_arms([0.05] * 8).assign(test_accuracy=lambda t: t["test_accuracy"].round(1))
    cells.loc[cells["activation"] == "tanh", "test_accuracy"] = 0.9
    found = judge(better(), cells, study())
    assert (found.verdict, found.effect) == ("undecided", pytest.approx(0.1))
    assert "all 8 pairs differ by the same amount" in found.reason
    assert found.seeds_needed is None


@pytest.mark.parametrize("blocks", [5, 6, 8])
def test_ties_promise_no_verdict_on_better_from_more_of_them(blocks: int) -> None:
    found = judge(better(), two_arms([0.0] * blocks), study())
    assert (found.verdict, found.seeds_needed) == ("undecided", None)
    assert found.reason == f"none of {blocks} pairs differs"


def test_cells_timed_together_have_one_timing() -> None:
    found = judge(better(metric="seconds"), two_arms(around(0.0)), study())
    assert (found.verdict, found.effect, found.blocks) == ("undecided", pytest.approx(-0.1), 1)
    assert "were timed together" in found.reason
    apart = two_arms(around(0.0))
    apart["seconds"] += np.resize([0.001, 0.003, 0.002, 0.005], len(apart)) * apart["seed"]
    assert judge(better(metric="seconds"), apart, study()).verdict == "contradicted"


@pytest.mark.parametrize(
    ("mean", "word", "words"),
    [
        (-0.005, "supported", "claimed: worse by less than 2 points, if at all."),
        (0.03, "supported", "claimed: worse by less than 2 points, if at all."),
        (
            -0.02,
            "undecided",
            "by less than 2 points, if at all, which the interval leaves open",
        ),
        (-0.04, "contradicted", "claimed: worse by less than 2 points, if at all."),
    ],
)
def test_as_good_allows_to_be_worse_by_the_margin(mean: float, word: str, words: str) -> None:
    claim = better(margin=0.02)
    found = judge(claim, two_arms(around(mean)), study())
    assert found.verdict == word
    assert words in sentence_of(found, claim)


def test_a_sentence_agrees_with_its_noun() -> None:
    cells = two_arms(around(0.1))
    cells = cells.assign(sharpness_end=-cells["test_accuracy"])
    claim = better(metric="sharpness_end")
    said = sentence_of(judge(claim, cells, study()), claim)
    assert said.startswith("Supported: sharpness at the end is lower by 0.1")
    claim = better(metric="epochs_run")
    cells["epochs_run"] = -cells["test_accuracy"]
    assert "epochs run are lower by" in sentence_of(judge(claim, cells, study()), claim)


# Chance -------------------------------------------------------------------------------------------


def decided(mean: float, n: int, generator: np.random.Generator, **claim: float) -> list[str]:
    """Return the verdicts of 150 studies of n blocks drawn around one true difference."""
    words = []
    for _ in range(150):
        pairs = pd.DataFrame({"data": "digits", "seed": range(n)})
        pairs["difference"] = generator.normal(mean, 0.01, n)
        found = interval_of(pairs, False, generator)
        if "margin" in claim:
            words.append(equated_word(found.low, found.high, claim["margin"]))
        else:
            words.append(ranked_word(found.low, found.high, claim["by"]))
    return words


@pytest.mark.whole
@pytest.mark.parametrize("by", [0.0, 0.03])
def test_where_only_chance_is_at_work_few_claims_are_decided(by: float) -> None:
    words = decided(by, 6, np.random.default_rng(1), by=by)
    assert len(words) - words.count("undecided") <= 16  # 5 % of 150 are 7.5, and 3 sigma 8
    found = decided(by + 0.015, 6, np.random.default_rng(1), by=by)
    assert found.count("supported") > 75, "a real difference must be found"


@pytest.mark.whole
def test_what_lies_at_the_margin_is_seldom_called_the_same() -> None:
    words = decided(0.03, 6, np.random.default_rng(2), margin=0.03)
    assert words.count("supported") <= 9  # 2.5 % of 150 are 4, and 3 sigma 6
    assert words.count("contradicted") <= 9
    assert decided(0.0, 6, np.random.default_rng(2), margin=0.03).count("supported") > 125


@pytest.mark.whole
def test_whole_judgements_of_nothing_are_seldom_decided() -> None:
    generator = np.random.default_rng(3)
    words = [
        judge(better(), two_arms(generator.normal(0, 0.01, 8).tolist()), study()).verdict
        for _ in range(40)
    ]
    assert 40 - words.count("undecided") <= 7  # 5 % of 40 are 2; more than 7 in 1 of 1,000


def test_pairs_name_why_there_are_none() -> None:
    found = pair_sides(better(metric="beauty"), two_arms(around(0.0)), study())
    assert found.table.empty and "beauty" in found.reason


# Whatever the cells -------------------------------------------------------------------------------

STATUSES = ["ok", "ok", "ok", "diverged", "crashed"]
VALUES = [0.5, 0.9, 0.9, 0.0, 1e308, -1e308, math.inf, math.nan, None]


@pytest.mark.whole
@examples(40)
@example([("relu", seed, "digits", "ok", 1e308) for seed in (0, 1)], better(), "training")
@example(
    [("relu", seed, "digits", "ok", 1e308) for seed in (0, 1)]
    + [("tanh", seed, "digits", "diverged", None) for seed in (0, 1)],
    better(),
    "training",
)
@example(
    [(name, seed, "digits", "ok", 1e308) for name in ("relu", "tanh") for seed in (0, 1)],
    better(where={"seed": [0, 1]}),
    "training",
)
@example(
    [
        (name, 0, data, "ok", sign * 1e308)
        for name in ("relu", "tanh")
        for sign, data in ((1, "digits"), (-1, "moons"))
    ],
    better(better={"data": "digits"}, than={"data": "moons"}),
    "landscape",
)
@example(  # a time without a partner, in a study whose blocks are the times themselves
    [("relu", 0, "digits", "ok", math.inf)]
    + [(name, 1, "digits", "ok", 0.5) for name in ("relu", "tanh")]
    + [("tanh", 0, "digits", "ok", 0.5)],
    better(metric="seconds"),
    "numerics",
)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["relu", "tanh", "gelu"]),
            st.integers(0, 6),
            st.sampled_from(["digits", "moons", None]),
            st.sampled_from(STATUSES),
            st.sampled_from(VALUES),
        ),
        max_size=24,
        unique_by=lambda row: row[:3],
    ),
    claim=st.sampled_from(
        [
            better(),
            better(by=0.3),
            same(0.2),
            better(metric="epochs_to_target"),
            same(2.0, metric="epochs_to_target"),
            better(metric="seconds"),
            better(where={"seed": [0, 1]}),
            better(better={"data": "digits"}, than={"data": "moons"}),
        ]
    ),
    kind=st.sampled_from(["training", "landscape", "numerics"]),
)
def test_no_cells_make_judgement_fail(
    rows: list[tuple[str, int, str, str, float | None]], claim: dict[str, Any], kind: str
) -> None:
    cells = frame(
        [
            cell(
                name,
                seed,
                0.5,
                data=data,
                status=status,
                test_accuracy=value,
                epochs_to_target=value,
                seconds=value,
            )
            for name, seed, data, status, value in rows
        ]
        or [cell("relu", 0, 0.5)]
    )
    found = judge(claim, cells, study(kind=kind))
    assert found.verdict in VERDICTS
    assert 0 <= found.n_ok <= found.n
    if found.verdict == "undecided":
        assert found.reason or not math.isnan(found.low)
    if not math.isnan(found.low):
        assert found.low <= found.high
    assert sentence_of(found, claim).startswith(found.verdict.capitalize())
