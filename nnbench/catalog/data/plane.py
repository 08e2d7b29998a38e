"""Data sets of a few features in which the classes have a shape: the classic pictures."""

import numpy as np

from nnbench.catalog.data.samples import Sample, state_of
from nnbench.lazy import datasets


def moons(generator: np.random.Generator, n: int, noise: float) -> Sample:
    """Two interleaving half circles with normal noise."""
    x, y = datasets.make_moons(n, noise=noise, random_state=state_of(generator))
    return Sample(x, y.astype(np.int64))


def circles(generator: np.random.Generator, n: int, noise: float, factor: float) -> Sample:
    """A circle inside another, radii `factor` and 1, with normal noise."""
    x, y = datasets.make_circles(n, noise=noise, factor=factor, random_state=state_of(generator))
    return Sample(x, y.astype(np.int64))


def blobs(
    generator: np.random.Generator, n: int, centers: int, features: int, spread: float
) -> Sample:
    """Normal clouds around random centres."""
    x, y = datasets.make_blobs(
        n,
        n_features=features,
        centers=centers,
        cluster_std=spread,
        random_state=state_of(generator),
    )
    return Sample(x, y.astype(np.int64))


def spirals(
    generator: np.random.Generator, n: int, arms: int, turns: float, noise: float
) -> Sample:
    """Arms that wind around the origin: radius t in (0, 1), angle 2 pi (turns t + arm / arms)."""
    y = np.arange(n) % arms
    t = np.sqrt(generator.uniform(0.01, 1.0, n))  # the square root spreads points evenly in area
    angle = 2 * np.pi * (turns * t + y / arms)
    x = t[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    return Sample(x + noise * generator.standard_normal((n, 2)), y.astype(np.int64))


def xor(generator: np.random.Generator, n: int, bits: int, noise: float) -> Sample:
    """Corners of the cube {-1, 1}^bits plus normal noise; the class is the parity of the bits.

    The corners take turns, so that classes are even; with 2 bits it is exclusive or.
    """
    corner = np.arange(n) % 2**bits
    ones = (corner[:, None] >> np.arange(bits)) & 1
    x = 2.0 * ones - 1 + noise * generator.standard_normal((n, bits))
    return Sample(x, ones.sum(1) % 2)


def checkerboard(generator: np.random.Generator, n: int, squares: int, noise: float) -> Sample:
    """Uniform points on a board of squares x squares, labelled by colour, then moved by noise.

    `noise` is in widths of a square. The colours take turns: a point of the wrong colour is moved
    to the neighbouring square, around the edge where need be (an odd board stays a little uneven).
    """
    y = np.arange(n) % 2
    x = generator.uniform(0, squares, (n, 2))
    wrong = (np.floor(x).sum(1) % 2) != y
    x[wrong, 0] = (x[wrong, 0] + 1) % squares
    y = (np.floor(x).sum(1) % 2).astype(np.int64)
    return Sample(x + noise * generator.standard_normal((n, 2)), y)
