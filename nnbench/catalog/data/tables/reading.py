"""Read a table's texts as numbers where they are, in the notation of their column and file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from nnbench.catalog.data.tables.apart import Apart, may_have_numbers, taken_apart
from nnbench.catalog.data.tables.notations import EITHER
from nnbench.catalog.data.tables.numbers import decimal_of, read_numbers
from nnbench.catalog.data.tables.texts import FIRST_ROWS, few_of, first_text, in_arrow, is_text
from nnbench.lazy import pd

# what a missing number is written as, next to what is missing everywhere; in small letters
MISSING_NUMBERS = (
    *("-", "--", ".", "..", "?", "na", "n/a", "n.a.", "#n/a", "nan", "-nan", "null", "none"),
    *("unknown", "missing", "not available", "<na>", "nat", "#na", "#div/0!", "#value!", "#ref!"),
    *("#num!", "#name?"),
)


def could_be_thousands(column: pd.Series) -> bool:
    """Tell whether a column that was read as fractions may have had thousands in dots: 1.234."""
    if column.dtype.kind != "f":
        return False
    known = column.to_numpy()[~np.isnan(column.to_numpy())]
    some = known[:FIRST_ROWS]  # which tells most columns that cannot
    return len(known) > 0 and all(map(_are_thousandths, (some, known)))


def _are_thousandths(values: NDArray[np.float64]) -> bool:
    """Tell whether all values (n,) are from 0 to 999.999, in thousandths, and whole below 1."""
    if not ((values >= 0) & (values < 1000)).all():
        return False
    scaled = values * 1000
    whole = values == np.round(values)
    return bool((np.abs(scaled - np.round(scaled)) < 1e-6).all() and (whole | (values >= 1)).all())


def thousands_in(texts: pd.Series) -> bool | None:
    """Tell whether all of a column's texts are whole numbers, or such as 1.234; one at least.

    None where all are whole numbers, so that more of the column may have one.
    """
    known = texts.dropna().str.strip()
    dotted = known[known.str.contains(".", regex=False)]
    whole = known.drop(dotted.index)
    if not whole.str.fullmatch(r"[-+]?\d{1,3}").all():
        return False
    if not len(dotted):
        return None
    return bool(dotted.str.fullmatch(rf"[-+]*{EITHER.pattern}").all())


def with_numbers(
    frame: pd.DataFrame, kinds: Mapping[str, str], decimal: str, words: tuple[str, ...]
) -> tuple[pd.DataFrame, dict[str, str]]:
    """The table with its columns of numbers as float64, and what is to be said of each.

    kinds: of some columns "number" or "category", as asked; the latter stay texts. decimal: what
    tells fractions where that could be read in two ways, or "auto". words: what more a missing
    value is written as.
    """
    gaps = {*MISSING_NUMBERS, *(word.casefold() for word in words)}
    asked = {place for place, name in enumerate(frame) if kinds.get(str(name)) == "number"}
    texts = {
        place: taken_apart(column, gaps)
        for place, (name, column) in enumerate(frame.items())
        if kinds.get(str(name)) != "category" and _worth_it(column, gaps, place in asked)
    }
    found = {place: _signs(numbers) for place, numbers in texts.items()}
    votes = Counter(sign for sign, _ in found.values() if sign in (".", ","))
    votes["."] += sum(column.dtype.kind == "f" for _, column in frame.items())
    common = votes.most_common(1)[0][0] if votes.total() else "."
    columns, notes = [frame.iloc[:, place] for place in range(frame.shape[1])], {}
    for place in found:
        sign, example = found[place]
        used, why = _decided(sign, example, decimal, common)
        numbers = read_numbers(texts.pop(place), used, place in asked)
        if numbers is None:
            continue
        columns[place] = pd.Series(numbers.values)
        name = str(frame.columns[place])
        notes[name] = "; ".join(part for part in (numbers.note, why) if part)
    whole = pd.concat(columns, axis=1)
    whole.columns = frame.columns
    return whole, notes


def _worth_it(column: pd.Series, gaps: set[str], asked: bool) -> bool:
    """Tell whether a column of texts may be read as numbers. Most texts are not, at a glance."""
    if not is_text(column):
        return False
    if asked or first_text(column).casefold() in gaps:
        return True
    texts = in_arrow(column)
    return may_have_numbers(texts[:FIRST_ROWS]) or may_have_numbers(few_of(texts))


def _signs(numbers: Apart) -> tuple[str, str]:
    """What tells the fractions of a column of texts, most of which are numbers."""
    share = numbers.counts[numbers.are_numbers].sum()
    rest = numbers.counts[~numbers.gaps].sum()
    return decimal_of(numbers) if 2 * share > rest else ("", "")


def _way(decimal: str) -> str:
    """How one asks for a sign: as a flag, and as a study file has it."""
    return f'--decimal {decimal} (decimal = "{decimal}")'


def _decided(sign: str, example: str, decimal: str, common: str) -> tuple[str, str]:
    """The sign that tells a column's fractions, and why, where its numbers could be read twice."""
    if sign == "" or not example:
        return ("." if sign == "" else sign), ""
    doubtful = EITHER.fullmatch(example.lstrip("+-"))
    if sign != "?" and not doubtful:
        asked_for = decimal not in ("auto", sign)
        why = f"{example} can only be read with {_way(sign)}, although {_way(decimal)} was given"
        return sign, why if asked_for else ""
    if decimal != "auto":
        return decimal, f'decimal = "{decimal}" as asked'
    other = "." if (used := common if sign == "?" else sign) == "," else ","
    where = "file" if sign == "?" else "column"
    return (
        used,
        f"{example} read like the rest of the {where}; {_way(other)} reads it the other way",
    )
