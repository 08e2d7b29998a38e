"""What an activation that says nothing of itself is like: measured, out to `FAR` deviations."""

import math
from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from nnbench.catalog.activations.base import Intervals
from nnbench.catalog.meanfield import normal_mean

FAR = 30.0  # standard deviations: nothing that is measured looks farther
POINTS = 60_001
BEYOND, ROUNDED = 0.5, 1e-12  # how close to a flat interval some slope is more than rounding
FLAT = 1e-6  # a slope far out below which an activation counts as saturated
Activated = Callable[..., Tensor]


def called(function: Activated, x: Tensor, given: Mapping[str, float]) -> Tensor:
    """The function of x with its parameters as tensors, as the engines call it."""
    return function(x, **{k: torch.tensor(v, dtype=x.dtype) for k, v in given.items()})


def slope_at(function: Activated, points: np.ndarray, given: Mapping[str, float]) -> np.ndarray:
    """The derivative at some points (points,)."""
    x = torch.tensor(points, dtype=torch.float64).requires_grad_()
    y = called(function, x, given)
    if not y.requires_grad:
        return np.zeros(len(points))
    (slope,) = torch.autograd.grad(y.sum(), x)
    return slope.numpy()


def slopes_of(function: Activated, given: Mapping[str, float]) -> np.ndarray:
    """The derivative all over."""
    return slope_at(function, np.linspace(-FAR, FAR, POINTS), given)


def gain_of(function: Activated, given: Mapping[str, float]) -> float:
    """1 / sqrt(E f(z)^2) for a standard normal z. Errors: ArithmeticError where it does not
    settle. 1 where f has no such mean, or is zero.
    """

    def squares(z: np.ndarray) -> np.ndarray:
        y = called(function, torch.tensor(z, dtype=torch.float64), given)
        return y.detach().numpy() ** 2

    ends = [end for region in dead_regions(function, **given) for end in region]
    second = normal_mean(squares, [end for end in ends if math.isfinite(end)])
    return 1 / math.sqrt(second) if second > 0 and math.isfinite(second) else 1.0


def saturates(function: Activated, given: Mapping[str, float]) -> str:
    """The sides on which the slope goes to zero: none, left, right or both."""
    slopes = slope_at(function, np.array([-FAR, FAR]), given)
    left, right = np.abs(slopes) < FLAT
    return "both" if left and right else "left" if left else "right" if right else "none"


def max_slope(function: Activated, given: Mapping[str, float]) -> float:
    """The largest |slope| that is seen."""
    slopes = slopes_of(function, given)
    return max(map(float, np.abs(slopes[~np.isnan(slopes)])), default=math.nan)


def dead_regions(function: Activated, **parameters: float) -> Intervals:
    """The open intervals where it is constant, so that its derivative is exactly zero."""
    return _flat_intervals(function, tuple((k, float(v)) for k, v in sorted(parameters.items())))


@lru_cache(maxsize=1024)
def _flat_intervals(function: Activated, parameters: tuple[tuple[str, float], ...]) -> Intervals:
    """The intervals of slope zero, found on a grid."""
    given, points = dict(parameters), np.linspace(-FAR, FAR, POINTS)
    flat = slopes_of(function, given) == 0
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flat, [False]]).astype(int)))
    intervals = []
    for first, past in edges.reshape(-1, 2):
        if past - first < 10:  # a point or so where the slope crosses zero
            continue
        low, high = -math.inf, math.inf
        if first > 0:
            low = _edge(function, given, points[first], points[first - 1])
        if past < len(points):
            high = _edge(function, given, points[past - 1], points[past])
        if _stays(function, given, low, high) and _is_left(function, given, low, high):
            intervals.append((low, high))
    return tuple(intervals)


def _edge(function: Activated, given: Mapping[str, float], flat: float, steep: float) -> float:
    """Where between two points the slope is zero no more, by halving, to six digits."""
    while abs(steep - flat) > 1e-8:
        middle = (flat + steep) / 2
        if slope_at(function, np.array([middle]), given)[0] == 0:
            flat = middle
        else:
            steep = middle
    return round(float(flat), 6) + 0.0


def _stays(function: Activated, given: Mapping[str, float], low: float, high: float) -> bool:
    """Whether the value is the same all over an interval."""
    ends = np.linspace(max(low, -FAR), min(high, FAR), 101)
    values = called(function, torch.tensor(ends, dtype=torch.float64), given).detach().numpy()
    return bool(np.ptp(values) == 0)


def _is_left(function: Activated, given: Mapping[str, float], low: float, high: float) -> bool:
    """Whether it is steep somewhere close to each end: a slope that is lost to rounding is as good
    as zero there, too. Some machines round tanh to 1 from 19 on, and others to what differs in the
    last digit.
    """
    away = np.linspace(0, BEYOND, 101)
    beyond = [side for side in (low - away, high + away) if np.isfinite(side).all()]
    return all(np.nanmax(np.abs(slope_at(function, side, given))) > ROUNDED for side in beyond)
