"""Dates and times as people write them: 2023-01-31, 31.1.2023, 1/31/2023 14:05."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnbench.catalog.data.tables.date_forms import (
    ASKED,
    CLOCK,
    CONTRARY,
    DAY_FIRST,
    FORMS,
    LIKELY,
    MONTH_FIRST,
    MONTHS,
    OF_MONTH,
    WITH_NAMES,
    Form,
)
from nnbench.catalog.data.tables.notations import are_few, are_stray
from nnbench.catalog.data.tables.numbers import FEW_NUMBERS
from nnbench.catalog.data.tables.reading import MISSING_NUMBERS
from nnbench.catalog.data.tables.texts import (
    FIRST_ROWS,
    among,
    are,
    coded,
    coded_by_digits,
    in_arrow,
    is_text,
    match,
)
from nnbench.catalog.data.tables.words import in_one, missing_said, quoted, stray_said
from nnbench.lazy import pa, pc, pd

TICKS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}  # to a second, by unit
DAY = 86_400  # seconds
MOST_TRIED = 10_000  # texts that are read to see whether a hint holds


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


@dataclass(frozen=True, eq=False)
class Dates:
    """A column of dates in UTC (rows,), NaT where missing; `note` says what counts as missing."""

    values: pd.Series
    note: str = ""


def as_dates(column: pd.Series, asked: bool = False) -> Dates | None:
    """A column's dates; None where it is of others.

    asked: the user says that it is of dates, in whatever form pandas reads.

    Texts are dates where most are, in one form, and the rest is missing (`MISSING_NUMBERS`) or, of
    more than 20 different dates, a tenth at most that are none. 1.2.2023 is the first of February;
    1/2/2023 is the second of January, unless more of the column can only begin with the day.
    """
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return Dates(pd.to_datetime(column, utc=True))
    if not is_text(column):
        if not asked or not _may_be_dates(column):
            return None
        dates = _mixed_dates(column)
        return None if (dates.isna() & column.notna()).any() else Dates(dates)
    texts = in_arrow(column)
    for reading in (_usual_dates, _asked_dates)[: 1 + asked]:
        if (values := reading(texts)) is None:
            continue
        if found := _settled(values.set_axis(column.index), texts, asked):
            return found
    return None


def not_dates(column: pd.Series) -> tuple[int, str]:
    """How many values of a column are no dates however they are read, and the first of them."""
    odd = column[column.notna()]
    if is_text(column):
        texts = in_arrow(odd)
        rest = ~among(texts, MISSING_NUMBERS)
        read = (reading(texts) for reading in (_usual_dates, _asked_dates))
        fewest = min((values.isna() for values in read if values is not None), key=np.sum)
        odd = odd[rest & fewest.to_numpy()]
    elif _may_be_dates(odd):
        odd = odd[_mixed_dates(odd).isna()]
    return len(odd), str(odd.iloc[0]) if len(odd) else ""


def way_to_dates(name: str, column: pd.Series) -> str:
    """What to do with a column that is no date, where most of its texts look like one."""
    if not is_text(column):
        return ""
    texts = in_arrow(column)
    if _share(texts, LIKELY) <= 0.5:
        return ""
    months = texts.filter(pa.array(are(texts, OF_MONTH)))
    if len(months) and _are_seasons(pc.unique(months).to_pylist()):
        return ""
    tried = pd.Series(_spread(texts, MOST_TRIED).to_pylist(), dtype=object)
    if as_dates(tried, asked=True):
        return f"if it is a date or a time, use --dates {_spelled(name)}"
    odd = not_dates(tried)[1]
    return f"if it is a date, use --missing for the values that are not, such as {quoted(odd)}"


def _spelled(name: str) -> str:
    return name if re.fullmatch(r"\w[\w.-]*", name) else quoted(name)


def _may_be_dates(column: pd.Series) -> bool:
    """Tell whether values of any type may be dates, as a user says; numbers are not."""
    if not pd.api.types.is_object_dtype(column.dtype) or column.isna().all():
        return False
    return not any(isinstance(value, list | dict | np.ndarray) for value in column.array)


def _mixed_dates(column: pd.Series) -> pd.Series:
    """Values of several types as dates, NaT where one is none."""
    return pd.to_datetime(column, format="mixed", errors="coerce", utc=True)


def _settled(values: pd.Series, texts: pa.Array, asked: bool) -> Dates | None:
    """Dates (rows,) and what is said of the texts that were not read; None if those are too many.

    Few different dates among others are enough where that is asked.
    """
    odd = texts.filter(pa.array(values.isna().to_numpy())).drop_null()
    if not len(odd):
        return Dates(values)
    codes, words = coded(odd)
    counts, gaps = np.bincount(codes), among(words, MISSING_NUMBERS)
    lost = int(counts[~gaps].sum())
    known = int(values.count())
    if asked:
        told = known > 0 and are_few(lost, known)
    else:
        plain = values.dt.tz_convert(None).to_numpy()
        told = values.nunique() >= FEW_NUMBERS and (not lost or are_stray(lost, plain))
    if not told:
        return None
    said = missing_said(words.filter(pa.array(gaps)).to_pylist(), int(counts[gaps].sum()))
    if lost:
        example = words[int((~gaps).argmax())].as_py()
        said = in_one(said, stray_said(lost, example, "a date", "dates"))
    return Dates(values, said)


def _spread(texts: pa.Array, most: int) -> pa.Array:
    """So many of texts (n,) at most, from all over, or all that there are."""
    known = texts.drop_null() if texts.null_count else texts
    if len(known) <= most:
        return known
    return known.take(pa.array(np.linspace(0, len(known) - 1, most).astype(np.int64)))


def _share(texts: pa.Array, pattern: str) -> float:
    """The share of some texts that are such as a whole, but for those that say missing."""
    some = _spread(texts, FIRST_ROWS)
    rest = int((~among(some, MISSING_NUMBERS)).sum())
    return int(are(some, pattern).sum()) / rest if rest else 0.0


def _usual_dates(texts: pa.Array) -> pd.Series | None:
    """Texts (rows,) as dates, NaT where one is none, if most are, and all dates are of one form.

    Each is taken apart into its day and its clock, of which there are far fewer than of both.
    """
    some = _spread(texts, FIRST_ROWS)
    rest = int((~among(some, MISSING_NUMBERS)).sum())
    if 2 * match(some, r"\d{4}").sum() <= rest:
        return None  # which is told at once of most texts
    shares = {form: int(are(some, form[1]).sum()) for form in FORMS}
    form = max(FORMS, key=lambda form: shares[form])
    if 2 * shares[form] <= rest:
        return None
    if form in (WITH_NAMES, MONTHS):
        return _whole_dates(_only(texts, [form])[1], form)
    forms = [MONTH_FIRST, DAY_FIRST] if form in (MONTH_FIRST, DAY_FIRST) else [form]
    example = some.filter(pa.array(are(some, form[1])))[0].as_py()
    day, clock = _parted(example)
    if (found := _of_one_form(texts, forms, len(day), len(clock))) is None:
        found_form, cleaned = _only(texts, forms)
        if cleaned is None:
            return None
        found = _of_one_form(cleaned, [found_form], len(day), len(clock))
    return found


def _only(texts: pa.Array, forms: list[Form]) -> tuple[Form, pa.Array | None]:
    """The form that more texts have, and texts (rows,) without those that have it not.

    None in their place if too many have it not, or one is a date of a form beyond those. Beside
    months nothing else may stand: what looks like one may be a code.
    """
    those = [are(texts, form[1]) for form in forms]
    best = max(range(len(forms)), key=lambda place: int(those[place].sum()))
    mine = those[best]
    odd = texts.filter(pa.array(~mine)).drop_null()
    odd = odd.filter(pa.array(~among(odd, MISSING_NUMBERS)))
    others = "|".join(form[1] for form in FORMS if form not in forms)
    few = are_few(len(odd), int(mine.sum())) and (forms != [MONTHS] or not len(odd))
    if not few or are(odd, others).any():
        return forms[best], None
    return forms[best], texts if mine.all() else pc.if_else(pa.array(mine), texts, None)


def _whole_dates(texts: pa.Array | None, form: Form) -> pd.Series | None:
    """Texts of a form as dates, each as a whole."""
    if texts is None:
        return None
    codes, found = coded(texts)
    if form == MONTHS and _are_seasons(found.to_pylist()):
        return None
    return _changed(found, form).reindex(codes).reset_index(drop=True)


def _are_seasons(texts: list[str]) -> bool:
    """Tell whether most of such as 2008-09 are a year and the next one."""
    return 2 * sum((int(text[:4]) + 1) % 100 == int(text[5:]) for text in texts) > len(texts)


def _changed(texts: pa.Array, form: Form) -> pd.Series:
    """Texts (n,) of a form as dates, NaT where one is none."""
    plain: Any = pd.Series(texts.to_pylist(), dtype=object)
    plain = plain.str.replace(*form[2], regex=True)
    plain = plain.where(~plain.str.match(CONTRARY, na=False))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what pandas will no longer read some day
        return pd.to_datetime(plain, format="mixed", errors="coerce", utc=True)


def _asked_dates(texts: pa.Array) -> pd.Series:
    """Texts (rows,) as dates in any form that pandas reads, NaT where one is none."""
    codes, found = coded(texts)
    known = found.filter(pa.array(~among(found, MISSING_NUMBERS)))
    form = asked_form(known)
    dates = _changed(found, form).where(are(found, form[1]))
    return dates.reindex(codes).reset_index(drop=True)


def asked_form(texts: pa.Array) -> Form:
    """Which of `ASKED` different texts are of: times of day if most are such, or else dates."""
    times, month_first, day_first = ASKED
    if 2 * are(texts, times[1]).sum() > len(texts):
        return times
    only_day = match(texts, r"^\d{1,2}\.\d{1,2}\.|^(?:1[3-9]|2\d|3[01])[-/]\d{1,2}[-/]\d")
    only_month = match(texts, r"^\d{1,2}[-/](?:1[3-9]|2\d|3[01])[-/]\d")
    return day_first if only_day.sum() > only_month.sum() else month_first


def _of_one_form(texts: pa.Array, forms: list[Form], day: int, clock: int) -> pd.Series | None:
    """Texts (rows,) as dates, NaT for a day that there is not; None where not all are of a form.

    day, clock: how many letters those of one of them have.
    """
    for parts in _taken_apart(texts, day, clock):
        (days, found), (clocks, times) = parts
        if not are(times, CLOCK.pattern).all():
            continue
        form = next((form for form in forms if are(found, form[0]).all()), None)
        if form is not None:
            break
    else:
        return None
    seconds = _seconds(times)
    if seconds is None:
        days, found = coded(texts)
    parsed = pd.to_datetime(
        pd.Series(found.to_pylist(), dtype=object),
        format="mixed",
        errors="coerce",
        utc=True,
        dayfirst=form == DAY_FIRST,
    )
    dates = parsed.reindex(days).reset_index(drop=True)  # nothing where missing: its place is -1
    if seconds is None or not seconds.any():
        return dates
    passed = np.append(seconds.astype("timedelta64[s]"), np.timedelta64("NaT"))
    return dates + pd.Series(passed[clocks])


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
