"""Every schedule against torch's own scheduler, value for value; and what torch does not say."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
import torch

from nnbench.catalog.optimizers.registry import OPTIMIZERS
from nnbench.catalog.schedules.registry import SCHEDULES, check_composition, scheduler_of
from nnbench.study.mistakes import StudyError
from nnbench.study.recipe import Recipe
from nnbench.training.protocol import Rates
from tests.helpers import make_cells, other_value

STEPS = 7  # of an epoch
EPOCHS = 30
CLOSED = [name for name, entry in SCHEDULES.items() if entry.function is not None]
SIMPLE = [name for name in CLOSED if SCHEDULES[name].spans is None]


def parameters_of(name: str, **changed: Any) -> dict[str, Any]:
    defaults = {key: about.default for key, about in SCHEDULES[name].parameters.items()}
    return defaults | changed


def part(place: str, name: str, **changed: Any) -> dict[str, Any]:
    """Return a schedule as a part of another, its parameters flattened as in a recipe."""
    own = parameters_of(name, **changed).items()
    return {place: name} | {f"{place}.{key}": value for key, value in own}


def ours(name: str, parameters: Mapping[str, Any], lr: float, epochs: int = EPOCHS) -> list[float]:
    """Return the rate of every step of a whole run, as training uses them."""
    recipe = {"optimizer": "momentum", "optimizer.lr": lr, "schedule": name, "epochs": epochs}
    recipe |= {f"schedule.{key}": value for key, value in parameters.items()}
    rates = Rates(Recipe(recipe), STEPS)
    return np.concatenate([rates.epoch(epoch) for epoch in range(epochs)]).tolist()


def torchs(
    name: str, parameters: Mapping[str, Any], lr: float, epochs: int = EPOCHS
) -> list[float]:
    """Return the same from the twin, stepped as the reference does."""
    entry = SCHEDULES[name]
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    by_step = entry.unit == "step"
    total = epochs * (STEPS if by_step else 1)
    scheduler = scheduler_of(name, parameters, optimizer, total)
    rates = []
    for _ in range(epochs):
        for _ in range(STEPS):
            rates.append(float(optimizer.param_groups[0]["lr"]))
            optimizer.step()
            if by_step:
                scheduler.step()
        if not by_step:
            scheduler.step()
    return rates


def assert_equal(name: str, parameters: Mapping[str, Any], lr: float = 0.3, **run: int) -> None:
    wanted = torchs(name, parameters, lr, **run)
    assert ours(name, parameters, lr, **run) == pytest.approx(wanted, rel=1e-12, abs=1e-14 * lr)


def simple_variants(name: str) -> Iterator[dict[str, Any]]:
    """Return defaults, all parameters at other values, and each alone at another value."""
    found = {key: other_value(about) for key, about in SCHEDULES[name].parameters.items()}
    # as a study file has it, a level that is a list stands in another
    others = {key: tuple(v[0]) if isinstance(v, list) else v for key, v in found.items()}
    yield parameters_of(name)
    yield parameters_of(name, **others)
    for key, value in others.items():
        yield parameters_of(name, **{key: value})


@pytest.mark.parametrize("name", SIMPLE)
def test_equals_torch(name: str) -> None:
    for parameters in simple_variants(name):
        assert_equal(name, parameters)
        assert_equal(name, parameters, lr=1e6, epochs=3)


@pytest.mark.parametrize("name", [name for name in SIMPLE if name != "none"])
def test_comparison_bites(name: str) -> None:
    # a schedule with one parameter slightly off, or begun one count late, must not pass for torch's
    for key, about in SCHEDULES[name].parameters.items():
        if not isinstance(about.default, float) or about.default in (0.0, about.high):
            continue
        if about.sparse:  # of the momentum, which has a test of its own
            continue
        changed = {"mode": "exp_range"} if name == "cyclic" and key == "gamma" else {}
        wanted = torchs(name, parameters_of(name, **changed), 0.3)
        found = ours(name, parameters_of(name, **changed, **{key: about.default * (1 - 1e-6)}), 0.3)
        if key in ("warmup", "decay"):  # rounded to whole steps
            found = ours(name, parameters_of(name, **{key: about.default * 0.9}), 0.3)
        assert found != pytest.approx(wanted, rel=1e-12, abs=1e-14), key
    late = torchs(name, parameters_of(name), 0.3)[1:]
    assert ours(name, parameters_of(name), 0.3)[:-1] != pytest.approx(late, rel=1e-12)


def momenta(optimizer: str, name: str, **parameters: Any) -> tuple[list[float], list[float]]:
    """Return the momentum of every step as training has it, and as torch's scheduler sets it."""
    own = parameters_of(name, cycle_momentum=True, **parameters)
    recipe = {"optimizer": optimizer, "optimizer.lr": 0.3, "schedule": name, "epochs": EPOCHS}
    rates = Rates(Recipe(recipe | {f"schedule.{key}": v for key, v in own.items()}), STEPS)
    found = [rates.momenta(epoch) for epoch in range(EPOCHS)]
    by_beta = OPTIMIZERS[optimizer].momentum == "beta1"
    assert {one.place for one in found if one} == {f"optimizer.{OPTIMIZERS[optimizer].momentum}"}
    values = np.concatenate([one.values for one in found if one])
    usual = {key: about.default for key, about in OPTIMIZERS[optimizer].parameters.items()}
    twin = OPTIMIZERS[optimizer].twin([torch.nn.Parameter(torch.zeros(1))], **usual | {"lr": 0.3})
    scheduler, wanted = scheduler_of(name, own, twin, STEPS * EPOCHS), []
    for _ in range(STEPS * EPOCHS):
        group = twin.param_groups[0]
        wanted.append(float(group["betas"][0] if by_beta else group["momentum"]))
        twin.step()
        scheduler.step()
    return values.tolist(), wanted


