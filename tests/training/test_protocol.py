"""What a cell's row says beyond its scores: the optimizer's memory, and how steadily it ended."""

from __future__ import annotations

import numpy as np
import pytest

from nnbench.catalog import OPTIMIZERS
from nnbench.training.draws import Draws, split_for
from nnbench.training.protocol import state_per_parameter, swing
from nnbench.training.reference.network import build
from nnbench.training.reference.step import build_optimizer
from tests.helpers import make_cells, train_all

# 3 inputs, two hidden layers of 4 with a learned slope each, 2 outputs
SHAPES = [(4, 3), (4,), (1,), (4, 4), (4,), (1,), (2, 4), (2,)]


def test_plain_rules_keep_so_many_floats_for_each_parameter() -> None:
    assert state_per_parameter("sgd", SHAPES) == 0
    assert state_per_parameter("momentum", SHAPES) == 1
    assert state_per_parameter("adam", SHAPES) == 2


def test_factored_and_mixed_rules_depend_on_the_shapes() -> None:
    count = 12 + 4 + 1 + 16 + 4 + 1 + 8 + 2
    vectors = 4 + 1 + 4 + 1 + 2
    assert state_per_parameter("adafactor", SHAPES) == (7 + 8 + 6 + vectors) / count
    # muon keeps one float for a hidden matrix and leaves the rest, the last matrix too, to AdamW
    assert state_per_parameter("muon", SHAPES) == (12 + 16 + 2 * (8 + vectors)) / count


@pytest.mark.parametrize("name", ["sgd", "momentum", "adam", "adagrad", "adamax", "adafactor"])
def test_the_column_is_what_torch_keeps(name: str) -> None:
    cell = make_cells(optimizer=name, epochs=1)[0]
    network = build(cell.recipe, split_for(cell.recipe), Draws(cell.recipe))
    optimizer = build_optimizer(cell.recipe, network)
    for param in network.parameters():
        param.grad = param.detach().clone()
    optimizer.step()
    kept = [
        value.numel()
        for state in optimizer.state.values()
        for key, value in state.items()
        if key != "step"
    ]
    count = sum(param.numel() for param in network.parameters())
    assert train_all([cell]).cells[0]["state_per_param"] == pytest.approx(sum(kept) / count)


def test_every_optimizer_has_a_memory() -> None:
    for name in OPTIMIZERS:
        assert 0 <= state_per_parameter(name, SHAPES) <= 6


def test_a_swing_is_about_a_line() -> None:
    falling = list(np.linspace(3.0, 1.0, 40))
    assert swing(falling) == pytest.approx(0.0, abs=1e-12)
    wave = [0.1 if epoch % 2 else -0.1 for epoch in range(40)]
    assert swing([a + b for a, b in zip(falling, wave, strict=True)]) == pytest.approx(
        0.1, rel=0.05
    )
    # what came before the last quarter has no say
    assert swing([100.0] * 30 + wave[30:]) == pytest.approx(swing(wave))


def test_a_quarter_of_two_epochs_swings_about_nothing() -> None:
    assert swing([1.0] * 11) is None
    assert swing([1.0] * 12) == 0.0
