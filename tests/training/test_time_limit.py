"""A run that has to end in time: what may begin, and what stops the rest."""

from __future__ import annotations

import signal
import sys
import threading
import time

import pytest

from nnbench.pipeline import Options, stacks_of
from nnbench.training.native.machine import Machine
from nnbench.training.native.wall import TO_LOAD_PROGRAMS, TO_START_A_WORKER, first_seconds
from nnbench.training.plan import plan
from nnbench.training.time_limit import TimeLimit, TimeLimitError, TimeUp, lived, seconds_of
from nnbench.training.workers import run_tasks
from tests.helpers import make_cells
from tests.training.tasks import square
from tests.waiting import HANG


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2h", 7200), ("90m", 5400), ("45s", 45), ("1h30m", 5400), ("1h1m1s", 3661), ("100h", 360000)],
)
def test_times_are_read(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "h", "2 h", "-1h", "1.5h", "30m1h", "0s", "1d", "2H"])
def test_what_is_no_time_is_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time: write 2h, 90m, 45s or 1h30m"):
        seconds_of(text)


@pytest.mark.parametrize("given", [0.0, -1.0, float("inf"), float("nan")])
def test_seconds_are_some_and_not_for_ever(given: float) -> None:
    with pytest.raises(ValueError, match="is not a time"):
        TimeLimit.of(given)
    assert TimeLimit.of(None) is None


def test_a_limit_counts_from_the_process_s_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    limit = TimeLimit.of("1m", gone=10.0)
    assert limit is not None and limit.left == 50.0
    limit.reserve = 20.0
    assert limit.left == 30.0


def test_a_limit_that_is_too_short_says_how_long_a_run_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    limit = TimeLimit.of("30s", gone=4.0)
    assert limit is not None
    limit.reserve = 15.0
    limit.need(10.0, cells=192)
    with pytest.raises(TimeLimitError, match=r"15 s reserved, 26 s are left .* at least 33 s$"):
        limit.need(14.0, cells=192)


def test_the_first_networks_need_a_worker_its_programs_and_their_own_time() -> None:
    machine = Machine(python=2.0)
    assert first_seconds([], machine) == 2 * TO_START_A_WORKER
    stacks = plan(
        make_cells(data="digits", width=[8, 64], epochs=20), 1, is_native=lambda recipe: False
    )
    shortest = min(stack.seconds for stack in stacks)
    assert shortest < max(stack.seconds for stack in stacks)
    assert first_seconds(stacks, machine) == pytest.approx(2 * (TO_START_A_WORKER + shortest))
    compiled = plan(make_cells(data="digits", epochs=20), 1, is_native=lambda recipe: True)
    assert first_seconds(compiled, machine) > 2 * (TO_START_A_WORKER + TO_LOAD_PROGRAMS)


def test_the_life_of_this_process_is_known() -> None:
    assert 0.0 < lived() < time.clock_gettime(time.CLOCK_BOOTTIME)


def test_what_would_not_end_in_time_does_not_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    limit = TimeLimit(100.0)
    assert limit.has_time_for(80.0) and not limit.is_over
    limit.finished(planned=10.0, taken=20.0)  # twice as slow as the plan has it
    assert limit.has_time_for(40.0) and not limit.is_over
    assert not limit.has_time_for(42.0) and limit.is_over


@pytest.mark.parametrize("here", [True, False])
def test_tasks_that_may_not_start_are_left_out(here: bool) -> None:
    tasks = [3, 0, 2, 4]
    found = run_tasks(tasks, square, 1, here=here, may_start=lambda task: task < 3)
    assert dict(found) == {0: 0, 2: 4}
    assert list(run_tasks(tasks, square, 1, here=here, may_start=lambda task: False)) == []


def test_stacks_are_small_where_time_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    cells = make_cells(data="digits", width=64, seeds=64, epochs=20)
    (whole,) = stacks_of(cells, Options(workers=1))[:1]
    limit = TimeLimit(3 * whole.seconds)
    stacks = stacks_of(cells, Options(workers=1, time_limit=limit))
    assert max(stack.seconds for stack in stacks) <= 0.3 * whole.seconds < whole.seconds
    assert sum(len(stack.cells) for stack in stacks) == 64


def test_a_block_ends_where_it_stands() -> None:
    limit = TimeLimit(time.monotonic())
    before = signal.getsignal(signal.SIGALRM)
    went_on = False
    with limit.ends():
        threading.Event().wait(HANG)
        went_on = True
    assert limit.is_over and not went_on
    assert signal.getsignal(signal.SIGALRM) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_block_that_ends_before_is_as_without_a_limit() -> None:
    limit = TimeLimit(time.monotonic() + HANG)
    with limit.ends():
        pass
    assert not limit.is_over and signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_nothing_is_raised_into_an_import(monkeypatch: pytest.MonkeyPatch) -> None:
    timers: list[float] = []
    monkeypatch.setattr(signal, "setitimer", lambda which, seconds: timers.append(seconds))
    limit = TimeLimit(0.0)
    ask = "limit._answer(14, sys._getframe())"
    exec(compile(ask, "<frozen importlib._bootstrap>", "exec"), {"limit": limit, "sys": sys})
    with pytest.raises(TimeUp):
        limit._answer(14, sys._getframe())
    assert timers == [0.2, 5.0], "soon again, and once more where it was lost"


def test_another_thread_than_the_main_one_is_refused() -> None:
    said: list[str] = []

    def arm() -> None:
        with pytest.raises(ValueError, match="main thread"), TimeLimit(0.0).ends():
            said.append("never")
        said.append("refused")

    thread = threading.Thread(target=arm)
    thread.start()
    thread.join()
    assert said == ["refused"]
