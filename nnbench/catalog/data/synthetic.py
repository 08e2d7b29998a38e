"""Data sets that isolate one difficulty: useless features, rare ones, gross errors, pure noise."""

import itertools

import numpy as np
from numpy.typing import NDArray

from nnbench.catalog.data.samples import Sample, state_of
from nnbench.lazy import datasets


def teacher(
    generator: np.random.Generator,
    n: int,
    features: int,
    classes: int,
    depth: int,
    width: int,
    noise: float,
    task: str,
) -> Sample:
    """A random tanh network of `depth` hidden layers labels x ~ N(0, 1).

    Weights are N(0, 4 / n_in): a teacher with less gain is nearly linear. Each output is brought
    to mean 0 and deviation 1 over the examples, so that classes come out about even, and gets
    normal noise of deviation `noise`; the class is the largest of `classes` outputs, a regression's
    target the only one.
    """
    x = generator.standard_normal((n, features))
    sizes = [features, *[width] * depth, classes if task == "classification" else 1]
    h = x
    for layer, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
        h = (np.tanh(h) if layer else h) @ generator.normal(0, 2 / n_in**0.5, (n_in, n_out))
    outputs = (h - h.mean(0)) / h.std(0) + noise * generator.standard_normal(h.shape)
    return Sample(x, outputs.argmax(1) if task == "classification" else outputs[:, 0])


def linear_sparse(
    generator: np.random.Generator, n: int, features: int, useful: float, noise: float
) -> Sample:
    """y = x w + noise with x ~ N(0, 1), where a share `useful` of w (one at least) is not 0.

    The weights that count have random signs and sizes from 0.5 to 1.5, brought to length 1: y has
    variance 1 + noise^2.
    """
    x = generator.standard_normal((n, features))
    count = max(1, round(useful * features))
    places = generator.permutation(features)[:count]
    sizes = generator.uniform(0.5, 1.5, count) * generator.choice([-1.0, 1.0], count)
    y = x[:, places] @ (sizes / np.linalg.norm(sizes))
    return Sample(x, y + noise * generator.standard_normal(n))


def rare_features(
    generator: np.random.Generator, n: int, common: int, rare: int, exponent: float
) -> Sample:
    """Zeros and ones: `common` coins without meaning, then `rare` words for each of two classes.

    An example has exactly one word, of its class, the k-th one with a chance that falls as
    k^-exponent (Zipf's law). So all that is worth knowing stands in features that are seldom 1.
    """
    y = np.arange(n) % 2
    chances = np.arange(1, rare + 1) ** -exponent
    word = generator.choice(rare, n, p=chances / chances.sum()) + rare * y
    words = np.zeros((n, 2 * rare))
    words[np.arange(n), word] = 1
    coins = generator.integers(0, 2, (n, common)).astype(np.float64)
    return Sample(np.hstack([coins, words]), y)


def outliers(
    generator: np.random.Generator,
    n: int,
    features: int,
    p: float,
    size: float,
    noise: float,
    parts: str,
) -> Sample:
    """y = x w + noise with x ~ N(0, 1) and w of length 1; a share p of y is grossly wrong.

    A wrong one has `size` times a uniform number from 0.5 to 1.5 added, as from a gauge that
    sticks at its upper end: one-sided, so that the mean is misled and the median hardly.
    """
    x = generator.standard_normal((n, features))
    weights = generator.standard_normal(features)
    y = x @ (weights / np.linalg.norm(weights)) + noise * generator.standard_normal(n)
    wrong = generator.uniform(size=n) < p
    error = size * generator.uniform(0.5, 1.5, n)
    return Sample(x, y, observed=y + wrong * error, noisy=parts)


def friedman1(generator: np.random.Generator, n: int, features: int, noise: float) -> Sample:
    """Five features that count, smoothly and in part jointly, among `features` uniform ones."""
    x, y = datasets.make_friedman1(
        n, n_features=features, noise=noise, random_state=state_of(generator)
    )
    return Sample(x, y)


def sine_wave(generator: np.random.Generator, n: int, waves: float, noise: float) -> Sample:
    """y = sin(2 pi waves x) + noise on x in [0, 1)."""
    x = generator.uniform(size=(n, 1))
    return Sample(x, np.sin(2 * np.pi * waves * x[:, 0]) + noise * generator.standard_normal(n))


def gaussian_signal(generator: np.random.Generator, n: int, features: int, classes: int) -> Sample:
    """x ~ N(0, 1), and classes that have nothing to do with it."""
    return Sample(generator.standard_normal((n, features)), np.arange(n) % classes)


def flip(generator: np.random.Generator, y: NDArray[np.int64], p: float) -> NDArray[np.int64]:
    """Class indices y (examples,) in which a share p has become another class, at random.

    The same examples flip at a smaller p, so that levels of p differ in nothing but their number.
    """
    classes = int(y.max()) + 1
    chosen = generator.uniform(size=len(y)) < p
    return np.where(chosen, (y + generator.integers(1, classes, len(y))) % classes, y)
