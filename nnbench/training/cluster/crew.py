"""Who may train for a run: the workers of a cluster that are asked what they are, and are alike."""

import asyncio
import math
import secrets
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

from nnbench.training.cluster.errors import ClusterError
from nnbench.training.cluster.likeness import PYTHON, Likeness, differences, likeness
from nnbench.training.cluster.place import local_workers, opened
from nnbench.training.time_limit import TimeLimitError
from nnbench.training.workers import WorkerError

TICK = 1.0  # seconds between looks at who is there
Mail = tuple[str, Any, Any]  # its kind, what of, and what there is to say
NOTHING: Mail = ("", None, None)
TOLD = 3  # refused workers that one sentence names


def is_cancelled(error: BaseException) -> bool:
    """Whether nobody wants it any more, or the scheduler has forgotten it."""
    return isinstance(error, asyncio.CancelledError | CancelledError)


def is_lost(error: BaseException) -> bool:
    """Whether it is for the worker's end that there is no result."""
    from distributed import KilledWorker

    return isinstance(error, KilledWorker) or is_cancelled(error)


def said(error: BaseException) -> str:
    """An error in a line: what it comes from, where it was raised for another one's sake."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {error}".strip().splitlines()[-1]


@dataclass(eq=False)
class Member:
    """A worker that trains."""

    address: str
    threads: int
    differs: str = ""  # from this machine, where that is allowed
    room: Any = None  # the future of its room, once it has one
    errands: dict[int, Any] = field(default_factory=dict)
    kinds: set[Hashable] = field(default_factory=set)  # of jobs whose programs it has made


class Crew:
    """The workers of a cluster that may train, as they join and leave.

    mixed: whether workers may differ from this machine. compiles: whether compilers matter.
    sends_code: whether entries of one's own travel, which another Python cannot read.
    ours: what this machine is, where that is known.
    on_count is told how many there are, on_note a sentence on each that is refused.
    """

    def __init__(
        self,
        client: Any,
        address: str,
        mixed: bool = False,
        compiles: bool = True,
        sends_code: bool = False,
        on_count: Callable[[int], None] = lambda count: None,
        on_note: Callable[[str], None] = lambda sentence: None,
        ours: Likeness | None = None,
    ) -> None:
        self.client, self.address, self.mixed, self.compiles = client, address, mixed, compiles
        self.on_count, self.on_note = on_count, on_note
        self.token = secrets.token_hex(6)
        self.members: dict[str, Member] = {}
        self.refused: dict[str, str] = {}
        self.sends_code = sends_code
        self._ours = likeness() if ours is None else ours
        self._there: dict[str, int] = {}
        self.threads = local_workers(address) or 1  # how many stacks can train at once, at a guess
        self._asked: dict[str, Any] = {}
        self._mail: SimpleQueue[Mail] = SimpleQueue()
        client.loop.add_callback(self._watch)

    def gather(self, seconds: float = math.inf) -> int:
        """Wait for the first worker that may train; how many threads there are then.

        Errors: ClusterError where all that are there are refused, TimeLimitError where none comes
        in so many seconds.
        """
        until = time.monotonic() + seconds
        self.on_count(0)
        while not self.members:
            if time.monotonic() > until:
                raise TimeLimitError(
                    f"no worker of --cluster {self.address} joined within the "
                    f"{seconds:.0f} s that the time limit leaves for training"
                )
            self.look(self.next_mail())
            self.need_some()
        return self.threads

    def need_some(self) -> None:
        """Errors: ClusterError where nobody is left but those who were refused."""
        if self.refused and not self.members and not self._asked:
            told = "; ".join(list(self.refused.values())[:TOLD])
            rest = len(self.refused) - TOLD
            raise ClusterError(
                f"--cluster {self.address}: no worker can train: {told}"
                + (f"; and {rest} more" if rest > 0 else "")
            )

    def next_mail(self) -> Mail | None:
        """The next thing that is heard; None where none comes in a tick."""
        try:
            return self._mail.get(timeout=TICK)
        except Empty:
            return None

    def look(self, mail: Mail | None) -> list[Member]:
        """Take in who is there and what they are; returns the members that are gone."""
        kind, subject, content = mail or NOTHING
        if kind == "gone":
            raise WorkerError(
                f"The scheduler at {self.address} is gone; what has finished is kept: run the same "
                "command again to resume."
            )
        if kind == "there":
            return self._compare(content)
        if kind == "asked":
            self._answered(subject, content)
        return []

    def refuse(self, address: str, why: str) -> Member | None:
        """Give a worker nothing more, and say why; returns the member that it was."""
        self.refused[address] = f"{address} {why}"
        self.on_note(f"worker not used: {address} {why}")
        member = self.members.pop(address, None)
        if member is not None:
            self.on_count(len(self.members))
        return member

    def submit(self, address: str, work: Any, *arguments: Any) -> Any:
        """Have one worker do something; returns its future, which is to be kept."""
        key = f"nnbench-{work.__name__}-{self.token}-{secrets.token_hex(6)}"
        return self.client.submit(
            work, *arguments, key=key, workers=[address], allow_other_workers=False, pure=False
        )

    def await_mail(self, kind: str, subject: Any, future: Any) -> None:
        """Let what comes of a future arrive as mail of this kind: a result, or an error."""
        self.client.loop.add_callback(self._fetch, kind, subject, future)

    def post(self, kind: str, subject: Any, content: Any) -> None:
        """Put something into the mail, from any thread."""
        self._mail.put((kind, subject, content))

    def _compare(self, there: Mapping[str, int]) -> list[Member]:
        """Ask who is new, and forget who is gone."""
        self._there = dict(there)
        may_train = sum(n for address, n in there.items() if address not in self.refused)
        self.threads = max(may_train, local_workers(self.address) or 1)
        for known in (self._asked, self.refused):
            for address in known.keys() - there.keys():
                del known[address]
        gone = [self.members.pop(one) for one in self.members.keys() - there.keys()]
        for address in there.keys() - self.members.keys() - self._asked.keys() - set(self.refused):
            self._asked[address] = self.submit(address, likeness)
            self.await_mail("asked", address, self._asked[address])
        if gone:
            self.on_count(len(self.members))
        return gone

    def _answered(self, address: str, answer: Likeness | BaseException) -> None:
        if self._asked.pop(address, None) is None:
            return
        if isinstance(answer, BaseException):
            if not is_lost(answer):  # and else it is asked again where it comes back
                self.refuse(address, f"cannot say what it runs: {said(answer)}")
            return
        differ = differences(answer, self._ours, self.compiles)
        told = ", ".join(differ)
        is_python = any(word.startswith(f"{PYTHON} ") for word in differ)
        if differ and (not self.mixed or (is_python and self.sends_code)):
            wanted = ", ".join(
                f"{word.split()[0]} {self._ours[word.split()[0]]}" for word in differ
            )
            way = "own entries need the same Python" if self.mixed else "--mixed would use it"
            self.refuse(address, f"has {told}, not {wanted}; {way}")
            return
        self.members[address] = Member(address, self._there.get(address, 1), told)
        self.on_count(len(self.members))

    async def _watch(self) -> None:
        while self.client.status != "closed":
            try:
                there = await self.client.nthreads(asynchronous=True)
            except Exception:  # the connection is down: Dask's client tries again for a while
                there = None
            if there is not None:
                self.post("there", None, there)
            await asyncio.sleep(TICK)
        self.post("gone", None, None)

    async def _fetch(self, kind: str, subject: Any, future: Any) -> None:
        try:
            content = await self.client.gather(future, asynchronous=True)
        except (Exception, asyncio.CancelledError) as error:
            content = error
        self.post(kind, subject, content)


@contextmanager
def crew_at(address: str, **about: Any) -> Iterator[Crew | None]:
    """The workers of the cluster at an address, see `Crew`; None where no address is given."""
    if not address:
        yield None
        return
    ours = likeness()  # which takes imports and a compiler, while nothing waits for it yet
    with opened(address) as client:
        yield Crew(client, address, ours=ours, **about)
