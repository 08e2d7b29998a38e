"""Pictures of the gradient by layer, at the start of training and at its end."""

import numpy as np
import pandas as pd

from nnbench import plots
from nnbench.plots import cut_apart
from nnbench.plots.lines import Scales
from nnbench.report.layers.frames import (
    KEEPS,
    at_epoch,
    growth_by_cell,
    predicted_gradient,
    relative_gradient,
    verdict,
)
from nnbench.report.layers.views import (
    ARM,
    CONSTANT,
    MOST_LETTERS,
    Diagnostic,
    Roles,
    View,
    at_extreme,
    drawn,
    named,
    of_lines,
    shown,
)
from nnbench.report.page.numbers import number
from nnbench.report.page.words import spoken
from nnbench.stats import student_intervals

LEAST_DEPTH = 3  # hidden layers that have a growth worth a line
LEAST_WIDTH = 8  # units of layers that have a typical growth
# Units of layers that a law of infinitely wide ones holds for, to 5 % a layer: it is of a mean, of
# which a typical ReLU layer's norm falls short by 5/(4n) in n units (Hanin & Nica 2020).
WIDE = 25
# Furthest that a relative gradient is drawn: beside 1, float64 tells no smaller one from nothing.
REACH = 1e16
GRADIENT = "pre_grad_norm"


def growth_of(view: View, last: bool = False) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """The relative gradients by layer, and the labelled cells with their growth.

    None without the gradient's column, or without networks of three layers of eight units.
    `predicted` is log10 of the mean factor of the norm that theory gives a layer, if it is wide.
    """
    if GRADIENT not in view.layers:
        return None
    relative = relative_gradient(at_epoch(view.layers, last), GRADIENT)
    deep = view.numbers("depth") >= LEAST_DEPTH
    wide = view.numbers("width") >= LEAST_WIDTH
    relative = relative[(deep & wide).reindex(relative["cell_id"]).to_numpy()]
    growth = growth_by_cell(relative)
    if growth.empty:
        return None
    known = predicted_if_wide(view, "gradient_growth")
    depth = view.numbers("depth").reindex(known["cell_id"]).to_numpy()
    known = known[(known["layer"] < depth) & (known["predicted"] > 0)]
    logs = np.log10(known["predicted"]) / 2
    growth["predicted"] = growth["cell_id"].map(logs.groupby(known["cell_id"]).mean())
    return relative, view.cells.merge(growth, on="cell_id")


def predicted_if_wide(view: View, quantity: str) -> pd.DataFrame:
    """A quantity's predictions by cell and layer, for cells wide enough for the law."""
    known = view.predicted(quantity)
    width = view.numbers("width").reindex(known["cell_id"])
    return known[(width >= WIDE).to_numpy()]


def gradients_at_start(view: View) -> Diagnostic | None:
    """Draw the gradient by layer at initialisation, a panel for each level of a second factor."""
    return _gradients(view, last=False)


def gradients_at_end(view: View) -> Diagnostic | None:
    """Draw the same where training ended; only for studies that train."""
    return _gradients(view, last=True) if view.layers["epoch"].max() > 0 else None


def _gradients(view: View, last: bool) -> Diagnostic | None:
    found = growth_of(view, last)
    if found is None:
        return None
    relative, cells = found
    roles = view.roles(cells, "log_growth")
    lines = view.lines(roles, "log_growth", _full_panels(view, roles))
    arms = _arms_of(view, lines.cells, last)
    singles = of_lines(relative.rename(columns={"layer": "x"}), lines.cells)
    laws = _before_training(view, lines.cells) if last else pd.concat(
        [_references(singles), _predicted_lines(view, lines.cells)])  # fmt: skip
    summary, singles, laws, cut = in_reach(_medians(singles, arms, roles), singles, laws)
    scales = Scales("layer, from the last to the first", "gradient norm, over the last layer's",
                    log_y=True, falling=True)  # fmt: skip
    figure = plots.line_panels(summary, singles, laws, lines.panels, lines.series, scales)
    notes = [*cut, *lines.notes, *_left_out(view, cells)]
    caption = f"{_caption(last, 'predicted' in set(laws['name']))} {shown(roles.held, notes)}"
    title = (_end_title if last else _start_title)(arms, roles)
    names = {"series": roles.series, "panel": roles.panel, "mean": "factor per layer"}
    name = "gradients-end" if last else "gradients-start"
    logs = ["mean", "low", "high", str(arms.columns[-1])]
    table = arms.assign(**(10 ** arms[logs].astype(float)))[["series", "panel", *logs, "k"]]
    return drawn(name, figure, title, caption, table, names | {"k": "networks"})


