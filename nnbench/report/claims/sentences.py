"""A verdict in words: how large, how sure, what was claimed, and what would decide."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nnbench import stats
from nnbench.report.page.numbers import decimals_for, number, places_past_one, power_of_ten
from nnbench.report.page.table_cells import percent
from nnbench.report.page.units import difference_unit, scale_of
from nnbench.report.page.words import amount, capital, in_words, is_plural
from nnbench.stats.claims import UNDECIDED, Verdict
from nnbench.stats.claims.pairs import described as described
from nnbench.stats.claims.pairs import sides_of
from nnbench.stats.claims.verdict import EXACT, RANKS, SHARE, SHARES

MOST_SEEDS = 100  # beyond which nobody runs a study to decide a claim or a difference


def opening(verdict: str) -> str:
    """What a claim's sentence begins with, where no verdict stands beside it."""
    return f"{verdict.capitalize()}: "


def sentence_of(verdict: Verdict, claim: Mapping[str, Any], command: str = "") -> str:
    """The verdict in words: size, interval and count, then what more there is to say.

    command: runs the study, to which a number of seeds is added.
    """
    told = [_measured(in_units(verdict), claim), note_of(verdict, command)]
    return f"{opening(verdict.verdict)}{'; '.join(part for part in told if part)}."


def in_units(verdict: Verdict) -> Verdict:
    """The verdict with its numbers in the unit that is read: points, percent, or as they are."""
    scale = 100.0 if verdict.scale in (SHARE, SHARES) else scale_of(verdict.metric)
    if scale == 1 or verdict.scale == RANKS:
        return verdict
    scaled = {name: scale * getattr(verdict, name) for name in ("effect", "low", "high", "by")}
    margin = None if verdict.margin is None else scale * verdict.margin
    return replace(verdict, **scaled, margin=margin)


def unit_said(verdict: Verdict) -> str:
    """The unit of the verdict's effect."""
    if verdict.scale == RANKS:
        return ""
    if verdict.scale == SHARE:
        return "%"
    return "points" if verdict.scale == SHARES else difference_unit(verdict.metric)


def is_factor(verdict: Verdict) -> bool:
    """Whether the effect is the logarithm of a factor per layer, which is said as that factor."""
    return bool(stats.METRICS[verdict.metric].factor_of) and verdict.scale not in (
        *(RANKS, SHARE, SHARES),
    )


def _measured(verdict: Verdict, claim: Mapping[str, Any]) -> str:
    """Say what was measured, or nothing where nothing could be; `verdict` is in its unit."""
    if math.isnan(verdict.effect):
        return ""
    if verdict.scale in (SHARE, SHARES):
        return _of_shares(verdict, claim)
    first, second = map(described, sides_of(claim))
    label = stats.METRICS[verdict.metric].label
    if verdict.scale == RANKS:
        size = number(verdict.effect, 2, signed=True)
        return (
            f"by {label}, {verdict.ahead:,} of {verdict.n_ok:,} pairs are for the claim and "
            f"{verdict.behind:,} against it: a balance of {size}, where 1 means all for it "
            f"({_backing(verdict, 2)})"
        )
    if is_factor(verdict) and verdict.effect != 0:
        return _of_a_factor(verdict, first, second)
    verb, places = "are" if is_plural(label) else "is", effect_places(verdict)
    if verdict.effect == 0:
        backing = _backing(_powers(verdict) if is_factor(verdict) else verdict, places)
        return f"no difference in {label} between {first} and {second} ({backing})"
    sign = 1 if stats.METRICS[verdict.metric].higher_is_better else -1
    told = _turned(verdict, sign)
    unit = unit_said(verdict)
    if is_open(verdict):
        size = f"{number(told.effect, places, signed=True)} {unit}".rstrip()
        return f"{label}, {first} minus {second}: {size} ({_backing(told, places)})"
    word = "higher" if told.effect > 0 else "lower"
    told = _turned(told, 1 if word == "higher" else -1)
    size = f"{number(told.effect, places)} {unit}".rstrip()
    backing = _backing(told, places)
    return f"{label} {verb} {word} by {size} with {first} than with {second} ({backing})"


def is_open(verdict: Verdict) -> bool:
    """Whether neither side may be called ahead."""
    spans = not (verdict.low > 0 or verdict.high < 0)
    return verdict.scale != EXACT and (spans or is_withdrawn(verdict))


