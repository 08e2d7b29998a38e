"""Sweeps of logits: each way to write a loss, in each number type, against the exact value."""

import time
from collections.abc import Callable, Sequence

import torch

from nnbench.catalog.expressions import EXPRESSIONS, exact
from nnbench.results.rows import Rows
from nnbench.study.study import Cell
from nnbench.training.sweeps import Sweep, cell_row, curve_rows
from nnbench.training.threads import one_thread


def sweep(cells: Sequence[Cell], on_progress: Callable[[float], None] = lambda _: None) -> Rows:
    """Compute cells one after another and return their rows."""
    rows = Rows()
    with one_thread():
        for number, cell in enumerate(cells, start=1):
            began = time.perf_counter()
            swept = swept_cell(cell)
            rows.curves += curve_rows(cell.cell_id, swept)
            seconds = time.perf_counter() - began
            rows.cells.append(cell_row(cell.cell_id, swept, seconds))
            on_progress(number / len(cells))
    return rows


def swept_cell(cell: Cell) -> Sweep:
    """Compute a cell's expression and its gradient by autograd, and the exact ones.

    Logits are those that the number type can hold: rounding the input is not what is asked about.
    """
    recipe = cell.recipe
    dtype = getattr(torch, recipe["dtype"])
    share = torch.linspace(0, 1, recipe["points"], dtype=torch.float64)
    sign = -1.0 if recipe["answer"] == "wrong" else 1.0
    rounded = (sign * recipe["limit"] * share**3).to(dtype)
    logits = rounded[torch.isfinite(rounded)].requires_grad_()
    value = EXPRESSIONS[recipe["expression"]].function(logits)
    (gradient,) = torch.autograd.grad(value.sum(), logits)
    limits = torch.finfo(dtype)
    exact_value, exact_gradient = exact(logits.detach().double())
    return Sweep(
        logit=logits.detach().double().numpy(),
        value=value.detach().double().numpy(),
        gradient=gradient.double().numpy(),
        exact_value=exact_value.numpy(),
        exact_gradient=exact_gradient.numpy(),
        smallest=limits.tiny,
        epsilon=limits.eps,
    )
