"""The rules of judgement: a claim and a study's cells in, a verdict out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from nnbench import stats
from nnbench.seeds import numpy_generator
from nnbench.stats.claims import spread
from nnbench.stats.claims.failures import failures_of, penalised, with_failures
from nnbench.stats.claims.family import corrected, held_across
from nnbench.stats.claims.pairs import described, pair_sides, sides_of
from nnbench.stats.claims.shares import is_of_shares, judged_share
from nnbench.stats.claims.verdict import (
    CONTRADICTED,
    EXACT,
    RANKS,
    SUPPORTED,
    UNDECIDED,
    Verdict,
)
from nnbench.stats.pairing import LARGEST
from nnbench.study.metrics import Metric

SCORE = Metric(label="balance of pairs", low=0.0, high=1.0, counts_diverged=True)


def judge_all(study: Mapping[str, Any], cells: pd.DataFrame, looks: int = 0) -> list[Verdict]:
    """Return the verdicts on all claims of a study, in its order.

    What cannot be judged is undecided, and why.

    study: the document in provenance.json; cells: one row per cell. The claims of a study are one
    family (`corrected`). looks: how often they were judged before, with fewer seeds; then a verdict
    needs evidence that holds at any moment (`nnbench.stats.anytime`). So does one that was given
    `more_seeds` of its own, after so many `looks`: no other claim has them.
    """
    claims = study.get("claims") or []
    metrics = [stats.METRICS.get(str(claim["metric"])) for claim in claims]
    chancy = sum(metric is None or metric.has_chance for metric in metrics)
    return corrected([_alone(claim, cells, study, chancy, looks) for claim in claims])


def _alone(
    claim: Mapping[str, Any],
    cells: pd.DataFrame,
    study: Mapping[str, Any],
    claims: int,
    looks: int,
) -> Verdict:
    """Return what the claim's own pairs say, with the seeds that one of so many claims needs."""
    by, margin = float(claim.get("by") or 0.0), claim.get("margin")
    if bounds := claim.get("share"):
        by, margin = float(bounds.get("at_least") or 0.0), bounds.get("at_most")
    if claim.get("better") and margin is not None:
        by, margin = -float(margin), None  # worse by less than the margin, if worse at all
    cells = cells_of(claim, cells, study)
    blank = Verdict(
        text=str(claim["text"]),
        verdict=UNDECIDED,
        metric=str(claim["metric"]),
        by=by,
        margin=margin,
        course=claim.get("course"),
        claims=claims,
        looks=max(looks, int(claim.get("looks") or 0)),
        planned="looks" in claim,
    )
    if is_of_shares(claim):
        return judged_share(blank, claim, cells, study)
    pairs = pair_sides(claim, cells, study)
    if pairs.reason:
        return replace(blank, reason=pairs.reason)
    metric = stats.METRICS[blank.metric]
    table = _timed(pairs.table) if metric.of_stack else pairs.table
    whole = table[table["difference"].notna()]
    counted = replace(
        blank,
        n=len(table),
        n_ok=len(whole),
        blocks=len(whole[["data", "seed"]].drop_duplicates()),
    )
    if not metric.has_chance:
        return _exact(counted, whole)
    failures, held = failures_of(table), counted
    if not whole.empty:
        is_one = bool((whole["difference"] == 0).all()) and _is_one(claim, cells, study)
        blank, counted = counted, _measured(counted, whole, _generator(study, counted), is_one)
        if pairs.settings is not None and pairs.across is not None:
            other = (_timed(pairs.across) if metric.of_stack else pairs.across).dropna(
                subset=["difference"]
            )
            if not other.empty:
                blank = _measured(blank, other, _generator(study, blank), is_one=False)
            counted = held_across(counted, blank, pairs.settings)
        if failures.more:
            filled = table.assign(difference=penalised(table)).dropna(subset=["difference"])
            held = _measured(counted, filled, _generator(study, counted), is_one)
        counted = _with_lost_seeds(counted, table)
    first, second = map(described, sides_of(claim))
    return with_failures(counted, failures, (first, second), held)


def cells_of(
    claim: Mapping[str, Any], cells: pd.DataFrame, study: Mapping[str, Any]
) -> pd.DataFrame:
    """The cells without those of seeds that only other claims were given."""
    if not any(one.get("more_seeds") for one in study.get("claims") or []):
        return cells
    return cells[cells["seed"].isin([*study["seeds"], *(claim.get("more_seeds") or [])])]


