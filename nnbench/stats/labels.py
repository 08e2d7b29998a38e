"""Cells with one column of text a factor: labels, the order of levels, the tuned settings."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd


def format_level(value: Any) -> str:
    """Return a level as a person writes it: `0.001`, `8`, `true`, `none`."""
    if value is None or (isinstance(value, float) and math.isnan(value)) or value is pd.NA:
        return "none"
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating):
        # A column with a null is read back as float, so a whole number may carry a ".0".
        return repr(float(value)).removesuffix(".0")
    return str(value)


def formatted(column: pd.Series) -> pd.Series:
    """Return a column's levels as a person writes them, each different value looked at once."""
    codes, found = column.factorize(use_na_sentinel=False)
    words = np.array([format_level(value) for value in found.astype(object)], dtype=object)
    return pd.Series(words[codes], index=column.index, dtype=object)


def recipe_columns(cells: pd.DataFrame) -> list[str]:
    """Return the columns of the recipe: those before the first column of results."""
    columns = list(cells.columns)
    return columns[: columns.index("status")]


def setting_names(cells: pd.DataFrame, apart: Sequence[str]) -> pd.Series:
    """Return all of a cell's settings in one text, those left out that are told apart by."""
    settings = [name for name in recipe_columns(cells) if name not in apart]
    return cells[settings].astype(object).map(format_level).agg(" ".join, axis="columns")


def factor_columns(frame: pd.DataFrame, factors: Iterable[str]) -> list[str]:
    """Return the columns that belong to the factors, sub-parameters (`optimizer.lr`) included."""
    names = list(factors)
    return [c for c in frame.columns if any(c == f or c.startswith(f"{f}.") for f in names)]


def level_labels(frame: pd.DataFrame, factor: str, ignore: Sequence[str] = ()) -> pd.Series:
    """Return one label per row: the level's name and those sub-parameters that vary within it.

    `leaky_relu` with one slope is `leaky_relu`; with two it is `leaky_relu negative_slope=0.2`.
    Columns in `ignore` (tuned ones) never enter a label.
    """
    names = formatted(frame[factor])
    labels = names.copy()
    for column in factor_columns(frame, [factor]):
        if column == factor or column in ignore or column == "data.sha256":
            continue
        values = formatted(frame[column])
        varies = values.groupby(names).transform("nunique") > 1
        name = column.removeprefix(f"{factor}.")
        if "." in name:  # a nested variant's parameter, which not all of them have
            varies &= frame[column].notna()
        suffix = f" {name}=" + values
        labels = labels.where(~varies, labels + suffix)
    return labels.astype(object)


def top_factors(factors: Iterable[str], columns: Iterable[str]) -> list[str]:
    """Return the factors to analyse: in the frame, and not inside another one, data set or seed.

    The data set is a block and not a factor: that one data set is harder than another says nothing
    about an arm. `optimizer.lr` belongs to `optimizer` where both are factors.
    """
    names, known = list(factors), set(columns)
    inside = ("data", "seed", *names)
    return [
        f
        for f in names
        if f in known
        and f not in ("data", "seed")
        and not any(f.startswith(f"{parent}.") for parent in inside)
    ]


def label_cells(
    cells: pd.DataFrame, factors: Sequence[str], ignore: Sequence[str] = ()
) -> pd.DataFrame:
    """Return the cells with `data` and each factor as one column of labels, others untouched.

    Raises ValueError where two cells of one block have the same labels: then something varies
    that is not a factor, and pairing would compare the wrong cells.
    """
    labels = {name: level_labels(cells, name, ignore) for name in ("data", *factors)}
    labelled = cells.assign(**labels).reset_index(drop=True)
    key = ["data", "seed", *factors]
    twice = labelled.duplicated(key)
    if twice.any():
        row = labelled.loc[twice, key].iloc[0].to_dict()
        raise ValueError(f"two cells share {row}: a column that varies is not among the factors")
    return labelled


def baseline_level(levels: Sequence[str], declared: Any = None) -> str:
    """Return the level that the others are compared with: the declared one, else the first."""
    if declared is None:
        return levels[0]
    if isinstance(declared, Mapping):
        rest = [f"{k}={format_level(v)}" for k, v in declared.items() if k != "name"]
        wanted = [str(declared.get("name")), *rest]
    else:
        wanted = format_level(declared).split(" ")
    if " ".join(wanted) in levels:
        return " ".join(wanted)
    # A label names only the parameters that vary, so it may say less than the declaration.
    near = [level for level in levels if level.split(" ")[0] == wanted[0]]
    said = [level for level in near if set(level.split(" ")) <= set(wanted)]
    return [*said, *near, *levels][0]


def order_levels(found: Iterable[str], document: Sequence[str]) -> list[str]:
    """Return the levels found, in the study file's order; strangers keep theirs, at the end."""
    names = [label.split(" ")[0] for label in document]

    def place(level: str) -> tuple[int, int]:
        exact = document.index(level) if level in document else len(document)
        name = level.split(" ")[0]
        return (names.index(name) if name in names else len(names), exact)

    return sorted(dict.fromkeys(found), key=place)


def sort_by_levels(frame: pd.DataFrame, levels: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Return the labelled frame in the order of the levels, the first factor changing slowest."""
    ranks = pd.DataFrame({f: frame[f].map(list(levels[f]).index) for f in levels})
    return frame.loc[ranks.sort_values(list(levels), kind="stable").index]
