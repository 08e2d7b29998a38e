"""The claims of a study as one family: a verdict needs its interval, and its test among the others.

A study that makes twenty claims of nothing at 5 % each finds one of them true on average.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

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
    why = f"the interval alone would have it {found.verdict}, but {_why(found)}"
    if found.verdict != found.interval_word:
        why = f"divergence alone would have it {found.verdict}, but {_why(found)}"
    reason = "; ".join(part for part in (why, found.reason) if part)
    return replace(found, verdict=UNDECIDED, reason=reason)


def _why(found: Verdict) -> str:
    if found.p >= ALPHA:
        return f"the test's p is {found.p:.3f}"
    return f"its p is {found.p_holm:.3f} after correction for the study's {found.claims} claims"
