"""What a verdict needs besides its own interval: that luck among several chances did not decide it.

A study that makes twenty claims of nothing at 5 % each finds one of them true on average, so that
its claims are one family; and a side that had more settings to choose from looks better by luck.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nnbench.stats import tried_words
from nnbench.stats.claims.verdict import UNDECIDED, Verdict
from nnbench.stats.contrasts import holm
from nnbench.stats.power import ALPHA


def corrected(found: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts with their p after Holm's correction; those that do not hold withdrawn.

    The family are the claims that have a p, undecided ones too; computations without chance have
    none. A verdict stands where its interval decides and the corrected p is below 5 %, so all
    claims of a study together are decided wrongly in at most 5 % of studies. Source: Holm 1979, A
    Simple Sequentially Rejective Multiple Test Procedure.
    """
    p_holm = holm(np.array([verdict.p for verdict in found], dtype=float))
    family = int((~np.isnan(p_holm)).sum())
    return [
        _held(replace(one, p_holm=float(p), claims=0 if math.isnan(p) else family))
        for one, p in zip(found, p_holm, strict=True)
    ]


def _held(found: Verdict) -> Verdict:
    """Return the verdict, undecided where the test does not bear it out."""
    if found.verdict == UNDECIDED:
        return found
    if not found.p_holm >= ALPHA:
        return replace(found, seeds_needed=None)
    why = f"by the interval alone it would be {found.verdict}, but {_why(found)}"
    if found.verdict != found.interval_word:
        why = f"by divergence alone it would be {found.verdict}, but {_why(found)}"
    reason = "; ".join(part for part in (why, found.reason) if part)
    return replace(found, verdict=UNDECIDED, reason=reason)


def _why(found: Verdict) -> str:
    if found.p >= ALPHA:
        return f"the test's p is {found.p:.3f}"
    return f"its p is {found.p_holm:.3f} after correction for the study's {found.claims} claims"


def held_across(found: Verdict, other: Verdict, settings: tuple[int, int]) -> Verdict:
    """Return the verdict that also holds for settings chosen on other seeds than those judged.

    found: by the settings that do best on the seeds that are judged, which flatters the side with
    more of them; other: by those chosen across the halves of the seeds, which flatters none but is
    a little too sure. The interval is the hull of both, the p the larger one, and 1 where they
    point to different sides of the threshold. Simulated with 14 settings against 1 to 7, all equal
    in truth, and 3 to 20 seeds: decided in at most 4.3 % of studies; one alone in 16 and 8.5 %.
    """
    told = tried_words(settings)
    if found.verdict != other.verdict and found.verdict != UNDECIDED:
        told += ", and with those chosen on other seeds it is undecided"
    reason = "; ".join(part for part in (found.reason, told) if part)
    if found.scale != other.scale or math.isnan(other.low) or math.isnan(found.low):
        return replace(found, verdict=UNDECIDED, p=math.nan, reason=reason)
    needed = [one.seeds_needed for one in (found, other)]
    known = [seeds for seeds in needed if seeds is not None]
    hull = replace(
        found,
        low=min(found.low, other.low),
        high=max(found.high, other.high),
        p=max(found.p, other.p),
        reason=reason,
        seeds_needed=max(known) if len(known) == 2 else None,
    )
    return replace(hull, verdict=hull.interval_word)
