"""The report's figures of effects, pairs and training: frames for `nnbench.plots`, drawn."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from nnbench import plots
from nnbench.report.analysis import Analysis
from nnbench.report.page import table_cells
from nnbench.report.page.numbers import counted, decimals_for, number
from nnbench.report.page.parts import Column, Fill, Picture, Table, TableCell, picture, table_of
from nnbench.report.page.table_cells import NOTHING
from nnbench.report.study import frames, sentences
from nnbench.results.read import Results
from nnbench.stats import METRICS, sort_by_levels

__all__ = ["Picture", "curves_picture", "effects_picture", "heat_picture", "strip_frames"]

EFFECTS = "effects"  # the name of the figure of all differences
MOST_STRIP_LEVELS = 12
MOST_PANELS = 6
MOST_PLACES = 3  # decimals in a cell of a heat map
SHADES = 50  # of a colour scale that an eye tells apart, at most
CROWDED = 95.0  # percent: beyond, errors of 1 and of 4 % lie within three pixels
MOST_LEVEL_ROWS = 120
CURVE_LABELS = {
    "val_metric": {"classification": "validation accuracy (%)", "regression": "validation R²"},
    "val_loss": {},
    "train_loss": {},
}


# What mattered ----------------------------------------------------------------------------------


def strip_frames(analysis: Analysis) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows and points of the strips: the most important factor first, baselines out.

    Of a factor with many levels, the 12 with the largest effects, ordered by effect.
    """
    effects = sentences.comparing(analysis.effects)
    kept = []
    for factor in analysis.factors:
        part = effects[effects["factor"] == factor]
        largest = part["effect"].abs().fillna(float("inf")).nlargest(MOST_STRIP_LEVELS).index
        rows = part.loc[sorted(largest)]
        baseline = sentences.spoken(factor, analysis.baselines[factor])
        heading = f"against {plots.shorten(baseline, 28)}"
        if len(rows) < len(part):
            order = not analysis.higher_is_better
            rows = rows.sort_values("effect", ascending=order, kind="stable")
            heading += f", the {len(rows)} largest of {len(part)}"
        places = table_cells.effect_places(part)
        texts = [
            sentences.effect_text(row, places, is_log=analysis.is_log) for _, row in rows.iterrows()
        ]
        kept.append(rows.assign(name=sentences.in_words(factor), heading=heading, text=texts))
    nothing = [effects.assign(text="", heading="")]
    return pd.concat([part for part in kept if len(part)] or nothing), analysis.blocks


def effects_picture(analysis: Analysis) -> Picture | None:
    """Draw every level's paired difference, factor by factor; behind it, level by level."""
    if not analysis.factors or sentences.comparing(analysis.effects)["effect"].isna().all():
        return None
    strips, blocks = strip_frames(analysis)
    if strips.empty:
        return None
    title = sentences.effects_title(analysis.effects, analysis.baselines, analysis.metric)
    x_label = f"{analysis.difference_axis}, against the baseline"
    if analysis.is_log:
        what = METRICS[analysis.metric].factor_of
        x_label = f"drift of the {what} per layer, in multiples of the baseline's"
    higher = analysis.higher_is_better
    figure = plots.effect_strips(strips, blocks, x_label, higher, logs=analysis.is_log)
    caption = (
        "Mean paired difference of each level from its factor's baseline, with 95 % interval. Each "
        "pale dot is one block (one data set and seed). Coloured triangles: clear after correction "
        "for all comparisons here (▲ better, ▼ worse). Grey: no clear difference."
    )
    if alone := int(analysis.effects["only"].notna().sum()):
        levels = "One level that ran" if alone == 1 else f"{alone} levels that ran"
        verb = "is" if alone == 1 else "are"
        caption += f" {levels} on only part of the grid {verb} in the table."
    return picture(figure, EFFECTS, title, caption, level_table(analysis))


def level_table(analysis: Analysis) -> Table:
    """Every level: its mean, its paired difference, and what the design could detect."""
    effects, factor = analysis.effects, analysis.effects["factor"]
    means, differences = (
        {f: places(effects[factor == f]) for f in analysis.factors}
        for places in (table_cells.mean_places, table_cells.effect_places)
    )
    columns = [
        Column("factor", of=lambda row: sentences.in_words(row["factor"])),
        Column("level", of=table_cells.level),
        Column(analysis.axis, True, lambda row: table_cells.mean(row, means[row["factor"]])),
        Column(
            analysis.difference_axis,
            True,
            _beside(lambda row: table_cells.effect(row, differences[row["factor"]])),
        ),
        Column("verdict", of=_verdict),
        Column("corrected p", True, _beside(lambda row: table_cells.p_value(row["p_holm"]))),
        Column(
            "smallest detectable",
            True,
            _beside(
                lambda row: table_cells.plain(
                    row["detectable"], differences[row["factor"]], reason=row["detectable_reason"]
                )
            ),
        ),
        Column("seeds to settle", True, _beside(_seeds)),
        table_cells.DIVERGED,
    ]
    ordered = pd.concat([effects[factor == f] for f in analysis.factors])
    cut = "The first {shown} of {all:,} levels."
    note = _compared_on(analysis)
    return table_of(ordered, columns, note=note, most=MOST_LEVEL_ROWS, cut=cut, has_tools=True)


