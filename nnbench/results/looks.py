"""At how many seeds a study was judged before: kept with its results, whatever is run again.

Who looks, adds seeds because it is undecided, and looks again gets more chances than one look has.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from nnbench.results.disk import StoreError
from nnbench.results.files import read_files, write_json

FILE = "looks.json"


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
            f"{folder / FILE} cannot be read: remove it to discard earlier looks."
        ) from error


def round_of(files: Mapping[str, bytes]) -> dict[str, Any] | None:
    """The round of more seeds that is under way, as its study's document has it; None for none."""
    with suppress(ValueError, AttributeError):
        found: dict[str, Any] | None = json.loads(files.get(FILE, b"{}")).get("round")
        return found
    return None


def note_look(folder: Path, seeds: int) -> None:
    """Note that a study was judged with so many seeds; the same number twice is one look."""
    files = read_files(folder, [FILE])
    known = looks_of(files, folder)
    if seeds not in known or round_of(files):
        seen = known if seeds in known else (*known, seeds)
        write_json(folder / FILE, {"seeds": list(seen)})


def note_round(folder: Path, study: Mapping[str, Any] | None) -> None:
    """Note what claims are being given, so that a round that is stopped goes on; None: no round."""
    files = read_files(folder, [FILE])
    if study is None and round_of(files) is None:
        return
    given = {} if study is None else {key: study[key] for key in ("seeds", "claims")}
    seen = {"seeds": list(looks_of(files, folder))}
    write_json(folder / FILE, seen | ({"round": given} if given else {}))
