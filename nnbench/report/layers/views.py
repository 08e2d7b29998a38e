"""What the diagnostic pictures share: the cells they look at, and who is panel, line or held."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from nnbench.report.analysis import Analysis
from nnbench.report.page.parts import Picture, picture
from nnbench.report.page.words import listed, spoken
from nnbench.results.read import Results

# Columns of one level, which stand in where no factor tells anything: of lines, and of panels.
ALL, ONE = "all networks", "one panel"
CONSTANT = (ALL, ONE)
TIMES = " × "  # between the factors of a column that has their combinations
MOST_PANELS = 6
TELLS = 1e-3  # spread of level means below which a factor tells nothing (log10, or a share)


@dataclass(frozen=True)
class Diagnostic:
    """One picture of what layers do, and the frame behind it."""

    name: str
    picture: Picture
    frame: pd.DataFrame


@dataclass(frozen=True)
class View:
    """What the pictures are made of. cells: labelled; raw: the same cells' own numbers.

    layers: their rows. factors: those with more than one level among the cells, `data` included.
    """

    results: Results
    analysis: Analysis
    cells: pd.DataFrame
    raw: pd.DataFrame
    layers: pd.DataFrame
    factors: list[str]


@dataclass(frozen=True)
class Roles:
    """Which factor is which in a figure, after the others are held; cells has those that stay."""

    cells: pd.DataFrame
    series: str
    panel: str
    held: list[str]

    def sentence(self, left_out: Sequence[str] = ()) -> str:
        """Say what is held, and what is left out."""
        parts = [f"Shown: {listed(self.held)}."] if self.held else []
        return " ".join([*parts, *left_out])


def view_of(results: Results, analysis: Analysis) -> View | None:
    """Return the view of a study with probes; None where there is nothing to look at."""
    if results.layers is None:
        return None
    cells = analysis.labelled.assign(**{name: name for name in CONSTANT})
    layers = results.layers[results.layers["cell_id"].isin(cells["cell_id"])]
    if layers.empty:
        return None
    raw = results.cells.set_index("cell_id").loc[cells["cell_id"]].reset_index()
    named = ["data", *analysis.factors]
    factors = [name for name in named if name in cells and cells[name].nunique() > 1]
    return View(results, analysis, cells, raw, layers, factors)


def numbers_of(view: View, column: str) -> pd.Series:
    """Return a recipe column as numbers by cell_id; null where it is none or not there."""
    if column not in view.raw:
        return pd.Series(np.nan, index=view.raw["cell_id"])
    values = pd.to_numeric(view.raw[column], errors="coerce").astype(float)
    return pd.Series(values.to_numpy(), index=view.raw["cell_id"])


def spread(cells: pd.DataFrame, factor: str, value: str) -> float:
    """Return how far the factor's level means of a value lie apart, as a standard deviation."""
    means = cells.groupby(factor)[value].mean().dropna()
    return float(means.std(ddof=0)) if len(means) else 0.0


def assign_roles(
    view: View, cells: pd.DataFrame, value: str, apart: Iterable[str] = ("depth",)
) -> Roles:
    """Choose the lines and panels of a figure of `value`, and hold every other factor.

    Lines are activations where these vary, otherwise the factor that moves the value most; panels
    are the next that moves it, or its combinations with the one after it, if they are six at most.
    The factors named by `apart` (the axis) are never either. Held are the first data set, the
    deepest networks (of a depth that most arms have), and the baseline of every other factor.
    """
    varied = [f for f in view.factors if cells[f].nunique() > 1 and f not in {*apart, "data"}]
    order = sorted(varied, key=lambda factor: -spread(cells, factor, value))
    telling = [factor for factor in order if spread(cells, factor, value) > TELLS]
    series = "activation" if "activation" in telling else next(iter(telling), ALL)
    others = [factor for factor in telling if factor != series][:2]
    if len(others) == 2 and cells[others].drop_duplicates().shape[0] > MOST_PANELS:
        others = others[:1]
    kept, held = hold(view, cells, [f for f in view.factors if f not in (series, *others)])
    panel = TIMES.join(others) or ONE
    return Roles(with_combination(kept, panel), series, panel, held)


