"""The whole program on one screen: expand, plan, train, commit, tabulate, judge, report."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from nnbench.catalog.data.tables.entry import PARAMETERS, report_of
from nnbench.catalog.own.entries import registered
from nnbench.results.files import PROVENANCE, json_bytes, results_folder, write_files
from nnbench.results.fingerprint import fingerprint, origin
from nnbench.results.looks import note_round
from nnbench.results.more import mended, with_more
from nnbench.results.provenance import cores, describe
from nnbench.results.rows import Rows, crashed_rows
from nnbench.results.running import Pace, Sign, sign_of, unmerged
from nnbench.results.store import NOTHING, Store, Survey
from nnbench.results.tables import Tables
from nnbench.results.wall_time import TableClock, WallTime, engine_text
from nnbench.study.engines import DIFFERS, ENGINES
from nnbench.study.idle import idle_factors
from nnbench.study.recipe import Recipe, has_own_table
from nnbench.study.study import Cell, Study
from nnbench.study.study_kinds import LANDSCAPE, NUMERICS, STUDY_KINDS, TRAINING
from nnbench.training.cluster.baggage import train_away
from nnbench.training.cluster.crew import Crew, crew_at
from nnbench.training.native.choice import found_shares, hoped_name, would_train
from nnbench.training.native.machine import known_machine
from nnbench.training.native.wall import ending_seconds, first_seconds
from nnbench.training.plan import MOST_SECONDS_AWAY, PlannedStack, ProgramKeys, plan
from nnbench.training.tasks import Task, Work, halves, install, packed, train_task
from nnbench.training.time_limit import TimeLimit, TimeLimitError
from nnbench.training.workers import Crash, run_tasks

if TYPE_CHECKING:
    from nnbench.report.build import Report

WRITING_TABLES, WRITING_REPORT = "writing tables", "writing the report"
LARGEST_SHARE = 0.1  # of a time limit, that a stack may take: what is stopped is lost
TIMES_LONGER = 2.0  # what is kept of a time limit, of what it should take: the machine may be busy
STACKS_PER_THREAD = 2  # of a cluster, times what a plan makes for a process of this machine

# what is no training has no programs to compile, and sweeps have one way to be computed
ENGINES_BY_STUDY: Mapping[str, tuple[str, ...]] = {
    TRAINING: ENGINES,
    LANDSCAPE: ("stacked", "reference"),
    NUMERICS: ("stacked",),
}


@dataclass(frozen=True)
class Options:
    """How to run a study. None of it, the engine apart, can change a result."""

    out: Path = Path("results")
    workers: int | None = None  # None: one for each core
    device: str = "cpu"
    engine: str = "auto"  # native where it pays, else stacked; or one of native, stacked, reference
    limit: int | None = None
    fresh: bool = False
    file: str = ""  # the study's file or its name, as the run was given it
    entry_files: tuple[str, ...] = ()  # of entries of one's own, as the run was given them
    here: bool = True  # whether one worker is this process itself
    time_limit: TimeLimit | None = None
    cluster: str = ""  # the address of a Dask scheduler, or local:N; none: processes started here
    mixed: bool = False  # whether a cluster's workers may differ from this machine

    def of_kind(self, kind: str) -> Options:
        """These options for a kind of study, with an engine that it has."""
        return self if self.engine in ENGINES_BY_STUDY[kind] else replace(self, engine="stacked")

    def is_native(self, recipe: Recipe) -> bool:
        """Whether compiled programs are expected to train a recipe's network."""
        return self.hoped_name(recipe).startswith("native-")

    def hoped_name(self, recipe: Recipe) -> str:
        """The engine that is expected to train a recipe's network, as the tables name it."""
        return hoped_name(recipe, self.engine, self.device)

    @property
    def processes(self) -> int:
        """Return the number of worker processes."""
        return self.workers or cores()


