"""Dates and times as people write them: 2023-01-31, 31.1.2023, 1/31/2023 14:05."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from nnbench.catalog.data.tables.texts import (
    are,
    coded,
    coded_by_digits,
    first_text,
    in_arrow,
    is_text,
)
from nnbench.lazy import pa, pc, pd

ZONE = r"Z|[+-]\d{2}:?\d{2}"
CLOCK = re.compile(rf"(?:[ T](\d{{1,2}}):(\d{{2}})(?::(\d{{2}})(\.\d+)?)?(?: ?({ZONE}))?)?")
TICKS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}  # to a second, by unit
DAY = 86_400  # seconds
YEAR_FIRST = re.compile(r"\d{4}([-/.])\d{1,2}\1\d{1,2}")
YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2\d{4}")


def calendar(dates: pd.Series) -> dict[str, NDArray[np.float64]]:
    """What a model may learn from dates (rows,): numbers by name, NaN where missing.

    Year, month, day of week (0: Monday), day of year, hour, and days since the first date. Parts
    that are the same in all rows are left out: none is left of one date.
    """
    per_second = TICKS[dates.dt.unit]
    missing = dates.isna().to_numpy()
    ticks = dates.dt.tz_convert(None).to_numpy().view(np.int64)
    first = ticks[~missing].min()
    days = ticks // (per_second * DAY)
    days[missing] = first // (per_second * DAY)
    codes, found = pd.factorize(days)  # of which there are few, and so few parts to work out
    known = pd.DatetimeIndex(found.astype("datetime64[D]"))
    every = {
        "year": known.year,
        "month": known.month,
        "day of week": known.day_of_week,
        "day of year": known.day_of_year,
    }
    parts = {name: part.to_numpy(np.float64)[codes] for name, part in every.items()}
    parts["hour"] = (ticks - days * (per_second * DAY)) // (per_second * 3600) + 0.0
    passed = (ticks - first).view(np.uint64)  # beyond what a signed integer holds, of years to 2262
    parts["days since the first"] = passed / per_second / DAY
    for part in parts.values():
        part[missing] = np.nan
    return {name: part for name, part in parts.items() if np.nanmin(part) < np.nanmax(part)}


def as_dates(column: pd.Series, asked: bool = False) -> pd.Series | None:
    """A column of dates as datetime64 in UTC, NaT where missing; None where it is of others.

    asked: the user says that it is of dates, in whatever form pandas reads.

    Texts are dates where all are. 1.2.2023 is the first of February; 1/2/2023 is the second of
    January, unless a first number of the column is above 12.
    """
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return pd.to_datetime(column, utc=True)
    if is_text(column):
        dates = _usual_dates(column)
        if dates is not None or not asked:
            return dates
    elif not asked or not pd.api.types.is_object_dtype(column.dtype):
        return None
    if any(isinstance(value, list | dict | np.ndarray) for value in column.array):
        return None
    if column.isna().all():
        return None
    parsed = pd.to_datetime(column, format="mixed", errors="coerce", utc=True)
    return None if (parsed.isna() & column.notna()).any() else parsed


def _usual_dates(column: pd.Series) -> pd.Series | None:
    """Texts as dates, where all are in the usual forms.

    Each is taken apart into its day and its clock, of which there are far fewer than of both.
    """
    day, clock = _parted(first_text(column))
    if not (CLOCK.fullmatch(clock) and (YEAR_FIRST.fullmatch(day) or YEAR_LAST.fullmatch(day))):
        return None  # which is told at once of most texts
    texts = in_arrow(column)
    for parts in _taken_apart(texts, len(day), len(clock)):
        (days, found), (clocks, times) = parts
        known = found.to_pylist()
        if (day_first := _day_first(known, times)) is not None:
            break
    else:
        return None
    seconds = _seconds(times)
    if seconds is None:
        days, found = coded(texts)
        known = found.to_pylist()
    parsed = pd.to_datetime(
        pd.Series(known), format="mixed", errors="coerce", utc=True, dayfirst=day_first
    )
    if parsed.isna().any():
        return None
    dates = parsed.reindex(days).set_axis(column.index)  # nothing where missing, whose place is -1
    if seconds is None or not seconds.any():
        return dates
    passed = np.append(seconds.astype("timedelta64[s]"), np.timedelta64("NaT"))
    return dates + pd.Series(passed[clocks], index=column.index)


def look_like_dates(texts: Iterable[str]) -> int:
    """How many texts have a day in a usual form."""
    days = (_parted(text)[0] for text in texts)
    return sum(bool(YEAR_FIRST.fullmatch(day) or YEAR_LAST.fullmatch(day)) for day in days)


def _parted(text: str) -> tuple[str, str]:
    """A text's day and its clock, with what parts them, if it is a date."""
    place = next((place for place, sign in enumerate(text) if sign in " T"), len(text))
    return text[:place], text[place:]


def _taken_apart(
    texts: pa.Array, day: int, clock: int
) -> Iterator[list[tuple[NDArray[np.int64], pa.Array]]]:
    """Yield the days and the clocks of texts (rows,), with each row's place among those.

    First as if all had as many letters as the first one, of which these are the numbers.
    """
    if found := coded_by_digits(texts, (day, day + clock)):
        yield found
    parted = (("(?s)[ T].*", ""), ("^[^ T]*", ""))
    yield [coded(pc.replace_substring_regex(texts, *change)) for change in parted]


def _day_first(days: list[str], clocks: pa.Array) -> bool | None:
    """Whether days begin with the day of the month; None where some are no days, or no clocks."""
    if not are(clocks, CLOCK.pattern).all():
        return None
    if all(YEAR_FIRST.fullmatch(day) for day in days):
        return False
    forms = [YEAR_LAST.fullmatch(day) for day in days]
    if not all(forms):
        return None
    return any(form[2] == "." or int(form[1]) > 12 for form in forms if form)


def _seconds(clocks: pa.Array) -> NDArray[np.int64] | None:
    """The seconds of the day that clocks (n,) show, 0 where there is none.

    None where any takes more than that: a fraction, a zone, or no time of a day.
    """
    if are(clocks, r"[ T]\d{2}:\d{2}:\d{2}").all():
        parts = [pc.utf8_slice_codeunits(clocks, place, place + 2) for place in (1, 4, 7)]
        hour, minute, second = (pc.cast(part, pa.int64()).to_numpy() for part in parts)
    else:
        found = [CLOCK.fullmatch(clock) for clock in clocks.to_pylist()]
        if any(clock[4] or clock[5] for clock in found if clock):
            return None
        shown = [[int(clock[part] or 0) for part in (1, 2, 3)] for clock in found if clock]
        hour, minute, second = np.array(shown, dtype=np.int64).reshape(-1, 3).T
    if (hour > 23).any() or (minute > 59).any() or (second > 59).any():
        return None
    return np.asarray(3600 * hour + 60 * minute + second)
