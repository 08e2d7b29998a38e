"""Wrong engines on purpose: the comparison that the other tests rest on must catch each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from nnbench.catalog import INITS, LOSSES, NORMS, OPTIMIZERS, SCHEDULES, optimizer_adaptive
from nnbench.engine import network, step, train
from nnbench.engine.network import Numbers, Program
from nnbench.protocol import Record
from tests.helpers import disagreements, make_cells

Patch = pytest.MonkeyPatch
Sabotage = Callable[[Patch], None]
SGD = {"name": "sgd", "lr": [0.1, 0.3]}
CELLS = 2  # of each mistake's stack


class OverStack(torch.autograd.Function):
    """The mean of a tensor over the cells of a stack: what no network may see."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return OverStack.apply(gradient)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int], x: Tensor) -> tuple[Tensor, int]:
        return x.mean(in_dims[0], keepdim=True).expand_as(x), in_dims[0]


@dataclass(frozen=True)
class Mistake:
    """A way to be wrong, and the grid that must show it."""

    name: str
    sabotage: Sabotage
    grid: dict[str, Any] = field(default_factory=dict)


def change_optimizer(patch: Patch, name: str, **changes: Any) -> None:
    patch.setitem(OPTIMIZERS, name, replace(OPTIMIZERS[name], **changes))


def swapped_betas(patch: Patch) -> None:
    right = OPTIMIZERS["adam"].update

    def wrong(grad: Tensor, state: Any, param: Tensor, hyper: Any, at: Tensor) -> Any:
        swapped = {**hyper, "beta1": hyper["beta2"], "beta2": hyper["beta1"]}
        return right(grad, state, param, swapped, at)

    change_optimizer(patch, "adam", update=wrong)


def no_bias_correction(patch: Patch) -> None:
    patch.setattr(optimizer_adaptive, "one_minus_power", lambda beta, at: torch.ones_like(beta))


def steps_counted_from_two(patch: Patch) -> None:
    right = OPTIMIZERS["adam"].update
    change_optimizer(
        patch, "adam", update=lambda g, state, p, hyper, at: right(g, state, p, hyper, at + 1)
    )


def eps_inside_the_root(patch: Patch) -> None:
    def wrong(grad: Tensor, state: Any, param: Tensor, hyper: Any, at: Tensor) -> Any:
        total = state["sum"] + grad * grad
        return param - hyper["lr"] * grad / (total + hyper["eps"]).sqrt(), {"sum": total}

    change_optimizer(patch, "adagrad", update=wrong)


def plain_momentum_for_nesterov(patch: Patch) -> None:
    change_optimizer(patch, "nesterov", update=OPTIMIZERS["momentum"].update)


def fan_out_for_fan_in(patch: Patch) -> None:
    right = INITS["he_normal"].function

    def wrong(noise: Tensor, gain: float) -> Tensor:
        fan_out, fan_in = noise.shape
        return right(noise, gain) * (fan_in / fan_out) ** 0.5

    patch.setitem(INITS, "he_normal", replace(INITS["he_normal"], function=wrong))


def mean_over_cells(patch: Patch) -> None:
    right = step.update

    def wrong(program: Program, state: Any, gradient: Tensor, *rest: Any) -> Any:
        return right(program, state, gradient / CELLS, *rest)

    patch.setattr(step, "update", wrong)


def sum_over_the_batch(patch: Patch) -> None:
    right = LOSSES["cross_entropy"].function

    def wrong(outputs: Tensor, targets: Tensor, **numbers: Tensor) -> Tensor:
        loss = right(outputs, targets, **numbers)
        # the value is the mean's, so that only the gradient tells
        return loss + (outputs.shape[0] - 1) * (loss - loss.detach())

    patch.setitem(LOSSES, "cross_entropy", replace(LOSSES["cross_entropy"], function=wrong))


def dropout_not_rescaled(patch: Patch) -> None:
    patch.setitem(network.DROPOUTS, "standard", lambda h, noise, rate: h * (noise >= rate))


def dropout_upside_down(patch: Patch) -> None:
    patch.setitem(
        network.DROPOUTS, "standard", lambda h, noise, rate: h * (noise < 1 - rate) / (1 - rate)
    )


