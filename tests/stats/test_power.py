"""Power against statsmodels and against simulated t tests."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from statsmodels.stats.power import TTestPower

from nnbench.stats.power import detectable_difference, noncentrality_for, seeds_needed


@pytest.mark.parametrize("pairs", [3, 5, 10, 30])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
@pytest.mark.parametrize("power", [0.2, 0.8])
def test_the_power_is_that_of_statsmodels(pairs: int, alpha: float, power: float) -> None:
    size = noncentrality_for(pairs - 1, alpha, power) / pairs**0.5
    assert TTestPower().power(size, pairs, alpha) == pytest.approx(power, abs=1e-5)


def test_the_power_is_the_share_of_simulated_tests_that_reject() -> None:
    generator = np.random.default_rng(0)
    pairs, alpha = 4, 0.01
    size = noncentrality_for(pairs - 1, alpha) / pairs**0.5
    values = size + generator.normal(size=(200_000, pairs))
    rejected = scipy.stats.ttest_1samp(values, 0.0, axis=1).pvalue < alpha
    assert rejected.mean() == pytest.approx(0.8, abs=0.004)


@pytest.mark.parametrize("freedom", [1.0, 2.6, 4.0, 40.0])
@pytest.mark.parametrize("alpha", [0.05, 0.05 / 200])
def test_the_detectable_difference_grows_with_the_error(freedom: float, alpha: float) -> None:
    one, two = (detectable_difference(error, freedom, alpha) for error in (1.0, 2.0))
    assert two == pytest.approx(2 * one)


def test_the_seeds_needed_are_those_of_statsmodels() -> None:
    for size in (0.3, 0.5, 1.0):
        wanted = TTestPower().solve_power(effect_size=size, alpha=0.05, power=0.8)
        assert seeds_needed(size, 1 / 5**0.5, 4, 5) == int(np.ceil(wanted))


def test_stricter_tests_and_smaller_differences_need_more_seeds() -> None:
    base = seeds_needed(0.5, 0.4, 4, 5)
    stricter = seeds_needed(0.5, 0.4, 4, 5, alpha=0.005)
    smaller = seeds_needed(0.1, 0.4, 4, 5)
    assert base is not None and stricter is not None and smaller is not None
    assert 2 <= base < stricter < smaller
    assert seeds_needed(10.0, 0.01, 4, 5) == 2


def test_no_difference_is_settled_by_no_number_of_seeds() -> None:
    assert seeds_needed(0.0, 0.4, 4, 5) is None
    assert seeds_needed(1e-4, 0.4, 4, 5) is None
