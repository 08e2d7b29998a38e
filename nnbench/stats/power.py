"""What a design can find: the smallest detectable difference, and the seeds that settle one."""

import math
from bisect import bisect_left
from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaincinv, ndtr, stdtrit

ALPHA = 0.05
POWER = 0.8
MOST_SEEDS = 10_000

# Gauss-Legendre nodes on (0, 1): quantiles of the estimated error, and their weights.
_NODES, _HALVES = np.polynomial.legendre.leggauss(128)
QUANTILES, WEIGHTS = (_NODES + 1) / 2, _HALVES / 2


def noncentrality_for(freedom: float, alpha: float = ALPHA, power: float = POWER) -> float:
    """Return how many standard errors a true difference must be to be found with that power."""
    return noncentrality_beyond(float(stdtrit(freedom, 1 - alpha / 2)), freedom, power)


def noncentrality_beyond(bound: float, freedom: float, power: float = POWER) -> float:
    """Return how many standard errors bring |t| beyond the bound with that power.

    freedom: degrees of freedom, at least 1, not always whole. The chance given the estimated error
    is normal; it is averaged over what that estimate may be (scipy's noncentral t gives NaN where a
    tail is nearly 0). Source: Cohen 1988, Statistical Power Analysis for the Behavioral Sciences,
    chapter 2.
    """
    # of |t|, times the estimated over the true error, at each quantile of that
    bounds = bound * np.sqrt(2 * gammaincinv(freedom / 2, QUANTILES) / freedom)

    def missing(noncentrality: float) -> float:
        found = ndtr(noncentrality - bounds) + ndtr(-noncentrality - bounds)
        return float(found @ WEIGHTS) - power

    return brentq(missing, 0.0, float(bounds.max()) + 10.0, xtol=1e-9)


def detectable_difference(error: float, freedom: float, alpha: float = ALPHA) -> float:
    """Return the smallest true difference that this design finds with 80 % power, two-sided.

    error: standard error of the difference, in the metric's unit.
    """
    return noncentrality_for(freedom, alpha) * error


def seeds_needed(
    effect: float, error: float, freedom: float, seeds: float, alpha: float = ALPHA
) -> int | None:
    """Return how many seeds a data set would settle a true difference as large as `effect`.

    error and freedom are those that `seeds` seeds a data set gave: the squared error shrinks as
    1 / seeds and the degrees of freedom grow as seeds - 1. At least 2; None above 10,000, which
    no one runs, and for no difference at all. The observed effect is itself a guess: so is this.
    """

    def settles(count: int) -> bool:
        freedom_then = freedom * (count - 1) / (seeds - 1)
        error_then = error * math.sqrt(seeds / count)
        return abs(effect) >= detectable_difference(error_then, freedom_then, alpha)

    return fewest(settles, above=1)


def fewest(settles: Callable[[int], bool], above: int) -> int | None:
    """Return the least number of seeds, more than `above`, that settles it; None above 10,000."""
    if not settles(MOST_SEEDS):
        return None
    return bisect_left(range(MOST_SEEDS), True, lo=above + 1, key=settles)
