"""Tasks for the workers of a cluster: they note who does them, and wait to be let go."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from nnbench.training.workers import Progress
from tests.waiting import HANG

Names = tuple[str, ...]


def wait_and_tell(task: tuple[str, Names], progress: Progress) -> tuple[int, Names]:
    """Note the start in a folder, wait for its file `go`, return the worker's pid and the names.

    What is named `kill` ends the worker itself, whoever it is.
    """
    folder, names = Path(task[0]), task[1]
    for name in names:
        with (folder / f"{name}.starts").open("a") as file:
            file.write(f"{os.getppid()}\n")
        if name.startswith("kill"):
            os.kill(os.getppid(), signal.SIGKILL)
    end = time.monotonic() + HANG
    while not (folder / "go").exists() and time.monotonic() < end:
        progress(names[0])  # again and again, as training does: news may be lost on their way
        time.sleep(0.02)
    return os.getppid(), names


def halves(task: tuple[str, Names]) -> list[tuple[str, Names]]:
    folder, names = task
    middle = len(names) // 2
    return [(folder, part) for part in (names[:middle], names[middle:]) if part]


_TOLD: list[str] = []


def note_differs(paths: Mapping[str, str], differs: str) -> None:
    _TOLD.append(differs)


def say_differs(task: str, progress: Progress) -> str:
    return _TOLD[0]
