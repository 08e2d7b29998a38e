"""Pictures of signals by layer, and of the gradient by layer and epoch."""

import numpy as np
import pandas as pd

from nnbench import plots
from nnbench.plots import cut_apart
from nnbench.plots.epochs import layer_epoch_lines
from nnbench.plots.lines import Scales
from nnbench.report.layers.frames import at_epoch
from nnbench.report.layers.gradients import GRADIENT, LEAST_DEPTH, in_reach, predicted_if_wide
from nnbench.report.layers.views import (
    ALL,
    ARM,
    CONSTANT,
    MOST_LETTERS,
    Diagnostic,
    Lines,
    Roles,
    View,
    arm_names,
    at_extreme,
    drawn,
    even_places,
    named,
    of_lines,
    shown,
)
from nnbench.report.page.numbers import rounded
from nnbench.stats import METRICS

MOST_TIMES = 30  # epochs and layers that are drawn
MOST_LAYERS = 32


def signals(view: View) -> Diagnostic | None:
    """Draw the standard deviation of the activations by layer at initialisation."""
    if "act_std" not in view.layers or view.numbers("depth").max() < LEAST_DEPTH:
        return None
    rows = at_epoch(view.layers, last=False)
    rows = rows[np.isfinite(rows["act_std"].astype(float))]
    top = rows.sort_values("layer").groupby("cell_id").tail(1)
    logs = np.log10(top["act_std"].astype(float).clip(lower=1e-300))
    cells = view.cells.merge(pd.DataFrame({"cell_id": top["cell_id"], "top": logs}), on="cell_id")
    if cells.empty:
        return None
    roles = view.roles(cells, "top")
    lines = view.lines(roles, "top")
    known = predicted_if_wide(view, "act_std")[["cell_id", "layer", "predicted"]]
    rows = rows.merge(known, on=["cell_id", "layer"], how="left")
    rows = rows.rename(columns={"layer": "x", "act_std": "value"})
    columns = ["cell_id", "x", "value", "act_mean", "predicted"]
    return _signals_drawn(of_lines(rows[columns], lines.cells), lines, roles)


def _signals_drawn(singles: pd.DataFrame, lines: Lines, roles: Roles) -> Diagnostic:
    summary = singles.groupby([*ARM, "x"], sort=False)[["value", "act_mean", "predicted"]].median()
    orders = {"panel": list(lines.panels), "series": lines.series}
    summary = summary.reset_index().sort_values(
        [*ARM, "x"], key=lambda column: column.map(orders[str(column.name)].index)
        if column.name in orders else column)  # fmt: skip
    names = [named(roles.series, level) for level in summary["series"]]
    summary["label"] = cut_apart(names, MOST_LETTERS)
    laws = summary.assign(value=summary["predicted"], line=summary["panel"] + summary["series"])
    laws = laws.dropna(subset=["value"])
    last = laws.groupby("panel")["line"].transform("last")
    laws["name"] = np.where(laws["line"] == last, "predicted", "")
    scales = Scales("layer", "standard deviation of activations", log_y=True)
    near, thin, dashed, cut = in_reach(summary, singles, laws)
    figure = plots.line_panels(near, thin, dashed, lines.panels, lines.series, scales)
    notes = [*cut, *lines.notes]
    law = "Dashed: predicted for infinitely wide layers. " if len(laws) else ""
    caption = (
        "Standard deviation of the activations over units and examples at initialisation: thick, "
        f"the median over networks; thin, single networks. {law}{shown(roles.held, notes)}"
    )
    ends = summary.assign(panel=summary["panel"].map(lines.panels), label=names)
    ends = ends[ends["x"] == ends["x"].max()]
    columns = {"series": roles.series, "panel": roles.panel, "x": "layer", "value": "act_std"}
    return drawn("signals", figure, _signal_title(ends), caption, ends, columns)


def _signal_title(last: pd.DataFrame) -> str:
    """Say where the signal ends: SELU's mean and spread where it is there, else the extremes."""

    def arm(row: pd.Series) -> str:
        return " with ".join(
            part for part in (row["label"], row["panel"]) if part not in (*CONSTANT, "")
        )

    selu = last[last["series"].astype(str).str.startswith("selu")]
    if len(selu):
        own = selu[selu["panel"].astype(str).str.startswith("lecun")]
        own = own if len(own) else selu
        row = at_extreme(own, np.log(own["value"].clip(lower=1e-300)).abs(), largest=False)
        return (
            f"After {row['x']:.0f} layers {arm(row)} has activations of mean {row['act_mean']:.2f} "
            f"and standard deviation {row['value']:.2f}"
        )
    low, high = at_extreme(last, last["value"], largest=False), at_extreme(last, last["value"])
    return (
        f"After {low['x']:.0f} layers the activations' standard deviation runs from "
        f"{rounded(low['value'])} ({arm(low)}) to {rounded(high['value'])} ({arm(high)})"
    )


