"""Train by the native engine and say where the reference, or the mapped engine, says otherwise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest

from nnbench.catalog import OPTIMIZERS
from nnbench.results.rows import Rows
from nnbench.study.study import Cell
from nnbench.training.native.origins import UNWRITTEN
from nnbench.training.native.train import train
from nnbench.training.plan import program_key
from tests.helpers import (
    by_cell,
    chaotic,
    differences,
    joined,
    make_cells,
    train_all,
    train_by_reference,
)

SGD = {"name": "sgd", "lr": 0.1}
ABSURD = [1e3, 1e6, 1e9, 1e12]
WRITTEN = {name: entry for name, entry in OPTIMIZERS.items() if name not in UNWRITTEN}


def train_native(cells: Sequence[Cell]) -> Rows:
    """Train cells that may differ in their programs, one stack for each program."""
    stacks: defaultdict[tuple[Any, ...], list[Cell]] = defaultdict(list)
    for cell in cells:
        stacks[program_key(cell)].append(cell)
    return joined(train(stack) for stack in stacks.values())


def complaints(cells: Sequence[Cell], tolerance: float = 1e-9) -> list[str]:
    """Where the native engine and the reference differ, but for cells that nobody can agree on."""
    found = differences(by_cell(train_native(cells)), by_cell(train_by_reference(cells)), tolerance)
    blamed = {complaint.split(maxsplit=1)[0] for complaint in found}
    lost = chaotic([cell for cell in cells if cell.cell_id in blamed]) if blamed else set()
    return [complaint for complaint in found if complaint.split(maxsplit=1)[0] not in lost]


def agree(**grid: Any) -> None:
    """Demand that the native engine and the reference agree on a small float64 grid."""
    assert complaints(make_cells(**grid)) == []


def agree_with_mapped(tolerance: float, **grid: Any) -> None:
    """Demand that the native engine agrees with the mapped one."""
    cells = make_cells(**grid)
    assert differences(by_cell(train_native(cells)), by_cell(train_all(cells)), tolerance) == []


def every(names: Iterable[str], quick: Iterable[str]) -> list[Any]:
    """All names for a test's parameters, those that are not `quick` for the slow run only."""
    chosen = set(quick)
    assert chosen <= set(names)
    return [
        name if name in chosen else pytest.param(name, marks=pytest.mark.slow) for name in names
    ]


def has_twin(registry: Mapping[str, Any]) -> list[str]:
    """The entries that the reference can train."""
    return [name for name, entry in registry.items() if entry.twin is not None]
