"""All that the parent does for a hundred thousand tiny cells, and what each stage takes.

Four networks are trained; their rows stand for all others', with the cell's id and a scatter of
their own. Prints a line of JSON: processor seconds of each stage, imports included, and the peak of
memory in GB. `python -m tests.benchmarks.many_cells FOLDER [SEEDS]`, of 5,000 cells each.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nnbench.catalog import VOCABULARY
from nnbench.pipeline import Options, open_store, train_task, write_pages, write_tables
from nnbench.pipeline import Task as Work
from nnbench.results.rows import Rows
from nnbench.study.reading import make_study
from nnbench.training.plan import PlannedStack, plan

GRID = {
    "data": "moons",
    "activation": ["relu", "tanh", "sigmoid", "gelu", "identity"],
    "init": ["he_normal", "xavier_normal", "lecun_normal", "orthogonal", "torch_default"],
    "optimizer": {"name": "adam", "lr": [0.1, 0.03, 0.01, 0.003, 0.001]},
    "depth": [1, 2, 3, 4],
    "norm": ["none", "batchnorm"],
    "dropout": [0, 0.1, 0.2, 0.3, 0.5],
    "width": 4,
    "epochs": 2,
}


def results(stacks: Sequence[PlannedStack]) -> Iterator[Rows]:
    """Rows like those of training, stack by stack."""
    some = train_task(Work(stacks[0].cells[:4], "stacked", "cpu"), lambda share: None)
    cell, curve = some.cells[0], [row for row in some.curves if row["cell_id"] == cell_id(some)]
    draws = random.Random(0)
    for stack in stacks:
        rows = Rows()
        for one in stack.cells:
            rows.cells.append(scattered(cell, draws) | {"cell_id": one.cell_id})
            rows.curves += [scattered(row, draws) | {"cell_id": one.cell_id} for row in curve]
        yield rows


def cell_id(rows: Rows) -> str:
    return str(rows.cells[0]["cell_id"])


def scattered(row: dict[str, Any], draws: random.Random) -> dict[str, Any]:
    return {
        name: value * (1 + draws.random() / 10) if isinstance(value, float) else value
        for name, value in row.items()
    }


def main(out: Path, seeds: int) -> None:
    """Expand, plan, commit, tabulate and report."""
    took: dict[str, float] = {}
    last = 0.0

    def stage(name: str) -> None:
        nonlocal last
        now = time.process_time()
        took[name], last = took.get(name, 0.0) + now - last, now

    stage("imports")
    about = {"name": "many", "title": "Many", "question": "Which?"}
    study = make_study({**about, "grid": {**GRID, "seeds": seeds}}, VOCABULARY)
    options = Options(out=out)
    cells = study.cells()
    stage("expand")
    stacks = plan(cells, options.processes, is_native=options.is_native)
    stage("plan")
    store = open_store(study, options)
    made = results(stacks)
    while (rows := next(made, None)) is not None:
        stage("(made up)")
        store.commit(rows)
        stage("commit")
    stage("(made up)")
    store.survey()
    stage("survey")
    tables = write_tables(study, options, store, 1.0)
    stage("tables")
    write_pages(study, store.folder, set(tables.cells["cell_id"]), lambda name: None)
    stage("statistics and pages")
    del took["(made up)"]
    seconds = {name: round(value, 1) for name, value in took.items()}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(json.dumps({"cells": len(cells), "seconds": seconds, "gigabytes": round(peak, 2)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 20)
