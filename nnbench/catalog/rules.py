"""Rules between factors: defaults that one takes from another, and pairs that cannot be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nnbench.catalog.data.registry import check_data, task_of
from nnbench.catalog.inits.registry import check_activation
from nnbench.catalog.landscapes import LANDSCAPES
from nnbench.catalog.losses import LOSSES
from nnbench.catalog.norms import NORMS
from nnbench.catalog.optimizers.registry import OPTIMIZERS
from nnbench.catalog.own.entries import own_code
from nnbench.catalog.schedules.base import cycles_momentum
from nnbench.catalog.schedules.registry import SCHEDULES, check_composition
from nnbench.study.recipe import of_factor
from nnbench.study.study_kinds import LANDSCAPE, NUMERICS, TRAINING, study_kind_of

USUAL_TEST = 0.2  # as the fields have it
LOSS_OF_TASK = {"classification": "cross_entropy", "regression": "mse"}


def resolve(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in what one factor takes from another; ValueError says why a recipe cannot be."""
    resolved = RESOLVE_BY_STUDY[study_kind_of(recipe)](recipe)
    code = own_code(recipe)
    return {**resolved, "own": code} if code else resolved


def resolve_walk(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in a walk's recipe: what is to a network its data is to a walk its landscape."""
    resolved = {**recipe, "data": landscape_label(recipe)}
    _fill_in_decay(resolved)
    if SCHEDULES[recipe["schedule"]].function is None:
        raise ValueError(
            f'schedule "{recipe["schedule"]}" waits for a validation loss, which a walk has not: '
            f"use another schedule"
        )
    check_composition(recipe["schedule"], of_factor("schedule", recipe), recipe["steps"])
    _check_momentum(recipe)
    return resolved


def landscape_label(recipe: Mapping[str, Any]) -> str:
    """The landscape's name and those of its parameters that are not the usual ones."""
    name = recipe["landscape"]
    words = [name]
    for key, about in LANDSCAPES[name].parameters.items():
        if recipe[f"landscape.{key}"] != about.default:
            words.append(f"{key}={recipe[f'landscape.{key}']:g}")
    return " ".join(words)


def resolve_network(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in a network's recipe.

    `loss` follows the data's task, `weight_decay` and `decoupled` the optimizer.
    """
    resolved = dict(recipe)
    check_data(recipe)
    check_activation(recipe)
    _fill_in_folds(resolved)
    task = task_of(recipe)
    if recipe["loss"] == "auto":
        loss = LOSS_OF_TASK[task]
        parameters = LOSSES[loss].parameters
        resolved["loss"] = loss
        resolved |= {f"loss.{name}": about.default for name, about in parameters.items()}
    elif task not in LOSSES[recipe["loss"]].targets:
        raise ValueError(
            f'loss "{recipe["loss"]}" cannot train data "{recipe["data"]}", a {task} task: '
            f'use loss = "auto", or leave the pair out with [design] exclude'
        )
    _check_weights(resolved, task)
    if recipe.get("target_transform", "none") != "none" and task != "regression":
        raise ValueError(
            f'target_transform is for regression, and data "{recipe["data"]}" is a {task}: leave '
            f"it out, or leave the pair out with [design] exclude"
        )
    _fill_in_decay(resolved)
    if OPTIMIZERS[recipe["optimizer"]].full_batch:
        resolved["batch_size"] = 0
    if NORMS[recipe["norm"]].needs_batch and resolved["batch_size"] == 1:
        raise ValueError(
            f'norm "{recipe["norm"]}" needs more than one example per batch: use '
            f"batch_size = 2 or more, or leave the pair out with [design] exclude"
        )
    check_composition(recipe["schedule"], of_factor("schedule", recipe), recipe["epochs"])
    _check_momentum(recipe)
    return resolved


def _check_momentum(recipe: Mapping[str, Any]) -> None:
    """Refuse to cycle the momentum of an optimizer that has none that torch's schedulers know."""
    if cycles_momentum(recipe) and not OPTIMIZERS[recipe["optimizer"]].momentum:
        able = [name for name, optimizer in OPTIMIZERS.items() if optimizer.momentum]
        raise ValueError(
            f'schedule "{recipe["schedule"]}": cycle_momentum moves the momentum of SGD or the '
            f'beta1 of Adam, and optimizer "{recipe["optimizer"]}" has neither: use one of '
            f"{', '.join(able)}, or leave the pair out with [design] exclude"
        )


def _check_weights(recipe: Mapping[str, Any], task: str) -> None:
    """Refuse weights of classes where there are no classes, or the loss takes no weights."""
    if recipe.get("class_weight", "none") == "none":
        return
    if task == "regression":
        raise ValueError(
            f'class_weight weighs classes, and data "{recipe["data"]}", a regression, has none: '
            f"leave it out, or leave the pair out with [design] exclude"
        )
    able = [name for name, loss in LOSSES.items() if loss.takes_weights]
    if recipe["loss"] not in able:
        raise ValueError(
            f'loss "{recipe["loss"]}" takes no class_weight: use {" or ".join(able)}, or leave '
            f"the pair out with [design] exclude"
        )


def _fill_in_folds(recipe: dict[str, Any]) -> None:
    """Let the test part be one fold, where there are folds."""
    folds = recipe.get("folds")
    if not folds:
        return
    if folds == 1:
        raise ValueError("folds = 1 leaves nothing to train on: take 2 or more, such as 5")
    if recipe.get("data.time"):
        raise ValueError(
            "folds shuffle the rows, and a split by time must not: choose one of folds and time"
        )
    if recipe["test_fraction"] not in (USUAL_TEST, 1 / folds):
        raise ValueError(
            f"with folds = {folds} the test part is one fold of {folds}: leave test_fraction out"
        )
    recipe["test_fraction"] = 1 / folds


def _fill_in_decay(recipe: dict[str, Any]) -> None:
    """Let weight decay follow the optimizer where a recipe does not say."""
    optimizer = OPTIMIZERS[recipe["optimizer"]]
    if recipe["weight_decay"] is None:
        recipe["weight_decay"] = optimizer.weight_decay
    if optimizer.decoupled is not None and recipe["decoupled"] not in (None, optimizer.decoupled):
        raise ValueError(
            f'optimizer "{recipe["optimizer"]}" has decoupled = '
            f"{str(optimizer.decoupled).lower()} by its definition: leave the pair out with "
            f"[design] exclude, or take another optimizer"
        )
    if recipe["decoupled"] is None:
        recipe["decoupled"] = bool(optimizer.decoupled)


def resolve_sweep(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in a sweep's recipe: its data is the side on which the right answer is."""
    return {**recipe, "data": f"{recipe['answer']} answer"}


RESOLVE_BY_STUDY: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    TRAINING: resolve_network,
    LANDSCAPE: resolve_walk,
    NUMERICS: resolve_sweep,
}
