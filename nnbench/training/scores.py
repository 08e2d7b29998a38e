"""Scores beyond accuracy and R^2, of the outputs for one part.

They are measured of tables of one's own, where classes may be rare and targets have a unit, on the
validation and the test part, of the network that is the result. Plain numpy and scikit-learn.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnbench.catalog.losses import LOSSES
from nnbench.lazy import metrics, pd, special
from nnbench.study.recipe import has_own_table
from nnbench.training.draws import Split

JUDGED = ("val", "test")  # the parts that are scored
SURE = 1e-15  # a probability of 0 would make a loss infinite
MOST_CLASSES = 20  # of a matrix of confusions
Array = NDArray[np.float64]


def has_further_scores(recipe: Mapping[str, Any]) -> bool:
    """Whether more than accuracy or R^2 is measured: of a table of one's own.

    Not where evaluation goes as in training, whose noise would have to be drawn once more.
    """
    return has_own_table(recipe) and recipe.get("evaluation") != "train"


def scores_of_outputs(loss: str, split: Split, part: str, outputs: Array) -> dict[str, Any]:
    """A network's further scores on a part, of its outputs (rows, outputs) before the loss maps."""
    if split.task == "regression":
        return value_scores(split, part, outputs[:, 0])
    entry = LOSSES[loss]
    if outputs.shape[1] == 1:  # of the second of two classes
        outputs = np.hstack([2 * entry.threshold - outputs, outputs])
        probable = special.expit(outputs) if entry.logits else None
    else:
        probable = None
        if entry.logits and entry.targets["classification"] == "class":
            probable = special.softmax(outputs, axis=1)
    return class_scores(split, part, outputs, probable)


def class_scores(split: Split, part: str, ranked: Array, probable: Array | None) -> dict[str, Any]:
    """Scores of a classification. ranked, probable: (rows, classes), the latter probabilities.

    Balanced accuracy and macro F1 are means over the classes of the part. ROC AUC is that of two
    classes, or the mean of each against the rest; average precision that of the training part's
    rarest class. Brier's score is the mean over rows of the sum of squares over classes, which
    reaches from 0 to 2 (Brier 1950, Verification of Forecasts Expressed in Terms of Probability).
    Null where a part has one class, or there are no probabilities.
    """
    y, predicted = split.y[part], ranked.argmax(1)
    present = np.unique(y)
    right = np.array([(predicted[y == one] == one).mean() for one in present])
    f1 = metrics.f1_score(y, predicted, average="macro", labels=present, zero_division=0)
    rare = int(np.bincount(split.y["train"], minlength=split.n_classes).argmin())
    found: dict[str, Any] = {"balanced_accuracy": float(right.mean()), "macro_f1": float(f1)}
    if len(present) > 1:
        every = present if split.n_classes > 2 else present[1:]
        margin = ranked if split.n_classes > 2 else ranked - ranked[:, ::-1]
        areas = [metrics.roc_auc_score(y == one, margin[:, one]) for one in every]
        found["roc_auc"] = float(np.mean(areas))
        if rare in present:
            found["average_precision"] = float(
                metrics.average_precision_score(y == rare, margin[:, rare])
            )
    if probable is not None:
        chosen = np.clip(probable[np.arange(len(y)), y], SURE, 1.0)
        found["log_loss"] = float(-np.log(chosen).mean())
        truth = np.eye(split.n_classes)[y]
        found["brier"] = float(((probable - truth) ** 2).sum(1).mean())
    if part == "test" and split.n_classes <= MOST_CLASSES:
        counts = np.zeros((split.n_classes, split.n_classes), dtype=int)
        np.add.at(counts, (y, predicted), 1)
        found["confusion"] = json.dumps(counts.tolist())
    return _of_part(part, found)


def value_scores(split: Split, part: str, predicted: Array) -> dict[str, Any]:
    """Scores of a regression: RMSE and MAE in the target's own unit, Spearman's correlation.

    predicted: (rows,), in the unit of the split. The correlation is null where either is constant.
    """
    y = split.y[part]
    errors = (split.own(predicted) - split.own(y)) * split.own_unit
    found: dict[str, Any] = {
        "rmse": float(np.sqrt((errors**2).mean())),
        "mae": float(np.abs(errors).mean()),
    }
    ranks = [pd.Series(values).rank().to_numpy() for values in (predicted, y)]
    if all(one.std() > 0 for one in ranks):
        found["rank_correlation"] = float(np.corrcoef(ranks[0], ranks[1])[0, 1])
    if part == "test":
        cuts = np.quantile(errors, [0.05, 0.25, 0.5, 0.75, 0.95])
        found["errors"] = json.dumps([float(f"{cut:.6g}") for cut in cuts])
    return _of_part(part, found)


def _of_part(part: str, found: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{part}_{name}": value for name, value in found.items()}
