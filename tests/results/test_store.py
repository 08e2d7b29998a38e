"""The store: what goes in comes out, in study order, typed, fresh and once."""

import errno
import json
import math
import os
import subprocess
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnbench.results.disk import StoreError
from nnbench.results.files import read_files, results_folder, write_files, write_json
from nnbench.results.fingerprint import origin
from nnbench.results.looks import note_round
from nnbench.results.provenance import commit_of, describe
from nnbench.results.rows import CELLS, CURVES, LAYERS, Rows, as_type, column_type, crashed_rows
from nnbench.results.store import Store, verify


@dataclass(frozen=True)
class Cell:
    """The shape of `nnbench.study.study.Cell`."""

    cell_id: str
    recipe: dict[str, Any] = field(default_factory=dict)
    study: str = "tiny"


def make_cells(count: int) -> list[Cell]:
    return [
        Cell(f"{i:016x}", {"activation": "relu", "seed": i, "data": "digits", "optimizer.lr": 0.1})
        for i in range(count)
    ]


def make_rows(cell_ids: list[str], **changes: Any) -> Rows:
    """Rows of cells that went well, two epochs and two layers each."""
    result = {"status": "ok", "epochs_run": 2, "n_params": 7, "test_accuracy": 0.5, "seconds": 0.25}
    result["engine"] = "stacked-eager"
    times = [(cell_id, epoch) for cell_id in cell_ids for epoch in range(2)]
    return Rows(
        [{"cell_id": cell_id, **result, **changes} for cell_id in cell_ids],
        [{"cell_id": cell_id, "epoch": epoch, "lr": 0.1} for cell_id, epoch in times],
        [
            {"cell_id": cell_id, "epoch": epoch, "layer": layer, "act_std": 1.0}
            for cell_id, epoch in times
            for layer in range(2)
        ],
    )


def open_store(folder: Path, engine: str = "stacked-eager", sources: str = "f1") -> Store:
    return Store(folder, sources, lambda found, cell_ids: found == engine)


