"""Where a result comes from: the study, the versions, the machine."""

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nnbench import __version__
from nnbench.results.fingerprint import DECIDING_LIBRARIES, PACKAGE, Origin, versions

OTHER_LIBRARIES = ("pyarrow", "matplotlib", "seaborn")


def asked_for(provenance: Mapping[str, Any]) -> str:
    """What `nnbench run` is given to run a study again: its file, or its name."""
    return str(provenance.get("file") or provenance["study"]["name"])


def describe(
    *,
    study: Mapping[str, Any],
    counts: Mapping[str, int],
    engine: str,
    origin: Origin,
    workers: int,
    threads: int,
    wall_seconds: float,
    limit: int | None = None,
    file: str = "",
    entry_files: Sequence[str] = (),
    engines: Sequence[Mapping[str, Any]] = (),
    tables: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The content of a study's provenance.json. Names neither the host nor the folder it is in.

    `study` is the study as resolved, `origin` what its results come from, `counts` its cells by
    status, `threads` per worker, `limit` the most cells that the run was told to train, `file` what
    it was told to run, `entry_files` those with entries of one's own, `engines` how many cells each
    engine trained, `tables` what was done to each of the user's own.
    """
    python = {"nnbench": __version__, "python": platform.python_version()}
    return {
        "study": dict(study),
        "counts": dict(counts),
        "limit": limit,
        "file": file,
        "entry_files": list(entry_files),
        "tables": [dict(table) for table in tables],
        "versions": python | versions(DECIDING_LIBRARIES + OTHER_LIBRARIES),
        "machine": machine(),
        "workers": workers,
        "threads": threads,
        "engine": engine,
        "engines": [dict(share) for share in engines],
        "source_fingerprint": origin.fingerprint,
        "sources": dict(origin.sources),
        **commit_of(PACKAGE),
        "wall_seconds": wall_seconds,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def commit_of(package: Path) -> dict[str, Any]:
    """The git commit that the package is at, and whether its files differ from it.

    Both are null where the package is not a part of a repository, such as one that pip installed,
    or where there is no git to ask.
    """

    def git(*words: str) -> str:
        asked = ["git", "-C", str(package), *words]
        return subprocess.run(asked, capture_output=True, text=True, timeout=10, check=True).stdout

    try:
        git("ls-files", "--error-unmatch", "__init__.py")
        commit = git("rev-parse", "HEAD").strip()
        return {"commit": commit, "modified": bool(git("status", "--porcelain", "--", ".").strip())}
    except (OSError, subprocess.SubprocessError):
        return {"commit": None, "modified": None}


def machine() -> dict[str, Any]:
    """The processor, its cores that this process may use, memory in bytes, and the system."""
    return {
        "processor": _processor(),
        "cores": cores(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def cores() -> int:
    """The cores that this process may use; all of them where the system does not tell."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    """The processor's own name where Linux tells it, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
