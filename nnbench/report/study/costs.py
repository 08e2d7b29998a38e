"""What winning costs: settings tried, time, and how far a learning rate may be off."""

from typing import Any

import pandas as pd

from nnbench import plots, stats
from nnbench.report.analysis import Analysis
from nnbench.report.page import table_cells
from nnbench.report.page.numbers import counted, measured, number
from nnbench.report.page.parts import Column, Fill, Picture, Table, TableCell, picture, table_of
from nnbench.report.page.units import difference_unit, scaled, unit_of
from nnbench.report.page.words import listed
from nnbench.report.study.contests import JOIN, Contest, baseline_name, few, named
from nnbench.results.read import Results
from nnbench.stats import METRICS
from nnbench.study.words import in_words

MOST_REGION_ARMS = 24
MOST_REGION_PANELS = 3
MOST_BUDGET_PANELS = 4
MOST_NAMED = 7
NEAR = 10  # tolerances: 0.1 of an accuracy, twice the best loss
MOST_ALL_NAMED = 12  # points of which each has room for its name
MOST_ROWS = 60
LONG = 14  # rows of a table that scrolls within itself
LEAST_TRIALS = 3  # settings of which the best can be one of several
LEAST_RATIO = 1.2  # of costs: networks of one stack share its time, and so differ in nothing


def _tuned_columns(analysis: Analysis) -> list[str]:
    """The tuned columns that the cells have and vary."""
    cells = analysis.cells
    return [c for c in analysis.tuned if c in cells and cells[c].nunique() > 1]


def _panels(analysis: Analysis, known: pd.DataFrame, most: int) -> list[str]:
    """The first data sets of which anything is known."""
    return [d for d in analysis.levels["data"] if d in set(known["data"])][:most]


def _drawn(frame: pd.DataFrame, panels: list[str], arms: list[str]) -> pd.DataFrame:
    """The rows of some data sets and arms, panel by panel."""
    drawn = frame[frame["data"].isin(panels) & frame["arm"].isin(arms)]
    return drawn.assign(place=drawn["data"].map(panels.index)).sort_values("place", kind="stable")


# How far a setting may be off -------------------------------------------------------------------


def region_picture(analysis: Analysis) -> Picture | None:
    """Draw from where to where each arm's tuned setting is nearly as good as its best."""
    tuned = _tuned_columns(analysis)
    if len(tuned) != 1 or not pd.api.types.is_numeric_dtype(analysis.cells[tuned[0]]):
        return None
    metric = _of_validation(analysis)
    regions = stats.good_region(analysis.cells, analysis.factors, tuned[0], metric)
    regions = scaled(regions, metric)
    regions = regions.assign(arm=named(regions, analysis.varied))
    known = regions.dropna(subset=["low", "high"])
    if known.empty:
        return None
    panels = _panels(analysis, known, MOST_REGION_PANELS)
    first = known[known["data"] == panels[0]]
    first = first.assign(near=near_the_best(first, METRICS[metric].higher_is_better))
    first = first.sort_values(["near", "decades"], ascending=False, kind="stable")
    names = list(dict.fromkeys([*first["arm"], *known["arm"]]))
    arms = names[:MOST_REGION_ARMS]
    drawn = _drawn(regions, panels, arms)
    drawn = drawn.assign(text=[_width_text(row) for _, row in drawn.iterrows()])
    setting = in_words(tuned[0])
    figure = plots.good_regions(drawn, arms, setting)
    title = _region_title(first[first["near"]], panels[0], setting, metric)
    caption = _region_caption(metric, known)
    if not first["near"].all():
        caption += (
            f" The title covers the {int(first['near'].sum())} of {len(first)} configurations "
            f"whose best is within {NEAR} tolerances of the overall best: one that never learns "
            "has no good range."
        )
    if len(arms) < len(names):
        caption += f" Shown: {len(arms)} of {len(names)} configurations."
    caption += _without_range(regions)
    return picture(figure, "regions", title, caption, _region_table(drawn, setting))


