"""The report of a landscape study: where walks end, how they go, and what made the difference."""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from nnbench.plots import walks as walk_plots
from nnbench.report.analysis import analyse
from nnbench.report.other_kinds import walk_frames as wf
from nnbench.report.other_kinds.stage import about, stage_picture
from nnbench.report.page import table_cells
from nnbench.report.page.parts import (
    Column,
    Page,
    Paragraph,
    Picture,
    Section,
    Table,
    TableCell,
    paragraph,
    picture,
    table_of,
)
from nnbench.report.page.words import amount, listed, spoken
from nnbench.report.study import frames
from nnbench.report.study.failures import AT_STEP, MOST_FAILED_ARMS
from nnbench.report.study.figures import effects_picture
from nnbench.report.study.trust import whole_page
from nnbench.results.files import read_files
from nnbench.results.read import ReportError, Results
from nnbench.stats import METRICS, status_counts

LANDSCAPES_FILE = "landscapes.json"
COLUMNS = ("final_value", "distance_to_minimum", "steps_to_minimum")
WALKS_DRAWN = 3  # of each optimizer on a landscape
Landscapes = Mapping[str, Mapping[str, Any]]


def walk_page(results: Results, whole: bool = True) -> Page:
    """The page of a landscape study; without its sections unless `whole`."""
    results = results.with_columns(COLUMNS)
    landscapes = read_landscapes(results)
    walks = wf.labelled_walks(results)
    by_arm = wf.shares(walks, ["panel", "arm"])
    shown = share_picture(walks)
    panel = telling(walks)
    title = path_title(panel, wf.drawn_arms(walks, panel, walks["mark"].iloc[0]))
    stage = stage_picture(walks, results, landscapes, panel, title)
    wants_shares = (results.study.get("report") or {}).get("lead") == "shares"
    lead = shown if wants_shares else stage
    sections: list[Section | None] = []
    if whole:
        effects = effects_picture(analyse(wf.as_seen(results)))
        paths = [stage, *path_pictures(results, walks, landscapes)]
        sections = [
            Section("ends", "Where walks end", [*_ends(walks, by_arm), shown]),
            Section("paths", "How they walk", paths),
            Section("mattered", "Differences, factor by factor", [effects]) if effects else None,
            failed_section(walks),
            method_section(walks, landscapes),
        ]
    counts = status_counts(results.cells)
    trust = [
        ("walks finished", f"{counts['ok']:,} of {len(results.cells):,}"),
        ("diverged", f"{counts['diverged']:,}"),
        ("crashed", f"{counts['crashed']:,}"),
        ("starts", f"{results.cells['seed'].nunique()}"),
        ("landscapes", f"{walks['panel'].nunique()}"),
    ]
    said = [f"{title}." for title in dict.fromkeys((lead.title, shown.title))]
    said += [ends_said(by_arm), finished(counts, len(results.cells))]
    return whole_page(results, said, trust, sections, lead=lead)


def telling(walks: pd.DataFrame) -> str:
    """The landscape on which optimizers differ most in how many walks arrive."""
    mark, panels = walks["mark"].iloc[0], list(dict.fromkeys(walks["panel"]))
    arms = [wf.drawn_arms(walks, panel, mark) for panel in panels]
    gaps = [float(found["share"].max() - found["share"].min()) for found in arms]
    return str(panels[gaps.index(max(gaps))])


def _ends(walks: pd.DataFrame, by_arm: pd.DataFrame) -> tuple[Paragraph, Table]:
    said = paragraph(
        "All optimizers start at the same points and get the same noise. A walk counts as "
        "having reached the global minimum if it ends within the tolerance of one."
    )
    return said, landscape_table(walks, by_arm)


def read_landscapes(results: Results) -> Landscapes:
    """Read the landscapes that the run wrote beside its tables."""
    content = read_files(results.folder, [LANDSCAPES_FILE]).get(LANDSCAPES_FILE)
    if content is None:
        raise ReportError(f"{results.folder / LANDSCAPES_FILE} is missing: `nnbench run` writes it")
    return json.loads(content)


# Sentences --------------------------------------------------------------------------------------


def ends_said(by_arm: pd.DataFrame) -> str:
    """The hardest and the easiest landscape, and who arrives there most often."""
    best = wf.best_arms(by_arm, ["panel"]).sort_values("share", kind="stable")
    first, last = best.iloc[0], best.iloc[-1]
    if not last["k"] and last["panel"] != first["panel"]:
        return "No optimizer reaches the minimum of any landscape."
    ends = (
        f"Hardest is {first['panel']}: {spoken_arm(first)} reaches its minimum most often, in "
        f"{share_text(first)}"
    )
    if not first["k"]:
        ends = f"Hardest is {first['panel']}: no optimizer reaches its minimum"
    if last["panel"] != first["panel"]:
        ends += f"; easiest is {last['panel']}, where {spoken_arm(last)} does in {share_text(last)}"
    return f"{ends}."