def change_batchnorm(patch: Patch, wrong: Callable[..., Any]) -> None:
    patch.setitem(NORMS, "batchnorm", replace(NORMS["batchnorm"], function=wrong))


def statistics_over_the_stack(patch: Patch) -> None:
    right = NORMS["batchnorm"].function
    assert right is not None

    def wrong(x: Tensor, running: Any, training: bool, **numbers: Tensor) -> Any:
        if not training:
            return right(x, running, training, **numbers)
        mean = OverStack.apply(x.mean(0))
        root = (OverStack.apply(((x - mean) ** 2).mean(0)) + numbers["eps"]).sqrt()
        _, new = right(x, running, training, **numbers)
        return (x - mean) / root * numbers["weight"] + numbers["bias"], new

    change_batchnorm(patch, wrong)


def biased_running_variance(patch: Patch) -> None:
    right = NORMS["batchnorm"].function
    assert right is not None

    def wrong(x: Tensor, running: Any, training: bool, **numbers: Tensor) -> Any:
        output, new = right(x, running, training, **numbers)
        if training:
            share = numbers["momentum"]
            unbiased = (new["var"] - (1 - share) * running["var"]) / share
            biased = unbiased * (x.shape[0] - 1) / x.shape[0]
            new = {**new, "var": (1 - share) * running["var"] + share * biased}
        return output, new

    change_batchnorm(patch, wrong)


def batch_statistics_at_evaluation(patch: Patch) -> None:
    right = NORMS["batchnorm"].function
    assert right is not None
    change_batchnorm(patch, lambda x, running, training, **numbers: right(x, running, True, **numbers))


def change_update(patch: Patch, **changes: Any) -> None:
    right = step.update
    patch.setattr(
        step, "update", lambda program, *rest: right(replace(program, **changes), *rest)
    )


def coupled_decay(patch: Patch) -> None:
    change_update(patch, decoupled=False)


def decoupled_decay(patch: Patch) -> None:
    change_update(patch, decoupled=True)


def decay_forgotten(patch: Patch) -> None:
    change_update(patch, weight_decay=False)


def clip_over_the_stack(patch: Patch) -> None:
    def wrong(program: Program, gradient: Tensor, numbers: Numbers) -> Tensor:
        norm = (CELLS * OverStack.apply((gradient**2).sum())).sqrt()
        return gradient * (numbers["clip_norm"] / (norm + 1e-6)).clamp(max=1.0)

    patch.setattr(step, "clipped", wrong)


def l1_on_biases_too(patch: Patch) -> None:
    patch.setattr(
        step, "sum_of_weights", lambda params: sum(p.abs().sum() for p in params.values())
    )


def schedule_one_epoch_ahead(patch: Patch) -> None:
    right = SCHEDULES["exponential"].function
    assert right is not None
    wrong = replace(
        SCHEDULES["exponential"],
        function=lambda count, lr, total, **numbers: right(count + 1, lr, total, **numbers),
    )
    patch.setitem(SCHEDULES, "exponential", wrong)


def plateau_too_patient(patch: Patch) -> None:
    right = SCHEDULES["plateau"].after_epoch
    assert right is not None

    def wrong(state: Any, val_loss: float, **numbers: Any) -> Any:
        return right(state, val_loss, **{**numbers, "patience": numbers["patience"] + 1})

    patch.setitem(SCHEDULES, "plateau", replace(SCHEDULES["plateau"], after_epoch=wrong))


def rate_rounded_to_single(patch: Patch) -> None:
    right = train.Rates.epoch
    patch.setattr(
        train.Rates,
        "epoch",
        lambda self, epoch: right(self, epoch).astype(np.float32).astype(np.float64),
    )


def last_network_for_the_best(patch: Patch) -> None:
    class Wrong(Record):
        def row(self, *rest: Any) -> dict[str, Any]:
            self.recipe = {**self.recipe, "early_stopping": "none"}
            return super().row(*rest)

    patch.setattr(train, "Record", Wrong)


def ragged_batch_left_out(patch: Patch) -> None:
    right = train.Stack.train_epoch

    def wrong(self: Any, rates: Tensor, batch_size: int, done: int) -> Any:
        return right(self, rates[:-1], batch_size, done)

    patch.setattr(train.Stack, "train_epoch", wrong)


