"""Fit what networks are held against: models of scikit-learn on a cell's own split.

Each is fitted with a few ordinary settings, and the one that does best on the validation part is
judged on the test part, as networks' learning rates are. Features and targets are those that the
networks get: scaled by the training part, missing values filled in.
"""

from __future__ import annotations

import importlib
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnbench.lazy import threadpoolctl
from nnbench.results.rows import Rows
from nnbench.seeds import seed_for
from nnbench.study.baselines import BASELINES, ENGINE, Model, Setting, setting_text
from nnbench.study.metrics import METRICS
from nnbench.study.recipe import Recipe
from nnbench.study.study import Cell
from nnbench.training.draws import Split, split_for
from nnbench.training.protocol import score_of_task
from nnbench.training.scores import (
    JUDGED,
    SURE,
    class_scores,
    has_further_scores,
    value_scores,
)
from nnbench.training.splits import PARTS


def settings_for(model: Model, split: Split, class_weight: str = "none") -> list[Setting]:
    """The settings that can be tried on a split, the ordinary one among them.

    class_weight: none, balanced or either, where the model has it.
    """
    able = [one for one in model.tried if one.get("n_neighbors", 1) <= split.n_train]
    if class_weight == "none" or not model.weighs:
        return able
    balanced: list[Setting] = [{**one, "class_weight": "balanced"} for one in able]
    return balanced if class_weight == "balanced" else able + balanced


def build(model: Model, setting: Setting, state: int) -> Any:
    """One model that waits to be fitted."""
    made = getattr(importlib.import_module(model.module), model.name)
    return made(**model.arguments(setting, state))


def fit_cells(
    cells: Sequence[Cell], on_progress: Callable[[float], None] = lambda share: None
) -> Rows:
    """Fit every cell's model; each has one row, and no curve."""
    rows = Rows()
    # one thread a process, as networks have: processes share the cores
    with threadpoolctl.threadpool_limits(1):
        for number, cell in enumerate(cells, start=1):
            rows.cells.append(fit_cell(cell))
            on_progress(number / len(cells))
    return rows


def fit_cell(cell: Cell) -> dict[str, Any]:
    """The row of one baseline: its scores with the setting that does best on validation."""
    began = time.perf_counter()
    recipe = cell.recipe
    transform = recipe.get("target_transform", "none")
    splits = [
        split_for(recipe | {"target_transform": one})
        for one in (("none", "log") if transform == "either" else (transform,))
    ]
    model = BASELINES[recipe["baseline"]].of(splits[0].task)
    state = seed_for(recipe["study_seed"], recipe["baseline"], recipe["data"], recipe["seed"])
    is_table = has_further_scores(recipe)
    setting, fitted, split = _chosen(model, splits, state, recipe, is_table)
    balanced = recipe.get("class_weight") == "balanced"
    scores = {
        name: value
        for part in PARTS
        for name, value in scores_of(fitted, split, part, is_table, balanced).items()
    }
    score = score_of_task(split.task)
    row = {"cell_id": cell.cell_id, "status": "ok", **scores}
    row["loss_gap"] = scores["test_loss"] - scores["train_loss"]
    row["score_gap"] = scores[f"train_{score}"] - scores[f"test_{score}"]
    if split.one_valued:
        row["reason"] = f"no R² where the targets are all one value: {', '.join(split.one_valued)}"
    row["setting"] = setting_text(setting) or None
    row["test_rows"] = len(split.y["test"])
    if "train_share" in recipe:
        row["train_rows"] = split.n_train
    return row | {"seconds": time.perf_counter() - began, "engine": ENGINE}


def _chosen(
    model: Model, splits: Sequence[Split], state: int, recipe: Recipe, is_table: bool
) -> tuple[Setting, Any, Split]:
    """The setting that does best on the validation part, the model fitted with it, and to what.

    splits: one, or one for each transform of the target that can be chosen.
    """
    by, weight = recipe["chosen_by"], recipe.get("class_weight", "none")
    if by == "val_loss" and len(splits) > 1:  # which is of another unit for each
        by = "val_r2"
    further = is_table and by not in ("val_loss", f"val_{score_of_task(splits[0].task)}")
    best: tuple[Any, Setting, Any, Split] | None = None
    for split in splits:
        for setting in settings_for(model, split, weight):
            fitted = fit(build(model, setting, state), split)
            scores = scores_of(fitted, split, "val", further, balanced=weight == "balanced")
            goodness = _goodness(scores, by)
            if best is None or goodness > best[0]:  # the first of equals
                said = {**setting, **({"target_transform": "log"} if split.is_log else {})}
                best = goodness, said, fitted, split
    assert best is not None
    return best[1:]


def fit(model: Any, split: Split) -> Any:
    """The model, fitted to the training part. That it could go on is no news to a user."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(split.x["train"], split.y["train"])


def scores_of(
    model: Any, split: Split, part: str, is_table: bool = False, balanced: bool = False
) -> dict[str, Any]:
    """A fitted model's loss and score on a part, as a network of the task's own loss has them.

    Classes: cross entropy, weighed by class where that is `balanced`, and accuracy. Values, in
    standard deviations of the training part's: mean squared error (of logarithms, where those are
    learned), and R^2 of the targets themselves, NaN where undefined.
    """
    x, y = split.x[part], split.y[part]
    further: dict[str, Any] = {}
    is_judged = is_table and part in JUDGED
    if split.task == "classification":
        probabilities = probabilities_of(model, x, split.n_classes)
        chosen = np.clip(probabilities[np.arange(len(y)), y], SURE, 1.0)
        weights = split.class_weights[y] if balanced else None
        loss = float(np.average(-np.log(chosen), weights=weights))
        score = float((probabilities.argmax(1) == y).mean())
        if is_judged:
            further = class_scores(split, part, probabilities, probabilities)
    else:
        predicted = model.predict(x)
        errors = (predicted - y) ** 2
        residual = ((split.own(predicted) - split.own(y)) ** 2).sum()
        if is_judged:
            further = value_scores(split, part, predicted)
        loss, spread = float(errors.mean()), split.spread(part)
        score = float(1 - residual / spread) if spread else float("nan")
    return {f"{part}_loss": loss, f"{part}_{score_of_task(split.task)}": score, **further}


def probabilities_of(model: Any, x: NDArray[np.float64], n_classes: int) -> NDArray[np.float64]:
    """Each class's probability (rows, classes), of classes that were not trained on 0."""
    found = np.zeros((len(x), n_classes))
    found[:, model.classes_] = model.predict_proba(x)
    return found


def _goodness(scores: Mapping[str, float], chosen_by: str) -> tuple[float, float]:
    """What the best setting has most of: what it is chosen by, then minus the loss."""
    value = scores.get(chosen_by, -scores["val_loss"])
    if chosen_by in scores and not METRICS[chosen_by].higher_is_better:
        value = -value
    return (-np.inf if np.isnan(value) else value), -scores["val_loss"]
