"""Table entries made from the rows of a statistics frame."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from nnbench.report.page import numbers
from nnbench.report.page.parts import Entry

SMALLEST = 0.0005  # a share that would be written as zero


def estimate(row: Any, name: str, places: int, count: str = "", signed: bool = False) -> Entry:
    """Return an estimate with its interval and count, or the reason that there is none.

    Reads `name`, `name_low`, `name_high` and `name_reason` of the row.
    """
    reason = row.get(f"{name}_reason")
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    said = reason if isinstance(reason, str) else ""
    return Entry(
        numbers.estimated(row[name], low, high, places, signed),
        span="" if pd.isna(low) else numbers.interval(low, high, places),
        count=count,
        reason=no_interval(said) if said and pd.notna(row[name]) else said,
        value=known(row[name]),
        low=known(low),
        high=known(high),
    )


def no_interval(reason: str) -> str:
    """Return why a number that is known has no interval: it is not the number that is undefined."""
    return f"no interval: {reason.removeprefix('undefined: ')}"


def plain(value: Any, places: int | None = None, signed: bool = False) -> Entry:
    """Return a number that has no interval."""
    found = known(value)
    if found is None:
        return Entry("–")
    return Entry(numbers.number(found, places, signed), value=found)


def whole(value: Any, of: Any = None) -> Entry:
    """Return a count, of how many if given."""
    text = f"{int(value):,}" if of is None else f"{int(value):,} of {int(of):,}"
    return Entry(text, value=float(value))


def share(row: Any, name: str = "share") -> Entry:
    """Return a share in percent with its interval. Reads `name`, `name_low`, `name_high`."""
    reason = row.get("reason")
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return Entry(
        percent(row[name]),
        span="" if pd.isna(low) else percents(low, high, _places(row[name])),
        reason=reason if isinstance(reason, str) else "",
        value=known(row[name]),
        low=known(low),
        high=known(high),
    )


def percent(value: float) -> str:
    """Return `45 %`, or with a decimal below 10."""
    if pd.isna(value):
        return "–"
    if 0 < value < SMALLEST:
        return "under 0.1 %"
    return f"{numbers.number(100 * value, _places(value))} %"


def percents(low: float, high: float, places: int = 0) -> str:
    """Return `[40, 50]`, in percent."""
    return numbers.interval(100 * low, 100 * high, places)


def _places(value: float) -> int:
    return 0 if pd.isna(value) or value == 0 or abs(value) >= 0.0995 else 1


def verdict(word: str) -> Entry:
    """Return a verdict."""
    return Entry(word, is_verdict=True)


def known(value: Any) -> float | None:
    """Return a finite number, or None."""
    if value is None or pd.isna(value):
        return None
    found = float(value)
    return found if math.isfinite(found) else None


def mean_places(rows: pd.DataFrame) -> int:
    """Return the decimals that suit the means of these rows together."""
    half_widths = (rows["mean_high"] - rows["mean_low"]) / 2
    return numbers.decimals_for(rows["mean"].dropna(), half_widths.dropna())
