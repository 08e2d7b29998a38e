"""Paired comparisons: one contrast over its blocks, and a whole family of them corrected."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from nnbench.stats.blocks import (
    Blocks,
    Spread,
    gather_blocks,
    spread_of,
    stretched_interval,
    times_drawn,
    two_sided_p,
)
from nnbench.stats.intervals import Interval, why_undefined
from nnbench.stats.power import ALPHA, MOST_SEEDS, detectable_difference, seeds_needed
from nnbench.stats.signed_rank import signed_rank
from nnbench.study.metrics import METRICS

RESAMPLES = 10_000
NONE_DETECTABLE = "undefined: not even the largest difference that can be"
UNKNOWN: Mapping[str, Any] = dict.fromkeys(
    (
        "effect",
        "effect_low",
        "effect_high",
        "effect_reason",
        "effect_error",
        "effect_freedom",
        "p",
        "cohen_d",
    ),
    math.nan,
)
TOLD = {
    "detectable": float,
    "detectable_reason": object,
    "seeds_needed": float,
    "seeds_reason": object,
    "verdict": object,
    "note": object,
}


def verdict(effect: Interval, higher_is_better: bool, p: float | None = None) -> str:
    """Return the word for a difference: never "better" where the interval spans zero.

    p: of the comparison, corrected for those made beside it; from 0.05 on it forbids a side too.
    """
    if effect.reason:
        is_tie = effect.estimate == 0 and effect.reason.endswith("equal")
        return "tie" if is_tie else "undefined"
    if effect.low <= 0 <= effect.high or (p is not None and not p < ALPHA):
        return "no clear difference"
    return "better" if (effect.low > 0) == higher_is_better else "worse"


def contrast(pairs: pd.DataFrame, metric: str, generator: np.random.Generator) -> dict[str, Any]:
    """Return one comparison: its mean paired difference with all that says how sure it is.

    pairs: columns `data, seed, difference`, a row per pair, null where a cell of the pair has no
    metric. A block's difference is the mean of its pairs. Keys: `effect, effect_low, effect_high,
    effect_reason, effect_error, effect_freedom, pairs_used, pairs, blocks, seeds` (blocks a data
    set), `p` (paired t within data sets), `wilcoxon_p, wilcoxon_reason, rank_biserial, cohen_d`
    (d_z: mean over standard deviation of the blocks' differences within data sets), and those of
    `correct_family` for a family of one.
    """
    whole = pairs.dropna(subset=["difference"])
    values = whole["difference"].to_numpy(dtype=float)
    blocks = gather_blocks(values, whole["data"], whole["seed"].astype(str))
    row = dict(UNKNOWN) | {"effect": float(values.mean()) if len(values) else math.nan}
    row["effect_reason"] = why_undefined(blocks)
    if whole.empty:
        lost = f"undefined: none of {len(pairs)} pairs finished"
        row["effect_reason"] = lost if len(pairs) else "undefined: no pair with the baseline"
    elif row["effect_reason"] is None:
        row |= _uncertainty(blocks, metric, generator)
    count = len(blocks.strata)
    row |= {"pairs_used": len(whole), "pairs": len(pairs), "blocks": count}
    ranks = signed_rank((blocks.sums / blocks.sizes)[:, 0])
    row |= {"seeds": count / max(len(blocks.per_stratum), 1), "wilcoxon_p": ranks.p}
    row |= {"wilcoxon_reason": ranks.reason, "rank_biserial": ranks.rank_biserial}
    return row | _family_of_one(row, metric)


def _uncertainty(blocks: Blocks, metric: str, generator: np.random.Generator) -> dict[str, float]:
    """Return the interval, standard error, p and standardised size of a defined difference.

    The interval ends where a difference of the metric does: accuracies are 1 apart at most.
    """
    spread = spread_of(blocks)
    drawn = times_drawn(blocks.strata, generator, RESAMPLES)
    low, high = stretched_interval(blocks, spread, drawn, 1 - ALPHA)
    most = METRICS[metric].range
    return {
        "effect_low": max(float(low[0]), -most),
        "effect_high": min(float(high[0]), most),
        "effect_error": float(spread.error[0]),
        "effect_freedom": float(spread.freedom[0]),
        "p": float(two_sided_p(spread)[0]),
        "cohen_d": standardised(blocks, spread),
    }


def standardised(blocks: Blocks, spread: Spread) -> float:
    """Return Cohen's d_z of one column: the mean over the blocks' spread within data sets."""
    means = (blocks.sums / blocks.sizes)[:, 0]
    table = pd.Series(means).groupby(blocks.strata)
    within = float(((means - table.transform("mean")) ** 2).sum())
    freedom = len(means) - len(blocks.per_stratum)
    return float(spread.mean[0]) / math.sqrt(within / freedom)


def correct_family(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return rows of `contrast` with what depends on the comparisons made beside each.

    Filled in: `p_holm, wilcoxon_p_holm` (Holm over the rows that have a p), `comparisons` (how
    many those are), `detectable` (smallest difference found with 80 % power), `seeds_needed`
    (seeds a data set that would settle a difference as large as the observed), both at 5 % shared
    among the comparisons, `verdict` and `note`. A side is taken where the 95 % interval excludes
    zero and the corrected p is below 5 %, so all comparisons together claim a difference that is
    none in at most 5 % of studies. Source: Holm 1979, A Simple Sequentially Rejective Multiple
    Test Procedure.
    """
    table = rows.copy()
    table["p_holm"] = holm(table["p"].to_numpy(dtype=float))
    table["wilcoxon_p_holm"] = holm(table["wilcoxon_p"].to_numpy(dtype=float))
    comparisons = int(table["p"].notna().sum())
    table["comparisons"] = comparisons
    records = [{str(name): value for name, value in r.items()} for r in table.to_dict("records")]
    told = [_told(record, metric, comparisons) for record in records]
    for name, kind in TOLD.items():
        table[name] = pd.Series([row[name] for row in told], index=table.index, dtype=kind)
    return table


def holm(p: np.ndarray) -> np.ndarray:
    """Return p corrected for as many comparisons as have one; those without stay null.

    The smallest of m is multiplied by m, the next by m - 1, and so on, never falling and at most
    1. As statsmodels' `multipletests`, which stops to collect garbage at each call.
    """
    corrected = np.full(len(p), math.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected


def _family_of_one(row: Mapping[str, Any], metric: str) -> dict[str, Any]:
    alone = {"p_holm": row["p"], "wilcoxon_p_holm": row["wilcoxon_p"]}
    comparisons = int(not math.isnan(row["p"]))
    return alone | {"comparisons": comparisons} | _told({**row, **alone}, metric, comparisons)


def _told(row: Mapping[str, Any], metric: str, comparisons: int) -> dict[str, Any]:
    """Return what a reader is told of one comparison among several."""
    ends = (row["effect"], row["effect_low"], row["effect_high"])
    effect = Interval(*ends, row["blocks"], _text(row["effect_reason"]))
    word = verdict(effect, METRICS[metric].higher_is_better, row["p_holm"])
    return _design(row, metric, comparisons) | {
        "verdict": word,
        "note": _note(row, word, comparisons),
    }


def _design(row: Mapping[str, Any], metric: str, comparisons: int) -> dict[str, Any]:
    """Return what the design could have detected and how many seeds would settle it.

    A difference larger than any two values of the metric can have is none that could be found.
    """
    undefined = _text(row["effect_reason"])
    if undefined:
        reasons = {"detectable_reason": undefined, "seeds_reason": undefined}
        return {"detectable": math.nan, "seeds_needed": math.nan} | reasons
    alpha = ALPHA / comparisons
    error, freedom = row["effect_error"], row["effect_freedom"]
    needed = seeds_needed(row["effect"], error, freedom, row["seeds"], alpha)
    too_many = f"undefined: more than {MOST_SEEDS:,}"
    found = detectable_difference(error, freedom, alpha)
    is_possible = found <= METRICS[metric].range
    return {
        "detectable": found if is_possible else math.nan,
        "detectable_reason": None if is_possible else NONE_DETECTABLE,
        "seeds_needed": math.nan if needed is None else float(needed),
        "seeds_reason": too_many if needed is None else None,
    }


def _note(row: Mapping[str, Any], word: str, comparisons: int) -> str | None:
    """Return why an interval that excludes zero takes no side, or None."""
    if word != "no clear difference" or row["effect_low"] <= 0 <= row["effect_high"]:
        return None
    if not row["p"] < ALPHA:
        return f"the interval excludes zero, but the t test's p is {row['p']:.3f}"
    return (
        "the interval excludes zero by itself, but not after correction for "
        f"{comparisons} comparisons"
    )


def _text(value: Any) -> str | None:
    """Return a reason read from a frame, where null may have become NaN."""
    return value if isinstance(value, str) else None
