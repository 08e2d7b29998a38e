"""Users' tables: what a file becomes, and by which rules."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nnbench.catalog.data.tables.columns import MAX_LEVELS, encode
from nnbench.catalog.data.tables.entry import report_of
from nnbench.catalog.data.tables.files import MISSING
from nnbench.catalog.data.tables.table import Choices, read_table
from nnbench.catalog.data.tables.targets import LEAST_OF_CLASS, in_order, shares_of
from nnbench.report.page.table_notes import table_sentences
from tests.catalog.data.made_tables import ROWS, cells_of, column, features, frame, table

# Columns


def test_numbers_stay_and_categories_become_one_column_a_level(tmp_path: Path) -> None:
    colours = ["red", "red", "blue"] * (ROWS // 3)
    content = frame(colour=colours, on=[True, False] * (ROWS // 2))
    found = table(tmp_path, content)
    assert found.features == ("a", "colour = red", "colour = blue", "on")
    assert found.x.shape == (ROWS, 4) and found.x.dtype == np.float64
    assert np.allclose(found.x[:, 0], content["a"], rtol=1e-15)
    assert features(found, "colour")[:3].tolist() == [[1, 0], [1, 0], [0, 1]]
    assert features(found, "on")[:2].tolist() == [[1], [0]]
    assert found.classes == ("no", "yes") and found.y[:2].tolist() == [1, 0]
    assert found.report["classes"] == {"no": 30, "yes": 30}


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (range(1, ROWS + 1), "counts the rows"),
        (range(ROWS), "counts the rows"),
        ([7] * ROWS, "has one value only"),
        (["same"] * ROWS, "has one value only"),
        ([None] * ROWS, "has no values"),
        ([f"name {n}" for n in range(ROWS)], "a name or free text"),
        ([f"2020-01-01 {n}" for n in range(ROWS)], "a name or free text"),
    ],
)
def test_columns_that_say_nothing_are_dropped_and_reported(
    tmp_path: Path, values: Sequence[Any], why: str
) -> None:
    about = column(table(tmp_path, frame(useless=list(values))), "useless")
    assert about["kind"] == "dropped" and why in about["note"] and about["features"] == 0


def test_an_index_column_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "my.csv"
    frame().to_csv(path)  # with pandas' index, which has no name
    assert read_table(path, Choices("y")).features == ("a",)
    parquet = tmp_path / "my.parquet"
    frame().set_index(np.arange(ROWS)[::-1] * 3).to_parquet(parquet)
    assert read_table(parquet, Choices("y")).features == ("a",)


def test_whole_numbers_in_another_order_are_no_row_numbers(tmp_path: Path) -> None:
    shuffled = np.random.default_rng(1).permutation(ROWS)
    assert column(table(tmp_path, frame(b=shuffled)), "b")["kind"] == "number"


def test_a_columns_kind_can_be_overridden(tmp_path: Path) -> None:
    codes = [1, 2, 3] * (ROWS // 3)
    messy = [str(n) if n % 10 else "unknown" for n in range(ROWS)]
    content = frame(code=codes, messy=messy, number=range(ROWS))
    found = table(
        tmp_path, content, categorical=("code",), numeric=("messy", "number"), drop=("a",)
    )
    assert column(found, "code")["features"] == 3
    assert column(found, "messy") == {
        "name": "messy",
        "kind": "number",
        "features": 2,
        "missing": 6,
        "note": '"unknown" in 6 rows read as missing',
        "example": "1.0",
    }
    assert column(found, "number")["kind"] == "number"
    assert column(found, "a") == {
        "name": "a",
        "kind": "dropped",
        "features": 0,
        "missing": 0,
        "note": "as asked, or as another target",
        "example": "0.1257302210933933",
    }


def test_the_commonest_levels_are_kept_and_the_rest_pooled() -> None:
    values = [f"v{n % 30:02}" for n in range(600)] + ["v29"] * 5
    found = encode("c", pd.Series(values, dtype=object), "")
    assert len(found.levels) == MAX_LEVELS + 1
    assert found.levels[0] == "v29" and found.levels[-1] == "(other)"
    assert found.levels[1:20] == tuple(f"v{n:02}" for n in range(19))
    assert (found.values == MAX_LEVELS).sum() == 10 * 20
    assert found.note == "10 rare values are pooled"


@pytest.mark.parametrize(
    ("usual", "slip", "hint"),
    [
        ("2004-11-{:02}", "31.12.2003", "if it is a date or a time, use --dates c"),
        ("{:02} or so", "", "if it is a number, check its decimal sign"),
    ],
)
def test_pooled_texts_say_what_to_check(usual: str, slip: str, hint: str) -> None:
    values = [usual.format(n % 29 + 1) for n in range(600)] + [slip or usual.format(1)]
    found = encode("c", pd.Series(values, dtype=object), "")
    assert found.kind == "category" and found.note.endswith(f"values are pooled: {hint}")


def test_missing_values_are_a_level_or_an_indicator(tmp_path: Path) -> None:
    gaps = [None if n % 3 == 0 else n * n for n in range(ROWS)]
    words = ["?" if n % 4 == 0 else "NA" if n % 4 == 1 else "word" for n in range(ROWS)]
    found = table(tmp_path, frame(gap=gaps, words=words))
    assert found.features[1:] == ("gap", "gap is missing", "words = word", "words = (missing)")
    numbers = features(found, "gap")
    assert np.isnan(numbers[::3, 0]).all() and not np.isnan(numbers[1::3, 0]).any()
    assert (numbers[:, 1] == np.isnan(numbers[:, 0])).all()
    assert column(found, "gap")["missing"] == 20 and column(found, "words")["missing"] == 30
    assert features(found, "words")[:, 1].sum() == 30


@pytest.mark.parametrize("text", [*MISSING, " ", " NA "])
def test_what_is_written_for_a_missing_value(tmp_path: Path, text: str) -> None:
    found = table(tmp_path, frame(w=["word", text] * 30, number=["2", text] * 30))
    assert found.features[1:3] == ("w = word", "w = (missing)")
    assert found.features[3:] == ("number", "number is missing")


@pytest.mark.parametrize("text", ["-", "<NA>", "#NA", "no", "na", "0", "-nan"])
def test_what_is_a_value_like_any_other(tmp_path: Path, text: str) -> None:
    found = table(tmp_path, frame(w=["word", text] * 30))
    assert set(found.features[1:]) == {"w = word", f"w = {text}"}


def test_the_report_is_json_and_counts(tmp_path: Path) -> None:
    content = frame(gap=[None] + [1.5, 2.5] * 29 + [3.5])
    content.loc[:3, "y"] = None
    content.loc[4, "y"] = "rare"
    report = json.loads(json.dumps(table(tmp_path, content).report))
    assert report["rows_read"] == 60 and report["rows_used"] == 55
    assert report["rows_without_target"] == 4
    assert report["rare_classes"] == {"rare": 1}
    assert report["task"] == "classification" and report["task_why"] == "the target has text"
    assert report["features"] == 2 and report["file"] == "my.csv" and len(report["sha256"]) == 64


def test_a_few_slips_in_a_column_of_numbers_count_as_missing(tmp_path: Path) -> None:
    numbers = [str(n / 8) for n in range(ROWS - 2)]
    found = table(tmp_path, frame(a2=[*numbers, "-", "n.a."], mostly=["1.5", "-"] * 30))
    assert column(found, "a2")["kind"] == "number" and column(found, "a2")["missing"] == 2
    assert column(found, "a2")["note"] == '"-", "n.a." in 2 rows read as missing'
    assert column(found, "mostly")["kind"] == "category", "two values, both often, are no slip"


def test_a_run_says_what_became_of_the_table(tmp_path: Path) -> None:
    """Its reason for the task, too, which the study no longer knows: there the task is given."""
    content = frame(
        gap=[None] + [1.5, 2.5] * 29 + [3.5], one=1, free=[f"n{n}" for n in range(ROWS)]
    )
    content.loc[:3, "y"] = None
    content.to_csv(tmp_path / "my.csv", index=False)
    (cell, *_) = cells_of(tmp_path / "my.csv", seeds=1)
    about = report_of(cell.recipe)
    assert about is not None
    assert table_sentences(about) == [
        "56 of 60 rows are used (4 without a target).",
        "Predicting y is classification with 2 classes: the target has text.",
        "2 columns became 2 features.",
        "Left out: one (has one value only); free (has 56 different texts in 56 rows: a name or "
        "free text).",
    ]
    frame(gap=[None, 2.5, 1.5] * 20).to_csv(tmp_path / "gaps.csv", index=False)
    about = report_of(cells_of(tmp_path / "gaps.csv", seeds=1)[0].recipe)
    assert about is not None and table_sentences(about)[-1] == "Missing: gap in 20 rows."


def test_parquet_and_csv_of_one_table_agree(tmp_path: Path) -> None:
    content = frame(
        colour=["r", None, "b"] * 20, gap=[1.5, None] * 30, flag=[True, False] * 30, n=[3, 1] * 30
    )
    content.to_parquet(tmp_path / "my.parquet")
    from_parquet = read_table(tmp_path / "my.parquet", Choices("y"))
    from_csv = table(tmp_path, content)
    assert from_csv.features == from_parquet.features
    assert np.allclose(from_csv.x, from_parquet.x, equal_nan=True, rtol=1e-15)
    assert np.array_equal(from_csv.y, from_parquet.y)


def test_parquet_types_that_are_no_features_are_dropped(tmp_path: Path) -> None:
    content = frame(
        when=pd.date_range("2020-01-01", periods=ROWS),
        raw=[b"x", b"y"] * 30,
        many=[[1, 2]] * ROWS,
        kind=pd.Categorical(["p", "q"] * 30),
        text_number=["1", "NA"] * 30,
    )
    content.to_parquet(tmp_path / "my.parquet")
    found = read_table(tmp_path / "my.parquet", Choices("y"))
    kinds = {about["name"]: about["kind"] for about in found.report["columns"]}
    assert kinds == {
        "a": "number",
        "when": "date",
        "raw": "dropped",
        "many": "dropped",
        "kind": "category",
        "text_number": "number",
    }


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_that_parts_the_header(tmp_path: Path, delimiter: str) -> None:
    frame(b=["x, y", "z"] * 30).to_csv(tmp_path / "my.csv", sep=delimiter, index=False)
    found = read_table(tmp_path / "my.csv", Choices("y"))
    assert found.features == ("a", "b = x, y", "b = z")


def test_blanks_a_byte_order_mark_and_windows_lines_do_no_harm(tmp_path: Path) -> None:
    lines = [" a , y "] + [f" {n * n} , {'p' if n % 2 else 'q'} " for n in range(ROWS)]
    (tmp_path / "my.csv").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    found = read_table(tmp_path / "my.csv", Choices("y"))
    assert found.features == ("a",) and found.classes == ("p", "q")


# Targets


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["p", "q"] * 30, "classification"),
        ([True, False] * 30, "classification"),
        ([0, 1] * 30, "classification"),
        ([1.0, 2.0, 3.0] * 20, "classification"),
        ([None, 1.0, 2.0] * 20, "classification"),
        ([n * n for n in range(60)], "regression"),
        ([0.5, 1.0] * 30, "classification"),
        ([0.5, 1.0, 1.5] * 20, "regression"),
        ([n % 12 for n in range(60)], "classification"),
        ([n % 13 for n in range(60)], "regression"),
    ],
)
def test_the_task_follows_from_the_targets_values(
    tmp_path: Path, values: list[Any], task: str
) -> None:
    assert table(tmp_path, frame(t=values), "t").task == task


def test_the_task_can_be_overridden(tmp_path: Path) -> None:
    content = frame(t=[0, 1, 2] * 20)
    found = table(tmp_path, content, "t", task="regression")
    assert found.task == "regression" and found.y.dtype == np.float64
    found = table(tmp_path, frame(t=[0.5, 1.5] * 30), "t", task="classification")
    assert found.classes == ("0.5", "1.5")


def test_classes_are_in_their_own_order() -> None:
    assert in_order(["10", "9", "-1"]) == ("-1", "9", "10")
    assert in_order(["b", "10", "a"]) == ("10", "a", "b")
    assert in_order(["inf", "1", "nan"]) == ("1", "inf", "nan")


def test_rows_caps_the_table_the_same_way_each_time(tmp_path: Path) -> None:
    whole = table(tmp_path, frame())
    some = table(tmp_path, frame(), rows=40)
    assert some.x.shape == (40, 1) and set(some.x[:, 0]) < set(whole.x[:, 0])
    assert np.array_equal(some.x, table(tmp_path, frame(), rows=40).x)
    assert table(tmp_path, frame(), rows=10**6).x.shape == whole.x.shape


def test_rows_are_drawn_by_class_and_a_rare_one_is_kept(tmp_path: Path) -> None:
    kinds = np.array(["common"] * 900 + ["less"] * 288 + ["rare"] * 12)
    content = pd.DataFrame({"a": np.random.default_rng(0).normal(size=1200), "y": kinds})
    found = table(tmp_path, content, rows=200)
    assert len(found.x) == 200 and found.report["rows_used"] == 200
    sizes = dict(zip(found.classes, np.bincount(found.y).tolist(), strict=True))
    assert sizes == found.report["classes"] and sizes["rare"] == 12
    assert sizes["common"] / sizes["less"] == pytest.approx(900 / 288, rel=0.1)
    assert found.report["target_note"] == (
        'more rows of "rare" are drawn than their share, so that none is lost'
    )
    fewer = table(tmp_path, content, rows=30)  # too few for 20 of each
    assert np.bincount(fewer.y).min() == 10 and len(fewer.x) == 30


def test_shares_of_classes_add_up() -> None:
    generator = np.random.default_rng(1)
    for _ in range(200):
        counts = generator.integers(5, 10 ** generator.integers(1, 5), generator.integers(2, 30))
        most = int(generator.integers(20, counts.sum() + 20))
        if most >= counts.sum():
            continue
        shares = shares_of(counts, most)
        least = np.minimum(counts, min(LEAST_OF_CLASS, most // len(counts)))
        assert shares.sum() <= most < shares.sum() + 2
        assert (shares <= counts).all() and (shares >= least).all()
