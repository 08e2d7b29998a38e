"""What winning costs: settings tried, time, and how far a learning rate may be off."""

from __future__ import annotations

import pandas as pd

from nnbench import plots, stats
from nnbench.report import entries
from nnbench.report.analysis import Analysis, Results
from nnbench.report.contests import Contest, few, varied_factors
from nnbench.report.numbers import interval, number
from nnbench.report.parts import Column, Entry, Picture, Table, picture
from nnbench.report.sentences import listed
from nnbench.stats import METRICS

MOST_REGION_ARMS = 24
MOST_REGION_PANELS = 3
MOST_BUDGET_PANELS = 4
MOST_NAMED = 7
MOST_ALL_NAMED = 12  # points of which each has room for its name
LONG = 14  # rows of a table that scrolls within itself
LEAST_TRIALS = 3  # settings of which the best can be one of several
LEAST_RATIO = 1.2  # of costs: networks of one stack share its time, and so differ in nothing
JOIN = " / "


def tuned_columns(analysis: Analysis) -> list[str]:
    """Return the tuned columns that the cells have and vary."""
    cells = analysis.cells
    return [c for c in analysis.tuned if c in cells and cells[c].nunique() > 1]


# How far a setting may be off -------------------------------------------------------------------


def region_picture(analysis: Analysis) -> Picture | None:
    """Draw from where to where each arm's tuned setting is nearly as good as its best."""
    tuned = tuned_columns(analysis)
    if len(tuned) != 1 or not pd.api.types.is_numeric_dtype(analysis.cells[tuned[0]]):
        return None
    factors = varied_factors(analysis)
    metric = _of_validation(analysis)
    regions = stats.good_region(analysis.cells, analysis.factors, tuned[0], metric)
    regions = regions.assign(arm=stats.contestant_labels(regions, factors))
    known = regions.dropna(subset=["low", "high"])
    if known.empty:
        return None
    panels = [d for d in analysis.levels["data"] if d in set(known["data"])]
    panels = panels[:MOST_REGION_PANELS]
    first = known[known["data"] == panels[0]].sort_values("decades", ascending=False, kind="stable")
    names = list(dict.fromkeys([*first["arm"], *known["arm"]]))
    arms = names[:MOST_REGION_ARMS]
    drawn = regions[regions["data"].isin(panels) & regions["arm"].isin(arms)]
    drawn = drawn.assign(
        text=[_width_text(row) for _, row in drawn.iterrows()],
        place=drawn["data"].map(panels.index),
    ).sort_values("place", kind="stable")
    figure = plots.good_regions(drawn, arms, tuned[0])
    title = _region_title(first, panels[0], tuned[0])
    caption = _region_caption(metric, known)
    if len(arms) < len(names):
        caption += f" {len(arms)} of {len(names)} arms: those with the widest ranges."
    without = [str(name) for name in dict.fromkeys(regions["arm"]) if name not in names]
    if without:
        caption += f" No range is defined for {listed(without[:MOST_NAMED])}"
        more = len(without) - MOST_NAMED
        caption += f" and {more} more." if more > 0 else "."
    return picture(figure, "regions", title, caption, _region_table(drawn, tuned[0]))


def _of_validation(analysis: Analysis) -> str:
    """Return the metric on the validation part, which settings are chosen by, if there is one."""
    metric = analysis.metric.replace("test_", "val_", 1)
    return metric if metric in METRICS and metric in analysis.cells else analysis.metric


def _region_caption(metric: str, known: pd.DataFrame) -> str:
    label, tolerances = METRICS[metric].label, known["tolerance"].unique()
    within = "a tenth" if len(tolerances) > 1 else stats.format_level(float(tolerances[0]))
    return (
        f"Settings whose mean {label} is within {within} of the arm's best on that data set "
        "(dot). An arrow: the range reaches the end of the grid, so its width is at least that. "
        "Widths are in decades, factors of ten; where a setting lost a network, how many settings "
        "of how many count."
    )


def _region_title(first: pd.DataFrame, data: str, tuned: str) -> str:
    """Return the finding: the widest range on the first data set, and the narrowest."""
    widest, narrowest = first.iloc[0], first.iloc[-1]
    text = f"On {data}, {tuned} may be off by most for {widest['arm']} ({_decades(widest)})"
    if widest["arm"] == narrowest["arm"]:
        return text
    return f"{text}, by least for {narrowest['arm']} ({_decades(narrowest)})"


def _decades(row: pd.Series) -> str:
    return f"{_width_text(row).replace('≥', 'at least')} decades"