class Listener(Protocol):
    """Who is told how a run goes."""

    def planned(
        self,
        cells: int,
        survey: Survey,
        stacks: Sequence[PlannedStack],
        tables: Sequence[Mapping[str, Any]],
        notes: Sequence[str],
    ) -> None:
        """Take note of what will run, of the user's own tables, and of factors without effect."""

    def stage(self, name: str) -> None:
        """Take note of what the run begins to do: `training`, `writing tables`, ..."""

    def staffed(self, workers: int) -> None:
        """Take note of how many workers a cluster has for the run."""

    def noted(self, sentence: str) -> None:
        """Take note of what there is to say of a cluster's workers."""

    def progressed(self, task: Task, share: float) -> None:
        """Take note of the share of a task that is done."""

    def finished(self, task: Task, rows: Rows) -> None:
        """Take note of a task's results, which are on disk by now."""


@dataclass(frozen=True)
class Outcome:
    """What a run came to."""

    folder: Path
    report: Report
    counts: dict[str, int]  # of the whole study: cells, ok, diverged, crashed, missing
    seconds: float  # of this run


def run(study: Study, options: Options, listener: Listener) -> Outcome:
    """Run what is missing of a study, write its tables and its report.

    With what its claims were given to settle them, whoever runs it again.
    """
    began = time.perf_counter()
    study = study if options.fresh else with_more(study, options.out)
    with sign_of(results_folder(options.out, study.name)) as sign:
        tables = run_cells(study, options, listener, sign)
        if tables.cells.empty and options.time_limit is not None and options.time_limit.is_over:
            raise TimeLimitError(
                "the time limit was reached before any network had finished: give it more than "
                f"{options.time_limit.given:.0f} s"
            )
        return reported(study, options, listener, sign, tables, began)


def reported(
    study: Study, options: Options, listener: Listener, sign: Sign, tables: Tables, began: float
) -> Outcome:
    """Write the report of a study whose tables are written."""
    folder = results_folder(options.out, study.name)
    sign.ends(WRITING_REPORT)
    report = write_pages(study, folder, set(tables.cells["cell_id"]), listener.stage)
    counts = count(study.cells(), tables.cells["status"].tolist())
    return Outcome(folder, report, counts, time.perf_counter() - began)


def run_cells(study: Study, options: Options, listener: Listener, sign: Sign) -> Tables:
    """Run what is missing of a study and write its tables."""
    options = options.of_kind(study.kind)
    with crew_at(
        options.cluster,
        mixed=options.mixed,
        compiles=study.kind == TRAINING and options.engine in ("auto", "native"),
        sends_code=registered() is not None,
        on_count=listener.staffed,
        on_note=listener.noted,
    ) as crew:
        return _run_cells(study, options, listener, sign, crew)


def _run_cells(
    study: Study, options: Options, listener: Listener, sign: Sign, crew: Crew | None
) -> Tables:
    cells = limited(study.cells(), options.limit)
    store = open_store(study, options)
    for sentence in mended(store.folder, bool(study.claims) and not options.fresh):
        listener.noted(sentence)
    survey = NOTHING if options.fresh else store.survey()
    missing = [cell for cell in cells if cell.cell_id not in survey.finished]
    time_left = _time_for(options.time_limit, cells, missing)
    if crew is not None and missing:
        seconds = math.inf if options.time_limit is None else options.time_limit.left
        options = replace(options, workers=crew.gather(seconds))
    stacks = stacks_of(missing, options)
    if options.time_limit is not None and missing:
        first = TIMES_LONGER * first_seconds(stacks, known_machine())
        options.time_limit.need(first, len(cells))
    if options.fresh:  # not before all that may refuse to run
        forget(store)
    notes = [idle.sentence for idle in idle_factors(study)]
    listener.planned(len(cells), survey, stacks, tables_of(cells), notes)

    wall_time = WallTime(store, survey)
    clock = TableClock()
    work_of = Work(stacks)
    sign.planned(Pace(study.name, study.noun, len(cells), len(missing), work=work_of.total))
    listener.stage(STUDY_KINDS[study.kind].doing)
    # closed here and not by the garbage collector, in which a second Ctrl-C would go astray
    with time_left, closing(train_all(stacks, options, listener.progressed, crew)) as results:
        for task, result in results:
            rows = result if isinstance(result, Rows) else crashed(task, result, options)
            store.commit(rows)
            wall_time.note(*(row["engine"] for row in rows.cells[:1]))
            listener.finished(task, rows)
            sign.finished(rows, work_of(task))
            if options.time_limit is not None:
                options.time_limit.finished(work_of(task), rows.seconds)
            if clock.is_time():
                listener.stage(WRITING_TABLES)
                clock.note(lambda: write_tables(study, options, store, wall_time.seconds))
                listener.stage(STUDY_KINDS[study.kind].doing)

    listener.stage(WRITING_TABLES)
    sign.ends(WRITING_TABLES)
    store.remove_stale()
    if missing:
        wall_time.note()
    wall_time.keep()
    return write_tables(study, options, store, wall_time.seconds)


