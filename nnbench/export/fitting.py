"""A baseline as a script: a model of scikit-learn is fitted to a table and predicts new rows."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from nnbench import __version__
from nnbench.export.data import DataCode
from nnbench.export.find import ExportError, StoredCell
from nnbench.export.heading import expected
from nnbench.export.text import call, literal, render
from nnbench.study.baselines import BASELINES, Model, Setting, setting_text
from nnbench.study.fields import SPARSE

RESULTS = tuple(
    f"{part}_{name}" for part in ("train", "val", "test") for name in ("loss", "accuracy", "r2")
)
TOLERANCE = 1e-6  # scikit-learn adds up in the same order


def fitting_script(cell: StoredCell, data: DataCode, told: Mapping[str, Any]) -> str:
    """The script of a model of scikit-learn. told: what predicting scripts share."""
    recipe = cell.recipe
    model = BASELINES[recipe["baseline"]].of(data.task)
    setting, is_log = _setting(model, str(cell.row.get("setting") or ""), cell.cell_id)
    arguments = {**model.fixed, **setting}
    recipe = recipe | {"target_transform": "log" if is_log else "none"}
    state = [f"random_state=seed_of({literal(recipe['baseline'])})"] if model.draws else []
    return render(
        "fitting.py.j2",
        cell_id=cell.cell_id,
        study=cell.study,
        version=__version__,
        expected=expected(cell, RESULTS),
        tolerance=TOLERANCE,
        recipe=SPARSE | recipe,
        data=data,
        classes=data.task == "classification",
        words=model.words,
        model=model,
        made=call(model.name, *state, **arguments),
        **{**told, "fits": True},
    )


def _setting(model: Model, text: str, cell_id: str) -> tuple[Setting, bool]:
    """The setting that a row names, of those that are tried, and whether it learns logarithms."""
    weights: Sequence[Setting] = [{}, {"class_weight": "balanced"}] if model.weighs else [{}]
    for one, weight in itertools.product(model.tried, weights):
        for log in ({}, {"target_transform": "log"}):
            if setting_text({**one, **weight, **log}) == text:
                return {**one, **weight}, bool(log)
    raise ExportError(
        f"{cell_id}: its setting ({text}) is not one that is tried: run the study again"
    )
