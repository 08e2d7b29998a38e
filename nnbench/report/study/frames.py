"""Descriptive frames behind the report's figures and lists: frame in, frame out, no drawing."""

import math
from collections.abc import Sequence

import pandas as pd

from nnbench.stats.pairing import as_numbers, usable

CURVE_COLUMNS = ("val_metric", "val_loss", "train_loss")


def cross_means(frame: pd.DataFrame, row: str, column: str, metric: str) -> pd.DataFrame:
    """A row per data set and pair of levels: `data, row, column, mean, used, n, diverged`.

    `frame` is labelled. The mean is over the cells that have the metric, and null without any.
    """
    values = frame[metric].astype(float).where(usable(frame, metric))
    table = frame.assign(value=values, lost=frame["status"] == "diverged")
    cross = table.groupby(["data", row, column], sort=False).agg(
        mean=("value", "mean"),
        used=("value", "count"),
        n=("value", "size"),
        diverged=("lost", "sum"),
    )
    return cross.reset_index().rename(columns={row: "row", column: "column"})


def curve_column(frame: pd.DataFrame, curves: pd.DataFrame, higher_is_better: bool) -> str | None:
    """Which learning curve to draw: the validation metric, or a loss; None without any."""
    candidates = CURVE_COLUMNS if higher_is_better else CURVE_COLUMNS[1:]
    here = curves[curves["cell_id"].isin(frame["cell_id"]) & (curves["epoch"] > 0)]
    for column in candidates:
        if column in here and here[column].notna().any():
            return column
    return None


def seed_curves(
    frame: pd.DataFrame, curves: pd.DataFrame, factor: str, column: str
) -> pd.DataFrame:
    """`data, level, seed, cell_id, epoch, value` of the finished cells, a row an epoch."""
    finished = frame.loc[frame["status"] == "ok", ["cell_id", "seed", "data", factor]]
    joined = finished.merge(curves[["cell_id", "epoch", column]], on="cell_id")
    joined = joined.rename(columns={factor: "level", column: "value"})
    joined["value"] = joined["value"].astype(float)
    return joined.dropna(subset=["value"]).sort_values(["data", "level", "cell_id", "epoch"])


def seed_medians(lines: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """`data, level, seed, epoch, value`: each seed's median over its cells of a level.

    Only the epochs that the summary has.
    """
    keys = ["data", "level", "epoch"]
    kept = lines.merge(summary[keys], on=keys)
    return (
        kept.groupby(["data", "level", "seed", "epoch"], sort=False)["value"].median().reset_index()
    )


def curve_summary(lines: pd.DataFrame, frame: pd.DataFrame, factor: str) -> pd.DataFrame:
    """Median and quartiles over cells: `data, level, epoch, median, low, high, k, n`.

    k cells stand behind an epoch, of the n of the arm that were to train as long. An epoch that
    fewer than half of the finished ones among these reached (early stopping) is left out: its
    median would be that of the slow ones only.
    """
    keys = ["data", "level"]
    value = lines.groupby([*keys, "epoch"])["value"]
    table = pd.DataFrame(
        {"median": value.median(), "low": value.quantile(0.25), "high": value.quantile(0.75)}
    )
    table["k"] = value.count()
    table = table.reset_index()
    planned = _planned(frame, lines, factor)
    counts = [planned[key] for key in zip(table["data"], table["level"], strict=True)]
    pairs = list(zip(counts, table["epoch"], strict=True))
    table["n"] = [int((cells["epochs"] >= epoch).sum()) for cells, epoch in pairs]
    finished = [int((cells["epochs"] >= epoch)[cells["ok"]].sum()) for cells, epoch in pairs]
    return table[table["k"] * 2 >= finished].reset_index(drop=True)


def _planned(
    frame: pd.DataFrame, lines: pd.DataFrame, factor: str
) -> dict[tuple[str, str], pd.DataFrame]:
    """For each data set and level, how long its cells were to train, and whether they did."""
    epochs = frame["epochs"] if "epochs" in frame else pd.Series(math.inf, index=frame.index)
    cells = pd.DataFrame(
        {
            "data": frame["data"],
            "level": frame[factor],
            "epochs": as_numbers(epochs).fillna(math.inf),
            "ok": frame["cell_id"].isin(lines["cell_id"].unique()),
        }
    )
    return {(str(d), str(level)): part for (d, level), part in cells.groupby(["data", "level"])}


def failed_arms(frame: pd.DataFrame, factors: Sequence[str]) -> pd.DataFrame:
    """The arms in which cells failed, the worst first.

    Columns: `data`, the factors, `n, diverged, crashed, first_step, last_step, cell_id`: the steps
    between which cells diverged (null for crashes), and the first failed cell, to repeat it.
    """
    failed = frame[frame["status"].isin(["diverged", "crashed"])]
    keys = ["data", *factors]
    sizes = frame.groupby(keys, sort=False).size().rename("n")
    steps = as_numbers(failed["diverged_at_step"])
    table = failed.assign(
        step=steps,
        is_diverged=failed["status"] == "diverged",
        is_crashed=failed["status"] == "crashed",
    )
    arms = table.groupby(keys, sort=False).agg(
        diverged=("is_diverged", "sum"),
        crashed=("is_crashed", "sum"),
        first_step=("step", "min"),
        last_step=("step", "max"),
        cell_id=("cell_id", "first"),
    )
    arms = arms.join(sizes).reset_index()
    arms["share"] = (arms["diverged"] + arms["crashed"]) / arms["n"]
    return arms.sort_values("share", ascending=False, kind="stable").drop(columns="share")
