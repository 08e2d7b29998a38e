"""What every study's page says: its question, how far to trust it, how to run it again."""

from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from nnbench import stats
from nnbench.report.claims.section import claims_section, most_telling, surprise, tally
from nnbench.report.claims.table import read_claims
from nnbench.report.page.commands import is_of_table, run_command
from nnbench.report.page.numbers import duration
from nnbench.report.page.parts import (
    Code,
    Column,
    Commands,
    Facts,
    Page,
    Paragraph,
    Part,
    Picture,
    Section,
    TableCell,
    paragraph,
    table_of,
)
from nnbench.report.page.table_notes import COLUMNS, column_rows
from nnbench.report.page.words import MOST_FINDINGS, amount, listed
from nnbench.report.study.setup import setup_section
from nnbench.results.provenance import asked_for
from nnbench.results.read import Results
from nnbench.study.baselines import ENGINE
from nnbench.study.study_kinds import STUDY_KINDS, study_kind_of
from nnbench.study.topics import OTHER, topic_of

SHORT = 8  # characters of a commit or a fingerprint that tell two sources apart
FINGERPRINT = 16  # characters of the fingerprint where it is explained
# Not strftime's, which depend on the machine's language.
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


def whole_page(
    results: Results,
    answer: Sequence[str],
    counts: Sequence[tuple[str, str]],
    sections: Sequence[Section | None],
    notes: Sequence[Paragraph] = (),
    exports: Sequence[Part] = (),
    lead: Picture | None = None,
    most: int = MOST_FINDINGS,
    drawing: Picture | None = None,
) -> Page:
    """The page of a study of any kind: its sections, between the claims and how to repeat it.

    answer: what was found, and at last what finished. counts: the beginning of the strip of trust.
    exports: what more may be run. lead: the figure under the answer, which no section repeats.
    most: how many sentences of the answer stand above that figure. drawing: of what is trained.
    """
    study, claims = results.study, read_claims(results)
    repeat = _reproduce_section(results, [run_command(results)], *exports)
    said, finished = list(answer[:-1]), answer[-1]
    prediction = str(study.get("prediction") or "")
    if prediction and (against := surprise(claims)):
        said.insert(0, against)
    telling = most_telling(claims)
    rests = [*said[most:], tally(claims), finished]
    every = [
        setup_section(results, drawing),
        columns_section(results),
        claims_section(claims, STUDY_KINDS[study_kind_of(study)]),
        *sections,
        repeat,
    ]
    if lead is not None:
        every = [section.without(lead.name) for section in every if section is not None]
    return Page(
        kicker=f"nnbench study · {study['name']}",
        way=way_of(str(study["name"])),
        title=results.title,
        question=str(study.get("question") or ""),
        prediction=prediction,
        tested=[TableCell(one.verdict, note=one.text, is_verdict=True) for one in telling],
        paper=str(study.get("paper") or ""),
        answer=said[:most],
        lead=lead,
        rests=[sentence for sentence in rests if sentence],
        notes=[*notes, *_settled(results), *_extended(results)],
        trust=[*counts, *_common_strip(results)],
        sections=[section for section in every if section is not None],
    )


def columns_section(results: Results) -> Section | None:
    """What became of each column of the user's own tables; None where there are none."""
    tables = results.provenance.get("tables") or []
    columns = [
        Column(name, name in ("features", "missing"), lambda row, at=place: str(row[at]))  # type: ignore[misc]
        for place, name in enumerate(COLUMNS)
    ]
    parts: list[Part] = [
        table_of(
            column_rows(about), columns, title=f"{about['file']}, to predict {about['target']}"
        )
        for about in tables
    ]
    return Section("columns", "Columns", parts) if parts else None


def _settled(results: Results) -> list[Paragraph]:
    claims = results.study.get("claims") or []
    given = sum(bool(claim.get("more_seeds")) for claim in claims)
    if not given:
        return []
    was, them = ("was", "it") if given == 1 else ("were", "them")
    return [
        paragraph(
            f"{amount(given, 'claim')} {was} given more seeds to settle {them}: "
            f"{amount(len(results.further), 'network')} of those compared. Everything else on "
            f"this page uses the study's own {amount(results.seeds, 'seed')}."
        )
    ]


def _extended(results: Results) -> list[Paragraph]:
    """Say that the study was extended after it was judged, and what that means; or nothing."""
    if not results.earlier_looks:
        return []
    before = listed([str(seeds) for seeds in results.earlier_looks])
    return [
        paragraph(
            f"This study was judged before, with {before} of its {results.seeds} seeds: its "
            "differences and claims are therefore judged by wider intervals and stricter tests, "
            "valid however often one looks."
        )
    ]


