"""A hundred thousand cells are analysed within a gigabyte."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from nnbench import stats
from tests.places import ROOT
from tests.stats.grids import factors_of, generator_for, large_grid

METRIC = "test_accuracy"


def analyse(cells: int) -> None:
    """Compute every frame of a report, and the tuning frames, of a grid of that many cells."""
    frame = large_grid(cells)
    factors = factors_of(frame)
    levels = {f: list(dict.fromkeys(frame[f])) for f in factors}
    baselines = {f: names[0] for f, names in levels.items()}
    effects = stats.summarise_effects(frame, levels, baselines, METRIC, generator_for)
    assert list(effects["verdict"]).count("better") == len(levels["f0"]) - 1
    for by_data in (False, True):
        arms = stats.summarise_arms(frame, factors, METRIC, generator_for, by_data)
        assert arms["n"].sum() == len(frame)
    shares = stats.variance_shares(frame, factors, METRIC, generator_for)
    assert shares["share"].sum() == pytest.approx(1.0)
    lost = stats.divergence_shares(frame, factors, generator_for)
    assert lost["share"].sum() == pytest.approx(1.0)
    problems = stats.problem_scores(frame, ["f0"], METRIC, factors)
    assert len(stats.block_scores(problems)) == 10
    assert stats.pairwise_ranks(problems)["blocks"].eq(10).all()
    stats.pairwise_differences(frame, ["f0"], METRIC, generator_for, factors)
    assert len(stats.performance_profile(frame, ["f0"], METRIC)) == 101 * len(levels["f0"])
    tuned = frame.assign(val_loss=1 - frame[METRIC], rate=frame["f0"].str.slice(1).astype(int) + 1)
    stats.good_region(tuned, factors[1:], "rate", METRIC)
    stats.expected_best(tuned, factors[1:], ["rate"], METRIC, generator_for, "val_loss")


def test_the_large_grid_is_as_large_as_it_says() -> None:
    frame = large_grid(50_000)
    assert len(frame) == 50_000 and frame["test_accuracy"].isna().mean() == pytest.approx(
        0.03, abs=0.005
    )


@pytest.mark.slow
def test_100_000_cells_take_under_a_gigabyte() -> None:
    code = "from tests.stats.test_large import measure; measure()"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert float(ended.stdout) < 1


def measure() -> None:
    """Print the gigabytes that the analysis needs."""
    analyse(100_000)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)
