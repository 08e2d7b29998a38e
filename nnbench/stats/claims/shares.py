"""Claims about shares of variance: that a factor explains so much, or more than another does."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from nnbench import stats
from nnbench.seeds import numpy_generator
from nnbench.stats.anova import LEAST_SEEDS
from nnbench.stats.claims.family import held_across
from nnbench.stats.claims.pairs import select
from nnbench.stats.claims.verdict import SHARE, SHARES, Verdict
from nnbench.stats.share_contrast import ShareContrast, seeds_for_share, share_contrast


def is_of_shares(claim: Mapping[str, Any]) -> bool:
    """Tell whether a claim is about shares of variance, and not about two sides of cells."""
    return bool(claim.get("factor") or claim.get("matters_more"))


def judged_share(
    blank: Verdict, claim: Mapping[str, Any], cells: pd.DataFrame, study: Mapping[str, Any]
) -> Verdict:
    """Return what the claim's own cells say; `blank` has its text, metric and looks.

    The shares are those of the report's analysis of variance, with its intervals, over the cells of
    `where`. A study that is judged again has each time a smaller part of 5 % to spend
    (`Verdict.parts`).
    """
    if blank.metric not in cells:
        return replace(blank, reason=f"the results have no {blank.metric}")
    here = cells[select(cells, claim.get("where") or {})]
    tuned = [place for place in (study.get("report") or {}).get("tune") or [] if place in here]
    declared = [factor for factor in study.get("factors") or {} if factor not in tuned]
    factors = stats.top_factors(declared, here.columns)
    # by the study's metric, as everywhere: a claim is about the networks of the report
    chosen_by = (study.get("report") or {}).get("metric") or blank.metric

    def found(across: bool) -> tuple[Verdict, tuple[int, int]]:
        chosen = stats.choose_tuned(here, factors, tuned, chosen_by, across)
        labelled = stats.label_cells(chosen, factors, ignore=tuned)
        labelled, _ = stats.applicable(stats.counted(labelled, blank.metric), blank.metric)
        tried = labelled[stats.SETTINGS] if len(labelled) else pd.Series([1])
        settings = int(tried.max()), int(tried.min())
        return _told(blank, claim, labelled, factors, study), settings

    first, settings = found(across=False)
    if settings[0] == settings[1] or math.isnan(first.low):
        return first
    return held_across(first, found(across=True)[0], settings)


def _told(
    blank: Verdict,
    claim: Mapping[str, Any],
    labelled: pd.DataFrame,
    factors: list[str],
    study: Mapping[str, Any],
) -> Verdict:
    if labelled.empty:
        return replace(blank, reason=f"no cell has a {stats.METRICS[blank.metric].label}")
    varied = [factor for factor in factors if labelled[factor].nunique() > 1]
    if claim.get("factor"):
        signs, scale = {str(claim["factor"]): 1}, SHARE
    else:
        signs, scale = {str(claim["matters_more"]): 1, str(claim["than"]): -1}, SHARES
    for factor in signs:
        if factor not in varied:
            return replace(
                blank, reason=f"{factor} has one level among these networks", scale=scale
            )
    seed, parts = int(study.get("seed") or 0), blank.parts
    found = share_contrast(
        labelled,
        varied,
        blank.metric,
        signs,
        numpy_generator(seed, "bootstrap/shares", "", 0),  # those of the report
        stats.ALPHA / parts,
    )
    return _worded(replace(blank, scale=scale), found, labelled, parts)


def _worded(blank: Verdict, found: ShareContrast, labelled: pd.DataFrame, parts: int) -> Verdict:
    """Return the verdict with the numbers found; `parts`: what a p is multiplied by."""
    edge = blank.by if blank.margin is None else blank.margin
    seeds = round(found.blocks / max(labelled["data"].nunique(), 1))
    needed = seeds_for_share(found, edge, seeds, stats.ALPHA / blank.claims)
    reason = found.reason
    if found.too_few:
        needed = max(needed or LEAST_SEEDS, LEAST_SEEDS)
        had = "this is 1" if seeds == 1 else f"these are {seeds}"
        reason = f"a share needs {LEAST_SEEDS} seeds for an interval, and {had}"
    told = [reason, _lost(found), _doubted(found)]
    measured = replace(
        blank,
        effect=found.value,
        low=found.low,
        high=found.high,
        n_ok=found.arms_used,
        n=found.arms,
        blocks=found.blocks,
        p=min(1.0, parts * found.p(edge)) if not math.isnan(found.low) else math.nan,
        seeds_needed=needed,
        sides=(found.each[0], found.each[1]) if len(found.each) == 2 else None,
        reason="; ".join(part for part in told if part),
    )
    return replace(measured, verdict=measured.interval_word)


def _lost(found: ShareContrast) -> str:
    if found.arms_used in (0, found.arms):
        return ""
    return (
        f"over the {found.arms_used:,} of {found.arms:,} combinations of configuration and data "
        "set of which every network has a result"
    )


def _doubted(found: ShareContrast) -> str:
    if not found.doubt:
        return ""
    return "wider by what several factors could explain equally well: the grid is incomplete"
