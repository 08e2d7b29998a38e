"""Functional ANOVA: which share of the variance each factor, each pair and the seeds hold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import fdtrc, ndtri, stdtrit

from nnbench.stats.blocks import times_drawn
from nnbench.stats.intervals import GeneratorFor
from nnbench.stats.pairing import usable
from nnbench.stats.power import ALPHA
from nnbench.stats.shares_grid import (
    Forms,
    Groups,
    Term,
    complete_groups,
    grid_forms,
)
from nnbench.stats.shares_squares import square_forms

RESAMPLES = 2000
TERM_SEPARATOR = " x "
KINDS = ("data", "factor", "pair", "data pair", "higher", "seeds", "unattributed")
LEFT_WITHIN = ("unattributed within",)  # what terms share within data sets
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
    values = pd.to_numeric(frame[metric], errors="coerce").astype(float)
    return _shares(frame, values.where(usable(frame, metric)), factors, generator_for("shares"))


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
    groups = complete_groups(frame, values, factors)
    if not len(groups.values):
        reason = f"undefined: none of {groups.total} arms has all its cells"
        return _undefined(factors, reason, groups)
    if np.nanmax(groups.values) == np.nanmin(groups.values):
        reason = f"undefined: all {np.isfinite(groups.values).sum()} values equal"
        return _undefined(factors, reason, groups)
    groups = replace(groups, values=groups.values - np.nanmean(groups.values))  # fewer lost digits
    forms = grid_forms(groups) if groups.is_complete else square_forms(groups)
    for f in factors:
        if groups.levels[f] < 2:
            kept = "one level has all its cells" if frame[f].nunique() > 1 else "one level"
            forms.reasons[(f,)] = f"undefined: {kept}"
    table = _rows(groups, forms)
    table = table.join(_intervals(groups, forms, list(table["key"]), generator), on="key")
    table["arms_used"], table["arms"] = len(groups.values), groups.total
    return _in_order(table)


def _rows(groups: Groups, forms: Forms) -> pd.DataFrame:
    """Return each term's share, degrees of freedom, share by chance and reason."""
    original = (1 / groups.seeds[groups.data_of])[None, :]
    parts, total, within = _parts(forms, original)
    shares, inner = _divided(parts, total), _divided(_inside(parts), within)
    shares.pop(LEFT_WITHIN, None)
    freedom = _freedom(groups, forms)
    noise = _noise(groups, forms, original)
    components = _components(groups, forms, original)
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
        row["p"] = math.nan if is_noise else _f_p(parts.get(key), row["freedom"], noise[1], groups)
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


def _parts(
    forms: Forms, weights: np.ndarray
) -> tuple[dict[Term, np.ndarray], np.ndarray, np.ndarray]:
    """Return each row's squares under each weighting of the blocks, all, and those within data."""

    def form(matrix: np.ndarray) -> np.ndarray:
        result: np.ndarray = ((weights @ matrix) * weights).sum(axis=1)
        return result

    between, model = form(forms.between), form(forms.model)
    squares = weights @ forms.squares
    parts = {term: form(matrix) for term, matrix in forms.terms.items()}
    parts[("higher",)] = between - model
    parts[("seeds",)] = squares - between
    total = squares - form(forms.mean)
    inner = total - form(forms.data)
    if forms.is_overlapping:
        parts[("unattributed",)] = total - sum(parts.values())
        parts[LEFT_WITHIN] = inner - sum(
            part for term, part in parts.items() if term not in (("data",), ("unattributed",))
        )
    return parts, total, np.where(inner > 1e-12 * total, inner, 0.0)


def _inside(parts: dict[Term, np.ndarray]) -> dict[Term, np.ndarray]:
    """Return the parts within data sets."""
    left = {term: part for term, part in parts.items() if term != ("data",)}
    if LEFT_WITHIN in left:
        left[("unattributed",)] = left.pop(LEFT_WITHIN)
    return left


def _freedom(groups: Groups, forms: Forms) -> dict[Term, int]:
    """Return the degrees of freedom of every row."""
    arms, cells = len(groups.values), int(np.isfinite(groups.values).sum())
    freedom: dict[Term, int] = dict(forms.freedom)
    freedom[("higher",)] = arms - 1 - sum(forms.freedom.values())
    freedom[("seeds",)] = cells - arms
    return freedom


