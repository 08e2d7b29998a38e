"""Claims without a plain mean: targets never reached, shares, and what has no randomness."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from nnbench.report.claims.sentences import sentence_of
from tests.stats.claims.claim_cells import better, cell, frame, judge, same, study

# Never reached ------------------------------------------------------------------------------------


def reaching(relu: list[int | None], tanh: list[int | None]) -> pd.DataFrame:
    rows = [
        cell(name, seed, 0.8, epochs_to_target=epochs)
        for name, side in (("relu", relu), ("tanh", tanh))
        for seed, epochs in enumerate(side)
    ]
    return frame(rows)


ARRIVAL = better(metric="epochs_to_target")


def test_epochs_are_subtracted_where_all_arrive() -> None:
    found = judge(ARRIVAL, reaching([9, 8, 9, 10, 9, 8], [3, 4, 3, 3, 2, 4]), study())
    assert (found.verdict, found.scale) == ("supported", "difference")
    assert found.effect == pytest.approx(53 / 6 - 19 / 6)


def test_never_arriving_is_worse_than_any_epoch() -> None:
    relu = [9, None, None, None, 9, 8, None, 5]
    tanh = [3, 4, 3, 30, 9, None, None, 4]  # ahead in 5, behind in 1, two ties
    found = judge(ARRIVAL, reaching(relu, tanh), study())
    assert (found.scale, found.n_ok, found.n) == ("ranks", 8, 8)
    assert found.effect == pytest.approx((5 - 1) / 8)
    assert "in 5 of them a side never arrived" in found.reason
    assert (found.ahead, found.behind) == (5, 1)
    said = sentence_of(found, ARRIVAL)
    assert "by epochs to the target, 5 of 8 pairs are for the claim and 1 against it" in said
    assert -1 <= found.low <= found.high <= 1
    assert judge(ARRIVAL, reaching(tanh, relu), study()).effect == pytest.approx(-0.5)


def test_all_of_one_side_never_arrive() -> None:
    found = judge(ARRIVAL, reaching([None] * 6, [3, 4, 3, 9, 2, 4]), study())
    assert (found.verdict, found.effect) == ("supported", 1.0)
    # 6 of 6: Clopper and Pearson's lower limit is 0.025^(1/6) = 0.541
    assert found.low == pytest.approx(2 * 0.025 ** (1 / 6) - 1)
    few = judge(ARRIVAL, reaching([None] * 5, [3, 4, 3, 9, 2]), study())
    assert (few.verdict, few.seeds_needed) == ("undecided", 6)


def test_ahead_by_less_than_claimed_speaks_against_it() -> None:
    claim = better(metric="epochs_to_target", by=5.0)
    found = judge(claim, reaching([9, None, 9, 9, 9, 9, 9], [8, 2, 8, 8, 9, 8, 8]), study())
    assert found.effect == pytest.approx((1 - 6) / 7)


def test_same_arrival_is_a_share_of_pairs_within_the_margin() -> None:
    claim = same(1.5, metric="epochs_to_target")
    found = judge(claim, reaching([9, None, 9, 9, None, 4], [8, None, 8, 2, 3, 4]), study())
    assert found.effect == pytest.approx((4 - 2) / 6)


def test_a_walk_that_diverged_has_not_reached_the_minimum() -> None:
    rows = []
    for seed in range(12):
        shared: dict[str, Any] = {"landscape": "bowl", "data": "bowl"}
        lost = seed < 4
        rows.append(cell("relu", seed, 0.0, reached_global=False, **shared))
        rows.append(cell("tanh", seed, None if lost else 0.0, reached_global=not lost, **shared))
    cells = frame(rows).astype({"reached_global": "boolean"})
    document = study(kind="landscape", factors={"landscape": ["bowl"], "activation": ["relu"]})
    found = judge(better(metric="reached_global"), cells, document)
    assert (found.verdict, found.n_ok) == ("supported", 12)
    assert found.effect == pytest.approx(8 / 12)


def test_memory_is_compared_without_chance() -> None:
    """Every seed says the same, which in a measured metric would show nothing."""
    rows = [
        cell(name, seed, 0.0, state_per_param=floats)
        for seed in range(2)
        for name, floats in (("relu", 2.0), ("tanh", 0.3))
    ]
    found = judge(better(metric="state_per_param"), frame(rows), study())
    assert (found.verdict, found.scale) == ("supported", "exact")
    assert found.effect == pytest.approx(1.7)


def test_shares_that_never_differ_have_an_exact_interval() -> None:
    rows = [
        cell(name, seed, 0.0, reached_global=name == "tanh")
        for seed in range(8)
        for name in ("relu", "tanh")
    ]
    cells = frame(rows).astype({"reached_global": "boolean"})
    found = judge(better(metric="reached_global"), cells, study(kind="landscape"))
    assert (found.verdict, found.effect, found.high) == ("supported", 1.0, 1.0)
    limit = scipy_stats.binomtest(8, 8).proportion_ci(0.95, method="exact").low
    assert found.low == pytest.approx(2 * limit - 1)


# Without randomness -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("differences", "claim", "word"),
    [
        ([1.0, 2.0], better(metric="safe_up_to"), "supported"),
        ([1.0, 0.0], better(metric="safe_up_to"), "supported"),
        ([0.0, 0.0], better(metric="safe_up_to"), "contradicted"),
        ([-1.0, 0.0], better(metric="safe_up_to"), "contradicted"),
        ([1.0, -1.0], better(metric="safe_up_to"), "undecided"),
        ([1.0, 3.0], better(metric="safe_up_to", by=2.0), "undecided"),
        ([1.0, 1.0], better(metric="safe_up_to", by=2.0), "contradicted"),
        ([0.5, -0.5], same(1.0, metric="safe_up_to"), "supported"),
        ([5.0, -5.0], same(1.0, metric="safe_up_to"), "contradicted"),
        ([5.0, 0.0], same(1.0, metric="safe_up_to"), "undecided"),
    ],
)
def test_sweeps_are_compared_exactly(
    differences: list[float], claim: dict[str, Any], word: str
) -> None:
    rows = [
        cell(name, 0, 0.0, data=name, dtype=dtype, safe_up_to=10 + difference * (name == "tanh"))
        for dtype, difference in zip(("float32", "float16"), differences, strict=True)
        for name in ("relu", "tanh")
    ]
    factors = {"activation": ["relu", "tanh"], "dtype": ["float32", "float16"]}
    found = judge(claim, frame(rows), study(kind="numerics", factors=factors))
    assert (found.verdict, found.scale, found.n_ok) == (word, "exact", 2)
    assert found.effect == pytest.approx(np.mean(differences))
    assert math.isnan(found.low) and "nothing random" in found.reason
