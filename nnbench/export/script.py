"""A cell as a script: `script_of` is all that the command line needs.

What a script does is what `nnbench.training.reference.train` does, written out for one recipe:
nothing of it is there that the recipe does not use.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nnbench.catalog.losses import LOSSES
from nnbench.catalog.optimizers.registry import OPTIMIZERS
from nnbench.catalog.schedules.registry import SCHEDULES
from nnbench.export.data import DataCode, data_code
from nnbench.export.find import ExportError, StoredCell
from nnbench.export.fitting import fitting_script
from nnbench.export.heading import expected, heading, shown
from nnbench.export.network import network_code
from nnbench.export.other_kinds import sweep_script, walk_script
from nnbench.export.own_entries import check_own, own_blocks
from nnbench.export.own_table import own_table
from nnbench.export.text import fill, render
from nnbench.export.training import loss_code, optimizer_code, schedule_code
from nnbench.study.baselines import is_baseline, splits_by_more
from nnbench.study.fields import SPARSE
from nnbench.study.recipe import has_own_table
from nnbench.study.study_kinds import LANDSCAPE, NUMERICS, TRAINING, study_kind_of
from nnbench.training.draws import BLOCK_ROWS, outputs_for

RESULTS = (
    "status",
    "epochs_run",
    "diverged_at_step",
    "best_epoch",
    *(f"{part}_{name}" for part in ("train", "val", "test") for name in ("loss", "accuracy", "r2")),
    "weight_norm",
)
EXACT = 1e-6, "# The numbers in the study's table. Hardly a digit should differ."
NEAR = (
    0.05,
    "# The numbers in the study's table. They come from single precision, by an engine that adds\n"
    "# up in another order: losses may differ by a few per cent, accuracies by a few examples,\n"
    "# and both by more where a large learning rate lets rounding grow. This script's own numbers\n"
    "# are those of nnbench run --engine reference.",
)


def script_of(cell: StoredCell, table: Path | None = None) -> str:
    """The script that repeats a cell, whatever its kind. Errors: ExportError.

    table: where the table lies, for a script that predicts new rows of it, too.
    """
    check_own(cell.cell_id, cell.recipe)
    if table is not None:
        return predicting_script(cell, table)
    if is_baseline(cell.recipe):
        can_predict = has_own_table(cell.recipe)
        raise ExportError(
            f"{cell.cell_id} is not a network but {cell.recipe['baseline']}, a scikit-learn "
            f"model: {'add --predict and the table, or ' if can_predict else ''}name the cell of "
            f"a network"
        )
    return SCRIPT_BY_STUDY[study_kind_of(cell.recipe)](cell)


def hints(cell: StoredCell, predicting: bool = False) -> list[str]:
    """What a user should know of a script that its own lines do not say."""
    said = []
    if not cell.is_sound:
        said.append(
            f"{cell.cell_id}: its recipe in the table is not the one its id was made from, so "
            f"the script may differ from the run: run the study again"
        )
    if cell.row.get("status") == "crashed":
        said.append(f"{cell.cell_id} crashed: there are no numbers to compare with")
    if predicting and not is_baseline(cell.recipe):
        said.append("the script needs safetensors: pip install safetensors")
    if has_own_table(cell.recipe) and not predicting:
        said.append(
            f"the script looks for the table in the current folder and beside itself; if "
            f"{cell.recipe['data.path']} is elsewhere: python cell.py PATH"
        )
    return said


def training_script(cell: StoredCell) -> str:
    """The script that trains a network."""
    return _trained(cell, data_code(SPARSE | cell.recipe), {"predicting": False, "fits": False})


def _trained(cell: StoredCell, data: DataCode, predicting: Mapping[str, Any]) -> str:
    """A script that trains; `predicting` is what more it has where it predicts, too."""
    recipe = SPARSE | cell.recipe
    same_sums = recipe["dtype"] == "float64" or cell.row.get("engine") == "reference"
    tolerance, comparison = EXACT if same_sums else NEAR
    return render(
        "training.py.j2",
        **heading(cell),
        comparison=comparison,
        tolerance=tolerance,
        own=own_blocks(recipe),
        expected=expected(cell, RESULTS),
        recipe=recipe,
        data=data,
        is_noisy=" or ".join(f'part == "{part}"' for part in data.noisy),
        classes=data.task == "classification",
        **_network(recipe),
        **{**_training(recipe, data.task), **predicting},
    )


def predicting_script(cell: StoredCell, path: Path) -> str:
    """The script that trains a cell's model on a table, saves it and predicts new rows with it.

    Raises ExportError for a cell of other data, and for one that is evaluated as in training.
    """
    recipe = SPARSE | cell.recipe
    if not has_own_table(recipe):
        raise ExportError(
            f"{cell.cell_id} is about {recipe['data']}, not a table of your own: there are no new "
            f"rows to predict; export it without --predict"
        )
    if recipe.get("evaluation") == "train":
        raise ExportError(
            f"{cell.cell_id} is evaluated as in training, where a row's prediction depends on "
            f"the rows beside it: export it without --predict"
        )
    table = own_table(recipe, path)
    data = data_code(recipe, ties="ties_of(table.iloc[rows], x)")
    parts = data.parts if splits_by_more(recipe) else ""
    data = replace(data, definitions="", code=fill("rows.py.j2").strip("\n"), parts=parts)
    told = {
        "predicting": True,
        "fits": False,
        "reading": table.code,
        "target_name": shown(table.target),
        "alike": table.alike,
    }
    if is_baseline(recipe):
        return fitting_script(cell, data, told)
    entry = LOSSES[recipe["loss"]]
    form = entry.targets[data.task]
    outputs = outputs_for(len(table.classes), form)
    told |= {
        "n_outputs": outputs,
        "outputs": outputs,
        "logits": entry.logits and (form == "class" or outputs == 1),
    }
    return _trained(cell, data, told)


def _network(recipe: Mapping[str, Any]) -> dict[str, Any]:
    net = network_code(recipe)
    return {
        "net": net,
        "modules": ["nn.Linear(n_in, n_out)", *net.modules],
        "residual": recipe["residual"] and recipe["depth"] > 0,
        "in_training": recipe["evaluation"] == "train",
    }


def _training(recipe: Mapping[str, Any], task: str) -> dict[str, Any]:
    loss = loss_code(recipe, task)
    by_step = SCHEDULES[recipe["schedule"]].unit == "step"
    patience = recipe["early_stopping"] == "patience"
    return {
        "loss": loss,
        "target": "y" if loss.target == "class" else "targets",
        "outputs": {"class": "n_classes", "one_hot": "n_outputs", "value": "1"}[loss.target],
        "score_words": "accuracy" if task == "classification" else "R^2",
        "optimizer": optimizer_code(recipe, "network.parameters()"),
        "averaged": OPTIMIZERS[recipe["optimizer"]].evaluated is not None,
        "block_rows": BLOCK_ROWS,
        "schedule": schedule_code(recipe, "total" if by_step else recipe["epochs"]),
        "order_split": f"order.split({recipe['batch_size'] or 'len(order)'})",
        "lone": recipe["batch_size"] > 1,
        "patience": recipe["early_stopping.patience"] if patience else 0,
        "min_delta": recipe["early_stopping.min_delta"] if patience else 0,
    }


SCRIPT_BY_STUDY: Mapping[str, Callable[[StoredCell], str]] = {
    TRAINING: training_script,
    LANDSCAPE: walk_script,
    NUMERICS: sweep_script,
}
