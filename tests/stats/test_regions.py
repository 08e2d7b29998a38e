"""How far a learning rate may be off: of arms that learn, not of those that fail everywhere."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import pytest

from nnbench import stats
from nnbench.report.analysis import analyse
from nnbench.report.study.costs import near_the_best, region_picture
from nnbench.results.read import read_results
from tests.synthetic import make_cells, study_document, write_results

RATES = (0.001, 0.01, 0.1, 1.0, 10.0)
OF_ACTIVATION: dict[str, tuple[float, ...]] = {
    "relu": (0.5, 0.9, 0.95, 0.9, 0.5),
    "tanh": (0.5, 0.944, 0.95, 0.944, 0.5),
    "sigmoid": (0.098, 0.099, 0.1, 0.099, 0.098),  # at chance, whatever the rate
}


def cells() -> pd.DataFrame:
    table = make_cells(optimizers=[("sgd", rate) for rate in RATES])
    table = table[table["init"].eq("he_normal") & table["data"].eq("digits")]
    score = [
        OF_ACTIVATION[row["activation"]][RATES.index(row["optimizer.lr"])]
        for _, row in table.iterrows()
    ]
    return table.assign(val_accuracy=score, test_accuracy=score, status="ok")


def test_an_arm_that_never_learns_is_not_named_for_its_wide_range(tmp_path: Any) -> None:
    report = {"metric": "test_accuracy", "tune": ["optimizer.lr"], "target": None}
    factors = study_document()["factors"] | {"data": ["digits"], "init": ["he_normal"]}
    levels = factors | {"optimizer": [f"sgd lr={rate}" for rate in RATES]}
    folder = write_results(tmp_path, cells(), factors=levels, report=report)
    found = region_picture(analyse(read_results(folder)))
    assert found is not None
    said = (
        "On digits, tanh tolerates the widest range of learning rate (2.0 decades around its best, "
    )
    assert found.title.startswith(said) and "relu the narrowest" in found.title
    assert re.findall(r"[\d.]+ %", found.title) and "optimizer.lr" not in found.title
    assert "The title covers the 2 of 3 configurations whose best" in found.caption


@pytest.mark.parametrize(
    ("means", "higher_is_better", "near"),
    [
        ([0.95, 0.86, 0.84], True, [True, True, False]),
        ([0.2, 0.39, 0.41], False, [True, True, False]),
    ],
)
def test_near_is_ten_tolerances_from_the_best(
    means: list[float], higher_is_better: bool, near: list[bool]
) -> None:
    metric = "val_accuracy" if higher_is_better else "val_loss"
    regions = pd.DataFrame({"best_mean": means})
    regions["tolerance"] = [stats.default_tolerance(metric, mean) for mean in means]
    assert list(near_the_best(regions, higher_is_better)) == near
