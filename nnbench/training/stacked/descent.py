"""From a gradient to an update, alike for a network's parameters and for the point of a walk."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from nnbench.catalog.optimizers.registry import OPTIMIZERS
from nnbench.study.recipe import Recipe, of_factor
from nnbench.study.vocabulary import Entry

Numbers = Mapping[str, Tensor]  # of one network or walk: 0-dimensional, float64
PULLS = ("weight_decay", "clip_norm", "clip_value")  # left out of a program where they are zero


@dataclass(frozen=True, kw_only=True)
class Descent:
    """What of a program shapes its update: the rule, and what pulls on the gradient before it."""

    optimizer: str
    decoupled: bool
    weight_decay: bool
    clip_norm: bool
    clip_value: bool


def descent_of(recipe: Recipe) -> dict[str, Any]:
    """A recipe's fields of `Descent`."""
    rule = {"optimizer": recipe["optimizer"], "decoupled": recipe["decoupled"]}
    return rule | {name: recipe[name] > 0 for name in PULLS}


def numbers_of_entries(entries: Mapping[str, Entry]) -> list[str]:
    """The places of the numbers that entries, by their factor, leave to each network."""
    return [
        f"{factor}.{name}"
        for factor, entry in entries.items()
        for name, about in entry.parameters.items()
        if not about.program
    ]


def clipped(
    program: Descent,
    gradient: Tensor,
    numbers: Numbers,
    length: Callable[[Tensor], Tensor] = torch.linalg.vector_norm,
) -> Tensor:
    """Clip a gradient by norm, then by value, as torch.nn.utils does."""
    if program.clip_norm:
        # torch's own form: the coefficient is clamped, not branched upon
        gradient = gradient * (numbers["clip_norm"] / (length(gradient) + 1e-6)).clamp(max=1.0)
    if program.clip_value:
        bound = numbers["clip_value"].to(gradient.dtype)
        gradient = torch.minimum(torch.maximum(gradient, -bound), bound)
    return gradient


def decayed(
    program: Descent, params: Tensor, gradient: Tensor, numbers: Numbers, lr: Tensor
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Parameters, gradient and the rule's numbers, with weight decay in the one it belongs to."""
    hyper = of_factor("optimizer", numbers) | {"lr": lr}
    if not program.weight_decay:
        return params, gradient, hyper
    decay = numbers["weight_decay"]
    if not program.decoupled:
        return params, gradient + decay * params, hyper
    if OPTIMIZERS[program.optimizer].decays:
        return params, gradient, hyper | {"weight_decay": decay}
    return params * (1 - lr * decay), gradient, hyper
