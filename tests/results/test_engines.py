"""A result belongs to the engine that trained it, whatever engine was asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nnbench.catalog import VOCABULARY
from nnbench.cli.progress import Silence
from nnbench.cli.summary import standing_of_results, standing_of_study
from nnbench.pipeline import Options, run
from nnbench.results.rows import Rows
from nnbench.results.store import Survey
from nnbench.study.reading import make_study
from nnbench.study.study import Study
from nnbench.training.native.compiler import find_compiler
from nnbench.training.tasks import Task

pytestmark = pytest.mark.slow

NATIVE, MAPPED = f"native-{find_compiler().identity}", "stacked-eager"


class Listener(Silence):
    """Notes how many networks a run trains, and what it found."""

    trained = 0
    survey: Survey

    def planned(self, cells: int, survey: Survey, *about: Any) -> None:
        self.survey = survey

    def finished(self, task: Task, rows: Rows) -> None:
        self.trained += len(rows.cells)


def study() -> Study:
    """A network of 100 steps and one of 4, of which `auto` compiles the first."""
    grid = {"data": {"name": "moons", "n": 60}, "width": 2, "batch_size": 10, "epochs": [1, 25]}
    return make_study({"name": "two", "grid": grid | {"depth": 1, "seeds": 1}}, VOCABULARY)


def ran(out: Path, engine: str) -> Listener:
    listener = Listener()
    run(study(), Options(out, workers=1, engine=engine), listener)
    return listener


def engines(out: Path) -> list[str]:
    """Who trained what, as the provenance of the last run has it."""
    document = json.loads((out / "two" / "provenance.json").read_text())
    told = sorted(share["engine"] for share in document["engines"])
    assert document["engine"] == ", ".join(told)
    return told


@pytest.fixture
def native_results(tmp_path: Path) -> Path:
    assert ran(tmp_path, "native").trained == 2
    assert engines(tmp_path) == [NATIVE]
    return tmp_path


def test_a_plain_run_goes_on_from_what_the_same_programs_trained(native_results: Path) -> None:
    standing = standing_of_study(study(), Options(native_results))
    assert (standing.finished, standing.other_engine, standing.to_run) == (1, 1, 1)
    again = ran(native_results, "auto")
    assert again.trained == 1, "the one that auto maps"
    assert again.survey.engines == {NATIVE} and len(again.survey.other_engine) == 1
    assert engines(native_results) == [NATIVE, MAPPED]
    assert ran(native_results, "native").trained == 0
    assert ran(native_results, "auto").trained == 0
    for standing in (
        standing_of_study(study(), Options(native_results)),
        standing_of_results(native_results / "two"),
    ):
        assert (standing.finished, standing.other_engine) == (2, 0)


def test_what_another_engine_trained_is_trained_again(native_results: Path) -> None:
    mapped = ran(native_results, "stacked")
    assert mapped.trained == 2 and len(mapped.survey.other_engine) == 2
    assert engines(native_results) == [MAPPED]
    assert ran(native_results, "auto").trained == 0, "each cell has its engine's result by now"
    assert engines(native_results) == [NATIVE, MAPPED]