def most_often(overall: pd.DataFrame) -> str:
    """The finding of all landscapes together: who reaches a global minimum most often."""
    best = overall[overall["share"] == overall["share"].max()]
    if not best["k"].any():
        return "Over all landscapes, no optimizer reaches a global minimum"
    times = share_text(best.iloc[0])
    if len(best) == len(overall) > 1:
        return f"Over all landscapes, every optimizer reaches a global minimum in {times}"
    names = [spoken_arm(row) for _, row in best.iterrows()]
    who = listed(names) if len(names) <= 3 else f"{len(names)} of {len(overall)} optimizers"
    verb = "reaches" if len(names) == 1 else "reach"
    return f"Over all landscapes, {who} {verb} a global minimum most often: in {times}"


def spoken_arm(row: Any) -> str:
    """A row's optimizer as sentences name it, its parameters in brackets."""
    return spoken("optimizer", str(row["arm"]))


def share_text(row: Any) -> str:
    """`14 of 20 walks (70 % [48, 85])`."""
    return f"{row['k']:,} of {amount(row['n'], 'walk')} ({_share(row)})"


def _share(row: Any) -> str:
    return f"{table_cells.percent(row['share'])} {table_cells.percents(row['low'], row['high'])}"


def finished(counts: Mapping[str, int], n: int) -> str:
    """Say how many walks ended at a finite place."""
    if counts["ok"] == n:
        return f"All {n:,} walks stayed finite."
    lost = [f"{counts[s]:,} {s}" for s in ("diverged", "crashed") if counts[s]]
    return f"{counts['ok']:,} of {n:,} walks stayed finite; {listed(lost)}."


def path_title(panel: str, arms: pd.DataFrame) -> str:
    """The finding of a landscape's paths: who reaches its minimum most often."""
    most, n = int(arms["k"].max()), int(arms["n"].max())
    if most == 0:
        return f"{panel}: no optimizer reaches the global minimum"
    names = [str(name) for name in arms.loc[arms["k"] == most, "optimizer"]]
    times = f"all {amount(n, 'walk')}" if most == n else f"{most} of {amount(n, 'walk')}"
    verb = "reaches" if len(names) == 1 else "reach"
    if len(names) == len(arms) > 1:
        return f"{panel}: every optimizer reaches a global minimum in {times}"
    others = [str(name) for name in arms["optimizer"] if name not in names]
    if len(names) > 3 and most == n and len(others) <= 3:
        return f"{panel}: all but {listed(others)} reach a global minimum in {times}"
    if len(names) > 3:
        return f"{panel}: {len(names)} of {len(arms)} optimizers reach a global minimum in {times}"
    return f"{panel}: {listed(names)} {verb} a global minimum most often, in {times}"


# Tables and pictures ----------------------------------------------------------------------------


def landscape_table(walks: pd.DataFrame, by_arm: pd.DataFrame) -> Table:
    """A row for each landscape: its best arm, how often that arrives, and how soon."""
    overall = wf.shares(walks, ["panel"]).set_index("panel")[["share", "diverged", "n"]]
    columns = [
        Column("landscape", of="panel"),
        Column("best optimizer", of=lambda row: row["arm"] if row["k"] else "none arrives"),
        Column("share that reaches it", True, _share),
        Column("walks", True, lambda row: f"{row['k']} of {row['n']}"),
        Column("median steps", True, lambda row: _steps(row).text),
        Column("all optimizers", True, lambda row: table_cells.percent(row["share_all"])),
        Column("diverged", True, lambda row: f"{row['diverged_all']:,.0f} of {row['n_all']:,.0f}"),
    ]
    best = wf.best_arms(by_arm, ["panel"])
    rows = best.merge(overall, left_on="panel", right_index=True, suffixes=("", "_all"))
    return table_of(rows, columns)


def _steps(row: Any) -> TableCell:
    """The median steps of the walks that arrive, where any does."""
    return table_cells.plain(row["steps"], 0) if row["k"] else table_cells.NOTHING


def share_picture(walks: pd.DataFrame) -> Picture:
    """Draw each arm's share of walks that reach the minimum, landscape by landscape."""
    panels, rows, marks = (list(dict.fromkeys(walks[key])) for key in ("panel", "arm", "mark"))
    table = wf.shares(walks, ["panel", "arm", "mark"]).rename(columns={"arm": "row"})
    figure = walk_plots.share_panels(table, rows, panels, marks)
    title = most_often(wf.shares(walks, ["arm"]))
    caption = (
        "Share of walks that end at a global minimum, with Wilson's 95 % interval. A diverged walk "
        "counts as not reaching it. Other factors are pooled."
    )
    return picture(figure, "shares", title, caption, share_table(table))


