"""What a person sees while a study runs: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any, TextIO

from tqdm import tqdm

from nnbench.kinds import KINDS, TRAINING
from nnbench.plan import Stack
from nnbench.report.numbers import duration
from nnbench.rows import Rows
from nnbench.run import Task
from nnbench.store import Survey

SECONDS_BETWEEN_LINES = 15.0
SHARE_TO_TELL = 0.02  # done before that, starting up is most of the time: no rate can be told


class Progress:
    """Counts cells done, diverged and crashed, and tells the rest of the time."""

    def __init__(self, stream: TextIO | None = None, kind: str = TRAINING) -> None:
        self.stream = stream or sys.stderr
        self.noun, self.verb = KINDS[kind].noun, KINDS[kind].verb
        self.total = 0
        self.done = 0.0
        self.bad = {"diverged": 0, "crashed": 0}
        self._shares: dict[str, float] = {}  # of the tasks in flight, by their first cell
        self._bar: Any = None
        self._began = self._said = time.monotonic()

    def planned(self, cells: int, survey: Survey, stacks: Sequence[Stack]) -> None:
        """Say what will run and what needs not."""
        self.total = sum(len(stack.cells) for stack in stacks)
        self._began = self._said = time.monotonic()
        if survey.damaged_parts:
            self.say(
                f"{survey.damaged_parts} damaged parts set aside, in damaged/ beside the tables; "
                "their cells run again."
            )
        if survey.stale:
            self.say(
                f"{len(survey.stale)} results are of other sources or library versions: stale, "
                "and replaced."
            )
        if survey.other_engine:
            self.say(f"{len(survey.other_engine)} results are of another engine: kept, not used.")
        finished = cells - self.total
        kept = f", {finished:,} finished earlier" if finished else ""
        to_do = f"{self.total:,} to {self.verb} in {len(stacks)} stacks"
        self.say(f"{cells:,} {self.noun}{kept}: {to_do}.")
        if self.total and self.stream.isatty():
            self._bar = tqdm(
                total=self.total,
                file=self.stream,
                unit="cell",
                bar_format="{percentage:3.0f}% |{bar}| {n:.0f}/{total_fmt} "
                + self.noun
                + "{postfix}, {remaining} left",
            )

    def progressed(self, task: Task, share: float) -> None:
        """Take in how far a task in flight is."""
        self._shares[task.cells[0].cell_id] = share * len(task.cells)
        self._show()

    def finished(self, task: Task, rows: Rows) -> None:
        """Take in a task's results."""
        self._shares.pop(task.cells[0].cell_id, None)
        self.done += len(rows.cells)
        for row in rows.cells:
            if row["status"] in self.bad:
                self.bad[row["status"]] += 1
        self._show()

    def close(self) -> None:
        """End the bar's line."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def say(self, text: str) -> None:
        """Write a line, if anyone still reads it."""
        try:
            print(text, file=self.stream, flush=True)
        except (BrokenPipeError, ValueError):
            return

    def _show(self) -> None:
        done = min(self.total, self.done + sum(self._shares.values()))
        failures = "".join(f", {n} {status}" for status, n in self.bad.items() if n)
        if self._bar is not None:
            self._bar.n = done
            self._bar.set_postfix_str(failures.removeprefix(", "), refresh=True)
            return
        now = time.monotonic()
        if now - self._said < SECONDS_BETWEEN_LINES or done < SHARE_TO_TELL * self.total:
            return
        self._said = now
        left = (now - self._began) / done * (self.total - done)
        self.say(f"{done:.0f}/{self.total} {self.noun}{failures}, about {duration(left)} left")
