"""The folders of compiled programs: a lasting one where it is safe, else one of this process."""

import atexit
import contextlib
import fcntl
import functools
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path

PREFIX = "nnbench-programs-"
YOUNG = 60.0  # seconds in which a folder's owner has surely taken its lock


def base_folder() -> str:
    """The folder of this user's caches."""
    return os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")


def lasting(base: str) -> Path:
    """The folder of programs that outlive their process."""
    return Path(base) / "nnbench" / "native"


@functools.cache
def why_closed(base: str) -> str | None:
    """Why nothing can be kept in the lasting folder, which is made if need be."""
    folder = lasting(base)
    try:
        if os.path.isabs(base):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as problem:
        return f"cannot be made ({problem.strerror})"
    if not is_safe(base):
        return "is not this user's alone, or a folder above it"
    return None if os.access(folder, os.W_OK) else "cannot be written to"


def is_safe(base: str) -> bool:
    """Whether nobody but this user can have put anything into the lasting folder."""
    folder = lasting(base)
    above = is_private(folder.parent, others_may_read=True)
    return os.path.isabs(base) and above and is_private(folder) and keeps_names(Path(base))


@functools.cache
def own_folder() -> Path:
    """A folder of this process, which goes with it; with it go those of processes that died."""
    _sweep(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    with contextlib.suppress(OSError):
        fcntl.flock(os.open(folder, os.O_RDONLY | os.O_CLOEXEC), fcntl.LOCK_EX)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _sweep(base: Path) -> None:
    """Remove such folders whose processes were killed: nobody holds their locks any more."""
    for folder in base.glob(f"{PREFIX}*"):
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


def keeps_names(folder: Path) -> bool:
    """Whether nobody else may put another folder in the place of one of this user's in it."""
    mode = folder.stat().st_mode
    return not mode & 0o022 or bool(mode & stat.S_ISVTX)
