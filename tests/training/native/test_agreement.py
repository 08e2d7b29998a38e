"""Each entry of each registry as a compiled program, against plain torch, in float64."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest

from nnbench.catalog import ACTIVATIONS, DATA, INITS, LOSSES, NORMS, OPTIMIZERS, SCHEDULES
from nnbench.training.native.origins import Unsupported
from nnbench.training.stacked.network import DROPOUTS
from tests.helpers import make_cells, small_data, variants
from tests.training.native.check import (
    ABSURD,
    SGD,
    WRITTEN,
    agree,
    agree_with_mapped,
    every,
    has_twin,
    train_native,
)
from tests.training.stacked.test_sampled_recipes import grid_of
from tests.training.test_evaluated_weights import AVERAGING

slow = pytest.mark.slow


@pytest.mark.parametrize("name", every(has_twin(ACTIVATIONS), ["relu", "gelu", "prelu", "softmax"]))
def test_activation(name: str) -> None:
    agree(activation=variants(name, ACTIVATIONS[name]), optimizer=SGD, seeds=2)


@slow
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_against_the_mapped_engine(name: str) -> None:
    grid = {"activation": variants(name, ACTIVATIONS[name]), "optimizer": SGD}
    agree_with_mapped(1e-9, **grid)
    agree_with_mapped(2e-3, **grid, dtype="float32", epochs=1)


@pytest.mark.parametrize(
    "name", every(has_twin(WRITTEN), ["adam", "muon", "adafactor", "asgd", "schedulefree_adamw"])
)
def test_optimizer(name: str) -> None:
    agree(optimizer=variants(name, OPTIMIZERS[name]), activation="tanh", seeds=2)


@slow
@pytest.mark.parametrize("name", WRITTEN)
def test_optimizer_against_the_mapped_engine(name: str) -> None:
    grid = {"optimizer": variants(name, OPTIMIZERS[name]), "activation": "tanh"}
    agree_with_mapped(1e-9, **grid)
    agree_with_mapped(2e-3, **grid, dtype="float32", epochs=1)


@pytest.mark.parametrize("name", every(has_twin(WRITTEN), ["momentum", "adamw"]))
def test_weight_decay_of_optimizer(name: str) -> None:
    entry = OPTIMIZERS[name]
    forms = [False, True] if entry.decoupled is None else [entry.decoupled]
    agree(optimizer=name, activation="tanh", weight_decay=[0.0, 0.1, 0.3], decoupled=forms)


@slow
@pytest.mark.parametrize("name", has_twin(INITS))
def test_init(name: str) -> None:
    agree(init=variants(name, INITS[name]), optimizer=SGD, activation="tanh", bias=[0.0, 0.1])


@pytest.mark.parametrize("name", every(SCHEDULES, ["plateau"]))
def test_schedule(name: str) -> None:
    optimizer = {"name": "sgd", "lr": [0.1, 3.0]}
    if SCHEDULES[name].momentum:
        optimizer = {"name": "momentum", "lr": [0.03, 0.3]}
    agree(schedule=variants(name, SCHEDULES[name]), optimizer=optimizer, activation="tanh")


@pytest.mark.whole
@pytest.mark.parametrize("name", every(has_twin(NORMS), ["batchnorm"]))
def test_norm(name: str) -> None:
    agree(norm=variants(name, NORMS[name]), optimizer=SGD, seeds=2)


LOSSES_ON_DATA = [
    (name, data)
    for name, loss in LOSSES.items()
    for data in [next(d for d, e in DATA.items() if e.task == task) for task in loss.targets]
    + (["blobs"] if "classification" in loss.targets else [])
]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        pair if pair in [("bce", "moons"), ("mse", "blobs")] else pytest.param(*pair, marks=slow)
        for pair in LOSSES_ON_DATA
    ],
)
def test_loss(name: str, data: str) -> None:
    agree(loss=variants(name, LOSSES[name]), data=small_data(data), batch_size=25, optimizer=SGD)


@pytest.mark.parametrize("kind", every(DROPOUTS, ["standard"]))
def test_dropout(kind: str) -> None:
    agree(dropout=[0.1, 0.5], dropout_kind=kind, activation="selu", optimizer=SGD)


@pytest.mark.parametrize("batch_size", [0, 1, 2, 5, 7, 35, 36, 1000])
def test_batch_size(batch_size: int) -> None:
    # one program for all of them, whatever is left over at the end of an epoch
    agree(batch_size=batch_size, epochs=2, optimizer=SGD)


@pytest.mark.parametrize("norm", every(["none", "batchnorm"], ["batchnorm"]))
@pytest.mark.parametrize("width", [1, 13, pytest.param(100, marks=slow)])
def test_width(width: int, norm: str) -> None:
    agree(width=width, norm=norm, optimizer=SGD, depth=3, activation="tanh", init="torch_default")


@pytest.mark.whole
def test_everything_at_once() -> None:
    agree(
        activation="tanh",
        norm="layernorm",
        residual=True,
        depth=3,
        dropout=0.2,
        l1=0.01,
        weight_decay=0.1,
        clip_norm=0.5,
        clip_value=0.05,
        optimizer=["momentum", "adam"],
        decoupled=[False, True],
        loss={"name": "cross_entropy", "label_smoothing": 0.1},
    )


@pytest.mark.whole
@pytest.mark.parametrize("position", every(["before", "after"], ["after"]))
def test_evaluation_as_in_training(position: str) -> None:
    agree(
        evaluation=["eval", "train"],
        norm={"name": "batchnorm", "position": position},
        activation="rrelu",
        dropout=[0.0, 0.3],
        init="torch_default",
        optimizer=SGD,
    )


@pytest.mark.whole
@pytest.mark.parametrize("optimizer", AVERAGING, ids=lambda optimizer: optimizer["name"])
def test_an_average_is_evaluated_with_statistics_of_its_own(optimizer: Any) -> None:
    norms = [{"name": "batchnorm", "position": position} for position in ("before", "after")]
    noise = {"dropout": 0.3, "activation": "rrelu"}
    agree(optimizer=optimizer, norm=norms, epochs=3, depth=3, **noise)


def test_all_averaging_optimizers_are_among_these() -> None:
    averaging = {name for name, entry in OPTIMIZERS.items() if entry.evaluated is not None}
    assert averaging == {optimizer["name"] for optimizer in AVERAGING}


@pytest.mark.parametrize("loss", ["nll", {"name": "cross_entropy", "label_smoothing": 0.2}])
def test_balanced_classes(loss: Any) -> None:
    agree(data="wine", class_weight=["none", "balanced"], loss=loss, epochs=2)


def test_logarithms_of_targets() -> None:
    agree(data="diabetes", target_transform=["none", "log"], epochs=2)


def test_no_hidden_layer() -> None:
    agree(depth=0, optimizer=SGD, norm=["none", "batchnorm"])


def test_early_stopping() -> None:
    stopping = [{"name": "patience", "patience": [1, 3]}, "none"]
    optimizer = {"name": "momentum", "lr": [0.01, 0.3, 3.0]}
    agree(early_stopping=stopping, optimizer=optimizer, epochs=12, activation="tanh")


@pytest.mark.parametrize("name", every(has_twin(WRITTEN), ["adam"]))
def test_optimizer_at_absurd_rates(name: str) -> None:
    optimizer = {"name": name, "lr": ABSURD}
    agree(optimizer=optimizer, loss=["cross_entropy", "mse"], epochs=1)


@pytest.mark.parametrize("name", every(has_twin(ACTIVATIONS), ["relu"]))
def test_activation_at_absurd_rates(name: str) -> None:
    optimizer = {"name": "sgd", "lr": ABSURD}
    agree(activation=name, optimizer=optimizer, loss=["cross_entropy", "mse"], epochs=1)


def test_divergence_comes_at_the_same_step() -> None:
    grid: dict[str, Any] = {
        "activation": "identity",
        "optimizer": {"name": "sgd", "lr": [0.5, 0.8, 1.2, 1e9]},
        "loss": "mse",
    }
    agree(**grid)
    steps = [row["diverged_at_step"] for row in train_native(make_cells(**grid)).cells]
    assert None not in steps and len(set(steps)) >= 3


@pytest.mark.parametrize("number", every(range(60), [3, 11]))  # type: ignore[arg-type]
def test_sampled_recipe(number: int) -> None:
    grid = grid_of(number)
    written = grid["optimizer"]["name"] in WRITTEN
    with nullcontext() if written else pytest.raises(Unsupported):
        agree(**grid)
