"""Mean-field theory of wide random networks: what an activation does to variance and gradients.

Weights are N(0, sigma_w^2/fan_in) and biases N(0, sigma_b^2); z is standard normal and E its mean;
q is the mean square of a layer's pre-activations. In the limit of infinite width

    q'  = sigma_w^2 E phi(sqrt(q) z)^2 + sigma_b^2          the next layer's q
    chi = sigma_w^2 E phi'(sqrt(q*) z)^2                    growth of squared gradients, a layer
    xi  = -1 / ln chi                                       layers until a signal falls by e

(Poole, Lahiri, Raghu, Sohl-Dickstein & Ganguli 2016, Exponential Expressivity in Deep Neural
Networks through Transient Chaos; Schoenholz, Gilmer, Ganguli & Sohl-Dickstein 2017, Deep
Information Propagation). A network is critical where chi = 1. Everything is float64; `phi'` is the
derivative that backpropagation sees, so that a jump has none. A random activation is averaged over
its noise, as in training; a learned number is at its start.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnbench.catalog.activations.registry import ACTIVATIONS
from nnbench.lazy import optimize, torch

Array = NDArray[np.float64]
EDGE = 13.0  # standard deviations: the normal weight beyond is 1e-38
TINY = 1e-24  # stands for q = 0: near enough to it, and still on both sides of a kink there
LARGEST_Q = 1e8
SMALLEST_Q = 1e-8
ACCURACY = 1e-14  # of a panel, relative to the whole integral
ROUNDING = 1e-6  # of an integral whose integrand is a difference of equals
MOST_PANELS, MOST_HALVINGS = 100_000, 40
NODES, WEIGHTS = np.polynomial.legendre.leggauss(16)


@dataclass(frozen=True)
class Critical:
    """A critical point: the two variances, and the fixed point q at which chi is 1."""

    weight_variance: float  # sigma_w^2
    bias_variance: float  # sigma_b^2
    q: float


@dataclass(frozen=True)
class MeanField:
    """One activation's mean field; make it with `mean_field(name, **parameters)`."""

    activation: str
    parameters: tuple[tuple[str, float], ...]

    def second_moment(self, q: ArrayLike) -> Array:
        """E phi(sqrt(q) z)^2 for each q >= 0; at 0 it is the limit from above."""
        return self._each("value", q)

    def slope_moment(self, q: ArrayLike) -> Array:
        """E phi'(sqrt(q) z)^2 for each q >= 0; at 0 it is the limit from above."""
        return self._each("slope", q)

    def finite_moments(self, q: float) -> tuple[float, float, float, float]:
        """E phi^2, E phi^4, E (phi phi')^2 and E (x phi')^2 at x = sqrt(q) z, for corrections."""
        return _moments(self, float(q))

    def q_map(self, q: ArrayLike, weight_variance: float, bias_variance: float) -> Array:
        """The next layer's q for each q."""
        return np.asarray(weight_variance * self.second_moment(q) + bias_variance)

    def fixed_point(
        self, weight_variance: float, bias_variance: float, start: float = 1.0
    ) -> float:
        """Return the q* that the q map settles at from `start`, or raise ValueError.

        ReLU's critical map leaves every q as it is, so that q* is `start` itself.
        """

        def rise(q: float) -> float:
            return float(self.q_map(q, weight_variance, bias_variance)) - q

        first, at_zero = rise(start), float(self.q_map(0.0, weight_variance, bias_variance))
        if abs(first) <= 100 * ACCURACY * start:
            return start
        factor = math.sqrt(2) if first > 0 else math.sqrt(0.5)
        near, far = start, start * factor
        while rise(far) * first > 0:
            if far > LARGEST_Q:
                raise ValueError(
                    f"{self}: q grows without bound at sigma_w^2 = {weight_variance:g}, "
                    f"sigma_b^2 = {bias_variance:g}, so that there is no fixed point"
                )
            if far < SMALLEST_Q and at_zero < TINY * max(1.0, 10 * weight_variance):
                return 0.0
            near, far = far, far * factor
        return _root(rise, near, far)

    def chi(self, weight_variance: float, bias_variance: float, start: float = 1.0) -> float:
        """Chi at q*: also the slope of the correlation map at c = 1."""
        q = self.fixed_point(weight_variance, bias_variance, start)
        return weight_variance * float(self.slope_moment(q))

    def depth_scale(
        self, weight_variance: float, bias_variance: float, start: float = 1.0
    ) -> float:
        """Xi = -1/ln chi in layers: infinite at criticality, negative where chi > 1."""
        chi = self.chi(weight_variance, bias_variance, start)
        if abs(chi - 1) <= 1000 * ACCURACY:
            return math.inf
        return -1 / math.log(chi) if chi > 0 else 0.0

    def correlation_map(
        self, c: ArrayLike, q: float, weight_variance: float, bias_variance: float
    ) -> Array:
        """The next layer's correlation of two inputs for each c in [-1, 1], both at q.

        It is [sigma_w^2 E phi(u) phi(v) + sigma_b^2] / q', u and v normal of variance q > 0 and
        covariance c q; at q* the divisor is q* itself.
        """
        after = float(self.q_map(q, weight_variance, bias_variance))
        products = np.vectorize(lambda one: _product(self, q, float(one)), otypes=[float])(c)
        return np.asarray((weight_variance * products + bias_variance) / after)

    def critical_at_q(self, q: float) -> Critical:
        """Return the critical point whose fixed point is q, or raise ValueError.

        sigma_w^2 = 1 / E phi'^2 makes chi 1, sigma_b^2 = q - sigma_w^2 E phi^2 makes q a fixed
        point: if the activation's square is too large for its slope, that would be negative.
        """
        weight = self._weight_variance(q)
        bias = q - weight * float(self.second_moment(q))
        if bias < -1e-10 * q:
            raise ValueError(
                f"{self}: no critical pair has its fixed point at q = {q:g}, where "
                f"sigma_b^2 would have to be {bias:.3g}"
            )
        return Critical(weight, bias if bias > 1e-10 * q else 0.0, q)

    def critical_at_bias(self, bias_variance: float) -> Critical:
        """Return the critical point with this sigma_b^2 and the least q, or raise ValueError."""

        def excess(q: float) -> float:
            value, slope = float(self.second_moment(q)), float(self.slope_moment(q))
            if slope == 0:  # phi is constant wherever z can be: at zero, or away from it
                return q - bias_variance if value == 0 else -math.inf
            return q - value / slope - bias_variance

        near, far = SMALLEST_Q, 2 * SMALLEST_Q
        if abs(excess(near)) <= near:
            return Critical(self._weight_variance(0.0), bias_variance, 0.0)
        while excess(near) * excess(far) > 0:
            if far > LARGEST_Q:
                raise ValueError(f"{self}: no critical pair has sigma_b^2 = {bias_variance:g}")
            near, far = far, 2 * far
        q = _root(excess, near, far)
        return Critical(self._weight_variance(q), bias_variance, q)

    def __str__(self) -> str:
        numbers = "".join(f", {name} = {value:g}" for name, value in self.parameters)
        return f'activation "{self.activation}"{numbers}'

    def _weight_variance(self, q: float) -> float:
        slope = float(self.slope_moment(q))
        if slope == 0:
            raise ValueError(f"{self}: its slope is zero, so that no weights make it critical")
        return 1 / slope

    def _each(self, what: str, q: ArrayLike) -> Array:
        return np.vectorize(lambda one: _moment(self, what, float(one)), otypes=[float])(q)

    def _breaks(self) -> Array:
        """The points that no panel of an integral may span."""
        return np.array(ACTIVATIONS[self.activation].breaks(**dict(self.parameters)), dtype=float)


