"""Looking again: the e-value against its integral, what it promises, and what it costs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import nct, norm
from scipy.stats import t as student

from nnbench import stats
from nnbench.report.analysis import analyse
from nnbench.report.build import page_of
from nnbench.report.claims.table import claims_table, write_claims
from nnbench.results.disk import StoreError
from nnbench.results.files import write_files
from nnbench.results.looks import FILE, note_look
from nnbench.results.read import read_results
from nnbench.stats.anytime import (
    VARIANCE,
    anytime_interval,
    anytime_p,
    bound,
    e_value,
    findable,
    seed_means,
    seeds_to_settle,
)
from nnbench.stats.claims import SUPPORTED, UNDECIDED
from tests.stats.claims.claim_cells import around, better, judge, same, study, two_arms
from tests.stats.looking import follow
from tests.synthetic import make_cells
from tests.synthetic import write_results as write_whole


@pytest.mark.parametrize(("seeds", "t"), [(3, 4.0), (5, -2.0), (12, 3.5), (40, 0.3)])
def test_the_e_value_is_the_mixture_of_noncentral_t(seeds: int, t: float) -> None:
    """Over what the standardised difference may be; their ratio to the central one."""

    def at(size: float) -> float:
        return float(nct.pdf(t, seeds - 1, size * seeds**0.5) * norm.pdf(size, 0, VARIANCE**0.5))

    mixed = quad(at, -12, 12, limit=400)[0] / student.pdf(t, seeds - 1)
    assert e_value(t, seeds) == pytest.approx(mixed, rel=1e-6)


@pytest.mark.parametrize("seeds", [4, 5, 10, 100, 10_000])
@pytest.mark.parametrize("alpha", [0.05, 0.005])
def test_at_the_bound_the_evidence_is_one_over_alpha(seeds: int, alpha: float) -> None:
    reach = float(bound(seeds, alpha))
    if np.isfinite(reach):
        assert e_value(reach, seeds) == pytest.approx(1 / alpha)
        assert reach > student.ppf(1 - alpha / 2, seeds - 1)
    else:
        assert e_value(1e9, seeds) < 1 / alpha


def test_a_bet_on_nothing_is_fair() -> None:
    """The mean e-value of studies of nothing is 1, whatever their number of seeds."""
    values = np.random.default_rng(1).normal(size=(200_000, 4))
    for seeds in (2, 3, 4):
        part = values[:, :seeds]
        t = part.mean(axis=1) / part.std(axis=1, ddof=1) * seeds**0.5
        assert e_value(t, seeds).mean() == pytest.approx(1.0, abs=0.02)


def test_the_interval_holds_what_the_p_does_not_exclude() -> None:
    values = np.array(around(0.01, 0.01))
    low, high = anytime_interval(values)
    assert anytime_p(values, low) == pytest.approx(0.05) == anytime_p(values, high)
    assert anytime_p(values, (low + high) / 2) == 1.0
    assert anytime_interval(values[:3]) == (-np.inf, np.inf)
    assert all(np.isnan(anytime_interval(np.full(6, 0.1))))


def test_the_unit_does_not_matter() -> None:
    values = np.array(around(0.01, 0.01))
    assert anytime_p(1000 * values) == pytest.approx(anytime_p(values))


def test_a_seed_counts_once_over_its_data_sets() -> None:
    pairs = pd.DataFrame(
        {
            "data": ["a", "a", "b", "b", "b"],
            "seed": [0, 1, 0, 1, 2],
            "difference": [0.1, 0.3, 0.5, 0.7, 9.0],
        }
    )
    assert seed_means(pairs) == pytest.approx([0.3, 0.5])


def test_the_seeds_that_settle_find_it_in_80_of_100() -> None:
    assert seeds_to_settle(0.0, 1.0) is None
    for effect in (0.6, 1.0, 2.5):
        seeds = seeds_to_settle(effect, 1.0)
        assert seeds is not None
        assert findable(seeds, 0.05) <= effect < findable(seeds - 1, 0.05)
        values = np.random.default_rng(2).normal(effect, 1, (20_000, seeds))
        t = values.mean(axis=1) / values.std(axis=1, ddof=1) * seeds**0.5
        assert 0.79 < (t > bound(seeds)).mean() < 0.93


# The promise --------------------------------------------------------------------------------------


def test_who_follows_the_advice_is_wrong_in_a_tenth_by_t_and_in_a_twentieth_by_this() -> None:
    before, now = follow("t", 4000), follow("anytime", 4000)
    assert before.wrong > 0.095
    assert now.wrong <= 0.062  # 5 % at the first look, by t


def test_the_looks_after_the_first_add_less_than_a_point() -> None:
    first = 0.05
    assert follow("anytime", 6000).wrong - first < 0.015


@pytest.mark.slow
@pytest.mark.parametrize("start", [3, 5, 8])
def test_the_promise_in_many_more_studies(start: int) -> None:
    assert follow("anytime", 40_000, start=start).wrong <= 0.06
    assert follow("t", 40_000, start=start).wrong > 0.07


@pytest.mark.slow
def test_one_who_looks_at_every_seed_is_wrong_in_less_than_a_twentieth() -> None:
    values = np.random.default_rng(3).normal(size=(20_000, 200))
    count = np.arange(1, 201)
    means = values.cumsum(axis=1) / count
    squares = (values**2).cumsum(axis=1) - count * means**2
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(means) / np.sqrt(squares / (count - 1) / count)
    assert (t[:, 2:] > bound(count[2:])).any(axis=1).mean() <= 0.05
    assert (t[:, 2:] > student.ppf(0.975, count[2:] - 1)).any(axis=1).mean() > 0.3


def test_real_differences_are_found_at_a_price() -> None:
    for mean in (1.0, 2.0):
        before, now = follow("t", 3000, mean=mean), follow("anytime", 3000, mean=mean)
        assert now.decided > 0.8 * before.decided
        assert now.wrong == 0.0 or now.wrong <= before.wrong
        assert now.seeds - before.seeds < 6


# Looks that are recorded --------------------------------------------------------------------------


def test_each_number_of_seeds_is_a_look_and_outlives_what_is_run_again(tmp_path: Path) -> None:
    for seeds in (3, 3, 5):
        folder = write_whole(tmp_path, make_cells(seeds=range(seeds)))
        write_claims(folder)
    assert json.loads((tmp_path / FILE).read_text()) == {"seeds": [3, 5]}
    assert read_results(tmp_path).earlier_looks == [3]
    note_look(tmp_path, 3)
    assert read_results(tmp_path).looks == (3, 5)
    write_whole(tmp_path, make_cells(seeds=range(3)))
    assert read_results(tmp_path).earlier_looks == []


def test_a_damaged_note_of_looks_is_said(tmp_path: Path) -> None:
    folder = write_whole(tmp_path, make_cells())
    write_files(folder, {FILE: b'{"seeds": "many"}'})
    with pytest.raises(
        StoreError, match="remove it and run the study again to discard earlier looks"
    ):
        read_results(folder)


@pytest.mark.whole
def test_a_study_that_was_extended_is_judged_anew_and_says_so(tmp_path: Path) -> None:
    claim = better(better={"activation": "tanh"}, than={"activation": "relu"})
    folder = write_whole(tmp_path, make_cells(seeds=range(3)), claims=[claim])
    write_claims(folder)
    assert "judged before" not in str(page_of(read_results(folder)).notes)
    write_whole(tmp_path, make_cells(seeds=range(7)), claims=[claim])
    write_claims(folder)
    results = read_results(folder)
    said = "This study was judged before, with 3 of its 7 seeds"
    assert said in str(page_of(results).notes)
    told, row = claims_table(results).iloc[0], analyse(results).effects.query("level == 'tanh'")
    assert told["verdict"] == SUPPORTED and row["verdict"].tolist() == ["better"]
    ends = (row["effect_low"].iloc[0], row["effect_high"].iloc[0])
    assert ends == (100 * told["low"], 100 * told["high"]), "in points"
    other = analyse(results).effects.query("factor == 'optimizer' and level == 'sgd'").iloc[0]
    plain = stats.summarise_effects(
        *frames_of(results), metric="test_accuracy", generator_for=analyse(results).generator_for
    ).query("level == 'sgd'")
    assert other["effect_high"] - other["effect_low"] > 100 * 1.2 * float(
        (plain["effect_high"] - plain["effect_low"]).iloc[0]
    )


def frames_of(results: object) -> tuple[pd.DataFrame, dict[str, list[str]], dict[str, str]]:
    analysis = analyse(results)  # type: ignore[arg-type]
    return analysis.labelled, analysis.levels, analysis.baselines


def test_a_claim_that_is_looked_at_again_needs_more() -> None:
    cells = two_arms(around(0.0085, 0.01))
    once, again = (judge(better(), cells, study(), looks) for looks in (0, 1))
    assert (once.verdict, again.verdict) == (SUPPORTED, UNDECIDED)
    assert again.p == pytest.approx(anytime_p(np.array(around(0.0085, 0.01)))) and again.p > once.p
    assert again.low < 0 < once.low
    assert judge(better(), two_arms(around(0.05)), study(), 2).verdict == SUPPORTED
    assert judge(same(0.02), two_arms(around(0.0, 0.01)), study(), 1).verdict == SUPPORTED


def test_after_a_look_three_seeds_decide_nothing_and_say_how_many_would() -> None:
    found = judge(better(), two_arms([0.05, 0.052, 0.049]), study(), looks=1)
    assert found.verdict == UNDECIDED and "too few to decide" in found.reason
    assert found.seeds_needed is not None and found.seeds_needed <= 6


def test_six_blocks_that_tie_are_the_same_whoever_looked() -> None:
    assert judge(same(0.7), two_arms([0.0] * 6), study(), looks=3).verdict == SUPPORTED


def test_divergence_is_tested_once_a_look() -> None:
    found = judge(better(), two_arms([None] * 4), study(), looks=1)
    assert found.p == pytest.approx(2 / 35) and found.verdict == UNDECIDED
