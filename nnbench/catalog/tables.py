"""A user's own table as a data set: `{ csv = "my.csv", target = "label" }` in a study file.

The file becomes features and targets by fixed rules (docstrings of `table_columns` and
`table_targets`), and a report says what was done. A cell's identity is the file's content and
these choices; its path only says where to look.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnbench.catalog.samples import Sample
from nnbench.catalog.table_columns import Column, as_numbers, encode
from nnbench.catalog.table_files import (
    FORMS,
    fingerprint_of,
    form_of,
    is_number,
    quoted,
    read_frame,
    unknown_column,
)
from nnbench.catalog.table_targets import MIN_ROWS, TASKS, Target, read_target
from nnbench.lazy import lazy_import
from nnbench.vocabulary import Parameter

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = lazy_import("pandas", globals(), "pd")

MAX_NUMBERS = 500_000_000  # of all features of all rows: 4 GB
LISTS = ("categorical", "numeric", "drop")  # keys of a table's level that list columns

PARAMETERS: dict[str, Parameter] = {
    "path": Parameter("", "where the file lies: no part of a cell's identity", program=True),
    "sha256": Parameter("", "the file's content", program=True),
    "target": Parameter("", "column to predict", program=True),
    "task": Parameter(TASKS[0], "auto: by the target's values", choices=TASKS, program=True),
    "categorical": Parameter("", "columns to be read as categories", program=True),
    "numeric": Parameter("", "columns to be read as numbers", program=True),
    "drop": Parameter("", "columns to be left out", program=True),
    "rows": Parameter(0, "so many rows at most, drawn at random (0: all)", 0, 1e9, program=True),
}


@dataclass(frozen=True)
class Choices:
    """What a user says of a table; everything else follows from its values."""

    target: str
    task: str = "auto"
    categorical: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    rows: int = 0

    def wanted(self, name: str) -> str:
        """Return the kind that a column shall have, or nothing."""
        return {name: "number" for name in self.numeric}.get(
            name, "category" if name in self.categorical else ""
        )


@dataclass(frozen=True)
class Table:
    """A table as a data set.

    x: (rows, features) float64, NaN where a number is missing, to be filled in after the split.
    y: (rows,) class indices int64, or real values float64. `classes` and `features` are names.
    `report` says what was done, ready for JSON.
    """

    x: NDArray[np.float64]
    y: NDArray[Any]
    task: str
    classes: tuple[str, ...]
    features: tuple[str, ...]
    report: dict[str, Any]


def read_table(path: Path, choices: Choices, form: str = "") -> Table:
    """Read a CSV or Parquet file as a data set; the last ones read are kept in memory.

    Raises ValueError, one sentence that names the file and the way out, for a file that cannot be
    read or learned from.
    """
    return _read(path, form or form_of(path), fingerprint_of(path), choices)


@lru_cache(maxsize=2)
def _read(path: Path, form: str, sha256: str, choices: Choices) -> Table:
    frame = read_frame(path, form)
    try:
        _check_names(choices, list(frame.columns))
        rows = _rows_with_target(frame[choices.target], choices.rows)
        target = read_target(frame[choices.target], choices.task, rows)
        columns = _encoded(frame, target, choices)
        features = tuple(name for column in columns for name in column.features)
        _check_features(len(target.rows), features, columns)
    except ValueError as problem:
        raise ValueError(f"{quoted(path.name)}: {problem}") from None
    x = np.zeros((len(target.rows), len(features)))
    place = 0
    for column in columns:
        column.fill(x[:, place : place + len(column.features)])
        place += len(column.features)
    about = {
        "file": path.name,
        "sha256": sha256,
        "target": choices.target,
        "rows_read": len(frame),
        "rows_without_target": int(frame[choices.target].isna().sum()),
        "rows_used": len(x),
        "features": len(features),
        **target.report,
        "columns": [column.report() for column in columns],
    }
    return Table(x, target.y, target.task, target.classes, features, about)


def _check_names(choices: Choices, names: list[str]) -> None:
    """Refuse a name that the file lacks, or one that is given two parts to play."""
    parts = {"target": (choices.target,)} | {key: getattr(choices, key) for key in LISTS}
    played: dict[str, str] = {}
    for part, wanted in parts.items():
        for name in wanted:
            if not name or name not in names:
                headless = any(map(is_number, names))
                hint = "; is its first line a header? It has numbers" if headless else ""
                raise ValueError(f"{part}: {unknown_column(name, names)}{hint}")
            if name in played:
                raise ValueError(
                    f"column {quoted(name)} is in {played[name]} and in {part}: take one of them"
                )
            played[name] = part


def _rows_with_target(column: pd.Series, most: int) -> NDArray[np.int64]:
    """Return the places of the rows that have a target, rising; at most so many, if not 0."""
    rows = np.flatnonzero(column.notna())
    if not len(rows):
        raise ValueError(f"the target {quoted(column.name)} is missing in every row")
    if most and len(rows) > most:
        rows = np.sort(np.random.default_rng(0).permutation(rows)[:most])
    return rows


def _encoded(frame: pd.DataFrame, target: Target, choices: Choices) -> list[Column]:
    """Encode every column but the target."""
    columns = []
    for place, name in enumerate(frame.columns):
        if name == choices.target:
            continue
        whole = frame.iloc[:, place]
        note = "as asked" if name in choices.drop else "" if name else "has no name: an index"
        if not note and not choices.wanted(name) and is_row_number(whole):
            note = "counts the rows"
        if note:
            columns.append(Column(name, "dropped", np.empty(0), note=note))
        else:
            columns.append(_encoded_one(name, whole.iloc[target.rows], choices.wanted(name)))
    return columns


def _encoded_one(name: str, column: pd.Series, wanted: str) -> Column:
    try:
        encoded = encode(name, column, wanted)
    except ValueError as problem:
        raise ValueError(f"column {quoted(name)} {problem}") from None
    if wanted and encoded.kind == "dropped":
        raise ValueError(f"column {quoted(name)} cannot be a {wanted}: it {encoded.note}")
    return encoded


def is_row_number(column: pd.Series) -> bool:
    """Tell whether a column counts the file's rows: whole numbers, each one more than the last."""
    if column.dtype.kind not in "iu" or len(column) < MIN_ROWS:
        return False
    return bool((np.diff(as_numbers(column)) == 1).all())


