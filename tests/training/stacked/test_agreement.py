"""Each entry of each registry: a stack of networks against plain torch, in float64."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from nnbench.catalog import (
    ACTIVATIONS,
    DATA,
    INITS,
    LOSSES,
    NORMS,
    OPTIMIZERS,
    SCHEDULES,
    STOPPINGS,
)
from nnbench.training.stacked.network import DROPOUTS
from tests.helpers import (
    disagreements,
    make_cells,
    real_disagreements,
    small_data,
    train_all,
    variants,
)

SGD = {"name": "sgd", "lr": 0.1}
ABSURD = [1e3, 1e6, 1e9, 1e12]


def need_twin(entry: Any) -> None:
    if entry.twin is None:
        pytest.skip("torch has no twin of it")


def agree(**grid: Any) -> None:
    assert disagreements(make_cells(**grid)) == []


def agree_unless_chaotic(**grid: Any) -> None:
    assert real_disagreements(make_cells(**grid)) == []


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name: str) -> None:
    need_twin(ACTIVATIONS[name])
    agree(activation=variants(name, ACTIVATIONS[name]), optimizer=SGD, seeds=2)


@pytest.mark.parametrize("name", INITS)
def test_init(name: str) -> None:
    need_twin(INITS[name])
    # 2 features, 7 units, 2 classes: no fan is like another. And no kink: where a constant makes
    # all units alike, a bias that starts at zero is rounding noise, whose sign a ReLU acts upon
    weights = variants(name, INITS[name])
    agree(init=weights, optimizer=SGD, activation="tanh", bias=[0.0, 0.1])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer(name: str) -> None:
    need_twin(OPTIMIZERS[name])
    agree(optimizer=variants(name, OPTIMIZERS[name]), activation="tanh", seeds=2)


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weight_decay_of_optimizer(name: str) -> None:
    entry = OPTIMIZERS[name]
    need_twin(entry)
    forms = [False, True] if entry.decoupled is None else [entry.decoupled]
    agree(optimizer=name, activation="tanh", weight_decay=[0.0, 0.1, 0.3], decoupled=forms)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule(name: str) -> None:
    need_twin(SCHEDULES[name])
    # the second rate is too large for the loss to fall steadily: plateau has something to answer
    optimizer = {"name": "sgd", "lr": [0.1, 3.0]}
    if SCHEDULES[name].momentum:
        optimizer = {"name": "momentum", "lr": [0.03, 0.3]}
    agree(schedule=variants(name, SCHEDULES[name]), optimizer=optimizer, activation="tanh")


COMPOSED = [
    {
        "name": "chained",
        "first": {"name": "step", "step_size": 2},
        "second": {"name": "constant_lr", "total_iters": 3},
        "third": {"name": "exponential", "gamma": 1.5},
    },
    {"name": "sequential", "first": "linear", "second": "exponential", "milestones": [[2]]},
    {
        "name": "sequential",
        "first": {"name": "exponential", "gamma": 1.5},
        "second": "cosine_restarts",
        "third": {"name": "multistep", "milestones": [[1]]},
        "milestones": [[2, 4]],
    },
]


@pytest.mark.parametrize("schedule", COMPOSED, ids=["chained", "two in turn", "three in turn"])
def test_composed_schedule(schedule: dict[str, Any]) -> None:
    agree(schedule=schedule, optimizer=SGD, activation="tanh", epochs=8)


@pytest.mark.parametrize("name", NORMS)
def test_norm(name: str) -> None:
    need_twin(NORMS[name])
    agree(norm=variants(name, NORMS[name]), optimizer=SGD, seeds=2)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        (name, next(data for data, entry in DATA.items() if entry.task == task))
        for name, loss in LOSSES.items()
        for task in loss.targets
    ],
)
def test_loss(name: str, data: str) -> None:
    need_twin(LOSSES[name])
    agree(loss=variants(name, LOSSES[name]), data=small_data(data), batch_size=25, optimizer=SGD)


@pytest.mark.parametrize("name", LOSSES)
def test_loss_of_more_than_two_classes(name: str) -> None:
    if "classification" not in LOSSES[name].targets:
        pytest.skip("a loss of regression")
    need_twin(LOSSES[name])
    agree(loss=variants(name, LOSSES[name]), data=small_data("blobs"), optimizer=SGD)


@pytest.mark.parametrize("name", DATA)
def test_data(name: str, tmp_path: Path) -> None:
    agree(data=small_data(name, tmp_path), epochs=2, batch_size=100, optimizer=SGD)


@pytest.mark.parametrize("name", STOPPINGS)
def test_early_stopping(name: str) -> None:
    optimizer = {"name": "momentum", "lr": [0.01, 0.3, 3.0]}
    agree(early_stopping=variants(name, STOPPINGS[name]), optimizer=optimizer, epochs=8)


@pytest.mark.parametrize("kind", DROPOUTS)
def test_dropout(kind: str) -> None:
    agree(dropout=[0.1, 0.5], dropout_kind=kind, activation="selu", optimizer=SGD)


@pytest.mark.parametrize("batch_size", [0, 1, 5, 7, 35, 36, 1000])
def test_batch_size(batch_size: int) -> None:
    # of 36 examples: all, one by one, a lone one left over from 7s of 36 and from 35, too few
    agree(batch_size=batch_size, epochs=2, optimizer=SGD)


@pytest.mark.whole
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer_at_absurd_rates(name: str) -> None:
    need_twin(OPTIMIZERS[name])
    # one epoch: four steps, the first of which already throws the weights away
    optimizer = {"name": name, "lr": ABSURD}
    agree_unless_chaotic(optimizer=optimizer, loss=["cross_entropy", "mse"], epochs=1)


@pytest.mark.whole
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_at_absurd_rates(name: str) -> None:
    need_twin(ACTIVATIONS[name])
    optimizer = {"name": "sgd", "lr": ABSURD}
    grid = {"activation": name, "optimizer": optimizer, "epochs": 1}
    agree_unless_chaotic(**grid, loss=["cross_entropy", "mse"])


def test_divergence_comes_at_the_same_step() -> None:
    optimizer = {"name": "sgd", "lr": [0.5, 0.8, 1.2, 1e9]}
    cells = make_cells(activation="identity", optimizer=optimizer, loss="mse")
    assert disagreements(cells) == []
    steps = [row["diverged_at_step"] for row in train_all(cells).cells]
    assert None not in steps and len(set(steps)) >= 3


@pytest.mark.whole
@pytest.mark.parametrize("position", ["before", "after"])
def test_evaluation_as_in_training(position: str) -> None:
    agree(
        evaluation=["eval", "train"],
        norm=["none", {"name": "batchnorm", "position": position}],
        activation=["tanh", "rrelu"],
        dropout=[0.0, 0.3],
        init="torch_default",  # its biases differ, so that no two classes tie
        optimizer=SGD,
    )


def test_a_batch_of_one_leaves_batchnorm_nothing_but_its_shift() -> None:
    cells = make_cells(norm="batchnorm", evaluation="train", optimizer=SGD, epochs=0)
    (row,) = train_all(cells).cells
    # each unit is its own mean, so every example gets the same outputs: two classes, one answer
    assert row["train_loss"] == pytest.approx(math.log(2), abs=1e-12)


def test_evaluation_as_in_training_changes_no_training() -> None:
    cells = make_cells(evaluation=["eval", "train"], dropout=0.5, norm="batchnorm", optimizer=SGD)
    curves = train_all(cells).curves
    by_cell = [[c for c in curves if c["cell_id"] == cell.cell_id] for cell in cells]
    first, second = ([c["grad_norm"] for c in curve[1:]] for curve in by_cell)
    assert first == second
    assert by_cell[0][-1]["val_loss"] != by_cell[1][-1]["val_loss"]
