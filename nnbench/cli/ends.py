"""How a command ends that no signal stops: sentences and exit codes."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum

from nnbench.cli import stops


class Exit(IntEnum):
    """The exit codes, which scripts rely on; 128 and the signal's number where one stops it."""

    DONE = 0
    FAULT = 1
    USAGE = 2
    CRASHED = 3
    GATE = 4
    DISK = 5
    TIME = 6


# by name, so that a command imports no more than it needs
MISTAKES = (
    *("StudyError", "EntryError", "ReportError", "DataError", "ExportError"),
    *("ClusterError", "RunningError"),
)
EXIT_OF = dict.fromkeys(MISTAKES, Exit.USAGE) | {
    "StoreError": Exit.DISK,
    "WorkerError": Exit.FAULT,
    "TimeLimitError": Exit.TIME,
}


class Failed(Exception):
    """An end with an exit code and one sentence for stderr."""

    def __init__(self, code: Exit, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def code_of(command: Callable[[], int | None]) -> int:
    """Run a command to its exit code, which is another one where nobody can take its output."""
    _prepare_streams()
    try:
        with _sentences():
            code = int(command() or Exit.DONE)
    except Failed as failure:
        code = _ended(failure.code, str(failure))
    except OSError as error:
        code = _refused(error)
    except SystemExit as end:  # which typer makes of a reader that has left, to end with 1
        if not isinstance(end.__context__, BrokenPipeError):
            raise
        code = _refused(end.__context__)
    return _flushed(code)


def _prepare_streams() -> None:
    """See that text can be printed: what a terminal cannot show becomes a question mark."""
    # a closed stream is None, and the next file opened would take its place
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


@contextmanager
def _sentences() -> Iterator[None]:
    """Turn the errors that users can mend into a sentence and an exit code."""
    try:
        yield
    except Exception as error:
        if hasattr(error, "format_message") and hasattr(error, "exit_code"):  # of typer's click
            sentence = f"{error.format_message().rstrip('.')}. See nnbench --help."
            raise Failed(Exit.USAGE, sentence) from None
        code = EXIT_OF.get(type(error).__name__)
        if code is None:
            raise
        raise Failed(code, str(error)) from None


def _ended(code: Exit, sentence: str) -> int:
    stops.is_done()  # a signal that comes now has nothing left to stop
    with suppress(OSError, ValueError):  # nobody may be reading
        print(f"nnbench: {sentence}", file=sys.stderr, flush=True)
    return int(code)


def _refused(error: OSError) -> int:
    """The exit code where the system refused; a reader that has left is no error."""
    if isinstance(error, BrokenPipeError):  # `| head -1`
        return Exit.DONE
    return _ended(Exit.DISK, f"{error.filename or 'the output'}: {error.strerror or error}")


def _flushed(code: int) -> int:
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
