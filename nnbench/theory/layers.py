"""What mean-field theory says of the layers of a recipe: variances, moments, depth scale.

Torch is imported when a law is evaluated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline, PchipInterpolator

from nnbench.catalog.activations.registry import ACTIVATIONS
from nnbench.catalog.inits.registry import INITS, keywords
from nnbench.catalog.meanfield import MeanField, mean_field, normal_mean
from nnbench.lazy import torch
from nnbench.study.recipe import Recipe
from nnbench.training.draws import split_for
from nnbench.training.protocol import PROBE_ROWS

NO_LAW = {
    "zero": "units stay alike, so that no layer is random",
    "constant": "units stay alike, so that no layer is random",
    "lsuv": "its weights are fitted to the data",
}
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(64)  # for the variance of a weight
RESIDUAL = "residual connections: the laws are those of plain layers"
HOMOGENEOUS = ("identity", "relu")
GROUPS = 16  # of examples, by the length of the input
LOG_QS = np.linspace(np.log(1e-12), np.log(1e4), 129)  # of the table of moments
LARGEST = 1e150  # of a mean square: beyond it the next product overflows
SLOPE_STEP = 1e-3  # of a correlation, for the slope of its map
Array = NDArray[np.float64]


class Variances(NamedTuple):
    """Fan-in times the variance of a weight, in the first hidden layer and the others, and sb2."""

    first: float
    hidden: float
    first_bias: float
    bias: float


# The law of the weights ---------------------------------------------------------------------------


def variances(recipe: Recipe, n_features: int) -> Variances:
    """Return the variances that a recipe's init gives; ValueError where it draws none.

    The variance of an entry is an integral over its one noise, so that any init of the catalogue
    that treats weights one by one has it, uniform and truncated laws included.
    """
    heads = ("activation", "init", "width", "bias")
    places = [(key, recipe[key]) for key in recipe if key.partition(".")[0] in heads]
    return _variances(tuple(sorted(places)), n_features)


@lru_cache(maxsize=4096)
def _variances(places: tuple[tuple[str, Any], ...], n_features: int) -> Variances:
    recipe = Recipe(dict(places))
    name, width = recipe["init"], recipe["width"]
    if name in NO_LAW:
        raise ValueError(f'init "{name}": {NO_LAW[name]}')
    if recipe["bias"] != 0:
        raise ValueError("every bias starts at the same number, which no random layer has")
    given, init = keywords(recipe), INITS[name]

    def weight(fan_in: int) -> float:
        if name == "orthogonal":  # orthonormal rows or columns, whichever are fewer
            return float(given["gain"] ** 2 * fan_in / max(fan_in, width))
        return fan_in * _square(lambda z: init.function(z.expand(width, fan_in), **given)[0, 0])

    def bias(fan_in: int) -> float:
        if init.bias is None:
            return 0.0
        return _square(lambda z: init.bias(z.expand(1), fan_in, **given)[0])  # type: ignore[misc]

    return Variances(weight(n_features), weight(width), bias(n_features), bias(width))


def _square(value: Callable[[torch.Tensor], torch.Tensor]) -> float:
    """Return the mean square of a function of one standard normal number."""
    squares = [float(value(torch.tensor(z, dtype=torch.float64))) ** 2 for z in NODES]
    return float(WEIGHTS @ np.array(squares)) / math.sqrt(2 * math.pi)


def inputs_of(recipe: Recipe) -> tuple[Array, int, int]:
    """Return the mean squares of the probed inputs, their number of features, and their count.

    The examples in order of their length are cut into groups, whose means stand for them.
    """
    x = split_for(recipe).x["train"][:PROBE_ROWS]
    squares = np.sort(np.mean(np.square(x, dtype=float), axis=1))
    groups = np.array_split(squares, min(GROUPS, len(squares)))
    return np.array([group.mean() for group in groups]), x.shape[1], x.shape[0]


def field_of(recipe: Recipe) -> MeanField:
    """Return the mean field of the recipe's activation; ValueError if it has none."""
    return mean_field(recipe["activation"], **recipe.of("activation"))


# Forward ------------------------------------------------------------------------------------------


def pre_activations(recipe: Recipe) -> Array:
    """Return q, the mean square of the pre-activations, (layers, groups of examples).

    ValueError where theory has none. A normalisation before the activation makes it 1 whatever the
    weights; one after it hands 1 on to the next layer.
    """
    if recipe["residual"]:
        raise ValueError(RESIDUAL)
    mean_squares, n_features, _ = inputs_of(recipe)
    depth, normed = recipe["depth"], recipe["norm"] != "none"
    if normed and recipe.get("norm.position") == "before":
        return np.ones((depth, len(mean_squares)))
    law = variances(recipe, n_features)
    field = field_of(recipe)
    found = [law.first * mean_squares + law.first_bias]
    while len(found) < depth:
        if found[-1].max() > LARGEST:
            raise ValueError("signals grow beyond all numbers")
        moment = np.ones_like(mean_squares) if normed else moments(field, "second", found[-1])
        found.append(law.hidden * moment + law.bias)
    return np.array(found)


