"""Parts merged into bundles: nothing is lost at any step, and whoever looks sees no difference."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from nnbench.catalog import VOCABULARY
from nnbench.pipeline import Options, forget
from nnbench.pipeline import open_store as store_of_run
from nnbench.results.compact import RunningError, compact
from nnbench.results.disk import StoreError
from nnbench.results.parts import bundled
from nnbench.results.running import Pace, sign_of
from nnbench.results.store import Store, Survey, verify
from nnbench.results.tables import Tables
from nnbench.study.reading import make_study
from tests.faults.test_commit import CELLS, deaths, exit_code, flip, in_child, leftovers
from tests.results.test_store import make_rows, open_store, snapshot

NAMES = [cell.cell_id for cell in CELLS]


def of_parts(folder: Path, fingerprint: str | None = None) -> Store:
    """A store of a part for each cell; the last cell's other part is a crash."""
    store = open_store(folder)
    if fingerprint is not None:
        store = replace(store, fingerprint=fingerprint)
    for name in NAMES:
        store.commit(make_rows([name]))
    store.write_tables(CELLS)
    return store


def folders(store: Store) -> list[str]:
    return sorted(path.name for path in (store.folder / "parts").iterdir())


def seen(store: Store) -> tuple[Survey, Tables]:
    return store.survey(), store.tables(CELLS)


def assert_same(one: tuple[Survey, Tables], other: tuple[Survey, Tables]) -> None:
    assert one[0] == other[0]
    for mine, its in zip(one[1], other[1], strict=True):
        assert mine.equals(its) and (mine.dtypes == its.dtypes).all()


def test_parts_become_one_bundle_and_nothing_else_changes(tmp_path: Path) -> None:
    store = of_parts(tmp_path)
    before, files = seen(store), snapshot(tmp_path)
    found = compact(tmp_path)
    assert found.folders == (6, 1) and found.size[1] < found.size[0]
    assert len(folders(store)) == 1 and leftovers(tmp_path) == []
    assert_same(seen(store), before)
    store.write_tables(CELLS)
    after = snapshot(tmp_path)
    tables = [name for name in files if not name.startswith("parts")]
    assert {name: after[name] for name in tables} == {name: files[name] for name in tables}
    assert verify(tmp_path) == []
    assert compact(tmp_path).folders == (1, 1), "a lone bundle stays as it is"


