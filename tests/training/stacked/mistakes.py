"""Ways to make the engine wrong on purpose, each by one small change of a rule or a function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from nnbench.catalog import INITS, LOSSES, NORMS, OPTIMIZERS, SCHEDULES
from nnbench.catalog.optimizers import adam
from nnbench.training.protocol import Record
from nnbench.training.stacked import data, network, stack, step, train
from nnbench.training.stacked.descent import Numbers
from nnbench.training.stacked.network import Program

Patch = pytest.MonkeyPatch
CELLS = 2  # of the stack that a mistake is shown on


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


def change_optimizer(patch: Patch, name: str, **changes: Any) -> None:
    patch.setitem(OPTIMIZERS, name, replace(OPTIMIZERS[name], **changes))


def swapped_betas(patch: Patch) -> None:
    right = OPTIMIZERS["adam"].update

    def wrong(grad: Tensor, state: Any, param: Tensor, hyper: Any, at: Tensor) -> Any:
        swapped = {**hyper, "beta1": hyper["beta2"], "beta2": hyper["beta1"]}
        return right(grad, state, param, swapped, at)

    change_optimizer(patch, "adam", update=wrong)


def no_bias_correction(patch: Patch) -> None:
    patch.setattr(adam, "one_minus_power", lambda beta, at: torch.ones_like(beta))


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
    change_batchnorm(
        patch, lambda x, running, training, **numbers: right(x, running, True, **numbers)
    )


def change_update(patch: Patch, **changes: Any) -> None:
    right = step.update
    patch.setattr(step, "update", lambda program, *rest: right(replace(program, **changes), *rest))


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
    right = stack.Stack.train_epoch

    def wrong(self: Any, rates: Tensor, *rest: Any) -> Any:
        return right(self, rates[:-1], *rest)

    patch.setattr(stack.Stack, "train_epoch", wrong)


def seeds_mixed_up(patch: Patch) -> None:
    right = data.Data.__init__

    def wrong(self: Any, *rest: Any) -> None:
        right(self, *rest)
        self.which = self.which.flip(0)

    patch.setattr(data.Data, "__init__", wrong)
