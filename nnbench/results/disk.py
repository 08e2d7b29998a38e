"""Files that are written whole or not at all, and what a user reads where the disk refuses."""

import errno
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

READ_ONLY = "Make the folder writable, or use a copy that is; a run also takes --out FOLDER"
WAYS_OUT = {
    errno.ENOSPC: "Free some space and run again: what has finished is kept",
    errno.EDQUOT: "Free some space and run again: what has finished is kept",
    errno.EROFS: READ_ONLY,
    errno.EACCES: READ_ONLY,
    errno.EPERM: READ_ONLY,
    errno.ENOTDIR: "A file is where a folder should be: move it, or use another --out",
    errno.EEXIST: "A file is where a folder should be: move it, or use another --out",
}


class StoreError(Exception):
    """The disk refused, or a result is damaged: one sentence that names the path."""


_drafts: set[Path] = set()  # those of this process, by which `sweep` knows a reused process id


@contextmanager
def disk(action: str, path: Path) -> Iterator[None]:
    """Turn what the operating system refuses into one sentence."""
    try:
        yield
    except OSError as error:
        way_out = WAYS_OUT.get(
            error.errno or 0, "Make sure that the folder is readable and writable"
        )
        raise StoreError(
            f"Cannot {action} {path}: {error.strerror or error}. {way_out}."
        ) from error


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """A folder of our own beside the final place; whatever is left in it is removed."""
    path = folder / f".tmp-{os.getpid()}-{secrets.token_hex(8)}"
    _drafts.add(path)
    try:
        os.mkdir(path)
        yield path
    finally:
        with suppress(OSError):  # what cannot be removed now is swept at the next opening
            shutil.rmtree(path)
        _drafts.discard(path)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which the system takes back from a process that dies."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a network disk without locks: a lone run needs none
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write(path: Path, content: bytes) -> None:
    """Write a new file and flush it to the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: Path, content: str | bytes) -> Path:
    """Write the file beside its place and move it there: a reader sees the old or the new.

    Makes the folder where there is none. Errors: StoreError where the disk refuses.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    with disk("write", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with scratch(path.parent) as draft:
            write(draft / path.name, data)
            os.replace(draft / path.name, path)
    return path


def sync_folder(folder: Path) -> None:
    """Flush a folder's list of names to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fill(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write new files into a folder, by name, and flush them and its list of names to the disk."""
    for name, content in contents.items():
        write(folder / name, content)
    sync_folder(folder)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, each flushed to the disk."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    try:
        os.mkdir(folder)
    except FileExistsError:
        if not folder.is_dir():  # else another process was first
            raise
    sync_folder(folder.parent)


def entries(folder: Path) -> list[Path]:
    """What lies in a folder, by name, without drafts; nothing where there is no folder."""
    with disk("read", folder), suppress(FileNotFoundError):
        return sorted(path for path in folder.iterdir() if not path.name.startswith(".tmp-"))
    return []


def sweep(folder: Path) -> None:
    """Remove the drafts of processes that are dead."""
    with suppress(FileNotFoundError):
        for path in list(folder.iterdir()):
            draft = re.fullmatch(r"\.tmp-([0-9]{1,9})-[0-9a-f]{16}", path.name)
            if draft and path not in _drafts and not _is_alive(int(draft[1])):
                with suppress(OSError):  # another process sweeps too, or the disk is read-only
                    shutil.rmtree(path)


def _is_alive(process: int) -> bool:
    """Whether another process has this id; ours has none but those in `_drafts`."""
    if process == os.getpid():
        return False
    try:
        with suppress(PermissionError):  # it is another user's
            os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
