"""Pictures of dead units: networks born dead, and units that die in training and revive."""

from dataclasses import replace

import numpy as np
import pandas as pd

from nnbench.plots import epochs, point_panels
from nnbench.plots.lines import Scales
from nnbench.report.layers.frames import at_epoch, dead_networks, dead_shares
from nnbench.report.layers.views import (
    ALL,
    MOST_PANELS,
    Diagnostic,
    Roles,
    View,
    arm_names,
    at_extreme,
    drawn,
    even_places,
    shown,
)
from nnbench.report.page.words import spoken

MOST_STRIPS = 12
WIDE = 8  # times the least depth or width from which the axis is logarithmic
LEAST_NETWORKS = 8  # behind a share that is worth an interval


def born_dead(view: View) -> Diagnostic | None:
    """Draw the share of networks with a dead layer at initialisation, by depth, for each width.

    Where only the width varies it is the axis. For studies with eight networks an arm, of which
    some are dead.
    """
    if "dead_fraction" not in view.layers:
        return None
    depth, width = view.numbers("depth"), view.numbers("width")
    axis, other = ("depth", "width") if depth.nunique() > 1 else ("width", "depth")
    rows = view.layers[view.layers["epoch"] == 0]
    dead = dead_networks(rows)
    if max(depth.nunique(), width.nunique()) < 2 or not dead["dead"].any():
        return None
    cells = view.cells.merge(dead[["cell_id", "dead"]], on="cell_id")
    cells, held = view.hold(cells, [f for f in view.factors if f not in ("depth", "width")])
    cells = cells.assign(
        x=cells["cell_id"].map(depth if axis == "depth" else width),
        by=cells["cell_id"].map(width if axis == "depth" else depth))  # fmt: skip
    shares = dead_shares(cells, ["by", "x"]).rename(columns={"share": "value"})
    if shares["n"].max() < LEAST_NETWORKS or not cells["dead"].any():
        return None
    levels = sorted(shares["by"].unique())
    levels = [levels[i] for i in even_places(len(levels), MOST_PANELS)]
    unit = "units per layer" if other == "width" else "hidden layers"
    shares["panel"] = [f"{by:g} {unit}" for by in shares["by"]]
    laws = _death_laws(view, cells, unit)
    panels = [f"{level:g} {unit}" for level in levels]
    across = "hidden layers" if axis == "depth" else "units per layer"
    x = shares["x"]
    log = bool(x.min() > 0 and x.max() >= WIDE * x.min())
    scales = Scales(across, "share of networks born dead", log_x=log, limits=(-0.03, 1.03))
    figure = point_panels(shares, laws, panels, scales)
    caption = (
        "Share of networks with a layer that is dead on every probed example before training, with "
        "Wilson's 95 % interval. Dashed: 1 − (1 − 2⁻ᴺ)ᴸ for L layers of N units, the exact law for "
        "one input and an upper bound for several; with one input feature, also the lower bound. "
        f"{shown(held)}"
    )
    title, table = _death_title(shares, laws, across), shares.drop(columns="panel")
    names = {"by": other, "x": axis, "value": "share"}
    found = drawn("born-dead", figure, title, caption, table, names)
    return replace(found, said=[f"{title}{_fewest(shares, across)}.", *_never_dead(view, dead)])


def _fewest(shares: pd.DataFrame, across: str) -> str:
    """Say at the other end of the grid how many are born dead."""
    least = shares.sort_values(["value", "by", "x"], ascending=[True, False, True]).iloc[0]
    where = f"{_units(least['x'], across)} and {least['panel']}"
    return f"; with {where}, {least['k'] or 'none'} of {least['n']}"


def _units(count: float, unit: str) -> str:
    """`1 hidden layer` or `8 hidden layers`, `1 unit per layer` or `8 units per layer`."""
    noun = unit.replace("layers", "layer").replace("units", "unit") if count == 1 else unit
    return f"{count:.0f} {noun}"