def _files_said(results: Results) -> list[Paragraph]:
    """Say which files the command reads, and where it looks for them."""
    pieces = list[str | Code]()
    where = ", relative to where it is run"
    if not is_of_table(results):
        known = asked_for(results.provenance)
        if known.endswith(".toml"):
            pieces += ["The command reads ", Code(known), ", relative to where it is run. "]
        else:
            pieces += ["The command reads ", Code(f"{known}.toml"), " from the folder "]
            pieces += [Code("studies"), ", or from where it is run. "]
        where = ", named in the study file"
    tables = results.provenance.get("tables") or []
    for file_name, digest in dict.fromkeys(
        (str(one["file"]), str(one["sha256"])) for one in tables
    ):
        shown = Code(digest[:FINGERPRINT])
        pieces += ["It reads ", Code(file_name), f"{where}: SHA-256 ", shown, "…. "]
    return [paragraph(*pieces)]


def cell_counts(results: Results) -> dict[str, int]:
    """By n, ok, diverged, crashed and missing; n includes the cells that have not run."""
    counts = stats.status_counts(results.cells)
    missing = int((results.provenance.get("counts") or {}).get("missing") or 0)
    return counts | {"missing": missing, "n": counts["n"] + missing}


def training_strip(results: Results) -> list[tuple[str, str]]:
    """The beginning of the strip of trust of a study of networks."""
    counts, cells = cell_counts(results), results.cells
    return [
        ("complete", f"no, {counts['missing']:,} not run" if counts["missing"] else "yes"),
        ("networks finished", f"{counts['ok']:,} of {counts['n']:,}"),
        ("diverged", f"{counts['diverged']:,}"),
        ("crashed", f"{counts['crashed']:,}"),
        ("seeds", f"{cells['seed'].nunique()}"),
        ("data sets", f"{stats.level_labels(cells, 'data').nunique()}"),
    ]


def _common_strip(results: Results) -> list[tuple[str, str]]:
    """The end of every strip of trust: engine, code, versions, time."""
    provenance = results.provenance
    versions = provenance.get("versions") or {}
    strip = [
        ("engine", _engines(results)),
        ("code", _code(results)),
        ("nnbench", str(versions.get("nnbench", "unknown"))),
        ("torch", str(versions.get("torch", "unknown"))),
    ]
    wall = provenance.get("wall_seconds")
    return strip if wall is None else [*strip, ("wall time", duration(float(wall)))]


def _engines(results: Results) -> str:
    """Which engines trained, and of several how many networks each; and why not the native one."""
    shares = results.provenance.get("engines") or []
    if not shares:
        names = sorted({str(name) for name in results.cells.get("engine", pd.Series()).dropna()})
        return ", ".join(names) or str(results.provenance.get("engine", "unknown"))
    words = []
    for share in shares:
        noun = "models" if share["engine"] == ENGINE else "networks"
        count = f" for {share['cells']:,} {noun}" if len(shares) > 1 else ""
        why = f", since {share['why']}" if share["why"] else ""
        words.append(f"{share['engine']}{count}{why}")
    return "; ".join(words)


def _code(results: Results) -> str:
    """The commit that ran, and whether its files were changed; else their fingerprint."""
    provenance = results.provenance
    if commit := provenance.get("commit"):
        return f"{commit[:SHORT]}, {'modified' if provenance.get('modified') else 'clean'}"
    return str(provenance.get("source_fingerprint") or "unknown")[:SHORT]


def _reproduce_section(results: Results, commands: list[str], *more: Part) -> Section:
    """The commands that repeat the study, and the versions that it ran with."""
    provenance = results.provenance
    versions = sorted((str(k), str(v)) for k, v in (provenance.get("versions") or {}).items())
    created, fingerprint = provenance.get("created"), provenance.get("source_fingerprint")
    checkout = [f"git checkout {commit}"] if (commit := provenance.get("commit")) else []
    pieces: list[str | Code] = [f"Results of {date_text(str(created))}."] if created else []
    if fingerprint:
        pieces += [
            f"{' ' if pieces else ''}The fingerprint ",
            Code(str(fingerprint)[:FINGERPRINT]),
            " identifies the sources and libraries that determine the numbers: where it differs, "
            "nnbench retrains.",
        ]
    parts: list[Part] = [Commands([*checkout, *commands]), *_files_said(results)]
    parts += [*more, Facts(versions)]
    return Section("reproduce", "Reproduce", [*parts, *([paragraph(*pieces)] if pieces else [])])


def way_of(name: str) -> list[tuple[str, str]]:
    """From a study's page to the home of all results, there to its topic, and to what else is."""
    home, topic = "../index.html", topic_of(name)
    return [
        ("All results", home),
        (
            f"More on {topic.title.lower()}" if topic != OTHER else "Other studies",
            f"{home}#{topic.identity}",
        ),
        ("Claims, lecture, atlas, theory", f"{home}#more"),
    ]


def date_text(created: str) -> str:
    """`24 November 2026, 14:57 UTC` of a time in ISO 8601; what is none stays as it is."""
    try:
        when = datetime.fromisoformat(created)
    except ValueError:
        return created
    zone = f" {when.tzname()}" if when.tzinfo else ""
    return f"{when.day} {MONTHS[when.month - 1]} {when.year}, {when:%H:%M}{zone}"