def _width_text(row: pd.Series) -> str:
    if pd.isna(row["decades"]):
        return "undefined"
    sign = "≥ " if row["open_low"] or row["open_high"] else ""
    lost = f" ({row['used']} of {row['n']})" if row["used"] < row["n"] else ""
    return f"{sign}{number(row['decades'], 1)}{lost}"


def _region_table(regions: pd.DataFrame, tuned: str) -> Table:
    columns = [Column("data"), Column("arm"), Column(f"best {tuned}", True)]
    columns += [Column("from", True), Column("to", True), Column("decades", True)]
    rows: list[list[Entry | str]] = []
    for _, row in regions.iterrows():
        reason = row["reason"] if isinstance(row["reason"], str) else ""
        ends = [Entry(stats.format_level(row[k]), value=entries.known(row[k]))
                for k in ("best", "low", "high")]  # fmt: skip
        width = Entry(row["text"], reason=reason, value=entries.known(row["decades"]))
        rows.append([str(row["data"]), str(row["arm"]), *ends, width])
    return Table(columns, rows)


# The best of k trials ---------------------------------------------------------------------------


def budget_picture(analysis: Analysis) -> Picture | None:
    """Draw the score that k settings, tried at random and chosen on validation, can be expected."""
    tuned = tuned_columns(analysis)
    if not tuned:
        return None
    factors = varied_factors(analysis)
    budget = stats.expected_best(
        analysis.cells, analysis.factors, tuned, analysis.metric, analysis.generator_for
    )
    budget = budget.assign(arm=stats.contestant_labels(budget, factors))
    known = budget.dropna(subset=["mean"])
    if known.empty or known["trials"].max() < LEAST_TRIALS:
        return None
    metric = METRICS[analysis.metric]
    last = known[known["trials"] == known["trials"].max()]
    order = last.groupby("arm", sort=False)["mean"].mean()
    order = order.sort_values(ascending=not metric.higher_is_better)
    baseline = JOIN.join(analysis.baselines[f] for f in factors)
    names, note = few(list(order.index), baseline)
    panels = [d for d in analysis.levels["data"] if d in set(known["data"])][:MOST_BUDGET_PANELS]
    drawn = known[known["data"].isin(panels) & known["arm"].isin(names)]
    drawn = drawn.assign(place=drawn["data"].map(panels.index)).sort_values("place", kind="stable")
    figure = plots.budget_lines(drawn, names, metric.label)
    title = _budget_title(drawn, panels[0], metric.label, metric.higher_is_better)
    caption = (
        f"Expected {metric.label} of the best of k settings of {listed(tuned)}, drawn at random "
        "without repetition and chosen on validation (Dodge et al. 2019): arms compared at equal "
        "budget, with 95 % intervals." + note
    )
    return picture(figure, "budget", title, caption, _budget_table(drawn, metric.label))


def _budget_title(budget: pd.DataFrame, data: str, label: str, higher: bool) -> str:
    """Return the finding: who leads after one trial and after all, on the first data set."""
    here = budget[budget["data"] == data].sort_values("mean", ascending=not higher, kind="stable")
    most = int(here["trials"].max())
    one, best = (here[here["trials"] == k].iloc[0] for k in (1, most))
    word = "highest" if higher else "lowest"
    then = " and" if one["arm"] == best["arm"] else f", {best['arm']}"
    return (
        f"On {data}, {one['arm']} expects the {word} {label} of a single setting drawn at random "
        f"({_score(one)}){then} of the best of {most} ({_score(best)})"
    )


def _score(row: pd.Series) -> str:
    k, n = ("blocks_used", "blocks") if "blocks" in row else ("used", "n")
    count = f"n {row[k]}/{row[n]}"
    if pd.isna(row["mean_low"]):
        return f"{number(row['mean'])}, {count}"
    places = stats_places(row)
    span = interval(row["mean_low"], row["mean_high"], places)
    return f"{number(row['mean'], places)} {span}, {count}"


def stats_places(row: pd.Series) -> int:
    """Return the decimals of one mean and its interval."""
    return entries.mean_places(pd.DataFrame([row]))


def _budget_table(budget: pd.DataFrame, label: str) -> Table:
    columns = [Column("data"), Column("arm"), Column("settings tried", True)]
    columns += [Column(label, True), Column("all diverged", True)]
    places = entries.mean_places(budget)
    rows: list[list[Entry | str]] = [
        [
            str(row["data"]),
            str(row["arm"]),
            entries.whole(row["trials"]),
            entries.estimate(row, "mean", places, f"{row['blocks_used']}/{row['blocks']}"),
            Entry(entries.percent(row["none"]), value=entries.known(row["none"])),
        ]
        for _, row in budget.iterrows()
    ]
    return Table(columns, rows)


