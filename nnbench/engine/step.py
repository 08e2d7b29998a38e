"""One network: its loss, its gradient and one update."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor
from torch.func import grad

from nnbench.catalog.losses import LOSSES
from nnbench.catalog.optimizers import OPTIMIZERS
from nnbench.engine.network import (
    Network,
    Numbers,
    Program,
    flatten,
    forward,
    of_factor,
    unflatten,
)


class Measured(NamedTuple):
    """What a step saw before it updated: the batch's loss and the gradient's norm, unclipped."""

    loss: Tensor
    grad_norm: Tensor


def start_optimizer(program: Program, params: Tensor) -> dict[str, dict[str, Tensor]]:
    """Return the optimizer's state for flat parameters (P,), by parameter (or all as one)."""
    init = OPTIMIZERS[program.optimizer].init
    return {name: init(param) for name, param in _pieces(program, params).items()}


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

    def objective(flat: Tensor) -> tuple[Tensor, tuple[Tensor, dict[str, Tensor]]]:
        params = unflatten(program, flat)
        outputs, running = forward(program, params, network.running, numbers, x, noise)
        loss = LOSSES[program.loss].function(outputs, y, **of_factor("loss", numbers))
        penalised = loss
        if program.l1:
            penalised = loss + numbers["l1"] * sum_of_weights(params)
        return penalised, (loss, running)

    gradient, (loss, running) = grad(objective, has_aux=True)(network.params)
    grad_norm = torch.linalg.vector_norm(gradient)
    gradient = clipped(program, gradient, grad_norm, numbers)
    params, optimizer = _update(program, network, gradient, numbers, lr, step)
    return Network(params, running, optimizer), Measured(loss, grad_norm)


def sum_of_weights(params: Mapping[str, Tensor]) -> Tensor:
    """Return the sum of the absolute weights of the linear layers, biases left out."""
    weights = [param for name, param in params.items() if param.ndim == 2]
    return torch.stack([weight.abs().sum() for weight in weights]).sum()


def clipped(program: Program, gradient: Tensor, grad_norm: Tensor, numbers: Numbers) -> Tensor:
    """Clip a network's gradient by norm, then by value, as torch.nn.utils does."""
    if program.clip_norm:
        # torch's own form: the coefficient is clamped, not branched upon
        gradient = gradient * (numbers["clip_norm"] / (grad_norm + 1e-6)).clamp(max=1.0)
    if program.clip_value:
        bound = numbers["clip_value"].to(gradient.dtype)
        gradient = torch.minimum(torch.maximum(gradient, -bound), bound)
    return gradient


def _pieces(program: Program, flat: Tensor) -> dict[str, Tensor]:
    if OPTIMIZERS[program.optimizer].elementwise:
        return {"all": flat}
    return unflatten(program, flat)


def _update(
    program: Program,
    network: Network,
    gradient: Tensor,
    numbers: Numbers,
    lr: Tensor,
    step: Tensor,
) -> tuple[Tensor, dict[str, dict[str, Tensor]]]:
    params = network.params
    if program.weight_decay and program.decoupled:
        params = params * (1 - lr * numbers["weight_decay"])
    elif program.weight_decay:
        gradient = gradient + numbers["weight_decay"] * params
    hyper = of_factor("optimizer", numbers) | {"lr": lr}
    update = OPTIMIZERS[program.optimizer].update
    gradients = _pieces(program, gradient)
    new_params, new_state = {}, {}
    for name, param in _pieces(program, params).items():
        new_params[name], new_state[name] = update(
            gradients[name], network.optimizer[name], param, hyper, step
        )
    return flatten(new_params), new_state
