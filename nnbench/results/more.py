"""What claims were given beyond their study's seeds: read back, and given more of."""

import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nnbench.results.files import PROVENANCE, forget_damaged, results_folder, sound_files
from nnbench.results.looks import FILE, given_of, round_of
from nnbench.study.study import More, Study


def with_more(study: Study, out: Path) -> Study:
    """The study with what its claims were given before, by its results in a folder of results.

    With a round of more seeds that was stopped. A claim that was changed since is another claim.
    Where the study has more seeds by now than a claim had, its next verdict is one look more. Two
    files tell of it, so that one that is damaged loses nothing.
    """
    files = sound_files(results_folder(out, study.name), [PROVENANCE, FILE])
    told = json.loads(files.get(PROVENANCE, b"{}")).get("study")
    before = round_of(files) or told or given_of(files) or {}
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


def mended(folder: Path, is_given: bool) -> list[str]:
    """Forget the damaged files of a study's folder; a sentence for what no run makes anew.

    is_given: whether its claims may have been given more seeds. Errors: StoreError where the disk
    refuses.
    """
    damaged = forget_damaged(folder)
    said = []
    if FILE in damaged:
        said.append(f"{FILE} was damaged or missing: earlier looks at the claims are forgotten")
    if PROVENANCE in damaged and is_given and not given_of(sound_files(folder, [FILE])):
        said.append(
            f"{PROVENANCE} was damaged or missing: seeds that `nnbench settle` may have given the "
            f"claims are forgotten"
        )
    return said


def _plain(claim: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in claim.items() if key not in ("more_seeds", "looks")}
    return json.dumps(rest, sort_keys=True)


def given_more(study: Study, places: Iterable[int], seeds: int) -> Study:
    """The study whose claims at these places have so many seeds, for one look more at each."""
    unused = (seed for seed in itertools.count() if seed not in study.seeds)
    added = tuple(itertools.islice(unused, seeds - len(study.seeds)))
    grown = {place: More(added, study.more[place].looks + 1) for place in places}
    return replace(study, more={**study.more, **grown})
