"""Comparisons of a report that repeat a claim of the study: one comparison has one verdict."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from nnbench.stats.claims.judge import cells_of, judge_all
from nnbench.stats.claims.pairs import Pairs, pair_sides
from nnbench.stats.claims.shares import is_of_shares
from nnbench.stats.claims.verdict import DIFFERENCE, Verdict
from nnbench.stats.contrasts import Claimed
from nnbench.study.metrics import METRICS


def claimed_levels(
    study: Mapping[str, Any],
    cells: pd.DataFrame,
    labelled: pd.DataFrame,
    baselines: Mapping[str, str],
    metric: str,
    looks: int = 0,
) -> dict[tuple[str, str], Claimed]:
    """Return, for levels whose comparison with the baseline is a claim's, what the claim found.

    study, cells, looks: as for `judge_all`. labelled: the cells that the report compares. A claim
    is about a level where its pairs are of that level with its factor's baseline, in the report's
    metric; whether they are all such pairs, `summarise_effects` checks by their number. One that
    was given more seeds is about other networks. Of several claims about one level the first that
    says "better" counts, for it says what a level is.
    """
    found: dict[tuple[str, str], tuple[int, bool, int]] = {}
    claims = study.get("claims") or []
    for place, claim in enumerate(claims):
        if claim.get("metric") != metric or not METRICS[metric].has_chance or is_of_shares(claim):
            continue
        pairs = pair_sides(claim, cells_of(claim, cells, study), study)
        level = _level_of(pairs, labelled, baselines)
        if level is None:
            continue
        factor, name, is_first = level
        known = found.get((factor, name))
        if known is None or (not _is_plain(claims[known[0]]) and _is_plain(claim)):
            found[factor, name] = (place, is_first, len(pairs.table))
    if not found:
        return {}
    verdicts = judge_all(study, cells, looks)
    told = {
        key: _claimed(verdicts[place], place, is_first, size, _is_plain(claims[place]))
        for key, (place, is_first, size) in found.items()
    }
    return {key: one for key, one in told.items() if one is not None}


def _is_plain(claim: Mapping[str, Any]) -> bool:
    """Tell whether the claim says that one side is better, by no amount in particular."""
    return bool(claim.get("better")) and not claim.get("by") and claim.get("margin") is None


def _level_of(
    pairs: Pairs, labelled: pd.DataFrame, baselines: Mapping[str, str]
) -> tuple[str, str, bool] | None:
    """Return the one factor in which both sides differ, the level, and whether it comes first."""
    by_id = labelled.set_index("cell_id")
    first, second = (list(side) for side in pairs.cells)
    if not first or not len(first) == len(second) == len(pairs.table):
        return None
    if not (by_id.index.isin(first).sum() == len(first) == by_id.index.isin(second).sum()):
        return None
    one, other = by_id.loc[first], by_id.loc[second]
    differing = []
    for factor, baseline in baselines.items():
        names = [side[factor].unique() for side in (one, other)]
        if set(names[0]) == set(names[1]):
            continue
        if len(names[0]) > 1 or len(names[1]) > 1 or baseline not in (names[0][0], names[1][0]):
            return None
        is_first = names[1][0] == baseline
        differing.append((factor, str(names[0][0] if is_first else names[1][0]), bool(is_first)))
    return differing[0] if len(differing) == 1 else None


def _claimed(
    found: Verdict, place: int, is_first: bool, pairs: int, decides: bool
) -> Claimed | None:
    """Return what the claim found as a difference to the baseline in the metric's own direction."""
    if found.scale != DIFFERENCE or math.isnan(found.effect) or math.isnan(found.low):
        return None
    sign = (1 if METRICS[found.metric].higher_is_better else -1) * (1 if is_first else -1)
    low, high = sorted((sign * found.low, sign * found.high))
    decided = (found.p, found.p_holm, found.claims) if decides else (math.nan, math.nan, 0)
    return Claimed(place + 1, pairs, sign * found.effect, low, high, *decided)
