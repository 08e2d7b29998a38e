"""Performance profiles: how often an arm is good enough, for every meaning of good enough."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from nnbench.stats.intervals import wilson_ends
from nnbench.stats.pairing import usable
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
    values = pd.to_numeric(frame[metric], errors="coerce")[usable(frame, metric)]
    return "ratio" if len(values) and bool((values > 0).all()) else "gap"


def performance_profile(
    frame: pd.DataFrame, by: Sequence[str], metric: str, kind: str | None = None, points: int = 101
) -> pd.DataFrame:
    """Return, for each contestant of `by` and each tau, the share of its runs that are good enough.

    `frame` is labelled. Columns: `arm, tau, k, n, share, share_low, share_high, kind`, the interval
    being Wilson's at each tau by itself. A run without the metric, because it diverged, counts in
    n and never in k. "The best" is that of the run's block among all cells: the same data set,
    split and seed. Where no run has the metric there is no tau, and so no row.
    Sources: "score" is Agarwal et al. 2021; "ratio" is Dolan and Moré 2002, Benchmarking
    Optimization Software with Performance Profiles.
    """
    kind = kind or profile_kind(frame, metric)
    values = pd.to_numeric(frame[metric], errors="coerce").astype(float)
    values = values.where(usable(frame, metric))
    far = _distance(values, frame, metric, kind)
    known = far[np.isfinite(far)]
    if known.empty:
        return pd.DataFrame(columns=list(PROFILE_COLUMNS))
    taus = _taus(known.to_numpy(dtype=float), kind, points)
    arms = contestant_labels(frame, by)
    parts = []
    for arm in dict.fromkeys(arms):
        own = np.sort(far[arms == arm].dropna().to_numpy(dtype=float))
        n = int((arms == arm).sum())
        within = np.searchsorted(own, taus * (1 + 1e-12), side="right")
        k = len(own) - np.searchsorted(own, taus, side="right") if kind == "score" else within
        share, low, high = wilson_ends(k, np.full(len(taus), n))
        part = {"arm": arm, "tau": taus, "k": k, "n": n, "share": share}
        parts.append(pd.DataFrame(part | {"share_low": low, "share_high": high, "kind": kind}))
    return pd.concat(parts, ignore_index=True)


def _distance(values: pd.Series, frame: pd.DataFrame, metric: str, kind: str) -> pd.Series:
    """Return what tau is held against: the value itself, or its ratio or gap to the best."""
    if kind == "score":
        return values
    blocks = values.groupby([frame["data"], frame["seed"]])
    if METRICS[metric].higher_is_better:
        return blocks.transform("max") - values
    best = blocks.transform("min")
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
