"""The claims of a study as one family, and the comparisons of its report that repeat one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import false_discovery_control, fisher_exact, ttest_1samp

from nnbench.report.analysis import analyse
from nnbench.report.claims.ledger import Ledger, LedgerClaim, chance_said, run_said, with_q
from nnbench.report.claims.sentences import sentence_of
from nnbench.report.claims.table import claims_table
from nnbench.report.page.units import scale_of
from nnbench.results.read import read_results
from nnbench.stats.claims import CONTRADICTED, SUPPORTED, UNDECIDED, Verdict, judge_all
from nnbench.stats.claims.family import corrected
from nnbench.stats.claims.spread import alike_interval, threshold_p
from nnbench.stats.contrasts import holm
from nnbench.stats.intervals import Interval
from nnbench.study.metrics import METRICS
from tests.stats.claims.claim_cells import (
    around,
    better,
    judge,
    same,
    study,
    two_arms,
    write_results,
)
from tests.stats.selfcheck import false_claims, normal, skewed

CLAIMS = 6


def p_of(differences: list[float], threshold: float = 0.0) -> float:
    return float(ttest_1samp(differences, threshold).pvalue)


@pytest.mark.parametrize(("mean", "by"), [(0.004, 0.0), (-0.01, 0.0), (0.03, 0.02), (0.01, -0.02)])
def test_a_claims_p_is_that_of_students_t_at_its_threshold(mean: float, by: float) -> None:
    differences = around(mean)
    found = judge(better(by=by), two_arms(differences), study())
    assert found.p == pytest.approx(p_of(differences, by), rel=1e-6)
    assert found.p_holm == found.p and found.claims == 1


@pytest.mark.parametrize("mean", [0.012, 0.035, -0.012, -0.035])
def test_of_the_same_it_is_that_of_the_nearest_edge(mean: float) -> None:
    differences = around(mean)
    found = judge(same(0.02), two_arms(differences), study())
    assert found.p == pytest.approx(p_of(differences, math.copysign(0.02, mean)), rel=1e-6)


def test_an_interval_without_its_test_decides_nothing() -> None:
    differences = skewed_enough()
    found = judge(better(), two_arms(differences), study())
    assert found.low > 0 and found.p == pytest.approx(p_of(differences), rel=1e-6)
    assert found.p > 0.05 and found.verdict == UNDECIDED
    said = sentence_of(found, better())
    assert f"it would be supported, but the test's p is {found.p:.3f}" in said
    assert "higher" not in said and found.seeds_needed is not None and found.seeds_needed > 3


def skewed_enough() -> list[float]:
    """Return differences whose stretched interval excludes zero while their t test does not."""
    return [0.0035, 0.0016, 0.0012, 0.0029, 0.0006, 0.0091]


def test_one_of_many_claims_needs_a_smaller_p() -> None:
    sure, unsure = around(0.05), around(0.008, 0.01)
    cells = pd.concat([two_arms(unsure), two_arms(sure, depth=8)], ignore_index=True)
    cells["cell_id"] = [f"{place:016x}" for place in range(len(cells))]
    weak = better("weak", where={"depth": 2})
    strong = better("strong", where={"depth": 8})
    nothing = [better(f"again {n}", where={"depth": 2}, by=0.0085) for n in range(4)]
    assert judge(weak, cells, study()).verdict == SUPPORTED
    found = judge_all(study(claims=[weak, strong, *nothing]), cells)
    assert [one.claims for one in found] == [6] * 6
    assert [one.verdict for one in found[:2]] == [UNDECIDED, SUPPORTED]
    assert np.array([one.p_holm for one in found]) == pytest.approx(
        holm(np.array([one.p for one in found]))
    )
    assert "after correction for the study's 6 claims" in found[0].reason
    assert found[0].seeds_needed is not None and found[1].seeds_needed is None


def test_divergence_is_tested_too() -> None:
    lost = judge(better(), two_arms([None] * 4), study())
    assert lost.p == pytest.approx(fisher_exact([[4, 0], [0, 4]]).pvalue)
    assert lost.verdict == CONTRADICTED
    two = judge_all(study(claims=[better("a"), better("b")]), two_arms([None] * 4))
    assert [one.verdict for one in two] == [UNDECIDED] * 2
    assert "by divergence alone it would be contradicted" in two[0].reason


def test_a_withdrawn_verdict_has_no_small_p() -> None:
    found = judge(better(), two_arms([*around(0.05, n=6), *[None] * 6]), study())
    assert (found.verdict, found.p, found.seeds_needed) == (UNDECIDED, 1.0, None)


def test_what_has_no_chance_is_of_no_family() -> None:
    exact = Verdict("exact", SUPPORTED, "max_error")
    tested = Verdict("tested", SUPPORTED, "test_loss", 0.1, 0.05, 0.15, p=0.03)
    found = corrected([exact, tested])
    assert [one.verdict for one in found] == [SUPPORTED] * 2
    assert math.isnan(found[0].p_holm) and (found[0].claims, found[1].claims) == (0, 1)


@pytest.mark.parametrize("value", [0.0, 0.004])
@pytest.mark.parametrize("blocks", [6, 40, 900])
def test_blocks_that_tie_have_the_p_of_their_exact_bound(value: float, blocks: int) -> None:
    metric = METRICS["test_accuracy"]
    pairs = pd.DataFrame({"data": "d", "seed": range(blocks), "difference": value})
    found = alike_interval(value, blocks, metric)
    at_end = threshold_p(pairs, Interval(value, 0, 1, blocks), metric, found.high)
    assert at_end == pytest.approx(0.05 if found.high < 1 else 0.0, abs=1e-9)


@pytest.mark.whole
def test_six_claims_of_nothing_in_one_study() -> None:
    """Whole studies, judged from their cells: the interval alone would be wrong in many."""
    generator = np.random.default_rng(5)
    wrong = alone = 0
    for _ in range(8):
        parts = [
            two_arms(generator.normal(0, 0.01, 4).tolist(), depth=depth) for depth in range(CLAIMS)
        ]
        cells = pd.concat(parts, ignore_index=True)
        cells["cell_id"] = [f"{place:016x}" for place in range(len(cells))]
        claims = [better(f"at {depth}", where={"depth": depth}) for depth in range(CLAIMS)]
        found = judge_all(study(claims=claims), cells)
        wrong += any(one.verdict != UNDECIDED for one in found)
        alone += any(one.interval_word != UNDECIDED for one in found)
    assert wrong <= 1 < alone


@pytest.mark.whole
@pytest.mark.parametrize("draw", [normal, skewed])
@pytest.mark.parametrize(("data_sets", "seeds"), [(1, 3), (1, 10), (3, 5)])
def test_studies_of_six_claims_keep_to_five_percent(draw: Any, data_sets: int, seeds: int) -> None:
    arguments = (draw, CLAIMS, data_sets, seeds, 3000)
    rates = [
        false_claims(*arguments, np.random.default_rng(19), corrected=is_one, resamples=400)
        for is_one in (False, True)
    ]
    assert rates[0] > 0.13 and rates[1] <= 0.06


@pytest.mark.slow
@pytest.mark.parametrize("noisier", [1.0, 10.0])
@pytest.mark.parametrize(("data_sets", "seeds"), [(1, 3), (1, 10), (2, 5), (3, 5)])
def test_they_do_in_many_more(data_sets: int, seeds: int, noisier: float) -> None:
    studies = 4000
    most = 0.05 + 3 * np.sqrt(0.05 * 0.95 / studies)  # three standard errors of what is counted
    for claims in (1, 6, 12):
        arguments = (normal, claims, data_sets, seeds, studies, np.random.default_rng(10))
        assert false_claims(*arguments, resamples=1000, noisier=noisier) <= most


# One comparison, one verdict ----------------------------------------------------------------------


def two_claims(tmp_path: Any, differences: list[float], *claims: dict[str, Any]) -> Any:
    folder = write_results(tmp_path / "one", two_arms(differences), claims=list(claims))
    return read_results(folder)


def level(results: Any) -> pd.Series:
    effects = analyse(results).effects
    return effects[effects["level"] == "tanh"].iloc[0]


@pytest.mark.whole
@pytest.mark.parametrize("metric", ["test_accuracy", "test_loss"])
def test_a_level_that_repeats_a_claim_takes_its_number(tmp_path: Any, metric: str) -> None:
    turned = better(better={"activation": "relu"}, than={"activation": "tanh"}, metric=metric)
    report = {"metric": metric, "tune": [], "target": None}
    for place, claim in enumerate((better(metric=metric), turned)):
        folder = write_results(
            tmp_path / f"study-{place}", two_arms(around(0.03)), claims=[claim], report=report
        )
        results = read_results(folder)
        row, told = level(results), claims_table(results).iloc[0]
        sign = (1 if metric == "test_accuracy" else -1) * (-1 if place else 1)
        sign *= scale_of(metric)
        assert sorted((sign * told["low"], sign * told["high"])) == pytest.approx(
            [row["effect_low"], row["effect_high"]], abs=0
        )
        assert row["effect"] == sign * told["effect"] and row["p_holm"] == told["p_holm"]
        assert (row["verdict"], row["note"]) == ("better", "judged as claim 1")
        assert told["verdict"] == (CONTRADICTED if place else SUPPORTED)


@pytest.mark.whole
def test_both_are_undecided_together(tmp_path: Any) -> None:
    results = two_claims(tmp_path, skewed_enough(), better())
    row = level(results)
    assert claims_table(results).iloc[0]["verdict"] == UNDECIDED
    assert row["verdict"] == "no clear difference" and row["effect_low"] > 0
    assert row["note"].startswith("judged as claim 1: the interval excludes zero, but the t test's")


@pytest.mark.whole
def test_a_claim_of_a_margin_gives_its_number_and_no_side(tmp_path: Any) -> None:
    results = two_claims(tmp_path, around(0.01), same(0.05))
    row, told = level(results), claims_table(results).iloc[0]
    ends = (row["effect_low"], row["effect_high"])
    assert ends == (100 * told["low"], 100 * told["high"]), "in points"
    assert told["verdict"] == SUPPORTED
    assert (row["verdict"], row["note"], row["comparisons"]) == ("better", "measured as claim 1", 1)


def test_a_claim_about_a_part_of_the_cells_is_another_comparison(tmp_path: Any) -> None:
    claim = better(where={"seed": [0, 1, 2, 3, 4]})
    row = level(two_claims(tmp_path, around(0.03), claim))
    assert row["note"] is None and row["verdict"] == "better"


@pytest.mark.whole
def test_a_level_with_a_claim_leaves_the_family_of_the_others(tmp_path: Any) -> None:
    cells = pd.concat(
        [two_arms(around(0.03)), two_arms(around(0.02)).assign(activation="gelu")[1::2]],
        ignore_index=True,
    )
    cells["cell_id"] = [f"{place:016x}" for place in range(len(cells))]
    folder = write_results(tmp_path / "three", cells, claims=[better(), better("2", by=0.01)])
    effects = analyse(read_results(folder)).effects.set_index("level")
    assert effects.loc["gelu", "comparisons"] == 1 and effects.loc["gelu", "note"] is None
    assert effects.loc["tanh", "comparisons"] == 2  # the claims of the study


# The ledger ---------------------------------------------------------------------------------------


def entry(p: float, word: str, name: str = "one") -> LedgerClaim:
    return LedgerClaim(name, f"claim {p}", 1, Verdict("text", word, "test_loss", p=p))


def test_the_ledger_has_a_false_discovery_rate_over_all_studies() -> None:
    p = [0.001, 0.02, 0.2, 0.6]
    words = [SUPPORTED, CONTRADICTED, UNDECIDED, UNDECIDED]
    claims = [entry(p[place], word, str(place)) for place, word in enumerate(words)]
    claims.append(LedgerClaim("exact", "no chance", 1, Verdict("text", SUPPORTED, "max_error")))
    found = with_q(claims)
    assert [one.q for one in found[:4]] == pytest.approx(false_discovery_control(p))
    assert math.isnan(found[4].q)
    said = chance_said(Ledger(found, []))
    assert said.startswith("Of 4 claims with a random component, about 0.2 would be decided")
    assert "4 studies, at most 0.20 studies" in said
    assert (
        "Of the 2 that are decided, at most about 0.1 are false: their largest q is 0.040" in said
    )


def test_a_courses_claim_says_how_many_of_its_tests_were_run() -> None:
    run, planned = entry(0.01, SUPPORTED), LedgerClaim("later", "text", 1)
    assert run_said([run, planned, planned]) == "1 of 3 tests run"
    assert run_said([run]) == run_said([planned]) == run_said([]) == ""
