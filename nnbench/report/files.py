"""Files of a report, each written whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from nnbench.store import disk


def write_whole(path: Path, content: str | bytes) -> Path:
    """Write the file beside its place and move it there: a reader sees the old or the new.

    Makes the folder where there is none. Errors: StoreError where the disk refuses.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with disk("write", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with beside.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, path)
        finally:
            with suppress(OSError):  # it is in its place, or could not be made in the first one
                beside.unlink()
    return path