def near_the_best(regions: pd.DataFrame, higher_is_better: bool) -> pd.Series:
    """Which arms' best is nearly as good as the best arm's: within `NEAR` tolerances."""
    best = regions["best_mean"] if higher_is_better else -regions["best_mean"]
    tolerance = float(regions["tolerance"].iloc[int(best.to_numpy().argmax())])
    return best >= best.max() - NEAR * tolerance


def _of_validation(analysis: Analysis) -> str:
    """The metric on the validation part, which settings are chosen by, if there is one."""
    metric = analysis.metric.replace("test_", "val_", 1)
    return metric if metric in METRICS and metric in analysis.cells else analysis.metric


def _region_caption(metric: str, known: pd.DataFrame) -> str:
    label, tolerances = METRICS[metric].label, known["tolerance"].unique()
    within = "a tenth" if len(tolerances) > 1 else stats.format_level(float(tolerances[0]))
    unit = difference_unit(metric)
    within = f"{within} {unit.removesuffix('s') if within == '1' else unit}".rstrip()
    return (
        f"Settings whose mean {label} is within {within} (the tolerance) of the configuration's "
        "best on that data set (dot). Arrow: the range reaches the end of the grid, so its width "
        "is a lower bound. Widths are in decades (factors of ten). In brackets, where a setting "
        "lost a network: how many settings count, of all."
    )


def _without_range(regions: pd.DataFrame) -> str:
    """Say for how many the range is unknown, and what to do where the grid ends too early."""
    reasons = regions.loc[regions["decades"].isna(), "reason"].astype(str)
    n, said = len(regions), []
    for end, way in (("largest", "upwards"), ("smallest", "downwards")):
        if count := int(reasons.str.contains(f"is the {end} tried").sum()):
            said.append(
                f"In {count} of {n} cases the best is the {end} tried, so the range is unknown: "
                f"extend the grid {way}."
            )
    rest = reasons[~reasons.str.contains("tried$")].str.removeprefix("undefined: ")
    said += [f"In {k} of {n} cases: {why}." for why, k in rest.value_counts(sort=True).items()]
    return "".join(f" {sentence}" for sentence in said)


def _region_title(first: pd.DataFrame, data: str, tuned: str, metric: str) -> str:
    """The finding: the widest range on the first data set, and the narrowest.

    first: the regions of the arms that are near the best there, the widest first.
    """
    widest, narrowest = first.iloc[0], first.iloc[-1]
    unit = unit_of(metric)
    text = f"On {data}, {widest['arm']} tolerates the widest range of {tuned}"
    text = f"{text} ({_decades(widest, unit)})"
    if widest["arm"] == narrowest["arm"]:
        return text
    return f"{text}, {narrowest['arm']} the narrowest ({_decades(narrowest, unit)})"


def _decades(row: Any, unit: str) -> str:
    at_least = "at least " if row["open_low"] or row["open_high"] else ""
    lost = f", {row['used']} of {row['n']} settings finished" if row["used"] < row["n"] else ""
    best = f"{number(row['best_mean'], 1 if unit == '%' else 3)} {unit}".rstrip()
    return f"{at_least}{number(row['decades'], 1)} decades around its best, {best}{lost}"


def _width_text(row: Any) -> str:
    if pd.isna(row["decades"]):
        return "undefined"
    sign = "≥ " if row["open_low"] or row["open_high"] else ""
    lost = f" ({row['used']} of {row['n']})" if row["used"] < row["n"] else ""
    return f"{sign}{number(row['decades'], 1)}{lost}"


def _region_table(regions: pd.DataFrame, tuned: str) -> Table:
    def level(name: str) -> Fill:
        return lambda row: TableCell(
            stats.format_level(row[name]), value=table_cells.known(row[name])
        )

    def width(row: Any) -> TableCell:
        reason = table_cells.words(row["reason"])
        return TableCell(row["text"], reason=reason, value=table_cells.known(row["decades"]))

    columns = [
        Column("data"),
        Column("arm"),
        Column(f"best {tuned}", True, level("best")),
        Column("mean there", True, lambda row: table_cells.plain(row["best_mean"], 3)),
        Column("from", True, level("low")),
        Column("to", True, level("high")),
        Column("decades", True, width),
    ]
    return table_of(regions, columns)


