"""How long runs have worked on the results in a study's folder, and when they write tables."""

import json
import time
from collections.abc import Callable, Iterable

from nnbench.results.files import PROVENANCE, WALL_TIME, write_json
from nnbench.results.store import Store, Survey

FILE = WALL_TIME
BETWEEN = ", "  # the names of several engines
# How old the tables of a run in progress may be: no twentieth of it goes to writing them.
SECONDS_BETWEEN_TABLES, TIMES_THE_LAST = 60.0, 20


class WallTime:
    """The seconds of this run, and of all earlier ones whose results it goes on from.

    A run counts up to its last finished stack, or whole where it came to its end; one that finds
    nothing to do does not count. Where there is nothing to go on from, the count begins at zero.
    """

    def __init__(self, store: Store, survey: Survey) -> None:
        self._store = store
        self._engines = set(survey.engines)
        self._began = time.perf_counter()
        self._earlier = _earlier(store, self._engines) if survey.finished else 0.0
        self.seconds = self._earlier

    def note(self, *engines: str) -> None:
        """Take in the time that has passed, and who trained in it, and keep it on disk."""
        self._engines.update(engines)
        self.seconds = round(self._earlier + time.perf_counter() - self._began, 1)
        self._write()

    def keep(self) -> None:
        """Keep the time so far on disk, where it is not: its file was damaged."""
        if not (self._store.folder / FILE).exists():
            self._write()

    def _write(self) -> None:
        known = {
            "engine": engine_text(self._engines),
            "source_fingerprint": self._store.fingerprint,
            "wall_seconds": self.seconds,
        }
        write_json(self._store.folder / FILE, known)


def engine_text(engines: Iterable[str]) -> str:
    """The engines that trained a study's cells, as its files name them."""
    return BETWEEN.join(sorted(engines))


def _earlier(store: Store, engines: set[str]) -> float:
    """The seconds of earlier runs of these sources, by all of these engines."""
    for name in (FILE, PROVENANCE):
        try:
            known = json.loads((store.folder / name).read_text(encoding="utf-8"))
            trained_by = known["engine"].split(BETWEEN)
            if known["source_fingerprint"] == store.fingerprint and engines.issubset(trained_by):
                return float(known["wall_seconds"])
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            continue  # not written yet, or damaged, which `nnbench verify` tells
    return 0.0


class TableClock:
    """Says when the tables of a run in progress are to be written again."""

    def __init__(self) -> None:
        self._since, self._pause = time.perf_counter(), SECONDS_BETWEEN_TABLES

    def is_time(self) -> bool:
        """Whether they are old enough, for what writing them takes."""
        return time.perf_counter() - self._since > self._pause

    def note(self, write: Callable[[], object]) -> None:
        """Write them."""
        began = time.perf_counter()
        write()
        self._since = time.perf_counter()
        self._pause = max(SECONDS_BETWEEN_TABLES, TIMES_THE_LAST * (self._since - began))
