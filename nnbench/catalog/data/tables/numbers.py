"""Read a column's texts as numbers: what tells their fractions, and what they come to."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnbench.catalog.data.tables.apart import Apart, either_way, pandas_values
from nnbench.catalog.data.tables.notations import CURRENCY, Written, are_stray
from nnbench.catalog.data.tables.texts import has
from nnbench.catalog.data.tables.words import missing_said, stray_said

FEW_NUMBERS = 3  # different ones at least, where other words stand beside them or a unit behind
FOUR_DIGITS = r"\d(?:\D*\d){3}"


@dataclass(frozen=True)
class Numbers:
    """A column of texts read as numbers.

    values: (rows,) float64, NaN where missing or no number. lost: how many are no number. `note`
    says in which notation.
    """

    values: NDArray[np.float64]
    lost: int
    note: str


def decimal_of(numbers: Apart) -> tuple[str, str]:
    """The sign that tells the fractions of a column's numbers, and a text that shows it.

    The text is the commonest. The sign is "" where nothing tells; "?" where it matters, as in a
    column of 1.000 alone.
    """
    dot, comma = numbers.can["."], numbers.can[","]
    only = {".": dot & ~comma, ",": comma & ~dot}
    shown = {sign: numbers.commonest(those) for sign, those in only.items() if those.any()}
    if shown:
        votes = {sign: int(numbers.counts[only[sign]].sum()) for sign in shown}
        # of as many votes the sign of the commonest text, of which the first
        best = max(shown, key=lambda s: (votes[s], numbers.counts[shown[s]], -shown[s]))
        return best, numbers.text(shown[best])
    either = either_way(numbers)
    if not either.any():
        return "", ""
    example = numbers.text(numbers.commonest(either))
    signs = {"." if dotted else "," for dotted in np.unique(numbers.have(r"\.", either)[either])}
    whole = dot & comma & ~either
    small = not numbers.have(FOUR_DIGITS, whole)[whole].any()
    # 500 beside 1.000: who writes three decimals writes 500.000
    if len(signs) == 1 and whole.any() and small:
        return ("," if signs == {"."} else "."), example
    return "?", example


def read_numbers(numbers: Apart, decimal: str, asked: bool = False) -> Numbers | None:
    """Read a column of texts as numbers; None where it is of others.

    decimal: "." or ",", which tells fractions. It is of numbers where all else is missing; where up
    to a tenth of more than 20 different values is no number; or where that is asked.
    """
    gaps, counts = numbers.gaps, numbers.counts
    odd = {place: number for place, number in numbers.odd.items() if not gaps[place]}
    unit = _unit(numbers, odd)
    values = np.where(gaps, np.nan, numbers.values[decimal])
    values[[place for place, n in odd.items() if n.unit.casefold() not in ("", unit)]] = np.nan
    are_numbers = numbers.are_numbers & ~gaps
    other = np.isnan(values) & ~gaps & ~are_numbers
    values[other] = pandas_values(numbers.texts, other)[other]
    bad = np.isnan(values) & ~gaps
    lost, said_missing = int(counts[bad].sum()), int(counts[gaps].sum())
    all_rows = np.append(values, np.nan)[numbers.codes]
    if not asked:
        if gaps.all() and len(gaps) == 1:
            return Numbers(all_rows, 0, "")
        words_around = bool(said_missing) or bool(unit and unit[0].isalpha())
        known = values[~np.isnan(values)]
        if not len(known) or (words_around and len(np.unique(known)) < FEW_NUMBERS):
            return None
        if lost and not are_stray(lost, all_rows):
            return None
    parts = [_notation(numbers, are_numbers & ~np.isnan(values), unit, decimal)]
    if said_missing:
        names = [numbers.text(place) for place in np.flatnonzero(gaps)[:5]]
        parts.append(missing_said(names, said_missing))
    if lost:
        parts.append(stray_said(lost, numbers.text(bad.argmax()), "a number", "numbers"))
    return Numbers(all_rows, lost, "; ".join(part for part in parts if part))


def _unit(numbers: Apart, odd: dict[int, Written]) -> str:
    """The unit that most numbers with one have, in small letters."""
    units: Counter[str] = Counter()
    for place, number in odd.items():
        if number.unit:
            units[number.unit.casefold()] += int(numbers.counts[place])
    return units.most_common(1)[0][0] if units else ""


def _notation(numbers: Apart, used: NDArray[np.bool_], unit: str, decimal: str) -> str:
    """How a column's numbers are written, with an example of each way; nothing if plainly."""
    parting = ".' " if decimal == "," else ",' "
    ways = {
        "decimal commas": numbers.have(",") & (decimal == ","),
        "thousands": numbers.have(rf"\d[{parting}]\d", has(numbers.texts, parting)),
        _kind(unit): numbers.those_odd(lambda number: bool(number.unit)),
        "brackets for negatives": numbers.those_odd(lambda number: number.brackets),
        "bounds, read as their number": numbers.those_odd(lambda number: number.bound),
    }
    shown = {way: those & used for way, those in ways.items()}
    told = [
        f"{way} ({numbers.text(those.argmax())})" for way, those in shown.items() if those.any()
    ]
    return f"{', '.join(told)} read as numbers" if told else ""


def _kind(unit: str) -> str:
    if unit in ("%", "‰"):
        return "percent"
    return "currency" if re.fullmatch(CURRENCY, unit, re.IGNORECASE) else "a unit"
