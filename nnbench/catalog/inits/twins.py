"""Initialisations by torch's own means, apart from the functions that they are held against.

Each fills its tensor in place, and draws no more than one standard normal number an element from
the generator: the noise that the functions are given. Where torch draws a law from other noise the
twin maps the normal draws to it, by erf where the functions use the distribution function.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import pairwise

import torch
from scipy import integrate
from torch import Generator, Tensor, nn

from nnbench.catalog.activations.registry import ACTIVATIONS


def symmetric_noise(tensor: Tensor, generator: Generator) -> Tensor:
    """Fill with uniform noise on (-1, 1)."""
    return nn.init.normal_(tensor, generator=generator).div_(math.sqrt(2)).erf_()


def constant(weight: Tensor, generator: Generator, gain: float, value: float) -> Tensor:
    """torch.nn.init.constant_."""
    return nn.init.constant_(weight, gain * value)


def small(weight: Tensor, generator: Generator, gain: float, bound: float) -> Tensor:
    """The law of torch.nn.init.uniform_(-bound, bound)."""
    return symmetric_noise(weight, generator).mul_(gain * bound)


def normal(weight: Tensor, generator: Generator, gain: float, std: float) -> Tensor:
    """torch.nn.init.normal_."""
    return nn.init.normal_(weight, std=gain * std, generator=generator)


def truncated_normal(weight: Tensor, generator: Generator, gain: float, std: float) -> Tensor:
    """The law of torch.nn.init.trunc_normal_, cut at two standard deviations."""
    share = math.erf(2 / math.sqrt(2))  # of the normal law, between the cuts
    symmetric_noise(weight, generator).mul_(share).erfinv_()
    return weight.mul_(gain * std * math.sqrt(2))


def normal_law(
    weight: Tensor, generator: Generator, gain: float, fill: str, **fixed: str
) -> Tensor:
    """torch.nn.init's own normal law: it draws the same noise from the same generator."""
    getattr(nn.init, fill)(weight, generator=generator, **fixed)
    return weight.mul_(gain)


def uniform_law(
    weight: Tensor, generator: Generator, gain: float, fan: str, scale: float
) -> Tensor:
    """The uniform law of variance scale / 3 / fan, from torch's own fans."""
    fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(weight)
    bound = math.sqrt(scale / {"in": fan_in, "both": fan_in + fan_out}[fan])
    return symmetric_noise(weight, generator).mul_(gain * bound)


def uniform_bias(bias: Tensor, generator: Generator, fan_in: int, gain: float) -> Tensor:
    """torch.nn.Linear's own law for biases."""
    return symmetric_noise(bias, generator).div_(math.sqrt(fan_in))


def orthogonal(weight: Tensor, generator: Generator, gain: float) -> Tensor:
    """torch.nn.init.orthogonal_."""
    return nn.init.orthogonal_(weight, gain=gain, generator=generator)


def lsuv(weight: Tensor, generator: Generator, gain: float, rows: int) -> Tensor:
    """torch.nn.init.orthogonal_: the data comes later."""
    return nn.init.orthogonal_(weight, generator=generator)


def critical(
    weight: Tensor,
    generator: Generator,
    gain: float,
    q: float,
    activation: str,
    given: Mapping[str, float],
) -> Tensor:
    """torch.nn.init.normal_ with the critical variance over fan_in."""
    slope, _ = moments(activation, tuple(given.items()), q)
    std = gain / math.sqrt(slope * weight.shape[1])
    return nn.init.normal_(weight, std=std, generator=generator)


def critical_bias(
    bias: Tensor,
    generator: Generator,
    fan_in: int,
    gain: float,
    q: float,
    activation: str,
    given: Mapping[str, float],
) -> Tensor:
    """torch.nn.init.normal_ with the critical variance of biases."""
    slope, value = moments(activation, tuple(given.items()), q)
    return nn.init.normal_(bias, std=math.sqrt(max(0.0, q - value / slope)), generator=generator)


@lru_cache(maxsize=256)
def moments(activation: str, given: tuple[tuple[str, float], ...], q: float) -> tuple[float, float]:
    """Return E f'^2 and E f^2 at sqrt(q) z, z standard normal, by scipy's adaptive quadrature.

    It goes through the activation's own twin, one number at a time; a random one is averaged over
    its noise by Simpson's rule, which is exact for a slope that is linear in it.
    """
    entry = ACTIVATIONS[activation]
    simpson = ((0.0, 1 / 6), (0.5, 4 / 6), (1.0, 1 / 6)) if entry.random else ((0.5, 1.0),)
    modules: list[tuple[float, nn.Module]] = []
    for noise, weight in simpson:
        source = [_always(noise)] if entry.random else []
        modules.append((weight, entry.twin(*source, **dict(given)).double()))
    root = math.sqrt(q)

    def density(z: float) -> float:
        return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

    def value(z: float) -> float:
        x = torch.tensor([[root * z]], dtype=torch.float64)
        return density(z) * sum(w * module(x).item() ** 2 for w, module in modules)

    def slope(z: float) -> float:
        total = 0.0
        for weight, module in modules:
            x = torch.tensor([[root * z]], dtype=torch.float64, requires_grad=True)
            module(x).backward()
            assert x.grad is not None
            total += weight * x.grad.item() ** 2
        return density(z) * total

    points = sorted({0.0, *(point / root for point in entry.breaks(**dict(given)))})
    edges = [-12.0, *(point for point in points if abs(point) < 12), 12.0]

    def integral(function: Callable[[float], float]) -> float:
        parts = pairwise(edges)
        options = {"epsabs": 1e-13, "epsrel": 1e-12, "limit": 200}
        return sum(float(integrate.quad(function, a, b, **options)[0]) for a, b in parts)

    with torch.enable_grad():
        return integral(slope), integral(value)


def _always(noise: float) -> Callable[[int, int], Tensor]:
    return lambda batch, units: torch.full((batch, units), noise, dtype=torch.float64)