def _compared_on(analysis: Analysis) -> str:
    """Say which part of the grid the levels of each factor are not compared on, if any."""
    shared = {factor: analysis.shared([factor]) for factor in analysis.factors}
    told = [f"{factor}: not {one.left_out}" for factor, one in shared.items() if one.left_out]
    if not told and not any(one.partial for one in shared.values()):
        return ""
    text = "The levels of a factor are compared on the settings that all of them share"
    text += f" ({'; '.join(told)})" if told else ""
    if any(one.partial for one in shared.values()):
        text += "; a level with fewer settings states where it ran and is compared only there"
    return f"{text}."


def _beside(fill: Fill) -> Fill:
    """What stands in the row of a level, and not in that of the baseline itself."""
    return lambda row: NOTHING if row["verdict"] == "baseline" else fill(row)


def _verdict(row: Any) -> TableCell:
    return TableCell(str(row["verdict"]), is_verdict=True, note=table_cells.words(row["note"]))


def _seeds(row: Any) -> TableCell:
    if row["verdict"] in sentences.CLEAR:
        return TableCell("settled")
    if pd.isna(row["seeds_needed"]):
        return TableCell("–", reason=table_cells.words(row["seeds_reason"]))
    if row["seeds_needed"] >= sentences.MOST_SEEDS:
        return TableCell(f"over {sentences.MOST_SEEDS}", value=float(row["seeds_needed"]))
    return table_cells.whole(row["seeds_needed"])


# How two factors interact -----------------------------------------------------------------------


def heat_picture(analysis: Analysis, pair: Sequence[str], name: str = "heat") -> Picture | None:
    """Draw two factors against each other, one panel per data set."""
    if analysis.effects["mean"].isna().all():
        return None
    levels = analysis.levels
    # The longer labels go down the side, where they have room.
    column, row = sorted(pair, key=lambda f: (max(map(len, levels[f])), len(levels[f])))
    cross = analysis.scaled(frames.cross_means(analysis.labelled, row, column, analysis.metric))
    panels = list(dict.fromkeys(cross["data"]))
    cross = cross[cross["data"].isin(panels[:MOST_PANELS])]
    places = _places(cross["mean"].dropna())
    cross["text"] = [number(value, places) for value in cross["mean"]]
    log = _ratios_matter(cross["mean"], analysis.higher_is_better)
    names = sentences.in_words(row), sentences.in_words(column)
    least = float(analysis.effects["detectable"].min()) if not log else 0.0
    figure = plots.heat_maps(
        cross, levels[row], levels[column], *names, log=log, least=0.0 if least != least else least
    )
    caption = (
        f"Mean {analysis.axis} over the networks that finished, by {names[0]} and {names[1]}; one "
        f"colour scale for all panels.{_heat_marks(cross)}{_drawn_panels(panels)}"
    )
    title = sentences.heat_title(cross, row, column, analysis.axis)
    return picture(figure, name, title, caption, _cross_table(cross, row, column, analysis.axis))


def _places(means: "pd.Series[float]") -> int:
    """The decimals of what is printed on colours: enough to tell two that look different."""
    shade = float(means.max() - means.min()) / SHADES
    told = math.ceil(-math.log10(shade)) if shade > 0 else 0
    return min(max(decimals_for(means), told), MOST_PLACES)


def _drawn_panels(panels: Sequence[str]) -> str:
    """Say how many data sets are drawn, where not all of them are."""
    if len(panels) <= MOST_PANELS:
        return ""
    return f" Shown: {MOST_PANELS} of {len(panels)} data sets."


def _heat_marks(cross: pd.DataFrame) -> str:
    """Say what hatching and empty places mean, where there are any."""
    text = ""
    if cross["diverged"].any():
        text += " Hatched: some networks diverged (count shown)"
        text += "; where all did, there is no mean." if cross["mean"].isna().any() else "."
    places = cross["data"].nunique() * cross["row"].nunique() * cross["column"].nunique()
    return text + (" Empty: not in the design." if len(cross) < places else "")


def _cross_table(cross: pd.DataFrame, row: str, column: str, label: str) -> Table:
    def mean(cell: Any) -> TableCell:
        count = counted(cell["used"], cell["n"])
        return TableCell(cell["text"], count=count, value=table_cells.known(cell["mean"]))

    columns = [
        Column("data"),
        Column(row, of="row"),
        Column(column, of="column"),
        Column(f"mean {label}", True, mean),
        table_cells.DIVERGED,
    ]
    return table_of(cross, columns, most=MOST_LEVEL_ROWS, cut="The first {shown} of {all:,} rows.")


# How training went ------------------------------------------------------------------------------


