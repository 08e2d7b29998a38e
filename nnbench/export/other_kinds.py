"""Cells of the other kinds of study as scripts: a walk over a test function, a sweep of logits."""

from nnbench.catalog.expressions import EXPRESSIONS
from nnbench.catalog.landscapes import LANDSCAPES, minima_of
from nnbench.catalog.optimizers.registry import OPTIMIZERS
from nnbench.export.find import StoredCell
from nnbench.export.heading import expected, heading
from nnbench.export.own_entries import own_blocks
from nnbench.export.sources import definitions
from nnbench.export.text import render
from nnbench.export.training import optimizer_code, schedule_code
from nnbench.study.recipe import of_factor
from nnbench.training.sweeps import LOST, SAFE_ERROR, SAFE_ROUNDINGS
from nnbench.training.walks import ROOTS

OF_WALKS = (
    *("status", "epochs_run", "diverged_at_step", "final_value"),
    *("distance_to_minimum", "reached_global", "steps_to_minimum"),
)
OF_SWEEPS = (
    *("status", "max_relative_error", "max_gradient_error"),
    *("not_finite_from", "gradient_lost_from", "safe_up_to"),
)


def walk_script(cell: StoredCell) -> str:
    """The script of a walk."""
    recipe = cell.recipe
    entry = LANDSCAPES[recipe["landscape"]]
    function = entry.function.__name__
    numbers = of_factor("landscape", recipe)
    # tensors, as in the study: a Python number would round at other places
    tensors = {name: f"number({float(value)!r})" for name, value in numbers.items()}
    low, high = zip(*entry.starts, strict=True)
    return render(
        "walk.py.j2",
        **heading(cell),
        own=own_blocks(recipe),
        expected=expected(cell, OF_WALKS),
        recipe=recipe,
        function=definitions(entry.function.__module__, function),
        height=", ".join([f"{function}(point", *(f"{name}={t}" for name, t in tensors.items())]),
        uses_number=bool(tensors),
        low=list(low),
        high=list(high),
        dims=entry.dims,
        root=ROOTS[entry.dims],
        minima=[tuple(map(float, minimum)) for minimum in minima_of(recipe)],
        optimizer=optimizer_code(recipe, "[point]"),
        averaged=OPTIMIZERS[recipe["optimizer"]].evaluated is not None,
        schedule=schedule_code(recipe, recipe["steps"]),
    )


def sweep_script(cell: StoredCell) -> str:
    """The script of a sweep."""
    entry = EXPRESSIONS[cell.recipe["expression"]]
    name, module = entry.function.__name__, entry.function.__module__
    return render(
        "sweep.py.j2",
        **heading(cell),
        expected=expected(cell, OF_SWEEPS),
        recipe=cell.recipe,
        name=name,
        definitions=definitions(module, name, "exact"),
        lost=LOST,
        safe_error=SAFE_ERROR,
        safe_roundings=SAFE_ROUNDINGS,
    )
