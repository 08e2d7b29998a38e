"""A run that is stopped, politely or not, goes on where it was and ends with the same tables."""

import os
import signal
from pathlib import Path

import pandas as pd

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
STOPS = {  # the signals that a run is sent, and its exit code
    "kill -9": ([signal.SIGKILL], -signal.SIGKILL),
    "ctrl-c": ([signal.SIGINT], 130),
    "ctrl-c twice": ([signal.SIGINT] * 2, 130),
    "sigterm": ([signal.SIGTERM], 143),
}


def stopped(folder: Path, parts: int, signals: list[signal.Signals]) -> Ended:
    """Run the study until it has so many parts, and stop it in the middle of the next ones."""
    (folder / "pause").write_text(str(parts))
    run = start("run", "s.toml", "--workers", "2", cwd=folder, first=pause)
    until((folder / f"paused-{parts}").exists, f"{parts} parts")
    for one in signals:
        send = os.killpg if one == signal.SIGKILL else os.kill
        send(run.pid, one)
    return run.end()


def tables(folder: Path) -> list[pd.DataFrame]:
    results = folder / "results" / "stopped"
    cells = pd.read_parquet(results / "cells.parquet")
    assert len(cells) == cells["cell_id"].nunique() == CELLS
    return [cells.drop(columns="seconds"), pd.read_parquet(results / "curves.parquet")]


def test_a_run_that_is_stopped_in_every_way_ends_like_one_that_was_not(tmp_path: Path) -> None:
    calm, folder = tmp_path / "calm", tmp_path / "stopped"
    for place in (calm, folder):
        place.mkdir()
        (place / "s.toml").write_text(STUDY)
    for number, (signals, code) in enumerate(STOPS.values(), start=1):
        ended = stopped(folder, 2 * number, signals)
        assert ended.returncode == code, ended.stderr
        assert ("finished earlier" in ended.stderr) == (number > 1)
        if code > 0:
            assert "to go on from here" in ended.stderr and "Traceback" not in ended.stderr
    # Another number of workers, other stacks.
    for place, workers in ((calm, "2"), (folder, "1")):
        ended = nnbench("run", "s.toml", "--workers", workers, cwd=place)
        assert ended.returncode == 0, ended.stderr
    assert "finished earlier" in ended.stderr
    for found, expected in zip(tables(folder), tables(calm), strict=True):
        pd.testing.assert_frame_equal(found, expected, check_exact=True)
    assert not list(folder.glob("results/stopped/parts/.*"))
