"""Performance profiles: how often an arm is good enough, for every meaning of good enough."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit

from nnbench.stats.blocks import gather_blocks, spread_of
from nnbench.stats.intervals import wilson_ends
from nnbench.stats.pairing import usable_values
from nnbench.stats.ranks import contestant_labels
from nnbench.study.metrics import METRICS

PROFILE_COLUMNS = ("arm", "tau", "k", "n", "share", "share_low", "share_high", "kind")


def profile_kind(frame: pd.DataFrame, metric: str) -> str:
    """Return which profile suits the metric: "score", "ratio" or "gap".

    score: higher is better; the share of runs above tau. ratio: lower is better and never
    negative or zero; the share of runs within tau times the best. gap: any other; the share of
    runs within tau of the best.
    """
    if METRICS[metric].higher_is_better:
        return "score"
    values = usable_values(frame, metric).dropna()
    return "ratio" if len(values) and bool((values > 0).all()) else "gap"


def performance_profile(
    frame: pd.DataFrame, by: Sequence[str], metric: str, points: int = 101
) -> pd.DataFrame:
    """Return, for each contestant of `by` and each tau, the share of its runs that are good enough.

    `frame` is labelled. Columns: `arm, tau, k, n, share, share_low, share_high, kind`, the interval
    being that of `block_share_ends` at each tau by itself. A run without the metric, because it
    diverged, counts in n and never in k. "The best" is that of the run's block among all cells of
    the frame: the same data set, split and seed. Where no run has the metric there is no tau, and
    so no row. Contestants compare where they have the same cells (`shared_cells`).
    Sources: "score" is Agarwal et al. 2021; "ratio" is Dolan and Moré 2002, Benchmarking
    Optimization Software with Performance Profiles.
    """
    kind = profile_kind(frame, metric)
    far = _distance(usable_values(frame, metric), frame, kind)
    known = far[np.isfinite(far)]
    if known.empty:
        return pd.DataFrame(columns=list(PROFILE_COLUMNS))
    taus = _taus(known.to_numpy(dtype=float), kind, points)
    arms = contestant_labels(frame, by)
    block = frame.groupby(["data", "seed"], sort=True).ngroup().to_numpy()
    parts = []
    for arm in dict.fromkeys(arms):
        is_own = (arms == arm).to_numpy()
        own = far[is_own].to_numpy(dtype=float)[:, None]
        # a comparison with null is false, so that what diverged never is good enough
        good = own > taus if kind == "score" else own <= taus * (1 + 1e-12)
        data = frame.loc[is_own, "data"].to_numpy(dtype=str)
        share, low, high = block_share_ends(good, data, block[is_own])
        part = {"arm": arm, "tau": taus, "k": good.sum(axis=0), "n": len(own), "share": share}
        parts.append(pd.DataFrame(part | {"share_low": low, "share_high": high, "kind": kind}))
    return pd.concat(parts, ignore_index=True)


def block_share_ends(
    good: np.ndarray, data: np.ndarray, block: np.ndarray, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the share of each column of good (runs, columns) and its interval over blocks.

    data, block: of each run, (runs,). Wilson's interval at the number of independent runs that
    would be as sure as these blocks are: share (1 - share) over the squared standard error between
    blocks, less what Student's t asks for, at most the runs; the number of blocks where they do not
    vary. Runs of one block share their split and their noise, so their own number would make the
    interval too narrow. Source: Korn and Graubard 1998, Confidence Intervals for Proportions with
    Small Expected Number of Positive Counts.
    """
    blocks = gather_blocks(good, data, block)
    share = good.mean(axis=0)
    count = np.full(len(share), float(len(blocks.strata)))
    if (blocks.per_stratum > 1).all():
        spread = spread_of(blocks)
        moves = spread.error > 1e-12
        # t and not z, for the error between few blocks is a guess
        quantile = stdtrit(spread.freedom[moves], 0.5 + level / 2) / ndtri(0.5 + level / 2)
        alone = share * (1 - share)
        count[moves] = alone[moves] / (spread.error[moves] * quantile) ** 2
    count = np.minimum(count, len(good))
    _, low, high = wilson_ends(share * count, count, level)
    return share, np.where(share > 0, low, 0.0), np.where(share < 1, high, 1.0)


def _distance(values: pd.Series, frame: pd.DataFrame, kind: str) -> pd.Series:
    """Return what tau is held against: the value itself, or its ratio or gap to the best."""
    if kind == "score":
        return values
    best = values.groupby([frame["data"], frame["seed"]]).transform("min")
    return values / best if kind == "ratio" else values - best


def _taus(known: np.ndarray, kind: str, points: int) -> np.ndarray:
    """Return the taus, evenly spaced over what was seen; in powers where ratios matter."""
    low, high = float(known.min()), float(known.max())
    if kind == "ratio":
        return np.geomspace(1.0, max(high, 1.0 + 1e-9), points)
    if kind == "gap":
        return np.linspace(0.0, high if high > 0 else 1.0, points)
    margin = 1e-9 * max(abs(low), abs(high), math.ulp(1.0))
    return np.linspace(low - margin, high, points)
