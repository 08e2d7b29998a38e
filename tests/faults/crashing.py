"""A run in which the compiled program of one cell reads where no memory is."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from nnbench.results.rows import Rows
from nnbench.training.native import drive, train
from nnbench.training.tasks import Task, train_task

NOWHERE = 1 << 40  # rows past the last one


def wild_drive(chosen: Any, repeat_of: Any, rows: drive.Rows, *rest: Any, **named: Any) -> None:
    """Drive a program over rows that are not there, unseen by the check that would refuse it."""
    if rows.order is not None:
        rows = replace(rows, order=rows.order + NOWHERE)
    drive.drive(chosen, repeat_of, rows, *rest, **named)


def crashing_task(task: Task, on_progress: Callable[[float], None]) -> Rows:
    """Train, but drive the program of a stack with the guilty cell out of its data."""
    for cell in task.cells:
        if (cell.recipe["activation"], cell.recipe["seed"]) == ("tanh", 1):
            drive._check = lambda *_: None
            train.drive = wild_drive
    return train_task(task, on_progress)
