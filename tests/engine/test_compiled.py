"""The compiled stack: one graph, and the same numbers as the eager one up to rounding."""

from __future__ import annotations

import pytest
import torch

from nnbench.engine.train import train
from tests.helpers import by_cell, differences, make_cells

FULL = {"norm": "batchnorm", "dropout": 0.2, "activation": "tanh", "schedule": "cosine"}


@pytest.mark.filterwarnings("default")  # of the compiler's own makers, about each other
def test_compiled_agrees_with_eager() -> None:
    torch._dynamo.reset()
    optimizer = {"name": "adam", "lr": [1e-3, 1e-2]}
    cells = make_cells(**FULL, optimizer=optimizer, depth=1, epochs=8, seeds=2)
    compiled, eager = train(cells, compiled=True), train(cells)
    assert {row["engine"] for row in compiled.cells} == {"stacked-compiled"}
    assert {row["engine"] for row in eager.cells} == {"stacked-eager"}
    assert differences(by_cell(compiled), by_cell(eager), 1e-9) == []