def _measured(
    found: Verdict, whole: pd.DataFrame, generator: np.random.Generator, is_one: bool
) -> Verdict:
    """Judge by the pairs that have a difference."""
    metric = stats.METRICS[found.metric]
    if metric.null_is_never and _never(whole).any():
        return _by_rank(found, whole, generator)
    interval = spread.interval_of(whole, metric, generator, is_one)
    edge = found.by if found.margin is None else math.copysign(found.margin, interval.estimate)
    p = spread.threshold_p(whole, interval, metric, edge, is_one)
    if found.at_any_time and not metric.of_stack:
        interval, p = spread.at_any_time(whole, interval, edge, p)
    clipped = spread.clipped(interval, metric.range)
    return _by_difference(replace(found, p=p), whole, clipped, metric.counts_diverged)


def _is_one(claim: Mapping[str, Any], cells: pd.DataFrame, study: Mapping[str, Any]) -> bool:
    """Tell whether both sides have the same loss to the last digit: they are one computation."""
    for loss in ("test_loss", "val_loss", "train_loss"):
        table = pair_sides({**claim, "metric": loss}, cells, study).table
        known = table["difference"].dropna()
        if len(known):
            return bool((known == 0).all())
    return False


def _with_lost_seeds(found: Verdict, table: pd.DataFrame) -> Verdict:
    """Return the verdict with seeds enough for those that will give no pair, as some of these."""
    if found.seeds_needed is None:
        return found
    run = len(table[["data", "seed"]].drop_duplicates())
    needed = math.ceil(round(found.seeds_needed * run / found.blocks, 9))
    return replace(found, seeds_needed=needed)


def _generator(study: Mapping[str, Any], found: Verdict) -> np.random.Generator:
    """Return a generator of this claim's own: another claim in the file changes no interval."""
    return numpy_generator(int(study.get("seed") or 0), f"claim/{found.text}", "", 0)


def _timed(table: pd.DataFrame) -> pd.DataFrame:
    """Make one block of the pairs of a data set that share both timings.

    Cells that trained as one stack have one timing between them, whatever their seeds.
    """
    return table.assign(seed=table["first"].map(str) + "/" + table["second"].map(str))


def _never(whole: pd.DataFrame) -> pd.Series:
    return np.isinf(whole["first"]) | np.isinf(whole["second"])


