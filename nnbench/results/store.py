"""One study's results on disk: parts that are committed whole, and the tables made from them.

A part is the result of one finished stack: a folder with three Parquet tables and a manifest that
holds their checksums. It is written aside, flushed, and renamed into place, so that a reader sees
all of it or nothing, and it never changes afterwards. What fails its checksum is set aside and
counts as missing. The tables of the study are rebuilt from its parts.
"""

import errno
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from nnbench.results.checksums import Damage, checked, checksum, content_of, sealed, unsealed
from nnbench.results.disk import (
    StoreError,
    disk,
    entries,
    locked,
    make_folder,
    scratch,
    sweep,
    sync_folder,
    write,
)
from nnbench.results.rows import SCHEMAS, Rows
from nnbench.results.tables import (
    Tables,
    epochs_to_target,
    frame_of,
    parquet,
    recipe_table,
    result_table,
)

if TYPE_CHECKING:
    from nnbench.study.study import Cell

PARTS, DAMAGED, CHECKSUMS, MANIFEST = "parts", "damaged", "checksums.json", "manifest.json"
MANIFEST_KEYS = {"engine", "fingerprint", "done", "crashed", "files"}
FILES = {kind: f"{kind}.parquet" for kind in SCHEMAS}
OCCUPIED = {errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR}


@dataclass(frozen=True)
class Survey:
    """Which cells have results, by cell_id. The sets do not overlap."""

    finished: frozenset[str]  # ok or diverged, with this engine and these sources
    crashed: frozenset[str]  # tried, without a result
    other_engine: frozenset[str]  # results of another engine only, which stay
    stale: frozenset[str]  # results of other sources or libraries only
    stale_parts: int
    damaged_parts: int  # that this object set aside


@dataclass(frozen=True)
class _Part:
    """One stack's results whose checksums were right when the bytes were read."""

    name: str
    engine: str
    fingerprint: str
    done: list[str]
    crashed: list[str]
    files: dict[str, bytes]

    def rows(self, kind: str, cell_ids: Sequence[str]) -> pa.Table:
        table = pq.read_table(pa.BufferReader(self.files[FILES[kind]]))
        return table.filter(pc.is_in(table["cell_id"], value_set=pa.array(cell_ids, pa.string())))