# Accuracy against cost --------------------------------------------------------------------------


def cost_picture(analysis: Analysis, contest: Contest) -> Picture | None:
    """Draw each contestant's mean score against the seconds that one of its networks took."""
    frame = analysis.labelled
    if "epochs" in analysis.cells and not analysis.cells["epochs"].any():
        return None  # nothing was trained: the seconds are those of the probes
    if "seconds" not in frame or analysis.metric == "seconds" or frame["seconds"].isna().all():
        return None
    metric = METRICS[analysis.metric]
    arms = stats.summarise_arms(frame, contest.by, analysis.metric, analysis.generator_for)
    costs = stats.arm_costs(frame, contest.by, "seconds")
    table = arms.merge(costs, on=contest.by).rename(columns={"seconds": "cost"})
    table = table[table["cost"] > 0].dropna(subset=["mean", "cost"])
    if len(table) < 3 or table["cost"].max() < LEAST_RATIO * table["cost"].min():
        return None
    table = stats.pareto_front(table, "cost", higher_is_better=metric.higher_is_better)
    table = table.assign(arm=stats.contestant_labels(table, contest.by))
    front = list(table.loc[table["on_front"], "arm"])
    named = {contest.baseline, *front[: MOST_NAMED - 2], *front[-1:]}
    table["named"] = table["arm"].isin(named) | (len(table) <= MOST_ALL_NAMED)
    figure = plots.cost_scatter(
        table, "seconds for one network", metric.label, metric.higher_is_better
    )
    first, last = table[table["on_front"]].iloc[0], table[table["on_front"]].iloc[-1]
    title = (
        f"{last['arm']} has the best mean ({_score(last)}) at {number(last['cost'])} s a network"
    )
    if last["arm"] != first["arm"]:
        title += (
            f"; the cheapest, {first['arm']}, takes {number(first['cost'])} s ({_score(first)})"
        )
    caption = (
        f"Mean {metric.label} with its interval against the mean seconds of a network, its share "
        "of the time of the stack that it trained in: a rough price, of this machine. Joined: "
        "those than which no other is both cheaper and better in the mean (Pareto front)."
    )
    return picture(figure, "cost", title, caption, _cost_table(table, metric.label))


def _cost_table(table: pd.DataFrame, label: str) -> Table:
    columns = [Column("contestant"), Column("seconds", True), Column(label, True)]
    columns += [Column("on the front")]
    places = entries.mean_places(table)
    rows: list[list[Entry | str]] = [
        [
            str(row["arm"]),
            entries.plain(row["cost"]),
            entries.estimate(row, "mean", places, f"{row['used']}/{row['n']}"),
            "yes" if row["on_front"] else "no",
        ]
        for _, row in table.head(60).iterrows()
    ]
    note = f"The cheapest 60 of {len(table):,}." if len(table) > 60 else ""
    return Table(columns, rows, note=note)


# Time to the target -----------------------------------------------------------------------------


def target_table(results: Results, analysis: Analysis, contest: Contest) -> Table | None:
    """Return who reached the study's target, how often and after how many epochs."""
    target = (results.study.get("report") or {}).get("target")
    frame = analysis.labelled
    if target is None or "epochs_to_target" not in frame:
        return None
    times = stats.time_to_target(frame, contest.by)
    times = times.sort_values(["reached_share", "median"], ascending=[False, True], kind="stable")
    columns = [Column(" / ".join(contest.by)), Column("reached it", True)]
    columns += [Column("share", True), Column("median epochs", True), Column("quartiles", True)]
    rows: list[list[Entry | str]] = []
    for _, row in times.head(60).iterrows():
        share = row.rename(
            {"reached_share": "share", "reached_low": "share_low", "reached_high": "share_high"}
        )
        reason = row["reason"] if isinstance(row["reason"], str) else ""
        epochs = entries.plain(row["median"], 1)
        known = pd.notna(row["q25"]) and pd.notna(row["q75"])
        rows.append(
            [
                JOIN.join(str(row[f]) for f in contest.by),
                entries.whole(row["reached"], row["n"]),
                entries.share(share.drop("reason")),
                Entry(epochs.text, reason=reason, value=epochs.value),
                f"{number(row['q25'], 0)} to {number(row['q75'], 0)}" if known else "–",
            ]
        )
    note = f"The first 60 of {len(times):,}." if len(times) > 60 else ""
    title = f"Epochs until the validation score reaches {stats.format_level(target)}"
    return Table(columns, rows, title, note, is_long=len(rows) > LONG)
