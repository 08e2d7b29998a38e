"""The report's figures of effects, pairs and training: frames for `nnbench.plots`, drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from nnbench import plots
from nnbench.report.analysis import Analysis
from nnbench.report.page import entries
from nnbench.report.page.numbers import counted, decimals_for, number
from nnbench.report.page.parts import Column, Entry, Picture, Table, picture
from nnbench.report.study import frames, sentences
from nnbench.results.read import Results
from nnbench.stats import METRICS, sort_by_levels

__all__ = ["Picture", "curves_picture", "effects_picture", "heat_picture", "strip_frames"]

MOST_STRIP_LEVELS = 12
MOST_PANELS = 6
MOST_LEVEL_ROWS = 120
CURVE_LABELS = {
    "val_metric": {"classification": "validation accuracy", "regression": "validation R²"},
    "val_loss": {},
    "train_loss": {},
}


# What mattered ----------------------------------------------------------------------------------


def strip_frames(analysis: Analysis) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows and points of the strips: the most important factor first, baselines out.

    Of a factor with many levels, the 12 with the largest effects, ordered by effect.
    """
    effects = sentences.comparing(analysis.effects)
    better_up = METRICS[analysis.metric].higher_is_better
    kept = []
    for factor in analysis.factors:
        part = effects[effects["factor"] == factor]
        largest = part["effect"].abs().fillna(float("inf")).nlargest(MOST_STRIP_LEVELS).index
        places = sentences.effect_decimals(part)
        rows = part.loc[sorted(largest)]
        baseline = sentences.spoken(factor, analysis.baselines[factor])
        heading = f"against {plots.shorten(baseline, 28)}"
        if len(rows) < len(part):
            rows = rows.sort_values("effect", ascending=not better_up, kind="stable")
            heading += f", the {len(rows)} largest of {len(part)}"
        texts = [sentences.effect_text(row, places) for _, row in rows.iterrows()]
        kept.append(rows.assign(heading=heading, text=texts))
    strips = pd.concat(
        [part for part in kept if len(part)] or [effects.assign(text="", heading="")]
    )
    return strips, analysis.blocks


def effects_picture(analysis: Analysis) -> Picture | None:
    """Draw every level's paired difference, factor by factor; behind it, level by level."""
    if not analysis.factors or sentences.comparing(analysis.effects)["effect"].isna().all():
        return None
    strips, blocks = strip_frames(analysis)
    if strips.empty:
        return None
    metric = METRICS[analysis.metric]
    title = sentences.effects_title(analysis.effects, analysis.baselines, metric.label)
    figure = plots.effect_strips(
        strips, blocks, f"difference in {metric.label} to the baseline", metric.higher_is_better
    )
    caption = (
        "Mean paired difference of each level to its factor's baseline, with 95 % interval; each "
        "pale dot is one data set and seed. A filled triangle is a difference that is told from "
        "zero after correction for all comparisons here (▲ better, ▼ worse), an open circle one "
        "that is not."
    )
    if alone := int(analysis.effects["only"].notna().sum()):
        levels = "One level" if alone == 1 else f"{alone} levels"
        caption += f" {levels} that ran on a part of the grid only: in the table."
    return picture(figure, "effects", title, caption, level_table(analysis))


def level_table(analysis: Analysis) -> Table:
    """Return every level: its mean, its paired difference, and what the design could detect."""
    columns = [
        Column("factor"),
        Column("level"),
        Column(METRICS[analysis.metric].label, True),
        Column("difference to the baseline", True),
        Column("verdict"),
        Column("corrected p", True),
        Column("smallest detectable", True),
        Column("seeds to settle", True),
        Column("diverged", True),
    ]
    rows: list[list[Entry | str]] = []
    for factor in analysis.factors:
        part = analysis.effects[analysis.effects["factor"] == factor]
        places = entries.mean_places(part)
        effect_places = sentences.effect_decimals(part)
        rows += [_level_row(row, places, effect_places) for _, row in part.iterrows()]
    notes = [_compared_on(analysis)]
    if len(rows) > MOST_LEVEL_ROWS:
        notes.append(f"The first {MOST_LEVEL_ROWS} of {len(rows):,} levels.")
    note = " ".join(one for one in notes if one)
    return Table(columns, rows[:MOST_LEVEL_ROWS], note=note, has_tools=True)


