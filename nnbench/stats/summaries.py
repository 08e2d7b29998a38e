"""One row per level, with its mean and its paired effect; one row per factor."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from nnbench.stats.choice import uneven_levels
from nnbench.stats.contrasts import Claimed, contrast, correct_family, hold_across
from nnbench.stats.intervals import GeneratorFor, Interval, bootstrap_interval
from nnbench.stats.pairing import paired_differences, status_counts, usable
from nnbench.stats.shared import shared_cells
from nnbench.study.metrics import METRICS


@dataclass(frozen=True)
class Question:
    """What is asked of a labelled frame: how a factor's levels differ from its baseline.

    factors: all of the study's, for a pair is alike in every other one. is_sampled: arms were drawn
    at random. looked: the study was judged before (`contrast`).
    """

    factor: str
    levels: Sequence[str]
    baseline: str
    metric: str
    factors: Sequence[str]
    generator_for: GeneratorFor
    is_sampled: bool = False
    looked: bool = False


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
    about = (metric, factors, generator_for, is_sampled, looked)
    questions = [Question(f, levels[f], baselines[f], *about) for f in factors]
    tables = [_held(_of_factor, frame, across, question) for question in questions]
    return _judged(tables, metric, claimed or {})


def _held(
    measure: Callable[[pd.DataFrame, Question], pd.DataFrame],
    frame: pd.DataFrame,
    across: pd.DataFrame | None,
    question: Question,
) -> pd.DataFrame:
    """Return what is measured on a frame, and must hold across the seeds where tries differ."""
    table = measure(frame, question)
    uneven = uneven_levels(frame, question.factor, question.baseline, question.factors)
    if not uneven or across is None:
        return table
    return hold_across(table, measure(across, question), uneven)


def _of_factor(frame: pd.DataFrame, question: Question) -> pd.DataFrame:
    """Return one row per level of a factor, as if no other comparison were made."""
    factor, levels, baseline = question.factor, question.levels, question.baseline
    partial, cells, pairs = _compared(frame, question)
    table = summarise_levels(cells, factor, levels, question.metric, question.generator_for)
    table.insert(2, "baseline", [level == baseline for level in levels])
    only = [partial.get(level) for level in levels]
    table.insert(3, "only", pd.Series(only, dtype=object))
    by_level = dict(list(pairs.groupby("level", sort=False)))
    effects = [
        _contrast(by_level.get(level, pairs.iloc[:0]), question, f"{level}/effect")
        for level in levels
    ]
    return pd.concat([table, pd.DataFrame(effects)], axis="columns")


def _compared(
    frame: pd.DataFrame, question: Question
) -> tuple[Mapping[str, str], pd.DataFrame, pd.DataFrame]:
    """Return where each level ran that stands alone, the cells that are compared, and their pairs.

    Those that all levels have; of a level that stands alone, those with a partner in the baseline.
    """
    factor, baseline = question.factor, question.baseline
    others = [f for f in question.factors if f != factor]
    shared = shared_cells(frame, frame[factor], others, baseline, question.is_sampled)
    alone = [level for level in question.levels if level in shared.partial]
    cells, pairs = shared.cells, _pairs(shared.cells, question)
    if alone:
        own = _beside(frame, factor, alone, baseline, question.factors)
        pairs = pd.concat([pairs, _pairs(own, question)], ignore_index=True)
        cells = pd.concat([cells, own[own[factor] != baseline]])
    return shared.partial, cells, pairs


def _pairs(cells: pd.DataFrame, question: Question) -> pd.DataFrame:
    about = (question.factor, question.baseline, question.metric, question.factors)
    return paired_differences(cells, *about)


def _contrast(pairs: pd.DataFrame, question: Question, purpose: str) -> dict[str, Any]:
    generator = question.generator_for(f"{question.factor}/{purpose}")
    return contrast(pairs, question.metric, generator, question.looked)


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
    frame: pd.DataFrame, question: Question, across: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return each level's paired effect on each data set, all of them corrected together.

    Columns: `data, factor, level, only` and those of `contrast`, a row for each data set and level
    but the baseline. frame: labelled, and compared as by `summarise_effects`; across: the cells of
    the settings that other seeds chose.
    """
    return correct_family(_held(_of_each, frame, across, question), question.metric)


def _of_each(frame: pd.DataFrame, question: Question) -> pd.DataFrame:
    """Return the rows of `effects_by_data`, as if no other comparison were made."""
    factor, (partial, cells, pairs) = question.factor, _compared(frame, question)
    found_levels = set(cells[factor]) - {question.baseline}
    rows = []
    for data in dict.fromkeys(cells["data"]):
        for level in (one for one in question.levels if one in found_levels):
            here = pairs[(pairs["data"] == data) & (pairs["level"] == level)]
            found = _contrast(here, question, f"{level}/effect on {data}")
            level_of = {"data": data, "factor": factor, "level": level, "only": partial.get(level)}
            rows.append(level_of | found)
    return pd.DataFrame(rows)


def summarise_levels(
    frame: pd.DataFrame,
    factor: str,
    levels: Sequence[str],
    metric: str,
    generator_for: GeneratorFor,
) -> pd.DataFrame:
    """Return one row per level: the counts and the mean of `summarise_effects`, without effects."""
    rows = []
    for level in levels:
        cells = frame[frame[factor] == level]
        mean = mean_interval(cells, metric, generator_for(f"{factor}/{level}/mean"))
        row: dict[str, Any] = {"factor": factor, "level": level} | status_counts(cells)
        row["used"] = int(usable(cells, metric).sum())
        row |= {"mean": mean.estimate, "mean_low": mean.low, "mean_high": mean.high}
        rows.append(row | {"mean_reason": mean.reason})
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
