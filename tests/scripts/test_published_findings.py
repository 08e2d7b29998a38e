"""The page of published findings has every claim of every paper, as its study file has it."""

from __future__ import annotations

import tomllib

import pytest

from nnbench.report.claims.ledger import LedgerClaim
from nnbench.stats.claims import VERDICTS
from scripts.published_findings import PAGE, PAPERS, rows_of, table_row


@pytest.mark.parametrize("path", sorted(PAPERS.glob("*.toml")), ids=lambda path: path.stem)
def test_the_page_has_each_claim_and_what_the_paper_says(path) -> None:  # type: ignore[no-untyped-def]
    written = tomllib.loads(path.read_text())
    section = PAGE.read_text().split(f"\n## [{path.stem}]")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
    assert written["paper"] in section and len(rows) == len(written["claim"])
    for claim, row in zip(written["claim"], rows, strict=True):
        assert row.startswith(table_row([claim["text"], claim.get("published", "–")]))
        assert row.split(" | ")[-1].removesuffix(" |") in VERDICTS


def test_a_row_has_what_was_measured_without_the_verdict_said_twice() -> None:
    claim = LedgerClaim("a", "tanh beats relu", None, None, "Not run: the rate | is open.")
    (row,) = rows_of({"claim": [{"published": "it does"}]}, [claim])
    assert row == r"| tanh beats relu | it does | The rate \| is open. | not run |"
