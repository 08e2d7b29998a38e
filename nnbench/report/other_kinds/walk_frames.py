"""Frames behind the report of a landscape study: frame in, frame out, no drawing."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from nnbench import stats
from nnbench.plots import MOST_SERIES
from nnbench.results.read import Results

MOST_MARKS = 3  # levels of the factor that tells the marks of a row apart
POOLED = "all walks"


def as_seen(results: Results) -> Results:
    """Results whose landscapes are no factor and whose diverged walks have a share.

    A walk that diverged did not reach the minimum: in shares, unlike in means, it has its place.
    """
    study = dict(results.study)
    study["factors"] = {
        factor: labels
        for factor, labels in (study.get("factors") or {}).items()
        if factor != "landscape"
    }
    cells = stats.counted(results.cells, study["report"]["metric"])
    return replace(results, cells=cells, provenance={**results.provenance, "study": study})


def labelled_walks(results: Results) -> pd.DataFrame:
    """The walks with `panel` (the landscape), `arm` (the optimizer) and `mark`, as labels.

    `mark` is the level of the first other factor, if it has few; the rest is pooled.
    """
    cells = results.cells
    arms = stats.level_labels(cells, "optimizer")
    factor = mark_factor(results)
    marks = POOLED if factor is None else f"{factor} " + stats.level_labels(cells, factor)
    reached = cells["reached_global"].astype("boolean").fillna(False).astype(bool)
    walks = cells.assign(panel=cells["data"].astype(str), arm=arms, mark=marks, reached=reached)
    levels = {
        "panel": list(dict.fromkeys(ordered_panels(results, walks["panel"]))),
        "arm": stats.order_levels(walks["arm"], list(factors_of(results).get("optimizer", []))),
        "mark": ordered_marks(results, walks["mark"], factor),
    }
    return stats.sort_by_levels(walks[walks["status"] != "crashed"], levels)


def factors_of(results: Results) -> Mapping[str, Sequence[str]]:
    """The study's factors with their labels."""
    return results.study.get("factors") or {}


def mark_factor(results: Results) -> str | None:
    """The factor, landscape and optimizer apart, that marks are told apart by."""
    for factor, labels in factors_of(results).items():
        if factor not in ("landscape", "optimizer") and 1 < len(labels) <= MOST_MARKS:
            return factor
    return None


def ordered_panels(results: Results, labels: pd.Series) -> list[str]:
    """The landscapes in the file's order."""
    names = [label.split(" ")[0] for label in factors_of(results).get("landscape", [])]
    return sorted(
        dict.fromkeys(labels),
        key=lambda label: names.index(label.split(" ")[0]) if label.split(" ")[0] in names else 0,
    )


def ordered_marks(results: Results, labels: pd.Series, factor: str | None) -> list[str]:
    """The marks' labels in the file's order."""
    if factor is None:
        return [POOLED]
    wanted = [f"{factor} {label}" for label in factors_of(results)[factor]]
    return [*(mark for mark in wanted if mark in set(labels)), *sorted(set(labels) - set(wanted))]


def shares(walks: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """For each group: `k` of `n` that reach the minimum, `share`, Wilson's `low`, `high`.

    `steps` is the median of the steps of those that reach it, `diverged` a count.
    """
    table = (
        walks.assign(lost=walks["status"] == "diverged")
        .groupby(list(keys), sort=False)
        .agg(
            k=("reached", "sum"),
            n=("reached", "size"),
            steps=("steps_to_minimum", "median"),
            diverged=("lost", "sum"),
        )
    )
    counts = zip(table["k"], table["n"], strict=True)
    intervals = [stats.wilson_interval(int(k), int(n)) for k, n in counts]
    table["share"] = [one.estimate for one in intervals]
    table["low"] = [one.low for one in intervals]
    table["high"] = [one.high for one in intervals]
    return table.reset_index()


def best_arms(table: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Each group's arm that reaches the minimum most often, then in fewest steps."""
    order = table.assign(steps=pd.to_numeric(table["steps"]).fillna(float("inf")))
    order = order.sort_values(["share", "steps"], ascending=[False, True], kind="stable")
    return table.loc[order.drop_duplicates(list(keys)).index].sort_index()


def drawn_arms(walks: pd.DataFrame, panel: str, mark: str) -> pd.DataFrame:
    """The best arm of each optimizer on a landscape, of at most 7 optimizers, in order."""
    here = walks[(walks["panel"] == panel) & (walks["mark"] == mark)]
    best = best_arms(shares(here, ["optimizer", "arm"]), ["optimizer"])
    kept = set(best.nlargest(MOST_SERIES, "share", keep="first").index)
    return best[[place in kept for place in best.index]]


def drawn_walks(
    walks: pd.DataFrame, curves: pd.DataFrame, arms: pd.DataFrame, panel: str, mark: str, most: int
) -> pd.DataFrame:
    """The points of the first walks of each arm: `panel, cell_id, x, y, height, reached`."""
    here = walks[(walks["panel"] == panel) & (walks["mark"] == mark)]
    here = here[here["arm"].isin(arms["arm"])]
    seeds = sorted(here["seed"].unique())[:most]
    chosen = here.loc[here["seed"].isin(seeds), ["cell_id", "optimizer", "reached"]]
    points = chosen.drop_duplicates(["cell_id"]).merge(curves, on="cell_id")
    points = points.sort_values(["optimizer", "cell_id", "epoch"], kind="stable")
    columns: dict[str, Any] = {"optimizer": "panel", "train_loss": "height"}
    return points.rename(columns=columns)
