"""Read a sheet of an Excel workbook as text, which is then read as any other text is.

Needs openpyxl, of the extra nnbench[excel]. Formulas are not computed: a cell has the value that
was saved with it.
"""

from __future__ import annotations

import csv
import importlib
import io
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from nnbench.catalog.data.tables.opening import AS_CSV, DAMAGED, MAX_BYTES
from nnbench.catalog.data.tables.words import listed, nearest_name, quoted

INSTALL = "pip install 'nnbench[excel]'"


def is_workbook(path: Path) -> bool:
    """Tell whether a file is an Excel workbook of today's form, whatever its name says."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except DAMAGED:
        return False


def sheet_text(path: Path, sheet: str) -> tuple[str, str]:
    """A sheet as CSV, and its name: the named one, or the only one that is not empty.

    Raises ValueError, a clause that names the way out.
    """
    try:
        openpyxl = importlib.import_module("openpyxl")
    except ImportError:
        raise ValueError(f"is an Excel workbook, which needs {INSTALL}; or {AS_CSV}") from None
    with zipfile.ZipFile(path) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MAX_BYTES:
            raise ValueError(f"is an Excel workbook that is too large: {AS_CSV}")
    try:
        with path.open("rb") as file:  # whatever its name ends in
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            names = book.sheetnames
            texts = {name: _as_csv(book[name]) for name in names if sheet in ("", name)}
    except (*DAMAGED, KeyError, TypeError, ValueError, AttributeError, SyntaxError) as problem:
        reason = " ".join(str(problem).split())[:200]
        raise ValueError(f"is not a valid Excel workbook: {reason}") from None
    if sheet and sheet not in names:
        raise ValueError(f"there is no sheet {quoted(sheet)}; {nearest_name(sheet, names)}")
    full = [name for name, text in texts.items() if text]
    if not full:
        raise ValueError("is an Excel workbook whose sheets are empty")
    if len(full) > 1:
        example = quoted(full[0])
        raise ValueError(
            f"is an Excel workbook of {len(full)} sheets, {listed(full)}: choose one with --sheet, "
            f"or sheet = {example} in a study"
        )
    return texts[full[0]], full[0]


def _as_csv(sheet: Any) -> str:
    """A sheet's values as CSV; nothing where it is empty."""
    if not hasattr(sheet, "iter_rows"):  # a chart
        return ""
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\n").writerows(_sheet_rows(sheet))
    return file.getvalue()


def _sheet_rows(sheet: Any) -> Iterator[list[str]]:
    """Yield the rows that have a value, as wide as the widest; a title has its own cell alone."""
    rows = [[_cell(value) for value in row] for row in sheet.iter_rows(values_only=True)]
    rows = [row for row in rows if any(row)]
    used = [place for row in rows for place, text in enumerate(row) if text]
    first, last = min(used, default=0), max(used, default=-1)
    for row in rows:
        whole = [*row, *[""] * (last + 1 - len(row))][first : last + 1]
        yield whole[:1] if not any(whole[1:]) else whole


def _cell(value: Any) -> str:
    """A value as text. A number stays one: 1.234 is written so that it is not read as 1234."""
    if value is None:
        return ""
    if isinstance(value, float):
        text = repr(value)
        return f"{text}0" if "." in text and "e" not in text else text
    if isinstance(value, datetime):
        midnight = value == value.replace(hour=0, minute=0, second=0, microsecond=0)
        return value.date().isoformat() if midnight else value.isoformat(" ", "seconds")
    return str(value)
