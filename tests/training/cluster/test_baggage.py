"""What workers make equals what this machine makes, own tables and own entries included."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import nnbench as nb
from nnbench.catalog import VOCABULARY
from nnbench.catalog.own.entries import register
from nnbench.results.parts import PackedRows
from nnbench.results.store import Store
from nnbench.study.reading import make_study
from nnbench.study.recipe import Recipe
from nnbench.study.study import Cell
from nnbench.training.cluster.baggage import Unpack, kit_for, train, train_away
from nnbench.training.cluster.crew import Crew
from nnbench.training.cluster.errors import ClusterError
from nnbench.training.cluster.member import DamagedError, Kit, Room
from nnbench.training.cluster.place import opened
from nnbench.training.plan import plan
from nnbench.training.tasks import Task, train_task
from tests.clusters import cluster

PRINT = "a fingerprint"


@pytest.fixture
def own(none_stay: None) -> Iterator[None]:
    register(nb.Entries(activations={"bend": nb.Activation(lambda x: x * x.tanh())}))
    yield


def cells_of(folder: Path) -> list[Cell]:
    """Six networks on a table of one's own, half of them by an activation of one's own."""
    table = folder / "mine.csv"
    rows = (f"{i % 7},{(i * 5) % 11 / 3},{'ab'[i % 7 > 3]}" for i in range(120))
    table.write_text("\n".join(["x,y,label", *rows]) + "\n")
    grid = {
        "data": {"csv": str(table), "target": "label"},
        "activation": ["tanh", "bend"],
        "depth": 1,
        "width": 6,
        "epochs": 3,
        "batch_size": 16,
        "seeds": 3,
    }
    return make_study({"name": "test", "grid": grid}, VOCABULARY).cells()


@pytest.mark.whole
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_workers_make_what_this_machine_makes_bit_for_bit(own: None, tmp_path: Path) -> None:
    cells = cells_of(tmp_path)
    with cluster(2) as two, opened(two.address) as client:
        client.wait_for_workers(2)
        crew = Crew(client, two.address, sends_code=True)
        crew.gather()
        for engine in ("stacked", "native"):
            tasks = [Task(stack.cells, engine, "cpu") for stack in plan(cells, 2)]
            away, here = (Store(tmp_path / engine / name, PRINT, _all) for name in ("a", "h"))
            for task, rows in train_away(crew, tasks, lambda task, share: None, PRINT):
                assert isinstance(rows, PackedRows), rows
                assert [row["cell_id"] for row in rows.cells] == [c.cell_id for c in task.cells]
                away.commit(rows)
            for task in tasks:
                here.commit(train_task(task, lambda share: None))
            found, wanted = (store.tables(cells) for store in (away, here))
            assert found.cells["status"].tolist() == ["ok"] * 6
            for theirs, ours in zip(found, wanted, strict=True):
                columns = [name for name in ours if name != "seconds"]
                pd.testing.assert_frame_equal(theirs[columns], ours[columns], check_exact=True)


def _all(engine: str, cell_ids: Sequence[str]) -> bool:
    return True


def test_a_worker_that_differs_says_so_in_its_engine(own: None, tmp_path: Path) -> None:
    cells = cells_of(tmp_path)[:2]
    Unpack(None, PRINT)({}, "torch 0.1")
    rows = train(Task(tuple(cells), "stacked", "cpu"), lambda share: None)
    assert {row["engine"] for row in rows.cells} == {"stacked-eager on torch 0.1"}
    store = Store(tmp_path / "store", PRINT, _all)
    store.commit(rows)
    assert set(store.tables(cells).cells["engine"]) == {"stacked-eager on torch 0.1"}
    other = Store(tmp_path / "other", "another fingerprint", _all)
    with pytest.raises(ValueError, match="not what was asked for"):
        other.commit(rows)


def test_what_was_packed_elsewhere_is_checked_before_it_is_written(
    own: None, tmp_path: Path
) -> None:
    Unpack(None, PRINT)({}, "")
    rows = train(Task(tuple(cells_of(tmp_path)[:2]), "stacked", "cpu"), lambda share: None)
    assert isinstance(rows, PackedRows)
    store = Store(tmp_path / "store", PRINT, _all)
    for file, content in rows.contents.items():
        with pytest.raises(ValueError, match="a part arrived"):
            store.commit(replace(rows, contents={**rows.contents, file: content[:-1]}))
    for wrong in ({"cells": rows.cells[:1]}, {"name": "0" * 32}, {"contents": {}}):
        with pytest.raises(ValueError, match="a part arrived"):
            store.commit(replace(rows, **wrong))  # type: ignore[arg-type]
    assert store.survey().finished == set()
    store.commit(rows)
    assert store.survey().finished == {row["cell_id"] for row in rows.cells}


def test_a_table_that_has_changed_is_not_sent(own: None, tmp_path: Path) -> None:
    cells = cells_of(tmp_path)
    assert [*kit_for(cells, PRINT).files] == [f"{cells[0].recipe['data.sha256']}/mine.csv"]
    (tmp_path / "mine.csv").write_text("x,label\n1,a\n")
    with pytest.raises(ClusterError, match=r"mine.csv: has changed since the study was read"):
        kit_for(cells, PRINT)


def test_a_table_lies_where_the_worker_put_it(own: None, tmp_path: Path) -> None:
    cells = cells_of(tmp_path)
    kit = kit_for(cells, PRINT)
    room = Room(kit)
    (tmp_path / "mine.csv").unlink()
    Unpack(None, PRINT)(room.paths, "")
    nowhere = [
        replace(cell, recipe=Recipe({**cell.recipe, "data.path": "/nowhere/mine.csv"}))
        for cell in cells
    ]
    rows = train(Task(tuple(nowhere[:3]), "stacked", "cpu"), lambda share: None)
    assert [row["status"] for row in rows.cells] == ["ok"] * 3


def test_what_arrives_damaged_is_not_used(own: None, tmp_path: Path) -> None:
    name = hashlib.sha256(b"whole").hexdigest() + "/mine.csv"
    room = Room(Kit(train, files={name: b"whole"}))
    path = Path(room.paths[name])
    assert path.read_bytes() == b"whole"
    del room
    assert not path.exists(), "it goes with the room"
    with pytest.raises(DamagedError, match="arrived damaged"):
        Room(Kit(train, files={name: b"cut"}))
    cells = [cell for cell in cells_of(tmp_path) if cell.recipe["activation"] == "bend"]
    register(nb.Entries(activations={"bend": nb.Activation(lambda x: x * x.sigmoid())}))
    with pytest.raises(
        DamagedError, match=r"the code of activation.bend differs from what this cell was made with"
    ):
        train(Task(tuple(cells), "stacked", "cpu"), lambda share: None)