CYCLED = [
    ("onecycle", {}),
    ("onecycle", {"anneal_strategy": "linear", "pct_start": 0.0}),
    ("onecycle", {"base_momentum": 0.5, "max_momentum": 0.99, "pct_start": 0.8}),
    ("cyclic", {"step_size_up": 8, "step_size_down": 17}),
    ("cyclic", {"mode": "triangular2", "base_momentum": 0.3}),
    ("cyclic", {"mode": "exp_range", "gamma": 0.99, "max_momentum": 0.95}),
]


@pytest.mark.parametrize("optimizer", [n for n, entry in OPTIMIZERS.items() if entry.momentum])
def test_the_momentum_cycles_as_torchs(optimizer: str) -> None:
    for name, parameters in CYCLED:
        found, wanted = momenta(optimizer, name, **parameters)
        assert found == pytest.approx(wanted, rel=1e-12) and len(set(found)) > 30
        assert found[:-1] != pytest.approx(wanted[1:], rel=1e-12), "begun a step late"


def test_what_has_no_momentum_is_refused_where_it_is_cycled() -> None:
    cycled = {"name": "onecycle", "cycle_momentum": True}
    for name, entry in OPTIMIZERS.items():
        if entry.momentum:
            assert make_cells(optimizer=name, schedule=cycled)
            continue
        with pytest.raises(StudyError, match=f'optimizer "{name}" has neither: use one of mom'):
            make_cells(optimizer=name, schedule=cycled)
        assert make_cells(optimizer=name, schedule="onecycle")


def test_cells_that_cycle_no_momentum_are_what_they_were() -> None:
    both = {"name": "onecycle", "cycle_momentum": [False, True], "base_momentum": 0.85}
    plain, off, on = make_cells(schedule="onecycle", seeds=1) + make_cells(schedule=both, seeds=1)
    assert "schedule.cycle_momentum" not in plain.recipe, "its table has no column of it"
    assert plain.cell_id == off.cell_id != on.cell_id
    assert (off.recipe["schedule.cycle_momentum"], on.recipe["schedule.cycle_momentum"]) == (
        False,
        True,
    )
    assert "schedule.base_momentum" not in on.recipe and "schedule.max_momentum" not in on.recipe
    (said,) = make_cells(schedule=both | {"cycle_momentum": True, "base_momentum": 0.5}, seeds=1)
    assert said.recipe["schedule.base_momentum"] == 0.5 and said.cell_id != on.cell_id


