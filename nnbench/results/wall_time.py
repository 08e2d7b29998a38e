"""How long runs have worked on the results in a study's folder, kept there while they work."""

from __future__ import annotations

import json
import time

from nnbench.results.files import write_json
from nnbench.results.store import Store, Survey

FILE = "wall_time.json"


class WallTime:
    """The seconds of this run, and of all earlier ones whose results it goes on from.

    A run counts up to its last finished stack, or whole where it came to its end; one that finds
    nothing to do does not count. Where there is nothing to go on from, the count begins at zero.
    """

    def __init__(self, store: Store, survey: Survey) -> None:
        self._store = store
        self._began = time.perf_counter()
        self._earlier = _earlier(store) if survey.finished else 0.0
        self.seconds = self._earlier

    def note(self) -> None:
        """Take in the time that has passed, and keep it on disk."""
        self.seconds = round(self._earlier + time.perf_counter() - self._began, 1)
        write_json(self._store.folder / FILE, _origin(self._store) | {"wall_seconds": self.seconds})


def _origin(store: Store) -> dict[str, str]:
    return {"engine": store.engine, "source_fingerprint": store.fingerprint}


def _earlier(store: Store) -> float:
    """The seconds of earlier runs with this engine and these sources."""
    for name in (FILE, "provenance.json"):
        try:
            known = json.loads((store.folder / name).read_text(encoding="utf-8"))
            if _origin(store).items() <= known.items():
                return float(known["wall_seconds"])
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            continue  # not written yet, or damaged, which `nnbench verify` tells
    return 0.0