def _never_dead(view: View, dead: pd.DataFrame) -> list[str]:
    """Say of which levels no network at all is born dead, beside others of which some are."""
    is_dead = view.cells["cell_id"].map(dead.set_index("cell_id")["dead"]).fillna(False)
    said = []
    for factor in [f for f in view.factors if f not in ("data", "depth", "width")]:
        counts = is_dead.astype(int).groupby(view.cells[factor].map(str)).agg(["sum", "size"])
        spared = counts[counts["sum"] == 0]
        said += [
            f"None of {size:,} networks with {spoken(factor, str(level))} is born dead."
            for level, size in spared["size"].items()
        ]
    return said


def _death_laws(view: View, cells: pd.DataFrame, unit: str) -> pd.DataFrame:
    """Both bounds for the whole network, that of its last layer, by panel."""
    first = cells.drop_duplicates(["by", "x"])
    depth = view.numbers("depth")
    columns = ["panel", "x", "value", "name", "line"]
    parts = []
    for quantity, name in (("born_dead", "predicted, at most"), ("born_dead_at_least", "at least")):
        known = view.predicted(quantity)
        known = known[known["layer"] == depth.reindex(known["cell_id"]).to_numpy()]
        line = first.merge(known, on="cell_id").dropna(subset=["predicted"])
        if len(line):
            panel = line["by"].map(lambda by: f"{by:g} {unit}")
            line = line.assign(panel=panel, line=panel + name, value=line["predicted"], name=name)
            parts.append(line[columns])
    if not parts:
        return pd.DataFrame(columns=columns)
    laws = pd.concat(parts)
    # Named once, where the bounds lie furthest apart.
    gaps = laws.groupby(["panel", "x"])["value"].agg(np.ptp).groupby("panel").mean()
    return laws.assign(name=laws["name"].where(laws["panel"] == gaps.idxmax(), ""))


def _death_title(shares: pd.DataFrame, laws: pd.DataFrame, across: str) -> str:
    worst = at_extreme(shares, shares["value"])
    title = (
        f"With {_units(worst['x'], across)} and {worst['panel']}, {worst['k']} of {worst['n']} "
        "networks are born dead"
    )
    here = laws[(laws["panel"] == worst["panel"]) & (laws["x"] == worst["x"])]
    bounds = sorted(here["value"].dropna().astype(float))
    if not bounds:
        return title
    if len(bounds) == 1:
        return f"{title} (predicted at most {_percent(bounds[0])})"
    low, high = (_percent(bound) for bound in (bounds[0], bounds[-1]))
    return f"{title} (predicted {low if low == high else f'{low} to {high}'})"


def dead_units(view: View) -> Diagnostic | None:
    """Draw, layer by layer, the share of units born dead, died and revived through training.

    Only where some unit was ever dead. Panels are those arms of the two factors that move death
    most in which that is so: the first of them and those with the most dead units, six in all.
    """
    fractions = list(epochs.PARTS)
    needed = {*fractions, "dead_fraction", "layer_died_at_step"}
    if not needed <= set(view.layers) or view.layers["epoch"].max() == 0:
        return None
    if not (view.layers["dead_fraction"] > 0).any():
        return None
    ends = at_epoch(view.layers, last=True).groupby("cell_id")["dead_fraction"].mean()
    roles = view.roles(
        view.cells.merge(ends.rename("end").reset_index(), on="cell_id"), "end", apart=()
    )
    arms = _death_arms(view, roles)
    cells, said = _death_panels(view, arms)
    if cells.empty:
        return None
    shares = cells[["cell_id", "panel"]].merge(view.layers, on="cell_id")
    means = shares.groupby(["panel", "layer", "epoch"], sort=False)
    table = means[[*fractions, "dead_fraction"]].mean().reset_index()
    layers = sorted(table["layer"].unique())
    table = table[table["layer"].isin([layers[i] for i in even_places(len(layers), MOST_STRIPS)])]
    panels = list(dict.fromkeys(cells["panel"]))
    notes = _death_notes(shares)
    figure = epochs.dead_raster(table, panels, notes)
    step = (
        " The step is that of the first probe that found a layer with no living unit (median over "
        "the networks with one)."
        if any("step" in note for note in notes.values())
        else ""
    )
    caption = (
        "Share of each layer's units, mean over networks, that were dead from the start, died "
        "later, or were dead and live again. One strip per layer; its full height is all units. "
        f"{_probes_apart(shares)} A unit is dead if it is constant with zero gradient on every "
        f"probed example.{step} {shown(roles.held, said)}"
    )
    return drawn("dead-units", figure, _dead_units_title(view, arms), caption, table)


