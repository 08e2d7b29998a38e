"""Compiled programs on disk, for whoever needs them next: other workers, other runs.

A program is a shared library that is loaded into this process, so nobody else may be able to have
written it. Folder and files belong to this user and are open to nobody else, or they are not used.
Where that folder cannot be used, or is full, each process makes programs for itself, and says so.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import secrets
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from nnbench.training.native.compiler import NO_ROOM, CompilerError
from nnbench.training.native.folders import base_folder, is_safe, lasting, own_folder, why_closed

SEAL = "sum"  # ending of the file that holds a program's checksum
DAYS, DRAFT_DAYS = 90, 1  # that a file is kept unused
FULL = (errno.ENOSPC, errno.EDQUOT)

_refused: dict[str, str] = {}  # the bases of folders that refused a program, and why


def cached(key: str, make: Callable[[Path], None]) -> Path:
    """The file of a key, made by `make` if it is not there yet: only once, whoever else asks.

    `make` is given the path of a draft, which is moved into place whole. What the lasting folder
    has no room for is made in one of this process.
    """
    kept = lasting(base_folder()) / f"{key}.so"
    if is_safe(base_folder()) and is_sound(kept):
        _note_use(kept)
        return kept
    try:
        return _made_in(program_folder(), key, make)
    except (OSError, CompilerError) as problem:
        if trouble():
            raise
        path = _made_in(own_folder(), key, make)  # if it succeeds, the other folder was at fault
        is_full = getattr(problem, "errno", None) in FULL or NO_ROOM in str(problem)
        _refused[base_folder()] = "is full" if is_full else f"cannot store a file ({problem})"
        return path


def _made_in(folder: Path, key: str, make: Callable[[Path], None]) -> Path:
    path = folder / f"{key}.so"
    with locked(folder, key):
        if not is_sound(path):
            draft = folder / f"{key}.{secrets.token_hex(8)}.draft"
            try:
                make(draft)
                draft.chmod(0o600)
                _put(folder / f"{key}.{SEAL}", seal_of(key, draft.read_bytes()))
                os.replace(draft, path)
            finally:
                draft.unlink(missing_ok=True)
    prune(folder)
    return path


def prune(folder: Path) -> None:
    """Remove what nobody has used for long, and drafts whose makers are gone."""
    now = time.time()
    for path in folder.iterdir():
        with contextlib.suppress(OSError):  # another process prunes too
            kept = DRAFT_DAYS if path.suffix == ".draft" else DAYS
            if now - path.stat().st_mtime > kept * 86_400:
                path.unlink()


def program_folder() -> Path:
    """The folder of compiled programs; one of this process only, where no lasting one is safe."""
    return own_folder() if trouble() else lasting(base_folder())


def trouble() -> str | None:
    """Why programs are not kept for the next run, as a clause; None where they are."""
    base = base_folder()
    why = _refused.get(base) or why_closed(base)
    if why is None:
        return None
    return f"compiled programs are not kept, so each worker compiles its own: {lasting(base)} {why}"


def _note_use(path: Path) -> None:
    """Let a program and its checksum be as new as their last use."""
    for used in (path, path.with_suffix(f".{SEAL}")):
        with contextlib.suppress(OSError):
            os.utime(used)


def checksum(content: bytes) -> str:
    """The SHA-256 of a program."""
    return hashlib.sha256(content).hexdigest()


def seal_of(key: str, content: bytes) -> str:
    """What tells that a program is whole, and that it is the one of this key."""
    return checksum(f"{key}\n".encode() + content)


def is_sound(path: Path) -> bool:
    """Whether a program is this user's own, whole, and no other's: who loads it would be killed."""
    seal = path.with_suffix(f".{SEAL}")
    try:
        owned = is_own(path) and is_own(seal)
        return owned and seal.read_text() == seal_of(path.stem, path.read_bytes())
    except (OSError, UnicodeDecodeError):  # gone by now, or no seal at all
        return False


def find(key: str, ending: str) -> Path | None:
    """A file of the cache that may be used; None if there is none."""
    path = program_folder() / f"{key}.{ending}"
    return path if is_own(path) else None


def holds(ending: str) -> bool:
    """Whether there is any file with this ending."""
    return any(program_folder().glob(f"*.{ending}"))


def read(key: str, ending: str) -> str | None:
    """A text of the cache; None if there is none, or another process has just taken it out."""
    with contextlib.suppress(FileNotFoundError, UnicodeDecodeError):
        path = find(key, ending)
        return None if path is None else path.read_text()
    return None


def write(key: str, ending: str, text: str) -> None:
    """Put a text into the cache, whole or not at all; where the disk is full, not at all."""
    with contextlib.suppress(OSError):
        _put(program_folder() / f"{key}.{ending}", text)


def _put(path: Path, text: str) -> None:
    number, draft = tempfile.mkstemp(dir=path.parent, suffix=".draft")  # open to its owner only
    try:
        with os.fdopen(number, "w") as file:
            file.write(text)
        os.replace(draft, path)
    finally:
        Path(draft).unlink(missing_ok=True)


def remove(key: str, ending: str) -> None:
    """Take a file out of the cache, where it is there."""
    (program_folder() / f"{key}.{ending}").unlink(missing_ok=True)


@contextlib.contextmanager
def locked(folder: Path, key: str) -> Iterator[None]:
    """Wait until no other process holds the lock of this key."""
    number = os.open(folder / f"{key}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        with contextlib.suppress(OSError):  # a network disk without locks: then two may make it
            fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)


def is_own(path: Path) -> bool:
    """Whether a file is there, is this user's own, no link, and open to nobody else."""
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return (
        stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
    )
