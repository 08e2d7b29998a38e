"""Read text as a table: CSV with whatever parts its columns, or one JSON object a line."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from nnbench.catalog.data.tables.opening import HEAD, as_text, encodings_of, packing_of
from nnbench.catalog.data.tables.reading import could_be_thousands, thousands_in
from nnbench.catalog.data.tables.texts import FIRST_ROWS, is_text
from nnbench.catalog.data.tables.words import is_number, quoted
from nnbench.catalog.data.tables.workbooks import is_workbook, sheet_text
from nnbench.lazy import pd

DELIMITERS = (",", ";", "\t", "|")
SPACES_APART = r"\s+"
MAX_COLUMNS = 100_000
HEAD_LINES = 40  # in which a header is looked for
FIRST_LETTERS = 1 << 16  # in which there are as many, of most files
ROWS_AT_ONCE = 50_000  # of a file that is looked at once more
BYTES_AT_ONCE = 1 << 17  # which the processor has at hand
EXACT = 1e15  # up to which whole numbers are read alike, as such or as fractions
HALF = re.compile(r"\\u[dD][89a-fA-F]")  # in JSON: of a character, which two such make
MOST_BREAKS = 5  # of lines, in a header's names
SEPARATOR = re.compile(r"sep=([,;\t|])", re.IGNORECASE)  # what Excel writes above a header


@dataclass(frozen=True)
class Head:
    """A file's first lines: names, what parts them, and the lines above the header."""

    names: list[str]
    delimiter: str
    above: list[str]


def read_text(
    path: Path, gaps_of: Callable[[str], tuple[str, ...]], sheet: str = ""
) -> tuple[pd.DataFrame, list[str]]:
    """A text file's columns, by number, and their names; or those of a workbook's `sheet`.

    gaps_of: what a missing value of a column is written as, by its name. `attrs` of the frame have
    the lines above the header, and sentences on how the text was read. Raises ValueError.
    """
    if is_workbook(path):
        return _read_sheet(*sheet_text(path, sheet), gaps_of)
    if sheet:
        raise ValueError("is not an Excel workbook: leave sheet out")
    packed = packing_of(path)
    encodings = encodings_of(path, packed)
    for encoding in encodings:
        try:
            frame, names = _read_as(path, packed, encoding, gaps_of)
        except UnicodeError:
            continue
        told = [f"Unpacked by {packed}."] if packed else []
        if encoding in ("utf-16", "utf-32"):
            told.append(f"Read as {encoding.upper()}.")
        elif encoding != encodings[0]:
            told.append("Read as Latin-1 (Windows 1252), as it is not UTF-8.")
        frame.attrs["told"] = [*told, *frame.attrs.get("told", [])]
        return frame, names
    if encodings[1:]:
        raise ValueError("is neither UTF-8 nor Latin-1 text: save it as UTF-8, if it is a table")
    raise ValueError(f"begins as {encodings[0].upper()} but is not valid: save it as UTF-8")


def _read_sheet(
    text: str, name: str, gaps_of: Callable[[str], tuple[str, ...]]
) -> tuple[pd.DataFrame, list[str]]:
    frame, names = _read_plain(
        list(itertools.islice(io.StringIO(text), HEAD_LINES)),
        lambda: nullcontext(io.StringIO(text)),
        "utf-8",
        gaps_of,
    )
    frame.attrs["told"] = [f"Read from the sheet {quoted(name)}."]
    return frame, names


def _read_as(
    path: Path, packed: str, encoding: str, gaps_of: Callable[[str], tuple[str, ...]]
) -> tuple[pd.DataFrame, list[str]]:
    with as_text(path, packed, encoding) as file:
        lines = _first_lines(file, encoding)
    if is_json(lines):
        with as_text(path, packed, encoding) as file:
            return _read_json(file, many=lines[_first(lines)].lstrip().startswith("["))
    plain = not packed and encoding == "utf-8-sig"
    # not by its path, which pandas reads in several threads: those take more memory
    opened = partial(path.open, "rb") if plain else partial(as_text, path, packed, encoding)
    return _read_plain(lines, opened, encoding, gaps_of)


def _read_plain(
    lines: list[str],
    opened: Callable[[], AbstractContextManager[Any]],
    encoding: str,
    gaps_of: Callable[[str], tuple[str, ...]],
) -> tuple[pd.DataFrame, list[str]]:
    """A table of text, of which these are the first lines."""
    try:
        head = read_head(lines)
        return _read_csv(opened, encoding, head, gaps_of), head.names
    except (pd.errors.ParserError, pd.errors.ParserWarning, csv.Error) as problem:
        reason = " ".join(str(problem).split()).removeprefix("Error tokenizing data. C error: ")
        if (opens := re.fullmatch(r"EOF inside string starting at row (\d+)", reason)) is not None:
            place = f"row {int(opens[1]) + 1:,} (counting the header)"  # pandas counts from 0
            raise ValueError(f"has a quote in {place} that is never closed") from None
        raise ValueError(f"is not a valid CSV file: {reason}") from None
    except pd.errors.EmptyDataError:
        raise ValueError("has no rows under its header") from None


