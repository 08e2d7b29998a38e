"""Scores of tables: as scikit-learn has them, and the same from every engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from scipy.stats import spearmanr
from sklearn import metrics

from nnbench.catalog import VOCABULARY
from nnbench.study.metrics import METRICS
from nnbench.study.mistakes import StudyError
from nnbench.study.reading import make_study
from nnbench.study.study import Cell
from nnbench.training import protocol
from nnbench.training.draws import Split
from nnbench.training.native import train as native
from nnbench.training.native.compiler import CompilerError, find_compiler
from nnbench.training.scores import class_scores, scores_of_outputs, value_scores
from tests.helpers import train_all, train_by_reference

ROWS = 90


def split_of(y: np.ndarray[Any, Any], n_classes: int, unit: float = 1.0) -> Split:
    task = "classification" if n_classes else "regression"
    parts = {part: y for part in ("train", "val", "test")}
    return Split({part: np.zeros((len(y), 1)) for part in parts}, parts, task, n_classes, unit)


def table_cells(folder: Path, target: str, **grid: Any) -> list[Cell]:
    """Cells on a small table with a rare class, two classes, and a number as targets."""
    generator = np.random.default_rng(3)
    frame = pd.DataFrame(generator.normal(size=(ROWS, 3)), columns=["a", "b", "c"])
    score = frame["a"] + 0.5 * generator.normal(size=ROWS)
    frame["three"] = np.where(score > 1, "rare", np.where(score > 0, "some", "many"))
    frame["two"] = np.where(score > 0.8, "yes", "no")
    frame["number"] = 250 + 40 * score
    path = folder / "t.csv"
    frame.to_csv(path, index=False)
    others = [name for name in ("three", "two", "number") if name != target]
    data = {"csv": str(path), "target": target, "drop": others}
    fixed = {"width": 5, "epochs": 4, "batch_size": 16, "dtype": "float64", "seeds": 2}
    content = {"name": "t", "grid": {"data": data, **fixed, **grid}}
    return make_study(content, VOCABULARY).cells()


@pytest.mark.parametrize("classes", [2, 4])
def test_scores_of_classes_are_those_of_scikit_learn(classes: int) -> None:
    generator = np.random.default_rng(classes)
    y = np.sort(generator.integers(0, classes, 200) % classes)
    y[:5] = classes - 1
    logits = generator.normal(size=(200, classes)) + 1.2 * np.eye(classes)[y]
    probable = softmax(logits, axis=1)
    found = class_scores(split_of(y, classes), "test", logits, probable)
    predicted = logits.argmax(1)
    wanted = {
        "balanced_accuracy": metrics.balanced_accuracy_score(y, predicted),
        "macro_f1": metrics.f1_score(y, predicted, average="macro"),
        "log_loss": metrics.log_loss(y, probable),
        "brier": ((probable - np.eye(classes)[y]) ** 2).sum(1).mean(),
    }
    rare = np.bincount(y).argmin()
    if classes == 2:
        wanted["roc_auc"] = metrics.roc_auc_score(y, probable[:, 1])
        assert wanted["brier"] == pytest.approx(2 * metrics.brier_score_loss(y, probable[:, 1]))
        wanted["average_precision"] = metrics.average_precision_score(y == rare, probable[:, rare])
    else:
        wanted["roc_auc"] = metrics.roc_auc_score(y, probable, multi_class="ovr")
        wanted["average_precision"] = metrics.average_precision_score(y == rare, logits[:, rare])
    for name, value in wanted.items():
        # of several classes ranks go by logits here, and by probabilities there
        close = 0.05 if name == "roc_auc" and classes > 2 else 1e-12
        assert found[f"test_{name}"] == pytest.approx(value, abs=close), name
    confusion = metrics.confusion_matrix(y, predicted)
    assert json.loads(found["test_confusion"]) == confusion.tolist()


def test_always_no_wins_accuracy_and_no_other_score() -> None:
    y = np.array([0] * 95 + [1] * 5)
    never = np.tile([0.95, 0.05], (100, 1))
    found = class_scores(split_of(y, 2), "test", never, never)
    assert found["test_balanced_accuracy"] == found["test_roc_auc"] == 0.5
    assert found["test_average_precision"] == 0.05 and found["test_macro_f1"] < 0.49


def test_of_one_class_ranks_say_nothing() -> None:
    one = np.zeros(10, dtype=np.int64)
    found = class_scores(split_of(one, 2), "val", np.ones((10, 2)), None)
    assert set(found) == {"val_balanced_accuracy", "val_macro_f1"}


def test_errors_are_in_the_targets_own_unit() -> None:
    generator = np.random.default_rng(0)
    y, unit = generator.normal(size=300), 40.0
    predicted = y + generator.normal(size=300)
    found = value_scores(split_of(y, 0, unit), "test", predicted)
    true, guess = 250 + unit * y, 250 + unit * predicted
    assert found["test_rmse"] == pytest.approx(metrics.root_mean_squared_error(true, guess))
    assert found["test_mae"] == pytest.approx(metrics.mean_absolute_error(true, guess))
    assert found["test_rank_correlation"] == pytest.approx(spearmanr(y, predicted).statistic)
    cuts = json.loads(found["test_errors"])
    assert cuts == pytest.approx(np.quantile(guess - true, [0.05, 0.25, 0.5, 0.75, 0.95]), rel=1e-5)
    assert "val_rank_correlation" not in value_scores(split_of(y, 0), "val", np.ones(300))


@pytest.mark.parametrize("loss", ["bce_with_logits", "mse"])
def test_one_output_stands_for_the_second_class(loss: str) -> None:
    y = np.array([0, 0, 1, 1])
    outputs = np.array([[-2.0], [0.7], [0.6], [3.0]])
    found = scores_of_outputs(loss, split_of(y, 2), "val", outputs)
    assert found["val_roc_auc"] == 0.75
    assert found["val_balanced_accuracy"] == 0.75
    assert ("val_brier" in found) is (loss == "bce_with_logits")


@pytest.mark.whole
@pytest.mark.parametrize(
    ("target", "grid"),
    [
        ("three", {"norm": ["none", "batchnorm"]}),
        ("two", {"loss": ["bce_with_logits", "bce", "nll", "mse"]}),
        ("number", {"dropout": [0.0, 0.3]}),
        ("three", {"optimizer": "schedulefree_adamw", "norm": "batchnorm"}),
        ("two", {"early_stopping": {"name": "patience", "patience": 1}, "epochs": 8}),
        ("number", {"epochs": 0}),
    ],
)
def test_every_engine_has_the_scores_of_plain_torch(
    tmp_path: Path, target: str, grid: dict[str, Any]
) -> None:
    cells = table_cells(tmp_path, target, **grid)
    plain = {row["cell_id"]: row for row in train_by_reference(cells).cells}
    kind = "regression" if target == "number" else "classification"
    every = [n for n, m in METRICS.items() if m.of_tables and m.task == kind]
    rows = train_all(cells).cells
    try:
        find_compiler()
        rows += [row for cell in cells for row in native.train([cell]).cells]
    except CompilerError:
        pass
    for row in rows:
        same = plain[row["cell_id"]]
        assert {n for n in every if n in row} == {n for n in every if n in same}
        assert len([n for n in every if n in row]) >= len(every) - 4
        for name in every:
            if name in row:
                assert row[name] == pytest.approx(same[name], rel=1e-8, abs=1e-10), name
        assert row.get("test_confusion") == same.get("test_confusion")


def test_scores_do_not_depend_on_who_trains_beside(tmp_path: Path) -> None:
    cells = table_cells(tmp_path, "three", dtype="float32", seeds=3)
    together = {row["cell_id"]: row for row in train_all(cells).cells}
    for cell in cells:
        (alone,) = train_all([cell]).cells
        for name in [n for n, m in METRICS.items() if m.of_tables and n in alone]:
            assert alone[name] == together[cell.cell_id][name]


def test_other_data_has_no_such_scores_and_a_study_that_asks_is_told() -> None:
    grid = {"data": "iris", "epochs": 1, "seeds": 1}
    (row,) = train_all(make_study({"name": "t", "grid": grid}, VOCABULARY).cells()).cells
    assert not any(metric.of_tables and name in row for name, metric in METRICS.items())
    with pytest.raises(StudyError, match="test_roc_auc is measured only on your own tables"):
        make_study({"name": "t", "grid": grid, "report": {"metric": "test_roc_auc"}}, VOCABULARY)


def test_with_early_stopping_the_result_alone_is_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored: list[str] = []

    def counted(loss: str, split: Split, part: str, outputs: Any) -> dict[str, Any]:
        scored.append(part)
        return scores_of_outputs(loss, split, part, outputs)

    monkeypatch.setattr(protocol, "scores_of_outputs", counted)
    patient = {"name": "patience", "patience": 3}
    cells = table_cells(tmp_path, "three", early_stopping=patient, epochs=9)
    rows = train_all(cells).cells
    assert min(row["best_epoch"] for row in rows) > 1  # more than one epoch was the best so far
    assert sorted(scored) == ["test"] * len(cells) + ["val"] * len(cells)
    again = [train_by_reference([cell]).cells[0] for cell in cells]
    assert [row["val_roc_auc"] for row in rows] == pytest.approx([r["val_roc_auc"] for r in again])
