"""Data sets: synthetic ones generated from a seed, real ones that scikit-learn carries.

A function takes a numpy generator and the entry's parameters; it returns `(x, y)`: x (examples,
features) float64, y (examples,) class indices int64, or real values float64 for regression.
Splitting and scaling are the same for all and stand in `nnbench.draws`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nnbench.vocabulary import Entry, Parameter
from nnbench.lazy import lazy_import

if TYPE_CHECKING:
    from sklearn import datasets
else:
    datasets = lazy_import("sklearn.datasets", globals())

Arrays = tuple[NDArray[np.float64], NDArray[np.generic]]


@dataclass(frozen=True, kw_only=True)
class Data(Entry):
    """A data set. `task` is classification or regression; `real` sets ignore the generator."""

    function: Callable[..., Arrays]
    task: str = "classification"
    real: bool = False


def _state(generator: np.random.Generator) -> int:
    return int(generator.integers(2**31))


def moons(generator: np.random.Generator, n: int, noise: float) -> Arrays:
    """Two interleaving half circles with normal noise."""
    x, y = datasets.make_moons(n, noise=noise, random_state=_state(generator))
    return x, y.astype(np.int64)


def circles(generator: np.random.Generator, n: int, noise: float, factor: float) -> Arrays:
    """A circle inside another, radii `factor` and 1, with normal noise."""
    x, y = datasets.make_circles(n, noise=noise, factor=factor, random_state=_state(generator))
    return x, y.astype(np.int64)


def blobs(
    generator: np.random.Generator, n: int, centers: int, features: int, spread: float
) -> Arrays:
    """Normal clouds around random centres."""
    x, y = datasets.make_blobs(
        n, n_features=features, centers=centers, cluster_std=spread, random_state=_state(generator)
    )
    return x, y.astype(np.int64)


def spirals(
    generator: np.random.Generator, n: int, arms: int, turns: float, noise: float
) -> Arrays:
    """Arms that wind around the origin: radius t in (0, 1), angle 2 pi (turns t + arm / arms)."""
    y = np.arange(n) % arms
    t = np.sqrt(generator.uniform(0.01, 1.0, n))  # the square root spreads points evenly in area
    angle = 2 * np.pi * (turns * t + y / arms)
    x = t[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    return x + noise * generator.standard_normal((n, 2)), y.astype(np.int64)


def _bundled(name: str) -> Callable[..., Arrays]:
    def load(generator: np.random.Generator) -> Arrays:
        x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        return np.asarray(x, dtype=np.float64), np.asarray(y)

    return load


N = Parameter(1000, "examples", low=20, high=10_000_000, program=True)


def _size(default: float, doc: str, low: float, high: float = 1e6) -> Parameter:
    return Parameter(default, doc, low=low, high=high, program=True)


DATA: dict[str, Data] = {
    "moons": Data(
        summary="Two interleaving half moons in the plane.",
        formula="2 features, 2 classes",
        reference="scikit-learn, sklearn.datasets.make_moons",
        parameters={"n": N, "noise": _size(0.2, "standard deviation of the noise", 0)},
        function=moons,
    ),
    "circles": Data(
        summary="One circle inside another: no line separates them.",
        formula="2 features, 2 classes",
        reference="scikit-learn, sklearn.datasets.make_circles",
        parameters={
            "n": N,
            "noise": _size(0.1, "standard deviation of the noise", 0),
            "factor": Parameter(0.5, "inner radius", 0, 1, open_high=True, program=True),
        },
        function=circles,
    ),
    "blobs": Data(
        summary="Normal clouds around random centres: the easy case.",
        formula="features, centers as given",
        reference="scikit-learn, sklearn.datasets.make_blobs",
        parameters={
            "n": N,
            "centers": _size(4, "classes", 2, 1000),
            "features": _size(2, "features", 1, 10_000),
            "spread": _size(1.5, "standard deviation of a cloud", 0),
        },
        function=blobs,
    ),
    "spirals": Data(
        summary="Arms of a spiral: needs a curved boundary, so a hidden layer.",
        formula="x = t (cos a, sin a) + noise, a = 2 pi (turns t + arm / arms)",
        reference="Lang & Witbrock (1988), Learning to Tell Two Spirals Apart",
        parameters={
            "n": N,
            "arms": _size(3, "classes", 2, 100),
            "turns": _size(1.0, "turns of an arm", 0, 20),
            "noise": _size(0.03, "standard deviation of the noise", 0),
        },
        function=spirals,
    ),
    "digits": Data(
        summary="1,797 handwritten digits of 8 x 8 pixels.",
        formula="64 features, 10 classes",
        reference="Alpaydin & Kaynak (1998), Optical Recognition of Handwritten Digits (UCI)",
        function=_bundled("digits"),
        real=True,
    ),
    "iris": Data(
        summary="150 irises of three species by the size of their petals and sepals.",
        formula="4 features, 3 classes",
        reference="Fisher (1936), The Use of Multiple Measurements in Taxonomic Problems",
        function=_bundled("iris"),
        real=True,
    ),
    "wine": Data(
        summary="178 wines of three growers by chemical analysis.",
        formula="13 features, 3 classes",
        reference="Aeberhard & Forina (1992), Wine (UCI)",
        function=_bundled("wine"),
        real=True,
    ),
    "breast_cancer": Data(
        summary="569 tumours, malignant or benign, by measures of cell nuclei.",
        formula="30 features, 2 classes",
        reference="Wolberg, Mangasarian, Street & Street (1995), Breast Cancer Wisconsin (UCI)",
        function=_bundled("breast_cancer"),
        real=True,
    ),
    "diabetes": Data(
        summary="442 patients' disease progression after a year, by ten measures.",
        formula="10 features, regression",
        reference="Efron, Hastie, Johnstone & Tibshirani (2004), Least Angle Regression",
        function=_bundled("diabetes"),
        task="regression",
        real=True,
    ),
}