def _turned(verdict: Verdict, sign: int) -> Verdict:
    """The verdict with its effect and interval seen from the other side, where sign is -1."""
    low, high = sorted((sign * verdict.low, sign * verdict.high))
    return replace(verdict, effect=sign * verdict.effect, low=low, high=high)


def _of_a_factor(verdict: Verdict, first: str, second: str) -> str:
    """Of a drift per layer: `the gradient drifts 4.2 times less per layer with relu than ...`."""
    what = stats.METRICS[verdict.metric].factor_of
    sign = -1 if is_open(verdict) or verdict.effect < 0 else 1  # less drift favours the first side
    told = _powers(_turned(verdict, sign))
    places = factor_places(told)
    size, backing = number(told.effect, places), _backing(told, places)
    if is_open(verdict):
        return (
            f"the {what} drifts {size} times as much per layer with {first} as with {second} "
            f"({backing})"
        )
    word = "less" if verdict.effect > 0 else "more"
    drifts = f"the {what} drifts {size} times {word} per layer"
    return f"{drifts} with {first} than with {second} ({backing})"


def factor_places(told: Verdict) -> int:
    """The decimals of factors: an interval that leaves one out does so as printed too."""
    return max(effect_places(told), places_past_one(told.effect, told.low, told.high))


def _powers(verdict: Verdict) -> Verdict:
    """The verdict with factors for their logarithms."""
    ends = (verdict.effect, verdict.low, verdict.high)
    effect, low, high = (10**value for value in ends)
    return replace(verdict, effect=effect, low=low, high=high)


def _of_shares(verdict: Verdict, claim: Mapping[str, Any]) -> str:
    label = stats.METRICS[verdict.metric].label
    within = f"of the variance in {label} within data sets"
    places = effect_places(verdict)
    backing = f" ({_backing(verdict, places)})" if not math.isnan(verdict.low) else ""
    if verdict.scale == SHARE:
        factor = capital(in_words(str(claim["factor"])))
        return f"{factor} explains {number(verdict.effect, places)} % {within}{backing}"
    first, second = in_words(str(claim["matters_more"])), in_words(str(claim["than"]))
    own, other = (percent(share) for share in verdict.sides or (math.nan, math.nan))
    if verdict.low > 0 or verdict.high < 0:
        word = "more" if verdict.effect > 0 else "less"
        told = _turned(verdict, 1 if word == "more" else -1)
        size = f"{number(told.effect, places)} points {word}"
        backing = f" ({_backing(told, places)})"
    else:
        size = f"{number(verdict.effect, places, signed=True)} points"
    return f"{capital(first)} explains {own} {within}, {second} {other}: {size}{backing}"


def _backing(verdict: Verdict, places: int) -> str:
    """`95 % CI 24 to 27; 72 pairs in 6 blocks`: what stands behind a size."""
    parts = []
    if not math.isnan(verdict.low):
        low, high = (_end(end, places) for end in (verdict.low, verdict.high))
        parts.append(f"95 % CI {low} to {high}")
    return "; ".join([*parts, counted_pairs(verdict)])


def counted_pairs(verdict: Verdict) -> str:
    """`72 pairs in 6 blocks`, or of a share `6 blocks`: the independent units are seen."""
    blocks = amount(verdict.blocks, "block") if verdict.blocks else ""
    if verdict.scale in (SHARE, SHARES):
        return blocks
    pairs = amount(verdict.n, "pair")
    if verdict.n_ok != verdict.n:
        pairs = f"{verdict.n_ok:,} of {pairs}"
    return f"{pairs} in {blocks}" if blocks else pairs


def is_withdrawn(verdict: Verdict) -> bool:
    """Whether the interval alone would decide, and the verdict is undecided all the same."""
    return verdict.verdict == UNDECIDED != verdict.interval_word


def size_of(verdict: Verdict) -> tuple[str, str]:
    """The effect with its unit, and its interval: `+5.0 points` and `[4.4, 5.6]`."""
    if math.isnan(verdict.effect):
        return "–", ""
    told = in_units(verdict)
    if is_factor(verdict):
        told = _powers(told)
    places = factor_places(told) if is_factor(verdict) else effect_places(told)
    unit = "times per layer" if is_factor(verdict) else unit_said(verdict)
    is_signed = verdict.scale != SHARE and not is_factor(verdict)
    size = f"{number(told.effect, places, signed=is_signed)} {unit}".rstrip()
    if math.isnan(verdict.low):
        return size, "exact" if verdict.scale == EXACT else ""
    return size, f"[{_end(told.low, places)}, {_end(told.high, places)}]"


