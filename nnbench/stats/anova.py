"""Functional ANOVA: which share of the variance each factor, each pair and the seeds hold."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit

from nnbench.stats.blocks import times_drawn
from nnbench.stats.intervals import GeneratorFor
from nnbench.stats.pairing import usable_values
from nnbench.stats.power import ALPHA
from nnbench.stats.shares_grid import (
    Forms,
    Groups,
    Term,
    complete_groups,
    grid_forms,
)
from nnbench.stats.shares_parts import (
    LEFT_WITHIN,
    components_of,
    divided,
    freedom_of,
    inside_data,
    noise_of,
    noise_p,
    parts_of,
)
from nnbench.stats.shares_squares import square_forms

RESAMPLES = 2000
TERM_SEPARATOR = " x "
KINDS = ("data", "factor", "pair", "data pair", "higher", "seeds", "unattributed")
LEAST_SEEDS = 5  # with fewer the seeds do not show how much they vary
SHARES = ("share", "within", "by_chance", "component", "component_low", "component_high", "p")
ENDS = ("component_low", "component_high")
COUNTS = ("reason", "interval_reason", "arms_used", "arms")
SHARE_COLUMNS = ("term", "kind", "first", "second", "freedom", *SHARES, *COUNTS)


def variance_shares(
    frame: pd.DataFrame, factors: Sequence[str], metric: str, generator_for: GeneratorFor
) -> pd.DataFrame:
    """Return one row per term with its share of the metric's variance over the cells.

    `frame` is labelled. Rows: the data set, each factor (largest first), each pair, each factor
    with the data set, `higher` (every other interaction), `seeds` (what differs between cells
    alike in all but the seed: the noise), and on incomplete grids `unattributed` (what terms
    share, and may be negative). The shares add up to 1; a row with a reason has none.
    Columns: `term, kind, first, second, freedom`; `share` of the sum of squares, and `within`: of
    that within data sets, for the difficulty of a data set says nothing about a factor;
    `by_chance`: the share that the row would hold if it were noise alone; `component` with its 95 %
    interval over the seeds: the share of the variance within data sets less what noise alone gives,
    which is the seeds' (0 where noise gives more; before that they add up to 1); `p` of the F test
    that the row is noise; `reason`, `interval_reason`; `arms_used` of `arms`: the (data, arm)
    groups with the metric in every seed, for the others' survivors would be averaged.

    On a complete grid the shares are exact, those of a balanced analysis of variance. Otherwise
    they are of type II, and only what the design can identify (`square_forms`). With one seed
    nothing is known of the noise, and a component is the share. The interval, from five seeds on,
    is a bootstrap of seeds within data sets, moved by its bias and stretched for few seeds.
    Sources: Hutter et al. 2014, An Efficient Approach for Assessing Hyperparameter Importance;
    Hooker 2007, Generalized Functional ANOVA Diagnostics.
    """
    return _shares(frame, usable_values(frame, metric), factors, generator_for("shares"))


def divergence_shares(
    frame: pd.DataFrame, factors: Sequence[str], generator_for: GeneratorFor
) -> pd.DataFrame:
    """Return the rows of `variance_shares` for whether a cell diverged: 1 or 0.

    A cell that crashed has neither. Undefined where all cells, or none, diverged.
    """
    values = (frame["status"] == "diverged").astype(float).where(frame["status"] != "crashed")
    return _shares(frame, values, factors, generator_for("divergence shares"))


def _shares(
    frame: pd.DataFrame, values: pd.Series, factors: Sequence[str], generator: np.random.Generator
) -> pd.DataFrame:
    if frame.empty:
        return pd.DataFrame(columns=list(SHARE_COLUMNS))
    found = decompose(frame, values, factors)
    if isinstance(found, Undivided):
        return _undefined(factors, f"undefined: {found.reason}", found.groups)
    groups, forms = found
    table = _rows(groups, forms)
    table = table.join(_intervals(groups, forms, list(table["key"]), generator), on="key")
    table["arms_used"], table["arms"] = len(groups.values), groups.total
    return _in_order(table)


class Undivided(NamedTuple):
    """Groups whose variance cannot be shared out, and why."""

    groups: Groups
    reason: str


def decompose(
    frame: pd.DataFrame, values: pd.Series, factors: Sequence[str]
) -> tuple[Groups, Forms] | Undivided:
    """Return the groups of a labelled frame and their variance as quadratic forms."""
    groups = complete_groups(frame, values, factors)
    if not len(groups.values):
        return Undivided(groups, f"none of {groups.total} arms has all its cells")
    if np.nanmax(groups.values) == np.nanmin(groups.values):
        return Undivided(groups, f"all {np.isfinite(groups.values).sum()} values equal")
    groups = replace(groups, values=groups.values - np.nanmean(groups.values))  # fewer lost digits
    forms = grid_forms(groups) if groups.is_complete else square_forms(groups)
    for f in factors:
        if groups.levels[f] < 2:
            kept = "one level has all its cells" if frame[f].nunique() > 1 else "one level"
            forms.reasons[(f,)] = f"undefined: {kept}"
    return groups, forms


def _rows(groups: Groups, forms: Forms) -> pd.DataFrame:
    """Return each term's share, degrees of freedom, share by chance and reason."""
    original = (1 / groups.seeds[groups.data_of])[None, :]
    parts, total, within = parts_of(forms, original)
    shares, inner = divided(parts, total), divided(inside_data(parts), within)
    shares.pop(LEFT_WITHIN, None)
    freedom = freedom_of(groups, forms)
    noise = noise_of(groups, forms, original)
    components = components_of(groups, forms, original)
    rows = []
    for key in [*shares, *(t for t in forms.reasons if t not in shares)]:
        row = _names(key) | {"key": key, "freedom": freedom.get(key, 0)}
        row |= {"share": _first(shares.get(key)), "within": _first(inner.get(key))}
        rate = noise[0] if key == ("data",) else noise[1]
        is_noise = key in (("seeds",), ("unattributed",))
        row["by_chance"] = math.nan if is_noise else _first(freedom.get(key, 0) * rate / total)
        row["component"] = _first(components.get(key))
        if key != ("unattributed",):
            row["component"] = min(max(row["component"], 0.0), 1.0)
        squares = None if is_noise else parts.get(key)
        row["p"] = noise_p(squares, row["freedom"], noise[1], groups)
        rows.append(row | {"reason": forms.reasons.get(key)})
    table = pd.DataFrame(rows)
    if (groups.seeds < 2).all():
        table.loc[table["kind"] == "seeds", ["share", "within", "component"]] = math.nan
        table.loc[table["kind"] == "seeds", "reason"] = "undefined: one seed"
    return table


