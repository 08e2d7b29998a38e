"""A user's own table as a data set: features and targets by fixed rules, and what was done.

The rules stand in the docstrings of `table_columns` and `table_targets`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnbench.catalog.data.tables.columns import Column, as_numbers, encode
from nnbench.catalog.data.tables.files import fingerprint_of, form_of, read_frame
from nnbench.catalog.data.tables.identifiers import why_identifier
from nnbench.catalog.data.tables.margins import sums_up, total_of, without_units
from nnbench.catalog.data.tables.reading import with_numbers
from nnbench.catalog.data.tables.targets import Target, drawn, read_target
from nnbench.catalog.data.tables.texts import FIRST_ROWS, first_text, is_text
from nnbench.catalog.data.tables.ties import Ties, ties_of, without_going_on
from nnbench.catalog.data.tables.words import in_one, is_number, quoted, unknown_column
from nnbench.lazy import pd

READING = logging.getLogger("nnbench.reading")  # what is read, and nothing once it is
LONG = 20_000_000  # bytes, which take a second or more
MOST_SHOWN = 24  # characters of an example
BLOCK = 4096  # rows, whose features the processor has at hand
MOST_KEPT = 2  # tables in memory
MAX_NUMBERS = 500_000_000  # of all features of all rows: 4 GB
SPLITTERS = ("group", "time")  # keys that name the column by which rows are split
LISTS = ("categorical", "numeric", "dates", "drop")  # keys of a table's level that list columns


@dataclass(frozen=True)
class Choices:
    """What a user says of a table; everything else follows from its values."""

    target: str
    task: str = "auto"
    categorical: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    rows: int = 0
    decimal: str = "auto"
    missing: tuple[str, ...] = ()
    group: str = ""
    time: str = ""
    sheet: str = ""

    def kinds(self) -> dict[str, str]:
        """The columns whose kind is given, and it."""
        return {name: self.wanted(name) for name in (*self.categorical, *self.numeric, *self.dates)}

    def wanted(self, name: str) -> str:
        """The kind that a column shall have, or nothing."""
        if name in self.numeric:
            return "number"
        if name in self.dates:
            return "date"
        return "category" if name in self.categorical else ""


@dataclass(frozen=True, eq=False)
class Table:
    """A table as a data set.

    x: (rows, features) float64, NaN where a number is missing, to be filled in after the split.
    y: (rows,) class indices int64, or real values float64. `classes` and `features` are names.
    `report` says what was done, ready for JSON; `ties` what a split keeps to.
    """

    x: NDArray[np.float64]
    y: NDArray[Any]
    task: str
    classes: tuple[str, ...]
    features: tuple[str, ...]
    report: dict[str, Any]
    ties: Ties = field(default_factory=Ties)


def read_table(path: Path, choices: Choices, form: str = "") -> Table:
    """Read a file as a data set.

    Raises ValueError, one sentence that names the file and the way out, for a file that cannot be
    read or learned from.
    """
    return _read(path, form or form_of(path), fingerprint_of(path), choices)


_kept: dict[tuple[Path, str, str, Choices], Table] = {}


def kept_table(path: Path, choices: Choices, form: str = "") -> Table:
    """The same, the last ones read kept in memory for as long as their files stay as they are."""
    where = (path, form or form_of(path), fingerprint_of(path))
    found = _kept.get((*where, choices))
    if found is None:
        with _said(path):
            found = _read(*where, choices)
        # a recipe names the task that was inferred, which gives the same table
        for task in (choices.task, found.task):
            _kept[(*where, replace(choices, task=task))] = found
        while len({id(table) for table in _kept.values()}) > MOST_KEPT:
            del _kept[next(iter(_kept))]
    return found


@contextmanager
def _said(path: Path) -> Iterator[None]:
    """Say that a table is being read, where that takes a while, and that it is."""
    size = path.stat().st_size
    if size < LONG:
        yield
        return
    READING.info("reading %s, %.0f MB", quoted(path.name), size / 1e6)
    try:
        yield
    finally:
        READING.info("")


def _read(path: Path, form: str, sha256: str, choices: Choices) -> Table:
    frame = read_frame(path, form, choices.target, choices.missing, choices.sheet)
    above, told = frame.attrs.pop("above"), frame.attrs.pop("told")
    try:
        _check_names(choices, list(frame.columns))
        frame, notes, left_out = _examples(frame, choices)
        has_target = _rows_with_target(frame[choices.target])
        target = drawn(read_target(frame[choices.target], choices.task, has_target), choices.rows)
        columns = [_noted(column, notes) for column in _encoded(frame, target, choices)]
        features = tuple(name for column in columns for name in column.features)
        _check_features(len(target.rows), features, columns)
        by = [getattr(choices, part) for part in SPLITTERS]
        tellers = (frame[name].iloc[target.rows] if name else None for name in by)
        ties, tied = ties_of(columns, len(target.rows), *tellers)
    except ValueError as problem:
        raise ValueError(f"{quoted(path.name)}: {problem}") from None
    counts = {"rows_read": len(frame), "rows_without_target": len(frame) - len(has_target)}
    del frame, tellers  # before there are the features, which take as much again
    x = _filled(columns, len(target.rows), len(features))
    about = {
        "file": path.name,
        "sha256": sha256,
        "target": choices.target,
        "lines_above": above,
        "told": [*told, *left_out, *tied],
        **counts,
        "rows_used": len(x),
        "target_note": in_one(notes.get(choices.target, ""), target.note),
        "features": len(features),
        **target.report,
        "columns": [column.report() for column in columns],
    }
    return Table(x, target.y, target.task, target.classes, features, about, ties)


def _filled(columns: list[Column], rows: int, features: int) -> NDArray[np.float64]:
    """The features (rows, features) of all columns, a block of rows after the other."""
    x = np.zeros((rows, features))
    ends = np.cumsum([0, *(len(column.features) for column in columns)])
    for first in range(0, rows, BLOCK):
        block = slice(first, first + BLOCK)
        for column, start, end in zip(columns, ends, ends[1:], strict=False):
            column.fill(x[block, start:end], block)
    return x


def _examples(
    frame: pd.DataFrame, choices: Choices
) -> tuple[pd.DataFrame, dict[str, str], list[str]]:
    """The rows that are examples, with numbers as such; notes on those, and on other rows."""
    frame, units = without_units(frame)
    read = (choices.kinds(), choices.decimal, choices.missing)
    numbers, notes = with_numbers(frame, *read)
    total = total_of(frame)
    if total and sums_up(numbers):
        numbers, notes = with_numbers(frame.iloc[:-1], *read)
        total = f"The last row is left out: a row of totals ({quoted(total)})."
    else:
        total = ""
    return numbers, notes, [sentence for sentence in (units, total) if sentence]


def _noted(column: Column, notes: Mapping[str, str]) -> Column:
    """A column of numbers with what is said of how they were written."""
    said = in_one(notes.get(column.name, ""), column.note)
    return replace(column, note=said) if column.kind == "number" else column


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
                    f"column {quoted(name)} is in {played[name]} and in {part}: choose one of them"
                )
            played[name] = part
    if choices.group and choices.time:
        raise ValueError("group and time both say how rows are split: choose one of them")
    for part in SPLITTERS:
        name = getattr(choices, part)
        if name and name not in names:
            raise ValueError(f"{part}: {unknown_column(name, names)}")
        if name == choices.target:
            raise ValueError(f"{part}: {quoted(name)} is the target: rows cannot be split by it")


def _rows_with_target(column: pd.Series) -> NDArray[np.int64]:
    """The places of the rows that have a target, rising."""
    rows = np.flatnonzero(column.notna())
    if not len(rows):
        raise ValueError(f"the target {quoted(column.name)} is missing in every row")
    return rows


def _encoded(frame: pd.DataFrame, target: Target, choices: Choices) -> list[Column]:
    columns = []
    for place, name in enumerate(frame.columns):
        if name == choices.target:
            continue
        whole = frame.iloc[:, place]
        note = _why_left_out(name, whole, frame, choices)
        if note:
            column = Column(name, "dropped", np.empty(0), note=note)
        else:
            column = _encoded_one(name, whole.iloc[target.rows], choices.wanted(name))
            column = without_going_on(column) if name == choices.time else column
        columns.append(replace(column, example=_example(whole)))
    return columns


def _why_left_out(name: str, whole: pd.Series, frame: pd.DataFrame, choices: Choices) -> str:
    """Why a column is no feature, whatever its values could be read as; nothing if it may be."""
    if name in choices.drop:
        return "as asked, or as another target"
    if not name:
        return "has no name: an index"
    if not choices.wanted(name):
        for part in SPLITTERS:
            if name == getattr(choices, part):
                return f"rows are split by it: {part}, as asked"
        if note := why_identifier(name, whole, alone=frame.shape[1] == 2):
            return note
    return "equals the target" if is_target(whole, frame[choices.target]) else ""


def _encoded_one(name: str, column: pd.Series, wanted: str) -> Column:
    try:
        encoded = encode(name, column, wanted)
    except ValueError as problem:
        raise ValueError(f"column {quoted(name)} {problem}") from None
    if wanted and encoded.kind == "dropped":
        raise ValueError(f"column {quoted(name)} cannot be a {wanted}: it {encoded.note}")
    return encoded


def _example(column: pd.Series) -> str:
    """The first value that there is, as text, cut to `MOST_SHOWN` characters."""
    known = first_text(column)
    text = "" if known is None else str(known)
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…"


def is_target(column: pd.Series, target: pd.Series) -> bool:
    """Tell whether a column is the target once more, where both have a value; mostly they do."""
    numbers = pd.api.types.is_numeric_dtype
    if numbers(column.dtype) != numbers(target.dtype):
        return False
    both = (column.notna() & target.notna()).to_numpy()
    if not both.any() or 2 * both.sum() < target.notna().sum():
        return False
    some = np.flatnonzero(both)[:FIRST_ROWS]  # which tells most columns that are not
    return all(_are_alike(column.iloc[rows], target.iloc[rows]) for rows in (some, both))


def _are_alike(left: pd.Series, right: pd.Series) -> bool:
    """Tell whether two columns without gaps have the same values."""
    if pd.api.types.is_numeric_dtype(left.dtype):
        return bool((as_numbers(left) == as_numbers(right)).all())
    if not (is_text(left) and is_text(right)):
        return False
    return bool((left.to_numpy(object) == right.to_numpy(object)).all())


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
