"""The first order in 1/width, held against networks that plain numpy makes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import ndtr

from nnbench.catalog.meanfield import mean_field
from nnbench.theory import laws
from nnbench.theory.corrections import finite_width

Function = Callable[[np.ndarray], np.ndarray]
SELU = 1.0507009873554805, 1.6732632423543772


def selu(z: np.ndarray) -> np.ndarray:
    return SELU[0] * np.where(z > 0, z, SELU[1] * np.expm1(np.minimum(z, 0)))


FUNCTIONS: dict[str, tuple[Function, Function]] = {
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "gelu": (
        lambda z: z * ndtr(z),
        lambda z: ndtr(z) + z * np.exp(-z * z / 2) / math.sqrt(2 * math.pi),
    ),
    "selu": (selu, lambda z: SELU[0] * np.where(z > 0, 1, SELU[1] * np.exp(np.minimum(z, 0)))),
}


def measured(
    name: str, weight: float, bias: float, q: float, depth: int, width: int, networks: int
) -> dict[str, tuple[float, float]]:
    """Return the last layer's q and the growth a layer of squared gradients, each with its error.

    As the checks measure them: started at q exactly, a gradient of random direction at the top.
    """
    generator = np.random.default_rng(31)
    value, slope = FUNCTIONS[name]
    lasts, growths = [], []
    for _ in range(networks // 2000):
        h = generator.normal(size=(2000, width))
        h *= np.sqrt((q - bias) / weight * width) / np.linalg.norm(h, axis=1, keepdims=True)
        layers, matrices = [], []
        for _ in range(depth):
            matrices.append(generator.normal(size=(2000, width, width)) * (weight / width) ** 0.5)
            z = (matrices[-1] @ h[..., None])[..., 0]
            layers.append(z + bias**0.5 * generator.normal(size=z.shape))
            h = value(layers[-1])
        back = generator.normal(size=(2000, width))
        back /= np.linalg.norm(back, axis=1, keepdims=True)
        for matrix, z in zip(matrices[:0:-1], layers[-2::-1], strict=True):
            back = (back[:, None] @ matrix)[:, 0] * slope(z)
        lasts.append((layers[-1] ** 2).mean(axis=1))
        growths.append((back**2).sum(axis=1))
    last, growth = np.concatenate(lasts), np.concatenate(growths)
    mean, steps = float(growth.mean()), depth - 1
    error = float(growth.std()) / len(growth) ** 0.5 / mean / steps
    return {
        "q": (float(last.mean()), float(last.std()) / len(last) ** 0.5),
        "growth": (mean ** (1 / steps), mean ** (1 / steps) * error),
    }


@pytest.mark.parametrize(("name", "weight"), [("relu", 2.0), ("relu", 1.0), ("identity", 1.0)])
def test_linear_and_relu_networks_have_none(name: str, weight: float) -> None:
    found = finite_width(mean_field(name), weight, 0.0, 1.0, 12, 32)
    assert found.growth == pytest.approx(found.wide, abs=1e-9)
    assert found.shift == pytest.approx([0.0] * 12, abs=1e-6)


def test_it_is_of_first_order() -> None:
    field, q = mean_field("tanh"), mean_field("tanh").fixed_point(1.76, 0.05)
    near, far = (finite_width(field, 1.76, 0.05, q, 8, width) for width in (1000, 4000))
    assert near.shift[-1] / far.shift[-1] == pytest.approx(4.0)
    assert (near.growth - near.wide) / (far.growth - far.wide) == pytest.approx(4.0, rel=0.01)
    assert near.q[0] == q and near.growth_beyond == abs(near.growth - near.wide) * 8 / 1000


def hold(name: str, weight: float, bias: float, q: float, networks: int) -> None:
    depth, width = 6, 24
    found = finite_width(mean_field(name), weight, bias, q, depth, width)
    seen = measured(name, weight, bias, q, depth, width, networks)
    (last, last_error), (growth, error) = seen["q"], seen["growth"]
    beyond = abs(found.shift[-1]) * found.order
    assert abs(last - found.q[-1]) < 4 * last_error + beyond
    assert abs(growth - found.growth) < 4 * error + found.growth_beyond


@pytest.mark.whole
def test_tanh_networks_have_it_and_not_the_law_of_infinite_width() -> None:
    q = mean_field("tanh").fixed_point(1.76, 0.05)
    hold("tanh", 1.76, 0.05, q, 16_000)
    last, error = measured("tanh", 1.76, 0.05, q, 6, 24, 16_000)["q"]
    assert abs(last - q) > 4 * error


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "weight", "bias", "q"),
    [
        ("tanh", 3.0, 0.05, None),
        ("tanh", 1.3, 0.1, None),
        ("gelu", 2.0, 0.0, 0.02),
        ("selu", 1.0, 0.0, 1.0),
    ],
)
def test_so_do_others(name: str, weight: float, bias: float, q: float | None) -> None:
    start = mean_field(name).fixed_point(weight, bias) if q is None else q
    hold(name, weight, bias, start, 40_000)


def test_selus_mean_shifts_as_its_integral_does() -> None:
    z = np.linspace(-12, 12, 400_001)
    density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0])

    def mean(q: float) -> float:
        return float((selu(q**0.5 * z) * density).sum())

    step = 1e-3
    first = (mean(1 + step) - mean(1 - step)) / (2 * step)
    second = (mean(1 + step) - 2 * mean(1) + mean(1 - step)) / step**2
    assert laws.selu_mean_shift(1.0, 0.0) == pytest.approx(first, rel=1e-4)
    assert laws.selu_mean_shift(0.0, 1.0) == pytest.approx(second / 2, rel=1e-3)
