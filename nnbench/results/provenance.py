"""Where a result comes from: the sources that decide it, the versions, the machine."""

import ast
import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from nnbench import __version__
from nnbench.results.store import write_files

PACKAGE = Path(__file__).parents[1]
DECIDING_SOURCES = ("catalog", "training", "seeds.py")
NOT_DECIDING = ("training/plan.py", "training/workers.py")  # who trains with whom, and where
DECIDING_LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn", "pandas")
OTHER_LIBRARIES = ("pyarrow", "matplotlib", "seaborn")


def fingerprint(package: Path = PACKAGE) -> str:
    """One hash of everything but the recipe that a cell's numbers depend on.

    Those are the sources under `DECIDING_SOURCES`, without comments, docstrings and layout, and
    the versions of the libraries that compute. Results with another fingerprint are stale.
    """
    digest = hashlib.sha256()
    for path in _deciding_files(package):
        tree = ast.parse(path.read_bytes(), filename=str(path))
        digest.update(f"{path.relative_to(package).as_posix()}\n{_canonical(tree)}\n".encode())
    for name, found in _versions(DECIDING_LIBRARIES).items():
        digest.update(f"{name}=={found}\n".encode())
    return digest.hexdigest()


def describe(
    *,
    study: Mapping[str, Any],
    counts: Mapping[str, int],
    engine: str,
    source_fingerprint: str,
    workers: int,
    threads: int,
    wall_seconds: float,
    limit: int | None = None,
    tables: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The content of a study's provenance.json. Names neither the host nor the folder it is in.

    `study` is the study as resolved, `counts` its cells by status, `threads` per worker, `limit`
    the most cells that the run was told to train, `tables` what was done to each of the user's own.
    """
    python = {"nnbench": __version__, "python": platform.python_version()}
    return {
        "study": dict(study),
        "counts": dict(counts),
        "limit": limit,
        "tables": [dict(table) for table in tables],
        "versions": python | _versions(DECIDING_LIBRARIES + OTHER_LIBRARIES),
        "machine": machine(),
        "workers": workers,
        "threads": threads,
        "engine": engine,
        "source_fingerprint": source_fingerprint,
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


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Replace a JSON file of a study's folder, whole or not at all, and note its checksum.

    Errors: ValueError where the document holds NaN or infinity, which JSON has not; StoreError
    where the disk refuses.
    """
    write_files(path.parent, {path.name: json_bytes(document)})


def json_bytes(document: Mapping[str, Any]) -> bytes:
    """A document as the content of a JSON file. Errors: ValueError for NaN or infinity."""
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()


def _deciding_files(package: Path) -> list[Path]:
    """The deciding sources that are there, in an order that does not depend on the disk's."""
    roots = [package / name for name in DECIDING_SOURCES]
    files = {path for root in roots for path in (root, *root.rglob("*.py"))}
    files -= {package / name for name in NOT_DECIDING}
    return sorted(path for path in files if path.is_file())


def _canonical(node: Any) -> str:
    """A syntax tree as text that depends on the code alone.

    Unlike `ast.dump`, whose text changes with Python's version, it leaves out what is empty; and
    docstrings, which is why a body that had nothing else looks empty too.
    """
    if isinstance(node, list):
        return "[" + ",".join(_canonical(part) for part in node) + "]"
    if not isinstance(node, ast.AST):
        return f"{type(node).__name__}:{node!r}"
    fields = []
    for name, value in ast.iter_fields(node):
        if name == "body" and _has_docstring(node):
            value = value[1:]
        if value not in (None, []):
            fields.append(f"{name}={_canonical(value)}")
    return f"{type(node).__name__}({','.join(fields)})"


def _has_docstring(node: ast.AST) -> bool:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None


def _versions(libraries: tuple[str, ...]) -> dict[str, str]:
    """Installed versions, from the package metadata: nothing is imported."""
    found = {}
    for name in libraries:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def _processor() -> str:
    """The processor's own name where Linux tells it, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
