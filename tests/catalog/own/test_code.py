"""A hash of code changes with what the code does, and with nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from nnbench.catalog.own.code import code_hash, is_library
from nnbench.catalog.own.entries import CODES, read_entries, register

pytestmark = pytest.mark.usefixtures("none_stay")

FILE = '''
import torch
import nnbench as nb

FLOOR = 1e-3
SHARES = {"left": 0.25, "right": [1.0, 2.0]}
TABLE = torch.tensor([0.0, 1.0])


def helper(x, b):
    return x * x + b


def made(slope):
    def leak(x):
        return torch.where(x > 0, x, slope * x)

    return leak


def rootplus(x, b=4.0):
    """Barron's rectifier."""
    # on the left it falls to zero
    return (x + helper(x, b).sqrt()) / 2 + 0 * FLOOR * SHARES["left"] * TABLE[0]


class Shape:
    power = 2.0

    def __call__(self, x):
        return torch.sigmoid(x) ** self.power


shape = Shape()


def shaped(x):
    return shape(x)


ACTIVATIONS = {
    "rootplus": nb.Activation(rootplus),
    "leak": nb.Activation(made(0.2)),
    "shaped": nb.Activation(shaped),
}
'''
ALL = {"rootplus", "leak", "shaped"}
# an edit (old, new), and the entries whose code is another by it
EDITS = [
    ("return (x + helper", "return (x + 1 * helper", {"rootplus"}),
    ("(x + helper(x, b).sqrt()) / 2", "(x + helper(x, b).sqrt()) / 3", {"rootplus"}),
    ("return x * x + b", "return x * x + b + 0", {"rootplus"}),
    ("FLOOR = 1e-3", "FLOOR = 2e-3", {"rootplus"}),
    ('"left": 0.25', '"left": 0.5', {"rootplus"}),
    ('"right": [1.0, 2.0]', '"right": [1.0, 3.0]', {"rootplus"}),
    ("tensor([0.0, 1.0])", "tensor([0.0, 2.0])", {"rootplus"}),
    ("def rootplus(x, b=4.0)", "def rootplus(x, b=2.0)", {"rootplus"}),
    (".sqrt()", ".square()", {"rootplus"}),
    ("made(0.2)", "made(0.3)", {"leak"}),
    ("x > 0, x, slope", "x >= 0, x, slope", {"leak"}),
    ("power = 2.0", "power = 3.0", {"shaped"}),
    ("torch.sigmoid(x) **", "torch.tanh(x) **", {"shaped"}),
    ("nb.Activation(rootplus)", "nb.Activation(rootplus, b=9.0)", {"rootplus"}),
    ("Barron's rectifier", "A smooth rectifier", set()),
    ("    # on the left it falls to zero\n", "", set()),
    ("\n\n\ndef helper", "\n\n\n\n\ndef helper", set()),
    ("(x + helper(x, b).sqrt()) / 2", "(\n        x + helper(x, b).sqrt()\n    ) / 2", set()),
    ("nb.Activation(rootplus)", 'nb.Activation(rootplus, summary="Smooth.")', set()),
    ("def made(slope):", "def unused(x):\n    return x\n\n\ndef made(slope):", set()),
    ("import torch\n", "import math\nimport torch\n", set()),
    ('    "shaped":', '    "other": nb.Activation(torch.nn.Mish),\n    "shaped":', set()),
]


def codes(path: Path, text: str) -> dict[str, str]:
    path.write_text(text)
    register(read_entries([path]))
    return {name: code for (_, name), code in CODES.items()}


@pytest.mark.parametrize(("old", "new", "changed"), EDITS)
def test_an_edit_changes_the_code_of_what_uses_it(
    tmp_path: Path, old: str, new: str, changed: set[str]
) -> None:
    assert FILE.count(old) == 1
    before = codes(tmp_path / "before.py", FILE)
    after = codes(tmp_path / "after.py", FILE.replace(old, new))
    assert before.keys() == ALL
    assert {name for name in ALL if before[name] != after[name]} == changed


def test_a_notebooks_function_has_a_code_too() -> None:
    texts = ("lambda x: x + 1", "lambda x: (x  +  1)", "lambda y: y + 1", "lambda x: x + 2")
    made: list[Callable[..., object]] = [eval(text, {}) for text in texts]
    first, layout, renamed, other = map(code_hash, made)
    assert first == layout != other
    assert renamed != first, "an argument may be given by its name"


def test_helpers_in_a_file_beside_it_count(tmp_path: Path) -> None:
    text = "import {0}\nimport nnbench as nb\nACTIVATIONS = {{'own': nb.Activation({0}.f)}}\n"
    found = []
    for name, power in (("one_helper", 2), ("two_helper", 3)):
        (tmp_path / f"{name}.py").write_text(f"def f(x):\n    return x ** {power}\n")
        found.append(codes(tmp_path / f"of_{name}.py", text.format(name))["own"])
    assert found[0] != found[1]


def test_what_is_a_library_counts_by_name() -> None:
    assert is_library("torch") and is_library("math") and is_library(code_hash.__module__)
    assert not is_library(__name__)
    assert code_hash(torch.relu) != code_hash(torch.tanh)
    assert code_hash(np.arange(3)) != code_hash(np.arange(4))


def test_a_frame_counts_by_what_it_holds() -> None:
    def hashed(*names: str) -> str:
        return code_hash(pd.DataFrame({"name": names, "size": range(len(names))}))

    assert hashed("a", "b") == hashed("a", "b") != hashed("a", "c")


@pytest.mark.parametrize("kind", [staticmethod, classmethod, property])
def test_a_class_counts_by_all_its_methods(kind: Any) -> None:
    def hashed(method: Callable[..., object]) -> str:
        return code_hash(type("Own", (), {"size": kind(method)}))

    assert hashed(lambda own: 1) == hashed(lambda own: 1) != hashed(lambda own: 2)
