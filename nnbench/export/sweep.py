"""A cell of a numerics study as a script: one way to write a loss, held against its exact value."""

from nnbench.catalog.expressions import EXPRESSIONS
from nnbench.export.find import StoredCell
from nnbench.export.heading import expected, heading
from nnbench.export.sources import definitions
from nnbench.export.text import render
from nnbench.training.sweeps import LOST, SAFE_ERROR, SAFE_ROUNDINGS

RESULTS = (
    "status",
    "max_relative_error",
    "max_gradient_error",
    "not_finite_from",
    "gradient_lost_from",
    "safe_up_to",
)


def sweep_script(cell: StoredCell) -> str:
    """The script of a sweep."""
    entry = EXPRESSIONS[cell.recipe["expression"]]
    name, module = entry.function.__name__, entry.function.__module__
    return render(
        "sweep.py.j2",
        **heading(cell),
        expected=expected(cell, RESULTS),
        recipe=cell.recipe,
        name=name,
        definitions=definitions(module, name, "exact"),
        lost=LOST,
        safe_error=SAFE_ERROR,
        safe_roundings=SAFE_ROUNDINGS,
    )
