"""Turn one column of a table into features: what is a number, a category, or left out, and why.

Which columns a table has is decided on all of its rows, but not on the
target, save for a column that equals it: repeats of a study
split the rows differently, and their networks must have the same inputs. Statistics (medians,
means, deviations) are taken from the training part alone, after the split, in
`nnbench.training.draws`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnbench.catalog.data.tables.apart import may_have_numbers, pandas_values
from nnbench.catalog.data.tables.dates import (
    Dates,
    as_dates,
    calendar,
    not_dates,
    way_to_dates,
)
from nnbench.catalog.data.tables.notations import are_stray
from nnbench.catalog.data.tables.texts import coded, different, few_of, in_arrow, is_text
from nnbench.catalog.data.tables.words import in_one, quoted
from nnbench.lazy import pd

MAX_LEVELS = 20  # of a categorical column; the commonest are kept, the others pooled
LARGEST = 1e100  # a square of it, and a sum of a million such squares, are still finite


@dataclass(frozen=True)
class Column:
    """One column's share of the features.

    kind: "number", "category", "date" or "dropped". values: (rows,) float64 with NaN where missing;
    for a date (rows, parts), whose names `levels` has; or for a category each row's place in
    `levels`; empty where dropped, and `note` says why. example: a value as it stands in the file.
    """

    name: str
    kind: str
    values: NDArray[Any]
    levels: tuple[str, ...] = ()
    missing: int = 0
    note: str = ""
    example: str = ""

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the features that the column becomes."""
        if self.kind == "category":
            return tuple(f"{self.name} = {level}" for level in self.levels)
        if self.kind == "date":
            parts = (*self.levels, *(("is missing",) if self.missing else ()))
            return tuple(f"{self.name} {part}" for part in parts)
        if self.kind == "number":
            return (self.name, f"{self.name} is missing") if self.missing else (self.name,)
        return ()

    def fill(self, x: NDArray[np.float64], rows: slice = slice(None)) -> None:
        """Write the features of some rows into x (rows, features), which is zero everywhere."""
        values = self.values[rows]
        if self.kind == "category":
            x[np.arange(len(x)), values] = 1
        elif self.kind == "number":
            x[:, 0] = values
            x[:, 1:] = np.isnan(values)[:, None]
        elif self.kind == "date":
            parts = len(self.levels)
            x[:, :parts] = values
            x[:, parts:] = np.isnan(values[:, :1])

    def report(self) -> dict[str, Any]:
        """What was done to the column, ready for JSON."""
        about = {"name": self.name, "kind": self.kind, "features": len(self.features)}
        return about | {"missing": self.missing, "note": self.note, "example": self.example}


def encode(name: str, column: pd.Series, wanted: str) -> Column:
    """Encode one column (rows,), as `wanted` (a kind but "dropped") or as its values suggest.

    Dates become parts of the calendar (`nnbench.catalog.data.tables.dates`). Numbers and
    true/false stay numbers. Both do also where up to a tenth of more than 20 different values are
    none ("n.a.", "-", 31.04.2012): those count as missing. Other text is a category, unless more
    than 20 values and more than half of all are different: that is a name or free text, and is left
    out, with what to do if it looks like dates (`way_to_dates`). So
    are columns of one value and types that are neither. Raises ValueError for infinite numbers.
    """
    if wanted == "date" or not wanted:
        dates = as_dates(column, asked=wanted == "date")
        if dates is not None:
            return _date(name, dates)
        if wanted:
            raise ValueError(_no_dates(column))
    if is_of_another_type(column):
        return _dropped(name, column, f"is of type {column.dtype}, neither number nor text")
    numbers = None if wanted == "category" else as_numbers(column)
    if numbers is not None:
        lost = int(np.isnan(numbers).sum() - column.isna().sum())
        if wanted == "number" or not lost or are_stray(lost, numbers):
            return _number(name, numbers, lost)
    return _category(name, column, free=wanted != "category")


def _no_dates(column: pd.Series) -> str:
    """Why a column cannot be read as dates, although that is asked."""
    count, example = not_dates(column)
    if not count:
        return "has no dates: leave it out of --dates"
    values = (
        f"1 value that is not a date, {quoted(example)}"
        if count == 1
        else f"{count:,} values that are not dates, such as {quoted(example)}"
    )
    return f"has {values}: use --missing for what means missing, or leave the column out of --dates"


def _date(name: str, found: Dates) -> Column:
    dates = found.values
    if dates.isna().all():
        return _dropped(name, dates, "has no values")
    parts = calendar(dates)
    if not parts:
        return _dropped(name, dates, "has one value only")
    missing = int(dates.isna().sum())
    note = in_one(f"a date: {', '.join(parts)}", found.note)
    return Column(name, "date", np.column_stack([*parts.values()]), (*parts,), missing, note)


