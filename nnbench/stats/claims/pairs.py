"""A claim's two sides, paired: cells alike in data set, seed and every factor not named.

Where a side has several cells in one pair (norm = "batchnorm" in two positions against none), their
mean stands for it, and the pair is lost if one of them has no number: the survivors alone would be
too good. A parameter of a named factor that takes the same values on both sides is paired too.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from nnbench import stats
from nnbench.stats.pairing import as_numbers, finite, scale_of
from nnbench.study.selection import Partial, matches
from nnbench.study.study_kinds import STUDY_KINDS, StudyKind, study_kind_of
from nnbench.study.words import in_words, spoken

SIDES = ("first", "second")


class Pairs(NamedTuple):
    """One row a pair: `data, seed`, `first` and `second` (the metric; inf where never reached),
    `first_failed` and `second_failed` (diverged), `difference` (positive favours the first side).

    `reason` says why there is no pair, where there is none. `cells`: the ids of each side's cells
    that are in a pair. Where the sides had unequal numbers of tuned settings to choose from,
    `settings` has both, and `across` the pairs of those chosen on other seeds (`choose_tuned`).
    """

    table: pd.DataFrame
    reason: str = ""
    cells: tuple[Collection[str], Collection[str]] = ((), ())
    settings: tuple[int, int] | None = None
    across: pd.DataFrame | None = None


def sides_of(claim: Mapping[str, Any]) -> tuple[Partial, Partial]:
    """Return what is compared with what: better and than, or same and as."""
    first, second = (claim.get(name) or {} for name in _names(claim))
    return first, second


def described(partial: Partial) -> str:
    """Return a naming of cells in words: `momentum (learning rate 0.03)`, `no dropout`."""
    first, *rest = (_described(key, wanted) for key, wanted in partial.items())
    return f"{first} ({', '.join(rest)})" if rest else first


def _described(key: str, wanted: Any) -> str:
    if isinstance(wanted, list):
        return " or ".join(
            described(one) if isinstance(one, dict) else _described(key, one) for one in wanted
        )
    if "." in key and not isinstance(wanted, str):  # a parameter of a named level
        return f"{in_words(key)} {stats.format_level(wanted)}"
    return spoken(key, stats.format_level(wanted))


def select(cells: pd.DataFrame, partial: Partial) -> np.ndarray:
    """Return which cells (n,) have all that a normalised partial assignment names."""
    columns = [key for key in _keys(partial) if key in cells]
    if not columns:
        return np.full(len(cells), not partial)
    kinds = cells[columns].drop_duplicates()
    # as recipes: without what a cell has not, and with list-valued text as tuples
    recipes = (
        {str(key): _plain(value) for key, value in row.items() if not pd.isna(value)}
        for row in kinds.to_dict("records")
    )
    found = [matches(recipe, partial) for recipe in recipes]
    wanted = kinds[np.array(found, dtype=bool)].assign(wanted=True)
    joined = cells[columns].merge(wanted, on=columns, how="left")["wanted"]
    return joined.eq(True).to_numpy(dtype=bool)


def _keys(partial: Partial) -> list[str]:
    """Return every field that a partial assignment names, in lists of tables too."""
    found = list(partial)
    for wanted in partial.values():
        tables = wanted if isinstance(wanted, list) else []
        found += [key for one in tables if isinstance(one, dict) for key in _keys(one)]
    return list(dict.fromkeys(found))


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):
        return value.item()
    if isinstance(value, str) and value.startswith("["):  # a list-valued level, as tables hold it
        with suppress(ValueError):
            return tuple(json.loads(value))
    return value


def pair_sides(claim: Mapping[str, Any], cells: pd.DataFrame, study: Mapping[str, Any]) -> Pairs:
    """Return the claim's pairs, tuned parameters chosen on validation first."""
    first, second = sides_of(claim)
    metric = str(claim["metric"])
    if metric not in stats.METRICS or metric not in cells:
        return _none(f"the results have no {metric}")
    here = cells[select(cells, claim.get("where") or {})]
    masks = [select(here, side) for side in (first, second)]
    for name, mask in zip(_names(claim), masks, strict=True):
        if not mask.any():
            return _none(f"no cell matches both {name} and where")
    named = [*_keys(first), *_keys(second)]
    both = _measured(here[masks[0] | masks[1]], metric)
    if both.empty:
        return _none(f"no cell has a {stats.METRICS[metric].label}")
    tuned = _tuned(study, [*named, *_keys(claim.get("where") or {})], cells)
    untuned = [factor for factor in study.get("factors") or {} if factor not in tuned]
    factors = stats.top_factors(untuned, cells.columns)
    # By the study's metric, whatever the claim's own: a claim is about the networks of the report.
    judged = (study.get("report") or {}).get("metric") or metric
    kind = STUDY_KINDS[study_kind_of(study)]

    def paired(across: bool) -> tuple[Pairs, list[list[int]]]:
        chosen = stats.choose_tuned(both, factors, tuned, judged, across)
        sides = [chosen[select(chosen, side)] for side in (first, second)]
        keys = _pair_keys(sides, chosen, factors, named, tuned, kind)
        tried = [sorted(side[stats.SETTINGS].unique()) for side in sides]
        return _joined(sides, chosen, keys, metric), tried

    pairs, tried = paired(across=False)
    if tried[0] == tried[1] or pairs.reason:
        return pairs
    settings = int(tried[0][-1]), int(tried[1][-1])
    return pairs._replace(settings=settings, across=paired(across=True)[0].table)


