"""The ledger of claims: one page over all studies, the course's claims first, each with evidence.

Every finished study is judged from its tables. What a study file claims and no finished study has
judged yet stands as not run. Reads results and study files; writes `claims.html`.
"""

import math
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from scipy.stats import false_discovery_control

from nnbench import stats
from nnbench.report.claims.course import COURSE
from nnbench.report.claims.sentences import (
    counted_pairs,
    note_of,
    sentence_of,
    size_of,
)
from nnbench.report.page.commands import run_command
from nnbench.report.page.html import render
from nnbench.report.page.numbers import number
from nnbench.report.page.words import amount
from nnbench.results.disk import StoreError, write_whole
from nnbench.results.read import ReportError, Results, read_results
from nnbench.stats.claims import CONTRADICTED, SUPPORTED, UNDECIDED, VERDICTS, Verdict, judge_all
from nnbench.stats.claims.verdict import RANKS, SHARE, SHARES
from nnbench.study.shelf import SHELF, study_files

MIXED, NOT_RUN = "mixed", "not run"
WORDS = (*VERDICTS, MIXED, NOT_RUN)
MARKS = {SUPPORTED: "▲", CONTRADICTED: "▼", UNDECIDED: "○", MIXED: "◆", NOT_RUN: "–"}


@dataclass(frozen=True)
class LedgerClaim:
    """A claim of a study. `verdict` is None where the study has not judged it yet."""

    study: str
    text: str
    course: int | None
    verdict: Verdict | None = None
    sentence: str = ""
    has_report: bool = False
    command: str = ""  # runs the study
    q: float = math.nan  # of Benjamini and Hochberg, over the claims of all studies

    @property
    def key(self) -> tuple[str, str]:
        """What tells a claim from all others."""
        return self.study, self.text

    @property
    def word(self) -> str:
        """The verdict, or that there is none."""
        return NOT_RUN if self.verdict is None else self.verdict.verdict

    def row(self) -> dict[str, Any]:
        """A judged claim as plain data, null where there is no number."""
        judged = self.verdict
        assert judged is not None
        numbers = {name: getattr(judged, name) for name in ("effect", "low", "high")}
        tests = {"p": judged.p, "p_holm": judged.p_holm, "q": self.q}
        return {
            "study": self.study,
            "course": self.course,
            "text": self.text,
            "metric": judged.metric,
            **_known(numbers),
            "n_ok": judged.n_ok,
            "n": judged.n,
            "verdict": judged.verdict,
            "sentence": self.sentence,
            **_known(tests),
        }


def _known(numbers: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in numbers.items()}


@dataclass(frozen=True)
class Ledger:
    """All claims, by study; and the names of the folders that could not be read."""

    claims: list[LedgerClaim]
    unreadable: list[str]

    @property
    def judged(self) -> list[LedgerClaim]:
        """The claims that have a verdict."""
        return [claim for claim in self.claims if claim.verdict is not None]

    def of_course(self, number: int) -> list[LedgerClaim]:
        """The claims that test one of the course's."""
        return [claim for claim in self.claims if claim.course == number]

    def course_words(self) -> dict[int, str]:
        """What all tests together say of each claim of the course."""
        return {number: together(self.of_course(number)) for number in COURSE}


def together(claims: Iterable[LedgerClaim]) -> str:
    """The one word that all judged tests agree on, or mixed; not run without any."""
    words = {claim.word for claim in claims} - {NOT_RUN} or {NOT_RUN}
    return words.pop() if len(words) == 1 else MIXED


def gather(out: Path, studies: Path = SHELF) -> Ledger:
    """Judge every finished study under `out`, and add what the files in `studies` claim beyond."""
    planned = planned_claims(studies)
    claims: list[LedgerClaim] = []
    unreadable = []
    for folder in sorted(path.parent for path in out.glob("*/provenance.json")):
        try:
            claims += judged_claims(read_results(folder))
        except (ReportError, StoreError, ValueError, KeyError, TypeError):
            unreadable.append(folder.name)
    courses = {claim.key: claim.course for claim in planned}
    known = [replace(claim, course=courses.get(claim.key) or claim.course) for claim in claims]
    done = {claim.key for claim in known}
    missing = [claim for claim in planned if claim.key not in done]
    return Ledger(sorted([*with_q(known), *missing], key=lambda claim: claim.study), unreadable)


def with_q(claims: Sequence[LedgerClaim]) -> list[LedgerClaim]:
    """The claims, each that has a p with its false discovery rate over all of them.

    The least share of false ones among all claims with so small a p or a smaller one. Source:
    Benjamini and Hochberg 1995, Controlling the False Discovery Rate.
    """
    p = np.array([math.nan if one.verdict is None else one.verdict.p for one in claims])
    q = np.full(len(claims), math.nan)
    known = ~np.isnan(p)
    if known.any():
        q[known] = false_discovery_control(p[known])
    return [replace(one, q=float(each)) for one, each in zip(claims, q, strict=True)]


def judged_claims(results: Results) -> list[LedgerClaim]:
    """The claims of a finished study, judged."""
    written: Sequence[Mapping[str, Any]] = results.study.get("claims") or []
    name = results.folder.name
    verdicts = judge_all(results.study, results.claimed, len(results.earlier_looks))
    has_report = (results.folder / "report.html").is_file()
    command = run_command(results, again=False)
    return [
        LedgerClaim(
            name, one.text, one.course, one, sentence_of(one, claim, command), has_report, command
        )
        for one, claim in zip(verdicts, written, strict=True)
    ]


