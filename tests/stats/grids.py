"""Labelled frames of made-up studies, small and large, for the tests of statistics."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd


def generator_for(purpose: str) -> np.random.Generator:
    return np.random.default_rng([ord(letter) for letter in purpose])


def full_grid(
    levels: Sequence[int], data_sets: int = 1, seeds: int = 3, random_seed: int = 0
) -> pd.DataFrame:
    """Return a labelled full grid of factors f0, f1, ... with noise alone in `test_accuracy`."""
    factors = {f"f{i}": [f"{chr(97 + i)}{j}" for j in range(n)] for i, n in enumerate(levels)}
    data = [f"d{i}" for i in range(data_sets)]
    rows = list(itertools.product(data, *factors.values(), range(seeds)))
    frame = pd.DataFrame(rows, columns=["data", *factors, "seed"])
    generator = np.random.default_rng(random_seed)
    frame["test_accuracy"] = 0.5 + 0.01 * generator.normal(size=len(frame))
    return frame.assign(status="ok")


def factors_of(frame: pd.DataFrame) -> list[str]:
    return [c for c in frame.columns if c.startswith("f")]


def lose(frame: pd.DataFrame, cells: pd.Series, status: str = "diverged") -> pd.DataFrame:
    """Return the frame with these cells diverged, or crashed."""
    values = frame["test_accuracy"].where(~cells)
    return frame.assign(status=frame["status"].where(~cells, status), test_accuracy=values)


def large_grid(cells: int = 100_000) -> pd.DataFrame:
    """Return about as many cells: 2 data sets, 5 seeds, five factors, 3 % diverged at random."""
    frame = full_grid([10, 10, 10, 5, max(cells // 50_000, 1)], data_sets=2, seeds=5)
    generator = np.random.default_rng(1)
    level = frame["f0"].str.slice(1).astype(int)
    moved = frame.assign(test_accuracy=frame["test_accuracy"] + 0.01 * level)
    return lose(moved, pd.Series(generator.uniform(size=len(frame)) < 0.03))
