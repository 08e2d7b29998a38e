"""Slow but sure against fast and sometimes never: adam at two rates on spirals, 45 epochs."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from nnbench import stats
from nnbench.report.analysis import Analysis, analyse
from nnbench.results.read import read_results
from nnbench.stats.claims import UNDECIDED
from tests.stats.claims.claim_cells import better, cell, frame, judge, study, write_results

NEVER = None
SURE = [18, 23, 38, 17, 18, 26, 28, 20, 20, 22, 19, 17, 23, 42, 17, 18]  # epochs to 0.9, by seed
FAST = [NEVER, 7, 7, 12, NEVER, NEVER, 26, 6, 7, NEVER, 7, 5, 6, NEVER, 8, 5]
FACTORS = {"optimizer": ["adam lr=0.003", "adam lr=0.2"]}
REPORT = {"metric": "epochs_to_target", "tune": [], "target": 0.9}


def cells() -> pd.DataFrame:
    rows = []
    for rate, epochs in ((0.003, SURE), (0.2, FAST)):
        for seed, reached in enumerate(epochs):
            changes = {"optimizer": "adam", "optimizer.lr": rate, "epochs_to_target": reached}
            rows.append(cell("relu", seed, 0.9, data="spirals", **changes))
    return frame(rows)


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    folder = tmp_path_factory.mktemp("case") / "never-arrives"
    return analyse(read_results(write_results(folder, cells(), factors=FACTORS, report=REPORT)))


def test_the_claim_is_undecided_by_rank_and_asks_for_seeds_of_which_some_never_arrive() -> None:
    claim = better(
        better={"optimizer.lr": 0.2}, than={"optimizer.lr": 0.003}, metric="epochs_to_target"
    )
    found = judge(claim, cells(), study(factors=FACTORS, report=REPORT))
    assert (found.verdict, found.scale, found.ahead, found.behind) == (UNDECIDED, "ranks", 11, 5)
    assert found.effect == pytest.approx(0.375) and found.low < 0 < found.high
    assert found.p == pytest.approx(0.138, abs=5e-4)
    assert found.seeds_needed is not None and found.seeds_needed > 100


def test_no_side_is_better_for_the_few_that_arrived(analysis: Analysis) -> None:
    row = analysis.effects.query("level == 'adam lr=0.2'").iloc[0]
    assert row["effect_high"] < 0, "of those that arrived it is faster"
    assert row["verdict"] == "no clear difference"
    assert "it alone has no result in 5 of 16 pairs" in row["note"]
    assert math.isnan(row["seeds_needed"])


def test_who_never_arrives_is_last(analysis: Analysis) -> None:
    arms = stats.summarise_arms(
        analysis.labelled, ["optimizer"], "epochs_to_target", analysis.generator_for
    )
    assert list(arms["optimizer"]) == ["adam lr=0.003", "adam lr=0.2"]
    problems = stats.problem_scores(analysis.labelled, ["optimizer"], "epochs_to_target")
    assert (problems["adam lr=0.2"] == -math.inf).sum() == 5
