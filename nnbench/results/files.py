"""The files of a study's folder: each replaced whole or not at all, its checksum noted."""

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from nnbench.results.checksums import Damage, checked, checksum, content_of, sealed, unsealed
from nnbench.results.disk import StoreError, disk, locked, make_folder, scratch, sync_folder, write
from nnbench.results.rows import FILES

CHECKSUMS = "checksums.json"
PROVENANCE = "provenance.json"  # where results come from
LOOKS, WALL_TIME = "looks.json", "wall_time.json"  # with it, what no run makes anew
TOLD = (PROVENANCE, LOOKS, WALL_TIME)
ALL = (
    *FILES.values(),
    *("cells.csv", *TOLD, "claims.csv", "predictions.parquet", "landscapes.json"),
)


def results_folder(root: Path, name: str) -> Path:
    """The folder of a study's results, which must lie directly under the root.

    Errors: StoreError where the name is no plain name or leads out of the root by a link.
    """
    try:
        base = root.resolve()
        folder = (base / name).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # too long, a loop of links, a NUL
        raise StoreError(f"{name!r} cannot name a results folder: {error}.") from error
    if Path(name).name != name or folder == base or not folder.is_relative_to(base):
        raise StoreError(f"{name!r} leads out of the results folder {base}: use a plain name.")
    return folder


def read_files(folder: Path, names: Iterable[str]) -> dict[str, bytes]:
    """Those of a study's files that are there, by name, each checked against its checksum.

    Under the folder's lock, so that all are of one state of the study; none where there is no
    folder, as before its first run. Errors: StoreError where one is damaged, or was removed, or
    the disk refuses.
    """
    if not folder.exists():
        return {}
    with disk("read", folder), locked(folder):
        try:
            known = known_checksums(folder)
            present = [name for name in names if name in known or (folder / name).exists()]
            return {name: checked(folder, name, known) for name in present}
        except Damage as damage:
            raise StoreError(f"In {folder}, {damage}: run the study again.") from damage


def sound_files(folder: Path, names: Iterable[str]) -> dict[str, bytes]:
    """Those of a study's files that are there and sound, by name: for whoever does without.

    Errors: StoreError where the disk refuses.
    """
    found: dict[str, bytes] = {}
    if folder.exists():
        with disk("read", folder), locked(folder):
            known = kept_checksums(folder)
            for name in names:
                with suppress(Damage):
                    found[name] = checked(folder, name, known)
    return found


def forget_damaged(folder: Path) -> list[str]:
    """Remove the files of a study's folder that are damaged, for a run to make them anew.

    Returns their names, and those of missing ones. Errors: StoreError where the disk refuses.
    """
    if not folder.exists():
        return []
    with disk("mend", folder), locked(folder):
        known = kept_checksums(folder)
        names = {*known, *(name for name in ALL if os.path.lexists(folder / name))}
        sound = {name for name in known if _is_sound(folder, name, known)}
        if sound != names or _are_damaged(folder, known):
            with scratch(folder) as draft:
                write(draft / CHECKSUMS, sealed({name: known[name] for name in sorted(sound)}))
                os.replace(draft / CHECKSUMS, folder / CHECKSUMS)
            for name in names - sound:
                (folder / name).unlink(missing_ok=True)
            sync_folder(folder)
        return sorted(names - sound)


def write_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Replace files of a study's folder, each whole or not at all, and note their checksums.

    Errors: StoreError where the disk refuses; every file is then as it was before.
    """
    with disk("write to", folder):
        make_folder(folder)
        with locked(folder):
            replace_files(folder, contents)


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


def damaged_files(folder: Path) -> list[str]:
    """One sentence for every file of a study's folder that does not match its checksum.

    Under the folder's lock, so that a run which replaces them meanwhile damages nothing.
    """
    found: list[str] = []
    if not folder.exists():
        return found
    with locked(folder):
        try:
            known = known_checksums(folder)
        except Damage as damage:
            return [str(damage)]
        for name in sorted(known):
            try:
                checked(folder, name, known)
            except Damage as damage:
                found.append(str(damage))
        others = [name for name in ALL if name not in known and (folder / name).exists()]
    return found + [f"{name} has no checksum" for name in sorted(others)]


def replace_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Replace files; the caller holds the lock.

    All are on disk before the first is replaced, and from then until the last the checksums allow
    the old and the new, so that to die in between leaves nothing that looks damaged.
    """
    known = kept_checksums(folder)
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


def known_checksums(folder: Path) -> dict[str, list[str]]:
    """The checksums that each file of a study may have: one, or two while it is replaced."""
    if not (folder / CHECKSUMS).exists() and not (folder / FILES["cells"]).exists():
        return {}
    return unsealed(content_of(folder / CHECKSUMS), CHECKSUMS)


def kept_checksums(folder: Path) -> dict[str, list[str]]:
    """The known checksums; where these are damaged or missing, those of files that still match.

    And those of what no run makes anew, as it is, if it can be read.
    """
    with suppress(Damage):
        if (folder / CHECKSUMS).exists():
            return known_checksums(folder)
    there = {name: (folder / name).read_bytes() for name in ALL if (folder / name).is_file()}
    left = (folder / CHECKSUMS).read_bytes() if (folder / CHECKSUMS).is_file() else b""
    sums = {name: checksum(content) for name, content in there.items()}
    readable = {name for name in TOLD if _is_object(there.get(name, b""))}
    return {name: [one] for name, one in sums.items() if name in readable or one.encode() in left}


def _is_object(content: bytes) -> bool:
    with suppress(ValueError, RecursionError):
        return isinstance(json.loads(content), dict)
    return False


def _is_sound(folder: Path, name: str, known: Mapping[str, list[str]]) -> bool:
    with suppress(Damage):
        checked(folder, name, known)
        return True
    return False


def _are_damaged(folder: Path, kept: Mapping[str, list[str]]) -> bool:
    """Whether the checksums are not those that were kept of them."""
    with suppress(Damage):
        return known_checksums(folder) != kept
    return True