def mean_field(activation: str, **parameters: float) -> MeanField:
    """The mean field of an activation; parameters that are not given have their defaults.

    ValueError if its units depend on each other, so that no function of one number describes it.
    """
    entry = ACTIVATIONS[activation]
    if not entry.elementwise:
        raise ValueError(
            f'activation "{activation}" mixes the units of a layer: mean-field theory is of '
            f"functions of one number"
        )
    given = {name: about.default for name, about in entry.parameters.items()} | parameters
    return MeanField(activation, tuple(sorted(given.items())))


def _root(function: Callable[[float], float], near: float, far: float) -> float:
    return float(optimize.brentq(function, near, far, xtol=1e-300, rtol=1e-14))


@lru_cache(maxsize=65536)
def _moment(field: MeanField, what: str, q: float) -> float:
    if not q >= 0:
        raise ValueError(f"q = {q:g}: a mean square is at least 0")
    root = math.sqrt(max(q, TINY))

    def integrand(z: Array) -> Array:
        return _squares(field, what, root * z)

    # phi's own scale is 1, which z sees as 1/root: panels that shrink towards 0 resolve both
    own = np.concatenate([field._breaks(), np.arange(-8.0, 9.0)]) / root
    return normal_mean(integrand, own)


@lru_cache(maxsize=4096)
def _moments(field: MeanField, q: float) -> tuple[float, float, float, float]:
    """The integrals of `MeanField.finite_moments`."""
    root = math.sqrt(q)
    own = np.concatenate([field._breaks(), np.arange(-8.0, 9.0)]) / root

    def mean(of: Callable[[Array, Array, Array], Array]) -> float:
        def integrand(z: Array) -> Array:
            x = root * z
            return of(x, _squares(field, "value", x), _squares(field, "slope", x))

        return normal_mean(integrand, own)

    return (
        mean(lambda x, value, slope: value),
        mean(lambda x, value, slope: value**2),
        mean(lambda x, value, slope: value * slope),
        mean(lambda x, value, slope: x**2 * slope),
    )


