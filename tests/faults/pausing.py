"""A run that pauses in the middle of training, so that a test can stop it there for certain."""

import time
from collections.abc import Callable
from pathlib import Path

import nnbench.pipeline
from nnbench.results.rows import Rows
from nnbench.training.tasks import Task, train_task

PARTS = "results/stopped/parts/[!.]*"


def pausing_task(task: Task, on_progress: Callable[[float], None]) -> Rows:
    """Train, but stand still while there are as many parts as the file `pause` says."""

    def progressed(share: float) -> None:
        on_progress(share)
        while len(list(Path().glob(PARTS))) >= int(wanted := Path("pause").read_text()):
            Path(f"paused-{wanted}").touch()
            time.sleep(0.01)

    return train_task(task, progressed)


def pause() -> None:
    """Let every task of this process's run pause."""
    nnbench.pipeline.train_task = pausing_task
