"""A column's different texts, taken apart: which are numbers, and their values in either notation.

Most numbers are plain digits, with a sign, a fraction and thousands at most: those are told and
read by Arrow, all at once. What has more around it goes through `written`, one by one. A test
holds that the two read alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnbench.catalog.data.tables.notations import (
    EITHER,
    WRITTEN,
    Written,
    plain_form,
    value_of,
    written,
)
from nnbench.catalog.data.tables.texts import among, are, beyond_ascii, coded, has, in_arrow, match
from nnbench.lazy import pa, pc, pd

Mask = NDArray[np.bool_]
SIGNS = (".", ",")  # what may tell fractions
# what pandas takes for a number, and more
KNOWN_TO_PANDAS = r"\s*[-+]?(?:[\d.]+(?:[eE][-+\d]*)?|(?i:inf|nan).*)\s*"


@dataclass(frozen=True, eq=False)
class Apart:
    """A column's different texts (different,) in the order in which they come first.

    codes: (rows,) each row's place among them, -1 where missing. counts: how many rows have each.
    gaps: which stand for a missing number. can, values: by what tells fractions, which numbers can
    be read so, and their values, NaN where not. odd: the numbers with more around them, by place.
    """

    codes: NDArray[np.int64]
    texts: pa.Array
    counts: NDArray[np.int64]
    gaps: Mask
    can: dict[str, Mask]
    values: dict[str, NDArray[np.float64]]
    odd: dict[int, Written]

    @property
    def are_numbers(self) -> Mask:
        """Which texts have a number in them, though perhaps in neither notation."""
        found = self.can["."] | self.can[","]
        found[[*self.odd]] = True
        return found

    def text(self, place: Any) -> str:
        """The text at a place."""
        return str(self.texts[int(place)].as_py())

    def have(self, pattern: str, those: Mask | None = None) -> Mask:
        """Which of those numbers have a pattern in their digits and signs, whatever else there is.

        those: (different,); of the rest nothing is told. Without it the pattern is one sign, of
        which all numbers are asked.
        """
        if those is None:
            found = has(self.texts, pattern)
        else:
            found = np.zeros(len(self.texts), dtype=bool)
            found[those] = match(self.texts.filter(pa.array(those)), pattern)
        for place, number in self.odd.items():
            found[place] = re.search(pattern, number.core) is not None
        return found

    def those_odd(self, has: Callable[[Written], bool]) -> Mask:
        """Which of the odd numbers have something around their digits."""
        found = np.zeros(len(self.texts), dtype=bool)
        found[[place for place, number in self.odd.items() if has(number)]] = True
        return found

    def commonest(self, those: Mask) -> int:
        """The place of the commonest of those texts, the first of equals."""
        return int(np.where(those, self.counts, -1).argmax())


def taken_apart(column: pd.Series, words: Iterable[str]) -> Apart:
    """A column of texts (rows,). words: what a missing number is written as, in small letters."""
    codes, texts = coded(in_arrow(column))
    can = {sign: are_plain(texts, sign) for sign in SIGNS}
    values = {sign: _plain_values(texts, can[sign], sign) for sign in SIGNS}
    odd = {}
    rest = ~(can["."] | can[","])
    places = np.flatnonzero(rest)
    for place in places[may_be_written(texts.filter(pa.array(rest)))].tolist():
        if number := written(texts[place].as_py()):
            odd[place] = number
            for sign in SIGNS:
                can[sign][place] = plain_form(sign).fullmatch(number.core) is not None
                values[sign][place] = value_of(number, sign)
    counts = np.bincount(codes[codes >= 0], minlength=len(texts))
    words = set(words)
    if any(plain_form(sign).fullmatch(word) for word in words for sign in SIGNS):  # -999
        gaps = among(texts, words)
    else:
        gaps = np.zeros(len(texts), dtype=bool)
        gaps[places] = among(texts.filter(pa.array(rest)), words)
    return Apart(codes, texts, counts, gaps, can, values, odd)


def may_have_numbers(texts: pa.Array) -> bool:
    """Tell whether any of some texts may be a number: if not, none is."""
    known = match(texts, f"^(?:(?:{WRITTEN.pattern})|{KNOWN_TO_PANDAS})$")
    return bool(known.any() or beyond_ascii(texts).any())


def may_be_written(texts: pa.Array) -> Mask:
    """Which texts may have a number in them, as `written` decides."""
    return match(texts, f"^(?:{WRITTEN.pattern})$") | beyond_ascii(texts)


def are_plain(texts: pa.Array, sign: str) -> Mask:
    """Which texts are digits and what parts those, where `sign` tells fractions."""
    return are(texts, f"[-+]?(?:{plain_form(sign).pattern})")


def _plain_values(texts: pa.Array, those: Mask, sign: str) -> NDArray[np.float64]:
    values = np.full(len(texts), np.nan)
    digits = texts.filter(pa.array(those))
    apart = (" ", "'", "," if sign == "." else ".", "+")
    for old, new in (*((one, "") for one in apart), (",", ".")):
        if has(digits, old).any():
            digits = pc.replace_substring(digits, old, new)
    values[those] = pc.cast(digits, pa.float64()).to_numpy()
    return values


def pandas_values(texts: pa.Array, those: Mask) -> NDArray[np.float64]:
    """The values that pandas knows of those texts (n,), NaN for what is none: inf, for one."""
    values = np.full(len(texts), np.nan)
    tried, asked = those.copy(), texts.filter(pa.array(those))
    tried[those] = match(asked, f"^{KNOWN_TO_PANDAS}$") | beyond_ascii(asked)
    if tried.any():
        known: Any = pd.Series(texts.filter(pa.array(tried)).to_pylist(), dtype=object)
        values[tried] = pd.to_numeric(known, errors="coerce").to_numpy(np.float64)
    return values


def either_way(numbers: Apart) -> Mask:
    """Which numbers have three digits behind a sign: fractions, or thousands."""
    both = numbers.can["."] & numbers.can[","]
    return both & numbers.have(f"^[-+]?{EITHER.pattern}$", both)
