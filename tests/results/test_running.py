"""The sign of a run in progress: there as long as the run lives, whatever ends it."""

from __future__ import annotations

import fcntl
import os
import signal
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import nnbench.pipeline
from nnbench.cli.watch import pace_line, watch
from nnbench.results.rows import Rows
from nnbench.results.running import FOLDER, Pace, alone_in, is_running, pace_of, sign_of
from tests.faults.small_run import complete

PACE = Pace("small", "networks", cells=10, to_run=8, work=4.0)


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of the files stands, so that no time passes since they were written."""
    monkeypatch.setattr("time.time", lambda: 0.0)


def test_a_sign_stands_while_its_run_does(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    assert not is_running(folder)
    with sign_of(folder, PACE):
        assert is_running(folder) and pace_of(folder) == PACE
        with alone_in(folder) as is_alone:
            assert not is_alone
    assert not is_running(folder) and pace_of(folder) is None
    assert list(folder.iterdir()) == []


def test_the_last_of_two_runs_takes_it_away(tmp_path: Path) -> None:
    with sign_of(tmp_path, PACE):
        with sign_of(tmp_path, PACE):
            assert is_running(tmp_path)
        assert is_running(tmp_path) and (tmp_path / FOLDER).is_dir()
    assert not (tmp_path / FOLDER).exists()


def test_a_run_that_is_killed_is_none_in_progress(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        with sign_of(tmp_path, PACE):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert pace_of(tmp_path) == PACE and not is_running(tmp_path)
    with sign_of(tmp_path, PACE):
        assert is_running(tmp_path)
    assert not (tmp_path / FOLDER).exists()


def test_it_tells_how_far_the_run_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    with sign_of(tmp_path, PACE) as sign:
        for status in ("ok", "diverged"):
            now[0] += 5.0
            sign.finished(Rows([{"status": status}] * 2), work=1.0)
        found = pace_of(tmp_path)
        assert found == Pace("small", "networks", 10, 8, 10.0, 4, 2, 0, 4.0, 2.0)
        assert (found.rate, found.seconds_left) == (0.4, 10.0)
        sign.finished(Rows([{"status": "crashed"}]), work=1.0)
        later = pace_of(tmp_path)
        assert later is not None and (later.done, later.crashed) == (5, 1)
        monkeypatch.setattr(
            "time.time", lambda: (tmp_path / FOLDER / "run.json").stat().st_mtime + 7
        )
        assert pace_of(tmp_path) == replace(later, seconds=17.0), "it goes on while nothing ends"
    assert (PACE.rate, PACE.seconds_left) == (None, None)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"study": "small"}', '{"other": 1}'])
def test_a_sign_that_cannot_be_read_tells_nothing(tmp_path: Path, content: str) -> None:
    with sign_of(tmp_path, PACE):
        (tmp_path / FOLDER / "run.json").write_text(content)
        assert pace_of(tmp_path) is None and is_running(tmp_path)


def test_it_stands_until_the_page_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, lines = [], []
    folder = tmp_path / "small"
    pages = nnbench.pipeline.write_pages

    def looks(*about: Any) -> Any:
        found = pace_of(folder)
        assert found is not None and is_running(folder)
        seen.append(found)
        lines.append(pace_line(found))
        return pages(*about)

    monkeypatch.setattr(nnbench.pipeline, "write_pages", looks)
    complete(tmp_path)
    assert [(one.done, one.ends) for one in seen] == [(seen[0].to_run, "writing the report")]
    assert lines[0].endswith(", writing the report")
    assert (folder / "report.html").is_file() and not is_running(folder)


def test_a_watcher_tells_what_is_written_and_ends_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ExitStack() as run:
        sign = run.enter_context(sign_of(tmp_path, PACE))
        steps = iter(
            (
                lambda: sign.finished(Rows([{"status": "ok"}] * 8), work=4.0),
                lambda: sign.ends("writing tables"),
                lambda: sign.ends("writing the report"),
                lambda: sign.planned(PACE),  # the next round of what settles claims
                run.close,
            )
        )
        watch(tmp_path, lambda seconds: next(steps)())
    said = [line.removeprefix("small: ") for line in capsys.readouterr().out.splitlines()]
    assert [line.partition(" finished")[0] for line in said] == [
        *("2 of 10 networks", "10 of 10 networks", "10 of 10 networks", "10 of 10 networks"),
        "2 of 10 networks",
    ]
    assert [line.rpartition(", ")[2] for line in said[2:4]] == [
        *("writing tables", "writing the report"),
    ]
    assert next(steps, None) is None


def test_a_run_that_is_refused_leaves_no_folder(tmp_path: Path) -> None:
    with sign_of(tmp_path / "small"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_takes_no_sign_is_run_in_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with sign_of(tmp_path / "file", PACE) as sign:
        sign.finished(Rows([{"status": "ok"}]), work=1.0)
    assert not is_running(tmp_path / "file") and (tmp_path / "file").read_text() == ""


def test_whoever_is_alone_keeps_runs_waiting(tmp_path: Path) -> None:
    with alone_in(tmp_path) as is_alone:
        assert is_alone
        child = os.fork()
        if child == 0:
            with sign_of(tmp_path, PACE):
                (tmp_path / "ran").touch()
            os._exit(0)
        assert os.waitpid(child, os.WNOHANG) == (0, 0) and not (tmp_path / "ran").exists()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (tmp_path / "ran").exists() and not (tmp_path / FOLDER).exists()


def test_a_forked_child_keeps_no_lock(tmp_path: Path) -> None:
    comes, goes = os.pipe()
    with alone_in(tmp_path):
        child = os.fork()
        if child == 0:
            os.close(goes)
            os.read(comes, 1)  # until the parent closes its end
            os._exit(0)
        held = os.open(tmp_path / FOLDER, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
        is_free = True
    except BlockingIOError:
        is_free = False
    os.close(goes)
    os.waitpid(child, 0)
    os.close(held)
    os.close(comes)
    assert is_free
