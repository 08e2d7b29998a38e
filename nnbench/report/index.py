"""The index of a folder of results: every study with its question, its answer and its report."""

import csv
import html
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nnbench.report.page import table_cells
from nnbench.report.page.html import GENERATOR, render_page
from nnbench.report.page.parts import VERDICTS, Column, Page, Section, TableCell, table_of
from nnbench.report.page.words import listed
from nnbench.results.disk import StoreError, write_whole
from nnbench.results.files import PROVENANCE, read_files
from nnbench.results.provenance import asked_for
from nnbench.study.study_kinds import STUDY_KINDS, study_kind_of
from nnbench.study.topics import OTHER, TOPICS, topic_of

HEAD = 40_000  # characters of a report that hold its head
META = re.compile(r'<meta name="(\w+)" content="([^"]*)">')
OTHERS = {  # what else stands in the folder, by the page that it is read from, and what writes it
    "lecture.html": ("the lecture", "the best figures, topic by topic", "nnbench lecture"),
    "claims.html": (
        "the ledger of claims",
        "every study's claims with their verdicts",
        "nnbench claims",
    ),
    "theory/index.html": (
        "theory against measurement",
        "what theory predicts, checked against the engine",
        "nnbench theory",
    ),
    "atlas/index.html": (
        "the atlas",
        "pictures of everything that a study can vary",
        "nnbench atlas",
    ),
}


def write_index(out: Path) -> Path | None:
    """Write `index.html` over all results in a folder; None where another's page stands there.

    Reads each study's `provenance.json` and the head of its report, and computes nothing.
    """
    path = out / "index.html"
    if path.exists() and _meta(path).get("generator") != GENERATOR:
        return None
    return write_whole(path, render_page(index_page(out)))


def index_page(out: Path) -> Page:
    """The page of all studies in a folder, in the order of their names."""
    folders = sorted(path.parent for path in out.glob("*/provenance.json"))
    studies = [study for study in map(_study, folders) if study is not None]
    diverged, missing = (f"{sum(s[key] for s in studies):,}" for key in ("diverged", "missing"))
    done: Counter[str] = Counter()
    for study in studies:
        done[study["noun"]] += study["done"]
    ran = listed([f"{count:,} {noun}" for noun, count in done.items()] or ["nothing"]) + " finished"
    noun = "study" if len(studies) == 1 else "studies"
    return Page(
        kicker="nnbench",
        title="Results",
        question="What was asked, and what was found.",
        answer=[f"{len(studies)} {noun}: {ran}; {diverged} diverged."],
        trust=[
            ("studies", f"{len(studies)}"),
            *((noun, f"{done[noun]:,}") for noun in done),
            ("diverged", diverged),
            ("not run", missing),
        ],
        sections=[*_studies_sections(studies), *_others_section(out, bool(studies))],
    )


def _studies_sections(studies: Sequence[dict[str, Any]]) -> list[Section]:
    columns = [
        Column("study", of=lambda s: TableCell(s["title"], link=s["link"], note=s["question"])),
        Column("answer"),
        Column("claims"),
        Column("finished", True, _done),
        Column("diverged", True, lambda study: table_cells.whole(study["diverged"])),
        Column("date"),
    ]
    found = []
    for topic in (*TOPICS, OTHER):
        own = [study for study in studies if study["topic"] == topic]
        if own:
            table = table_of(own, columns, has_tools=True, is_prose=True)
            found.append(Section(topic.identity, topic.title, [table]))
    return found


def _done(study: dict[str, Any]) -> TableCell:
    return TableCell(f"{study['done']:,} {study['noun']}", value=study["done"])


def _others_section(out: Path, has_studies: bool) -> list[Section]:
    there = {page for page in OTHERS if (out / page).is_file()}
    if not there and not has_studies:
        return []
    columns = [
        Column(
            "page",
            of=lambda page: TableCell(OTHERS[page][0], link=page if page in there else ""),
        ),
        Column(
            "what it shows",
            of=lambda page: TableCell(
                OTHERS[page][1],
                note="" if page in there else f"Not written yet: run {OTHERS[page][2]}.",
            ),
        ),
    ]
    return [Section("more", "More", [table_of(list(OTHERS), columns, is_prose=True)])]


def _study(folder: Path) -> dict[str, Any] | None:
    """What the index says of a study; None where its provenance cannot be read."""
    try:
        provenance = json.loads(read_files(folder, [PROVENANCE])[PROVENANCE])
        study, counts = provenance["study"], provenance["counts"]
        known = {
            "topic": topic_of(str(study["name"])),
            "title": str(study.get("title") or study["name"]),
            "question": str(study.get("question") or ""),
            "noun": STUDY_KINDS[study_kind_of(study)].noun,
            "done": int(counts["cells"]) - int(counts.get("missing") or 0),
            "diverged": int(counts.get("diverged") or 0),
            "missing": int(counts.get("missing") or 0),
            "date": str(provenance.get("created") or "")[:10],
        }
    except (StoreError, ValueError, LookupError, TypeError, AttributeError):
        return None
    report = folder / "report.html"
    is_there = report.is_file()
    again = f"No report yet: run nnbench report {folder.name}."
    if known["missing"]:
        again = f"Unfinished: nnbench run {asked_for(provenance)} resumes it."
    answer = _meta(report).get("description", again) if is_there else again
    link = f"{quote(folder.name)}/report.html" if is_there else ""
    return {**known, "answer": answer, "claims": _verdicts(folder / "claims.csv"), "link": link}


def _verdicts(path: Path) -> str:
    """How often each verdict was given, such as `3 supported, 1 undecided`."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            counts = Counter(row.get("verdict") or "" for row in csv.DictReader(file))
    except (OSError, ValueError, csv.Error):
        return ""
    return ", ".join(f"{counts[word]}\N{NO-BREAK SPACE}{word}" for word in VERDICTS if counts[word])


def _meta(path: Path) -> dict[str, str]:
    """What a page of ours says of itself in its head."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            named = META.findall(file.read(HEAD))
    except OSError:
        return {}
    return {name: html.unescape(content) for name, content in named}
