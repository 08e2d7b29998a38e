"""What failed: the arms that diverged or crashed, with the command that repeats a cell of each."""

import shlex
from typing import Any

import pandas as pd

from nnbench import stats
from nnbench.report.analysis import Analysis
from nnbench.report.page import table_cells
from nnbench.report.page.commands import own_flags, place_said
from nnbench.report.page.parts import (
    Code,
    Column,
    Paragraph,
    Part,
    Section,
    Table,
    TableCell,
    paragraph,
    table_of,
)
from nnbench.report.study import frames
from nnbench.report.study.sentences import share_text
from nnbench.results.read import Results

MOST_FAILED_ARMS = 30


def export_command(results: Results, cell_id: str = "CELL", *flags: str) -> str:
    """The command that writes a cell as a script."""
    cell = cell_id if cell_id == "CELL" else shlex.quote(cell_id)
    own = [shlex.quote(word) for word in own_flags(results)]
    return " ".join(["nnbench export", cell, "--from", place_said(results.folder), *flags, *own])


def failure_section(results: Results, analysis: Analysis) -> Section:
    """The arms that failed, of the whole study and not only of the tuned settings."""
    columns = [f for f in analysis.factors if f in results.cells]
    labels = {f: stats.level_labels(results.cells, f) for f in ("data", *columns)}
    arms = frames.failed_arms(results.cells.assign(**labels), columns)
    if arms.empty:
        nothing = paragraph(f"Nothing: no network diverged or crashed. {unseen_said(analysis)}")
        return Section("failed", "What failed", [nothing])
    parts: list[Part] = [
        paragraph(
            "A network has diverged when its loss or gradient is no longer finite: that is a "
            "result. Its row stays in the tables with null metrics, and every average states how "
            "many of how many networks it covers. To print a script that reproduces one: ",
            Code(export_command(results, str(arms["cell_id"].iloc[0]))),
            f". {unseen_said(analysis)}",
        ),
        failed_table(arms, ["data", *columns]),
        *divergence_said(analysis),
    ]
    return Section("failed", "What failed", parts)


def unseen_said(analysis: Analysis) -> str:
    """Say how often what befell no network of an arm may still befall new ones."""
    frame, factors = analysis.labelled, analysis.factors
    blocks = int(frame.groupby(factors).size().min()) if factors else len(frame)
    most = table_cells.percent(stats.unseen_share(blocks))
    none = f"none of a configuration's {blocks} blocks (one data set and seed each) failed"
    if blocks == 1:
        none = "a configuration's only block (one data set and seed) did not fail"
    return (
        f"Where {none}, up to {most} of new blocks may still fail, or collapse in a way that no "
        "mean shows (95 %, one-sided)."
    )


def divergence_said(analysis: Analysis) -> list[Paragraph]:
    """Say which factor explains most of who diverged, where a share of that is defined."""
    if not analysis.factors or not (analysis.labelled["status"] == "diverged").any():
        return []
    shares = stats.divergence_shares(analysis.labelled, analysis.factors, analysis.generator_for)
    alone = shares[shares["kind"] == "factor"].dropna(subset=["component"])
    if alone.empty:
        return []
    first = alone.sort_values("component", ascending=False, kind="stable").iloc[0]
    return [
        paragraph(
            f"The factor that explains most of which networks diverged is {first['term']}: "
            f"{share_text(first)} of the variance, less what noise alone would give."
        )
    ]


def failed_table(arms: pd.DataFrame, columns: list[str]) -> Table:
    """The failed arms, the worst first: at most 30."""
    return table_of(
        arms,
        [*map(Column, columns), Column("failed", True, _failed), AT_STEP, table_cells.CELL],
        most=MOST_FAILED_ARMS,
        cut="{hidden:,} more configurations: see the rows of cells.csv whose status is not ok.",
    )


def _failed(row: Any) -> TableCell:
    lost = [f"{row['diverged']} of {row['n']}"] if row["diverged"] else []
    lost += [f"{row['crashed']} of {row['n']} crashed"] if row["crashed"] else []
    return TableCell(", ".join(lost), value=table_cells.known(row["diverged"] + row["crashed"]))


def _steps(row: Any) -> str:
    """`12` or `12 to 40`, the steps between which cells diverged."""
    first, last = row["first_step"], row["last_step"]
    if pd.isna(first):
        return "–"
    return f"{first:,.0f}" if first == last else f"{first:,.0f} to {last:,.0f}"


AT_STEP = Column("at step", True, _steps)
