"""The statistics held against simulated studies whose truth is known.

An interval that is called 95 % must cover the truth in about 95 of 100 studies, and a study whose
arms are copies of one another must hardly ever claim a difference. Simulated studies are columns,
so a thousand of them go through the very functions that a report uses, in a second.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nnbench.stats.blocks import (
    Blocks,
    resampled_quantiles,
    spread_of,
    stretched_interval,
    times_drawn,
    two_sided_p,
)
from nnbench.stats.contrasts import holm
from nnbench.stats.power import ALPHA

Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
"""Generator and shape -> noise of mean zero, any scale."""


def normal(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw standard normal noise."""
    return generator.normal(size=shape)


def skewed(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw noise with a long lower tail, as accuracies have: skewness -0.7, variance 8."""
    return 8.0 - generator.gamma(8.0, size=shape)


def coverage(
    draw: Draw,
    data_sets: int,
    blocks: int,
    studies: int,
    generator: np.random.Generator,
    stretched: bool = True,
    resamples: int = 2000,
) -> float:
    """Return the share of simulated studies whose 95 % interval of the mean holds the truth.

    Each study has `blocks` blocks in each data set. stretched: False asks it of the plain
    percentile interval, which must fail.
    """
    strata = np.repeat(np.arange(data_sets), blocks)
    values = draw(generator, (len(strata), studies))
    simulated = Blocks(values, np.ones((len(strata), 1)), strata)
    drawn = times_drawn(strata, generator, resamples)
    if stretched:
        low, high = stretched_interval(simulated, spread_of(simulated), drawn, 1 - ALPHA)
    else:
        low, high = resampled_quantiles(simulated, drawn, ALPHA / 2)
    return float(np.mean((low <= 0) & (high >= 0)))


def false_claims(
    draw: Draw,
    comparisons: int,
    data_sets: int,
    blocks: int,
    studies: int,
    generator: np.random.Generator,
    corrected: bool = True,
    resamples: int = 2000,
    noisier: float = 1.0,
) -> float:
    """Return the share of A/A studies that claim any difference over all their comparisons.

    The arms of a study are a baseline and `comparisons` copies of it under other seeds: nothing
    differs but the noise. corrected: False leaves out the correction for many comparisons, and
    must fail. noisier: how many times noisier the last data set is than the others.
    """
    strata = np.repeat(np.arange(data_sets), blocks)
    scale = np.where(strata == data_sets - 1, noisier, 1.0)[:, None, None]
    arms = scale * draw(generator, (len(strata), studies, comparisons + 1))
    differences = (arms[..., 1:] - arms[..., :1]).reshape(len(strata), -1)
    simulated = Blocks(differences, np.ones((len(strata), 1)), strata)
    spread = spread_of(simulated)
    drawn = times_drawn(strata, generator, resamples)
    low, high = stretched_interval(simulated, spread, drawn, 1 - ALPHA)
    claims = ((low > 0) | (high < 0)).reshape(studies, comparisons)
    if corrected:
        p = two_sided_p(spread).reshape(studies, comparisons)
        claims &= np.array([holm(row) for row in p]) < ALPHA
    return float(claims.any(axis=1).mean())
