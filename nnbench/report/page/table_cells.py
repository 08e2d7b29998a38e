"""Table entries made from the rows of a statistics frame."""

import math
from typing import Any

import pandas as pd

from nnbench.report.page import numbers
from nnbench.report.page.parts import Column, TableCell
from nnbench.report.page.words import amount

SMALLEST = 0.0005  # a share that would be written as zero
NOTHING = TableCell("–")


def estimate(row: Any, name: str, places: int, count: str = "", signed: bool = False) -> TableCell:
    """An estimate with its interval and count, or the reason that there is none.

    Reads `name`, `name_low`, `name_high` and `name_reason` of the row.
    """
    said = words(row.get(f"{name}_reason"))
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return TableCell(
        numbers.estimated(row[name], low, high, places, signed),
        span="" if pd.isna(low) else numbers.interval(low, high, places),
        count=count,
        reason=no_interval(said) if said and pd.notna(row[name]) else said,
        value=known(row[name]),
        low=known(low),
        high=known(high),
    )


def mean(row: Any, places: int, used: str = "used", n: str = "n") -> TableCell:
    """A row's mean, with how many of how many stand behind it."""
    return estimate(row, "mean", places, numbers.counted(row[used], row[n]))


def effect(row: Any, places: int) -> TableCell:
    """A row's difference to what it is compared with, with the pairs behind it."""
    return estimate(row, "effect", places, pair_count(row), signed=True)


def pair_count(row: Any) -> str:
    """`432 pairs in 6 blocks`, or where networks were lost `21 of 24 pairs in 6 blocks`."""
    used, every = int(row["pairs_used"]), int(row["pairs"])
    pairs = amount(every, "pair") if used == every else f"{used:,} of {amount(every, 'pair')}"
    return f"{pairs} in {amount(int(row['blocks']), 'block')}"


def no_interval(reason: str) -> str:
    """Why a number that is known has no interval: it is not the number that is undefined."""
    return f"no interval: {reason.removeprefix('undefined: ')}"


def words(value: Any) -> str:
    """Text that a frame has in some of its rows only."""
    return value if isinstance(value, str) else ""


def level(row: Any) -> TableCell:
    """A level, and on which part of the grid it ran, if not on what the others did."""
    return TableCell(str(row["level"]), note=words(row["only"]))


def plain(
    value: Any, places: int | None = None, signed: bool = False, reason: Any = ""
) -> TableCell:
    """A number that has no interval."""
    number = known(value)
    text = NOTHING.text if number is None else numbers.number(number, places, signed)
    return TableCell(text, reason=words(reason), value=number)


def place(value: Any, places: int = 3) -> TableCell:
    """A coordinate or a height: what is nearer to 0 than its decimals tell is 0."""
    number = known(value)
    if number is not None and abs(number) < 0.5 * 10**-places:
        return TableCell("0", value=number)
    return plain(value, places)


def p_value(p: float) -> TableCell:
    """A p, which is never printed as zero."""
    if pd.isna(p):
        return NOTHING
    return TableCell("< 0.001" if p < 0.001 else numbers.number(p, 3), value=float(p))


def whole(value: Any, of: Any = None) -> TableCell:
    """A count, of how many if given."""
    text = f"{int(value):,}" if of is None else f"{int(value):,} of {int(of):,}"
    return TableCell(text, value=float(value))


def share(row: Any, name: str = "share") -> TableCell:
    """A share in percent with its interval. Reads `name`, `name_low`, `name_high`."""
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return TableCell(
        percent(row[name]),
        span="" if pd.isna(low) else percents(low, high, _places(row[name])),
        reason=words(row.get("reason")),
        value=known(row[name]),
        low=known(low),
        high=known(high),
    )


def plain_share(value: float) -> TableCell:
    """A share in percent that has no interval."""
    return TableCell(percent(value), value=known(value))


def percent(value: float) -> str:
    """`45 %`, or with a decimal below 10."""
    if pd.isna(value):
        return NOTHING.text
    if 0 < value < SMALLEST:
        return "under 0.1 %"
    return f"{numbers.number(100 * value, _places(value))} %"


def percents(low: float, high: float, places: int = 0) -> str:
    """`[40, 50]`, in percent."""
    return numbers.interval(100 * low, 100 * high, places)


def _places(value: float) -> int:
    return 0 if pd.isna(value) or value == 0 or abs(value) >= 0.0995 else 1


def known(value: Any) -> float | None:
    """A finite number, or None."""
    if value is None or pd.isna(value):
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def mean_places(rows: pd.DataFrame) -> int:
    """The decimals that suit the means of these rows together."""
    half_widths = (rows["mean_high"] - rows["mean_low"]) / 2
    return numbers.decimals_for(rows["mean"].dropna(), half_widths.dropna())


def effect_places(rows: pd.DataFrame) -> int:
    """The decimals that suit the effects of these rows together."""
    half_widths = (rows["effect_high"] - rows["effect_low"]) / 2
    return numbers.decimals_for(rows["effect"].dropna(), half_widths.dropna())


# Columns that several tables have ---------------------------------------------------------------

VERDICT = Column("verdict", of=lambda row: TableCell(str(row["verdict"]), is_verdict=True))
DIVERGED = Column("diverged", True, lambda row: whole(row["diverged"], row["n"]))
CELL = Column("id of one", of=lambda row: TableCell(str(row["cell_id"]), is_code=True))
