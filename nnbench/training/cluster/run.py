"""A run's stacks over the workers of a cluster: handed out, awaited, and started again."""

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Generator, Hashable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Generic

from nnbench.training.cluster.crew import NOTHING, Crew, Mail, Member, is_cancelled, is_lost, said
from nnbench.training.cluster.member import Ended, Kit, Room, do
from nnbench.training.workers import ENOUGH, Crash, Job, Result, Task, again, taken_out

SMALL = 100_000  # bytes of files that travel to each worker by themselves
LATE = 2.0  # times the longest that anything took, after which a task is started once more
LATE_SECONDS = 10.0  # but not before
NEWS_A_SECOND = 50  # of all tasks together

Outcome = tuple[Task, Result | Crash]


def run_on(
    crew: Crew,
    tasks: Sequence[Task],
    kit: Kit[Task, Result],
    on_progress: Callable[[Task, Any], None] | None = None,
    alike: Callable[[Task], Hashable] = lambda task: None,
    may_start: Callable[[Task], bool] = lambda task: True,
) -> Generator[Outcome[Task, Result], None, None]:
    """Yield each task with its result or its crash, in the order in which they end.

    As `run_tasks` does with processes of this machine, whose rules of dying tasks hold here too: a
    task is started `kit.max_starts` times at most, whether a process of its own dies or the worker.
    Each worker has as many tasks as threads, and one more while there are enough. One that is out
    for far longer than any other took is started once more elsewhere, where a thread is free: its
    worker may hang, and which of the two ends first makes no difference to the result.
    One that `may_start` refuses when its turn comes is left out.

    Errors: WorkerError where the scheduler is gone; ClusterError where no worker is left but those
    that were refused. Whatever stops the caller first cancels what is out.
    """
    run = _Run(crew, deque(Job(task, alike(task)) for task in tasks), kit, on_progress)
    run.may_start = may_start
    try:
        yield from run.outcomes()
    finally:
        run.close()


@dataclass(eq=False)
class _Errand(Generic[Task]):
    """A start of a job at a worker."""

    number: int
    job: Job[Task]
    member: Member
    room: Any  # the future of the room in which it is done
    future: Any
    began: float


