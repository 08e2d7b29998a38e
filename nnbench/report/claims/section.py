"""The claims of a study with their verdicts, read from `claims.csv`."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pandas as pd

from nnbench.report.page.numbers import interval, number
from nnbench.report.page.parts import Column, Entry, Section, Table, paragraph
from nnbench.report.page.words import listed, tallied
from nnbench.results.files import read_files
from nnbench.results.read import ReportError, Results
from nnbench.stats.claims import VERDICTS

FILE = "claims.csv"

INTRODUCTION = (
    "Written into the study file before the run; judged by paired differences and their 95 % "
    "intervals, or exactly where nothing is random."
)


def claims_section(results: Results) -> Section | None:
    """Return the claims, verdict first; None where the study makes none or none is judged yet."""
    claims = read_claims(results)
    if claims is None:
        return None
    try:
        rows = [_row(claim) for _, claim in claims.iterrows()]
    except (ValueError, KeyError) as error:
        raise _unreadable(results) from error
    if not rows:
        return None
    columns = [Column("verdict"), Column("claim"), Column("measured")]
    return Section(
        "claims", "Claims", [paragraph(INTRODUCTION), Table(columns, rows, is_prose=True)]
    )


def read_claims(results: Results) -> pd.DataFrame | None:
    """Return the judged claims; None where the study makes none or none is judged yet."""
    content = read_files(results.folder, [FILE]).get(FILE)
    if content is None or not (results.study.get("claims") or []):
        return None
    try:
        return pd.read_csv(BytesIO(content))
    except ValueError as error:
        raise _unreadable(results) from error


def _unreadable(results: Results) -> ReportError:
    path = results.folder / FILE
    return ReportError(f"{path} cannot be read: `nnbench report` writes it again")


def tally(results: Results) -> str:
    """Return how many claims came out how, as a sentence; nothing without claims."""
    claims = read_claims(results)
    if claims is None or "verdict" not in claims or claims.empty:
        return ""
    found = claims["verdict"].value_counts().to_dict()
    counts = {word: found[word] for word in VERDICTS if word in found}
    if len(claims) == 1:
        return f"The study's one claim is {listed(list(counts))}."
    if len(counts) == 1:
        every = "Both" if len(claims) == 2 else f"All {len(claims)}"
        return f"{every} claims of the study are {listed(list(counts))}."
    return f"Of the study's {len(claims)} claims, {tallied(counts)}."


def _row(claim: Any) -> list[Entry]:
    course = claim.get("course")
    note = f"Claim {int(course)} of the course." if pd.notna(course) else ""
    word = str(claim["verdict"])
    return [
        Entry(word, is_verdict=True),
        Entry(str(claim["text"]), note=note),
        Entry(_measured(claim, word)),
    ]


def _measured(claim: Any, word: str) -> str:
    """Return the claim's sentence without the verdict that it begins with, or its numbers."""
    sentence = claim.get("sentence")
    if isinstance(sentence, str):
        said = sentence.removeprefix(f"{word.capitalize()}: ")
        return said[:1].upper() + said[1:]
    effect = number(claim["effect"], signed=True)
    if pd.notna(claim["low"]):
        effect += f" {interval(claim['low'], claim['high'])}"
    return f"{effect}, n {claim['n_ok']}/{claim['n']}"
