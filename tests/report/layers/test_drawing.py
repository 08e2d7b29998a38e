"""The drawing of a network: its sizes are those of its data, its parts stand in order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from nnbench.report.layers.drawing import blocks_of, sizes_of
from nnbench.results.read import Results
from tests.helpers import make_cells

ROW = {
    "data": "digits", "depth": 2, "width": 32, "activation": "relu", "init": "he_normal",
    "norm": "batchnorm", "norm.position": "before", "dropout": 0.2, "loss": "cross_entropy",
    "batch_size": 32,
}  # fmt: skip


def results_with(*tables: dict[str, Any]) -> Results:
    return Results(Path(), pd.DataFrame(), pd.DataFrame(), {"tables": list(tables)})


def names(**changes: object) -> list[str]:
    return [block.name for block in blocks_of({**ROW, **changes}, 64, 10, set())]


@pytest.mark.parametrize(
    ("changes", "hidden"),
    [
        ({}, ["linear", "batchnorm", "relu", "dropout"]),
        ({"norm.position": "after"}, ["linear", "relu", "batchnorm", "dropout"]),
        ({"norm": "none", "dropout": 0.0}, ["linear", "relu"]),
    ],
)
def test_parts_stand_in_the_order_of_the_network(
    changes: dict[str, object], hidden: list[str]
) -> None:
    assert names(**changes) == ["64 inputs", *hidden, "linear, the output", "cross_entropy"]


@pytest.mark.parametrize(
    ("data", "loss", "sizes"),
    [
        ("digits", "cross_entropy", (64, 10)),
        ("moons", "cross_entropy", (2, 2)),
        ("moons", "mse", (2, 1)),
        ("diabetes", "mse", (10, 1)),
    ],
)
def test_sizes_are_those_of_the_data_and_of_what_the_loss_wants(
    data: str, loss: str, sizes: tuple[int, int]
) -> None:
    (cell,) = make_cells(data=data, loss=loss)
    assert sizes_of(results_with(), cell.recipe) == sizes


def test_a_table_has_the_sizes_that_it_was_read_with() -> None:
    tables = [
        {"sha256": "other", "features": 3, "target": "y", "task": "regression"},
        {"sha256": "mine", "features": 5, "target": "price", "task": "regression"},
        {"sha256": "mine", "features": 7, "target": "y", "task": "classification"}
        | {"classes": {"p": 9, "q": 8}},
    ]
    row = {"data": "csv", "data.sha256": "mine", "data.target": "y", "data.task": "classification"}
    row |= {"loss": "cross_entropy"}
    assert sizes_of(results_with(*tables), row) == (7, 2)
    assert sizes_of(results_with(), row) is None


def test_of_what_is_not_here_there_is_no_drawing() -> None:
    assert sizes_of(results_with(), {"data": "mine", "loss": "mse"}) is None
    assert sizes_of(results_with(), {"data": "digits", "loss": "mine"}) is None


def test_what_varies_is_marked_and_has_a_place_where_the_baseline_is_without() -> None:
    blocks = blocks_of({**ROW, "dropout": 0.0}, 64, 10, {"dropout"})
    (dropout,) = [block for block in blocks if block.is_varied]
    assert dropout.name == "dropout" and dropout.under == "not in the baseline"
    assert "64 → 32, then 32 → 32" in [block.under for block in blocks]
