"""Paired comparisons: one contrast over its blocks, and a whole family of them corrected."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from nnbench.stats.anytime import (
    anytime_interval,
    anytime_p,
    findable,
    seed_means,
    seeds_to_settle,
)
from nnbench.stats.blocks import (
    Blocks,
    Spread,
    gather_blocks,
    mean_of,
    spread_of,
    stretched_interval,
    times_drawn,
    two_sided_p,
)
from nnbench.stats.choice import tried_words
from nnbench.stats.intervals import Interval, why_undefined
from nnbench.stats.power import ALPHA, MOST_SEEDS, detectable_difference, seeds_needed
from nnbench.stats.signed_rank import signed_rank
from nnbench.study.metrics import METRICS

RESAMPLES = 10_000
LOSSES_DECIDE = "undefined: more networks lost on one side than on the other"
NONE_DETECTABLE = "undefined: not even the largest possible difference"
UNKNOWN: Mapping[str, Any] = dict.fromkeys(
    (
        *("effect", "effect_low", "effect_high", "effect_reason", "effect_error"),
        *("effect_freedom", "p", "cohen_d"),
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


@dataclass(frozen=True)
class Claimed:
    """What the study's claim of that number found of a comparison, which is then told the same.

    The difference to the baseline, over so many pairs, in the metric's own direction. p: of a claim
    that one side is better, the one that counts where networks were lost, and after correction for
    the study's `claims`; null of any other claim, which does not say which side is better.
    """

    number: int
    pairs: int
    effect: float
    low: float
    high: float
    p: float
    p_holm: float
    claims: int

    @property
    def decides(self) -> bool:
        """Whether the claim's verdict is that of the comparison."""
        return not math.isnan(self.p)


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


def contrast(
    pairs: pd.DataFrame, metric: str, generator: np.random.Generator, looked: bool = False
) -> dict[str, Any]:
    """Return one comparison: its mean paired difference with all that says how sure it is.

    pairs: columns `data, seed, difference`, a row per pair, null where a cell of the pair has no
    metric, and `lost, lost_baseline`, whether that cell has none. A block's difference is the mean
    of its pairs; data sets weigh alike. Keys: `effect, effect_low, effect_high, effect_reason,
    effect_error, effect_freedom, pairs_used, pairs, blocks, seeds` (blocks a data set, and
    `seeds_run`, those that lost every pair counted), `lost, lost_baseline` (pairs in which only
    that cell has no metric), `p` (paired t within data sets), `held_p` (`held_p`), `wilcoxon_p,
    wilcoxon_reason, rank_biserial, cohen_d` (d_z: mean over standard deviation of the blocks'
    differences within data sets), and those of `correct_family` for a family of one. looked: the
    study was judged before, with fewer seeds, so that interval and p must hold at any moment
    (`nnbench.stats.anytime`); `looked` says so in the row too.
    """
    whole = pairs.dropna(subset=["difference"])
    values = whole["difference"].to_numpy(dtype=float)
    blocks = gather_blocks(values, whole["data"], whole["seed"].astype(str))
    row = dict(UNKNOWN) | {"effect": float(mean_of(blocks)[0]) if len(values) else math.nan}
    row["effect_reason"] = why_undefined(blocks)
    if whole.empty:
        lost = f"undefined: none of {len(pairs)} pairs has both values"
        row["effect_reason"] = lost if len(pairs) else "undefined: no pair with the baseline"
    elif row["effect_reason"] is None:
        row |= _uncertainty(blocks, metric, generator)
        if looked:
            row |= _at_any_time(whole, metric)
    row["looked"] = looked
    count = len(blocks.strata)
    row |= {"pairs_used": len(whole), "pairs": len(pairs), "blocks": count}
    run = pairs[["data", "seed"]].drop_duplicates()
    row["seeds_run"] = len(run) / max(run["data"].nunique(), 1)
    row |= _losses(pairs) | {
        "held_p": held_p(row["effect"], row["p"], pairs, METRICS[metric].higher_is_better, looked)
    }
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
        "effect_freedom": float(spread.test_freedom[0]),
        "p": float(two_sided_p(spread)[0]),
        "cohen_d": standardised(blocks, spread),
    }


def _losses(pairs: pd.DataFrame) -> dict[str, int]:
    """Return in how many pairs only the level, or only the baseline, has no metric."""
    alone = pairs["lost"].astype(int) - pairs["lost_baseline"].astype(int)
    return {"lost": int((alone > 0).sum()), "lost_baseline": int((alone < 0).sum())}


def _at_any_time(whole: pd.DataFrame, metric: str) -> dict[str, float]:
    """Return the interval and p that hold however often one has looked: by seeds."""
    values, most = seed_means(whole), METRICS[metric].range
    low, high = anytime_interval(values)
    if not math.isfinite(low):  # so few seeds exclude nothing
        return {"effect_low": -most, "effect_high": most, "p": 1.0}
    return {"effect_low": max(low, -most), "effect_high": min(high, most), "p": anytime_p(values)}


