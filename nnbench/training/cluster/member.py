"""What runs in a worker of a cluster: each of its threads keeps a process of its own that trains.

A program that crashes takes that process with it and not the worker, a run that is stopped ends it
at once, and what one run registers no other run sees.
"""

import hashlib
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic

from nnbench.training.scratch import Scratch, new_scratch
from nnbench.training.workers import Job, Pool, Result, Task, Work

PREFIX = "nnbench-sent-"  # of the folder of files that a worker was sent
POLL = 0.5  # seconds between looks at whether a task is still wanted


class DamagedError(Exception):
    """What travelled is not what was sent: the message says which."""


class UnwantedError(Exception):
    """The run has ended, or has the task's result from elsewhere."""


@dataclass(frozen=True)
class Kit(Generic[Task, Result]):
    """What a run gives every worker: functions of modules, and plain data.

    files: contents by SHA-256/NAME. `initialise(paths, differs)` sets a process up: paths says
    where those files lie on its machine, differs how that machine differs, if it does.
    topic: what the worker's news are published under. pause: seconds between news of one task.
    """

    work: Work[Task, Result]
    split: Callable[[Task], list[Task]] | None = None
    initialise: Callable[[Mapping[str, str], str], None] | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    max_starts: int = 3
    topic: str = ""
    pause: float = 1.0


class Room(Generic[Task, Result]):
    """What a worker keeps of a run: the files that it was sent, and processes that are ready.

    It lies in the worker's memory for as long as the run wants it, and its processes end with it.
    Errors: DamagedError where a file is not what its hash says.
    """

    def __init__(self, kit: Kit[Task, Result], differs: str = "") -> None:
        self.kit, self._differs = kit, differs
        self._idle: list[Pool[Task, Result]] = []
        self._lock = threading.Lock()
        self._scratch = new_scratch(PREFIX) if kit.files else None
        weakref.finalize(self, _end, self._idle, self._scratch)
        self.paths = {name: self._kept(name, content) for name, content in kit.files.items()}

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy elsewhere is a room of its own: neither processes nor files travel."""
        return Room, (self.kit, self._differs)

    def take(self) -> Pool[Task, Result]:
        """A pool of one process, which is ready where an earlier task left one."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
        pool = Pool[Task, Result](deque(), self.kit.work, None, self.kit.max_starts, self.kit.split)
        if self.kit.initialise is not None:
            pool.initialise = partial(self.kit.initialise, self.paths, self._differs)
        return pool

    def give_back(self, pool: Pool[Task, Result]) -> None:
        """Keep its process for the next task."""
        with self._lock:
            self._idle.append(pool)

    def _kept(self, name: str, content: bytes) -> str:
        if hashlib.sha256(content).hexdigest() != name.split("/")[0]:
            raise DamagedError(f"a file arrived damaged: {name}")
        assert self._scratch is not None
        path = self._scratch.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return str(path)


def _end(idle: list[Pool[Any, Any]], scratch: Scratch | None) -> None:
    """End processes that have nothing to do, and so nothing to lose, and remove the files."""
    for pool in idle:
        for worker in pool.workers:
            worker.process.kill()
            worker.end()
    if scratch is not None:
        scratch.remove()


# a task's pieces, where its process died again and again; None stands for the whole task
Ended = list[tuple[Any, Any]]


def do(room: Room[Task, Result], number: int, task: Task, starts: int) -> Ended:
    """Do a task in a process of its own; returns its pieces, or the whole, and what came of each.

    number: by which the task's news name it. starts: how often it has been started, this time
    included: a process that dies is counted on from there. Ends early where nobody wants it.
    """
    pool = room.take()
    pool.on_progress = _Publisher(room.kit, number, task)
    is_wanted = _asker()
    pool.waiting.append(Job(task, starts=starts - 1))
    ended: Ended = []
    try:
        while pool.waiting or pool.busy():
            pool.assign(1)
            for piece, outcome in pool.receive(POLL):
                ended.append((None if piece is task else piece, outcome))
            if not is_wanted():
                raise UnwantedError(f"task {number} is no longer wanted")
    except BaseException:
        pool.stop()
        raise
    room.give_back(pool)
    return ended


class _Publisher:
    """Publishes the news of a whole task, now and then, to whoever started it."""

    def __init__(self, kit: Kit[Any, Any], number: int, task: Any) -> None:
        from distributed import get_worker

        self._log = get_worker().log_event
        self._kit, self._number, self._task = kit, number, task
        self._said = time.monotonic()

    def __call__(self, task: Any, news: Any) -> None:
        now = time.monotonic()
        if task is self._task and now - self._said >= self._kit.pause:
            self._said = now
            self._log(self._kit.topic, (self._number, news))


def _asker() -> Callable[[], bool]:
    """Asks whether the scheduler still wants the task that this thread does.

    Dask never interrupts a task: one that is cancelled, or whose run is gone, works on to its end.
    """
    from distributed import Status, get_worker
    from distributed.worker import thread_state

    worker, key = get_worker(), thread_state.key
    ending = (Status.closing, Status.closed, Status.failed)

    def is_wanted() -> bool:
        task = worker.state.tasks.get(key)
        return task is not None and task.state == "executing" and worker.status not in ending

    return is_wanted
