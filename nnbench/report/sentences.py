"""The sentences of a report, made from its numbers.

Rules: an effect is never given without its interval and count; "better" and "worse" are said only
where the interval excludes zero (the verdict of `nnbench.stats`); nothing is said of a cell that
did not finish except that it did not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from nnbench.report.entries import share
from nnbench.report.numbers import decimals_for, interval, number
from nnbench.stats import METRICS


def effect_decimals(rows: pd.DataFrame) -> int:
    """Return the decimals that suit all effects of these rows together.

    An interval that excludes zero keeps excluding it as printed.
    """
    half_widths = (rows["effect_high"] - rows["effect_low"]) / 2
    places = decimals_for(rows["effect"].dropna(), half_widths.dropna())
    clear = rows[(rows["effect_low"] > 0) | (rows["effect_high"] < 0)]
    ends = [*clear["effect_low"], *clear["effect_high"]]
    while places < 6 and any(round(end, places) == 0 for end in ends):
        places += 1
    return places


def effect_text(row: Any, decimals: int, words: bool = False) -> str:
    """Return `−0.052 [−0.060, −0.044]  n 36/36`, or why there is no such thing."""
    count = f"n {row['pairs_used']}/{row['pairs']}"
    if pd.isna(row["effect"]):
        return str(row["effect_reason"])
    size = number(row["effect"], decimals, signed=True)
    if pd.notna(row["effect_reason"]):
        return f"{size} (interval {row['effect_reason']}), {count}"
    span = interval(row["effect_low"], row["effect_high"], decimals)
    return f"{size} {span}, {count} pairs" if words else f"{size} {span}\N{NO-BREAK SPACE} {count}"


def answer(
    effects: pd.DataFrame,
    ranking: pd.DataFrame,
    baselines: dict[str, str],
    metric: str,
    counts: dict[str, int],
    single: str,
) -> list[str]:
    """Return the answer in two to four sentences. single: the mean, for a study of one arm."""
    sentences = []
    label = METRICS[metric].label
    compared = effects[~effects["baseline"]] if len(effects) else effects
    if counts["ok"] == 0:
        sentences.append("No network finished, so there is no effect to report.")
    elif compared.empty:
        sentences.append(f"This study has one arm and compares nothing: {single}.")
    elif compared["effect"].isna().all():
        sentences.append("No pair of networks finished together, so there is no effect to report.")
    else:
        sentences += _clear_sentences(compared, ranking, baselines, label)
        sentences += _unclear_sentences(compared, ranking, baselines, label)
    sentences.append(finished_sentence(counts, effects))
    return sentences


def _clear_sentences(
    compared: pd.DataFrame, ranking: pd.DataFrame, baselines: dict[str, str], label: str
) -> list[str]:
    """Say, for the two most important factors with a clear effect, their strongest levels."""
    clear = compared[compared["verdict"].isin(["better", "worse"])]
    order = [f for f in ranking["factor"] if f in set(clear["factor"])]
    sentences = []
    for place, factor in enumerate(order[:2]):
        part = clear[clear["factor"] == factor]
        decimals = effect_decimals(part)
        said = [
            f"{spoken(factor, row['level'])} is {row['verdict']} "
            f"({effect_text(row, decimals, words=True)})"
            for row in (strongest(part, "better"), strongest(part, "worse"))
            if row is not None
        ]
        first = ranking["factor"].iloc[0] == factor
        opening = [
            f"The choice of {factor} moved {label} most"
            if first
            else f"The choice of {factor} made a clear difference in {label}",
            f"Next came {factor}",
        ][place] + _explains(ranking[ranking["factor"] == factor], place)
        sentences.append(
            f"{opening}: against its baseline {baselines[factor]}, {' and '.join(said)}."
        )
    return sentences


def _explains(row: pd.DataFrame, place: int) -> str:
    """Return the factor's share of the variance as a clause, or nothing where it has none."""
    if "within" not in row or row["within"].isna().all():
        return ""
    return f", with {share_text(row.iloc[0])}{'' if place else ' of its variance within data sets'}"


def _unclear_sentences(
    compared: pd.DataFrame, ranking: pd.DataFrame, baselines: dict[str, str], label: str
) -> list[str]:
    """Name the factors without a clear effect, and how large the largest of their effects is."""
    measured = compared[compared["effect"].notna()]
    clear = set(measured.loc[measured["verdict"].isin(["better", "worse"]), "factor"])
    unclear = [f for f in ranking["factor"] if f in set(measured["factor"]) - clear]
    if not unclear:
        return []
    row = strongest(measured[measured["factor"].isin(unclear)])
    places = _factor_decimals(measured, row)
    size = effect_text(row, places, words=True)
    arm, baseline = spoken(row["factor"], row["level"]), baselines[row["factor"]]
    return [
        f"For {listed(unclear)} no difference from the baseline in {label} can be told from zero; "
        f"the largest, {arm} against {baseline}, is {size}{_noted(row)}{_settling(row, places)}."
    ]


