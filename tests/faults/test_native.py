"""Compiled programs under faults: a crash, two runs that make the same, a cache without room."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest

import nnbench.pipeline
from nnbench.catalog import VOCABULARY
from nnbench.cli.progress import Progress
from nnbench.pipeline import Options, run_cells
from nnbench.results.running import sign_of
from nnbench.study.reading import make_study
from tests.command import SERVER
from tests.faults.compiling import LOG, log_compilations
from tests.faults.crashing import crashing_task
from tests.faults.disks import remounted, small_disk
from tests.waiting import HANG

pytestmark = pytest.mark.whole

GRID = {
    "data": {"name": "moons", "n": 60},
    "activation": ["relu", "tanh"],
    "width": 4,
    "epochs": 2,
    "seeds": 2,
}


def trained(out: Path, workers: int = 2) -> tuple[pd.DataFrame, str]:
    """The cells that a run of compiled programs trains, and what it says."""
    study = make_study({"name": "compiled", "grid": GRID}, VOCABULARY)
    said = io.StringIO()
    options = Options(out=out, engine="native", workers=workers)
    with sign_of(out / "compiled") as sign:
        tables = run_cells(study, options, Progress(said), sign)
    return tables.cells.drop(columns="seconds"), said.getvalue()


def test_a_program_that_crashes_ends_as_crashed_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with monkeypatch.context() as patch:
        patch.setattr(nnbench.pipeline, "train_task", crashing_task)
        cells, said = trained(tmp_path, workers=1)
    assert cells["status"].value_counts().to_dict() == {"ok": 3, "crashed": 1}
    (crashed,) = cells[cells["status"] == "crashed"].to_dict("records")
    assert (crashed["activation"], crashed["seed"]) == ("tanh", 1)
    assert crashed["reason"] == "Its worker was killed by signal 11 (Segmentation fault), 3 times."
    assert crashed["engine"].startswith("native-") and "compiled programs" not in said
    again, said = trained(tmp_path)
    assert (again["status"] == "ok").all() and "3 already finished, 1 to train" in said


def one_of_two(out: Path, home: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(home / "cache"))
        patch.chdir(home)
        log_compilations()
        trained(out)


def test_two_runs_that_make_the_same_programs_at_once(tmp_path: Path) -> None:
    outs = [tmp_path / "one", tmp_path / "other"]
    runs = [SERVER.Process(target=one_of_two, args=(out, tmp_path)) for out in outs]
    for run in runs:
        run.start()
    for run in runs:
        run.join(HANG)
    assert [run.exitcode for run in runs] == [0, 0]
    made = [name for name in (tmp_path / LOG).read_text().split() if name != "trial"]
    assert len(made) == len(set(made)) >= 4, "each program once, whoever needs it first"
    one, other = (pd.read_parquet(out / "compiled" / "cells.parquet") for out in outs)
    pd.testing.assert_frame_equal(one.drop(columns="seconds"), other.drop(columns="seconds"))
    assert (one["status"] == "ok").all() and len(one) == 4
    assert not list((tmp_path / "cache").rglob("*.draft"))


@pytest.mark.parametrize(
    ("size", "options", "why"),
    [
        (32_768, [], "is full"),
        (65_536, ["ro"], "cannot be created (Read-only file system)"),
    ],
    ids=["full", "read-only"],
)
def test_a_cache_that_takes_no_program_is_said_once_and_all_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, options: list[str], why: str
) -> None:
    with small_disk(tmp_path / "disk", size) as cache:
        if options:
            remounted(cache, *options)
        monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
        cells, said = trained(tmp_path)
    assert (cells["status"] == "ok").all() and len(cells) == 4
    assert cells["engine"].str.startswith("native-").all()
    (line,) = [line for line in said.splitlines() if "compiled programs" in line]
    assert line.startswith("note: ") and line.endswith(f"{why}."), line
