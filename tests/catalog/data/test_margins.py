"""Rows of units and of totals are no examples."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from nnbench.catalog.data.tables.table import Choices, Table, read_table
from nnbench.report.page.table_notes import table_sentences

UNITS = "The first row under the header is left out: a row of units"
TOTALS = "The last row is left out: a row of totals"


def read(folder: Path, lines: Sequence[str]) -> Table:
    (folder / "my.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_table(folder / "my.csv", Choices("y"))


def rows(count: int = 40) -> list[str]:
    return [f"{'uvw'[n % 3]},{n * n}.5,{n % 7},{n * 1.5}" for n in range(count)]


@pytest.mark.parametrize(
    ("units", "named"),
    [
        (",m,s,EUR", '"m", "s", "EUR"'),
        ("-,[mg/dl],-,(°C)", '"-", "[mg/dl]", "-", "(°C)"'),
        ("site,%,count,kg m-2 s-1", '"site", "%", "count", "kg m-2 s-1"'),
        (",,,EUR", '"EUR"'),
    ],
)
def test_a_row_of_units_is_named_and_left_out(tmp_path: Path, units: str, named: str) -> None:
    found = read(tmp_path, ["g,a,b,y", units, *rows()])
    assert len(found.x) == found.report["rows_read"] == 40 and found.task == "regression"
    assert found.features == ("g = u", "g = v", "g = w", "a", "b")
    assert found.x[3].tolist() == [1, 0, 0, 9.5, 3] and found.y[:3].tolist() == [0, 1.5, 3]
    assert table_sentences(found.report)[0] == f"{UNITS} ({named})."
    assert not any("no number" in said for said in table_sentences(found.report))


@pytest.mark.parametrize(
    "first",
    [
        "u,7.5,3,n/k",  # other rows have a u
        "u,3.5,m,EUR",  # a number stands among the units
        "x,unknown,?,-",  # words for a missing number
        "x,,,",
        "x,this is a long remark on the whole table,,",
    ],
)
def test_other_first_rows_are_kept(tmp_path: Path, first: str) -> None:
    found = read(tmp_path, ["g,a,b,y", first, *rows()])
    assert found.report["rows_read"] == 41
    assert not any(UNITS in said for said in table_sentences(found.report))


@pytest.mark.parametrize("word", ["Total", "SUM:", "Gesamt", "grand total"])
@pytest.mark.parametrize("how", ["sum", "mean"])
def test_a_row_of_totals_is_named_and_left_out(tmp_path: Path, word: str, how: str) -> None:
    share = 1 if how == "sum" else 40
    total = f"{sum(n * n + 0.5 for n in range(40)) / share:.2f}"
    found = read(tmp_path, ["g,a,b,y", *rows(), f"{word},{total},,"])
    assert len(found.x) == found.report["rows_read"] == 40
    assert found.features == ("g = u", "g = v", "g = w", "a", "b")
    assert table_sentences(found.report)[0] == f'{TOTALS} ("{word}").'


def test_totals_in_a_notation_under_a_column_of_numbers(tmp_path: Path) -> None:
    lines = [f"{2000 + n};{n * n},5;{n % 9}" for n in range(40)]
    found = read(tmp_path, ["year;a;y", *lines, "Summe;20.560,0;"])
    assert len(found.x) == 40 and found.x[2].tolist() == [2002, 4.5]
    assert table_sentences(found.report)[0] == f'{TOTALS} ("Summe").'


@pytest.mark.parametrize("last", ["Total,17.5,3,9", "u,20560.0,3,9", "sum of all,20560.0,,"])
def test_other_last_rows_are_kept(tmp_path: Path, last: str) -> None:
    found = read(tmp_path, ["g,a,b,y", *rows(), last])
    assert found.report["rows_read"] == 41
    assert not any(TOTALS in said for said in table_sentences(found.report))


def test_all_is_a_level_where_it_stands_more_than_once(tmp_path: Path) -> None:
    lines = ["g,a,y", *(f"{'all' if n % 4 == 3 else 'some'},{n},{n / 2}" for n in range(39))]
    found = read(tmp_path, [*lines, f"all,{sum(range(39))},3"])
    assert found.report["rows_read"] == 40
