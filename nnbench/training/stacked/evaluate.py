"""One network's evaluation: loss and score over a part of the data, in blocks of rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor
from torch.func import vmap

from nnbench.catalog.losses import LOSSES, weights_of
from nnbench.training.protocol import SMALL_WEIGHT
from nnbench.training.stacked.descent import Numbers
from nnbench.training.stacked.network import (
    Network,
    Program,
    forward,
    noise_at_its_mean,
    unflatten,
)
from nnbench.training.stacked.step import evaluated, loss_of


class Sums(NamedTuple):
    """Sums over the rows of a block: loss, each row's by its weight, and right answers or squared
    errors.
    """

    loss: Tensor
    score: Tensor


def evaluate_block(
    program: Program,
    network: Network,
    numbers: Numbers,
    x: Tensor,
    y: Tensor,
    noise: Mapping[str, Tensor],
) -> Sums:
    """Evaluate a network on a block of rows (rows, features).

    Running statistics and no dropout, unless the program evaluates as in training: then `noise`,
    uniform (rows, units) as for a step, is used, and otherwise it is empty.
    """
    params = unflatten(program, evaluated(program, network, numbers))
    if program.evaluation == "train":
        outputs = as_in_training(program, network, params, numbers, x, noise)
    else:
        outputs, _ = forward(program, params, network.running, numbers, x, noise=None)
    share: int | Tensor = x.shape[0]
    if program.class_weight:
        share = weights_of(y, numbers["class_weight"], outputs).sum()
    loss = loss_of(program, outputs, y, numbers) * share
    if program.target == "value":
        if program.log_target:
            outputs, y = (own(values, numbers) for values in (outputs, y))
        return Sums(loss, ((outputs - y) ** 2).sum())
    return Sums(loss, right_answers(program, outputs, y))


def own(values: Tensor, numbers: Numbers) -> Tensor:
    """Logarithms of targets, as they are learned, as the targets themselves."""
    unit, shift = (numbers[name].to(values.dtype) for name in ("target_unit", "target_shift"))
    return torch.exp(values * unit + shift)


def outputs_of_block(program: Program, network: Network, numbers: Numbers, x: Tensor) -> Tensor:
    """Return a network's outputs (rows, outputs) for a block of rows: no dropout, no noise."""
    params = unflatten(program, evaluated(program, network, numbers))
    outputs, _ = forward(program, params, network.running, numbers, x, noise=None)
    return outputs


def statistics_of_average(
    program: Program, network: Network, numbers: Numbers, share: Tensor, x: Tensor
) -> dict[str, Tensor]:
    """Return the running statistics of the evaluated weights after one more block of rows.

    `share`, 1 over the number of blocks so far, makes them the mean over blocks (Izmailov et al.
    2018, Averaging Weights Leads to Wider Optima and Better Generalization: those of the iterates
    do not fit their average). As at evaluation, nothing is dropped and noise is at its mean.
    """
    params = unflatten(program, evaluated(program, network, numbers))
    still = replace(program, dropout=False)
    noise = noise_at_its_mean(still, x)
    _, running = forward(
        still, params, network.running, {**numbers, "norm.momentum": share}, x, noise
    )
    return running


def as_in_training(
    program: Program,
    network: Network,
    params: Mapping[str, Tensor],
    numbers: Numbers,
    x: Tensor,
    noise: Mapping[str, Tensor],
) -> Tensor:
    """Return the outputs (rows, outputs) of a network that was left in training mode.

    Each row is a batch of one. It enters twice, which has the same mean and variance as once, for
    the unbiased variance of a single row, of which nothing is kept here, would divide by zero.
    """

    def alone(row: Tensor, of_row: Mapping[str, Tensor]) -> Tensor:
        twice = {name: values.expand(2, -1) for name, values in of_row.items()}
        pair = row.expand(2, -1)
        outputs, _ = forward(program, params, network.running, numbers, pair, twice)
        return outputs[0]

    return vmap(alone)(x, noise)


def right_answers(program: Program, outputs: Tensor, y: Tensor) -> Tensor:
    """Count the rows whose predicted class is the target; a NaN output is never right."""
    if program.target == "class":
        right = outputs.argmax(-1) == y
    elif program.n_outputs == 1:
        right = ((outputs > LOSSES[program.loss].threshold) == (y > 0.5)).squeeze(-1)
    else:
        right = outputs.argmax(-1) == y.argmax(-1)
    return (right & torch.isfinite(outputs).all(-1)).sum()


def weight_statistics(program: Program, network: Network, numbers: Numbers) -> dict[str, Tensor]:
    """Return the norm of all linear layers' weights, and the share that is as good as zero."""
    params = unflatten(program, evaluated(program, network, numbers))
    weights = torch.cat([p.reshape(-1) for p in params.values() if p.ndim == 2]).double()
    return {
        "weight_norm": torch.linalg.vector_norm(weights),
        "small_weight_fraction": (weights.abs() < SMALL_WEIGHT).double().mean(),
    }
