"""Compiled programs on disk: only this user's own are loaded, and each is made once."""

from __future__ import annotations

import errno
import multiprocessing
import os
import shutil
import tempfile
import time
from pathlib import Path

import pytest

from nnbench.training.native import cache, folders
from nnbench.training.native.compiler import CompilerError


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
    assert not cache.is_own(path) and not folders.is_private(path.parent)


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o755])
def test_a_folder_that_is_open_to_others_is_not_used(folder: Path, mode: int) -> None:
    folder.mkdir(parents=True)
    folder.chmod(mode)
    found = made().parent
    assert found != folder and folders.is_private(found)


def test_without_a_home_it_lasts_as_long_as_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert folders.is_private(made().parent)


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


def test_three_processes_make_it_once(tmp_path: Path) -> None:
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


def test_a_program_of_another_key_is_not_taken_for_this_ones() -> None:
    other = cache.cached("0ff0", lambda draft: draft.write_text("another program") and None)
    for ending in (".so", ".sum"):  # whole, sealed, this user's own, and yet a stranger here
        shutil.copy(other.with_suffix(ending), other.with_name(f"ab12{ending}"))
    assert not cache.is_sound(other.with_name("ab12.so"))
    assert made().read_text() == "program"


@pytest.mark.parametrize("seal", [None, b"", b"\xff\xfe", b"0" * 64])
def test_a_program_without_its_own_seal_is_made_again(seal: bytes | None) -> None:
    path = made()
    path.write_text("forged")
    if seal is None:
        path.with_suffix(".sum").unlink()
    else:
        path.with_suffix(".sum").write_bytes(seal)
    assert made().read_text() == "program"


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_cache_makes_programs_for_this_process_and_keeps_those_it_has(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = made("aa11")
    assert cache.trouble() is None
    with monkeypatch.context() as patch:
        put = cache._put
        patch.setattr(
            cache, "_put", lambda at, text: full() if at.parent == folder else put(at, text)
        )
        path = made("bb22")
    assert path.read_text() == "program" and folders.is_private(path.parent)
    assert path.parent != folder and not list(folder.glob("bb22.[!l]*"))
    assert cache.trouble() == (
        f"compiled programs are not kept, so each worker compiles its own: {folder} is full"
    )
    assert made("aa11") == kept
    cache.cached("bb22", lambda draft: pytest.fail("made again"))


def test_a_compiler_without_room_is_called_again_elsewhere(folder: Path) -> None:
    def compiled(draft: Path) -> None:
        if draft.parent == folder:
            raise CompilerError("cc fails: ld: final link failed: No space left on device")
        draft.write_text("program")

    assert cache.cached("ab12", compiled).read_text() == "program"
    assert str(cache.trouble()).endswith(f"{folder} is full")


def test_what_fails_everywhere_is_not_the_folders_fault() -> None:
    with pytest.raises(OSError, match="No space left"):
        cache.cached("99ff", full)
    assert cache.trouble() is None


def test_a_read_only_cache_is_read_and_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = made("aa11")
    folders.why_closed.cache_clear()
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert made("aa11") == kept
    assert made("bb22").parent != folder
    assert str(cache.trouble()).endswith(f"{folder} cannot be written to")


def test_programs_of_a_process_go_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    dead = tmp_path / f"{folders.PREFIX}a"
    dead.mkdir(mode=0o700)
    aged(dead, 1)
    folders.own_folder.cache_clear()
    own = folders.own_folder()
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == [own]
    folders.own_folder.cache_clear()


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
