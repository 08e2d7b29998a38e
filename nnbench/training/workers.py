"""Run tasks over worker processes that may die.

A worker is a program of its own (`worker.py`) that is sent one task at a time over its own pipe. It
never imports the caller's main module, which may be a notebook, or a script without a guard. A
worker that dies is replaced and its task starts again; code that raises is not run again, for it
would raise again. Ctrl-C never reaches the children: it is the parent's to handle, and they end
with it.
"""

import multiprocessing
import os
import select
import signal
import subprocess
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Container, Generator, Hashable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain, islice
from multiprocessing.connection import Connection, wait
from pathlib import Path
from time import monotonic
from typing import Any, Generic, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")
Progress = Callable[[Any], None]
Work = Callable[[Task, Progress], Result]

PROGRAM = Path(__file__).with_name("worker.py")
ENOUGH = 2  # waiting tasks for each worker, beyond which their order is free
NEAR = 200  # of these, the first are looked at
PATIENCE = 2.0  # seconds from asking the workers to end to killing them


@dataclass(frozen=True)
class Crash:
    """A task without a result: the last line of `reason` says what happened."""

    reason: str
    starts: int = 1


class WorkerError(Exception):
    """No worker can be started: the message holds what its start raised."""


def run_tasks(
    tasks: Sequence[Task],
    work: Work[Task, Result],
    workers: int = 1,
    on_progress: Callable[[Task, Any], None] | None = None,
    max_starts: int = 3,
    split: Callable[[Task], list[Task]] | None = None,
    initialise: Callable[[], None] | None = None,
    here: bool = True,
    alike: Callable[[Task], Hashable] = lambda task: None,
    may_start: Callable[[Task], bool] = lambda task: True,
) -> Generator[tuple[Task, Result | Crash], None, None]:
    """Yield each task with its result or its crash, in the order in which they end.

    `work(task, progress)` runs in a worker, and what it passes to `progress` reaches
    `on_progress(task, message)` here. With more than one worker, `work`, `initialise`, tasks,
    messages and results travel between processes: functions of a module, and plain data.
    One worker is this process itself, if `here`.

    A task whose worker died `max_starts` times ends as a crash. With `split`, before its last start
    it is taken apart for as long as `split` returns more than one piece, and the pieces are yielded
    in its place: each then starts alone, so that only the guilty one ends as a crash, and nothing
    has started more than `max_starts` times.

    Tasks of which `alike` returns the same share what their first one makes, such as programs.
    While there is work enough, a worker goes on with what is like its last task, and begins with
    what no other worker is at; towards the end, tasks start in their order.

    A task of which `may_start` says no when its turn comes is left out.

    Errors: WorkerError where workers end before they are ready. Whatever stops the caller
    (Ctrl-C, closing the iterator) first ends the workers, in little over two seconds.
    """
    if workers <= 1 and here:
        yield from _run_here(filter(may_start, tasks), work, on_progress, initialise)
        return
    pool = Pool(
        deque(Job(task, alike(task)) for task in tasks), work, on_progress, max_starts, split
    )
    pool.initialise, pool.may_start = initialise, may_start
    try:
        while pool.waiting or pool.busy():
            pool.assign(workers)
            if not (pool.waiting or pool.busy()):  # none of the rest may start
                break
            ended = pool.receive()
            pool.assign(workers)  # before the caller gets to write results down
            yield from ended
    finally:
        pool.stop()


def _run_here(
    tasks: Iterable[Task],
    work: Work[Task, Result],
    on_progress: Callable[[Task, Any], None] | None,
    initialise: Callable[[], None] | None,
) -> Generator[tuple[Task, Result | Crash], None, None]:
    if initialise is not None:
        initialise()
    for task in tasks:

        def progress(message: Any, task: Task = task) -> None:
            if on_progress is not None:
                on_progress(task, message)

        outcome: Result | Crash
        try:
            outcome = work(task, progress)
        except Exception:
            outcome = Crash(traceback.format_exc())
        yield task, outcome


# --------------------------------------------------------------------------------- the parent


