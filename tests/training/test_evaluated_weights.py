"""What is evaluated is one network: weights with statistics of their own, and its scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch.optim.swa_utils import update_bn

from nnbench.study.study import Cell
from nnbench.training.draws import Draws, split_for
from nnbench.training.reference.evaluate import tensors
from nnbench.training.reference.network import build
from nnbench.training.reference.step import build_criterion
from nnbench.training.stacked.network import layout
from nnbench.training.stacked.stack import Stack
from nnbench.training.stacked.step import evaluated
from tests.helpers import disagreements, make_cells, train_all

AVERAGING = [
    {"name": "asgd", "lr": 0.3, "t0": 3},
    {"name": "schedulefree_sgd", "lr": 1.0},
    {"name": "schedulefree_adamw", "lr": 0.03},
]


def averaging(optimizer: Any, **grid: Any) -> Cell:
    (cell,) = make_cells(optimizer=optimizer, norm="batchnorm", epochs=3, depth=3, **grid)
    return cell


def trained(cell: Cell, epochs: int) -> Stack:
    """Return a stack of a cell, twice, after so many epochs at its base rate."""
    stack = Stack([cell, cell], torch.device("cpu"))
    batch, split = cell.recipe["batch_size"], stack.data.splits[0]
    steps = split.steps_per_epoch(batch)
    for epoch in range(epochs):
        rates = torch.full((steps, 2), cell.recipe["optimizer.lr"], dtype=torch.float64)
        stack.train_epoch(rates, batch, epoch * steps)
    return stack


@pytest.mark.parametrize("optimizer", AVERAGING, ids=lambda optimizer: optimizer["name"])
def test_an_average_has_the_statistics_that_torch_gives_it(optimizer: Any) -> None:
    cell = averaging(optimizer)
    stack = trained(cell, 3)
    split = split_for(cell.recipe)
    network = build(cell.recipe, split, Draws(cell.recipe))
    first = type(stack.network)(*(_first(part) for part in stack.network))
    numbers = {name: value[0] for name, value in stack.numbers.items()}
    weights = evaluated(stack.program, first, numbers)
    shapes = [tuple(param.shape) for param in network.parameters()]
    assert shapes == list(layout(stack.program).values())
    torch.nn.utils.vector_to_parameters(weights, network.parameters())
    x, _ = tensors(cell.recipe, split, "train")
    update_bn([x], network)
    network.eval()
    scores = stack.evaluate()[0]
    for part in ("train", "val", "test"):
        x, y = tensors(cell.recipe, split, part)
        loss = float(build_criterion(cell.recipe, split)(network(x), y).detach())
        assert scores[f"{part}_loss"] == pytest.approx(loss, rel=1e-9)
    old = stack._sums(stack.network, "val")[0][0] / stack.data.n["val"]
    assert old != pytest.approx(scores["val_loss"], rel=1e-3), "the iterates' would do as well"


def _first(part: Any) -> Any:
    return torch.utils._pytree.tree_map(lambda leaf: leaf[0], part)


@pytest.mark.parametrize("optimizer", AVERAGING, ids=lambda optimizer: optimizer["name"])
@pytest.mark.parametrize("grid", [{}, {"dropout": 0.3, "activation": "rrelu"}], ids=["", "noisy"])
def test_both_engines_evaluate_the_same_average(optimizer: Any, grid: Any) -> None:
    cells = [averaging(optimizer, **grid), averaging(optimizer, schedule="plateau", **grid)]
    assert disagreements(cells) == []


def test_training_does_not_learn_from_being_evaluated() -> None:
    cell = averaging(AVERAGING[0])
    looked_at, left_alone = trained(cell, 1), trained(cell, 1)
    looked_at.evaluate()
    for name, value in looked_at.network.running.items():
        assert torch.equal(value, left_alone.network.running[name])


@pytest.fixture
def claims(tmp_path: Path) -> Path:
    """A table of claims so rare that all those of some parts are zero."""
    path = tmp_path / "claims.csv"
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(40, 3)), columns=list("abc"))
    table["claim"] = np.where(np.arange(40) == 7, 41.3, 0.0)
    table.to_csv(path, index=False)
    return path


def test_a_part_with_one_value_has_no_r2_and_its_network_is_well(claims: Path) -> None:
    data = {"csv": str(claims), "target": "claim", "task": "regression"}
    cells = make_cells(data=data, seeds=4, epochs=2)
    stacked = train_all(cells)
    assert disagreements(cells) == []
    undefined = 0
    for row in stacked.cells:
        split = split_for(next(c for c in cells if c.cell_id == row["cell_id"]).recipe)
        assert row["status"] == "ok" and row["epochs_run"] == 2
        for part in ("train", "val", "test"):
            is_alike = len(set(split.y[part].tolist())) == 1
            assert np.isnan(row[f"{part}_r2"]) == is_alike
            undefined += is_alike
            assert not is_alike or part in row["reason"].partition(": ")[2]
    assert undefined >= 8  # one claim lies in one part: the other two have one value


def test_errors_too_large_to_square_are_no_divergence() -> None:
    # a loss that grows with the error, not its square, is finite where R^2 is not
    (cell,) = make_cells(
        data={"name": "sine_wave", "n": 60},
        loss="mae",
        activation="identity",
        init={"name": "normal", "std": 1e6},
        depth=3,
        epochs=0,
        dtype="float32",
    )
    (row,) = train_all([cell]).cells
    assert row["status"] == "ok" and np.isfinite(row["test_loss"])
    assert np.isnan(row["test_r2"]) and "too large" in row["reason"]
