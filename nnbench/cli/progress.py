"""What a person sees while a study runs: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TextIO

from tqdm import tqdm

from nnbench.report.page.table_notes import table_lines
from nnbench.report.page.words import amount
from nnbench.results.rows import Rows
from nnbench.results.store import Survey
from nnbench.study.study_kinds import STUDY_KINDS, TRAINING
from nnbench.training.plan import PlannedStack
from nnbench.training.tasks import Task, Work

SECONDS_BETWEEN_LINES = 15.0
WHOLE_BAR = "{percentage:3.0f}% |{bar}| "  # before the counts
MOST_IN_FLIGHT = 0.99  # of all cells, shown before the last are on disk
SHARE_TO_TELL = 0.05  # of the work, timed, before a rate can be told
SECONDS_TO_TELL = 2.0


def rough(seconds: float) -> str:
    """A time that is only a guess: whole seconds, or minutes from two of them on."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"


class TimeLeft:
    """Tells how long the rest of a run takes, from the pace of the work so far.

    Work is counted in the seconds that the plan expects of each cell, which tell a slow cell from
    a quick one, and the clock starts with the first work done: before it, workers were starting up.
    """

    def __init__(self, stacks: Sequence[PlannedStack]) -> None:
        self._work = Work(stacks)
        self._done = 0.0
        self._in_flight: dict[str, float] = {}  # work done of each task, by its first cell
        self._start: tuple[float, float] | None = None  # the time, and the work done by then

    def progressed(self, task: Task, share: float) -> None:
        """Take in how far a task in flight is."""
        self._in_flight[task.cells[0].cell_id] = share * self._work(task)
        self._take_time()

    def finished(self, task: Task) -> None:
        """Take in that a task has ended."""
        self._in_flight.pop(task.cells[0].cell_id, None)
        self._done += self._work(task)
        self._take_time()

    def seconds(self) -> float | None:
        """The seconds left; None while too little is done to tell."""
        if self._start is None:
            return None
        began, before = self._start
        passed, timed = time.monotonic() - began, self._work_done() - before
        if passed < SECONDS_TO_TELL or timed < SHARE_TO_TELL * self._work.total:
            return None
        return passed / timed * max(0.0, self._work.total - self._work_done())

    def _work_done(self) -> float:
        return self._done + sum(self._in_flight.values())

    def _take_time(self) -> None:
        if self._start is None:
            self._start = (time.monotonic(), self._work_done())


class Silence:
    """Says nothing of a run."""

    def planned(self, *about: Any) -> None:
        """Nothing."""

    stage = staffed = noted = progressed = finished = close = planned


class Progress:
    """Counts cells done, diverged and crashed, and tells the rest of the time.

    on_planned: called when a run knows what it trains, and has forgotten what it is to forget.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        kind: str = TRAINING,
        noun: str | None = None,
        on_planned: Callable[[], None] = lambda: None,
    ) -> None:
        self._on_planned = on_planned
        self.stream = stream or sys.stderr
        self.noun, self.verb = noun or STUDY_KINDS[kind].noun, STUDY_KINDS[kind].verb
        self.doing = STUDY_KINDS[kind].doing
        self.total = 0
        self.done = 0.0
        self.bad = {"diverged": 0, "crashed": 0}
        self._workers: int | None = None  # of a cluster
        self._shares: dict[str, float] = {}  # of the tasks in flight, by their first cell
        self._bar: Any = None
        self._stage = self.doing
        self._left = TimeLeft([])
        self._said = time.monotonic()
        self._noted: set[str] = set()

    def planned(
        self,
        cells: int,
        survey: Survey,
        stacks: Sequence[PlannedStack],
        tables: Sequence[Mapping[str, Any]] = (),
        notes: Sequence[str] = (),
    ) -> None:
        """Say what became of the user's tables, what will run, what needs not and what is idle."""
        self._on_planned()
        for about in tables:
            for line in table_lines(about):
                self.say(line)
        self.total = sum(len(stack.cells) for stack in stacks)
        self._left = TimeLeft(stacks)
        self._said = time.monotonic()
        if survey.damaged_parts:
            self.say(
                f"{amount(survey.damaged_parts, 'damaged part')} set aside, in damaged/ beside the "
                "tables; their contents are computed again."
            )
        if survey.stale:
            self.say(
                f"{amount(len(survey.stale), 'result')} from other sources or library versions: "
                "stale, to be replaced."
            )
        if survey.other_engine:
            others = amount(len(survey.other_engine), "result")
            self.say(f"{others} from another engine: kept, not used.")
        finished = cells - self.total
        kept = f"{finished:,} already finished, " if finished else ""
        self.say(f"{cells:,} {self.noun}: {kept}{self.total:,} to {self.verb}.")
        for note in notes:
            self.say(f"note: {note}.")
        # a notebook's output is no terminal, but shows a bar like one
        if self.total and (self.stream.isatty() or "ipykernel" in sys.modules):
            self._bar = tqdm(
                total=self.total,
                file=self.stream,
                unit=" " + self.noun,
                bar_format=self._format(WHOLE_BAR),
            )

    def stage(self, name: str) -> None:
        """Take in what the run begins to do. A bar that is full says that all is done: none is."""
        self._stage = name
        if self._bar is not None:
            ends = name != self.doing and self.done >= self.total
            self._bar.bar_format = self._format("" if ends else WHOLE_BAR)
        self._show()

    def staffed(self, workers: int) -> None:
        """Take in how many workers a cluster has for the run."""
        if workers == 0 and self._workers is None:
            self.say("waiting for a worker of the cluster ...")
        self._workers = workers
        self._show()

    def progressed(self, task: Task, share: float) -> None:
        """Take in how far a task in flight is."""
        self._shares[task.cells[0].cell_id] = share * len(task.cells)
        self._left.progressed(task, share)
        self._show()

    def finished(self, task: Task, rows: Rows) -> None:
        """Take in a task's results."""
        self._shares.pop(task.cells[0].cell_id, None)
        self._left.finished(task)
        self.done += len(rows.cells)
        for row in rows.cells:
            if row["status"] in self.bad:
                self.bad[row["status"]] += 1
        for note in rows.notes:
            if note not in self._noted:
                self._noted.add(note)
                self.noted(f"note: {note}")
        self._show()

    def noted(self, sentence: str) -> None:
        """Say something of the workers, above the bar."""
        with tqdm.external_write_mode(self.stream):
            self.say(f"{sentence}.")

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
        if self.done < self.total:  # what is trained and not yet on disk is not done
            done = min(done, MOST_IN_FLIGHT * self.total)
        failures = "".join(f", {n} {status}" for status, n in self.bad.items() if n)
        left = self._left.seconds()
        rest = "" if not left else f", about {rough(left)} left"
        if self._workers is not None:
            rest = f", {self._workers:,} worker{'s' * (self._workers != 1)}{rest}"
        if self._bar is not None:
            self._bar.n = done
            failures = f"{self._stage}{failures}"
            # the bar puts a comma of its own before what it is given
            self._bar.set_postfix_str(f"{failures}{rest}".removeprefix(", "), refresh=True)
            return
        now = time.monotonic()
        if now - self._said < SECONDS_BETWEEN_LINES or not self.total:
            return
        self._said = now
        stage = "" if self._stage == self.doing else f", {self._stage}"
        self.say(f"{done:.0f}/{self.total} {self.noun}{failures}{stage or rest}")

    def _format(self, head: str) -> str:
        return head + "{n:.0f}/{total_fmt} " + self.noun + "{postfix}"
