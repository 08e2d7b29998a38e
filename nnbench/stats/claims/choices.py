"""A claim whose sides had unequal numbers of settings to choose from: luck must not decide it."""

import math
from dataclasses import replace

from nnbench.stats import tried_words
from nnbench.stats.claims.verdict import UNDECIDED, Verdict


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
        told += ", and with those chosen on other seeds it is not decided"
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