def _components(groups: Groups, forms: Forms, weights: np.ndarray) -> dict[Term, np.ndarray]:
    """Return each row's share of the variance within data sets, chance taken off.

    A row's squares hold, on top of what it does, one helping of noise for each degree of freedom;
    the seeds' own are short of these helpings. What noise is in a cell: what seeds do to a whole
    block, and what they do to an arm beyond that.
    """
    parts, _, _ = _parts(forms, weights)
    found = _inside(parts)
    if not sum(_noise_freedom(groups)):
        return _divided(found, sum(found.values(), np.zeros(len(weights))))
    block_rate, rate = (np.nan_to_num(one) for one in _noise(groups, forms, weights))
    freedom = _freedom(groups, forms)
    cells, blocks = int(np.isfinite(groups.values).sum()), len(groups.data_of)
    for term in found:
        if term not in (("seeds",), ("unattributed",)):
            found[term] = found[term] - freedom[term] * rate
    found[("seeds",)] = block_rate * blocks + rate * (cells - blocks)
    return _divided(found, sum(found.values(), np.zeros(len(weights))))


def _divided(parts: dict[Term, np.ndarray], whole: np.ndarray) -> dict[Term, np.ndarray]:
    safe = np.where(whole > 0, whole, math.nan)
    return {term: part / safe for term, part in parts.items()}


def _noise_freedom(groups: Groups) -> tuple[int, int]:
    """Return the degrees of freedom of whole blocks, and of arms within them."""
    arms = np.bincount(groups.codes["data"])
    within = int(((arms - 1) * (groups.seeds - 1)).sum())
    return int((groups.seeds - 1).sum()), within


def _noise(groups: Groups, forms: Forms, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the noise of a degree of freedom under each weighting: between data sets and within.

    Between data sets that is the noise of whole blocks; within them, what seeds do to an arm
    beyond what they do to its whole block. Null where there are no degrees of freedom.
    """
    block_means = np.nansum(groups.weight[:, None] * groups.values, axis=0)
    of_data = np.bincount(groups.codes["data"], weights=groups.weight)
    block_means = block_means / of_data[groups.data_of]
    places = np.eye(len(of_data))[groups.data_of]  # (blocks, data sets)
    centre = (weights * block_means) @ places
    blocks = ((weights * block_means**2) @ places - centre**2) @ of_data
    noise = weights @ forms.squares - ((weights @ forms.between) * weights).sum(axis=1)
    between, within = _noise_freedom(groups)
    nothing = np.full(len(weights), math.nan)
    return (
        blocks / between if between else nothing,
        (noise - blocks) / within if within else nothing,
    )


def _f_p(squares: np.ndarray | None, freedom: int, rate: np.ndarray, groups: Groups) -> float:
    """Return the p that squares of so many degrees of freedom are noise alone."""
    within = _noise_freedom(groups)[1]
    if squares is None or freedom < 1 or not rate[0] > 0:
        return math.nan
    return float(fdtrc(freedom, within, max(float(squares[0]), 0.0) / freedom / float(rate[0])))


def _intervals(
    groups: Groups, forms: Forms, keys: Iterable[Term], generator: np.random.Generator
) -> pd.DataFrame:
    """Return the 95 % interval of each component, by key."""
    index = pd.Index(list(keys), tupleize_cols=False, name="key")
    table = pd.DataFrame(math.nan, index=index, columns=list(ENDS))
    table["interval_reason"] = pd.Series(None, index=index, dtype=object)
    if (groups.seeds < LEAST_SEEDS).any():
        least = int(groups.seeds.min())
        few = "one seed" if least == 1 else f"{least} seeds, and {LEAST_SEEDS} show how they vary"
        return table.assign(interval_reason=f"undefined: {few}")
    drawn = times_drawn(groups.data_of, generator, RESAMPLES) / groups.seeds[groups.data_of]
    original = (1 / groups.seeds[groups.data_of])[None, :]
    freedom, size = float((groups.seeds - 1).sum()), float(groups.seeds.mean())
    stretch = math.sqrt(size / (size - 1)) * stdtrit(freedom, 1 - ALPHA / 2) / ndtri(1 - ALPHA / 2)
    many, one = (_components(groups, forms, weights) for weights in (drawn, original))
    for place, key in enumerate(index):
        if key not in many or key == ("unattributed",):
            continue
        known = many[key][np.isfinite(many[key])]
        if not len(known) or np.ptp(known) <= 1e-12:
            table.iloc[place, -1] = "undefined: every seed gives the same"
        else:
            table.iloc[place, :2] = _ends(known, float(one[key][0]), stretch)
    return table


def _ends(resampled: np.ndarray, share: float, stretch: float) -> tuple[float, float]:
    """Return the interval: resampled shares moved onto the share, arms stretched, in 0 to 1.

    Resampling seeds adds noise of its own to every term, which the move takes away again.
    """
    low, high = np.quantile(resampled, [ALPHA / 2, 1 - ALPHA / 2])
    middle = float(resampled.mean())
    ends = share - stretch * (middle - low), share + stretch * (high - middle)
    low, high = (min(max(float(end), 0.0), 1.0) for end in ends)
    return low, high


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