@lru_cache(maxsize=4096)
def _product(field: MeanField, q: float, c: float) -> float:
    """E phi(u) phi(v) of two normal numbers of variance q and correlation c."""
    root, other = math.sqrt(q), math.sqrt(max(0.0, 1 - c * c))
    breaks = field._breaks() / root
    grid = np.linspace(-EDGE, EDGE, 2 * math.ceil(EDGE * max(2.0, root)) + 1)

    def given(z: Array) -> Array:
        """E[phi(v) | z] for z of any shape: panels end where v crosses a break."""
        if other == 0:
            return _values(field, root * c * z)
        crossings = (breaks - c * z[..., None]) / other
        edges = np.broadcast_to(grid, (*z.shape, len(grid)))
        edges = np.sort(np.concatenate([edges, np.clip(crossings, -EDGE, EDGE)], -1), -1)
        points, weights = _panels(edges[..., :-1], edges[..., 1:])
        v = root * (c * z[..., None, None] + other * points)
        return (_values(field, v) * weights).sum((-2, -1))

    own = np.concatenate([field._breaks(), np.arange(-8.0, 9.0)]) / root
    # each outer node has some hundred inner ones: fewer panels keep the memory small
    return normal_mean(lambda z: _values(field, root * z) * given(z), own, most=1500)


def normal_mean(
    integrand: Callable[[Array], Array], edges: ArrayLike = (), most: int = MOST_PANELS
) -> float:
    """E integrand(z), by Gauss-Legendre panels that are halved until both halves agree.

    `edges` are the points that no panel may span: kinks and jumps. Raises ArithmeticError where
    the panels do not settle before there are `most` of them.
    """
    inner = np.clip(np.asarray(edges, dtype=float), -EDGE, EDGE)
    points = np.unique(np.concatenate([np.linspace(-EDGE, EDGE, 27), inner]))
    left, right = points[:-1], points[1:]
    rough = _over_panels(integrand, left, right)
    total, size = 0.0, float(np.abs(rough).sum())
    for _ in range(MOST_HALVINGS):
        middle = (left + right) / 2
        left, right = np.stack([left, middle]), np.stack([middle, right])  # (halves, panels)
        fine = _over_panels(integrand, left, right)
        error = np.abs(fine.sum(0) - rough)
        size = max(size, abs(total) + float(np.abs(fine).sum()))
        # where phi is a difference of equals its rounding never settles, however fine the panels
        rounding = error.size > min(most // 4, 4000) and error.sum() <= ROUNDING * size
        open_ = (error > ACCURACY * size) & (not rounding)
        total += float(fine[:, ~open_].sum())
        if not open_.any():
            return total
        if error.size > most:
            break
        left, right, rough = (part[:, open_].reshape(-1) for part in (left, right, fine))
    raise ArithmeticError("a mean-field integral did not settle: is a jump missing from `breaks`?")


def _over_panels(integrand: Callable[[Array], Array], left: Array, right: Array) -> Array:
    points, weights = _panels(left, right)
    return (integrand(points) * weights).sum(-1)


def _panels(left: Array, right: Array) -> tuple[Array, Array]:
    """Nodes (..., 16) of panels and their weights, the normal density included."""
    half = ((right - left) / 2)[..., None]
    points = ((right + left) / 2)[..., None] + half * NODES
    return points, half * WEIGHTS * np.exp(-points * points / 2) / math.sqrt(2 * math.pi)


def _call(field: MeanField, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Phi at x (...,) with a last axis over the noise, and the noise's weights."""
    entry = ACTIVATIONS[field.activation]
    numbers: dict[str, Any] = {**dict(field.parameters), **entry.learned}
    if not entry.random:
        return entry.function(x[..., None], **numbers), torch.ones(1, dtype=torch.float64)
    # eight Gauss-Legendre nodes on [0, 1] are exact for polynomials up to degree 15
    nodes, weights = np.polynomial.legendre.leggauss(8)
    noise = torch.from_numpy((nodes + 1) / 2).expand(*x.shape, -1)
    wide = x[..., None].expand_as(noise)
    return entry.function(wide, noise, **numbers), torch.from_numpy(weights / 2)


def _values(field: MeanField, x: Array) -> Array:
    """Phi(x), its mean over the noise if it has any."""
    phi, weights = _call(field, torch.from_numpy(x))
    return np.asarray((phi * weights).sum(-1))


def _squares(field: MeanField, what: str, x: Array) -> Array:
    """Phi(x)^2 or phi'(x)^2, their mean over the noise if there is any."""
    if what == "value":
        phi, weights = _call(field, torch.from_numpy(x))
        return np.asarray((phi * phi * weights).sum(-1))
    at = torch.from_numpy(x)
    phi, weights = _call(field, at)
    total = np.zeros_like(x)
    for place in range(len(weights)):
        leaf = torch.from_numpy(x).requires_grad_()
        one = _call(field, leaf)[0][..., place]
        (slope,) = torch.autograd.grad(one.sum(), leaf)
        total += float(weights[place]) * slope.numpy() ** 2
    return total