@pytest.mark.parametrize("mode", ["triangular", "triangular2", "exp_range"])
@pytest.mark.parametrize("down", [None, 3, 17])
def test_cyclic_modes(mode: str, down: int | None) -> None:
    gamma = 0.99 if mode == "exp_range" else 1.0
    changed = {"mode": mode, "gamma": gamma, "step_size_up": 8, "step_size_down": down}
    assert_equal("cyclic", parameters_of("cyclic", **changed, base_lr=0.01, max_lr=0.9))


@pytest.mark.parametrize("strategy", ["cos", "linear"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_onecycle_shares(strategy: str, share: float) -> None:
    changed = {"anneal_strategy": strategy, "pct_start": share, "div_factor": 10.0}
    assert_equal("onecycle", parameters_of("onecycle", **changed))


@pytest.mark.parametrize(("t_0", "t_mult"), [(1, 1), (4, 1), (1, 2), (3, 3), (100, 2)])
def test_restarts(t_0: int, t_mult: int) -> None:
    assert_equal("cosine_restarts", parameters_of("cosine_restarts", t_0=t_0, t_mult=t_mult))


def test_cosine_rises_again_past_its_bottom() -> None:
    assert_equal("cosine", parameters_of("cosine", t_max=8, eta_min=0.01))


@pytest.mark.parametrize("milestones", [(3,), (3, 3), (9, 2, 5), (100,)])
def test_milestones_in_any_order(milestones: tuple[int, ...]) -> None:
    assert_equal("multistep", parameters_of("multistep", milestones=milestones, gamma=0.5))


COMPOSITIONS = {
    "warm-up and exponential": part("first", "linear") | part("second", "exponential"),
    "warm-up and cosine": part("first", "constant_lr") | part("second", "cosine"),
    "three": part("first", "step", step_size=4)
    | part("second", "polynomial", total_iters=12, power=2.0)
    | part("third", "multistep", milestones=(2, 9)),
    "with none": part("first", "exponential") | part("second", "none"),
}


@pytest.mark.parametrize("parts", COMPOSITIONS.values(), ids=COMPOSITIONS)
def test_chained_equals_torch(parts: dict[str, Any]) -> None:
    check_composition("chained", parts, EPOCHS)
    assert_equal("chained", parts)


SEQUENCES = {
    **COMPOSITIONS,
    "restarts last": part("first", "linear") | part("second", "cosine_restarts", t_0=4),
    "restarts first": part("first", "cosine_restarts", t_0=4) | part("second", "exponential"),
    "cosines": part("first", "cosine") | part("second", "cosine", eta_min=0.1),
    "past the bottom": part("first", "cosine", t_max=2) | part("second", "cosine", t_max=5),
}


@pytest.mark.parametrize("parts", SEQUENCES.values(), ids=SEQUENCES)
@pytest.mark.parametrize("begin", [1, 6, 29, 50])
def test_sequential_equals_torch(parts: dict[str, Any], begin: int) -> None:
    milestones = (begin, begin + 5) if "third" in parts else (begin,)
    check_composition("sequential", parts | {"milestones": milestones}, EPOCHS)
    assert_equal("sequential", parts | {"milestones": milestones})


def test_every_entry_that_scales_is_chained_as_a_product() -> None:
    for name in CLOSED:
        parameters = parameters_of(name)
        if SCHEDULES[name].scales(EPOCHS, **parameters):
            assert_equal("chained", part("first", name) | part("second", "exponential"))
            assert_equal("chained", part("first", "exponential") | part("second", name))


BAD = [
    ("chained", part("first", "plateau") | part("second", "none"), "parts count in epochs"),
    ("sequential", part("first", "onecycle") | part("second", "none"), "parts count in epochs"),
    ("chained", {"first": "chained", "first.first": "none", "second": "none"}, "no parts of their"),
    ("chained", part("first", "cosine_restarts") | part("second", "none"), "no factor"),
    ("chained", part("first", "none") | part("second", "cosine", eta_min=0.1), "no factor"),
    ("chained", part("first", "none") | part("second", "cosine", t_max=3), "no factor"),
]


@pytest.mark.parametrize(("schedule", "parts", "message"), BAD)
def test_parts_that_cannot_be(schedule: str, parts: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_composition(schedule, parts | {"milestones": (5,)}, EPOCHS)


@pytest.mark.parametrize("milestones", [(3, 5), (5, 3), (3, 3, 4)])
def test_milestones_that_cannot_be(milestones: tuple[int, ...]) -> None:
    parts = part("first", "none") | part("second", "none") | {"milestones": milestones}
    with pytest.raises(ValueError, match="one between each two of its 2 parts"):
        check_composition("sequential", parts, EPOCHS)


@pytest.mark.parametrize("name", CLOSED)
def test_rates_exist_without_epochs_and_past_the_end(name: str) -> None:
    # the row of epoch 0 and a probe after the last epoch ask for them
    parts = {"chained": COMPOSITIONS["three"], "sequential": COMPOSITIONS["with none"]}
    parameters = parts.get(name, {}) or parameters_of(name)
    parameters |= {"milestones": (10,)} if name == "sequential" else {}
    recipe = {"optimizer.lr": 0.1, "schedule": name, "epochs": 0}
    recipe |= {f"schedule.{key}": value for key, value in parameters.items()}
    for epochs in (0, 1, 3):
        rates = Rates(Recipe(recipe | {"epochs": epochs}), STEPS).epoch(epochs)
        assert rates.shape == (STEPS,) and np.isfinite(rates).all() and (rates >= 0).all()


@pytest.mark.parametrize("warmup", [1, 2, 7])
def test_a_warm_up_before_a_plateau_equals_torch(warmup: int) -> None:
    losses = [2.0, 1.0, 1.0, 1.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5]
    own = parameters_of("warmup_plateau", warmup=warmup, factor=0.5, patience=1)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.8)
    scheduler = scheduler_of("warmup_plateau", own, optimizer, 0)
    recipe = Recipe({"optimizer.lr": 0.8, "schedule": "warmup_plateau", "epochs": len(losses)})
    recipe = Recipe(recipe | {f"schedule.{key}": value for key, value in own.items()})
    rates, seen = Rates(recipe, STEPS), []
    for epoch, loss in enumerate(losses):
        seen.append(float(rates.epoch(epoch)[0]))
        assert seen[-1] == pytest.approx(float(optimizer.param_groups[0]["lr"]), rel=1e-12)
        optimizer.step()
        scheduler.step(loss)
        rates.after_epoch(loss)
    assert seen[:warmup] == [0.8 * (epoch + 1) / warmup for epoch in range(warmup)]
    assert seen[-1] < 0.8, "a plateau is waited for once it is warm"
    assert SCHEDULES["warmup_plateau"].starts_elsewhere(recipe) == (warmup > 1)


def test_plateau_equals_torch() -> None:
    generator = np.random.default_rng(0)
    losses = np.repeat(generator.uniform(0.5, 1.5, 40), generator.integers(1, 5, 40))
    parameters = parameters_of("plateau", factor=0.5, patience=2, cooldown=1, min_lr=0.01)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = scheduler_of("plateau", parameters, optimizer, 0)
    recipe = Recipe({"optimizer.lr": 1.0, "schedule": "plateau", "epochs": len(losses)})
    rates = Rates(recipe | {f"schedule.{key}": value for key, value in parameters.items()}, STEPS)
    for epoch, loss in enumerate(losses.tolist()):
        assert rates.epoch(epoch)[0] == float(optimizer.param_groups[0]["lr"])
        scheduler.step(loss)
        rates.after_epoch(loss)
    assert rates.epoch(0)[0] == 0.01


def test_warm_ups_peak_at_the_base_rate_and_end_low() -> None:
    for name in ("warmup_cosine", "wsd", "inverse_sqrt"):
        rates = ours(name, parameters_of(name, warmup=0.2), 0.5)
        peak = round(0.2 * STEPS * EPOCHS)
        assert max(rates) == 0.5 and rates[peak - 1] == 0.5
        assert rates[0] == pytest.approx(0.5 / peak)
        assert rates[-1] < 0.3
    # the root of the quotient of steps
    assert rates[-1] == pytest.approx(0.5 * math.sqrt(peak / (STEPS * EPOCHS)))
