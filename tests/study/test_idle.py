"""A factor that changes nothing, in some arms or in any, is told of."""

from __future__ import annotations

from typing import Any

import pytest

from nnbench.catalog import VOCABULARY
from nnbench.study.idle import idle_factors
from nnbench.study.reading import make_study
from nnbench.study.study import Study


def study(grid: dict[str, Any], **sections: Any) -> Study:
    content = {"name": "test", "grid": {"data": "moons", "seeds": 2} | grid, **sections}
    return make_study(content, VOCABULARY)


def told(grid: dict[str, Any], **sections: Any) -> list[str]:
    return [idle.sentence for idle in idle_factors(study(grid, **sections))]


ZERO = {"name": "zero", "gain": [1.0, 2.0]}
CHAINED = {
    "name": "chained",
    "first": {"name": "constant_lr", "total_iters": 0, "factor": [0.1, 0.5]},
    "second": {"name": "exponential", "gamma": 0.9},
}
WITHOUT_EFFECT = [
    ({"optimizer": "rprop", "batch_size": [8, 16]}, "batch_size", "optimizer = rprop"),
    (
        {"optimizer": ["rprop", "gd"], "batch_size": [8, 16]},
        "batch_size",
        "rprop or optimizer = gd",
    ),
    ({"optimizer": "rprop", "schedule": ["none", "cosine"]}, "schedule", "first step alone"),
    ({"schedule": ["step", "none"], "epochs": 5}, "schedule", "the same throughout"),
    ({"dropout_kind": ["standard", "alpha"]}, "dropout_kind", "dropout = 0"),
    (
        {"dropout": 0.2, "depth": 0, "dropout_kind": ["standard", "alpha"]},
        "dropout_kind",
        "depth = 0",
    ),
    ({"optimizer": "sgd", "decoupled": [True, False]}, "decoupled", "weight_decay = 0"),
    ({"evaluation": ["train", "eval"]}, "evaluation", "dropout = 0 and norm = none and activation"),
    ({"depth": 0, "norm": ["none", "layernorm"]}, "norm", "depth = 0"),
    ({"epochs": 0, "batch_size": [8, 16]}, "batch_size", "epochs = 0"),
    ({"epochs": 0, "l1": [0.0, 0.1]}, "l1", "epochs = 0 and probe_every = 0"),
    ({"init": [ZERO, "he_normal"]}, "init.gain", "init = zero"),
    ({"data": {"name": "outliers", "p": 0.0, "size": [1.0, 9.0]}}, "data.size", "data.p = 0"),
    ({"schedule": CHAINED}, "schedule.first.factor", "schedule.first.total_iters = 0"),
]


@pytest.mark.parametrize(
    ("grid", "place", "reason"), WITHOUT_EFFECT, ids=[p for _, p, _ in WITHOUT_EFFECT]
)
def test_a_factor_that_can_change_nothing_is_told_of(
    grid: dict[str, Any], place: str, reason: str
) -> None:
    (message,) = [one for one in told(grid) if one.startswith(f"{place} ")]
    assert message.startswith(f"{place} varies, but changes nothing in any arm: ")
    assert reason in message and "\n" not in message


def test_a_factor_that_is_held_fixed_may_be_idle() -> None:
    assert told({"dropout_kind": "alpha", "optimizer": "rprop", "schedule": "cosine"}) == []


def test_where_a_factor_does_nothing_in_some_arms_a_note_says_so() -> None:
    grid = {"dropout": [0.0, 0.2], "dropout_kind": ["standard", "alpha"]}
    assert told(grid) == ["dropout_kind changes nothing in 2 of 4 arms: dropout = 0"]
    grid = {"optimizer": ["sgd", "rprop", "gd"], "batch_size": [8, 16]}
    (sentence,) = told(grid)
    assert sentence.startswith("batch_size changes nothing in 4 of 6 arms: optimizer = ")
    assert sentence.endswith(", among other reasons")


def test_levels_that_are_one_are_counted_beside_one_that_is_not() -> None:
    sentence = "schedule changes nothing in 2 of 3 arms: the rate is the same throughout"
    assert told({"schedule": ["none", "step", "cosine"], "epochs": 5}) == [sentence]
    # one level alone that is as good as none is no comparison
    assert told({"schedule": ["step", "cosine"], "epochs": 5}) == []


def test_a_design_that_compares_only_where_nothing_differs_is_told_of() -> None:
    grid = {"dropout": [0.0, 0.2], "dropout_kind": ["standard", "alpha"]}
    (one,) = told(grid, design={"kind": "one_factor"})
    assert one.startswith("dropout_kind varies, but changes nothing")
    baseline = {"kind": "one_factor", "baseline": {"dropout": 0.2}}
    assert told(grid, design=baseline) == []
    left_out = [{"dropout": 0.2, "why": "too much"}]
    (one,) = told(grid, design={"exclude": left_out})
    assert one.startswith("dropout_kind varies, but changes nothing")


def test_arms_of_a_sample_that_are_no_pair_compare_nothing() -> None:
    grid = {"dropout_kind": ["standard", "alpha"], "width": [4, 5, 6, 7], "depth": [1, 2, 3]}
    (sentence,) = told(grid | {"dropout": [0.0, 0.2]}, design={"kind": "sample", "n": 40})
    assert "of 40 arms: dropout = 0" in sentence
    assert told(grid | {"depth": 1, "width": 4}, design={"kind": "sample", "n": 1}) == []


def test_a_walk_has_needs_of_its_own() -> None:
    grid = {"landscape": "bowl", "optimizer": {"name": "muon", "momentum": [0.5, 0.9]}}
    content = {"name": "t", "kind": "landscape", "grid": grid}
    (one,) = idle_factors(make_study(content, VOCABULARY))
    assert one.sentence.startswith("optimizer.momentum varies, but changes nothing")
    made = make_study(content | {"grid": grid | {"optimizer": "muon"}}, VOCABULARY)
    assert idle_factors(made) == []