def snapshot(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_new_folder_has_nothing_and_is_not_made_by_looking(tmp_path: Path) -> None:
    store = open_store(tmp_path / "results" / "tiny")
    assert store.finished() == set()
    assert verify(store.folder) == []
    assert [len(table) for table in store.tables(make_cells(3))] == [0, 0, 0]
    assert not store.folder.exists()


def test_tables_are_in_study_order_whatever_the_order_of_commits(tmp_path: Path) -> None:
    cells = make_cells(6)
    ids = [cell.cell_id for cell in cells]
    tables = []
    for number, stacks in enumerate([[[5, 0], [3]], [[3], [0, 5]]]):
        store = open_store(tmp_path / str(number))
        for stack in stacks:
            store.commit(make_rows([ids[i] for i in stack]))
        assert store.finished() == {ids[0], ids[3], ids[5]}
        tables.append(store.write_tables(cells))
    assert tables[0].cells["cell_id"].tolist() == [ids[0], ids[3], ids[5]]
    assert tables[0].cells["seed"].tolist() == [0, 3, 5]
    expected = [(ids[i], epoch) for i in (0, 3, 5) for epoch in (0, 1)]
    curves = tables[0].curves
    assert list(zip(curves["cell_id"], curves["epoch"], strict=True)) == expected
    assert tables[0].layers["layer"].tolist() == [0, 1] * 6
    for name in ("cells.parquet", "cells.csv", "curves.parquet", "layers.parquet"):
        assert (tmp_path / "0" / name).read_bytes() == (tmp_path / "1" / name).read_bytes()


def test_columns_are_identity_then_recipe_then_results(tmp_path: Path) -> None:
    cells = [
        Cell("a" * 16, {"activation": "relu", "seed": 0, "data": "digits", "dropout": 0}),
        Cell("b" * 16, {"activation": "elu", "seed": 1, "data": "digits", "dropout": 0.5}),
    ]
    cells[1].recipe["activation.alpha"] = 2.0
    store = open_store(tmp_path)
    store.commit(make_rows(["b" * 16], extra_measure=3))
    tables = store.write_tables(cells)
    recipe = ["cell_id", "study", "data", "seed", "activation", "activation.alpha", "dropout"]
    assert list(tables.cells) == [*recipe, *list(CELLS)[1:], "extra_measure"]
    assert list(tables.curves) == list(CURVES)
    assert list(tables.layers) == list(LAYERS)
    written = read_files(tmp_path, [f"{name}.parquet" for name in tables._fields])
    for content, made in zip(written.values(), tables, strict=True):
        pd.testing.assert_frame_equal(pd.read_parquet(BytesIO(content)), made)
    header = (tmp_path / "cells.csv").read_text().splitlines()[0]
    assert header.split(",") == list(tables.cells)


def test_types_do_not_depend_on_what_has_finished(tmp_path: Path) -> None:
    values: list[tuple[Any, ...]] = [(1, 2.5), (1, None), (1, "auto"), (True, None), ((4, 2), 8)]
    names = ["mixed", "whole", "text", "flag", "width"]
    cells = [
        Cell(cell_id, {name: pair[i] for name, pair in zip(names, values, strict=True)})
        for i, cell_id in enumerate(["a", "b"])
    ]
    store = open_store(tmp_path)
    store.commit(make_rows(["a"]))
    frame = store.write_tables(cells).cells
    assert [str(frame[name].dtype) for name in names[:2]] == ["float64", "Int64"]
    assert str(frame["flag"].dtype) == "boolean"
    assert frame.loc[0, names].tolist() == [1.0, 1, "1", True, "[4, 2]"]


def test_a_diverged_cell_keeps_its_row_and_its_nan_is_null(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    nan = float("nan")
    rows = make_rows(
        ["a"], status="diverged", diverged_at_step=np.int64(17), test_accuracy=nan, val_loss=nan
    )
    rows.curves[1]["train_loss"] = np.float64(math.inf)
    rows.curves[0]["grad_norm"] = np.float32(1e-40)
    store.commit(rows)
    tables = store.write_tables([Cell("a"), Cell("b")])
    row = tables.cells.iloc[0]
    assert (row["status"], row["diverged_at_step"]) == ("diverged", 17)
    assert str(tables.cells["diverged_at_step"].dtype) == "Int64"
    assert tables.cells["test_accuracy"].isna().all()
    assert tables.curves["train_loss"].tolist()[1] == math.inf
    assert tables.curves["grad_norm"].tolist()[0] == float(np.float32(1e-40))
    assert "nan" not in (tmp_path / "cells.csv").read_text().lower()
    assert store.finished() == {"a"}


def test_a_crash_is_a_row_that_runs_again_and_yields_to_a_result(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.commit(crashed_rows(["a", "b"], "its worker was killed", "stacked-eager"))
    assert store.finished() == set()
    assert store.survey().crashed == {"a", "b"}
    cells = store.tables([Cell("a"), Cell("b")]).cells
    assert cells["status"].tolist() == ["crashed", "crashed"]
    assert cells["reason"].tolist() == ["its worker was killed"] * 2
    store.commit(make_rows(["a", "b"]))  # the same cells, yet not taken for the same part
    assert store.survey().crashed == set()
    assert store.tables([Cell("a"), Cell("b")]).cells["status"].tolist() == ["ok", "ok"]


def test_crashes_of_different_cells_are_different_parts(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    for cell_id in "ab":
        store.commit(crashed_rows([cell_id], "out of memory", "stacked-eager"))
    assert store.survey().crashed == {"a", "b"}


def test_results_of_another_engine_are_not_used_and_stay(tmp_path: Path) -> None:
    eager = open_store(tmp_path)
    eager.commit(make_rows(["a", "b"]))
    compiled = open_store(tmp_path, engine="stacked-compiled")
    survey = compiled.survey()
    assert (survey.finished, survey.other_engine, survey.stale) == (set(), {"a", "b"}, set())
    assert len(compiled.tables([Cell("a"), Cell("b")]).cells) == 0
    compiled.commit(make_rows(["a", "b"], n_params=9, engine="stacked-compiled"))
    assert compiled.remove_stale() == 0
    assert compiled.survey().other_engine == set()
    for store, n_params in ((eager, 7), (compiled, 9)):
        assert store.finished() == {"a", "b"}
        found = store.tables([Cell("a"), Cell("b")]).cells["n_params"].tolist()
        assert found == [n_params, n_params]


def test_results_of_other_sources_are_stale(tmp_path: Path) -> None:
    old = open_store(tmp_path)
    old.commit(make_rows(["a", "b"]))
    for engine in ("stacked-eager", "reference"):
        store = open_store(tmp_path, engine, sources="f2")
        survey = store.survey()
        assert (survey.finished, survey.stale, survey.stale_parts) == (set(), {"a", "b"}, 1)
        assert len(store.tables([Cell("a"), Cell("b")]).cells) == 0
    new = open_store(tmp_path, sources="f2")
    new.commit(make_rows(["a"], n_params=9))
    assert new.survey().stale == {"b"}
    assert new.remove_stale() == 0  # b would be lost
    new.commit(make_rows(["b"], n_params=9))
    assert new.remove_stale() == 1
    assert (new.survey().stale_parts, old.finished()) == (0, set())
    assert new.tables([Cell("a"), Cell("b")]).cells["n_params"].tolist() == [9, 9]


def test_a_fresh_start_removes_everything(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.commit(make_rows(["a"]))
    open_store(tmp_path, sources="f2").commit(make_rows(["a"]))
    damaged = tmp_path / "parts" / store.commit(make_rows(["b"]))
    (damaged / "cells.parquet").write_bytes(b"damaged")
    assert store.survey().damaged_parts == 1
    assert open_store(tmp_path).survey().damaged_parts == 0  # it is told once
    assert [path.name[:32] for path in (tmp_path / "damaged").iterdir()] == [damaged.name]
    assert store.remove_all() == 2
    assert not (tmp_path / "damaged").exists()
    assert store.finished() == set()
    assert list((tmp_path / "parts").iterdir()) == []


def test_a_cell_in_two_parts_has_one_row_with_its_own_curves(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    names = [store.commit(make_rows(["a", "b"])), store.commit(make_rows(["b", "c"], n_params=8))]
    tables = store.tables([Cell(cell_id) for cell_id in "abc"])
    assert tables.cells["cell_id"].tolist() == ["a", "b", "c"]
    first = 7 if names[0] < names[1] else 8
    assert tables.cells["n_params"].tolist() == [7, first, 8]
    assert len(tables.curves) == 6
    assert len(tables.layers) == 12


def test_the_same_part_again_changes_nothing(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.commit(make_rows(["a"], seconds=1.0))
    before = snapshot(tmp_path)
    store.commit(make_rows(["a"], seconds=2.0))
    assert snapshot(tmp_path) == before


def test_a_stack_of_two_engines_is_refused(tmp_path: Path) -> None:
    rows = make_rows(["a", "b"])
    rows.cells[1]["engine"] = "reference"
    with pytest.raises(ValueError):
        open_store(tmp_path).commit(rows)


def test_a_survey_tells_who_trained_what_is_finished(tmp_path: Path) -> None:
    store = Store(tmp_path, "f1", lambda engine, cell_ids: "c" not in cell_ids)
    for cell_id, engine in (("a", "native-x"), ("b", "stacked-eager"), ("c", "reference")):
        store.commit(make_rows([cell_id], engine=engine))
    survey = store.survey()
    assert survey.engines == {"native-x", "stacked-eager"}
    assert (survey.finished, survey.other_engine) == ({"a", "b"}, {"c"})


@pytest.mark.parametrize("cell_ids", [[], ["a", "a"]])
def test_a_stack_without_cells_or_with_one_twice_is_refused(
    tmp_path: Path, cell_ids: list[str]
) -> None:
    with pytest.raises(ValueError, match="at least one"):
        open_store(tmp_path).commit(make_rows(cell_ids))


def test_a_recipe_may_not_hide_a_result(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="engine"):
        open_store(tmp_path).tables([Cell("a", {"engine": "steam"})])


def test_a_study_has_no_files_before_its_first_run(tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    assert read_files(folder, ["looks.json"]) == {}
    store = open_store(folder)
    assert store.remove_all() == 0  # as a run that starts afresh does, and then
    note_round(folder, None)
    assert not folder.exists()


@pytest.mark.parametrize("blocked", ["", "parts", "results"])
def test_a_file_where_a_folder_should_be(tmp_path: Path, blocked: str) -> None:
    root = tmp_path / "results"
    folder = root / "tiny"
    path = root if blocked == "results" else folder / blocked
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")
    with pytest.raises(StoreError, match="A file is where a folder should be") as caught:
        open_store(folder).commit(make_rows(["a"]))
    assert str(path) in str(caught.value)
    assert path.read_text() == "mine"


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_a_disk_that_refuses_leaves_earlier_results_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    store = open_store(tmp_path)
    store.commit(make_rows(["a"]))
    store.write_tables([Cell("a")])
    before = snapshot(tmp_path)

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, "mkdir", refuse)
        for act in (
            lambda: store.commit(make_rows(["b"])),
            lambda: store.write_tables([Cell("a"), Cell("b")]),
            lambda: write_json(tmp_path / "provenance.json", {}),
        ):
            with pytest.raises(StoreError, match=os.strerror(code)) as caught:
                act()
            assert str(tmp_path) in str(caught.value)
    assert snapshot(tmp_path) == before
    store.commit(make_rows(["b"]))
    assert store.finished() == {"a", "b"}


def test_drafts_of_the_dead_are_swept_and_those_of_the_living_stay(tmp_path: Path) -> None:
    dead = os.fork()
    if dead == 0:
        os._exit(0)
    os.waitpid(dead, 0)
    (tmp_path / "parts").mkdir()
    names = {owner: f".tmp-{owner}-{'0' * 16}" for owner in (dead, os.getpid(), os.getppid())}
    for parent in (tmp_path, tmp_path / "parts"):
        for name in names.values():
            (parent / name).mkdir()
            (parent / name / "half").write_bytes(b"x")
    open_store(tmp_path)
    for parent in (tmp_path, tmp_path / "parts"):
        left = [path.name for path in parent.iterdir() if path.name.startswith(".tmp-")]
        assert left == [names[os.getppid()]]  # ours is from an earlier process with our id


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "/etc/x", "a/b", "a/", "./a", "a\0b", "link", "loop"]
)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    root = tmp_path / "results"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    (root / "loop").symlink_to(root / "loop")
    with pytest.raises(StoreError):
        results_folder(root, name)


@given(st.text(max_size=300))
def test_no_name_leaves_the_root(name: str) -> None:
    root = Path("/nowhere/results")
    try:
        folder = results_folder(root, name)
    except StoreError:
        return
    assert folder.parent == root


def test_plain_names_and_links_within_the_root_are_fine(tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(tmp_path / "tiny")
    assert results_folder(tmp_path, "tiny") == tmp_path / "tiny"
    assert results_folder(tmp_path, "alias") == tmp_path / "tiny"


def test_parts_may_not_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "parts").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="link"):
        open_store(tmp_path / "tiny")


def test_values_that_would_change_are_refused() -> None:
    for value, kind in [(2.5, int), ("2", int), ("x", float), (2**60 + 1, float), ([1], float)]:
        with pytest.raises(ValueError, match="is no"):
            as_type(value, kind)
    assert as_type(2.0, int) == 2
    assert as_type(np.float32(0.5), float) == 0.5
    assert as_type(float("nan"), int) is None
    assert as_type((1, 2.5), str) == "[1, 2.5]"


def test_the_narrowest_type_is_found() -> None:
    assert [column_type(values) for values in ([], [None], [1, 2.0], [True, None])] == [
        float,
        float,
        float,
        bool,
    ]
    assert [column_type(values) for values in ([1, "a"], [True, 1], [(1,)])] == [str] * 3
    assert column_type([3, None, float("nan")]) is int


# ---------------------------------------------------------------------------------- provenance


@pytest.mark.whole
def test_provenance_names_no_host_and_is_verified(tmp_path: Path) -> None:
    document = describe(
        study={"name": "tiny", "factors": {"depth": ["2", "8"]}},
        counts={"cells": 2, "ok": 2},
        engine="stacked-eager",
        origin=origin(),
        workers=2,
        threads=1,
        wall_seconds=1.5,
    )
    write_json(tmp_path / "provenance.json", document)
    text = (tmp_path / "provenance.json").read_text()
    assert json.loads(text) == document
    assert os.uname().nodename not in text
    assert str(Path.home()) + "/" not in text
    assert document["versions"]["torch"][0].isdigit()
    assert document["machine"]["cores"] >= 1
    assert verify(tmp_path) == []
    (tmp_path / "provenance.json").write_text(text.replace("1.5", "0.5"))
    assert verify(tmp_path) == ["provenance.json does not match its checksum"]


def test_the_commit_is_told_and_whether_the_sources_are_its(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("VALUE = 1\n")
    assert commit_of(package) == {"commit": None, "modified": None}, "no repository"

    def git(*words: str) -> None:
        author = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", "-C", str(tmp_path), *author, *words], check=True)

    git("init", "--quiet")
    assert commit_of(package)["commit"] is None, "a repository that does not know the package"
    git("add", "package")
    git("commit", "--quiet", "--message", "first")
    told = commit_of(package)
    assert len(told["commit"]) == 40 and told["modified"] is False
    (tmp_path / "elsewhere").write_text("x")
    assert commit_of(package)["modified"] is False
    (package / "__init__.py").write_text("VALUE = 2\n")
    assert commit_of(package) == told | {"modified": True}


def test_a_number_that_json_has_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "provenance.json", {"wall_seconds": math.nan})
    assert list(tmp_path.iterdir()) == []


def test_other_files_keep_their_checksums_when_one_is_replaced(tmp_path: Path) -> None:
    write_files(tmp_path, {"claims.csv": b"a", "report.html": b"b"})
    write_files(tmp_path, {"claims.csv": b"c"})
    assert verify(tmp_path) == []
    (tmp_path / "report.html").unlink()
    assert verify(tmp_path) == ["report.html is missing"]
