"""A part: the results of one finished stack as a folder of tables, with their checksums.

It never changes once it is in its place, and its name is a hash of what is in it. A bundle is a
folder that holds many parts: their rows one after the other, each part as it was, by its name.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from nnbench.results.checksums import Damage, checked, checksum, content_of, sealed, unsealed
from nnbench.results.rows import FILES, SCHEMAS, Rows
from nnbench.results.tables import parquet, result_table

MANIFEST = "manifest.json"
IDENTITY = ("engine", "fingerprint", "done", "crashed")
MANIFEST_KEYS, BUNDLE_KEYS = {*IDENTITY, "files"}, {"bundle", "files"}


@dataclass(frozen=True, eq=False)
class Content:
    """The files of a folder whose checksums were right when the bytes were read."""

    folder: str
    files: Mapping[str, bytes]
    _read: dict[str, pa.Table] = field(default_factory=dict)

    def read(self, name: str) -> pa.Table:
        """One of its tables, so small that threads would wait."""
        return pq.ParquetFile(pa.BufferReader(self.files[FILES[name]])).read(use_threads=False)

    def shared(self, name: str) -> pa.Table:
        """The same, read once for all parts of a bundle."""
        if name not in self._read:
            self._read[name] = self.read(name)
        return self._read[name]


@dataclass(frozen=True)
class Part:
    """One stack's results; `spans` tells where its rows are in a bundle, first and count."""

    name: str
    engine: str
    fingerprint: str
    done: list[str]
    crashed: list[str]
    content: Content
    spans: Mapping[str, Sequence[int]] = field(default_factory=dict)

    def table(self, name: str) -> pa.Table:
        """All of its rows in one of its tables."""
        if not self.spans:
            return self.content.read(name)
        return self.content.shared(name).slice(*self.spans[name])

    def rows(self, name: str, cell_ids: Sequence[str]) -> pa.Table:
        """The rows of these cells in one of its tables."""
        table = self.table(name)
        return table.filter(pc.is_in(table["cell_id"], value_set=pa.array(cell_ids, pa.string())))


SAID = ("cell_id", "status", "engine", "seconds")  # of a cell, beside what is packed


@dataclass
class PackedRows(Rows):
    """The results of one stack as the files of its part; `cells` has what a run in progress tells.

    To pack is most of the work of writing results down: a worker on another machine does it.
    """

    name: str = ""
    contents: Mapping[str, bytes] = field(default_factory=dict)


def packed_away(rows: Rows, fingerprint: str) -> PackedRows:
    """Results packed where they are made, to be committed elsewhere as they are."""
    name, contents = packed(rows, fingerprint)
    told = [{key: row.get(key) for key in SAID} for row in rows.cells]
    return PackedRows(told, [], [], rows.notes, name, contents)


def packed(rows: Rows, fingerprint: str) -> tuple[str, Mapping[str, bytes]]:
    """The name of a part and the bytes of its files; one engine trained all of it.

    Errors: ValueError where what was packed elsewhere has another fingerprint, or is damaged.
    """
    if isinstance(rows, PackedRows):
        _check(rows, fingerprint)
        return rows.name, rows.contents
    cell_ids = [row["cell_id"] for row in rows.cells]
    if not cell_ids or len(set(cell_ids)) < len(cell_ids):
        raise ValueError(f"a stack has each of its cells once, and at least one: {cell_ids}")
    (engine,) = {row["engine"] for row in rows.cells}
    crashed = {row["cell_id"] for row in rows.cells if row["status"] == "crashed"}
    contents = {
        FILES[name]: parquet(result_table(getattr(rows, name), schema), with_schema=False)
        for name, schema in SCHEMAS.items()
    }
    manifest = {
        "engine": engine,
        "fingerprint": fingerprint,
        "done": sorted(set(cell_ids) - crashed),
        "crashed": sorted(crashed),
        "files": {name: checksum(content) for name, content in contents.items()},
    }
    return _part_name(manifest), {**contents, MANIFEST: sealed(manifest)}


def _check(rows: PackedRows, fingerprint: str) -> None:
    """See that what was packed elsewhere is what this run would have packed of these cells."""
    try:
        manifest = unsealed(rows.contents[MANIFEST], MANIFEST)
        sums = {name: checksum(rows.contents[name]) for name in manifest["files"]}
    except (Damage, KeyError) as error:
        raise ValueError(f"a part arrived damaged: {error}") from None
    cells = sorted(row["cell_id"] for row in rows.cells)
    whole = sums == manifest["files"] and rows.contents.keys() == {MANIFEST, *FILES.values()}
    held = sorted(manifest["done"] + manifest["crashed"])
    if not whole or held != cells or manifest["fingerprint"] != fingerprint:
        raise ValueError("a part arrived that is not what was asked for")
    if _part_name(manifest) != rows.name:
        raise ValueError("a part arrived that is not what its name says")


def bundled(parts: Sequence[Part]) -> tuple[str, dict[str, bytes]]:
    """The name of a bundle of parts, whose tables have the same columns, and its files' bytes."""
    tables = {name: pa.concat_tables([part.table(name) for part in parts]) for name in SCHEMAS}
    contents = {FILES[name]: parquet(table, with_schema=False) for name, table in tables.items()}
    first = dict.fromkeys(SCHEMAS, 0)
    members = []
    for part in parts:
        counts = {name: part.table(name).num_rows for name in SCHEMAS}
        spans = {name: [first[name], count] for name, count in counts.items()}
        first = {name: first[name] + count for name, count in counts.items()}
        members.append({key: getattr(part, key) for key in IDENTITY} | {"spans": spans})
    checksums = {name: checksum(content) for name, content in contents.items()}
    manifest = sealed({"bundle": members, "files": checksums})
    return _bundle_name(members), {**contents, MANIFEST: manifest}


def read_parts(path: Path) -> list[Part]:
    """Read and check a part, or those of a bundle; none where it was just removed.

    Errors: Damage.
    """
    try:
        manifest = unsealed(content_of(path / MANIFEST), MANIFEST)
        members = manifest.get("bundle", [manifest])
        if path.name != _folder_name(manifest):
            raise Damage("the part is not what its name says")
        checksums = {name: [checksum] for name, checksum in manifest["files"].items()}
        files = {name: checked(path, name, checksums) for name in FILES.values()}
    except Damage:
        if not os.path.lexists(path):
            return []
        raise
    content = Content(path.name, files)
    return [
        Part(
            name=_part_name(one),
            content=content,
            spans=one.get("spans", {}),
            **{key: one[key] for key in IDENTITY},
        )
        for one in members
    ]


def _folder_name(manifest: Mapping[str, Any]) -> str | None:
    """What the folder of a manifest is called; None of one that is neither part nor bundle."""
    if manifest.keys() == BUNDLE_KEYS:
        return _bundle_name(manifest["bundle"])
    return _part_name(manifest) if manifest.keys() == MANIFEST_KEYS else None


def _bundle_name(members: Sequence[Mapping[str, Any]]) -> str:
    return hashlib.sha256(json.dumps(members).encode()).hexdigest()[:32]


def _part_name(manifest: Mapping[str, Any]) -> str:
    """A name from what is in the part. A crash and a later result of the same cells differ."""
    identity = [manifest[key] for key in IDENTITY]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]
