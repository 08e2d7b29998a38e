"""Users' tables: what a file becomes, by which rules, and what a study makes of it."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from nnbench.catalog import VOCABULARY
from nnbench.catalog.data.tables import table as tables
from nnbench.catalog.data.tables.columns import MAX_LEVELS, Column, encode
from nnbench.catalog.data.tables.entry import report_of, table_levels
from nnbench.catalog.data.tables.files import MISSING, read_frame
from nnbench.catalog.data.tables.table import Choices, Table, read_table
from nnbench.catalog.data.tables.targets import LEAST_OF_CLASS, in_order, shares_of
from nnbench.cli.default_study import (
    SECONDS,
    SIZES,
    Size,
    seconds,
    slug,
    table_study,
)
from nnbench.pipeline import tables_of
from nnbench.report.page.table_notes import table_sentences
from nnbench.study.baselines import BASELINES
from nnbench.study.reading import make_study, read_study
from nnbench.study.study import Cell
from nnbench.training import draws
from nnbench.training.draws import DataError, split_for
from nnbench.training.plan import program_key
from tests.searching import examples

ROWS = 60
PARTS = {"study_seed": 0, "seed": 0, "val_fraction": 0.2, "test_fraction": 0.2}


def frame(**columns: Any) -> pd.DataFrame:
    """Return 60 rows: noise `a`, two even classes `y`, and what else is given."""
    noise = np.random.default_rng(0).normal(size=ROWS)
    return pd.DataFrame({"a": noise, "y": ["yes", "no"] * (ROWS // 2), **columns})


def table(folder: Path, content: pd.DataFrame, target: str = "y", **choices: Any) -> Table:
    path = folder / "my.csv"
    content.to_csv(path, index=False)
    return read_table(path, Choices(target, **choices))


def test_a_table_is_read_once_for_a_study_and_its_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = []

    def read(path: Path, *given: Any) -> pd.DataFrame:
        reads.append(path)
        return read_frame(path, *given)

    monkeypatch.setattr(tables, "read_frame", read)
    path = tmp_path / "my.csv"
    frame().to_csv(path, index=False)
    (cell,) = cells_of(path)
    assert report_of(cell.recipe) is not None and split_for(cell.recipe).n_classes == 2
    assert reads == [path]
    (cell,) = cells_of(path, data={"csv": str(path), "target": "a", "task": "regression"})
    assert split_for(cell.recipe).n_classes == 0
    assert reads == [path] * 2


def column(found: Table, name: str) -> dict[str, Any]:
    """Return what the report says of a column."""
    (about,) = [about for about in found.report["columns"] if about["name"] == name]
    return about  # type: ignore[no-any-return]


def features(found: Table, name: str) -> NDArray[np.float64]:
    """Return the features (rows, k) that a column became."""
    names = [f for f in found.features if f.startswith(f"{name} ") or f == name]
    return found.x[:, [found.features.index(f) for f in names]]


def cells_of(path: Path, target: str = "y", **grid: Any) -> list[Cell]:
    data = {path.suffix.removeprefix("."): str(path), "target": target}
    return make_study({"name": "t", "grid": {"data": data, "seeds": 1} | grid}, VOCABULARY).cells()


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
        "note": '"unknown" in 6 rows counts as missing',
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
    assert found.note == "10 rarer values are pooled"


@pytest.mark.parametrize(
    ("usual", "slip", "hint"),
    [
        ("2004-11-{:02}", "31.12.2003", "if it is a date, write all of it in one way"),
        ("{:02} or so", "", "if it is a number, check how its fractions are written"),
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
    assert column(found, "a2")["note"] == '"-", "n.a." in 2 rows counts as missing'
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
        "Left out: one (has one value only); free (has 56 texts in 56 rows: a name or free text).",
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
        'of "rare" more rows are drawn than their share, so that none is lost'
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


# Splits


def test_medians_and_scales_are_the_training_parts(tmp_path: Path) -> None:
    chance = np.random.default_rng(2)
    gaps = np.where(chance.uniform(size=ROWS) < 0.3, np.nan, chance.exponential(size=ROWS))
    content = frame(gap=gaps, place=np.arange(ROWS) * 7.0 + 0.5)
    table(tmp_path, content)
    (cell,) = cells_of(tmp_path / "my.csv")
    found = split_for(cell.recipe)
    assert all(np.isfinite(x).all() for x in found.x.values())
    places = np.concatenate([found.x[part][:, -1] for part in draws.PARTS])
    rows = np.argsort(np.argsort(places))  # of each example, its row in the file
    n_train = found.n_train
    train = gaps[rows[:n_train]]
    filled = np.where(np.isnan(train), np.nanmedian(train), train)
    for part, start in (("train", 0), ("test", len(rows) - len(found.x["test"]))):
        index = rows[start : start + len(found.x[part])]
        wanted = np.where(np.isnan(gaps[index]), np.nanmedian(train), gaps[index])
        wanted = (wanted - filled.mean()) / filled.std()
        assert np.allclose(found.x[part][:, 1], wanted)
    assert not math.isclose(np.nanmedian(train), np.nanmedian(gaps))


def test_a_column_missing_in_all_of_training_is_filled_with_0() -> None:
    x = {"train": np.full((4, 1), np.nan), "val": np.array([[1.0]]), "test": np.array([[np.nan]])}
    found = draws._prepared(x, scaled=True)
    assert found["train"].tolist() == [[0.0]] * 4 and found["test"].tolist() == [[0.0]]


def test_a_changed_file_is_refused_by_cells_that_knew_another(tmp_path: Path) -> None:
    table(tmp_path, frame())
    (cell,) = cells_of(tmp_path / "my.csv", val_fraction=0.3)
    table(tmp_path, frame(b=[1, 2] * 30))
    with pytest.raises(DataError, match="has changed since the study was read"):
        split_for(cell.recipe)


# Studies


def test_a_cells_identity_is_the_content_and_not_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "my.csv", tmp_path / "deep" / "other.csv"
    there.parent.mkdir()
    frame().to_csv(here, index=False)
    shutil.copy(here, there)
    ids = {cell.cell_id for path in (here, there) for cell in cells_of(path)}
    assert len(ids) == 1
    monkeypatch.chdir(tmp_path)
    assert {cell.cell_id for cell in cells_of(Path("my.csv"))} == ids
    with there.open("a") as file:
        file.write("0.5,yes\n")
    assert {cell.cell_id for cell in cells_of(there)}.isdisjoint(ids)
    assert {cell.cell_id for cell in cells_of(here, data={"csv": str(here), "target": "a"})} != ids


def test_what_is_written_out_is_the_same_cell(tmp_path: Path) -> None:
    frame(b=[1, 2] * 30, c=[2, 1] * 30).to_csv(tmp_path / "my.csv", index=False)
    base = {"csv": str(tmp_path / "my.csv"), "target": "y"}
    variants: list[dict[str, Any]] = [
        {"drop": ["b", "c"]},
        {"drop": ["c", "b", "c"]},
        {"drop": ["b", "c"], "task": "classification"},
        {"drop": ["b", "c"], "task": "auto", "numeric": [], "rows": 0},
    ]
    ids = [cells_of(tmp_path / "my.csv", data=base | more)[0].cell_id for more in variants]
    assert len(set(ids)) == 1
    assert cells_of(tmp_path / "my.csv")[0].cell_id not in ids


def test_a_study_files_paths_are_relative_to_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = tmp_path / "studies" / "mine.toml"
    study.parent.mkdir()
    frame().to_csv(study.parent / "my.csv", index=False)
    study.write_text(
        'name = "mine"\n[grid]\ndata = ["iris", { csv = "my.csv", target = "y" }]\nseeds = 2\n'
    )
    monkeypatch.chdir("/")
    cells = read_study(study, VOCABULARY).cells()
    assert [cell.recipe["data"] for cell in cells] == ["iris", "iris", "csv", "csv"]
    assert cells[-1].recipe["data.path"] == str(study.parent / "my.csv")
    assert cells[-1].recipe["loss"] == "cross_entropy"


def test_a_table_is_told_of_once_for_each_way_in_which_it_is_read(tmp_path: Path) -> None:
    frame().to_csv(tmp_path / "my.csv", index=False)
    both = [{"csv": str(tmp_path / "my.csv"), "target": target} for target in ("y", "a")]
    cells = make_study({"name": "s", "grid": {"data": ["iris", *both], "seeds": 2}}, VOCABULARY)
    told = tables_of(cells.cells())
    assert [(one["file"], one["target"]) for one in told] == [("my.csv", "y"), ("my.csv", "a")]


def test_the_loss_follows_the_tables_task(tmp_path: Path) -> None:
    frame().to_csv(tmp_path / "my.csv", index=False)
    (cell,) = cells_of(tmp_path / "my.csv", target="a")
    assert cell.recipe["data.task"] == "regression" and cell.recipe["loss"] == "mse"


def test_a_list_of_files_or_targets_is_a_factor(tmp_path: Path) -> None:
    for name in ("one.csv", "two.csv"):
        frame(z=["p", "q"] * 30, b=[len(name), 1] * 30).to_csv(tmp_path / name, index=False)
    given = {"csv": ["one.csv", "two.csv"], "target": ["y", "z"]}
    levels = table_levels(given, tmp_path)
    assert [(Path(level["data.path"]).name, level["data.target"]) for level in levels] == [
        ("one.csv", "y"),
        ("one.csv", "z"),
        ("two.csv", "y"),
        ("two.csv", "z"),
    ]


def test_a_table_trains_to_the_same_numbers_as_in_plain_torch(tmp_path: Path) -> None:
    from tests.helpers import disagreements

    words = ["p", "q", "r", None] * 15
    frame(w=words, gap=[1.5, None, 4.0] * 20).to_csv(tmp_path / "my.csv", index=False)
    for target in ("y", "a"):
        cells = cells_of(
            tmp_path / "my.csv", target, epochs=2, dtype="float64", width=5, optimizer="sgd"
        )
        assert disagreements(cells) == []


# The default study


@pytest.mark.parametrize("target", ["y", "a"])
def test_the_default_study_of_a_table(tmp_path: Path, target: str) -> None:
    path = tmp_path / "My Table (final).csv"
    frame().to_csv(path, index=False)
    content = table_study(path, target)
    study = make_study(content, VOCABULARY)
    assert study.name == "my-table-final"
    cells = study.networks()
    assert len(cells) == 160 and len(study.seeds) == 5
    assert len(study.cells()) - len(cells) == 5 * len(BASELINES)
    assert "Left out to be done in minutes: other depths" in study.question
    assert len({program_key(cell) for cell in cells}) == 16
    assert content["report"]["metric"] == ("test_accuracy" if target == "y" else "test_r2")
    assert content["report"]["tune"] == ["optimizer.lr"]
    assert target in study.document()["title"]


@pytest.mark.parametrize(
    ("rare", "metric"),
    [(30, "test_accuracy"), (20, "test_accuracy"), (15, "test_roc_auc"), (6, "test_roc_auc")],
)
def test_with_a_rare_class_the_default_metric_is_one_that_always_no_cannot_win(
    tmp_path: Path, rare: int, metric: str
) -> None:
    whole = frame()
    whole["y"] = ["yes" if row < rare else "no" for row in range(len(whole))]
    whole.to_csv(tmp_path / "t.csv", index=False)
    content = table_study(tmp_path / "t.csv", "y")
    assert content["report"]["metric"] == metric
    told = f'{100 * (1 - rare / len(whole)):.0f} % of the rows are "no"' in content["question"]
    assert told is (metric == "test_roc_auc")


@pytest.mark.parametrize("rows", [50, 5_000, 100_000, 1_000_000])
@pytest.mark.parametrize("columns", [1, 50, 2_000])
def test_the_default_study_is_sized_to_take_minutes(rows: int, columns: int) -> None:
    # a view of a single number: a table of any size in no memory
    x = np.broadcast_to(np.zeros(1), (rows, columns))
    found = Table(x, np.zeros(rows), "regression", (), (), {})
    size = next((size for size in SIZES if seconds(found, size) <= SECONDS), None)
    assert size is not None
    if rows == 50:
        assert size == SIZES[0]


def test_larger_tables_and_more_epochs_cost_more() -> None:
    small, large = (
        Table(np.zeros((rows, 3)), np.zeros(rows), "regression", (), (), {})
        for rows in (1000, 2000)
    )
    size = Size(0, 10, 32)
    assert seconds(small, size) < seconds(large, size) < seconds(large, Size(0, 20, 32))
    assert seconds(large, Size(500, 10, 32)) < seconds(small, size)


@given(st.text(max_size=100))
def test_a_slug_is_always_a_studys_name(text: str) -> None:
    import re

    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", slug(text))


# Any table


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=0, max_size=12)
VALUES = st.one_of(
    TEXTS,
    st.integers(-(10**25), 10**25),
    st.floats(),
    st.booleans(),
    st.none(),
    st.sampled_from(["NA", "inf", "-inf", "1e999", "0x1f", "1_000", "=1+1", "<script>", "TRUE"]),
)


@pytest.mark.whole
@examples(150)
@given(data=st.data())
def test_any_csv_is_a_sound_table_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    width = data.draw(st.integers(1, 5))
    names = data.draw(st.lists(TEXTS, min_size=width, max_size=width))
    pools = [data.draw(st.lists(VALUES, min_size=1, max_size=6)) for _ in range(width)]
    rows = data.draw(st.integers(0, 50))
    chance = np.random.default_rng(data.draw(st.integers(0, 1000)))
    columns = [[pool[chance.integers(len(pool))] for _ in range(rows)] for pool in pools]
    path = tmp_path_factory.mktemp("any") / "my.csv"
    content = pd.DataFrame(dict(enumerate(columns)), dtype=object)
    content.columns = pd.Index(names)
    content.to_csv(path, index=False)
    target = data.draw(st.sampled_from([name.strip() for name in names]))
    try:
        found = read_table(
            path, Choices(target, data.draw(st.sampled_from(["auto", "regression"])))
        )
    except ValueError as problem:
        assert str(problem).startswith('"my.csv": ') and "\n" not in str(problem)
        return
    assert_sound(found)


def assert_sound(found: Table) -> None:
    rows, width = found.x.shape
    assert rows >= 20 and width >= 1 and len(found.y) == rows and len(found.features) == width
    assert not np.isinf(found.x).any() and np.isfinite(found.y).all()
    known = found.x[~np.isnan(found.x)]
    assert np.abs(known).max() <= 1e100
    if found.task == "classification":
        assert np.bincount(found.y, minlength=len(found.classes)).min() >= 5
    assert sum(about["features"] for about in found.report["columns"]) == width
    json.dumps(found.report)


@pytest.mark.whole
@given(
    st.lists(
        st.floats(allow_nan=False, allow_infinity=False, min_value=-1e99, max_value=1e99),
        min_size=2,
        max_size=30,
        unique=True,
    )
)
def test_numbers_survive_the_file(values: list[float]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        many = (values * ROWS)[:ROWS]
        found = table(Path(folder), frame(b=many), numeric=("b",))
        assert np.allclose(features(found, "b")[:, 0], many, rtol=1e-14, atol=0)


@given(st.lists(st.one_of(st.none(), TEXTS), min_size=1, max_size=60))
def test_a_category_is_one_hot(values: list[str | None]) -> None:
    tidy = [None if value is None else "v" + value for value in values]
    found: Column = encode("c", pd.Series(tidy, dtype=object), "category")
    x = np.zeros((len(values), len(found.features)))
    found.fill(x)
    if found.kind == "dropped":
        assert len(set(tidy)) == 1
        return
    assert (x.sum(1) == 1).all() and (x.sum(0) > 0).all()
    for left in range(len(values)):
        same = [right for right, value in enumerate(tidy) if value == tidy[left]]
        assert (x[same] == x[left]).all()
