"""Temporary folders: gone with their process, or when the next one looks."""

from __future__ import annotations

import fcntl
import os
import signal
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from nnbench.training.cluster import member, place
from nnbench.training.native import folders, machine
from nnbench.training.scratch import is_private, new_scratch, scratch_for

PREFIX = "nnbench-test-"
PREFIXES = (member.PREFIX, place.PREFIX, folders.PREFIX, machine.PREFIX)


@pytest.fixture(autouse=True)
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def aged(folder: Path) -> None:
    then = time.time() - 86_400
    os.utime(folder, (then, then))


def test_what_a_killed_process_left_is_swept_and_nothing_else(base: Path) -> None:
    killed = os.fork()
    if killed == 0:
        kept = new_scratch(PREFIX)
        (kept.folder / "key.pem").write_text("secret")
        aged(kept.folder)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(killed, 0)
    [dead] = base.iterdir()
    young, alive, open_to_all = (base / f"{PREFIX}{name}" for name in "abc")
    other = base / "nnbench-other-a"
    for one in (young, alive, open_to_all, other):
        one.mkdir(mode=0o700)
    for one in (alive, open_to_all, other):
        aged(one)
    open_to_all.chmod(0o755)
    (base / f"{PREFIX}link").symlink_to(other)
    held = os.open(alive, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    own = new_scratch(PREFIX)
    os.close(held)
    assert not dead.exists() and is_private(own.folder)
    left = {path for path in base.iterdir() if not path.is_symlink()}
    assert left == {young, alive, open_to_all, other, own.folder}


def test_nobody_sweeps_a_folder_in_use_and_who_is_done_removes_it(base: Path) -> None:
    own = new_scratch(PREFIX)
    (own.folder / "sent").mkdir()
    (own.folder / "sent" / "mine.csv").write_text("x")
    aged(own.folder)
    other = new_scratch(PREFIX)
    assert set(base.iterdir()) == {own.folder, other.folder}
    for one in (own, other):
        one.remove()
    assert list(base.iterdir()) == []


def test_what_a_killed_trial_left_goes_with_the_next_trial(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "loaded", lambda path: SimpleNamespace(trial=SimpleNamespace()))

    def killed(source: str, target: str) -> None:
        Path(target).write_text("half")
        aged(Path(target).parent)
        os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        machine.compiled_trial(SimpleNamespace(compile=killed))  # type: ignore[arg-type]
    os.waitpid(child, 0)
    assert [one.name for one in base.glob("*/*")] == ["trial.so"]
    machine.compiled_trial(SimpleNamespace(compile=lambda *asked: None))  # type: ignore[arg-type]
    assert list(base.iterdir()) == []


def test_a_block_removes_its_folder_where_it_raises(base: Path) -> None:
    with pytest.raises(KeyError), scratch_for(PREFIX) as folder:
        assert is_private(folder)
        raise KeyError
    assert list(base.iterdir()) == []


def test_no_prefix_begins_with_another() -> None:
    assert not any(a.startswith(b) for a in PREFIXES for b in PREFIXES if a != b)
    assert all(prefix.endswith("-") for prefix in PREFIXES)