def _full_panels(view: View, roles: Roles) -> tuple[list[str], list[str]]:
    """The panels with at least half as many lines as the fullest, and a note on the rest."""
    levels = view.levels(roles.cells, roles.panel)
    lines = roles.cells.groupby(roles.panel)[roles.series].nunique()
    full = [level for level in levels if 2 * lines[level] >= lines.max()]
    few = len(levels) - len(full)
    return full, [f"Not drawn: {few} of {len(levels)} panels, which have few lines."] if few else []


def in_reach(
    summary: pd.DataFrame, singles: pd.DataFrame, laws: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, list[str]]:
    """The lines within `REACH` of 1, and a note if one was cut; a zero stays, at the foot.

    One arm that loses 1e123 would flatten all others.
    """
    frames = [
        frame[~((frame["value"] > 0) & (np.log10(frame["value"].clip(lower=1e-320)).abs()
                > np.log10(REACH)))] for frame in (summary, singles, laws)
    ]  # fmt: skip
    note = "A line that ends early leaves the range from 10⁻¹⁶ to 10¹⁶ there."
    return (*frames, [note] if len(frames[0]) < len(summary) else [])


def _left_out(view: View, cells: pd.DataFrame) -> list[str]:
    """Say how many networks have no gradient to take a ratio of."""
    eligible = view.numbers("depth").ge(LEAST_DEPTH) & view.numbers("width").ge(LEAST_WIDTH)
    lost = int(eligible.sum()) - len(cells)
    if lost <= 0:
        return []
    return [
        f"Left out: {lost} of {int(eligible.sum())} networks, which have no gradient to compare."
    ]


def _arms_of(view: View, cells: pd.DataFrame, last: bool) -> pd.DataFrame:
    """Each arm's mean log growth and, last, the predicted one or that before training."""
    arms = student_intervals(cells, ARM, "log_growth")
    column, rows = "predicted", cells
    start = growth_of(view) if last else None
    if start is not None:
        column = "before"
        rows = cells.merge(start[1][["cell_id", "log_growth"]].rename(
            columns={"log_growth": "before"}), on="cell_id")  # fmt: skip
    return arms.merge(rows.groupby(ARM)[column].mean().reset_index(), on=ARM, how="left")


def _medians(singles: pd.DataFrame, arms: pd.DataFrame, roles: Roles) -> pd.DataFrame:
    """The median over networks by layer, labelled with the growth a layer."""
    summary = singles.groupby([*ARM, "x"], sort=False)["value"].median().reset_index()
    summary = summary.merge(arms[[*ARM, "mean"]], on=ARM)
    names = [named(roles.series, level) for level in summary["series"]]
    cut = cut_apart(names, MOST_LETTERS - len(" 0.00"))
    labels = [f"{name} {10**mean:.2f}" for name, mean in zip(cut, summary["mean"], strict=True)]
    return summary.assign(label=labels)


def _predicted_lines(view: View, cells: pd.DataFrame) -> pd.DataFrame:
    """The predicted gradient of each arm's first cell, one line of each panel named."""
    first = cells.drop_duplicates(ARM)
    known = predicted_if_wide(view, "gradient_growth")
    known = known[(known["layer"] > 0) & known["cell_id"].isin(first["cell_id"])]
    lines = of_lines(predicted_gradient(known).rename(columns={"layer": "x"}), first)
    lines["line"] = lines["panel"] + "/" + lines["series"]
    # Named is the line that leads furthest away: there is most room beside it.
    logs = np.log(lines["value"].clip(lower=1e-300)).abs()
    furthest = logs.groupby(lines["panel"]).idxmax().dropna()
    is_named = lines["line"].isin(set(lines.loc[furthest, "line"]))
    return lines.assign(name=np.where(is_named, "predicted", ""), quiet=False)


def _before_training(view: View, cells: pd.DataFrame) -> pd.DataFrame:
    """The medians at initialisation of the same cells, as quiet lines."""
    start = relative_gradient(at_epoch(view.layers, last=False), GRADIENT)
    rows = of_lines(start.rename(columns={"layer": "x"}), cells)
    lines = rows.groupby([*ARM, "x"], sort=False)["value"].median().reset_index()
    return lines.assign(line=lines["panel"] + "/" + lines["series"], name="", quiet=True)


