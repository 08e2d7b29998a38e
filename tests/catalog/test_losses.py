"""Every loss: value and gradient against torch's module and against the formula, far out and at
kinks; in a stack; and which output it looks at."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.func import grad, vmap

from nnbench.catalog import LOSSES, VOCABULARY
from nnbench.study.reading import make_study
from nnbench.training.draws import split_for
from nnbench.training.stacked.network import program_of
from nnbench.training.stacked.step import loss_of
from tests.helpers import make_cells, other_value, train_all

TYPES = [torch.float32, torch.float64]
CASES = [
    (name, form) for name, loss in LOSSES.items() for form in dict.fromkeys(loss.targets.values())
]
FAR = [-1e3, -300.0, -104.0, -89.0, -50.0, -28.0, -27.5, -17.0, -1.0, -1e-3, 0.0]
LOGITS = torch.tensor(sorted({*FAR, *(-x for x in FAR)}), dtype=torch.float64)


def parameters_of(name: str) -> list[dict[str, float]]:
    """Return a loss's defaults, and all of its parameters at other values."""
    about = LOSSES[name].parameters
    return [
        {key: one.default for key, one in about.items()},
        {key: other_value(one) for key, one in about.items()},
    ]


def sample(form: str, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return outputs (batch, outputs) and targets, with far, tied and right outputs among them."""
    generator = torch.Generator().manual_seed(0)
    columns = {"class": 3, "one_hot": 3, "value": 1}[form]
    outputs = torch.randn(len(LOGITS), columns, generator=generator, dtype=torch.float64)
    outputs[:, 0] = LOGITS
    if form == "class":
        targets = torch.randint(3, (len(LOGITS),), generator=generator)
        return outputs.to(dtype), targets
    targets = torch.randint(2, outputs.shape, generator=generator).double()
    outputs[3] = targets[3]  # no error at all
    outputs[4] = targets[4] + 1.0  # errors on the kinks of huber and smooth_l1
    outputs[5] = targets[5] - 1.0
    return outputs.to(dtype), targets.to(dtype)


def ours(name: str, parameters: dict[str, Any]) -> Callable[[Tensor, Tensor], Tensor]:
    entry = LOSSES[name]
    given = {
        key: value if entry.parameters[key].program else torch.tensor(value, dtype=torch.float64)
        for key, value in parameters.items()
    }

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        mapped = entry.output(outputs) if entry.output else outputs
        return entry.function(mapped, targets, **given)

    return loss


def torchs(name: str, parameters: dict[str, Any]) -> Callable[[Tensor, Tensor], Tensor]:
    entry = LOSSES[name]
    output = torch.nn.Identity() if entry.output_twin is None else entry.output_twin()
    module = entry.twin(**parameters)
    return lambda outputs, targets: module(output(outputs), targets)


def gradient_of(loss: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor) -> Tensor:
    leaf = x.clone().requires_grad_()
    (found,) = torch.autograd.grad(loss(leaf, y), leaf)
    return found


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize(("name", "form"), CASES)
def test_equals_torch(name: str, form: str, dtype: torch.dtype) -> None:
    outputs, targets = sample(form, dtype)
    tolerance = {"rtol": 1e-12, "atol": 1e-14} if dtype == torch.float64 else {}
    for parameters in parameters_of(name):
        mine, theirs = ours(name, parameters), torchs(name, parameters)
        assert mine(outputs, targets).dtype == dtype
        torch.testing.assert_close(mine(outputs, targets), theirs(outputs, targets), **tolerance)
        found = grad(mine)(outputs, targets)
        torch.testing.assert_close(found, gradient_of(theirs, outputs, targets), **tolerance)


@pytest.mark.parametrize("name", [name for name, entry in LOSSES.items() if entry.parameters])
def test_parameters_matter(name: str) -> None:
    form = next(iter(LOSSES[name].targets.values()))
    outputs, targets = sample(form, torch.float64)
    defaults, others = parameters_of(name)
    for key in defaults:
        changed = ours(name, defaults | {key: others[key]})(outputs, targets)
        assert not torch.allclose(changed, ours(name, defaults)(outputs, targets))


@pytest.mark.parametrize("target", [0.0, 1.0])
@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_bce_loses_its_gradient_where_torchs_does(dtype: torch.dtype, target: float) -> None:
    outputs = LOGITS.to(dtype)[:, None]
    targets = torch.full_like(outputs, target)
    mine, theirs = ours("bce", {}), torchs("bce", {})
    for one, wanted in zip(outputs, targets, strict=True):
        found = grad(mine)(one[None], wanted[None])
        expected = gradient_of(theirs, one[None], wanted[None])
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=0)
        torch.testing.assert_close(mine(one, wanted), theirs(one, wanted), rtol=1e-5, atol=1e-12)
    wrong = torch.tensor([[1000.0 if target == 0 else -1000.0]], dtype=dtype)
    right_target = targets[:1]
    assert mine(wrong, right_target) == 100 and grad(mine)(wrong, right_target) == 0
    logits = ours("bce_with_logits", {})
    assert logits(wrong, right_target) == 1000 and grad(logits)(wrong, right_target).abs() == 1


def test_bce_curves_as_torchs_does() -> None:
    # the sharpness probe differentiates twice
    outputs, targets = sample("one_hot", torch.float64)
    direction = torch.ones_like(outputs)

    def curvature(loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        leaf = outputs.clone().requires_grad_()
        (first,) = torch.autograd.grad(loss(leaf, targets), leaf, create_graph=True)
        return torch.autograd.grad((first * direction).sum(), leaf)[0]

    near = (outputs.abs() < 20).all(1)  # torch's own second derivative divides by p (1 - p) again
    found, wanted = curvature(ours("bce", {})), curvature(torchs("bce", {}))
    torch.testing.assert_close(found[near], wanted[near], rtol=1e-7, atol=1e-12)


def of_class(o: Any, t: Any, label_smoothing: float = 0.0) -> Any:
    logs = o - np.log(np.exp(o).sum(1, keepdims=True))
    classes = o.shape[1]
    goal = (1 - label_smoothing) * np.eye(classes)[t] + label_smoothing / classes
    return -(goal * logs).sum(1)


def entropy(o: Any, t: Any) -> Any:
    q = 1 / (1 + np.exp(-o))
    return -(t * np.log(q) + (1 - t) * np.log(1 - q))


def huber(o: Any, t: Any, delta: float) -> Any:
    e = np.abs(o - t)
    return np.where(e <= delta, e**2 / 2, delta * (e - delta / 2))


# Textbook formulas in plain numpy, for moderate outputs: a second witness beside the twin
BY_HAND: dict[str, Callable[..., Any]] = {
    "cross_entropy": of_class,
    "nll": of_class,
    "mse": lambda o, t: (o - t) ** 2,
    "mae": lambda o, t: np.abs(o - t),
    "huber": huber,
    "smooth_l1": lambda o, t, beta: huber(o, t, beta) / beta,
    "bce": entropy,
    "bce_with_logits": entropy,
}


@pytest.mark.parametrize(("name", "form"), [case for case in CASES if case[0] in BY_HAND])
def test_equals_formula(name: str, form: str) -> None:
    outputs, targets = sample(form, torch.float64)
    outputs = outputs.clamp(-5, 5)
    for parameters in parameters_of(name):
        found = float(ours(name, parameters)(outputs, targets))
        wanted = BY_HAND[name](outputs.numpy(), targets.numpy(), **parameters)
        assert found == pytest.approx(wanted.mean(), rel=1e-12)


@pytest.mark.parametrize(("name", "form"), CASES)
def test_stack_equals_one_by_one_and_keeps_a_nan_apart(name: str, form: str) -> None:
    recipe = make_cells(loss=name, data=data_for(name))[0].recipe
    program = program_of(recipe, split_for(recipe))
    outputs, targets = sample(form, torch.float32)
    stack = torch.stack([outputs * scale for scale in (0.1, 0.2, math.nan, 0.4, 1.0)])
    low, high = parameters_of(name)
    given = {
        f"loss.{key}": torch.linspace(low[key], high[key], 5, dtype=torch.float64)
        for key in low
        if not LOSSES[name].parameters[key].program
    }

    def loss(outputs: Tensor, numbers: dict[str, Tensor]) -> Tensor:
        return loss_of(program, outputs, targets, numbers)

    both = vmap(lambda x, numbers: (loss(x, numbers), grad(loss)(x, numbers)))
    values, gradients = both(stack, given)
    assert values.isnan().tolist() == [False, False, True, False, False]
    # torch's sign of a NaN is 0, so that mae has a NaN for its value alone
    assert not gradients[~values.isnan()].isnan().any()
    for place in (0, 1, 3, 4):
        pair = torch.tensor([place, 0])
        few, slopes = both(stack[pair], {key: value[pair] for key, value in given.items()})
        assert torch.equal(few[0], values[place])
        assert torch.equal(slopes[0], gradients[place])


def data_for(name: str) -> str:
    return "moons" if "classification" in LOSSES[name].targets else "diabetes"


def test_decisions_are_by_the_output_before_its_map() -> None:
    # one output for two classes: its sigmoid is above a half where the output is above zero
    bce, logits = make_cells(loss=["bce", "bce_with_logits"], optimizer={"name": "sgd", "lr": 0.3})
    rows = train_all([bce, logits]).cells
    assert rows[0]["test_accuracy"] == rows[1]["test_accuracy"] > 0.6
    assert rows[0]["test_loss"] == pytest.approx(rows[1]["test_loss"], rel=1e-9)
    cross, nll = make_cells(loss=["cross_entropy", "nll"])
    rows = train_all([cross, nll]).cells
    assert rows[0]["test_loss"] == pytest.approx(rows[1]["test_loss"], rel=1e-9)


def test_auto_fills_in_what_the_name_would() -> None:
    grid = {"data": "moons", "seeds": 1}
    auto, named = (
        make_study({"name": "a", "grid": grid | {"loss": loss}}, VOCABULARY).cells()[0]
        for loss in ("auto", "cross_entropy")
    )
    assert auto.cell_id == named.cell_id
    assert auto.recipe["loss.label_smoothing"] == 0.0


def test_smoothing_costs_an_infinite_logit_nothing_where_it_is_off() -> None:
    outputs = torch.tensor([[3e38, -3e38, -3e38]])
    targets = torch.tensor([0])
    assert ours("cross_entropy", {"label_smoothing": 0.0})(outputs, targets) == 0
