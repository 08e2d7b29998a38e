"""The sentences of a report, made from its numbers.

Rules: an effect is never given without its interval and count; "better" and "worse" are said only
where the interval excludes zero (the verdict of `nnbench.stats`); nothing is said of a cell that
did not finish except that it did not.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from nnbench.report.claims.sentences import MOST_SEEDS
from nnbench.report.page.numbers import (
    decimals_for,
    estimated,
    measured,
    nonzero,
    number,
    places_past_one,
    rounded,
)
from nnbench.report.page.table_cells import effect_places, no_interval, pair_count, share
from nnbench.report.page.units import difference_unit, scale_of
from nnbench.report.page.words import capital, in_words, listed, lowered, spoken
from nnbench.stats import METRICS

MOST_COMPARED = 3  # levels beside the baseline that a sentence deals with one by one
MOST_DETECTABLE = 0.5  # of a metric's range: a study that can tell no less tells hardly anything
CLEAR = ("better", "worse")  # the verdicts that take a side
NONE = pd.Series(dtype=float)


def effect_text(row: Any, decimals: int, unit: str = "", is_log: bool = False) -> str:
    """`−5.2 [−6.0, −4.4] points  36 pairs in 6 blocks`, or why there is no such thing.

    is_log: of a factor's logarithm to base ten, which is said as that factor: `×19.0 [18.9, 19.0]`.
    """
    if pd.isna(row["effect"]):
        return str(row["effect_reason"])
    value, low, high = (row[name] for name in ("effect", "effect_low", "effect_high"))
    size = measured(value, low, high, decimals, signed=True)
    if is_log:
        size = _times(value, low, high)
    size = f"{size} {unit}".rstrip()
    if pd.notna(row["effect_reason"]):
        return f"{size} ({no_interval(row['effect_reason'])})"
    return f"{size}\N{NO-BREAK SPACE} {pair_count(row)}"


def _times(value: float, low: float, high: float) -> str:
    """`×19.0 [18.9, 19.0]` of logarithms to base ten: what leaves one out does so as printed."""
    return f"×{measured(10**value, 10**low, 10**high, _times_places(value, low, high))}"


def _times_places(value: float, low: float, high: float) -> int | None:
    factors = 10**value, 10**low, 10**high
    half_widths = [] if pd.isna(low) else [(factors[2] - factors[1]) / 2]
    past, places = places_past_one(*factors), decimals_for(factors[:1], half_widths)
    return past if past > places else None if pd.isna(low) else places


def findings(
    effects: pd.DataFrame,
    ranking: pd.DataFrame,
    baselines: dict[str, str],
    metric: str,
    counts: dict[str, int],
    single: str,
    together: str = "",
    command: str = "",
    chosen: str = "",
) -> list[str]:
    """What was found in up to three sentences, the most important first.

    single: the mean, for a study of one arm. together: what to say of two factors that matter more
    together than the second factor does alone; it takes that factor's place, and where no level
    differs clearly it comes last. command: runs the study, to which a number of seeds is added.
    chosen: `each at its best learning rate`, of what was tuned.
    """
    compared = comparing(effects) if len(effects) else effects
    if counts["ok"] == 0:
        return ["No network finished, so there is no effect to report."]
    if compared.empty:
        return [f"This study has one configuration and compares nothing: {single}."]
    if compared["effect"].isna().all():
        return ["In no pair do both networks have a value, so there is no effect to report."]
    clear = _clear_sentences(compared, ranking, baselines, metric, chosen)
    unclear = _unclear_sentences(compared, ranking, baselines, metric, command, chosen)
    if not clear:
        return [*unclear, *([f"But {lowered(together)}"] if together else [])]
    beside = [together] if together else clear[1:]
    return [*clear[:1], *beside, *unclear]


def comparing(effects: pd.DataFrame) -> pd.DataFrame:
    """The levels that compare with one another: no baseline, and none that ran on a part."""
    return effects[~effects["baseline"].astype(bool) & effects["only"].isna()]


def _clear_sentences(
    compared: pd.DataFrame,
    ranking: pd.DataFrame,
    baselines: dict[str, str],
    metric: str,
    chosen: str = "",
) -> list[str]:
    """Say, for the two most important factors with a clear effect, what their levels change."""
    clear = compared[compared["verdict"].isin(CLEAR)]
    order = [f for f in ranking["factor"] if f in set(clear["factor"])]
    explained = int(ranking.get("component", NONE).notna().sum())
    sentences = []
    for place, factor in enumerate(order[:2]):
        name = in_words(factor)
        opening = f"{capital(name)} makes a clear difference"
        if place > 0:
            opening = f"Next is {name}"
        elif ranking["factor"].iloc[0] == factor and explained:
            opening = f"{capital(name)} matters{' most' * (explained > 1)}"
        if chosen and place == 0:
            opening = f"{opening}, {chosen}"
        part = compared[compared["factor"] == factor]
        said = _levels_said(part, spoken(factor, baselines[factor]), metric)
        sentences.append(f"{opening}: {said}.")
    return sentences


def _levels_said(part: pd.DataFrame, baseline: str, metric: str) -> str:
    """What the levels of a factor change: each end named, or where they are many counted."""
    ends = [strongest(part, word) for word in CLEAR]
    named = [row for row in ends if row is not None]
    if len(part) <= MOST_COMPARED:
        said = [change_text(row, metric, baseline) for row in named]
        return " and ".join(said)
    counts = part["verdict"].value_counts().to_dict()
    sides = {word: counts.get(word, 0) for word in CLEAR}
    sides["without a clear difference"] = len(part) - sum(sides.values())
    told = ", ".join(f"{count} {word}" for word, count in sides.items() if count)
    row = strongest(pd.DataFrame(named))
    furthest = change_text(row, metric, baseline)
    return f"of {len(part)} levels against {baseline}, {told}. Largest difference: {furthest}"


def change_text(row: Any, metric: str, baseline: str) -> str:
    """`random_small loses 25 points of test accuracy against he_normal (95 % CI 24 to 27; ...)`.

    Of a difference that is clear. A score of which more is better is gained and lost; any other
    metric is higher or lower, and what drifts by a factor per layer does so by so many times.
    """
    level, size = spoken(row["factor"], row["level"]), _size(row, metric)
    label = METRICS[metric].label
    if what := METRICS[metric].factor_of:
        times, word = 10 ** abs(row["effect"]), "more" if row["effect"] > 0 else "less"
        ends = sorted(10 ** abs(float(row[f"effect_{end}"])) for end in ("low", "high"))
        past = 1 + places_past_one(times)
        span = " to ".join(rounded(end, max(3, past, 1 + places_past_one(end))) for end in ends)
        told = rounded(times, max(3, past))
        drifts = f"with {level} the {what} drifts {told} times {word} per layer"
        return f"{drifts} than with {baseline} (95 % CI {span}; {_counted(row)})"
    if METRICS[metric].higher_is_better and not label.startswith("share"):
        verb = "gains" if row["effect"] > 0 else "loses"
        amount_of = f"{size} of {label}" if difference_unit(metric) else f"{size} in {label}"
        return f"{level} {verb} {amount_of} against {baseline} ({backing(row)})"
    side, article = "raises" if row["effect"] > 0 else "lowers", "the " * label.startswith("share")
    return f"{level} {side} {article}{label} by {size} against {baseline} ({backing(row)})"


def places_of(row: Any) -> int:
    """The decimals that one difference is said in: to the first digit of its half width."""
    return effect_places(pd.DataFrame([row]).infer_objects())


def _size(row: Any, metric: str, signed: bool = False) -> str:
    if METRICS[metric].factor_of:
        return _times(row["effect"], row["effect_low"], row["effect_high"]).split()[0]
    sign = -1 if row["effect"] < 0 and not signed else 1
    low, high = sorted((sign * float(row["effect_low"]), sign * float(row["effect_high"])))
    size = estimated(sign * row["effect"], low, high, places_of(row), signed)
    return f"{size} {difference_unit(metric)}".rstrip()


def backing(row: Any, signed: bool = False, metric: str = "") -> str:
    """`95 % CI 24 to 27; 72 pairs in 6 blocks`: what stands behind a difference.

    metric: where its differences are logarithms the ends are factors, as the difference is.
    """
    low, high = float(row["effect_low"]), float(row["effect_high"])
    if metric and METRICS[metric].factor_of:
        ends = (number(10**end, _times_places(row["effect"], low, high)) for end in (low, high))
        return f"95 % CI {' to '.join(ends)}; {_counted(row)}"
    decimals, is_clear = places_of(row), low > 0 or high < 0
    if is_clear and not signed:
        low, high = sorted((abs(low), abs(high)))
    written = nonzero if is_clear else number
    span = " to ".join(written(end, decimals, signed) for end in (low, high))
    return f"95 % CI {span}; {_counted(row)}"


def _counted(row: Any) -> str:
    finished = ", of those that finished" if row["lost"] != row["lost_baseline"] else ""
    return f"{pair_count(row)}{finished}"


def _unclear_sentences(
    compared: pd.DataFrame,
    ranking: pd.DataFrame,
    baselines: dict[str, str],
    metric: str,
    command: str,
    chosen: str = "",
) -> list[str]:
    """Name the factors without a clear effect, and how large the largest of their effects is."""
    measured = compared[compared["effect"].notna()]
    clear = set(measured.loc[measured["verdict"].isin(CLEAR), "factor"])
    unclear = [f for f in ranking["factor"] if f in set(measured["factor"]) - clear]
    if not unclear:
        return []
    row = strongest(measured[measured["factor"].isin(unclear)])
    names = [in_words(factor) for factor in unclear]
    opening = f"No {names[0]}" if len(names) == 1 else f"No {', '.join(names[:-1])} or {names[-1]}"
    text = f"{opening} makes a clear difference to {METRICS[metric].label}"
    text += f", {chosen}" if chosen else ""
    if row["effect"] == 0 and str(row["effect_reason"]).endswith(" equal"):
        return [f"{text}: all give the same result."]
    size = _size(row, metric, signed=True)
    has_reason = pd.notna(row["effect_reason"])
    why = no_interval(row["effect_reason"]) if has_reason else backing(row, True, metric)
    noted = f"; {row['note']}" if isinstance(row["note"], str) else ""
    largest = f"the largest, {contrast(row, baselines)}, is {size} ({why}{noted})"
    return [f"{text}: {largest}.{_settling(row, metric, command)}"]


def contrast(row: Any, baselines: Mapping[str, str]) -> str:
    """`tanh against relu`: a level and its factor's baseline."""
    factor = row["factor"]
    return f"{spoken(factor, row['level'])} against {spoken(factor, baselines[factor])}"


