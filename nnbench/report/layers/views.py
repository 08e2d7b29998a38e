"""What the diagnostic pictures share: the cells they look at, and who is panel, line or held."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from nnbench.plots import MOST_SERIES
from nnbench.report.analysis import Analysis
from nnbench.report.layers.frames import predicted_by_cell
from nnbench.report.page.parts import Picture, frame_table, picture
from nnbench.report.page.words import in_words, listed, spoken
from nnbench.results.read import Results
from nnbench.stats.pairing import as_numbers

# Columns of one level, which stand in where no factor tells anything: of lines, and of panels.
ALL, ONE = "all networks", "one panel"
CONSTANT = (ALL, ONE)
TIMES = " × "  # between the factors of a column that has their combinations
MOST_PANELS = 6
TELLS = 1e-3  # spread of level means below which a factor tells nothing (log10, or a share)
ARM = ["panel", "series"]  # columns of the cells of a figure of lines
MOST_LETTERS = 26  # of a label at a line's end
FOR_DRAWING = ("label", "text", "under")  # columns of a drawn frame that its table leaves out


@dataclass(frozen=True)
class Diagnostic:
    """One picture of what layers do, and the frame behind it.

    said: what else it shows, in sentences, for a page that opens with it.
    """

    name: str
    picture: Picture
    frame: pd.DataFrame
    said: Sequence[str] = ()


@dataclass(frozen=True)
class Roles:
    """Which factor is which in a figure, after the others are held; cells has those that stay."""

    cells: pd.DataFrame
    series: str
    panel: str
    held: list[str]


@dataclass(frozen=True)
class Lines:
    """The cells that a figure of lines shows, with their `panel` and `series`, and both in order.

    panels: level to name. notes: on the levels that are left out.
    """

    cells: pd.DataFrame
    panels: dict[str, str]
    series: list[str]
    notes: list[str]


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

    def numbers(self, column: str) -> pd.Series:
        """A recipe column as numbers by cell_id; null where it is none or not there."""
        if column not in self.raw:
            return pd.Series(np.nan, index=self.raw["cell_id"])
        values = as_numbers(self.raw[column])
        return pd.Series(values.to_numpy(), index=self.raw["cell_id"])

    def predicted(self, quantity: str) -> pd.DataFrame:
        """`predicted_by_cell` of a quantity, for all cells of the results."""
        return predicted_by_cell(self.results.cells, self.results.predictions, quantity)

    def predicted_of_network(self, cells: pd.DataFrame, quantity: str) -> pd.Series:
        """What is predicted of each of the cells' networks as a whole."""
        known = self.predicted(quantity).set_index("cell_id")["predicted"].astype(float)
        return cells["cell_id"].map(known)

    def roles(self, cells: pd.DataFrame, value: str, apart: Iterable[str] = ("depth",)) -> Roles:
        """Choose the lines and panels of a figure of `value`, and hold every other factor.

        Lines are activations where these vary, otherwise the factor that moves the value most;
        panels are the next that moves it, or its combinations with the one after it, if they are
        six at most. The factors named by `apart` (the axis) are never either. Held are the first
        data set, the deepest networks (of a depth that most arms have), and the baseline of every
        other factor.
        """
        varied = [f for f in self.factors if cells[f].nunique() > 1 and f not in {*apart, "data"}]
        order = sorted(varied, key=lambda factor: -spread(cells, factor, value))
        telling = [factor for factor in order if spread(cells, factor, value) > TELLS]
        series = "activation" if "activation" in telling else next(iter(telling), ALL)
        others = [factor for factor in telling if factor != series][:2]
        if len(others) == 2 and cells[others].drop_duplicates().shape[0] > MOST_PANELS:
            others = others[:1]
        kept, held = self.hold(cells, [f for f in self.factors if f not in (series, *others)])
        panel = TIMES.join(others) or ONE
        return Roles(with_combination(kept, panel), series, panel, held)

    def hold(self, cells: pd.DataFrame, factors: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
        """The cells of one level of each factor, and those levels in words."""
        held = []
        for factor in factors:
            levels = [x for x in self.analysis.levels[factor] if x in set(cells[factor])]
            if len(levels) < 2:
                continue
            wanted = self.analysis.baselines.get(factor, levels[0])
            if factor == "depth":
                wanted = _deepest(cells)
            level = wanted if wanted in levels else levels[0]
            cells = cells[cells[factor] == level]
            held.append(spoken(factor, level))
        return cells, held

    def levels(self, cells: pd.DataFrame, factor: str) -> list[str]:
        """The factor's levels among the cells, the baseline first, then in the study's order."""
        if factor in CONSTANT:
            return [factor]
        here = set(cells[factor])
        if TIMES in factor:
            parts = [
                [spoken(part, level) for level in self.levels(cells, part)]
                for part in factor.split(TIMES)
            ]
            return [
                level for pair in itertools.product(*parts) if (level := ", ".join(pair)) in here
            ]
        baseline = self.analysis.baselines.get(factor)
        found = [level for level in self.analysis.levels[factor] if level in here]
        return sorted(found, key=lambda level: level != baseline)

    def choice(
        self, cells: pd.DataFrame, factor: str, value: str, most: int
    ) -> tuple[list[str], list[str]]:
        """`spread_choice` among the factor's levels that the cells have."""
        return spread_choice(cells, factor, value, self.levels(cells, factor), most)

    def lines(
        self, roles: Roles, value: str, full: tuple[list[str], list[str]] | None = None
    ) -> Lines:
        """At most seven lines and six panels, which span the range of the value.

        full: the panels that may be chosen, if not all of them, and a note on the others.
        """
        cells = roles.cells
        series, said = self.choice(cells, roles.series, value, MOST_SERIES)
        known, few = full or (self.levels(cells, roles.panel), [])
        panels, more = spread_choice(cells, roles.panel, value, known, MOST_PANELS)
        return placed(roles, panels, series, [*said, *few, *more])


def view_of(results: Results, analysis: Analysis) -> View | None:
    """The view of a study with probes; None where there is nothing to look at."""
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


def spread(cells: pd.DataFrame, factor: str, value: str) -> float:
    """How far the factor's level means of a value lie apart, as a standard deviation."""
    means = cells.groupby(factor)[value].mean().dropna()
    return float(means.std(ddof=0)) if len(means) else 0.0


def with_combination(cells: pd.DataFrame, panel: str) -> pd.DataFrame:
    """The cells with the column of two factors' combinations, where that is the panel."""
    return (
        cells.assign(**{panel: arm_names(cells, panel.split(TIMES))}) if TIMES in panel else cells
    )


def arm_names(cells: pd.DataFrame, factors: Iterable[str]) -> pd.Series:
    """Each cell's levels of the factors in words; nothing of a factor that tells nothing."""
    names = pd.Series("", index=cells.index)
    for factor in [factor for factor in factors if factor not in CONSTANT]:
        names = names + ", " + cells[factor].map(lambda level, factor=factor: spoken(factor, level))
    return names.str.removeprefix(", ")


def _deepest(cells: pd.DataFrame) -> str:
    """The largest depth that is no exception: with half as many cells as the fullest."""
    counts = cells["depth"].value_counts()
    return str(max(counts.index[2 * counts >= counts.max()], key=float))


def spread_choice(cells: pd.DataFrame, factor: str, value: str, levels: list[str], most: int
                  ) -> tuple[list[str], list[str]]:  # fmt: skip
    """At most so many levels, evenly over the range of a value, and a sentence if fewer.

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
    count = f"{len(chosen)} of {len(levels)} levels of {in_words(factor)}"
    note = f"Shown: {count}, chosen to span the range."
    return [level for level in levels if level in chosen], [note]


def placed(roles: Roles, panels: list[str], series: list[str], notes: list[str]) -> Lines:
    """The cells of these panels and series, with the names of both in columns."""
    cells = roles.cells
    cells = cells[cells[roles.series].isin(series) & cells[roles.panel].isin(panels)]
    cells = cells.assign(
        panel=cells[roles.panel].astype(object), series=cells[roles.series].astype(object)
    )
    names = {panel: named(roles.panel, panel) for panel in panels}
    return Lines(cells, names, series, notes)


def of_lines(rows: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """The rows of these cells, with `panel` and `series`."""
    return rows.merge(cells[["cell_id", *ARM]], on="cell_id")


def shown(held: Sequence[str], left_out: Sequence[str] = ()) -> str:
    """Say what is held, and what is left out."""
    parts = [f"Shown: {listed(held)}."] if held else []
    return " ".join([*parts, *left_out])


def drawn(
    name: str,
    figure: Figure,
    title: str,
    caption: str,
    frame: pd.DataFrame,
    names: Mapping[str, str] | None = None,
) -> Diagnostic:
    """A finished picture with the table behind it: the frame, its columns renamed.

    A column of one level that stands in for a factor is left out.
    """
    table = frame.drop(columns=list(FOR_DRAWING), errors="ignore").rename(columns=names or {})
    table = table.drop(columns=list(CONSTANT), errors="ignore").reset_index(drop=True)
    name_of = f"diagnostic-{name}"
    shown_as = picture(figure, name_of, title, caption.strip(), frame_table(table))
    return Diagnostic(name, shown_as, table)


def named(factor: str, level: str) -> str:
    """A panel's name: what varies, and its level; nothing where nothing does."""
    return "" if factor in CONSTANT else spoken(factor, level)


def at_extreme(frame: pd.DataFrame, values: pd.Series, largest: bool = True) -> pd.Series:
    """The row where the values are largest, or smallest; nulls are neither."""
    known = values.to_numpy(dtype=float)
    place = np.nanargmax(known) if largest else np.nanargmin(known)
    return frame.iloc[int(place)]


def even_places(count: int, most: int) -> list[int]:
    """At most so many places of a list, evenly from its first to its last."""
    return sorted({round(place) for place in np.linspace(0, count - 1, min(count, most))})
