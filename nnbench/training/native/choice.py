"""Which engine trains a cell: a question of its recipe and of the machine, never of its stack."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nnbench.results.rows import Rows
from nnbench.study.recipe import Recipe
from nnbench.study.study import Cell
from nnbench.training.draws import split_for
from nnbench.training.native import train as native
from nnbench.training.native.compiler import CompilerError, find_compiler
from nnbench.training.native.parts import parts_of
from nnbench.training.native.programs import why_not_part
from nnbench.training.stacked import train as stacked
from nnbench.training.stacked.network import program_of

LEAST_STEPS = 100  # of a network's training, from which on its programs are worth compiling


def engine_for(recipe: Recipe, wanted: str, device: str = "cpu") -> str:
    """`native` or `stacked`: who trains a cell where `auto`, `native` or `stacked` is wanted."""
    if wanted == "stacked" or device != "cpu":
        return "stacked"
    if wanted == "auto" and not pays(recipe):
        return "stacked"
    return "stacked" if why_not(recipe) else "native"


def train_cells(
    cells: Sequence[Cell], wanted: str, device: str, on_progress: Callable[[float], None]
) -> Rows:
    """Train cells that share a program by the engine that is theirs."""
    if engine_for(cells[0].recipe, wanted, device) == "native":
        try:
            return native.train(cells, on_progress=on_progress)
        except CompilerError:  # of a program that this compiler refuses, before any training
            pass
    return stacked.train(cells, device=device, on_progress=on_progress)


def pays(recipe: Recipe) -> bool:
    """Whether a network trains so many steps that compiling is sooner done than mapping."""
    split = split_for(recipe)
    steps = recipe["epochs"] * split.steps_per_epoch(recipe["batch_size"] or split.n_train)
    return bool(steps >= LEAST_STEPS)


def why_not(recipe: Recipe) -> str | None:
    """Why the native engine cannot train a recipe's network, as a clause; None where it can."""
    try:
        find_compiler()
    except CompilerError as problem:
        return str(problem)
    program = program_of(recipe, split_for(recipe))
    for part in parts_of(program).values():
        reason = why_not_part(part)
        if reason is not None:
            return f"its {part.kind} program cannot be written: {reason}"
    return None
