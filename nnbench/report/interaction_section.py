"""How factors interact: heat maps of pairs, and how much each pair explains beyond its factors."""

from __future__ import annotations

import pandas as pd

from nnbench.report import entries
from nnbench.report.analysis import Analysis
from nnbench.report.figures import heat_picture
from nnbench.report.mattered_section import chance_within
from nnbench.report.parts import Column, Entry, Part, Section, Table, paragraph
from nnbench.report.sentences import share_text
from nnbench.stats import METRICS

MOST_LISTED = 10


def interaction_section(analysis: Analysis) -> Section | None:
    """Return the pair that matters most, the pair that interacts most, and the shares of pairs."""
    varied = [f for f in analysis.factors if len(analysis.levels[f]) > 1]
    if len(varied) < 2:
        return None
    pairs = analysis.shares[analysis.shares["kind"] == "pair"].dropna(subset=["within"])
    pairs = pairs.sort_values("within", ascending=False, kind="stable")
    strongest = [] if pairs.empty else [str(pairs["first"].iloc[0]), str(pairs["second"].iloc[0])]
    drawn = [varied[:2]]
    if strongest and set(strongest) != set(varied[:2]):
        drawn.append(strongest)
    pictures = [heat_picture(analysis, pair, f"heat{place}") for place, pair in enumerate(drawn)]
    parts: list[Part] = [item for item in pictures if item is not None]
    if not parts:
        return None
    if not pairs.empty:
        parts = [paragraph(said(pairs, METRICS[analysis.metric].label)), *parts]
        parts.append(pair_table(pairs))
    return Section("interaction", "How factors interact", parts)


def said(pairs: pd.DataFrame, label: str) -> str:
    """Say how much the pair that interacts most explains beyond its two factors alone."""
    first = pairs.iloc[0]
    chance = float(chance_within(pairs).iloc[0])
    text = (
        f"Beyond what each does alone, {first['first']} and {first['second']} together explain "
        f"{share_text(first)} of the variance in {label} within data sets"
    )
    if pd.isna(chance):
        return f"{text}."
    return f"{text}; noise alone would give {entries.percent(chance)}."


def pair_table(pairs: pd.DataFrame) -> Table:
    """Return the shares of the pairs, the largest first: at most ten."""
    columns = [Column("pair"), Column("share within data sets", True), Column("by chance", True)]
    rows: list[list[Entry | str]] = [
        [
            str(row["term"]),
            entries.share(row, "within"),
            Entry(entries.percent(row["chance"]), value=entries.known(row["chance"])),
        ]
        for _, row in pairs.assign(chance=chance_within(pairs)).head(MOST_LISTED).iterrows()
    ]
    note = f"The largest {len(rows)} of {len(pairs)}." if len(rows) < len(pairs) else ""
    return Table(columns, rows, "Interactions of pairs", note)
