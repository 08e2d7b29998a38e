"""Why results are stale: which sources and libraries are others, whose code has changed."""

import json
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from nnbench.results.disk import StoreError
from nnbench.results.files import PROVENANCE, read_files
from nnbench.results.fingerprint import Origin
from nnbench.results.rows import FILES

MOST_FILES = 3  # of the engine's sources, that are named


def why_stale(folder: Path, now: Origin) -> list[str]:
    """What has changed since the results of a folder: libraries by version, sources by file.

    By its provenance, which tells of the last run; empty where it does not know.
    """
    before = _provenance(folder)
    if before.get("source_fingerprint") == now.fingerprint:
        return []
    versions = before.get("versions") or {}
    said = [
        f"{name} {versions[name]} -> {version}"
        for name, version in now.libraries.items()
        if versions.get(name, version) != version
    ]
    known = before.get("sources") or {}
    files = [name for name in {**known, **now.sources} if known.get(name) != now.sources.get(name)]
    if known and files:
        rest = f" and {len(files) - MOST_FILES} more" if len(files) > MOST_FILES else ""
        said.append(f"the engine's {', '.join(sorted(files)[:MOST_FILES])}{rest}")
    elif before and not said:
        said.append("the engine's sources")
    return said


def changed_entries(folder: Path, recipes: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """The entries of one's own whose code is another than in the tables of a folder.

    With how many of the recipes each makes anew, of those it is given: those without results.
    """
    before = _codes(_own_column(folder))
    found: dict[str, int] = {}
    for recipe in recipes:
        for name, code in _codes([str(recipe.get("own") or "")]).items():
            if name in before and not code <= before[name]:
                found[name] = found.get(name, 0) + 1
    return found


def _codes(texts: Iterable[str]) -> dict[str, set[str]]:
    """By entry, as `activation.mine`, the codes that it has in texts of the field `own`."""
    codes: dict[str, set[str]] = {}
    for word in {word for text in texts for word in text.split()}:
        name, _, code = word.partition("=")
        codes.setdefault(name, set()).add(code)
    return codes


def _own_column(folder: Path) -> Collection[str]:
    content = _content(folder, FILES["cells"])
    if content is None or "own" not in pq.read_schema(BytesIO(content)).names:
        return []
    table = pq.read_table(BytesIO(content), columns=["own"])
    return {text for text in table["own"].to_pylist() if text}


def _provenance(folder: Path) -> dict[str, Any]:
    content = _content(folder, PROVENANCE)
    found: dict[str, Any] = {} if content is None else json.loads(content)
    return found


def _content(folder: Path, name: str) -> bytes | None:
    with suppress(StoreError):  # what is damaged tells nothing
        return read_files(folder, [name]).get(name)
    return None
