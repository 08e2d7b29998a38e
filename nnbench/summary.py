"""What a run is expected to take and what it came to: lines for people, rows for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nnbench.kinds import KINDS
from nnbench.plan import Stack, disk_bytes, plan
from nnbench.report.numbers import duration
from nnbench.run import Options, Outcome, limited, tables_of
from nnbench.study import Study
from nnbench.table_notes import table_sentences


@dataclass(frozen=True)
class Forecast:
    """What a study would run, and what that is expected to take."""

    study: Study
    stacks: list[Stack]
    workers: int

    @property
    def cells(self) -> int:
        """Return the number of cells."""
        return sum(len(stack.cells) for stack in self.stacks)

    @property
    def tables(self) -> list[dict[str, Any]]:
        """Return what is done to each of the user's own tables."""
        return tables_of([cell for stack in self.stacks for cell in stack.cells])

    @property
    def seconds(self) -> float:
        """Return the seconds that all workers together are expected to take."""
        return sum(stack.seconds for stack in self.stacks) / self.workers

    @property
    def megabytes(self) -> float:
        """Return the expected size of the results on disk."""
        return disk_bytes(self.stacks) / 1e6

    def row(self) -> dict[str, Any]:
        """Return the forecast for a program."""
        return {
            "study": self.study.name,
            "cells": self.cells,
            "stacks": [len(stack.cells) for stack in self.stacks],
            "seconds": round(self.seconds, 1),
            "megabytes": round(self.megabytes, 2),
            "tables": self.tables,
        }

    def lines(self) -> list[str]:
        """Return the forecast for a person, factors and their levels first."""
        study, noun = self.study, KINDS[self.study.kind].noun
        largest = max(stack.memory for stack in self.stacks) / 1e6
        return [
            *(f"{about['file']}: {' '.join(table_sentences(about))}" for about in self.tables),
            f"{study.name}: {self.cells:,} {noun} in {len(self.stacks)} stacks",
            *(f"  {factor}: {', '.join(labels)}" for factor, labels in study.factors.items()),
            f"  seeds: {', '.join(map(str, study.seeds))}",
            f"expected: about {duration(self.seconds)} with {self.workers} workers, "
            f"{self.megabytes:.1f} MB on disk, {largest:.0f} MB of memory for the largest stack",
        ]


def forecast(study: Study, options: Options) -> Forecast:
    """Return what a run with these options would take, were nothing finished yet."""
    cells = limited(study.cells(), options.limit)
    return Forecast(study, plan(cells, options.processes), options.processes)


def outcome_row(study: Study, outcome: Outcome) -> dict[str, Any]:
    """Return what a run came to for a program."""
    return {
        "study": study.name,
        **outcome.counts,
        "seconds": round(outcome.seconds, 1),
        "folder": str(outcome.folder),
        "report": str(outcome.report.path),
    }


def closing_lines(study: Study, outcome: Outcome) -> list[str]:
    """Return the closing block: cells, failures, time, the two most important findings."""
    counts, noun = outcome.counts, KINDS[study.kind].noun
    failures = "".join(f", {counts[s]} {s}" for s in ("diverged", "crashed") if counts[s])
    lines = [
        study.title,
        f"  {counts['cells'] - counts['missing']:,} of {counts['cells']:,} {noun}"
        f"{failures}, in {duration(outcome.seconds)}",
        *(f"  {sentence}" for sentence in outcome.report.answer[:2]),
    ]
    if counts["crashed"]:
        lines.append(f"  crashed {noun}: column `reason` of cells.csv says why")
    return lines
