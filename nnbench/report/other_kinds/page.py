"""The page of a study of walks or of rounding, from the same parts as that of networks."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from nnbench.report.claims.section import claims_section, tally
from nnbench.report.page.parts import Page, Section
from nnbench.report.page.words import shortened
from nnbench.report.study.trust import common_strip, reproduce_section
from nnbench.results.read import Results


class Content(NamedTuple):
    """What a kind of study puts on its page."""

    answer: list[str]  # its last sentence says what finished
    counts: list[tuple[str, str]]  # the beginning of the strip of trust
    sections: list[Section]


def special_page(results: Results, content: Content) -> Page:
    """Return the page: the content between claims and how to reproduce it."""
    study = results.study
    claims = claims_section(results)
    command = f"nnbench run {shlex.quote('studies/' + str(study['name']) + '.toml')}"
    return Page(
        kicker=f"nnbench study · {study['name']}",
        title=results.title,
        question=str(study.get("question") or ""),
        prediction=str(study.get("prediction") or ""),
        answer=shortened(tally(results), content.answer[:-1], content.answer[-1]),
        trust=[*content.counts, *common_strip(results)],
        sections=[
            *([claims] if claims else []),
            *content.sections,
            reproduce_section(results, [command]),
        ],
    )


def with_columns(results: Results, names: Sequence[str]) -> Results:
    """Return results that have these columns of cells: one without any value was never written."""
    missing = {name: float("nan") for name in names if name not in results.cells}
    return replace(results, cells=results.cells.assign(**missing))


def counted(n: int, noun: str) -> str:
    """Return `1 walk` or `20 walks`, the noun being a plural."""
    return f"{n:,} {noun if n != 1 else noun.removesuffix('s')}"