@dataclass(eq=False)
class Job(Generic[Task]):
    """A task, and how often it has started."""

    task: Task
    kind: Hashable = None  # jobs of one kind share what the first of them makes
    starts: int = 0


@dataclass(eq=False)
class _Worker(Generic[Task]):
    process: subprocess.Popen[bytes]
    pipe: Connection
    is_ready: bool = False
    job: Job[Task] | None = None
    kind: Hashable = None  # of its last job

    def end(self) -> str:
        """Wait for a process that is dead or dying, and say how it ended."""
        code = self.process.wait()
        self.pipe.close()
        if code < 0:
            return f"was killed by signal {-code} ({signal.strsignal(-code)})"
        return f"ended with exit code {code}"


@dataclass
class Pool(Generic[Task, Result]):
    """The jobs that wait, and the workers with the job that each has."""

    waiting: deque[Job[Task]]
    work: Work[Task, Result]
    on_progress: Callable[[Task, Any], None] | None
    max_starts: int
    split: Callable[[Task], list[Task]] | None
    initialise: Callable[[], None] | None = None
    may_start: Callable[[Task], bool] = lambda task: True
    workers: list[_Worker[Task]] = field(default_factory=list)
    failed_starts: int = 0  # in a row

    def busy(self) -> list[_Worker[Task]]:
        """The workers that have a job."""
        return [worker for worker in self.workers if worker.job is not None]

    def assign(self, workers: int) -> None:
        """Give waiting jobs to ready workers; start as many workers as there is work for."""
        for worker in self.workers:
            while worker.is_ready and worker.job is None and self.waiting:
                job = self._next_for(worker)
                if not self.may_start(job.task):
                    continue
                worker.job = job
                worker.kind = worker.job.kind
                worker.job.starts += 1
                with suppress(OSError):  # it has just died: `receive` will find out
                    worker.pipe.send(worker.job.task)
        if self.workers and self._starts_fail():  # those that are there go on
            return
        idle = len(self.workers) - len(self.busy())
        for _ in range(min(workers - len(self.workers), len(self.waiting) - idle)):
            self.workers.append(self._start())

    def _starts_fail(self) -> bool:
        return self.failed_starts >= self.max_starts

    def _next_for(self, worker: _Worker[Task]) -> Job[Task]:
        """Take out the job that a worker does next."""
        taken = {one.kind for one in self.busy()}
        return taken_out(self.waiting, {worker.kind}, taken, len(self.workers))

    def receive(self, timeout: float | None = None) -> list[tuple[Task, Result | Crash]]:
        """Wait for news of any worker, at most so many seconds; returns the tasks that ended."""
        ended: list[tuple[Task, Result | Crash]] = []
        pipes = {worker.pipe: worker for worker in self.workers}
        for pipe in wait(list(pipes), timeout):
            worker = pipes[pipe]  # type: ignore[index]
            try:
                kind, content = worker.pipe.recv()
            except (EOFError, OSError):
                ended += self._bury(worker)
                continue
            if kind == "ready":
                worker.is_ready, self.failed_starts = True, 0
            elif kind == "broken":
                raise WorkerError(f"A worker could not be set up:\n{content}")
            elif worker.job is not None and kind == "progress":
                if self.on_progress is not None:
                    self.on_progress(worker.job.task, content)
            elif worker.job is not None:
                ended.append((worker.job.task, content))
                worker.job = None
        return ended

    def stop(self) -> None:
        """End every worker: ask, wait `PATIENCE` seconds in all, kill."""
        try:
            for worker in self.workers:
                worker.process.terminate()
            deadline = monotonic() + PATIENCE
            for worker in self.workers:
                with suppress(subprocess.TimeoutExpired):
                    worker.process.wait(max(0.0, deadline - monotonic()))
        finally:  # also where a second Ctrl-C cuts the wait short
            for worker in self.workers:
                worker.process.kill()
            for worker in self.workers:
                worker.end()
            self.workers.clear()

    def _start(self) -> _Worker[Task]:
        """Start a process that Ctrl-C never reaches: it inherits that the signal is blocked."""
        ours, theirs = multiprocessing.Pipe()
        # -P: its own folder holds modules of nnbench, which are none to import from
        command = [sys.executable, "-P", str(PROGRAM), str(theirs.fileno())]
        with held_back():
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()]
                )
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()  # so that the child's death closes the last copy of its end
        with suppress(OSError):  # it has just died: `receive` will find out
            ours.send(sys.path)
            ours.send((self.work, self.initialise))
        return _Worker(process, ours)

    def _bury(self, worker: _Worker[Task]) -> list[tuple[Task, Result | Crash]]:
        """Forget a dead worker; its job starts again, in pieces before its last start."""
        self.workers.remove(worker)
        how = worker.end()
        job = worker.job
        if job is None:
            self.failed_starts += not worker.is_ready
            if self._starts_fail() and not any(one.is_ready for one in self.workers):
                raise WorkerError(f"Workers end before they are ready; the last one {how}.")
            return []
        if job.starts >= self.max_starts:
            return [(job.task, Crash(f"Its worker {how}, {job.starts} times.", job.starts))]
        self.waiting.extend(again(job, self.max_starts, self.split))
        return []


