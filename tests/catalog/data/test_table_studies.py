"""Users' tables in studies: their parts, their cells, and the study that is made of one."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnbench.catalog import VOCABULARY
from nnbench.catalog.data.tables import table as tables
from nnbench.catalog.data.tables.entry import report_of, table_levels
from nnbench.catalog.data.tables.files import read_frame
from nnbench.catalog.data.tables.table import Table
from nnbench.cli.default_study import (
    SECONDS,
    SIZES,
    Size,
    seconds,
    slug,
    table_study,
)
from nnbench.cli.running import _study_or_table
from nnbench.pipeline import tables_of
from nnbench.study.baselines import BASELINES
from nnbench.study.reading import make_study, read_study
from nnbench.training import draws
from nnbench.training.draws import DataError, split_for
from nnbench.training.plan import program_key
from tests.catalog.data.made_tables import ROWS, cells_of, frame, table


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
    assert "Left out, to finish in minutes: other depths" in study.question
    assert len({program_key(cell) for cell in cells}) == 16
    assert content["report"]["metric"] == ("test_accuracy" if target == "y" else "test_r2")
    assert content["report"]["tune"] == ["optimizer.lr"]
    assert target in study.document()["title"]


def test_of_a_table_with_enough_rows_less_is_tried_on_fewer(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    path = tmp_path / "t.csv"
    whole = pd.DataFrame(generator.standard_normal((200, 2)), columns=["a", "b"])
    counts = {}
    for rows in (50, 100, 200):
        whole[:rows].to_csv(path, index=False)
        study = make_study(table_study(path, "b"), VOCABULARY)
        recipes = [cell.recipe for cell in study.cells()]
        networks = [one for one in recipes if "baseline" not in one]
        models = len(recipes) - len(networks)
        share = pd.Series([one.get("train_share", 1.0) for one in networks])
        counts[rows] = share.value_counts().to_dict(), models // len(BASELINES)
        fewer = [one for one in networks if one.get("train_share", 1.0) < 1]
        assert {(one["width"], one["activation"], one["dropout"]) for one in fewer} <= {
            (64, "relu", 0.0)
        }
    assert counts == {
        50: ({1.0: 160}, 5),
        100: ({1.0: 160, 0.5: 20}, 10),
        200: ({1.0: 160, 0.5: 20, 0.25: 20}, 15),
    }


def test_a_share_whose_rows_are_of_one_class_is_left_out(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    path = tmp_path / "t.csv"
    whole = pd.DataFrame(generator.standard_normal((400, 2)), columns=["a", "b"])
    classes = generator.choice(["no", "yes"], 400)
    classes[170:245] = "no"  # the latest of the training rows, which are 240
    whole.assign(day=range(400), y=classes).to_csv(path, index=False)
    shares = {
        time: table_study(path, "y", **({"time": time} if time else {}))["grid"]["train_share"]
        for time in ("", "day")
    }
    assert shares == {"": [1.0, 0.5, 0.25], "day": [1.0, 0.5]}
    for cell in make_study(table_study(path, "y", time="day"), VOCABULARY).cells():
        split_for(cell.recipe)


@pytest.mark.parametrize(
    ("rare", "metric"),
    [(30, "test_accuracy"), (20, "test_accuracy"), (15, "test_roc_auc"), (6, "test_roc_auc")],
)
def test_with_a_rare_class_the_default_metric_is_one_that_always_no_cannot_win(
    tmp_path: Path, rare: int, metric: str, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = frame()
    whole["y"] = ["yes" if row < rare else "no" for row in range(len(whole))]
    whole.to_csv(tmp_path / "t.csv", index=False)
    content = table_study(tmp_path / "t.csv", "y")
    assert content["report"]["metric"] == metric
    told = f'{100 * (1 - rare / len(whole)):.0f} % of the rows are "no"' in content["question"]
    assert told is (metric == "test_roc_auc")
    _study_or_table(None, tmp_path / "t.csv", "y", None, {}, None)
    said = capsys.readouterr().err
    assert ("so accuracy says little: judged by ROC AUC." in said) is told
    assert said.startswith("t.csv: ") is told


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