def with_combination(cells: pd.DataFrame, panel: str) -> pd.DataFrame:
    """Return the cells with the column of two factors' combinations, where that is the panel."""
    if TIMES not in panel:
        return cells
    first, second = (
        cells[factor].map(lambda level, factor=factor: spoken(factor, level))
        for factor in panel.split(TIMES)
    )
    return cells.assign(**{panel: first + ", " + second})


def hold(view: View, cells: pd.DataFrame, factors: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    """Return the cells of one level of each factor, and those levels in words."""
    held = []
    for factor in factors:
        levels = [x for x in view.analysis.levels[factor] if x in set(cells[factor])]
        if len(levels) < 2:
            continue
        wanted = view.analysis.baselines.get(factor, levels[0])
        if factor == "depth":
            wanted = _deepest(cells)
        level = wanted if wanted in levels else levels[0]
        cells = cells[cells[factor] == level]
        held.append(spoken(factor, level))
    return cells, held


def _deepest(cells: pd.DataFrame) -> str:
    """Return the largest depth that is no exception: with half as many cells as the fullest."""
    counts = cells["depth"].value_counts()
    return str(max(counts.index[2 * counts >= counts.max()], key=float))


def levels_in(view: View, cells: pd.DataFrame, factor: str) -> list[str]:
    """Return the factor's levels among the cells, the baseline first, then in the study's order."""
    if factor in CONSTANT:
        return [factor]
    here = set(cells[factor])
    if TIMES in factor:
        parts = [
            [spoken(part, level) for level in levels_in(view, cells, part)]
            for part in factor.split(TIMES)
        ]
        return [level for pair in itertools.product(*parts) if (level := ", ".join(pair)) in here]
    baseline = view.analysis.baselines.get(factor)
    found = [level for level in view.analysis.levels[factor] if level in here]
    return sorted(found, key=lambda level: level != baseline)


def spread_choice(cells: pd.DataFrame, factor: str, value: str, levels: list[str], most: int
                  ) -> tuple[list[str], list[str]]:  # fmt: skip
    """Return at most so many levels, evenly over the range of a value, and a sentence if fewer.

    The first level, which is the baseline, always stays. Each next one is that whose mean lies
    furthest from those of all chosen so far, so that of many that do alike one stands for all.
    """
    if len(levels) <= most:
        return levels, []
    means = cells.groupby(factor)[value].mean().reindex(levels)
    chosen = levels[:1]
    while len(chosen) < most:
        rest = means.drop(chosen)
        gaps = [float((means[chosen] - mean).abs().min()) for mean in rest]
        chosen.append(str(rest.index[int(np.argmax(np.nan_to_num(gaps, nan=-1.0)))]))
    note = f"{len(chosen)} of {len(levels)} levels of {factor}, chosen to span the range."
    return [level for level in levels if level in chosen], [note]


def drawn(name: str, figure: Figure, title: str, caption: str, frame: pd.DataFrame) -> Diagnostic:
    """Return a finished picture with its frame."""
    found = picture(figure, f"diagnostic-{name}", title, caption.strip())
    return Diagnostic(name, found, frame.reset_index(drop=True))


def named(factor: str, level: str) -> str:
    """Return a panel's name: what varies, and its level; nothing where nothing does."""
    return "" if factor in CONSTANT else spoken(factor, level)


def at_extreme(frame: pd.DataFrame, values: pd.Series, largest: bool = True) -> pd.Series:
    """Return the row where the values are largest, or smallest; nulls are neither."""
    known = values.to_numpy(dtype=float)
    place = np.nanargmax(known) if largest else np.nanargmin(known)
    return frame.iloc[int(place)]


def placed(rows: pd.DataFrame, cells: pd.DataFrame, roles: Roles) -> pd.DataFrame:
    """Return the rows of the cells with `panel` and `series`."""
    arms = pd.DataFrame(
        {
            "cell_id": cells["cell_id"],
            "panel": cells[roles.panel].astype(object),
            "series": cells[roles.series].astype(object),
        }
    )
    return rows.merge(arms, on="cell_id")


def even_places(count: int, most: int) -> list[int]:
    """Return at most so many places of a list, evenly from its first to its last."""
    return sorted({round(place) for place in np.linspace(0, count - 1, min(count, most))})
