"""Simulated studies whose truth is known, for the promises that reports make."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from nnbench.stats.anova import variance_shares
from nnbench.stats.contrasts import contrast
from nnbench.stats.intervals import wilson_ends
from nnbench.stats.profiles import block_share_ends
from tests.stats.grids import factors_of, full_grid

Ends = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]


def by_networks(
    good: np.ndarray, data: np.ndarray, block: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return Wilson's interval as if all networks were independent, which must fail."""
    return wilson_ends(good.sum(axis=0), np.full(good.shape[1], len(good)))


def share_coverage(
    blocks: int, runs: int, between: float, studies: int, ends: Ends = block_share_ends
) -> float:
    """Return how often the 95 % interval of a share of one half holds it.

    Each study has `runs` networks in each of `blocks` blocks, which share a part `between` of the
    variance of what decides whether a network is good enough.
    """
    generator = np.random.default_rng(7)
    shared = generator.normal(size=(blocks, 1, studies)) * between**0.5
    score = shared + generator.normal(size=(blocks, runs, studies)) * (1 - between) ** 0.5
    good = (score > 0).reshape(blocks * runs, studies)
    data = np.zeros(blocks * runs, dtype=int).astype(str)
    _, low, high = ends(good, data, np.repeat(np.arange(blocks), runs))
    return float(((low <= 0.5) & (high >= 0.5)).mean())


def survivors_pairs(
    share: float, generator: np.random.Generator, data_sets: int = 2, seeds: int = 10
) -> pd.DataFrame:
    """Return the pairs of two equal arms, the worst `share` of the first one's networks lost."""
    data, seed = (axis.ravel() for axis in np.indices((data_sets, seeds)))
    first, second = generator.normal(0.8, 0.01, (2, len(data)))
    lost = first <= np.quantile(first, share) if share else np.zeros(len(data), dtype=bool)
    first = np.where(lost, np.nan, first)
    pairs = pd.DataFrame({"data": data.astype(str), "seed": seed, "difference": first - second})
    return pairs.assign(lost=lost, lost_baseline=False)


def survivors_claim(share: float, studies: int) -> float:
    """Return how often a difference is claimed between two equal arms, one of which lost some."""
    generator = np.random.default_rng(11)
    rows = [
        contrast(survivors_pairs(share, generator), "test_accuracy", generator)
        for _ in range(studies)
    ]
    return float(np.mean([row["verdict"] in ("better", "worse") for row in rows]))


def false_same(interval: Callable[[pd.DataFrame], tuple[float, float]], studies: int) -> float:
    """Return how often two arms 0.0087 apart are the same within 0.005, by six blocks of 30 rows.

    At an accuracy near 1 a network makes one mistake or none: here in 26 of 100 of one arm.
    """
    mistakes = np.random.default_rng(13).uniform(size=(studies, 6)) < 0.26
    found = []
    for one in mistakes:
        pairs = pd.DataFrame({"data": "d", "seed": range(6), "difference": one / 30})
        low, high = interval(pairs)
        found.append(low > -0.005 and high < 0.005)
    return float(np.mean(found))


def seeds_component(
    seeds: int, studies: int, data_sets: int = 1, levels: tuple[int, int] = (3, 3)
) -> pd.DataFrame:
    """Return the seeds' row of studies in which noise is half of the variance within data sets."""
    generator = np.random.default_rng(17)
    rows = []
    for study in range(studies):
        frame = full_grid(list(levels), data_sets=data_sets, seeds=seeds, random_seed=study)
        place = frame["f0"].str.slice(1).astype(float)
        effect = (place - place.mean()) / place.std(ddof=0) * 0.01  # as large as the noise
        frame = frame.assign(test_accuracy=frame["test_accuracy"] + effect)
        table = variance_shares(frame, factors_of(frame), "test_accuracy", lambda _: generator)
        rows.append(table[table["kind"] == "seeds"].iloc[0])
    return pd.DataFrame(rows)