def _compared_on(analysis: Analysis) -> str:
    """Say which part of the grid the levels of each factor are not compared on, if any."""
    shared = {factor: analysis.shared([factor]) for factor in analysis.factors}
    told = [f"{factor}: not {one.left_out}" for factor, one in shared.items() if one.left_out]
    if not told and not any(one.partial for one in shared.values()):
        return ""
    text = "The levels of a factor are compared on the cells that all of them have"
    text += f" ({'; '.join(told)})" if told else ""
    if any(one.partial for one in shared.values()):
        text += "; a level with fewer says where it ran, and is compared with its baseline there"
    return f"{text}."


def _level_row(row: pd.Series, places: int, effect_places: int) -> list[Entry | str]:
    is_baseline = row["verdict"] == "baseline"
    count = counted(row["pairs_used"], row["pairs"]) if not is_baseline else ""
    nothing = Entry("–")
    note = row["note"] if isinstance(row["note"], str) else ""
    return [
        str(row["factor"]),
        Entry(str(row["level"]), note=row["only"] if isinstance(row["only"], str) else ""),
        entries.estimate(row, "mean", places, counted(row["used"], row["n"])),
        nothing if is_baseline else entries.estimate(row, "effect", effect_places, count, True),
        Entry(str(row["verdict"]), is_verdict=True, note=note),
        nothing if is_baseline else _p_entry(row["p_holm"]),
        nothing if is_baseline else _detectable_entry(row, effect_places),
        nothing if is_baseline else _seeds_entry(row),
        entries.whole(row["diverged"], row["n"]),
    ]


def _p_entry(p: float) -> Entry:
    if pd.isna(p):
        return Entry("–")
    return Entry("< 0.001" if p < 0.001 else number(p, 3), value=float(p))


def _detectable_entry(row: pd.Series, places: int) -> Entry:
    found = entries.plain(row["detectable"], places)
    reason = row["detectable_reason"]
    return replace(found, reason=reason if isinstance(reason, str) else "")


def _seeds_entry(row: pd.Series) -> Entry:
    if row["verdict"] in ("better", "worse"):
        return Entry("settled")
    if pd.isna(row["seeds_needed"]):
        reason = row["seeds_reason"]
        return Entry("–", reason=reason if isinstance(reason, str) else "")
    return entries.whole(row["seeds_needed"])


# How two factors interact -----------------------------------------------------------------------


def heat_picture(analysis: Analysis, pair: Sequence[str], name: str = "heat") -> Picture | None:
    """Draw two factors against each other, one panel per data set."""
    if analysis.effects["mean"].isna().all():
        return None
    # The longer labels go down the side, where they have room.
    column, row = sorted(
        pair, key=lambda f: (max(map(len, analysis.levels[f])), len(analysis.levels[f]))
    )
    metric = METRICS[analysis.metric]
    cross = frames.cross_means(analysis.labelled, row, column, analysis.metric)
    panels = list(dict.fromkeys(cross["data"]))
    shown = panels[:MOST_PANELS]
    cross = cross[cross["data"].isin(shown)]
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
        f"Mean {metric.label} over the networks that finished, by {row} and {column}; one colour "
        f"scale for all panels.{_heat_marks(cross)}"
    )
    if len(shown) < len(panels):
        caption += f" {len(shown)} of {len(panels)} data sets."
    title = sentences.heat_title(cross, row, column, metric.label)
    return picture(figure, name, title, caption, _cross_table(cross, row, column, metric.label))


def _heat_marks(cross: pd.DataFrame) -> str:
    """Say what hatching and empty places mean, where there are any."""
    text = ""
    if cross["diverged"].any():
        text += " Hatched: some of the networks diverged, with their count"
        text += "; where all did there is no mean." if cross["mean"].isna().any() else "."
    places = cross["data"].nunique() * cross["row"].nunique() * cross["column"].nunique()
    return text + (" Empty: no network in the design." if len(cross) < places else "")


