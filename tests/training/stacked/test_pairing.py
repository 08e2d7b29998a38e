"""Arms of one repeat share their draws, and what is added to a study changes nothing in it."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from nnbench.catalog import INITS
from nnbench.study.study import Cell
from nnbench.training.draws import Draws, draw_key, split_for
from nnbench.training.stacked.data import Data
from nnbench.training.stacked.network import initial_params, layout, program_of, unflatten
from nnbench.training.stacked.stack import start
from tests.helpers import exactly, make_cells, train_all

CPU = torch.device("cpu")
GRID: dict[str, Any] = {
    "activation": ["relu", "tanh"],
    "optimizer": [{"name": "adam", "lr": [1e-3, 1e-2]}, {"name": "sgd", "lr": 0.1}],
    "dropout": [0.0, 0.2],
    "epochs": 2,
}


def params_of(cell: Cell) -> dict[str, torch.Tensor]:
    """Return a cell's first parameters by name."""
    program = program_of(cell.recipe, split_for(cell.recipe))
    return unflatten(program, initial_params(program, cell.recipe, Draws(cell.recipe)))


def weights_of(cell: Cell) -> list[torch.Tensor]:
    """Return a cell's first weights, layer by layer."""
    return [param for name, param in params_of(cell).items() if name.endswith(".weight")]


def draws_of(cell: Cell) -> list[torch.Tensor]:
    """Return two epochs' orders and two steps' noise of each kind, as training draws them."""
    draws = Draws(cell.recipe)
    orders = [draws.next_order(36) for _ in range(2)]
    noise = [
        draws.next_noise(purpose, layer, 5, 7)
        for purpose in ("dropout", "activation")
        for layer in range(2)
        for _ in range(2)
    ]
    return orders + noise


def test_all_arms_share_all_draws() -> None:
    cells = make_cells(**GRID, init=list(INITS), norm=["none", "batchnorm"])
    first = draws_of(cells[0])
    for cell in cells:
        assert split_for(cell.recipe) is split_for(cells[0].recipe)
        assert all(map(torch.equal, draws_of(cell), first))


@pytest.mark.parametrize("what", ["seed", "study_seed"])
def test_another_seed_shares_none(what: str) -> None:
    one = make_cells()[0]
    other = make_cells(seeds=[1])[0] if what == "seed" else make_cells(document={"seed": 1})[0]
    assert not (split_for(one.recipe).x["train"] == split_for(other.recipe).x["train"]).any()
    assert not any(map(torch.equal, draws_of(one), draws_of(other)))
    assert not any(map(torch.equal, weights_of(one), weights_of(other)))
    assert draw_key(one.recipe) != draw_key(other.recipe)


def test_no_two_draws_of_a_cell_are_alike() -> None:
    cell = make_cells(width=2, depth=3)[0]  # so that all layers have one shape
    weights = weights_of(cell)
    kinds = [*(weight / weight.std() for weight in weights), *draws_of(cell)]
    for place, one in enumerate(kinds):
        assert not any(
            one.shape == other.shape and torch.allclose(one.double(), other.double())
            for other in kinds[:place]
        )


def test_normal_inits_are_one_noise() -> None:
    he, xavier = make_cells(init=["he_normal", "xavier_normal"])
    for mine, other in zip(weights_of(he), weights_of(xavier), strict=True):
        fan_out, fan_in = mine.shape
        noise = mine / (2 / fan_in) ** 0.5
        assert torch.allclose(noise, other / (2 / (fan_in + fan_out)) ** 0.5, rtol=1e-12)


def test_uniform_init_is_the_monotone_image_of_the_normal_one() -> None:
    normal, uniform = make_cells(init=["he_normal", "he_uniform"])
    for mine, other in zip(weights_of(normal), weights_of(uniform), strict=True):
        assert torch.equal(mine.flatten().argsort(), other.flatten().argsort())
        fan_in = mine.shape[1]
        share = torch.special.ndtr(mine / (2 / fan_in) ** 0.5)
        bound = (6 / fan_in) ** 0.5
        assert torch.allclose(other, bound * (2 * share - 1), rtol=1e-12)


def test_depth_and_norm_leave_the_first_layer_alone() -> None:
    cells = make_cells(depth=[1, 2, 5], norm=["none", "batchnorm"])
    first = params_of(cells[0])["0.weight"]
    assert all(torch.equal(params_of(cell)["0.weight"], first) for cell in cells)


def test_a_stack_starts_each_cell_where_it_starts_alone() -> None:
    cells = make_cells(init=["he_normal", "xavier_normal"], bias=[0.0, 0.1], seeds=3)
    program = program_of(cells[0].recipe, split_for(cells[0].recipe))
    stack = start(cells, program, Data(cells, program, CPU), CPU)
    size = sum(torch.Size(shape).numel() for shape in layout(program).values())
    assert stack.params.shape == (len(cells), size)
    for cell, params in zip(cells, stack.params, strict=True):
        alone = torch.cat([param.flatten() for param in params_of(cell).values()])
        assert torch.equal(params, alone)


ADDED: dict[str, dict[str, Any]] = {
    "an arm": {"activation": ["gelu", "relu", "tanh"]},
    "a level": {"dropout": [0.0, 0.1, 0.2]},
    "a rate": {
        "optimizer": [{"name": "adam", "lr": [1e-4, 1e-3, 1e-2]}, {"name": "sgd", "lr": 0.1}]
    },
    "a factor": {"init": ["he_normal", "xavier_normal"]},
    "a seed": {"seeds": 4},
    "another order": {"activation": ["tanh", "relu"], "dropout": [0.2, 0.0], "seeds": [1, 0]},
    "a name": {"document": {"name": "renamed", "title": "Under another title"}},
}


@pytest.mark.whole
@pytest.mark.parametrize("added", ADDED)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_added_changes_nothing(added: str, dtype: str) -> None:
    grid = {**GRID, "seeds": 2, "dtype": dtype}
    before = exactly(train_all(make_cells(**grid)))
    after = exactly(train_all(make_cells(**{**grid, **ADDED[added]})))
    assert before.keys() <= after.keys()
    assert {cell_id: after[cell_id] for cell_id in before} == before