def _settling(row: Any, metric: str, command: str) -> str:
    """Say what the design could have detected, and with how many seeds a difference is settled.

    Nothing of the first where the difference is that large: then it is unclear for another reason,
    which its note tells.
    """
    unit, text = difference_unit(metric), ""
    if pd.isna(row["effect_reason"]) and abs(row["effect"]) < row["detectable"]:
        detectable = f"{rounded(row['detectable'])} {unit}".rstrip()
        if METRICS[metric].factor_of:
            factor = 10 ** row["detectable"]
            detectable = f"×{rounded(factor, max(2, 1 + places_past_one(factor)))}"
        text = f" This study could detect {detectable}"
        if row["detectable"] >= MOST_DETECTABLE * METRICS[metric].range * scale_of(metric):
            text = f" It could detect very little: nothing smaller than {detectable}"
    seeds = row["seeds_needed"]
    if pd.isna(seeds) or seeds >= MOST_SEEDS:
        return f"{text}." if text else ""
    told = f"about {seeds:,.0f} seeds would settle the largest difference"
    if command:
        told += f": {command} --seeds {seeds:.0f}"
    return f"{text}; {told}." if text else f" {capital(told)}."


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


def effects_title(effects: pd.DataFrame, baselines: Mapping[str, str], metric: str) -> str:
    """The finding of the effects' figure: the largest difference, with all that backs it."""
    known = comparing(effects).dropna(subset=["effect"])
    if known.empty:
        return f"No effect on {METRICS[metric].label} could be measured"
    row, clear = strongest(known), strongest(known[known["verdict"].isin(CLEAR)])
    if clear is None:
        size = _size(row, metric)
        return f"No clear difference; the largest, {contrast(row, baselines)}, is {size}"
    change = change_text(clear, metric, spoken(clear["factor"], baselines[clear["factor"]]))
    return f"Largest {'' if clear.equals(row) else 'clear '}difference: {change}"


