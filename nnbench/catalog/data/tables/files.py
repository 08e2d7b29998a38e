"""Read a user's CSV or Parquet file into columns, or say in one sentence why that cannot be.

Nothing is evaluated or unpickled: a file is text or Arrow data, and a path must name a plain file.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import itertools
import json
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nnbench.catalog.data.tables.reading import could_be_thousands, thousands_in
from nnbench.lazy import lazy_import

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from pyarrow import parquet
else:
    pd = lazy_import("pandas", globals(), "pd")
    pa = lazy_import("pyarrow", globals(), "pa")
    parquet = lazy_import("pyarrow.parquet", globals())

FORMS = ("csv", "parquet")
MAX_BYTES = 4_000_000_000
DELIMITERS = (",", ";", "\t", "|")
# what a missing value is written as, next to nothing at all
MISSING = ("", "?", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "none", "#N/A")
SEPARATOR = re.compile(r"sep=([,;\t|])", re.IGNORECASE)  # what Excel writes above a header
UNNAMED = re.compile(r"(Unnamed: \d+|__index_level_\d+__)?")  # pandas' own names for an index


def form_of(path: Path) -> str:
    """The form that a file's ending speaks of: parquet, or else csv."""
    return "parquet" if path.suffix.lower() in (".parquet", ".pq") else "csv"


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
                f"{quoted(path)}: has {size / 1e9:.0f} GB, and a table may have "
                f"{MAX_BYTES / 1e9:.0f}: take a sample of its rows"
            )
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as problem:
        raise ValueError(f"{quoted(path)}: cannot be read ({problem.strerror})") from None


def read_frame(
    path: Path, form: str, target: str = "", missing: tuple[str, ...] = ()
) -> pd.DataFrame:
    """Read a file's columns. Names are text, stripped and all different; unnamed ones are "".

    missing: what a missing value is written as, next to what `MISSING` has; of the column `target`
    only it and nothing at all: there, "None" may be a class. Raises ValueError for a file that is
    no table, has no rows, no header, or two columns of a name.
    """
    gaps = _Gaps(target, missing)
    frame, names = _read_csv(path, gaps) if form == "csv" else _read_parquet(path)
    names = ["" if UNNAMED.fullmatch(name.strip()) else name.strip() for name in names]
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        raise ValueError(
            f"{quoted(path.name)}: {listed(twice)} {'are names' if twice[1:] else 'is the name'} "
            f"of more than one column: rename them"
        )
    if frame.empty:
        raise ValueError(f"{quoted(path.name)}: has no rows under its header")
    columns = [_tidied(frame.iloc[:, place], gaps.of(name)) for place, name in enumerate(names)]
    above = frame.attrs.get("above", [])
    frame = pd.concat(columns, axis=1)
    frame.attrs["above"] = above
    frame.columns = pd.Index(names, dtype=object)
    return frame


@dataclass(frozen=True)
class _Gaps:
    """What a missing value is written as, by the column's name."""

    target: str
    missing: tuple[str, ...]

    def of(self, name: str) -> tuple[str, ...]:
        return ("", *self.missing) if name == self.target else (*MISSING, *self.missing)


