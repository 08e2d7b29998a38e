"""A run that is stopped, politely or not, goes on where it was and ends with the same tables."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

STUDY = """
name = "stopped"
[grid]
data = ["iris", { name = "moons", n = 200 }]
activation = ["relu", "tanh", "sigmoid", "gelu"]
optimizer = ["adam", { name = "sgd", lr = [0.1, 1e9] }]
depth = [1, 2]
width = 8
dropout = [0.0, 0.3]
epochs = 4
seeds = 2
"""
CELLS = 192


def start(folder: Path, workers: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "nnbench.cli", "run", "s.toml", "--workers", str(workers)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(folder: Path, workers: int = 2) -> str:
    run = start(folder, workers)
    _, errors = run.communicate(timeout=240)
    assert run.returncode == 0, errors
    return errors


def tables(folder: Path) -> list[pd.DataFrame]:
    results = folder / "results" / "stopped"
    cells = pd.read_parquet(results / "cells.parquet")
    assert len(cells) == cells["cell_id"].nunique() == CELLS
    return [cells.drop(columns="seconds"), pd.read_parquet(results / "curves.parquet")]


def wait_for_parts(folder: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if len(list(folder.glob("results/stopped/parts/[!.]*"))) >= count:
            return
        time.sleep(0.02)
    raise AssertionError(f"no {count} parts after a minute")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[pd.DataFrame]:
    folder = tmp_path_factory.mktemp("whole")
    (folder / "s.toml").write_text(STUDY)
    finish(folder)
    return tables(folder)


def assert_same(folder: Path, whole: list[pd.DataFrame]) -> None:
    for found, expected in zip(tables(folder), whole, strict=True):
        pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_kill_dash_nine_then_run_again(tmp_path: Path, whole: list[pd.DataFrame]) -> None:
    (tmp_path / "s.toml").write_text(STUDY)
    chance = random.Random(4)
    for parts in (1, 8):
        run = start(tmp_path, workers=2)
        wait_for_parts(tmp_path, parts)
        time.sleep(chance.random() / 5)
        os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
    errors = finish(tmp_path, workers=1)  # another number of workers, other stacks
    assert "finished earlier" in errors
    assert_same(tmp_path, whole)
    assert not list(tmp_path.glob("results/stopped/parts/.*"))


@pytest.mark.parametrize(
    ("signals", "code"),
    [([signal.SIGINT], 130), ([signal.SIGINT] * 2, 130), ([signal.SIGTERM], 143)],
    ids=["ctrl-c", "ctrl-c twice", "sigterm"],
)
def test_a_polite_stop(
    tmp_path: Path, whole: list[pd.DataFrame], signals: list[signal.Signals], code: int
) -> None:
    (tmp_path / "s.toml").write_text(STUDY)
    run = start(tmp_path, workers=2)
    wait_for_parts(tmp_path, 2)
    began = time.monotonic()
    for one in signals:
        os.kill(run.pid, one)
        time.sleep(0.05)
    _, errors = run.communicate(timeout=30)
    assert run.returncode == code
    assert time.monotonic() - began < 10  # the aim is 5 s, on a machine that does nothing else
    assert "to go on from here" in errors and "Traceback" not in errors
    assert "finished earlier" in finish(tmp_path)
    assert_same(tmp_path, whole)
