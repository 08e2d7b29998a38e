"""The claims of a study with their verdicts, read from `claims.csv`."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pandas as pd

from nnbench.report.analysis import ReportError, Results
from nnbench.report.numbers import interval, number
from nnbench.report.parts import Column, Entry, Section, Table, paragraph
from nnbench.store import read_files

FILE = "claims.csv"

INTRODUCTION = (
    "Written into the study file before the run; judged by paired differences and their 95 % "
    "intervals, or exactly where nothing is random."
)


def claims_section(results: Results) -> Section | None:
    """Return the claims, verdict first; None where the study makes none or none is judged yet."""
    content = read_files(results.folder, [FILE]).get(FILE)
    if content is None or not (results.study.get("claims") or []):
        return None
    try:
        claims = pd.read_csv(BytesIO(content))
        rows = [_row(claim) for _, claim in claims.iterrows()]
    except (ValueError, KeyError) as error:
        path = results.folder / FILE
        raise ReportError(f"{path} cannot be read: `nnbench report` writes it again") from error
    if not rows:
        return None
    columns = [Column("verdict"), Column("claim"), Column("measured")]
    return Section(
        "claims", "Claims", [paragraph(INTRODUCTION), Table(columns, rows, is_prose=True)]
    )


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
