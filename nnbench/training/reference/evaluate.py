"""A network's loss and score on each part of its data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nnbench.catalog import LOSSES, OPTIMIZERS
from nnbench.catalog.activations.twins import GivenRReLU
from nnbench.study.recipe import Recipe
from nnbench.training.draws import BLOCK_ROWS, EVALUATION, Draws, Split, blocks_of
from nnbench.training.protocol import SMALL_WEIGHT, Scores, score_of_task
from nnbench.training.reference.network import DTYPES, Hidden
from nnbench.training.reference.step import Learner, averaged_parameters
from nnbench.training.splits import PARTS


@torch.no_grad()
def evaluate(learner: Learner, split: Split, draws: Draws) -> Scores:
    """Return loss and score on each part: running statistics, no dropout, unless told otherwise.

    The statistics are those of the weights that are evaluated, which an average needs anew.
    """
    recipe, network = learner.recipe, learner.network
    in_training = recipe["evaluation"] == "train"
    network.train(in_training)
    scores: Scores = {}
    with averaged_parameters(learner.optimizer), statistics_of_average(learner, split):
        for part in PARTS:
            x, y = tensors(recipe, split, part)
            outputs = outputs_in_training(network, x, draws) if in_training else network(x)
            scores[f"{part}_loss"] = float(learner.criterion(outputs, y))
            score = score_of_task(split.task)
            scores[f"{part}_{score}"] = score_outputs(recipe, split, part, outputs)
        linear = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
        weights = torch.cat([layer.weight.double().flatten() for layer in linear])
    scores["weight_norm"] = float(weights.norm())
    scores["small_weight_fraction"] = float((weights.abs() < SMALL_WEIGHT).double().mean())
    network.train()
    return scores


@torch.no_grad()
def outputs_of(learner: Learner, split: Split, part: str) -> np.ndarray[Any, Any]:
    """Return the outputs (rows, outputs) for a part of the network that is evaluated."""
    network = learner.network
    network.eval()
    with averaged_parameters(learner.optimizer), statistics_of_average(learner, split):
        network.eval()
        outputs: Tensor = network(tensors(learner.recipe, split, part)[0])
    network.train()
    return outputs.double().numpy()


@contextmanager
def statistics_of_average(learner: Learner, split: Split) -> Iterator[None]:
    """Let every BatchNorm have the running statistics of the average where that is evaluated.

    The mean over even blocks of the training part, as torch.optim.swa_utils.update_bn takes it, but
    without dropout.
    """
    recipe, network = learner.recipe, learner.network
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm1d)]
    if OPTIMIZERS[recipe["optimizer"]].evaluated is None or recipe["evaluation"] == "train":
        norms = []
    kept = [(norm.momentum, deepcopy(norm.state_dict())) for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.train()
        norm.momentum = None  # torch's word for the mean over all batches
    if norms:
        x, _ = tensors(recipe, split, "train")
        for rows in blocks_of(len(x)):
            network(x[rows])
    for norm in norms:
        norm.eval()
    yield
    for norm, (momentum, state) in zip(norms, kept, strict=True):
        norm.momentum = momentum
        norm.load_state_dict(state)


def outputs_in_training(network: nn.Module, x: Tensor, draws: Draws) -> Tensor:
    """Return the outputs of a network in training mode, each example a batch of one.

    As torch's BatchNorm refuses a batch of one, an example enters twice: the mean and the variance
    are the same. What the running statistics would learn from it is forgotten again.
    """
    kept = deepcopy(network.state_dict())
    noisy: list[tuple[Any, str, int]] = []
    for layer, hidden in enumerate(m for m in network.children() if isinstance(m, Hidden)):
        noisy.append((hidden.dropout, "dropout", layer))
        if isinstance(hidden.activation, GivenRReLU):
            noisy.append((hidden.activation, "activation", layer))
    of_training = [module.noise for module, _, _ in noisy]
    outputs = []
    for block in x.split(BLOCK_ROWS):
        for module, purpose, layer in noisy:
            width = network.get_submodule(f"{layer}.linear").get_parameter("weight").shape[0]
            drawn = draws.next_noise(EVALUATION.format(purpose), layer, len(block), width)
            rows = iter(drawn)
            module.noise = lambda *shape, rows=rows: next(rows).expand(*shape)
        outputs += [network(row.expand(2, -1))[:1] for row in block]
    for (module, _, _), noise in zip(noisy, of_training, strict=True):
        module.noise = noise
    network.load_state_dict(kept)
    return torch.cat(outputs)


def score_outputs(recipe: Recipe, split: Split, part: str, outputs: Tensor) -> float:
    """Return accuracy or R^2 of the outputs (n, outputs) on a part."""
    y = torch.as_tensor(split.y[part])
    if split.task == "regression":
        predicted = outputs.squeeze(-1)
        if split.is_log:  # R^2 is of the targets themselves
            predicted, y = (
                torch.exp(values.double() * split.unit + split.shift) for values in (predicted, y)
            )
        residual = ((predicted - y) ** 2).sum()
        spread = split.spread(part)
        return float(1 - residual / spread) if spread else float("nan")
    if outputs.shape[1] == 1:
        predicted = (outputs.squeeze(-1) > LOSSES[recipe["loss"]].threshold).long()
    else:
        predicted = outputs.argmax(-1)
    return float((predicted == y).double().mean())


def tensors(recipe: Recipe, split: Split, part: str) -> tuple[Tensor, Tensor]:
    """Return x and the loss's targets of a part as tensors of the recipe's number type."""
    target = LOSSES[recipe["loss"]].targets[split.task]
    dtype = DTYPES[recipe["dtype"]]
    y = torch.tensor(split.targets(part, target))
    return torch.tensor(split.x[part], dtype=dtype), y if target == "class" else y.to(dtype)
