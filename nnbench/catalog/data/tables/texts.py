"""Columns of texts, looked at by their different values: there are far fewer of those than rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnbench.lazy import pd


def is_text(column: pd.Series) -> bool:
    """Tell whether a column holds texts and nothing else, but for what is missing."""
    if pd.api.types.is_object_dtype(column.dtype) or pd.api.types.is_string_dtype(column.dtype):
        return pd.api.types.infer_dtype(column, skipna=True) == "string"
    return False


def different(column: pd.Series) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """A column of texts (rows,) as each row's place among its different values, -1 where missing.

    The values are in the order in which they come first.
    """
    codes, values = pd.factorize(column)
    return codes, np.asarray(values, dtype=object)


def spread_out(values: NDArray[Any], codes: NDArray[np.int64]) -> NDArray[Any]:
    """Each row's value (rows,) by its place among the different ones, None where missing."""
    padded = np.empty(len(values) + 1, dtype=object)
    padded[:-1] = values  # and the last is None, which is what -1 takes
    return padded[codes]
