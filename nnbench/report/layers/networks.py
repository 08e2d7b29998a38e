"""Pictures of whole networks: who trains at which depth, and how sharp the loss becomes."""

from dataclasses import replace

import numpy as np
import pandas as pd

from nnbench import plots
from nnbench.plots import MOST_SERIES, cut_apart
from nnbench.plots.lines import Scales
from nnbench.report.layers.views import (
    ALL,
    ARM,
    CONSTANT,
    MOST_LETTERS,
    MOST_PANELS,
    ONE,
    Diagnostic,
    Roles,
    View,
    drawn,
    named,
    of_lines,
    placed,
    shown,
)
from nnbench.report.page.numbers import decimals_for, number, rounded
from nnbench.report.page.units import scale_of, unit_of
from nnbench.stats import usable

SCALES_DEEP = 6.0  # depth scales to which a network can be trained (Schoenholz et al. 2017)


def trainability(view: View) -> Diagnostic | None:
    """Draw the score by depth and by the gain of one init, with 6 xi over it.

    For studies that train, with two depths and three gains at least; a panel for each activation.
    """
    depth, gain = view.numbers("depth"), view.numbers("init.gain")
    if depth.nunique() < 2 or gain.nunique() < 3 or view.layers["epoch"].max() == 0:
        return None
    cells = view.cells.assign(
        row=view.cells["cell_id"].map(depth), column=view.cells["cell_id"].map(gain),
        law=view.raw["init"].astype(str).to_numpy())  # fmt: skip
    cells = cells[cells["law"] == cells["law"].iloc[0]]
    panel = next((f for f in ("activation", "data") if f in view.factors), ALL)
    others = [f for f in view.factors if f not in (panel, "depth", "init")]
    cells, held = view.hold(cells, others)
    levels = view.levels(cells, panel)[:4]
    cells = cells[cells[panel].isin(levels)].assign(panel=lambda f: f[panel].astype(object))
    cross, law = _scores(view, cells), _six_scales(view, cells)
    metric, label = view.analysis.metric, view.analysis.axis
    init = cells["law"].iloc[0]
    names = ("depth, in hidden layers", f"gain of {init}", f"mean {label}")
    for frame in (cross, law):
        frame["panel"] = frame["panel"].map(lambda level: named(panel, level))
    least = float(view.analysis.effects["detectable"].min())
    figure = plots.trainability_map(
        cross, law, names, "6 ξ, predicted", least=0.0 if np.isnan(least) else least
    )
    lost = bool((cross["k"] < cross["n"]).any())
    hatched = "Hatched: not all networks finished (count shown). " if lost else ""
    caption = (
        f"Mean {label} over the networks that finished, by depth and gain. Dashed: six times the "
        "depth scale ξ of mean-field theory, in layers: how deep a signal can be distinguished "
        f"from noise; a line at the upper edge lies beyond it. {hatched}{shown(held)}"
    )
    frame = cross.merge(law.rename(columns={"value": "six_xi"}), on=["panel", "column"], how="left")
    names_of = {"row": "depth", "column": "gain", "value": metric, "k": "used"}
    title = _trainability_title(frame, view.analysis.label, unit_of(metric))
    return drawn("trainability", figure, title, caption, frame, names_of)


def _scores(view: View, cells: pd.DataFrame) -> pd.DataFrame:
    metric = view.analysis.metric
    known = cells[metric].astype(float).where(usable(cells, metric))
    scores = cells.assign(value=scale_of(metric) * known)
    cross = scores.groupby(["panel", "row", "column"], sort=False)["value"]
    table = cross.agg(["mean", "count", "size"]).reset_index()
    table = table.rename(columns={"mean": "value", "count": "k", "size": "n"})
    places = min(decimals_for(table["value"].dropna()), 2)
    known, lost = np.isfinite(table["value"]), table["k"] < table["n"]
    table["text"] = [number(value, places) for value in table["value"]]
    table["text"] = table["text"].where(known, "")
    counts = table["k"].astype(str) + " of " + table["n"].astype(str)
    return table.assign(under=counts.where(lost, ""))


def _six_scales(view: View, cells: pd.DataFrame) -> pd.DataFrame:
    scale = view.predicted_of_network(cells, "depth_scale")
    law = cells.assign(value=SCALES_DEEP * scale).dropna(subset=["value"])
    return law.drop_duplicates(["panel", "column"])[["panel", "column", "value"]]


def _trainability_title(frame: pd.DataFrame, label: str, unit: str) -> str:
    """Compare the scores within 6 xi with those beyond it."""
    known = frame.dropna(subset=["value", "six_xi"])
    inside = known["row"] <= known["six_xi"]
    if not inside.any() or inside.all():
        low, high = frame["value"].min(), frame["value"].max()
        ends = f"{rounded(low)} to {rounded(high)} {unit}".rstrip()
        return f"Mean {label} runs from {ends} over depth and gain"
    means = [f"{rounded(known.loc[s, 'value'].mean())} {unit}".rstrip() for s in (inside, ~inside)]
    return f"Networks no deeper than 6 ξ reach a mean {label} of {means[0]}, deeper ones {means[1]}"


