"""Whole runs under faults: killed at any moment, four in one folder, deadly cells, ten thousand.

Each fault has a short form and a long one, which is slow. Runs are forked off a process that has
imported what they need and done nothing else: what takes time is the run and not its imports.
"""

from __future__ import annotations

import json
import os
import random
import signal
import statistics
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

from nnbench.catalog import VOCABULARY
from nnbench.pipeline import Options, open_store, train_all
from nnbench.results.rows import Rows
from nnbench.results.store import verify
from nnbench.study.reading import make_study
from nnbench.training.plan import plan
from tests.command import SERVER, start
from tests.faults.deadly import kill_workers
from tests.faults.small_run import complete, small_study
from tests.waiting import HANG

pytestmark = pytest.mark.whole

slow = pytest.mark.slow
WITH_PAGE = 5  # of many rounds, one in so many: the page takes longer than all before it


def started(out: Path, with_page: bool = True) -> Any:
    """Start a run in a process of its own and return that."""
    process = SERVER.Process(target=complete, args=(out, with_page))
    process.start()
    return process


def exit_code(process: Any) -> int:
    process.join(HANG)
    assert process.exitcode is not None, "it hangs"
    return int(process.exitcode)


def assert_whole(out: Path, whole: Path) -> None:
    """Hold every table against those of a run that met no fault; each cell is there once."""
    folder, expected = out / "small", whole / "small"
    assert verify(folder) == []
    assert not list(folder.rglob(".tmp-*"))
    found = pd.read_parquet(folder / "cells.parquet")
    assert found["cell_id"].is_unique and len(found) == len(small_study().cells())
    for name in ("cells", "curves", "layers"):
        tables = [pd.read_parquet(at / f"{name}.parquet") for at in (folder, expected)]
        one, other = (table.drop(columns="seconds", errors="ignore") for table in tables)
        pd.testing.assert_frame_equal(one, other, check_exact=True)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[bool, float]]:
    """A run that met no fault, and the seconds that one takes, with its page and without."""
    out = tmp_path_factory.mktemp("whole")
    assert exit_code(started(out / "first")) == 0  # with it the server starts
    seconds = {}
    for with_page in (False, True):
        began = time.monotonic()
        assert exit_code(started(out / str(with_page), with_page)) == 0
        seconds[with_page] = time.monotonic() - began
    return out / "True", seconds


@pytest.mark.parametrize("kills", [1, pytest.param(20, marks=slow)])
def test_a_run_that_is_killed_at_any_moment(
    tmp_path: Path, whole: tuple[Path, dict[bool, float]], kills: int, chance: random.Random
) -> None:
    expected, seconds = whole
    for number in range(kills):
        out, with_page = tmp_path / str(number), number % WITH_PAGE == 0
        run_to_kill = started(out, with_page)
        time.sleep(chance.uniform(0, seconds[with_page]))
        run_to_kill.kill()
        exit_code(run_to_kill)
        assert exit_code(started(out, with_page)) == 0
        assert_whole(out, expected)


@pytest.mark.parametrize("rounds", [1, pytest.param(6, marks=slow)])
def test_four_runs_in_one_folder(
    tmp_path: Path, whole: tuple[Path, dict[bool, float]], rounds: int
) -> None:
    for number in range(rounds):
        out = tmp_path / str(number)
        runs = [started(out, with_page=number % WITH_PAGE == 0) for _ in range(4)]
        assert [exit_code(one) for one in runs] == [0] * 4
        assert_whole(out, whole[0])


DEADLY_STUDY = """
name = "deadly"
[grid]
data = { name = "moons", n = 60 }
activation = ["relu", "tanh"]
width = 4
epochs = 1
seeds = {seeds}
"""


@pytest.mark.parametrize("seeds", [2, pytest.param(64, marks=slow)])
def test_cells_that_kill_their_workers(tmp_path: Path, seeds: int) -> None:
    (tmp_path / "deadly.toml").write_text(DEADLY_STUDY.replace("{seeds}", str(seeds)))
    command = ("run", "deadly.toml", "--workers", "2", "--json")
    ended = start(*command, cwd=tmp_path, first=kill_workers).end()
    assert ended.returncode == 3, ended.stderr
    counts = json.loads(ended.stdout)
    assert (counts["ok"], counts["crashed"], counts["missing"]) == (2 * seeds - 1, 1, 0)
    cells = pd.read_parquet(tmp_path / "results" / "deadly" / "cells.parquet")
    (crashed,) = cells[cells["status"] == "crashed"].to_dict("records")
    assert (crashed["activation"], crashed["seed"]) == ("tanh", 1)
    assert "killed by signal 9" in crashed["reason"]
    starts = Counter((tmp_path / "starts").read_text().split())
    assert starts[crashed["cell_id"]] == 3 == max(starts.values())


RATES = [round(0.01 * k, 2) for k in range(1, 51)]


def soaked(out: Path, seeds: int, workers: int, kill: Callable[[int], None]) -> None:
    """Train 50 tiny cells a seed to the last; `kill` is called after each stack.

    Memory and open files of this process may grow by a tenth from the second quarter to the last.
    """
    grid = {
        "data": {"name": "moons", "n": 60},
        "optimizer": {"name": "sgd", "lr": RATES},
        "width": 2,
        "epochs": 1,
        "batch_size": 0,
        "seeds": seeds,
    }
    study = make_study({"name": "soak", "grid": grid}, VOCABULARY)
    cells = {cell.cell_id: cell for cell in study.cells()}
    options = Options(out=out, workers=workers)
    store = open_store(study, options)
    process, memory, files = psutil.Process(), [], []
    while missing := [cells[one] for one in cells.keys() - store.finished()]:
        for _, rows in train_all(plan(missing, workers=20), options, lambda task, share: None):
            if isinstance(rows, Rows):  # else its worker was killed each time: it runs again
                store.commit(rows)
            kill(len(memory))
            memory.append(process.memory_info().rss)
            files.append(process.num_fds())
    assert len(memory) >= 40 and len(store.finished()) == len(cells) == 50 * seeds
    assert store.damage == [] and verify(store.folder) == []
    assert store.tables(list(cells.values())).cells["cell_id"].is_unique
    quarter = len(memory) // 4
    early, late = memory[quarter : 2 * quarter], memory[-quarter:]
    assert statistics.median(late) < 1.1 * statistics.median(early)
    assert max(files[-quarter:]) <= 1.1 * max(files[quarter : 2 * quarter])


@pytest.mark.parametrize("seeds", [8, pytest.param(200, marks=slow)])
def test_memory_and_open_files_stay_flat(tmp_path: Path, seeds: int) -> None:
    soaked(tmp_path, seeds, workers=1, kill=lambda number: None)


def is_worker(process: psutil.Process) -> bool:
    """Whether a process trains: other children are of what runs the tests."""
    with suppress(psutil.Error):  # it is gone, or dead and not yet buried
        return any("worker.py" in word for word in process.cmdline())
    return False


@pytest.mark.parametrize("seeds", [8, pytest.param(200, marks=slow)])
def test_they_stay_flat_while_workers_are_killed(
    tmp_path: Path, seeds: int, chance: random.Random
) -> None:
    killed: list[int] = []

    def kill(number: int) -> None:
        workers = list(filter(is_worker, psutil.Process().children()))
        if workers and number % 10 == 5 and len(killed) < 10:
            killed.append(chance.choice(workers).pid)
            os.kill(killed[-1], signal.SIGKILL)

    soaked(tmp_path, seeds, workers=2, kill=kill)
    assert len(killed) >= 4
