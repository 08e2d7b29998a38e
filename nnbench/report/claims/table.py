"""claims.csv: the verdicts on a study's claims as a table, each with a sentence to act on."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd

from nnbench import stats
from nnbench.report.page.numbers import decimals_for, number
from nnbench.report.page.words import is_plural
from nnbench.results.files import read_files, write_files
from nnbench.results.looks import note_look
from nnbench.results.read import ReportError, Results, read_results
from nnbench.stats.claims import SUPPORTED, UNDECIDED, Verdict, judge_all
from nnbench.stats.claims.pairs import described, sides_of
from nnbench.stats.claims.verdict import EXACT, RANKS

FILE = "claims.csv"
COLUMNS = (
    *("text", "effect", "low", "high", "n_ok", "n", "verdict"),
    *("metric", "by", "margin", "blocks", "reason", "seeds_needed", "course", "sentence", "scale"),
    "published",
    *("p", "p_holm", "claims"),
)
WHOLE_NUMBERS = ("n_ok", "n", "blocks", "seeds_needed", "course", "claims")


def write_claims(folder: Path) -> pd.DataFrame:
    """Judge a study's claims by the tables in its folder, write `claims.csv`, return the table.

    That it was judged, and with how many seeds, is noted for good.

    A study without claims gets no file; one whose claims were taken out gets an empty table.
    Raises ReportError where a table is missing.
    """
    results = read_results(folder)
    table = claims_table(results)
    note_look(folder, results.seeds)
    if len(table) or (folder / FILE).is_file():
        content = table.to_csv(index=False, lineterminator="\n").encode("utf-8")
        write_files(folder, {FILE: content})
    return table


@dataclass(frozen=True)
class Judged:
    """A claim as a page tells it.

    said: its sentence, without the verdict in front. published: what the study's paper says of it.
    """

    verdict: str
    text: str
    said: str
    note: str
    published: str


def read_claims(results: Results) -> list[Judged]:
    """The claims in `claims.csv`; none where the study makes none or none is judged yet."""
    content = read_files(results.folder, [FILE]).get(FILE)
    if content is None or not (results.study.get("claims") or []):
        return []
    try:
        return [_judged(row) for row in csv.DictReader(StringIO(content.decode("utf-8"), ""))]
    except (ValueError, KeyError, csv.Error) as error:
        path = results.folder / FILE
        raise ReportError(f"{path} cannot be read: `nnbench report` writes it again") from error


def _judged(row: Mapping[str, str]) -> Judged:
    verdict = row["verdict"]
    said = row["sentence"].removeprefix(_opening(verdict))
    note = f"Claim {int(row['course'])} of the course." if row["course"] else ""
    return Judged(verdict, row["text"], said[:1].upper() + said[1:], note, row.get("published", ""))


def _opening(verdict: str) -> str:
    """What a claim's sentence begins with, where no verdict stands beside it."""
    return f"{verdict.capitalize()}: "


