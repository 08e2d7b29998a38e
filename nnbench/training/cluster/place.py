"""A cluster by its address, or one of processes of this machine, for as long as a run takes."""

import json
import logging
import os
import re
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from nnbench.training.cluster.errors import ClusterError
from nnbench.training.scratch import new_scratch
from nnbench.training.workers import held_back

LOCAL = re.compile(r"local:([1-9]\d{0,3})")
ENOUGH_SECONDS = 30.0  # for a scheduler to answer
PREFIX = "nnbench-local-cluster-"  # of the folder that keys and workers have
TLS = ("ca_file", "cert", "key")
KEEPER = Path(__file__).with_name("keeper.py")


def local_workers(address: str) -> int | None:
    """How many processes `local:N` asks for; None for another address. Errors: ClusterError."""
    found = LOCAL.fullmatch(address)
    if found is None and address.startswith("local"):
        raise ClusterError(f"--cluster {address}: write local:4 for four processes on this machine")
    return None if found is None else int(found[1])


@contextmanager
def opened(address: str) -> Iterator[Any]:
    """A client of the cluster at an address, which it leaves as it was.

    `local:4` is a scheduler in this process, and four workers that end with it. They talk by TLS
    with a key that is made for the run, since whoever reaches a scheduler can run code on its
    workers, and other users of this machine could. Errors: ClusterError.
    """
    wanted = local_workers(address)
    _need_dask()
    if wanted is None:
        with _client(address) as client:
            yield client
        return
    from distributed import LocalCluster, Security

    security = Security.temporary()
    there = LocalCluster(
        n_workers=0, protocol="tls", security=security, dashboard_address=None, host="127.0.0.1"
    )
    with there, _workers(there.scheduler_address, wanted, security), _client(there) as client:
        yield client


def _need_dask() -> None:
    try:
        import cryptography  # noqa: F401
        import distributed  # noqa: F401
    except ImportError:
        way_out = "needs Dask: pip install 'nnbench[cluster]'"
        raise ClusterError(f"--cluster {way_out}") from None
    # what it says of its connections, nnbench says in a sentence
    for name in list(logging.root.manager.loggerDict):  # some have levels of their own
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL)


@contextmanager
def _client(place: Any) -> Iterator[Any]:
    from distributed import Client

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of versions that differ: each worker is asked
            client = Client(place, timeout=ENOUGH_SECONDS, set_as_default=False, name="nnbench")
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        why = str(error).partition("\n")[0] or type(error).__name__
        raise ClusterError(f"--cluster {place}: no scheduler answers there: {why}") from None
    try:
        yield client
    finally:
        with suppress(Exception):  # a scheduler that is gone has nothing left to tidy
            client.close(timeout=5)


@contextmanager
def _workers(address: str, count: int, security: Any) -> Iterator[None]:
    """Worker processes of this machine, which no Ctrl-C reaches and which end with this one.

    They are a keeper's: whatever becomes of this process, the system closes the keeper's pipe.
    """
    known = security.get_tls_config_for_role("worker")
    order = {"address": address, "count": count, "keys": {name: known[name] for name in TLS}}
    # -P: its own folder holds modules of nnbench, which are none to import from
    command = [sys.executable, "-P", str(KEEPER)]
    with held_back():
        keeper = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=True)
    assert keeper.stdin is not None
    try:
        with suppress(OSError):  # it has died: then no worker comes
            keeper.stdin.write(f"{json.dumps(sys.path)}\n{json.dumps(order)}\n")
            keeper.stdin.flush()
        yield
    finally:
        with suppress(OSError):
            keeper.stdin.close()
        keeper.wait()


def keep(pipe: TextIO) -> None:
    """A keeper's life: start workers as told, and end them when the pipe closes.

    Their keys and all that they write lie in a folder that goes with them.
    """
    told = pipe.readline()
    if not told.endswith("\n"):  # the parent is gone already
        return
    for number in (signal.SIGINT, signal.SIGTERM):  # not ignored, which the workers would inherit
        signal.signal(number, lambda number, frame: None)
    scratch = new_scratch(PREFIX)
    try:
        process = _started(scratch.folder, **json.loads(told))
        pipe.read()
        with suppress(ProcessLookupError):  # all of them: they have nothing to lose
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    finally:
        scratch.remove()


def _started(
    folder: Path, address: str, count: int, keys: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Workers, in a group of their own."""
    command = [
        *(sys.executable, "-m", "distributed.cli.dask_worker", address),
        *("--nworkers", str(count), "--nthreads", "1", "--no-dashboard"),
        *("--memory-limit", "0", "--local-directory", str(folder), "--death-timeout", "60"),
        *_credentials(folder, keys),
    ]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "PYTHONSAFEPATH": "1",
        "TMPDIR": str(folder),  # what they are sent goes with them, who are killed
        "DASK_LOGGING__DISTRIBUTED": "critical",
    }
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, env=environment, start_new_session=True
    )


def _credentials(folder: Path, keys: Mapping[str, str]) -> Iterator[str]:
    """The arguments that tell a worker its key; the folder is open to this user alone."""
    for name, text in keys.items():
        path = folder / f"{name}.pem"
        path.write_text(text)
        yield from (f"--tls-{name.replace('_', '-')}", str(path))
