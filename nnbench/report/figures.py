"""The report's figures: frames prepared for `nnbench.plots`, drawn, and turned into SVG."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from nnbench import plots
from nnbench.report import frames, sentences
from nnbench.report.analysis import Analysis, Results
from nnbench.report.numbers import decimals_for, number
from nnbench.report.svg import figure_svg
from nnbench.stats import METRICS

MOST_STRIP_LEVELS = 12
MOST_PANELS = 6
CURVE_LABELS = {
    "val_metric": {"classification": "validation accuracy", "regression": "validation R²"},
    "val_loss": {},
    "train_loss": {},
}


@dataclass(frozen=True)
class Picture:
    """One figure of the page: its finding, its picture and what the marks mean."""

    title: str
    svg: Markup
    caption: str


@dataclass(frozen=True)
class Figures:
    """The report's figures; None where there is nothing to draw."""

    effects: Picture | None
    heat: Picture | None
    curves: list[Picture]


def draw_figures(results: Results, analysis: Analysis) -> Figures:
    """Draw every figure that the results allow."""
    pictures = [curves_picture(results, analysis, factor) for factor in analysis.factors[:2]]
    return Figures(
        effects=effects_picture(analysis),
        heat=heat_picture(analysis),
        curves=[picture for picture in pictures if picture],
    )


def strip_frames(analysis: Analysis) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows and points of the strips: the most important factor first, baselines out.

    Of a factor with many levels, the 12 with the largest effects, in the levels' order.
    """
    effects = analysis.effects[~analysis.effects["baseline"]]
    kept = []
    for factor in analysis.factors:
        part = effects[effects["factor"] == factor]
        largest = part["effect"].abs().fillna(float("inf")).nlargest(MOST_STRIP_LEVELS).index
        places = sentences.effect_decimals(part)
        rows = part.loc[sorted(largest)]
        heading = f"against {plots.shorten(analysis.baselines[factor], 28)}"
        if len(rows) < len(part):
            heading += f", {len(rows)} of {len(part)} levels"
        texts = [sentences.effect_text(row, places) for _, row in rows.iterrows()]
        kept.append(rows.assign(heading=heading, text=texts))
    strips = pd.concat(
        [part for part in kept if len(part)] or [effects.assign(text="", heading="")]
    )
    return strips, analysis.blocks


def effects_picture(analysis: Analysis) -> Picture | None:
    """Draw what mattered: every level's paired difference, factor by factor."""
    if not analysis.factors or analysis.effects["effect"].isna().all():
        return None
    strips, blocks = strip_frames(analysis)
    if strips.empty:
        return None
    metric = METRICS[analysis.metric]
    title = sentences.importance_title(
        analysis.ranking, metric.label, sentences.effect_decimals(strips)
    )
    figure = plots.effect_strips(
        strips, blocks, f"difference in {metric.label} to the baseline", metric.higher_is_better
    )
    caption = (
        "Mean paired difference of each level to its factor's baseline, with 95 % interval; each "
        "pale dot is one data set and seed. A filled triangle is a difference whose interval "
        "excludes zero (▲ better, ▼ worse), an open circle one that cannot be told from zero. "
        "Factors are in order of the range of their levels' mean differences."
    )
    return Picture(title, Markup(figure_svg(figure, "effects", title)), caption)


def heat_picture(analysis: Analysis) -> Picture | None:
    """Draw the two factors that matter most against each other, one panel per data set."""
    varied = [f for f in analysis.factors if len(analysis.levels[f]) > 1]
    if len(varied) < 2 or analysis.effects["mean"].isna().all():
        return None
    # The longer labels go down the side, where they have room.
    column, row = sorted(
        varied[:2], key=lambda f: (max(map(len, analysis.levels[f])), len(analysis.levels[f]))
    )
    metric = METRICS[analysis.metric]
    cross = frames.cross_means(analysis.labelled, row, column, analysis.metric)
    panels = list(dict.fromkeys(cross["data"]))[:MOST_PANELS]
    cross = cross[cross["data"].isin(panels)]
    places = decimals_for(cross["mean"].dropna())
    cross["text"] = [number(value, min(places, 3)) for value in cross["mean"]]
    figure = plots.heat_maps(
        cross,
        analysis.levels[row],
        analysis.levels[column],
        row,
        column,
        log=_ratios_matter(cross["mean"], metric.higher_is_better),
    )
    caption = (
        f"Mean {metric.label} over the networks that finished, for the two factors that matter "
        "most; one colour scale for all panels. Hatched: some of the networks diverged, with their "
        "count; where all did there is no mean. Empty: no network in the design."
    )
    title = sentences.heat_title(cross, row, column, metric.label)
    return Picture(title, Markup(figure_svg(figure, "heat", title)), caption)


def curves_picture(results: Results, analysis: Analysis, factor: str) -> Picture | None:
    """Draw how training went for the levels of one factor, one panel per data set."""
    metric = METRICS[analysis.metric]
    frame = analysis.labelled
    column = frames.curve_column(frame, results.curves, metric.higher_is_better)
    if column is None:
        return None
    lines = frames.seed_curves(frame, results.curves, factor, column)
    summary = frames.curve_summary(lines, frame, factor)
    panels = list(dict.fromkeys(summary["data"]))[:MOST_PANELS]
    levels = _drawn_levels(analysis, factor)
    summary = summary[summary["data"].isin(panels) & summary["level"].isin(levels)]
    if summary.empty:
        return None
    names = {level: sentences.spoken(factor, level) for level in levels}
    summary, lines = (f.assign(level=f["level"].map(names)) for f in (summary, lines))
    label = CURVE_LABELS[column].get(metric.task or "", column.replace("val_", "validation "))
    label = label.replace("train_", "training ")
    log = _ratios_matter(summary["low"], "loss" not in column)
    figure = plots.learning_curves(summary, lines, list(names.values()), label, log=log)
    title = sentences.curves_title(summary, label)
    caption = (
        f"By {factor}: the thick line is the median over the networks that finished, after the "
        "count of which (k/n) its label ends; thin lines are single networks where they are few, "
        "otherwise the band spans the middle half of them. The baseline is drawn in the ink of the "
        "text. An epoch that fewer than half reached, because of early stopping, is left out."
    )
    if len(levels) < len(analysis.levels[factor]):
        caption += f" {len(levels)} of {len(analysis.levels[factor])} levels: the largest effects."
    return Picture(title, Markup(figure_svg(figure, f"curves{factor_id(factor)}", title)), caption)


def factor_id(factor: str) -> str:
    """Return the factor's name as letters and digits, for an id."""
    return "".join(c if c.isascii() and c.isalnum() else f"-{ord(c):x}-" for c in factor)


def _drawn_levels(analysis: Analysis, factor: str) -> list[str]:
    """Return the baseline and up to six more levels: those with the largest effects."""
    rows = analysis.effects[(analysis.effects["factor"] == factor) & ~analysis.effects["baseline"]]
    largest = set(
        rows.assign(size=rows["effect"].abs()).nlargest(plots.MOST_SERIES - 1, "size")["level"]
    )
    others = [level for level in analysis.levels[factor] if level in largest]
    return [analysis.baselines[factor], *others]


def _ratios_matter(values: pd.Series, bounded: bool) -> bool:
    known = values.dropna()
    return bool(not bounded and len(known) and known.min() > 0 and known.max() / known.min() > 10)
