"""The code that a script reads a user's table with."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from nnbench.export.data import SPLITS
from nnbench.export.sources import definitions, definitions_of
from nnbench.export.text import LIBRARIES, STANDARD

OF_PYTHON = ("bz2", "gzip", "lzma", "zipfile", "zlib", "contextmanager", "nullcontext", "feather")

TABLE = "nnbench.catalog.data.tables.table"
READING = definitions_of([(TABLE, "read_table"), (TABLE, "Choices"), SPLITS])


def test_every_name_it_uses_is_its_own_or_imported(tmp_path: Path) -> None:
    (tmp_path / "reading.py").write_text(READING)
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F821"]
    command += ["--output-format", "concise", str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True).stdout
    names = set(re.findall("Undefined name `(.*)`", said))
    assert "csv" in names and names <= (STANDARD | LIBRARIES).keys()


def test_an_annotated_constant_comes_along() -> None:
    code = definitions("nnbench.catalog.data.tables.table", "kept_table")
    assert "\n_kept = {}\n" in code and "_kept.get(" in code


def test_its_names_are_all_different_and_imported() -> None:
    tree = ast.parse(READING)
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    assert "read_text" in names and max(Counter(names).values()) == 1
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert used.issuperset(OF_PYTHON) and (STANDARD | LIBRARIES).keys() >= set(OF_PYTHON)
