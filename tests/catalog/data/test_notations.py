"""Numbers as people write them, and what a missing one is written as."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nnbench.catalog.data.tables.apart import taken_apart
from nnbench.catalog.data.tables.entry import choices_of, table_levels
from nnbench.catalog.data.tables.notations import value_of, written
from nnbench.catalog.data.tables.table import Choices, Table, read_table
from nnbench.report.page.table_notes import table_sentences
from nnbench.study.recipe import of_factor

ROWS = 60


def read(folder: Path, lines: Sequence[str], target: str = "y", **choices: Any) -> Table:
    path = folder / "my.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_table(path, Choices(target, **choices))


def column(folder: Path, texts: Sequence[str], beside: str = "0.5", **choices: Any) -> Table:
    """A table of a column v, one of another number and a target of two classes, parted by |."""
    rows = [f"{text}|{beside}{n}|{'pq'[n % 2]}" for n, text in enumerate(texts)]
    return read(folder, ["v|other|y", *rows], **choices)


def repeated(*texts: str) -> list[str]:
    return (list(texts) * ROWS)[:ROWS]


def said(found: Table) -> str:
    return table_sentences(found.report)[-1]


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [
        ("1.234,5", ",", 1234.5),
        ("1,234.5", ".", 1234.5),
        ("1'234.5", ".", 1234.5),
        ("1 234,5", ",", 1234.5),
        ("1\u202f234\u202f567", ".", 1234567),
        ("1,23,456.7", ".", 123456.7),
        ("0,5", ",", 0.5),
        (",5", ",", 0.5),
        ("-3,5", ",", -3.5),
        ("\u22123.5", ".", -3.5),
        ("(3.50)", ".", -3.5),
        ("$1,200.50", ".", 1200.5),
        ("-$5", ".", -5),
        ("€ 5,20", ",", 5.2),
        ("5,20 €", ",", 5.2),
        ("CHF 1'000", ".", 1000),
        ("12 %", ".", 12),
        ("12.5%", ".", 12.5),
        ("12 kg", ".", 12),
        ("3.5 km/h", ".", 3.5),
        ("21 °C", ".", 21),
        ("<5", ".", 5),
        (">= 5", ".", 5),
        ("1,5e3", ",", 1500),
        ("1.5", ",", np.nan),
        ("1,5", ".", np.nan),
        ("0.123", ",", np.nan),
        ("12,34,5", ".", np.nan),
        ("1 23", ".", np.nan),
    ],
)
def test_a_number_in_a_notation(text: str, decimal: str, value: float) -> None:
    number = written(text)
    assert number is not None
    assert value_of(number, decimal) == pytest.approx(value, nan_ok=True)


@pytest.mark.parametrize(
    "text", ["", "kg", "2020-01-01", "12:30", "1-2", "(3", "3)", "-+3", "10.5.2", "a1", "3 of 4"]
)
def test_what_has_no_number_or_several(text: str) -> None:
    number = written(text)
    assert number is None or np.isnan(value_of(number, "."))


@pytest.mark.parametrize(
    ("texts", "values", "told"),
    [
        (["4,5", "5,0", "3,0"], [4.5, 5, 3], "v: decimal commas (4,5) read as numbers."),
        (["5 %", "7 %", "9,5 %"], [5, 7, 9.5], "decimal commas (9,5 %), percent (5 %)"),
        (["$5", "$7", "$1,200"], [5, 7, 1200], "currency ($5)"),
        (["12 kg", "13 kg", "14.5 kg"], [12, 13, 14.5], "v: a unit (12 kg) read as numbers."),
        (["(3)", "4", "5"], [-3, 4, 5], "v: brackets for negatives ((3)) read as numbers."),
        (["<5", "7", "9"], [5, 7, 9], "v: bounds, read as their number (<5) read as numbers."),
        (["1 200", "900", "2 000"], [1200, 900, 2000], "v: thousands (1 200) read as numbers."),
        (["1,539.75", "763.88", "5"], [1539.75, 763.88, 5], "thousands (1,539.75)"),
        (["1.539,75", "763,88", "5"], [1539.75, 763.88, 5], "thousands (1.539,75)"),
    ],
)
def test_a_columns_notation_is_read_and_said(
    tmp_path: Path, texts: list[str], values: list[float], told: str
) -> None:
    found = column(tmp_path, repeated(*texts))
    assert found.features == ("v", "other")
    assert found.x[:3, 0].tolist() == values
    assert told in said(found)


def test_a_column_of_two_units_is_no_number(tmp_path: Path) -> None:
    found = column(tmp_path, repeated("5 kg", "300 g", "7 kg"))
    assert found.features[:3] == ("v = 300 g", "v = 5 kg", "v = 7 kg")


@pytest.mark.parametrize(
    ("texts", "beside", "decimal", "first", "told"),
    [
        # the column decides: who writes three decimals writes 500.000
        (["1.000", "500", "2.500"], "0.5", "auto", 1000, "1.000 read like the rest of the column"),
        (["1.000", "500", "2.500"], "0.5", ".", 1, 'decimal = "." as asked'),
        # the file decides
        (["1.000", "2.500", "3.125"], "0,5", "auto", 1000, "1.000 read like the rest of the file"),
        (["1,000", "2,500", "3,125"], "0,5", "auto", 1, "1,000 read like the rest of the file"),
        (["1,000", "2,500", "3,125"], "0.5", "auto", 1000, "1,000 read like the rest of the file"),
        (["1,000", "2,500", "3,125"], "0.5", ",", 1, 'decimal = "," as asked'),
        (["13,69", "4,5", "12,5"], "0.5", ".", 13.69, "13,69 can only be read with --decimal ,"),
    ],
)
def test_what_could_be_read_in_two_ways(
    tmp_path: Path, texts: list[str], beside: str, decimal: str, first: float, told: str
) -> None:
    found = column(tmp_path, repeated(*texts), beside, decimal=decimal)
    assert found.x[0, 0] == first
    assert told in said(found)


def test_three_decimals_in_a_file_of_points_stay_what_they_are(tmp_path: Path) -> None:
    found = column(tmp_path, repeated("1.250", "2.500", "3.125"))
    assert found.x[:3, 0].tolist() == [1.25, 2.5, 3.125]


def test_thousands_in_dots_beside_smaller_numbers(tmp_path: Path) -> None:
    lines = [f"{n if n < 1000 else f'{n // 1000}.{n % 1000:03}'};{2 * n}" for n in INCOMES]
    found = read(tmp_path, ["income;y", *lines])
    assert found.x[:, 0].tolist() == INCOMES and found.y.tolist() == [2 * n for n in INCOMES]


INCOMES = list(range(500, 3000, 100))


def test_a_target_in_a_notation_is_a_number(tmp_path: Path) -> None:
    lines = [f"{n * n};{n // 4},{n % 4}0" for n in range(ROWS)]
    found = read(tmp_path, ["a;y", *lines])
    assert found.task == "regression" and found.y[5] == 1.1
    assert "y: decimal commas (0,00) read as numbers" in said(found)
    percent = read(tmp_path, ["a,y", *(f"{n * n},{n}%" for n in range(ROWS))])
    assert percent.task == "regression" and percent.y[7] == 7


@pytest.mark.parametrize(
    "word", ["-", ".", "?", "unknown", "n/a", "#DIV/0!", "<NA>", "NaT", "Unknown", "-nan"]
)
def test_what_a_missing_number_is_written_as(tmp_path: Path, word: str) -> None:
    found = column(tmp_path, repeated("3", "4", "5", word))
    assert found.features == ("v", "v is missing", "other")
    assert np.isnan(found.x[3, 0]) and found.x[:3, 0].tolist() == [3, 4, 5]
    targets = read(tmp_path, ["a,y", *(f"{n * n},{n / 2 if n else word}" for n in range(ROWS))])
    assert targets.task == "regression" and len(targets.y) == ROWS - 1


@pytest.mark.parametrize("word", ["999", "999.", ".5", "1,000"])
def test_a_missing_number_may_be_written_as_any_number(word: str) -> None:
    apart = taken_apart(pd.Series(["3", word, "n/a", None]), {word, "n/a"})
    assert apart.gaps.tolist() == [False, True, True]


def test_what_missing_adds(tmp_path: Path) -> None:
    lines = ["a,w,y", *(f"{n * n if n % 5 else -999},{'uvw'[n % 3]},{n / 2}" for n in range(ROWS))]
    found = read(tmp_path, lines, missing=("-999", "w"))
    assert found.features[:2] == ("a", "a is missing") and np.isnan(found.x[0, 0])
    assert found.features[2:] == ("w = u", "w = v", "w = (missing)")


def test_a_text_target_misses_only_what_is_empty_or_named(tmp_path: Path) -> None:
    kinds = ["None", "Insomnia", "", "n/a"]
    lines = ["a,y", *(f"{n * n},{kinds[n % 4]}" for n in range(ROWS))]
    assert read(tmp_path, lines).classes == ("Insomnia", "None", "n/a")
    assert read(tmp_path, lines, missing=("n/a",)).classes == ("Insomnia", "None")


def test_a_few_strays_in_a_target_are_dropped_and_counted(tmp_path: Path) -> None:
    lines = ["a,y", *(f"{n * n},{n / 8 if n % 20 else 'n/k'}" for n in range(ROWS))]
    found = read(tmp_path, lines)
    assert found.task == "regression" and len(found.y) == ROWS - 3
    assert 'y: 3 values that are not numbers (such as "n/k") read as missing' in said(found)


def test_what_a_study_says_of_the_notation_reaches_the_cell(tmp_path: Path) -> None:
    content = pd.DataFrame({"a": repeated("1,000", "2,500", "3,125"), "y": range(ROWS)})
    content.to_csv(tmp_path / "my.csv", index=False, sep=";")
    given = {"csv": "my.csv", "target": "y", "decimal": ",", "missing": ["x", "-"]}
    (level,) = table_levels(given, tmp_path)
    fields = of_factor("data", level)
    kept = {key: fields[key] for key in fields if key not in ("path", "sha256")}
    assert choices_of(**kept) == Choices("y", "regression", decimal=",", missing=("-", "x"))
    with pytest.raises(ValueError, match="must be one of"):
        table_levels(given | {"decimal": ";"}, tmp_path)
