"""How a command ends: signals, sentences, exit codes."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum
from types import FrameType

import typer


class Exit(IntEnum):
    """The exit codes, which scripts rely on."""

    DONE = 0
    FAULT = 1
    USAGE = 2
    CRASHED = 3
    GATE = 4
    DISK = 5
    INTERRUPTED = 130
    TERMINATED = 143


SECONDS_TO_IMPORT = 0.05  # between looks whether an import is over
STOPPED = "stopped; run the same command again to go on from here."
# by name, so that a command imports no more than it needs
EXIT_OF = {
    "StoreError": Exit.DISK,
    "ReportError": Exit.USAGE,
    "DataError": Exit.USAGE,
    "ExportError": Exit.USAGE,
    "WorkerError": Exit.FAULT,
}


class Failed(Exception):
    """An end with an exit code and one sentence for stderr."""

    def __init__(self, code: Exit, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class Terminated(BaseException):
    """SIGTERM arrived."""


def prepare_streams() -> None:
    """See that text can be printed: what a terminal cannot show becomes a question mark."""
    # a closed stream is None, and the next file opened would take its place
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def ended(code: Exit, sentence: str) -> int:
    """Say why this is the end; from here on no signal has anything left to stop."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with suppress(OSError, ValueError):  # nobody may be reading
        print(f"nnbench: {sentence}", file=sys.stderr, flush=True)
    return int(code)


def stop(number: int, frame: FrameType | None) -> None:
    """Answer Ctrl-C or SIGTERM, after an import that is in progress.

    What is raised into an import may be lost: some libraries swallow it, others end in an error of
    their own.
    """
    if _is_importing(frame):
        here = threading.get_ident()
        again = threading.Timer(SECONDS_TO_IMPORT, signal.pthread_kill, (here, number))
        again.daemon = True
        again.start()
        return
    raise KeyboardInterrupt if number == signal.SIGINT else Terminated


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


def other_end(error: BaseException) -> int:
    """Return the exit code of what typer's click, a signal or a closed pipe ended."""
    if hasattr(error, "format_message") and hasattr(error, "exit_code"):  # click's usage errors
        return ended(Exit.USAGE, f"{error.format_message()} See nnbench --help.")
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return ended(Exit.INTERRUPTED, STOPPED)
    if isinstance(error, Terminated):
        return ended(Exit.TERMINATED, STOPPED.replace("stopped", "terminated"))
    if isinstance(error, OSError):
        return _refused(error)
    raise error


def _refused(error: OSError) -> int:
    """Return the exit code where the system refused; a reader that has left is no error."""
    if isinstance(error, BrokenPipeError):  # `| head -1`
        return Exit.DONE
    return ended(Exit.DISK, f"{error.filename or 'the output'}: {error.strerror or error}")


def flushed(code: int) -> int:
    """Flush stdout and return the exit code, another one where stdout cannot be written to."""
    try:
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        pass
    except OSError as error:
        code = _refused(error)
    # or Python would fail once more when it flushes at its own end
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


@contextmanager
def sentences() -> Iterator[None]:
    """Turn the errors that users can mend into a sentence and an exit code."""
    from nnbench.study.mistakes import StudyError

    try:
        yield
    except StudyError as error:
        raise Failed(Exit.USAGE, str(error)) from None
    except Exception as error:
        code = EXIT_OF.get(type(error).__name__)
        if code is None:
            raise
        raise Failed(code, str(error)) from None
