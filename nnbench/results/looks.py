"""At how many seeds a study was judged before: kept with its results, whatever is run again.

Who looks, adds seeds because it is undecided, and looks again gets more chances than one look has.
"""

import json
from collections.abc import Mapping
from pathlib import Path

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
        raise StoreError(f"{folder / FILE} cannot be read: remove it to forget looks.") from error


def note_look(folder: Path, seeds: int) -> None:
    """Note that a study was judged with so many seeds; the same number twice is one look."""
    known = looks_of(read_files(folder, [FILE]), folder)
    if seeds not in known:
        write_json(folder / FILE, {"seeds": [*known, seeds]})
