"""A study and its cells: which arms its design takes, and each arm's recipe by seed.

A cell is one network's whole recipe: a flat mapping from field to scalar, every default filled in.
Its id is a hash of that recipe in canonical form, so it survives reordering, comments and 1e-3
for 0.001, and changes with whatever changes the network.
"""

import hashlib
import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from nnbench.study.baselines import SHARE, baseline_recipes, fewer_are_beside, is_baseline
from nnbench.study.document import Claim, Design, Document, Probes, Report
from nnbench.study.fields import SPARSE
from nnbench.study.grid import Level, Scalar, parameter_at, unsaid_places
from nnbench.study.metrics import METRICS
from nnbench.study.mistakes import StudyError
from nnbench.study.recipe import Recipe
from nnbench.study.selection import about, matches
from nnbench.study.study_kinds import STUDY_KINDS, TRAINING
from nnbench.study.vocabulary import Vocabulary


@dataclass(frozen=True)
class Cell:
    """One network's recipe and its identity."""

    study: str
    recipe: Recipe = field(hash=False)
    cell_id: str


def make_cell(study: str, recipe: Mapping[str, Any], apart: Iterable[str] = ()) -> Cell:
    """The cell of a resolved recipe; its id is the hash of the canonical form.

    The fields named by `apart` do not enter the hash, nor do sparse ones at their default.
    """
    hashed = dict(recipe)
    unsaid = [place for place, usual in SPARSE.items() if hashed.get(place) == usual]
    for place in (*apart, *unsaid):
        hashed.pop(place, None)
    canonical = json.dumps(hashed, sort_keys=True, separators=(",", ":"))
    return Cell(study, Recipe(recipe), hashlib.sha256(canonical.encode()).hexdigest()[:16])


@dataclass(frozen=True)
class More:
    """What a claim was given beyond the study's seeds: seeds, after so many earlier looks at it."""

    seeds: tuple[int, ...] = ()
    looks: int = 0


