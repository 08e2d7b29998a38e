"""What claims were given beyond their study's seeds: read back, and given more of."""

import itertools
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from nnbench.results.disk import StoreError
from nnbench.results.files import PROVENANCE, read_files, results_folder
from nnbench.results.looks import FILE, round_of
from nnbench.study.study import More, Study


def with_more(study: Study, out: Path) -> Study:
    """The study with what its claims were given before, by its results in a folder of results.

    With a round of more seeds that was stopped. A claim that was changed since is another claim.
    Where the study has more seeds by now than a claim had, its next verdict is one look more. Of
    damaged results it knows nothing: a run mends them.
    """
    files: dict[str, bytes] = {}
    with suppress(StoreError):
        files = read_files(results_folder(out, study.name), [PROVENANCE, FILE])
    told = json.loads(files.get(PROVENANCE, b"{}")).get("study") or {}
    before = round_of(files) or told
    given = {_plain(claim): claim for claim in before.get("claims") or [] if "looks" in claim}
    if not given:
        return study
    more = {}
    for place, claim in enumerate(study.document()["claims"]):
        if (found := given.get(_plain(claim))) is None:
            continue
        had = {*before["seeds"], *found["more_seeds"]}
        seeds = tuple(seed for seed in found["more_seeds"] if seed not in study.seeds)
        grown = len({*study.seeds, *seeds}) > len(had)
        more[place] = More(seeds, found["looks"] + grown)
    return replace(study, more=more)


def _plain(claim: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in claim.items() if key not in ("more_seeds", "looks")}
    return json.dumps(rest, sort_keys=True)


def given_more(study: Study, places: Iterable[int], seeds: int) -> Study:
    """The study whose claims at these places have so many seeds, for one look more at each."""
    unused = (seed for seed in itertools.count() if seed not in study.seeds)
    added = tuple(itertools.islice(unused, seeds - len(study.seeds)))
    grown = {place: More(added, study.more[place].looks + 1) for place in places}
    return replace(study, more={**study.more, **grown})
