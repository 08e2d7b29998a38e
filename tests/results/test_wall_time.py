"""The wall time of results is that of all runs that they come from."""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from nnbench.catalog import VOCABULARY
from nnbench.cli.progress import Silence
from nnbench.pipeline import Options, run
from nnbench.results.rows import Rows
from nnbench.results.wall_time import TableClock
from nnbench.study.reading import make_study
from nnbench.study.study import Study
from nnbench.training.tasks import Task

EXPRESSIONS = ["bce_with_logits", "log_of_sigmoid", "cross_entropy"]
RUN = 100.0  # seconds between two looks at the clock of these tests, more than a run takes


class Listener(Silence):
    """Listens, and stops the run after a number of stacks."""

    def __init__(self, stacks: int = 1000) -> None:
        self.left = stacks

    def finished(self, task: Task, rows: Rows) -> None:
        """Stop where it is time to."""
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


def study(count: int) -> Study:
    grid = {"expression": EXPRESSIONS[:count], "points": 100, "limit": 10.0}
    return make_study({"name": "timed", "kind": "numerics", "grid": grid}, VOCABULARY)


def wall_seconds(out: Path) -> float:
    return float(json.loads((out / "timed" / "provenance.json").read_text())["wall_seconds"])


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Options:
    """One worker, and a clock that goes on by `RUN` whenever it is looked at."""
    ticks = itertools.count()
    monkeypatch.setattr(time, "perf_counter", lambda: RUN * next(ticks))
    return Options(tmp_path, workers=1)


@pytest.mark.slow
def test_a_run_that_goes_on_adds_to_the_time_before(options: Options) -> None:
    run(study(1), options, Listener())
    first = wall_seconds(options.out)
    assert first > 0
    run(study(3), options, Listener())
    assert wall_seconds(options.out) >= first + RUN


@pytest.mark.slow
def test_a_run_with_nothing_to_do_changes_nothing(options: Options) -> None:
    run(study(1), options, Listener())
    first = wall_seconds(options.out)
    run(study(1), options, Listener())
    assert wall_seconds(options.out) == first


@pytest.mark.slow
def test_a_stopped_run_counts_up_to_its_last_stack(options: Options) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(study(3), options, Listener(stacks=1))
    kept = json.loads((options.out / "timed" / "wall_time.json").read_text())["wall_seconds"]
    assert kept >= RUN
    run(study(3), options, Listener())
    assert wall_seconds(options.out) >= kept + RUN


@pytest.mark.slow
def test_a_fresh_run_starts_at_zero(options: Options) -> None:
    run(study(3), options, Listener())
    first = wall_seconds(options.out)
    run(study(3), replace(options, fresh=True), Listener())
    assert wall_seconds(options.out) == first


@pytest.mark.slow
def test_results_of_other_sources_add_nothing(
    options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(study(3), options, Listener())
    first = wall_seconds(options.out)
    monkeypatch.setattr("nnbench.pipeline.fingerprint", lambda: "of other sources")
    run(study(3), options, Listener())
    assert wall_seconds(options.out) == first


@pytest.mark.slow
@pytest.mark.parametrize(("before", "adds"), [("auto", True), ("reference", False)])
def test_results_of_an_engine_that_is_not_taken_add_nothing(
    options: Options, before: str, adds: bool
) -> None:
    grid = {"landscape": "bowl", "optimizer": ["sgd", "adam"], "steps": 2, "seeds": 1}
    walks = make_study({"name": "timed", "kind": "landscape", "grid": grid}, VOCABULARY)
    run(walks, replace(options, engine=before, limit=1), Listener())
    first = wall_seconds(options.out)
    run(walks, replace(options, engine="stacked"), Listener())
    alone = replace(options, out=options.out / "alone", engine="stacked")
    run(walks, alone, Listener())
    if adds:
        assert wall_seconds(options.out) >= first + RUN
    else:
        assert wall_seconds(options.out) == wall_seconds(alone.out)


@pytest.mark.slow
def test_a_file_that_cannot_be_read_counts_as_none(options: Options) -> None:
    run(study(1), options, Listener())
    first = wall_seconds(options.out)
    (options.out / "timed" / "wall_time.json").write_text("[1")
    run(study(1), options, Listener())
    assert wall_seconds(options.out) == first  # from provenance.json


def test_tables_are_rewritten_the_rarer_the_longer_that_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    clock = TableClock()
    for seconds, pause in ((0.5, 60.0), (10.0, 200.0), (1.0, 60.0)):
        clock.note(lambda seconds=seconds: now.__setitem__(0, now[0] + seconds))
        now[0] += pause - 0.1
        assert not clock.is_time()
        now[0] += 0.2
        assert clock.is_time()
