"""What is told of a run in progress: the time that is left, once there is enough to go by."""

from __future__ import annotations

import io
import time

import pytest

from nnbench.cli.progress import SECONDS_TO_TELL, Progress, TimeLeft, rough
from nnbench.results.rows import Rows
from nnbench.results.store import Survey
from nnbench.study.study import Cell
from nnbench.training.plan import PlannedStack
from nnbench.training.tasks import Task

NOTHING = Survey(frozenset(), frozenset(), frozenset(), frozenset(), 0, 0)


class Clock:
    """A clock that these tests set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "monotonic", made)
    return made


def stack(name: str, cells: int, seconds: float) -> PlannedStack:
    return PlannedStack(tuple(Cell("s", {}, f"{name}{n}") for n in range(cells)), seconds, 0)


def task(of: PlannedStack) -> Task:
    return Task(of.cells, "stacked", "cpu")


def test_starting_up_is_not_taken_for_work(clock: Clock) -> None:
    one = stack("a", 10, seconds=40.0)
    left = TimeLeft([one])
    clock.now = 30.0  # of importing torch
    left.progressed(task(one), 0.0)
    assert left.seconds() is None
    clock.now = 34.0
    left.progressed(task(one), 0.1)
    assert left.seconds() == pytest.approx(36.0)


def test_nothing_is_told_of_too_little_work(clock: Clock) -> None:
    one = stack("a", 10, seconds=40.0)
    left = TimeLeft([one])
    left.progressed(task(one), 0.0)
    clock.now = 10.0
    left.progressed(task(one), 0.01)
    assert left.seconds() is None
    clock.now = SECONDS_TO_TELL / 2
    left.progressed(task(one), 0.5)
    assert left.seconds() is None


def test_slow_cells_first_do_not_make_the_rest_look_slow(clock: Clock) -> None:
    slow, quick = stack("a", 10, seconds=90.0), stack("b", 90, seconds=10.0)
    left = TimeLeft([slow, quick])
    left.progressed(task(slow), 0.0)
    clock.now = 90.0
    left.finished(task(slow))
    assert left.seconds() == pytest.approx(10.0)


def test_a_task_that_is_split_is_counted_once(clock: Clock) -> None:
    one = stack("a", 4, seconds=40.0)
    left = TimeLeft([one])
    left.progressed(task(one), 0.0)
    clock.now = 20.0
    for part in (one.cells[:2], one.cells[2:]):
        left.finished(Task(part, "stacked", "cpu"))
    assert left.seconds() == 0.0


def test_plain_lines_are_told_now_and_then(clock: Clock) -> None:
    stream = io.StringIO()
    progress = Progress(stream)
    one, other = stack("a", 10, seconds=50.0), stack("b", 10, seconds=50.0)
    progress.planned(20, NOTHING, [one, other], notes=["l1 changes nothing in 2 of 4 arms"])
    progress.progressed(task(one), 0.0)
    clock.now = 20.0
    rows = [{"status": "ok"}] * 9 + [{"status": "diverged"}]
    progress.finished(task(one), Rows(cells=rows))
    assert stream.getvalue().splitlines() == [
        "20 networks: 20 to train.",
        "note: l1 changes nothing in 2 of 4 arms.",
        "10/20 networks, 1 diverged, about 20 s left",
    ]


def test_a_guess_is_told_in_round_numbers() -> None:
    assert [rough(seconds) for seconds in (0.4, 59.6, 119.0, 125.0, 5000.0, 8000.0)] == [
        "0 s",
        "60 s",
        "119 s",
        "2 min",
        "83 min",
        "2 h 13 min",
    ]


class Terminal(io.StringIO):
    """A stream that calls itself a terminal."""

    def isatty(self) -> bool:
        return True


def test_no_bar_is_full_while_something_is_being_written(clock: Clock) -> None:
    one, said = stack("a", 1000, seconds=40.0), Terminal()
    progress = Progress(said)
    progress.planned(1000, NOTHING, [one])
    progress.stage("training")
    progress.progressed(task(one), 1.0)  # trained, and not yet on disk
    assert "99%" in said.getvalue() and "100%" not in said.getvalue()
    rows = Rows([{"cell_id": cell.cell_id, "status": "ok"} for cell in one.cells])
    progress.finished(task(one), rows)
    for stage in ("writing tables", "statistics", "figures", "page"):
        said.truncate(0)
        progress.stage(stage)
        assert f"1000/1000 networks, {stage}" in said.getvalue()
        assert "%" not in said.getvalue()
    progress.close()


def test_tables_that_are_written_on_the_way_are_said_so(clock: Clock) -> None:
    one, said = stack("a", 10, seconds=40.0), Terminal()
    progress = Progress(said)
    progress.planned(10, NOTHING, [one])
    progress.progressed(task(one), 0.5)
    progress.stage("writing tables")
    assert "50%" in said.getvalue() and "5/10 networks, writing tables" in said.getvalue()


def test_nothing_is_counted_before_it_is_known_what_will_run(clock: Clock) -> None:
    said = io.StringIO()
    progress = Progress(said)
    clock.now += 100.0
    progress.staffed(0)
    progress.staffed(2)
    assert said.getvalue() == "waiting for a worker of the cluster ...\n"


def test_lines_name_the_stage_too(clock: Clock) -> None:
    one, said = stack("a", 10, seconds=40.0), io.StringIO()
    progress = Progress(said)
    progress.planned(10, NOTHING, [one])
    progress.finished(task(one), Rows([{"cell_id": "a0", "status": "ok"}] * 10))
    clock.now = 100.0
    progress.stage("figures")
    assert said.getvalue().endswith("10/10 networks, figures\n")
