"""The study file that a run of a table amounts to has the same cells as that run."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pandas as pd
import pytest

from nnbench.catalog import VOCABULARY
from nnbench.cli.default_study import table_study
from nnbench.cli.written_study import study_text
from nnbench.report.page.commands import run_command
from nnbench.results.read import read_results
from nnbench.study.reading import make_study, read_study
from nnbench.study.toml import toml
from tests.command import nnbench

ROWS = 60


def write_table(folder: Path) -> Path:
    path = folder / 'data "1"' / "my.csv"
    path.parent.mkdir()
    columns = {"a": range(ROWS), "b b": [row % 7 for row in range(ROWS)]}
    pd.DataFrame(columns | {"y": [row % 2 for row in range(ROWS)]}).to_csv(path, index=False)
    return path


@pytest.mark.whole
def test_the_file_has_the_cells_of_the_run(tmp_path: Path) -> None:
    path = write_table(tmp_path)
    content = table_study(path, "y", drop=["a"], categorical=["b b"], rows=50)
    place = tmp_path / "Mine.toml"
    place.write_text(study_text(content, place))
    read, made = read_study(place, VOCABULARY), make_study(content, VOCABULARY)
    assert read.name == "mine"
    assert [cell.cell_id for cell in read.cells()] == [cell.cell_id for cell in made.cells()]
    assert tomllib.loads(place.read_text())["grid"]["data"]["csv"] == 'data "1"/my.csv'


@pytest.mark.whole
def test_the_page_of_a_run_that_wrote_its_study_names_the_file(tmp_path: Path) -> None:
    write_table(tmp_path)
    (tmp_path / "sub").mkdir()
    words = ("--data", 'data "1"/my.csv', "--target", "y", "--write-study", "sub/own.toml")
    seeds = ("--seeds", "3")
    ended = nnbench("run", *words, *seeds, "--limit", "2", "--workers", "1", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert tomllib.loads((tmp_path / "sub/own.toml").read_text())["grid"]["seeds"] == 3
    assert "to repeat this run: nnbench run sub/own.toml, with the same --out" in ended.stderr
    results = read_results(tmp_path / "results" / "own")
    assert run_command(results) == "nnbench run sub/own.toml --limit 2"
    again = nnbench("run", "sub/own.toml", "--limit", "2", "--workers", "1", cwd=tmp_path)
    assert again.returncode == 0 and "2 already finished, 0 to train." in again.stderr


@pytest.mark.parametrize("value", ['a "b" \\ ü\n\t\x7f', True, 1, 0.001, 1e-9, [["x"], {"a": 1}]])
def test_a_value_is_read_back_as_it_was(value: object) -> None:
    assert tomllib.loads(f"x = {toml(value)}")["x"] == value
