"""What was lost, and what was never seen: survivors, ties, and seeds that give no pair."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from nnbench.stats.claims import CONTRADICTED, SUPPORTED, UNDECIDED
from nnbench.stats.claims.spread import ALL_ALIKE, alike_interval, interval_of
from nnbench.study.metrics import METRICS
from tests.stats.claims.claim_cells import around, better, cell, frame, judge, same, study, two_arms
from tests.stats.simulated import false_same


def test_a_side_that_lost_its_worst_is_not_better_for_it() -> None:
    lost = judge(better(), two_arms([*around(0.01, 0.006, 14), *[None] * 6]), study())
    assert lost.low > 0 and lost.verdict == UNDECIDED
    assert "of 20 pairs, tanh diverged in 6; by the pairs that finished it would be" in lost.reason
    clear = judge(better(), two_arms([*around(0.1, 0.006, 14), None]), study())
    assert clear.verdict == SUPPORTED and "tanh diverged in 1" in clear.reason


def test_a_side_that_lost_more_and_is_behind_stays_behind() -> None:
    found = judge(better(), two_arms([*around(-0.05, 0.006, 14), *[None] * 3]), study())
    assert found.verdict == CONTRADICTED


def test_seeds_that_would_decide_count_those_that_give_no_pair() -> None:
    whole = judge(better(), two_arms(around(0.002, 0.01, 10)), study())
    table = two_arms([*around(0.002, 0.01, 10), *[None] * 10])
    lost = judge(better(), table.assign(status=table["status"].replace("diverged", "crashed")),
                 study())  # fmt: skip
    assert whole.seeds_needed and lost.seeds_needed == 2 * whole.seeds_needed


def tied(blocks: int, losses: float = 0.01) -> pd.DataFrame:
    """Return two arms of one accuracy, whose losses differ by so much."""
    rows = []
    for seed in range(blocks):
        rows.append(cell("relu", seed, 0.9, test_loss=0.3))
        rows.append(cell("tanh", seed, 0.9, test_loss=0.3 + losses, val_loss=0.2 + losses))
    return frame(rows)


def test_blocks_that_all_tie_bound_what_they_did_not_show() -> None:
    found = judge(same(0.01), tied(6), study())
    assert found.verdict == UNDECIDED and found.effect == 0
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 6)) and found.low == -found.high
    assert found.seeds_needed == math.ceil(math.log(0.025) / math.log(0.99))
    enough = judge(same(0.2), tied(20), study())
    assert enough.verdict == SUPPORTED and 0 < enough.high < 0.2


def test_one_computation_is_the_same_as_itself() -> None:
    found = judge(same(0.01), tied(6, losses=0.0), study())
    assert found.verdict == SUPPORTED and (found.low, found.high) == (0, 0)
    losses = judge(same(0.01, metric="test_loss"), tied(6, losses=0.0), study())
    assert losses.verdict == SUPPORTED and (losses.low, losses.high) == (0, 0)


def test_whole_numbers_of_any_size_that_tie_have_no_interval() -> None:
    found = alike_interval(0.0, 9, METRICS["epochs_to_target"])
    assert math.isnan(found.low) and "nothing bounds how far others may differ" in str(found.reason)


@pytest.mark.whole
def test_a_false_same_at_accuracies_near_1() -> None:
    def now(pairs: pd.DataFrame) -> tuple[float, float]:
        found = interval_of(pairs, METRICS["test_accuracy"], np.random.default_rng(0))
        return found.low, found.high

    def zero_width(pairs: pd.DataFrame) -> tuple[float, float]:
        all_tie = (pairs["difference"] == 0).all() and len(pairs) >= ALL_ALIKE
        return (0.0, 0.0) if all_tie else now(pairs)

    assert false_same(now, 150) <= 0.025
    assert false_same(zero_width, 150) > 0.1
