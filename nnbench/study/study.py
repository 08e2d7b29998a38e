"""Read, validate and expand a study: a file becomes a `Study`, a study becomes cells.

A cell is one network's whole recipe: a flat mapping from field to scalar, every default filled in.
Its id is a hash of that recipe in canonical form, so it survives reordering, comments and 1e-3
for 0.001, and changes with whatever changes the network.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from nnbench.study.document import (
    Claim,
    Design,
    Document,
    Probes,
    Report,
    read_document,
    with_metrics,
)
from nnbench.study.grid import (
    GRID_KEYS,
    MAX_CELLS,
    Level,
    Scalar,
    parameter_at,
    read_grid,
    read_seeds,
    value_label,
)
from nnbench.study.kinds import KINDS, TRAINING
from nnbench.study.metrics import METRICS, metrics_of, scores_of
from nnbench.study.mistakes import StudyError, nearest, quoted
from nnbench.study.recipe import Recipe
from nnbench.study.selection import Namer, Partial, about, matches, may_match
from nnbench.study.vocabulary import Vocabulary

MAX_FILE_BYTES = 1_000_000
MAX_CHECKED_CELLS = 50_000  # a larger grid is checked by its levels alone when it is read
MAX_CHECKS = 500_000  # comparisons of an arm with a naming of cells
# a dotted key of so many parts; the parser's time grows with their square
LONG_KEY = re.compile(
    r"""(?<![\w-])(?:(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){30}"""
)

__all__ = [
    "GRID_KEYS",
    "Cell",
    "Claim",
    "Level",
    "Study",
    "StudyError",
    "make_cell",
    "make_study",
    "matches",
    "nearest",
    "read_study",
    "value_label",
]


@dataclass(frozen=True)
class Cell:
    """One network's recipe and its identity."""

    study: str
    recipe: Recipe = field(hash=False)
    cell_id: str


def make_cell(study: str, recipe: Mapping[str, Any], apart: Iterable[str] = ()) -> Cell:
    """Return the cell of a resolved recipe; its id is the hash of the canonical form.

    The fields named by `apart` do not enter the hash.
    """
    apart = set(apart)
    hashed = {place: value for place, value in recipe.items() if place not in apart}
    canonical = json.dumps(hashed, sort_keys=True, separators=(",", ":"))
    return Cell(study, Recipe(recipe), hashlib.sha256(canonical.encode()).hexdigest()[:16])


@dataclass(frozen=True, eq=False)
class Study:
    """A validated study. `levels` maps every grid key to its levels, one where it is held fixed.

    `design` and `claims` name cells in normal form, see `nnbench.study.selection`; `written` is as
    written.
    """

    written: Document
    levels: Mapping[str, list[Level]]
    listed: frozenset[str]  # keys given as lists: the factors
    seeds: tuple[int, ...]
    design: Design
    claims: tuple[Claim, ...]
    vocabulary: Vocabulary = field(repr=False)

    @property
    def name(self) -> str:
        """Return the study's name, which is also its results' folder."""
        return self.written.name

    @property
    def title(self) -> str:
        """Return the title, or the name where there is none."""
        return self.written.title or self.name

    @property
    def kind(self) -> str:
        """Return the kind of study: training, landscape or numerics."""
        return self.written.kind

    @property
    def question(self) -> str:
        """Return the question that the study asks."""
        return self.written.question

    @property
    def prediction(self) -> str:
        """Return what its author expected."""
        return self.written.prediction

    @property
    def seed(self) -> int:
        """Return the root of all random draws."""
        return self.written.seed

    @property
    def probes(self) -> Probes:
        """Return which statistics are taken of each layer."""
        return self.written.probes

    @property
    def report(self) -> Report:
        """Return what the report ranks on."""
        return self.written.report

    @property
    def factors(self) -> dict[str, list[str]]:
        """Return each factor's level labels, the baseline level first."""
        return {
            key: [level.label for level in self.baseline_first(key)]
            for key in self.levels
            if key in self.listed
        }

    def document(self) -> dict[str, Any]:
        """Return the study as resolved, ready for JSON."""
        written = self.written.model_dump(mode="json", by_alias=True, exclude={"claim", "design"})
        claims = [
            claim.model_dump(mode="json", by_alias=True, exclude_none=True) for claim in self.claims
        ]
        resolved = {
            "title": self.title,
            "design": self.design.model_dump(mode="json"),
            "claims": claims,
            "seeds": list(self.seeds),
            "factors": self.factors,
        }
        return written | resolved

    def cells(self) -> list[Cell]:
        """Return the study's cells, in the grid's order, each once."""
        return self._cells

    @cached_property
    def _cells(self) -> list[Cell]:
        apart = self._apart
        chosen: dict[str, Cell] = {}
        for recipe in self.recipes():
            cell = make_cell(self.name, recipe, apart)
            chosen.setdefault(cell.cell_id, cell)
        if not chosen:
            raise StudyError("[design] exclude leaves no cell: remove one of its entries")
        return list(chosen.values())

    @cached_property
    def _apart(self) -> frozenset[str]:
        """Return the fields that are no part of a cell's identity."""
        return frozenset(
            place
            for levels in self.levels.values()
            for level in levels
            for place in level.fields
            if not parameter_at(place, level.fields, self.vocabulary).identity
        )

    def recipes(self) -> Iterator[dict[str, Scalar]]:
        """Yield the recipe of every arm and seed. Raises StudyError for one that cannot be."""
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
            for seed in self.seeds:
                whole = resolved | {"seed": seed}
                if not any(matches(whole, where) for where in excluded):
                    yield whole

    def _common(self) -> dict[str, Scalar]:
        """Return what all cells share from outside of the grid."""
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
        """Return the number of arms before any is excluded."""
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
        """Return a grid key's levels in the file's order, but the baseline level before all."""
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


# ----------------------------------------------------------------------------------------- reading


def read_study(path: Path, vocabulary: Vocabulary) -> Study:
    """Read and validate a TOML study file. Raises StudyError for any mistake in it."""
    shown = str(path) if str(path).isprintable() else quoted(str(path))
    try:
        text = _read_text(path)
        if LONG_KEY.search(text):
            raise StudyError("has a dotted key of 30 parts or more, which no study has")
        content = tomllib.loads(text)
        return make_study(content, replace(vocabulary, folder=path.parent))
    except FileNotFoundError:
        raise StudyError(f"{shown}: there is no such study file") from None
    except OSError as problem:
        raise StudyError(f"{shown}: cannot be read ({problem.strerror})") from None
    except RecursionError:
        raise StudyError(f"{shown}: is nested too deeply to be a study") from None
    except StudyError as problem:
        raise StudyError(f"{shown}: {problem}") from None
    except UnicodeDecodeError:
        raise StudyError(f"{shown}: is not UTF-8 text; save it as UTF-8") from None
    except ValueError as problem:  # a TOMLDecodeError, a number of 5,000 digits, a NUL in the path
        raise StudyError(f"{shown}: is not valid TOML: {problem}") from None


def _read_text(path: Path) -> str:
    if path.exists() and not path.is_file():
        raise StudyError("is not a file; give the study's .toml file")
    with path.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise StudyError(f"is too large: a study file has {MAX_FILE_BYTES:,} bytes at most")
    return content.decode("utf-8-sig")


def make_study(content: Mapping[str, Any], vocabulary: Vocabulary) -> Study:
    """Validate a study given as plain Python data, of the same form as a study file."""
    written = read_document(content)
    vocabulary = replace(vocabulary, study_kind=written.kind)
    levels, listed = read_grid(written.grid, vocabulary)
    tasks = {vocabulary.task(level.fields) for level in levels.get("data", [])}
    written = with_metrics(written, tasks)
    seeds = read_seeds(written.grid) if KINDS[written.kind].has_chance else (0,)
    namer = Namer(levels, seeds, vocabulary)
    design = _normalised_design(written.design, namer)
    claims = tuple(
        _normalised_claim(f"[[claim]] {number}", claim, namer, metrics_of(written.kind))
        for number, claim in enumerate(written.claim, start=1)
    )
    study = Study(written, levels, listed, seeds, design, claims, vocabulary)
    _check_size(study)
    _check_report(study)
    _check_cells(study)
    return study


def _normalised_design(design: Design, namer: Namer) -> Design:
    baseline = namer.normalised("[design] baseline", design.baseline)
    for key, value in baseline.items():
        if isinstance(value, list) or key == "seed":
            raise StudyError(f"[design] baseline: {key} must be one level of a factor, not more")
    exclude = [
        type(one).model_validate(
            {"why": one.why, **namer.normalised(f"[design] exclude {number}", one.where)}
        )
        for number, one in enumerate(design.exclude, start=1)
    ]
    return design.model_copy(update={"baseline": baseline, "exclude": exclude})


def _normalised_claim(where: str, claim: Claim, namer: Namer, metrics: Iterable[str]) -> Claim:
    if claim.metric not in metrics:
        hint = nearest(claim.metric, metrics)
        raise StudyError(f"{where} metric: unknown {quoted(claim.metric)}{hint}")
    named = {side: namer.normalised(f"{where} {side}", one) for side, one in claim.named.items()}
    first, second, _ = named
    if named[first] == named[second]:
        raise StudyError(f"{where}: {first} and {second} name the same cells: change one of them")
    return claim.model_copy(update={"as_" if side == "as" else side: named[side] for side in named})


# ---------------------------------------------------------------------------------------- checking


def _check_size(study: Study) -> None:
    cells = study.n_arms() * len(study.seeds)
    if cells > MAX_CELLS:
        counts = {key: len(levels) for key, levels in study.levels.items() if len(levels) > 1}
        product = " x ".join(f"{count} {key}" for key, count in counts.items())
        raise StudyError(
            f"[grid] has {cells:,} cells ({product} x {len(study.seeds)} seeds), over the limit of "
            f'{MAX_CELLS:,}: shorten a list, or use [design] kind = "sample" with n = 200'
        )


def _check_report(study: Study) -> None:
    metric, metrics = study.report.metric, metrics_of(study.kind)
    if metric not in metrics:
        raise StudyError(f"[report] metric: unknown {quoted(metric)}{nearest(metric, metrics)}")
    _check_metric(study, "[report]", metric, {})
    for number, claim in enumerate(study.claims, start=1):
        _check_metric(study, f"[[claim]] {number}", claim.metric, claim.where)
    if study.kind != TRAINING:
        _check_only_for_training(study)
    places = {
        place for levels in study.levels.values() for level in levels for place in level.fields
    }
    for place in study.report.tune:
        if place not in places:
            raise StudyError(f"[report] tune: unknown {quoted(place)}{nearest(place, places)}")


def _check_metric(study: Study, place: str, metric: str, where: Partial) -> None:
    """Refuse a metric that none of the cells of `where` can have."""
    _check_probed(place, metric, study.probes)
    of = METRICS[metric].task
    wanted = about(where, "data")
    tasks = {
        study.vocabulary.task(level.fields)
        for level in study.levels.get("data", [])
        if may_match(level, wanted)
    }
    if of is not None and tasks and of not in tasks:
        other = scores_of(tasks.pop())[scores_of(of).index(metric)]
        raise StudyError(
            f"{place} metric: {metric} is of a {of}, which none of its data sets is: take {other}"
        )


def _check_probed(where: str, metric: str, probes: Probes) -> None:
    """Refuse a metric that only probes measure where the study has none of them."""
    wanted = [name for name in METRICS[metric].probes if not getattr(probes, name)]
    if wanted:
        keys = " and ".join(f"{name} = true" for name in wanted)
        raise StudyError(f"{where} metric: {metric} is measured by probes: add {keys} to [probes]")


def _check_only_for_training(study: Study) -> None:
    given = {"[probes]": study.probes != Probes(), "[report] tune": bool(study.report.tune)}
    given["[report] target"] = study.report.target is not None
    for place in [place for place, is_given in given.items() if is_given]:
        raise StudyError(f'{place} belongs to training, not to kind = "{study.kind}": remove it')


def _check_cells(study: Study) -> None:
    """Refuse a recipe that cannot be, and a claim about cells that the study does not have.

    Of a large grid only what its levels tell: its cells are made, and checked, when it is run.
    """
    waiting = {
        (number, side): (partial, claim.where)
        for number, claim in enumerate(study.claims, start=1)
        for side, partial in claim.named.items()
    }
    for (number, side), both in waiting.items():
        for factor, levels in study.levels.items():
            parts = [about(one, factor) for one in both]
            if not any(all(may_match(level, part) for part in parts) for level in levels):
                raise StudyError(_no_cell(number, side))
    if study.n_arms() * len(study.seeds) > MAX_CHECKED_CELLS:
        return
    n_partials = 1 + 2 * len(waiting) + len(study.design.exclude)
    if study.n_arms() * n_partials > MAX_CHECKS:
        return
    empty = True
    for recipe in study.recipes():
        empty = False
        waiting = {
            key: both
            for key, both in waiting.items()
            if not all(matches(recipe, one) for one in both)
        }
    if empty:
        raise StudyError("[design] exclude leaves no cell: remove one of its entries")
    for number, side in waiting:
        raise StudyError(_no_cell(number, side))


def _no_cell(number: int, side: str) -> str:
    return (
        f"[[claim]] {number}: no cell of this study is both in {side} and in where: change one of "
        f"the two, or [design] exclude"
    )
