"""Wilcoxon's signed-rank test, exact with ties, and its matched-pairs rank correlation."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr
from scipy.stats import rankdata

LEAST_BLOCKS = 5  # with fewer the smallest p there can be is 1/8
EXACT_UP_TO = 100  # blocks; beyond it the normal law of the same ranks


@dataclass(frozen=True)
class SignedRank:
    """p (two-sided) and rank correlation, or the reason why there is no p."""

    p: float
    rank_biserial: float
    reason: str | None = None


def signed_rank(differences: np.ndarray) -> SignedRank:
    """Return Wilcoxon's signed-rank test of (blocks,) differences; infinite ones rank last.

    Zeros are left out (Wilcoxon's own rule), ties share their mean rank, and p is exact given the
    ranks up to 100 blocks: scipy has that for untied differences only. What differs by no more
    than rounding ties: 0.9 - 0.8 and 0.8 - 0.7 are one difference. The matched-pairs
    rank-biserial correlation is (W+ - W-) / (W+ + W-): 1 where every block agrees. Sources:
    Wilcoxon 1945, Individual Comparisons by Ranking Methods; Kerby 2014, The Simple Difference
    Formula.
    """
    finite = np.abs(differences[np.isfinite(differences)])
    rounding = 1e-12 * max(1.0, float(finite.max(initial=0.0)))
    moved = differences[np.abs(differences) > rounding]
    if not len(differences):
        return SignedRank(math.nan, math.nan, "undefined: no value")
    if not len(moved):
        return SignedRank(math.nan, math.nan, f"undefined: all {len(differences)} blocks tie")
    ranks = rankdata(_without_rounding(np.abs(moved), rounding))
    positive, total = float(ranks[moved > 0].sum()), float(ranks.sum())
    correlation = 2 * positive / total - 1
    if len(moved) < LEAST_BLOCKS:
        blocks = "1 block differs" if len(moved) == 1 else f"{len(moved)} blocks differ"
        reason = f"undefined: {blocks}, but the test needs {LEAST_BLOCKS}"
        return SignedRank(math.nan, correlation, reason)
    return SignedRank(_two_sided(ranks, positive), correlation)


def _without_rounding(sizes: np.ndarray, rounding: float) -> np.ndarray:
    """Number the sizes (blocks,) by rising order, those alike but for rounding with one number."""
    order = np.argsort(sizes, kind="stable")
    rising = sizes[order]
    steps = np.zeros(len(sizes), dtype=np.int64)
    steps[1:] = rising[1:] > rising[:-1] + rounding  # two infinite ones tie
    numbers = np.empty_like(steps)
    numbers[order] = np.cumsum(steps)
    return numbers


def _two_sided(ranks: np.ndarray, positive: float) -> float:
    """Return the chance of a rank sum at least as far from the middle, each sign being a coin."""
    total = float(ranks.sum())
    smaller = min(positive, total - positive)
    if len(ranks) > EXACT_UP_TO:
        z = (smaller - total / 2) / math.sqrt(float((ranks**2).sum()) / 4)
        return min(1.0, 2 * float(ndtr(z)))
    doubled = np.rint(2 * ranks).astype(int)  # mean ranks are halves
    chance = np.zeros(int(doubled.sum()) + 1)
    chance[0] = 1.0
    for rank in doubled:
        shifted = np.concatenate([np.zeros(rank), chance[:-rank]])
        chance = (chance + shifted) / 2
    return min(1.0, 2 * float(chance[: round(2 * smaller) + 1].sum()))
