"""Walk a stack: one walk's functions mapped over many, on one landscape by one rule."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.func import grad_and_value, vmap

from nnbench.catalog.landscapes import LANDSCAPES
from nnbench.catalog.optimizers.registry import OPTIMIZERS, Optimizer
from nnbench.results.rows import Rows
from nnbench.study.recipe import of_factor
from nnbench.study.study import Cell
from nnbench.training.walks import Trace, cell_row, curve_rows, noise_of, rates_of, start_of

MIN_STACK = 2  # a stack of one runs other kernels, which may round otherwise
Numbers = Mapping[str, Tensor]
PULLS = ("weight_decay", "clip_norm", "clip_value")  # that are left out where they are zero


class Ground(NamedTuple):
    """What a stack's walks have in common."""

    landscape: str
    optimizer: str
    decoupled: bool
    pulls: tuple[str, ...]

    @property
    def rule(self) -> Optimizer:
        """Return the rule of a step; a point is no hidden layer's weight matrix."""
        entry = OPTIMIZERS[self.optimizer]
        return OPTIMIZERS[entry.rest] if entry.rest else entry


class Walker(NamedTuple):
    """Where one walk is: its point (dims,) and the rule's memory."""

    point: Tensor
    state: dict[str, Tensor]


class Seen(NamedTuple):
    """What is measured at a walker's place: the point that is evaluated, its height, the slope."""

    point: Tensor
    height: Tensor
    grad_norm: Tensor


def ground_of(cell: Cell) -> Ground:
    """Return what shapes the program of a cell's walk."""
    recipe = cell.recipe
    return Ground(
        recipe["landscape"],
        recipe["optimizer"],
        recipe["decoupled"],
        tuple(name for name in PULLS if recipe[name]),
    )


def numbers_of(cells: Sequence[Cell], ground: Ground) -> dict[str, Tensor]:
    """Return every number that the program reads, (cells,) float64 each."""
    wanted = list(ground.pulls)
    for factor, entry in (
        ("landscape", LANDSCAPES[ground.landscape]),
        ("optimizer", OPTIMIZERS[ground.optimizer]),
    ):
        wanted += [f"{factor}.{name}" for name in entry.parameters]
    return {
        name: torch.tensor([cell.recipe[name] for cell in cells], dtype=torch.float64)
        for name in wanted
    }


def look(ground: Ground, walker: Walker, numbers: Numbers) -> tuple[Seen, Tensor]:
    """Return what is seen at a walker's place, and the gradient (dims,) there."""
    function = partial(LANDSCAPES[ground.landscape].function, **of_factor("landscape", numbers))
    gradient, height = grad_and_value(function)(walker.point)
    point = walker.point
    average = ground.rule.evaluated
    if average is not None:
        point = average(walker.point, walker.state, of_factor("optimizer", numbers))
        height = function(point)
    return Seen(point, height, length(gradient)), gradient


def length(vector: Tensor) -> Tensor:
    """Return the Euclidean norm, its squares added in order: sums of a stack may not be."""
    return torch.sqrt(sum((part * part for part in vector), torch.zeros_like(vector[0])))


def clipped(ground: Ground, gradient: Tensor, numbers: Numbers) -> Tensor:
    """Clip a gradient by norm, then by value, as torch.nn.utils does."""
    if "clip_norm" in ground.pulls:
        gradient = gradient * (numbers["clip_norm"] / (length(gradient) + 1e-6)).clamp(max=1.0)
    if "clip_value" in ground.pulls:
        bound = numbers["clip_value"]
        gradient = torch.minimum(torch.maximum(gradient, -bound), bound)
    return gradient


def take_step(
    ground: Ground, walker: Walker, numbers: Numbers, lr: Tensor, step: Tensor, noise: Tensor
) -> tuple[Walker, Seen]:
    """Take one step, and return what was seen before it; `step` counts from 1."""
    seen, gradient = look(ground, walker, numbers)
    gradient = clipped(ground, gradient + noise, numbers)
    hyper = of_factor("optimizer", numbers) | {"lr": lr}
    point = walker.point
    if "weight_decay" in ground.pulls:
        decay = numbers["weight_decay"]
        if ground.decoupled and ground.rule.decays:
            hyper["weight_decay"] = decay
        elif ground.decoupled:
            point = point * (1 - lr * decay)
        else:
            gradient = gradient + decay * point
    return Walker(*ground.rule.update(gradient, walker.state, point, hyper, step)), seen


def walk(cells: Sequence[Cell], on_progress: Callable[[float], None] = lambda share: None) -> Rows:
    """Walk cells that share landscape, rule and number of steps, and return their rows.

    A cell's rows depend on its recipe alone. `on_progress` is told the share done.
    """
    began = time.perf_counter()
    torch.set_num_threads(1)
    padded = [*cells, *[cells[-1]] * (MIN_STACK - len(cells))]
    traces = traced(padded, on_progress)[: len(cells)]
    seconds = (time.perf_counter() - began) / len(cells)
    rows = Rows()
    for cell, trace in zip(cells, traces, strict=True):
        rows.cells.append(cell_row(cell.cell_id, cell.recipe, trace, seconds, "stacked-eager"))
        rows.curves += curve_rows(cell.cell_id, trace)
    return rows


def traced(cells: Sequence[Cell], on_progress: Callable[[float], None]) -> list[Trace]:
    """Return every cell's walk, state by state."""
    ground, steps = ground_of(cells[0]), cells[0].recipe["steps"]
    numbers = numbers_of(cells, ground)
    rates = torch.from_numpy(np.stack([rates_of(cell.recipe) for cell in cells], axis=1))
    noise = torch.from_numpy(np.stack([noise_of(cell.recipe) for cell in cells], axis=1))
    point = torch.from_numpy(np.stack([start_of(cell.recipe) for cell in cells]))
    walker = Walker(point, vmap(ground.rule.init)(point))
    mapped = vmap(partial(take_step, ground), in_dims=(0, 0, 0, None, 0))
    seen: list[Seen] = []
    for number in range(steps):
        step = torch.tensor(number + 1, dtype=torch.float64)
        walker, here = mapped(walker, numbers, rates[number], step, noise[number])
        seen.append(here)
        if number % 50 == 0:
            on_progress(number / max(steps, 1))
    seen.append(vmap(lambda w, n: look(ground, w, n)[0])(walker, numbers))
    points, heights, norms = (
        np.stack([part.numpy() for part in each], axis=1) for each in zip(*seen, strict=True)
    )  # (cells, steps + 1, ...)
    return [
        Trace(points[place], heights[place], norms[place], rates[:, place].numpy())
        for place in range(len(cells))
    ]
