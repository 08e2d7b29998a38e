"""Read a user's file into columns, or say in one sentence why that cannot be.

Nothing is evaluated or unpickled: a file is text or Arrow data, and a path must name a plain file.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nnbench.catalog.data.tables.delimited import read_text
from nnbench.catalog.data.tables.opening import MAX_BYTES
from nnbench.catalog.data.tables.texts import (
    byte_counts,
    in_arrow,
    is_text,
    may_begin_or_end_blank,
)
from nnbench.catalog.data.tables.words import listed, quoted
from nnbench.lazy import feather, pa, parquet, pc, pd

FORMS = ("csv", "parquet")
BINARY = (".parquet", ".pq", ".feather", ".arrow")
# what a missing value is written as, next to nothing at all
MISSING = ("", "?", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "none", "#N/A")
UNNAMED = re.compile(r"(Unnamed: \d+|__index_level_\d+__)?")  # pandas' own names for an index


def form_of(path: Path) -> str:
    """The form that a file's ending speaks of: parquet, which Feather counts as, or else csv."""
    return "parquet" if path.suffix.lower() in BINARY else "csv"


def fingerprint_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, after checking that it can be read as a table.

    Raises ValueError for a missing file, a folder or device, an unreadable or an enormous file.
    """
    try:
        if not path.is_file():
            problem = "is not a plain file" if path.exists() else "there is no such file"
            raise ValueError(f"{quoted(path)}: {problem}")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ValueError(
                f"{quoted(path)}: has {size / 1e9:.0f} GB, and a table may have at most "
                f"{MAX_BYTES / 1e9:.0f}: take a sample of its rows"
            )
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as problem:
        raise ValueError(f"{quoted(path)}: cannot be read ({problem.strerror})") from None


def read_frame(
    path: Path, form: str, target: str = "", missing: tuple[str, ...] = (), sheet: str = ""
) -> pd.DataFrame:
    """Read a file's columns. Names are text, stripped and all different; unnamed ones are "".

    missing: what a missing value is written as, next to what `MISSING` has; of the column `target`
    only it and nothing at all: there, "None" may be a class. sheet: of a workbook. Raises
    ValueError for a file that is no table, has no rows, no header, or two columns of a name.
    """
    gaps = _Gaps(target, missing)
    try:
        frame, names = read_text(path, gaps.of, sheet) if form == "csv" else _read_arrow(path)
        names = ["" if UNNAMED.fullmatch(name.strip()) else name.strip() for name in names]
        _check_frame(frame, names)
    except ValueError as problem:
        raise ValueError(f"{quoted(path.name)}: {problem}") from None
    columns = [_tidied(frame.iloc[:, place], gaps.of(name)) for place, name in enumerate(names)]
    said = {key: frame.attrs.get(key, []) for key in ("above", "told")}
    frame = pd.concat(columns, axis=1)
    frame.attrs.update(said)
    frame.columns = pd.Index(names, dtype=object)
    return frame


def _check_frame(frame: pd.DataFrame, names: list[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        raise ValueError(
            f"{listed(twice)} {'are names' if twice[1:] else 'is the name'} "
            f"of more than one column: rename them"
        )
    if frame.empty:
        raise ValueError("has no rows under its header")


@dataclass(frozen=True)
class _Gaps:
    """What a missing value is written as, by the column's name."""

    target: str
    missing: tuple[str, ...]

    def of(self, name: str) -> tuple[str, ...]:
        return ("", *self.missing) if name == self.target else (*MISSING, *self.missing)


def _tidied(column: pd.Series, gaps: tuple[str, ...]) -> pd.Series:
    """A column whose texts have no blanks around them and are missing where they say so."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    if is_text(column):
        texts = in_arrow(column)
        if may_begin_or_end_blank(texts):
            texts = pc.utf8_trim_whitespace(texts)
        if (byte_counts(texts) <= max(len(gap.encode()) for gap in gaps)).any():
            said = pc.is_in(texts, value_set=pa.array(gaps, texts.type))
            texts = pc.if_else(said, None, texts) if pc.any(said).as_py() else texts
        return pd.Series(texts.to_pandas())
    if pd.api.types.is_object_dtype(column.dtype) or pd.api.types.is_string_dtype(column.dtype):
        values = np.empty(len(column), dtype=object)
        values[:] = [_tidied_value(value, gaps) for value in column.array]
        return pd.Series(values, dtype=object)
    return column.reset_index(drop=True)


def _tidied_value(value: Any, gaps: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        text = value.strip()
        return None if text in gaps else text
    missing = value is None or value is pd.NA or (isinstance(value, float) and value != value)
    return None if missing else value


def _read_arrow(path: Path) -> tuple[pd.DataFrame, list[str]]:
    with path.open("rb") as file:
        is_feather = file.read(6) == b"ARROW1"
    try:
        table = feather.read_table(path) if is_feather else parquet.read_table(path)
        names = [str(name) for name in table.column_names]
        table = table.rename_columns([str(place) for place in range(len(names))])
        return table.to_pandas(ignore_metadata=True), names
    except (pa.ArrowException, OSError, ValueError) as problem:
        reason = " ".join(str(problem).split())[:200]
        kind = "Feather" if is_feather else "Parquet"
        raise ValueError(f"is not a valid {kind} file: {reason}") from None
