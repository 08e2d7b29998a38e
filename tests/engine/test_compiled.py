"""The compiled stack: one graph, and the same numbers as the eager one up to rounding."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch

from nnbench.engine.train import train
from tests.helpers import by_cell, differences, make_cells

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


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated:DeprecationWarning")
def test_compiled_agrees_with_eager() -> None:
    assert_compiled_like_eager()