def seeds_mixed_up(patch: Patch) -> None:
    right = train.Data.__init__

    def wrong(self: Any, *rest: Any) -> None:
        right(self, *rest)
        self.which = self.which.flip(0)

    patch.setattr(train.Data, "__init__", wrong)


BATCHNORM = {"norm": "batchnorm", "optimizer": SGD}
DROPOUT = {"dropout": 0.3, "optimizer": SGD}
ADAM = {"optimizer": {"name": "adam", "lr": [0.001, 0.01]}}
RISING = {"name": "sgd", "lr": [1.0, 8.0]}  # rates at which the validation loss does not just fall
PATIENCE = {"name": "patience", "patience": 2}

MISTAKES = [
    Mistake("swapped betas", swapped_betas, ADAM),
    Mistake("no bias correction", no_bias_correction, ADAM),
    Mistake("steps counted from two", steps_counted_from_two, ADAM),
    Mistake("eps inside the root", eps_inside_the_root, {"optimizer": "adagrad", "seeds": 2}),
    Mistake(
        "nesterov as plain momentum",
        plain_momentum_for_nesterov,
        {"optimizer": {"name": "nesterov", "lr": [0.01, 0.1]}},
    ),
    Mistake("fan_out for fan_in", fan_out_for_fan_in, {"init": "he_normal", "optimizer": SGD}),
    Mistake("mean over cells", mean_over_cells, {"optimizer": SGD}),
    Mistake("sum over the batch", sum_over_the_batch, {"optimizer": SGD}),
    Mistake("dropout not rescaled", dropout_not_rescaled, DROPOUT),
    Mistake("dropout upside down", dropout_upside_down, DROPOUT),
    Mistake("BatchNorm over the stack", statistics_over_the_stack, BATCHNORM),
    Mistake("biased running variance", biased_running_variance, BATCHNORM),
    Mistake("batch statistics at evaluation", batch_statistics_at_evaluation, BATCHNORM),
    Mistake(
        "coupled for decoupled decay",
        coupled_decay,
        {"optimizer": {"name": "adamw", "lr": [0.001, 0.01]}, "weight_decay": 0.1},
    ),
    Mistake(
        "decoupled for coupled decay", decoupled_decay, {**ADAM, "weight_decay": 0.1}
    ),
    Mistake("decay forgotten", decay_forgotten, {"optimizer": SGD, "weight_decay": 0.01}),
    Mistake("clip over the stack", clip_over_the_stack, {"optimizer": SGD, "clip_norm": 0.1}),
    Mistake("l1 on biases", l1_on_biases_too, {"optimizer": SGD, "l1": 0.01, "bias": 0.1}),
    Mistake(
        "schedule one epoch ahead",
        schedule_one_epoch_ahead,
        {"optimizer": SGD, "schedule": "exponential"},
    ),
    Mistake(
        "plateau too patient",
        plateau_too_patient,
        {"optimizer": RISING, "schedule": {"name": "plateau", "patience": 0}, "epochs": 8},
    ),
    Mistake("rate in single precision", rate_rounded_to_single, {"optimizer": SGD}),
    Mistake(
        "last network for the best",
        last_network_for_the_best,
        {"optimizer": RISING, "early_stopping": PATIENCE, "epochs": 12},
    ),
    Mistake("ragged batch left out", ragged_batch_left_out, {"optimizer": SGD}),
    Mistake("seeds mixed up", seeds_mixed_up, {"seeds": 2}),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_mistake_is_caught(mistake: Mistake, monkeypatch: Patch) -> None:
    cells = make_cells(**mistake.grid)
    assert len(cells) == CELLS
    assert disagreements(cells) == []
    mistake.sabotage(monkeypatch)
    assert disagreements(cells) != []


def test_adam_hides_a_mean_over_cells(monkeypatch: Patch) -> None:
    """The reason why the mistake above is shown with SGD: Adam divides a constant factor out."""
    cells = make_cells(**ADAM)
    mean_over_cells(monkeypatch)
    assert disagreements(cells, tolerance=1e-5) == []
