"""What a study would run, and what that is expected to take: the dry run."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nnbench.cli.summary import Standing, seeds_text, standing_of_study
from nnbench.pipeline import Options, limited, tables_of
from nnbench.report.page.numbers import duration
from nnbench.report.page.table_notes import table_lines
from nnbench.report.page.words import amount
from nnbench.results.files import results_folder
from nnbench.results.more import with_more
from nnbench.results.provenance import cores
from nnbench.results.store import holds_results
from nnbench.study.baselines import ENGINE
from nnbench.study.idle import idle_factors
from nnbench.study.study import Study
from nnbench.study.study_kinds import STUDY_KINDS, TRAINING
from nnbench.training.native.choice import ALONE, Share, expected_shares, is_alone
from nnbench.training.native.machine import Machine, known_machine
from nnbench.training.native.wall import wall_seconds
from nnbench.training.plan import PlannedStack, disk_bytes, plan


@dataclass(frozen=True)
class Forecast:
    """What a study would run, and what that is expected to take."""

    study: Study
    stacks: list[PlannedStack]
    workers: int
    engines: list[Share]
    machine: Machine
    standing: Standing | None = None  # of results that are there

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
        return wall_seconds(self.stacks, min(self.workers, cores()), self.machine)

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
            "standing": None if self.standing is None else self.standing.row(),
        }

    def lines(self) -> list[str]:
        """For people: factors and their levels first."""
        study, noun = self.study, self.study.noun
        largest = max(stack.memory for stack in self.stacks) / 1e6
        return [
            *(line for about in self.tables for line in table_lines(about)),
            f"{study.name}: {self.cells:,} {noun}",
            *(f"  {factor}: {', '.join(labels)}" for factor, labels in study.factors.items()),
            f"  seeds: {seeds_text(study.seeds)}",
            *(self._engine_line(share) for share in self.engines),
            *(f"note: {note}" for note in self.notes),
            *(self.standing.lines() if self.standing else []),
            f"expected: about {duration(self.seconds)} with {amount(self.workers, 'worker')}, "
            f"{self.megabytes:.1f} MB on disk, at most {largest:.0f} MB of memory for each",
        ]

    def _engine_line(self, share: Share) -> str:
        noun = "models" if share.engine == ENGINE else STUDY_KINDS[self.study.kind].noun
        why = f": {share.why}" if share.why else ""
        return f"  engine: {share.engine} for {share.cells:,} {noun}{why}"


def forecast(study: Study, options: Options) -> Forecast:
    """What a run with these options would take, were nothing finished yet; without torch."""
    study = study if options.fresh else with_more(study, options.out)
    cells = limited(study.cells(), options.limit)
    options = options.of_kind(study.kind)
    stacks = plan(cells, options.processes, is_native=options.is_native)
    engines = engines_of(study, stacks, options)
    standing = None
    if not options.fresh and holds_results(results_folder(options.out, study.name)):
        standing = standing_of_study(study, options)
    return Forecast(study, stacks, options.processes, engines, known_machine(), standing)


def engines_of(study: Study, stacks: Sequence[PlannedStack], options: Options) -> list[Share]:
    """Which engines will train how many of a study's cells."""
    cells = [stack.cells for stack in stacks]
    if study.kind != TRAINING or options.engine == "reference":
        recipes = [cell.recipe for stack in cells for cell in stack]
        alone = options.engine != "reference"
        found = Counter(
            (options.hoped_name(one), ALONE if alone and is_alone(one) else None) for one in recipes
        )
        return [Share(name, count, why) for (name, why), count in found.most_common()]
    return expected_shares(cells, options.engine, options.device)
