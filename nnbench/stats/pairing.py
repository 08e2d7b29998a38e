"""Counts, which cells have a number, and the pairs of cells that differ in one factor only."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nnbench.study.metrics import METRICS

LARGEST = 1e100  # of what is averaged: its square, and sums of such squares, still are numbers
SHRINK = 2.0**100  # a power of two: dividing by it, and multiplying again, changes no digit


def status_counts(frame: pd.DataFrame) -> dict[str, int]:
    """Return how many cells there are (`n`) and how many are ok, diverged and crashed."""
    status = frame["status"]
    return {"n": len(frame)} | {s: int((status == s).sum()) for s in ("ok", "diverged", "crashed")}


def counted(frame: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The cells with those that diverged as finished ones, where the metric counts them."""
    known = METRICS.get(metric)
    if known is None or not known.counts_diverged:
        return frame
    return frame.assign(status=frame["status"].replace("diverged", "ok"))


def as_numbers(column: pd.Series) -> pd.Series:
    """Return a column as floats, null where there is no number."""
    return pd.to_numeric(column, errors="coerce").astype(float)


def usable(frame: pd.DataFrame, metric: str) -> pd.Series:
    """Return which rows have a number to average: finished, and the metric within `LARGEST`."""
    return (frame["status"] == "ok") & (as_numbers(frame[metric]).abs() <= LARGEST)


def usable_values(frame: pd.DataFrame, metric: str) -> pd.Series:
    """Return the metric of each row, null where there is no number to average (`usable`)."""
    return as_numbers(frame[metric]).where(usable(frame, metric))


def finite(frame: pd.DataFrame, metric: str) -> pd.Series:
    """Return which rows finished with a finite metric, even one too large to average."""
    return (frame["status"] == "ok") & np.isfinite(as_numbers(frame[metric]))


def scale_of(values: pd.Series) -> float:
    """Return what to divide values by so that no sum of them overflows: 1 up to `LARGEST`."""
    return SHRINK if (values.abs() > LARGEST).any() else 1.0


def mean_of(values: pd.Series) -> float:
    """Return the mean of the values that there are, however large."""
    scale = scale_of(values)
    return float((values / scale).mean()) * scale


def applicable(frame: pd.DataFrame, metric: str) -> tuple[pd.DataFrame, list[str]]:
    """Drop the data sets on which the metric cannot exist (accuracy of a regression); name them.

    A data set goes where cells finished and none has the metric. Where no cell finished the kind
    of task is unknown, so its cells stay and count as not usable. A metric that belongs to no
    kind of task, such as epochs to a target, may be null because it was never reached: it stays.
    """
    if METRICS[metric].task is None or frame.empty:
        return frame, []
    finished = (frame["status"] == "ok").groupby(frame["data"]).any()
    measured = finite(frame, metric).groupby(frame["data"]).any()
    dropped = sorted(finished.index[finished & ~measured])
    return frame[~frame["data"].isin(dropped)], dropped


def paired_differences(
    frame: pd.DataFrame, factor: str, baseline: str, metric: str, factors: Sequence[str]
) -> pd.DataFrame:
    """Return one row per pair: cells alike in data set, seed and every other factor.

    `frame` is labelled. Columns: `level, data, seed`, the other factors, `difference` (level minus
    baseline; null where either cell has no metric, so that a lost pair is counted and not lost),
    `lost` and `lost_baseline` (whether that cell has none). A level's cell without a partner, as in
    a one-factor design, makes no pair.
    """
    others = [f for f in factors if f != factor]
    key = ["data", "seed", *others]
    table = frame[[*key, factor]].assign(value=usable_values(frame, metric))
    base = table.loc[table[factor] == baseline, [*key, "value"]]
    pairs = table[table[factor] != baseline].merge(
        base, on=key, suffixes=("", "_baseline"), validate="many_to_one"
    )
    pairs["difference"] = pairs["value"] - pairs["value_baseline"]
    pairs["lost"], pairs["lost_baseline"] = pairs["value"].isna(), pairs["value_baseline"].isna()
    columns = ["level", *key, "difference", "lost", "lost_baseline"]
    return pairs.rename(columns={factor: "level"})[columns]


def block_differences(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the mean difference of each block: columns `level, data, seed, difference`."""
    whole = pairs.dropna(subset=["difference"])
    keys = ["level", "data", "seed"]
    return whole.groupby(keys, sort=True)["difference"].mean().reset_index()
