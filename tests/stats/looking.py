"""Simulated studies that are given more seeds as long as they are told that more would decide."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from nnbench.stats.anytime import LEAST_SEEDS, bound, findable
from nnbench.stats.power import ALPHA, noncentrality_for

MOST = 40


class Followed(NamedTuple):
    """What came of the studies: shares decided and decided for the wrong side, and mean seeds."""

    decided: float
    wrong: float
    seeds: float


def follow(
    rule: str, studies: int, mean: float = 0.0, start: int = 3, most: int = MOST
) -> Followed:
    """Follow "about N seeds would decide" from `start` seeds on, to `most` at most.

    rule: `t` tests anew at each look; `anytime` from the second one on by the e-value; `settle`
    from the first on, and at no more than twice the seeds each time. mean: the true difference, in
    standard deviations of one seed's.
    """
    values = np.random.default_rng(29).normal(mean, 1, (studies, most))
    count = np.arange(1, most + 1)
    means = values.cumsum(axis=1) / count
    squares = (values**2).cumsum(axis=1) - count * means**2
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = np.sqrt(squares / (count - 1))
    sizes = np.abs(means) / deviation
    seeds = np.full(studies, start)
    decided, active = np.zeros(studies, dtype=bool), np.ones(studies, dtype=bool)
    first = True
    while active.any():
        row = np.flatnonzero(active)
        size = sizes[row, seeds[row] - 1]
        reach = stdtrit(seeds[row] - 1, 1 - ALPHA / 2)
        if rule == "settle" or (rule == "anytime" and not first):
            reach = bound(seeds[row])
        sure = size * np.sqrt(seeds[row]) > reach
        decided[row[sure]] = True
        following = np.maximum(advised(rule, size, most), seeds[row] + 1)
        if rule == "settle":
            last = seeds[row] >= most
            following = np.where(last, most + 1, following.clip(max=2 * seeds[row]).clip(max=most))
        goes_on = ~sure & (following <= most)
        seeds[row[goes_on]] = following[goes_on]
        active[row[~goes_on]] = False
        first = False
    last = means[np.arange(studies), seeds - 1]
    wrong = decided & ((last < 0) if mean > 0 else True)
    return Followed(float(decided.mean()), float(wrong.mean()), float(seeds.mean()))


def advised(rule: str, size: np.ndarray, most: int) -> np.ndarray:
    """Return the seeds that settle differences of these sizes; more than `most` where those do not.

    With fewer seeds only a larger difference is found, so the least number is looked up.
    """
    counts = np.arange(LEAST_SEEDS, most + 1)
    if rule == "t":
        found = [noncentrality_for(n - 1) / n**0.5 for n in counts]
    else:
        found = [findable(int(n), ALPHA) for n in counts]
    rising = np.array(found)[::-1]
    enough = np.searchsorted(rising, size, side="right")
    return np.where(enough == 0, most + 1, most + 1 - enough)
