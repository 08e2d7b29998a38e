"""One study's results on disk: parts that are committed whole, and the tables made from them.

A part is the result of one finished stack: a folder with three Parquet tables and a manifest that
holds their checksums. It is written aside, flushed, and renamed into place, so that a reader sees
all of it or nothing, and it never changes afterwards. What fails its checksum is set aside and
counts as missing. The tables of the study are rebuilt from its parts.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nnbench.results.checksums import Damage
from nnbench.results.disk import (
    StoreError,
    disk,
    entries,
    fill,
    locked,
    make_folder,
    scratch,
    sweep,
    sync_folder,
)
from nnbench.results.files import damaged_files, replace_files
from nnbench.results.parts import Part, packed, read_parts
from nnbench.results.rows import FILES, SCHEMAS, Rows
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

PARTS, DAMAGED = "parts", "damaged"
OCCUPIED = {errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR}


@dataclass(frozen=True)
class Survey:
    """Which cells have results, by cell_id. The sets do not overlap."""

    finished: frozenset[str]  # ok or diverged, by an engine that is taken and of these sources
    crashed: frozenset[str]  # tried, without a result
    other_engine: frozenset[str]  # results of another engine only, which stay
    stale: frozenset[str]  # results of other sources or libraries only
    stale_parts: int
    damaged_parts: int  # that this object set aside
    engines: frozenset[str] = frozenset()  # that trained what is finished


NOTHING = Survey(frozenset(), frozenset(), frozenset(), frozenset(), 0, 0)


@dataclass(frozen=True)
class Store:
    """The folder of one study, as seen by a run of one source fingerprint.

    `takes` tells of a part's engine and cells whether this run would train them by that engine:
    what another engine trained is not its result.
    Opening sweeps what dead processes left half-written. Several processes may use one folder.
    Errors: StoreError where the disk refuses.
    """

    folder: Path
    fingerprint: str
    takes: Callable[[str, Sequence[str]], bool]
    damage: list[str] = field(default_factory=list)  # what this object set aside, and why

    def __post_init__(self) -> None:
        for folder in (self.folder, self.folder / PARTS, self.folder / DAMAGED):
            if folder != self.folder and folder.is_symlink():
                raise StoreError(f"{folder} is a link that leads out of the results: remove it.")
            with disk("open", folder):
                sweep(folder)

    def commit(self, rows: Rows) -> str:
        """Write one finished stack, whole or not at all; returns the name of its part.

        Where the same part is there already, from another process, that one stays.
        """
        name, contents = packed(rows, self.fingerprint)
        parts = self.folder / PARTS
        with disk("write results to", parts):
            make_folder(parts)
            with scratch(parts) as draft:
                fill(draft, contents)
                self._publish(draft, parts / name)
            sync_folder(parts)
        return name

    def survey(self) -> Survey:
        """Read and check every part, and say which cells have what."""
        done: set[str] = set()
        crashed: set[str] = set()
        other_engine: set[str] = set()
        stale: set[str] = set()
        engines: set[str] = set()
        stale_parts = 0
        for part in self._parts():
            if self._is_fresh(part):
                done.update(part.done)
                engines.update([part.engine] if part.done else [])
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
            engines=frozenset(engines),
        )

    def finished(self) -> frozenset[str]:
        """Cells that need not run again: results that are sound, fresh, and not a crash."""
        return self.survey().finished

    def tables(self, cells: Sequence[Cell], target: float | None = None) -> Tables:
        """The tables of these cells, in their order; cells without fresh results have no row.

        A cell that several parts hold comes from the first by name; a crash yields to a result.
        `target` is the validation score whose first epoch is `epochs_to_target`.
        """
        fresh = [part for part in self._parts() if self._is_fresh(part)]
        fresh.sort(key=lambda part: part.name)
        order = [cell.cell_id for cell in cells]
        owners = _owners(fresh, set(order))
        results, curves, layers = (_joined(fresh, owners, order, name) for name in SCHEMAS)
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
        cells: Sequence[Cell],
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
                    FILES[name]: parquet(pa.Table.from_pandas(frame, preserve_index=False))
                    for name, frame in tables._asdict().items()
                }
                csv = tables.cells.to_csv(index=False, lineterminator="\n")
                files = {**contents, "cells.csv": csv.encode(), **beside(tables)}
                replace_files(self.folder, files)
        return tables

    def remove_stale(self) -> int:
        """Remove the stale parts whose every cell has a fresh result by now; returns how many.

        Results of another engine, but of these sources, stay: a run with that engine has them.
        """
        finished = self.finished()
        kept: dict[str, bool] = {}  # by folder: a bundle goes when all of its parts may
        for part in self._parts():
            is_needed = not finished.issuperset(part.done + part.crashed)
            is_needed |= part.fingerprint == self.fingerprint
            kept[part.content.folder] = is_needed or kept.get(part.content.folder, False)
        return self._remove(folder for folder, is_kept in kept.items() if not is_kept)

    def remove_all(self) -> int:
        """Remove every part, damaged ones too, for a run that starts afresh; returns how many."""
        damaged = self.folder / DAMAGED
        with disk("remove", damaged), suppress(FileNotFoundError):
            shutil.rmtree(damaged)
        return self._remove(path.name for path in entries(self.folder / PARTS))

    def _is_fresh(self, part: Part) -> bool:
        is_current = part.fingerprint == self.fingerprint
        return is_current and self.takes(part.engine, part.done + part.crashed)

    def _publish(self, draft: Path, target: Path) -> None:
        """Rename a part into place, unless a sound one is there already."""
        try:
            os.rename(draft, target)
        except OSError as error:
            if error.errno not in OCCUPIED:
                raise
            if not self._sound(target):
                os.rename(draft, target)

    def _parts(self) -> Iterator[Part]:
        """Every sound part once, read and checked a folder at a time; damaged ones are set aside.

        Where a folder is removed meanwhile, another look finds its parts in a bundle, if they are.
        """
        looked: set[Path] = set()
        names: set[str] = set()
        while new := [path for path in entries(self.folder / PARTS) if path not in looked]:
            looked.update(new)
            are_there = True
            for path in new:
                parts = self._sound(path)
                are_there &= bool(parts)
                for part in parts:
                    if part.name not in names:
                        names.add(part.name)
                        yield part
            if are_there:
                break

    def _sound(self, path: Path) -> list[Part]:
        """The parts of a folder; none where it was damaged (it is set aside) or just removed."""
        with disk("read", path):
            try:
                return read_parts(path)
            except Damage:
                with locked(path.parent):
                    return self._set_aside(path)

    def _set_aside(self, path: Path) -> list[Part]:
        """Move a damaged part away, unless another process has put a sound one there meanwhile."""
        try:
            return read_parts(path)
        except Damage as damage:
            make_folder(self.folder / DAMAGED)
            with suppress(FileNotFoundError):  # removed by a run that starts afresh
                os.rename(path, self.folder / DAMAGED / f"{path.name}-{secrets.token_hex(4)}")
                self.damage.append(f"{path.name}: {damage}")
            return []

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


def holds_results(folder: Path) -> bool:
    """Whether a run has left anything in this folder: tables, or parts where it was stopped."""
    return any(os.path.exists(folder / name) for name in (PARTS, FILES["cells"]))


def verify(folder: Path) -> list[str]:
    """One sentence for everything damaged in a study's folder; changes nothing on disk."""
    found: list[str] = []
    with disk("read", folder):
        for path in entries(folder / PARTS):
            try:
                read_parts(path)
            except Damage as damage:
                found.append(f"{PARTS}/{path.name}: {damage}")
        return found + damaged_files(folder)


