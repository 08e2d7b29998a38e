"""The page of a study of walks or of rounding: sections of text, tables and pictures in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from nnbench.report.analysis import Results
from nnbench.report.figures import Picture
from nnbench.report.numbers import duration, interval, number

HERE = Path(__file__).parent
MARKS = {"supported": "▲", "contradicted": "▼", "undecided": "○"}
VERDICT_LOOKS = {"supported": "better", "contradicted": "worse", "undecided": "tie"}


class Column(NamedTuple):
    """A column of a table, numbers on the right."""

    name: str
    is_number: bool = False


@dataclass(frozen=True)
class Table:
    """A table whose every entry is text by now."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    title: str = ""


@dataclass(frozen=True)
class Section:
    """A part of the page under one heading."""

    identity: str
    title: str
    paragraphs: Sequence[str] = ()
    tables: Sequence[Table] = ()
    pictures: Sequence[Picture] = field(default_factory=list)


class Content(NamedTuple):
    """What a kind of study puts on its page."""

    answer: list[str]
    counts: list[tuple[str, str]]  # the beginning of the strip of trust
    sections: list[Section]


def render_special(results: Results, content: Content, command: str) -> str:
    """Return the page."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    claims = claims_section(results)
    return environment.get_template("special.html.j2").render(
        zip=zip,
        css=Markup((HERE / "page.css").read_text(encoding="utf-8")),
        title=results.title,
        study=results.study,
        answer=content.answer,
        trust=[*content.counts, *common_trust(results)],
        sections=[*([claims] if claims else []), *content.sections],
        command=command,
        versions=sorted((results.provenance.get("versions") or {}).items()),
        fingerprint=results.provenance.get("source_fingerprint", ""),
        created=results.provenance.get("created", ""),
    )


def common_trust(results: Results) -> list[tuple[str, str]]:
    """Return the end of the strip of trust: engine, versions, time."""
    versions = results.provenance.get("versions") or {}
    engines = sorted(set(results.cells["engine"].dropna().astype(str)))
    strip = [
        ("engine", ", ".join(engines)),
        ("nnbench", str(versions.get("nnbench", "unknown"))),
        ("torch", str(versions.get("torch", "unknown"))),
    ]
    wall = results.provenance.get("wall_seconds")
    return strip if wall is None else [*strip, ("wall time", duration(float(wall)))]


def with_columns(results: Results, names: Sequence[str]) -> Results:
    """Return results that have these columns of cells: one without any value was never written."""
    missing = {name: float("nan") for name in names if name not in results.cells}
    return replace(results, cells=results.cells.assign(**missing))


def claims_section(results: Results) -> Section | None:
    """Return the claims with their verdicts, where `claims.csv` has been written."""
    path = results.folder / "claims.csv"
    if not path.is_file() or not (results.study.get("claims") or []):
        return None
    rows = [_claim_row(row) for _, row in pd.read_csv(path).iterrows()]
    columns = [Column("claim"), Column("effect", True), Column("n", True), Column("verdict")]
    return Section("claims", "Claims", tables=[Table(columns, rows)])


def _claim_row(row: Any) -> list[str]:
    effect = number(row["effect"], signed=True)
    if pd.notna(row.get("low")):
        effect += f" {interval(row['low'], row['high'])}"
    word = str(row["verdict"])
    verdict = Markup(
        '<span class="verdict {}"><span aria-hidden="true">{}</span> {}</span>'
    ).format(VERDICT_LOOKS.get(word, "tie"), MARKS.get(word, ""), word)
    return [str(escape(row["text"])), effect, f"{row['n_ok']}/{row['n']}", verdict]


def counted(n: int, noun: str) -> str:
    """Return `1 walk` or `20 walks`, the noun being a plural."""
    return f"{n:,} {noun if n != 1 else noun.removesuffix('s')}"