def claims_table(results: Results) -> pd.DataFrame:
    """One row per claim, columns as in `COLUMNS`, in the study file's order."""
    claims: Sequence[Mapping[str, Any]] = results.study.get("claims") or []
    verdicts = judge_all(results.study, results.cells, len(results.earlier_looks))
    rows = [
        asdict(verdict)
        | {"sentence": sentence_of(verdict, claim), "published": claim.get("published", "")}
        for verdict, claim in zip(verdicts, claims, strict=True)
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype(dict.fromkeys(WHOLE_NUMBERS, "Int64"))


def sentence_of(verdict: Verdict, claim: Mapping[str, Any]) -> str:
    """The verdict in words: size, interval and count, then what more there is to say."""
    first, second = map(described, sides_of(claim))
    told = [_measured(verdict, first, second), note_of(verdict)]
    return f"{_opening(verdict.verdict)}{'; '.join(part for part in told if part)}."


def _measured(verdict: Verdict, first: str, second: str) -> str:
    """Say what was measured, or nothing where nothing could be."""
    if math.isnan(verdict.effect):
        return ""
    count = f"{verdict.n_ok:,} of {verdict.n:,} pairs"
    metric = stats.METRICS[verdict.metric]
    label, sign = metric.label, 1 if metric.higher_is_better else -1
    if verdict.scale == RANKS:
        size = number(verdict.effect, 2, signed=True)
        span = _span(verdict.low, verdict.high, 2)
        return (
            f"By {label}, {verdict.ahead:,} of {verdict.n_ok:,} pairs speak for the claim and "
            f"{verdict.behind:,} against it: a balance of {size}{span}"
        )
    verb = "are" if is_plural(label) else "is"
    places = effect_places(verdict)
    if verdict.effect == 0:
        span = _span(verdict.low, verdict.high, places)
        return f"{label} {verb} the same with {first} as with {second}{span} ({count})"
    low, high = sorted((sign * verdict.low, sign * verdict.high))
    spans = not (verdict.low > 0 or verdict.high < 0)
    if verdict.scale != EXACT and (spans or is_withdrawn(verdict)):
        size = f"{number(sign * verdict.effect, places, signed=True)}{_span(low, high, places)}"
        return f"{label}, {first} minus {second}: {size} ({count})"
    word = "higher" if sign * verdict.effect > 0 else "lower"
    if word == "lower":
        low, high = -high, -low
    size = f"{number(abs(verdict.effect), places)}{_span(low, high, places)}"
    return f"{label} {verb} {word} by {size} with {first} than with {second} ({count})"


def is_withdrawn(verdict: Verdict) -> bool:
    """Whether the interval alone would decide, and the verdict is undecided all the same."""
    return verdict.verdict == UNDECIDED != verdict.interval_word


def effect_places(verdict: Verdict) -> int:
    """The decimals that an effect and its interval are printed with.

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


def span_of(low: float, high: float, places: int) -> str:
    """The interval, an end that is not zero never as zero; nothing where there is none."""
    if math.isnan(low):
        return ""
    ends = (number(end, places if end == 0 or round(end, places) else None) for end in (low, high))
    return f"[{', '.join(ends)}]"


def _span(low: float, high: float, places: int) -> str:
    span = span_of(low, high, places)
    return f" {span}" if span else ""


def note_of(verdict: Verdict) -> str:
    """Say why it is undecided, what the threshold did, what was lost, and how many seeds decide."""
    parts = [verdict.reason] if verdict.reason else []
    if not math.isnan(verdict.low):
        parts.insert(0, _threshold(verdict))
    if verdict.verdict == UNDECIDED and verdict.seeds_needed:
        parts.append(f"about {verdict.seeds_needed:,} seeds would decide")
    return "; ".join(part for part in parts if part)


def _threshold(verdict: Verdict) -> str:
    """Say how the interval stands to what was claimed, where the size alone does not tell."""
    if is_withdrawn(verdict):
        return ""
    if verdict.margin is not None and verdict.scale != RANKS:
        edge = stats.format_level(verdict.margin)
        told = {SUPPORTED: "lies within", UNDECIDED: "crosses"}
        return f"the interval {told.get(verdict.verdict, 'lies outside')} the margin of {edge}"
    if verdict.by and verdict.scale not in (RANKS, EXACT):
        return (_least if verdict.by > 0 else _most_worse)(verdict)
    if verdict.verdict == UNDECIDED and verdict.low <= 0 <= verdict.high:
        return "the interval spans zero"
    return ""


def _least(verdict: Verdict) -> str:
    """Of a claim that one side is better by so much."""
    asked = stats.format_level(verdict.by)
    if verdict.verdict == SUPPORTED:
        return f"at least {asked} was claimed"
    if verdict.verdict == UNDECIDED:
        return f"the interval crosses the {asked} that was claimed"
    return f"{asked} or more was claimed"


def _most_worse(verdict: Verdict) -> str:
    """Of a claim that one side is worse by less than so much."""
    allowed = stats.format_level(-verdict.by)
    if verdict.verdict == UNDECIDED:
        return f"the interval crosses the {allowed} by which it may be worse"
    if verdict.verdict == SUPPORTED:
        return f"worse by less than the {allowed} allowed, if at all"
    return f"worse by more than the {allowed} allowed"
