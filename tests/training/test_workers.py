"""Workers that die, tasks that kill them, and parents that stop: everyone else's work is done."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter, deque
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from nnbench.training.workers import Crash, Job, Pool, WorkerError, _Worker, run_tasks
from tests.places import ROOT
from tests.training.tasks import (
    FOLDER,
    Cells,
    die,
    die_but_first,
    die_every_other_time,
    halves,
    leave_a_mark,
    lively,
    refuse,
    square,
    until_three_failed,
)
from tests.waiting import HANG, until

ALIKE = ("a1", "b1", "a2", "c1", "a3", "b2", "b3", "a4", "b4", "c2")  # by their first letters


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    (tmp_path / "starts").touch()
    return tmp_path


def starts(notes: Path) -> Counter[str]:
    return Counter((notes / "starts").read_text().split())


@pytest.mark.parametrize("workers", [1, 2])
def test_every_task_ends_once_and_its_progress_is_heard(workers: int) -> None:
    heard: list[tuple[int, Any]] = []
    tasks = [3, 0, 2, 4]
    outcomes = run_tasks(
        tasks, square, workers, on_progress=lambda task, news: heard.append((task, news))
    )
    assert sorted(outcomes) == [(0, 0), (2, 4), (3, 9), (4, 16)]
    assert sorted(heard) == sorted((task, step) for task in tasks for step in range(task))


def test_a_worker_goes_on_with_what_is_like_its_last_task_while_there_is_enough() -> None:
    pool: Any = Pool(deque(Job(name, name[0]) for name in ALIKE), square, None, 3, None)
    first, second = (_Worker(None, None) for _ in range(2))  # type: ignore[arg-type]
    pool.workers = [first, second]
    taken: dict[int, list[str]] = {0: [], 1: []}
    for turn in range(len(ALIKE)):
        worker = pool.workers[turn % 2]
        worker.job = None
        worker.job = pool._next_for(worker)
        worker.kind = worker.job.kind
        taken[turn % 2].append(worker.job.task)
    # each keeps to its kind, then begins another; the last four go in their order
    assert taken == {0: ["a1", "a2", "a3", "c1", "b4"], 1: ["b1", "b2", "b3", "a4", "c2"]}


@pytest.mark.parametrize("workers", [1, 2])
def test_no_tasks_need_no_workers(workers: int) -> None:
    assert list(run_tasks([], square, workers)) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_code_that_raises_is_a_crash_at_once(notes: Path, workers: int) -> None:
    tasks: list[Cells] = [("raise",), ("fine",)]
    outcomes = dict(run_tasks(tasks, lively, workers, split=halves))
    crash = outcomes["raise",]
    assert isinstance(crash, Crash)
    assert crash.reason.startswith("Traceback")
    assert crash.reason.rstrip().endswith("ValueError: raise is no good")
    assert outcomes["fine",] == ["fine"]
    assert starts(notes) == {"raise": 1, "fine": 1}


def test_a_killed_worker_is_replaced_and_its_task_runs_again(notes: Path) -> None:
    tasks: list[Cells] = [("once",), ("a",), ("b",), ("c",)]
    outcomes = dict(run_tasks(tasks, lively, 2, initialise=leave_a_mark))
    assert outcomes == {task: list(task) for task in tasks}
    assert starts(notes) == {"once": 2, "a": 1, "b": 1, "c": 1}
    assert len(list(notes.glob("ready-*"))) in (2, 3)  # each set up before its first task


def test_deadly_tasks_end_as_crashes_after_three_starts(notes: Path) -> None:
    tasks: list[Cells] = [("kill",), ("a",), ("exit",), ("unpicklable",), ("b",)]
    outcomes = dict(run_tasks(tasks, lively, 2))
    assert len(outcomes) == 5
    killed, ended, odd = outcomes["kill",], outcomes["exit",], outcomes["unpicklable",]
    assert killed == Crash("Its worker was killed by signal 9 (Killed), 3 times.", 3)
    assert ended == Crash("Its worker ended with exit code 7, 3 times.", 3)
    assert isinstance(odd, Crash)
    assert "pickle" in odd.reason
    assert (outcomes["a",], outcomes["b",]) == (["a"], ["b"])
    assert starts(notes) == {"kill": 3, "exit": 3, "a": 1, "b": 1, "unpicklable": 1}


def test_splitting_finds_the_guilty_cell(notes: Path) -> None:
    tasks: list[Cells] = [("a", "b", "c", "kill", "e"), ("f",)]
    outcomes = dict(run_tasks(tasks, lively, 2, split=halves))
    crashes = {task for task, outcome in outcomes.items() if isinstance(outcome, Crash)}
    assert crashes == {("kill",)}
    assert outcomes.keys() == {(cell,) for cell in ("a", "b", "c", "kill", "e", "f")}
    assert max(starts(notes).values()) == 3


def test_without_splitting_the_innocent_crash_too(notes: Path) -> None:
    outcomes = dict(run_tasks([("a", "kill"), ("f",)], lively, 2))
    assert isinstance(outcomes["a", "kill"], Crash)
    assert outcomes["f",] == ["f"]


def test_a_worker_that_cannot_be_set_up_is_an_error() -> None:
    with pytest.raises(WorkerError, match="no threads left"):
        list(run_tasks([1, 2], square, 2, initialise=refuse))
    with pytest.raises(WorkerError, match="exit code 3"):
        list(run_tasks([1, 2], square, 2, initialise=die))


def test_who_is_ready_goes_on_where_no_other_can_start(notes: Path) -> None:
    outcomes = run_tasks([1, 2, 3], until_three_failed, 2, initialise=die_but_first)
    assert sorted(outcomes) == [(1, 1), (2, 2), (3, 3)]
    assert (notes / "failed").read_text() == "xxx", "and no more are tried"


def test_starts_that_fail_now_and_then_are_no_error(notes: Path) -> None:
    outcomes = run_tasks([("once1", "once2", "c")], lively, 2, initialise=die_every_other_time)
    assert list(outcomes) == [(("once1", "once2", "c"), ["once1", "once2", "c"])]
    assert (notes / "set-ups").read_text() == "x" * 6


def test_closing_the_iterator_ends_the_workers(notes: Path) -> None:
    outcomes = run_tasks([1] * 50, square, 2)
    assert next(outcomes) == (1, 1)
    assert len(children_of(os.getpid())) >= 2
    outcomes.close()  # type: ignore[attr-defined]
    assert not [child for child in children_of(os.getpid()) if "worker.py" in command(child)]


def test_files_do_not_stay_open_as_workers_come_and_go(notes: Path) -> None:
    list(run_tasks([("kill",)], lively, 2))  # starts what stays, such as Python's resource tracker
    before = len(os.listdir("/proc/self/fd"))
    list(run_tasks([("kill",), ("exit",)], lively, 2))
    assert len(os.listdir("/proc/self/fd")) == before


UNGUARDED = """
    from nnbench.training.workers import run_tasks
    from tests.training.tasks import square
    print("begins")
    print(sorted(run_tasks([2, 3, 4], square, 2)))
