"""A run in which one cell kills its worker at each start, and another one at its first."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import nnbench.pipeline
from nnbench.results.rows import Rows
from nnbench.training.tasks import Task, train_task


def deadly_task(task: Task, on_progress: Callable[[float], None]) -> Rows:
    """Train, unless a cell of the task is deadly."""
    with Path("starts").open("a") as file:
        file.writelines(f"{cell.cell_id}\n" for cell in task.cells)
    for cell in task.cells:
        recipe = cell.recipe
        once = recipe["activation"] == "relu" and not Path("died").exists()
        if once or (recipe["activation"], recipe["seed"]) == ("tanh", 1):
            Path("died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
    return train_task(task, on_progress)


def kill_workers() -> None:
    """Let every task of this process's run be deadly."""
    nnbench.pipeline.train_task = deadly_task
