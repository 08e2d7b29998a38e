"""Tests that stay honest however often one looks, for studies that were given more seeds.

"About 9 seeds would decide" is an invitation to look again, and a t test that is repeated until it
is sure is sure too often: of studies in which nothing differs, 11 in 100 end with a verdict. An
e-value is a bet against there being no difference whose winnings are fair at any moment: it
exceeds 1 / alpha ever in at most alpha of such studies (Ville), whoever looks, and when.
"""

import math
from functools import lru_cache

import numpy as np
import pandas as pd

from nnbench.stats.power import ALPHA, fewest, noncentrality_beyond

VARIANCE = 2.0  # of what a true difference may be, in standard deviations of one seed's
LEAST_SEEDS = 3


def e_value(t: np.ndarray | float, seeds: np.ndarray | int) -> np.ndarray:
    """Return the evidence of Student's t of so many seeds against a mean of zero.

    The likelihood of t where the standardised mean is drawn from a normal distribution of mean 0
    and variance v (`VARIANCE`), over its likelihood where it is zero. With n seeds and r = 1 + n v:
    r^(-1/2) [(1 + t^2 / (n - 1)) / (1 + t^2 / (r (n - 1)))]^(n / 2). It does not depend on the
    unit of the differences, and from seed to seed it is a fair bet. Sources: Lai 1976, On
    Confidence Sequences; Pérez-Ortiz, Lardy, de Heide and Grünwald 2024, E-Statistics, Group
    Invariance and Anytime-Valid Testing; Wang and Ramdas 2025, Anytime-Valid t-Tests and
    Confidence Sequences through Gaussian Mixture.
    """
    count = np.asarray(seeds, dtype=float)
    ratio, square = 1 + count * VARIANCE, np.asarray(t, dtype=float) ** 2 / (count - 1)
    odds = np.log1p(square) - np.log1p(square / ratio)
    return np.exp(count / 2 * odds - np.log(ratio) / 2)


def bound(seeds: np.ndarray | int, alpha: float = ALPHA) -> np.ndarray:
    """Return the |t| from which on the e-value is 1 / alpha; infinite where no t is enough."""
    count = np.asarray(seeds, dtype=float)
    ratio = 1 + count * VARIANCE
    needed = np.exp((np.log(ratio) / 2 - math.log(alpha)) * 2 / count)
    with np.errstate(divide="ignore", invalid="ignore"):
        square = (count - 1) * (needed - 1) / (1 - needed / ratio)
    return np.where(needed < ratio, np.sqrt(np.abs(square)), math.inf)


def seed_means(pairs: pd.DataFrame) -> np.ndarray:
    """Return the mean difference of each seed over the data sets, of seeds that have them all.

    pairs: `data, seed, difference`. Seeds are drawn alike, whatever the data sets' noise; blocks of
    several data sets are not.
    """
    table = pairs.dropna(subset=["difference"]).groupby(["seed", "data"])["difference"].mean()
    wide = table.unstack("data").dropna()
    return wide.mean(axis="columns").to_numpy(dtype=float)


def anytime_p(values: np.ndarray, threshold: float = 0.0) -> float:
    """Return the p, at any moment, of the values' mean lying on the threshold: 1 / e, at most 1."""
    spread = _deviation(values)
    if spread is None:
        return math.nan
    t = (values.mean() - threshold) / (spread / math.sqrt(len(values)))
    return min(1.0, 1.0 / float(e_value(t, len(values))))


def anytime_interval(values: np.ndarray, alpha: float = ALPHA) -> tuple[float, float]:
    """Return the interval that holds the mean at every moment in all but alpha of studies.

    The means whose e-value is under 1 / alpha. Infinite where so few seeds can exclude nothing,
    null where they do not differ.
    """
    spread = _deviation(values)
    if spread is None:
        return math.nan, math.nan
    reach = float(bound(len(values), alpha)) * spread / math.sqrt(len(values))
    return float(values.mean()) - reach, float(values.mean()) + reach


def _deviation(values: np.ndarray) -> float | None:
    if len(values) < LEAST_SEEDS:
        return None
    spread = float(values.std(ddof=1))
    return spread if spread > 1e-12 * max(1.0, float(np.abs(values).max())) else None


def seeds_to_settle(effect: float, deviation: float, alpha: float = ALPHA) -> int | None:
    """Return how many seeds settle a true difference as large as `effect`, by this rule.

    deviation: the standard deviation of one seed's difference. As many as bring the e-value to
    1 / alpha with 80 % power; None above 10,000. Who goes on until then, and looks before, has not
    spoilt anything.
    """
    size = abs(effect) / deviation

    def settles(count: int) -> bool:
        return size >= findable(count, alpha)

    return fewest(settles, above=LEAST_SEEDS - 1)


@lru_cache(maxsize=4096)
def findable(seeds: int, alpha: float) -> float:
    """Return the standardised difference that so many seeds find; infinite where they find none."""
    reach = float(bound(seeds, alpha))
    if math.isinf(reach):
        return math.inf
    return noncentrality_beyond(reach, seeds - 1) / math.sqrt(seeds)
