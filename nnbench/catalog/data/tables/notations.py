"""Numbers as people write them: 1.234,5 or 1,234.5, 12 %, $5, 12 kg, (3.50), <5.

One column is written in one way. Where a text could be read in two, such as 1.000, the rest of its
column decides, then the rest of the file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from nnbench.catalog.data.tables.words import quoted
from nnbench.lazy import pd

DECIMALS = ("auto", ".", ",")
STRAY = 0.1  # share of values that are no numbers, at most, in a column of numbers
MANY_NUMBERS = 20  # more different ones than this make such values slips
FEW_NUMBERS = 3  # different ones at least, where other words stand beside them or a unit behind
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


@dataclass(frozen=True)
class Numbers:
    """A column of texts read as numbers.

    values: (rows,) float64, NaN where missing or no number. lost: how many are no number. `note`
    says in which notation.
    """

    values: NDArray[np.float64]
    lost: int
    note: str


@lru_cache
def _plain_form(decimal: str) -> re.Pattern[str]:
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
    if not _plain_form(decimal).fullmatch(number.core):
        return np.nan
    digits = re.sub(f"[ '{'.' if decimal == ',' else ','}]", "", number.core)
    return float(digits.replace(",", ".")) * number.factor


def decimal_of(numbers: Iterable[tuple[Written, int]]) -> tuple[str, str]:
    """The sign that tells the fractions of a column's numbers, and a text that shows it.

    numbers: each different one and how often it occurs. The sign is "" where nothing tells;
    "?" where it matters, as in a column of 1.000 alone.
    """
    votes: Counter[str] = Counter()
    shown: dict[str, str] = {}
    either, whole, small = [], 0, True
    for number, count in numbers:
        can = [sign for sign in ".," if _plain_form(sign).fullmatch(number.core)]
        if len(can) == 1:
            votes[can[0]] += count
            shown.setdefault(can[0], number.text)
        elif can and EITHER.fullmatch(number.core):
            either.append(number)
        elif can:
            whole += 1
            small &= len(re.sub(r"\D", "", number.core)) <= 3
    if votes:
        best = max(votes, key=lambda sign: votes[sign])
        return best, shown[best]
    if not either:
        return "", ""
    signs = {"." if "." in number.core else "," for number in either}
    # 500 beside 1.000: who writes three decimals writes 500.000
    if len(signs) == 1 and whole and small:
        return ("," if signs == {"."} else "."), either[0].text
    return "?", either[0].text


def read_numbers(
    column: pd.Series, decimal: str, words: Iterable[str], asked: bool = False
) -> Numbers | None:
    """Read a column of texts (rows,), None where missing, as numbers; None where it is of others.

    decimal: "." or ",", which tells fractions. words: what a missing number is written as, in
    small letters. It is of numbers where all else is; where up to a tenth of more than 20 different
    values is not; or where that is asked.
    """
    codes, texts = pd.factorize(column.to_numpy(dtype=object))  # -1 where missing
    counts = np.bincount(codes[codes >= 0], minlength=len(texts))
    gaps = set(words)
    missing = np.array([str(text).casefold() in gaps for text in texts], dtype=bool)
    found = [None if gap else written(str(text)) for text, gap in zip(texts, missing, strict=True)]
    unit = _unit(found, counts)
    values = np.array(
        [np.nan if n is None else _value(n, unit, decimal) for n in found], dtype=np.float64
    )
    plain = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce").to_numpy(np.float64)
    rest = np.isnan(values) & ~missing & np.array([n is None for n in found], dtype=bool)
    values[rest] = plain[rest]  # inf, and what else pandas knows
    bad = np.isnan(values) & ~missing
    lost = int(counts[bad].sum())
    known = np.unique(values[~np.isnan(values)])
    said_missing = int(counts[missing].sum())
    words_around = bool(said_missing) or bool(unit and unit[0].isalpha())
    all_rows = values[codes] if len(texts) else np.full(len(codes), np.nan)
    all_rows[codes < 0] = np.nan
    if not asked:
        if missing.all() and len(texts) == 1:
            return Numbers(all_rows, 0, "")
        if not len(known) or (words_around and len(known) < FEW_NUMBERS):
            return None
        if lost and not are_stray(lost, all_rows):
            return None
    used = [n for n, value in zip(found, values, strict=True) if n and not np.isnan(value)]
    parts = [_notation(used, unit, decimal)]
    if said_missing:
        names = ", ".join(quoted(text) for text in texts[missing][:5])
        parts.append(f"{names} in {said_missing:,} {_rows(said_missing)} counts as missing")
    if lost:
        example = texts[bad][0]
        parts.append(_lost(lost, str(example)))
    return Numbers(all_rows, lost, "; ".join(part for part in parts if part))


def are_stray(lost: int, numbers: NDArray[np.float64]) -> bool:
    """Tell whether `lost` values that are no numbers are slips in a column of numbers."""
    known = numbers[~np.isnan(numbers)]
    return len(np.unique(known)) > MANY_NUMBERS and lost <= STRAY * (lost + len(known))


def _rows(count: int) -> str:
    return "row" if count == 1 else "rows"


def _lost(count: int, example: str) -> str:
    shown = example if len(example) <= 20 else example[:17] + "..."
    if count == 1:
        return f"1 value that is no number ({quoted(shown)}) counts as missing"
    return f"{count:,} values that are no numbers (such as {quoted(shown)}) count as missing"


def _unit(found: Sequence[Written | None], counts: NDArray[np.int64]) -> str:
    """The unit that most numbers with one have, in small letters."""
    units: Counter[str] = Counter()
    for number, count in zip(found, counts, strict=True):
        if number is not None and number.unit:
            units[number.unit.casefold()] += int(count)
    return units.most_common(1)[0][0] if units else ""


def _value(number: Written, unit: str, decimal: str) -> float:
    return value_of(number, decimal) if number.unit.casefold() in ("", unit) else np.nan


def _notation(numbers: Sequence[Written], unit: str, decimal: str) -> str:
    """How a column's numbers are written, with an example of each way; nothing if plainly."""
    thousands = re.compile(r"\d[.' ]\d" if decimal == "," else r"\d[,' ]\d")
    ways = {
        "decimal commas": (n for n in numbers if decimal == "," and "," in n.core),
        "thousands": (n for n in numbers if thousands.search(n.core)),
        _kind(unit): (n for n in numbers if n.unit),
        "brackets for negatives": (n for n in numbers if n.brackets),
        "bounds, read as their number": (n for n in numbers if n.bound),
    }
    shown = [(way, next(iter(examples), None)) for way, examples in ways.items()]
    told = [f"{way} ({number.text})" for way, number in shown if number is not None]
    if not told:
        return ""
    return f"{', '.join(told)} read as numbers"


def _kind(unit: str) -> str:
    if unit in ("%", "‰"):
        return "percent"
    return "currency" if re.fullmatch(CURRENCY, unit, re.IGNORECASE) else "a unit"
