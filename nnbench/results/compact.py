"""Merge the small parts of a study into bundles, so that a hundred thousand cells are few files.

Nothing is lost at any step: a bundle is written aside, put into place whole, and read back and held
against its parts before the first of them goes. Until then each is there twice, which readers see
through by its name. Whoever looks meanwhile finds a part where it was or in its bundle.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nnbench.results.checksums import Damage
from nnbench.results.disk import StoreError, disk, entries, fill, scratch, sweep, sync_folder
from nnbench.results.parts import Part, bundled, read_parts
from nnbench.results.rows import SCHEMAS
from nnbench.results.running import alone_in
from nnbench.results.store import PARTS

MOST_CELLS = 4096  # of a bundle: what is damaged is lost as a whole, and trained again
SMALL = MOST_CELLS // 2  # a folder with fewer cells is merged


class RunningError(Exception):
    """A run is in progress in the folder: one sentence that says so."""


@dataclass(frozen=True)
class Compacted:
    """Folders and bytes of a study's parts, before and after."""

    folders: tuple[int, int]
    size: tuple[int, int]


def compact(folder: Path) -> Compacted:
    """Merge what is small in a study's folder; tables, page and what a run would do stay the same.

    Errors: RunningError where a run is in progress, StoreError where the disk refuses. What is
    damaged stays as it is, for the next run to set aside.
    """
    parts = folder / PARTS
    with disk("merge parts in", parts), alone_in(folder) as is_alone:
        if not is_alone:
            raise RunningError(f"a run is in progress in {folder}: compact it when it has ended")
        sweep(parts)
        before = _taken(parts)
        for members in list(_groups(parts)):
            _bundle(parts, members)
        return Compacted(*zip(before, _taken(parts), strict=True))


def _taken(parts: Path) -> tuple[int, int]:
    """The folders of parts, and the bytes of their files."""
    files = [path for folder in entries(parts) for path in folder.glob("*") if path.is_file()]
    return len(entries(parts)), sum(path.stat().st_size for path in files)


def _groups(parts: Path) -> Iterator[list[str]]:
    """Folders whose parts go into one bundle: small ones whose tables have the same columns."""
    open_groups: dict[str, tuple[list[str], int]] = {}
    for path in entries(parts):
        members = _sound(path)
        cells = sum(len(part.done) + len(part.crashed) for part in members)
        if not 0 < cells < SMALL:
            continue
        kind = repr([members[0].content.read(name).schema.remove_metadata() for name in SCHEMAS])
        names, count = open_groups.get(kind, ([], 0))
        if count + cells > MOST_CELLS:
            yield names
            names, count = [], 0
        open_groups[kind] = ([*names, path.name], count + cells)
    for names, _ in open_groups.values():
        if len(names) > 1:
            yield names


def _sound(path: Path) -> list[Part]:
    with suppress(Damage):
        return read_parts(path)
    return []


def _bundle(parts: Path, folders: Sequence[str]) -> None:
    """Put the parts of some folders into one bundle, and then take those away."""
    members = {part.name: part for name in folders for part in _sound(parts / name)}
    ordered = [members[name] for name in sorted(members)]
    name, contents = bundled(ordered)
    if not (parts / name).exists():  # else it was put there by one that was stopped since
        with scratch(parts) as draft:
            fill(draft, contents)
            os.rename(draft, parts / name)
        sync_folder(parts)
    _demand(_sound(parts / name), ordered, parts / name)
    for folder in folders:
        if folder != name:
            with scratch(parts) as bin_:
                os.rename(parts / folder, bin_ / folder)
    sync_folder(parts)


def _demand(found: Sequence[Part], wanted: Sequence[Part], path: Path) -> None:
    """See that a bundle holds what its parts hold. Errors: StoreError."""
    same = [part.name for part in found] == [part.name for part in wanted] and all(
        one.table(name).equals(other.table(name))
        for one, other in zip(found, wanted, strict=True)
        for name in SCHEMAS
    )
    if not same:
        raise StoreError(
            f"{path} differs from what was written: the disk may be failing; no part is lost"
        )
