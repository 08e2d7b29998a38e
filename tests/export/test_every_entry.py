"""Every entry of the catalogue as a script."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nnbench.catalog import (
    VOCABULARY,
)
from nnbench.export.script import script_of
from nnbench.export.text import LINE_LENGTH
from nnbench.study.study import Cell
from tests.export.scripts import every_cell, found, one, row_of, run_scripts, unlike

pytestmark = pytest.mark.whole

ORDINARY_LINES, MOST_LINES, MOST_LINES_WITH_A_TABLE = 150, 290, 2950


@pytest.fixture(scope="module")
def every_script(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Cell], Path]:
    folder = tmp_path_factory.mktemp("every")
    cells = every_cell(tmp_path_factory.mktemp("data"))
    for name, cell in cells.items():
        (folder / f"{name}.py").write_text(script_of(found(cell)), encoding="utf-8")
    return cells, folder


def test_every_entry_can_be_exported(every_script: tuple[dict[str, Cell], Path]) -> None:
    cells, folder = every_script
    told = {
        (key, cell.recipe[key])
        for cell in cells.values()
        for key in VOCABULARY.registries
        if key in cell.recipe
    }
    missing = {
        (kind, name) for kind, entries in VOCABULARY.registries.items() for name in entries
    } - told
    assert missing <= {
        ("schedule", "chained"),
        ("schedule", "sequential"),
        ("early_stopping", "patience"),
    }
    for path in folder.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        compile(text, str(path), "exec")
        assert "import nnbench" not in text and "from nnbench" not in text, path
        assert "{%" not in text, path


def test_scripts_are_clean_code(every_script: tuple[dict[str, Cell], Path]) -> None:
    _, folder = every_script
    rules = ["--isolated", "--select", "F,E,W,I,UP", "--target-version", "py311"]
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", *rules]
    command += ["--line-length", str(LINE_LENGTH), str(folder)]
    checked = subprocess.run(command, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout[-3000:]


def test_scripts_are_a_page_or_two(every_script: tuple[dict[str, Cell], Path]) -> None:
    _, folder = every_script
    texts = {path.stem: path.read_text() for path in folder.glob("*.py")}
    lines = {name: len(text.splitlines()) for name, text in texts.items()}
    # with a table comes all that reads it as the study did
    tables = [name for name, text in texts.items() if "def read_table(" in text]
    assert tables and max(lines[name] for name in tables) <= MOST_LINES_WITH_A_TABLE
    assert max(count for name, count in lines.items() if name not in tables) <= MOST_LINES
    ordinary = ("data digits", "data iris", "data wine", "data breast_cancer", "landscape", "sweep")
    named = {name: count for name, count in lines.items() if name.startswith(ordinary)}
    assert len(named) > 40
    assert {name: count for name, count in named.items() if count > ORDINARY_LINES} == {}


@pytest.mark.slow
def test_every_script_prints_the_numbers_of_the_reference(
    every_script: tuple[dict[str, Cell], Path],
) -> None:
    cells, folder = every_script
    said = run_scripts({}, folder)
    complaints = {name: unlike(said[name], row_of(cell)) for name, cell in cells.items()}
    assert {name: told for name, told in complaints.items() if told} == {}


def test_nothing_unused_is_written() -> None:
    plain = script_of(found(one(data="iris")))
    for word in ("scheduler", "Dropout", "clip", "waited", "observed", "no_grad():  #", "penalty"):
        assert word not in plain
    assert "nn.ReLU()" in plain and "datasets.load_iris" in plain