def _time_for(
    limit: TimeLimit | None, cells: Sequence[Cell], missing: Sequence[Cell]
) -> AbstractContextManager[None]:
    """What ends training in time for the tables and the page. Errors: TimeLimitError."""
    if limit is None or not missing:
        return nullcontext()
    limit.reserve = TIMES_LONGER * ending_seconds(cells, known_machine())
    limit.need(TIMES_LONGER * first_seconds([], known_machine()), len(cells))
    return limit.ends()


def stacks_of(cells: Sequence[Cell], options: Options) -> list[PlannedStack]:
    """The stacks of a run's cells: smaller ones for a cluster, and where time is short."""
    workers = options.processes * (STACKS_PER_THREAD if options.cluster else 1)
    most = MOST_SECONDS_AWAY if options.cluster else math.inf
    if options.time_limit is not None:
        most = min(most, max(0.0, LARGEST_SHARE * options.time_limit.left))
    return plan(cells, workers, is_native=options.is_native, most_seconds=most)


def write_pages(
    study: Study, folder: Path, with_rows: Collection[str], on_stage: Callable[[str], None]
) -> Report:
    """Predict, judge, draw and write: the report of the cells that have a row, and the index."""
    # here, since neither a worker nor a dry run needs what draws
    from nnbench.report.build import build_report
    from nnbench.report.claims.table import write_claims
    from nnbench.report.index import write_index

    on_stage("statistics")
    cells = [cell for cell in study.networks() if cell.cell_id in with_rows]
    if files := FILES_BY_STUDY[study.kind](study, cells):
        write_files(folder, files)
    write_claims(folder)
    report = build_report(folder, on_stage=on_stage)
    write_index(folder.parent)
    return report


def _predictions(study: Study, cells: Sequence[Cell]) -> dict[str, bytes]:
    from nnbench.theory.predictions import prediction_files

    return prediction_files(cells) if study.probes.layers else {}


def _landscapes(study: Study, cells: Sequence[Cell]) -> dict[str, bytes]:
    from nnbench.theory.landscapes import landscape_files

    return landscape_files(cells)


# what the page of a study needs beside its tables, from those of its cells that have a row
FILES_BY_STUDY: Mapping[str, Callable[[Study, Sequence[Cell]], dict[str, bytes]]] = {
    TRAINING: _predictions,
    LANDSCAPE: _landscapes,
    NUMERICS: lambda study, cells: {},
}


def write_tables(study: Study, options: Options, store: Store, wall_seconds: float) -> Tables:
    """Write the tables of all that has finished and, in one go, where they come from."""
    cells = study.cells()
    recipes = {cell.cell_id: cell for cell in cells}

    def provenance(tables: Tables) -> dict[str, bytes]:
        done = tables.cells[tables.cells["status"] != "crashed"]
        networks, cells_of = study.networks(), tables.cells.set_index("cell_id")["status"]
        found = cells_of[cells_of.index.intersection([cell.cell_id for cell in networks])]
        trained = zip(map(recipes.__getitem__, done["cell_id"]), done["engine"], strict=True)
        document = describe(
            study=study.document(),
            counts=count(networks, found.tolist()),
            engine=engine_text(set(done["engine"])),
            origin=origin(),
            workers=options.processes,
            threads=1,
            wall_seconds=wall_seconds,
            limit=options.limit,
            file=options.file,
            entry_files=options.entry_files,
            engines=[
                share._asdict() for share in found_shares(trained, options.engine, options.device)
            ],
            tables=tables_of(cells),
        )
        return {PROVENANCE: json_bytes(document)}

    return store.write_tables(cells, study.report.target, provenance)


