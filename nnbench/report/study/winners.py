"""Who won: the table of all arms, then who can be told from whom, at which budget and cost."""

from typing import Any

import pandas as pd

from nnbench.report.analysis import Analysis
from nnbench.report.page import table_cells
from nnbench.report.page.parts import Column, Part, Section, Table, TableCell, paragraph, table_of
from nnbench.report.page.words import in_words
from nnbench.report.study.contests import contest_of, rank_picture
from nnbench.report.study.costs import budget_picture, cost_picture, region_picture, target_table
from nnbench.report.study.profiles import profile_picture
from nnbench.results.read import Results

MOST_ARMS = 100
EXTRAS = {"median": "median", "interquartile mean": "iqm", "spread": "sd"}


def winners_section(results: Results, analysis: Analysis, arms: pd.DataFrame) -> Section | None:
    """The ranking and its pictures; None where there are no two arms to compare."""
    if len(arms) < 2 or arms["mean"].isna().all():
        return None
    contest = contest_of(analysis)
    pictures = [
        rank_picture(analysis, contest, arms),
        profile_picture(analysis, contest),
        region_picture(analysis),
        budget_picture(analysis),
        cost_picture(analysis, contest),
        target_table(results, contest),
    ]
    said = (
        "One row per configuration, best first, pooled over data sets. Means are over the networks "
        "that finished. If configurations lost different networks (n below the full count), do "
        "not compare their means directly but their ranks, for which a lost network counts as far "
        "behind the worst of its data set as the best is ahead of it. Configurations that did not "
        "run on every data set have no rank."
    )
    parts: list[Part] = [paragraph(said), arm_table(analysis, arms)]
    return Section("won", "Who won", [*parts, *(part for part in pictures if part is not None)])


def arm_table(analysis: Analysis, arms: pd.DataFrame) -> Table:
    """The ranking of arms: the best hundred, each number with its interval and count."""
    places = table_cells.mean_places(arms)

    def rank(row: Any) -> TableCell:
        return table_cells.NOTHING if pd.isna(row["rank"]) else table_cells.whole(row["rank"])

    def extra(name: str, key: str) -> Column:
        return Column(name, True, lambda row: table_cells.plain(row[key], places), is_extra=True)

    columns = [
        Column("rank", True, rank),
        *(Column(in_words(factor), of=factor) for factor in analysis.varied),
        Column(analysis.axis, True, lambda row: table_cells.mean(row, places)),
        *(extra(name, key) for name, key in EXTRAS.items()),
        table_cells.DIVERGED,
    ]
    cut = "The best {shown} of {all:,} configurations; cells.csv has every network."
    return table_of(arms, columns, most=MOST_ARMS, cut=cut, has_tools=True, is_long=True)


def arms_of(analysis: Analysis) -> pd.DataFrame:
    """The summary of every arm, pooled over data sets."""
    if not analysis.factors:
        return pd.DataFrame()
    return analysis.arms(analysis.factors, analysis.labelled)
