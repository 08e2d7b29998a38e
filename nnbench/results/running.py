"""The sign of a run in progress: a lock that lives until its page is written, and how far it is.

The system takes the lock back from a process that dies, so that a sign left behind is known by it.
"""

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from nnbench.results.disk import make_folder
from nnbench.results.rows import Rows

FOLDER, FILE = ".running", "run.json"
TRIES, BETWEEN = 3, 0.05  # two who look at a lock at once would each find it taken


@dataclass(frozen=True)
class Pace:
    """How far a run is: its own cells, and the seconds of work that its plan expected of them."""

    study: str
    noun: str  # what its cells are called
    cells: int  # of the study, as the run takes it
    to_run: int  # when it began
    seconds: float = 0.0  # since then
    done: int = 0
    diverged: int = 0
    crashed: int = 0
    work: float = 0.0
    work_done: float = 0.0
    ends: str = ""  # what is written once all is done

    @property
    def rate(self) -> float | None:
        """Cells a second; None while none has finished."""
        return self.done / self.seconds if self.done and self.seconds else None

    @property
    def seconds_left(self) -> float | None:
        """By the pace of the work so far; None while none is done."""
        if not self.work_done:
            return None
        return self.seconds * max(0.0, self.work - self.work_done) / self.work_done


class Sign:
    """What a run leaves in its folder for whoever watches it, from when it knows what to do."""

    def __init__(self, folder: Path, until_the_end: ExitStack) -> None:
        self._folder, self._until_the_end = folder, until_the_end
        self._place: Path | None = None

    def planned(self, pace: Pace) -> None:
        """Take in what the run has to do, or has to do next."""
        if self._place is None:
            self._place = self._until_the_end.enter_context(unmerged(self._folder))
        self._pace, self._began = pace, time.monotonic()
        self._write()

    def ends(self, what: str) -> None:
        """Take in that all has finished that will, and what is written of it now."""
        self._pace = replace(self._pace, ends=what)
        self._write()

    def finished(self, rows: Rows, work: float) -> None:
        """Take in a finished stack, of which the plan expected so many seconds."""
        statuses = [row["status"] for row in rows.cells]
        known = asdict(self._pace)
        known["done"] += len(statuses)
        known["work_done"] += work
        for status in ("diverged", "crashed"):
            known[status] += statuses.count(status)
        self._pace = Pace(**known)
        self._write()

    def _write(self) -> None:
        assert self._place is not None
        known = asdict(self._pace) | {"seconds": round(time.monotonic() - self._began, 1)}
        draft = self._place / f"{os.getpid()}.draft"
        with suppress(OSError):  # whoever watches sees less: no reason to stop
            draft.write_text(json.dumps(known), encoding="utf-8")
            os.replace(draft, self._place / FILE)


@contextmanager
def sign_of(folder: Path, pace: Pace | None = None) -> Iterator[Sign]:
    """Hold the sign of a run in a study's folder; where that cannot be, run without one."""
    with ExitStack() as until_the_end:
        sign = Sign(folder, until_the_end)
        if pace is not None:
            sign.planned(pace)
        yield sign


@contextmanager
def unmerged(folder: Path) -> Iterator[Path]:
    """Let nobody be alone in a study's folder for a while, after waiting for whoever is."""
    place = folder / FOLDER
    held = None
    with suppress(OSError):
        held = _held(place, fcntl.LOCK_SH)
    try:
        yield place
    finally:
        if held is not None:
            with suppress(OSError):  # another run has it too, and removes it
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(place)
            _release(held)


def _held(place: Path, kind: int) -> int:
    """The lock of the sign's folder, of this folder and not of one that was just removed."""
    while True:
        make_folder(place)
        held = os.open(place, os.O_RDONLY)
        try:
            fcntl.flock(held, kind)
            if os.path.samestat(os.fstat(held), os.stat(place)):
                return held
        except FileNotFoundError:
            pass
        except OSError:
            os.close(held)
            raise
        os.close(held)


def _release(held: int) -> None:
    """Give a lock back, whoever else has its descriptor: a forked child inherits it."""
    with suppress(OSError):
        fcntl.flock(held, fcntl.LOCK_UN)
    os.close(held)


@contextmanager
def alone_in(folder: Path) -> Iterator[bool]:
    """Keep runs out of a study's folder for a while; False where one is in progress there.

    A run that begins meanwhile waits. True too on a disk without locks.
    """
    try:
        held = _held(folder / FOLDER, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
        return
    except OSError:
        yield True
        return
    try:
        yield True
    finally:
        with suppress(OSError):
            shutil.rmtree(folder / FOLDER)
        _release(held)


def is_running(folder: Path) -> bool:
    """Whether a run is in progress in a study's folder; changes nothing there."""
    for _ in range(TRIES):
        try:
            held = os.open(folder / FOLDER, os.O_RDONLY)
        except (OSError, ValueError):  # no such folder, or a name with a NUL, which none has
            return False
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
        except BlockingIOError:
            time.sleep(BETWEEN)
        except OSError:  # a disk without locks
            return False
        finally:
            os.close(held)
    return True


def pace_of(folder: Path) -> Pace | None:
    """How far the run in a study's folder is by now; None where that cannot be told."""
    path = folder / FOLDER / FILE
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        since = max(0.0, time.time() - path.stat().st_mtime)
        return Pace(**known | {"seconds": known["seconds"] + since})
    except (OSError, ValueError, TypeError, KeyError):
        return None