def _references(singles: pd.DataFrame) -> pd.DataFrame:
    """The lines of a gradient that changes by 0.9 and by 1.1 a layer, for every panel."""
    x = np.arange(int(singles["x"].min()), int(singles["x"].max()) + 1)
    lines = [
        pd.DataFrame({"panel": panel, "x": x, "value": factor ** (x[-1] - x),
                      "line": f"{panel}/{factor}", "name": "", "quiet": True})
        for panel in dict.fromkeys(singles["panel"]) for factor in KEEPS
    ]  # fmt: skip
    return pd.concat(lines)


def change_text(log_growth: float, predicted: float = np.nan) -> str:
    """Return `shrinks 4.1-fold a layer (predicted 4.0)`, or that it is kept, with the factor."""
    word = verdict(log_growth)
    if word == "keep":
        said = f"is kept, at a factor of {10**log_growth:.2f} per layer"
        return said + (f" (predicted {10**predicted:.2f})" if np.isfinite(predicted) else "")
    sign, verb = (-1, "shrinks") if word == "vanish" else (1, "grows")
    said = f"{verb} {_times(sign * log_growth)}-fold per layer"
    return said + (f" (predicted {_times(sign * predicted)})" if np.isfinite(predicted) else "")


def _times(log_factor: float) -> str:
    factor = 10**log_factor
    return number(factor, 1 if factor < 10 else 0)


def _arm(row: pd.Series, roles: Roles) -> str:
    """An arm in words: `sigmoid with xavier_normal`; nothing where nothing varies."""
    parts = ((roles.series, row["series"]), (roles.panel, row["panel"]))
    return " with ".join(spoken(factor, level) for factor, level in parts if factor not in CONSTANT)


def _start_title(arms: pd.DataFrame, roles: Roles) -> str:
    """Say which arm's gradient changes most, and which one's least, and what was predicted."""
    size = arms["mean"].abs()
    worst, best = at_extreme(arms, size), at_extreme(arms, size, largest=False)
    change = change_text(worst["mean"], worst["predicted"])
    if len(arms) == 1:
        return f"The gradient {change}"
    title = f"The gradient of {_arm(worst, roles)} {change}"
    if verdict(worst["mean"]) == "keep":
        return f"{title}; no other changes more"
    kept = change_text(best["mean"], best["predicted"])
    return f"{title}; that of {_arm(best, roles)} {kept}"


def _end_title(arms: pd.DataFrame, roles: Roles) -> str:
    """Say which arm's gradient training moved most, and what became of the worst at the start."""
    arms = arms.dropna(subset=["mean", "before"])
    if arms.empty:
        return "The gradient by layer after training"
    moved = at_extreme(arms, (arms["mean"] - arms["before"]).abs())
    worst = at_extreme(arms, arms["before"].abs())
    first, last = 10 ** worst["before"], 10 ** worst["mean"]
    change = f"from a factor of {10 ** moved['before']:.2f} to {10 ** moved['mean']:.2f} per layer"
    if moved.name == worst.name:
        return f"Training moves the gradient of {_arm(moved, roles) or 'all'} {change}"
    title = f"Training moves the gradient of {_arm(moved, roles)} {change}"
    if f"{first:.2f}" == f"{last:.2f}":
        return f"{title}; that of {_arm(worst, roles)} stays at {last:.2f}"
    return f"{title}; that of {_arm(worst, roles)} goes from {first:.2f} to {last:.2f}"


def _caption(last: bool, with_law: bool) -> str:
    when = "after the last probed epoch" if last else "at initialisation"
    text = (
        f"Norm of the loss's gradient with respect to each hidden layer's pre-activations {when}, "
        "over that of the last hidden layer: thick, the median over networks; thin, single "
        "networks. The number after a name is the mean factor per layer. "
    )
    if last:
        return text + "Grey dots: the medians before training."
    text += "Grey dots: 0.9 and 1.1 per layer, which over 150 layers come to 1.4·10⁻⁷ and 1.6·10⁶."
    law = "Dashed: the prediction for infinitely wide layers, the square root of χ per layer."
    return f"{text} {law}" if with_law else text
