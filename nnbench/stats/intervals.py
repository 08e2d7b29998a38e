"""Intervals: a bootstrap over blocks for means, Wilson's for shares, Student's for few values.

Data sets weigh alike in a mean, whatever they lost.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit

from nnbench.stats.blocks import (
    Blocks,
    Labels,
    gather_blocks,
    mean_of,
    resampled_quantiles,
    spread_of,
    stretched_interval,
    times_drawn,
)

GeneratorFor = Callable[[str], np.random.Generator]
"""Purpose -> generator, so that one more level changes no other level's interval."""

NO_VALUE = "undefined: no value"
ALL_ALIKE = 6  # blocks: so many all fall on one side by chance in 3 of 100 cases, two-sided


@dataclass(frozen=True)
class Interval:
    """An estimate with its interval; where the interval is undefined, `reason` says why."""

    estimate: float
    low: float
    high: float
    blocks: int
    reason: str | None = None

    def scaled(self, scale: float) -> tuple[float, float, float]:
        """Return the estimate and its ends in another unit; the ends are null with a reason."""
        low, high = (math.nan, math.nan) if self.reason else (self.low, self.high)
        return scale * self.estimate, scale * low, scale * high


def bootstrap_interval(
    values: Sequence[float] | np.ndarray | pd.Series,
    strata: Labels,
    generator: np.random.Generator,
    level: float = 0.95,
    resamples: int = 10_000,
    blocks: Labels | None = None,
    expand: bool = True,
) -> Interval:
    """Return the mean of the strata's means and its bootstrap interval over blocks within strata.

    values: (n,) finite numbers. strata: (n,) data sets; each resample draws as many blocks from a
    stratum as it has. blocks: (n,) names of the blocks; without them every value is its own.
    expand: stretch for few blocks (`stretched_interval`); False is the plain percentile interval.
    Undefined, with the reason: no value, a stratum of one block, or blocks that are all equal.

    Simulated with 3, 5, 10 and 20 blocks in each of 1 to 3 data sets, "95 %" covers 94 to 96 %
    for normal values and for skewed ones (skewness 0.7), 93 to 95 % at skewness 1, and 91 to 94 %
    at skewness 1.4. The plain interval covers 75, 84 and 90 % at 3, 5 and 10 normal blocks.
    Source: Hesterberg 2015, What Teachers Should Know About
    the Bootstrap, sections 4.3 and 5.
    """
    column = np.asarray(values, dtype=float)
    if not len(column):
        return Interval(math.nan, math.nan, math.nan, 0, NO_VALUE)
    gathered = gather_blocks(column, strata, blocks)
    estimate, size = float(mean_of(gathered)[0]), len(gathered.strata)
    reason = why_undefined(gathered)
    if reason:
        return Interval(estimate, math.nan, math.nan, size, reason)
    drawn = times_drawn(gathered.strata, generator, resamples)
    if expand:
        low, high = stretched_interval(gathered, spread_of(gathered), drawn, level)
    else:
        low, high = resampled_quantiles(gathered, drawn, (1 - level) / 2)
    return Interval(estimate, float(low[0]), float(high[0]), size)


def column_intervals(
    blocks: Blocks, generator: np.random.Generator, resamples: int, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean, low and high of each column, (columns, 3), and why an interval is undefined.

    The columns share their resamples; the reasons, (columns,), are None where there is one.
    """
    mean = mean_of(blocks)
    result = np.full((len(mean), 3), math.nan)
    result[:, 0] = mean
    reasons = np.full(len(mean), None, dtype=object)
    if (blocks.per_stratum < 2).any():
        reasons[:] = why_undefined(blocks)
        return result, reasons
    moves = varies(blocks)
    reasons[~moves] = f"undefined: all {len(blocks.strata)} blocks equal"
    if moves.any():
        is_shared = blocks.sizes.shape[1] == 1
        sizes = blocks.sizes if is_shared else blocks.sizes[:, moves]
        kept = replace(blocks, sums=blocks.sums[:, moves], sizes=sizes)
        drawn = times_drawn(kept.strata, generator, resamples)
        low, high = stretched_interval(kept, spread_of(kept), drawn, level)
        result[moves, 1], result[moves, 2] = low, high
    return result, reasons


def why_undefined(blocks: Blocks) -> str | None:
    """Return why an interval over blocks of one column says nothing, or None where it does."""
    count = blocks.per_stratum
    if not len(count):
        return NO_VALUE
    if (count < 2).all():
        return "undefined: one block" if len(count) == 1 else "undefined: one block per data set"
    if (count < 2).any():
        return f"undefined: one block in {blocks.names[int(np.argmax(count < 2))]}"
    if not varies(blocks)[0]:
        return f"undefined: all {len(blocks.strata)} blocks equal"
    return None


def varies(blocks: Blocks) -> np.ndarray:
    """Return for each column whether its block means differ within any stratum, beyond rounding."""
    means = blocks.sums / blocks.sizes
    spread = np.zeros(means.shape[1])
    for stratum in range(len(blocks.per_stratum)):
        spread = np.maximum(spread, np.ptp(means[blocks.strata == stratum], axis=0))
    return spread > 1e-12 * np.maximum(1.0, np.abs(means).max(axis=0))


def unseen_share(blocks: int, level: float = 0.95) -> float:
    """Return up to which share of new blocks something may befall that befell none of so many.

    A collapse of one seed in ten goes unseen by five seeds in 59 of 100 studies, and no interval of
    a mean knows of it. One-sided: 1 - (1 - level)^(1 / blocks). Source: Clopper and Pearson 1934,
    The Use of Confidence or Fiducial Limits.
    """
    return 1 - (1 - level) ** (1 / blocks)


def wilson_interval(k: int, n: int, level: float = 0.95) -> Interval:
    """Return the share k of n with Wilson's score interval, which keeps within 0 and 1.

    Source: Wilson 1927, Probable Inference, the Law of Succession, and Statistical Inference.
    """
    if not n:
        return Interval(math.nan, math.nan, math.nan, 0, NO_VALUE)
    share, low, high = wilson_ends(np.array([k]), np.array([n]), level)
    return Interval(float(share[0]), float(low[0]), float(high[0]), n)


def wilson_ends(
    k: np.ndarray | pd.Series, n: np.ndarray | pd.Series, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return shares k of n and the ends of their Wilson intervals; null where n is 0.

    The ends at 0 and n are exact; rounding would leave them a hair inside.
    """
    count = np.where(np.asarray(n) > 0, np.asarray(n, dtype=float), math.nan)
    z = float(ndtri(0.5 + level / 2))
    share = np.asarray(k, dtype=float) / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    root = np.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    half = z / (1 + z * z / count) * root
    low = np.where(share == 0, 0.0, np.maximum(middle - half, 0.0))
    return share, low, np.where(share == 1, 1.0, np.minimum(middle + half, 1.0))


def student_intervals(
    frame: pd.DataFrame, by: Sequence[str], value: str, level: float = 0.95
) -> pd.DataFrame:
    """Return one row per group: `mean, low, high, k`, by Student's interval over the rows.

    One value alone has no interval: its ends are null.
    """
    table = frame.groupby(list(by), sort=False)[value].agg(["mean", "std", "count"]).reset_index()
    free = (table["count"] - 1).clip(lower=1)
    reach = stdtrit(free, 0.5 + level / 2) * table["std"] / np.sqrt(table["count"])
    table["low"], table["high"] = table["mean"] - reach, table["mean"] + reach
    return table.rename(columns={"count": "k"}).drop(columns="std")