def held_p(
    effect: float, p: float, pairs: pd.DataFrame, higher_is_better: bool, looked: bool = False
) -> float:
    """Return the p that counts where one side lost more networks than the other.

    What is lost is seldom the best, so the side that lost more looks better than it is. Where it is
    the one ahead, the difference must also hold were each network that it alone lost behind by the
    largest difference seen, and each that the other alone lost ahead by as much: the larger of both
    p, and 1 where that turns the difference around. No number of a report is such a guess.
    """
    ahead = 1 if (effect > 0) == higher_is_better else -1
    lost = _losses(pairs)
    if math.isnan(p) or (lost["lost"] - lost["lost_baseline"]) * ahead <= 0:
        return p
    known = pairs["difference"]
    filled = known.fillna(_penalised(pairs, higher_is_better)).dropna()
    kept = pairs.loc[filled.index]
    blocks = gather_blocks(filled.to_numpy(), kept["data"], kept["seed"].astype(str))
    if (blocks.per_stratum < 2).any():
        return 1.0  # a data set of which one block is left, and that was lost
    spread = spread_of(blocks)
    if spread.mean[0] * effect <= 0:
        return 1.0
    if looked:
        held = anytime_p(seed_means(kept.assign(difference=filled)))
        return 1.0 if math.isnan(held) else max(p, held)
    return max(p, float(two_sided_p(spread)[0]))


def _penalised(pairs: pd.DataFrame, higher_is_better: bool) -> pd.Series:
    """Return for each pair that one side alone lost the largest difference seen, against it."""
    most = float(pairs["difference"].abs().max()) * (1 if higher_is_better else -1)
    alone = pairs["lost"].astype(float) - pairs["lost_baseline"].astype(float)
    return (-alone * most).where(alone != 0)


def standardised(blocks: Blocks, spread: Spread) -> float:
    """Return Cohen's d_z of one column: the mean over the blocks' spread within data sets."""
    means = (blocks.sums / blocks.sizes)[:, 0]
    table = pd.Series(means).groupby(blocks.strata)
    within = float(((means - table.transform("mean")) ** 2).sum())
    freedom = len(means) - len(blocks.per_stratum)
    return float(spread.mean[0]) / math.sqrt(within / freedom)


def correct_family(
    rows: pd.DataFrame, metric: str, claimed: Sequence[Claimed | None] = ()
) -> pd.DataFrame:
    """Return rows of `contrast` with what depends on the comparisons made beside each.

    Filled in: `p_holm, wilcoxon_p_holm` (Holm over the rows that have a p; of the first it is the p
    that counts where networks were lost), `comparisons` (how many those are), `detectable`
    (smallest difference found with 80 % power), `seeds_needed` (seeds a data set that would settle
    a difference as large as the observed), both at 5 % shared among the comparisons, `verdict` and
    `note`. A side is taken where the 95 % interval excludes zero and the corrected p is below 5 %,
    so all comparisons together claim a difference that is none in at most 5 % of studies. Source:
    Holm 1979, A Simple Sequentially Rejective Multiple Test Procedure.
    claimed: what a claim of the study says of each row, if any. Such a row has the claim's numbers;
    where the claim is that one side is better, it is of the claims' family and not of this one.
    """
    table, claims = rows.copy(), list(claimed) or [None] * len(rows)
    apart = np.array([one is not None and one.decides for one in claims], dtype=bool)
    for name, own in {"p_holm": "held_p", "wilcoxon_p_holm": "wilcoxon_p"}.items():
        table[name] = holm(table[own].where(~apart).to_numpy(dtype=float))
    table["comparisons"] = int((table["p"].notna() & ~apart).sum())
    _take_claims(table, claims)
    records = [{str(name): value for name, value in r.items()} for r in table.to_dict("records")]
    told = [
        _told(record, metric, int(record["comparisons"]), one)
        for record, one in zip(records, claims, strict=True)
    ]
    for name, kind in TOLD.items():
        table[name] = pd.Series([row[name] for row in told], index=table.index, dtype=kind)
    return table


def hold_across(
    rows: pd.DataFrame, other: pd.DataFrame, uneven: Mapping[str, tuple[int, int]]
) -> pd.DataFrame:
    """Return rows of `contrast` that hold for settings chosen on other seeds too, where `uneven`.

    rows: by the settings that do best on the seeds that are judged, which flatters the side with
    more of them. other: the same comparisons by those chosen across the halves of the seeds. The
    interval is the hull of both, the p the larger one, and 1 where they have no side in common.
    uneven: how many settings a level and the baseline had, of those that differ in it; `tried` says
    it of a row.
    """
    table = rows.copy()
    table["tried"] = pd.Series([None] * len(table), index=table.index, dtype=object)
    for row, beside in zip(table.index, other.index, strict=True):
        settings = uneven.get(table.loc[row, "level"])
        if settings is None or pd.isna(table.loc[row, "p"]):
            continue
        table.loc[row, "tried"] = tried_words(settings)
        second = other.loc[beside]
        is_known = pd.notna(second["p"])
        agree = is_known and second["effect"] * table.loc[row, "effect"] > 0
        for name in ("p", "held_p"):
            table.loc[row, name] = max(table.loc[row, name], second[name]) if agree else 1.0
        if is_known:
            for name, outer in {"effect_low": min, "effect_high": max}.items():
                table.loc[row, name] = outer(table.loc[row, name], second[name])
    return table