def curves_picture(results: Results, analysis: Analysis, factor: str) -> Picture | None:
    """Draw how training went for the levels of one factor, one panel per data set."""
    frame = analysis.labelled
    column = frames.curve_column(frame, results.curves, analysis.higher_is_better)
    if column is None:
        return None
    cells = frames.seed_curves(frame, results.curves, factor, column)
    if column == "val_metric" and METRICS[analysis.metric].task == "classification":
        cells = cells.assign(value=100 * cells["value"])
    summary = frames.curve_summary(cells, frame, factor)
    summary = sort_by_levels(summary, {"data": analysis.levels["data"]})
    lines = frames.seed_medians(cells, summary)
    panels = list(dict.fromkeys(summary["data"]))
    levels = _kept_levels(analysis, factor)
    summary = summary[summary["data"].isin(panels[:MOST_PANELS]) & summary["level"].isin(levels)]
    if summary.empty:
        return None
    names = {level: sentences.spoken(factor, level) for level in levels}
    summary, lines = (f.assign(level=f["level"].map(names)) for f in (summary, lines))
    task = METRICS[analysis.metric].task or ""
    label = CURVE_LABELS[column].get(task, column.replace("val_", "validation "))
    label = label.replace("train_", "training ")
    log = _ratios_matter(summary["low"], "loss" not in column)
    axis, thick, thin = label, summary, lines
    if label.endswith("accuracy (%)") and _is_crowded_at_the_top(summary):
        axis, log = label.replace("accuracy (%)", "error (%), logarithmic"), True
        thick = summary.assign(**{name: 100 - summary[name] for name in ("median", "low", "high")})
        thin = lines.assign(value=100 - lines["value"])
    figure = plots.learning_curves(thick, thin, list(names.values()), axis, log=log)
    drawn = levels[: plots.MOST_SERIES]
    shown = summary[summary["level"].isin({names[level] for level in drawn})]
    title = sentences.curves_title(shown, label, len(analysis.levels[factor]))
    caption = (
        f"By {sentences.in_words(factor)}. Thick: median over finished networks (k of n in the "
        "label). Thin: one seed. The baseline is in the text colour."
    )
    if _stops_early(results):
        caption += " Epochs that fewer than half of them reached are left out."
    if len(drawn) < len(analysis.levels[factor]):
        levels_said = f"{len(drawn)} of {len(analysis.levels[factor])} levels"
        caption += f" Shown: {levels_said}, the baseline and those with the largest effects."
    caption += _drawn_panels(panels)
    if lines["seed"].nunique() > plots.MOST_THIN:
        caption += f" Thin lines: the first {plots.MOST_THIN} of {lines['seed'].nunique()} seeds."
    name = f"curves{_identity(factor)}"
    return picture(figure, name, title, caption, _curve_table(shown, factor, label))


def _is_crowded_at_the_top(summary: pd.DataFrame) -> bool:
    """Whether most lines end so near to 100 % that only their distance to it tells them apart."""
    last = summary.sort_values("epoch").groupby(["data", "level"])["median"].last()
    return bool(last.median() > CROWDED)


def _stops_early(results: Results) -> bool:
    cells = results.cells
    return "stopped_early" in cells and bool(cells["stopped_early"].fillna(False).any())


def _curve_table(summary: pd.DataFrame, factor: str, label: str) -> Table:
    """Each line's first, middle and last epochs: median and quartiles."""
    rows = []
    for _, part in summary.groupby(["data", "level"], sort=False):
        ordered = part.sort_values("epoch").assign(places=decimals_for(part["median"]))
        chosen = sorted({0, len(ordered) // 2, len(ordered) - 1})
        rows.append(ordered.iloc[chosen])
    names = {"low": "median_low", "high": "median_high"}

    def median(row: Any) -> TableCell:
        return table_cells.estimate(row, "median", row["places"], counted(row["k"], row["n"]))

    columns = [
        Column("data"),
        Column(factor, of="level"),
        Column("epoch", True, lambda row: table_cells.whole(row["epoch"])),
        Column(f"median {label} and quartiles", True, median),
    ]
    return table_of(pd.concat(rows).rename(columns=names), columns)


def _identity(factor: str) -> str:
    """The factor's name as letters and digits, for an id."""
    return "".join(c if c.isascii() and c.isalnum() else f"-{ord(c):x}-" for c in factor)


def _drawn_levels(analysis: Analysis, factor: str) -> list[str]:
    """The baseline and up to six more levels: those with the largest effects."""
    rows = analysis.effects[(analysis.effects["factor"] == factor) & ~analysis.effects["baseline"]]
    largest = set(
        rows.assign(size=rows["effect"].abs()).nlargest(plots.MOST_SERIES - 1, "size")["level"]
    )
    others = [level for level in analysis.levels[factor] if level in largest]
    return [analysis.baselines[factor], *others]


def _kept_levels(analysis: Analysis, factor: str) -> list[str]:
    """The drawn levels, and after them those that a reader of the page can have back."""
    drawn = _drawn_levels(analysis, factor)
    rest = [level for level in analysis.levels[factor] if level not in drawn]
    return [*drawn, *rest][: plots.MOST_KEPT]


def _ratios_matter(values: pd.Series, bounded: bool) -> bool:
    known = values.dropna()
    return bool(not bounded and len(known) and known.min() > 0 and known.max() / known.min() > 10)
