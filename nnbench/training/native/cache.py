"""Compiled programs on disk, for whoever needs them next: other workers, other runs.

A program is a shared library that is loaded into this process, so nobody else may be able to have
written it. Folder and files belong to this user and are open to nobody else, or they are not used.
"""

import atexit
import contextlib
import fcntl
import functools
import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

SEAL = "sum"  # ending of the file that holds a program's checksum
DAYS, DRAFT_DAYS = 90, 1  # that a file is kept unused


def cached(key: str, make: Callable[[Path], None]) -> Path:
    """The file of a key, made by `make` if it is not there yet: only once, whoever else asks.

    `make` is given the path of a draft, which is moved into place whole.
    """
    folder = program_folder()
    path = folder / f"{key}.so"
    if not is_sound(path):
        with locked(folder, key):
            if not is_sound(path):
                draft = folder / f"{key}.{os.getpid()}.draft"
                try:
                    make(draft)
                    draft.chmod(0o600)
                    write(key, SEAL, checksum(draft.read_bytes()))
                    os.replace(draft, path)
                finally:
                    draft.unlink(missing_ok=True)
            prune(folder)
    else:
        _note_use(path)
    return path


def prune(folder: Path) -> None:
    """Remove what nobody has used for long, and drafts whose makers are gone."""
    now = time.time()
    for path in folder.iterdir():
        with contextlib.suppress(OSError):  # another process prunes too
            kept = DRAFT_DAYS if path.suffix == ".draft" else DAYS
            if now - path.stat().st_mtime > kept * 86_400:
                path.unlink()


def _note_use(path: Path) -> None:
    """Let a program and its checksum be as new as their last use."""
    for used in (path, path.with_suffix(f".{SEAL}")):
        with contextlib.suppress(OSError):
            os.utime(used)


def checksum(content: bytes) -> str:
    """The SHA-256 of a program."""
    return hashlib.sha256(content).hexdigest()


def is_sound(path: Path) -> bool:
    """Whether a program is this user's own and whole: a cut one would kill who loads it."""
    return is_own(path) and read(path.stem, SEAL) == checksum(path.read_bytes())


def find(key: str, ending: str) -> Path | None:
    """A file of the cache that may be used; None if there is none."""
    path = program_folder() / f"{key}.{ending}"
    return path if is_own(path) else None


def holds(ending: str) -> bool:
    """Whether there is any file with this ending."""
    return any(program_folder().glob(f"*.{ending}"))


def read(key: str, ending: str) -> str | None:
    """A text of the cache; None if there is none, or another process has just taken it out."""
    with contextlib.suppress(FileNotFoundError):
        path = find(key, ending)
        return None if path is None else path.read_text()
    return None


def write(key: str, ending: str, text: str) -> None:
    """Put a text into the cache, whole or not at all; where the disk is full, not at all."""
    folder = program_folder()
    draft = None
    with contextlib.suppress(OSError):
        number, draft = tempfile.mkstemp(dir=folder, suffix=".draft")  # open to its owner only
        with os.fdopen(number, "w") as file:
            file.write(text)
        os.replace(draft, folder / f"{key}.{ending}")
        return
    if draft is not None:
        Path(draft).unlink(missing_ok=True)


def remove(key: str, ending: str) -> None:
    """Take a file out of the cache, where it is there."""
    (program_folder() / f"{key}.{ending}").unlink(missing_ok=True)


@contextlib.contextmanager
def locked(folder: Path, key: str) -> Iterator[None]:
    """Wait until no other process holds the lock of this key."""
    number = os.open(folder / f"{key}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)


def program_folder() -> Path:
    """The folder of compiled programs; one of this process only, where no lasting one is safe."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return _folder_in(base)


@functools.cache
def _folder_in(base: str) -> Path:
    folder = Path(base) / "nnbench" / "native"
    if os.path.isabs(base):
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            own = is_private(folder) and is_private(folder.parent, others_may_read=True)
            if own and keeps_names(Path(base)):
                return folder
    return _own_folder()


@functools.cache
def _own_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="nnbench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def is_private(folder: Path, others_may_read: bool = False) -> bool:
    """Whether a folder is this user's, and open to nobody else (or for reading only)."""
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    forbidden = 0o022 if others_may_read else 0o077
    return (
        stat.S_ISDIR(found.st_mode)
        and found.st_uid == os.geteuid()
        and not found.st_mode & forbidden
        and os.access(folder, os.W_OK)
    )


def keeps_names(folder: Path) -> bool:
    """Whether nobody else may put another folder in the place of one of this user's in it."""
    mode = folder.stat().st_mode
    return not mode & 0o022 or bool(mode & stat.S_ISVTX)


def is_own(path: Path) -> bool:
    """Whether a file is there, is this user's own, no link, and open to nobody else."""
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return (
        stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
    )