def _names(key: Term) -> dict[str, Any]:
    """Return how a term is called, and its kind."""
    if key in (("higher",), ("seeds",), ("unattributed",)):
        return {"term": key[0], "kind": key[0], "first": None, "second": None}
    second = key[1] if len(key) > 1 else None
    kind = ("data" if key[0] == "data" else "factor") if second is None else "pair"
    kind = "data pair" if second is not None and key[0] == "data" else kind
    return {"term": TERM_SEPARATOR.join(key), "kind": kind, "first": key[0], "second": second}


def _first(values: np.ndarray | None) -> float:
    return math.nan if values is None else float(values[0])


def _intervals(
    groups: Groups, forms: Forms, keys: Iterable[Term], generator: np.random.Generator
) -> pd.DataFrame:
    """Return the 95 % interval of each component, by key."""
    index = pd.Index(list(keys), tupleize_cols=False, name="key")
    table = pd.DataFrame(math.nan, index=index, columns=list(ENDS))
    table["interval_reason"] = pd.Series(None, index=index, dtype=object)
    if few := few_seeds(groups):
        return table.assign(interval_reason=f"undefined: {few}")
    drawn = resample(groups, forms, generator)
    for place, key in enumerate(index):
        if key not in drawn.many or key == ("unattributed",):
            continue
        known = drawn.many[key][np.isfinite(drawn.many[key])]
        if not len(known) or np.ptp(known) <= 1e-12:
            table.iloc[place, -1] = "undefined: every seed gives the same"
        else:
            ends = moved_ends(known, drawn.one[key], drawn)
            table.iloc[place, :2] = [min(max(end, 0.0), 1.0) for end in ends]
    return table


def few_seeds(groups: Groups) -> str:
    """Say that there are too few seeds for an interval; nothing where there are enough."""
    if (groups.seeds >= LEAST_SEEDS).all():
        return ""
    least = int(groups.seeds.min())
    return "one seed" if least == 1 else f"{least} seeds, and {LEAST_SEEDS} show how they vary"


class Resampled(NamedTuple):
    """Every row's component under each resampling of the seeds, (RESAMPLES,), and as it is.

    size: the seeds of a data set, on average. freedom: the blocks less the data sets.
    """

    many: dict[Term, np.ndarray]
    one: dict[Term, float]
    size: float
    freedom: float


def resample(groups: Groups, forms: Forms, generator: np.random.Generator) -> Resampled:
    """Draw the seeds of each data set anew, with replacement."""
    drawn = times_drawn(groups.data_of, generator, RESAMPLES) / groups.seeds[groups.data_of]
    original = (1 / groups.seeds[groups.data_of])[None, :]
    many, one = (components_of(groups, forms, weights) for weights in (drawn, original))
    size, freedom = float(groups.seeds.mean()), float((groups.seeds - 1).sum())
    return Resampled(many, {key: float(value[0]) for key, value in one.items()}, size, freedom)


def moved_ends(
    resampled: np.ndarray, share: float, drawn: Resampled, alpha: float = ALPHA
) -> tuple[float, float]:
    """Return the interval: resampled shares moved onto the share, arms stretched for few seeds.

    Resampling seeds adds noise of its own to every term, which the move takes away again.
    """
    low, high = np.quantile(resampled, [alpha / 2, 1 - alpha / 2])
    stretch = math.sqrt(drawn.size / (drawn.size - 1))
    stretch *= stdtrit(drawn.freedom, 1 - alpha / 2) / ndtri(1 - alpha / 2)
    middle = float(resampled.mean())
    return share - stretch * (middle - float(low)), share + stretch * (float(high) - middle)


def _undefined(factors: Sequence[str], reason: str, groups: Groups) -> pd.DataFrame:
    """Return one row per factor that has no share, with the reason."""
    rows: list[dict[str, Any]] = []
    for f in factors:
        row: dict[str, Any] = dict.fromkeys(SHARES, math.nan)
        row |= _names((f,)) | {"key": (f,), "freedom": 0, "reason": reason}
        row["interval_reason"] = reason
        rows.append(row | {"arms_used": len(groups.values), "arms": groups.total})
    return _in_order(pd.DataFrame(rows, columns=["key", *SHARE_COLUMNS]))


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows by kind, then the largest share first."""
    kind = table["kind"].map(KINDS.index)
    ordered = table.assign(place=kind).sort_values(
        ["place", "share"], ascending=[True, False], kind="stable", ignore_index=True
    )
    for column in ("first", "second", "reason", "interval_reason"):
        text = ordered[column].astype(object)
        ordered[column] = text.where(text.notna(), None)
    return ordered[list(SHARE_COLUMNS)]
