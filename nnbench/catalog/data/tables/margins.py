"""Rows that are no examples: units under the header, totals at the end."""

from __future__ import annotations

import re

import numpy as np

from nnbench.catalog.data.tables.apart import are_plain
from nnbench.catalog.data.tables.notations import written
from nnbench.catalog.data.tables.reading import MISSING_NUMBERS
from nnbench.catalog.data.tables.texts import among, in_arrow, is_text
from nnbench.catalog.data.tables.words import is_number, quoted
from nnbench.lazy import pa, pd

FEW_ROWS = 10  # with fewer, one odd row says little
MEASURE = re.compile(r"[\[(]?(?=.*[^\W\d_]|.*[%‰°€$£#])[^\d\s][^\s]{0,11}( [^\s]{1,8}){0,2}[\])]?")
EMPTY = ("-", "--", "[-]", "(-)", "[]", "()")  # what a column without a unit has for one
TOTALS = re.compile(
    r"(grand |sub)?totals?|sums?|all|mean|average|avg\.?|summe|gesamt(summe)?|insgesamt|"
    r"mittel(wert)?|durchschnitt|somme|total g[ée]n[ée]ral|moyenne|σ|∑",
    re.IGNORECASE,
)


def without_units(frame: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """A table without a row of units under its header, and the sentence on it, if there was one.

    It is one where it has no number in any column that is all numbers below it, but a unit in one
    of those at least; and, in columns of text, nothing that stands in another row.
    """
    columns = [frame.iloc[:, place] for place in range(frame.shape[1])]
    read = (column.notna().iloc[0] for column in columns if column.dtype.kind in "iufbM")
    if len(frame) <= FEW_ROWS or any(read):  # the commonest case costs nothing
        return frame, ""
    units = 0
    for column in columns:
        first = column.iloc[0]
        if not is_text(column):
            if column.notna().iloc[0]:
                return frame, ""
            continue
        below = column.iloc[1:].dropna()
        numbers = _are_numbers(below)
        if not isinstance(first, str) or first in EMPTY:
            continue
        if not numbers and (below == first).any():
            return frame, ""
        if numbers:
            if first.casefold() in MISSING_NUMBERS or not MEASURE.fullmatch(first):
                return frame, ""
            units += 1
    if not units:
        return frame, ""
    named = ", ".join(quoted(text) for text in frame.iloc[0].dropna().tolist()[:5])
    rest = frame.iloc[1:].reset_index(drop=True)
    return rest, f"The first row under the header is left out: a row of units ({named})."


def _are_numbers(texts: pd.Series) -> bool:
    """Tell whether texts are numbers, or words for a missing one; one number at least."""
    known = in_arrow(pd.unique(texts))
    rest = known.filter(pa.array(~among(known, MISSING_NUMBERS)))
    odd = rest.filter(pa.array(~(are_plain(rest, ".") | are_plain(rest, ","))))
    words = (text.as_py() for text in odd)
    return len(rest) > 0 and all(is_number(text) or written(text) is not None for text in words)


def total_of(frame: pd.DataFrame) -> str:
    """The word in the last row that says that it sums up the others, or nothing."""
    if len(frame) <= FEW_ROWS:
        return ""
    for place in range(frame.shape[1]):
        column = frame.iloc[:, place]
        last = column.iloc[-1]
        if isinstance(last, str) and TOTALS.fullmatch(last.rstrip(" :")):
            return "" if (column.iloc[:-1] == last).any() else last
    return ""


def sums_up(numbers: pd.DataFrame) -> bool:
    """Tell whether the last row has the sum or the mean of a column's other rows, as rounded."""
    for place in range(numbers.shape[1]):
        column = numbers.iloc[:, place]
        if column.dtype.kind not in "iuf":
            continue
        values = column.to_numpy(dtype=np.float64)
        others, last = values[:-1], values[-1]
        known = others[np.isfinite(others)]
        if not np.isfinite(last) or len(np.unique(known)) < 2:
            continue
        if any(np.isclose(last, told, rtol=1e-3, atol=0) for told in (known.sum(), known.mean())):
            return True
    return False