def taken_out(
    waiting: deque[Job[Task]], own: Container[Hashable], taken: Container[Hashable], workers: int
) -> Job[Task]:
    """Take out the job for a worker that has made what jobs of its `own` kinds share.

    taken: the kinds that others are at.
    """
    chosen = waiting[0]
    if len(waiting) > ENOUGH * workers:
        near = list(islice(waiting, NEAR))
        like_its_last = (job for job in near if job.kind in own)
        of_nobody = (job for job in near if job.kind not in taken)
        chosen = next(chain(like_its_last, of_nobody), chosen)
    waiting.remove(chosen)
    return chosen


@contextmanager
def held_back() -> Iterator[None]:
    """Answer signals after the block: a child that is told half of its start shows a traceback."""
    arrived: list[int] = []
    handlers = {}
    if threading.current_thread() is threading.main_thread():  # the only one that may set them
        handlers = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        with ExitStack() as restored:
            for number, handler in handlers.items():
                if handler not in (signal.SIG_IGN, None):
                    signal.signal(number, lambda number, frame: arrived.append(number))
                    restored.callback(signal.signal, number, handler)
            yield
    finally:
        for late in arrived:
            signal.raise_signal(late)


def again(
    job: Job[Task], max_starts: int, split: Callable[[Task], list[Task]] | None
) -> list[Job[Task]]:
    """A job whose worker died, to wait once more: in pieces before its last start."""
    pieces = [job.task]
    if split is not None and job.starts == max_starts - 1:
        pieces = _pieces(job.task, split)
    return [Job(piece, job.kind, job.starts) for piece in pieces]


def _pieces(task: Task, split: Callable[[Task], list[Task]]) -> list[Task]:
    """The task taken apart for as long as `split` returns more than one piece."""
    parts = split(task)
    if len(parts) < 2:
        return [task]
    return [piece for part in parts for piece in _pieces(part, split)]


# --------------------------------------------------------------------------------- the worker


def serve(pipe: Connection) -> None:
    """A worker's life: set up, then one task after the other until the pipe closes."""
    threading.Thread(target=_end_with_parent, args=(pipe.fileno(),), daemon=True).start()
    with suppress(EOFError, OSError):  # the parent is gone, or has no more for us
        try:
            work, initialise = pipe.recv()
            if initialise is not None:
                initialise()
        except (EOFError, ConnectionError):
            return
        except Exception:
            pipe.send(("broken", traceback.format_exc()))
            return
        pipe.send(("ready", None))
        while True:
            task = pipe.recv()
            try:
                message = ("result", work(task, lambda news: pipe.send(("progress", news))))
                pipe.send(message)
            except Exception:
                pipe.send(("result", Crash(traceback.format_exc())))


def _end_with_parent(pipe: int) -> None:
    """End at once when the parent does, even killed, and even in the middle of a task."""
    end = select.poll()
    end.register(pipe, 0)  # asked for nothing, it tells of the other end's closing alone
    end.poll()
    os._exit(1)
