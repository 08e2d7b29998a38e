"""A user's table as a level of a study: `{ csv = "my.csv", target = "label" }`.

A cell's identity is the file's content and the choices made; its path only says where to look.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nnbench.catalog.data.samples import Sample
from nnbench.catalog.data.tables.files import FORMS
from nnbench.catalog.data.tables.giveaways import with_giveaways
from nnbench.catalog.data.tables.notations import DECIMALS
from nnbench.catalog.data.tables.table import LISTS, SPLITTERS, Choices, Table, kept_table
from nnbench.catalog.data.tables.targets import TASKS
from nnbench.catalog.data.tables.words import quoted
from nnbench.study.recipe import has_own_table, of_factor
from nnbench.study.vocabulary import Parameter

PLAIN = ("rows", "decimal", "sheet", *SPLITTERS)  # keys whose value is kept as it is
PARAMETERS: dict[str, Parameter] = {
    "path": Parameter("", "path of the file", program=True, identity=False),
    "sha256": Parameter("", "the file's content", program=True),
    "target": Parameter("", "column to predict", program=True),
    "task": Parameter(TASKS[0], "auto: by the target's values", choices=TASKS, program=True),
    "categorical": Parameter("", "columns to read as categories", program=True),
    "numeric": Parameter("", "columns to read as numbers", program=True),
    "dates": Parameter("", "columns to read as dates", program=True, sparse=True),
    "drop": Parameter("", "columns to leave out", program=True),
    "missing": Parameter("", "additional markers for missing values", program=True),
    "decimal": Parameter(
        DECIMALS[0],
        "decimal sign, where a number can be read in two ways",
        choices=DECIMALS,
        program=True,
    ),
    "rows": Parameter(
        0, "at most this many rows, drawn at random by class (0: all)", 0, 1e9, program=True
    ),
    "sheet": Parameter("", "sheet of an Excel workbook with several", program=True, sparse=True),
    "group": Parameter(
        "", "column whose equal values keep rows in one part", program=True, sparse=True
    ),
    "time": Parameter(
        "", "column that orders the rows: the latest are the test part", program=True, sparse=True
    ),
}
# what a study writes: the reader works out the rest, and turns lists into text
WRITTEN: dict[str, Parameter] = {
    "target": Parameter("", "column to predict (required)"),
    "task": Parameter("auto", "auto: by the target's values", choices=("auto", *TASKS)),
    "categorical": Parameter([], "columns to read as categories"),
    "numeric": Parameter([], "columns to read as numbers"),
    "dates": Parameter([], "columns to read as dates"),
    "drop": Parameter([], "columns to leave out"),
    "missing": Parameter([], "additional markers for missing values"),
    "decimal": PARAMETERS["decimal"],
    **{key: PARAMETERS[key] for key in ("rows", "sheet", "group", "time")},
}


def table_levels(given: Mapping[str, Any], folder: Path) -> list[dict[str, Any]]:
    """The flat fields of the levels that `{ csv = ..., target = ... }` stands for.

    given: the table as it stands in the study file; folder: what a relative path is relative to.
    A list of files, targets or tasks is a factor; in `categorical`, `numeric` and `drop` a list is
    one of columns. Raises ValueError for a mistake in it, or a table that cannot be learned from.
    """
    forms = [form for form in FORMS if form in given]
    if len(forms) != 1:
        raise ValueError("needs one file: csv or parquet")
    form = forms[0]
    known = [form, *WRITTEN]
    for key in given:
        if key not in known:
            raise ValueError(f"unknown key {quoted(key)}; known are {', '.join(known)}")
    paths, targets, tasks = (
        value if isinstance(value, list) else [value]
        for value in (given[form], given.get("target"), given.get("task", "auto"))
    )
    if not (paths and targets and tasks):
        raise ValueError("an empty list: give it a value, or remove the key")
    lists = {key: _names(key, given.get(key, [])) for key in (*LISTS, "missing")}
    said: dict[str, Any] = {
        **lists,
        **{key: PARAMETERS[key].accept(given[key]) for key in PLAIN if key in given},
    }
    every = [_target(target) for target in targets]
    return [
        _level(
            form, _path(path, folder), Choices(target, _task(task), **_apart(said, target, every))
        )
        for path, target, task in itertools.product(paths, every, tasks)
    ]


def _apart(said: Mapping[str, Any], target: str, every: Sequence[str]) -> dict[str, Any]:
    """What is said of a table, with the study's other targets left out of its features."""
    others = {name for name in every if name != target}
    apart = {*every} if others else set()
    kept = {key: tuple(name for name in said[key] if name not in apart) for key in LISTS}
    return {**said, **kept, "drop": tuple(sorted({*kept["drop"], *others}))}


def _level(form: str, path: Path, choices: Choices) -> dict[str, Any]:
    table = kept_table(path, choices, form)
    fields = {"path": str(path), "sha256": table.report["sha256"], "target": choices.target}
    fields |= {"task": table.task} | {key: getattr(choices, key) for key in PLAIN}
    fields |= {key: _as_text(getattr(choices, key)) for key in (*LISTS, "missing")}
    said = [key for key, about in PARAMETERS.items() if fields[key] or not about.sparse]
    return {"data": form} | {f"data.{key}": fields[key] for key in said}


def _path(value: Any, folder: Path) -> Path:
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError("the file must be a path in quotes")
    return (folder / Path(value).expanduser()).resolve()


def _target(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError('needs the column to predict, such as target = "label"')
    return value.strip()


def _task(value: Any) -> str:
    if value not in ("auto", *TASKS):
        raise ValueError(f"task must be one of auto, {', '.join(TASKS)}")
    return str(value)


def _names(key: str, value: Any) -> tuple[str, ...]:
    """Names or words in one order, whatever the order they were given in."""
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        what, example = ("texts", "-999") if key == "missing" else ("columns", "name")
        raise ValueError(f'{key} must be a list of {what}, such as {key} = ["{example}"]')
    return tuple(sorted({name.strip() for name in value}))


def _as_text(names: Iterable[str]) -> str:
    names = list(names)
    return json.dumps(names) if names else ""


def load(form: str, generator: np.random.Generator, **recipe: Any) -> Sample:
    """A cell's table; a file that has changed since its study was read is refused."""
    table = _table(form, **recipe)
    return Sample(table.x, table.y, ties=table.ties)


def report_of(recipe: Mapping[str, Any]) -> dict[str, Any] | None:
    """What was done to a cell's table, ready for JSON; None where its data is no table."""
    if not has_own_table(recipe):
        return None
    fields = of_factor("data", recipe)
    table = _table(recipe["data"], **fields)
    report = with_giveaways(table)
    return {"file": Path(fields["path"]).name, "target": fields["target"], **report}


def choices_of(target: str, task: str, **given: Any) -> Choices:
    """The choices that a recipe's fields amount to."""
    said: dict[str, Any] = {
        key: value if key in PLAIN else tuple(json.loads(value)) if value else ()
        for key, value in given.items()
    }
    return Choices(target, task, **said)


def _table(form: str, path: str, sha256: str, target: str, task: str, **given: Any) -> Table:
    table = kept_table(Path(path), choices_of(target=target, task=task, **given), form)
    if table.report["sha256"] != sha256:
        raise ValueError(
            f"{quoted(path)}: has changed since the study was read: run the study again"
        )
    return table
