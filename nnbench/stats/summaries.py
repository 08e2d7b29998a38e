"""One row per level, with its mean and its paired effect; one row per factor."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from nnbench.stats.choice import uneven_levels
from nnbench.stats.contrasts import Claimed, contrast, correct_family, hold_across
from nnbench.stats.intervals import GeneratorFor, Interval, bootstrap_interval
from nnbench.stats.pairing import paired_differences, status_counts, usable
from nnbench.stats.shared import shared_cells
from nnbench.study.metrics import METRICS


def summarise_effects(
    frame: pd.DataFrame,
    levels: Mapping[str, Sequence[str]],
    baselines: Mapping[str, str],
    metric: str,
    generator_for: GeneratorFor,
    is_sampled: bool = False,
    claimed: Mapping[tuple[str, str], Claimed] | None = None,
    across: pd.DataFrame | None = None,
    looked: bool = False,
) -> pd.DataFrame:
    """Return one row per factor and level, each with its mean and its paired effect.

    `frame` is labelled; the factors are those of `baselines`, in that order. Columns: `factor,
    level, baseline, only, n, ok, diverged, crashed, used, mean, mean_low, mean_high, mean_reason`
    and those of `contrast`. Verdicts hold for all factors' comparisons together (`correct_family`).
    The levels of a factor are compared on the cells that all of them have (`shared_cells`); one
    that has too few stands on its own, and `only` says where it ran: it does not compare with the
    rest. The mean and the effect may rest on different cells: where one of a pair diverged, the
    other still counts in its mean. claimed: by factor and level, what a claim found of it; it is
    told the same here where it is of the same pairs. across: the cells of the settings that other
    seeds chose (`choose_tuned`), by which levels that had more or fewer settings to choose from
    than their baseline must hold too (`hold_across`). looked: the study was judged before
    (`contrast`).
    """
    factors = list(baselines)
    tables = []
    for f in factors:
        arguments = (f, levels[f], baselines[f], metric, factors, generator_for, is_sampled, looked)
        table = _of_factor(frame, *arguments)
        uneven = uneven_levels(frame, f, baselines[f], factors)
        if uneven and across is not None:
            beside = _of_factor(across, *arguments)
            table = hold_across(table, beside, [uneven.get(level) for level in table["level"]])
        tables.append(table)
    return _judged(tables, metric, claimed or {})


def summarise_factor(
    frame: pd.DataFrame,
    factor: str,
    levels: Sequence[str],
    baseline: str,
    metric: str,
    factors: Sequence[str],
    generator_for: GeneratorFor,
) -> pd.DataFrame:
    """Return the rows of `summarise_effects` for one factor, corrected among its own levels only.

    factors: all of the study's, for a pair is alike in every other one.
    """
    table = _of_factor(frame, factor, levels, baseline, metric, factors, generator_for)
    return _judged([table], metric, {})


def _of_factor(
    frame: pd.DataFrame,
    factor: str,
    levels: Sequence[str],
    baseline: str,
    metric: str,
    factors: Sequence[str],
    generator_for: GeneratorFor,
    is_sampled: bool = False,
    looked: bool = False,
) -> pd.DataFrame:
    """Return one row per level of a factor, as if no other comparison were made."""
    others = [f for f in factors if f != factor]
    shared = shared_cells(frame, frame[factor], others, baseline, is_sampled)
    alone = [level for level in levels if level in shared.partial]
    cells = shared.cells
    pairs = paired_differences(cells, factor, baseline, metric, factors)
    if alone:
        own = _beside(frame, factor, alone, baseline, factors)
        apart = paired_differences(own, factor, baseline, metric, factors)
        pairs = pd.concat([pairs, apart], ignore_index=True)
        cells = pd.concat([cells, own[own[factor] != baseline]])
    table = summarise_levels(cells, factor, levels, metric, generator_for)
    table.insert(2, "baseline", [level == baseline for level in levels])
    only = [shared.partial.get(level) for level in levels]
    table.insert(3, "only", pd.Series(only, dtype=object))
    by_level = dict(list(pairs.groupby("level", sort=False)))
    effects = []
    for level in levels:
        generator = generator_for(f"{factor}/{level}/effect")
        effects.append(contrast(by_level.get(level, pairs.iloc[:0]), metric, generator, looked))
    return pd.concat([table, pd.DataFrame(effects)], axis="columns")


def _beside(
    frame: pd.DataFrame, factor: str, alone: Sequence[str], baseline: str, factors: Sequence[str]
) -> pd.DataFrame:
    """Return the baseline's cells, and of the levels that stand alone those with a partner in it.

    All of a level that has no partner at all: its mean is still its mean.
    """
    place = frame.groupby(["data", "seed", *(f for f in factors if f != factor)]).ngroup()
    is_base = frame[factor] == baseline
    has_partner = place.isin(place[is_base])
    ever = has_partner.groupby(frame[factor]).transform("any")
    return frame[is_base | (frame[factor].isin(alone) & (has_partner | ~ever))]


def _judged(
    tables: Sequence[pd.DataFrame], metric: str, claimed: Mapping[tuple[str, str], Claimed]
) -> pd.DataFrame:
    """Return the tables as one, their comparisons corrected together; a baseline has none."""
    if not tables:
        return pd.DataFrame(columns=["factor", "level", "baseline", "verdict"])
    rows = pd.concat(tables, ignore_index=True)
    claims = [
        claimed.get((factor, level)) if pd.notna(p) else None
        for factor, level, p in zip(rows["factor"], rows["level"], rows["p"], strict=True)
    ]
    same = [
        one if one is not None and one.pairs == pairs else None  # all pairs of the level
        for one, pairs in zip(claims, rows["pairs"], strict=True)
    ]
    rows = correct_family(rows, metric, same)
    alone = rows["baseline"].astype(bool)
    rows.loc[alone, "verdict"] = "baseline"
    for column in [str(c) for c in rows if str(c).endswith("_reason")]:
        says = rows[column].notna() & (~alone | (column == "mean_reason"))
        rows[column] = rows[column].astype(object).where(says, None)
    return rows


def effects_by_data(
    frame: pd.DataFrame,
    factor: str,
    levels: Sequence[str],
    baseline: str,
    metric: str,
    factors: Sequence[str],
    generator_for: GeneratorFor,
    across: pd.DataFrame | None = None,
    looked: bool = False,
) -> pd.DataFrame:
    """Return each level's paired effect on each data set, all of them corrected together.

    Columns: `data, factor, level` and those of `contrast`, a row for each data set and level but
    the baseline. factors: all of the study's, for a pair is alike in every other one. frame: the
    cells that all levels have (`shared_cells`); across: those of settings that other seeds chose;
    looked: the study was judged before.
    """
    arguments = (factor, levels, baseline, metric, factors, generator_for, looked)
    table = _of_each(frame, *arguments)
    uneven = uneven_levels(frame, factor, baseline, factors)
    if uneven and across is not None:
        beside = _of_each(across, *arguments)
        table = hold_across(table, beside, [uneven.get(level) for level in table["level"]])
    return correct_family(table, metric)


def _of_each(
    frame: pd.DataFrame,
    factor: str,
    levels: Sequence[str],
    baseline: str,
    metric: str,
    factors: Sequence[str],
    generator_for: GeneratorFor,
    looked: bool,
) -> pd.DataFrame:
    """Return the rows of `effects_by_data`, as if no other comparison were made."""
    pairs = paired_differences(frame, factor, baseline, metric, factors)
    found_levels = set(frame[factor])
    rows = []
    for data in dict.fromkeys(frame["data"]):
        for level in levels:
            if level == baseline or level not in found_levels:
                continue
            here = pairs[(pairs["data"] == data) & (pairs["level"] == level)]
            found = contrast(
                here, metric, generator_for(f"{factor}/{level}/effect on {data}"), looked
            )
            rows.append({"data": data, "factor": factor, "level": level} | found)
    return pd.DataFrame(rows)


def summarise_levels(
    frame: pd.DataFrame,
    factor: str,
    levels: Sequence[str],
    metric: str,
    generator_for: GeneratorFor,
) -> pd.DataFrame:
    """Return one row per level: the counts and the mean of `summarise_factor`, without effects."""
    rows = []
    for level in levels:
        cells = frame[frame[factor] == level]
        mean = mean_interval(cells, metric, generator_for(f"{factor}/{level}/mean"))
        row = {"factor": factor, "level": level} | status_counts(cells)
        row["used"] = int(usable(cells, metric).sum())
        rows.append(row | _interval_columns("mean", mean))
    return pd.DataFrame(rows)


def mean_interval(frame: pd.DataFrame, metric: str, generator: np.random.Generator) -> Interval:
    """Return the mean of the metric over the cells that have it, with its interval.

    The interval ends where the metric does: no accuracy is above 1.
    """
    cells = frame[usable(frame, metric)]
    values, blocks = cells[metric].astype(float), cells["seed"].astype(str)
    mean = bootstrap_interval(values, cells["data"], generator, blocks=blocks)
    if mean.reason:
        return mean
    ends = METRICS[metric]
    return replace(mean, low=max(mean.low, ends.low), high=min(mean.high, ends.high))


def _interval_columns(name: str, interval: Interval) -> dict[str, Any]:
    return {
        name: interval.estimate,
        f"{name}_low": interval.low,
        f"{name}_high": interval.high,
        f"{name}_reason": interval.reason,
    }


def importance(effects: pd.DataFrame) -> pd.DataFrame:
    """Return one row per factor, the most important first: `factor, range, levels, undefined`.

    range: from the lowest to the highest mean paired difference, the baseline's 0 included, over
    the levels that compare (`only` is null). It grows with noise and with the number of levels, so
    it orders factors and proves nothing.
    undefined: levels without an effect (all diverged, or never paired): they have no share in
    the range. A factor with no effect at all has a null range and comes last.
    """
    rows = []
    for factor, part in effects.groupby("factor", sort=False):
        others = part[~part["baseline"] & part["only"].isna()]
        known = others["effect"].dropna()
        spread = max(known.max(), 0) - min(known.min(), 0) if len(known) else math.nan
        missing = int(others["effect"].isna().sum())
        rows.append({"factor": factor, "range": spread, "levels": len(part), "undefined": missing})
    table = pd.DataFrame(rows, columns=["factor", "range", "levels", "undefined"])
    return table.sort_values("range", ascending=False, kind="stable").reset_index(drop=True)