def _factor_decimals(rows: pd.DataFrame, row: Any) -> int:
    """Return the decimals in which all of this row's factor is written: one number everywhere."""
    return effect_decimals(rows[rows["factor"] == row["factor"]])


def _noted(row: Any) -> str:
    """Return why an interval that excludes zero takes no side, in brackets, or nothing."""
    return f" ({row['note']})" if isinstance(row["note"], str) else ""


def _settling(row: Any, places: int) -> str:
    """Say what the design could have detected, and how many seeds would settle a difference."""
    if pd.notna(row["effect_reason"]):
        return ""
    size = number(row["detectable"], places)
    text = f", where a true difference of {size} would have been found"
    if pd.isna(row["detectable"]):
        text = ", where no true difference, however large, would have been found"
    if pd.isna(row["seeds_needed"]):
        return text
    return f"{text} and about {row['seeds_needed']:,.0f} seeds a data set would settle it"


def spoken(factor: str, level: str) -> str:
    """Return the level as a sentence can hold it: a bare `8` or `true` takes its factor's name."""
    is_bare = level.removeprefix("-")[:1].isdigit() or level in ("true", "false", "none")
    return f"{factor} {level}" if is_bare else level


def strongest(rows: pd.DataFrame, verdict: str | None = None) -> Any:
    """Return the row with the largest effect, of one verdict if given; None where there is none."""
    rows = rows if verdict is None else rows[rows["verdict"] == verdict]
    return None if rows.empty else rows.iloc[int(rows["effect"].abs().to_numpy().argmax())]


def finished_sentence(counts: dict[str, int], effects: pd.DataFrame) -> str:
    """Say how many cells finished, and where most of those that diverged are."""
    n, ok = counts["n"], counts["ok"]
    if ok == n and not counts.get("missing"):
        return f"All {n:,} networks finished; none diverged."
    parts = [
        f"{counts[status]:,} {word}"
        for status, word in (
            ("diverged", "diverged"),
            ("crashed", "crashed"),
            ("missing", "have not run"),
        )
        if counts.get(status)
    ]
    text = f"{ok:,} of {n:,} networks finished; {listed(parts)}"
    if counts["diverged"] and len(effects):
        share = effects["diverged"] / effects["n"].clip(lower=1)
        row = effects.iloc[int(share.to_numpy().argmax())]
        if 0 < row["diverged"] < counts["n"]:
            text += (
                f", the largest share with {row['factor']} {row['level']} "
                f"({row['diverged']} of {row['n']})"
            )
    return text + "."


def effects_title(effects: pd.DataFrame, baselines: Mapping[str, str], label: str) -> str:
    """Return the finding of the effects' figure: the largest difference, with all that backs it."""
    known = effects[effects["effect"].notna() & ~effects["baseline"].astype(bool)]
    if known.empty:
        return f"No effect on {label} could be measured"
    row = strongest(known)
    size = effect_text(row, _factor_decimals(known, row), words=True)
    arm = spoken(row["factor"], row["level"])
    return f"The largest difference in {label} is {arm} against {baselines[row['factor']]}: {size}"


def shares_title(within: pd.DataFrame, label: str) -> str:
    """Return the finding of the analysis of variance: the largest factor, and the noise."""
    factors = within[within["kind"] == "factor"].dropna(subset=["within"])
    if factors.empty:
        return f"The variance in {label} cannot be shared out among the factors"
    first = factors.iloc[int(factors["within"].to_numpy().argmax())]
    text = (
        f"{first['term']} explains {share_text(first)} of the variance in {label} within data sets"
    )
    seeds = within[within["kind"] == "seeds"].dropna(subset=["within"])
    return f"{text}, seeds {share_text(seeds.iloc[0])}" if len(seeds) else text


def share_text(row: Any) -> str:
    """Return a share within data sets as `45 % [40, 50]`."""
    entry = share(row, "within")
    return f"{entry.text} {entry.span}" if entry.span else entry.text


def heat_title(cross: pd.DataFrame, row_name: str, column_name: str, label: str) -> str:
    """Return the finding of the heat map: where the lowest and the highest means are."""
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


def curves_title(summary: pd.DataFrame, label: str) -> str:
    """Return the finding of the learning curves: where the medians end, on the first data set."""
    first = summary[summary["data"] == summary["data"].iloc[0]]
    ends = first.sort_values("epoch").groupby("level", sort=False).last()
    low, high = ends["median"].idxmin(), ends["median"].idxmax()
    decimals = decimals_for(ends["median"])
    where = f"On {first['data'].iloc[0]}, median {label} ends"
    if low == high:
        return f"{where} at {number(ends['median'].max(), decimals)} ({high})"
    return (
        f"{where} between {number(ends.loc[low, 'median'], decimals)} ({low}) and "
        f"{number(ends.loc[high, 'median'], decimals)} ({high})"
    )


def listed(parts: Sequence[str]) -> str:
    """Return `a`, `a and b` or `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
