"""The signed-rank test against scipy, exactly where scipy is exact."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from nnbench.stats import signed_rank


@pytest.mark.parametrize("blocks", [5, 8, 20, 45])
def test_p_equals_scipys_exact_one(blocks: int) -> None:
    values = np.random.default_rng(blocks).normal(0.3, 1.0, size=blocks)
    theirs = scipy.stats.wilcoxon(values, method="exact")
    assert signed_rank(values).p == pytest.approx(theirs.pvalue, rel=1e-9)


def by_all_signs(values: np.ndarray) -> float:
    """Return the exact p given the ranks by going through every choice of signs."""
    ranks = scipy.stats.rankdata(np.abs(values))
    middle = ranks.sum() / 2
    found = abs(ranks[values > 0].sum() - middle)
    sums = [np.dot(ranks, signs) for signs in itertools.product((0, 1), repeat=len(ranks))]
    return float(np.mean(np.abs(np.array(sums) - middle) >= found - 1e-9))


@given(st.lists(st.integers(-4, 4).filter(bool), min_size=5, max_size=11))
def test_p_is_exact_with_ties_too(values: list[int]) -> None:
    column = np.array(values, dtype=float)
    assert signed_rank(column).p == pytest.approx(by_all_signs(column), rel=1e-9)


def test_beyond_100_blocks_the_normal_law_takes_over_without_a_jump() -> None:
    values = np.random.default_rng(1).normal(0.15, 1.0, size=101)
    exact, approximate = signed_rank(values[:100]).p, signed_rank(values).p
    theirs = scipy.stats.wilcoxon(values, method="asymptotic", correction=False).pvalue
    assert approximate == pytest.approx(theirs, rel=1e-9)
    nearly = scipy.stats.wilcoxon(values[:100], method="asymptotic", correction=False).pvalue
    assert exact == pytest.approx(nearly, rel=0.05)


def test_the_rank_correlation_is_the_share_for_less_the_share_against() -> None:
    assert signed_rank(np.arange(1.0, 7.0)).rank_biserial == 1
    assert signed_rank(-np.arange(1.0, 7.0)).rank_biserial == -1
    # Ranks 1 to 4 with signs + + + -: (6 - 4) / 10.
    assert signed_rank(np.array([1.0, 2.0, 3.0, -4.0])).rank_biserial == pytest.approx(0.2)


def test_zeros_are_left_out_and_infinite_differences_rank_last() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    assert signed_rank(np.append(values, [0.0, 1e-17])).p == signed_rank(values).p
    lost = np.array([0.1, 0.2, -0.3, 0.4, -np.inf])
    finite = np.array([0.1, 0.2, -0.3, 0.4, -9.0])
    assert signed_rank(lost) == signed_rank(finite)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([], "undefined: no value"),
        ([0.0, 0.0], "undefined: all 2 blocks tie"),
        ([1.0, 0.0], "undefined: 1 block differs, but the test needs 5"),
        ([1.0, 2.0, -1.0, 3.0], "undefined: 4 blocks differ, but the test needs 5"),
    ],
)
def test_too_few_blocks_give_a_reason_and_no_p(values: list[float], reason: str) -> None:
    test = signed_rank(np.array(values))
    assert test.reason == reason and math.isnan(test.p)


def test_ties_are_not_broken_by_rounding() -> None:
    """Ten blocks of two activations on iris, 30 rows tested: taken apart, the ties give 0.047."""
    right = np.array([[23, 25], [22, 25], [25, 24], [21, 26], [28, 28],
                      [22, 25], [14, 27], [23, 26], [23, 22], [24, 23]])  # fmt: skip
    first, second = (right / 30).T
    rounded = first - second
    assert len(np.unique(np.abs(rounded))) > len(np.unique(np.abs(right[:, 0] - right[:, 1])))
    assert signed_rank(rounded).p == pytest.approx(60 / 1024)
    assert signed_rank(rounded) == signed_rank((right[:, 0] - right[:, 1]).astype(float))
