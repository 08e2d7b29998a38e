"""Ranks against scikit-posthocs and scipy, with diverged cells last."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import scikit_posthocs
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from nnbench import stats
from tests.searching import examples
from tests.stats.grids import full_grid, generator_for, lose

METRIC = "test_accuracy"


def problems_of(frame: pd.DataFrame, **options: object) -> pd.DataFrame:
    return stats.problem_scores(frame, ["f0"], METRIC, **options)  # type: ignore[arg-type]


def scores_of(frame: pd.DataFrame, **options: object) -> pd.DataFrame:
    return stats.block_scores(problems_of(frame, **options))


def stepped(levels: int, seeds: int, step: float = 0.01, random_seed: int = 0) -> pd.DataFrame:
    frame = full_grid([levels], seeds=seeds, random_seed=random_seed)
    return frame.assign(test_accuracy=frame[METRIC] + step * frame["f0"].str.slice(1).astype(int))


def test_friedmans_test_and_mean_ranks_equal_those_of_scipy() -> None:
    scores = scores_of(stepped(4, 8))
    columns = [scores[name].to_numpy() for name in scores]
    theirs = scipy.stats.friedmanchisquare(*columns)
    mine = stats.friedman(scores)
    assert (mine["statistic"], mine["p"]) == pytest.approx((theirs.statistic, theirs.pvalue))
    ranks = stats.mean_ranks(scores).set_index("arm")["mean_rank"]
    by_hand = scipy.stats.rankdata(-scores.to_numpy(), axis=1).mean(axis=0)
    assert list(ranks[list(scores.columns)]) == pytest.approx(list(by_hand))
    assert ranks.index[0] == "a3" and ranks.sum() == pytest.approx(4 * 5 / 2)


def test_pairwise_p_equal_those_of_scikit_posthocs() -> None:
    scores = scores_of(stepped(4, 9))
    melted = scores.melt(var_name="arm", value_name="score")
    theirs = scikit_posthocs.posthoc_wilcoxon(
        melted, val_col="score", group_col="arm", p_adjust="holm", sort=True
    )
    for row in stats.pairwise_ranks(scores).to_dict("records"):
        assert row["p_holm"] == pytest.approx(theirs.loc[row["first"], row["second"]], rel=1e-6)
        assert row["wins"] + row["losses"] + row["ties"] == 9


def test_a_diverged_cell_ranks_last_and_two_of_them_tie() -> None:
    frame = stepped(3, 6)
    frame = lose(frame, frame["f0"] == "a2")  # would be the best
    scores = scores_of(frame)
    ranks = stats.mean_ranks(scores).set_index("arm")["mean_rank"]
    assert ranks["a2"] == 3
    both = scores_of(lose(frame, frame["f0"] == "a1"))
    ranks = stats.mean_ranks(both).set_index("arm")["mean_rank"]
    assert ranks["a0"] == 1 and ranks["a1"] == ranks["a2"] == 2.5
    pair = stats.pairwise_ranks(both).set_index(["first", "second"]).loc[("a1", "a2")]
    assert pair["ties"] == 6 and pair["reason"] == "undefined: all 6 blocks tie"
    lost = stats.pairwise_ranks(both).set_index(["first", "second"]).loc[("a0", "a1")]
    assert lost["wins"] == 6 and lost["p"] == pytest.approx(2 / 2**6)


def test_lower_is_better_turns_the_ranks_around() -> None:
    frame = stepped(3, 5, step=0.5)
    frame = frame.assign(test_loss=frame[METRIC])
    scores = stats.block_scores(stats.problem_scores(frame, ["f0"], "test_loss"))
    assert list(stats.mean_ranks(scores)["arm"]) == ["a0", "a1", "a2"]


def test_other_factors_make_problems_of_which_blocks_average_the_ranks() -> None:
    frame = full_grid([3, 4], seeds=5)
    frame["test_accuracy"] += 0.1 * (frame["f0"] == "a1")
    lost = (frame["f0"] == "a1") & (frame["f1"] == "b0")
    scores = scores_of(lose(frame, lost), factors=["f0", "f1"])
    assert len(scores) == 5 and scores.attrs == {"problems": 20, "problems_used": 20}
    assert set(-scores["a1"]) == {(3 + 1 + 1 + 1) / 4}
    missing = frame[~(lost & (frame["seed"] == 0))]
    again = scores_of(missing, factors=["f0", "f1"])
    assert again.attrs == {"problems": 20, "problems_used": 19}
    with pytest.raises(ValueError, match="name the other factors"):
        scores_of(frame)


def test_a_pair_is_judged_by_itself_whoever_else_competes() -> None:
    values = [{"a": 0.9, "b": 0.8, "c": 0.7}] * 2 + [{"a": 0.7, "b": 0.9, "c": 0.8}] * 2
    rows = [
        {"data": "d", "seed": seed, "f0": arm, "f1": f"b{place}", "status": "ok", METRIC: value}
        for seed in range(8)
        for place, arms in enumerate(values)
        for arm, value in arms.items()
    ]
    frame = pd.DataFrame(rows)
    three = problems_of(frame, factors=["f0", "f1"])
    two = problems_of(frame[frame["f0"] != "c"], factors=["f0", "f1"])
    assert (stats.block_scores(three)["a"] < stats.block_scores(three)["b"]).all()  # by mean ranks
    row = stats.pairwise_ranks(three).iloc[0]
    assert row.equals(stats.pairwise_ranks(two).iloc[0])
    assert (row["wins"], row["losses"], row["ties"]) == (0, 0, 8) and not row["differs"]
    better = frame.assign(**{METRIC: frame[METRIC] + (frame["f0"] == "a") * (frame["f1"] == "b3")})
    row = stats.pairwise_ranks(problems_of(better, factors=["f0", "f1"])).iloc[0]
    assert (row["wins"], row["p"]) == (8, pytest.approx(2 / 2**8))


def test_a_pair_keeps_problems_that_a_third_did_not_meet() -> None:
    frame = full_grid([3, 2], seeds=6)
    kept = frame[~((frame["f0"] == "a2") & (frame["seed"] > 3))]
    pairs = stats.pairwise_ranks(problems_of(kept, factors=["f0", "f1"]))
    assert list(pairs["blocks"]) == [6, 4, 4]


@pytest.mark.parametrize(("step", "groups"), [(1.0, []), (0.0, [2])])
def test_of_two_contestants_their_pair_decides(step: float, groups: list[int]) -> None:
    assert [len(group) for group in cliques_of(stepped(2, 12, step))] == groups


def cliques_of(frame: pd.DataFrame) -> list[list[str]]:
    scores = scores_of(frame)
    ranks, pairs = stats.mean_ranks(scores), stats.pairwise_ranks(problems_of(frame))
    return stats.rank_cliques(ranks, pairs, stats.friedman(scores)["p"])


def test_cliques_join_neighbours_that_do_not_differ() -> None:
    frame = full_grid([4], seeds=12)
    level = frame["f0"].str.slice(1).astype(int)
    frame["test_accuracy"] += 0.1 * (level > 1)
    assert [sorted(group) for group in cliques_of(frame)] == [["a2", "a3"], ["a0", "a1"]]
    apart = stepped(4, 12, step=1.0)
    assert cliques_of(apart) == []
    assert [len(group) for group in cliques_of(full_grid([4], seeds=12))] == [4]


def test_cliques_overlap_and_are_maximal() -> None:
    ranks = pd.DataFrame({"arm": list("abcde"), "mean_rank": [1.0, 2, 3, 4, 5]})
    apart = [("a", "c"), ("a", "d"), ("a", "e"), ("b", "e")]
    pairs = pd.DataFrame(apart, columns=["first", "second"]).assign(differs=True)
    found = stats.rank_cliques(ranks, pairs, 0.001)
    assert found == [["a", "b"], ["b", "c", "d"], ["c", "d", "e"]]
    assert stats.rank_cliques(ranks, pairs, 0.2) == [list("abcde")]
    assert stats.rank_cliques(ranks, pairs, math.nan) == [list("abcde")]


@examples(60)
@given(st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5)).filter(lambda p: p[0] < p[1])))
def test_cliques_are_the_longest_runs_without_a_difference(apart: set[tuple[int, int]]) -> None:
    names = list("abcdef")
    ranks = pd.DataFrame({"arm": names, "mean_rank": range(6)})
    named = [(names[i], names[j]) for i, j in sorted(apart)]
    pairs = pd.DataFrame(named, columns=["first", "second"]).assign(differs=True)
    runs = [range(i, j) for i in range(6) for j in range(i + 2, 7)]
    whole = [run for run in runs if not any(i in run and j in run for i, j in apart)]
    longest = [r for r in whole if not any(set(r) < set(other) for other in whole)]
    assert stats.rank_cliques(ranks, pairs, 0.01) == [[names[i] for i in run] for run in longest]


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        (np.ones((4, 3)), "undefined: 4 blocks, but the test needs 5"),
        (np.ones((6, 2)), "undefined: 2 contestants, but the test needs 3"),
        (np.ones((6, 3)), "undefined: all 3 tie in every block"),
    ],
)
def test_friedmans_test_says_why_it_is_undefined(scores: np.ndarray, reason: str) -> None:
    test = stats.friedman(pd.DataFrame(scores))
    assert test["reason"] == reason and math.isnan(test["p"])


def test_pairwise_differences_are_paired_and_corrected_together() -> None:
    frame = stepped(3, 4, step=0.2)
    table = stats.pairwise_differences(frame, ["f0"], METRIC, generator_for)
    assert list(zip(table["first"], table["second"], strict=True)) == [
        ("a0", "a1"), ("a0", "a2"), ("a1", "a2")]  # fmt: skip
    assert set(table["verdict"]) == {"worse"} and set(table["comparisons"]) == {3}
    wide = frame.pivot(index="seed", columns="f0", values=METRIC)
    theirs = scipy.stats.ttest_rel(wide["a0"], wide["a2"])
    assert table.loc[1, "p"] == pytest.approx(theirs.pvalue)
    one = stats.pairwise_differences(frame[frame["f0"] == "a0"], ["f0"], METRIC, generator_for)
    assert one.empty


def test_more_contestants_than_anyone_reads_are_refused() -> None:
    frame = stepped(41, 2)
    with pytest.raises(ValueError, match="41 contestants: at most 40"):
        stats.pairwise_ranks(problems_of(frame))
    with pytest.raises(ValueError, match="41 contestants"):
        stats.pairwise_differences(frame, ["f0"], METRIC, generator_for)
