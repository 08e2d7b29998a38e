"""What the training of one stack hands back, and the columns of the three result tables.

Plain Python only: the engine fills `Rows`, the store writes them, and neither needs the other.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nnbench.study.metrics import METRICS

Schema = Mapping[str, type]


def _columns_of(*metrics: str) -> Schema:
    return {name: METRICS[name].values for name in metrics}


CELLS: Schema = {
    "cell_id": str,
    "status": str,  # ok, diverged or crashed
    "diverged_at_step": int,
    **_columns_of("epochs_run"),
    "best_epoch": int,
    "stopped_early": bool,
    "n_params": int,
    **_columns_of("state_per_param"),
    **_columns_of("train_loss", "val_loss", "test_loss"),
    **_columns_of("train_accuracy", "val_accuracy", "test_accuracy"),
    **_columns_of("train_r2", "val_r2", "test_r2"),
    **_columns_of("weight_norm", "small_weight_fraction"),
    **_columns_of("loss_gap", "score_gap", "val_loss_swing"),
    "test_accuracy_at_best_epoch": float,
    "test_r2_at_best_epoch": float,
    **_columns_of("epochs_to_target"),
    # of probes, null where none ran; at initialisation:
    "gradient_growth": float,  # factor a layer by which dL/dh grows on its way back
    **_columns_of("gradient_drift"),
    "signal_growth": float,  # the same of the activations' root mean square on its way forward
    **_columns_of("signal_drift", "dead_fraction_start"),
    "saturated_fraction_start": float,
    # at the last probe, null where training diverged:
    **_columns_of("dead_fraction_end", "saturated_fraction_end", "zero_fraction_end"),
    **_columns_of("sharpness_end"),
    "last_unit_died_at_step": int,  # of the first probe that found a layer with all units dead
    **_columns_of("seconds"),
    "engine": str,
    "reason": str,  # why a cell crashed, or why one that is well has no score
}

CURVES: Schema = {
    "cell_id": str,
    "epoch": int,  # 0 is before training
    "step": int,
    "lr": float,
    "train_loss": float,
    "val_loss": float,
    "val_metric": float,
    "grad_norm": float,
}

LAYERS: Schema = {
    "cell_id": str,
    "epoch": int,
    "step": int,
    "layer": int,  # hidden layers from 1
    "act_mean": float,
    "act_std": float,
    "grad_norm": float,  # of the loss with respect to the layer's weights
    "grad_std": float,
    "weight_norm": float,
    "update_ratio": float,  # norm of the weights' next change over their norm
    "dead_fraction": float,
    "saturated_fraction": float,
    "zero_fraction": float,  # of the activations
    "pre_mean": float,  # pre: the activation's input, act: its output
    "pre_std": float,
    "pre_grad_norm": float,
    "pre_grad_std": float,
    "act_grad_norm": float,
    "act_grad_std": float,
    "effective_rank": float,  # of the activations
    "similarity": float,  # mean cosine of two examples' activations
    "born_dead_fraction": float,  # of all units: dead, and at the first probe already
    "died_fraction": float,  # dead, but not at the first probe
    "revived_fraction": float,  # alive, but dead at an earlier probe
    "layer_died_at_step": int,  # of the probe that found the last unit dead, null while one lives
}

AS_THEY_ARE = {str, int, bool}  # most values: asked first
SCHEMAS: Mapping[str, Schema] = {"cells": CELLS, "curves": CURVES, "layers": LAYERS}
FILES = {table: f"{table}.parquet" for table in SCHEMAS}


@dataclass
class Rows:
    """The results of one stack: a list of rows for each table, keys as in `SCHEMAS`.

    A key left out is null. A key beyond the schema becomes a further column after the others.
    notes: what whoever runs it should know of the machine that trained it; nothing of a result.
    """

    cells: list[dict[str, Any]] = field(default_factory=list)
    curves: list[dict[str, Any]] = field(default_factory=list)
    layers: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """What its cells took, all of them together."""
        return sum(row.get("seconds") or 0.0 for row in self.cells)


def crashed_rows(cell_ids: Iterable[str], reason: str, engine: str) -> Rows:
    """Rows of cells that have no result because their worker died or their code raised."""
    return Rows(
        [
            {"cell_id": cell_id, "status": "crashed", "engine": engine, "reason": reason}
            for cell_id in cell_ids
        ]
    )


def column_type(values: Iterable[Any]) -> type:
    """The narrowest of bool, int, float and str that holds every value that is not missing.

    Integers with floats are floats; anything else that differs, and every sequence, is text.
    A column without a value is float.
    """
    types = {type(value) for value in map(plain, values) if value is not None}
    if not types:
        return float
    if len(types) == 1 and types <= {bool, int, float, str}:
        return types.pop()
    return float if types == {int, float} else str


def as_type(value: Any, wanted: type) -> Any:
    """The value as `wanted`, or None where it is missing (None and NaN).

    Errors: ValueError where the value would change, such as 2.5 as an integer.
    """
    value = plain(value)
    if value is None or type(value) is wanted:
        return value
    if wanted is str:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str | list) or wanted(value) != value:
        raise ValueError(f"{value!r} is no {wanted.__name__}")
    return wanted(value)


def plain(value: Any) -> Any:
    """A value in Python's own types: numpy scalars unwrapped, tuples as lists, NaN as None."""
    if value is None or type(value) in AS_THEY_ARE:
        return value
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(part) for part in value]
    if isinstance(value, float) and math.isnan(value):
        return None
    return value
