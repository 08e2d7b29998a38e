"""The command that runs a study again, true however the study was named and wherever it went."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nnbench.cli.places import file_said, files_said
from nnbench.report.page.commands import run_command
from nnbench.report.page.html import with_commands
from nnbench.report.study.failures import export_command
from nnbench.results.read import read_results
from tests.synthetic import make_cells, write_results


@pytest.mark.parametrize(
    ("word", "folder", "command"),
    [
        ("", "results", "nnbench run {name}"),
        ("quickstart", "results", "nnbench run quickstart"),
        ("mine/other name.toml", "results", "nnbench run 'mine/other name.toml'"),
        ("/home/somebody/lab/other.toml", "results", "nnbench run other.toml"),
        ("other.toml", "elsewhere", "nnbench run other.toml --out elsewhere"),
    ],
)
def test_the_command_names_the_file_and_the_folder_of_the_run(
    tmp_path: Path, word: str, folder: str, command: str
) -> None:
    place = tmp_path / folder / "made"
    place.mkdir(parents=True)
    write_results(place, make_cells())
    results = read_results(place)
    known: dict[str, Any] = dict(results.provenance) | {"file": file_said(word)}
    told = run_command(replace(results, provenance=known), again=False)
    assert told == command.format(name=results.study["name"]), "and no folder of this machine"


def test_what_is_advised_does_not_bear_the_limit_of_a_trial(tmp_path: Path) -> None:
    place = tmp_path / "results" / "made"
    place.mkdir(parents=True)
    write_results(place, make_cells())
    results = read_results(place)
    results = replace(results, provenance={**results.provenance, "limit": 20})
    assert run_command(results).endswith(" --limit 20")
    assert "--limit" not in run_command(results, again=False)


def test_a_command_names_the_files_with_entries_of_ones_own(tmp_path: Path) -> None:
    files = files_said([Path("mine.py"), Path("/home/somebody/my rules.py")])
    assert files == ("mine.py", "my rules.py"), "and no folder of this machine"
    place = tmp_path / "results" / "made"
    place.mkdir(parents=True)
    write_results(place, make_cells())
    results = read_results(place)
    assert "--with" not in run_command(results) + export_command(results)
    results = replace(results, provenance={**results.provenance, "entry_files": list(files)})
    for command in (run_command(results), export_command(results)):
        assert command.endswith(" --with mine.py --with 'my rules.py'")


def test_a_command_in_a_sentence_is_code_to_its_end() -> None:
    said = with_commands("About 31 seeds: nnbench run --data a.csv --seeds 31. All 5 % <done>.")
    assert "<code>nnbench run --data a.csv --seeds 31</code>. All 5\N{NO-BREAK SPACE}%" in said
    assert "seeds 9</code>. 32 of" in with_commands("nnbench run a.toml --seeds 9. 32 of 36.")
    assert "&lt;done&gt;" in said
