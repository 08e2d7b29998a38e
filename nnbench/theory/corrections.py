"""What finite width adds to mean-field theory, to first order in 1 / width.

Given a layer's mean square q, the next pre-activations are exactly normal, so that q is a chain:
q' = sw2 (mean of phi^2 over n units) + sb2. Its variance v and the shift b of its mean obey

    v' = F'(q)^2 v + sw2^2 Var phi^2 / n,      b' = F'(q) b + F''(q) v / 2,

F being the q map. Squared gradients multiply by sw2 (mean of phi'^2), whose mean shifts with b and
v; factors of two layers go together, for both see the same q, and the units that make phi'^2
large make the next q large as well. And a gradient comes back through the weights that the signal
went through: given the signal they are no longer centred. With w = z - bias of variance p, the
excess e = E (w . delta)^2 / (p E |delta|^2) - 1 over what strangers have obeys

    e = [F'^2 (p / p') e' + sw2 E (w phi')^2 / p] / (sw2 E phi'^2) - 1,

from 0 at the top, and adds E (phi phi')^2 e' / (n E phi^2 E phi'^2) to a layer's factor. Linear
and ReLU networks have none of these: their growth is exact at any width. Sources: Yaida 2020,
Non-Gaussian Processes and Neural Networks at Finite Widths; Roberts, Yaida and Hanin 2022, The
Principles of Deep Learning Theory, chapters 4 and 9; the correlation of signal and gradient is
worked out here, by conditioning each layer's weights on what they have sent up.
"""

import math
from dataclasses import dataclass

import numpy as np

from nnbench.catalog.meanfield import MeanField

STEP = 1e-3  # of q, relative, for derivatives
FIXED = 1e-10  # relative: a q that moves by less is at its fixed point


@dataclass(frozen=True)
class Layer:
    """One layer's integrals at its q: F' and F'', S = E phi'^2 with its derivatives, and moments.

    Derivatives are with respect to q; F is the q map, `inner` the variance p of w.
    """

    q: float
    inner: float
    f1: float
    f2: float
    slope: float
    slope1: float
    slope2: float
    square: float  # E phi^2
    square_variance: float  # Var phi^2
    together: float  # E (phi phi')^2
    pushed: float  # E (w phi')^2


@dataclass(frozen=True)
class FiniteWidth:
    """Means at finite width, to first order. q: of each layer; shift, variance: what makes it.

    growth: of squared gradients, a layer, from the last pre-activations to the first; wide: the
    same at infinite width. order: depth / width, by which each order is smaller than the last.
    """

    q: tuple[float, ...]
    shift: tuple[float, ...]
    variance: tuple[float, ...]
    growth: float
    wide: float
    order: float

    @property
    def growth_beyond(self) -> float:
        """What higher orders may add to the growth: depth / width of the first one."""
        return abs(self.growth - self.wide) * self.order

    def q_beyond(self, first: int) -> float:
        """What they may add to the mean of q from a layer on."""
        return abs(sum(self.shift[first:])) / len(self.shift[first:]) * self.order


def finite_width(
    field: MeanField, weight: float, bias: float, q: float, depth: int, width: int
) -> FiniteWidth:
    """Return what networks of so many layers and units have on average, started at q exactly."""
    layers = _layers(field, weight, bias, q, depth)
    shift, variance = [0.0], [0.0]
    for one in layers[:-1]:
        shift.append(one.f1 * shift[-1] + one.f2 * variance[-1] / 2)
        variance.append(one.f1**2 * variance[-1] + weight**2 * one.square_variance / width)
    total = _shifted(layers, shift, variance) + _alike(layers, variance, weight, width)
    total += _aligned(layers, weight, width)
    steps = depth - 1
    wide = math.prod(weight * one.slope for one in layers[:-1]) ** (1 / steps)
    growth = wide * max(1 + total, 0.0) ** (1 / steps)
    means = tuple(one.q + more for one, more in zip(layers, shift, strict=True))
    return FiniteWidth(means, tuple(shift), tuple(variance), growth, wide, depth / width)


def _shifted(layers: list[Layer], shift: list[float], variance: list[float]) -> float:
    """What the mean of each layer's factor shifts by, relatively, added up."""
    return sum(
        (one.slope1 * b + one.slope2 * v / 2) / one.slope
        for one, b, v in zip(layers[:-1], shift, variance, strict=False)
    )


def _alike(layers: list[Layer], variance: list[float], weight: float, width: int) -> float:
    """What the product of factors has because a layer's goes with the later layers'."""
    total = 0.0
    for first, one in enumerate(layers[:-1]):
        carried = one.slope1 / one.slope * variance[first] * one.f1
        units = weight * (one.together - one.square * one.slope) / one.slope / width
        reach = carried + units  # covariance of this factor with the next layer's q
        for other in layers[first + 1 : -1]:
            total += reach * other.slope1 / other.slope
            reach *= other.f1
    return total


def _aligned(layers: list[Layer], weight: float, width: int) -> float:
    """What gradients gain by coming back through the weights that the signal went through."""
    total = excess = 0.0
    for one, above in zip(layers[-2::-1], layers[:0:-1], strict=True):
        total += one.together * excess / (width * one.square * one.slope)
        kept = one.f1**2 * one.inner / above.inner * excess
        excess = (kept + weight * one.pushed / one.inner) / (weight * one.slope) - 1
    return total


def _layers(field: MeanField, weight: float, bias: float, q: float, depth: int) -> list[Layer]:
    layers = [_layer(field, weight, bias, q)]
    while len(layers) < depth:
        q = float(field.q_map(layers[-1].q, weight, bias))
        is_fixed = abs(q - layers[-1].q) <= FIXED * q
        layers.append(layers[-1] if is_fixed else _layer(field, weight, bias, q))
    return layers


def _layer(field: MeanField, weight: float, bias: float, q: float) -> Layer:
    at = np.array([q * (1 - STEP), q, q * (1 + STEP)])
    maps, slopes = field.q_map(at, weight, bias), field.slope_moment(at)
    f1, f2 = _derivatives(maps, q * STEP)
    slope1, slope2 = _derivatives(slopes, q * STEP)
    square, fourth, together, pushed = field.finite_moments(q)
    inner = q - bias  # of w given z = w + bias: mean z p / q, variance p sb2 / q
    w_pushed = (inner / q) ** 2 * pushed + inner * bias / q * float(slopes[1])
    return Layer(
        q, inner, f1, f2, float(slopes[1]), slope1, slope2,
        square, fourth - square**2, together, w_pushed,
    )  # fmt: skip


def _derivatives(values: np.ndarray, step: float) -> tuple[float, float]:
    low, middle, high = map(float, values)
    return (high - low) / (2 * step), (high - 2 * middle + low) / step**2
