"""Compiled programs on disk: only this user's own are loaded, and each is made once."""

from __future__ import annotations

import multiprocessing
import os
import time
from pathlib import Path

import pytest

from nnbench.training.native import cache


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "nnbench" / "native"


def made(key: str = "ab12") -> Path:
    return cache.cached(key, lambda draft: draft.write_text("program") and None)


def test_it_is_open_to_its_owner_only(folder: Path) -> None:
    path = made()
    assert path == folder / "ab12.so" and path.read_text() == "program"
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [one.name for one in folder.iterdir() if one.suffix == ".draft"] == []


def test_what_is_there_is_not_made_again() -> None:
    made()
    cache.cached("ab12", lambda draft: pytest.fail("made again"))


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o644, 0o640])
def test_a_file_that_is_open_to_others_is_made_again(mode: int) -> None:
    path = made()
    path.write_text("forged")
    path.chmod(mode)
    assert made().read_text() == "program"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.so"
    elsewhere.write_text("forged")
    elsewhere.chmod(0o600)
    path = made()
    path.unlink()
    path.symlink_to(elsewhere)
    assert made().read_text() == "program" and not path.is_symlink()
    assert elsewhere.read_text() == "forged"


def test_another_users_file_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    path = made()
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    assert not cache.is_own(path) and not cache.is_private(path.parent)


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o755])
def test_a_folder_that_is_open_to_others_is_not_used(folder: Path, mode: int) -> None:
    folder.mkdir(parents=True)
    folder.chmod(mode)
    found = made().parent
    assert found != folder and cache.is_private(found)


def test_without_a_home_it_lasts_as_long_as_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert cache.is_private(made().parent)


def test_a_failure_leaves_nothing(folder: Path) -> None:
    def fails(draft: Path) -> None:
        draft.write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        cache.cached("ab12", fails)
    assert [one.name for one in folder.iterdir()] == ["ab12.lock"]


def test_a_cut_program_is_made_again() -> None:
    path = made()
    path.write_text("prog")
    assert made().read_text() == "program"


@pytest.mark.parametrize(("mode", "is_safe"), [(0o777, False), (0o1777, True), (0o755, True)])
def test_a_folder_in_which_others_may_swap_names_is_not_used(
    tmp_path: Path, folder: Path, mode: int, is_safe: bool
) -> None:
    tmp_path.chmod(mode)
    assert (made().parent == folder) == is_safe


def make_slowly(base: str, log: str) -> None:
    os.environ["XDG_CACHE_HOME"] = base

    def make(draft: Path) -> None:
        with open(log, "a") as file:
            file.write("made\n")
        multiprocessing.Event().wait(0.5)
        draft.write_text("program")

    cache.cached("cd34", make)


def test_two_processes_make_it_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    log = tmp_path / "log"
    arguments = (str(tmp_path), str(log))
    processes = [context.Process(target=make_slowly, args=arguments) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert log.read_text() == "made\n"


def test_a_text_is_kept_too() -> None:
    assert cache.find("ef56", "why") is None
    cache.write("ef56", "why", "a reason")
    assert cache.read("ef56", "why") == "a reason"


def aged(path: Path, days: float) -> None:
    then = time.time() - days * 86_400
    os.utime(path, (then, then))


def test_what_nobody_uses_is_removed_when_something_is_made(folder: Path) -> None:
    def put(key: str) -> Path:
        return cache.cached(key, lambda draft: draft.write_text(key) and None)

    old, used = put("aa11"), put("bb22")
    (folder / "cc33.12.draft").write_text("half")
    (folder / "dd44.13.draft").write_text("half, and in the making")
    for path in (old, used, *folder.glob("*.sum")):
        aged(path, cache.DAYS + 1)
    aged(folder / "cc33.12.draft", cache.DRAFT_DAYS + 1)
    put("bb22")  # from the cache: as good as new
    put("ee55")
    assert {path.stem for path in folder.glob("*.so")} == {"bb22", "ee55"}
    assert {path.stem for path in folder.glob("*.sum")} == {"bb22", "ee55"}
    assert [path.name for path in folder.glob("*.draft")] == ["dd44.13.draft"]
    assert cache.is_sound(used)
