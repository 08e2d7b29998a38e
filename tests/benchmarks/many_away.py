"""What the parent does for a hundred thousand tiny cells that the workers of a cluster train.

A real scheduler and two workers, each a process of its own; a worker's process makes rows up, like
those of four networks that it trains first, so that handing out, hearing back and writing down are
what is left. Prints a line of JSON: processor seconds of the parent by stage, of the scheduler, and
of a worker without what trains for it; bytes that came back for a cell, pickled as Dask does.
`python -m tests.benchmarks.many_away FOLDER [SEEDS [CELLS]]`, of 5,000 cells each, or of so many
that are drawn from all.
"""

from __future__ import annotations

import functools
import json
import pickle
import random
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from nnbench.catalog import VOCABULARY
from nnbench.pipeline import Options, stacks_of
from nnbench.results.parts import PackedRows, packed_away
from nnbench.results.rows import Rows
from nnbench.results.store import Store
from nnbench.study.reading import make_study
from nnbench.training.cluster.crew import Crew
from nnbench.training.cluster.member import Kit
from nnbench.training.cluster.place import opened
from nnbench.training.cluster.run import run_on
from nnbench.training.plan import ProgramKeys
from nnbench.training.tasks import Task, train_task
from tests.benchmarks.many_cells import GRID, cell_id, scattered
from tests.clusters import Cluster, cluster

PRINT = "a fingerprint"


@functools.cache
def trained() -> Rows:
    """What stands for all other results in a worker's process."""
    about = {"name": "many", "grid": {**GRID, "seeds": 4}}
    cells = make_study(about, VOCABULARY).cells()
    alike = [cell for cell in cells if cell.recipe["seed"] == 0][:4]
    return train_task(Task(tuple(alike[:1]), "stacked", "cpu"), lambda share: None)


def made_up(task: Task, progress: Any) -> Rows:
    """Rows like those of training."""
    some = trained()
    curve = [row for row in some.curves if row["cell_id"] == cell_id(some)]
    rows, draws = Rows(), random.Random(task.cells[0].cell_id)
    for one in task.cells:
        rows.cells.append(scattered(some.cells[0], draws) | {"cell_id": one.cell_id})
        rows.curves += [scattered(row, draws) | {"cell_id": one.cell_id} for row in curve]
    return packed_away(rows, PRINT)


def main(out: Path, seeds: int = 20, count: int | None = None) -> None:
    """Plan, hand out, hear back and commit."""
    about = {"name": "many", "title": "Many", "question": "Which?"}
    study = make_study({**about, "grid": {**GRID, "seeds": seeds}}, VOCABULARY)
    cells = study.cells()
    if count is not None:
        cells = random.Random(0).sample(cells, count)
    with cluster(2) as made, opened(made.address) as client:
        client.wait_for_workers(2)
        crew = Crew(client, made.address)
        options = Options(out=out, cluster=made.address, workers=crew.gather())
        measure(made, crew, cells, options, Store(out, PRINT, lambda engine, cell_ids: True))


def measure(made: Cluster, crew: Crew, cells: Any, options: Options, store: Any) -> None:
    before, began = _processor(made), time.perf_counter()
    stacks = stacks_of(cells, options)
    planned = time.process_time()
    tasks = [Task(stack.cells, "stacked", "cpu") for stack in stacks]
    key = ProgramKeys()
    committing, size, ready = 0.0, 0, None
    for task, rows in run_on(crew, tasks, Kit(made_up), alike=lambda one: key(one.cells[0])):
        now = time.process_time()
        assert isinstance(rows, PackedRows), rows
        if ready is None:  # from here on the workers' processes have imported what they need
            ready, first_cells = time.perf_counter(), len(task.cells)
        size += len(pickle.dumps(rows)) if task is tasks[0] else 0
        store.commit(rows)
        committing += time.process_time() - now
    assert ready is not None
    wall = time.perf_counter() - ready
    parent, scheduler, worker = (
        after - earlier for after, earlier in zip(_processor(made), before, strict=True)
    )
    of_plan = planned - before[0]
    first = len(tasks[0].cells)
    print(
        json.dumps(
            {
                "cells": len(cells),
                "stacks": len(stacks),
                "parent": {
                    "plan": round(of_plan, 2),
                    "hand out and hear back": round(parent - of_plan - committing, 2),
                    "commit": round(committing, 2),
                },
                "scheduler": round(scheduler, 2),
                "one worker": round(worker, 2),
                "cells a second of the parent": round(len(cells) / (parent - of_plan)),
                "seconds to the first": round(ready - began, 1),
                "cells a second from then on, by the clock": round(
                    (len(cells) - first_cells) / wall
                ),
                "bytes back for a cell": round(size / first),
            }
        )
    )


def _processor(made: Cluster) -> tuple[float, float, float]:
    def seconds(pid: int) -> float:
        used = psutil.Process(pid).cpu_times()
        return float(used.user + used.system)

    return time.process_time(), seconds(made.scheduler.pid), seconds(made.workers[0].pid)


if __name__ == "__main__":
    from tests.benchmarks import many_away  # by which name workers know its functions

    many_away.main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
