"""The lecture: one page of topics in the order of a course, each with what its studies found."""

from dataclasses import replace
from pathlib import Path

from nnbench.report.build import page_of
from nnbench.report.claims.section import COLUMNS
from nnbench.report.claims.table import read_claims
from nnbench.report.page.html import render_page
from nnbench.report.page.parts import (
    Column,
    Commands,
    Page,
    Part,
    Section,
    paragraph,
    picture,
    table_of,
)
from nnbench.report.worked import worked_picture
from nnbench.results.disk import StoreError, write_whole
from nnbench.results.files import PROVENANCE
from nnbench.results.read import ReportError, read_results
from nnbench.study.topics import TOPICS, Topic

PAGE = "lecture.html"
WORKED = "backpropagation"  # the topic that a figure worked out by hand belongs to
MOST_FIGURES = 3  # of a topic: a lecture has an hour
VERDICTS = [COLUMNS[0], Column("claim", of=lambda claim: claim.text)]


def write_lecture(out: Path) -> Path:
    """Write `lecture.html` over the finished studies of a folder of results."""
    return write_whole(out / PAGE, render_page(lecture_page(out)))


def lecture_page(out: Path) -> Page:
    """The page: each topic's best figures, its verdicts, and the commands of what did not run."""
    every = [study for topic in TOPICS for study in topic.studies]
    finished = {study for study in every if (out / study / PROVENANCE).is_file()}
    sections = [_topic_section(out, topic, finished) for topic in TOPICS]
    return Page(
        kicker="nnbench lecture",
        title="Training neural networks",
        question="What a course says, topic by topic, and what was found when it was tested.",
        answer=[
            f"{len(finished)} of {len(every)} studies have "
            "finished. Each figure is from one of them; press l to show one figure per screen."
        ],
        trust=[],
        sections=sections,
        way=[("All results", "index.html"), ("Claims, atlas, theory", "index.html#more")],
    )


def _topic_section(out: Path, topic: Topic, finished: set[str]) -> Section:
    parts: list[Part] = []
    if topic.identity == WORKED:
        parts.append(worked_picture())
    drawn = 0
    for study in topic.studies:
        if study not in finished:
            continue
        shown = _study_parts(out, study) if drawn < MOST_FIGURES else []
        drawn += bool(shown)
        parts += shown
    missing = [study for study in topic.studies if study not in finished]
    if missing:
        parts.append(paragraph("Not run yet:"))
        parts.append(Commands([f"make study-{study}" for study in missing]))
    if not parts:
        parts.append(paragraph("No study covers this topic."))
    return Section(topic.identity, topic.title, parts)


def _study_parts(out: Path, study: str) -> list[Part]:
    """A study's figure under its own answer, and its verdicts; nothing where it cannot be read."""
    try:
        results = read_results(out / study)
        page, claims = page_of(results, whole=False), read_claims(results)
    except (StoreError, ReportError):
        return []
    best = page.lead or next(iter(page.pictures), None)
    if best is None or best.figure is None:
        return []
    sentence = page.answer[0]
    caption = f"{page.title} {best.caption}"
    shown = picture(best.figure, f"{study}-lead", sentence, caption, best.data)
    parts: list[Part] = [replace(shown, link=f"{study}/report.html")]
    return [*parts, table_of(claims, VERDICTS, is_prose=True)] if claims else parts
