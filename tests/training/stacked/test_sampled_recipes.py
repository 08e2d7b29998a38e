"""Whole recipes drawn from all registries at once: a stack against plain torch, in float64."""

from __future__ import annotations

import random
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest

from nnbench.catalog import ACTIVATIONS, DATA, INITS, LOSSES, NORMS, OPTIMIZERS, SCHEDULES
from nnbench.study.mistakes import StudyError
from nnbench.study.vocabulary import Entry
from tests.helpers import chaotic, make_cells, real_disagreements, small_data, variants

NUMBERS = range(20)  # of the recipes that every run of the tests draws


def pick(chance: random.Random, registry: Mapping[str, Entry]) -> dict[str, Any]:
    """Return one variant of one entry that torch can check."""
    names = [name for name, entry in registry.items() if getattr(entry, "twin", "") is not None]
    name = chance.choice(names)
    return chance.choice(variants(name, registry[name]))


def fitting(chance: random.Random, key: str, registry: Mapping[str, Entry], **rest: Any) -> Any:
    """Return a variant that a study takes beside the rest: not all of them go together."""
    while True:
        with suppress(StudyError):
            found = pick(chance, registry)
            make_cells(**{key: found}, **rest)
            return found


def grid_of(number: int) -> dict[str, Any]:
    """Return the grid of one arm, every part of it drawn."""
    chance = random.Random(number)
    data = chance.choice([name for name, entry in DATA.items() if entry.reader is None])
    losses = [name for name, entry in LOSSES.items() if DATA[data].task in entry.targets]
    optimizer = pick(chance, OPTIMIZERS)
    free = OPTIMIZERS[optimizer["name"]].decoupled is None
    depth, width = chance.randrange(5), chance.choice([2, 5, 8, 13])
    activation = pick(chance, ACTIVATIONS)
    init = fitting(chance, "init", INITS, activation=activation)
    stopping = {"name": "patience", "patience": 1, "min_delta": 1e-3}
    return {
        "data": small_data(data),
        "val_fraction": 0.4,
        "test_fraction": 0.4,
        "depth": depth,
        "width": width,
        "activation": activation,
        "init": init,
        "bias": chance.choice([0.0, 0.1]),
        "optimizer": optimizer,
        "schedule": fitting(chance, "schedule", SCHEDULES, optimizer=optimizer),
        "norm": pick(chance, NORMS),
        "dropout": chance.choice([0.0, 0.3]),
        "dropout_kind": chance.choice(["standard", "alpha"]),
        "weight_decay": chance.choice(["none", 0.0, 0.1]),
        "decoupled": chance.choice([False, True]) if free else "none",
        "l1": chance.choice([0.0, 0.01]),
        "clip_norm": chance.choice([0.0, 0.5]),
        "clip_value": chance.choice([0.0, 0.1]),
        "residual": chance.choice([False, True]),
        "loss": chance.choice(["auto", *losses]),
        "epochs": 4,
        "batch_size": chance.choice([7, 11, 64]),
        "early_stopping": chance.choice(["none", stopping]),
        "seeds": 2,
    }


def check(number: int) -> None:
    grid = grid_of(number)
    assert real_disagreements(make_cells(**grid)) == [], grid


@pytest.mark.whole
@pytest.mark.parametrize("number", NUMBERS)
def test_recipe(number: int) -> None:
    check(number)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(NUMBERS.stop, 200))
def test_many_recipes(number: int) -> None:
    check(number)


@pytest.mark.whole
def test_few_recipes_are_chaotic() -> None:
    cells = [cell for number in NUMBERS for cell in make_cells(**grid_of(number))]
    assert len(chaotic(cells, nudges=1)) <= len(cells) / 4


def test_recipes_reach_every_part() -> None:
    grids = [grid_of(number) for number in NUMBERS]
    for key in ("norm", "loss", "schedule", "optimizer", "init", "early_stopping"):
        assert len({str(grid[key]) for grid in grids}) > 1
    for key in ("dropout", "l1", "clip_norm", "clip_value", "depth", "bias"):
        assert {bool(grid[key]) for grid in grids} == {False, True}