def _none(reason: str) -> Pairs:
    columns = ["data", "seed", *SIDES, *(f"{side}_failed" for side in SIDES), "difference"]
    return Pairs(pd.DataFrame(columns=columns), reason)


def _names(claim: Mapping[str, Any]) -> tuple[str, str]:
    return ("better", "than") if claim.get("better") else ("same", "as")


def _measured(cells: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return the cells that the metric applies to, with its `value` and whether they `failed`."""
    cells, _ = stats.applicable(stats.counted(cells, metric), metric)
    values = as_numbers(cells[metric])
    is_undefined = values.isna() & cells["status"].eq("ok")  # of a network that is well
    values = values.where(finite(cells, metric))
    failed = cells["status"].ne("crashed") & ~finite(cells, metric) & ~is_undefined
    if stats.METRICS[metric].null_is_never:
        values = values.mask(values.isna() & (cells["status"] != "crashed"), np.inf)
        failed = cells["status"].eq("diverged")
    return cells.assign(value=values, failed=failed)


def _tuned(study: Mapping[str, Any], named: Sequence[str], cells: pd.DataFrame) -> list[str]:
    """Return the columns to tune: those that the study declared and the claim leaves open."""
    declared = (study.get("report") or {}).get("tune") or []
    return [place for place in declared if place not in named and place in cells]


def _pair_keys(
    sides: Sequence[pd.DataFrame],
    chosen: pd.DataFrame,
    factors: Sequence[str],
    named: Sequence[str],
    tuned: Sequence[str],
    study_kind: StudyKind,
) -> dict[str, pd.Series]:
    """Return the labels that both cells of a pair share, by name, over the rows of `chosen`."""
    roots = {key.split(".")[0] for key in named}
    keys: dict[str, pd.Series] = {}
    if study_kind.has_chance and study_kind.data_from not in roots:
        keys["data"] = stats.level_labels(chosen, "data")
    if "seed" not in roots:
        keys["seed"] = chosen["seed"].astype(str)
    others = [factor for factor in factors if factor.split(".")[0] not in roots]
    keys |= {factor: stats.level_labels(chosen, factor, tuned) for factor in others}
    for column in stats.factor_columns(chosen, sorted(roots)):
        if column not in named and column not in tuned and _shared(sides, column):
            keys[column] = chosen[column].astype(object).map(stats.format_level)
    return keys


def _shared(sides: Sequence[pd.DataFrame], column: str) -> bool:
    first, second = (set(side[column].astype(object).map(stats.format_level)) for side in sides)
    return first == second


def _joined(
    sides: Sequence[pd.DataFrame], chosen: pd.DataFrame, keys: Mapping[str, pd.Series], metric: str
) -> Pairs:
    labels = pd.DataFrame(keys, index=chosen.index) if keys else pd.DataFrame(index=chosen.index)
    labels = labels.assign(**{"": ""})  # so that there is always something to join on
    first, second = (_side(side, labels, name) for side, name in zip(sides, SIDES, strict=True))
    table = first.merge(second, on=list(labels.columns), validate="one_to_one")
    for name in ("data", "seed"):
        if name not in table:
            table[name] = ""
    sign = 1.0 if stats.METRICS[metric].higher_is_better else -1.0
    both_never = np.isinf(table["first"]) & np.isinf(table["second"])
    with np.errstate(over="ignore", invalid="ignore"):
        difference = sign * (table["first"] - table["second"])
    table["difference"] = difference.mask(both_never, 0.0)
    if table.empty:
        return _none("no cell has a partner with the same data set, seed and other factors")
    return Pairs(table, cells=_paired(sides, labels, table))


def _paired(
    sides: Sequence[pd.DataFrame], labels: pd.DataFrame, table: pd.DataFrame
) -> tuple[Collection[str], Collection[str]]:
    """Return the ids of the cells of each side whose labels are those of a pair."""
    names = [*labels.columns]
    keys = table[names].assign(paired=True)
    ids = []
    for side in sides:
        own = labels.loc[side.index].merge(keys, on=names, how="left")["paired"].eq(True)
        ids.append(list(side.loc[own.to_numpy(), "cell_id"]))
    return ids[0], ids[1]


def _side(side: pd.DataFrame, labels: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return one row a pair: the mean of the side's cells, null where one of them has none."""
    scale = scale_of(side["value"])
    table = labels.loc[side.index].assign(value=side["value"] / scale, failed=side["failed"])
    grouped = table.groupby(list(labels.columns), sort=True)
    summary = grouped.agg(
        mean=("value", "mean"), count=("value", "count"), size=("failed", "size"),
        failed=("failed", "any"),
    )  # fmt: skip
    whole = (summary["mean"] * scale).where(summary["count"] == summary["size"])
    found = pd.DataFrame({name: whole, f"{name}_failed": summary["failed"]})
    return found.reset_index()
