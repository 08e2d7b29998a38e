"""Small disks of their own, for tests of what a full one does."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(at: Path, size: int, *options: str) -> Iterator[Path]:
    """A disk of so many bytes at a folder, which is made; the test is skipped without the right."""
    at.mkdir(parents=True, exist_ok=True)
    chosen = ",".join((f"size={size}", *options))
    command = ["mount", "-t", "tmpfs", "-o", chosen, "tmpfs", str(at)]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as problem:
        pytest.skip(f"there is no mount: {problem}")
    if done.returncode:
        pytest.skip(f"no right to mount a small disk: {done.stderr.strip()}")
    try:
        yield at
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


def remounted(at: Path, *options: str) -> None:
    """Change a small disk's options, such as to `ro`."""
    subprocess.run(["mount", "-o", ",".join(("remount", *options)), str(at)], check=True)
