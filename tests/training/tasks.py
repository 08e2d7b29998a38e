"""Tasks for workers, in a module that costs them nothing to import."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from nnbench.training.workers import Progress

FOLDER = "NNBENCH_TEST_FOLDER"  # where tasks note their starts; workers inherit it
Cells = tuple[str, ...]


def square(task: int, progress: Progress) -> int:
    for step in range(task):
        progress(step)
    return task * task


def lively(task: Cells, progress: Progress) -> list[str]:
    """Note the start of each cell; a cell's name says what goes wrong."""
    with Path(os.environ[FOLDER], "starts").open("a") as file:
        file.write("".join(f"{cell}\n" for cell in task))
    for cell in task:
        if cell.startswith("kill"):
            os.kill(os.getpid(), signal.SIGKILL)
        if cell.startswith("exit"):
            os._exit(7)
        if cell.startswith("raise"):
            raise ValueError(f"{cell} is no good")
        if cell.startswith("unpicklable"):
            return lambda: cell  # type: ignore[return-value]
        if cell.startswith("once"):
            flag = Path(os.environ[FOLDER], cell)
            if not flag.exists():
                flag.touch()
                os.kill(os.getpid(), signal.SIGKILL)
    return list(task)


def halves(task: Cells) -> list[Cells]:
    middle = len(task) // 2
    return [task[:middle], task[middle:]] if middle else [task]


def leave_a_mark() -> None:
    Path(os.environ[FOLDER], f"ready-{os.getpid()}").touch()


def refuse() -> None:
    raise RuntimeError("no threads left")


def die() -> None:
    os._exit(3)


def die_every_other_time() -> None:
    with Path(os.environ[FOLDER], "set-ups").open("a") as file:
        file.write("x")
    if Path(os.environ[FOLDER], "set-ups").stat().st_size % 2:
        os._exit(3)


def die_but_first() -> None:
    try:
        Path(os.environ[FOLDER], "first").touch(exist_ok=False)
    except FileExistsError:
        with Path(os.environ[FOLDER], "failed").open("a") as file:
            file.write("x")
        os._exit(3)


def until_three_failed(task: int, progress: Progress) -> int:
    failed = Path(os.environ[FOLDER], "failed")
    while not (failed.exists() and failed.stat().st_size >= 3):
        time.sleep(0.01)
    time.sleep(0.5)  # for the parent to hear of it
    return task


def hang(deaf: bool, progress: Progress) -> None:
    """Never end; where deaf to it, say on SIGTERM that it was heard, and go on."""

    def heard(*_: Any) -> None:
        os.write(1, b"heard\n")

    if deaf:
        signal.signal(signal.SIGTERM, heard)
    progress("hanging")
    while True:
        time.sleep(0.05)
