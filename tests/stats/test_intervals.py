"""Intervals over counts and over few values, against scipy's and statsmodels'."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats
from statsmodels.stats.proportion import proportion_confint

from nnbench import stats


def test_shares_have_wilsons_interval() -> None:
    k, n = np.array([0, 3, 7, 20]), np.array([20, 20, 20, 20])
    share, low, high = stats.wilson_ends(k, n)
    known = proportion_confint(k, n, method="wilson")
    assert share.tolist() == [0.0, 0.15, 0.35, 1.0]
    assert low.tolist() == pytest.approx(list(known[0]), abs=1e-12)
    assert high.tolist() == pytest.approx(list(known[1]), abs=1e-12)


@pytest.mark.parametrize("n", range(1, 60))
def test_none_and_all_have_an_exact_end(n: int) -> None:
    _, low, high = stats.wilson_ends(np.array([0, n]), np.array([n, n]))
    assert low[0] == 0.0 and high[1] == 1.0
    assert 0.0 < high[0] < 1.0 and 0.0 < low[1] < 1.0


def test_means_have_students_interval() -> None:
    values = [0.1, 0.4, 0.2, 0.9]
    frame = pd.DataFrame({"arm": ["a"] * 4 + ["b"], "v": [*values, 5.0]})
    found = stats.student_intervals(frame, ["arm"], "v").set_index("arm")
    known = scipy_stats.t.interval(0.95, 3, np.mean(values), scipy_stats.sem(values))
    assert found.loc["a", ["low", "high"]].tolist() == pytest.approx(known)
    assert np.isnan(found.loc["b", "low"]), "one value has no interval"
