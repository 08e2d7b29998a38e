"""Numbers as people write them: 1.234,5 or 1,234.5, 12 %, $5, 12 kg, (3.50), <5.

One column is written in one way. Where a text could be read in two, such as 1.000, the rest of its
column decides, then the rest of the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

DECIMALS = ("auto", ".", ",")
STRAY = 0.1  # share of values that are no numbers, at most, in a column of numbers
MANY_NUMBERS = 20  # more different ones than this make such values slips
CURRENCY = r"(?:[A-Z]{0,3}[$€£¥₹]|(?:CHF|EUR|USD|GBP|JPY|INR|SEK|NOK|DKK|PLN|CZK|CAD|AUD|Fr\.))"
UNIT = rf"(?:[%‰]|{CURRENCY}|[^\W\d_][\w/²³·^.%-]{{0,11}}|°[CFK]?)"
WRITTEN = re.compile(
    rf"(?P<bound>[<>≤≥]=? ?)?(?P<open>\( ?)?(?P<sign>[-+] ?)?(?P<before>{CURRENCY} ?)?"
    rf"(?P<later>[-+] ?)?(?P<core>\d(?:[\d.,' ]*\d)?[.,]?|[.,]\d+)(?P<power>[eE][-+]?\d+)?"
    rf"(?P<after> ?{UNIT})?(?P<close> ?\))?"
)
SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "’": "'", "−": "-"})
GROUPS = r"[1-9]\d{{0,2}}(?:{0}\d{{3}})+|[1-9]\d?(?:{0}\d{{2}})+{0}\d{{3}}"
EITHER = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")  # a number with three decimals, or thousands


@dataclass(frozen=True)
class Written:
    """One text that has a number in it: its digits, and what stands around them."""

    text: str
    core: str
    factor: float
    unit: str
    bound: bool
    brackets: bool


@lru_cache
def plain_form(decimal: str) -> re.Pattern[str]:
    """What a number's digits look like where `decimal` tells its fractions."""
    point, other = re.escape(decimal), re.escape("." if decimal == "," else ",")
    groups = "|".join(GROUPS.format(sign) for sign in (other, " ", "'"))
    return re.compile(rf"(?:\d+|{groups})(?:{point}\d*)?|{point}\d+")


def written(text: str) -> Written | None:
    """Take a text apart, or None where it has no number, or more than one."""
    found = WRITTEN.fullmatch(text.translate(SPACES))
    if found is None or bool(found["open"]) != bool(found["close"]):
        return None
    if found["sign"] and found["later"]:
        return None
    sign = "-" in ((found["sign"] or "") + (found["later"] or "")) or bool(found["open"])
    unit = " ".join(part.strip() for part in (found["before"], found["after"]) if part)
    power = float("1" + found["power"]) if found["power"] else 1.0
    factor = -power if sign else power
    return Written(text, found["core"], factor, unit, bool(found["bound"]), bool(found["open"]))


def value_of(number: Written, decimal: str) -> float:
    """A number's value where `decimal` tells its fractions; NaN where it cannot be read so."""
    if not plain_form(decimal).fullmatch(number.core):
        return np.nan
    digits = re.sub(f"[ '{'.' if decimal == ',' else ','}]", "", number.core)
    return float(digits.replace(",", ".")) * number.factor


def are_few(lost: int, known: int) -> bool:
    """Tell whether values that are none of their column's are few beside so many that are."""
    return lost <= STRAY * (lost + known)


def are_stray(lost: int, values: NDArray[Any]) -> bool:
    """Tell whether `lost` values that are no numbers, or no dates, are slips in a column of those.

    values: (rows,), NaN or NaT where there is none.
    """
    known = values[~np.isnan(values)]
    return len(np.unique(known)) > MANY_NUMBERS and are_few(lost, len(known))
