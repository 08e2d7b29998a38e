"""The slow twin of walks: one walk with torch.optim, torch's schedulers and autograd.

It may not import the engine; it is given the start and the noise, as the engine is.
"""

import time

import numpy as np
import torch
from torch import Tensor, nn

from nnbench.catalog import LANDSCAPES
from nnbench.catalog.schedules.registry import scheduler_of
from nnbench.results.rows import Rows
from nnbench.study.recipe import Recipe
from nnbench.study.study import Cell
from nnbench.training.reference.step import averaged_parameters, build_optimizer, update
from nnbench.training.threads import one_thread
from nnbench.training.walks import Trace, cell_row, curve_rows, noise_of, start_of


class Place(nn.Module):
    """The point of a walk as a module's only parameter."""

    def __init__(self, start: Tensor) -> None:
        super().__init__()
        self.point = nn.Parameter(start)


@one_thread()
def walk_cell(cell: Cell) -> Rows:
    """Walk one cell and return its rows, in the same form as the engine's."""
    began = time.perf_counter()
    trace = trace_of(cell.recipe)
    seconds = time.perf_counter() - began
    row = cell_row(cell.cell_id, cell.recipe, trace, seconds, "reference")
    return Rows(cells=[row], curves=curve_rows(cell.cell_id, trace))


def trace_of(recipe: Recipe) -> Trace:
    """The walk, state by state."""
    place = Place(torch.from_numpy(start_of(recipe)))
    optimizer = build_optimizer(recipe, place)
    schedule = recipe.of("schedule")
    scheduler = scheduler_of(recipe["schedule"], schedule, optimizer, recipe["steps"])
    function = LANDSCAPES[recipe["landscape"]].function
    numbers = {
        name: torch.tensor(float(value), dtype=torch.float64)
        for name, value in recipe.of("landscape").items()
    }
    seen, rates = [], []
    for noise in [*noise_of(recipe), None]:
        optimizer.zero_grad()
        function(place.point, **numbers).backward()
        assert place.point.grad is not None
        grad_norm = float(place.point.grad.norm())
        with averaged_parameters(optimizer):
            point = place.point.detach().clone()
            seen.append((point.numpy(), float(function(point, **numbers)), grad_norm))
        if noise is None:
            break
        place.point.grad += torch.from_numpy(noise)
        rates.append(float(optimizer.param_groups[0]["lr"]))
        update(recipe, place, optimizer)
        scheduler.step()
    points, heights, norms = (np.array(column) for column in zip(*seen, strict=True))
    return Trace(points, heights, norms, np.array(rates))
