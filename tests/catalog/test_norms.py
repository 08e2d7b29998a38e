"""Every normalisation: against torch's module, and what each one does and does not look at."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.func import vmap

from nnbench.catalog import NORMS
from nnbench.training.draws import Draws, split_for
from nnbench.training.stacked.network import initial_params, layout, program_of, unflatten
from tests.helpers import disagreements, make_cells, other_value

UNITS, BATCH = 7, 11
NAMES = [name for name, entry in NORMS.items() if entry.function]
TYPES = [torch.float32, torch.float64]


def numbers_of(name: str, *, other: bool = False) -> dict[str, Any]:
    about = {key: one for key, one in NORMS[name].parameters.items() if not one.program}
    return {key: other_value(one) if other else one.default for key, one in about.items()}


def inputs(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 3 + 2 * torch.randn(*shape, generator=generator, dtype=torch.float64)


def apply(
    name: str, x: Tensor, learned: dict[str, Tensor], numbers: dict[str, Any], training: bool = True
) -> tuple[Tensor, dict[str, Tensor]]:
    entry = NORMS[name]
    assert entry.function is not None
    running = {key: torch.full((UNITS,), start, dtype=x.dtype) for key, start in entry.running}
    given = {key: torch.tensor(value, dtype=torch.float64) for key, value in numbers.items()}
    return entry.function(x, running, training, **learned, **given)


def learned_of(name: str, dtype: torch.dtype = torch.float64) -> dict[str, Tensor]:
    return {
        part: inputs(UNITS, seed=seed).to(dtype)
        for seed, part in enumerate(NORMS[name].learned, start=1)
    }


def twin_of(name: str, learned: dict[str, Tensor], numbers: dict[str, Any]) -> torch.nn.Module:
    module = NORMS[name].twin.knowing(units=UNITS)(**numbers).to(next(iter(learned.values())).dtype)
    module.train()(torch.zeros(2, UNITS, dtype=next(iter(learned.values())).dtype))
    if hasattr(module, "reset_running_stats"):
        module.reset_running_stats()
    with torch.no_grad():
        for part, value in learned.items():
            getattr(module, part).copy_(value)
    return module


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("other", [False, True])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_equals_torch(name: str, training: bool, other: bool, dtype: torch.dtype) -> None:
    numbers = numbers_of(name, other=other)
    x = inputs(BATCH, UNITS).to(dtype)
    mine, theirs = (x.clone().requires_grad_() for _ in range(2))
    learned = learned_of(name, dtype)
    module = twin_of(name, learned, numbers).train(training)
    for leaf in learned.values():
        leaf.requires_grad_()
    found, running = apply(name, mine, learned, numbers, training)
    wanted = module(theirs)
    (found**3).sum().backward()
    (wanted**3).sum().backward()
    pairs = [(found, wanted), (mine.grad, theirs.grad)]
    pairs += [(leaf.grad, getattr(module, part).grad) for part, leaf in learned.items()]
    pairs += [(value, getattr(module, f"running_{key}")) for key, value in running.items()]
    tolerance = 1e-12 if dtype == torch.float64 else 1e-5
    for one, other_one in pairs:
        assert one.dtype == dtype
        # a gradient is a difference of large numbers: the largest entry is the measure
        assert (one - other_one).abs().max() <= tolerance * other_one.abs().max()


@pytest.mark.parametrize("name", NAMES)
def test_eps_is_inside_the_root_and_matters(name: str) -> None:
    tiny = 1e-4 * (inputs(BATCH, UNITS) - 3)
    learned = learned_of(name)
    numbers = numbers_of(name) | {"eps": 1e-4}
    found, _ = apply(name, tiny, learned, numbers)
    torch.testing.assert_close(found, twin_of(name, learned, numbers)(tiny))
    changed, _ = apply(name, tiny, learned, numbers | {"eps": 1.1e-4})
    assert not torch.allclose(found, changed)


@pytest.mark.parametrize("name", NAMES)
def test_only_a_norm_that_needs_a_batch_looks_at_it(name: str) -> None:
    x = inputs(BATCH, UNITS)
    learned, numbers = learned_of(name), numbers_of(name)
    whole, _ = apply(name, x, learned, numbers)
    few, _ = apply(name, x[:2], learned, numbers)
    assert torch.allclose(whole[:2], few) != NORMS[name].needs_batch


def test_layernorm_has_no_mean_and_rmsnorm_a_size_of_one() -> None:
    x = inputs(BATCH, UNITS)
    ones, zeros = torch.ones(UNITS).double(), torch.zeros(UNITS).double()
    layer, _ = apply("layernorm", x, {"weight": ones, "bias": zeros}, {"eps": 1e-12})
    assert layer.mean(1).abs().max() < 1e-12
    torch.testing.assert_close(layer.var(1, correction=0), torch.ones(BATCH).double())
    root, _ = apply("rmsnorm", x, {"weight": ones}, {"eps": 1e-12})
    torch.testing.assert_close((root * root).mean(1), torch.ones(BATCH).double())
    assert root.mean(1).abs().min() > 0.1  # what is alike in all units stays


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_stack_equals_pairs(name: str, dtype: torch.dtype) -> None:
    stack = torch.stack([inputs(BATCH, UNITS, seed=seed) for seed in range(5)]).to(dtype)
    learned, numbers = learned_of(name, dtype), numbers_of(name)
    mapped = vmap(lambda x: apply(name, x, learned, numbers))
    whole, running = mapped(stack)
    assert whole.dtype == dtype
    for place in range(5):
        pair, kept = mapped(stack[[place, 0]])
        assert torch.equal(pair[0], whole[place])
        assert all(torch.equal(kept[key][0], running[key][place]) for key in running)


@pytest.mark.parametrize("name", NAMES)
def test_network_starts_with_scale_one_and_shift_zero(name: str) -> None:
    recipe = make_cells(norm=name, depth=2)[0].recipe
    program = program_of(recipe, split_for(recipe))
    params = unflatten(program, initial_params(program, recipe, Draws(recipe)))
    parts = [key for key in layout(program) if ".norm." in key]
    assert len(parts) == 2 * len(NORMS[name].learned)
    for key in parts:
        assert (params[key] == (1 if key.endswith("weight") else 0)).all()


@pytest.mark.parametrize("position", ["before", "after"])
@pytest.mark.parametrize("name", NAMES)
def test_position(name: str, position: str) -> None:
    optimizer = {"name": "sgd", "lr": 0.1}
    cells = make_cells(
        norm={"name": name, "position": position}, activation="tanh", optimizer=optimizer
    )
    assert disagreements(cells) == []


def test_batch_of_one_is_refused_by_the_name_that_needs_more() -> None:
    for name in NAMES:
        if NORMS[name].needs_batch:
            with pytest.raises(ValueError, match="needs more than one example"):
                make_cells(norm=name, batch_size=1)
        else:
            assert make_cells(norm=name, batch_size=1)
