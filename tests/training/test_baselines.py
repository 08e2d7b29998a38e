"""Baselines: fitted on a cell's own split, chosen on validation, and no part of any network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, r2_score

from nnbench.catalog import VOCABULARY
from nnbench.cli.progress import Silence
from nnbench.pipeline import Options, run
from nnbench.results.read import read_results
from nnbench.study.baselines import BASELINES
from nnbench.study.mistakes import StudyError
from nnbench.study.reading import make_study
from nnbench.study.study import Cell, Study
from nnbench.training import baselines
from nnbench.training.baselines import fit_cell, fit_cells, settings_for
from nnbench.training.draws import split_for
from nnbench.training.scores import class_scores

SMALL: dict[str, Any] = {"data": ["wine", "diabetes"], "epochs": 1, "seeds": 2}


def study(names: list[str], **changes: Any) -> Study:
    return make_study({"name": "b", "baselines": names, "grid": SMALL} | changes, VOCABULARY)


def cells_of(name: str, data: str) -> list[Cell]:
    made = study([name]).cells()
    return [c for c in made if "baseline" in c.recipe and c.recipe["data"] == data]


def test_every_split_has_each_baseline_once_and_networks_keep_their_cells() -> None:
    with_them, without = study(list(BASELINES)), study([])
    assert [c.cell_id for c in with_them.networks()] == [c.cell_id for c in without.cells()]
    beside = with_them.cells()[len(without.cells()) :]
    places = [(c.recipe["data"], c.recipe["seed"], c.recipe["baseline"]) for c in beside]
    assert len(places) == len(set(places)) == 2 * 2 * len(BASELINES)
    assert "baselines" not in without.document()
    assert with_them.document()["baselines"] == list(BASELINES)


def test_an_arm_more_adds_no_baseline_and_changes_none() -> None:
    few = study(["linear"]).cells()
    more = study(["linear"], grid=SMALL | {"activation": ["relu", "tanh"]}).cells()
    ids = [{c.cell_id for c in cells if "baseline" in c.recipe} for cells in (few, more)]
    assert ids[0] == ids[1] and len(ids[0]) == 4


def test_the_setting_is_the_one_that_does_best_on_validation_and_test_plays_no_part() -> None:
    for cell in cells_of("linear", "wine"):
        split = split_for(cell.recipe)
        tried = {}
        for c in (0.01, 0.1, 1.0, 10.0):
            model = LogisticRegression(C=c, max_iter=1000).fit(split.x["train"], split.y["train"])
            loss = log_loss(split.y["val"], model.predict_proba(split.x["val"]))
            tried[c] = (model.score(split.x["val"], split.y["val"]), -loss, model)
        best = max(tried, key=lambda c: tried[c][:2])
        row = fit_cell(cell)
        assert row["setting"] == f"C = {best}" and row["status"] == "ok"
        model = tried[best][2]
        assert row["test_accuracy"] == model.score(split.x["test"], split.y["test"])
        wanted = log_loss(split.y["test"], model.predict_proba(split.x["test"]))
        assert row["test_loss"] == pytest.approx(wanted, rel=1e-9)


def test_regression_has_the_r2_and_loss_of_networks() -> None:
    cell = cells_of("linear", "diabetes")[0]
    split, row = split_for(cell.recipe), fit_cell(cell)
    alpha = float(row["setting"].removeprefix("alpha = "))
    model = Ridge(alpha=alpha).fit(split.x["train"], split.y["train"])
    predicted = model.predict(split.x["test"])
    assert row["test_r2"] == pytest.approx(r2_score(split.y["test"], predicted), rel=1e-9)
    assert row["test_loss"] == pytest.approx(((predicted - split.y["test"]) ** 2).mean())


@pytest.mark.whole
@pytest.mark.parametrize("name", [*BASELINES])
def test_a_baseline_is_the_same_bit_for_bit_whatever_is_fitted_beside_it(name: str) -> None:
    first, second = cells_of(name, "wine")
    alone, beside = fit_cells([second]), fit_cells([first, second])
    rows = [alone.cells[0], beside.cells[1]]
    for row in rows:
        assert row.pop("seconds") > 0 and row["engine"] == "scikit-learn"
    assert repr(rows[0]) == repr(rows[1])
    assert not beside.curves and not beside.layers


def test_the_constant_knows_nothing_but_the_commonest_class() -> None:
    cell = cells_of("constant", "wine")[0]
    split, row = split_for(cell.recipe), fit_cell(cell)
    commonest = np.bincount(split.y["train"]).argmax()
    assert row["test_accuracy"] == (split.y["test"] == commonest).mean() < 0.5


def test_of_few_rows_more_neighbours_than_there_are_are_not_tried(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": np.arange(24.0) % 5, "y": np.arange(24) % 2})
    table.to_csv(tmp_path / "t.csv", index=False)
    grid = SMALL | {"data": {"csv": str(tmp_path / "t.csv"), "target": "y"}}
    made = study(["neighbours"], grid=grid)
    split = split_for(made.cells()[0].recipe)
    model = BASELINES["neighbours"].of(split.task)
    tried = [one["n_neighbors"] for one in settings_for(model, split)]
    assert tried == [1, 5] and split.n_train == 14
    row = fit_cell(next(c for c in made.cells() if "baseline" in c.recipe))
    assert row["status"] == "ok"


@pytest.mark.parametrize("metric", ["test_accuracy", "test_roc_auc"])
def test_a_setting_that_is_tried_has_no_score_that_it_is_not_chosen_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, metric: str
) -> None:
    generator = np.random.default_rng(0)
    table = pd.DataFrame({"x": generator.normal(size=80)})
    table["y"] = np.where(table["x"] + generator.normal(size=80) > 0, "yes", "no")
    table.to_csv(tmp_path / "t.csv", index=False)
    grid = SMALL | {"data": {"csv": str(tmp_path / "t.csv"), "target": "y"}}
    made = study(["linear"], grid=grid, report={"metric": metric})
    cell = next(c for c in made.cells() if "baseline" in c.recipe)
    parts: list[str] = []

    def counted(split: Any, part: str, *outputs: Any) -> dict[str, Any]:
        parts.append(part)
        return class_scores(split, part, *outputs)

    monkeypatch.setattr(baselines, "class_scores", counted)
    row = fit_cell(cell)
    tried = 4 if metric == "test_roc_auc" else 0
    assert parts == ["val"] * tried + ["val", "test"] and 0.5 < row["test_roc_auc"] <= 1


@pytest.mark.whole
def test_results_hold_networks_and_baselines_apart(tmp_path: Path) -> None:
    plain, held = study([]), study(["constant", "linear"])
    options = Options(tmp_path / "plain", workers=1, engine="reference")
    run(plain, options, Silence())
    outcome = run(held, Options(tmp_path / "held", workers=1, engine="reference"), Silence())
    assert outcome.counts["ok"] == 12 and not outcome.counts["missing"]
    first, second = (read_results(tmp_path / name / "b") for name in ("plain", "held"))
    apart = [r.cells.drop(columns="seconds") for r in (first, second)]
    pd.testing.assert_frame_equal(*apart)
    assert first.baselines.empty and len(second.baselines) == 8
    assert set(second.baselines["engine"]) == {"scikit-learn"}
    assert second.provenance["counts"]["cells"] == 4
    assert [share["engine"] for share in second.provenance["engines"]] == [
        "scikit-learn",
        "reference",
    ]


def test_what_is_no_baseline_is_refused_in_one_sentence() -> None:
    with pytest.raises(
        StudyError, match='key "baselines": unknown "svm"; known are boosting, constant'
    ):
        study(["svm"])
    with pytest.raises(StudyError, match='key "baselines": one is listed twice'):
        study(["linear", "linear"])
    with pytest.raises(StudyError, match="baselines belongs to training, not to kind"):
        make_study(
            {
                "name": "l",
                "kind": "landscape",
                "baselines": ["linear"],
                "grid": {"landscape": "beale"},
            },
            VOCABULARY,
        )
