"""A run that is stopped, politely or not, goes on where it was and ends with the same tables."""

import os
import signal
from pathlib import Path

import pandas as pd
import pytest

from tests.command import Ended, nnbench, start
from tests.faults.pausing import pause
from tests.waiting import until

STUDY = """
name = "stopped"
[grid]
data = ["iris", { name = "moons", n = 200 }]
activation = ["relu", "tanh"]
optimizer = ["adam", { name = "sgd", lr = [0.1, 1e9] }]
depth = [1, 2]
width = 8
dropout = [0.0, 0.3]
epochs = 4
seeds = 2
"""
CELLS = 96
STOPS = [  # the signal that a run is sent, its exit code, and how many workers it has
    (signal.SIGKILL, -signal.SIGKILL, 2),
    (signal.SIGTERM, 143, 1),
    (signal.SIGINT, 130, 2),
]


def stopped(folder: Path, parts: int, number: signal.Signals, workers: int) -> Ended:
    """Run the study until it has so many parts, and stop it in the middle of the next ones."""
    (folder / "pause").write_text(str(parts))
    run = start("run", "s.toml", "--workers", str(workers), cwd=folder, first=pause)
    until((folder / f"paused-{parts}").exists, f"{parts} parts")
    send = os.killpg if number == signal.SIGKILL else os.kill
    send(run.pid, number)
    return run.end()


def tables(folder: Path) -> list[pd.DataFrame]:
    results = folder / "results" / "stopped"
    cells = pd.read_parquet(results / "cells.parquet")
    assert len(cells) == cells["cell_id"].nunique() == CELLS
    return [cells.drop(columns="seconds"), pd.read_parquet(results / "curves.parquet")]


@pytest.mark.slow
def test_a_run_that_is_stopped_in_every_way_ends_like_one_that_was_not(tmp_path: Path) -> None:
    calm, folder = tmp_path / "calm", tmp_path / "stopped"
    for place in (calm, folder):
        place.mkdir()
        (place / "s.toml").write_text(STUDY)
    for place, (number, code, workers) in enumerate(STOPS):
        ended = stopped(folder, 2 * place + 2, number, workers)
        assert ended.returncode == code, ended.stderr
        assert ("already finished" in ended.stderr) == (place > 0)
        if code > 0:
            assert (
                "run the same command again to resume" in ended.stderr
                and "Traceback" not in ended.stderr
            )
    for each in (calm, folder):
        ended = nnbench("run", "s.toml", "--workers", "1", cwd=each)
        assert ended.returncode == 0, ended.stderr
    assert "already finished" in ended.stderr
    for found, expected in zip(tables(folder), tables(calm), strict=True):
        pd.testing.assert_frame_equal(found, expected, check_exact=True)
    assert not list(folder.glob("results/stopped/parts/.*"))