def _owners(parts: Sequence[Part], wanted: set[str]) -> dict[str, str]:
    """Which part each cell's rows come from: results before crashes, then parts by name."""
    owners: dict[str, str] = {}
    claims = [(part, part.done) for part in parts] + [(part, part.crashed) for part in parts]
    for part, cell_ids in claims:
        for cell_id in wanted.intersection(cell_ids):
            owners.setdefault(cell_id, part.name)
    return owners


def _joined(
    parts: Sequence[Part], owners: Mapping[str, str], order: Sequence[str], name: str
) -> pa.Table:
    """One table of all parts, each cell from its owner, in study order and then by epoch."""
    tables = [result_table([], SCHEMAS[name])]
    for part in parts:
        owned = [cell for cell in part.done + part.crashed if owners.get(cell) == part.name]
        tables.append(part.rows(name, owned))
    table = pa.concat_tables(tables, promote_options="permissive")
    others = sorted(set(table.column_names) - set(SCHEMAS[name]))
    table = table.select([*SCHEMAS[name], *others])
    keys = [pc.index_in(table["cell_id"], value_set=pa.array(order, pa.string())).to_numpy()]
    if "epoch" in SCHEMAS[name]:
        keys.insert(0, table["epoch"].to_numpy())
    return table.take(pa.array(np.lexsort(keys)))
