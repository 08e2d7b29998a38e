"""What a run is expected to take and what it came to: lines for people, rows for programs."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnbench.report.page.numbers import duration
from nnbench.report.page.table_notes import column_lines, table_sentences
from nnbench.report.page.words import MOST_FINDINGS
from nnbench.results.fingerprint import fingerprint
from nnbench.results.read import read_results
from nnbench.results.store import Store
from nnbench.run import Options, Outcome, limited, open_store, tables_of
from nnbench.study.baselines import ENGINE
from nnbench.study.idle import idle_factors
from nnbench.study.study import Study
from nnbench.study.study_kinds import STUDY_KINDS, TRAINING
from nnbench.training.native.choice import Share, expected_shares
from nnbench.training.plan import PlannedStack, disk_bytes, plan

MOST_SEEDS = 10  # that are listed one by one
SECONDS_BESIDE = 10.0  # for imports, the plan, tables and report of a study of a thousand networks
WIDEST = 100  # characters of a line of text


@dataclass(frozen=True)
class Forecast:
    """What a study would run, and what that is expected to take."""

    study: Study
    stacks: list[PlannedStack]
    workers: int
    engines: list[Share]

    @property
    def cells(self) -> int:
        """How many cells would run."""
        return sum(len(stack.cells) for stack in self.stacks)

    @property
    def tables(self) -> list[dict[str, Any]]:
        """What is done to each of the user's own tables."""
        return tables_of([cell for stack in self.stacks for cell in stack.cells])

    @property
    def notes(self) -> list[str]:
        """Where a factor of the study changes nothing, and why."""
        return [idle.sentence for idle in idle_factors(self.study)]

    @property
    def seconds(self) -> float:
        """How long all workers together are expected to take, from the start to the report."""
        return SECONDS_BESIDE + sum(stack.seconds for stack in self.stacks) / self.workers

    @property
    def megabytes(self) -> float:
        """The size of the results on disk, as expected."""
        return disk_bytes(self.stacks) / 1e6

    def row(self) -> dict[str, Any]:
        """For programs: plain data."""
        return {
            "study": self.study.name,
            "cells": self.cells,
            "stacks": [len(stack.cells) for stack in self.stacks],
            "seconds": round(self.seconds, 1),
            "megabytes": round(self.megabytes, 2),
            "engines": [share._asdict() for share in self.engines],
            "tables": self.tables,
            "notes": self.notes,
        }

    def lines(self) -> list[str]:
        """For people: factors and their levels first."""
        study, noun = self.study, self.study.noun
        largest = max(stack.memory for stack in self.stacks) / 1e6
        return [
            *(
                line
                for about in self.tables
                for line in (
                    f"{about['file']}: {' '.join(table_sentences(about))}",
                    *column_lines(about),
                )
            ),
            f"{study.name}: {self.cells:,} {noun} in {len(self.stacks)} stacks",
            *(f"  {factor}: {', '.join(labels)}" for factor, labels in study.factors.items()),
            f"  seeds: {seeds_text(study.seeds)}",
            *(self._engine_line(share) for share in self.engines),
            *(f"note: {note}" for note in self.notes),
            f"expected: about {duration(self.seconds)} with {self.workers} workers, "
            f"{self.megabytes:.1f} MB on disk, {largest:.0f} MB of memory for the largest stack",
        ]

    def _engine_line(self, share: Share) -> str:
        noun = "models" if share.engine == ENGINE else STUDY_KINDS[self.study.kind].noun
        why = f": {share.why}" if share.why else ""
        return f"  engine: {share.engine} for {share.cells:,} {noun}{why}"


def seeds_text(seeds: Sequence[int]) -> str:
    """The seeds of a study, of many only the ends."""
    if len(seeds) <= MOST_SEEDS:
        return ", ".join(map(str, seeds))
    return f"{seeds[0]}, {seeds[1]}, ..., {seeds[-1]} ({len(seeds):,} seeds)"


def forecast(study: Study, options: Options) -> Forecast:
    """What a run with these options would take, were nothing finished yet."""
    cells = limited(study.cells(), options.limit)
    options = options.of_kind(study.kind)
    stacks = plan(cells, options.processes, is_native=options.is_native)
    return Forecast(study, stacks, options.processes, engines_of(study, stacks, options))


