"""A cell's result depends on its recipe and on nothing else, to the last bit, in eager mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import torch

from nnbench.catalog import ACTIVATIONS, LOSSES, NORMS, OPTIMIZERS
from nnbench.study.study import Cell
from nnbench.training.stacked import network
from tests.helpers import exactly, make_cells, small_data, train_all, variants

TYPES = ["float32", "float64"]
PROBES = {"probes": {"layers": True, "every": 2}}
PLAIN: dict[str, Any] = {}
FULL = {"norm": "batchnorm", "dropout": 0.2, "clip_norm": 0.5, "weight_decay": 0.01}
CLIPPED = {"clip_value": 0.05, "l1": 0.001, "residual": True, "depth": 3}
SHAPES = [
    (width, batch, parts)
    for width in (7, 13, 33)
    for batch in (5, 11)
    for parts in ("plain", "full", "clipped")
]
PARTS = {"plain": PLAIN, "full": FULL, "clipped": CLIPPED}


def stack_of(count: int, **grid: Any) -> list[Cell]:
    """Return so many cells of one program that differ in rate, start and seed."""
    chosen: dict[str, Any] = {
        "init": ["he_normal", "xavier_uniform"],
        "bias": [0.0, 0.1],
        "optimizer": {"name": "momentum", "lr": [0.01, 0.03, 0.1, 0.3]},
        "seeds": -(-count // 16),
        "epochs": 2,
    }
    cells = make_cells(**{**chosen, **grid})
    assert len(cells) >= count
    return cells[:count]


def trained(cells: Sequence[Cell]) -> dict[str, str]:
    return exactly(train_all(cells))


def assert_alike_alone(cells: Sequence[Cell], sizes: Sequence[int] = (1, 2, 5, 17)) -> None:
    """Demand that cells of a stack come out the same from smaller ones, wherever they stand."""
    together = trained(cells)
    for size in sizes:
        for first in (0, len(cells) - size):
            for cell_id, rows in trained(cells[first : first + size]).items():
                assert rows == together[cell_id], f"{cell_id} among {size} of {len(cells)}"
    assert trained(cells[::-1]) == together


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(("width", "batch", "parts"), SHAPES)
def test_odd_shapes(width: int, batch: int, parts: str, dtype: str) -> None:
    grid = {"width": width, "batch_size": batch, "dtype": dtype, "activation": "gelu"}
    assert_alike_alone(stack_of(17, **grid, **PARTS[parts], epochs=1), sizes=(1, 5))


@pytest.mark.parametrize("dtype", TYPES)
def test_every_size_of_stack(dtype: str) -> None:
    assert_alike_alone(stack_of(64, dtype=dtype, activation="tanh", norm="batchnorm"))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name: str, dtype: str) -> None:
    for variant in variants(name, ACTIVATIONS[name]):
        assert_alike_alone(stack_of(7, activation=variant, dtype=dtype, epochs=1), sizes=(1, 3))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer(name: str, dtype: str) -> None:
    lr = OPTIMIZERS[name].parameters["lr"].default
    optimizer = {"name": name, "lr": [lr, lr / 2, 2 * lr]}
    assert_alike_alone(stack_of(7, optimizer=optimizer, dtype=dtype, width=13), sizes=(1, 3))


@pytest.mark.parametrize("name", NORMS)
def test_norm(name: str) -> None:
    for variant in variants(name, NORMS[name]):
        assert_alike_alone(stack_of(7, norm=variant, dtype="float32"), sizes=(1, 3))


@pytest.mark.parametrize("name", LOSSES)
def test_loss(name: str) -> None:
    data = small_data("moons" if "classification" in LOSSES[name].targets else "diabetes")
    for variant in variants(name, LOSSES[name]):
        cells = stack_of(7, loss=variant, data=data, dtype="float32", batch_size=25, epochs=1)
        assert_alike_alone(cells, sizes=(1, 3))


@pytest.mark.parametrize("name", ["digits", "diabetes", "breast_cancer"])
def test_real_data(name: str) -> None:
    # more rows than one block of evaluation; features and classes in no round number
    grid = {"data": name, "batch_size": 100, "dtype": "float32", "epochs": 1}
    assert_alike_alone(stack_of(7, **grid), sizes=(1, 3))


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_probes(activation: str) -> None:
    cells = stack_of(7, document=PROBES, activation=activation, dtype="float32", width=13)
    assert_alike_alone(cells, sizes=(1, 3))


@pytest.mark.parametrize("dtype", TYPES)
def test_threads_outside(dtype: str, two_threads: None) -> None:
    cells = stack_of(17, dtype=dtype, width=33, activation="gelu", **FULL)
    with_two = trained(cells)
    torch.set_num_threads(1)
    assert trained(cells) == with_two


def test_the_clock_and_the_past_do_not_matter() -> None:
    cells = stack_of(5, dropout=0.3)
    first = trained(cells)
    torch.manual_seed(1)
    torch.rand(3)
    assert trained(cells) == first


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("units", [7, 13, 33])
def test_a_product_does_not_depend_on_its_place(units: int, dtype: torch.dtype) -> None:
    x = torch.randn(11, units, dtype=dtype).expand(17, -1, -1).clone()
    weight = torch.randn(units, units, dtype=dtype).expand(17, -1, -1).clone()
    product = torch.bmm(x, weight.transpose(1, 2))
    assert torch.equal(product, product[:1].expand_as(product))


def test_padding_fills_whole_vectors() -> None:
    seen = []

    def doubled(h: torch.Tensor) -> torch.Tensor:
        seen.append(h.numel())
        return 2 * h

    for shape in [(5, 7), (11, 33), (8, 8), (1, 1)]:
        h = torch.randn(shape)
        assert torch.equal(network.aligned(doubled, h), 2 * h)
    assert all(count % network.VECTOR == 0 for count in seen)


def rounds_otherwise_at_the_end(function: Callable[[torch.Tensor], torch.Tensor]) -> bool:
    """Tell whether this processor's kernel rounds the last elements of a tensor another way."""
    h = 3 * torch.randn(1024, generator=torch.Generator().manual_seed(0))
    return any(not torch.equal(function(h[:n].clone()), function(h)[:n]) for n in range(1, 130))


def test_without_padding_neighbours_would_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prove that the tests above can fail, where this processor's kernels have a ragged end."""
    chosen = [
        name
        for name, entry in ACTIVATIONS.items()
        if entry.elementwise
        and not (entry.random or entry.parameters or entry.learned)
        and rounds_otherwise_at_the_end(entry.function)
    ]
    if not chosen:
        pytest.skip("this processor rounds alike at the end of a vector")
    monkeypatch.setattr(network, "aligned", lambda function, *inputs: function(*inputs))
    with pytest.raises(AssertionError, match="among"):
        for name in chosen:
            for width in (7, 13, 33):
                grid = {"width": width, "batch_size": 5, "dtype": "float32", "activation": name}
                assert_alike_alone(stack_of(17, **grid), sizes=(1, 2, 5))
