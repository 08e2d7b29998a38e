"""A real small disk that is full, at every size up to what a commit takes; and a locked one."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from nnbench.results.disk import StoreError
from nnbench.results.store import Store, verify
from tests.command import nnbench
from tests.faults.disks import remounted, small_disk
from tests.faults.test_commit import leftovers
from tests.results.test_store import Cell, make_rows, open_store, snapshot

pytestmark = pytest.mark.whole

PAGE = 4096  # bytes that such a disk hands out at once
SIZES = 50
MANY = [hashlib.sha256(bytes([n % 256, n // 256])).hexdigest()[:16] for n in range(5000)]
CELLS = [Cell("a"), *map(Cell, MANY)]
STUDY = """
name = "full"
[grid]
data = { name = "moons", n = 60 }
width = 4
epochs = 1
seeds = 2
"""


def fill(disk: Path, pages: int) -> Path:
    """Fill a disk but for so many pages."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(bytes(PAGE))
    with filler.open("r+b") as file:
        file.truncate(max(0, filler.stat().st_size - pages * PAGE))
    return filler


def commit_many(store: Store) -> None:
    """A stack that takes more than the free space of any size, and its tables."""
    store.commit(make_rows(MANY))
    store.write_tables(CELLS)


@pytest.mark.parametrize("step", [10, pytest.param(1, marks=pytest.mark.slow)])
def test_at_fifty_sizes_what_was_there_stays_and_a_later_run_goes_on(
    tmp_path: Path, step: int
) -> None:
    with small_disk(tmp_path / "disk", 8 << 20) as disk:
        store = open_store(disk / "study")
        store.commit(make_rows(["a"]))
        store.write_tables(CELLS)
        before = snapshot(store.folder)
        for pages in range(0, SIZES, step):
            filler = fill(disk, pages)
            with pytest.raises(StoreError, match="No space left") as caught:
                commit_many(store)
            assert str(disk) in str(caught.value) and "Free some space" in str(caught.value)
            assert {name: snapshot(store.folder)[name] for name in before} == before
            assert leftovers(store.folder) == [] and verify(store.folder) == []
            filler.unlink()
            store.commit(make_rows(["a"]))  # where it is full, even this is refused
        commit_many(store)
        assert store.finished() == {"a", *MANY} and verify(store.folder) == []


def test_the_command_names_the_full_disk_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    (tmp_path / "full.toml").write_text(STUDY)
    with small_disk(tmp_path / "disk", 32 << 10) as disk:
        run = ("run", "full.toml", "--out", str(disk), "--workers", "1")
        ended = nnbench(*run, cwd=tmp_path)
        assert ended.returncode == 5, ended.stderr
        said = ended.stderr.splitlines()[-1]
        assert (
            said.startswith("nnbench: ") and str(disk / "full") in said and "No space left" in said
        )
        assert "Traceback" not in ended.stderr and leftovers(disk) == []
        remounted(disk, "ro")
        ended = nnbench(*run, cwd=tmp_path)
        assert ended.returncode == 5 and "--out" in ended.stderr.splitlines()[-1], ended.stderr
        remounted(disk, "rw", "size=16m")
        ended = nnbench(*run, cwd=tmp_path)
        assert ended.returncode == 0, ended.stderr
        assert verify(disk / "full") == []
