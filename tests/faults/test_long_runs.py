"""Runs of hours: ended in time, moved to another place, watched from another terminal."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pandas as pd
import pytest

from nnbench.results.store import verify
from tests.command import Running, nnbench, start
from tests.faults.out_of_time import end_early
from tests.faults.pausing import pause
from tests.waiting import until

pytestmark = pytest.mark.whole

STUDY = """
name = "stopped"
[grid]
data = { name = "moons", n = 60 }
activation = ["relu", "tanh"]
depth = [1, 2]
width = 4
epochs = 2
seeds = 2
"""
RUN = ("run", "s.toml", "--workers", "1")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "s.toml").write_text(STUDY)
    return tmp_path


def tables(results: Path) -> list[pd.DataFrame]:
    cells = pd.read_parquet(results / "stopped" / "cells.parquet")
    return [cells.drop(columns="seconds"), pd.read_parquet(results / "stopped" / "curves.parquet")]


def test_a_run_that_is_out_of_time_is_moved_and_goes_on(place: Path) -> None:
    ended = start(*RUN, "--time-limit", "10h", cwd=place, first=end_early).end()
    assert ended.returncode == 6, ended.stderr
    assert ended.stderr.splitlines()[-1] == (
        "nnbench: the time limit was reached with 4 networks left; "
        "run the same command again to resume"
    )
    assert "4 of 8 networks finished, 4 not run" in ended.stdout
    assert (place / "results" / "stopped" / "report.html").is_file()
    assert len(tables(place / "results")[0]) == 4 and verify(place / "results" / "stopped") == []
    other = place / "another disk"
    other.mkdir()
    shutil.move(place / "results", other / "moved results")
    shutil.move(place / "s.toml", other / "s.toml")
    ended = nnbench(*RUN, "--out", "moved results", cwd=other)
    assert ended.returncode == 0, ended.stderr
    assert "8 networks: 4 already finished, 4 to train." in ended.stderr
    assert nnbench(*RUN, "--out", "calm", cwd=other).returncode == 0
    for found, calm in zip(tables(other / "moved results"), tables(other / "calm"), strict=True):
        pd.testing.assert_frame_equal(found, calm, check_exact=True)


def test_a_time_limit_that_is_none_or_too_short_is_refused(place: Path) -> None:
    for limit, code, said in (
        ("soon", 2, "--time-limit: 'soon' is not a time: write 2h, 90m, 45s or 1h30m"),
        ("1s", 6, "the time limit is too short: the tables and report of 8 cells have"),
    ):
        ended = nnbench(*RUN, "--time-limit", limit, cwd=place)
        assert ended.returncode == code and said in ended.stderr, ended.stderr
        assert "Traceback" not in ended.stderr and not ended.stdout


def watched(place: Path, *lines: str) -> Running:
    """Watch the run in a place, and wait until so many lines are told."""
    watcher = start("status", "stopped", "--watch", cwd=place)
    told = watcher.said / "stdout"
    until(lambda: told.exists() and all(line in told.read_text() for line in lines), lines[0])
    return watcher


def test_a_run_is_watched_to_its_end(place: Path) -> None:
    (place / "pause").write_text("2")
    run = start(*RUN, cwd=place, first=pause)
    until((place / "paused-2").exists, "two parts")
    watcher = watched(place, "stopped: 4 of 8 networks finished")
    other = watched(place, "stopped: 4 of 8 networks finished")
    os.kill(other.pid, signal.SIGINT)
    stopped = other.end()
    assert stopped.returncode == 130
    assert stopped.stderr.strip() == "nnbench: stopped; the run itself continues."
    assert run.process.is_alive(), "who stops to watch stops no run"
    (place / "more").write_text("99")
    (place / "more").replace(place / "pause")
    ended, seen = run.end(), watcher.end()
    assert (ended.returncode, seen.returncode) == (0, 0), (ended.stderr, seen.stderr)
    told = seen.stdout.splitlines()
    assert told[-1] == "stopped: 8 of 8 networks finished, nothing to run"
    assert len(set(told)) == len(told), "a line is told once"
    assert seen.stderr == ""


def test_where_no_run_is_in_progress_that_is_said(place: Path) -> None:
    seen = nnbench("status", "s.toml", "--watch", cwd=place)
    assert seen.returncode == 0
    assert seen.stdout == "stopped: 0 of 8 networks finished, 8 to run\n"
    assert seen.stderr == "nnbench: no run is in progress in results/stopped\n"
    other = nnbench("status", "other/stopped", "--watch", cwd=place)
    assert other.stderr.startswith("nnbench: no run is in progress in other/stopped\n")
    refused = nnbench("status", "s.toml", "--watch", "--json", cwd=place)
    assert refused.returncode == 2 and "leave --json out" in refused.stderr
