"""A run that has to end by a moment: which stacks may still begin, and when the rest is stopped."""

import math
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from nnbench.lazy import is_importing

FORM = re.compile(r"(?=\d)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
MARGIN = 1.2  # times what a stack is expected to take, for the moments of a busy machine
AGAIN = 5.0  # seconds after which to raise once more what was lost on its way
SOON = 0.2  # seconds to the next try, where an import would have swallowed it


def seconds_of(text: str) -> float:
    """The seconds of a time such as `2h`, `90m`, `45s` or `1h30m`.

    Errors: ValueError, with one sentence, for anything else, and for none at all.
    """
    found = FORM.fullmatch(text)
    hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    total = 3600 * hours + 60 * minutes + seconds
    if not total:
        raise ValueError(f"{text!r} is not a time: write 2h, 90m, 45s or 1h30m")
    return float(total)


def lived() -> float:
    """The seconds since this process began, where the system tells."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, ValueError, IndexError):
        return 0.0


class TimeLimitError(Exception):
    """A time in which nothing can be had: one sentence that says so."""


class TimeUp(BaseException):
    """The time for training is over. No error, so that nothing takes it for a network's crash."""


@dataclass
class TimeLimit:
    """When a run has to be over, by `time.monotonic`; `is_over` once that kept any from training.

    Of that time `reserve` is for what follows training. `given` is how many seconds there were.
    """

    until: float
    given: float = 0.0
    reserve: float = 0.0
    is_over: bool = False
    planned: float = 0.0  # seconds of what has finished, as planned and as they were
    taken: float = 0.0

    @classmethod
    def of(cls, time_from_now: str | float | None, gone: float = 0.0) -> "TimeLimit | None":
        """The limit that is reached in so many seconds, or in `2h`. Errors: ValueError.

        gone: seconds that have passed already since it began.
        """
        if time_from_now is None:
            return None
        given = time_from_now
        seconds = seconds_of(given) if isinstance(given, str) else float(given)
        if not 0 < seconds < math.inf:
            raise ValueError(f"{given!r} is not a time: write seconds, or 2h")
        return cls(time.monotonic() + seconds - gone, seconds)

    @property
    def left(self) -> float:
        """The seconds left for training."""
        return self.until - self.reserve - time.monotonic()

    def need(self, seconds: float, cells: int) -> None:
        """Errors: TimeLimitError where so many seconds, of a run of these cells, are not left."""
        if self.left > seconds:
            return
        least = math.ceil(self.given + seconds - self.left)
        raise TimeLimitError(
            f"the time limit is too short: the tables and report of {cells:,} cells have "
            f"{self.reserve:.0f} s reserved, {max(self.left + self.reserve, 0.0):.0f} s are left "
            f"after start-up, and the first networks need {seconds:.0f} s: give it at least "
            f"{least} s"
        )

    def finished(self, planned: float, taken: float) -> None:
        """Take in what a stack took, in place of what the plan expected."""
        self.planned += planned
        self.taken += taken

    def has_time_for(self, planned: float) -> bool:
        """Whether a stack of so many planned seconds would end in time, at the pace so far."""
        pace = self.taken / self.planned if self.planned and self.taken else 1.0
        fits = MARGIN * pace * planned <= self.left
        self.is_over |= not fits
        return fits

    @contextmanager
    def ends(self) -> Iterator[None]:
        """End the block when time is up, wherever it stands, as Ctrl-C would.

        Errors: ValueError in another thread than the main one, which alone can be told.
        """
        if threading.current_thread() is not threading.main_thread():
            raise ValueError("a time limit needs the main thread")
        before = signal.signal(signal.SIGALRM, self._answer)
        signal.setitimer(signal.ITIMER_REAL, max(0.01, self.left))
        try:
            yield
        except TimeUp:
            pass
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def _answer(self, number: int, frame: FrameType | None) -> None:
        self.is_over = True
        importing = is_importing(frame)
        signal.setitimer(signal.ITIMER_REAL, SOON if importing else AGAIN)
        if not importing:
            raise TimeUp
