"""Walk a stack: one walk's functions mapped over many, on one landscape by one rule."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.func import grad_and_value, vmap

from nnbench.catalog.landscapes import LANDSCAPES
from nnbench.catalog.optimizers.registry import OPTIMIZERS, Optimizer
from nnbench.results.rows import Rows
from nnbench.study.recipe import Recipe, of_factor
from nnbench.study.study import Cell
from nnbench.training.stacked.axis import moved_numbers, padded, stacked_numbers
from nnbench.training.stacked.descent import (
    PULLS,
    Descent,
    Numbers,
    clipped,
    decayed,
    descent_of,
    numbers_of_entries,
)
from nnbench.training.threads import one_thread
from nnbench.training.walks import (
    Trace,
    cell_row,
    curve_rows,
    momenta_of,
    noise_of,
    rates_of,
    start_of,
)


@dataclass(frozen=True, kw_only=True)
class Course(Descent):
    """What a stack's walks have in common."""

    landscape: str

    @property
    def rule(self) -> Optimizer:
        """The rule of a step; a point is no hidden layer's weight matrix."""
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


def course_of(recipe: Recipe) -> Course:
    """The course of a recipe's walk."""
    return Course(landscape=recipe["landscape"], **descent_of(recipe))


def number_names(course: Course) -> list[str]:
    """The places in a recipe of the numbers that the course reads."""
    entries = {
        "landscape": LANDSCAPES[course.landscape],
        "optimizer": OPTIMIZERS[course.optimizer],
    }
    pulls = [name for name in PULLS if getattr(course, name)]
    return [*pulls, *numbers_of_entries(entries)]


def view(course: Course, walker: Walker, numbers: Numbers) -> tuple[Seen, Tensor]:
    """What is seen at a walker's place, and the gradient (dims,) there."""
    function = partial(LANDSCAPES[course.landscape].function, **of_factor("landscape", numbers))
    gradient, height = grad_and_value(function)(walker.point)
    point = walker.point
    average = course.rule.evaluated
    if average is not None:
        point = average(walker.point, walker.state, of_factor("optimizer", numbers))
        height = function(point)
    return Seen(point, height, length(gradient)), gradient


def length(vector: Tensor) -> Tensor:
    """The Euclidean norm, its squares added in order: sums of a stack may not be."""
    return torch.sqrt(sum((part * part for part in vector), torch.zeros_like(vector[0])))


def take_step(
    course: Course, walker: Walker, numbers: Numbers, lr: Tensor, step: Tensor, noise: Tensor
) -> tuple[Walker, Seen]:
    """Take one step, and return what was seen before it; `step` counts from 1."""
    seen, gradient = view(course, walker, numbers)
    gradient = clipped(course, gradient + noise, numbers, length)
    point, gradient, hyper = decayed(course, walker.point, gradient, numbers, lr)
    return Walker(*course.rule.update(gradient, walker.state, point, hyper, step)), seen


def walk(cells: Sequence[Cell], on_progress: Callable[[float], None] = lambda share: None) -> Rows:
    """Walk cells that share landscape, rule and number of steps, and return their rows.

    A cell's rows depend on its recipe alone. `on_progress` is told the share done.
    """
    began = time.perf_counter()
    with one_thread():
        traces = traced(padded(cells), on_progress)[: len(cells)]
    seconds = (time.perf_counter() - began) / len(cells)
    rows = Rows()
    for cell, trace in zip(cells, traces, strict=True):
        rows.cells.append(cell_row(cell.cell_id, cell.recipe, trace, seconds, "stacked-eager"))
        rows.curves += curve_rows(cell.cell_id, trace)
    return rows


def traced(cells: Sequence[Cell], on_progress: Callable[[float], None]) -> list[Trace]:
    """Every cell's walk, state by state."""
    course, steps = course_of(cells[0].recipe), cells[0].recipe["steps"]
    numbers = stacked_numbers(cells, number_names(course))
    rates = torch.from_numpy(np.stack([rates_of(cell.recipe) for cell in cells], axis=1))
    moved = moved_numbers(numbers, [momenta_of(cell.recipe) for cell in cells])
    noise = torch.from_numpy(np.stack([noise_of(cell.recipe) for cell in cells], axis=1))
    point = torch.from_numpy(np.stack([start_of(cell.recipe) for cell in cells]))
    walker = Walker(point, vmap(course.rule.init)(point))
    mapped = vmap(partial(take_step, course), in_dims=(0, 0, 0, None, 0))
    seen: list[Seen] = []
    for number in range(steps):
        step = torch.tensor(number + 1, dtype=torch.float64)
        now = numbers | {name: values[number] for name, values in moved.items()}
        walker, here = mapped(walker, now, rates[number], step, noise[number])
        seen.append(here)
        if number % 50 == 0:
            on_progress(number / max(steps, 1))
    seen.append(vmap(lambda w, n: view(course, w, n)[0])(walker, numbers))
    points, heights, norms = (
        np.stack([part.numpy() for part in each], axis=1) for each in zip(*seen, strict=True)
    )  # (cells, steps + 1, ...)
    return [
        Trace(points[place], heights[place], norms[place], rates[:, place].numpy())
        for place in range(len(cells))
    ]
