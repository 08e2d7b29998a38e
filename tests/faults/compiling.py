"""A run whose workers write down each program that they compile."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nnbench.pipeline
from nnbench.results.rows import Rows
from nnbench.training.native.compiler import Compiler
from nnbench.training.tasks import Task, train_task

LOG = Path("compiled.log")
COMPILE = Compiler.compile


def logged_compile(self: Compiler, source: str, target: str, extra: Any = ()) -> None:
    """Compile, and write down which program it was."""
    with LOG.open("a") as file:
        file.write(f"{Path(target).name.split('.')[0]}\n")
    COMPILE(self, source, target, extra)


def logged_task(task: Task, on_progress: Callable[[float], None]) -> Rows:
    """Train, with compilations written down."""
    Compiler.compile = logged_compile  # type: ignore[method-assign]
    return train_task(task, on_progress)


def log_compilations() -> None:
    """Let every worker of this process's run write them down."""
    nnbench.pipeline.train_task = logged_task
