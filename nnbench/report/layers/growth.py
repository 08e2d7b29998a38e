"""Pictures of how much the gradient grows or falls a layer, with verdicts and predictions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from nnbench import plots
from nnbench.plots.lines import Scales
from nnbench.plots.style import MOST_PRINTED
from nnbench.report.layers.frames import KEEPS, probed_rows, verdict
from nnbench.report.layers.gradients import change_text, growth_of
from nnbench.report.layers.views import (
    ALL,
    MOST_PANELS,
    ONE,
    TIMES,
    Diagnostic,
    Roles,
    View,
    at_extreme,
    drawn,
    named,
    shown,
    spread,
    with_combination,
)
from nnbench.report.page.numbers import number
from nnbench.report.page.words import in_words, listed, spoken
from nnbench.stats import student_intervals

MOST_ROWS, MOST_COLUMNS = 40, 12
TABLE_CAPTION = (
    "Mean factor of the gradient's norm from one hidden layer to the one below, at initialisation: "
    f"{KEEPS[0]:g} or less vanishes, {KEEPS[1]:g} or more explodes, anything between is kept. "
    "Below it: the prediction for wide layers, where theory has one."
)
MOVES = 0.005  # spread of log10 growth from which a number is an axis
CLOSE = 0.05  # of the predicted factor


def growth_table(view: View) -> Diagnostic | None:
    """Draw the growth a layer for two factors at once, with the verdict and the prediction.

    Rows and columns are the lines and panels of the gradients' figure. A panel for each depth if
    all of them can be printed, otherwise the deepest.
    """
    found = growth_of(view)
    if found is None:
        return None
    cells = found[1]
    roles = view.roles(cells, "log_growth")
    if roles.series == ALL:
        return None
    if roles.panel == ONE and "depth" in view.factors:
        roles = Roles(cells, roles.series, "depth", [])
    cells, panel, held = _with_depths(view, with_combination(cells, roles.panel), roles)
    rows, said = view.choice(cells, roles.series, "log_growth", MOST_ROWS)
    columns, more = view.choice(cells, roles.panel, "log_growth", MOST_COLUMNS)
    cells = cells[cells[roles.series].isin(rows) & cells[roles.panel].isin(columns)]
    panels = {level: named(panel, level) for level in view.levels(cells, panel)}
    cross = _growth_cross(cells, {"panel": panel, "row": roles.series, "column": roles.panel})
    cross["panel"] = cross["panel"].map(panels)
    cross["column"] = cross["column"].replace(ONE, "")
    columns = [column if column != ONE else "" for column in columns]
    names = (_said(roles.series), "" if roles.panel == ONE else _said(roles.panel))
    figure = plots.growth_maps(cross, list(panels.values()), rows, columns, names)
    caption = f"{TABLE_CAPTION} {shown(held, [*said, *more])}"
    logs = ["value", "low", "high", "predicted"]
    table = cross.assign(**(10 ** cross[logs].astype(float)))
    constant = [name for name in ("panel", "column") if (table[name] == "").all()]
    said_as = {"row": roles.series, "column": roles.panel, "k": "networks", "panel": "depth"}
    factors = [f for f in (roles.series, *roles.panel.split(TIMES)) if f not in (ALL, ONE)]
    title = _table_title(cross, factors)
    diagnostic = drawn("growth", figure, title, caption, table.drop(columns=constant),
                  said_as | {"value": "factor per layer"})  # fmt: skip
    return replace(diagnostic, said=[f"{title}.", *_furthest(cross, roles)])


def _furthest(cross: pd.DataFrame, roles: Roles) -> list[str]:
    """Say where the gradient changes most on its way; nothing where it is kept everywhere."""
    known = cross.dropna(subset=["value"])
    if known.empty:
        return []
    row = at_extreme(known, known["value"].abs())
    if row["verdict"] == "keep":
        return []
    levels = ((roles.series, row["row"]), (roles.panel, row["column"]))
    arm = " with ".join(spoken(factor, str(level)) for factor, level in levels if level)
    return [f"Most extreme is {arm}: its gradient {change_text(row['value'], row['predicted'])}."]


def _with_depths(
    view: View, cells: pd.DataFrame, roles: Roles
) -> tuple[pd.DataFrame, str, list[str]]:
    """The table's cells, the column of its panels, and what is held."""
    used = [roles.series, *roles.panel.split(TIMES)]
    kept, held = view.hold(cells, [f for f in view.factors if f not in (*used, "depth")])
    count = kept["depth"].nunique() if "depth" in view.factors else 1
    if roles.panel == "depth" or count == 1:
        return kept, ALL, held
    printed = kept[roles.series].nunique() * kept[roles.panel].nunique() * count
    if printed <= MOST_PRINTED // 2:
        return kept, "depth", held
    deepest, more = view.hold(kept, ["depth"])
    return deepest, ALL, [*held, *more]


