"""`--cluster` as a user meets it: the same tables, one sentence for what is wrong, a quiet stop."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pandas as pd
import psutil
import pytest

import nnbench as nb
from nnbench.cli.ends import Exit, Failed
from nnbench.cli.needs import need_cluster
from nnbench.training.cluster import place
from nnbench.training.cluster.errors import ClusterError
from tests.cli.signal_at import watch_as_told
from tests.cli.tiny import STUDY
from tests.clusters import children, cluster
from tests.command import nnbench, start
from tests.waiting import until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tiny.toml").write_text(STUDY)
    long = STUDY.replace("epochs = 3", "epochs = 10_000")
    own = 'data = { csv = "mine.csv", target = "label" }'
    (tmp_path / "long.toml").write_text(long.replace('data = "iris"', own))
    rows = (f"{i % 7},{'ab'[i % 7 > 3]}" for i in range(120))
    (tmp_path / "mine.csv").write_text("\n".join(["x,label", *rows]) + "\n")
    return tmp_path


def tables(folder: Path) -> list[pd.DataFrame]:
    found = (pd.read_parquet(folder / "tiny" / f"{name}.parquet") for name in ("cells", "curves"))
    return [table.drop(columns="seconds", errors="ignore") for table in found]


@pytest.mark.whole
def test_a_cluster_of_this_machine_makes_the_tables_of_a_plain_run(folder: Path) -> None:
    plain = nnbench("run", "tiny.toml", "--out", "plain", "--workers", "1", cwd=folder)
    away = nnbench("run", "tiny.toml", "--out", "away", "--cluster", "local:2", cwd=folder)
    assert (plain.returncode, away.returncode) == (0, 0), away.stderr
    assert "waiting for a worker of the cluster ..." in away.stderr
    for theirs, ours in zip(tables(folder / "away"), tables(folder / "plain"), strict=True):
        pd.testing.assert_frame_equal(theirs, ours, check_exact=True)


def _words(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:  # it has just ended
        return []


@pytest.mark.whole
@pytest.mark.parametrize(
    "number",
    [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow), signal.SIGKILL],
)
def test_a_run_that_is_stopped_ends_quietly_and_its_workers_with_it(
    folder: Path, number: int
) -> None:
    (folder / "tmp").mkdir()
    asked = ("run", "long.toml", "--cluster", "local:2", "--engine", "stacked")
    running = start(*asked, cwd=folder, env={**os.environ, "TMPDIR": str(folder / "tmp")})
    parent = psutil.Process(running.pid)

    def training() -> list[psutil.Process]:
        found = parent.children(recursive=True)
        return [one for one in found if "worker.py" in str(_words(one))]

    until(lambda: len(training()) >= 2, "two processes that train")
    started = parent.children(recursive=True)
    os.kill(running.pid, number)
    ended = running.end()
    until(lambda: not any(one.is_running() for one in started), "the end of all it started")
    assert not list((folder / "tmp").rglob("mine.csv")), "no copy of a table stays"
    if number == signal.SIGKILL:  # then it can say nothing
        return
    assert ended.returncode == 128 + number
    said = {signal.SIGINT: "stopped", signal.SIGTERM: "terminated"}[signal.Signals(number)]
    assert ended.stderr.splitlines()[-1].startswith(f"nnbench: {said}; run the same command again")
    assert "Traceback" not in ended.stderr


@pytest.mark.whole
@pytest.mark.parametrize(
    "points",
    [
        "call:Crew.gather:self:KILL",
        "call:Crew.gather:self:INT,call:Client.close:self:INT",  # the second ends it at once
        "call:_workers,return:Popen._execute_child:self:TERM",
    ],
)
def test_a_run_that_ends_while_its_workers_start_leaves_nothing(folder: Path, points: str) -> None:
    there = folder / "tmp"
    there.mkdir()
    env = {**os.environ, "TMPDIR": str(there), "POINTS": points}
    asked = ("run", "tiny.toml", "--cluster", "local:2", "--engine", "stacked")
    ended = start(*asked, cwd=folder, env=env, first=watch_as_told).end()
    assert ended.returncode in (-signal.SIGKILL, 128 + signal.SIGINT, 128 + signal.SIGTERM)
    until(lambda: not _began_with(there), "the end of all it started")
    assert not list(there.glob(f"{place.PREFIX}*")), "no key stays"
    assert "Traceback" not in ended.stderr


def _began_with(temporary: Path) -> list[psutil.Process]:
    """The processes whose temporary folder is this one, or is in it."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # it has just ended, or is another user's
            if process.environ().get("TMPDIR", "").startswith(str(temporary)):
                found.append(process)
    return found


