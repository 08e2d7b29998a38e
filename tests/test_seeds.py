"""The documented recipe of every draw, repeated here in plain numpy and torch."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch

from nnbench import seeds
from nnbench.study.study import Cell
from nnbench.training.draws import Draws
from tests.helpers import make_cells

PLACES = [(0, "batches", "digits", 0), (3, "init/0.weight", "moons", 12), (2**31 - 1, "é/x", "", 7)]


def documented(study_seed: int, purpose: str, data: str, repeat: int) -> int:
    text = f"{study_seed}/{purpose}/{data}/{repeat}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


@pytest.mark.parametrize("place", PLACES)
def test_seed_is_the_documented_one(place: tuple[int, str, str, int]) -> None:
    seed = documented(*place)
    assert seeds.seed_for(*place) == seed and 0 <= seed < 2**32
    ours = seeds.numpy_generator(*place).standard_normal(5)
    assert np.array_equal(ours, np.random.default_rng(seed).standard_normal(5))
    generator = torch.Generator().manual_seed(seed)
    assert torch.equal(
        torch.rand(5, generator=seeds.torch_generator(*place)), torch.rand(5, generator=generator)
    )


def test_seed_is_the_same_in_every_release() -> None:
    """sha256("0/batches/digits/0") begins with these bytes, whatever this code says."""
    assert seeds.seed_for(0, "batches", "digits", 0) == int(
        hashlib.sha256(b"0/batches/digits/0").hexdigest()[:8], 16
    )


def test_every_part_of_a_place_matters() -> None:
    base = (1, "batches", "moons", 2)
    others = [(2, *base[1:]), (1, "split", "moons", 2), (1, "batches", "iris", 2), (*base[:3], 3)]
    assert len({seeds.seed_for(*place) for place in [base, *others]}) == 5


def test_seeds_are_spread() -> None:
    """10,000 places: the 32-bit seeds hardly meet (expected 0.01 pairs) and fill their range."""
    found = [seeds.seed_for(0, "split", "moons", repeat) for repeat in range(10_000)]
    assert len(set(found)) >= 9_999
    assert abs(np.mean(found) / 2**32 - 0.5) < 0.015  # five standard errors


def test_no_global_generator_is_touched() -> None:
    torch.manual_seed(1)
    legacy = np.random.get_state()[1].copy()  # type: ignore[union-attr,index]
    before = torch.random.get_rng_state()
    (cell,) = make_cells(seeds=1)
    draws = Draws(cell.recipe)
    draws.init_noise("0.weight", 3, 2)
    draws.next_order(10)
    draws.next_noise("dropout", 0, 4, 3)
    seeds.numpy_generator(0, "data", "moons", 0).normal(size=3)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert np.array_equal(np.random.get_state()[1], legacy)  # type: ignore[index]


@pytest.fixture
def cell() -> Cell:
    (made,) = make_cells(data="iris", seeds=[4], document={"name": "seeds", "seed": 9})
    return made


def generator_for(purpose: str) -> torch.Generator:
    return torch.Generator().manual_seed(documented(9, purpose, "iris", 4))


def test_init_noise_by_hand(cell: Cell) -> None:
    by_hand = torch.randn(7, 4, generator=generator_for("init/0.weight"), dtype=torch.float64)
    draws = Draws(cell.recipe)
    assert torch.equal(draws.init_noise("0.weight", 7, 4), by_hand)
    assert torch.equal(draws.init_noise("0.weight", 7, 4), by_hand)  # a place, not a stream


def test_orders_by_hand(cell: Cell) -> None:
    draws, generator = Draws(cell.recipe), generator_for("batches")
    for _ in range(3):
        assert torch.equal(draws.next_order(96), torch.randperm(96, generator=generator))


@pytest.mark.parametrize("purpose", ["dropout", "activation"])
def test_noise_of_a_layer_by_hand(cell: Cell, purpose: str) -> None:
    draws, generator = Draws(cell.recipe), generator_for(f"{purpose}/1")
    for batch in (10, 10, 6):
        draws.next_noise(purpose, 0, batch, 7)  # another layer's stream
        by_hand = torch.rand(batch, 7, generator=generator)
        assert torch.equal(draws.next_noise(purpose, 1, batch, 7), by_hand)
