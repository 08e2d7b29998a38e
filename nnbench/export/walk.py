"""A cell of a landscape study as a script: one optimizer's walk over a test function."""

from nnbench.catalog.landscapes import LANDSCAPES, minima_of
from nnbench.catalog.optimizers.registry import OPTIMIZERS
from nnbench.export.find import StoredCell
from nnbench.export.heading import expected, heading
from nnbench.export.sources import definitions
from nnbench.export.text import render
from nnbench.export.training import optimizer_code, schedule_code
from nnbench.study.recipe import of_factor

RESULTS = (
    "status",
    "epochs_run",
    "diverged_at_step",
    "final_value",
    "distance_to_minimum",
    "reached_global",
    "steps_to_minimum",
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
        expected=expected(cell, RESULTS),
        recipe=recipe,
        function=definitions(entry.function.__module__, function),
        height=", ".join([f"{function}(point", *(f"{name}={t}" for name, t in tensors.items())]),
        uses_number=bool(tensors),
        low=list(low),
        high=list(high),
        dims=entry.dims,
        root={1: 1.6180339887498949, 2: 1.3247179572447460}[entry.dims],
        minima=[tuple(map(float, minimum)) for minimum in minima_of(recipe)],
        optimizer=optimizer_code(recipe, "[point]"),
        averaged=OPTIMIZERS[recipe["optimizer"]].evaluated is not None,
        schedule=schedule_code(recipe, recipe["steps"]),
    )