class _Run(Generic[Task, Result]):
    """The jobs that wait, and the errands that are out."""

    def __init__(
        self,
        crew: Crew,
        waiting: deque[Job[Task]],
        kit: Kit[Task, Result],
        on_progress: Callable[[Task, Any], None] | None,
    ) -> None:
        self.crew, self.waiting, self.on_progress = crew, waiting, on_progress
        self.may_start: Callable[[Task], bool] = lambda task: True
        pause = max(kit.pause, crew.threads / NEWS_A_SECOND)
        self.kit = replace(kit, topic=f"nnbench-{crew.token}", pause=pause)
        self.out: dict[int, _Errand[Task]] = {}
        self.of: defaultdict[Job[Task], list[_Errand[Task]]] = defaultdict(list)
        self.at: Counter[Hashable] = Counter()  # kinds of the errands that are out
        self.longest: float | None = None  # seconds that an errand took
        self.count = 0
        self._sent: Any = None  # the kit, or its future where it is large
        self._subscribe()

    def _subscribe(self) -> None:
        post = self.crew.post
        self.crew.client.subscribe_topic(self.kit.topic, lambda event: post("news", *event[1]))

    def outcomes(self) -> Iterator[Outcome[Task, Result]]:
        """What comes of every job."""
        self._offer_all()
        while self.waiting or self.out:
            mail = self.crew.next_mail()
            ended = list(self._heard(mail))
            if mail is None or mail[0] in ("there", "asked"):
                self.crew.need_some()
                self._offer_all()
                self._start_late_ones_again()
            yield from ended  # only now: the caller may take a while to write results down

    def close(self) -> None:
        """Leave the cluster as it was: nothing waits, and what is out ends within a second."""
        futures = [errand.future for errand in self.out.values()]
        futures += [one.room for one in self.crew.members.values() if one.room is not None]
        self.out.clear()
        for member in self.crew.members.values():
            member.room = None
            member.errands.clear()
        if self.crew.client.status == "running":
            with suppress(Exception):
                self.crew.client.unsubscribe_topic(self.kit.topic)
                self.crew.client.cancel(futures)
        self._sent = None

    # ------------------------------------------------------------------------------ handing out

    def _offer_all(self) -> None:
        for member in list(self.crew.members.values()):
            self._offer(member)

    def _offer(self, member: Member) -> None:
        """Give a worker what it can take: one task beyond its threads where there are enough."""
        threads = self.crew.threads
        while self.waiting and member.address in self.crew.members:
            more = len(self.waiting) > ENOUGH * threads
            if len(member.errands) >= member.threads + more or self._has_suspect(member):
                return
            job = self.waiting[0]
            if self._is_suspect(job):
                if member.errands:  # it starts alone, so that no other is blamed for its end
                    return
                self.waiting.popleft()
            else:
                job = taken_out(self.waiting, member.kinds, self.at, threads)
            if self.may_start(job.task):
                self._start(job, member)

    def _is_suspect(self, job: Job[Task]) -> bool:
        return job.starts > 0 and job.starts >= self.kit.max_starts - 1

    def _has_suspect(self, member: Member) -> bool:
        return any(one.job.starts >= self.kit.max_starts for one in member.errands.values())

    def _start(self, job: Job[Task], member: Member) -> None:
        if _is_missing(member.room):
            member.room = self._room(member)
        self.count += 1
        job.starts += 1
        work = (do, member.room, self.count, job.task, job.starts)
        future = self.crew.submit(member.address, *work)
        self.crew.await_mail("ended", self.count, future)
        errand = _Errand(self.count, job, member, member.room, future, time.monotonic())
        self.out[self.count] = member.errands[self.count] = errand
        self.of[job].append(errand)
        member.kinds.add(job.kind)
        self.at[job.kind] += 1

    def _room(self, member: Member) -> Any:
        """Have a worker keep what it needs; large files go to the first, and from there on."""
        if _is_missing(self._sent):
            large = sum(map(len, self.kit.files.values())) > SMALL
            self._sent = self.crew.submit(member.address, same, self.kit) if large else self.kit
        return self.crew.submit(member.address, Room, self._sent, member.differs)

    def _start_late_ones_again(self) -> None:
        if self.waiting or self.longest is None:
            return
        late = time.monotonic() - max(LATE_SECONDS, LATE * self.longest)
        for errand in list(self.out.values()):
            job = errand.job
            if errand.began > late or len(self.of[job]) > 1 or job.starts >= self.kit.max_starts:
                continue
            for member in self.crew.members.values():
                if member is not errand.member and len(member.errands) < member.threads:
                    self._start(job, member)
                    break

    # ------------------------------------------------------------------------------ hearing back

    def _heard(self, mail: Mail | None) -> Iterator[Outcome[Task, Result]]:
        kind, subject, content = mail or NOTHING
        if kind == "news":
            errand = self.out.get(subject)
            if errand is not None and self.on_progress is not None:
                self.on_progress(errand.job.task, content)
        elif kind == "ended":
            errand = self.out.get(subject)
            if errand is not None:
                self._take_back(errand)
                yield from self._ended(errand, content)
                self._offer(errand.member)
        else:
            for member in self.crew.look(mail):
                yield from self._left(member)

    def _ended(
        self, errand: _Errand[Task], content: Ended | BaseException
    ) -> Iterator[Outcome[Task, Result]]:
        if isinstance(content, BaseException) and errand.room.status == "error":
            content = errand.room.exception()  # for which no task there can start
        if not isinstance(content, BaseException):
            yield from self._done(errand, content)
        elif is_cancelled(content) and _is_missing(errand.room):
            self._subscribe()  # the connection was down, and all of this run forgotten
            errand.job.starts -= 1
            if not self.of.get(errand.job):
                self._wait(errand.job)
        elif is_lost(content):
            yield from self._again(errand.job, "Its worker died")
        else:
            why = said(content)
            member = self.crew.refuse(errand.member.address, f"cannot train: {why}")
            yield from self._again(errand.job, f"Its worker could not train: {why}")
            if member is not None:
                yield from self._left(member)

    def _done(self, errand: _Errand[Task], ended: Ended) -> Iterator[Outcome[Task, Result]]:
        took = time.monotonic() - errand.began
        self.longest = max(took, self.longest or 0.0)
        self._call_off(errand.job)
        for piece, outcome in ended:
            yield errand.job.task if piece is None else piece, outcome

    def _left(self, member: Member) -> Iterator[Outcome[Task, Result]]:
        """Start elsewhere what a worker had that is gone."""
        for errand in list(member.errands.values()):
            self._take_back(errand)
            self.crew.client.cancel([errand.future])
            yield from self._again(errand.job, "Its worker was lost")

    def _take_back(self, errand: _Errand[Task]) -> None:
        del self.out[errand.number]
        errand.member.errands.pop(errand.number, None)
        self.of[errand.job].remove(errand)
        if not self.of[errand.job]:
            del self.of[errand.job]
        self.at[errand.job.kind] -= 1
        if not self.at[errand.job.kind]:
            del self.at[errand.job.kind]

    def _call_off(self, job: Job[Task]) -> None:
        """Cancel the other starts of a job that has its result."""
        for errand in list(self.of.get(job, ())):
            self._take_back(errand)
            self.crew.client.cancel([errand.future])

    def _again(self, job: Job[Task], why: str) -> Iterator[Outcome[Task, Result]]:
        """Let a job wait again; in pieces before its last start, and not at all after it."""
        if self.of.get(job):  # it is out elsewhere
            return
        if job.starts >= self.kit.max_starts:
            yield job.task, Crash(f"{why}, {job.starts} times.", job.starts)
            return
        for one in again(job, self.kit.max_starts, self.kit.split):
            self._wait(one)

    def _wait(self, job: Job[Task]) -> None:
        """The longest first, but what may kill its worker last of all."""
        if self._is_suspect(job):
            self.waiting.append(job)
        else:
            self.waiting.appendleft(job)


def same(kit: Kit[Any, Any]) -> Kit[Any, Any]:
    """What is sent to one worker, for the others to have it from there."""
    return kit


def _is_missing(sent: Any) -> bool:
    """Whether it is to be sent, as before the first time and after the connection was down."""
    return sent is None or getattr(sent, "status", "") in ("cancelled", "lost")
