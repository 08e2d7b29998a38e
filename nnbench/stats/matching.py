"""Two results of one question: which cells are the same, what changed, which differences are real.

Cells are matched by their recipe. Fields that are held fixed in both results, and differ between
them, are what changed; all others must agree. Frame in, frame out.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from nnbench import stats
from nnbench.stats.labels import formatted, recipe_columns
from nnbench.stats.pairing import usable_values

NOT_OF_THE_RECIPE = ("cell_id", "study")
SIDES = ("a", "b")


class Matched(NamedTuple):
    """Cells in both results: one row a pair, with labels of `data`, `seed` and every factor.

    `value_a`, `value_b` are the metric, null where the cell has none; `difference` is b minus a;
    `diverged_a`, `diverged_b`, `crashed_a`, `crashed_b`; `same_recipe` where even what is held
    fixed agrees.
    """

    pairs: pd.DataFrame
    factors: list[str]
    changed: list[tuple[str, str, str]]  # fixed fields that differ: name, in a, in b
    only_a: int
    only_b: int


def match_cells(
    a: pd.DataFrame, b: pd.DataFrame, factors: Sequence[str], metric: str, has_data: bool = True
) -> Matched:
    """Return the cells of two results that have one recipe, what is fixed in both set aside.

    factors: those of both studies. has_data: False where `data` only repeats a factor.
    Raises ValueError where two cells of one result cannot be told apart by what they share.
    """
    keys, changed = _split_fields(a, b)
    tables = [
        _texts(cells, keys).assign(**{f"place_{side}": np.arange(len(cells))})
        for side, cells in zip(SIDES, (a, b), strict=True)
    ]
    if any(table.duplicated(keys or None).any() for table in tables if keys):
        raise ValueError("two cells of one result agree in everything that both results have")
    on = keys or [""]
    if not keys:
        tables = [table.assign(**{"": ""}) for table in tables]
    both = tables[0].merge(tables[1], on=on, how="inner")
    left, right = (
        cells.iloc[both[f"place_{side}"]].reset_index(drop=True)
        for side, cells in zip(SIDES, (a, b), strict=True)
    )
    known = [f for f in stats.top_factors(factors, a.columns) if f in b.columns]
    pairs = _pairs(left, right, known, metric, has_data)
    return Matched(pairs, known, changed, len(a) - len(both), len(b) - len(both))


def _fields(cells: pd.DataFrame) -> list[str]:
    return [c for c in recipe_columns(cells) if c not in NOT_OF_THE_RECIPE]


def _split_fields(a: pd.DataFrame, b: pd.DataFrame) -> tuple[list[str], list[tuple[str, str, str]]]:
    """Return the fields that cells are matched by, and those fixed in both that differ.

    A parameter that not every level has counts as fixed where those that have it agree.
    """
    keys, changed = [], []
    for column in dict.fromkeys([*_fields(a), *_fields(b)]):
        found = [_values(cells, column) for cells in (a, b)]
        if any(len(values) > 1 for values in found):
            keys.append(column)
        elif found[0] != found[1] and all(found):
            changed.append((column, found[0].pop(), found[1].pop()))
    return keys, changed


def _values(cells: pd.DataFrame, column: str) -> set[str]:
    if column not in cells:
        return set()
    values = cells[column].drop_duplicates()
    if "." in column:
        values = values.dropna()
    return {stats.format_level(value) for value in values.astype(object)}


def _texts(cells: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Return the fields as text, so that 8 and 8.0 are one; a field that is not there is none."""
    texts = {key: formatted(cells[key]) if key in cells else "none" for key in keys}
    return pd.DataFrame(texts, index=cells.index).reset_index(drop=True)


def _pairs(
    left: pd.DataFrame, right: pd.DataFrame, factors: list[str], metric: str, has_data: bool
) -> pd.DataFrame:
    labels: dict[str, Any] = {"data": stats.level_labels(left, "data") if has_data else ""}
    labels |= {"seed": left["seed"].astype(str)}
    labels |= {factor: stats.level_labels(left, factor) for factor in factors}
    pairs = pd.DataFrame(labels, index=left.index)
    for side, cells in zip(SIDES, (left, right), strict=True):
        pairs[f"value_{side}"] = metric_values(cells, metric)
        for how in ("diverged", "crashed"):
            pairs[f"{how}_{side}"] = cells["status"].eq(how).to_numpy(dtype=bool)
    pairs["difference"] = pairs["value_b"] - pairs["value_a"]
    pairs["same_recipe"] = left["cell_id"].eq(right["cell_id"]).to_numpy(dtype=bool)
    return pairs


def metric_values(cells: pd.DataFrame, metric: str) -> pd.Series:
    """The metric of each cell, null where it has none."""
    cells = stats.counted(cells, metric)
    return usable_values(cells, metric)


# What changed besides the cells -------------------------------------------------------------------


def changes(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return what differs between two provenances: name, in a, in b; the study's settings first."""
    studies = [_settings(provenance["study"]) for provenance in (a, b)]
    origins = [_origin(provenance) for provenance in (a, b)]
    found = []
    for left, right in (studies, origins):
        for name in dict.fromkeys([*left, *right]):
            values = (left.get(name, "absent"), right.get(name, "absent"))
            if values[0] != values[1]:
                found.append((name, *values))
    return found


def _settings(study: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings of a study as text, prose and claims apart."""
    settings = {"name": str(study.get("name")), "seed": stats.format_level(study.get("seed"))}
    for section in ("report", "probes", "design"):
        for key, value in (study.get(section) or {}).items():
            settings[f"{section}.{key}"] = _plain(value)
    settings["seeds"] = _plain(study.get("seeds"))
    for factor, levels in (study.get("factors") or {}).items():
        settings[f"levels of {factor}"] = ", ".join(map(str, levels))
    return settings


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_plain(one)}" for key, one in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(_plain, value)) or "none"
    return stats.format_level(value)


def _origin(provenance: Mapping[str, Any]) -> dict[str, str]:
    """Return where results come from: engine, sources, versions, processor."""
    origin = {"engine": str(provenance.get("engine", "unknown"))}
    print_ = str(provenance.get("source_fingerprint", "unknown"))
    origin["sources"] = print_[:12]
    origin |= {f"{k} version": str(v) for k, v in (provenance.get("versions") or {}).items()}
    origin["processor"] = str((provenance.get("machine") or {}).get("processor", "unknown"))
    return origin