def sharpness(view: View) -> Diagnostic | None:
    """Draw the sharpness over steps, with the edge of stability dashed, where it was probed."""
    curves = view.results.curves
    if "sharpness" not in curves:
        return None
    rows = curves[curves["cell_id"].isin(view.cells["cell_id"])].dropna(subset=["sharpness"])
    rows = rows[np.isfinite(rows["sharpness"].astype(float))]
    if rows.empty or rows["step"].max() == 0:
        return None
    late = rows[rows["step"] >= 0.75 * rows.groupby("cell_id")["step"].transform("max")]
    ends = late.groupby("cell_id")["sharpness"].median().astype(float)
    cells = view.cells.merge(ends.rename("end").reset_index(), on="cell_id")
    cells["edge"] = view.predicted_of_network(cells, "sharpness")
    roles = view.roles(cells, "end", apart=())
    # Each learning rate has an edge of its own, and so a panel.
    if roles.panel == ONE or roles.series == "optimizer":
        roles = replace(roles, series=roles.panel, panel=roles.series)
    return _sharpness_drawn(view, roles, rows.rename(columns={"step": "x", "sharpness": "value"}))


def _sharpness_drawn(view: View, roles: Roles, rows: pd.DataFrame) -> Diagnostic:
    panels, said = view.choice(roles.cells, roles.panel, "end", MOST_PANELS)
    series = view.levels(roles.cells, roles.series)[:MOST_SERIES]
    lines = placed(roles, panels, series, said)
    singles = of_lines(rows[["cell_id", "x", "value"]], lines.cells)
    summary = singles.groupby([*ARM, "x"], sort=False)["value"].median().reset_index()
    summary["label"] = _sharpness_labels(summary, lines.cells, roles)
    edges = lines.cells.dropna(subset=["edge"]).drop_duplicates("panel")[["panel", "edge"]]
    steps = np.linspace(singles["x"].min(), singles["x"].max(), 9)
    laws = edges.merge(pd.DataFrame({"x": steps}), how="cross")
    laws = laws.assign(value=laws["edge"], line=laws["panel"], name=[
        f"predicted edge, {edge:.3g}" for edge in laws["edge"]])  # fmt: skip
    scales = Scales("step", "sharpness", limits=_sharpness_limits(singles, laws))
    figure = plots.line_panels(summary, singles, laws, lines.panels, series, scales)
    caption = (
        "Largest eigenvalue of the loss's Hessian by step: thick, the median over networks; thin, "
        "single networks. Dashed: the largest curvature at which the optimizer is stable, 2/lr for "
        "full-batch gradient descent. A network's final value is the median over its last quarter; "
        f"a network that diverges has no sharpness from there on. {shown(roles.held, said)}"
    )
    names = {"x": "step", "value": "sharpness", "panel": roles.panel, "series": roles.series}
    table = summary.assign(panel=summary["panel"].map(lines.panels))
    return drawn("sharpness", figure, _sharpness_title(lines.cells), caption, table, names)


def _sharpness_labels(summary: pd.DataFrame, cells: pd.DataFrame, roles: Roles) -> list[str]:
    """Each line's name, and how many of its networks diverged: those end on their way."""
    lost = cells["status"].ne("ok").groupby([cells["panel"], cells["series"]]).agg(["sum", "size"])
    names = ["median" if roles.series in CONSTANT else str(one) for one in summary["series"]]
    counts = [lost.loc[at] for at in zip(summary["panel"], summary["series"], strict=True)]
    ends = [f", {count} of {size} diverged" if count else "" for count, size in counts]
    cut = cut_apart(names, MOST_LETTERS - max(map(len, ends), default=0))
    return [f"{name}{end}" for name, end in zip(cut, ends, strict=True)]


def _sharpness_limits(singles: pd.DataFrame, laws: pd.DataFrame) -> tuple[float, float]:
    """Limits from zero, which a single spike does not stretch."""
    values = singles["value"].astype(float)
    top = max(float(values.quantile(0.995)), float(laws["value"].max() if len(laws) else 0.0))
    return 0.0, 1.12 * top or 1.0


def _sharpness_title(cells: pd.DataFrame) -> str:
    ended = cells[cells["status"] == "ok"]
    if ended.empty:
        return f"All {len(cells)} networks diverged"
    lost = f"; {len(cells) - len(ended)} more diverged" if len(ended) < len(cells) else ""
    known = ended.dropna(subset=["edge"])
    if known.empty:
        low, high = ended["end"].min(), ended["end"].max()
        return f"The sharpness ends between {low:.3g} and {high:.3g}{lost}"
    ratio = known["end"] / known["edge"]
    near = int(((ratio > 0.9) & (ratio < 1.3)).sum())
    return (
        f"In {near} of {len(known)} networks the sharpness settles at the edge of stability, "
        f"between 0.9 and 1.3 times it{lost}"
    )
