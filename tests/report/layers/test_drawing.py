"""The drawing of a network: its sizes follow from its parameters, its parts stand in order."""

from __future__ import annotations

import pytest

from nnbench.report.layers.drawing import blocks_of

ROW = {
    "data": "digits", "depth": 2, "width": 32, "activation": "relu", "init": "he_normal",
    "norm": "batchnorm", "norm.position": "before", "dropout": 0.2, "loss": "cross_entropy",
    "batch_size": 32,
}  # fmt: skip


def names(**changes: object) -> list[str]:
    return [block.name for block in blocks_of({**ROW, **changes}, 64, 10, set())]


@pytest.mark.parametrize(
    ("changes", "hidden"),
    [
        ({}, ["linear", "batchnorm", "relu", "dropout"]),
        ({"norm.position": "after"}, ["linear", "relu", "batchnorm", "dropout"]),
        ({"norm": "none", "dropout": 0.0}, ["linear", "relu"]),
    ],
)
def test_parts_stand_in_the_order_of_the_network(
    changes: dict[str, object], hidden: list[str]
) -> None:
    assert names(**changes) == ["64 inputs", *hidden, "linear, the output", "cross_entropy"]


def test_what_varies_is_marked_and_has_a_place_where_the_baseline_is_without() -> None:
    blocks = blocks_of({**ROW, "dropout": 0.0}, 64, 10, {"dropout"})
    (dropout,) = [block for block in blocks if block.is_varied]
    assert dropout.name == "dropout" and dropout.under == "not in the baseline"
    assert "64 → 32, then 32 → 32" in [block.under for block in blocks]
