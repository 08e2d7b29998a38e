"""Kinds of study: every stage has an answer for each, and one search finds all of them."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args

import pytest

import nnbench
from nnbench.study import study_kinds
from nnbench.study.baselines import BASELINE
from nnbench.study.metrics import METRICS
from nnbench.study.study_kinds import (
    STUDY_KINDS,
    TRAINING,
    StudyName,
    grid_keys,
    study_kind_of,
)

ROOT = Path(nnbench.__file__).parent


def stages() -> dict[str, set[str]]:
    """Return the kinds of study that each dict `..._BY_STUDY` of the package has."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
                continue
            if node.target.id.endswith("_BY_STUDY") and isinstance(node.value, ast.Dict):
                keys = [ast.unparse(key) for key in node.value.keys if key is not None]
                found[node.target.id] = {getattr(study_kinds, key) for key in keys}
    return found


def test_every_stage_has_every_kind() -> None:
    found = stages()
    wanted = {"RESOLVE", "COST", "CURVE", "TRAIN", "FILES", "PAGE", "SCRIPT"}
    assert {name.removesuffix("_BY_STUDY") for name in found} >= wanted
    assert {
        name: kinds for name, kinds in found.items() if kinds - {BASELINE} != set(STUDY_KINDS)
    } == {}


def test_no_stage_asks_for_a_kind_by_name() -> None:
    others = [kind for kind in STUDY_KINDS if kind != TRAINING]
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare):
                sides = [
                    ast.unparse(side).strip("'\"").lower()
                    for side in [node.left, *node.comparators]
                ]
                assert not set(sides) & set(others) or "factor" in sides, f"{path}:{node.lineno}"


@pytest.mark.parametrize("name", STUDY_KINDS)
def test_a_kind_has_all_that_a_study_of_it_needs(name: str) -> None:
    kind = STUDY_KINDS[name]
    assert kind.required in grid_keys(name) and kind.required in kind.example
    assert kind.data_from in kind.fields
    assert any(name in metric.studies for metric in METRICS.values())


def test_a_document_that_names_no_kind_is_of_training() -> None:
    assert tuple(STUDY_KINDS) == get_args(StudyName)
    assert study_kind_of({}) == TRAINING and study_kind_of({"kind": "numerics"}) == "numerics"