def test_what_is_committed_later_joins_the_bundle(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    for name in NAMES[:4]:
        store.commit(make_rows([name]))
    compact(tmp_path)
    for name in NAMES[3:]:  # the first of them is there already, in the bundle
        store.commit(make_rows([name]))
    assert store.tables(CELLS).cells["cell_id"].tolist() == NAMES
    assert store.tables(CELLS).cells["cell_id"].is_unique
    before = seen(store)
    assert compact(tmp_path).folders == (4, 1)
    assert_same(seen(store), before)


def test_parts_keep_who_made_them(tmp_path: Path) -> None:
    of_parts(tmp_path, fingerprint="other sources")
    store = open_store(tmp_path)
    store.commit(make_rows(NAMES[:2]))
    before = seen(store)
    compact(tmp_path)
    assert_same(seen(store), before)
    assert before[0].stale_parts == 6 and before[0].finished == set(NAMES[:2])
    assert store.remove_stale() == 0, "some of the bundle is needed"
    store.commit(make_rows(NAMES[2:]))
    assert store.remove_stale() == 0, "it holds what is fresh, too"
    assert store.finished() == set(NAMES)


def test_a_bundle_of_stale_parts_goes_when_all_are_made_again(tmp_path: Path) -> None:
    of_parts(tmp_path, fingerprint="other sources")
    compact(tmp_path)
    store = open_store(tmp_path)
    store.commit(make_rows(NAMES[:3]))
    assert store.remove_stale() == 0
    store.commit(make_rows(NAMES[3:]))
    assert store.remove_stale() == 1
    assert store.survey().stale_parts == 0 and store.finished() == set(NAMES)


def test_tables_of_other_columns_are_not_merged(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    for name, value in zip(NAMES, (1, 2, 0.5, 2**60 + 1, "text", None), strict=True):
        rows = make_rows([name])
        rows.cells[0]["further"] = value
        store.commit(rows)
    before = {part.name: part.table("cells") for part in store._parts()}
    assert compact(tmp_path).folders == (6, 4), "three whole numbers are of one kind"
    after = {part.name: part.table("cells") for part in store._parts()}
    assert before.keys() == after.keys()
    assert all(after[name].equals(table) for name, table in before.items())


def test_large_parts_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nnbench.results.compact.MOST_CELLS", 4)
    monkeypatch.setattr("nnbench.results.compact.SMALL", 2)
    store = open_store(tmp_path)
    whole = store.commit(make_rows(NAMES[:2]))
    for name in NAMES[2:]:
        store.commit(make_rows([name]))
    before = seen(store)
    assert compact(tmp_path).folders == (5, 2) and whole in folders(store)
    assert_same(seen(store), before)


def test_a_run_in_progress_is_left_alone(tmp_path: Path) -> None:
    store = of_parts(tmp_path)
    before = snapshot(tmp_path)
    with (
        sign_of(tmp_path, Pace("small", "networks", 6, 0)),
        pytest.raises(
            RunningError, match=r"a run is in progress in .*: compact it when it has ended"
        ),
    ):
        compact(tmp_path)
    assert snapshot(tmp_path) == before and len(folders(store)) == 6


def test_a_run_that_starts_afresh_forgets_while_nobody_merges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = of_parts(tmp_path / "small")
    remove = Store.remove_all

    def remove_all(self: Store) -> int:
        with pytest.raises(RunningError):
            compact(self.folder)
        return remove(self)

    monkeypatch.setattr(Store, "remove_all", remove_all)
    study = make_study({"name": "small", "grid": {"data": "moons"}}, VOCABULARY)
    forget(store_of_run(study, Options(out=tmp_path)))
    assert folders(store) == [] and compact(store.folder).folders == (0, 0)
    forget(store_of_run(study, Options(out=tmp_path / "other")))
    assert not (tmp_path / "other").exists(), "where there is nothing, nothing is made"


def test_what_is_damaged_is_not_merged(tmp_path: Path, chance: object) -> None:
    store = of_parts(tmp_path)
    broken = folders(store)[0]
    flip(tmp_path / "parts" / broken / "cells.parquet", chance)  # type: ignore[arg-type]
    assert compact(tmp_path).folders == (6, 2)
    assert broken in folders(store) and len(verify(tmp_path)) == 1
    assert len(store.finished()) == 5 and len(store.damage) == 1


@pytest.mark.parametrize(
    "file", ["cells.parquet", "curves.parquet", "layers.parquet", "manifest.json"]
)
def test_a_damaged_bundle_is_set_aside_as_a_whole(
    tmp_path: Path, file: str, chance: object
) -> None:
    store = of_parts(tmp_path)
    compact(tmp_path)
    (bundle,) = folders(store)
    flip(tmp_path / "parts" / bundle / file, chance)  # type: ignore[arg-type]
    assert len(verify(tmp_path)) == 1
    assert store.finished() == set() and len(store.damage) == 1
    assert of_parts(tmp_path).finished() == set(NAMES)


def test_a_bundle_that_does_not_read_back_costs_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = of_parts(tmp_path)
    before = seen(store)
    monkeypatch.setattr("nnbench.results.compact.bundled", lambda parts: bundled(parts[:-1]))
    with pytest.raises(StoreError, match="no part is lost"):
        compact(tmp_path)
    assert_same(seen(store), before)
    assert len(folders(store)) == 7


@pytest.mark.slow
def test_a_death_at_any_step_loses_nothing(tmp_path: Path) -> None:
    expected = seen(of_parts(tmp_path / "expected"))

    def act(store: Store) -> None:
        compact(store.folder)

    def after(folder: Path) -> None:
        store = open_store(folder)
        assert_same(seen(store), expected)
        assert leftovers(folder) == [] and store.damage == [] and verify(folder) == []
        assert compact(folder).folders[1] == 1
        assert_same(seen(store), expected)

    steps = deaths(tmp_path, act, after, of_parts)
    assert steps.count("rename") == 7, "the bundle into place, and six parts out of it"


@pytest.mark.whole
def test_readers_meanwhile_see_every_part_once(tmp_path: Path) -> None:
    of_parts(tmp_path)

    def merge_again_and_again() -> None:
        store = open_store(tmp_path)
        for _ in range(30):
            for name in NAMES:
                store.commit(make_rows([name]))
            compact(tmp_path)

    child = in_child(merge_again_and_again)
    store = open_store(tmp_path)
    looks = 0
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        cells = store.tables(CELLS).cells
        assert cells["cell_id"].tolist() == NAMES
        assert verify(tmp_path) == []
        looks += 1
    assert looks > 3 and store.damage == []


def test_a_merge_that_another_waits_for_ends_well(tmp_path: Path) -> None:
    store = of_parts(tmp_path)
    before = seen(store)
    children = [in_child(lambda: merged_or_refused(tmp_path)) for _ in range(3)]
    assert [exit_code(child) for child in children] == [0] * 3
    assert_same(seen(store), before)
    assert len(folders(store)) == 1


def merged_or_refused(folder: Path) -> None:
    try:
        compact(folder)
    except RunningError:
        return
