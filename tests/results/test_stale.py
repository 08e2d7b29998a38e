"""What has changed since results were trained, by name."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from nnbench.results.files import write_files, write_json
from nnbench.results.fingerprint import Origin
from nnbench.results.stale import changed_entries, why_stale

NOW = Origin("b" * 8, {"catalog/losses.py": "1", "training/plan.py": "2"}, {"torch": "2.13.0"})
LOSSES = "the engine's catalog/losses.py"
BEFORE: dict[str, Any] = {
    "source_fingerprint": "a" * 8,
    "versions": {"torch": "2.13.0"},
    "sources": dict(NOW.sources),
}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"versions": {"torch": "2.12.0"}}, ["torch 2.12.0 -> 2.13.0"]),
        (
            {"sources": {**NOW.sources, "catalog/losses.py": "0"}},
            ["the engine's catalog/losses.py"],
        ),
        ({"sources": {"training/plan.py": "2"}}, [LOSSES]),
        ({"sources": {}}, ["the engine's sources"]),
        ({"source_fingerprint": NOW.fingerprint}, []),
        (
            {"versions": {"torch": "1"}, "sources": {**NOW.sources, "gone.py": "3"}},
            ["torch 1 -> 2.13.0", "the engine's gone.py"],
        ),
    ],
)
def test_what_changed_is_named(changes: dict[str, Any], said: list[str], tmp_path: Path) -> None:
    write_json(tmp_path / "provenance.json", {**BEFORE, **changes})
    assert why_stale(tmp_path, NOW) == said


def test_of_many_files_the_first_are_named_and_nothing_is_known_of_what_is_damaged(
    tmp_path: Path,
) -> None:
    assert why_stale(tmp_path, NOW) == []
    write_json(tmp_path / "provenance.json", BEFORE)
    many = replace(NOW, sources={f"{letter}.py": "9" for letter in "edcba"})
    (told,) = why_stale(tmp_path, many)
    assert told == "the engine's a.py, b.py, c.py and 4 more"
    (tmp_path / "provenance.json").write_text(json.dumps({}))
    assert why_stale(tmp_path, NOW) == []


def test_an_entry_whose_code_changed_is_named_with_what_it_makes_anew(tmp_path: Path) -> None:
    own = ["activation.mine=1 optimizer.his=2", "activation.mine=1", None]
    cells = pd.DataFrame({"cell_id": list("abc"), "own": own})
    write_files(tmp_path, {"cells.parquet": cells.to_parquet()})
    missing = [
        {"own": "activation.mine=3 optimizer.his=2"},
        {"own": "activation.mine=3"},
        {"own": "activation.new=5"},
        {"own": "optimizer.his=2"},
        {},
    ]
    assert changed_entries(tmp_path, missing) == {"activation.mine": 2}
    assert changed_entries(tmp_path / "nothing", missing) == {}
