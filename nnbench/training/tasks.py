"""What a worker does: it trains one stack, and knows the entries of one's own by their code."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from nnbench.catalog.own.code import is_library
from nnbench.catalog.own.entries import Entries, register
from nnbench.results.rows import Rows
from nnbench.study.baselines import BASELINE
from nnbench.study.study import Cell
from nnbench.study.study_kinds import LANDSCAPE, NUMERICS, TRAINING, study_kind_of
from nnbench.training.native.choice import is_alone, train_cells
from nnbench.training.plan import PlannedStack


@dataclass(frozen=True)
class Task:
    """What a worker is sent: a stack's cells, and how to train them."""

    cells: tuple[Cell, ...]
    engine: str
    device: str


def packed(entries: Entries) -> bytes:
    """Entries of one's own as workers get them: with their code, wherever it stands."""
    import cloudpickle

    for name, module in list(sys.modules.items()):
        if name != "__main__" and getattr(module, "__file__", None) and not is_library(name):
            cloudpickle.register_pickle_by_value(module)
    return bytes(cloudpickle.dumps(entries))


def install(entries: bytes) -> None:
    """Register entries in a worker."""
    import cloudpickle

    register(cloudpickle.loads(entries))


def train_task(task: Task, on_progress: Callable[[float], None]) -> Rows:
    """Train a task's cells; this runs in a worker, which alone imports torch."""
    return TRAIN_BY_STUDY[study_kind_of(task.cells[0].recipe)](task, on_progress)


def is_by_reference(task: Task) -> bool:
    """Whether plain PyTorch trains a task, one network at a time."""
    return task.engine == "reference" or is_alone(task.cells[0].recipe)


def _train(task: Task, on_progress: Callable[[float], None]) -> Rows:
    if is_by_reference(task):
        from nnbench.training.reference.train import train_cell

        return _one_by_one(train_cell, task.cells, on_progress)
    return train_cells(task.cells, task.engine, task.device, on_progress)


def _walk(task: Task, on_progress: Callable[[float], None]) -> Rows:
    if is_by_reference(task):
        from nnbench.training.reference.walk import walk_cell

        return _one_by_one(walk_cell, task.cells, on_progress)
    from nnbench.training.stacked.walk import walk

    return walk(task.cells, on_progress)


def _sweep(task: Task, on_progress: Callable[[float], None]) -> Rows:
    from nnbench.training.stacked.sweep import sweep

    return sweep(task.cells, on_progress)


def _fit(task: Task, on_progress: Callable[[float], None]) -> Rows:
    from nnbench.training.baselines import fit_cells

    return fit_cells(task.cells, on_progress)


TRAIN_BY_STUDY: Mapping[str, Callable[[Task, Callable[[float], None]], Rows]] = {
    TRAINING: _train,
    LANDSCAPE: _walk,
    NUMERICS: _sweep,
    BASELINE: _fit,
}


def _one_by_one(
    train_one: Callable[[Cell], Rows], cells: Sequence[Cell], on_progress: Callable[[float], None]
) -> Rows:
    rows = Rows()
    for number, cell in enumerate(cells, start=1):
        one = train_one(cell)
        rows.cells += one.cells
        rows.curves += one.curves
        rows.layers += one.layers
        on_progress(number / len(cells))
    return rows


def halves(task: Task) -> list[Task]:
    """Split a task whose worker died, to find the cell that kills it."""
    middle = len(task.cells) // 2
    parts = [part for part in (task.cells[:middle], task.cells[middle:]) if part]
    return [Task(part, task.engine, task.device) for part in parts]


class Work:
    """The seconds that a plan expects of a task: they tell a slow cell from a quick one."""

    def __init__(self, stacks: Sequence[PlannedStack]) -> None:
        self.total = sum(stack.seconds for stack in stacks)
        self._of_cell = {
            cell.cell_id: stack.seconds / len(stack.cells)
            for stack in stacks
            for cell in stack.cells
        }

    def __call__(self, task: Task) -> float:
        """The seconds of all of its cells."""
        return sum(self._of_cell[cell.cell_id] for cell in task.cells)
