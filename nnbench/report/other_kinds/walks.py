"""The report of a landscape study: where walks end, how they go, and what made the difference."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from nnbench.plots import walks as walk_plots
from nnbench.report.analysis import Analysis, analyse
from nnbench.report.other_kinds import walk_frames as wf
from nnbench.report.other_kinds.page import Content, counted, special_page, with_columns
from nnbench.report.page import entries
from nnbench.report.page.numbers import interval, number
from nnbench.report.page.parts import (
    Column,
    Entry,
    Page,
    Picture,
    Section,
    Table,
    paragraph,
    picture,
)
from nnbench.report.study import frames, sentences
from nnbench.report.study.failures import step_text
from nnbench.report.study.figures import effects_picture
from nnbench.results.files import read_files
from nnbench.results.read import ReportError, Results
from nnbench.stats import METRICS, status_counts

GROUNDS = "landscapes.json"
COLUMNS = ("final_value", "distance_to_minimum", "steps_to_minimum")
WALKS_DRAWN = 4  # of each optimizer on a landscape
Grounds = Mapping[str, Mapping[str, Any]]


def walk_page(results: Results) -> Page:
    """Return the page of a landscape study."""
    return special_page(results, walk_content(results))


def walk_content(results: Results) -> Content:
    """Return what the page of a landscape study shows."""
    results = with_columns(results, COLUMNS)
    grounds = read_grounds(results)
    walks = wf.labelled_walks(results)
    analysis = analyse(wf.as_seen(results))
    by_arm = wf.shares(walks, ["panel", "arm"])
    effects = effects_picture(analysis)
    sections = [
        Section(
            "ends",
            "Where walks end",
            [
                paragraph(
                    "Each arm's walks begin at the same points and meet the same noise. A walk "
                    "counts as having reached the global minimum if it ends within the tolerance "
                    "of one."
                ),
                landscape_table(walks, by_arm),
                share_picture(walks),
            ],
        ),
        *([Section("mattered", "What mattered", [effects])] if effects else []),
        Section("paths", "How they walk", path_pictures(results, walks, grounds)),
        failed_section(results, walks),
        method_section(walks, grounds),
    ]
    counts = status_counts(results.cells)
    trust = [
        ("walks finished", f"{counts['ok']:,} of {len(results.cells):,}"),
        ("diverged", f"{counts['diverged']:,}"),
        ("crashed", f"{counts['crashed']:,}"),
        ("starts", f"{results.cells['seed'].nunique()}"),
        ("landscapes", f"{walks['panel'].nunique()}"),
    ]
    return Content(answer(results, analysis, by_arm, counts), trust, sections)


def read_grounds(results: Results) -> Grounds:
    """Read the landscapes that the run wrote beside its tables."""
    content = read_files(results.folder, [GROUNDS]).get(GROUNDS)
    if content is None:
        raise ReportError(f"{results.folder / GROUNDS} is missing: `nnbench run` writes it")
    grounds: Grounds = json.loads(content)
    return grounds


# Sentences --------------------------------------------------------------------------------------


def answer(
    results: Results, analysis: Analysis, by_arm: pd.DataFrame, counts: Mapping[str, int]
) -> list[str]:
    """Return the answer: what mattered most, the hardest and the easiest landscape, what failed."""
    said = sentences.findings(
        analysis.effects,
        analysis.ranking,
        analysis.baselines,
        analysis.metric,
        {**counts, "n": len(results.cells)},
        "a single arm",
    )[:1]
    said = [text.replace("data set", "landscape") for text in said]
    best = wf.best_arms(by_arm, ["panel"]).sort_values("share", kind="stable")
    first, last = best.iloc[0], best.iloc[-1]
    ends = (
        f"Hardest is {first['panel']}, whose minimum {first['arm']} reaches most often, in "
        f"{share_text(first)}"
    )
    if last["panel"] != first["panel"]:
        ends += f"; easiest is {last['panel']}, where {last['arm']} does in {share_text(last)}"
    said.append(f"{ends}.")
    said.append(finished(counts, len(results.cells)))
    return said


def share_text(row: Any) -> str:
    """Return `14 of 20 walks (0.70 [0.48, 0.85])`."""
    size = f"{number(row['share'], 2)} {interval(row['low'], row['high'], 2)}"
    return f"{row['k']:,} of {counted(row['n'], 'walks')} ({size})"


def finished(counts: Mapping[str, int], n: int) -> str:
    """Say how many walks ended at a finite place."""
    if counts["ok"] == n:
        return f"All {n:,} walks stayed finite."
    lost = [f"{counts[s]:,} {s}" for s in ("diverged", "crashed") if counts[s]]
    return f"{counts['ok']:,} of {n:,} walks stayed finite; {sentences.listed(lost)}."


def path_title(panel: str, arms: pd.DataFrame) -> str:
    """Return the finding of a landscape's paths: who reaches its minimum most often."""
    most, n = int(arms["k"].max()), int(arms["n"].max())
    if most == 0:
        return f"{panel}: no optimizer reaches the global minimum"
    names = [str(name) for name in arms.loc[arms["k"] == most, "optimizer"]]
    times = f"all {counted(n, 'walks')}" if most == n else f"{most} of {counted(n, 'walks')}"
    verb = "reaches" if len(names) == 1 else "reach"
    if len(names) == len(arms) > 1:
        return f"{panel}: every optimizer reaches a global minimum in {times}"
    if len(names) > 3:
        return f"{panel}: {len(names)} of {len(arms)} optimizers reach a global minimum in {times}"
    return f"{panel}: {sentences.listed(names)} {verb} a global minimum most often, in {times}"


