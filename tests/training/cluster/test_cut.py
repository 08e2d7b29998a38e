"""The network is cut for a while: between the run and the scheduler, and around a worker."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from nnbench.training.cluster import run as run_module
from nnbench.training.cluster.place import opened
from tests.clusters import cluster
from tests.training.cluster.test_run import Running, names_of, tasks_of
from tests.waiting import until

pytestmark = [
    pytest.mark.slow,
    # of sockets and loops that Dask leaves to the collector when a connection breaks
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


class Wire:
    """Carries TCP to an address; can be cut, which breaks what is connected, or hold all back."""

    def __init__(self, address: str) -> None:
        host, _, port = address.removeprefix("tcp://").partition(":")
        self._to = (host, int(port))
        self._server = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._flows = threading.Event()
        self._flows.set()
        self._over = False
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self._server.getsockname()[1]}"

    @property
    def connections(self) -> int:
        return len(self._open) // 2

    def break_all(self) -> None:
        """Break every connection; the next ones are carried again."""
        broken, self._open = self._open, []
        for end in broken:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def hold(self) -> None:
        """Carry nothing more, and close nothing: neither end is told."""
        self._flows.clear()

    def close(self) -> None:
        self._over = True
        self._flows.set()
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.break_all()

    def _accept(self) -> None:
        with suppress(OSError):
            while not self._over:
                near, _ = self._server.accept()
                far = socket.create_connection(self._to)
                self._open += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(65_536):
                self._flows.wait()
                target.sendall(content)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def wire(address: str) -> Iterator[Wire]:
    made = Wire(address)
    try:
        yield made
    finally:
        made.close()


def test_a_run_goes_on_after_its_connection_to_the_scheduler_broke(tmp_path: Path) -> None:
    names = [f"t{number}" for number in range(6)]
    with (
        cluster(4) as four,
        wire(four.address) as between,
        Running(between.address, tmp_path, tasks_of(tmp_path, *names)) as running,
    ):
        running.all_started(names[:4])
        before = sum(len(running.starts(name)) for name in names)
        between.break_all()
        # what was running is forgotten by the scheduler, and started again by the run
        until(
            lambda: sum(len(running.starts(name)) for name in names) > before + 3, "starts after it"
        )
        ended = running.end()
        with opened(four.address) as client:
            assert len(client.nthreads()) == 4
    assert names_of(ended) == names
    assert [outcome[1] for task, outcome in ended] == [task[1] for task, outcome in ended]


def test_what_a_worker_has_that_nobody_reaches_is_done_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "LATE_SECONDS", 0.0)
    names = ["a", "b", "c", "d"]
    with cluster(3) as three, wire(three.address) as between:
        (cut_off,) = three.add(1, between.address)
        with Running(three.address, tmp_path, tasks_of(tmp_path, *names)) as running:
            running.all_started(names)
            between.hold()
            ended = running.end()
        (held,) = [name for name in names if cut_off.pid in running.starts(name)]
    assert names_of(ended) == names
    by = {name: outcome[0] for (_, (name,)), outcome in ended}
    assert by[held] != cut_off.pid
