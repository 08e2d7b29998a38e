"""What torch lacks of the initialisations' twins, apart from the functions they are held against.

Each fills its tensor in place, and draws no more than one standard normal number an element from
the generator: the noise that the functions are given. Where torch draws a law from other noise the
twin maps the normal draws to it, by erf where the functions use the distribution function.
"""

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import pairwise

import torch
from scipy import integrate
from torch import Generator, Tensor, nn

from nnbench.catalog.activations.registry import ACTIVATIONS


def uniform_(tensor: Tensor, bound: float, generator: Generator) -> Tensor:
    """Fill with U(-bound, bound), by way of normal numbers: all laws share one noise."""
    return nn.init.normal_(tensor, generator=generator).div_(math.sqrt(2)).erf_().mul_(bound)


def truncated_normal_(tensor: Tensor, std: float, generator: Generator) -> Tensor:
    """Fill with torch.nn.init.trunc_normal_'s law, cut at two deviations, by the same way."""
    share = math.erf(2 / math.sqrt(2))  # of the normal law, between the cuts
    return uniform_(tensor, share, generator).erfinv_().mul_(std * math.sqrt(2))


def linear_bias_(tensor: Tensor, fan_in: int, generator: Generator) -> Tensor:
    """Fill with torch.nn.Linear's own law for biases, by the same way."""
    return uniform_(tensor, 1.0, generator).div_(math.sqrt(fan_in))


def moments(activation: str, given: Mapping[str, float], q: float) -> dict[str, float]:
    """E f'(sqrt(q) z)^2 and E f(sqrt(q) z)^2 of the activation f, z being standard normal."""
    slope, value = integrals(activation, tuple(given.items()), q)
    return {"slope_moment": slope, "second_moment": value}


@lru_cache(maxsize=256)
def integrals(
    activation: str, given: tuple[tuple[str, float], ...], q: float
) -> tuple[float, float]:
    """The two by scipy's adaptive quadrature, apart from those of `meanfield.py`.

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
