"""The compiled stack: one graph, and the same numbers as the eager one up to rounding."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import cycle, islice
from typing import Any

import pytest
import torch

from nnbench.catalog import ACTIVATIONS, LOSSES, NORMS, OPTIMIZERS
from nnbench.training.stacked.train import train
from tests.helpers import by_cell, differences, make_cells, small_data

# Four steps of ten examples and a ragged one of six: the program is compiled for both.
GRID: dict[str, Any] = {
    "norm": "batchnorm",
    "dropout": 0.2,
    "activation": "tanh",
    "schedule": "cosine",
    "optimizer": {"name": "adam", "lr": [1e-3, 1e-2]},
    "depth": 1,
    "epochs": 8,
    "seeds": 2,
}


def assert_compiled_like_eager() -> None:
    torch.compiler.reset()
    cells = make_cells(**GRID)
    compiled, eager = train(cells, compiled=True), train(cells)
    assert {row["engine"] for row in compiled.cells} == {"stacked-compiled"}
    assert {row["engine"] for row in eager.cells} == {"stacked-eager"}
    assert differences(by_cell(compiled), by_cell(eager), 1e-9) == []


def test_program_is_one_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trace the step as the compiler does, without making machine code of it."""
    asked: list[dict[str, Any]] = []
    compile_ = torch.compile

    def traced(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
        asked.append(options)
        return partial(compile_, backend="aot_eager")(function, **options)

    monkeypatch.setattr(torch, "compile", traced)
    assert_compiled_like_eager()
    assert [options["fullgraph"] for options in asked] == [True]


def together() -> list[dict[str, Any]]:
    """Return grids in which every entry of four registries occurs: the next of each in turn."""
    count = max(map(len, (ACTIVATIONS, OPTIMIZERS, NORMS, LOSSES)))
    of_class = [name for name, entry in LOSSES.items() if "classification" in entry.targets]
    others = [name for name in LOSSES if name not in of_class]
    names = (ACTIVATIONS, OPTIMIZERS, NORMS, of_class)
    found = []
    for places in islice(zip(*map(cycle, names), strict=True), count):
        found.append(dict(zip(("activation", "optimizer", "norm", "loss"), places, strict=True)))
    data = small_data("diabetes")
    found += [{"loss": name, "data": data, "batch_size": 300} for name in others]
    return [*found, CLIPPED, ALPHA, {"depth": 0}]


CLIPPED = {"clip_norm": 0.1, "clip_value": 0.1, "l1": 0.01, "residual": True, "depth": 3}
ALPHA = {"dropout": 0.2, "dropout_kind": "alpha", "activation": "selu"}


@pytest.mark.parametrize("grid", together(), ids=lambda grid: " ".join(map(str, grid.values())))
def test_every_step_is_one_graph(grid: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """As the compiler traces it; it runs as it stands, so that any difference is a mistake."""
    compile_ = torch.compile
    monkeypatch.setattr(
        torch, "compile", lambda step, **options: compile_(step, backend="eager", **options)
    )
    torch.compiler.reset()
    # batches of one size, of which there is one graph
    cells = make_cells(**{"epochs": 1, "batch_size": 12, "depth": 1, "seeds": 2} | grid)
    compiled, eager = by_cell(train(cells, compiled=True)), by_cell(train(cells))
    assert differences(compiled, eager, 1e-9) == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated:DeprecationWarning")
def test_compiled_agrees_with_eager() -> None:
    assert_compiled_like_eager()