def _first_lines(file: io.TextIOWrapper, encoding: str) -> list[str]:
    """The first lines, of which one is not empty."""
    text = file.read(HEAD)
    for much in (text[:FIRST_LETTERS], text):  # to tell lines apart takes time
        lines = list(itertools.islice(io.StringIO(much, newline=""), HEAD_LINES + 1))
        if len(lines) > HEAD_LINES:  # so that those before the last are whole
            break
    lines = lines[:HEAD_LINES]
    if not any(line.strip() for line in lines):
        raise ValueError("is empty")
    first = _first(lines)
    if "\0" in lines[first] or ("\0" in text and encoding == "cp1252"):
        raise ValueError("is not text: it has a zero byte; give a CSV or a Parquet file")
    if len(text) == HEAD and len(lines) < 2:
        raise ValueError(f"has a first line of over {HEAD:,} characters: it is not a table")
    if re.match(r"\s*<(!doctype|html|\?xml)", lines[first], re.IGNORECASE):
        raise ValueError("is a web page or XML, not a CSV file: download the table itself")
    return lines


def _first(lines: list[str]) -> int:
    return next(place for place, line in enumerate(lines) if line.strip())


def _read_csv(
    opened: Callable[[], AbstractContextManager[Any]],
    encoding: str,
    head: Head,
    gaps_of: Callable[[str], tuple[str, ...]],
) -> pd.DataFrame:
    with opened() as file:
        has_blanks = isinstance(file, io.TextIOBase) or _has_blanks(file, head.delimiter)
    form: dict[str, Any] = {
        "sep": head.delimiter,
        "header": 0,
        "skiprows": len(head.above),
        "names": range(len(head.names)),
        "index_col": False,
        "na_values": {place: gaps_of(name.strip()) for place, name in enumerate(head.names)},
        "keep_default_na": False,
        "skipinitialspace": has_blanks,
        "encoding": encoding,
        "compression": None,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # values were left out
        with opened() as file:
            frame: Any = _read_by_blocks(file, form)
        if places := [place for place in frame if _may_hang_on_blocks(frame[place])]:
            with opened() as file:
                whole = pd.read_csv(file, **form, usecols=places, low_memory=False)
            for place in places:
                frame[place] = whole[place]
        # of these, numbers no longer show how they were written
        if places := [place for place in frame if could_be_thousands(frame[place])]:
            with opened() as file:
                for place, texts in _of_thousands(file, form, places).items():
                    frame[place] = texts
    frame.attrs["above"] = [line.strip() for line in head.above if line.strip(" \t\r\n;,|")]
    if head.delimiter == SPACES_APART:
        frame.attrs["told"] = ["Its columns are separated by spaces."]
    return frame


def _read_by_blocks(file: Any, form: Mapping[str, Any]) -> pd.DataFrame:
    """A table read some rows after the others, at two thirds of the time of all at once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.DtypeWarning)  # such columns are read again
        return pd.read_csv(file, **form, low_memory=True)


def _may_hang_on_blocks(column: pd.Series) -> bool:
    """Tell whether a column may have got its type, or its values, from where blocks of rows end.

    It does where they were of several types, but for whole numbers and fractions: those are alike
    as long as a float holds every digit.
    """
    if column.dtype.kind != "f":
        return pd.api.types.is_object_dtype(column.dtype) and not is_text(column)
    return bool((np.abs(column.to_numpy()) >= EXACT).any())


def _has_blanks(file: BinaryIO, delimiter: str) -> bool:
    """Tell whether a field of a plain file may begin with a blank, which takes time to skip."""
    starts = b"\n\r" + delimiter.encode()
    before = b"\n"  # the last byte of what was looked at
    while content := file.read(BYTES_AT_ONCE):
        signs = np.frombuffer(before + content, dtype=np.uint8)
        blanks = np.flatnonzero((signs[1:] == ord(" ")) | (signs[1:] == ord("\t")))
        if np.isin(signs[blanks], np.frombuffer(starts, dtype=np.uint8)).any():
            return True
        before = content[-1:]
    return False


def _of_thousands(file: Any, form: Mapping[str, Any], places: list[Any]) -> dict[Any, pd.Series]:
    """Those of some columns that have thousands in dots, as texts; read until others show."""
    texts: dict[Any, list[pd.Series]] = {place: [] for place in places}
    dotted = set()
    types = dict.fromkeys(places, str)
    form = {**form, "dtype": types, "usecols": places, "iterator": True}
    with pd.read_csv(file, **form) as reader:
        for rows in itertools.chain([FIRST_ROWS], itertools.repeat(ROWS_AT_ONCE)):
            try:
                chunk = reader.get_chunk(rows)
            except StopIteration:
                break
            for place in list(texts):
                found = thousands_in(chunk[place])
                if found is False:
                    del texts[place]
                    continue
                texts[place].append(chunk[place])
                dotted |= {place} if found else set()
            if not texts:
                break
    return {place: pd.concat(parts) for place, parts in texts.items() if place in dotted}


def read_head(lines: list[str]) -> Head:
    """The names in the header, what parts them, and the lines above it.

    lines: the first ones of a file. The header is the first that is not empty; above it may stand a
    line such as `sep=;`, and up to ten lines of one field, such as a title or a comment, where a
    line of several follows. Spaces part columns where nothing else does and all lines have as many.
    """
    first = _first(lines)
    told = SEPARATOR.fullmatch(lines[first].strip())
    signs = (told[1],) if told else DELIMITERS
    start = first + 1 if told else first
    for place in range(start, min(start + 10, len(lines))):
        split = _split(lines[place:], signs)
        delimiter = max(split, key=lambda sign: len(split[sign]))  # a comma where they tie
        if any(field.strip() for field in split[delimiter][1:]):
            break
    else:
        if not told and (head := _apart_by_spaces(lines)):
            return head
        place = start
        split = _split(lines[place:], signs)
        delimiter = max(split, key=lambda sign: len(split[sign]))
    return _head(split[delimiter], delimiter, lines[:place])


def _split(lines: list[str], signs: Sequence[str]) -> dict[str, list[str]]:
    """The fields of the first line, or of more where one has line breaks, by what parts them.

    Raises csv.Error where a field has over 131,072 letters whatever parts them.
    """
    split = {}
    for sign in signs:
        try:
            split[sign] = next(csv.reader(lines, delimiter=sign), [""])
        except csv.Error as problem:
            error = problem
    if not split:
        raise error
    return split


def _apart_by_spaces(lines: list[str]) -> Head | None:
    """The head of a file whose lines have as many words, two or more; else nothing."""
    rows = list(csv.reader((line.strip() for line in lines), delimiter=" ", skipinitialspace=True))
    for place in range(min(10, len(rows) - 1)):
        below = {len(row) for row in rows[place:] if row}
        if len(below) == 1 and len(rows[place]) > 1:
            return _head(rows[place], SPACES_APART, lines[:place])
    return None


def _head(names: list[str], delimiter: str, above: list[str]) -> Head:
    torn = [name for name in names if "\n" in name]
    if sum(name.count("\n") for name in torn) > MOST_BREAKS:
        raise ValueError(
            f"has a quote in its header that is not closed there, before "
            f"{quoted(torn[0].splitlines()[0][:30])}: close it, or remove it"
        )
    if all(is_number(name) for name in names):
        raise ValueError(
            f"has no header: its first line is all numbers, such as {quoted(names[0])}: "
            f"add a line of column names above it"
        )
    if len(names) > MAX_COLUMNS:
        raise ValueError(
            f"has {len(names):,} columns, and a table may have at most {MAX_COLUMNS:,}: "
            f"keep those that matter"
        )
    return Head([" ".join(name.split()) for name in names], delimiter, above)


def is_json(lines: list[str]) -> bool:
    """Tell whether a text begins as JSON does, an object a line or a list of them."""
    first = lines[_first(lines)].strip()
    if first.startswith("["):
        return re.match(r"\[\s*(\{\s*\"|$)", "".join(lines).strip()[:1000]) is not None
    try:
        return first == "{" or isinstance(json.loads(first), dict)
    except ValueError:
        return False
    except RecursionError:
        return True


def _read_json(file: io.TextIOWrapper, many: bool) -> tuple[pd.DataFrame, list[str]]:
    try:
        text = file.read()
        lines = [text] if many else io.StringIO(text, newline="")
        read = [json.loads(line) for line in lines if line.strip()]
    except UnicodeError:
        raise
    except (ValueError, RecursionError) as problem:
        raise _no_table(str(problem)) from None
    rows = read[0] if many else read
    if not all(isinstance(row, dict) for row in rows):
        raise _no_table("some rows are not objects")
    if HALF.search(text):
        _check_halves(rows)
    frame = pd.DataFrame(rows)
    names = [str(name) for name in frame.columns]
    frame.columns = pd.RangeIndex(len(names))
    frame.attrs["told"] = ["Read as JSON, one object per row."]
    return frame, names


def _check_halves(rows: list[dict[str, Any]]) -> None:
    try:
        json.dumps(rows, ensure_ascii=False).encode()
    except UnicodeEncodeError as problem:
        half = ascii(problem.object[problem.start])[1:-1]
        raise ValueError(
            f"is JSON in which {half} stands without its other half, and so is no character: "
            "complete it, or remove it"
        ) from None


def _no_table(reason: str) -> ValueError:
    return ValueError(
        f"is JSON but not a table ({reason[:200]}): write one object per line, with the same keys"
    )