def _death_notes(shares: pd.DataFrame) -> dict[str, str]:
    """For each panel how many networks lost a whole layer, and at which step."""
    notes = {}
    for panel, part in shares.groupby("panel", sort=False):
        steps = part.groupby("cell_id")["layer_died_at_step"].min().astype(float)
        died = steps.dropna()
        when = f", step {died.median():.0f}" if len(died) else ""
        notes[str(panel)] = f"{len(died)} of {len(steps)} networks with a dead layer{when}"
    return notes


def _probes_apart(shares: pd.DataFrame) -> str:
    """Say how far probes are apart, which is how well a time is known."""
    said = []
    for column in ("epoch", "step"):
        times = shares[["cell_id", column]].drop_duplicates().sort_values(["cell_id", column])
        gaps = times.groupby("cell_id")[column].diff().dropna()
        least, most = f"{gaps.min():.0f}", f"{gaps.max():.0f}"
        span = least if least == most else f"{least} to {most}"
        said.append(f"{span} {column}{'' if span == '1' else 's'}")
    return f"Probes are {said[0]} ({said[1]}) apart, joined by straight lines."


def _death_arms(view: View, roles: Roles) -> pd.DataFrame:
    """The cells with the name of their arm as `panel`, in the study's order."""
    cells = roles.cells
    factors = [roles.series, roles.panel]
    cells = cells.assign(panel=arm_names(cells, factors).replace("", ALL))
    ranks = {factor: view.levels(cells, factor).index for factor in factors}
    return cells.sort_values(factors, key=lambda levels: levels.map(ranks[str(levels.name)]))


def _death_panels(view: View, cells: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The cells of the arms to draw, and what to say of the others."""
    ever = view.layers.groupby("cell_id")["dead_fraction"].max()
    dies = cells["cell_id"].map(ever).groupby(cells["panel"]).transform("max") > 0
    count, cells = cells["panel"].nunique(), cells[dies]
    ends = cells.groupby("panel", sort=False)["end"].mean()
    note = f"Not drawn: {count - len(ends)} of {count} configurations without dead units."
    said = [note] if len(ends) < count else []
    if len(ends) > MOST_PANELS:
        said.append(
            f"Shown: {MOST_PANELS} of {len(ends)} configurations, the first and those with the "
            "most dead units."
        )
    most = ends.iloc[1:].sort_values(ascending=False, kind="stable").index[: MOST_PANELS - 1]
    return cells[cells["panel"].isin([*ends.index[:1], *most])], said


def _dead_units_title(view: View, arms: pd.DataFrame) -> str:
    """Name the arms with most and fewest dead units, of all there are, drawn or not."""
    layers = view.layers[view.layers["cell_id"].isin(arms["cell_id"])]
    lost = f"{int(dead_networks(layers)['dead'].sum())} of {len(arms)} networks lost a whole layer"
    # What was seen of a network before it diverged is no end.
    ends = arms[arms["status"] == "ok"].groupby("panel", sort=False)["end"].mean()
    if ends.empty:
        return f"No network finished; {lost}"
    title = f"At the end {_percent(ends.max())} of units are dead"
    if len(ends) > 1:
        title += f" with {ends.idxmax()}, {_percent(ends.min())} with {ends.idxmin()}"
    return f"{title}; {lost}"


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"
