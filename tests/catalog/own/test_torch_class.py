"""A class of torch.optim trains beside stacked networks, as it is and on the same draws."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
import torch
from torch import Tensor

import nnbench as nb
from nnbench.catalog import OPTIMIZERS
from nnbench.catalog.own.code import code_hash
from nnbench.catalog.own.entries import register
from nnbench.study.study import Cell
from nnbench.training.native.choice import (
    ALONE,
    Share,
    choose,
    expected_shares,
    found_shares,
    would_train,
)
from nnbench.training.plan import cost_of
from nnbench.training.tasks import Task, train_task
from tests.helpers import small_data

pytestmark = pytest.mark.usefixtures("none_stay")

COLUMNS = ("train_loss", "test_loss", "weight_norm", "state_per_param")


class Heavy(torch.optim.Optimizer):
    """Momentum without weight decay of its own, which counts its steps outside of its state."""

    def __init__(self, params: Iterable[Tensor], lr: float = 0.05, momentum: float = 0.9) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})
        self.steps = 0

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        self.steps += 1
        for group in self.param_groups:
            for param in group["params"]:
                mean = self.state[param].setdefault("mean", torch.zeros_like(param))
                mean.mul_(group["momentum"]).add_(param.grad)
                param.sub_(mean, alpha=group["lr"])


def cells_of(optimizer: str, **grid: Any) -> list[Cell]:
    usual = {"data": small_data("moons"), "width": 5, "epochs": 3, "dtype": "float64", "seeds": 2}
    known = {"optimizer": {"name": optimizer, "lr": 0.05}, "batch_size": 10}
    return nb.read_study({"name": "own", "grid": usual | known | grid}).cells()


@pytest.mark.parametrize("decay", [{}, {"weight_decay": 0.02}, {"decoupled": True}])
def test_it_trains_as_the_same_rule_in_a_stack(decay: dict[str, Any]) -> None:
    register(nb.Entries(optimizers={"heavy": Heavy}))
    grid = {"weight_decay": 0.02, "schedule": "cosine", **decay} if decay else {}
    mine, theirs = cells_of("heavy", **grid), cells_of("momentum", **grid)
    rows = train_task(Task(tuple(mine), "auto", "cpu"), lambda share: None).cells
    others = train_task(Task(tuple(theirs), "stacked", "cpu"), lambda share: None).cells
    assert {row["engine"] for row in rows} == {"reference"}
    for row, other in zip(rows, others, strict=True):
        for column in COLUMNS:
            assert row[column] == pytest.approx(other[column], rel=1e-9), column


def test_who_trains_it_and_why_is_said() -> None:
    register(nb.Entries(optimizers={"heavy": Heavy}))
    (cell, _), (plain, _) = cells_of("heavy"), cells_of("momentum")
    for wanted in ("auto", "native", "stacked"):
        assert choose(cell.recipe, wanted) == ("reference", ALONE)
        assert would_train("reference", cell.recipe, wanted)
        assert not would_train("stacked-eager", cell.recipe, wanted)
    said = [Share("reference", 1, ALONE), Share("stacked-eager", 1, None)]
    assert expected_shares([[cell], [plain]], "stacked", "cpu") == said
    assert found_shares([(cell, "reference"), (plain, "stacked-eager")], "stacked", "cpu") == said
    assert found_shares([(cell, "reference")], "reference", "cpu")[0].why is None
    of_ten = cost_of(cell).seconds(10) / cost_of(cell).seconds(1)
    assert of_ten == pytest.approx(10) and cost_of(plain).seconds(10) < 5 * cost_of(plain).seconds(
        1
    )


def test_its_code_is_known_before_and_after_torch_wraps_its_step() -> None:
    def made(rate: float) -> type[torch.optim.Optimizer]:
        class Fresh(Heavy):
            def step(self, closure: Any = None) -> None:  # type: ignore[override]
                for group in self.param_groups:
                    for param in group["params"]:
                        param.data -= rate * group["lr"] * param.grad

        return Fresh

    fresh = made(1.0)
    before = code_hash(fresh)
    fresh([torch.ones(2)])
    assert hasattr(fresh.step, "hooked") and code_hash(fresh) == before
    assert code_hash(made(2.0)) != before == code_hash(made(1.0))


def test_its_rule_is_its_step_and_changes_nothing_that_it_is_given() -> None:
    entry, param = nb.Optimizer(Heavy), torch.tensor([[1.0, -2.0]], dtype=torch.float64)
    hyper = {"lr": torch.tensor(0.1), "momentum": torch.tensor(0.5)}
    place = torch.nn.Parameter(param.clone())
    optimizer, state, moved = Heavy([place], 0.1, 0.5), entry.init(param), param
    for count in range(3):
        earlier = state
        moved, state = entry.update(moved * 2, state, moved, hyper, torch.tensor(count + 1.0))
        place.grad = place.detach() * 2
        optimizer.step()
        torch.testing.assert_close(moved, place.detach(), rtol=1e-7, atol=0)
    again, _ = entry.update(param, earlier, param, hyper, torch.tensor(3.0))
    assert torch.equal(again, entry.update(param, earlier, param, hyper, torch.tensor(3.0))[0])
    assert earlier["optimizer"].steps == 2 and state["optimizer"].steps == 3
    assert entry.floats_per_parameter(7, 4) == 1


def test_its_numbers_are_parameters_and_its_decay_is_the_studys() -> None:
    adamw = nb.Optimizer(torch.optim.AdamW, decoupled=True, betas=(0.8, 0.9))
    assert {name: about.default for name, about in adamw.parameters.items()} == {
        "lr": 1e-3,
        "eps": 1e-8,
    }
    assert (adamw.weight_decay, adamw.decoupled, adamw.alone) == (0.01, True, True)
    (group,) = adamw.twin([torch.ones(1)], lr=0.1).param_groups
    assert (group["weight_decay"], group["betas"], group["lr"]) == (0, (0.8, 0.9), 0.1)
    assert not any(entry.alone for entry in OPTIMIZERS.values())


def test_a_weight_decay_without_a_default_is_taken_as_it_is_said() -> None:
    class Asking(torch.optim.SGD):
        def __init__(self, params: Any, lr: float, weight_decay: float) -> None:
            super().__init__(params, lr, weight_decay=weight_decay)

    entry = nb.Optimizer(Asking, lr=0.2, weight_decay=0.1)
    assert (entry.weight_decay, [*entry.parameters]) == (0.1, ["lr"])
    assert entry.parameters["lr"].default == 0.2
