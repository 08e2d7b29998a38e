"""How long a whole run takes from its start to its page, and which programs it has to make first.

The plan knows what stacks take; here is what is beside them. Told without torch, since a plan
must not wait for it. Seconds are of the machine that `machine.py` compares with.
"""

import functools
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Any

from nnbench.catalog.optimizers.registry import OPTIMIZERS
from nnbench.study.recipe import Recipe
from nnbench.study.study import Cell
from nnbench.training.draws import split_for
from nnbench.training.native import cache
from nnbench.training.native.compiler import find_compiler
from nnbench.training.native.machine import Machine
from nnbench.training.native.origins import digest, sources
from nnbench.training.plan import PlannedStack, curve_rows, layer_rows

# processor seconds; see docs/performance.md
TO_START, TO_PLAN_A_CELL, TO_START_A_WORKER = 2.0, 0.25e-3, 2.5
TO_LOAD_PROGRAMS = 0.1  # of a stack
TO_TRACE, TO_COMPILE = 0.15, 0.35  # of a program
# a stack's folder, and its rows: of cells, of curves, of layers
TO_COMMIT, TO_COMMIT_ROWS = 0.03, (0.3e-3, 15e-6, 50e-6)
TO_WRITE_TABLES, TO_WRITE_ROWS = 0.3, (0.55e-3, 6e-6, 45e-6)
TO_REPORT, TO_REPORT_ROWS = 7.5, (1e-3, 10e-6, 30e-6)
MADE = "made"  # ending of the file that tells that a program has been made
OF_NETWORK = ("activation", "norm", "norm.position", "loss", "depth", "width", "residual", "dtype")


def wall_seconds(stacks: Sequence[PlannedStack], workers: int, machine: Machine) -> float:
    """The seconds that a run of these stacks is expected to take, on so many free cores."""
    cells = [cell for stack in stacks for cell in stack.cells]
    counts = _counts(cells)
    native = [stack for stack in stacks if stack.native]
    missing = missing_programs(stack.cells[0].recipe for stack in native)
    python = sum(stack.seconds for stack in stacks if not stack.native)
    python += TO_LOAD_PROGRAMS * len(native) + TO_TRACE * len(missing)
    python += TO_COMMIT * len(stacks) + _of_rows(TO_COMMIT_ROWS, counts)
    work = (
        machine.python * python
        + machine.arithmetic * sum(stack.seconds for stack in native)
        + machine.compiling * TO_COMPILE * len(missing)
    )
    longest = max((stack.seconds for stack in stacks), default=0.0)
    at_once = max(1, min(workers, len(stacks)))
    starts = TO_START + TO_PLAN_A_CELL * len(cells) + TO_START_A_WORKER
    return machine.python * starts + max(work / at_once, longest) + ending_seconds(cells, machine)


def first_seconds(stacks: Sequence[PlannedStack], machine: Machine) -> float:
    """The seconds from a worker's start until it has trained the shortest of these stacks."""
    seconds = machine.python * TO_START_A_WORKER
    if not stacks:
        return seconds
    shortest = min(stacks, key=lambda stack: stack.seconds)
    if not shortest.native:
        return seconds + machine.python * shortest.seconds
    missing = len(missing_programs([shortest.cells[0].recipe]))
    seconds += machine.python * (TO_LOAD_PROGRAMS + TO_TRACE * missing)
    return (
        seconds + machine.compiling * TO_COMPILE * missing + machine.arithmetic * shortest.seconds
    )


def ending_seconds(cells: Sequence[Cell], machine: Machine) -> float:
    """The seconds that follow the training of a study's cells: its tables and its page."""
    counts = _counts(cells)
    ends = TO_WRITE_TABLES + _of_rows(TO_WRITE_ROWS, counts)
    return machine.python * (ends + TO_REPORT + _of_rows(TO_REPORT_ROWS, counts))


def _counts(cells: Sequence[Cell]) -> tuple[int, int, int]:
    """Of cells, and of their rows of curves and of layers."""
    return len(cells), sum(map(curve_rows, cells)), sum(map(layer_rows, cells))


def _of_rows(seconds: Sequence[float], counts: Sequence[int]) -> float:
    return sum(one * count for one, count in zip(seconds, counts, strict=True))


def missing_programs(recipes: Iterable[Recipe]) -> set[str]:
    """The programs that these recipes need and that nobody has made here."""
    names = {name for recipe in recipes for name in program_names(recipe)}
    return {name for name in names if cache.find(name, MADE) is None}


def note_made(recipe: Recipe) -> None:
    """Remember that the programs of a recipe are in the cache."""
    for name in missing_programs([recipe]):
        cache.write(name, MADE, "")


def program_names(recipe: Recipe) -> list[str]:
    """A name for each of a recipe's programs; recipes that share a program share its name.

    Told from the recipe alone, so that now and then two names are of one program.
    """
    split = split_for(recipe)
    network = [recipe.get(place) for place in OF_NETWORK]
    network += [split.n_features, split.n_classes]
    noisy = [recipe["dropout"] > 0, recipe["dropout_kind"]] if recipe["dropout"] else []
    evaluated = [recipe["evaluation"], *(noisy if recipe["evaluation"] == "train" else [])]
    rule = [recipe["optimizer"], recipe["decoupled"], recipe["dtype"]]
    rule += [bool(recipe[place]) for place in ("weight_decay", "clip_norm", "clip_value")]
    if not OPTIMIZERS[recipe["optimizer"]].elementwise:
        rule += network
    return [
        _name("gradient", *network, *noisy, recipe["l1"] > 0),
        _name("evaluate", *network, *evaluated),
        _name("update", *rule),
    ]


def _name(*parts: Any) -> str:
    return digest(repr(parts), _makers())


@functools.cache
def _makers() -> str:
    """What makes a program of a recipe, besides the recipe."""
    return digest(sources(), version("torch"), find_compiler().fingerprint)