def engines_of(study: Study, stacks: Sequence[PlannedStack], options: Options) -> list[Share]:
    """Which engines will train how many of a study's cells."""
    if study.kind != TRAINING or options.engine == "reference":
        name = options.of_kind(study.kind).engine_name
        return [Share(name, sum(len(stack.cells) for stack in stacks), None)]
    cells = [stack.cells for stack in stacks]
    return expected_shares(cells, options.engine, options.device)


def outcome_row(study: Study, outcome: Outcome) -> dict[str, Any]:
    """What a run came to, for programs."""
    return {
        "study": study.name,
        **outcome.counts,
        "seconds": round(outcome.seconds, 1),
        "folder": str(outcome.folder),
        "report": str(outcome.report.path),
    }


def closing_lines(study: Study, outcome: Outcome, columns: int = WIDEST) -> list[str]:
    """The closing block: cells, failures, time, the two most important findings."""
    counts, noun = outcome.counts, study.noun
    words = {"diverged": "diverged", "crashed": "crashed", "missing": "not run"}
    rest = "".join(f", {counts[key]:,} {word}" for key, word in words.items() if counts[key])
    said = [
        f"{counts['ok']:,} of {counts['cells']:,} {noun} finished{rest}, "
        f"in {duration(outcome.seconds)}",
        *outcome.report.answer[: MOST_FINDINGS + bool(study.written.baselines)],
    ]
    if counts["crashed"]:
        said.append(f"crashed {noun}: column `reason` of cells.csv says why")
    return [study.title, *(line for text in said for line in wrapped(text, columns))]


def wrapped(text: str, columns: int) -> list[str]:
    """A sentence in lines that a terminal shows whole, each set in."""
    width = max(20, min(columns, WIDEST))
    return textwrap.wrap(
        text,
        width,
        initial_indent="  ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


@dataclass(frozen=True)
class Standing:
    """How much of a study is finished: numbers of its cells."""

    study: str
    noun: str
    cells: int
    finished: int
    crashed: int
    stale: int
    damaged_parts: int
    other_engine: int  # with results of an engine that a run would not take, which stay

    @property
    def to_run(self) -> int:
        """How many cells a run would train."""
        return self.cells - self.finished

    def row(self) -> dict[str, Any]:
        """For programs: plain data."""
        counts = (
            "cells",
            "finished",
            "crashed",
            "stale",
            "damaged_parts",
            "to_run",
            "other_engine",
        )
        return {"study": self.study} | {name: getattr(self, name) for name in counts}

    def lines(self) -> list[str]:
        """For people: what is not as it should be in lines of its own."""
        to_run = f"{self.to_run:,} to run" if self.to_run else "nothing to run"
        lines = [
            f"{self.study}: {self.finished:,} of {self.cells:,} {self.noun} finished, {to_run}"
        ]
        if self.crashed:
            lines.append(f"  {self.crashed:,} crashed: a run tries again")
        if self.stale:
            lines.append(
                f"  {self.stale:,} with results of other sources or versions: a run replaces them"
            )
        if self.other_engine:
            lines.append(f"  {self.other_engine:,} with results of another engine, which stay")
        if self.damaged_parts:
            parts = "part" if self.damaged_parts == 1 else "parts"
            lines.append(f"  {self.damaged_parts:,} damaged {parts} set aside")
        return lines


def standing_of_study(study: Study, out: Path) -> Standing:
    """How much of a study has results in a folder of results."""
    ids = {cell.cell_id for cell in study.cells()}
    return _standing(study.name, study.noun, len(ids), ids, open_store(study, Options(out)))


def standing_of_results(folder: Path) -> Standing:
    """How much of the run that wrote a folder is finished, as its provenance counts it."""
    results = read_results(folder)
    provenance, study = results.provenance, results.study
    ids = set(results.cells["cell_id"])
    store = Store(folder, provenance["engine"], fingerprint())
    return _standing(
        study["name"], STUDY_KINDS[study["kind"]].noun, provenance["counts"]["cells"], ids, store
    )


def _standing(study: str, noun: str, cells: int, ids: set[str], store: Store) -> Standing:
    survey = store.survey()
    return Standing(
        study=study,
        noun=noun,
        cells=cells,
        finished=len(ids & survey.finished),
        crashed=len(ids & survey.crashed),
        stale=len(ids & survey.stale),
        damaged_parts=survey.damaged_parts,
        other_engine=len(ids & survey.other_engine),
    )
