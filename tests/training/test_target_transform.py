"""Logarithms of targets: learned by networks and baselines alike, judged in the target's unit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score

from nnbench.catalog import VOCABULARY
from nnbench.catalog.data.tables.table import Choices, read_table
from nnbench.study.mistakes import StudyError
from nnbench.study.reading import make_study
from nnbench.training.baselines import fit_cells
from nnbench.training.draws import DataError, split_for
from nnbench.training.scores import value_scores
from tests.helpers import by_cell, disagreements, make_cells, train_by_reference

GRID: dict[str, Any] = {"data": "diabetes", "epochs": 2, "target_transform": "log"}


def test_a_split_learns_logarithms_and_tells_the_targets_themselves() -> None:
    logs, plain = (
        split_for(make_cells(**GRID | {"target_transform": one})[0].recipe)
        for one in ("log", "none")
    )
    assert abs(logs.y["train"].mean()) < 1e-12 and abs(logs.y["train"].std() - 1) < 1e-12
    own = {part: logs.own(logs.y[part]) * logs.own_unit for part in ("train", "test")}
    assert own["train"].std() == pytest.approx(plain.unit)
    spread = ((own["test"] - own["test"].mean()) ** 2).sum() / plain.unit**2
    assert logs.spread("test") == pytest.approx(spread) == pytest.approx(plain.spread("test"))
    guess = logs.y["test"] + 0.1
    found = value_scores(logs, "test", guess)
    errors = np.exp(guess * logs.unit + logs.centre) - own["test"]
    assert found["test_rmse"] == pytest.approx(np.sqrt((errors**2).mean()))
    assert found["test_mae"] == pytest.approx(np.abs(errors).mean())


def test_engines_agree_with_and_without() -> None:
    cells = make_cells(**GRID | {"target_transform": ["none", "log"], "seeds": 2})
    assert disagreements(cells) == []
    rows = by_cell(train_by_reference(cells[:2] + cells[2:]))
    r2 = {
        (c.recipe["target_transform"], c.recipe["seed"]): rows[c.cell_id][0]["test_r2"]
        for c in cells
    }
    assert r2["none", 0] != r2["log", 0]


def test_a_baseline_is_a_transformed_target_regressor() -> None:
    content = {"name": "b", "baselines": ["linear"]}
    grid = {"data": "diabetes", "epochs": 0, "seeds": 1}
    *_, cell = make_study(
        {**content, "grid": {**grid, "target_transform": "log"}}, VOCABULARY
    ).cells()
    row, split = fit_cells([cell]).cells[0], split_for(cell.recipe)
    setting, transform = row["setting"].split(", ")
    assert transform == "target_transform = log"
    model = TransformedTargetRegressor(
        Ridge(alpha=float(setting.removeprefix("alpha = "))), func=np.log, inverse_func=np.exp
    )
    own = {part: split.own(split.y[part]) * split.own_unit for part in ("train", "test")}
    predicted = model.fit(split.x["train"], own["train"]).predict(split.x["test"])
    assert row["test_r2"] == pytest.approx(r2_score(own["test"], predicted), rel=1e-9)
    both = make_study(
        {**content, "grid": {**grid, "target_transform": ["none", "log"]}}, VOCABULARY
    )
    *_, cell = both.cells()
    assert cell.recipe["target_transform"] == "either"
    tried = {}
    for one in ("none", "log"):
        alone = make_study({**content, "grid": {**grid, "target_transform": one}}, VOCABULARY)
        tried[one] = fit_cells([alone.cells()[-1]]).cells[0]
    best = max(tried.values(), key=lambda row: row["val_r2"])
    assert fit_cells([cell]).cells[0]["test_r2"] == best["test_r2"]


def test_where_it_cannot_be_it_is_one_sentence() -> None:
    with pytest.raises(StudyError, match='target_transform is for regression, and data "moons"'):
        make_cells(target_transform="log")
    (cell,) = make_cells(data="friedman1", target_transform="log", seeds=[0])
    assert split_for(cell.recipe).is_log  # all above 0
    (cell,) = make_cells(data="sine_wave", target_transform="log")
    with pytest.raises(DataError, match=r"needs targets above 0, and \d+ of [\d,]+ are not: leave"):
        split_for(cell.recipe)


def test_a_table_with_a_target_below_zero_is_named_by_its_file(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    pd.DataFrame({"a": np.arange(40.0) ** 2, "y": np.arange(40.0) - 0.5}).to_csv(path, index=False)
    (cell,) = make_cells(data={"csv": str(path), "target": "y"}, target_transform="log")
    said = '"prices.csv": target_transform = "log" needs targets above 0, and 1 of 40 is not: leave'
    with pytest.raises(DataError, match=re.escape(said)):
        split_for(cell.recipe)


@pytest.mark.parametrize(
    ("values", "is_offered"),
    [
        (lambda draws: np.exp(draws), True),
        (lambda draws: np.exp(draws) - 0.5, False),  # some below 0
        (lambda draws: 10 + draws, False),
        (
            lambda draws: 1 + (draws > 1.5) * 50.0 + draws**2 / 100,
            False,
        ),  # no tail but a few far off
    ],
)
def test_it_is_offered_where_the_target_is_heavy_tailed(
    tmp_path: Path, values: Any, is_offered: bool
) -> None:
    draws = np.random.default_rng(0).normal(size=400)
    path = tmp_path / "t.csv"
    pd.DataFrame({"a": draws.round(3), "y": values(draws)}).to_csv(path, index=False)
    note = read_table(path, Choices("y")).report["target_note"]
    assert ('target_transform = "log" in the [grid]' in note) is is_offered
    if is_offered:
        assert note.startswith("heavy-tailed and above 0 (skewness ")