def is_of_another_type(column: pd.Series) -> bool:
    """Tell whether a column holds neither numbers nor text, but dates, bytes or lists."""
    if isinstance(column.dtype, pd.StringDtype) or is_text(column):
        return False
    if pd.api.types.is_object_dtype(column.dtype):
        return any(isinstance(value, bytes | list | dict | np.ndarray) for value in column.array)
    return not pd.api.types.is_numeric_dtype(column.dtype) or column.dtype.kind == "c"


def as_numbers(column: pd.Series) -> NDArray[np.float64]:
    """A column of numbers or text as float64 (rows,), NaN for what is no number."""
    if pd.api.types.is_numeric_dtype(column.dtype):  # true and false are among them
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    if is_text(column):
        texts = in_arrow(column)
        if not may_have_numbers(few_of(texts)):
            return np.full(len(texts), np.nan)
        return pandas_values(texts, np.ones(len(texts), dtype=bool))
    plain = column.map(lambda value: int(value) if isinstance(value, bool) else value)
    return pd.to_numeric(plain, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def as_texts(column: pd.Series) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """A column of numbers or text as text: each row's place among its different values.

    It is -1 where missing; the values are in the order in which they come first.
    """
    if is_text(column):
        return different(column)
    places, values = pd.factorize(column)
    texts = np.array([_text(value) for value in values], dtype=object)
    codes, merged = pd.factorize(texts)  # 3 and "3" are one text
    return np.append(codes, -1)[places], merged


def _text(value: Any) -> str:
    """A value as text; a whole number without decimals, as a gap turns 3 into 3.0."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _dropped(name: str, column: pd.Series | NDArray[np.float64], note: str) -> Column:
    missing = int(pd.isna(column).sum())
    return Column(name, "dropped", np.empty(0), missing=missing, note=note)


def _number(name: str, numbers: NDArray[np.float64], lost: int) -> Column:
    missing = np.isnan(numbers)
    known = numbers[~missing]
    if not len(known):
        return _dropped(name, numbers, "has no values")
    vast = int((np.abs(known) > LARGEST).sum())
    if vast:
        raise ValueError(
            f"has {vast} {'value' if vast == 1 else 'values'} that {'is' if vast == 1 else 'are'} "
            f"infinite or beyond {LARGEST:g}: leave them empty, or drop the column"
        )
    if known.min() == known.max() and not missing.any():
        return _dropped(name, numbers, "has one value only")
    note = f"{lost} values that are not numbers read as missing" if lost else _far_out(known)
    return Column(name, "number", numbers, missing=int(missing.sum()), note=note)


def _far_out(known: NDArray[np.float64]) -> str:
    """What is to be said of -999 and its like, where it stands more than once and far from all."""
    for value in (known.min(), known.max()):
        digits = f"{abs(value):.0f}"
        if value != np.round(value) or len(digits) < 3 or digits.strip("9"):
            continue
        rest = known[known != value]
        count = len(known) - len(rest)
        if count < 2 or not len(rest):
            continue
        gap = rest.min() - value if value < rest.min() else value - rest.max()
        if gap > rest.max() - rest.min() > 0:
            return (
                f"{value:.0f} in {count:,} rows is far from all other values: if it means missing, "
                f'use --missing={value:.0f}, or missing = ["{value:.0f}"]'
            )
    return ""


def _free_text(count: int, known: int) -> str:
    """What is said of a column with so many different texts in its rows, if it is free text."""
    if count > MAX_LEVELS and 2 * count > known:
        return f"has {count} different texts in {known} rows: a name or free text"
    return ""


def _category(name: str, column: pd.Series, free: bool) -> Column:
    """Number the levels from the commonest down; their names break ties, so that order is fixed."""
    known = int(column.count())
    codes, found = coded(in_arrow(column)) if is_text(column) else as_texts(column)
    present = codes >= 0
    missing = len(codes) - known
    if not len(found):
        return _dropped(name, column, "has no values")
    if len(found) == 1 and not missing:
        return _dropped(name, column, "has one value only")
    if free and (note := _free_text(len(found), known)):
        return _dropped(name, column, in_one(note, way_to_dates(name, column)))
    values = np.asarray(found, dtype=object)
    counts = np.bincount(codes[present])
    order = sorted(range(len(values)), key=lambda code: (-counts[code], values[code]))
    kept = min(len(values), MAX_LEVELS)
    levels = [str(values[code]) for code in order[:kept]]
    rank = np.empty(len(values), dtype=np.int64)
    rank[order] = np.minimum(np.arange(len(values)), kept)
    note = way_to_dates(name, column) if free else ""
    if len(values) > kept:
        levels.append("(other)")
        pooled = f"{len(values) - kept} rare values are pooled"
        if 2 * sum(str(value)[:1].isdigit() for value in values) > len(values):
            way = note or "if it is a number, check its decimal sign"
            note = f"read as text, {pooled}: {way}"
        else:
            note = in_one(pooled, note)
    places = np.where(present, rank[codes], len(levels))
    if missing:
        levels.append("(missing)")
    return Column(name, "category", places, tuple(levels), missing, note)
