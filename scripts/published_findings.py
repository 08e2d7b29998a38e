"""Write docs/published-findings.md: what papers say, and what small networks show of it.

    nnbench run studies/papers/NAME.toml                # each of them, first
    python scripts/published_findings.py [RESULTS]      # the folder of their results

What a paper says comes from its study file, what was measured and its verdict from the results.
"""

from __future__ import annotations

import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from nnbench.report.claims.ledger import LedgerClaim, judged_claims
from nnbench.report.claims.sentences import opening
from nnbench.report.page.words import capital, listed, tallied
from nnbench.results.read import Results, read_results
from nnbench.stats.claims import CONTRADICTED, VERDICTS
from nnbench.study.shelf import study_files

ROOT = Path(__file__).resolve().parent.parent
PAPERS = ROOT / "studies" / "papers"
PAGE = ROOT / "docs" / "published-findings.md"
INTRODUCTION = """\
# Published findings

<!-- Written by scripts/published_findings.py from the studies and their results: change those. -->

Findings of {papers} papers, tested on small networks (`studies/papers/`, `make study-NAME`). Of
{claims} claims, {counts}. The contradicted ones:

{contradicted}

The claims and their thresholds were written before the runs. None of these is a replication at the
paper's scale: a contradiction says that the finding does not carry over to a setting that takes a
minute on two cores, and by how much. One run of each study, PyTorch {torch}, engine {engines};
verdicts by [the rules of reports](reading-a-report.md), with Holm's correction over each study's
claims.
"""
HEAD = "| claim | the paper says | measured | verdict |\n|---|---|---|---|"


def page(folder: Path) -> str:
    """The page, of the results under a folder."""
    papers = {
        name: (path, read_results(folder / name)) for name, path in study_files(PAPERS).items()
    }
    claims = {name: judged_claims(results) for name, (_, results) in papers.items()}
    counts = Counter(claim.word for one in claims.values() for claim in one)
    known = [results.provenance for _, results in papers.values()]
    introduction = INTRODUCTION.format(
        papers=len(papers),
        claims=counts.total(),
        counts=tallied({word: counts[word] for word in VERDICTS}),
        contradicted="\n".join(
            f"- [{name}](#{name}): {claim.text}. {measured(claim)}"
            for name, one in claims.items()
            for claim in one
            if claim.word == CONTRADICTED
        ),
        engines=listed(sorted({one["engine"] for one in known})),
        torch=listed(sorted({one["versions"]["torch"] for one in known})),
    )
    parts = [section(*papers[name], claims[name]) for name in papers]
    return "\n".join([introduction, *parts])


def section(path: Path, results: Results, claims: list[LedgerClaim]) -> str:
    """A paper: how many networks, and a row for each of its claims."""
    written = tomllib.loads(path.read_text(encoding="utf-8"))
    diverged = int((results.cells["status"] == "diverged").sum())
    size = f"{len(results.cells):,} networks" + (f", {diverged} diverged" if diverged else "")
    rows = "\n".join(rows_of(written, claims))
    link = f"[{path.stem}](../studies/papers/{path.name})"
    return f"## {link}\n\n{written['paper']}. {size}.\n\n{HEAD}\n{rows}\n"


def rows_of(written: Mapping[str, Any], claims: list[LedgerClaim]) -> Iterator[str]:
    """What the paper says of each claim, beside what was measured."""
    for claim, judged in zip(written["claim"], claims, strict=True):
        row = (judged.text, claim.get("published", "–"), measured(judged), judged.word)
        yield table_row(row)


def table_row(cells: Iterable[str]) -> str:
    """A row of a Markdown table."""
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def measured(claim: LedgerClaim) -> str:
    """What was measured, without the verdict."""
    return capital(claim.sentence.removeprefix(opening(claim.word)))


if __name__ == "__main__":
    results = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "results"
    PAGE.write_text(page(results), encoding="utf-8")
