"""How sure a claim's mean difference is: its interval over blocks, and the seeds for a narrower."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.stats import beta

from nnbench.stats import Interval, bootstrap_interval
from nnbench.stats.anytime import anytime_interval, anytime_p, seed_means, seeds_to_settle
from nnbench.stats.blocks import Blocks, gather_blocks, spread_of, two_sided_p
from nnbench.stats.intervals import ALL_ALIKE, varies
from nnbench.stats.pairing import LARGEST
from nnbench.study.metrics import Metric


def interval_of(
    pairs: pd.DataFrame, metric: Metric, generator: np.random.Generator, is_one: bool = False
) -> Interval:
    """Return the mean difference with its 95 % interval over (data set, seed) blocks.

    pairs: rows with `data, seed, difference`, all finite. Differences of a share of walks lie
    within -1 and 1 and take few values: where such blocks do not differ within any data set, data
    sets are pooled. Where blocks all tie the interval is that of `alike_interval`; is_one: the two
    sides are one computation, so that the tie is no chance.
    """
    if pairs["difference"].abs().max() > LARGEST:
        size = pairs.groupby(["data", "seed"]).ngroups
        return Interval(math.nan, math.nan, math.nan, size, "numbers too large to average")
    found = bootstrap_interval(
        pairs["difference"], pairs["data"], generator, blocks=pairs["seed"].astype(str)
    )
    if found.reason is None:
        return found
    means, bounded = block_means(pairs), metric.counts_diverged
    alike = is_constant(means["difference"])
    if alike and len(means) > 1 and (bounded or means["difference"].abs().max() == 0):
        return alike_interval(found.estimate, len(means), metric, is_one)
    if bounded and len(means) >= ALL_ALIKE and not alike:
        blocks = means["data"] + "/" + means["seed"].astype(str)
        pooled = pd.Series("", index=means.index)
        return bootstrap_interval(means["difference"], pooled, generator, blocks=blocks)
    return found


def threshold_p(
    pairs: pd.DataFrame, interval: Interval, metric: Metric, threshold: float, is_one: bool = False
) -> float:
    """Return the two-sided p of the mean lying on the threshold, by the blocks of `interval_of`.

    Student's t over blocks within data sets, with the degrees of freedom of every test here
    (`spread_of`); of blocks that all tie, twice the chance that the exact bound leaves. NaN
    where there is no interval.
    """
    if interval.reason or math.isnan(interval.low):
        return math.nan
    means = block_means(pairs)
    if is_constant(means["difference"]):
        return _alike_p(interval.estimate, threshold, len(means), metric, is_one)
    blocks = _blocks(pairs)
    if not varies(blocks)[0]:  # pooled, as the interval is
        places = (means["data"] + "/" + means["seed"].astype(str)).to_numpy()
        blocks = gather_blocks(means["difference"].to_numpy(), np.zeros(len(means)), places)
    found = spread_of(blocks)
    return float(two_sided_p(replace(found, mean=found.mean - threshold))[0])


def at_any_time(
    pairs: pd.DataFrame, interval: Interval, threshold: float, p: float
) -> tuple[Interval, float]:
    """Return the interval and the p that hold however often one has looked, around the mean.

    By seeds, of which each has a mean over the data sets. Blocks that all tie need no other rule:
    who waits for n of them to be alike has waited for the first n - 1.
    """
    if interval.reason or is_constant(block_means(pairs)["difference"]):
        return interval, p
    values = seed_means(pairs)
    low, high = anytime_interval(values)
    if not math.isfinite(low):
        reason = "undefined: the seeds of all data sets are too few to decide after earlier looks"
        return replace(interval, low=math.nan, high=math.nan, reason=reason), math.nan
    return replace(interval, low=low, high=high), anytime_p(values, threshold)


def _alike_p(
    value: float, threshold: float, blocks: int, metric: Metric, is_one: bool = False
) -> float:
    """Return the p at which the interval of `alike_interval` ends at the threshold."""
    if value == threshold:
        return 1.0
    if is_one or math.isinf(metric.range):
        return 0.0
    sign = 1 if value > threshold else -1  # the share of blocks whose mean is on the threshold
    share = (metric.range + sign * threshold) / (metric.range + sign * value)
    return min(1.0, 2 * max(share, 0.0) ** blocks)


def _blocks(pairs: pd.DataFrame) -> Blocks:
    values = pairs["difference"].to_numpy(dtype=float)
    return gather_blocks(values, pairs["data"], pairs["seed"].astype(str))


def clipped(interval: Interval, most: float) -> Interval:
    """Return the interval without what lies beyond `most`, the largest difference there can be."""
    return replace(interval, low=max(interval.low, -most), high=min(interval.high, most))


def alike_interval(value: float, blocks: int, metric: Metric, is_one: bool = False) -> Interval:
    """Return the interval of a mean where all `blocks` blocks have one `value`.

    The share p of blocks with that value has an exact lower limit (Clopper and Pearson 1934, The
    Use of Confidence or Fiducial Limits), and all others are as far off as the metric's range
    allows. Metrics of any size have no such bound: of whole numbers nothing is said then, while
    two losses are equal to the last digit only where they come of one computation.
    """
    if blocks < ALL_ALIKE:
        reason = f"all {blocks} blocks are alike, which shows nothing with fewer than {ALL_ALIKE}"
        return Interval(value, math.nan, math.nan, blocks, reason)
    if is_one or (math.isinf(metric.range) and metric.values is float):
        return Interval(value, value, value, blocks)
    if math.isinf(metric.range):
        reason = f"all {blocks} blocks are alike, and nothing bounds how far others may differ"
        return Interval(value, math.nan, math.nan, blocks, reason)
    other = (1 - unseen_floor(blocks)) * metric.range
    kept = unseen_floor(blocks) * value
    return Interval(
        value, max(kept - other, -metric.range), min(kept + other, metric.range), blocks
    )


def unseen_floor(blocks: int) -> float:
    """Return the share that surely is like `blocks` blocks that are all alike: at 2.5 %."""
    return float(beta.ppf(0.025, blocks, 1))


def alike_blocks(margin: float, most: float, alpha: float) -> int | None:
    """Return how many blocks that all tie show that a mean lies within the margin, at alpha / 2."""
    if not 0 < margin < most or math.isinf(most):
        return None
    return max(math.ceil(math.log(alpha / 2) / math.log1p(-margin / most)), ALL_ALIKE)


def block_means(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the mean difference of each block: columns `data, seed, difference`."""
    return pairs.groupby(["data", "seed"], sort=True)["difference"].mean().reset_index()


def is_constant(values: pd.Series) -> bool:
    """Tell whether all values are one, rounding apart."""
    spread = float(np.ptp(values.to_numpy(dtype=float))) if len(values) else 0.0
    return spread <= 1e-12 * max(1.0, float(values.abs().max()) if len(values) else 1.0)


def seeds_for(pairs: pd.DataFrame, gap: float, alpha: float) -> int | None:
    """Return how many seeds would decide a claim whose mean is `gap` away from its threshold.

    As many as find a difference of `gap` with 80 % power, with the spread seen among these blocks,
    at the level alpha, and more than there are; by the rule for who looks again
    (`seeds_to_settle`). None where the spread is unknown, or even 10,000 would not do.
    """
    sizes = block_means(pairs).groupby("data").size()
    if gap <= 0 or (sizes < 2).any():
        return None
    spread = spread_of(_blocks(pairs))
    deviation = float(spread.error[0]) * math.sqrt(float(sizes.mean()))
    if not deviation > 0:
        return None
    needed = seeds_to_settle(gap, deviation, alpha)
    return None if needed is None else max(needed, math.ceil(sizes.mean()) + 1)
