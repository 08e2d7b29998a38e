"""Every frame of the statistics stands: on nothing, one thing, failures alone, huge numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from nnbench import stats
from tests.stats.grids import factors_of, full_grid, generator_for, lose

METRIC = "test_accuracy"


def effects(frame: pd.DataFrame) -> pd.DataFrame:
    levels = {f: list(dict.fromkeys(frame[f])) or ["a0"] for f in factors_of(frame)}
    baselines = {f: names[0] for f, names in levels.items()}
    return stats.summarise_effects(frame, levels, baselines, METRIC, generator_for)


def tuned(frame: pd.DataFrame) -> pd.DataFrame:
    rate = frame["f0"].str.slice(1).astype(float) + 1
    return frame.assign(val_loss=1 - frame[METRIC], rate=rate)


def problems(frame: pd.DataFrame) -> pd.DataFrame:
    return stats.problem_scores(frame, ["f0"], METRIC, factors_of(frame))


FRAMES: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "effects": effects,
    "arms": lambda f: stats.summarise_arms(f, factors_of(f), METRIC, generator_for),
    "arms by data": lambda f: stats.summarise_arms(f, factors_of(f), METRIC, generator_for, True),
    "shares": lambda f: stats.variance_shares(f, factors_of(f), METRIC, generator_for),
    "divergence": lambda f: stats.divergence_shares(f, factors_of(f), generator_for),
    "scores": lambda f: stats.block_scores(problems(f)),
    "ranks": lambda f: stats.mean_ranks(stats.block_scores(problems(f))),
    "pairwise ranks": lambda f: stats.pairwise_ranks(problems(f)),
    "pairwise": lambda f: stats.pairwise_differences(
        f, ["f0"], METRIC, generator_for, factors_of(f)
    ),
    "profile": lambda f: stats.performance_profile(f, factors_of(f), METRIC),
    "region": lambda f: stats.good_region(tuned(f), ["f1"], "rate", METRIC),
    "expected best": lambda f: stats.expected_best(
        tuned(f), ["f1"], ["rate"], METRIC, generator_for, "val_loss"
    ),
    "target": lambda f: stats.time_to_target(f, ["f0"], METRIC),
    "front": lambda f: stats.pareto_front(stats.arm_costs(f, ["f0"], METRIC), METRIC, METRIC),
}
GRID = full_grid([3, 2], data_sets=2, seeds=3)
HUGE = np.resize([1e308, -1e308, 0.5, 1e308, 1e200, -1e150, 0.7], len(GRID))
INPUTS = {
    "empty": GRID.iloc[:0],
    "one cell": GRID.iloc[:1],
    "one seed": GRID[GRID["seed"] == 0],
    "one level each": GRID[(GRID["f0"] == "a0") & (GRID["f1"] == "b0")],
    "all ties": GRID.assign(test_accuracy=0.5),
    "all diverged": lose(GRID, GRID["seed"] >= 0),
    "all crashed": lose(GRID, GRID["seed"] >= 0, status="crashed"),
    "one level diverged": lose(GRID, GRID["f0"] == "a0"),
    "one seed diverged": lose(GRID, GRID["seed"] == 1),
    "one data set diverged": lose(GRID, GRID["data"] == "d1"),
    "one cell left": lose(GRID, pd.Series(range(len(GRID))) > 0),
    "cells missing": GRID.sample(frac=0.6, random_state=0).sort_index(),
    "one value too large": GRID.assign(test_accuracy=np.where(GRID.index == 4, 1e308, 0.5)),
    "values too large": GRID.assign(test_accuracy=HUGE),
    "all too large": GRID.assign(test_accuracy=1e308),
    "one seed on one data set": GRID[(GRID["data"] == "d0") | (GRID["seed"] == 0)],
}


@pytest.mark.whole
@pytest.mark.parametrize("given", INPUTS)
@pytest.mark.parametrize("frame", FRAMES)
def test_every_frame_stands_and_says_why_a_number_is_missing(frame: str, given: str) -> None:
    table = FRAMES[frame](INPUTS[given])
    assert isinstance(table, pd.DataFrame)
    assert not np.isinf(table.select_dtypes("number").to_numpy(dtype=float)).any()
    for name in ("mean", "effect", "share"):
        reason = "reason" if name == "share" else f"{name}_reason"
        if {name, reason} <= set(table) and frame != "expected best":
            unknown = table[table[name].isna()]
            if "baseline" in unknown:
                unknown = unknown[~unknown["baseline"].astype(bool) | (name == "mean")]
            assert unknown[reason].astype(str).str.startswith("undefined: ").all()
    for column in [c for c in table if str(c).endswith("reason")]:
        told = table[column].dropna()
        assert told.map(lambda text: isinstance(text, str)).all()


@pytest.mark.parametrize("given", INPUTS)
def test_no_side_is_taken_where_nothing_differs_but_noise(given: str) -> None:
    table = effects(INPUTS[given])
    assert not table["verdict"].isin(["better", "worse"]).any()
    assert set(table["verdict"]) <= {
        "tie", "no clear difference", "undefined", "baseline"}  # fmt: skip


@pytest.mark.parametrize(("blocks", "most"), [(1, 0.95), (5, 0.4507), (20, 0.1391), (59, 0.0495)])
def test_what_befell_no_block_may_befall_so_many_new_ones(blocks: int, most: float) -> None:
    share = stats.unseen_share(blocks)
    assert share == pytest.approx(most, abs=1e-3)
    assert (1 - share) ** blocks == pytest.approx(0.05)  # then none is seen in 5 of 100 studies
