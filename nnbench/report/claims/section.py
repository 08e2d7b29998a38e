"""The claims of a study with their verdicts, read from `claims.csv` once for a page."""

from collections import Counter
from collections.abc import Sequence

from nnbench.report.claims.table import Judged
from nnbench.report.page.parts import Column, Section, TableCell, paragraph, table_of
from nnbench.report.page.words import listed, lowered, tallied
from nnbench.stats.claims import CONTRADICTED, SUPPORTED, UNDECIDED, VERDICTS
from nnbench.study.study_kinds import StudyKind

OF_CHANCE = (
    "Written into the study file before the run; judged by paired differences, or exactly where "
    "nothing is random. A verdict needs both the 95 % interval (CI) and the t test after Holm's "
    "correction for all claims of the study. A block is {}."
)
EXACT = (
    "Written into the study file before the run. Nothing here is random: each claim is judged "
    "exactly, pair by pair."
)
MOST_TESTED = 6  # claims that stand beside the finding
COLUMNS = [
    Column("verdict", of=lambda claim: TableCell(claim.verdict, is_verdict=True)),
    Column("claim", of=lambda claim: TableCell(claim.text, note=claim.note)),
    Column("measured", of=lambda claim: claim.said),
]
PUBLISHED = Column("the paper says", of=lambda claim: claim.published or "–")


def claims_section(claims: Sequence[Judged], kind: StudyKind) -> Section | None:
    """The claims of a study of a kind, verdict first; None without any."""
    if not claims:
        return None
    columns = list(COLUMNS)
    if any(claim.published for claim in claims):
        columns.insert(2, PUBLISHED)
    table = table_of(claims, columns, is_prose=True)
    introduction = OF_CHANCE.format(kind.block) if kind.has_chance else EXACT
    return Section("claims", "Claims", [paragraph(introduction), table])


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


def most_telling(claims: Sequence[Judged]) -> list[Judged]:
    """The claims to stand beside the finding: what was not as predicted first, at most six."""
    order = (CONTRADICTED, UNDECIDED, SUPPORTED)
    return sorted(claims, key=lambda claim: order.index(claim.verdict))[:MOST_TESTED]


def surprise(claims: Sequence[Judged]) -> str:
    """What was found against the first claim that is contradicted, as a sentence.

    Nothing where the study's first claim holds and most others do: then it is a side issue.
    """
    against = [claim for claim in claims if claim.verdict == CONTRADICTED and claim.said]
    if not against or (against[0] is not claims[0] and 2 * len(against) < len(claims)):
        return ""
    return f"Not as predicted: {lowered(against[0].said)}"
