"""Columns of texts, looked at by their different values: there are far fewer of those than rows.

What can be told of many texts at once is told by Arrow, whose patterns are RE2's: of texts of
ASCII they say what `re` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnbench.lazy import pa, pc, pd

FIRST_ROWS = 1_000
MOST_DIGITS = 18  # which an integer of 64 bits holds


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
    codes, values = coded(in_arrow(column))
    return codes, np.array(values.to_pylist(), dtype=object)


def coded(texts: pa.Array) -> tuple[NDArray[np.int64], pa.Array]:
    """The same, of texts (n,) in Arrow's form."""
    found = texts.dictionary_encode()
    codes = found.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return codes.astype(np.int64), found.dictionary


def coded_by_digits(
    texts: pa.Array, ends: Sequence[int]
) -> list[tuple[NDArray[np.int64], pa.Array]] | None:
    """The same of parts of texts (n,), sooner, where they differ in digits alone.

    ends: the place at which each part ends, in letters; the last one is the texts' length. None
    where some have digits at other places than the first one, or other signs between those, or
    where a part has over `MOST_DIGITS`.
    """
    known = texts.drop_null()
    offsets, letters = _memory_of(known)
    if not len(known) or (np.diff(offsets) != ends[-1]).any():
        return None
    signs = letters[offsets[0] : offsets[-1]].reshape(len(known), ends[-1])
    digits = signs - np.uint8(ord("0"))
    varies = digits[0] <= 9
    if (digits[:, varies] > 9).any() or (signs[:, ~varies] != signs[0, ~varies]).any():
        return None
    parts = []
    for start, end in zip((0, *ends), ends, strict=False):
        places = start + np.flatnonzero(varies[start:end])
        if len(places) > MOST_DIGITS:
            return None
        numbers = np.zeros(len(known), dtype=np.int64)
        for place in places:
            numbers *= 10
            numbers += digits[:, place]
        codes, different = pd.factorize(numbers)
        firsts = np.empty(len(different), dtype=np.int64)
        firsts[codes[::-1]] = np.arange(len(codes))[::-1]  # of equals the first is written last
        every = np.full(len(texts), -1, dtype=np.int64)
        every[texts.is_valid().to_numpy(zero_copy_only=False)] = codes
        parts.append((every, pc.utf8_slice_codeunits(known.take(pa.array(firsts)), start, end)))
    return parts


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


def may_begin_or_end_blank(texts: pa.Array) -> bool:
    """Tell whether any of texts (n,) may have a blank at an end: any sign that is not plain."""
    offsets, letters = _memory_of(texts)
    starts, ends = offsets[:-1], offsets[1:]
    filled = ends > starts
    edges = letters[np.concatenate([starts[filled], ends[filled] - 1])]
    return bool(((edges <= ord(" ")) | (edges > ord("~"))).any())


def byte_counts(texts: pa.Array) -> NDArray[np.int64]:
    """How many bytes each of texts (n,) has, 0 where missing."""
    return np.diff(_memory_of(texts)[0])


def _memory_of(texts: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Where each text begins, and at last where the last one ends, among the bytes of all."""
    _, offsets, letters = texts.buffers()
    places = np.frombuffer(offsets, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return places, np.frombuffer(letters or b"", dtype=np.uint8)


def beyond_ascii(texts: pa.Array) -> NDArray[np.bool_]:
    """Which texts (n,) have a character that is none of ASCII's; none where missing."""
    return mask(pc.invert(pc.string_is_ascii(texts)))


def has(texts: pa.Array, signs: str) -> NDArray[np.bool_]:
    """Which texts (n,) have one of some characters in them: far sooner told than by a pattern."""
    found = [mask(pc.match_substring(texts, sign)) for sign in signs]
    return np.asarray(np.any(found, axis=0))


def among(texts: pa.Array, words: Iterable[str]) -> NDArray[np.bool_]:
    """Which texts (n,) are one of these words, however they are spelled; those in small letters."""
    known = set(words)
    found = mask(pc.is_in(pc.utf8_lower(texts), value_set=pa.array(sorted(known), texts.type)))
    for place in np.flatnonzero(beyond_ascii(texts)):  # Arrow has no folding of case
        found[place] = texts[place].as_py().casefold() in known
    return found


def mask(truths: pa.Array) -> NDArray[np.bool_]:
    """Arrow's truths as numpy's, of which one can be changed; false where missing."""
    return np.array(pc.fill_null(truths, False).to_numpy(zero_copy_only=False), dtype=bool)