# The best of k trials ---------------------------------------------------------------------------


def budget_picture(analysis: Analysis) -> Picture | None:
    """Draw the score that k settings, tried at random and chosen on validation, can be expected."""
    tuned = _tuned_columns(analysis)
    if not tuned:
        return None
    budget = stats.expected_best(
        analysis.cells, analysis.factors, tuned, analysis.metric, analysis.generator_for,
        select=METRICS[analysis.metric].chosen_by)  # fmt: skip
    budget = analysis.scaled(budget)
    known = budget.assign(arm=named(budget, analysis.varied)).dropna(subset=["mean"])
    if known.empty or known["trials"].max() < LEAST_TRIALS:
        return None
    last = known[known["trials"] == known["trials"].max()]
    order = last.groupby("arm", sort=False)["mean"].mean()
    order = order.sort_values(ascending=not analysis.higher_is_better)
    names, note = few(list(order.index), baseline_name(analysis, analysis.varied))
    panels = _panels(analysis, known, MOST_BUDGET_PANELS)
    drawn = _drawn(known, panels, names)
    figure = plots.budget_lines(drawn, names, analysis.axis)
    title = _budget_title(drawn, panels[0], analysis.label, analysis.higher_is_better)
    of = listed(list(dict.fromkeys(map(in_words, tuned))))
    caption = (
        f"Expected {analysis.label} of the best of k settings of {of}, drawn at random "
        "without replacement and chosen on validation (Dodge et al. 2019), with 95 % intervals. It "
        "compares configurations at equal budget." + note
    )
    return picture(figure, "budget", title, caption, _budget_table(drawn, analysis.axis))


def _budget_title(budget: pd.DataFrame, data: str, label: str, higher: bool) -> str:
    """The finding: who leads after one trial and after all, on the first data set."""
    here = budget[budget["data"] == data].sort_values("mean", ascending=not higher, kind="stable")
    most = int(here["trials"].max())
    one, best = (here[here["trials"] == k].iloc[0] for k in (1, most))
    word, places = "highest" if higher else "lowest", table_cells.mean_places(budget)
    then = " and" if one["arm"] == best["arm"] else f"; {best['arm']}"
    return (
        f"On {data}, {one['arm']} has the {word} expected {label} with a single setting drawn at "
        f"random ({_score(one, places)}){then} with the best of {most} ({_score(best, places)})"
    )


def _score(row: Any, places: int) -> str:
    """A mean with its interval and count, in the decimals of the table behind it."""
    k, n = ("blocks_used", "blocks") if "blocks" in row else ("used", "n")
    mean = measured(row["mean"], row["mean_low"], row["mean_high"], places)
    return f"{mean}, {counted(row[k], row[n])}"


def _budget_table(budget: pd.DataFrame, label: str) -> Table:
    places = table_cells.mean_places(budget)
    columns = [
        Column("data"),
        Column("arm"),
        Column("settings tried", True, lambda row: table_cells.whole(row["trials"])),
        Column(label, True, lambda row: table_cells.mean(row, places, "blocks_used", "blocks")),
        Column("all diverged", True, lambda row: table_cells.plain_share(row["none"])),
    ]
    return table_of(budget, columns)


# Accuracy against cost --------------------------------------------------------------------------