def open_store(study: Study, options: Options) -> Store:
    """Open the study's folder."""
    options = options.of_kind(study.kind)
    folder = results_folder(options.out, study.name)
    return Store(folder, fingerprint(), taken_by(study, options))


def forget(store: Store) -> None:
    """Empty a study's folder of results, for a run that starts afresh."""
    if store.folder.exists():
        with unmerged(store.folder):  # else a merge might put back what it had read before
            note_round(store.folder, None)
            store.remove_all()


def taken_by(study: Study, options: Options) -> Callable[[str, Sequence[str]], bool]:
    """Whether a run would train cells, of one stack, by the engine that did; asked by their ids."""
    recipes: dict[str, Recipe] = {}

    def takes(engine: str, cell_ids: Sequence[str]) -> bool:
        if DIFFERS in engine:  # trained by a worker of another kind
            return options.mixed
        if not recipes:  # not before there are results
            recipes.update((cell.cell_id, cell.recipe) for cell in study.cells())
        known = next((recipes[one] for one in cell_ids if one in recipes), None)
        return known is None or would_train(engine, known, options.engine, options.device)

    return takes


def limited(cells: list[Cell], limit: int | None) -> list[Cell]:
    """Return at most `limit` cells, spread over the grid: those whose ids come first.

    A larger limit keeps the cells of a smaller one.
    """
    if limit is None or limit >= len(cells):
        return cells
    chosen = {cell.cell_id for cell in sorted(cells, key=lambda cell: cell.cell_id)[:limit]}
    return [cell for cell in cells if cell.cell_id in chosen]


def train_all(
    stacks: Sequence[PlannedStack],
    options: Options,
    on_progress: Callable[[Task, float], None],
    crew: Crew | None = None,
) -> Generator[tuple[Task, Rows | Crash], None, None]:
    """Yield each stack's task with its rows or its crash, as they finish."""
    tasks = [Task(stack.cells, options.engine, options.device) for stack in stacks]
    limit, work_of = options.time_limit, Work(stacks)

    def may_start(task: Task) -> bool:
        return limit is None or limit.has_time_for(work_of(task))

    if crew is not None:
        return train_away(crew, tasks, on_progress, fingerprint(), may_start)
    workers = max(1, min(options.processes, len(tasks)))
    own = registered()
    program_key = ProgramKeys()
    # a compiled program that crashes takes its process with it: never this one
    native = any(stack.native for stack in stacks)
    return run_tasks(
        tasks,
        train_task,
        workers,
        on_progress=on_progress,
        split=halves,
        initialise=None if own is None else partial(install, packed(own)),
        here=options.here and not native,
        alike=lambda task: program_key(task.cells[0]),
        may_start=may_start,
    )


def crashed(task: Task, crash: Crash, options: Options) -> Rows:
    """Return the rows of a task that ended without a result."""
    engine = options.hoped_name(task.cells[0].recipe)
    return crashed_rows([cell.cell_id for cell in task.cells], crash.reason, engine)


def tables_of(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """What was done to each of the user's own tables among the cells' data.

    A file that is read in several ways, such as for two targets, is as many tables.
    """
    places = [f"data.{name}" for name in PARAMETERS]
    own = (cell.recipe for cell in cells if has_own_table(cell.recipe))
    recipes = {tuple(recipe.get(place) for place in places): recipe for recipe in own}
    return [report for report in map(report_of, recipes.values()) if report is not None]


def count(cells: Sequence[Cell], statuses: Sequence[str]) -> dict[str, int]:
    """Count the cells by what became of them."""
    found = Counter(statuses)
    known = {status: found[status] for status in ("ok", "diverged", "crashed")}
    return {"cells": len(cells), **known, "missing": len(cells) - sum(known.values())}
