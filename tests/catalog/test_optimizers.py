"""Every optimizer's rule: against its torch twin, against the paper, and alone against in a stack.

All walk over one landscape of many valleys, with noise in the gradient and a rate that changes, so
that every term of a rule has something to do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.linalg import fractional_matrix_power
from torch import Tensor
from torch.func import vmap

from nnbench.catalog import OPTIMIZERS
from nnbench.catalog.optimizers import adam, averages
from nnbench.catalog.optimizers.twins import Muon
from nnbench.study.grid import StudyError
from nnbench.training.draws import split_for
from nnbench.training.stacked.network import Network, Program, layout, program_of, unflatten
from nnbench.training.stacked.step import evaluated, start_optimizer, update
from tests.helpers import make_cells, other_value

STEPS = 60
AVERAGED = [name for name, entry in OPTIMIZERS.items() if entry.evaluated]
WITH_BETAS = [name for name, entry in OPTIMIZERS.items() if "beta2" in entry.parameters]
CORRECTED = ["adam", "adamw", "nadam", "radam", "adamax", "schedulefree_adamw", "ademamix"]
Array = NDArray[np.float64]


def program_with(name: str, **grid: Any) -> Program:
    """Return the program of a network with two hidden layers of 5 units: 59 parameters."""
    recipe = make_cells(optimizer=name, width=5, **grid)[0].recipe
    return program_of(recipe, split_for(recipe))


def start_at(program: Program, seed: int = 0) -> Tensor:
    """Return flat parameters (P,)."""
    count = sum(math.prod(shape) for shape in layout(program).values())
    return torch.randn(count, generator=generator_of(seed), dtype=torch.float64)


def generator_of(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def slope(params: Tensor, step: int) -> Tensor:
    """Return the gradient at parameters (..., P): a line with waves, and noise of the step.

    Its slope stays below 0.65, so that a rate of 2 is steady and does not make much of rounding.
    """
    noise = torch.randn(params.shape[-1], generator=generator_of(step), dtype=torch.float64)
    return 0.2 * params - 0.3 * torch.sin(1.5 * params) + 0.1 * noise


def rate_at(step: int, lr: float) -> float:
    return lr * (1 + 0.5 * math.sin(step / 5))


def hypers(name: str) -> Iterator[dict[str, Any]]:
    """Return an entry's defaults, and all of its parameters at other values."""
    parameters = OPTIMIZERS[name].parameters
    yield {key: about.default for key, about in parameters.items()}
    yield {key: other_value(about) for key, about in parameters.items()}
    if "t0" in parameters:  # an average that begins within the walk
        yield {key: about.default for key, about in parameters.items()} | {"t0": 20.0}


def numbers(hyper: Mapping[str, Any], weight_decay: float = 0.0) -> dict[str, Tensor]:
    named = {f"optimizer.{key}": value for key, value in hyper.items()}
    every = named | {"weight_decay": weight_decay}
    return {key: torch.tensor(value, dtype=torch.float64) for key, value in every.items()}


def walk(
    program: Program, hyper: Mapping[str, Any], *, weight_decay: float = 0.0, steps: int = STEPS
) -> Array:
    """Return iterate and evaluated parameters after each step (steps, 2, P), by the engine."""
    params = start_at(program)
    network = Network(params, {}, start_optimizer(program, params))
    given = numbers(hyper, weight_decay)
    seen = []
    for step in range(1, steps + 1):
        lr = torch.tensor(rate_at(step, hyper["lr"]), dtype=torch.float64)
        at = torch.tensor(step, dtype=torch.float64)
        gradient = slope(network.params, step)
        params, state = update(program, network, gradient, given, lr, at)
        network = Network(params, {}, state)
        seen.append(torch.stack([params, evaluated(program, network, given)]))
    return torch.stack(seen).numpy()


def twins_walk(
    program: Program, hyper: Mapping[str, Any], *, weight_decay: float = 0.0, steps: int = STEPS
) -> Array:
    """Return the same from the twin, on parameters that lie as a network's do."""
    entry = OPTIMIZERS[program.optimizer]
    params = [torch.nn.Parameter(p.clone()) for p in unflatten(program, start_at(program)).values()]
    recipe = {"weight_decay": weight_decay, "decoupled": program.decoupled}
    (twin, decay), by_hand = entry.twin_for(recipe), entry.decay_by_hand(recipe)
    optimizer = twin(params, **decay, **hyper)
    seen = []
    for step in range(1, steps + 1):
        lr = optimizer.param_groups[0]["lr"] = rate_at(step, hyper["lr"])
        gradient = slope(flat(params), step)
        for param, piece in zip(params, unflatten(program, gradient).values(), strict=True):
            param.grad = piece.clone()
        if by_hand:
            with torch.no_grad():
                for param in params:
                    param.mul_(1 - lr * by_hand)
        optimizer.step()
        averages = [optimizer.state[param].get("ax", param) for param in params]
        seen.append(torch.stack([flat(params), flat(averages)]))
    return torch.stack(seen).numpy()


