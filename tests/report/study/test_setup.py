"""Setup and how to repeat it: all that was fixed, and a command that is true."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from nnbench.catalog.data.tables.entry import WRITTEN
from nnbench.cli.running import run
from nnbench.report.page.commands import is_of_table, run_command
from nnbench.report.study.setup import settings, setup_section
from nnbench.results.files import write_files
from nnbench.results.read import Results, read_results
from tests.synthetic import make_cells, write_results

TABLE = {"file": "my wine.csv", "target": "cultivar", "sha256": "a" * 64}


def results_of(folder: Path, tables: list[dict[str, str]], **changes: Any) -> Results:
    write_results(folder, make_cells().assign(dropout=0.0, n_params=1234), **changes)
    provenance = json.loads((folder / "provenance.json").read_text()) | {"tables": tables}
    write_files(folder, {"provenance.json": json.dumps(provenance).encode()})
    return read_results(folder)


def test_every_level_stands_with_its_parameters_and_what_is_off_is_named(tmp_path: Path) -> None:
    results = results_of(tmp_path, [])
    rows, off = settings(results.cells, ["depth", "optimizer", "dropout", "activation"], {})
    told = {row["setting"]: row["value"] for row in rows}
    assert list(told) == ["Optimizer", "Activation", "Depth"], "what varies comes first"
    assert told["Optimizer"] == "adam (learning rate 0.001, beta1 0.9); sgd (learning rate 0.3)"
    assert told["Depth"] == "2 hidden layers" and off == ["dropout"]
    rows, _ = settings(results.cells.assign(tolerance=1e-08), ["tolerance"], {})
    assert [row["value"] for row in rows] == ["1e-8"]
    said = str(setup_section(results).parts)
    assert "A block is one data set and seed" in said and "1,234" in said


@pytest.mark.parametrize(
    ("tables", "changes", "command"),
    [
        ([], {"grid": {"seeds": 3}, "seeds": [0, 1, 2]}, "nnbench run synthetic"),
        ([], {"seeds": [0, 1]}, "nnbench run synthetic --seeds 2"),
        ([TABLE], {"title": "Mine"}, "nnbench run synthetic"),
        ([TABLE], {"title": "my wine.csv: what helps to predict cultivar?", "grid": {"data": {}}},
         "nnbench run --data 'my wine.csv' --target cultivar"),
        ([TABLE], {"title": "my wine.csv: what helps to predict cultivar?",
                   "grid": {"data": {"decimal": ",", "missing": ["none given", "--"]}}},
         "nnbench run --data 'my wine.csv' --target cultivar --decimal=, "
         "'--missing=none given' --missing=--"),
        ([TABLE], {"title": "my wine.csv: what helps to predict cultivar?",
                   "grid": {"data": {"drop": ["a b"], "dates": ["when"], "rows": 500}}},
         "nnbench run --data 'my wine.csv' --target cultivar "
         "'--drop=a b' --dates=when --rows=500"),
        ([TABLE], {"title": "my wine.csv: what helps to predict cultivar?",
                   "grid": {"data": {"csv": "my wine.csv", "target": "cultivar",
                                     "sheet": "two", "group": "grower"}}},
         "nnbench run --data 'my wine.csv' --target cultivar --sheet=two --group=grower"),
    ],
)  # fmt: skip
def test_the_command_is_that_of_the_run(
    tmp_path: Path, tables: list[dict[str, str]], changes: dict[str, Any], command: str
) -> None:
    results = results_of(tmp_path / "results" / "synthetic", tables, **changes)
    assert run_command(results) == command
    assert is_of_table(results) == ("--data" in command)


def test_the_command_has_a_flag_for_each_key_of_a_table() -> None:
    flags = inspect.signature(run).parameters
    assert set(WRITTEN) - {"target"} <= set(flags), "pages write each as --key=value"


def test_setup_has_no_empty_field_and_no_third_to_sixteen_digits(tmp_path: Path) -> None:
    cells = make_cells().assign(
        **{"data.numeric": "", "data.decimal": "auto", "data.rows": 0, "schedule": "constant_lr"},
        **{"schedule.factor": 1 / 3, "evaluation": "eval"},
    )
    rows, _ = settings(cells, ["data", "schedule", "evaluation"], {})
    told = {row["setting"]: row["value"] for row in rows}
    assert "numeric" not in told["Data"] and "decimal" not in told["Data"]
    assert told["Schedule"] == "constant_lr (factor 0.3333)"
    assert "Evaluation" not in told, "as everybody expects"
    both = cells.assign(evaluation=["eval", "train"] * 36)
    rows, _ = settings(both, ["evaluation"], {})
    assert rows[0]["value"] == "as in training; dropout off, running statistics"


def test_what_acts_on_nothing_is_not_used(tmp_path: Path) -> None:
    cells = make_cells().assign(decoupled=[False, True] * 36, weight_decay=0.0)
    rows, off = settings(cells, ["decoupled", "weight_decay"], {})
    assert rows == [] and off == ["decoupled", "weight decay"]
    rows, off = settings(cells.assign(weight_decay=0.1), ["decoupled", "weight_decay"], {})
    assert [row["setting"] for row in rows] == ["Decoupled", "Weight decay"] and off == []


def test_an_optimizer_that_never_steps_is_not_used(tmp_path: Path) -> None:
    rows, off = settings(make_cells().assign(epochs=0), ["optimizer", "epochs"], {})
    assert off == ["optimizer"]
    assert rows == [{"setting": "Epochs", "value": "0: nothing is trained"}]


def test_what_was_left_out_of_the_grid_is_told_with_its_reason(tmp_path: Path) -> None:
    exclude = [{"activation": "tanh", "width": [2, 8], "why": "one width is enough"}]
    results = results_of(tmp_path, [], design={"kind": "full", "exclude": exclude})
    said = str(setup_section(results).parts)
    assert "tanh (width 2 or width 8): one width is enough" in said
