"""Simulated studies whose shares of variance are known, for claims about shares."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from nnbench.stats.share_contrast import ShareContrast, share_contrast

LEVELS = (3, 4)
NOISE, BLOCK, BOTH = 1.0, 0.5, 0.2  # variance of a cell and of a block; share of the interaction


def spread(size: int) -> np.ndarray:
    """Return evenly spaced values of mean 0 and variance 1."""
    places = np.arange(size) - (size - 1) / 2
    values: np.ndarray = places / places.std()
    return values


def shared_grid(
    generator: np.random.Generator, first: float, second: float, seeds: int, data_sets: int = 1
) -> pd.DataFrame:
    """Return a labelled full grid of f0 and f1 that explain these shares of the variance."""
    total = (NOISE + BLOCK) / (1 - first - second - BOTH)
    one, other = (spread(size) for size in LEVELS)
    both = np.outer(one, other) * np.sqrt(BOTH * total)
    means = one[:, None] * np.sqrt(first * total) + other * np.sqrt(second * total) + both
    shape = (data_sets, seeds, *LEVELS)
    blocks = generator.normal(size=shape[:2]) * np.sqrt(BLOCK)
    values = means + blocks[..., None, None] + generator.normal(size=shape) * np.sqrt(NOISE)
    data, seed, place, column = (axis.ravel() for axis in np.indices(shape))
    labels = {"data": data, "f0": place, "f1": column}
    frame = pd.DataFrame({name: codes.astype(str) for name, codes in labels.items()})
    return frame.assign(seed=seed, test_accuracy=values.ravel(), status="ok")


def judged_wrongly(
    first: float,
    second: float,
    signs: Mapping[str, int],
    threshold: float,
    seeds: int,
    data_sets: int,
    studies: int,
) -> tuple[float, float]:
    """Return how often the interval and the p put a true sum of shares off its own threshold.

    As a pair: below it and above it.
    """
    generator = np.random.default_rng(19)
    sides = np.zeros((studies, 2))
    for study in range(studies):
        frame = shared_grid(generator, first, second, seeds, data_sets)
        found = share_contrast(frame, ["f0", "f1"], "test_accuracy", signs, generator)
        sides[study] = sides_of(found, threshold)
    below, above = sides.mean(axis=0)
    return float(below), float(above)


def sides_of(found: ShareContrast, threshold: float) -> tuple[bool, bool]:
    """Return whether the sum is surely below the threshold, and whether it is surely above."""
    is_sure = found.p(threshold) < 0.05
    return is_sure and found.high < threshold, is_sure and found.low > threshold
