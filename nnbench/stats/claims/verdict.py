"""What a verdict on a claim says, and the rules that turn an interval into a word."""

import math
from dataclasses import dataclass

SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "undecided"
VERDICTS = (SUPPORTED, CONTRADICTED, UNDECIDED)

# How an effect is to be read.
DIFFERENCE = "difference"  # mean paired difference in the metric's unit
RANKS = "ranks"  # share of pairs for the claim less share against: some never arrived
EXACT = "exact"  # mean difference of computations without randomness
SHARE = "share"  # of the variance within data sets that a factor explains, 0 to 1
SHARES = "difference of shares"  # by how much one factor explains more than another


@dataclass(frozen=True)
class Verdict:
    """One claim, judged. An effect above zero favours the first side, whatever the metric.

    `n` pairs of the first side's cells with the second's, `n_ok` of which have a difference,
    in `blocks` independent (data set, seed) blocks. Numbers are NaN where there is none.
    Of a share, `by` is the least and `margin` the largest that is claimed; `sides`: the shares of
    two factors that are compared; pairs are configurations, by data set.
    `reason` says what the word alone does not; `seeds_needed` only where more would decide.
    `p` is that of the mean lying on the threshold that decides, two-sided; `p_holm` corrects it for
    the `claims` of the study that have one. `looks`: how often it was judged before, with fewer
    seeds; `planned`: it is given seeds until it is decided, so that the first look counts too.
    """

    text: str
    verdict: str
    metric: str
    effect: float = math.nan
    low: float = math.nan
    high: float = math.nan
    n_ok: int = 0
    n: int = 0
    by: float = 0.0
    margin: float | None = None
    blocks: int = 0
    reason: str = ""
    seeds_needed: int | None = None
    course: int | None = None
    scale: str = DIFFERENCE
    ahead: int = 0  # pairs that speak for the claim, where `scale` is ranks
    behind: int = 0  # and against it
    p: float = math.nan
    p_holm: float = math.nan
    claims: int = 0
    looks: int = 0
    planned: bool = False
    sides: tuple[float, float] | None = None

    @property
    def at_any_time(self) -> bool:
        """Whether it needs evidence that holds however often one looks."""
        return self.planned or self.looks > 0

    @property
    def parts(self) -> int:
        """What part of 5 % this look may spend, as the number of such parts: 1, 3, 6, 10, ...

        So all looks after the first together have no more than the first. Of looks that were
        planned half of it, 2, 6, 12, ...: all together, the first included, have 5 %.
        """
        parts = (self.looks + 1) * (self.looks + 2)
        return parts if self.planned else parts // 2

    @property
    def interval_word(self) -> str:
        """The verdict that the interval alone gives."""
        if math.isnan(self.low):
            return UNDECIDED
        if self.margin is not None and self.scale != RANKS:
            return equated_word(self.low, self.high, self.margin)
        return ranked_word(self.low, self.high, 0.0 if self.scale == RANKS else self.by)


def ranked_word(low: float, high: float, by: float) -> str:
    """Return the verdict on "better by at least `by`" from the interval of the difference.

    A negative `by` allows to be worse by that much (a test of non-inferiority). Supported where
    the whole interval is at or above `by`, and above zero unless that is negative; contradicted
    where the whole interval is below `by`; undecided between. Where nothing is true but chance,
    each of the first two comes up in at most half of what the interval leaves out.
    """
    if low >= by and (low > 0 or by < 0):
        return SUPPORTED
    return CONTRADICTED if high < by else UNDECIDED


def equated_word(low: float, high: float, margin: float) -> str:
    """Return the verdict on "the same within `margin`" from the interval of the difference.

    Supported where the 95 % interval lies between -margin and margin: two one-sided tests at
    2.5 % each (Schuirmann 1987, A Comparison of the Two One-Sided Tests Procedure and the Power
    Approach). Contradicted where it lies wholly outside; undecided where it crosses an edge.
    """
    if -margin < low and high < margin:
        return SUPPORTED
    return CONTRADICTED if low > margin or high < -margin else UNDECIDED
