"""Fit what networks are held against: models of scikit-learn on a cell's own split.

Each is fitted with a few ordinary settings, and the one that does best on the validation part is
judged on the test part, as networks' learning rates are. Features and targets are those that the
networks get: scaled by the training part, missing values filled in.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnbench.lazy import lazy_import
from nnbench.results.rows import Rows
from nnbench.seeds import seed_for
from nnbench.study.baselines import ENGINE
from nnbench.study.metrics import METRICS
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

if TYPE_CHECKING:
    import threadpoolctl  # type: ignore[import-untyped]
    from sklearn import dummy, ensemble, linear_model, neighbors
else:
    threadpoolctl = lazy_import("threadpoolctl", globals())
    dummy = lazy_import("sklearn.dummy", globals())
    ensemble = lazy_import("sklearn.ensemble", globals())
    linear_model = lazy_import("sklearn.linear_model", globals())
    neighbors = lazy_import("sklearn.neighbors", globals())

Setting = dict[str, Any]


@dataclass(frozen=True)
class Model:
    """One model: what makes it, given a setting and a random state, and what is tried."""

    classifier: Callable[[Setting, int], Any]
    regressor: Callable[[Setting, int], Any]
    of_classifier: tuple[Setting, ...] = ({},)
    of_regressor: tuple[Setting, ...] = ({},)
    balances: bool = True  # whether the classifier has a class_weight

    def settings(self, split: Split, class_weight: str = "none") -> list[Setting]:
        """The settings that can be tried on a split, the ordinary one among them.

        class_weight: none, balanced or either, where the classifier has it.
        """
        tried = self.of_classifier if split.task == "classification" else self.of_regressor
        able = [one for one in tried if one.get("n_neighbors", 1) <= split.n_train]
        if class_weight == "none" or not self.balances:
            return able
        balanced = [one | {"class_weight": "balanced"} for one in able]
        return balanced if class_weight == "balanced" else [*able, *balanced]

    def build(self, task: str, setting: Setting, state: int) -> Any:
        """One model that waits to be fitted."""
        return (self.classifier if task == "classification" else self.regressor)(setting, state)


def _each(name: str, *values: float) -> tuple[Setting, ...]:
    return tuple({name: value} for value in values)


NEIGHBOURS = _each("n_neighbors", 1, 5, 15, 50)
LEAVES = _each("min_samples_leaf", 1, 5)
RATES = _each("learning_rate", 0.03, 0.1)

MODELS: Mapping[str, Model] = {
    "constant": Model(
        lambda setting, state: dummy.DummyClassifier(),
        lambda setting, state: dummy.DummyRegressor(),
        balances=False,
    ),
    "linear": Model(
        lambda setting, state: linear_model.LogisticRegression(max_iter=1000, **setting),
        lambda setting, state: linear_model.Ridge(**setting),
        _each("C", 0.01, 0.1, 1.0, 10.0),
        _each("alpha", 0.1, 1.0, 10.0, 100.0),
    ),
    "neighbours": Model(
        lambda setting, state: neighbors.KNeighborsClassifier(**setting),
        lambda setting, state: neighbors.KNeighborsRegressor(**setting),
        NEIGHBOURS,
        NEIGHBOURS,
        balances=False,
    ),
    "forest": Model(
        lambda setting, state: ensemble.RandomForestClassifier(random_state=state, **setting),
        lambda setting, state: ensemble.RandomForestRegressor(random_state=state, **setting),
        LEAVES,
        LEAVES,
    ),
    "boosting": Model(
        lambda setting, state: ensemble.HistGradientBoostingClassifier(
            early_stopping=False, random_state=state, **setting
        ),
        lambda setting, state: ensemble.HistGradientBoostingRegressor(
            early_stopping=False, random_state=state, **setting
        ),
        RATES,
        RATES,
    ),
}


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
    split = split_for(recipe)
    model = MODELS[recipe["baseline"]]
    state = seed_for(recipe["study_seed"], recipe["baseline"], recipe["data"], recipe["seed"])
    is_table = has_further_scores(recipe)
    weight = recipe.get("class_weight", "none")
    judge = partial(scores_of, is_table=is_table, balanced=weight == "balanced")
    tried = []
    for setting in model.settings(split, weight):
        fitted = fit(model.build(split.task, setting, state), split)
        tried.append((setting, fitted, judge(fitted, split, "val")))
    setting, fitted, _ = max(tried, key=lambda one: _goodness(one[2], recipe["chosen_by"]))
    scores = {name: value for part in PARTS for name, value in judge(fitted, split, part).items()}
    score = score_of_task(split.task)
    row = {"cell_id": cell.cell_id, "status": "ok", **scores}
    row["loss_gap"] = scores["test_loss"] - scores["train_loss"]
    row["score_gap"] = scores[f"train_{score}"] - scores[f"test_{score}"]
    if split.one_valued:
        row["reason"] = f"no R² where the targets are all one value: {', '.join(split.one_valued)}"
    row["setting"] = ", ".join(f"{name} = {value}" for name, value in setting.items()) or None
    row["test_rows"] = len(split.y["test"])
    return row | {"seconds": time.perf_counter() - began, "engine": ENGINE}


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
    standard deviations of the training part's: mean squared error and R^2, NaN where undefined.
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
        if is_judged:
            further = value_scores(split, part, predicted)
        loss, spread = float(errors.mean()), split.spread(part)
        score = float(1 - errors.sum() / spread) if spread else float("nan")
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
