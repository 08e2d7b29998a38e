"""Values gathered by block, many columns at once: means, standard errors, resampled quantiles.

Everything that states an interval or a p rests on these few functions, and so do the self-checks:
one column is one mean to be estimated, and a thousand columns are a thousand simulated studies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtr, stdtrit

Labels = Sequence[Any] | np.ndarray | pd.Series
COLUMNS_AT_ONCE = 400  # of resampled means: 10,000 of each take 32 MB


@dataclass(frozen=True)
class Blocks:
    """What each block adds up to. sums: (blocks, columns); strata: (blocks,) from 0 on.

    sizes: how many values each sum has, (blocks, columns), or (blocks, 1) for all columns alike.
    """

    sums: np.ndarray
    sizes: np.ndarray
    strata: np.ndarray
    names: Sequence[Any] = ()  # of the strata

    @property
    def per_stratum(self) -> np.ndarray:
        """Blocks in each stratum, (strata,)."""
        return np.bincount(self.strata)


@dataclass(frozen=True)
class Spread:
    """A mean with its uncertainty, each (columns,): standard error and degrees of freedom.

    test_freedom is for tests, `freedom` for intervals. plain_error is the standard error that a
    resampling of the blocks has, which is smaller: by sqrt((n - 1) / n) for n blocks in each
    stratum.
    """

    mean: np.ndarray
    error: np.ndarray
    freedom: np.ndarray
    plain_error: np.ndarray
    test_freedom: np.ndarray


def gather_blocks(values: np.ndarray, strata: Labels, blocks: Labels | None) -> Blocks:
    """Return values (n,) or (n, columns) added up by block within strata; each its own without."""
    stratum, names = pd.factorize(np.asarray(strata), sort=True, use_na_sentinel=False)
    keys = np.arange(len(values))
    if blocks is not None:
        keys, _ = pd.factorize(np.asarray(blocks), use_na_sentinel=False)
    pairs = stratum.astype(np.int64) * (int(keys.max(initial=0)) + 1) + keys
    found, index = np.unique(pairs, return_inverse=True)
    columns = values if values.ndim == 2 else values[:, None]
    sums = np.empty((len(found), columns.shape[1]))
    for place, column in enumerate(columns.T):
        sums[:, place] = np.bincount(index, column, len(found))
    sizes = np.bincount(index, minlength=len(found)).astype(float)
    of_stratum = found // (int(keys.max(initial=0)) + 1)
    return Blocks(sums, sizes[:, None], of_stratum, list(names))


def spread_of(blocks: Blocks) -> Spread:
    """Return the mean over the strata of each one's mean, and how far off it may be.

    Strata weigh alike, whatever they lost: a lost cell moves no weight to another data set. In a
    stratum a block that lost cells counts for less, so its mean is a ratio; its standard error is
    that of the linearised ratio. Degrees of freedom after Welch and Satterthwaite: data sets differ
    in their noise. They are estimated, and where one data set is much noisier than others too many:
    5 % is 6 % then, but the thousandths that a test of many comparisons goes by are three times
    too frequent. A test has two fewer, never less than the smallest stratum alone has; of one
    stratum nothing is estimated. Every stratum has at least two blocks. Source: Cochran 1977,
    Sampling Techniques, sections 5.4 and 6.3.
    """
    total = stratum_sums(np.broadcast_to(blocks.sizes, blocks.sums.shape), blocks.strata)
    means = stratum_sums(blocks.sums, blocks.strata) / total
    count = blocks.per_stratum[:, None]
    whole = total[blocks.strata] * len(total)
    away = (blocks.sums - means[blocks.strata] * blocks.sizes) / whole
    squares = stratum_sums(away**2, blocks.strata) - stratum_sums(away, blocks.strata) ** 2 / count
    squares = np.maximum(squares, 0.0)
    parts = squares * count / (count - 1)
    variance = parts.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = variance**2 / (parts**2 / (count - 1)).sum(axis=0)
    error, plain = np.sqrt(variance), np.sqrt(squares.sum(axis=0))
    test_freedom = np.maximum(freedom - 2, float(count.min()) - 1)
    return Spread(means.mean(axis=0), error, freedom, plain, test_freedom)


def mean_of(blocks: Blocks) -> np.ndarray:
    """Return the mean over the strata of each one's mean, (columns,)."""
    sums = stratum_sums(blocks.sums, blocks.strata)
    sizes = stratum_sums(blocks.sizes, blocks.strata)
    return (sums / sizes).mean(axis=0)


def stratum_sums(values: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Return the sums over the blocks of each stratum: (blocks, columns) -> (strata, columns)."""
    sums = np.zeros((int(strata.max()) + 1, values.shape[1]))
    np.add.at(sums, strata, values)
    return sums


def times_drawn(strata: np.ndarray, generator: np.random.Generator, resamples: int) -> np.ndarray:
    """Return how often each block is in each resample, (resamples, blocks).

    Each resample draws as many blocks from a stratum as it has, with replacement.
    """
    drawn = np.empty((resamples, len(strata)))
    for stratum in range(int(strata.max()) + 1):
        inside = strata == stratum
        size = int(inside.sum())
        drawn[:, inside] = generator.multinomial(size, np.full(size, 1 / size), size=resamples)
    return drawn


def resampled_quantiles(
    blocks: Blocks, drawn: np.ndarray, tail: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and upper `tail` quantile of each column's resampled means, (columns,).

    The means are those of `spread_of`: of each stratum, then over the strata.
    """
    columns = blocks.sums.shape[1]
    low, high = np.empty(columns), np.empty(columns)
    for start in range(0, columns, COLUMNS_AT_ONCE):
        part = slice(start, start + COLUMNS_AT_ONCE)
        sizes = blocks.sizes[:, part] if blocks.sizes.shape[1] > 1 else blocks.sizes
        means: Any = 0.0
        for stratum in range(len(blocks.per_stratum)):
            own = blocks.strata == stratum
            times = drawn[:, own].T
            means = means + (blocks.sums[own, part].T @ times) / (sizes[own].T @ times)
        means = means / len(blocks.per_stratum)
        low[part], high[part] = np.quantile(means, [tail, 1 - tail], axis=1)
    return low, high


def stretched_interval(
    blocks: Blocks, spread: Spread, drawn: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the bootstrap interval of each column's mean, stretched for few blocks.

    The percentile interval, each arm lengthened from the mean by t * error / (z * plain_error):
    a resampling knows neither that it lost a degree of freedom in each stratum nor that the
    standard error is itself a guess. For many blocks it becomes the percentile interval.
    """
    low, high = resampled_quantiles(blocks, drawn, (1 - level) / 2)
    quantile = stdtrit(spread.freedom, 0.5 + level / 2)
    stretch = quantile * spread.error / (ndtri(0.5 + level / 2) * spread.plain_error)
    return spread.mean - stretch * (spread.mean - low), spread.mean + stretch * (high - spread.mean)


def two_sided_p(spread: Spread) -> np.ndarray:
    """Return the p of a mean of zero by Student's t, (columns,); exactly 1 for a mean of zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.abs(spread.mean) / spread.error
    return np.where(spread.mean == 0, 1.0, 2 * stdtr(spread.test_freedom, -ratio))