def flat(tensors: list[Any]) -> Tensor:
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors])


def assert_close(found: Array, wanted: Array, tolerance: float = 1e-9) -> None:
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance * 1e-2)


def differ(found: Array, wanted: Array) -> bool:
    return not np.allclose(found, wanted, rtol=1e-9, atol=1e-11)


# --------------------------------------------------------------------------------- against the twin


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_equals_twin(name: str) -> None:
    program = program_with(name)
    for hyper in hypers(name):
        assert_close(walk(program, hyper), twins_walk(program, hyper))


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("decoupled", [False, True])
def test_weight_decay_equals_twin(name: str, decoupled: bool) -> None:
    fixed = OPTIMIZERS[name].decoupled
    if fixed is not None and fixed != decoupled:
        with pytest.raises(StudyError, match="by its definition"):
            program_with(name, decoupled=decoupled)
        return
    program = program_with(name, decoupled=decoupled, weight_decay=0.3)
    hyper = next(hypers(name))
    found = walk(program, hyper, weight_decay=0.3)
    assert_close(found, twins_walk(program, hyper, weight_decay=0.3))
    assert differ(found, twins_walk(program, hyper, weight_decay=0.4))


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("lr", [1e3, 1e6, 1e9, 1e12])
def test_absurd_rates_equal_twin(name: str, lr: float) -> None:
    # the landscape turns rounding into another valley after a few steps at such a rate
    program = program_with(name)
    hyper = next(hypers(name)) | {"lr": lr}
    found, wanted = (run(program, hyper, steps=4) for run in (walk, twins_walk))
    assert np.isfinite(wanted).all()
    size = np.abs(wanted).max(-1, keepdims=True)
    np.testing.assert_allclose(found / size, wanted / size, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_another_rate_is_noticed(name: str) -> None:
    program = program_with(name)
    hyper = next(hypers(name))
    assert differ(walk(program, hyper), twins_walk(program, hyper | {"lr": hyper["lr"] * 1.0001}))


@pytest.mark.parametrize("name", WITH_BETAS)
def test_swapped_betas_are_noticed(name: str) -> None:
    program = program_with(name)
    hyper = next(hypers(name)) | {"beta1": 0.8}  # SOAP's are alike
    swapped = hyper | {"beta1": hyper["beta2"], "beta2": hyper["beta1"]}
    assert differ(walk(program, swapped), twins_walk(program, hyper))


@pytest.mark.parametrize("name", CORRECTED)
def test_missing_bias_correction_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = program_with(name)
    hyper = next(hypers(name))
    # nearly none: the step's length without it, but no division by zero where 1 - it is taken
    monkeypatch.setattr(adam, "one_minus_power", lambda beta, step: torch.ones_like(beta) * 0.999)
    assert differ(walk(program, hyper), twins_walk(program, hyper))


@pytest.mark.parametrize("name", AVERAGED)
def test_average_is_another_than_the_iterate(name: str) -> None:
    hyper = next(hypers(name)) | ({"t0": 20.0} if name == "asgd" else {})
    iterates, averages = walk(program_with(name), hyper).transpose(1, 0, 2)
    assert differ(iterates[-1], averages[-1])


@pytest.mark.parametrize("name", AVERAGED)
def test_average_is_the_parameter_before_training(name: str) -> None:
    program = program_with(name)
    params = start_at(program)
    network = Network(params, {}, start_optimizer(program, params))
    assert torch.equal(evaluated(program, network, numbers(next(hypers(name)))), params)


# ---------------------------------------------------------------------- in a stack of several


@pytest.mark.whole
@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_stack_equals_one_by_one(name: str, dtype: torch.dtype) -> None:
    program = program_with(name, weight_decay=0.01)
    networks = [stack_of(program, count) for count in (1, 2, 3, 5)]
    whole = walk_of_stack(program, *networks[-1], dtype)
    for params, hyper in networks[1:-1]:
        count = len(params)
        assert torch.equal(walk_of_stack(program, params, hyper, dtype), whole[:count])
    for place in range(5):
        params, hyper = networks[-1]
        alone = {key: value[place : place + 1] for key, value in hyper.items()}
        pair = {key: value.repeat(2) for key, value in alone.items()}
        twice = params[place].repeat(2, 1)
        assert torch.equal(walk_of_stack(program, twice, pair, dtype)[1], whole[place])


def stack_of(program: Program, count: int) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the parameters (cells, P) and numbers (cells,) of networks that differ in all."""
    defaults, others, *_ = hypers(program.optimizer)
    mixed = [
        {
            key: low + (high - low) * place / 4 if key != "lr" else low * (1 + place / 4)
            for (key, low), high in zip(defaults.items(), others.values(), strict=True)
        }
        for place in range(count)
    ]
    every = [numbers(hyper, 0.01 * place) for place, hyper in enumerate(mixed)]
    stacked = {key: torch.stack([one[key] for one in every]) for key in every[0]}
    return torch.stack([start_at(program, seed) for seed in range(count)]), stacked


def walk_of_stack(
    program: Program, params: Tensor, given: dict[str, Tensor], dtype: torch.dtype, steps: int = 6
) -> Tensor:
    """Return the evaluated parameters (cells, P) after some steps of a mapped update."""
    params = params.to(dtype)
    network = Network(params, {}, vmap(partial(start_optimizer, program))(params))
    mapped = vmap(partial(update, program), in_dims=(0, 0, 0, 0, None))
    for step in range(1, steps + 1):
        lr = given["optimizer.lr"] * rate_at(step, 1.0)
        at = torch.tensor(step, dtype=torch.float64)
        gradient = slope(network.params.double(), step).to(dtype)
        new, state = mapped(network, gradient, given, lr, at)
        network = Network(new, {}, state)
    return vmap(partial(evaluated, program))(network, given)


# ------------------------------------------------------- against the rule as it is published


def published_walk(name: str, rule: Any, count: int = 3) -> tuple[Array, Array]:
    """Return the parameters (cells, P) after a walk in a stack, and by the rule, one by one."""
    program = program_with(name, weight_decay=0.01)
    params, given = stack_of(program, count)
    found = walk_of_stack(program, params, given, torch.float64, steps=STEPS)
    wanted = []
    for place in range(count):
        hyper = {
            key.removeprefix("optimizer."): float(value[place]) for key, value in given.items()
        }
        lr = hyper.pop("lr")
        rates = [lr * rate_at(step, 1.0) for step in range(1, STEPS + 1)]
        wanted.append(rule(params[place].numpy(), rates, **hyper))
    return found.numpy(), np.stack(wanted)


def slope_of(params: Array, step: int) -> Array:
    return slope(torch.from_numpy(params), step).numpy()


def published_momentum_ema(
    p: Array, rates: list[float], momentum: float, weight_decay: float
) -> Array:
    v = np.zeros_like(p)
    for t, lr in enumerate(rates, start=1):
        v = momentum * v + (1 - momentum) * lr * (slope_of(p, t) + weight_decay * p)
        p = p - v
    return p


def published_lion(
    p: Array, rates: list[float], beta1: float, beta2: float, weight_decay: float
) -> Array:
    m = np.zeros_like(p)
    for t, lr in enumerate(rates, start=1):
        g = slope_of(p, t)
        p = p - lr * (np.sign(beta1 * m + (1 - beta1) * g) + weight_decay * p)
        m = beta2 * m + (1 - beta2) * g
    return p


def published_schedulefree_sgd(
    y: Array, rates: list[float], beta: float, weight_decay: float
) -> Array:
    x, z, total, largest = y, y, 0.0, 0.0
    for t, lr in enumerate(rates, start=1):
        largest = max(largest, lr)
        total += largest**2
        c = largest**2 / total
        z = z - lr * (slope_of(y, t) + weight_decay * y)
        x = (1 - c) * x + c * z
        y = (1 - beta) * z + beta * x
    return x


def published_schedulefree_adamw(
    y: Array, rates: list[float], beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    x, z, v, total, largest = y, y, np.zeros_like(y), 0.0, 0.0
    for t, lr in enumerate(rates, start=1):
        g = slope_of(y, t)
        v = beta2 * v + (1 - beta2) * g**2
        largest = max(largest, lr)
        total += largest**2
        c = largest**2 / total
        z = z - lr * g / (np.sqrt(v / (1 - beta2**t)) + eps) - lr * weight_decay * y
        x = (1 - c) * x + c * z
        y = (1 - beta1) * z + beta1 * x
    return x


def published_asgd(
    p: Array, rates: list[float], lambd: float, alpha: float, t0: float, weight_decay: float
) -> Array:
    average, eta, share = p, rates[0], 1.0
    for t, lr in enumerate(rates, start=1):
        p = (1 - lambd * eta) * p - eta * (slope_of(p, t) + weight_decay * p)
        average = average + share * (p - average)
        eta = lr / (1 + lambd * lr * t) ** alpha
        share = 1 / max(1, t - t0)
    return average


def published_muon(
    p: Array,
    rates: list[float],
    momentum: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
) -> Array:
    program = program_with("muon")
    hidden = {name for name in ("0.weight", "1.weight") if name in layout(program)}
    state: dict[str, Any] = {}
    for t, lr in enumerate(rates, start=1):
        gradients = unflatten(program, torch.from_numpy(slope_of(p, t)))
        pieces = {k: v.numpy().copy() for k, v in unflatten(program, torch.from_numpy(p)).items()}
        for name, w in pieces.items():
            g = gradients[name].numpy()
            m, v = state.get(name, (0.0 * g, 0.0 * g))
            w *= 1 - lr * weight_decay
            if name in hidden:
                m = momentum * m + (1 - momentum) * g
                o = quintic((1 - momentum) * g + momentum * m)
                w -= 0.2 * math.sqrt(max(w.shape)) * lr * o
            else:
                m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
                w -= lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)
            state[name] = (m, v)
        p = np.concatenate([w.ravel() for w in pieces.values()])
    return p


def quintic(matrix: Array) -> Array:
    """Apply the Newton-Schulz polynomial to the singular values, five times."""
    u, s, vt = np.linalg.svd(matrix, full_matrices=False)
    s = s / max(np.linalg.norm(s), 1e-7)
    for _ in range(5):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    return np.asarray(u @ np.diag(s) @ vt)


def published_ademamix(
    p: Array,
    rates: list[float],
    beta1: float,
    beta2: float,
    beta3: float,
    alpha: float,
    warmup: float,
    eps: float,
    weight_decay: float,
) -> Array:
    m1, m2, v = 0.0 * p, 0.0 * p, 0.0 * p
    for t, lr in enumerate(rates, start=1):
        g, now, slow = slope_of(p, t), alpha, beta3
        if t < warmup:
            now = alpha * t / warmup
            one, other = math.log(beta1), math.log(beta3)
            slow = math.exp(one * other / ((1 - t / warmup) * other + t / warmup * one))
        m1, m2 = beta1 * m1 + (1 - beta1) * g, slow * m2 + (1 - slow) * g
        v = beta2 * v + (1 - beta2) * g**2
        step = (m1 / (1 - beta1**t) + now * m2) / (np.sqrt(v / (1 - beta2**t)) + eps)
        p = p - lr * (step + weight_decay * p)
    return p


def published_dadapt_adam(
    p: Array,
    rates: list[float],
    beta1: float,
    beta2: float,
    eps: float,
    d0: float,
    weight_decay: float,
) -> Array:
    m, v, s, r, d, root = 0.0 * p, 0.0 * p, 0.0 * p, 0.0, d0, beta2**0.5
    for t, lr in enumerate(rates, start=1):
        g = slope_of(p, t)
        r = root * r + (1 - root) * d * lr * float(g @ (s / (np.sqrt(v) + eps)))
        m, v = beta1 * m + (1 - beta1) * d * lr * g, beta2 * v + (1 - beta2) * g**2
        s = root * s + (1 - root) * d * lr * g
        p = p - d * lr * weight_decay * p - m / (np.sqrt(v) + eps)
        d = max(d, r / ((1 - root) * float(np.abs(s).sum())))
    return p


def published_prodigy(
    p: Array,
    rates: list[float],
    beta1: float,
    beta2: float,
    eps: float,
    d0: float,
    weight_decay: float,
) -> Array:
    start, m, v, s, r, d, root = p, 0.0 * p, 0.0 * p, 0.0 * p, 0.0, d0, beta2**0.5
    for t, lr in enumerate(rates, start=1):
        g = slope_of(p, t)
        m, v = beta1 * m + (1 - beta1) * d * g, beta2 * v + (1 - beta2) * d**2 * g**2
        r = root * r + (1 - root) * lr * d**2 * float(g @ (start - p))
        s = root * s + (1 - root) * lr * d**2 * g
        p = p - d * lr * (weight_decay * p + m / (np.sqrt(v) + d * eps))
        d = max(d, r / float(np.abs(s).sum()))
    return p


def published_shampoo(p: Array, rates: list[float], eps: float, weight_decay: float) -> Array:
    program = program_with("shampoo")
    kept: dict[str, Any] = {}
    for t, lr in enumerate(rates, start=1):
        gradients = unflatten(program, torch.from_numpy(slope_of(p, t) + weight_decay * p))
        pieces = {k: v.numpy().copy() for k, v in unflatten(program, torch.from_numpy(p)).items()}
        for name, w in pieces.items():
            g = gradients[name].numpy()
            if g.ndim == 1:
                kept[name] = kept.get(name, eps) + g**2
                w -= lr * g / np.sqrt(kept[name])
                continue
            left, right = kept.get(name, [eps * np.eye(n) for n in g.shape])
            kept[name] = left, right = left + g @ g.T, right + g.T @ g
            w -= lr * power_of(left, -0.25) @ g @ power_of(right, -0.25)
        p = np.concatenate([w.ravel() for w in pieces.values()])
    return p


def power_of(matrix: Array, exponent: float) -> Array:
    return np.asarray(fractional_matrix_power(matrix, exponent).real)


def published_soap(
    p: Array,
    rates: list[float],
    beta1: float,
    beta2: float,
    eps: float,
    every: int,
    weight_decay: float,
) -> Array:
    program = program_with("soap")
    kept: dict[str, Any] = {}
    for t, lr in enumerate(rates):
        gradients = unflatten(program, torch.from_numpy(slope_of(p, t + 1)))
        pieces = {k: v.numpy().copy() for k, v in unflatten(program, torch.from_numpy(p)).items()}
        for name, w in pieces.items():
            g = gradients[name].numpy()
            sizes = g.shape if g.ndim == 2 else (1,)
            start = 0.0 * g, 0.0 * g, [np.eye(n) for n in sizes], [0.0 * np.eye(n) for n in sizes]
            m, v, q, means = kept.get(name, start)
            w *= 1 - lr * weight_decay
            if t:
                m = beta1 * m + (1 - beta1) * g
                v = beta2 * v + (1 - beta2) * into(q, g) ** 2
                step = into(q, m / (1 - beta1**t)) / (
                    np.sqrt(v / (1 - beta2**t)) + eps_of(t, eps, beta2)
                )
                w -= lr * into([one.T for one in q], step)
            if g.ndim == 2:
                means = [
                    beta2 * mean + (1 - beta2) * gram
                    for mean, gram in zip(means, (g @ g.T, g.T @ g), strict=True)
                ]
                if t % every == 0:
                    ridged = [mean + 1e-6 * np.trace(mean) * np.eye(len(mean)) for mean in means]
                    q = [np.linalg.qr(one @ old)[0] for one, old in zip(ridged, q, strict=True)]
            kept[name] = m, v, q, means
        p = np.concatenate([w.ravel() for w in pieces.values()])
    return p


def into(bases: list[Array], matrix: Array) -> Array:
    return bases[0].T @ matrix @ bases[1] if matrix.ndim == 2 else matrix


def eps_of(t: int, eps: float, beta2: float) -> float:
    """Where the paper adds eps before it is unbiased."""
    return float(eps / math.sqrt(1 - beta2**t))


def published_sophia_ef(
    p: Array,
    rates: list[float],
    beta1: float,
    beta2: float,
    gamma: float,
    eps: float,
    every: int,
    weight_decay: float,
) -> Array:
    m, h = 0.0 * p, 0.0 * p
    for t, lr in enumerate(rates):
        g = slope_of(p, t + 1)
        m = beta1 * m + (1 - beta1) * g
        if t % every == 0:
            h = beta2 * h + (1 - beta2) * g * g
        p = p - lr * weight_decay * p
        p = p - lr * np.clip(m / np.maximum(gamma * h, eps), -1, 1)
    return p


PUBLISHED = {
    "soap": published_soap,
    "sophia_ef": published_sophia_ef,
    "ademamix": published_ademamix,
    "dadapt_adam": published_dadapt_adam,
    "prodigy": published_prodigy,
    "shampoo": published_shampoo,
    "momentum_ema": published_momentum_ema,
    "lion": published_lion,
    "schedulefree_sgd": published_schedulefree_sgd,
    "schedulefree_adamw": published_schedulefree_adamw,
    "asgd": published_asgd,
    "muon": published_muon,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_equals_published_rule(name: str) -> None:
    found, wanted = published_walk(name, PUBLISHED[name])
    # a singular value near 0 grows five hundredfold in Newton and Schulz's steps, and Prodigy's
    # distance a millionfold
    assert_close(found, wanted, tolerance=1e-7 if name in ("muon", "prodigy") else 1e-9)
    assert differ(found[0], found[1])


def test_published_rule_bites(monkeypatch: pytest.MonkeyPatch) -> None:
    right = averages.schedule_free

    def average_of_y(direction: Tensor, state: Any, y: Tensor, hyper: Any, beta: Tensor) -> Any:
        return right(direction, state, y, hyper, 0.9 * beta)

    monkeypatch.setattr(averages, "schedule_free", average_of_y)
    found, wanted = published_walk("schedulefree_adamw", published_schedulefree_adamw)
    assert differ(found, wanted)


def test_muon_equals_torchs_own_in_full_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tensor, "bfloat16", Tensor.clone)  # torch orthogonalises in bfloat16
    start = torch.randn(6, 4, generator=generator_of(0), dtype=torch.float64)
    other = torch.randn(2, 6, generator=generator_of(1), dtype=torch.float64)
    mine, last, theirs = (torch.nn.Parameter(w.clone()) for w in (start, other, start))
    hyper = {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.1}
    twin = Muon([mine, last], beta1=0.9, beta2=0.999, eps=1e-8, **hyper)
    own = torch.optim.Muon([theirs], adjust_lr_fn="match_rms_adamw", **hyper)
    for step in range(STEPS):
        for param in (mine, theirs):
            param.grad = slope(param.detach().reshape(-1), step).reshape(6, 4)
        last.grad = torch.zeros_like(last)
        twin.step()
        own.step()
    torch.testing.assert_close(mine, theirs, rtol=1e-8, atol=1e-10)


# ---------------------------------------------------------------------------- what an entry says


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("shape", [(6, 4), (3, 3), (5,)])
def test_memory_is_what_the_state_takes(name: str, shape: tuple[int, ...]) -> None:
    entry = OPTIMIZERS[name]
    rule = OPTIMIZERS[entry.rest] if entry.rest and len(shape) == 1 else entry
    state = rule.init(torch.zeros(shape))
    # single numbers of a whole network, such as a sum of weights, count for nothing
    floats = sum(value.numel() for value in state.values() if value.ndim)
    assert floats / math.prod(shape) == pytest.approx(entry.floats_per_parameter(*shape))


def test_torch_does_without_the_unused_floats() -> None:
    """Of rules with a momentum that is 0 by default, torch keeps no velocity then."""
    declared = [name for name, entry in OPTIMIZERS.items() if entry.unused_floats]
    assert declared == ["rmsprop", "rmsprop_centered"]
    for name in declared:
        entry = OPTIMIZERS[name]
        weight = torch.nn.Parameter(torch.zeros(6))
        hyper = {key: about.default for key, about in entry.parameters.items()}
        twin = entry.twin([weight], **hyper, weight_decay=0.0)
        weight.grad = torch.ones(6)
        twin.step()
        kept = [value for value in twin.state[weight].values() if value.ndim]
        assert len(kept) == entry.floats_per_parameter(6) - entry.unused_floats


def test_memory_of_adafactor() -> None:
    assert OPTIMIZERS["adafactor"].floats_per_parameter(32, 64) == (32 + 64) / (32 * 64)


def test_full_batch_rules_take_all_examples() -> None:
    names = [name for name, entry in OPTIMIZERS.items() if entry.full_batch]
    assert {"gd", "rprop"} == set(names)
    assert {cell.recipe["batch_size"] for cell in make_cells(optimizer=names)} == {0}
    # which a normalisation over the batch may follow, whatever batch size is written
    assert make_cells(optimizer="gd", batch_size=1, norm="batchnorm")


def test_rprop_keeps_its_steps_within_bounds() -> None:
    program = program_with("rprop")
    hyper = next(hypers("rprop")) | {"step_min": 0.01, "step_max": 0.02, "lr": 0.1}
    found = walk(program, hyper)
    assert_close(found, twins_walk(program, hyper))
    moves = np.abs(np.diff(found[:, 0], axis=0))
    assert moves.max() == pytest.approx(0.02)
    assert moves[moves > 1e-9].min() == pytest.approx(0.01)
