"""A Dask scheduler and workers, each a process of its own, as on machines of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.places import ROOT
from tests.waiting import until

QUIET = {"DASK_LOGGING__DISTRIBUTED": "critical", "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}


@dataclass
class Cluster:
    """A scheduler that listens on this machine alone, and what workers it was given."""

    folder: Path
    env: Mapping[str, str] = field(default_factory=dict)
    options: Sequence[str] = ()
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return str(json.loads((self.folder / "scheduler.json").read_text())["address"])

    def _is_told(self) -> bool:
        """Whether the scheduler has written where it listens, to the end: not just the file."""
        with suppress(FileNotFoundError, json.JSONDecodeError):
            return bool(self.address)
        return False

    def start(self) -> None:
        where = ("--scheduler-file", str(self.folder / "scheduler.json"))
        here = ("--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0")
        self.scheduler = self._started("dask_scheduler", *here, *where)
        until(self._is_told, "the scheduler")

    def add(self, count: int = 1, address: str | None = None) -> list[subprocess.Popen[bytes]]:
        """Start workers of one thread, each a process without a keeper; they join when they can."""
        alone = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0")
        where = ("--local-directory", str(self.folder))
        added = [
            self._started("dask_worker", address or self.address, *alone, *where)
            for _ in range(count)
        ]
        self.workers += added
        return added

    def stop(self) -> None:
        for process in [*self.workers, self.scheduler]:
            process.kill()
            process.wait()

    def _started(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.{program}", *arguments, *self.options]
        env = {**os.environ, **QUIET, **self.env}
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, env=env)


@contextmanager
def cluster(
    workers: int = 0, env: Mapping[str, str] | None = None, options: Sequence[str] = ()
) -> Iterator[Cluster]:
    """A cluster for as long as a test takes."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        made = Cluster(Path(folder), env or {}, options)
        made.start()
        try:
            made.add(workers)
            yield made
        finally:
            made.stop()


def children(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The processes that train for a worker."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(process.pid).children()
    return []


@contextmanager
def frozen(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """A process that neither works nor ends nor answers, and with it those that train for it."""
    stopped = [process.pid, *(child.pid for child in children(process))]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in stopped:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
