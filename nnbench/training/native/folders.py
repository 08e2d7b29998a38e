"""The folders of compiled programs: a lasting one where it is safe, else one of this process."""

import atexit
import functools
import os
import stat
from pathlib import Path

from nnbench.training.scratch import is_private, new_scratch

PREFIX = "nnbench-programs-"


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
        return f"cannot be created ({problem.strerror})"
    if not is_safe(base):
        return "(or a folder above it) is not yours alone"
    return None if os.access(folder, os.W_OK) else "cannot be written to"


def is_safe(base: str) -> bool:
    """Whether nobody but this user can have put anything into the lasting folder."""
    folder = lasting(base)
    above = is_private(folder.parent, others_may_read=True)
    return os.path.isabs(base) and above and is_private(folder) and keeps_names(Path(base))


@functools.cache
def own_folder() -> Path:
    """A folder of this process, which goes with it; with it go those of processes that died."""
    scratch = new_scratch(PREFIX)
    atexit.register(scratch.remove)
    return scratch.folder


def keeps_names(folder: Path) -> bool:
    """Whether nobody else may put another folder in the place of one of this user's in it."""
    mode = folder.stat().st_mode
    return not mode & 0o022 or bool(mode & stat.S_ISVTX)