def _said(role: str) -> str:
    """A factor in words, or several: `activation × initialisation`."""
    return TIMES.join(in_words(factor) for factor in role.split(TIMES))


def _growth_cross(cells: pd.DataFrame, places: Mapping[str, str]) -> pd.DataFrame:
    """One row per panel, row and column, with the texts of its cell."""
    keys = list(dict.fromkeys(places.values()))
    cross = student_intervals(cells, keys, "log_growth")
    first = cells.groupby(keys, sort=False)["predicted"].first().reset_index()
    cross = cross.merge(first, on=keys).assign(value=cross["mean"])
    for name, column in places.items():
        cross[name] = cross[column].astype(object)
    cross["verdict"] = [verdict(value) for value in cross["value"]]
    cross["text"] = cross["value"].map(_factor) + " " + cross["verdict"]
    known = cross["predicted"].astype(float)
    cross["under"] = [f"predicted {_factor(x)}" if np.isfinite(x) else "" for x in known]
    wanted = ["panel", "row", "column", "value", "low", "high", "k", "predicted", "verdict"]
    return cross[[*wanted, "text", "under"]]


def _factor(log_growth: float) -> str:
    factor = 10**log_growth
    return f"{factor:.2f}" if 0.095 <= factor < 1e6 else number(factor)


def _table_title(cross: pd.DataFrame, factors: Sequence[str]) -> str:
    counts = cross["verdict"].value_counts()
    verbs = {
        "vanish": ("loses the gradient", "lose the gradient"),
        "keep": ("keeps the gradient", "keep the gradient"),
        "explode": ("lets the gradient explode", "let the gradient explode"),
    }
    said = [
        f"{count} {verbs[word][count > 1]}" for word in verbs if (count := int(counts.get(word, 0)))
    ]
    said[1:] = [text.replace("the gradient", "it") for text in said[1:]]
    names = listed([in_words(factor) for factor in factors])
    several = "combinations" if len(factors) > 1 else "levels"
    title = f"Of {len(cross)} {several} of {names}, {listed(said)} before training"
    both = cross.dropna(subset=["predicted"])
    if both.empty:
        return title
    near = (both["value"] - both["predicted"].astype(float)).abs() < np.log10(1 + CLOSE)
    return (
        f"{title}; theory is within {100 * CLOSE:.0f} % per layer for {near.sum()} of {len(both)}"
    )


class Axis(NamedTuple):
    """A number that growth is drawn over: the factor that it belongs to, its values by cell.

    label: of the axis; said: how a title puts one value.
    """

    factor: str
    x: pd.Series
    label: str
    said: str


def growth_over_number(view: View) -> Diagnostic | None:
    """Draw the growth a layer over the first number that varies and moves it.

    That is the batch size, the width, or a parameter of the data set, such as the examples that it
    has, and the probe's batch with them.
    """
    found = growth_of(view)
    if found is None:
        return None
    for axis in _axes(view):
        diagnostic = _growth_points(view, found[1], axis)
        if diagnostic is not None:
            return diagnostic
    return None


def _axes(view: View) -> Iterator[Axis]:
    """Yield every number that there may be to draw growth over."""
    for factor in ("batch_size", "width"):
        if factor in view.factors:
            label = factor.replace("_", " ")
            yield Axis(factor, view.numbers(factor), label, f"{label} {{:g}}")
    if "data" not in view.factors or view.raw["data"].nunique() > 1:
        return
    for column in [name for name in map(str, view.raw) if name.startswith("data.")]:
        x, label = view.numbers(column), column.removeprefix("data.")
        if label == "n":
            x = pd.Series(probed_rows(x, view.raw.set_index("cell_id")))
            yield Axis("data", x, "examples in the probed batch", "a batch of {:g}")
        else:
            yield Axis("data", x, label, f"{label} {{:g}}")