def share_table(shares: pd.DataFrame) -> Table:
    """The numbers behind shares: how many of how many walks arrive, and how soon."""
    names = {"panel": "landscape", "row": "arm", "mark": "walks"}
    columns = [
        *(Column(name, of=key) for key, name in names.items() if shares[key].nunique() > 1),
        Column("share that reaches it", True, table_cells.share),
        Column("median steps", True, _steps),
        table_cells.DIVERGED,
    ]
    rows = shares.rename(columns={"low": "share_low", "high": "share_high"})
    return table_of(rows, columns, has_tools=True, is_long=True)


def path_pictures(results: Results, walks: pd.DataFrame, landscapes: Landscapes) -> list[Picture]:
    """Draw walks over every landscape."""
    mark = walks["mark"].iloc[0]
    pictures = []
    for place, panel in enumerate(dict.fromkeys(walks["panel"])):
        arms = wf.drawn_arms(walks, panel, mark)
        points = wf.drawn_walks(walks, results.curves, arms, panel, mark, WALKS_DRAWN)
        texts = [
            f"{arm.removeprefix(name).strip() or 'defaults'} · {k} of {n}"
            for name, arm, k, n in zip(
                arms["optimizer"], arms["arm"], arms["k"], arms["n"], strict=True
            )
        ]
        listed = pd.DataFrame({"panel": arms["optimizer"].astype(str), "text": texts})
        figure = walk_plots.path_panels(landscapes[panel], points, listed)
        title = path_title(panel, arms)
        condition = "" if mark == wf.POOLED else f", {mark}"
        caption = (
            f"{about(landscapes[panel])} "
            f"The first {WALKS_DRAWN} starts{condition}. Each optimizer is shown at the level that "
            f"reaches a minimum most often here, with the number of all its walks that do."
        )
        table = walk_table(points)
        pictures.append(picture(figure, f"paths{place}", title, caption, table))
    return pictures


def walk_table(points: pd.DataFrame) -> Table:
    """Each drawn walk: where it begins, where it ends and whether that is a minimum."""
    places = [name for name in ("x", "y", "height") if points[name].notna().any()]
    walks = [walk for _, walk in points.groupby(["panel", "cell_id"], sort=False)]
    rows = [
        {"first": walk.iloc[0], "last": walk.iloc[-1], "steps": walk["epoch"].max()}
        for walk in walks
    ]

    def end(which: str, name: str) -> Column:
        return Column(f"{which} {name}", True, lambda row: table_cells.place(row[which][name]))

    columns = [
        Column("optimizer", of=lambda row: str(row["first"]["panel"])),
        Column("walk", of=lambda row: TableCell(str(row["first"]["cell_id"]), is_code=True)),
        Column("steps", True, lambda row: table_cells.whole(row["steps"])),
        *(end(which, name) for which in ("first", "last") for name in places),
        Column("at a minimum", of=lambda row: "yes" if row["first"]["reached"] else "no"),
    ]
    return table_of(rows, columns)


def failed_section(walks: pd.DataFrame) -> Section:
    """The arms whose walks diverged or crashed."""
    arms = frames.failed_arms(walks.assign(data=walks["panel"]), ["arm"]).head(MOST_FAILED_ARMS)
    if arms.empty:
        nothing = paragraph("Nothing: no walk diverged or crashed.")
        return Section("failed", "What failed", [nothing])
    columns = [
        Column("landscape", of="data"),
        Column("arm"),
        Column("diverged", True, lambda row: f"{row['diverged']} of {row['n']}"),
        AT_STEP,
        table_cells.CELL,
    ]
    text = (
        "A walk has diverged when its height, gradient or position is no longer finite: that is a "
        "result. Its row stays in the tables. Arms that lost the largest share come first."
    )
    return Section("failed", "What failed", [paragraph(text), table_of(arms, columns)])


def method_section(walks: pd.DataFrame, landscapes: Landscapes) -> Section:
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
                "depend only on the landscape, the study's seed and the repeat, so all optimizers "
                f"share them. A walk ends at a global minimum if it is within {tolerance} of one; "
                "for a rule that evaluates an average of its iterates, the walk is that average."
            ),
            paragraph(
                "Shares have Wilson's interval (1927), which is about new starts from the same "
                f"box. A difference in the {metric} is paired: both walks share landscape, start, "
                "noise and every other factor, and its interval is a bootstrap over starts within "
                "landscapes. Verdicts are corrected for the number of comparisons (Holm). These "
                f"are {len(landscapes)} pictures of how rules move, not forecasts of how they "
                "train networks."
            ),
        ],
    )
