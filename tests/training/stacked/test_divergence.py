"""A network that diverges, or stops early, is a row of its own and no one else's business."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from nnbench.results.rows import Rows
from nnbench.study.study import Cell
from nnbench.training import draws
from nnbench.training.draws import Split
from nnbench.training.reference import train as reference
from nnbench.training.stacked import data, stack
from tests.helpers import by_cell, differences, exactly, make_cells, train_all, train_by_reference

SCORES = [f"{part}_{what}" for part in ("train", "val", "test") for what in ("loss", "accuracy")]
WILD = {"name": "sgd", "lr": [0.01, 1e9, 0.03, 1e12, 0.02]}


def is_diverged(row: Mapping[str, Any]) -> bool:
    return bool(row["status"] == "diverged")


def assert_others_untouched(cells: list[Cell], rows: Rows) -> None:
    """Demand that the cells that are well come out as from a stack without the diverged ones."""
    lost = {row["cell_id"] for row in rows.cells if is_diverged(row)}
    well = [cell for cell in cells if cell.cell_id not in lost]
    assert lost and well
    together = exactly(rows)
    assert exactly(train_all(well)) == {cell.cell_id: together[cell.cell_id] for cell in well}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("parts", [{}, {"norm": "batchnorm", "dropout": 0.2, "weight_decay": 1.0}])
def test_absurd_rate_beside_ordinary_ones(parts: dict[str, Any], dtype: str) -> None:
    cells = make_cells(
        **parts, optimizer=WILD, loss="mse", activation="identity", dtype=dtype, seeds=2
    )
    assert_others_untouched(cells, train_all(cells))


def test_row_of_a_diverged_network() -> None:
    cells = make_cells(optimizer=WILD, loss="mse", activation="identity", epochs=3)
    rows = train_all(cells)
    assert [row["cell_id"] for row in rows.cells] == [cell.cell_id for cell in cells]
    lost = [row for row in rows.cells if is_diverged(row)]
    assert len(lost) == 2
    for row in lost:
        assert all(row[name] is None for name in SCORES)
        assert row["best_epoch"] is None and not row["stopped_early"]
        assert row["diverged_at_step"] == 3 and row["epochs_run"] == 0
        curve = [point for point in rows.curves if point["cell_id"] == row["cell_id"]]
        assert [point["epoch"] for point in curve] == [0]


def poisoned(split: Split, example: int) -> Split:
    """Return a split with one infinite feature in the training part."""
    x = split.x["train"].copy()
    x[example, 0] = np.inf
    return replace(split, x={**split.x, "train": x})


@pytest.mark.parametrize("activation", ["relu", "tanh", "leaky_relu", "elu", "gelu"])
def test_infinite_data_of_one_seed(activation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def split_for(recipe: Mapping[str, Any]) -> Split:
        split = draws.split_for(recipe)
        return poisoned(split, 5) if recipe["seed"] == 1 else split

    cells = make_cells(activation=activation, optimizer="sgd", seeds=3, epochs=2)
    untouched = exactly(train_all(cells))
    for module in (data, stack, reference):
        monkeypatch.setattr(module, "split_for", split_for)
    rows = train_all(cells)
    found = exactly(rows)
    for cell in cells:
        # identical except for the seed whose data is infinite
        assert (found[cell.cell_id] == untouched[cell.cell_id]) == (cell.recipe["seed"] != 1)
    assert [is_diverged(row) for row in rows.cells] == [False, True, False]
    assert differences(by_cell(rows), by_cell(train_by_reference(cells)), 1e-9) == []


@pytest.mark.parametrize("step", [1, 4, 5, 11])
def test_gradient_that_breaks_at_a_step(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant a NaN in one cell's rate: the very next loss must be the one that says so."""
    cells = make_cells(optimizer={"name": "sgd", "lr": [0.1, 0.2, 0.3]})
    alone = exactly(train_all([cells[0], cells[2]]))
    right = stack.Stack.train_epoch

    def planted(self: Any, rates: torch.Tensor, batch_size: int, done: int, *rest: Any) -> Any:
        rates = rates.clone()
        if 0 <= step - 1 - done < len(rates):
            rates[step - 1 - done, 1] = torch.nan
        return right(self, rates, batch_size, done, *rest)

    monkeypatch.setattr(stack.Stack, "train_epoch", planted)
    rows = train_all(cells)
    assert {row["cell_id"]: row for row in rows.cells}[cells[1].cell_id]["diverged_at_step"] == (
        step if step % 4 == 0 else step + 1  # at an epoch's end the evaluation sees it first
    )
    found = exactly(rows)
    assert {cell_id: found[cell_id] for cell_id in alone} == alone


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list of the sizes to which stacks shrink."""
    sizes: list[int] = []
    right = stack.Stack.keep

    def watched(self: Any, places: Any) -> None:
        sizes.append(len(places))
        right(self, places)

    monkeypatch.setattr(stack.Stack, "keep", watched)
    return sizes


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_stack_that_shrinks(dtype: str, kept: list[int]) -> None:
    """Cells that stopped or diverged leave the stack; those that stay must not notice."""
    cells = make_cells(
        optimizer={"name": "momentum", "lr": [0.001, 0.01, 0.1, 1.0, 10.0, 1e9]},
        early_stopping=[{"name": "patience", "patience": [1, 2]}, "none"],
        schedule=["none", {"name": "plateau", "patience": 0}],
        activation="tanh",
        norm="batchnorm",
        dropout=0.2,
        epochs=30,
        dtype=dtype,
        seeds=2,
    )
    rows = train_all(cells)
    assert kept, "no stack shrank"
    ends = {(row["stopped_early"], row["status"]) for row in rows.cells}
    assert {(True, "ok"), (False, "ok")} <= ends
    together = exactly(rows)
    # pairs, so that most of them never shrink
    for first in range(0, len(cells), 12):
        pair = cells[first : first + 2]
        assert exactly(train_all(pair)) == {c.cell_id: together[c.cell_id] for c in pair}
    for alone in cells[::17]:
        assert exactly(train_all([alone]))[alone.cell_id] == together[alone.cell_id]


def test_stack_that_shrinks_agrees_with_torch(kept: list[int]) -> None:
    cells = make_cells(
        optimizer={"name": "sgd", "lr": [0.01, 0.1, 3.0, 10.0]},
        early_stopping={"name": "patience", "patience": [1, 4]},
        activation="tanh",
        epochs=12,
    )
    stacked = by_cell(train_all(cells))
    assert kept
    assert differences(stacked, by_cell(train_by_reference(cells)), 1e-9) == []


def test_a_stack_stops_when_all_of_it_has() -> None:
    cells = make_cells(
        optimizer={"name": "sgd", "lr": [1e9, 1e12]}, loss="mse", activation="identity", epochs=50
    )
    shares: list[float] = []
    rows = train_all(cells, on_progress=shares.append)
    assert all(map(is_diverged, rows.cells))
    assert len(shares) < 3
