"""Single precision: it stays single, it is close to plain torch's, and denormals live."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils._pytree import tree_leaves

from nnbench.catalog import ACTIVATIONS, NORMS, OPTIMIZERS
from nnbench.training.stacked.network import DROPOUTS
from nnbench.training.stacked.stack import Stack
from tests.helpers import disagreements, make_cells, train_all, variants

CPU = torch.device("cpu")
SMALLEST_NORMAL = torch.finfo(torch.float32).tiny
FULL = {"dropout": 0.2, "clip_norm": 0.5, "clip_value": 0.1, "l1": 1e-3, "weight_decay": 0.01}


def assert_stays_single(**grid: Any) -> None:
    """Demand that two steps leave the networks in single precision (counters may be double)."""
    stack = Stack(make_cells(dtype="float32", **grid), CPU)
    rates = torch.full((2, len(stack.network.params)), 1e-3, dtype=torch.float64)
    losses, grad_norms = stack.train_epoch(rates, batch_size=10, done=0)
    # a network's single numbers, such as the sum of an average's weights, are double in any case
    types = {leaf.dtype for leaf in tree_leaves(stack.network) if leaf.ndim > 1}
    assert types | {losses.dtype, grad_norms.dtype} == {torch.float32}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer_stays_single(name: str) -> None:
    assert_stays_single(optimizer=variants(name, OPTIMIZERS[name])[-1], seeds=2)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_stays_single(name: str) -> None:
    assert_stays_single(activation=variants(name, ACTIVATIONS[name])[-1], seeds=2)


@pytest.mark.parametrize("name", NORMS)
def test_norm_stays_single(name: str) -> None:
    assert_stays_single(norm=variants(name, NORMS[name])[-1], seeds=2)


@pytest.mark.parametrize("kind", DROPOUTS)
@pytest.mark.parametrize("decoupled", [False, True])
def test_regularisers_stay_single(decoupled: bool, kind: str) -> None:
    assert_stays_single(**FULL, decoupled=decoupled, dropout_kind=kind, optimizer="momentum")


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_in_single_precision(name: str) -> None:
    if ACTIVATIONS[name].twin is None:
        pytest.skip("torch has no twin of it")
    optimizer = {"name": "sgd", "lr": 0.05}
    cells = make_cells(activation=name, optimizer=optimizer, dtype="float32", epochs=1)
    assert disagreements(cells, tolerance=1e-3) == []


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer_in_single_precision(name: str) -> None:
    if OPTIMIZERS[name].twin is None:
        pytest.skip("torch has no twin of it")
    cells = make_cells(optimizer=name, activation="tanh", dtype="float32", epochs=1)
    assert disagreements(cells, tolerance=1e-3) == []


def test_precisions_do_differ() -> None:
    single, double = make_cells(dtype=["float32", "float64"])
    losses = [train_all([cell]).cells[0]["train_loss"] for cell in (single, double)]
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def smallest_gradients() -> list[float]:
    """Return the norms of the gradients of a deep sigmoid network's layers, at its start."""
    cells = make_cells(
        document={"probes": {"layers": True}},
        activation="sigmoid",
        init="xavier_normal",
        depth=80,
        width=5,
        epochs=0,
        dtype="float32",
    )
    return [row["grad_norm"] for row in train_all(cells).layers]


def test_denormal_gradients_are_reported() -> None:
    assert any(0 < norm < SMALLEST_NORMAL for norm in smallest_gradients())


def test_denormal_gradients_would_be_lost_by_flushing() -> None:
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor cannot flush denormals")
    try:
        assert not any(0 < norm < SMALLEST_NORMAL for norm in smallest_gradients())
    finally:
        torch.set_flush_denormal(False)


def test_a_step_reads_a_denormal_gradient() -> None:
    """The step's own gradient, with no probe: inputs of 1e-40 give weights' gradients of 1e-40."""
    stack = Stack(make_cells(depth=0, dtype="float32", optimizer="sgd"), CPU)
    stack.data.x["train"].fill_(1e-40)
    before = stack.network.params.clone()
    before[:, :4] = 0.0  # weights of zero, so that not even a denormal change is rounded away
    stack.network = stack.network._replace(params=before)
    stack.train_epoch(torch.ones(1, 1, dtype=torch.float64), batch_size=10, done=0)
    change = (stack.network.params - before)[:, :4].abs()
    assert change.max() < SMALLEST_NORMAL
    assert change.max() > 0
