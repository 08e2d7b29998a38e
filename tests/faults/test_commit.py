"""Commits that die half-way, bits that flip, runs that share a folder: old or new, never between.

Deaths happen in forked children, at a chosen call of the functions that change the disk.
"""

import errno
import fcntl
import os
import random
import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nnbench.results.checksums import Damage
from nnbench.results.disk import StoreError
from nnbench.results.files import read_files, write_files
from nnbench.results.parts import packed, read_parts
from nnbench.results.store import Store, verify
from tests.results.test_store import Cell, make_rows, open_store, snapshot

STEPS = ("mkdir", "open", "write", "fsync", "close", "rename", "replace")
ORIGINALS = {name: getattr(os, name) for name in STEPS}
CELLS = [Cell(name) for name in "abcdef"]
Act = Callable[[Store], Any]


def cells_of(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(BytesIO(read_files(folder, ["cells.parquet"])["cells.parquet"]))


def commit_b(store: Store) -> None:
    store.commit(make_rows(["b"]))


def write_tables(store: Store) -> None:
    store.write_tables(CELLS)


def careless_commit(store: Store) -> None:
    """What `commit` would be without a draft: the bait that shows the checks below bite."""
    name, contents = packed(make_rows(["b"]), store.fingerprint)
    os.mkdir(store.folder / "parts" / name)
    for file, content in contents.items():
        descriptor = os.open(store.folder / "parts" / name / file, os.O_WRONLY | os.O_CREAT)
        os.write(descriptor, content)
        os.close(descriptor)


def careless_tables(store: Store) -> None:
    """What `write_tables` would be if each file were written in place."""
    descriptor = os.open(store.folder / "cells.csv", os.O_WRONLY | os.O_TRUNC)
    os.write(descriptor, (store.folder / "cells.csv").read_bytes() or b"cell_id\n")
    os.close(descriptor)


def sabotage(patch: Callable[[str, Any], None], at: int, fail: Callable[[], Any]) -> list[str]:
    """Let the call number `at` of `STEPS` fail (a write after its first half); returns a log."""
    log: list[str] = []

    def spoiled(name: str, original: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            log.append(name)
            if len(log) == at:
                if name == "write":
                    original(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                if name == "close":
                    original(*arguments)
                fail()
            return original(*arguments, **options)

        return call

    for name in STEPS:
        patch(name, spoiled(name, getattr(os, name)))
    return log


def in_child(act: Callable[[], Any]) -> int:
    """Start a forked child that ends with 0, or with 1 where `act` raises; returns its id."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            act()
            code = 0
        finally:
            os._exit(code)
    return child


def exit_code(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def prepared(folder: Path) -> Store:
    """A store with one part, and its tables."""
    store = open_store(folder)
    store.commit(make_rows(["a"]))
    store.write_tables(CELLS)
    return store


def rehearse(folder: Path, act: Act, prepare: Callable[[Path], Store] = prepared) -> list[str]:
    """The steps of `act` when nothing goes wrong."""
    store = prepare(folder)
    with pytest.MonkeyPatch.context() as patch:
        log = sabotage(lambda name, value: patch.setattr(os, name, value), 0, lambda: None)
        act(store)
    return log


def deaths(
    folder: Path,
    act: Act,
    after: Callable[[Path], None],
    prepare: Callable[[Path], Store] = prepared,
) -> list[str]:
    """Die at each step of `act` in turn, on a new folder each; `after` looks at what is left."""
    steps = rehearse(folder / "rehearsal", act, prepare)
    pristine = prepare(folder / "pristine").folder
    for at in range(1, len(steps) + 1):
        store = open_store(shutil.copytree(pristine, folder / str(at)))

        def die(store: Store = store, at: int = at) -> None:
            sabotage(lambda name, value: setattr(os, name, value), at, lambda: os._exit(9))
            act(store)

        assert exit_code(in_child(die)) == 9
        after(store.folder)
    return steps


def leftovers(folder: Path) -> list[str]:
    return [str(path) for path in folder.rglob(".tmp-*")]


def old_or_new_part(folder: Path) -> None:
    """What must hold after a death while b is committed."""
    store = open_store(folder)
    survey = store.survey()
    assert survey.finished in ({"a"}, {"a", "b"})
    assert (survey.damaged_parts, leftovers(folder)) == (0, [])
    commit_b(store)
    assert store.finished() == {"a", "b"}
    assert store.write_tables(CELLS).cells["cell_id"].tolist() == ["a", "b"]


def old_or_new_tables(folder: Path) -> None:
    """What must hold after a death while the tables are written."""
    assert verify(folder) == []
    assert cells_of(folder)["cell_id"].tolist() in (["a"], ["a", "b"])
    store = open_store(folder)
    assert leftovers(folder) == []
    store.write_tables(CELLS)
    assert verify(folder) == []


@pytest.mark.whole
def test_a_commit_that_dies_at_any_step_is_there_or_not(tmp_path: Path) -> None:
    steps = deaths(tmp_path, commit_b, old_or_new_part)
    assert steps.count("write") == 4  # three tables and the manifest
    assert steps.count("fsync") == 6  # those, the draft, and the folder of parts
    assert steps.count("rename") == 1


@pytest.mark.whole
def test_tables_that_die_at_any_step_are_old_or_new(tmp_path: Path) -> None:
    def write_with_b(store: Store) -> None:
        with pytest.MonkeyPatch.context() as patch:  # the commit's own deaths are tested above
            for name, original in ORIGINALS.items():
                patch.setattr(os, name, original)
            commit_b(store)
        write_tables(store)

    steps = deaths(tmp_path, write_with_b, old_or_new_tables)
    assert steps.count("replace") == 6  # four tables, and the checksums before and after


def test_the_checks_of_deaths_bite(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"\(1, \[\]\) == \(0, \[\]\)"):  # one damaged part
        deaths(tmp_path / "parts", careless_commit, old_or_new_part)
    with pytest.raises(AssertionError, match=r"cells\.csv does not match its checksum"):
        deaths(tmp_path / "tables", careless_tables, old_or_new_tables)


@pytest.mark.whole
@pytest.mark.parametrize("act", [commit_b, write_tables])
def test_a_step_that_fails_leaves_no_draft_and_earlier_results(tmp_path: Path, act: Act) -> None:
    def fail() -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    refusals = 0
    for at in range(1, len(rehearse(tmp_path / "rehearsal", act)) + 1):
        store = prepared(tmp_path / str(at))
        before = snapshot(store.folder)
        refused = False
        with pytest.MonkeyPatch.context() as patch:
            sabotage(lambda name, value, p=patch: p.setattr(os, name, value), at, fail)
            try:
                act(store)
            except StoreError as error:
                refused = True
                assert str(store.folder) in str(error)
        refusals += refused
        if not refused:  # it was the draft's removal that failed: the next to open sweeps it
            open_store(store.folder)
        assert leftovers(store.folder) == []
        assert verify(store.folder) == []
        assert store.finished() in ({"a"}, {"a", "b"})
        if act is commit_b:
            assert {name: snapshot(store.folder)[name] for name in before} == before
    assert refusals > 20


@pytest.mark.whole
def test_a_disk_that_fills_after_any_number_of_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = prepared(tmp_path)
    before = snapshot(tmp_path)
    whole_write = os.write
    for space in range(0, 15_000, 300):
        left = space

        def write(descriptor: int, content: memoryview) -> int:
            nonlocal left
            if not left:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            written = whole_write(descriptor, content[:left])
            left -= written
            return written

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", write)
            with pytest.raises(StoreError, match="No space left"):
                store.commit(make_rows(["b"]))
                store.write_tables(CELLS)
        assert {name: snapshot(tmp_path)[name] for name in before} == before
        assert leftovers(tmp_path) == []
        store.remove_all()
        store.commit(make_rows(["a"]))
    store.commit(make_rows(["b"]))
    assert store.finished() == {"a", "b"}


# ------------------------------------------------------------------------------------- damage


def flip(path: Path, generator: random.Random) -> bytes:
    """Flip one bit of a file; returns what it was."""
    content = path.read_bytes()
    spoiled = bytearray(content)
    spoiled[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
    path.write_bytes(spoiled)
    return content


@pytest.mark.whole
def test_a_thousand_flipped_bits_are_found(tmp_path: Path, chance: random.Random) -> None:
    store = prepared(tmp_path)
    write_files(tmp_path, {"provenance.json": b'{"workers": 1}\n'})
    files = sorted(path for path in store.folder.rglob("*") if path.is_file())
    assert len(files) == 4 + 4 + 2  # a part, the tables, the provenance and the checksums
    for _ in range(100):
        for path in files:
            content = flip(path, chance)
            found = verify(tmp_path)
            assert found, f"a flipped bit of {path.name} was not found"
            path.write_bytes(content)
    assert verify(tmp_path) == []


def test_parquet_alone_would_accept_flipped_bits(tmp_path: Path) -> None:
    path = tmp_path / "cells.parquet"
    pq.write_table(pa.table({"loss": [0.1 * i for i in range(500)]}), path)
    generator = random.Random(21)
    accepted = 0
    for _ in range(50):
        content = flip(path, generator)
        with suppress(OSError, ValueError):
            accepted += pq.read_table(path).num_rows == 500
        path.write_bytes(content)
    assert accepted > 10


@pytest.mark.parametrize("file", ["cells", "curves", "layers", "manifest"])
@pytest.mark.parametrize("harm", ["flip", "truncate", "empty", "zero", "remove", "folder"])
def test_a_damaged_part_is_set_aside_and_its_cells_are_missing(
    tmp_path: Path, file: str, harm: str, chance: random.Random
) -> None:
    store = open_store(tmp_path)
    part = tmp_path / "parts" / store.commit(make_rows(["a"]))
    store.commit(make_rows(["b"]))
    path = part / (f"{file}.parquet" if file != "manifest" else "manifest.json")
    size = path.stat().st_size
    if harm == "flip":
        flip(path, chance)
    elif harm == "truncate":
        path.write_bytes(path.read_bytes()[: size // 2])
    elif harm == "empty":
        path.write_bytes(b"")
    elif harm == "zero":
        path.write_bytes(bytes(size))
    else:
        path.unlink()
        if harm == "folder":
            path.mkdir()
    assert len(verify(tmp_path)) == 1
    assert part.exists()  # to verify changes nothing
    assert store.write_tables(CELLS).cells["cell_id"].tolist() == ["b"]
    assert len(store.damage) == 1
    assert store.damage[0].startswith(part.name)
    survey = store.survey()
    assert (survey.finished, survey.damaged_parts) == ({"b"}, 1)
    store.commit(make_rows(["a"]))
    assert store.tables(CELLS).cells["cell_id"].tolist() == ["a", "b"]
    assert verify(tmp_path) == []


def test_a_part_that_pretends_to_be_another_is_damaged(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    part = tmp_path / "parts" / store.commit(make_rows(["a"]))
    part.rename(part.with_name("0" * 32))
    (tmp_path / "parts" / "stray").write_text("a file among the parts")
    assert store.finished() == set()
    assert len(store.damage) == 2


def test_a_commit_replaces_a_damaged_part_of_the_same_name(
    tmp_path: Path, chance: random.Random
) -> None:
    store = open_store(tmp_path)
    part = tmp_path / "parts" / store.commit(make_rows(["a"]))
    flip(part / "cells.parquet", chance)
    store.commit(make_rows(["a"]))
    assert store.finished() == {"a"}
    assert len(store.damage) == 1


def test_damaged_tables_are_refused_and_made_again(tmp_path: Path, chance: random.Random) -> None:
    store = prepared(tmp_path)
    for name in ("cells.parquet", "cells.csv", "curves.parquet", "layers.parquet"):
        content = flip(tmp_path / name, chance)
        assert verify(tmp_path) == [f"{name} does not match its checksum"]
        if name != "cells.csv":
            with pytest.raises(StoreError, match=name):
                read_files(tmp_path, [name])
        store.write_tables(CELLS)
        assert (tmp_path / name).read_bytes() == content
    (tmp_path / "checksums.json").unlink()
    assert verify(tmp_path) == ["checksums.json is missing"]
    store.write_tables(CELLS)
    assert verify(tmp_path) == []


# -------------------------------------------------------------------------- several processes


@pytest.mark.whole
def test_four_processes_that_commit_the_same_parts(tmp_path: Path) -> None:
    for turn in range(4):
        folder = tmp_path / str(turn)

        def run(folder: Path = folder) -> None:
            store = open_store(folder)
            for cell in CELLS:
                if cell.cell_id not in store.finished():
                    store.commit(make_rows([cell.cell_id]))
            store.write_tables(CELLS)

        children = [in_child(run) for _ in range(4)]
        assert [exit_code(child) for child in children] == [0] * 4
        store = open_store(folder)
        assert (store.survey().damaged_parts, leftovers(folder), verify(folder)) == (0, [], [])
        names = [cell.cell_id for cell in CELLS]
        assert cells_of(folder)["cell_id"].tolist() == names


@pytest.mark.whole
def test_a_reader_beside_a_run_that_starts_afresh(tmp_path: Path) -> None:
    def start_afresh() -> None:
        store = open_store(tmp_path)
        for _ in range(40):
            store.commit(make_rows(["a"]))
            store.remove_all()

    child = in_child(start_afresh)
    store = open_store(tmp_path)
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        assert len(store.tables(CELLS).cells) <= 1
        assert verify(tmp_path) == []
    assert store.damage == []


@pytest.mark.whole
def test_two_readers_of_one_damaged_part(tmp_path: Path, chance: random.Random) -> None:
    for turn in range(4):
        folder = tmp_path / str(turn)
        store = open_store(folder)
        part = store.commit(make_rows(["a"]))
        flip(folder / "parts" / part / "layers.parquet", chance)

        def read(folder: Path = folder) -> None:
            reader = open_store(folder)
            assert reader.finished() == set()
            reader.write_tables(CELLS)

        children = [in_child(read) for _ in range(3)]
        assert [exit_code(child) for child in children] == [0] * 3
        assert store.survey().damaged_parts == 0  # the children's
        assert len(list((folder / "damaged").iterdir())) == 1


def test_a_part_made_good_by_another_process_is_not_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(tmp_path)
    store.commit(make_rows(["a"]))
    answers = iter([Damage("as it was a moment ago")])

    def read(path: Path) -> Any:
        for damage in answers:
            raise damage
        return read_parts(path)

    monkeypatch.setattr("nnbench.results.store.read_parts", read)
    assert store.finished() == {"a"}
    assert next(answers, None) is None
    assert store.damage == []


def test_tables_are_written_by_one_process_at_a_time(tmp_path: Path) -> None:
    store = prepared(tmp_path)
    held = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    comes, goes = os.pipe()
    flock = fcntl.flock

    def told(descriptor: int, operation: int) -> None:
        os.write(goes, b"here")
        flock(descriptor, operation)

    def write() -> None:
        fcntl.flock = told
        write_tables(open_store(tmp_path))

    child = in_child(write)
    assert os.read(comes, 4) == b"here"  # it has come to the lock, and can but wait there
    assert os.waitpid(child, os.WNOHANG) == (0, 0)
    store.commit(make_rows(["b"]))
    fcntl.flock(held, fcntl.LOCK_UN)
    assert exit_code(child) == 0
    os.close(held)
    assert cells_of(tmp_path)["cell_id"].tolist() == ["a", "b"]  # read under the lock


@pytest.mark.whole
def test_a_run_killed_again_and_again_ends_like_one_that_was_not(
    tmp_path: Path, chance: random.Random
) -> None:
    def run(folder: Path) -> None:
        store = open_store(folder)
        finished = store.finished()
        for cell in CELLS:
            if cell.cell_id not in finished:
                store.commit(make_rows([cell.cell_id]))
        store.write_tables(CELLS)

    def run_to_kill(folder: Path, at: int) -> None:
        kill = partial(os.kill, os.getpid(), signal.SIGKILL)
        sabotage(lambda name, value: setattr(os, name, value), at, kill)
        run(folder)

    with pytest.MonkeyPatch.context() as patch:
        steps = sabotage(lambda name, value: patch.setattr(os, name, value), 0, lambda: None)
        run(tmp_path / "calm")
    kills = 0
    for turn in range(8):
        folder = tmp_path / str(turn)
        for _ in range(3):
            child = in_child(partial(run_to_kill, folder, chance.randint(1, len(steps))))
            kills += exit_code(child) == -signal.SIGKILL
        run(folder)
        assert snapshot(folder) == snapshot(tmp_path / "calm")
        assert leftovers(folder) == []
    assert kills >= 8  # the first of each folder; a later one may have less left to do