@pytest.mark.whole
def test_a_scheduler_that_is_killed_ends_a_run_in_a_sentence(folder: Path) -> None:
    with cluster(1) as made:
        address = made.address
        asked = ("run", "long.toml", "--cluster", address, "--engine", "stacked")
        running = start(*asked, cwd=folder)
        until(lambda: children(made.workers[0]), "a process that trains")
        made.scheduler.kill()
        ended = running.end()
    assert ended.returncode == Exit.FAULT
    said = f"nnbench: The scheduler at {address} is gone; what has finished is kept: "
    assert ended.stderr.splitlines()[-1].startswith(said)
    assert "distributed" not in ended.stderr and "Traceback" not in ended.stderr


@pytest.mark.whole
def test_tls_is_by_the_keys_that_dask_is_told(folder: Path) -> None:
    from distributed import Security

    known = Security.temporary().get_tls_config_for_role("client")
    for name in place.TLS:
        (folder / f"{name}.pem").write_text(known[name])
    keys = {"DASK_DISTRIBUTED__COMM__TLS__CA_FILE": str(folder / "ca_file.pem")}
    for role in ("CLIENT", "SCHEDULER", "WORKER"):
        for name in ("cert", "key"):
            path = str(folder / f"{name}.pem")
            keys[f"DASK_DISTRIBUTED__COMM__TLS__{role}__{name.upper()}"] = path
    asked = ("run", "tiny.toml", "--limit", "2")
    with cluster(1, env=keys, options=("--protocol", "tls")) as made:
        address = made.address
        assert address.startswith("tls://")
        env = {**os.environ, **keys}
        ended = nnbench(*asked, "--cluster", address, cwd=folder, env=env)
        assert ended.returncode == 0, ended.stderr
        without = nnbench(*asked, "--cluster", address, "--out", "other", cwd=folder)
    assert without.returncode == Exit.USAGE
    assert f"nnbench: --cluster {address}: no scheduler answers there" in without.stderr
    assert len(pd.read_parquet(folder / "results" / "tiny" / "cells.parquet")) == 2


def test_what_is_said_of_a_cluster_has_to_go_together() -> None:
    need_cluster("tcp://here:1", True, "cpu", None)
    for said, told in (
        (("", True, "cpu", None), "--mixed needs --cluster ADDRESS"),
        (("tcp://here:1", False, "cuda", None), "leave --device out"),
        (("tcp://here:1", False, "cpu", 2), "leave --workers out"),
    ):
        with pytest.raises(Failed, match=told) as failed:
            need_cluster(*said)  # type: ignore[arg-type]
        assert failed.value.code == Exit.USAGE


def test_local_is_said_with_a_number() -> None:
    assert place.local_workers("local:4") == 4
    assert place.local_workers("tcp://local:4") is None
    for address in ("local", "local:", "local:0", "local:4x", "local:99999"):
        with pytest.raises(ClusterError, match="write local:4"):
            place.local_workers(address)


def test_without_dask_there_is_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    way_out = r"--cluster needs Dask: pip install 'nnbench\[cluster\]'"
    with pytest.raises(nb.ClusterError, match=way_out), place.opened("tcp://127.0.0.1:9"):
        raise AssertionError("there is none")


def test_no_logger_of_dask_speaks_at_a_level_of_its_own() -> None:
    place._need_dask()
    loggers = [n for n in logging.root.manager.loggerDict if n.split(".")[0] == "distributed"]
    assert "distributed.client" in loggers
    assert not [n for n in loggers if logging.getLogger(n).isEnabledFor(logging.ERROR)]


@pytest.mark.whole
def test_no_command_imports_dask_that_does_not_need_it() -> None:
    code = "import nnbench.api, nnbench.cli.running, sys; print('distributed' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "False"
