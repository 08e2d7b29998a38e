"""What a study's tasks need that a worker's machine has not: own tables, and own entries."""

import hashlib
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nnbench.catalog.own.entries import own_code, registered
from nnbench.results.parts import packed_away
from nnbench.results.rows import Rows
from nnbench.study.engines import DIFFERS
from nnbench.study.recipe import has_own_table
from nnbench.study.study import Cell
from nnbench.training.cluster.crew import Crew
from nnbench.training.cluster.errors import ClusterError
from nnbench.training.cluster.member import DamagedError, Kit
from nnbench.training.cluster.run import run_on
from nnbench.training.plan import ProgramKeys
from nnbench.training.tasks import Task, halves, install, packed, train_task
from nnbench.training.workers import Crash

_PATHS: dict[str, str] = {}  # of a worker's process: where tables of the user's own lie, by hash
_MARK: dict[str, str] = {}  # of a worker's process: how it differs, and what its results are of


@dataclass(frozen=True)
class Unpack:
    """Sets a worker's process up: its own entries, where its tables lie, how it differs."""

    entries: bytes | None
    fingerprint: str

    def __call__(self, paths: Mapping[str, str], differs: str) -> None:
        """Do so; paths: by SHA-256/NAME."""
        _PATHS.update({name.split("/")[0]: path for name, path in paths.items()})
        _MARK.update(differs=differs, fingerprint=self.fingerprint)
        if self.entries is not None:
            install(self.entries)


def train_away(
    crew: Crew,
    tasks: Sequence[Task],
    on_progress: Callable[[Task, float], None],
    fingerprint: str,
    may_start: Callable[[Task], bool] = lambda task: True,
) -> Generator[tuple[Task, Rows | Crash], None, None]:
    """Yield each stack's task with its rows or its crash, as the workers of a cluster end them.

    fingerprint: of the store that the rows are for, which arrive as parts of it.
    """
    program_key = ProgramKeys()
    kit = kit_for((cell for task in tasks for cell in task.cells), fingerprint)
    return run_on(
        crew,
        tasks,
        kit,
        on_progress=on_progress,
        alike=lambda task: program_key(task.cells[0]),
        may_start=may_start,
    )


def kit_for(cells: Iterable[Cell], fingerprint: str) -> Kit[Task, Rows]:
    """What workers need beside their tasks to train these cells.

    Errors: ClusterError where a table has changed since the study was read.
    """
    own = registered()
    recipes = (cell.recipe for cell in cells if has_own_table(cell.recipe))
    tables = {recipe["data.sha256"]: recipe["data.path"] for recipe in recipes}
    return Kit(
        train,
        split=halves,
        initialise=Unpack(None if own is None else packed(own), fingerprint),
        files={
            f"{sha256}/{Path(path).name}": _content(sha256, path) for sha256, path in tables.items()
        },
    )


def _content(sha256: str, path: str) -> bytes:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ClusterError(f"{path}: {error.strerror}") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ClusterError(f"{path}: has changed since the study was read: run the study again")
    return content


def train(task: Task, on_progress: Callable[[float], None]) -> Rows:
    """Train a task's cells in a worker's process, with what was sent there.

    An engine's name is part of a result's numerics: it says how the worker differs, if it does.
    """
    for cell in task.cells:
        own = cell.recipe.get("own")
        if own and own_code(cell.recipe) != own:
            raise DamagedError(
                f"the code of {own.split('=')[0]} differs from what this cell was made with"
            )
    rows = train_task(replace(task, cells=tuple(map(_here, task.cells))), on_progress)
    if _MARK["differs"]:
        for row in rows.cells:
            row["engine"] += f"{DIFFERS}{_MARK['differs']}"
    return packed_away(rows, _MARK["fingerprint"])


def _here(cell: Cell) -> Cell:
    """The cell with its table where it lies on this machine: a path is no part of its identity."""
    path = _PATHS.get(cell.recipe.get("data.sha256", ""))
    return cell if path is None else replace(cell, recipe=cell.recipe | {"data.path": path})
