"""Simulated studies whose truth is known, for the promises that reports make."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nnbench.stats.intervals import wilson_ends
from nnbench.stats.profiles import block_share_ends

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
