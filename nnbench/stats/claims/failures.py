"""What divergence says of a claim: a lost pair has no difference, but it is not nothing."""

import math
from dataclasses import dataclass, replace

import pandas as pd
from scipy.stats import fisher_exact

from nnbench.stats import METRICS, wilson_interval
from nnbench.stats.claims.verdict import CONTRADICTED, SUPPORTED, UNDECIDED, Verdict
from nnbench.stats.pairing import mean_of


@dataclass(frozen=True)
class Failures:
    """In how many of `blocks` (data set, seed) blocks a cell of each side diverged."""

    first: int
    second: int
    blocks: int
    lost_first: int  # pairs whose first side diverged
    lost_second: int
    unknown: int  # pairs lost for another reason, such as a crash
    reached: tuple[float, float]  # each side's mean over the pairs in which it has a number

    @property
    def clear(self) -> int:
        """Return 1 or 2 where that side diverges clearly more often, else 0.

        Clearly: the two Wilson 95 % intervals of the shares of blocks do not overlap. Of four
        blocks, all against none is the first that counts.
        """
        first, second = (wilson_interval(k, self.blocks) for k in (self.first, self.second))
        if first.low > second.high:
            return 1
        return 2 if second.low > first.high else 0

    @property
    def p(self) -> float:
        """Return the p of both sides diverging in equally many blocks: Fisher's exact test."""
        counts = [[k, self.blocks - k] for k in (self.first, self.second)]
        return float(fisher_exact(counts).pvalue)

    @property
    def more(self) -> int:
        """Return 1 or 2 where that side lost more pairs, else 0."""
        if self.lost_first == self.lost_second:
            return 0
        return 1 if self.lost_first > self.lost_second else 2


def failures_of(table: pd.DataFrame) -> Failures:
    """Count the divergences of a claim's pairs, by pair and by block."""
    sides = table[["first_failed", "second_failed"]].astype(bool)
    by_block = sides.groupby([table["data"], table["seed"]]).any()
    lost = table["difference"].isna()
    explained = sides.any(axis="columns")
    return Failures(
        first=int(by_block["first_failed"].sum()),
        second=int(by_block["second_failed"].sum()),
        blocks=len(by_block),
        lost_first=int(sides["first_failed"].sum()),
        lost_second=int(sides["second_failed"].sum()),
        unknown=int((lost & ~explained).sum()),
        reached=(mean_of(table["first"]), mean_of(table["second"])),
    )


def penalised(table: pd.DataFrame) -> pd.Series:
    """Return the differences of all pairs, with one that a side alone lost as far behind as any is.

    Only to ask whether a verdict would hold so: it is no number of a report.
    """
    alone = table["second_failed"].astype(float) - table["first_failed"].astype(float)
    most = float(table["difference"].abs().max())
    lost = (alone * most).where(alone != 0)
    return table["difference"].where(table["difference"].notna(), lost)


def with_failures(
    found: Verdict, failures: Failures, names: tuple[str, str], held: Verdict
) -> Verdict:
    """Return the verdict with divergence taken into account; `names` are those of the sides.

    Without any difference to measure, a side that diverges clearly more often loses. With some,
    the mean is over pairs that finished, so a verdict for the side that diverged more is withdrawn
    where its divergences clearly speak against it, or where it would not hold were each lost
    network as far behind as any is (held: the verdict then). Two sides of which one diverges
    clearly more often are not the same.
    """
    told = _told(found, failures, names)
    reason = "; ".join(part for part in (found.reason, told) if part)
    tests = found.parts if found.planned else 1 + found.looks  # one a look
    worse, p = failures.clear, min(1.0, failures.p * tests)
    if found.margin is not None:
        if worse:
            return _decided(found, CONTRADICTED, f"{reason}: that is not the same", p)
        return _undecided_if_empty(found, reason)
    if not found.n_ok:
        if worse:
            word = SUPPORTED if worse == 2 else CONTRADICTED
            survivor = 2 - worse  # the place of the side that diverges less
            mean = failures.reached[survivor]
            metric = METRICS[found.metric]
            reached = f"{100 * mean:.3g} %" if metric.is_share else f"{mean:.3g}"
            more = f"; {names[survivor]} reached a {metric.label} of {reached}"
            more = "" if math.isnan(mean) else more
            told = f"{reason}, and no pair finished: divergence decides{more}"
            return _decided(found, word, told, p)
        return _undecided_if_empty(found, reason)
    against = {1: SUPPORTED, 2: CONTRADICTED}.get(worse)
    favoured = {1: SUPPORTED, 2: CONTRADICTED}.get(failures.more)
    if against == found.verdict or found.verdict == favoured != held.verdict:
        return replace(
            found,
            verdict=UNDECIDED,
            p=1.0,
            seeds_needed=None,
            reason=f"{reason}; by the pairs that finished it would be {found.verdict}, "
            "but the divergences speak against that",
        )
    p = max(found.p, held.p) if found.verdict == favoured else found.p
    return replace(found, reason=reason, p=p)


def _decided(found: Verdict, word: str, reason: str, p: float) -> Verdict:
    return replace(found, verdict=word, reason=reason, p=p, seeds_needed=None)


def _undecided_if_empty(found: Verdict, reason: str) -> Verdict:
    if found.n_ok:
        return replace(found, reason=reason)
    return replace(found, verdict=UNDECIDED, reason=reason or "no pair has a difference")


def _told(found: Verdict, failures: Failures, names: tuple[str, str]) -> str:
    """Say how many pairs have no difference and which side diverged in how many."""
    if not (failures.lost_first or failures.lost_second or failures.unknown):
        return ""
    counts = zip(names, (failures.lost_first, failures.lost_second), strict=True)
    parts = [f"{name} diverged in {count}" for name, count in counts if count]
    if failures.unknown:
        parts.append(f"{failures.unknown} have no result")
    return f"of {found.n} pairs, {', '.join(parts)}"