# Tables and pictures ----------------------------------------------------------------------------


def landscape_table(walks: pd.DataFrame, by_arm: pd.DataFrame) -> Table:
    """Return a row for each landscape: its best arm, how often that arrives, and how soon."""
    columns = [
        Column("landscape"),
        Column("best arm"),
        Column("share that reaches it", True),
        Column("walks", True),
        Column("median steps", True),
        Column("all arms", True),
        Column("diverged", True),
    ]
    overall = wf.shares(walks, ["panel"]).set_index("panel")
    rows = []
    for _, row in wf.best_arms(by_arm, ["panel"]).iterrows():
        every = overall.loc[row["panel"]]
        rows.append(
            [
                row["panel"],
                row["arm"] if row["k"] else "none arrives",
                f"{number(row['share'], 2)} {interval(row['low'], row['high'], 2)}",
                f"{row['k']}/{row['n']}",
                number(float(row["steps"]), 0) if row["k"] else "–",
                number(every["share"], 2),
                f"{every['diverged']:,.0f} of {every['n']:,.0f}",
            ]
        )
    return Table(columns, rows)


def share_picture(walks: pd.DataFrame) -> Picture:
    """Draw each arm's share of walks that reach the minimum, landscape by landscape."""
    panels, rows, marks = (list(dict.fromkeys(walks[key])) for key in ("panel", "arm", "mark"))
    table = wf.shares(walks, ["panel", "arm", "mark"]).rename(columns={"arm": "row"})
    figure = walk_plots.share_panels(table, rows, panels, marks)
    overall = wf.shares(walks, ["arm"])
    top = overall.iloc[int(overall["share"].to_numpy().argmax())]
    title = (
        f"Over all landscapes, {top['arm']} reaches a global minimum most often: in "
        f"{share_text(top)}"
    )
    caption = (
        "Share of walks that end at a global minimum, with Wilson's 95 % interval. A walk that "
        "diverged has not reached it. Other factors are pooled."
    )
    return picture(figure, "shares", title, caption, share_table(table))


def share_table(shares: pd.DataFrame) -> Table:
    """Return the numbers behind shares: how many of how many walks arrive, and how soon."""
    names = {"panel": "landscape", "row": "arm", "mark": "walks"}
    columns = [Column(name) for key, name in names.items() if shares[key].nunique() > 1]
    columns += [Column("share that reaches it", True), Column("median steps", True)]
    columns.append(Column("diverged", True))
    rows: list[list[Entry | str]] = []
    for _, row in shares.rename(columns={"low": "share_low", "high": "share_high"}).iterrows():
        told = [str(row[key]) for key in names if shares[key].nunique() > 1]
        steps = entries.plain(row["steps"], 0) if row["k"] else Entry("–")
        lost = entries.whole(row["diverged"], row["n"])
        rows.append([*told, entries.share(row), steps, lost])
    return Table(columns, rows, has_tools=True, is_long=True)


