"""claims.csv: the verdicts on a study's claims as a table, each with a sentence to act on."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd

from nnbench.report.claims.sentences import opening, sentence_of
from nnbench.report.page.commands import run_command
from nnbench.results.files import read_files, write_files
from nnbench.results.looks import note_look
from nnbench.results.read import ReportError, Results, read_results
from nnbench.stats.claims import judge_all

FILE = "claims.csv"
COLUMNS = (
    *("text", "effect", "low", "high", "n_ok", "n", "verdict"),
    *("metric", "by", "margin", "blocks", "reason", "seeds_needed", "course", "sentence", "scale"),
    "published",
    *("p", "p_holm", "claims", "looks"),
)
WHOLE_NUMBERS = ("n_ok", "n", "blocks", "seeds_needed", "course", "claims", "looks")


def write_claims(folder: Path) -> pd.DataFrame:
    """Judge a study's claims by the tables in its folder, write `claims.csv`, return the table.

    That it was judged, and with how many seeds, is noted for good; `looks` counts this one.

    A study without claims gets no file; one whose claims were taken out gets an empty table.
    Raises ReportError where a table is missing.
    """
    results = read_results(folder)
    table = claims_table(results)
    note_look(folder, results.claimed["seed"].nunique(), results.study)
    if len(table) or (folder / FILE).is_file():
        content = table.to_csv(index=False, lineterminator="\n").encode("utf-8")
        write_files(folder, {FILE: content})
    return table


@dataclass(frozen=True)
class Judged:
    """A claim as a page tells it.

    said: its sentence, without the verdict in front. published: what the study's paper says of it.
    """

    verdict: str
    text: str
    said: str
    note: str
    published: str


def read_claims(results: Results) -> list[Judged]:
    """The claims in `claims.csv`; none where the study makes none or none is judged yet."""
    content = read_files(results.folder, [FILE]).get(FILE)
    if content is None or not (results.study.get("claims") or []):
        return []
    try:
        return [_judged(row) for row in csv.DictReader(StringIO(content.decode("utf-8"), ""))]
    except (ValueError, KeyError, csv.Error) as error:
        path = results.folder / FILE
        raise ReportError(f"{path} cannot be read: `nnbench report` writes it again") from error


def _judged(row: Mapping[str, str]) -> Judged:
    verdict = row["verdict"]
    said = row["sentence"].removeprefix(opening(verdict))
    note = f"Claim {int(row['course'])} of the course." if row["course"] else ""
    return Judged(verdict, row["text"], said[:1].upper() + said[1:], note, row.get("published", ""))


def claims_table(results: Results) -> pd.DataFrame:
    """One row per claim, columns as in `COLUMNS`, in the study file's order."""
    claims: Sequence[Mapping[str, Any]] = results.study.get("claims") or []
    verdicts = judge_all(results.study, results.claimed, len(results.earlier_looks))
    command = run_command(results, again=False)
    rows = [
        asdict(verdict)
        | {
            "looks": verdict.looks + 1,
            "sentence": sentence_of(verdict, claim, command),
            "published": claim.get("published", ""),
        }
        for verdict, claim in zip(verdicts, claims, strict=True)
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype(dict.fromkeys(WHOLE_NUMBERS, "Int64"))
