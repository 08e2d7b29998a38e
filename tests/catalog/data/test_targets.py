"""A table's target: its task, its classes, and what may not stand beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nnbench.catalog.data.tables.entry import table_levels
from nnbench.catalog.data.tables.table import Choices, Table, read_table
from nnbench.report.page.table_notes import table_sentences

ROWS = 60


def table(folder: Path, **columns: Any) -> Path:
    noise = np.random.default_rng(0).normal(size=ROWS).round(4)
    path = folder / "my.csv"
    pd.DataFrame({"a": noise, **columns}).to_csv(path, index=False)
    return path


def read(folder: Path, target: Any, task: str = "auto") -> Table:
    return read_table(table(folder, y=target), Choices("y", task))


def refused(folder: Path, target: Any, task: str = "auto") -> str:
    with pytest.raises(ValueError) as caught:
        read(folder, target, task)
    return str(caught.value)


def test_the_task_is_said_with_what_overrules_it(tmp_path: Path) -> None:
    for values, task, why in (
        ([n % 21 for n in range(ROWS)], "regression", "21 different whole numbers in 60 rows"),
        ([0.5, 1.5] * 30, "classification with 2 classes", "2 different numbers in 60 rows"),
        ([0.5, 1.5, 2.5] * 20, "regression", "fractions"),
    ):
        other = "regression" if "class" in task else "classification"
        told = table_sentences(read(tmp_path, values).report)[1]
        assert told == (
            f"Predicting y is {task}: the target has {why} "
            f'(--task {other} or task = "{other}" overrides it).'
        )


def test_no_advice_leads_to_the_opposite_advice(tmp_path: Path) -> None:
    names = [f"name {n}" for n in range(ROWS)]
    for task in ("auto", "classification", "regression"):
        assert "task =" not in refused(tmp_path, names, task)
    words = ["p", "q"] * 30
    assert 'use --task classification or task = "classification"' in refused(
        tmp_path, words, "regression"
    )
    assert read(tmp_path, words, "classification").classes == ("p", "q")
    numbers = [n * 1.5 for n in range(ROWS)]
    assert 'use --task regression or task = "regression"' in refused(
        tmp_path, numbers, "classification"
    )
    assert read(tmp_path, numbers, "regression").task == "regression"


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%Y-%m-%dT%H:%M:%SZ"])
def test_a_date_cannot_be_predicted(tmp_path: Path, form: str) -> None:
    days = pd.date_range("2023-01-01", periods=ROWS).strftime(form)
    said = refused(tmp_path, days)
    assert "dates cannot be predicted: turn it into a number" in said
    assert f'such as "{days[0]}"' in said


def test_capitals_alone_make_no_class(tmp_path: Path) -> None:
    found = read(tmp_path, ["yes", "YES", "yes", "no", "No", "no"] * 10)
    assert found.classes == ("no", "yes") and found.y[:6].tolist() == [1, 1, 1, 0, 0, 0]
    assert table_sentences(found.report)[-1] == 'y: read "No" as "no", "YES" as "yes".'
    assert read(tmp_path, ["a", "A"] * 30).classes == ("A", "a"), "letters may be meant"


def test_missing_words_are_no_class_in_a_cell_either(tmp_path: Path) -> None:
    table(tmp_path, y=[1, 2, 3, "-"] * 15)
    (level,) = table_levels({"csv": "my.csv", "target": "y"}, tmp_path)
    again = read_table(tmp_path / "my.csv", Choices("y", level["data.task"]))
    assert again.classes == ("1", "2", "3") and len(again.y) == 45


def test_a_column_that_equals_the_target_is_left_out_and_named(tmp_path: Path) -> None:
    price = (np.arange(ROWS) * 1.25 + 1).tolist()
    path = table(tmp_path, y=price, copy=price, near=[2, *price[1:]])
    found = read_table(path, Choices("y"))
    assert found.features == ("a", "near")
    assert "Left out: copy (equals the target)." in table_sentences(found.report)
    words = ["up", "down", "up"] * 20
    text = read_table(table(tmp_path, y=words, copy=words), Choices("y"))
    assert text.features == ("a",)


def test_a_studys_other_targets_are_no_features(tmp_path: Path) -> None:
    table(tmp_path, price=np.arange(ROWS) * 1.5, dear=[0, 1, 1] * 20, b=[3, 1, 2] * 20)
    given = {"csv": "my.csv", "target": ["price", "dear"], "drop": ["b"], "numeric": ["dear"]}
    first, second = table_levels(given, tmp_path)
    assert json.loads(first["data.drop"]) == ["b", "dear"] and first["data.numeric"] == ""
    assert json.loads(second["data.drop"]) == ["b", "price"]


def test_a_number_far_from_all_else_is_said_and_kept(tmp_path: Path) -> None:
    ages = [-999 if n % 20 == 0 else 20 + n for n in range(ROWS)]
    found = read_table(table(tmp_path, y=["p", "q"] * 30, age=ages), Choices("y"))
    assert found.x[:, 1].min() == -999
    assert table_sentences(found.report)[-1] == (
        "age: -999 in 3 rows is far from all other values: if it means missing, "
        'use --missing=-999, or missing = ["-999"].'
    )
    missing = read_table(
        table(tmp_path, y=["p", "q"] * 30, age=ages), Choices("y", missing=("-999",))
    )
    assert np.isnan(missing.x[0, 1])
    prices = read_table(table(tmp_path, y=["p", "q"] * 30, n=[999, 998, 1, 999] * 15), Choices("y"))
    assert "far from" not in " ".join(table_sentences(prices.report))


def test_a_class_that_is_called_as_missing_values_are_is_said(tmp_path: Path) -> None:
    votes = ["yes", "no", "NA", "none"] * (ROWS // 4)
    found = read(tmp_path, votes)
    assert found.classes == ("NA", "no", "none", "yes")
    said = " ".join(table_sentences(found.report))
    assert '"NA" is a class of 15 rows: if it means missing, use --missing=NA' in said
    assert '"none" is a class' not in said
    left = read_table(table(tmp_path, y=votes), Choices("y", missing=("NA",)))
    assert left.classes == ("no", "none", "yes") and len(left.y) == 45
    assert "is a class" not in " ".join(table_sentences(left.report))
