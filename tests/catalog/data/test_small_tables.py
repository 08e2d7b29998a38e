"""Small tables that are easily read wrongly, each with its right reading."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nnbench.catalog.data.tables.table import Choices, read_table
from nnbench.report.page.table_notes import table_sentences

DAYS = [f"2023-{1 + n // 28:02}-{1 + n % 28:02}" for n in range(45)]
YES = ("yes", "YES", "Yes", "no", "NO", "No")
KINDS = ("ja", "nein", "ja")


def lines(head: str, rows: list[str]) -> str:
    return "\n".join([head, *rows]) + "\n"


@dataclass(frozen=True)
class Case:
    """A file, and what comes out: the features, the first row, targets, what is said."""

    text: str
    features: tuple[str, ...]
    row: list[float]
    y: list[float]
    task: str = "regression"
    said: str = ""
    choices: dict[str, Any] = field(default_factory=dict)


CASES = {
    "thousands in dots beside smaller numbers": Case(
        lines(
            "income;y",
            [f"{n / 10:.1f}00;{n * 2}" if n > 9 else f"{n}00;{n * 2}" for n in range(5, 31)],
        ),
        ("income",),
        [500],
        [10, 12],
        said="1.000 read like the rest of the column",
    ),
    "decimal commas, mostly different": Case(
        lines("x;y", [f"{n // 2},{n % 2 * 5};{n}" for n in range(30)]),
        ("x",),
        [0],
        [0, 1],
        said="decimal commas (0,0) read as numbers",
    ),
    "percent": Case(
        lines("x,y", [f"{n % 30} %,{n % 30 * 10 + 0.5}" for n in range(90)]),
        ("x",),
        [0],
        [0.5, 10.5],
        said="percent (0 %) read as numbers",
    ),
    "unknown in an eighth of the rows": Case(
        lines("x,y", [f"{n if n % 8 else 'unknown'},{n * 10 + 0.5}" for n in range(96)]),
        ("x", "x is missing"),
        [float("nan"), 1],
        [0.5, 10.5],
        said='"unknown" in 12 rows',
    ),
    "a target in percent": Case(
        lines("x,y", [f"{n % 40}.1,{n % 40}%" for n in range(400)]),
        ("x",),
        [0.1],
        [0, 1],
        said="y: percent (0%) read as numbers",
    ),
    "21 whole numbers": Case(
        lines("x,y", [f"{n % 21}.1,{n % 21 + 1}" for n in range(210)]),
        ("x",),
        [0.1],
        [1, 2],
        said="(--task classification or",
    ),
    "21 whole numbers as classes": Case(
        lines("x,y", [f"{n % 21}.1,{n % 21 + 1}" for n in range(210)]),
        ("x",),
        [0.1],
        [0, 1],
        "classification",
        "with 21 classes: as asked",
        {"task": "classification"},
    ),
    "shuffled numbers of customers": Case(
        lines(
            "customer_id,x,y", [f"{5001 + n * 7 % 60},{n % 50},{n % 50 * 2.5}" for n in range(60)]
        ),
        ("x",),
        [0],
        [0, 2.5],
        said="Left out: customer_id",
    ),
    "dates that are all different": Case(
        lines("day,x,y", [f"{day},{n % 4},{n + 0.5}" for n, day in enumerate(DAYS)]),
        ("day month", "day day of week", "day day of year", "day days since the first", "x"),
        [1, 6, 1, 0, 0],
        [0.5, 1.5],
        said="day: a date",
    ),
    "a line that names the separator": Case(
        lines("sep=;\na;y", [f"{n};{n * 1.5}" for n in range(30)]),
        ("a",),
        [0],
        [0, 1.5],
        said='Skipped above the header: "sep=;"',
    ),
    "lines of a title": Case(
        lines("Report 2024;\n;\na;y", [f"{n};{n * 1.5}" for n in range(30)]),
        ("a",),
        [0],
        [0, 1.5],
        said='Skipped above the header: "Report 2024;"',
    ),
    "a dash in the target": Case(
        lines("x,y", [f"{n},{n * 1.5 if n % 6 else '-'}" for n in range(60)]),
        ("x",),
        [1],
        [1.5, 3],
        said='y: "-" in 10 rows read as missing',
    ),
    "a row of units": Case(
        lines("x,y\nm,EUR", [f"{n},{n * 1.5}" for n in range(30)]),
        ("x",),
        [0],
        [0, 1.5],
        said='left out: a row of units ("m", "EUR")',
    ),
    "yes in three ways": Case(
        lines("x,y", [f"{n * 7 % 61},{YES[n % 6]}" for n in range(60)]),
        ("x",),
        [0],
        [1, 1, 1, 0, 0, 0],
        "classification",
        'read "No" as "NO"',
    ),
    "spaces between columns": Case(
        lines("x  y", [f"{n}  {n * 1.5}" for n in range(30)]),
        ("x",),
        [0],
        [0, 1.5],
        said="Its columns are separated by spaces",
    ),
    "two fractions": Case(
        lines("x,y", [f"{n * 7 % 61},{0.5 + n % 2}" for n in range(60)]),
        ("x",),
        [0],
        [0, 1],
        "classification",
        "(--task regression or",
    ),
    "one row for each year": Case(
        lines("year,y", [f"{1950 + n},{699.4 - 3.1 * n:.1f}" for n in range(60)]),
        ("year",),
        [1950],
        [699.4, 696.3],
    ),
    "decimal commas in all columns": Case(
        lines(
            "t;w;y",
            [
                f"{20 + n % 9},{n % 10};{90 + n % 40},{n % 900 + 100};{KINDS[n % 3]}"
                for n in range(60)
            ],
        ),
        ("t", "w"),
        [20, 90.1],
        [0, 1, 0],
        "classification",
        "decimal commas (20,0)",
    ),
    "decimal commas in the target alone": Case(
        lines("t;y", [f"{20 + n / 10};{n},{n % 100:02}" for n in range(60)]),
        ("t",),
        [20],
        [0, 1.01],
        said="y: decimal commas (0,00) read as numbers",
    ),
    "thousands in commas, quoted": Case(
        lines("size,y", [f'"{n * 41.5:,.2f}",{n * 3.5}' for n in range(60)]),
        ("size",),
        [0],
        [0, 3.5],
        said="thousands (1,037.50) read as numbers",
    ),
    "None is a class": Case(
        lines("a,y", [f"{n * n},{('None', 'Insomnia', 'Apnea')[n % 3]}" for n in range(60)]),
        ("a",),
        [0],
        [2, 1, 0],
        "classification",
        "with 3 classes",
    ),
    "a few strays in the target": Case(
        lines("a,y", [f"{n * n},{n / 8 if n % 60 else 'n/k'}" for n in range(300)]),
        ("a",),
        [1],
        [0.125, 0.25],
        said='y: 5 values that are not numbers (such as "n/k")',
    ),
    "a name with a line break": Case(
        lines('"a\n(cm)",b,y', [f"{n * n},{n % 7},{KINDS[n % 3]}" for n in range(60)]),
        ("a (cm)", "b"),
        [0, 0],
        [0, 1, 0],
        "classification",
    ),
    "a name with the separator in it": Case(
        lines('"a, b",y', [f"{n * n},{KINDS[n % 3]}" for n in range(60)]),
        ("a, b",),
        [0],
        [0, 1, 0],
        "classification",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_table_is_read_as_it_is(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    (tmp_path / "my.csv").write_text(case.text, encoding="utf-8")
    found = read_table(tmp_path / "my.csv", Choices("y", **case.choices))
    assert found.task == case.task and found.features == case.features
    assert found.x[0].tolist() == pytest.approx(case.row, nan_ok=True)
    assert found.y[: len(case.y)].tolist() == pytest.approx(case.y)
    assert case.said in " ".join(table_sentences(found.report))


def test_a_date_is_no_target(tmp_path: Path) -> None:
    path = tmp_path / "my.csv"
    path.write_text(lines("x,y", [f"{n},{day}" for n, day in enumerate(DAYS)]))
    with pytest.raises(ValueError, match="dates cannot be predicted: turn it into a number"):
        read_table(path, Choices("y"))
