"""At how many seeds a study was judged before: kept with its results, whatever is run again.

Who looks, adds seeds because it is undecided, and looks again gets more chances than one look has.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from nnbench.results.disk import StoreError
from nnbench.results.files import LOOKS, read_files, write_json

FILE = LOOKS


def looks_of(files: Mapping[str, bytes], folder: Path) -> tuple[int, ...]:
    """The numbers of seeds at which a study was judged, in order; none without the file.

    Raises StoreError where the file does not hold what `note_look` writes.
    """
    if FILE not in files:
        return ()
    try:
        return tuple(int(seeds) for seeds in json.loads(files[FILE])["seeds"])
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{folder / FILE} cannot be read: remove it and run the study again to discard earlier "
            f"looks."
        ) from error


def round_of(files: Mapping[str, bytes]) -> dict[str, Any] | None:
    """The round of more seeds that is under way, as its study's document has it; None for none."""
    return _noted(files, "round")


def given_of(files: Mapping[str, bytes]) -> dict[str, Any] | None:
    """What claims had when they were judged last, as the study's document has it; None for none."""
    return _noted(files, "given")


def _noted(files: Mapping[str, bytes], what: str) -> dict[str, Any] | None:
    with suppress(ValueError, AttributeError):
        found: dict[str, Any] | None = json.loads(files.get(FILE, b"{}")).get(what)
        return found
    return None


def note_look(folder: Path, seeds: int, study: Mapping[str, Any] | None = None) -> None:
    """Note that a study was judged with so many seeds; the same number twice is one look.

    With what its claims have by then, so that this is known where its provenance is damaged.
    """
    files = read_files(folder, [FILE])
    known = looks_of(files, folder)
    given = _given(study)
    if seeds not in known or round_of(files) or given != given_of(files):
        seen = known if seeds in known else (*known, seeds)
        write_json(folder / FILE, {"seeds": list(seen)} | ({"given": given} if given else {}))


def note_round(folder: Path, study: Mapping[str, Any] | None) -> None:
    """Note what claims are being given, so that a round that is stopped goes on.

    None: no round, and nothing given.
    """
    files = read_files(folder, [FILE])
    before = given_of(files)
    if study is None and round_of(files) is None and before is None:
        return
    noted: dict[str, Any] = {"seeds": list(looks_of(files, folder))}
    if study is not None:
        noted |= ({"given": before} if before else {}) | {"round": _given(study)}
    write_json(folder / FILE, noted)


def _given(study: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if study is None or not study.get("claims"):
        return None
    return {key: study[key] for key in ("seeds", "claims") if key in study}