def path_pictures(results: Results, walks: pd.DataFrame, grounds: Grounds) -> list[Picture]:
    """Draw walks over every landscape."""
    mark = walks["mark"].iloc[0]
    pictures = []
    for place, panel in enumerate(dict.fromkeys(walks["panel"])):
        arms = wf.drawn_arms(walks, panel, mark)
        points = wf.drawn_walks(walks, results.curves, arms, panel, mark, WALKS_DRAWN)
        texts = [
            f"{arm.removeprefix(name).strip() or 'as it stands'} · {k} of {n}"
            for name, arm, k, n in zip(
                arms["optimizer"], arms["arm"], arms["k"], arms["n"], strict=True
            )
        ]
        listed = pd.DataFrame({"panel": arms["optimizer"].astype(str), "text": texts})
        figure = walk_plots.path_panels(grounds[panel], points, listed)
        title = path_title(panel, arms)
        condition = "" if mark == wf.POOLED else f", {mark}"
        caption = (
            f"{grounds[panel]['formula']}. {grounds[panel]['summary']} The first {WALKS_DRAWN} "
            f"starts{condition}, each optimizer at the level that reaches a minimum most often "
            f"here; after it, how many of all walks do. Dots are the first {walk_plots.DOTS} steps."
        )
        table = walk_table(points)
        pictures.append(picture(figure, f"paths{place}", title, caption, table))
    return pictures


def walk_table(points: pd.DataFrame) -> Table:
    """Return each drawn walk: where it begins, where it ends and whether that is a minimum."""
    places = [name for name in ("x", "y", "height") if points[name].notna().any()]
    columns = [Column("optimizer"), Column("walk"), Column("steps", True)]
    columns += [Column(f"{end} {name}", True) for end in ("first", "last") for name in places]
    columns.append(Column("at a minimum"))
    rows: list[list[Entry | str]] = []
    for (optimizer, cell), walk in points.groupby(["panel", "cell_id"], sort=False):
        ends = [entries.plain(walk[x].iloc[i]) for i in (0, -1) for x in places]
        steps = entries.whole(walk["epoch"].max())
        reached = "yes" if walk["reached"].iloc[0] else "no"
        rows.append([str(optimizer), Entry(str(cell), is_code=True), steps, *ends, reached])
    return Table(columns, rows)


def failed_section(results: Results, walks: pd.DataFrame) -> Section:
    """Return the arms whose walks diverged or crashed."""
    arms = frames.failed_arms(walks.assign(data=walks["panel"]), ["arm"]).head(30)
    if arms.empty:
        nothing = paragraph("Nothing: no walk diverged or crashed.")
        return Section("failed", "What failed", [nothing])
    columns = [
        Column("landscape"),
        Column("arm"),
        Column("diverged", True),
        Column("at step", True),
        Column("cell to repeat"),
    ]
    rows = [
        [
            row["data"],
            row["arm"],
            f"{row['diverged']} of {row['n']}",
            step_text(row["first_step"], row["last_step"]),
            Entry(str(row["cell_id"]), is_code=True),
        ]
        for _, row in arms.iterrows()
    ]
    text = (
        "A walk whose height, gradient or place stopped being finite has diverged: that is a "
        "result. Its row stays in the tables. The arms that lost the largest share come first."
    )
    return Section("failed", "What failed", [paragraph(text), Table(columns, rows)])


def method_section(walks: pd.DataFrame, grounds: Grounds) -> Section:
    """Say how walks are made and compared."""
    tolerance = ", ".join(f"{value:g}" for value in sorted(walks["tolerance"].unique()))
    steps = ", ".join(str(value) for value in sorted(walks["steps"].unique()))
    metric = METRICS["reached_global"].label
    return Section(
        "method",
        "Method",
        [
            paragraph(
                f"Walks are {steps} steps long, in float64, with autograd's gradient and normal "
                "noise of the stated standard deviation added to each slope. Starts and noise "
                "depend on the landscape, the study's seed and the repeat only, so that all arms "
                f"share them. A walk ends at a global minimum if it is within {tolerance} of one; "
                "where a rule evaluates an average of its iterates, the average is what walks."
            ),
            paragraph(
                "A share has Wilson's interval (1927), which speaks of new starts from the same "
                f"box. A difference in the {metric} is paired: both walks share landscape, start, "
                "noise and every other factor, and its interval is a bootstrap over starts within "
                "landscapes. Verdicts are corrected for the number of comparisons (Holm). These "
                f"are {len(grounds)} pictures of how rules move, and no forecast of how they train "
                "networks."
            ),
        ],
    )