@dataclass(frozen=True, eq=False)
class Study:
    """A validated study. `levels` maps every grid key to its levels, one where it is held fixed.

    `design` and `claims` name cells in normal form, see `nnbench.study.selection`; `written` is as
    written. `more`, by the places of claims: what each was given to settle it.
    """

    written: Document
    levels: Mapping[str, list[Level]]
    listed: frozenset[str]  # keys given as lists: the factors
    seeds: tuple[int, ...]
    design: Design
    claims: tuple[Claim, ...]
    vocabulary: Vocabulary = field(repr=False)
    more: Mapping[int, More] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The study's name, which is also its results' folder."""
        return self.written.name

    @property
    def title(self) -> str:
        """The title, or the name where there is none."""
        return self.written.title or self.name

    @property
    def kind(self) -> str:
        """The kind of study: training, landscape or numerics."""
        return self.written.kind

    @property
    def question(self) -> str:
        """The question that the study asks."""
        return self.written.question

    @property
    def prediction(self) -> str:
        """What its author expected."""
        return self.written.prediction

    @property
    def seed(self) -> int:
        """The root of all random draws."""
        return self.written.seed

    @property
    def probes(self) -> Probes:
        """Which statistics are taken of each layer."""
        return self.written.probes

    @property
    def report(self) -> Report:
        """What the report ranks on."""
        return self.written.report

    @property
    def factors(self) -> dict[str, list[str]]:
        """Each factor's level labels, the baseline level first."""
        return {
            key: [level.label for level in self.baseline_first(key)]
            for key in self.levels
            if key in self.listed
        }

    def document(self) -> dict[str, Any]:
        """The study as resolved, ready for JSON."""
        unsaid = {"claim", "design"} | (set() if self.written.baselines else {"baselines"})
        written = self.written.model_dump(mode="json", by_alias=True, exclude=unsaid)
        claims = [
            claim.model_dump(mode="json", by_alias=True, exclude_none=True) for claim in self.claims
        ]
        for place, more in self.more.items():
            claims[place] |= {"more_seeds": list(more.seeds), "looks": more.looks}
        resolved = {
            "title": self.title,
            "design": self.design.model_dump(mode="json"),
            "claims": claims,
            "seeds": list(self.seeds),
            "factors": self.factors,
        }
        return written | resolved

    def cells(self) -> list[Cell]:
        """The study's cells, in the grid's order, each once; after them those of its baselines."""
        return self._cells

    def networks(self) -> list[Cell]:
        """The cells without those of the baselines."""
        return [cell for cell in self._cells if not is_baseline(cell.recipe)]

    @property
    def noun(self) -> str:
        """What its cells are."""
        noun = STUDY_KINDS[self.kind].noun
        return f"{noun} and baselines" if self.written.baselines else noun

    @cached_property
    def _cells(self) -> list[Cell]:
        apart = self._apart
        chosen: dict[str, Cell] = {}
        for recipe in self.recipes():
            cell = make_cell(self.name, recipe, apart | self._unsaid(recipe))
            chosen.setdefault(cell.cell_id, cell)
        if not chosen:
            raise StudyError("[design] exclude leaves no cell: remove one of its entries")
        if self.written.baselines:
            networks = [one.recipe for one in chosen.values() if one.recipe["seed"] in self.seeds]
            by = METRICS[self.report.metric].chosen_by
            for recipe in baseline_recipes(networks, self.written.baselines, by):
                cell = make_cell(self.name, recipe, apart)
                chosen[cell.cell_id] = cell
        return list(chosen.values())

    @cached_property
    def _apart(self) -> frozenset[str]:
        """The fields that are no part of a cell's identity."""
        return frozenset(
            place
            for levels in self.levels.values()
            for level in levels
            for place in level.fields
            if not parameter_at(place, level.fields, self.vocabulary).identity
        )

    @cached_property
    def _sparse(self) -> list[str]:
        """The keys of the grid of whose levels some have sparse parameters at their default."""
        return [
            key
            for key, levels in self.levels.items()
            if any(unsaid_places(level.fields, self.vocabulary) for level in levels)
        ]

    def _unsaid(self, recipe: Mapping[str, Scalar]) -> set[str]:
        """The places of a recipe that are as they were before there was such a place."""
        return {
            place
            for key in self._sparse
            for place in unsaid_places(
                {p: value for p, value in recipe.items() if p.partition(".")[0] == key},
                self.vocabulary,
            )
        }

    def recipes(self) -> Iterator[dict[str, Scalar]]:
        """Yield the recipe of every arm and seed, then of what claims were given more of.

        Raises StudyError for one that cannot be.
        """
        excluded = [one.where for one in self.design.exclude]
        arms = [recipe for _, recipe in self.arms()]
        own = ((recipe, seed) for recipe in arms for seed in self.seeds)
        more = (
            (recipe, seed)
            for place, given in self.more.items()
            for recipe in arms
            if self.claims[place].compares(recipe) and not self._is_beside(recipe)
            for seed in given.seeds
        )
        for recipe, seed in itertools.chain(own, more):
            whole = recipe | {"seed": seed}
            if not any(matches(whole, where) for where in excluded):
                yield whole

    def _is_beside(self, recipe: Mapping[str, Any]) -> bool:
        """Whether a network is of fewer rows and no claim looks at such, whatever it compares."""
        return recipe.get(SHARE, self._whole_share) < self._whole_share

    @cached_property
    def _whole_share(self) -> float:
        """The largest share of the rows, where smaller ones are a curve beside the rest; else 0."""
        is_drawn = bool(self.written.baselines) and len(self.levels["data"]) == 1
        if not is_drawn or not fewer_are_beside(self.document()):
            return 0.0
        return max(float(str(level.fields[SHARE])) for level in self.levels[SHARE])

    def arms(self) -> Iterator[tuple[tuple[Level, ...], dict[str, Scalar]]]:
        """Yield every arm's levels, one for each key of `levels`, and its recipe but for the seed.

        Raises StudyError for a recipe that cannot be.
        """
        excluded = [one.where for one in self.design.exclude]
        for arm in self._arms():
            recipe = self._common()
            for level in arm:
                recipe |= level.fields
            if any(matches(recipe, where) for where in excluded):
                continue
            try:
                resolved = self.vocabulary.resolve(recipe)
            except ValueError as problem:
                raise StudyError(f"[grid]: {problem}") from None
            if resolved.get("probe_every") and resolved["depth"] == 0:
                raise StudyError(
                    "[probes] layers: a network of depth = 0 has no hidden layer to look at: take "
                    "0 out of [grid] depth, or remove [probes]"
                )
            yield (
                arm,
                {
                    place: value
                    for place, value in resolved.items()
                    if place in self.listed or place not in SPARSE or value != SPARSE[place]
                },
            )

    def _common(self) -> dict[str, Scalar]:
        """What all cells share from outside of the grid."""
        if self.kind != TRAINING:
            return {"study_seed": self.seed, "kind": self.kind}
        probes = self.probes
        return {
            "study_seed": self.seed,
            "probe_every": probes.every if probes.layers else 0,
            "probe_sharpness": probes.sharpness,
            "probe_correlation": probes.correlation,
        }

    def n_arms(self) -> int:
        """The number of arms before any is excluded."""
        counts = [len(levels) for levels in self.levels.values()]
        if self.design.kind == "one_factor":
            return 1 + sum(count - 1 for count in counts)
        return min(self.design.n or math.prod(counts), math.prod(counts))

    def _arms(self) -> Iterable[tuple[Level, ...]]:
        lists = [self.baseline_first(key) for key in self.levels]
        if self.design.kind == "one_factor":
            return _one_at_a_time(lists)
        if self.design.n is not None:
            return _sampled(lists, self.design.n, self.seed)
        return itertools.product(*lists)

    def baseline_first(self, key: str) -> list[Level]:
        """A grid key's levels in the file's order, but the baseline level before all."""
        levels = self.levels[key]
        wanted = about(self.design.baseline, key)
        first = next(level for level in levels if matches(level.fields, wanted))
        return [first, *(level for level in levels if level is not first)]


def _one_at_a_time(lists: list[list[Level]]) -> Iterator[tuple[Level, ...]]:
    baseline = tuple(levels[0] for levels in lists)
    yield baseline
    for place, levels in enumerate(lists):
        for level in levels[1:]:
            yield (*baseline[:place], level, *baseline[place + 1 :])


def _sampled(lists: list[list[Level]], n: int, seed: int) -> Iterator[tuple[Level, ...]]:
    """Yield n arms drawn without replacement, in the grid's order.

    Of a small grid the n arms whose places have the smallest hashes; of a large one, places that
    hashes point to.
    """
    total = math.prod(map(len, lists))
    if total <= 2 * n:
        chosen = set(sorted(range(total), key=lambda place: _hash(f"{seed}/sample/{place}"))[:n])
    else:
        chosen = set()
        draws = (_hash(f"{seed}/sample/{draw}") % total for draw in itertools.count())
        while len(chosen) < n:
            chosen.add(next(draws))
    for place in sorted(chosen):
        arm = []
        for levels in reversed(lists):
            place, index = divmod(place, len(levels))
            arm.append(levels[index])
        yield tuple(reversed(arm))


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
