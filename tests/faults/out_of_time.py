"""A run whose time is up as soon as it has committed two stacks, whatever the clock says."""

import signal

import nnbench.pipeline
from nnbench.results.rows import Rows
from nnbench.results.store import Store

COMMIT = Store.commit
committed: list[str] = []


def commit(self: Store, rows: Rows) -> str:
    """Commit, and let time be up after the second."""
    committed.append(COMMIT(self, rows))
    if len(committed) == 2:
        signal.raise_signal(signal.SIGALRM)
    return committed[-1]


def end_early() -> None:
    """Let this process's run be out of time soon."""
    Store.commit = commit  # type: ignore[method-assign]
    nnbench.pipeline.TIMES_THE_END = 0.0
