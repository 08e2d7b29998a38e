"""The sentences of a report, made from its numbers.

Rules: an effect is never given without its interval and count; "better" and "worse" are said only
where the interval excludes zero (the verdict of `nnbench.stats`); nothing is said of a cell that
did not finish except that it did not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from nnbench.report.page.numbers import decimals_for, measured, number
from nnbench.report.page.table_cells import effect_places, no_interval, pair_count, share
from nnbench.report.page.words import listed, spoken, tallied, varies
from nnbench.stats import METRICS

MOST_COMPARED = 3  # levels beside the baseline that a sentence deals with one by one
CLEAR = ("better", "worse")  # the verdicts that take a side


def effect_text(row: Any, decimals: int, words: bool = False) -> str:
    """`−0.052 [−0.060, −0.044]  n 36/36`, or why there is no such thing."""
    count = f"n {pair_count(row)}"
    if pd.isna(row["effect"]):
        return str(row["effect_reason"])
    size = measured(row["effect"], row["effect_low"], row["effect_high"], decimals, signed=True)
    if pd.notna(row["effect_reason"]):
        return f"{size} ({no_interval(row['effect_reason'])}), {count}"
    return f"{size}, {count} pairs" if words else f"{size}\N{NO-BREAK SPACE} {count}"


def findings(
    effects: pd.DataFrame,
    ranking: pd.DataFrame,
    baselines: dict[str, str],
    metric: str,
    counts: dict[str, int],
    single: str,
    together: str = "",
) -> list[str]:
    """What was found in up to three sentences, the most important first.

    single: the mean, for a study of one arm. together: what to say of two factors that matter more
    together than the second factor does alone; it takes that factor's place.
    """
    label = METRICS[metric].label
    compared = comparing(effects) if len(effects) else effects
    if counts["ok"] == 0:
        return ["No network finished, so there is no effect to report."]
    if compared.empty:
        return [f"This study has one arm and compares nothing: {single}."]
    if compared["effect"].isna().all():
        return ["No pair of networks finished together, so there is no effect to report."]
    clear = _clear_sentences(compared, ranking, baselines, label)
    beside = [together] if together else clear[1:]
    return [*clear[:1], *beside, *_unclear_sentences(compared, ranking, baselines, label)]


def comparing(effects: pd.DataFrame) -> pd.DataFrame:
    """The levels that compare with one another: no baseline, and none that ran on a part."""
    return effects[~effects["baseline"].astype(bool) & effects["only"].isna()]


def _clear_sentences(
    compared: pd.DataFrame, ranking: pd.DataFrame, baselines: dict[str, str], label: str
) -> list[str]:
    """Say, for the two most important factors with a clear effect, what their levels change."""
    clear = compared[compared["verdict"].isin(CLEAR)]
    order = [f for f in ranking["factor"] if f in set(clear["factor"])]
    sentences = []
    for place, factor in enumerate(order[:2]):
        row = ranking[ranking["factor"] == factor].iloc[0]
        is_shared = "component" in row and pd.notna(row["component"])
        named = f"{factor}, {share_text(row)}" if is_shared else factor
        if place > 0:
            opening = f"Next is {named}"
        elif ranking["factor"].iloc[0] == factor and is_shared:
            opening = f"{varies(label)} most with {named} of the variance within data sets"
        else:
            opening = f"{varies(label)} clearly with {named}"
        part = compared[compared["factor"] == factor]
        sentences.append(f"{opening}: {_levels_said(part, spoken(factor, baselines[factor]))}.")
    return sentences


def _levels_said(part: pd.DataFrame, baseline: str) -> str:
    """What the levels of a factor change: each end named, or where they are many counted."""
    decimals = effect_places(part)
    ends = [strongest(part, word) for word in CLEAR]
    named = [row for row in ends if row is not None]
    if len(part) <= MOST_COMPARED and named:
        said = [
            f"{spoken(row['factor'], row['level'])} is {difference_text(row, decimals)}"
            for row in named
        ]
        return f"compared with {baseline}, {' and '.join(said)}"
    counts = part["verdict"].value_counts().to_dict()
    sides = {word: counts.get(word, 0) for word in CLEAR}
    sides["not told from it"] = len(part) - sum(sides.values())
    text = f"of {len(part)} levels compared with {baseline}, {tallied(sides)}"
    if len(alike := [word for word, count in sides.items() if count]) == 1:
        text = f"compared with {baseline}, all {len(part)} levels are {alike[0]}"
    if not named:
        return text
    row = strongest(pd.DataFrame(named))
    furthest = spoken(row["factor"], row["level"])
    return f"{text}; furthest is {furthest}, {difference_text(row, decimals)}"


def difference_text(row: Any, decimals: int) -> str:
    """`worse by 0.252 [0.239, 0.265] (n 432/432 pairs)`, of a difference that is clear."""
    low, high = sorted((abs(row["effect_low"]), abs(row["effect_high"])))
    size = measured(abs(row["effect"]), low, high, decimals)
    finished = ", of those that finished" if row["lost"] != row["lost_baseline"] else ""
    return f"{row['verdict']} by {size} (n {pair_count(row)} pairs{finished})"


def _unclear_sentences(
    compared: pd.DataFrame, ranking: pd.DataFrame, baselines: dict[str, str], label: str
) -> list[str]:
    """Name the factors without a clear effect, and how large the largest of their effects is."""
    measured = compared[compared["effect"].notna()]
    clear = set(measured.loc[measured["verdict"].isin(CLEAR), "factor"])
    unclear = [f for f in ranking["factor"] if f in set(measured["factor"]) - clear]
    if not unclear:
        return []
    row = strongest(measured[measured["factor"].isin(unclear)])
    size, places = _size(measured, row)
    # why an interval that excludes zero takes no side
    return [
        f"For {listed(unclear)} no difference from the baseline in {label} can be told from zero; "
        f"the largest, {contrast(row, baselines)}, is {size}{_noted(row)}{_settling(row, places)}."
    ]


def contrast(row: Any, baselines: Mapping[str, str]) -> str:
    """`tanh against relu`: a level and its factor's baseline."""
    factor = row["factor"]
    return f"{spoken(factor, row['level'])} against {spoken(factor, baselines[factor])}"