def _check_features(rows: int, features: tuple[str, ...], columns: list[Column]) -> None:
    if not features:
        reasons = [f"{quoted(column.name)} ({column.note})" for column in columns[:3]]
        why = f": {', '.join(reasons)}" if reasons else ", as it has no other column"
        raise ValueError(f"no column is left to predict the target from{why}")
    if rows * len(features) > MAX_NUMBERS:
        raise ValueError(
            f"{rows:,} rows of {len(features):,} features would take "
            f"{8e-9 * rows * len(features):.0f} GB: read fewer, such as "
            f"rows = {MAX_NUMBERS // len(features):,}, or drop columns"
        )


# ------------------------------------------------------------------------- as a level of a study


def table_levels(given: Mapping[str, Any], folder: Path) -> list[dict[str, Any]]:
    """Return the flat fields of the levels that `{ csv = ..., target = ... }` stands for.

    given: the table as it stands in the study file; folder: what a relative path is relative to.
    A list of files, targets or tasks is a factor; in `categorical`, `numeric` and `drop` a list is
    one of columns. Raises ValueError for a mistake in it, or a table that cannot be learned from.
    """
    forms = [form for form in FORMS if form in given]
    if len(forms) != 1:
        raise ValueError("needs one file: csv or parquet")
    form = forms[0]
    known = [form, "target", "task", "rows", *LISTS]
    for key in given:
        if key not in known:
            raise ValueError(f"unknown key {quoted(key)}; known are {', '.join(known)}")
    paths, targets, tasks = (
        value if isinstance(value, list) else [value]
        for value in (given[form], given.get("target"), given.get("task", "auto"))
    )
    if not (paths and targets and tasks):
        raise ValueError("an empty list: give it a value, or remove the key")
    lists = {key: _names(key, given.get(key, [])) for key in LISTS}
    rows = PARAMETERS["rows"].accept(given.get("rows", 0))
    return [
        _level(form, _path(path, folder), _target(target), _task(task), lists, rows)
        for path, target, task in itertools.product(paths, targets, tasks)
    ]


def _level(
    form: str, path: Path, target: str, task: str, lists: Mapping[str, tuple[str, ...]], rows: int
) -> dict[str, Any]:
    table = read_table(path, Choices(target, task, rows=rows, **lists), form)
    fields = {"path": str(path), "sha256": table.report["sha256"], "target": target}
    fields |= {"task": table.task, "rows": rows}
    fields |= {key: _as_text(names) for key, names in lists.items()}
    return {"data": form} | {f"data.{key}": fields[key] for key in PARAMETERS}


def _path(value: Any, folder: Path) -> Path:
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError("the file must be a path in quotes")
    return (folder / Path(value).expanduser()).resolve()


def _target(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError('needs the column to predict, such as target = "label"')
    return value.strip()


def _task(value: Any) -> str:
    if value not in ("auto", *TASKS):
        raise ValueError(f"task must be one of auto, {', '.join(TASKS)}")
    return str(value)


def _names(key: str, value: Any) -> tuple[str, ...]:
    """Return column names in one order, whatever the order they were given in."""
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValueError(f'{key} must be a list of columns, such as {key} = ["name"]')
    return tuple(sorted({name.strip() for name in value}))


def _as_text(names: Iterable[str]) -> str:
    names = list(names)
    return json.dumps(names) if names else ""


def load(
    form: str,
    generator: np.random.Generator,
    path: str,
    sha256: str,
    rows: int,
    target: str,
    task: str,
    **lists: str,
) -> Sample:
    """Return a cell's table; a file that has changed since its study was read is refused."""
    names = {key: tuple(json.loads(text)) if text else () for key, text in lists.items()}
    table = read_table(Path(path), Choices(target, task, rows=rows, **names), form)
    if table.report["sha256"] != sha256:
        raise ValueError(
            f"{quoted(path)}: has changed since the study was read: run the study again"
        )
    return Sample(table.x, table.y)
