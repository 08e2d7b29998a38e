"""The index of a folder of results: every study with its question, its answer and its report."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nnbench.report.page.html import GENERATOR, render_page
from nnbench.report.page.parts import VERDICTS, Column, Page, Section, Table, TableCell
from nnbench.results.disk import StoreError, write_whole
from nnbench.results.files import read_files

PROVENANCE = "provenance.json"
HEAD = 40_000  # characters of a report that hold its head
OTHERS = {  # what else stands in the folder, by the page that it is read from
    "claims.html": ("the ledger of claims", "what every study claimed, with its verdict"),
    "theory/index.html": ("theory against measurement", "what theory predicts, held to the engine"),
    "atlas/index.html": ("the atlas", "everything that a study can vary, drawn"),
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
    """Return the page of all studies in a folder, in the order of their names."""
    studies = [
        study
        for folder in sorted(path.parent for path in out.glob("*/provenance.json"))
        if (study := _study(folder)) is not None
    ]
    cells = sum(study["cells"] for study in studies)
    diverged = sum(study["diverged"] for study in studies)
    noun = "study has" if len(studies) == 1 else "studies have"
    return Page(
        kicker="nnbench",
        title="Results",
        question="What was asked, and what came out.",
        answer=[f"{len(studies)} {noun} trained {cells:,} cells; {diverged:,} of them diverged."],
        trust=[
            ("studies", f"{len(studies)}"),
            ("cells", f"{cells:,}"),
            ("diverged", f"{diverged:,}"),
            ("not run", f"{sum(study['missing'] for study in studies):,}"),
        ],
        sections=[*_studies_section(studies), *_others_section(out)],
    )


def _studies_section(studies: Sequence[dict[str, Any]]) -> list[Section]:
    if not studies:
        return []
    columns = [Column("study"), Column("answer"), Column("claims"), Column("cells", True)]
    columns += [Column("diverged", True), Column("date")]
    rows: list[list[TableCell | str]] = [
        [
            TableCell(study["title"], link=study["link"], note=study["question"]),
            study["answer"],
            study["claims"],
            TableCell(f"{study['cells']:,}", value=study["cells"]),
            TableCell(f"{study['diverged']:,}", value=study["diverged"]),
            study["date"],
        ]
        for study in studies
    ]
    table = Table(columns, rows, has_tools=True, is_prose=True)
    return [Section("studies", "Studies", [table])]


def _others_section(out: Path) -> list[Section]:
    rows: list[list[TableCell | str]] = [
        [TableCell(name, link=page), text]
        for page, (name, text) in OTHERS.items()
        if (out / page).is_file()
    ]
    if not rows:
        return []
    table = Table([Column("page"), Column("what it shows")], rows, is_prose=True)
    return [Section("more", "More", [table])]


def _study(folder: Path) -> dict[str, Any] | None:
    """Return what the index says of a study; None where its provenance cannot be read."""
    try:
        provenance = json.loads(read_files(folder, [PROVENANCE])[PROVENANCE])
        study, counts = provenance["study"], provenance["counts"]
        found = {
            "title": str(study.get("title") or study["name"]),
            "question": str(study.get("question") or ""),
            "cells": int(counts["cells"]),
            "diverged": int(counts.get("diverged") or 0),
            "missing": int(counts.get("missing") or 0),
            "date": str(provenance.get("created") or "")[:10],
        }
    except (StoreError, ValueError, LookupError, TypeError, AttributeError):
        return None
    report = folder / "report.html"
    is_there = report.is_file()
    again = f"No answer yet: nnbench report {folder.name} writes it."
    answer = _meta(report).get("description", again) if is_there else again
    link = f"{quote(folder.name)}/report.html" if is_there else ""
    return {**found, "answer": answer, "claims": _verdicts(folder / "claims.csv"), "link": link}


def _verdicts(path: Path) -> str:
    """Return how often each verdict was given, such as `3 supported, 1 undecided`."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            counts = Counter(row.get("verdict") or "" for row in csv.DictReader(file))
    except (OSError, ValueError, csv.Error):
        return ""
    return ", ".join(f"{counts[word]}\N{NO-BREAK SPACE}{word}" for word in VERDICTS if counts[word])


class _Head(HTMLParser):
    """Collects the named `meta` elements of a page's head."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the content of a named `meta`."""
        values = dict(attrs)
        if tag == "meta" and values.get("name"):
            self.found.setdefault(str(values["name"]), values.get("content") or "")


def _meta(path: Path) -> dict[str, str]:
    """Return what a page says of itself in its head."""
    head = _Head()
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            head.feed(file.read(HEAD))
    except OSError:
        return {}
    return head.found
