"""Excel workbooks: a sheet becomes what the same table as CSV does."""

from __future__ import annotations

import importlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nnbench.catalog.data.tables.table import Choices, read_table
from nnbench.study.mistakes import StudyError
from tests.helpers import make_cells

openpyxl = importlib.import_module("openpyxl")
N = 40


def content() -> pd.DataFrame:
    generator = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "whole": generator.permutation(N) * 3 % 17,
            "three decimals": [round(1.001 + place / 1000, 3) for place in range(N)],
            "gap": [None if place % 9 == 0 else float(place) + 0.5 for place in range(N)],
            "city": generator.choice(["Bonn, West", "Köln"], N),
            "when": [datetime(2024, 1, 1) + timedelta(days=3 * place) for place in range(N)],
            "flag": generator.random(N) < 0.5,
            "y": generator.choice(["yes", "no"], N),
        }
    )


def workbook(path: Path, **sheets: Any) -> Path:
    """Write a workbook whose sheets have these rows."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def rows_of(frame: pd.DataFrame) -> list[list[Any]]:
    values = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
    return [list(frame.columns), *values]


def test_a_sheet_is_what_the_same_csv_is(tmp_path: Path) -> None:
    frame = content()
    path = workbook(tmp_path / "my.xlsx", Data=rows_of(frame), Sheet2=[])
    frame.to_csv(tmp_path / "my.csv", index=False)
    ours, plain = (read_table(tmp_path / name, Choices("y")) for name in ("my.xlsx", "my.csv"))
    assert ours.features == plain.features and ours.classes == plain.classes
    assert np.array_equal(ours.x, plain.x, equal_nan=True) and np.array_equal(ours.y, plain.y)
    assert ours.report["told"] == ['Read from the sheet "Data".']
    assert read_table(path, Choices("y", sheet="Data")).report["sha256"] == ours.report["sha256"]


def test_title_lines_and_empty_rows_and_columns_are_left_out(tmp_path: Path) -> None:
    rows = [[], [None, "Survey of 2024"], [], *([None, *row, None] for row in rows_of(content()))]
    found = read_table(workbook(tmp_path / "my.xlsx", A=rows), Choices("y"))
    assert found.x.shape[0] == N and found.report["lines_above"] == ["Survey of 2024"]


def test_thousandths_beside_whole_numbers_are_no_thousands(tmp_path: Path) -> None:
    frame = content().assign(mixed=[500 if place % 2 else 1.234 + place for place in range(N)])
    path = workbook(tmp_path / "my.xlsx", A=rows_of(frame[["mixed", "y"]]))
    assert read_table(path, Choices("y")).x[:, 0].tolist() == frame["mixed"].tolist()


def test_one_of_several_sheets_is_named(tmp_path: Path) -> None:
    frame = content()
    other = frame.assign(whole=0.25 * np.arange(N))
    path = workbook(tmp_path / "my.xlsx", **{"2023": rows_of(frame), "2024": rows_of(other)})
    with pytest.raises(
        ValueError, match='of 2 sheets, "2023", "2024": choose one with --sheet, or'
    ):
        read_table(path, Choices("y"))
    assert read_table(path, Choices("y", sheet="2024")).x[3, 0] == 0.75
    with pytest.raises(ValueError, match=r'there is no sheet "2025"; did you mean "202[34]"'):
        read_table(path, Choices("y", sheet="2025"))
    ids = {
        make_cells(data={"csv": str(path), "target": "y", "sheet": name})[0].cell_id
        for name in ("2023", "2024")
    }
    assert len(ids) == 2
    frame.to_csv(tmp_path / "my.csv", index=False)
    with pytest.raises(StudyError, match="is not an Excel workbook: leave sheet out"):
        make_cells(data={"csv": str(tmp_path / "my.csv"), "target": "y", "sheet": "2023"})


def test_without_openpyxl_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = workbook(tmp_path / "my.xlsx", A=rows_of(content()))
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    with pytest.raises(
        ValueError, match=r"needs pip install 'nnbench\[excel\]'; or save its sheet as"
    ):
        read_table(path, Choices("y"))


@pytest.mark.parametrize("rows", [[], [[None, ""], []]])
def test_an_empty_workbook(tmp_path: Path, rows: list[Any]) -> None:
    with pytest.raises(ValueError, match="is an Excel workbook whose sheets are empty"):
        read_table(workbook(tmp_path / "my.xlsx", A=rows, B=[]), Choices("y"))
