"""Balanced classes: torch's own weighted loss, in every engine, in scripts and in baselines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_class_weight

from nnbench.catalog import LOSSES, VOCABULARY
from nnbench.study.mistakes import StudyError
from nnbench.study.reading import make_study
from nnbench.training.baselines import fit_cells
from nnbench.training.draws import split_for
from tests.helpers import by_cell, disagreements, make_cells, train_by_reference

RARE: dict[str, Any] = {"name": "rare_features", "n": 90, "common": 3, "rare": 4}
# classes of 59, 71 and 48 rows, in batches that seldom have them all alike
GRID: dict[str, Any] = {"data": "wine", "class_weight": "balanced", "epochs": 3}


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_the_loss_and_its_gradient_are_torchs(smoothing: float) -> None:
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(20, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    targets = torch.randint(0, 4, (20,), generator=generator)
    weight = torch.tensor([0.2, 1.0, 3.0, 0.7], dtype=torch.float64)
    twin = torch.nn.CrossEntropyLoss(weight=weight, label_smoothing=smoothing)
    ours = LOSSES["cross_entropy"].function(outputs, targets, smoothing, weight=weight)
    both = [torch.autograd.grad(loss, outputs)[0] for loss in (ours, twin(outputs, targets))]
    assert torch.allclose(ours, twin(outputs, targets), rtol=1e-12)
    assert torch.allclose(*both, rtol=1e-10, atol=1e-14)
    logs = outputs.log_softmax(-1)
    nll = LOSSES["nll"].function(logs, targets, weight=weight)
    assert torch.allclose(nll, torch.nn.NLLLoss(weight)(logs, targets), rtol=1e-12)


def test_weights_are_scikit_learns_of_the_training_part() -> None:
    split = split_for(make_cells(**GRID)[0].recipe)
    y = split.y["train"]
    assert np.allclose(
        split.class_weights, compute_class_weight("balanced", classes=np.arange(3), y=y)
    )
    one_lacks = split.__class__(split.x, split.y, "classification", 4)
    assert np.isfinite(one_lacks.class_weights).all()


@pytest.mark.parametrize("loss", ["nll", {"name": "cross_entropy", "label_smoothing": 0.1}])
def test_engines_agree_on_networks_with_and_without(loss: Any) -> None:
    cells = make_cells(**GRID | {"class_weight": ["none", "balanced"], "loss": loss, "seeds": 2})
    assert disagreements(cells) == []
    losses = {c.recipe["class_weight"]: c.cell_id for c in cells}
    rows = by_cell(train_by_reference([c for c in cells if c.recipe["seed"] == 1]))
    plain, balanced = (rows[losses[level]][0]["test_loss"] for level in ("none", "balanced"))
    assert plain != pytest.approx(balanced, rel=1e-4)


def test_a_baseline_has_it_where_scikit_learn_does() -> None:
    content = {"name": "b", "baselines": ["constant", "linear", "neighbours", "forest", "boosting"]}
    grid = {"data": "wine", "epochs": 0, "seeds": 1}
    balanced = make_study({**content, "grid": {**grid, "class_weight": "balanced"}}, VOCABULARY)
    rows = fit_cells([c for c in balanced.cells() if "baseline" in c.recipe]).cells
    said = [row["setting"] or "" for row in rows]
    assert ["class_weight = balanced" in one for one in said] == [False, True, False, True, True]
    both = make_study(
        {**content, "grid": {**grid, "class_weight": ["none", "balanced"]}}, VOCABULARY
    )
    beside = [c.recipe for c in both.cells() if "baseline" in c.recipe]
    assert len(beside) == 5 and {recipe["class_weight"] for recipe in beside} == {"either"}
    plain = make_study({**content, "grid": {**grid, "class_weight": "none"}}, VOCABULARY)
    unsaid = make_study({**content, "grid": grid}, VOCABULARY)
    assert [c.cell_id for c in plain.cells()] == [c.cell_id for c in unsaid.cells()]


def test_a_balanced_baseline_is_scikit_learns() -> None:
    content = {"name": "b", "baselines": ["linear"]}
    grid = {"data": "wine", "epochs": 0, "seeds": 1, "class_weight": "balanced"}
    *_, cell = make_study({**content, "grid": grid}, VOCABULARY).cells()
    row, split = fit_cells([cell]).cells[0], split_for(cell.recipe)
    c = float(row["setting"].split(",")[0].removeprefix("C = "))
    model = LogisticRegression(C=c, max_iter=1000, class_weight="balanced")
    model.fit(split.x["train"], split.y["train"])
    y = split.y["test"]
    logs = -np.log(model.predict_proba(split.x["test"])[np.arange(len(y)), y])
    weights = split.class_weights[y]
    assert row["test_loss"] == pytest.approx((logs * weights).sum() / weights.sum())


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        (
            {"data": "diabetes"},
            'class_weight weighs classes, and data "diabetes", a regression',
        ),
        ({"loss": "mse"}, 'loss "mse" takes no class_weight: use cross_entropy or nll'),
        ({"class_weight": "even"}, "class_weight = \"even\": must be one of 'none', 'balanced'"),
    ],
)
def test_where_it_cannot_be_it_is_one_sentence(grid: dict[str, Any], said: str) -> None:
    with pytest.raises(StudyError) as problem:
        make_cells(**{"class_weight": "balanced", **grid})
    assert said in str(problem.value)