def _end(end: float, places: int) -> str:
    """An end of an interval: never as zero where it is not."""
    return number(end, places if end == 0 or round(end, places) else None)


def effect_places(verdict: Verdict) -> int:
    """The decimals that an effect and its interval are printed with, in its unit.

    The first digit of the half width, and two digits of the effect if that is one decimal more;
    up to two decimals more where an end of the interval would else be printed as zero.
    """
    if math.isnan(verdict.low):
        return decimals_for([verdict.effect])
    places = decimals_for([verdict.effect], [(verdict.high - verdict.low) / 2])
    places += decimals_for([verdict.effect]) - 1 > places
    ends = (verdict.low, verdict.high)
    for _ in range(2):
        places += places < 6 and any(end and round(end, places) == 0 for end in ends)
    return places


def note_of(verdict: Verdict, command: str = "") -> str:
    """Say what was claimed, why it is undecided, what was lost, and how many seeds decide."""
    parts = [verdict.reason] if verdict.reason else []
    if not math.isnan(verdict.low) or verdict.scale in (SHARE, SHARES):
        parts.insert(0, _threshold(in_units(verdict)))
    if verdict.at_any_time:
        parts.append(
            f"judged {_times(verdict.looks + 1)}, by evidence that allows for repeated looks"
        )
    if verdict.verdict == UNDECIDED and verdict.seeds_needed:
        parts.append(_seeds(verdict.seeds_needed, command))
    return "; ".join(part for part in parts if part)


def _times(looks: int) -> str:
    return {1: "once", 2: "twice"}.get(looks, f"{looks} times")


def _seeds(needed: int, command: str) -> str:
    """Say how many seeds would decide, where that many can be run."""
    if needed >= MOST_SEEDS:
        least = 1000 if needed > 1000 else MOST_SEEDS
        return f"deciding a difference this small would take over {least:,} seeds"
    told = f"about {needed} seeds would decide"
    return f"{told}: {command} --seeds {needed}" if command else told


def _threshold(verdict: Verdict) -> str:
    """Say what was claimed, where it is more than a side, and whether that is left open."""
    if verdict.scale == RANKS or (verdict.scale == EXACT and verdict.margin is None):
        return ""
    asked = _claimed(verdict)
    if asked:
        is_left_open = verdict.verdict == UNDECIDED and not is_withdrawn(verdict)
        known = not math.isnan(verdict.low)
        return f"{asked}, which the interval leaves open" if is_left_open and known else asked
    if verdict.verdict == UNDECIDED and verdict.low <= 0 <= verdict.high and verdict.effect:
        return f"no clear difference, and one beyond {_most(verdict)} is unlikely"
    return ""


def _claimed(verdict: Verdict) -> str:
    """`claimed: at least 2 points`; nothing where no amount was named."""
    if verdict.scale == SHARE:
        least = verdict.margin is None
        edge = verdict.by if least else verdict.margin
        return f"claimed: at {'least' if least else 'most'} {_amount(verdict, float(edge or 0))}"
    if verdict.margin is not None:
        within = _amount(verdict, verdict.margin)
        if is_factor(verdict):
            within = f"a factor of {_factor(verdict.margin)} per layer"
        return f"claimed: within {within} of each other"
    if verdict.by > 0:
        return f"claimed: at least {_amount(verdict, verdict.by)}"
    if verdict.by < 0:
        return f"claimed: worse by less than {_amount(verdict, -verdict.by)}, if at all"
    return ""


def _most(verdict: Verdict) -> str:
    return _amount(verdict, max(abs(verdict.low), abs(verdict.high)), 2)


def _factor(power: float) -> str:
    """`1.02` of a logarithm to base ten: with the digits that tell it from one."""
    factor = 10**power
    digits = max(3, 1 + places_past_one(factor))
    return f"{factor:.{digits}g}" if 1e-3 < factor < 1e3 else power_of_ten(factor, 2)


def _amount(verdict: Verdict, size: float, digits: int = 6) -> str:
    if is_factor(verdict):
        return f"{_factor(size)} times per layer"
    shown = float(f"{size:.{digits}g}")
    unit = unit_said(verdict)
    if unit == "points" and shown == 1:
        unit = "point"
    return (
        f"{number(shown, 0) if shown == int(shown) else stats.format_level(shown)} {unit}".rstrip()
    )
