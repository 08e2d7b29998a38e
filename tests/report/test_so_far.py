"""What a study says while it is still running."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from nnbench.report.so_far import answer_so_far
from nnbench.results.read import read_results
from tests.stats.claims.claim_cells import around, better, cell, two_arms, write_results

FACTORS = {"activation": ["relu", "tanh"]}


def said(folder: Path, cells: pd.DataFrame, **study: Any) -> str:
    return answer_so_far(read_results(write_results(folder, cells, **study)))


def rows(*cells: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(cells).assign(cell_id=[str(number) for number in range(len(cells))])


def test_the_leading_arm_is_named_with_how_much_it_rests_on(tmp_path: Path) -> None:
    assert said(tmp_path / "study", two_arms(around(0.05)), factors=FACTORS) == (
        "tanh leads so far, with test accuracy 85.0 % over 10 networks"
    )


def test_an_arm_with_few_networks_does_not_lead_yet(tmp_path: Path) -> None:
    cells = [cell("relu", seed, 0.8) for seed in range(4)]
    few = said(tmp_path / "few", rows(*cells, cell("tanh", 0, 0.99)), factors=FACTORS)
    assert few == "relu leads so far, with test accuracy 80.0 % over 4 networks"
    more = rows(*cells, *(cell("tanh", seed, 0.99) for seed in range(2)))
    assert said(tmp_path / "more", more, factors=FACTORS).startswith("tanh leads so far")


def test_claims_are_counted_by_their_verdicts(tmp_path: Path) -> None:
    sides = {"better": {"activation": "relu"}, "than": {"activation": "tanh"}}
    claims = [better(), better("ReLU beats tanh", **sides)]
    found = said(tmp_path / "study", two_arms(around(0.2)), claims=claims)
    assert found == "of 2 claims, 1 is supported and 1 contradicted so far"


def test_nothing_is_said_of_nothing(tmp_path: Path) -> None:
    lost = rows(*(cell("relu", seed, None) for seed in range(3)))
    assert said(tmp_path / "study", lost, factors=FACTORS) == ""