"""


@pytest.mark.parametrize("read", ["a file", "standard input", "an argument"])
def test_workers_never_import_what_the_caller_is(tmp_path: Path, read: str) -> None:
    text = textwrap.dedent(UNGUARDED)
    (tmp_path / "unguarded.py").write_text(text)
    arguments = {"a file": [str(tmp_path / "unguarded.py")], "an argument": ["-c", text]}
    ended = subprocess.run(
        [sys.executable, *arguments.get(read, [])],
        input=text if read == "standard input" else "",
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert (ended.stdout, ended.stderr) == ("begins\n[(2, 4), (3, 9), (4, 16)]\n", "")


# ------------------------------------------------------------------------ parents that stop

PARENT = """
    import signal, sys, time
    from nnbench.training import workers
    from tests.training.tasks import hang

    def stop(*_):
        raise SystemExit(143)

    if __name__ == "__main__":
        if "handle" in sys.argv:
            signal.signal(signal.SIGTERM, stop)
        if "patient" in sys.argv:
            workers.PATIENCE = 1e6
        tasks = ["deaf" in sys.argv] * 4
        said = lambda *news: print(news, flush=True)
        for _ in workers.run_tasks(tasks, hang, 2, said):
            pass
"""


def children_of(parent: int) -> list[int]:
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(child) for child in found.split()]


def command(process: int) -> str:
    """The command line of a process; empty where it has ended."""
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start the parent, in a group of its own: a signal can go to all of them, as Ctrl-C does."""
    script = folder / "parent.py"
    script.write_text(textwrap.dedent(PARENT))
    return subprocess.Popen(
        [sys.executable, str(script), *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def lines(program: subprocess.Popen[str], count: int) -> list[str]:
    """Wait for so many lines of a program's output."""
    assert program.stdout is not None
    return [program.stdout.readline() for _ in range(count)]


@pytest.fixture
def start_parent(tmp_path: Path) -> Any:
    """Start a program whose two workers hang; returns it and its children once they do."""
    programs: list[subprocess.Popen[str]] = []

    def start_it(*arguments: str) -> tuple[subprocess.Popen[str], list[int]]:
        program = start(tmp_path, *arguments)
        programs.append(program)
        assert lines(program, 2).count("") == 0
        return program, children_of(program.pid)

    yield start_it
    for program in programs:
        with suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        program.communicate()


def wait_for_the_end_of(processes: list[int]) -> None:
    until(lambda: not any(command(process) for process in processes), "its children's end")


@pytest.mark.whole
@pytest.mark.parametrize("deaf", [False, True])
def test_ctrl_c_stops_everyone(start_parent: Any, deaf: bool) -> None:
    program, children = start_parent(*["deaf"] * deaf)
    assert len(children) >= 2
    os.killpg(program.pid, signal.SIGINT)
    _, errors = program.communicate(timeout=HANG)
    assert program.returncode == -signal.SIGINT
    assert errors.count("Traceback") == 1  # the parent's own: the children are silent
    assert errors.rstrip().endswith("KeyboardInterrupt")
    wait_for_the_end_of(children)


@pytest.mark.whole
def test_ctrl_c_while_workers_start_is_the_parents_alone(tmp_path: Path) -> None:
    for delay in (0.0, 0.03, 0.06, 0.1):
        program = start(tmp_path)
        # Python's resource tracker, and a worker
        until(lambda pid=program.pid: len(children_of(pid)) >= 2, "a worker's start")
        time.sleep(delay)
        os.killpg(program.pid, signal.SIGINT)
        _, errors = program.communicate(timeout=HANG)
        assert program.returncode == -signal.SIGINT
        assert errors.count("Traceback") == 1


def test_a_second_ctrl_c_cuts_the_wait_short(start_parent: Any) -> None:
    program, children = start_parent("deaf", "patient")  # it would wait for longer than any test
    os.killpg(program.pid, signal.SIGINT)
    assert lines(program, 2) == ["heard\n"] * 2  # so the parent has come to its wait
    os.killpg(program.pid, signal.SIGINT)
    program.communicate(timeout=HANG)
    wait_for_the_end_of(children)


def test_a_handler_of_sigterm_ends_the_workers_too(start_parent: Any) -> None:
    program, children = start_parent("handle")
    program.terminate()
    program.communicate(timeout=HANG)
    assert program.returncode == 143
    wait_for_the_end_of(children)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_workers_do_not_outlive_a_parent_that_is_killed(start_parent: Any, number: int) -> None:
    program, children = start_parent("deaf")
    os.kill(program.pid, number)
    program.wait(timeout=HANG)
    wait_for_the_end_of(children)