@dataclass(frozen=True)
class Store:
    """The folder of one study, as seen by a run with one engine and one source fingerprint.

    Opening sweeps what dead processes left half-written. Several processes may use one folder.
    Errors: StoreError where the disk refuses.
    """

    folder: Path
    engine: str
    fingerprint: str
    damage: list[str] = field(default_factory=list)  # what this object set aside, and why

    def __post_init__(self) -> None:
        for folder in (self.folder, self.folder / PARTS, self.folder / DAMAGED):
            if folder != self.folder and folder.is_symlink():
                raise StoreError(f"{folder} is a link out of the results: remove it.")
            with disk("open", folder):
                sweep(folder)

    def commit(self, rows: Rows) -> str:
        """Write one finished stack, whole or not at all; returns the name of its part.

        Where the same part is there already, from another process, that one stays.
        """
        name, contents = self._packed(rows)
        parts = self.folder / PARTS
        with disk("write results to", parts):
            make_folder(parts)
            with scratch(parts) as draft:
                for file, content in contents.items():
                    write(draft / file, content)
                sync_folder(draft)
                self._publish(draft, parts / name)
            sync_folder(parts)
        return name

    def survey(self) -> Survey:
        """Read and check every part, and say which cells have what."""
        done: set[str] = set()
        crashed: set[str] = set()
        other_engine: set[str] = set()
        stale: set[str] = set()
        stale_parts = 0
        for part in self._parts():
            if self._is_fresh(part):
                done.update(part.done)
                crashed.update(part.crashed)
            elif part.fingerprint == self.fingerprint:
                other_engine.update(part.done, part.crashed)
            else:
                stale.update(part.done, part.crashed)
                stale_parts += 1
        return Survey(
            finished=frozenset(done),
            crashed=frozenset(crashed - done),
            other_engine=frozenset(other_engine - done - crashed),
            stale=frozenset(stale - other_engine - done - crashed),
            stale_parts=stale_parts,
            damaged_parts=len(self.damage),
        )

    def finished(self) -> frozenset[str]:
        """Cells that need not run again: results that are sound, fresh, and not a crash."""
        return self.survey().finished

    def tables(self, cells: Sequence["Cell"], target: float | None = None) -> Tables:
        """The tables of these cells, in their order; cells without fresh results have no row.

        A cell that several parts hold comes from the first by name; a crash yields to a result.
        `target` is the validation score whose first epoch is `epochs_to_target`.
        """
        fresh = [part for part in self._parts() if self._is_fresh(part)]
        order = [cell.cell_id for cell in cells]
        owners = _owners(fresh, set(order))
        results, curves, layers = (_joined(fresh, owners, order, kind) for kind in SCHEMAS)
        present = set(results["cell_id"].to_pylist())
        rows = [row for row, cell_id in enumerate(order) if cell_id in present]
        recipes = recipe_table(cells).take(pa.array(rows, pa.int64()))
        for name in results.column_names[1:]:
            recipes = recipes.append_column(name, results[name])
        frames = Tables(*(frame_of(table) for table in (recipes, curves, layers)))
        reached = epochs_to_target(frames, target)
        return frames._replace(cells=frames.cells.assign(epochs_to_target=reached))

    def write_tables(
        self,
        cells: Sequence["Cell"],
        target: float | None = None,
        beside: Callable[[Tables], Mapping[str, bytes]] = lambda tables: {},
    ) -> Tables:
        """Rebuild the tables from the parts and replace their files; the same data, the same bytes.

        With them go the files that `beside` makes of them. Under the folder's lock, so that of
        several runs the last to write has seen the most.
        """
        with disk("write tables to", self.folder):
            make_folder(self.folder)
            with locked(self.folder):
                tables = self.tables(cells, target)
                contents = {
                    FILES[kind]: parquet(pa.Table.from_pandas(frame, preserve_index=False))
                    for kind, frame in tables._asdict().items()
                }
                csv = tables.cells.to_csv(index=False, lineterminator="\n")
                files = {**contents, "cells.csv": csv.encode(), **beside(tables)}
                _replace(self.folder, files)
        return tables

    def remove_stale(self) -> int:
        """Remove the stale parts whose every cell has a fresh result by now; returns how many.

        Results of another engine, but of these sources, stay: a run with that engine has them.
        """
        finished = self.finished()
        return self._remove(
            part.name
            for part in self._parts()
            if part.fingerprint != self.fingerprint
            and finished.issuperset(part.done + part.crashed)
        )

    def remove_all(self) -> int:
        """Remove every part, damaged ones too, for a run that starts afresh; returns how many."""
        damaged = self.folder / DAMAGED
        with disk("remove", damaged), suppress(FileNotFoundError):
            shutil.rmtree(damaged)
        return self._remove(path.name for path in entries(self.folder / PARTS))

    def _is_fresh(self, part: _Part) -> bool:
        return (part.engine, part.fingerprint) == (self.engine, self.fingerprint)

    def _packed(self, rows: Rows) -> tuple[str, dict[str, bytes]]:
        """The name of a part and the bytes of its files."""
        cell_ids = [row["cell_id"] for row in rows.cells]
        if not cell_ids or len(set(cell_ids)) < len(cell_ids):
            raise ValueError(f"a stack has each of its cells once, and at least one: {cell_ids}")
        crashed = {row["cell_id"] for row in rows.cells if row["status"] == "crashed"}
        contents = {
            FILES[kind]: parquet(result_table(getattr(rows, kind), schema))
            for kind, schema in SCHEMAS.items()
        }
        manifest = {
            "engine": self.engine,
            "fingerprint": self.fingerprint,
            "done": sorted(set(cell_ids) - crashed),
            "crashed": sorted(crashed),
            "files": {name: checksum(content) for name, content in contents.items()},
        }
        return _part_name(manifest), {**contents, MANIFEST: sealed(manifest)}

    def _publish(self, draft: Path, target: Path) -> None:
        """Rename a part into place, unless a sound one is there already."""
        try:
            os.rename(draft, target)
        except OSError as error:
            if error.errno not in OCCUPIED:
                raise
            if self._sound(target) is None:
                os.rename(draft, target)

    def _parts(self) -> Iterator[_Part]:
        """Every sound part by name, read and checked one at a time; damaged ones are set aside."""
        for path in entries(self.folder / PARTS):
            part = self._sound(path)
            if part is not None:
                yield part

    def _sound(self, path: Path) -> _Part | None:
        """The part, or None where it was damaged (it is set aside) or has just been removed."""
        with disk("read", path):
            try:
                return _read_part(path)
            except Damage:
                with locked(path.parent):
                    return self._set_aside(path)

    def _set_aside(self, path: Path) -> _Part | None:
        """Move a damaged part away, unless another process has put a sound one there meanwhile."""
        try:
            return _read_part(path)
        except Damage as damage:
            make_folder(self.folder / DAMAGED)
            with suppress(FileNotFoundError):  # removed by a run that starts afresh
                os.rename(path, self.folder / DAMAGED / f"{path.name}-{secrets.token_hex(4)}")
                self.damage.append(f"{path.name}: {damage}")
            return None

    def _remove(self, names: Iterable[str]) -> int:
        """Take parts out of sight in one step each, then delete them."""
        parts = self.folder / PARTS
        removed = 0
        with disk("remove results from", parts):
            for name in names:
                with scratch(parts) as bin_, suppress(FileNotFoundError):
                    os.rename(parts / name, bin_ / name)
                    removed += 1
        return removed


