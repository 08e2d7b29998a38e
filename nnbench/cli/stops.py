"""Ctrl-C and SIGTERM, answered from a process's first moment to its last and never by a traceback.

This stands before everything else that a command imports, and so imports nothing that takes time.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
from contextlib import suppress
from types import FrameType

from nnbench.lazy import is_importing

GO_ON = "run the same command again to resume"
WITHOUT_FRESH = "run the same command without --fresh to resume"
SIGNALS = {signal.SIGINT: "stopped", signal.SIGTERM: "terminated"}


class Stopped(BaseException):
    """Raised where the program is when the first signal arrives, so that what is open is closed.

    A library may swallow it or turn it into an error of its own: the process ends all the same.
    """


class _Now:
    """How far this process is."""

    first: int | None = None  # the signal that ends it
    is_over = False  # all is said and done
    way_on = GO_ON


def listen(way_on: str = GO_ON) -> None:
    """Answer signals from here on, but for those that a shell's background job is to ignore.

    way_on: what the user may do after a stop.
    """
    _Now.first, _Now.is_over, _Now.way_on = None, False, way_on
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _answer)
    sys.unraisablehook = _not_raised


def stop_says(way_on: str) -> None:
    """Say something else from here on of what the user may do after a stop."""
    _Now.way_on = way_on


def way_on() -> str:
    """What the user may do after a stop, or where the time is over, as far as this process is."""
    return _Now.way_on


def way_on_with(file: str) -> str:
    """What to do after a stop where the command itself wrote a study file, and refuses to again."""
    return f"to resume: nnbench run {shlex.quote(file)}, with the same --out and other options"


def is_stopping() -> bool:
    """Tell whether a signal has arrived."""
    return _Now.first is not None


def is_done() -> None:
    """Let no signal change any more how this process ends."""
    _Now.is_over = True


def end_now() -> None:
    """End at once, with one sentence and 128 plus the signal's number.

    Nothing is lost by it: files are written whole or not at all, and workers end with their parent.
    """
    _Now.is_over = True
    number = signal.Signals(_Now.first or signal.SIGINT)
    bar = "\n" if os.isatty(2) else ""  # a bar of progress, or ^C, may stand on a terminal's line
    line = f"{bar}nnbench: {SIGNALS[number]}; {_Now.way_on}.\n"
    with suppress(OSError):  # nobody may be reading
        # not through sys.stderr, in the middle of which the signal may have arrived
        os.write(2, line.encode())
    os._exit(128 + number)


def _answer(number: int, frame: FrameType | None) -> None:
    """End at the first signal politely; at a second one, or during an import, at once.

    What is raised into an import may be lost: some libraries swallow it, others end in an error of
    their own.
    """
    if _Now.is_over:
        return
    is_first = _Now.first is None
    if is_first:
        _Now.first = number
    if not is_first or is_importing(frame):
        end_now()
    raise Stopped


def _not_raised(lost: sys.UnraisableHookArgs) -> None:
    """End where a stop was raised into what cannot raise, such as the garbage collector."""
    if not is_stopping():
        sys.__unraisablehook__(lost)
    elif isinstance(lost.exc_value, Stopped):
        end_now()
