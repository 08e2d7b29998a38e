"""Dates and times as people write them: 2023-01-31, 31.1.2023, 1/31/2023 14:05."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from nnbench.catalog.data.tables.texts import is_text
from nnbench.lazy import pd

CLOCK = r"(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?(?:Z|[+-]\d{2}:?\d{2}))?)?"
YEAR_FIRST = re.compile(r"\d{4}([-/.])\d{1,2}\1\d{1,2}" + CLOCK)
YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2\d{4}" + CLOCK)


def calendar(dates: pd.Series) -> dict[str, NDArray[np.float64]]:
    """What a model may learn from dates (rows,): numbers by name, NaN where missing.

    Year, month, day of week (0: Monday), day of year, hour, and days since the first date. Parts
    that are the same in all rows are left out: none is left of one date.
    """
    of = dates.dt
    days = (dates - dates.min()).dt.total_seconds() / 86_400
    every = {
        "year": of.year,
        "month": of.month,
        "day of week": of.day_of_week,
        "day of year": of.day_of_year,
        "hour": of.hour,
        "days since the first": days,
    }
    parts = {name: part.to_numpy(dtype=np.float64, na_value=np.nan) for name, part in every.items()}
    return {name: part for name, part in parts.items() if np.nanmin(part) < np.nanmax(part)}


def as_dates(column: pd.Series, asked: bool = False) -> pd.Series | None:
    """A column of dates as datetime64 in UTC, NaT where missing; None where it is of others.

    asked: the user says that it is of dates, in whatever form pandas reads.

    Texts are dates where all are. 1.2.2023 is the first of February; 1/2/2023 is the second of
    January, unless a first number of the column is above 12.
    """
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return pd.to_datetime(column, utc=True)
    if not pd.api.types.is_object_dtype(column.dtype):
        return None
    if not is_text(column) and any(
        isinstance(value, list | dict | np.ndarray) for value in column.array
    ):
        return None
    codes, known = pd.factorize(column)
    if asked and len(known):
        parsed = pd.to_datetime(column, format="mixed", errors="coerce", utc=True)
        return None if (parsed.isna() & column.notna()).any() else parsed
    if not len(known) or not all(isinstance(text, str) for text in known):
        return None
    if all(YEAR_FIRST.fullmatch(text) for text in known):
        day_first = False
    else:
        found = [YEAR_LAST.fullmatch(text) for text in known]
        firsts = [(int(match[1]), match[2]) for match in found if match]
        if len(firsts) < len(found):
            return None
        day_first = any(first > 12 or sign == "." for first, sign in firsts)
    parsed = pd.to_datetime(
        pd.Series(known), format="mixed", errors="coerce", utc=True, dayfirst=day_first
    )
    if parsed.isna().any():
        return None
    # nothing where missing, whose place is -1
    return parsed.reindex(codes).set_axis(column.index)
