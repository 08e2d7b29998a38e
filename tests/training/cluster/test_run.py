"""A real scheduler and four workers: one is killed, one freezes, one is late."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from nnbench.training.cluster import run as run_module
from nnbench.training.cluster.crew import Crew
from nnbench.training.cluster.errors import ClusterError
from nnbench.training.cluster.member import Kit
from nnbench.training.cluster.place import opened
from nnbench.training.cluster.run import run_on
from nnbench.training.workers import Crash
from tests.away import halves, note_differs, say_differs, wait_and_tell
from tests.clusters import Cluster, children, cluster, frozen
from tests.waiting import until

pytestmark = [
    pytest.mark.whole,
    # of sockets and loops that Dask leaves to the collector when a connection breaks
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
KIT: Kit[Any, Any] = Kit(wait_and_tell, split=halves, pause=0.0)


@pytest.fixture
def four() -> Iterator[Cluster]:
    with cluster(4) as made:
        yield made


class Running:
    """A run in a thread of its own, while the test does something to its workers."""

    def __init__(self, address: str, folder: Path, tasks: list[Any], wait_for: int = 4) -> None:
        self.folder, self.ended, self.news, self.error = folder, [], [], None  # type: ignore[var-annotated]
        self.tasks, self.address, self.wait_for = tasks, address, wait_for
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            with opened(self.address) as client:
                client.wait_for_workers(self.wait_for)
                crew = Crew(client, self.address)
                crew.gather()
                told = lambda task, news: self.news.append(news)  # noqa: E731
                for outcome in run_on(crew, self.tasks, KIT, on_progress=told):
                    self.ended.append(outcome)
        except BaseException as error:
            self.error = error

    def __enter__(self) -> Running:
        self._thread.start()
        return self

    def __exit__(self, *about: object) -> None:
        self.go()
        self._thread.join()

    def go(self) -> None:
        (self.folder / "go").touch()

    def end(self) -> list[Any]:
        self.go()
        until(lambda: not self._thread.is_alive(), "the run")
        assert self.error is None, self.error
        return self.ended

    def starts(self, name: str) -> list[int]:
        path = self.folder / f"{name}.starts"
        return [int(pid) for pid in path.read_text().split()] if path.exists() else []

    def all_started(self, names: Iterator[str] | list[str]) -> None:
        for name in names:
            until(lambda: self.starts(name), f"the start of {name}")  # noqa: B023


def tasks_of(folder: Path, *names: str) -> list[Any]:
    return [(str(folder), (name,)) for name in names]


def names_of(ended: list[Any]) -> list[str]:
    return sorted(name for task, outcome in ended for name in task[1])


def test_every_task_ends_once_and_its_news_is_heard(four: Cluster, tmp_path: Path) -> None:
    names = [f"t{number}" for number in range(9)]
    with Running(four.address, tmp_path, tasks_of(tmp_path, *names)) as running:
        running.all_started(names[:4])
        until(lambda: len(set(running.news)) >= 4, "the news")
        ended = running.end()
    assert names_of(ended) == names and len(ended) == 9
    assert all(outcome[1] == task[1] for task, outcome in ended)
    assert {outcome[0] for task, outcome in ended} <= {worker.pid for worker in four.workers}


def test_what_a_killed_worker_had_starts_again_elsewhere(four: Cluster, tmp_path: Path) -> None:
    names = ["a", "b", "c"]  # so that one worker has nothing to do
    with Running(four.address, tmp_path, tasks_of(tmp_path, *names)) as running:
        running.all_started(names)
        (killed,) = running.starts("a")
        os.kill(killed, signal.SIGKILL)
        until(lambda: len(running.starts("a")) == 2, "the second start")
        ended = running.end()
    assert names_of(ended) == names
    assert not any(isinstance(outcome, Crash) for task, outcome in ended)
    assert all(len(running.starts(name)) == 1 for name in names[1:])


def test_what_a_frozen_worker_has_is_done_elsewhere(
    four: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "LATE_SECONDS", 0.0)
    names = ["a", "b", "c", "d"]
    with Running(four.address, tmp_path, tasks_of(tmp_path, *names)) as running:
        running.all_started(names)
        (pid,) = running.starts("a")
        with frozen(next(worker for worker in four.workers if worker.pid == pid)):
            ended = running.end()
    assert names_of(ended) == names
    assert next(outcome for task, outcome in ended if task[1] == ("a",))[0] != pid


def test_a_worker_that_is_late_is_given_work(tmp_path: Path) -> None:
    names = ["a", "b", "c", "d"]
    with (
        cluster(1) as one,
        Running(one.address, tmp_path, tasks_of(tmp_path, *names), 1) as running,
    ):
        # the worker is sent two, and which it begins with is its own affair
        until(lambda: any(running.starts(name) for name in names), "the first start")
        (late,) = one.add()
        until(
            lambda: any(late.pid in running.starts(name) for name in names), "work for the late one"
        )
        assert names_of(running.end()) == names


def test_only_what_kills_its_worker_crashes_and_it_starts_three_times(
    tmp_path: Path,
) -> None:
    with cluster(5) as five:
        tasks = [(str(tmp_path), ("a", "kill", "b")), *tasks_of(tmp_path, "c", "d", "e")]
        with Running(five.address, tmp_path, tasks, 5) as running:
            ended = running.end()
        crashed = [(task[1], out) for task, out in ended if isinstance(out, Crash)]
    assert [names for names, crash in crashed] == [("kill",)]
    assert crashed[0][1].reason == "Its worker was lost, 3 times." and crashed[0][1].starts == 3
    assert len(running.starts("kill")) == 3
    assert names_of(ended) == ["a", "b", "c", "d", "e", "kill"]


def test_a_run_that_stops_leaves_the_cluster_as_it_was(four: Cluster, tmp_path: Path) -> None:
    with opened(four.address) as client:
        client.wait_for_workers(4)
        crew = Crew(client, four.address)
        crew.gather()
        names = [f"t{number}" for number in range(30)]
        outcomes = run_on(crew, tasks_of(tmp_path, *names), KIT)
        thread = threading.Thread(target=lambda: next(outcomes))
        thread.start()
        until(lambda: len(list(tmp_path.glob("*.starts"))) >= 4, "four starts")
        (tmp_path / "go").touch()
        thread.join()
        (tmp_path / "go").unlink()
        outcomes.close()
    with opened(four.address) as client:
        assert len(client.nthreads()) == 4
        until(lambda: not client.run_on_scheduler(_tasks), "an empty scheduler")
    for worker in four.workers:
        until(lambda: not children(worker), "the end of what trained")  # noqa: B023
    assert len(list(tmp_path.glob("*.starts"))) < 30, "it was stopped before its end"


def _tasks(dask_scheduler: Any) -> int:
    return len(dask_scheduler.tasks)


@contextmanager
def crew_that_is(
    made: Cluster, differ: dict[str, str], monkeypatch: pytest.MonkeyPatch, **options: Any
) -> Iterator[tuple[Crew, list[str]]]:
    """A crew of a run whose own machine is otherwise in some ways."""
    from nnbench.training.cluster import crew as crew_module

    ours = crew_module.likeness()
    notes: list[str] = []
    with opened(made.address) as client:
        client.wait_for_workers(len(made.workers))
        with monkeypatch.context() as changed:
            changed.setattr(crew_module, "likeness", lambda: {**ours, **differ})
            crew = Crew(client, made.address, on_note=notes.append, **options)
        yield crew, notes


def test_a_worker_that_differs_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with cluster(1) as one:
        theirs = {"torch": "0.1", "processor": "abacus"}
        with crew_that_is(one, theirs, monkeypatch) as (crew, notes):
            with pytest.raises(ClusterError, match=r"no worker can train: tcp://.* has torch"):
                crew.gather()
            assert ", not torch 0.1, processor abacus; --mixed would use it" in notes[0]
        with crew_that_is(one, theirs, monkeypatch, mixed=True) as (crew, notes):
            assert crew.gather() == 1 and notes == []
            kit: Kit[Any, Any] = Kit(say_differs, initialise=note_differs)
            ((_, told),) = run_on(crew, ["a"], kit)
        assert told.startswith("torch ") and ", processor " in told
        code = {"mixed": True, "sends_code": True}
        with (
            crew_that_is(one, {"Python": "2.7"}, monkeypatch, **code) as (crew, notes),
            pytest.raises(ClusterError, match="own entries need the same Python"),
        ):
            crew.gather()


def test_a_scheduler_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nnbench.training.cluster.place.ENOUGH_SECONDS", 1.0)
    told = re.escape("--cluster tcp://127.0.0.1:9: no scheduler answers there")
    with pytest.raises(ClusterError, match=told), opened("tcp://127.0.0.1:9"):
        raise AssertionError("there is one")