def _tidied(column: pd.Series, gaps: tuple[str, ...]) -> pd.Series:
    """A column whose texts have no blanks around them and are None where missing."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
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


def _read_csv(path: Path, gaps: _Gaps) -> tuple[pd.DataFrame, list[str]]:
    try:
        header, delimiter, above = _read_header(path)
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # values were left out
            form: dict[str, Any] = {
                "sep": delimiter,
                "header": 0,
                "skiprows": len(above),
                "names": range(len(header)),
                "index_col": False,
                "na_values": {place: gaps.of(name.strip()) for place, name in enumerate(header)},
                "keep_default_na": False,
                "skipinitialspace": True,
                "low_memory": False,  # one type for a whole column
                "encoding": "utf-8-sig",
                "compression": None,
            }
            frame: Any = pd.read_csv(path, **form)
            places = [place for place in frame if could_be_thousands(frame[place])]
            if places:  # numbers no longer show how they were written
                texts: Any = pd.read_csv(path, **form | {"dtype": dict.fromkeys(places, str)})
                for place in places:
                    if thousands_in(texts[place]):
                        frame[place] = texts[place].astype(object)
    except UnicodeDecodeError:
        if is_compressed(path):
            raise ValueError(f"{quoted(path.name)}: is compressed: unpack it first") from None
        raise ValueError(f"{quoted(path.name)}: is not UTF-8 text: save it as UTF-8") from None
    except (pd.errors.ParserError, pd.errors.ParserWarning, csv.Error) as problem:
        reason = " ".join(str(problem).split()).removeprefix("Error tokenizing data. C error: ")
        raise ValueError(f"{quoted(path.name)}: is no sound CSV: {reason}") from None
    except pd.errors.EmptyDataError:
        raise ValueError(f"{quoted(path.name)}: has no rows under its header") from None
    frame.attrs["above"] = [line.strip() for line in above if line.strip(" \t\r\n;,|")]
    return frame, header


def is_compressed(path: Path) -> bool:
    """Tell whether a file begins as gzip, bzip2, xz, zstandard or zip files do."""
    with path.open("rb") as file:
        start = file.read(6)
    return start.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"PK"))


def _read_header(path: Path) -> tuple[list[str], str, list[str]]:
    """The names in the header, the sign that parts them, and the lines above it.

    The header is the first line that is not empty. Above it may stand a line such as `sep=;`, and
    up to ten lines of one field, such as a title or a comment, where a line of several follows.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = list(itertools.islice(file, 40))
    first = next((place for place, line in enumerate(lines) if line.strip()), None)
    if first is None:
        raise ValueError(f"{quoted(path.name)}: is empty")
    if "\0" in lines[first]:
        raise ValueError(f"{quoted(path.name)}: is not text: its first line has a zero byte")
    told = SEPARATOR.fullmatch(lines[first].strip())
    signs = (told[1],) if told else DELIMITERS
    start = first + 1 if told else first
    for place in range(start, min(start + 10, len(lines))):
        split = {sign: next(csv.reader(lines[place:], delimiter=sign)) for sign in signs}
        delimiter = max(signs, key=lambda sign: len(split[sign]))  # a comma where they tie
        if any(field.strip() for field in split[delimiter][1:]):
            break
    else:
        place = start
        split = {sign: next(csv.reader(lines[place:], delimiter=sign), [""]) for sign in signs}
        delimiter = max(signs, key=lambda sign: len(split[sign]))
    header = split[delimiter]
    if all(is_number(name) for name in header):
        raise ValueError(
            f"{quoted(path.name)}: has no header: its first line is all numbers, such as "
            f"{quoted(header[0])}: add a line of column names above it"
        )
    return [" ".join(name.split()) for name in header], delimiter, lines[:place]


def _read_parquet(path: Path) -> tuple[pd.DataFrame, list[str]]:
    try:
        table = parquet.read_table(path)
        names = [str(name) for name in table.column_names]
        table = table.rename_columns([str(place) for place in range(len(names))])
        return table.to_pandas(ignore_metadata=True), names
    except (pa.ArrowException, OSError, ValueError) as problem:
        reason = " ".join(str(problem).split())[:200]
        raise ValueError(f"{quoted(path.name)}: is no sound Parquet file: {reason}") from None


def is_number(text: str) -> bool:
    """Tell whether a text reads as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def quoted(value: object) -> str:
    """A name from a user's file as messages show it: quoted, not too long, no controls."""
    text = str(value)
    short = json.dumps(text if len(text) <= 80 else text[:77] + "...", ensure_ascii=False)
    return "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in short)


def listed(names: Sequence[object]) -> str:
    """The first few names for a message."""
    shown = ", ".join(quoted(name) for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"


def unknown_column(name: str, columns: Iterable[str]) -> str:
    """The sentence for a column that a file lacks, with the nearest name that it has."""
    known = [column for column in columns if column]
    lower = {column.lower(): column for column in reversed(known)}
    close = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.6)
    hint = f"did you mean {quoted(lower[close[0]])}?" if close else f"it has {listed(known)}"
    return f"there is no column {quoted(name)}; {hint}"