def through_training(view: View) -> Diagnostic | None:
    """Draw the gradient's norm by layer, epoch by epoch, of the baseline, best and worst."""
    if GRADIENT not in view.layers or view.layers["epoch"].nunique() < 3:
        return None
    if view.numbers("depth").max() < LEAST_DEPTH:
        return None
    cells, held = view.hold(view.cells, [f for f in view.factors if f in ("data", "depth")])
    arms = telling_arms(view, cells)
    values = arms.merge(view.layers, on="cell_id")
    values["value"] = values[GRADIENT].astype(float)
    if not (np.isfinite(values["value"]) & (values["value"] > 0)).any():
        return None
    for column, most in (("epoch", MOST_TIMES), ("layer", MOST_LAYERS)):
        kept = np.unique(values[column])
        values = values[values[column].isin(kept[even_places(len(kept), most)])]
    table = _with_lost(values, arms, view.cells)
    panels = list(dict.fromkeys(arms["panel"]))
    figure = layer_epoch_lines(table, panels, "gradient norm")
    caption = (
        "Median over networks of the norm of the loss's gradient with respect to each hidden "
        "layer's pre-activations, one line per probed epoch; epoch 0 is before training. "
        f"{shown(held)}"
    )
    title = _training_title(table)
    return drawn("through-training", figure, title, caption, table)


def _with_lost(values: pd.DataFrame, arms: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """The median `value` by `panel, layer, epoch`, a row each even where there is none.

    lost: how many of the panel's n networks diverged before they had a value at the epoch.
    """
    axes = [arms["panel"].unique(), np.unique(values["layer"]), np.unique(values["epoch"])]
    every = pd.MultiIndex.from_product(axes, names=["panel", "layer", "epoch"])
    medians = values.groupby(["panel", "layer", "epoch"], sort=False)["value"].median()
    table = medians.reindex(every).reset_index()
    known = values[np.isfinite(values["value"])].drop_duplicates(["cell_id", "epoch"])
    diverged = set(cells.loc[cells["status"] == "diverged", "cell_id"])
    failed = arms[arms["cell_id"].isin(diverged)].groupby("panel")["cell_id"].nunique()
    seen = known[known["cell_id"].isin(diverged)].groupby(["panel", "epoch"]).size()
    pairs = pd.MultiIndex.from_frame(table[["panel", "epoch"]])
    lost = table["panel"].map(failed).fillna(0) - seen.reindex(pairs).fillna(0).to_numpy()
    n = table["panel"].map(arms.groupby("panel")["cell_id"].nunique())
    return table.assign(lost=lost.astype(int), n=n)


def telling_arms(view: View, cells: pd.DataFrame) -> pd.DataFrame:
    """Return `cell_id, panel` of the baseline, the best and the worst arm by the study's metric."""
    metric = view.analysis.metric
    factors = [f for f in view.factors if f not in ("data", "depth")]
    label = arm_names(cells, factors).replace("", ALL)
    means = cells[metric].astype(float).groupby(label).mean().dropna().sort_values()
    at_baseline = np.ones(len(cells), dtype=bool)
    for factor in factors:
        at_baseline &= (cells[factor] == view.analysis.baselines[factor]).to_numpy()
    chosen = {str(level): "baseline" for level in label[at_baseline].unique()[:1]}
    if len(means):
        ends = [means.index[-1], means.index[0]]
        ends = ends if METRICS[metric].higher_is_better else ends[::-1]
        for level, word in zip(ends, ("best", "worst"), strict=True):
            chosen.setdefault(str(level), word)
    if not chosen:
        chosen = {str(level): "" for level in label.unique()[:3]}
    named_arms = {k: f"{k} ({v})" if v else k for k, v in chosen.items()}
    frame = pd.DataFrame({"cell_id": cells["cell_id"], "panel": label.map(named_arms)})
    order = list(named_arms.values())
    return frame.dropna().sort_values("panel", key=lambda panel: panel.map(order.index))


def _training_title(table: pd.DataFrame) -> str:
    """Say, for each arm, the first layer's share of the last's gradient, at the start and end."""
    said = []
    for panel, part in table.groupby("panel", sort=False):
        grid = part.dropna(subset=["value"]).pivot(index="epoch", columns="layer", values="value")
        if grid.empty:
            continue
        grid = grid.sort_index()
        ratio = grid.iloc[:, 0] / grid.iloc[:, -1]
        said.append((str(panel), float(ratio.iloc[0]), float(ratio.iloc[-1])))
    said = said or [("", np.nan, np.nan)]
    panel, start, end = min(said, key=lambda one: one[1] if np.isfinite(one[1]) else np.inf)
    if not (np.isfinite(start) and np.isfinite(end)):
        return "The gradient by layer during training"
    return (
        f"In {panel} the first layer's gradient is {rounded(start)} of the last's at the start and "
        f"{rounded(end)} at the end"
    )
