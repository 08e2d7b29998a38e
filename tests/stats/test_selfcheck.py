"""The statistics' own checks: intervals that cover, studies of copies that claim nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nnbench import stats
from tests.stats.grids import factors_of, full_grid, generator_for
from tests.stats.selfcheck import coverage, false_claims, normal, skewed

DRAWS = {"normal": normal, "skewed": skewed}


@pytest.mark.whole
@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("data_sets", [1, 2, 3])
@pytest.mark.parametrize("blocks", [3, 5, 10, 20])
def test_a_95_percent_interval_covers_93_to_97_percent(
    draw: str, data_sets: int, blocks: int
) -> None:
    generator = np.random.default_rng(1)
    share = coverage(DRAWS[draw], data_sets, blocks, 6000, generator, resamples=1000)
    assert 0.93 <= share <= 0.97


@pytest.mark.parametrize("blocks", [3, 5, 10])
def test_the_plain_percentile_interval_fails_that_check(blocks: int) -> None:
    generator = np.random.default_rng(2)
    share = coverage(normal, 1, blocks, 4000, generator, stretched=False, resamples=1000)
    assert share < 0.93


def test_noise_is_centred_so_that_zero_is_the_truth() -> None:
    for draw in DRAWS.values():
        values = draw(np.random.default_rng(3), (400_000,))
        assert abs(values.mean()) < 4 * values.std() / 400_000**0.5
    assert pd.Series(skewed(np.random.default_rng(3), (400_000,))).skew() < -0.6


@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize(
    ("comparisons", "data_sets", "blocks"), [(1, 1, 5), (3, 1, 3), (12, 1, 5), (12, 3, 3)]
)
def test_a_study_of_copies_claims_a_difference_in_at_most_5_5_percent(
    draw: str, comparisons: int, data_sets: int, blocks: int
) -> None:
    generator = np.random.default_rng(4)
    arguments = (DRAWS[draw], comparisons, data_sets, blocks, 1000, generator)
    assert false_claims(*arguments, resamples=1000) <= 0.055


@pytest.mark.parametrize(
    ("data_sets", "blocks", "comparisons"), [(2, 3, 1), (2, 3, 12), (3, 3, 12), (5, 5, 12)]
)
def test_a_data_set_of_ten_times_the_noise_makes_no_more_false_claims(
    data_sets: int, blocks: int, comparisons: int
) -> None:
    generator = np.random.default_rng(8)
    arguments = (normal, comparisons, data_sets, blocks, 1000, generator)
    assert false_claims(*arguments, resamples=400, noisier=10.0) <= 0.055


def test_without_correction_a_study_of_copies_claims_far_too_much() -> None:
    generator = np.random.default_rng(5)
    share = false_claims(normal, 12, 1, 5, 1000, generator, corrected=False, resamples=1000)
    assert share > 0.25


@pytest.mark.whole
def test_a_report_of_copies_says_what_the_self_check_says() -> None:
    """Two factors of copies, judged by the frames that a report reads and not by the shortcut."""
    claims, uncorrected = 0, 0
    for study in range(12):
        frame = full_grid([6, 5], seeds=4, random_seed=study)
        levels = {f: list(dict.fromkeys(frame[f])) for f in factors_of(frame)}
        baselines = {f: names[0] for f, names in levels.items()}
        table = stats.summarise_effects(frame, levels, baselines, "test_accuracy", generator_for)
        claims += int(table["verdict"].isin(["better", "worse"]).any())
        excludes = (table["effect_low"] > 0) | (table["effect_high"] < 0)
        uncorrected += int(excludes.any())
    assert claims <= 1
    assert uncorrected >= 3


@pytest.mark.slow
@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("data_sets", [1, 2, 3])
@pytest.mark.parametrize("blocks", [3, 5, 10, 20])
def test_the_checks_hold_in_many_more_studies(draw: str, data_sets: int, blocks: int) -> None:
    generator = np.random.default_rng(6)
    share = coverage(DRAWS[draw], data_sets, blocks, 20_000, generator, resamples=2000)
    assert 0.93 <= share <= 0.97
    for comparisons in (1, 6, 24) if blocks == 3 else (1, 6):  # few blocks are the hardest
        arguments = (DRAWS[draw], comparisons, data_sets, blocks, 4000, generator)
        assert false_claims(*arguments, resamples=1000) <= 0.055
        if data_sets > 1:
            assert false_claims(*arguments, resamples=1000, noisier=10.0) <= 0.06