def moments(field: MeanField, name: str, q: Array) -> Array:
    """Return E phi, E phi^2 or E phi'^2 ("first", "second", "slope") at every q, (...,).

    From a table by cubic splines in ln q, to about 1e-4; beyond its ends by the power law there.
    """
    if name == "first":
        return _first_share(field, q) * np.sqrt(moments(field, "second", q))
    if field.activation in HOMOGENEOUS:  # closed forms, exact at any size
        half = 0.5 if field.activation == "relu" else 1.0
        return half * q if name == "second" else np.full_like(q, half)
    spline = _table(field, name)
    if spline is None:
        return np.zeros_like(q)
    at = np.log(np.maximum(q, 1e-300))
    inside = np.clip(at, LOG_QS[0], LOG_QS[-1])
    return np.asarray(np.exp(np.minimum(spline(inside) + spline(inside, 1) * (at - inside), 690.0)))


def _known(exact: Callable[[float], float]) -> tuple[Array, Array]:
    """Return ln q and a function of q at every point of the table where its integral settles.

    Where phi is a difference of equals, rounding can keep it from that; neighbours stand in.
    """
    known = []
    for log_q in LOG_QS:
        with suppress(ArithmeticError):
            known.append((log_q, exact(math.exp(log_q))))
    places, values = np.array(known).T
    return places, values


@lru_cache(maxsize=1024)
def _table(field: MeanField, name: str) -> CubicSpline | None:
    """Return the logarithm of a moment over ln q; None where it is zero throughout."""
    exact = field.second_moment if name == "second" else field.slope_moment
    places, values = _known(lambda q: float(exact(q)))
    return CubicSpline(places, np.log(np.maximum(values, 1e-300))) if values.max() > 0 else None


def _first_share(field: MeanField, q: Array) -> Array:
    """Return E phi over the root of E phi^2, which lies between -1 and 1."""
    at = np.clip(np.log(np.maximum(q, 1e-300)), LOG_QS[0], LOG_QS[-1])
    return np.asarray(np.clip(_share_table(field)(at), -1.0, 1.0))


@lru_cache(maxsize=1024)
def _share_table(field: MeanField) -> PchipInterpolator:
    places, first = _known(lambda q: first_moment(field, q))
    second = moments(field, "second", np.exp(places))
    return PchipInterpolator(places, first / np.sqrt(np.maximum(second, 1e-300)))


def first_moment(field: MeanField, q: float) -> float:
    """Return E phi(sqrt(q) z), the noise of a random activation at its mean."""
    entry, root = ACTIVATIONS[field.activation], math.sqrt(q)
    given: dict[str, Any] = {**dict(field.parameters), **entry.learned}
    breaks = entry.breaks(**dict(field.parameters))

    def value(z: Array) -> Array:
        x = torch.from_numpy(root * z)
        inputs = [x, torch.full_like(x, 0.5)] if entry.random else [x]
        return np.asarray(entry.function(*inputs, **given))

    return normal_mean(value, np.array(breaks, dtype=float) / root)


# Depth scale --------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def depth_scale(field: MeanField, sw2: float, sb2: float, start: float) -> float:
    """Return xi in layers, infinite at criticality; ValueError without a fixed point from `start`.

    Where chi > 1 and two inputs do not become one, their correlation settles at c* < 1 and its
    slope there takes chi's place. ReLU without biases has no c* but 1: gradients alone count.
    """
    if field.activation in ("relu", "identity") and sb2 == 0:
        return _scale(sw2 / 2 if field.activation == "relu" else sw2)
    q = field.fixed_point(sw2, sb2, max(start, 1e-6))
    chi = sw2 * float(field.slope_moment(q))
    return _scale(chi if chi <= 1 or q == 0 else _chaotic_slope(field, q, sw2, sb2))


def _scale(chi: float) -> float:
    if chi <= 0:
        return 0.0
    return math.inf if abs(chi - 1) < 1e-9 else 1 / abs(math.log(chi))


def _chaotic_slope(field: MeanField, q: float, sw2: float, sb2: float) -> float:
    """Return the slope of the correlation map at its stable fixed point below 1."""

    def after(c: float) -> float:
        return float(field.correlation_map(c, q, sw2, sb2))

    low, high = 0.0, 1.0 - SLOPE_STEP
    for _ in range(14):  # halvings, to 1e-4: the slope changes little over it
        middle = (low + high) / 2
        low, high = (middle, high) if after(middle) > middle else (low, middle)
    c = min((low + high) / 2, 1 - 2 * SLOPE_STEP)
    return (after(c + SLOPE_STEP) - after(c - SLOPE_STEP)) / (2 * SLOPE_STEP)