def _size(rows: pd.DataFrame, row: Any) -> tuple[str, int]:
    """A row's effect in words, in the decimals of all of its factor: one number everywhere."""
    places = effect_places(rows[rows["factor"] == row["factor"]])
    return effect_text(row, places, words=True), places


def _noted(row: Any) -> str:
    """Say in brackets why an interval that excludes zero takes no side; nothing where it does."""
    return f" ({row['note']})" if isinstance(row["note"], str) else ""


def _settling(row: Any, places: int) -> str:
    """Say what the design could have detected, and how many seeds would settle a difference."""
    if pd.notna(row["effect_reason"]):
        return ""
    text = f"; one of {number(row['detectable'], places)} would have been found"
    if pd.isna(row["detectable"]):
        text = "; none, however large, would have been found"
    if pd.isna(row["seeds_needed"]):
        return text
    return f"{text}, and about {row['seeds_needed']:,.0f} seeds a data set would settle this one"


def strongest(rows: pd.DataFrame, verdict: str | None = None) -> Any:
    """The row with the largest effect, of one verdict if given; None where there is none."""
    rows = rows if verdict is None else rows[rows["verdict"] == verdict]
    return None if rows.empty else rows.iloc[int(rows["effect"].abs().to_numpy().argmax())]


def finished_sentence(counts: dict[str, int], lost: pd.DataFrame) -> str:
    """Say how many cells finished, and where most of those that diverged are.

    lost: `factor, level, n, diverged` of the same cells, a row for each level of each factor.
    """
    n, ok = counts["n"], counts["ok"]
    if ok == n and not counts.get("missing"):
        return f"All {n:,} networks finished; none diverged."
    words = {"diverged": "diverged", "crashed": "crashed", "missing": "have not run"}
    parts = [f"{counts[key]:,} {word}" for key, word in words.items() if counts.get(key)]
    text = f"{ok:,} of {n:,} networks finished; {listed(parts)}"
    if counts["diverged"] and len(lost):
        row = lost.iloc[int((lost["diverged"] / lost["n"]).to_numpy().argmax())]
        if row["n"] < counts["n"]:
            arm = spoken(row["factor"], row["level"])
            text += f", most often with {arm} ({row['diverged']:,} of {row['n']:,})"
    return text + "."


def effects_title(effects: pd.DataFrame, baselines: Mapping[str, str], label: str) -> str:
    """The finding of the effects' figure: the largest difference, with all that backs it."""
    known = comparing(effects).dropna(subset=["effect"])
    if known.empty:
        return f"No effect on {label} could be measured"
    row = strongest(known)
    size, _ = _size(known, row)
    told = f"{contrast(row, baselines)}: {size}{_noted(row)}"
    return f"The largest difference in {label} is {told}"


def shares_title(within: pd.DataFrame, label: str) -> str:
    """The finding of the analysis of variance: the largest factor, and the noise."""
    factors = within[within["kind"] == "factor"].dropna(subset=["component"])
    if factors.empty:
        return f"The variance in {label} cannot be shared out among the factors"
    first = factors.iloc[int(factors["component"].to_numpy().argmax())]
    text = f"{share_text(first)} of the variance in {label} within data sets goes with "
    text += str(first["term"])
    seeds = within[within["kind"] == "seeds"].dropna(subset=["component"])
    return f"{text}, {share_text(seeds.iloc[0])} with the seeds" if len(seeds) else text


def share_text(row: Any) -> str:
    """A share within data sets as `45 % [40, 50]`."""
    entry = share(row, "component")
    return f"{entry.text} {entry.span}" if entry.span else entry.text


def heat_title(cross: pd.DataFrame, row_name: str, column_name: str, label: str) -> str:
    """The finding of the heat map: where the lowest and the highest means are."""
    known = cross.dropna(subset=["mean"])
    if known.empty:
        return "No combination finished"
    decimals = decimals_for(known["mean"])

    def place(at: int) -> str:
        cell = known.iloc[at]
        arm = f"{spoken(row_name, cell['row'])} with {spoken(column_name, cell['column'])}"
        return f"{number(cell['mean'], decimals)} ({arm} on {cell['data']})"

    means = known["mean"].to_numpy()
    low, high = int(means.argmin()), int(means.argmax())
    return f"Mean {label} runs from {place(low)} to {place(high)}"


def curves_title(summary: pd.DataFrame, label: str, levels: int) -> str:
    """The finding of the learning curves: where the medians end, on the first data set.

    levels: how many there are; where not all are drawn the title speaks of the drawn ones.
    """
    first = summary[summary["data"] == summary["data"].iloc[0]]
    ends = first.sort_values("epoch").groupby("level", sort=False).last()
    low, high = ends["median"].idxmin(), ends["median"].idxmax()
    decimals = decimals_for(ends["median"])
    few = f"of the {len(ends)} levels drawn, " if len(ends) < levels else ""
    where = f"On {first['data'].iloc[0]}, {few}median {label} ends"
    lowest, highest = (number(ends.loc[end, "median"], decimals) for end in (low, high))
    if len(ends) == 1:
        return f"{where} at {highest} ({high})"
    if lowest == highest:
        return f"{where} at {highest} for {'both' if len(ends) == 2 else f'all {len(ends)}'}"
    return f"{where} between {lowest} ({low}) and {highest} ({high})"
