"""The claims of a study with their verdicts, read from `claims.csv` once for a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from nnbench.report.claims.table import Judged
from nnbench.report.page.parts import Column, Section, TableCell, paragraph, table_of
from nnbench.report.page.words import listed, tallied
from nnbench.stats.claims import VERDICTS

INTRODUCTION = (
    "Written into the study file before the run; judged by paired differences, or exactly where "
    "nothing is random. A verdict needs the 95 % interval, and the t test after Holm's correction "
    "for all claims of the study."
)
COLUMNS = [
    Column("verdict", of=lambda claim: TableCell(claim.verdict, is_verdict=True)),
    Column("claim", of=lambda claim: TableCell(claim.text, note=claim.note)),
    Column("measured", of=lambda claim: claim.said),
]
PUBLISHED = Column("the paper says", of=lambda claim: claim.published or "–")


def claims_section(claims: Sequence[Judged]) -> Section | None:
    """The claims, verdict first; None without any."""
    if not claims:
        return None
    columns = list(COLUMNS)
    if any(claim.published for claim in claims):
        columns.insert(2, PUBLISHED)
    table = table_of(claims, columns, is_prose=True)
    return Section("claims", "Claims", [paragraph(INTRODUCTION), table])


def tally(claims: Sequence[Judged]) -> str:
    """How many claims came out how, as a sentence; nothing without claims."""
    if not claims:
        return ""
    words = Counter(claim.verdict for claim in claims)
    counts = {word: words[word] for word in VERDICTS if word in words}
    if len(claims) == 1:
        return f"The study's one claim is {listed(list(counts))}."
    if len(counts) == 1:
        every = "Both" if len(claims) == 2 else f"All {len(claims)}"
        return f"{every} claims of the study are {listed(list(counts))}."
    return f"Of the study's {len(claims)} claims, {tallied(counts)}."
