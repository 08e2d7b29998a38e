"""Every engine computes on one thread, and gives the caller's threads back."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from nnbench.catalog import VOCABULARY
from nnbench.study.reading import make_study
from nnbench.training.reference import train as reference
from nnbench.training.reference import walk as reference_walk
from nnbench.training.stacked import train as stacked
from nnbench.training.stacked import walk as stacked_walk


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    found = torch.get_num_threads()
    torch.set_num_threads(before)
    assert found == 2


def _cells(kind: str, **grid: Any) -> Any:
    return make_study({"name": "t", "kind": kind, "grid": grid}, VOCABULARY).cells()


@pytest.mark.parametrize(
    "train",
    [
        lambda cells, tell: reference.train_cell(cells[0], on_progress=tell),
        lambda cells, tell: stacked.train(cells, on_progress=tell),
    ],
    ids=["reference", "mapped"],
)
def test_a_network_trains_on_one_thread(train: Callable[..., Any]) -> None:
    cells = _cells("training", data="moons", depth=1, width=2, epochs=1, seeds=2)
    seen: list[int] = []
    train(cells, lambda share: seen.append(torch.get_num_threads()))
    assert seen and set(seen) == {1}


@pytest.mark.parametrize(
    ("module", "walk", "inner"),
    [
        (reference_walk, lambda cells: reference_walk.walk_cell(cells[0]), "trace_of"),
        (stacked_walk, lambda cells: stacked_walk.walk(cells), "start_of"),
    ],
    ids=["reference", "mapped"],
)
def test_a_walk_goes_on_one_thread(
    module: Any, walk: Callable[..., Any], inner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    done = getattr(module, inner)

    def spied(*given: Any, **named: Any) -> Any:
        seen.append(torch.get_num_threads())
        return done(*given, **named)

    monkeypatch.setattr(module, inner, spied)
    walk(_cells("landscape", landscape="rosenbrock", optimizer="sgd", steps=3, seeds=2))
    assert seen and set(seen) == {1}