def results_folder(root: Path, name: str) -> Path:
    """The folder of a study's results, which must lie directly under the root.

    Errors: StoreError where the name is no plain name or leads out of the root by a link.
    """
    try:
        base = root.resolve()
        folder = (base / name).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # too long, a loop of links, a NUL
        raise StoreError(f"{name!r} cannot name a folder of results: {error}.") from error
    if Path(name).name != name or folder == base or not folder.is_relative_to(base):
        raise StoreError(f"{name!r} leads out of the results folder {base}: use a plain name.")
    return folder


def holds_results(folder: Path) -> bool:
    """Whether a run has left anything in this folder: tables, or parts where it was stopped."""
    return any(os.path.exists(folder / name) for name in (PARTS, FILES["cells"]))


def read_files(folder: Path, names: Iterable[str]) -> dict[str, bytes]:
    """Those of a study's files that are there, by name, each checked against its checksum.

    Under the folder's lock, so that all are of one state of the study. Errors: StoreError where
    one is damaged, or was removed, or the disk refuses.
    """
    with disk("read", folder), locked(folder):
        try:
            known = _read_checksums(folder)
            present = [name for name in names if name in known or (folder / name).exists()]
            return {name: checked(folder, name, known) for name in present}
        except Damage as damage:
            raise StoreError(f"In {folder}, {damage}: run the study again.") from damage


def verify(folder: Path) -> list[str]:
    """One sentence for everything damaged in a study's folder; changes nothing on disk."""
    found: list[str] = []
    with disk("read", folder):
        for path in entries(folder / PARTS):
            try:
                _read_part(path)
            except Damage as damage:
                found.append(f"{PARTS}/{path.name}: {damage}")
        try:
            known = _read_checksums(folder)
        except Damage as damage:
            return [*found, str(damage)]
        for name in sorted(known):
            try:
                checked(folder, name, known)
            except Damage as damage:
                found.append(str(damage))
    return found


def write_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Replace files of a study's folder, each whole or not at all, and note their checksums.

    Errors: StoreError where the disk refuses; every file is then as it was before.
    """
    with disk("write to", folder):
        make_folder(folder)
        with locked(folder):
            _replace(folder, contents)


def _owners(parts: Sequence[_Part], wanted: set[str]) -> dict[str, str]:
    """Which part each cell's rows come from: results before crashes, then parts by name."""
    owners: dict[str, str] = {}
    claims = [(part, part.done) for part in parts] + [(part, part.crashed) for part in parts]
    for part, cell_ids in claims:
        for cell_id in wanted.intersection(cell_ids):
            owners.setdefault(cell_id, part.name)
    return owners


def _joined(
    parts: Sequence[_Part], owners: Mapping[str, str], order: Sequence[str], kind: str
) -> pa.Table:
    """One table of all parts, each cell from its owner, in study order and then by epoch."""
    tables = [result_table([], SCHEMAS[kind])]
    for part in parts:
        owned = [cell for cell in part.done + part.crashed if owners.get(cell) == part.name]
        tables.append(part.rows(kind, owned))
    table = pa.concat_tables(tables, promote_options="permissive")
    others = sorted(set(table.column_names) - set(SCHEMAS[kind]))
    table = table.select([*SCHEMAS[kind], *others])
    keys = [pc.index_in(table["cell_id"], value_set=pa.array(order, pa.string())).to_numpy()]
    if "epoch" in SCHEMAS[kind]:
        keys.insert(0, table["epoch"].to_numpy())
    return table.take(pa.array(np.lexsort(keys)))


def _part_name(manifest: Mapping[str, Any]) -> str:
    """A name from what is in the part. A crash and a later result of the same cells differ."""
    identity = [manifest[key] for key in ("engine", "fingerprint", "done", "crashed")]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]


def _read_part(path: Path) -> _Part | None:
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
    return _Part(name=path.name, files=files, **manifest)


def _read_checksums(folder: Path) -> dict[str, list[str]]:
    """The checksums that each file of a study may have: one, or two while it is replaced."""
    if not (folder / CHECKSUMS).exists() and not (folder / FILES["cells"]).exists():
        return {}
    return unsealed(content_of(folder / CHECKSUMS), CHECKSUMS)


def _replace(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Replace files; the caller holds the lock.

    All are on disk before the first is replaced, and from then until the last the checksums allow
    the old and the new, so that to die in between leaves nothing that looks damaged.
    """
    try:
        known = _read_checksums(folder)
    except Damage:
        known = {}
    new = {name: [checksum(content)] for name, content in contents.items()}
    either = {name: known.get(name, []) + new[name] for name in new}
    with scratch(folder) as draft:
        for name, content in contents.items():
            write(draft / name, content)
        write(draft / "before", sealed(known | either))
        write(draft / "after", sealed(known | new))
        os.replace(draft / "before", folder / CHECKSUMS)
        for name in contents:
            os.replace(draft / name, folder / name)
        sync_folder(folder)
        os.replace(draft / "after", folder / CHECKSUMS)
    sync_folder(folder)