def cost_picture(analysis: Analysis, contest: Contest) -> Picture | None:
    """Draw each contestant's mean score against the seconds that one of its networks took."""
    frame, label = contest.cells, analysis.label
    if "epochs" in analysis.cells and not analysis.cells["epochs"].any():
        return None  # nothing was trained: the seconds are those of the probes
    if "seconds" not in frame or analysis.metric == "seconds" or frame["seconds"].isna().all():
        return None
    arms = analysis.arms(contest.by, frame)
    costs = stats.arm_costs(frame, contest.by, "seconds")
    table = arms.merge(costs, on=contest.by).rename(columns={"seconds": "cost"})
    table = table[table["cost"] > 0].dropna(subset=["standing", "cost"])
    if len(table) < 3 or table["cost"].max() < LEAST_RATIO * table["cost"].min():
        return None
    # by where an arm stands: its mean alone would praise one that lost its worst networks
    table = stats.pareto_front(table, "cost", "standing", analysis.higher_is_better)
    table = table.assign(arm=contest.named(table))
    front = list(table.loc[table["on_front"], "arm"])
    kept = {contest.baseline, *front[: MOST_NAMED - 2], *front[-1:]}
    table["named"] = table["arm"].isin(kept) | (len(table) <= MOST_ALL_NAMED)
    x_label = "seconds per network"
    figure = plots.cost_scatter(table, x_label, analysis.axis, analysis.higher_is_better)
    caption = (
        f"Mean {label} with its interval against mean seconds per network: its share of the time "
        "of the networks trained together with it, a rough cost on this machine. The line "
        "joins those that no other beats in both (Pareto front)."
    )
    return picture(figure, "cost", _cost_title(table), caption, _cost_table(table, analysis.axis))


def _cost_title(table: pd.DataFrame) -> str:
    """The finding: what the best mean costs, and what the cheapest reaches."""
    front, places = table[table["on_front"]], table_cells.mean_places(table)
    first, last = front.iloc[0], front.iloc[-1]
    text = f"{last['arm']} has the best mean ({_score(last, places)})"
    text += f" at {number(last['cost'])} s per network"
    if last["arm"] == first["arm"]:
        return text
    cheap = f"{number(first['cost'])} s ({_score(first, places)})"
    return f"{text}; the cheapest, {first['arm']}, takes {cheap}"


def _cost_table(table: pd.DataFrame, label: str) -> Table:
    places = table_cells.mean_places(table)
    columns = [
        Column("contestant", of="arm"),
        Column("seconds", True, lambda row: table_cells.plain(row["cost"])),
        Column(label, True, lambda row: table_cells.mean(row, places)),
        Column("on the front", of=lambda row: "yes" if row["on_front"] else "no"),
    ]
    return table_of(table, columns, most=MOST_ROWS, cut="The cheapest {shown} of {all:,}.")


# Time to the target -----------------------------------------------------------------------------


def target_table(results: Results, contest: Contest) -> Table | None:
    """Who reached the study's target, how often and after how many epochs."""
    target = (results.study.get("report") or {}).get("target")
    if target is None or "epochs_to_target" not in contest.cells:
        return None
    times = stats.time_to_target(contest.cells, contest.by)
    times = times.sort_values(["reached_share", "median"], ascending=[False, True], kind="stable")
    names = {"reached_share": "share", "reached_low": "share_low", "reached_high": "share_high"}
    columns = [
        Column(JOIN.join(contest.by), of=lambda row: JOIN.join(str(row[f]) for f in contest.by)),
        Column("reached it", True, lambda row: table_cells.whole(row["reached"], row["n"])),
        Column("share", True, lambda row: table_cells.share(row.drop("reason"))),
        Column("median epochs", True, _median),
        Column("quartiles", True, _quartiles),
    ]
    title = f"Epochs until the validation score reaches {stats.format_level(target)}"
    times, cut = times.rename(columns=names), "The first {shown} of {all:,}."
    return table_of(times, columns, title, most=MOST_ROWS, cut=cut, is_long=len(times) > LONG)


def _median(row: Any) -> TableCell:
    places = 0 if float(row["median"]).is_integer() else 1
    return table_cells.plain(row["median"], places, reason=row["reason"])


def _quartiles(row: Any) -> str:
    if pd.isna(row["q25"]) or pd.isna(row["q75"]):
        return "–"
    return f"{number(row['q25'], 0)} to {number(row['q75'], 0)}"