def _cross_table(cross: pd.DataFrame, row: str, column: str, label: str) -> Table:
    columns = [Column("data"), Column(row), Column(column)]
    columns += [Column(f"mean {label}", True), Column("diverged", True)]
    rows: list[list[Entry | str]] = [
        [
            str(cell["data"]),
            str(cell["row"]),
            str(cell["column"]),
            Entry(
                cell["text"],
                count=counted(cell["used"], cell["n"]),
                value=entries.known(cell["mean"]),
            ),
            entries.whole(cell["diverged"], cell["n"]),
        ]
        for _, cell in cross.head(MOST_LEVEL_ROWS).iterrows()
    ]
    note = f"The first {len(rows)} of {len(cross):,} rows." if len(rows) < len(cross) else ""
    return Table(columns, rows, note=note)


# How training went ------------------------------------------------------------------------------


def curves_picture(results: Results, analysis: Analysis, factor: str) -> Picture | None:
    """Draw how training went for the levels of one factor, one panel per data set."""
    metric = METRICS[analysis.metric]
    frame = analysis.labelled
    column = frames.curve_column(frame, results.curves, metric.higher_is_better)
    if column is None:
        return None
    cells = frames.seed_curves(frame, results.curves, factor, column)
    summary = frames.curve_summary(cells, frame, factor)
    summary = sort_by_levels(summary, {"data": analysis.levels["data"]})
    lines = frames.seed_medians(cells, summary)
    panels = list(dict.fromkeys(summary["data"]))
    levels = _drawn_levels(analysis, factor)
    summary = summary[summary["data"].isin(panels[:MOST_PANELS]) & summary["level"].isin(levels)]
    if summary.empty:
        return None
    names = {level: sentences.spoken(factor, level) for level in levels}
    summary, lines = (f.assign(level=f["level"].map(names)) for f in (summary, lines))
    label = CURVE_LABELS[column].get(metric.task or "", column.replace("val_", "validation "))
    label = label.replace("train_", "training ")
    log = _ratios_matter(summary["low"], "loss" not in column)
    figure = plots.learning_curves(summary, lines, list(names.values()), label, log=log)
    title = sentences.curves_title(summary, label, len(analysis.levels[factor]))
    caption = (
        f"By {factor}. Thick: median of the networks that finished; labels end with their count, "
        "k of the n that were to train as long. Thin: one line a seed, its median over the other "
        "factors. The baseline is drawn in ink."
    )
    if _stops_early(results):
        caption += " An epoch that fewer than half of them reached is left out."
    if len(levels) < len(analysis.levels[factor]):
        caption += f" {len(levels)} of {len(analysis.levels[factor])} levels: the largest effects."
    if len(panels) > MOST_PANELS:
        caption += f" {MOST_PANELS} of {len(panels)} data sets."
    if lines["seed"].nunique() > plots.MOST_THIN:
        caption += f" The first {plots.MOST_THIN} of {lines['seed'].nunique()} seeds are drawn."
    name = f"curves{factor_id(factor)}"
    return picture(figure, name, title, caption, _curve_table(summary, factor, label))


def _stops_early(results: Results) -> bool:
    cells = results.cells
    return "stopped_early" in cells and bool(cells["stopped_early"].fillna(False).any())


def _curve_table(summary: pd.DataFrame, factor: str, label: str) -> Table:
    """Return each line's first, middle and last epochs: median and quartiles."""
    columns = [Column("data"), Column(factor), Column("epoch", True)]
    columns += [Column(f"median {label} and quartiles", True)]
    rows: list[list[Entry | str]] = []
    for (data, level), part in summary.groupby(["data", "level"], sort=False):
        ordered = part.sort_values("epoch")
        places = decimals_for(ordered["median"])
        for place in sorted({0, len(ordered) // 2, len(ordered) - 1}):
            row = ordered.iloc[place].rename({"low": "median_low", "high": "median_high"})
            estimate = entries.estimate(row, "median", places, counted(row["k"], row["n"]))
            rows.append([str(data), str(level), entries.whole(row["epoch"]), estimate])
    return Table(columns, rows)


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
