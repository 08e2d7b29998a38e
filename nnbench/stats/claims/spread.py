"""How sure a claim's mean difference is: its interval over blocks, and the seeds for a narrower."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.stats import beta

from nnbench.stats import Interval, bootstrap_interval
from nnbench.stats.blocks import gather_blocks, spread_of
from nnbench.stats.pairing import LARGEST
from nnbench.stats.power import seeds_needed

ALL_ALIKE = 6  # blocks: so many all fall on one side by chance in 3 of 100 cases, two-sided


def interval_of(pairs: pd.DataFrame, bounded: bool, generator: np.random.Generator) -> Interval:
    """Return the mean difference with its 95 % interval over (data set, seed) blocks.

    pairs: rows with `data, seed, difference`, all finite. bounded: differences lie within -1 and 1
    and take few values, as those of shares do. Where such blocks do not differ within any data
    set, data sets are pooled; where none differs at all, the interval is that of `alike_interval`.
    """
    if pairs["difference"].abs().max() > LARGEST:
        size = pairs.groupby(["data", "seed"]).ngroups
        return Interval(math.nan, math.nan, math.nan, size, "numbers too large to average")
    found = bootstrap_interval(
        pairs["difference"], pairs["data"], generator, blocks=pairs["seed"].astype(str)
    )
    if found.reason is None:
        return found
    means = block_means(pairs)
    alike = is_constant(means["difference"])
    if alike and len(means) > 1 and (bounded or means["difference"].abs().max() == 0):
        return alike_interval(found.estimate, len(means), bounded)
    if bounded and len(means) >= ALL_ALIKE and not alike:
        blocks = means["data"] + "/" + means["seed"].astype(str)
        pooled = pd.Series("", index=means.index)
        return bootstrap_interval(means["difference"], pooled, generator, blocks=blocks)
    return found


def clipped(interval: Interval, most: float) -> Interval:
    """Return the interval without what lies beyond `most`, the largest difference there can be."""
    return replace(interval, low=max(interval.low, -most), high=min(interval.high, most))


def alike_interval(value: float, blocks: int, bounded: bool) -> Interval:
    """Return the interval of a mean where all `blocks` blocks have one `value`.

    The share p of blocks with that value has an exact lower limit (Clopper and Pearson 1934, The
    Use of Confidence or Fiducial Limits), and all others are as far off as can be: -1 or 1.
    Where differences have no such bounds, blocks that all tie are a tie from `ALL_ALIKE` on.
    """
    if blocks < ALL_ALIKE:
        reason = f"all {blocks} blocks are alike, which shows nothing before there are {ALL_ALIKE}"
        return Interval(value, math.nan, math.nan, blocks, reason)
    if not bounded:
        return Interval(value, value, value, blocks)
    share = float(beta.ppf(0.025, blocks, 1))
    low, high = share * value - (1 - share), share * value + (1 - share)
    return Interval(value, max(low, -1.0), min(high, 1.0), blocks)


def block_means(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the mean difference of each block: columns `data, seed, difference`."""
    return pairs.groupby(["data", "seed"], sort=True)["difference"].mean().reset_index()


def is_constant(values: pd.Series) -> bool:
    """Tell whether all values are one, rounding apart."""
    spread = float(np.ptp(values.to_numpy(dtype=float))) if len(values) else 0.0
    return spread <= 1e-12 * max(1.0, float(values.abs().max()) if len(values) else 1.0)


def seeds_for(pairs: pd.DataFrame, gap: float) -> int | None:
    """Return how many seeds would decide a claim whose mean is `gap` away from its threshold.

    As many as find a difference of `gap` with 80 % power, with the spread seen among these blocks
    (`nnbench.stats.power.seeds_needed`), and more than there are. None where the spread is unknown,
    or even 10,000 would not do.
    """
    sizes = block_means(pairs).groupby("data").size()
    if gap <= 0 or (sizes < 2).any():
        return None
    blocks = gather_blocks(
        pairs["difference"].to_numpy(dtype=float), pairs["data"], pairs["seed"].astype(str)
    )
    spread = spread_of(blocks)
    error, freedom = float(spread.error[0]), float(spread.freedom[0])
    if not error > 0:
        return None
    needed = seeds_needed(gap, error, freedom, float(sizes.mean()))
    return None if needed is None else max(needed, math.ceil(sizes.mean()) + 1)