def _take_claims(table: pd.DataFrame, claims: Sequence[Claimed | None]) -> None:
    """Write into the rows that repeat a claim its numbers, and its p where it decides."""
    for row, one in zip(table.index, claims, strict=True):
        if one is None:
            continue
        table.loc[row, ["effect", "effect_low", "effect_high"]] = one.effect, one.low, one.high
        if one.decides:
            table.loc[row, ["p", "held_p", "p_holm"]] = one.p, one.p, one.p_holm
            table.loc[row, "comparisons"] = one.claims


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
    alone = {"p_holm": row["held_p"], "wilcoxon_p_holm": row["wilcoxon_p"]}
    comparisons = int(not math.isnan(row["p"]))
    return alone | {"comparisons": comparisons} | _told({**row, **alone}, metric, comparisons)


def _told(
    row: Mapping[str, Any], metric: str, comparisons: int, claimed: Claimed | None = None
) -> dict[str, Any]:
    """Return what a reader is told of one comparison among several."""
    ends = (row["effect"], row["effect_low"], row["effect_high"])
    effect = Interval(*ends, row["blocks"], _text(row["effect_reason"]))
    word = verdict(effect, METRICS[metric].higher_is_better, row["p_holm"])
    note = _note(row, word, comparisons, METRICS[metric].higher_is_better)
    if isinstance(row.get("tried"), str):
        note = "; ".join(part for part in (row["tried"], note) if part)
    if claimed is not None:
        told = f"{'judged' if claimed.decides else 'measured'} as claim {claimed.number}"
        note = f"{told}: {note}" if note else told
    return _design(row, metric, comparisons, word) | {"verdict": word, "note": note}


def _design(row: Mapping[str, Any], metric: str, comparisons: int, word: str) -> dict[str, Any]:
    """Return what the design could have detected and how many seeds would settle it.

    A difference larger than any two values of the metric can have is none that could be found. Of
    one that is not told from zero, the seeds are those that settle it for who looks again.
    """
    undefined = _text(row["effect_reason"])
    if undefined:
        reasons = {"detectable_reason": undefined, "seeds_reason": undefined}
        return {"detectable": math.nan, "seeds_needed": math.nan} | reasons
    alpha = ALPHA / comparisons
    error, freedom = row["effect_error"], row["effect_freedom"]
    deviation = error * math.sqrt(row["seeds"])  # of a seed's mean over the data sets
    if row["looked"] or word == "no clear difference":
        needed = seeds_to_settle(row["effect"], deviation, alpha)
    else:
        needed = seeds_needed(row["effect"], error, freedom, row["seeds"], alpha)
    if needed is not None:  # seeds as unlucky as these give as few pairs
        needed = math.ceil(round(needed * row["seeds_run"] / row["seeds"], 9))
    too_many = f"undefined: more than {MOST_SEEDS:,}"
    if row["held_p"] > row["p"] and not row["held_p"] < ALPHA:
        needed, too_many = None, LOSSES_DECIDE
    found = detectable_difference(error, freedom, alpha)
    if row["looked"]:
        found = deviation * findable(round(row["seeds"]), alpha)
    is_possible = found <= METRICS[metric].range
    return {
        "detectable": found if is_possible else math.nan,
        "detectable_reason": None if is_possible else NONE_DETECTABLE,
        "seeds_needed": math.nan if needed is None else float(needed),
        "seeds_reason": too_many if needed is None else None,
    }


def _note(
    row: Mapping[str, Any], word: str, comparisons: int, higher_is_better: bool
) -> str | None:
    """Return why an interval that excludes zero takes no side, or of whom it takes one, or None."""
    lost = (
        f"it alone has no result in {row['lost']:,} of {row['pairs']:,} pairs, the other alone in "
        f"{row['lost_baseline']:,}"
    )
    if word in ("better", "worse") and row["lost"] != row["lost_baseline"]:
        return f"of those that finished: {lost}"
    if word != "no clear difference" or row["effect_low"] <= 0 <= row["effect_high"]:
        return None
    if not row["p"] < ALPHA:
        return f"the interval excludes zero, but the t test's p is {row['p']:.3f}"
    if row["held_p"] > row["p"]:
        side = "better" if (row["effect"] > 0) == higher_is_better else "worse"
        return f"{side} of those that finished, but {lost}"
    return (
        "the interval excludes zero by itself, but not after correction for "
        f"{comparisons} comparisons"
    )


def _text(value: Any) -> str | None:
    """Return a reason read from a frame, where null may have become NaN."""
    return value if isinstance(value, str) else None
