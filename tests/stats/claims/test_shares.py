"""Claims about shares of variance: their numbers, their words, and how often they are wrong."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nnbench import stats
from nnbench.report.claims.sentences import sentence_of
from nnbench.stats.claims import CONTRADICTED, SUPPORTED, UNDECIDED, judge_all
from nnbench.stats.claims.shares import is_of_shares
from nnbench.stats.share_contrast import seeds_for_share, share_contrast
from tests.stats.claims.claim_cells import better, frame, judge, study
from tests.stats.grids import generator_for, lose
from tests.stats.sharing import judged_wrongly, shared_grid

METRIC = "test_accuracy"


def cells_of(first: float, second: float, seeds: int = 8, data_sets: int = 1) -> pd.DataFrame:
    grid = shared_grid(np.random.default_rng(3), first, second, seeds, data_sets)
    grid = grid.rename(columns={"f0": "activation", "f1": "depth"})
    return grid.assign(cell_id=[f"{place:016x}" for place in range(len(grid))], val_loss=1.0)


def share(text: str = "It matters", factor: str = "activation", **bounds: float) -> dict[str, Any]:
    return {
        "text": text,
        "factor": factor,
        "share": bounds,
        "where": {},
        "metric": METRIC,
        "by": 0.0,
    }


def more(first: str = "activation", second: str = "depth", **changes: Any) -> dict[str, Any]:
    claim = {"text": "More", "matters_more": first, "than": second, "where": {}, "metric": METRIC}
    return claim | changes


@pytest.mark.parametrize(
    ("claim", "word"),
    [
        (share(at_most=0.05), CONTRADICTED),
        (share(at_least=0.05), SUPPORTED),
        (share(at_least=0.9), CONTRADICTED),
        (share(at_most=0.9), SUPPORTED),
        (share(factor="depth", at_most=0.1), SUPPORTED),
        (more(), SUPPORTED),
        (more("depth", "activation"), CONTRADICTED),
    ],
)
def test_a_share_that_is_plain_is_decided(claim: dict[str, Any], word: str) -> None:
    found = judge(claim, cells_of(0.4, 0.01), study())
    assert found.verdict == word, found
    assert found.p < 0.05 and found.blocks == 8 and found.low <= found.effect < found.high


def test_its_numbers_are_those_of_the_reports_analysis_of_variance() -> None:
    cells = cells_of(0.3, 0.1, data_sets=2)
    table = stats.variance_shares(cells, ["activation", "depth"], METRIC, generator_for)
    row = table.set_index("term").loc["activation"]
    found = judge(share(at_least=0.05), cells, study())
    assert found.effect == pytest.approx(row["component"], rel=1e-12)
    both = judge(more(), cells, study())
    other = table.set_index("term").loc["depth", "component"]
    assert both.effect == pytest.approx(row["component"] - other, rel=1e-12)
    assert both.sides == pytest.approx((row["component"], other), rel=1e-12)


def test_from_the_same_draws_the_interval_is_the_importances() -> None:
    cells = cells_of(0.3, 0.1)
    factors = ["activation", "depth"]

    def generator(_: str) -> np.random.Generator:
        return np.random.default_rng(5)

    table = stats.variance_shares(cells, factors, METRIC, generator).set_index("term")
    found = share_contrast(cells, factors, METRIC, {"activation": 1}, np.random.default_rng(5))
    row = table.loc["activation"]
    assert (found.low, found.high) == (row["component_low"], row["component_high"])


def test_below_five_seeds_it_is_undecided_and_says_what_would_help() -> None:
    claim = share(at_most=0.05)
    for seeds in (1, 4):
        found = judge(claim, cells_of(0.4, 0.01, seeds), study())
        assert found.verdict == UNDECIDED and math.isnan(found.low) and math.isnan(found.p)
        assert found.seeds_needed is not None and found.seeds_needed >= 5
        said = sentence_of(found, claim, "nnbench run made-up")
        assert "a share needs 5 seeds for an interval" in said
        assert f"nnbench run made-up --seeds {found.seeds_needed}" in said
    assert judge(claim, cells_of(0.4, 0.01, 5), study()).verdict == CONTRADICTED


def test_the_seeds_that_would_decide_are_more_where_the_threshold_is_near() -> None:
    cells = cells_of(0.1, 0.1, seeds=5)
    found = share_contrast(
        cells, ["activation", "depth"], METRIC, {"activation": 1}, np.random.default_rng(1)
    )
    near, far = (
        seeds_for_share(found, found.value + gap * found.error, 5, 0.05) for gap in (0.5, 1.5)
    )
    assert near is not None and far is not None and near > far > 5
    assert seeds_for_share(found, found.value, 5, 0.05) is None


def test_they_are_said_with_share_interval_and_blocks() -> None:
    cells = cells_of(0.4, 0.01)
    claim = share(at_most=0.05)
    said = sentence_of(judge(claim, cells, study()), claim)
    assert said.startswith("Contradicted: Activation explains ")
    assert "% of the variance in test accuracy within data sets (95 % CI " in said
    assert "; 8 blocks); claimed: at most 5 %." in said
    said = sentence_of(judge(more("depth", "activation"), cells, study()), more("depth"))
    assert "points less (95 % CI" in said and "−" not in said


def test_they_are_of_the_family_of_all_claims() -> None:
    cells = cells_of(0.4, 0.01)
    claims = [share("a", at_most=0.05), more(text="b"), share("c", "depth", at_most=0.5)]
    found = judge_all(study(claims=claims), cells)
    assert [one.claims for one in found] == [3, 3, 3]
    assert all(one.p_holm >= one.p for one in found) and found[0].p_holm > 0


def test_who_looked_before_has_less_to_spend() -> None:
    cells = cells_of(0.4, 0.01)
    first, second = (judge(share(at_most=0.05), cells, study(), looks) for looks in (0, 1))
    assert second.p == pytest.approx(3 * first.p)
    assert second.low < first.low < first.high < second.high


def test_networks_that_were_lost_are_told_and_cost_certainty() -> None:
    cells = cells_of(0.4, 0.01)
    gone = (cells["activation"] == "0") & (cells["depth"] == "0") & (cells["seed"] == 0)
    found = judge(share(at_least=0.05), lose(cells, gone), study())
    assert (found.n_ok, found.n) == (
        11,
        12,
    ) and "11 of 12 combinations of configuration" in found.reason
    level = judge(share(at_least=0.05), lose(cells, cells["activation"] != "0"), study())
    assert level.verdict == UNDECIDED and "one level has all its cells" in level.reason


def test_where_factors_overlap_what_neither_can_claim_widens_the_interval() -> None:
    cells = cells_of(0.3, 0.2)
    places = cells["activation"].astype(int), cells["depth"].astype(int)
    corner = cells[(places[0] + places[1]) < 4]
    signs = {"activation": 1}
    arguments = (corner, ["activation", "depth"], METRIC, signs, np.random.default_rng(2))
    found = share_contrast(*arguments)
    assert found.doubt > 0
    without = replace(found, doubt=0.0)
    assert found.p(0.9) >= without.p(0.9) and found.high - found.value > found.doubt


def test_what_does_not_vary_has_no_share() -> None:
    cells = cells_of(0.4, 0.01)
    cells = cells[cells["depth"] == "1"]
    found = judge(share(factor="depth", at_most=0.1), cells, study())
    assert found.verdict == UNDECIDED and "depth has one level" in found.reason
    assert is_of_shares(more()) and not is_of_shares(better())
    alike = frame(cells.assign(test_accuracy=0.5).to_dict("records"))
    flat = judge(share(at_most=0.1), alike, study())
    assert flat.verdict == UNDECIDED and "values equal" in flat.reason


# How often they are wrong -------------------------------------------------------------------------

SHARE, MORE = {"f0": 1}, {"f0": 1, "f1": -1}
TRUTHS = [
    (0.05, 0.3, SHARE, 0.05, 5, 1),
    (0.05, 0.3, SHARE, 0.05, 5, 2),
    (0.3, 0.3, SHARE, 0.3, 5, 2),
    (0.05, 0.3, SHARE, 0.05, 10, 1),
    (0.2, 0.2, MORE, 0.0, 5, 1),
    (0.03, 0.03, MORE, 0.0, 10, 1),
]


@pytest.mark.whole
@pytest.mark.parametrize("truth", TRUTHS[:2] + TRUTHS[4:5])
def test_a_share_on_its_threshold_is_hardly_ever_decided(truth: tuple[Any, ...]) -> None:
    assert sum(judged_wrongly(*truth, studies=100)) <= 0.1


@pytest.mark.slow
@pytest.mark.parametrize("truth", TRUTHS)
def test_a_share_on_its_threshold_is_decided_in_5_of_100_studies(truth: tuple[Any, ...]) -> None:
    assert sum(judged_wrongly(*truth, studies=500)) <= 0.07  # by two standard errors


@pytest.mark.whole
def test_the_simulation_bites() -> None:
    below, above = judged_wrongly(0.1, 0.3, SHARE, 0.05, 10, 2, studies=60)
    assert above > 0.5 and below == 0  # a share twice its threshold is found
