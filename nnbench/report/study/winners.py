"""Who won: the table of all arms, then who can be told from whom, at which budget and cost."""

from __future__ import annotations

from typing import Any

import pandas as pd

from nnbench import stats
from nnbench.report.analysis import Analysis
from nnbench.report.page import entries
from nnbench.report.page.numbers import counted
from nnbench.report.page.parts import Column, Entry, Part, Section, Table, paragraph
from nnbench.report.study.contests import contest_of, rank_picture, varied_factors
from nnbench.report.study.costs import budget_picture, cost_picture, region_picture, target_table
from nnbench.report.study.profiles import profile_picture
from nnbench.results.read import Results
from nnbench.stats import METRICS

MOST_ARMS = 100
EXTRAS = ("median", "interquartile mean", "spread")


def winners_section(results: Results, analysis: Analysis, arms: pd.DataFrame) -> Section | None:
    """Return the ranking and its pictures; None where there are no two arms to compare."""
    if len(arms) < 2 or arms["mean"].isna().all():
        return None
    contest = contest_of(analysis)
    found = [
        rank_picture(analysis, contest),
        profile_picture(analysis, contest),
        region_picture(analysis),
        budget_picture(analysis),
        cost_picture(analysis, contest),
        target_table(results, analysis, contest),
    ]
    said = (
        "One row an arm, the best first, pooled over data sets. The mean is of the networks that "
        "finished; for the rank, one without a result is as far behind the worst of its data set "
        "as the best is ahead of it: no arm comes first for having lost its worst. Means of arms "
        "that lost different networks do not compare: see their counts. An arm that did not run "
        "on every data set has no rank."
    )
    parts: list[Part] = [paragraph(said), arm_table(analysis, arms)]
    return Section("won", "Who won", [*parts, *(part for part in found if part is not None)])


def arm_table(analysis: Analysis, arms: pd.DataFrame) -> Table:
    """Return the ranking of arms: the best hundred, each number with its interval and count."""
    factors = varied_factors(analysis)
    metric = METRICS[analysis.metric]
    columns = [Column("rank", True), *(Column(factor) for factor in factors)]
    columns.append(Column(metric.label, True))
    columns += [Column(name, True, is_extra=True) for name in EXTRAS]
    columns.append(Column("diverged", True))
    places = entries.mean_places(arms)
    rows = [_arm_row(row, factors, places) for _, row in arms.head(MOST_ARMS).iterrows()]
    note = ""
    if len(rows) < len(arms):
        note = f"The best {len(rows)} of {len(arms):,} arms; cells.csv has every network."
    return Table(columns, rows, note=note, has_tools=True, is_long=True)


def _arm_row(row: Any, factors: list[str], places: int) -> list[Entry | str]:
    rank = Entry("–") if pd.isna(row["rank"]) else entries.whole(row["rank"])
    lost = entries.whole(row["diverged"], row["n"])
    return [
        rank,
        *(str(row[factor]) for factor in factors),
        entries.estimate(row, "mean", places, counted(row["used"], row["n"])),
        entries.plain(row["median"], places),
        entries.plain(row["iqm"], places),
        entries.plain(row["sd"], places),
        lost,
    ]


def arms_of(analysis: Analysis) -> pd.DataFrame:
    """Return the summary of every arm, pooled over data sets."""
    if not analysis.factors:
        return pd.DataFrame()
    return stats.summarise_arms(
        analysis.labelled, analysis.factors, analysis.metric, analysis.generator_for
    )
