"""Dead and saturated units built by hand, and what neighbours and single precision do to probes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from nnbench.training.reference.train import train_cell
from nnbench.training.stacked.stack import Stack
from nnbench.training.stacked.train import train
from tests.helpers import exactly, joined, train_all
from tests.training.stacked.test_probes import LAYERS_ONLY, probed, rows_by_place

# torch's own, when forward-mode derivatives are first asked for
pytestmark = pytest.mark.filterwarnings(
    "ignore:`torch.jit.script` is deprecated:DeprecationWarning"
)
CPU = torch.device("cpu")


def dead_by_hand(pre: Sequence[float], **grid: Any) -> tuple[bool, float]:
    """Say whether a single unit is dead whose pre-activations are given, and how saturated."""
    stack = Stack(probed(LAYERS_ONLY, width=1, depth=1, **grid), CPU)
    params = torch.zeros_like(stack.network.params)
    params[:, 0] = 1.0  # the weight of the first feature, of which the unit is a copy
    stack.network = stack.network._replace(params=params)
    x = stack.data.x["train"]
    x[:, 0] = torch.tensor(pre, dtype=x.dtype).repeat(len(x))[: len(x)]
    rates = torch.zeros(len(params), dtype=torch.float64)
    seen = stack.probe(rates, 1, sharp=False, correlation=False)
    return bool(seen.dead[0, 0, 0]), float(seen.statistics["saturated_fraction"][0, 0])


@pytest.mark.parametrize(
    ("activation", "pre", "dead", "is_saturated"),
    [
        ("relu", [-1.0, -2.0], True, 1.0),
        ("relu", [0.0], True, 1.0),  # of a dead layer before, without bias
        ("relu", [-1.0, 1.0], False, 0.5),
        ("relu6", [7.0, 9.0], True, 1.0),
        ("relu6", [-1.0, 9.0], False, 1.0),  # no gradient at all, but it tells two inputs apart
        ("hardtanh", [1.5, 3.0], True, 1.0),
        ("hardtanh", [-1.5, 0.5], False, 0.5),
        ("hardsigmoid", [-4.0], True, 1.0),
        ("hardswish", [-3.5, -9.0], True, 1.0),
        ("softshrink", [0.1, -0.2], True, 0.0),
        ("heaviside", [1.0, 2.0], True, 1.0),
        ("heaviside", [-1.0, 2.0], False, 1.0),
        ("leaky_relu", [-5.0], False, 0.0),
        ({"name": "leaky_relu", "negative_slope": 0.0}, [-5.0, -6.0], True, 0.0),
        ("elu", [-800.0, -900.0], False, 1.0),  # flat for floats, not by its own rule
        ({"name": "elu", "alpha": 0.0}, [-5.0, -6.0], True, 1.0),
        ("sigmoid", [900.0], False, 1.0),
        ("prelu", [-5.0], False, 0.0),
        ("rrelu", [-5.0], False, 0.0),
        ("tanh", [-9.0, 0.0], False, 0.5),
        ("identity", [3.0], False, 0.0),
    ],
)
def test_each_activations_own_rule(
    activation: Any, pre: list[float], dead: bool, is_saturated: float
) -> None:
    found = dead_by_hand(pre, activation=activation)
    assert found == (dead, pytest.approx(is_saturated))


def test_one_stack_has_units_that_can_die_and_cannot() -> None:
    slopes = {"name": "leaky_relu", "negative_slope": [0.01, 0.0]}
    cells = probed(LAYERS_ONLY, activation=slopes, bias=-9.0, epochs=0)
    leaky, flat = train(cells).cells
    assert leaky["dead_fraction_start"] == 0
    assert flat["dead_fraction_start"] == 1
    assert flat["last_unit_died_at_step"] == 0 and leaky["last_unit_died_at_step"] is None


# ------------------------------------------------------------------------- beside each other


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_diverged_network_spoils_no_probe(dtype: str) -> None:
    optimizer = {"name": "sgd", "lr": [0.01, 1e9, 1e12]}
    cells = probed(optimizer=optimizer, loss="mse", activation="identity", dtype=dtype, epochs=2)
    rows = train_all(cells)
    assert [row["status"] for row in rows.cells] == ["ok", "diverged", "diverged"]
    alone = rows_by_place(train_all(cells[:1]))
    together = rows_by_place(rows)
    assert {place: together[place] for place in alone} == alone
    assert {place[1] for place in together if place[0] != cells[0].cell_id} == {0}


@pytest.mark.whole
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_probe_depends_on_the_recipe_alone(dtype: str) -> None:
    cells = probed(seeds=5, width=13, norm="batchnorm", epochs=1, dtype=dtype)
    parts = [train_all(part) for part in (cells[:2], cells[2:4], cells[4:])]
    assert exactly(train_all(cells)) == exactly(joined(parts))


def test_gradients_below_what_single_precision_calls_normal() -> None:
    deep = {"activation": "sigmoid", "init": "xavier_normal", "depth": 80, "width": 5, "epochs": 0}
    single, double = (
        [row["grad_norm"] for row in train_all(probed(LAYERS_ONLY, dtype=dtype, **deep)).layers]
        for dtype in ("float32", "float64")
    )
    denormal = [(a, b) for a, b in zip(single, double, strict=True) if 1e-43 < b < 1e-39]
    assert len(denormal) >= 3
    for mine, exact in denormal:
        assert mine == pytest.approx(exact, rel=0.1) and mine > 0
    # squares would have been lost twenty orders of magnitude before
    assert all(mine > 0 for mine, exact in zip(single, double, strict=True) if exact > 1e-43)
    plain = train_cell(probed(LAYERS_ONLY, dtype="float32", **deep)[0]).layers
    np.testing.assert_allclose(single, [row["grad_norm"] for row in plain], rtol=1e-3, atol=1e-44)
