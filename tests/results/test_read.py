"""Results read back: what is no result of this version is refused in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnbench.results.read import ReportError, read_results
from tests.stats.claims.claim_cells import around, two_arms, write_results


def test_a_kind_of_study_that_this_version_does_not_know_is_refused(tmp_path: Path) -> None:
    write_results(tmp_path / "known", two_arms(around(0.0)), kind="landscape")
    assert read_results(tmp_path / "known").study["kind"] == "landscape"
    write_results(tmp_path / "strange", two_arms(around(0.0)), kind="quantum")
    with pytest.raises(ReportError, match="a quantum study, which this version"):
        read_results(tmp_path / "strange")