def _growth_points(view: View, cells: pd.DataFrame, axis: Axis) -> Diagnostic | None:
    """Draw the growth over one number; None where it has under three values or moves nothing."""
    cells = cells.assign(x=cells["cell_id"].map(axis.x))
    cells = cells[cells["x"] > 0]
    if cells["x"].nunique() < 3:
        return None
    kept, panel, held = _where_it_moves(view, cells, axis)
    if max(spread(part, "x", "log_growth") for _, part in kept.groupby(panel)) <= MOVES:
        return None
    levels, said = view.choice(kept, panel, "log_growth", MOST_PANELS)
    kept = kept[kept[panel].isin(levels)].assign(panel=kept[panel].map(lambda x: named(panel, x)))
    points = student_intervals(kept, ["panel", "x"], "log_growth")
    points = points.rename(columns={"mean": "value"})
    points[["value", "low", "high"]] = 10 ** points[["value", "low", "high"]]
    first = kept.drop_duplicates(["panel", "x"])
    laws = first.assign(value=10 ** first["predicted"].astype(float), name="predicted",
                        line=first["panel"])[["panel", "x", "value", "name", "line"]]  # fmt: skip
    scales = Scales(axis.label, "factor of the gradient norm per layer", log_x=True)
    panels = [named(panel, level) for level in levels]
    figure = plots.point_panels(points, laws, panels, scales)
    law = "Dashed: predicted for wide layers. " if laws["value"].notna().any() else ""
    caption = (
        "Mean factor of the gradient's norm from one hidden layer to the one below, at "
        f"initialisation, with 95 % interval over networks. {law}{shown(held, said)}"
    )
    title = _points_title(points, axis)
    return drawn("growth-over-number", figure, title, caption, points, {"x": axis.label})


def _where_it_moves(
    view: View, cells: pd.DataFrame, axis: Axis
) -> tuple[pd.DataFrame, str, list[str]]:
    """The cells to draw over the axis, the factor of their panels, and what is held.

    Panels are of a factor at whose baseline the number does nothing, if at another level it does:
    a batch means something under BatchNorm only. Other such factors are held where it does most.
    """
    kept, held = view.hold(cells, [f for f in ("data", "depth") if f in view.factors
                                    and f != axis.factor])  # fmt: skip
    elsewhere = {}
    for factor in [f for f in view.factors if f not in ("data", "depth", axis.factor)]:
        by = kept.groupby(factor)
        moves = pd.Series({level: spread(part, "x", "log_growth") for level, part in by})
        if moves.get(view.analysis.baselines[factor], 0.0) < moves.max() / 2:
            elsewhere[factor] = moves
    panel = max(elsewhere, key=lambda factor: elsewhere[factor].max(), default="")
    for factor in [f for f in elsewhere if f != panel]:
        level = str(elsewhere[factor].idxmax())
        kept, held = kept[kept[factor] == level], [*held, spoken(factor, level)]
    panel = panel or view.roles(kept, "log_growth", apart=("depth", axis.factor)).series
    rest = [f for f in view.factors if f not in (panel, axis.factor, *elsewhere)]
    kept, more = view.hold(kept, rest)
    return kept, panel, [*held, *more]


def _points_title(points: pd.DataFrame, axis: Axis) -> str:
    """Say from where to where the factor goes in the panel in which it goes furthest."""
    logs = points.assign(log=np.log10(points["value"])).groupby("panel", sort=False)["log"]
    panel = logs.agg(np.ptp).idxmax()
    part = points[points["panel"] == panel].sort_values("x")
    first, last = part.iloc[0], part.iloc[-1]
    where = f"Under {panel} the" if panel else "The"
    return (
        f"{where} gradient's factor per layer runs from {first['value']:.2f} at "
        f"{axis.said.format(first['x'])} to {last['value']:.2f} at {axis.said.format(last['x'])}"
    )