def _by_difference(
    found: Verdict, whole: pd.DataFrame, interval: stats.Interval, is_bounded: bool
) -> Verdict:
    """Judge by the interval of the mean difference."""
    measured = replace(found, effect=interval.estimate, low=interval.low, high=interval.high)
    if interval.reason:
        return _without_interval(measured, whole, interval.reason, is_bounded)
    mean, edge = interval.estimate, found.margin
    if edge is None and found.by >= 0 and (whole["difference"] == 0).all():
        return replace(measured, reason=_all_tie(whole), p=1.0)
    word = measured.interval_word
    gap = abs(mean - found.by) if edge is None else abs(edge - abs(mean))
    needed = spread.seeds_for(whole, gap, stats.ALPHA / found.claims)
    if word == UNDECIDED and edge is not None and (whole["difference"] == 0).all():
        enough = spread.alike_blocks(
            edge, stats.METRICS[found.metric].range, stats.ALPHA / found.claims
        )
        needed = -(-enough // whole["data"].nunique()) if enough else None
        return replace(measured, verdict=word, seeds_needed=needed, reason=_all_tie(whole))
    return replace(measured, verdict=word, seeds_needed=needed)


def _all_tie(whole: pd.DataFrame) -> str:
    return f"none of {len(whole)} pairs differs"


def _without_interval(
    found: Verdict, whole: pd.DataFrame, reason: str, is_bounded: bool
) -> Verdict:
    """Say why there is no interval, and how many seeds would give one that decides."""
    told = reason.removeprefix("undefined: ")
    if np.isnan(found.effect):
        return replace(found, reason=told)
    means = spread.block_means(whole)
    sizes = means.groupby("data").size()
    needed = None
    is_timed = stats.METRICS[found.metric].of_stack
    if (sizes < 2).any() and is_timed:
        told = "no interval, because the networks of a data set were timed together"
    elif (sizes < 2).any():
        told = f"{told}: one seed shows no variation"
    elif found.at_any_time and not is_timed and not spread.is_constant(means["difference"]):
        gap = abs(found.effect - found.by)
        if found.margin is not None:
            gap = abs(found.margin - abs(found.effect))
        needed = spread.seeds_for(whole, gap, stats.ALPHA / found.claims)
    elif is_timed:
        told = "no interval, because all timings differ by the same amount"
    elif spread.is_constant(means["difference"]):
        is_tie = found.effect == 0
        told = _all_tie(whole) if is_tie else f"all {len(whole)} pairs differ by the same amount"
        # more blocks like these decide only where `alike_interval` has an interval for them
        would_decide = is_tie and found.margin is not None if not is_bounded else not is_tie
        if would_decide and len(means) < spread.ALL_ALIKE:
            told = f"{told}, but that is only {len(means)} blocks"
            needed = -(-spread.ALL_ALIKE // len(sizes))
    return replace(found, reason=told, seeds_needed=needed)


def _by_rank(found: Verdict, whole: pd.DataFrame, generator: np.random.Generator) -> Verdict:
    """Judge a metric that some cells never reached: by order, never coming after every number.

    For "better", a pair counts 1 where the first side is ahead by more than `by`, -1 where it is
    ahead by less or behind, 0 where it is ahead by just that; two that never arrive tie. For
    "same", a pair counts 1 where the two lie within the margin, else -1. The mean must be clearly
    above 0: then most pairs say what the claim says.
    """
    if not np.isfinite(whole[["first", "second"]].to_numpy()).any():
        return replace(found, reason=f"neither side ever arrived in any of {len(whole)} pairs")
    difference = whole["difference"]
    score = np.sign(difference - found.by)
    if found.margin is not None:
        score = (difference.abs() <= found.margin).map({True: 1.0, False: -1.0})
    scored = whole.assign(difference=score)
    interval = spread.interval_of(scored, SCORE, generator)
    p = spread.threshold_p(scored, interval, SCORE, 0.0)
    if found.at_any_time:
        interval, p = spread.at_any_time(scored, interval, 0.0, p)
    interval = spread.clipped(interval, 1.0)
    ordered = _by_sign(replace(found, p=p, scale=RANKS), scored, interval)
    told = f"in {_never(whole).sum()} of them a side never arrived, which counts as last"
    reason = "; ".join(part for part in (told, ordered.reason) if part)
    ahead, behind = int((score > 0).sum()), int((score < 0).sum())
    return replace(ordered, reason=reason, ahead=ahead, behind=behind)


def _by_sign(found: Verdict, scored: pd.DataFrame, interval: stats.Interval) -> Verdict:
    """Judge by the interval of the mean score of the pairs, between -1 and 1."""
    measured = replace(found, effect=interval.estimate, low=interval.low, high=interval.high)
    if interval.reason:
        return _without_interval(measured, scored, interval.reason, is_bounded=True)
    needed = spread.seeds_for(scored, abs(interval.estimate), stats.ALPHA / found.claims)
    return replace(measured, verdict=measured.interval_word, seeds_needed=needed)


def _exact(found: Verdict, whole: pd.DataFrame) -> Verdict:
    """Judge computations without randomness: no interval, but every pair must say the same.

    "Better" is supported where no pair is against it and one at least is for it, contradicted
    where none is for it; "same" is supported where all pairs lie within the margin, contradicted
    where none does. Anything else is undecided.
    """
    if whole.empty:
        return replace(found, reason=f"no pair has a finite {found.metric} on both sides")
    difference = whole["difference"]
    if found.margin is None:
        for_it = (difference >= found.by) & ((difference > 0) | (found.by < 0))
        against = (difference < found.by) | ((difference < 0) & (found.by >= 0))
    else:
        for_it = difference.abs() <= found.margin
        against = ~for_it
    counts = [int(for_it.sum()), int(against.sum())]
    word = UNDECIDED
    if for_it.any() != against.any():
        word = SUPPORTED if for_it.any() else CONTRADICTED
    elif not for_it.any():  # all pairs are equal, and nothing could make them differ
        word = CONTRADICTED
    told = _exact_words(counts, len(whole))
    is_small = difference.abs().max() <= LARGEST
    effect = float(difference.mean()) if is_small else np.nan
    return replace(found, verdict=word, effect=effect, reason=told, scale=EXACT, blocks=0)


def _exact_words(counts: Sequence[int], n: int) -> str:
    ties = n - sum(counts)
    equal = f", {ties} equal" if ties else ""
    pairs = "the one pair" if n == 1 else f"{n} pairs"
    return f"exact, nothing random: of {pairs}, {counts[0]} for it, {counts[1]} against it{equal}"
