"""Temporary folders that go with their process, and those of processes that were killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

YOUNG = 60.0  # seconds in which a folder's owner has surely taken its lock


@dataclass(frozen=True)
class Scratch:
    """A folder that is open to this user alone, and the lock that says that its process lives."""

    folder: Path
    held: int

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            os.close(self.held)


def new_scratch(prefix: str) -> Scratch:
    """A new folder, after those of this prefix are gone whose processes were killed.

    prefix: ends in a hyphen, and no other prefix begins with it.
    """
    _sweep(Path(tempfile.gettempdir()), prefix)
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    held = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    with contextlib.suppress(OSError):  # a disk without locks
        fcntl.flock(held, fcntl.LOCK_EX)
    return Scratch(folder, held)


@contextlib.contextmanager
def scratch_for(prefix: str) -> Iterator[Path]:
    """A new folder for the block alone, see `new_scratch`."""
    scratch = new_scratch(prefix)
    try:
        yield scratch.folder
    finally:
        scratch.remove()


def _sweep(base: Path, prefix: str) -> None:
    """Remove such folders as nobody holds the locks of any more."""
    for folder in base.glob(f"{prefix}*"):
        if not is_private(folder):
            continue
        with contextlib.suppress(OSError):  # it is in use, or another process sweeps too
            held = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if time.time() - folder.stat().st_mtime > YOUNG:
                    shutil.rmtree(folder)
            finally:
                os.close(held)


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
    )
