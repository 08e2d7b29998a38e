"""The lecture's worked numbers on activations and backpropagation, by nnbench's own code."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.func import grad

from nnbench.catalog import ACTIVATIONS, LOSSES
from nnbench.training.draws import Draws, split_for
from nnbench.training.stacked.network import (
    Program,
    flatten,
    forward,
    initial_params,
    layout,
    program_of,
    unflatten,
)
from nnbench.training.stacked.step import loss_of
from tests.helpers import make_cells

LOGITS = torch.tensor([[2.0, 1.0, 0.1]], dtype=torch.float64)


def output(program: Program, params: dict[str, Tensor], x: Tensor) -> Tensor:
    return forward(program, params, {}, {}, x, None)[0]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("softmax", [0.659, 0.242, 0.099]),
        ("logsoftmax", [-0.417, -1.417, -2.317]),
        ("softmin", [0.096, 0.261, 0.643]),
    ],
)
def test_softmax_and_its_kin(name: str, wanted: list[float]) -> None:
    assert ACTIVATIONS[name].function(LOGITS)[0].tolist() == pytest.approx(wanted, abs=5e-4)


def test_negative_log_likelihood_of_the_first_class() -> None:
    first = torch.tensor([0])
    logs = ACTIVATIONS["logsoftmax"].function(LOGITS)
    assert float(LOSSES["nll"].function(logs, first)) == pytest.approx(0.417, abs=5e-4)
    smoothing = torch.tensor(0.0)
    entropy = LOSSES["cross_entropy"].function(LOGITS, first, label_smoothing=smoothing)
    assert float(entropy) == pytest.approx(0.417, abs=5e-4)


def test_backpropagation_by_hand() -> None:
    """x = (1, 2), w1..w6 = 0.1..0.6, yhat = ReLU(w5 y1 + w6 y2), L = (1 - yhat)^2 / 2.

    Two hidden ReLU layers of two units: y1 and y2 are positive, so that the first layer's ReLU is
    the lecture's identity, and of the second layer the output sees one unit only.
    """
    (cell,) = make_cells(activation="relu", depth=2, width=2, loss="mse", init="zero")
    program = program_of(cell.recipe, split_for(cell.recipe))
    params = {
        name: torch.zeros(shape, dtype=torch.float64) for name, shape in layout(program).items()
    }
    params["0.weight"] = torch.tensor([[0.1, 0.2], [0.3, 0.4]], dtype=torch.float64)
    params["1.weight"][0] = torch.tensor([0.5, 0.6], dtype=torch.float64)
    params["output.weight"][0, 0] = 1.0
    x, y = torch.tensor([[1.0, 2.0]], dtype=torch.float64), torch.ones(1, 1, dtype=torch.float64)
    seen: dict[str, Tensor] = {}

    def tap(name: str, h: Tensor) -> Tensor:
        seen[name] = h
        return h

    outputs, _ = forward(program, params, {}, {}, x, None, tap)
    assert seen["act/0"][0].tolist() == pytest.approx([0.5, 1.1])
    assert float(outputs) == pytest.approx(0.91)

    def loss(flat: Tensor) -> Tensor:
        named = unflatten(program, flat)
        return loss_of(program, output(program, named, x), y, {}) / 2

    by_name = unflatten(program, grad(loss)(flatten(params)))
    assert float(by_name["output.bias"]) == pytest.approx(-0.09)  # dL/dyhat
    assert by_name["1.weight"][0].tolist() == pytest.approx([-0.045, -0.099])
    # the lecture stops here; one layer down it is -0.09 (0.5, 0.6) times x
    assert by_name["0.weight"].flatten().tolist() == pytest.approx([-0.045, -0.09, -0.054, -0.108])


@pytest.mark.parametrize(
    ("value", "wanted", "rel"), [(0.9, 1.37e-7, 5e-3), (1.1, 1.617717e6, 1e-6)]
)
def test_a_gradient_through_150_layers(value: float, wanted: float, rel: float) -> None:
    """A linear network of width 1, its weights all alike: 149 hidden layers and the output."""
    init = {"name": "constant", "value": value}
    (cell,) = make_cells(
        data={"name": "sine_wave", "n": 60}, activation="identity", init=init, depth=149, width=1
    )
    program = program_of(cell.recipe, split_for(cell.recipe))
    assert program.n_features == 1
    params = unflatten(program, initial_params(program, cell.recipe, Draws(cell.recipe)))
    slope = grad(lambda x: output(program, params, x).sum())(torch.ones(1, 1, dtype=torch.float64))
    assert float(slope) == pytest.approx(wanted, rel=rel)
    assert float(slope) == pytest.approx(value**150, rel=1e-12)
    # in ReLU's place a sigmoid's slope of at most 1/4 would leave nothing of either
    saturating = replace(program, activation="sigmoid")
    gone = grad(lambda x: output(saturating, params, x).sum())
    assert 0 < float(gone(torch.ones(1, 1, dtype=torch.float64))) < 1e-80
