"""Which cells a claim compares: its sides in the table, tuned, and paired by what they share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nnbench.catalog import VOCABULARY
from nnbench.results.tables import frame_of, recipe_table
from nnbench.stats.claims.pairs import described, select
from nnbench.study.reading import read_study
from nnbench.study.selection import matches
from tests.places import ROOT
from tests.stats.claims.claim_cells import around, better, cell, frame, judge, study, two_arms


def test_every_factor_not_named_is_paired() -> None:
    shallow, deep = two_arms(around(0.05)), two_arms(around(-0.05), depth=8)
    cells = frame([*shallow.to_dict("records"), *deep.to_dict("records")])
    both = judge(better(), cells, study())
    assert (both.n, both.blocks) == (20, 10)
    assert both.effect == pytest.approx(0, abs=1e-12)
    assert judge(better(where={"depth": 2}), cells, study()).verdict == "supported"
    assert judge(better(where={"depth": [8]}), cells, study()).verdict == "contradicted"


def rates(first: dict[float, float], second: dict[float, float], n: int = 8) -> pd.DataFrame:
    """Return relu's and tanh's cells at several learning rates, each with its mean."""
    rows = []
    for seed in range(n):
        noise = around(0.0, 0.001, n)[seed]
        rows += [
            cell(name, seed, value + noise * (name == "tanh"), **{"optimizer.lr": rate})
            for name, side in (("relu", first), ("tanh", second))
            for rate, value in side.items()
        ]
    return frame(rows)


TUNED = study(
    factors={"activation": ["relu", "tanh"], "optimizer": ["sgd lr=0.1", "sgd lr=1"]},
    report={"metric": "test_accuracy", "tune": ["optimizer.lr"]},
)


def test_tuned_parameters_are_chosen_on_validation() -> None:
    cells = rates({0.1: 0.7, 1.0: 0.8}, {0.1: 0.9, 1.0: 0.6})
    # validation prefers what test does not, and must decide
    cells["val_loss"] = np.where(cells["optimizer.lr"] == 1.0, 0.1, 0.5)
    tuned = judge(better(), cells, TUNED)
    assert (tuned.n, tuned.verdict) == (8, "contradicted")
    assert tuned.effect == pytest.approx(0.6 - 0.8, abs=1e-9)
    # by the study's metric before the loss, whatever the claim's own metric
    scored = cells.assign(val_accuracy=np.where(cells["optimizer.lr"] == 0.1, 0.9, 0.8))
    for claim in (better(), better(metric="test_loss")):
        assert abs(judge(claim, scored, TUNED).effect) == pytest.approx(0.9 - 0.7, abs=1e-9)
    named = judge(better(where={"optimizer.lr": 0.1}), cells, TUNED)
    assert named.effect == pytest.approx(0.9 - 0.7, abs=1e-9)


def test_parameters_of_a_named_factor_are_paired_where_both_sides_have_them() -> None:
    """Momentum against sgd at the same rates: by rate; at different rates: means are compared."""
    rows = []
    for seed in range(6):
        for name, values in (("sgd", {0.1: 0.7, 1.0: 0.9}), ("momentum", {0.1: 0.75, 1.0: 0.95})):
            for rate, value in values.items():
                noise = around(0.0, 0.001, 6)[seed] * (name == "sgd")
                one = cell("relu", seed, value + noise, optimizer=name, **{"optimizer.lr": rate})
                rows.append(one)
    document = study(factors={"optimizer": ["sgd lr=0.1", "sgd lr=1", "momentum lr=0.1"]})
    claim = better(better={"optimizer": "momentum"}, than={"optimizer": "sgd"})
    cells = frame(rows)
    assert judge(claim, cells, document).n == 12
    lower = (cells["optimizer"] == "momentum") & (cells["optimizer.lr"] == 1.0)
    cells.loc[lower, "optimizer.lr"] = 0.5
    averaged = judge(claim, cells, document)
    assert (averaged.n, averaged.effect) == (6, pytest.approx(0.05))


def test_a_mean_over_a_side_is_lost_with_one_of_its_cells() -> None:
    """Else the survivors would stand for all: tanh at two rates against relu at one."""
    cells = rates({0.1: 0.7}, {0.1: 0.8, 1.0: 0.9})
    lost = (cells["seed"] == 0) & (cells["optimizer.lr"] == 1.0)
    cells.loc[lost, ["status", "test_accuracy"]] = ["diverged", None]
    document = study(factors={"activation": ["relu", "tanh"], "optimizer.lr": ["0.1", "1"]})
    claim = better(better={"activation": "tanh"}, than={"activation": "relu", "optimizer.lr": 0.1})
    found = judge(claim, cells, document)
    assert (found.n_ok, found.n, found.blocks) == (7, 8, 7)
    assert "tanh diverged in 1" in found.reason


def test_data_sets_may_be_the_sides() -> None:
    rows = [
        cell("relu", seed, value + noise, data=name)
        for name, value in (("moons", 0.9), ("spirals", 0.6))
        for seed, noise in enumerate(around(0.0, 0.01 if name == "moons" else 0.003, 8))
    ]
    claim = better(better={"data": "moons"}, than={"data": "spirals"})
    found = judge(claim, frame(rows), study(factors={"data": ["moons", "spirals"]}))
    assert (found.n, found.blocks, found.verdict) == (8, 8, "supported")
    assert found.effect == pytest.approx(0.3)


@pytest.mark.whole
@pytest.mark.parametrize(
    "name", ["schedules", "regularisation", "landscapes", "numerics", "sensitivity", "batchnorm"]
)
def test_cells_are_selected_from_the_table_as_from_the_recipes(name: str) -> None:
    planned = read_study(ROOT / "studies" / f"{name}.toml", VOCABULARY)
    cells = planned.cells()
    table = frame_of(recipe_table(cells))
    partials = [partial for claim in planned.claims for partial in claim.named.values()]
    assert partials
    for partial in partials:
        expected = [matches(one.recipe, partial) for one in cells]
        assert select(table, partial).tolist() == expected, partial
    listed = {"schedule.milestones": [[15, 25]]}
    assert select(table, listed).sum() == sum(matches(one.recipe, listed) for one in cells)


def test_tables_within_a_list_are_followed() -> None:
    cells = rates({0.1: 0.7, 1.0: 0.8}, {0.1: 0.9})
    wanted = [{"optimizer": "sgd", "optimizer.lr": 1.0}, {"optimizer": "adam"}]
    chosen = cells[select(cells, {"optimizer": wanted})]
    assert set(chosen["optimizer.lr"]) == {1.0}
    assert not select(cells, {"nothing": 1}).any()
    assert select(cells, {}).all()


def test_sides_are_described_in_words() -> None:
    assert described({"optimizer": "adam", "optimizer.lr": 1e-3}) == "adam (learning rate 0.001)"
    assert described({"depth": [2, 8]}) == "depth 2 or depth 8"
    assert described({"norm": "none"}) == "no normalisation"
    assert described({"residual": True}) == "residual connections"
