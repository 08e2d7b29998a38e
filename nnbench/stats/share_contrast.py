"""A share of variance against a threshold, and two shares against each other: interval and p."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import stdtr

from nnbench.stats.anova import (
    LEAST_SEEDS,
    Undivided,
    decompose,
    few_seeds,
    moved_ends,
    resample,
)
from nnbench.stats.anytime import seeds_to_settle
from nnbench.stats.pairing import usable_values
from nnbench.stats.power import ALPHA

ATTRIBUTED = 1e-9  # of the variance: more than that is what several terms could explain alike


@dataclass(frozen=True)
class ShareContrast:
    """A sum of signed components with its interval; numbers are NaN where there is none.

    each: the components without their signs, in the order of the factors. reason: why there is no
    interval. too_few: it is the seeds that are too few for one. error: its standard error over the
    seeds, from two of them on. doubt: what no term can claim, and any of them might. arms_used of
    arms: as in `variance_shares`. blocks: (data set, seed) pairs.
    """

    value: float = math.nan
    each: tuple[float, ...] = ()
    low: float = math.nan
    high: float = math.nan
    reason: str = ""
    too_few: bool = False
    error: float = math.nan
    freedom: float = math.nan
    doubt: float = 0.0
    arms_used: int = 0
    arms: int = 0
    blocks: int = 0

    def p(self, threshold: float) -> float:
        """Return the two-sided p of the sum lying on the threshold, by Student's t over the seeds.

        What no term can claim is granted to the threshold.
        """
        if math.isnan(self.low):
            return math.nan
        gap = max(abs(self.value - threshold) - self.doubt, 0.0)
        return float(2 * stdtr(self.freedom, -gap / self.error))


def share_contrast(
    frame: pd.DataFrame,
    factors: Sequence[str],
    metric: str,
    signs: Mapping[str, int],
    generator: np.random.Generator,
    alpha: float = ALPHA,
) -> ShareContrast:
    """Return the sum of the components of some factors, each by its sign, with its interval.

    frame, factors, metric: as for `variance_shares`, whose components these are: shares of the
    variance within data sets, less what noise alone gives. signs: 1 or -1 by factor; {init: 1} is
    the share of init, {optimizer: 1, init: -1} how much more the optimizer's is. The interval has
    the level 1 - alpha and is made as those of `variance_shares`, from the same resamplings where
    the generator is the same. On an incomplete grid it is wider by what cannot be attributed.
    """
    found = decompose(frame, usable_values(frame, metric), factors)
    if isinstance(found, Undivided):
        return ShareContrast(reason=found.reason, arms=found.groups.total)
    groups, forms = found
    empty = ShareContrast(
        arms_used=len(groups.values), arms=groups.total, blocks=len(groups.data_of)
    )
    for factor in signs:
        if (factor,) in forms.reasons or (factor,) not in forms.terms:
            why = str(forms.reasons.get((factor,), "it has no share")).removeprefix("undefined: ")
            return replace(empty, reason=f"{factor}: {why}")
    drawn = resample(groups, forms, generator)
    each = tuple(min(max(drawn.one[factor,], 0.0), 1.0) for factor in signs)
    value = sum(sign * drawn.one[factor,] for factor, sign in signs.items())
    draws = np.sum([sign * drawn.many[factor,] for factor, sign in signs.items()], axis=0)
    draws = draws[np.isfinite(draws)]
    few, doubt = few_seeds(groups), abs(drawn.one.get(("unattributed",), 0.0))
    none = replace(empty, value=value, each=each, reason=few, too_few=bool(few))
    if len(draws) < 2 or np.ptp(draws) <= 1e-12:
        return none if few else replace(none, reason="every seed gives the same")
    error = float(draws.std(ddof=1)) * math.sqrt(drawn.size / (drawn.size - 1))
    measured = replace(
        none, error=error, freedom=drawn.freedom, doubt=doubt if doubt > ATTRIBUTED else 0.0
    )
    if few:
        return measured
    low, high = moved_ends(draws, value, drawn, alpha)
    least, most = (0.0, 1.0) if min(signs.values()) > 0 else (-1.0, 1.0)
    return replace(
        measured,
        value=min(max(value, least), most),
        low=min(max(low - measured.doubt, least), most),
        high=min(max(high + measured.doubt, least), most),
    )


def seeds_for_share(found: ShareContrast, threshold: float, seeds: int, alpha: float) -> int | None:
    """Return how many seeds would decide, were the sum where it is; None where 10,000 would not."""
    gap = abs(found.value - threshold) - found.doubt
    if math.isnan(found.error) or not gap > 0:
        return None
    needed = seeds_to_settle(gap, found.error * math.sqrt(seeds), alpha)
    return None if needed is None else max(needed, seeds + 1, LEAST_SEEDS)