def shares_title(within: pd.DataFrame, label: str) -> str:
    """The finding of the analysis of variance: the largest factor, and the noise."""
    factors = within[within["kind"] == "factor"].dropna(subset=["component"])
    if factors.empty:
        return f"The variance in {label} cannot be divided among the factors"
    first = factors.iloc[int(factors["component"].to_numpy().argmax())]
    text = f"{capital(in_words(str(first['term'])))} explains {share_text(first)} of the variance"
    text += f" in {label} within data sets"
    seeds = within[within["kind"] == "seeds"].dropna(subset=["component"])
    return f"{text}, the seeds {share_text(seeds.iloc[0])}" if len(seeds) else text


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

    several = cross["data"].nunique() > 1

    def place(at: int) -> str:
        cell = known.iloc[at]
        arm = f"{spoken(row_name, cell['row'])} with {spoken(column_name, cell['column'])}"
        where = f" on {cell['data']}" if several else ""
        return f"{number(cell['mean'], decimals)} ({arm}{where})"

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
    where = f"{few}median {label} ends"
    if summary["data"].nunique() > 1:
        where = f"on {first['data'].iloc[0]}, {where}"
    where = capital(where)
    lowest, highest = (number(ends.loc[end, "median"], decimals) for end in (low, high))
    if len(ends) == 1:
        return f"{where} at {highest} ({high})"
    if lowest == highest:
        return f"{where} at {highest} for {'both' if len(ends) == 2 else f'all {len(ends)}'}"
    return f"{where} between {lowest} ({low}) and {highest} ({high})"
