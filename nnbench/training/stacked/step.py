"""One network: its loss, its gradient and one update."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.func import grad

from nnbench.catalog.losses import LOSSES
from nnbench.catalog.optimizers.registry import OPTIMIZERS, Optimizer
from nnbench.study.recipe import of_factor
from nnbench.training.stacked.descent import Numbers, clipped, decayed
from nnbench.training.stacked.network import (
    Network,
    Program,
    aligned,
    flatten,
    forward,
    unflatten,
)


class Measured(NamedTuple):
    """What a step saw before it updated: the batch's loss and the gradient's norm, unclipped."""

    loss: Tensor
    grad_norm: Tensor


def start_optimizer(program: Program, params: Tensor) -> dict[str, dict[str, Tensor]]:
    """Return the optimizer's state for flat parameters (P,), by parameter (or all as one)."""
    return {
        name: rule_of(program, name).init(param) for name, param in _pieces(program, params).items()
    }


def evaluated(program: Program, network: Network, numbers: Numbers) -> Tensor:
    """Return the parameters (P,) that are evaluated: an average of the iterates for some rules."""
    average = OPTIMIZERS[program.optimizer].evaluated
    if average is None:
        return network.params
    hyper = of_factor("optimizer", numbers)
    return flatten(
        {
            name: average(param, network.optimizer[name], hyper)
            for name, param in _pieces(program, network.params).items()
        }
    )


def train_step(
    program: Program,
    network: Network,
    numbers: Numbers,
    lr: Tensor,
    step: Tensor,
    x: Tensor,
    y: Tensor,
    noise: Mapping[str, Tensor],
) -> tuple[Network, Measured]:
    """Update one network on one batch.

    `x` is (batch, features), `y` the targets, `lr` the scheduled rate, `step` counts from 1.
    """

    gradient, running, measured = gradient_of(
        program, network.params, network.running, numbers, x, y, noise
    )
    params, optimizer = update(program, network, gradient, numbers, lr, step)
    return Network(params, running, optimizer), measured


def gradient_of(
    program: Program,
    flat: Tensor,
    running: dict[str, Tensor],
    numbers: Numbers,
    x: Tensor,
    y: Tensor,
    noise: Mapping[str, Tensor],
    derivative: Callable[..., Callable[..., Any]] = grad,
) -> tuple[Tensor, dict[str, Tensor], Measured]:
    """The gradient at the parameters (P,) on one batch, and the new running statistics.

    `derivative` is what takes it: `torch.func.grad`, which alone can be mapped, or one like it.
    """

    def objective(flat: Tensor) -> tuple[Tensor, tuple[Tensor, dict[str, Tensor]]]:
        params = unflatten(program, flat)
        outputs, new_running = forward(program, params, running, numbers, x, noise)
        loss = loss_of(program, outputs, y, numbers)
        penalised = loss
        if program.l1:
            penalised = loss + numbers["l1"] * sum_of_weights(params)
        return penalised, (loss, new_running)

    gradient, (loss, new_running) = derivative(objective, has_aux=True)(flat)
    return gradient, new_running, Measured(loss, torch.linalg.vector_norm(gradient))


def loss_of(program: Program, outputs: Tensor, targets: Tensor, numbers: Numbers) -> Tensor:
    """Return the mean loss of the network's outputs (batch, outputs), as the loss maps them."""
    entry = LOSSES[program.loss]
    if entry.output is not None:
        by_element = entry.output_elementwise and program.aligned
        outputs = aligned(entry.output, outputs) if by_element else entry.output(outputs)
    fixed = dict(program.loss_fixed)
    if program.class_weight:
        fixed["weight"] = numbers["class_weight"]
    return entry.function(outputs, targets, **fixed, **of_factor("loss", numbers))


def sum_of_weights(params: Mapping[str, Tensor]) -> Tensor:
    """Return the sum of the absolute weights of the linear layers, biases left out."""
    weights = [param for name, param in params.items() if param.ndim == 2]
    return torch.stack([weight.abs().sum() for weight in weights]).sum()


def rule_of(program: Program, name: str) -> Optimizer:
    """Return the rule that updates a parameter: some leave all but hidden weights to another."""
    entry = OPTIMIZERS[program.optimizer]
    layer, _, part = name.partition(".")
    hidden_weight = part == "weight" and layer != "output"
    return OPTIMIZERS[entry.rest] if entry.rest and not hidden_weight else entry


def _pieces(program: Program, flat: Tensor) -> dict[str, Tensor]:
    if OPTIMIZERS[program.optimizer].elementwise:
        return {"all": flat}
    return unflatten(program, flat)


def update(
    program: Program,
    network: Network,
    gradient: Tensor,
    numbers: Numbers,
    lr: Tensor,
    step: Tensor,
) -> tuple[Tensor, dict[str, dict[str, Tensor]]]:
    """Return parameters (P,) and optimizer state after one update: clip, decay, then the rule."""
    gradient = clipped(program, gradient, numbers)
    params, gradient, hyper = decayed(program, network.params, gradient, numbers, lr)
    gradients = _pieces(program, gradient)
    new_params, new_state = {}, {}
    for name, param in _pieces(program, params).items():
        new_params[name], new_state[name] = rule_of(program, name).update(
            gradients[name], network.optimizer[name], param, hyper, step
        )
    return flatten(new_params), new_state
