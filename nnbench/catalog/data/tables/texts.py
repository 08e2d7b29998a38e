"""Columns of texts, looked at by their different values: there are far fewer of those than rows.

What can be told of many texts at once is told by Arrow, whose patterns are RE2's: of texts of
ASCII they say what `re` says.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnbench.lazy import pa, pc, pd

FIRST_ROWS = 1_000
BEYOND_ASCII = r"[^\x00-\x7f]"


def is_text(column: pd.Series) -> bool:
    """Tell whether a column holds texts and nothing else, but for what is missing."""
    if isinstance(column.dtype, pd.StringDtype):
        return bool(column.notna().any())
    if pd.api.types.is_object_dtype(column.dtype):
        return pd.api.types.infer_dtype(column, skipna=True) == "string"
    return False


def different(column: pd.Series) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """A column of texts (rows,) as each row's place among its different values, -1 where missing.

    The values are in the order in which they come first.
    """
    codes, values = pd.factorize(column)
    return codes, np.asarray(values, dtype=object)


def in_arrow(texts: Any) -> pa.Array:
    """Texts (n,) in Arrow's form, null where missing."""
    found = pa.array(texts, from_pandas=True)
    whole = found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
    return pc.cast(whole, pa.large_string())


def few_of(texts: pa.Array) -> pa.Array:
    """The different ones of texts (n,), where the first ones tell that it pays to find them."""
    first = texts[:FIRST_ROWS]
    return texts if 2 * pc.count_distinct(first).as_py() > len(first) else pc.unique(texts)


def first_text(column: pd.Series) -> Any:
    """The first value that there is, or None."""
    known = column.notna().to_numpy()
    return column.iloc[int(known.argmax())] if known.any() else None


def match(texts: pa.Array, pattern: str) -> NDArray[np.bool_]:
    """Which texts (n,) have the pattern in them somewhere; none where missing."""
    return mask(pc.match_substring_regex(texts, pattern))


def are(texts: pa.Array, pattern: str) -> NDArray[np.bool_]:
    """Which texts (n,) are such as a whole; none where missing."""
    return match(texts, rf"^(?:{pattern})\z")


def among(texts: pa.Array, words: Iterable[str]) -> NDArray[np.bool_]:
    """Which texts (n,) are one of these words, however they are spelled; those in small letters."""
    known = set(words)
    found = mask(pc.is_in(pc.utf8_lower(texts), value_set=pa.array(sorted(known), texts.type)))
    for place in np.flatnonzero(match(texts, BEYOND_ASCII)):  # Arrow has no folding of case
        found[place] = texts[place].as_py().casefold() in known
    return found


def mask(truths: pa.Array) -> NDArray[np.bool_]:
    """Arrow's truths as numpy's, of which one can be changed; false where missing."""
    return np.array(pc.fill_null(truths, False).to_numpy(zero_copy_only=False), dtype=bool)
