"""A run in progress, watched from another terminal: how far it is, and what it finds so far."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from nnbench.cli.arguments import columns
from nnbench.cli.progress import rough
from nnbench.report.page.numbers import rounded
from nnbench.report.so_far import answer_so_far
from nnbench.results.disk import StoreError
from nnbench.results.read import ReportError, read_results
from nnbench.results.rows import FILES
from nnbench.results.running import Pace, is_running, pace_of

SECONDS = 2.0  # between two looks
LEAST = 0.01  # cells a second that are told as such, and not as seconds of a cell


def watch(folder: Path, pause: Callable[[float], None] = time.sleep) -> None:
    """Tell of the run in a study's folder until it ends; nothing there is changed or held up.

    On a terminal a line that the next one replaces, elsewhere a line whenever more is done.
    """
    is_terminal = sys.stdout.isatty()
    answer = Answer(folder)
    said = ""
    while is_running(folder):
        pace = pace_of(folder)
        line = said if pace is None else pace_line(pace)
        if pace is not None and is_terminal:
            whole = "; ".join([line, *answer.now()])
            print(f"\r\033[K{whole[: columns() - 1]}", end="", flush=True)
        elif told(line) != told(said):
            print("; ".join([line, *answer.now()]), flush=True)
        said = line
        pause(SECONDS)
    if is_terminal and said:
        print("\r\033[K", end="", flush=True)


def told(line: str) -> tuple[str, str]:
    """What of a line is news when it changes: how much is finished, what is written; no time."""
    finished, _, rest = line.rpartition(" finished")
    return finished, rest.rpartition(", writing ")[2] if ", writing " in rest else ""


class Answer:
    """What a study says so far, from its tables, which a run writes again now and then."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written = 0
        self._said: list[str] = []

    def now(self) -> list[str]:
        """The answer as one clause; none before there are tables."""
        try:
            written = (self._folder / FILES["cells"]).stat().st_mtime_ns
            if written != self._written:
                said = answer_so_far(read_results(self._folder))
                self._written, self._said = written, [said] if said else []
        except (OSError, StoreError, ReportError, ValueError, KeyError):
            return self._said  # no tables yet, or those of another run: nothing new to say
        return self._said


def pace_line(pace: Pace) -> str:
    """How far a run is: cells done, failures, rate, time left."""
    kept = pace.cells - pace.to_run
    said = [f"{pace.study}: {kept + pace.done:,} of {pace.cells:,} {pace.noun} finished"]
    said += [
        f"{count:,} {word}"
        for word, count in (("diverged", pace.diverged), ("crashed", pace.crashed))
        if count
    ]
    if pace.rate is not None:
        slow = pace.rate < LEAST
        said.append(
            f"{rounded(1 / pace.rate)} s each" if slow else f"{rounded(pace.rate)} per second"
        )
    if pace.ends:
        said.append(pace.ends)
    elif pace.done < pace.to_run and pace.seconds_left is not None:
        said.append(f"about {rough(pace.seconds_left)} left")
    return ", ".join(said)
