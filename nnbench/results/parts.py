"""A part: the results of one finished stack as a folder of tables, with their checksums.

It never changes once it is in its place, and its name is a hash of what is in it.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from nnbench.results.checksums import Damage, checked, checksum, content_of, sealed, unsealed
from nnbench.results.rows import FILES, SCHEMAS, Rows
from nnbench.results.tables import parquet, result_table

MANIFEST = "manifest.json"
MANIFEST_KEYS = {"engine", "fingerprint", "done", "crashed", "files"}


@dataclass(frozen=True)
class Part:
    """One stack's results whose checksums were right when the bytes were read."""

    name: str
    engine: str
    fingerprint: str
    done: list[str]
    crashed: list[str]
    files: dict[str, bytes]

    def rows(self, name: str, cell_ids: Sequence[str]) -> pa.Table:
        """The rows of these cells in one of its tables."""
        content = pa.BufferReader(self.files[FILES[name]])
        table = pq.ParquetFile(content).read(use_threads=False)  # so small that threads would wait
        return table.filter(pc.is_in(table["cell_id"], value_set=pa.array(cell_ids, pa.string())))


def packed(rows: Rows, fingerprint: str) -> tuple[str, dict[str, bytes]]:
    """The name of a part and the bytes of its files; one engine trained all of it."""
    cell_ids = [row["cell_id"] for row in rows.cells]
    if not cell_ids or len(set(cell_ids)) < len(cell_ids):
        raise ValueError(f"a stack has each of its cells once, and at least one: {cell_ids}")
    (engine,) = {row["engine"] for row in rows.cells}
    crashed = {row["cell_id"] for row in rows.cells if row["status"] == "crashed"}
    contents = {
        FILES[name]: parquet(result_table(getattr(rows, name), schema))
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


def read_part(path: Path) -> Part | None:
    """Read and check one part; None where it has just been removed. Errors: Damage."""
    try:
        manifest = unsealed(content_of(path / MANIFEST), MANIFEST)
        if manifest.keys() != MANIFEST_KEYS or _part_name(manifest) != path.name:
            raise Damage("the part is not what its name says")
        checksums = {name: [checksum] for name, checksum in manifest.pop("files").items()}
        files = {name: checked(path, name, checksums) for name in FILES.values()}
    except Damage:
        if not os.path.lexists(path):
            return None
        raise
    return Part(name=path.name, files=files, **manifest)


def _part_name(manifest: Mapping[str, Any]) -> str:
    """A name from what is in the part. A crash and a later result of the same cells differ."""
    identity = [manifest[key] for key in ("engine", "fingerprint", "done", "crashed")]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]