def planned_claims(studies: Path) -> list[LedgerClaim]:
    """What the study files claim; a file that is no study is for `nnbench run` to refuse."""
    claims = []
    for path in study_files(studies).values():
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
            written = [(str(claim["text"]), claim.get("course")) for claim in content["claim"]]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
        name = str(content.get("name", path.stem))
        claims += [LedgerClaim(name, text, course) for text, course in written]
    return claims


# The page ---------------------------------------------------------------------------------------


def write_ledger(out: Path, ledger: Ledger) -> Path:
    """Write `claims.html` into the folder of all results, whole or not at all."""
    return write_whole(out / "claims.html", ledger_page(ledger))


def ledger_page(ledger: Ledger) -> str:
    """The page. The template lays out; every number in it comes from here as text."""
    words = ledger.course_words()
    course = [
        {
            "number": number,
            "text": text,
            "word": words[number],
            "tests": run_said(ledger.of_course(number)),
            "rows": [_row(claim) for claim in ledger.of_course(number)],
        }
        for number, text in COURSE.items()
    ]
    others = [claim for claim in ledger.claims if claim.course not in COURSE]
    names = dict.fromkeys(claim.study for claim in others)
    return render(
        "report/claims/ledger.html.j2",
        answer=answer(ledger),
        counts=list(counted(words.values()).items()),
        marks=MARKS,
        course=course,
        method=chance_said(ledger),
        others={name: [_row(claim) for claim in others if claim.study == name] for name in names},
        unreadable=ledger.unreadable,
    )


def counted(words: Iterable[str]) -> dict[str, int]:
    """Count each word, in their order, those that never occur too."""
    counts = Counter(words)
    return {word: counts[word] for word in WORDS}


def answer(ledger: Ledger) -> list[str]:
    """The ledger in two sentences."""
    words = counted(ledger.course_words().values())
    tested = len(COURSE) - words[NOT_RUN]
    said = ", ".join(f"{words[word]} {word}" for word in (*VERDICTS, MIXED) if words[word])
    first = f"Of the course's {len(COURSE)} claims, {tested} have been tested"
    counts = counted(claim.word for claim in ledger.claims)
    tests = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    studies = len({claim.study for claim in ledger.claims})
    return [
        f"{first}: {said}." if said else f"{first}.",
        f"{amount(studies, 'study')} {'makes' if studies == 1 else 'make'} "
        f"{amount(len(ledger.claims), 'claim')}: {tests}."
        if ledger.claims
        else "No study claims anything yet.",
    ]


def run_said(claims: Sequence[LedgerClaim]) -> str:
    """How many of the tests of a course's claim were run, where it is not all of them."""
    run = sum(claim.verdict is not None for claim in claims)
    return f"{run} of {len(claims)} tests run" if 0 < run < len(claims) else ""


def chance_said(ledger: Ledger) -> str:
    """How many of the verdicts may be false: by chance alone, and as the false discovery rate."""
    tested = [claim for claim in ledger.judged if not math.isnan(claim.q)]
    if not tested:
        return ""
    decided = [claim for claim in tested if claim.word != UNDECIDED]
    studies = len({claim.study for claim in tested})
    text = (
        f"Of {len(tested)} claims with a random component, about "
        f"{number(stats.ALPHA * len(tested), 1)} would be decided by chance alone if nothing were "
        f"true and each were judged on its own. Corrected within their {studies} "
        f"{'study' if studies == 1 else 'studies'}, at most {number(stats.ALPHA * studies, 2)} "
        f"studies would have such a verdict."
    )
    if not decided:
        return text
    worst = max(claim.q for claim in decided)
    return (
        f"{text} Of the {len(decided)} that are decided, at most about "
        f"{number(worst * len(decided), 1)} are false: their largest q is {number(worst, 3)}. A "
        "claim's q is the share of false ones among all claims at least as certain."
    )


def _row(claim: LedgerClaim) -> dict[str, str]:
    row = {"text": claim.text, "study": claim.study, "word": claim.word, "link": ""}
    verdict = claim.verdict
    if verdict is None:
        return row | {"effect": "", "span": "", "count": "", "metric": "", "note": ""}
    if claim.has_report:
        row["link"] = f"{quote(claim.study)}/report.html#claims"
    effect, span = size_of(verdict)
    metric = (
        stats.METRICS[verdict.metric].label if verdict.metric in stats.METRICS else verdict.metric
    )
    measure = {RANKS: f"{metric}, by rank", SHARE: f"variance explained, {metric}"}
    measure[SHARES] = measure[SHARE]
    return row | {
        "effect": effect,
        "span": span,
        "count": counted_pairs(verdict) if verdict.n else "",
        "metric": measure.get(verdict.scale, metric),
        "note": "; ".join(
            part for part in (note_of(verdict, claim.command), _q_said(claim.q)) if part
        ),
    }


def _q_said(q: float) -> str:
    if math.isnan(q):
        return ""
    return "q < 0.001" if q < 0.001 else f"q {number(q, 3)}"
