"""Rules between factors: defaults that one takes from another, and pairs that cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nnbench.catalog.data import check_data, task_of
from nnbench.catalog.losses import LOSSES
from nnbench.catalog.norms import NORMS
from nnbench.catalog.optimizers import OPTIMIZERS
from nnbench.catalog.schedules import check_composition

LOSS_OF_TASK = {"classification": "cross_entropy", "regression": "mse"}


def resolve(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in what one factor takes from another; ValueError says why a recipe cannot be.

    `loss` follows the data's task, `weight_decay` and `decoupled` the optimizer.
    """
    resolved = dict(recipe)
    check_data(recipe)
    task = task_of(recipe)
    if recipe["loss"] == "auto":
        loss = LOSS_OF_TASK[task]
        parameters = LOSSES[loss].parameters
        resolved["loss"] = loss
        resolved |= {f"loss.{name}": about.default for name, about in parameters.items()}
    elif task not in LOSSES[recipe["loss"]].targets:
        raise ValueError(
            f'loss "{recipe["loss"]}" cannot train data "{recipe["data"]}", a {task} task: '
            f'take loss = "auto", or leave the pair out with [design] exclude'
        )
    optimizer = OPTIMIZERS[recipe["optimizer"]]
    if recipe["weight_decay"] is None:
        resolved["weight_decay"] = optimizer.weight_decay
    if optimizer.decoupled is not None and recipe["decoupled"] not in (None, optimizer.decoupled):
        raise ValueError(
            f'optimizer "{recipe["optimizer"]}" has decoupled = '
            f"{str(optimizer.decoupled).lower()} by its definition: leave the pair out with "
            f"[design] exclude, or take another optimizer"
        )
    if optimizer.full_batch:
        resolved["batch_size"] = 0
    if recipe["decoupled"] is None:
        resolved["decoupled"] = bool(optimizer.decoupled)
    if NORMS[recipe["norm"]].needs_batch and resolved["batch_size"] == 1:
        raise ValueError(
            f'norm "{recipe["norm"]}" needs more than one example to a batch: take '
            f"batch_size = 2 or more, or leave the pair out with [design] exclude"
        )
    prefix = "schedule."
    parts = {key.removeprefix(prefix): recipe[key] for key in recipe if key.startswith(prefix)}
    check_composition(recipe["schedule"], parts, recipe["epochs"])
    return resolved
