"""Performance profiles against counts made by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nnbench import stats
from tests.stats.grids import full_grid, lose


def losses(**values: list[float]) -> pd.DataFrame:
    """Return one row per arm and seed with these test losses."""
    rows = [
        {"data": "d0", "f0": arm, "seed": seed, "test_loss": loss, "status": "ok"}
        for arm, column in values.items()
        for seed, loss in enumerate(column)
    ]
    return pd.DataFrame(rows)


def share_at(profile: pd.DataFrame, arm: str, tau: float) -> float:
    own = profile[profile["arm"] == arm]
    return float(own.loc[own["tau"] <= tau * (1 + 1e-9), "share"].iloc[-1])


def test_a_score_profile_is_the_share_of_runs_above_tau() -> None:
    frame = full_grid([2], data_sets=2, seeds=6)
    frame = lose(frame, (frame["f0"] == "a1") & (frame["seed"] < 2))
    profile = stats.performance_profile(frame, ["f0"], "test_accuracy", points=31)
    assert set(profile["kind"]) == {"score"} and set(profile["n"]) == {12}
    for row in profile.to_dict("records"):
        own = frame.loc[frame["f0"] == row["arm"], "test_accuracy"]
        assert row["k"] == (own > row["tau"]).sum()
        assert row["share_low"] <= row["share"] <= row["share_high"]
    ends = profile.groupby("arm")["share"].agg(["first", "last"])
    assert list(ends["first"]) == [1.0, 8 / 12] and list(ends["last"]) == [0, 0]


def test_a_ratio_profile_counts_runs_within_tau_times_the_best_of_their_block() -> None:
    frame = losses(a=[1.0, 1.0, 8.0], b=[2.0, 1.0, 1.0])
    assert stats.profile_kind(frame, "test_loss") == "ratio"
    profile = stats.performance_profile(frame, ["f0"], "test_loss", points=4)
    assert list(profile["tau"].unique()) == pytest.approx([1.0, 2.0, 4.0, 8.0])
    assert [share_at(profile, "a", t) for t in (1, 2, 4, 8)] == pytest.approx([2 / 3] * 3 + [1])
    assert [share_at(profile, "b", t) for t in (1, 2)] == pytest.approx([2 / 3, 1])


def test_a_diverged_run_is_never_good_enough() -> None:
    frame = losses(a=[1.0, 2.0], b=[1.0, 1.0])
    frame.loc[1, ["test_loss", "status"]] = [0.001, "diverged"]
    profile = stats.performance_profile(frame, ["f0"], "test_loss")
    assert profile.loc[profile["arm"] == "a", "share"].max() == 0.5
    assert profile["tau"].max() == pytest.approx(1.0)


def test_what_may_be_negative_is_compared_by_differences() -> None:
    frame = losses(a=[-0.1, 0.2], b=[0.1, 0.1]).rename(columns={"test_loss": "loss_gap"})
    assert stats.profile_kind(frame, "loss_gap") == "gap"
    profile = stats.performance_profile(frame, ["f0"], "loss_gap", points=3)
    assert list(profile["tau"].unique()) == pytest.approx([0, 0.1, 0.2])
    assert [share_at(profile, "a", t) for t in (0, 0.1)] == [0.5, 1.0]
    zero = losses(a=[0.0, 1.0], b=[0.5, 0.5])
    assert stats.profile_kind(zero, "test_loss") == "gap"


def test_without_a_number_there_is_no_profile() -> None:
    frame = full_grid([2])
    lost = lose(frame, frame["seed"] >= 0)
    assert stats.performance_profile(lost, ["f0"], "test_accuracy").empty
    assert np.isfinite(stats.performance_profile(frame, ["f0"], "test_accuracy")["share"]).all()
