"""The code that a script reads a user's table with."""

from __future__ import annotations

import ast
from collections import Counter

from nnbench.export.sources import definitions
from nnbench.export.text import LIBRARIES, STANDARD

OF_PYTHON = ("bz2", "gzip", "lzma", "zipfile", "zlib", "contextmanager", "nullcontext", "feather")


def test_its_names_are_all_different_and_imported() -> None:
    tree = ast.parse(definitions("nnbench.catalog.data.tables.table", "read_table", "Choices"))
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    assert "read_text" in names and max(Counter(names).values()) == 1
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert used.issuperset(OF_PYTHON) and (STANDARD | LIBRARIES).keys() >= set(OF_PYTHON)
