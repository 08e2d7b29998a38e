"""Read, validate and expand a study: a file becomes a `Study`, a study becomes cells.

A cell is one network's whole recipe: a flat mapping from field to scalar, every default filled in.
Its id is a hash of that recipe in canonical form, so it survives reordering, comments and 1e-3
for 0.001, and changes with whatever changes the network.
"""

from __future__ import annotations

import difflib
import hashlib
import itertools
import json
import math
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nnbench.fields import FIELDS
from nnbench.vocabulary import Vocabulary

MAX_CELLS = 200_000
MAX_FILE_BYTES = 1_000_000
NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"
# keys of [grid] that a study file may set; `seeds` stands for `seed`, the top level holds the root
GRID_KEYS = [key for key in FIELDS if key not in ("seed", "study_seed")]

Scalar = str | int | float | bool | None | tuple[int | float, ...]
Partial = dict[str, Any]  # what `exclude`, `baseline` and claims name a set of cells by


class StudyError(ValueError):
    """A user's mistake in a study: one sentence that names the key and the way out."""


@dataclass(frozen=True)
class Cell:
    """One network's recipe and its identity."""

    study: str
    recipe: Mapping[str, Scalar] = field(hash=False)
    cell_id: str

    def parameters(self, factor: str) -> dict[str, Any]:
        """Return the parameters of a factor's level: ``{"lr": 0.001, ...}`` for ``optimizer``."""
        prefix = f"{factor}."
        return {
            key.removeprefix(prefix): value
            for key, value in self.recipe.items()
            if key.startswith(prefix)
        }


def make_cell(study: str, recipe: Mapping[str, Scalar]) -> Cell:
    """Return the cell of a resolved recipe; its id is the hash of the canonical form."""
    canonical = json.dumps(recipe, sort_keys=True, separators=(",", ":"))
    return Cell(study, recipe, hashlib.sha256(canonical.encode()).hexdigest()[:16])


# ---------------------------------------------------------------------------- the file's sections


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Exclusion(_Section):
    """Cells left out, and why."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
    why: str = Field(min_length=1)

    @property
    def where(self) -> Partial:
        """Return the levels that name the cells."""
        return dict(self.__pydantic_extra__ or {})


class Design(_Section):
    """Which cells of the grid are run."""

    kind: Literal["full", "one_factor", "sample"] = "full"
    baseline: Partial = {}
    exclude: list[Exclusion] = []
    n: int | None = Field(default=None, ge=1, description="arms that a sample draws")


class Probes(_Section):
    """Per-layer statistics: at initialisation, and each `every` epochs."""

    layers: bool = False
    every: int = Field(default=1, ge=1)


METRICS: dict[str, Literal["higher", "lower"]] = {
    "test_accuracy": "higher",
    "val_accuracy": "higher",
    "train_accuracy": "higher",
    "test_r2": "higher",
    "val_r2": "higher",
    "train_r2": "higher",
    "test_loss": "lower",
    "val_loss": "lower",
    "train_loss": "lower",
    "epochs_to_target": "lower",
    "seconds": "lower",
}


class Report(_Section):
    """What the report ranks on, declared before the run."""

    metric: str = "test_accuracy"
    tune: list[str] = []
    target: float | None = Field(default=None, description="validation score to be reached")


class Claim(_Section):
    """A prediction to be judged: `better` beats `than`, among the cells of `where`."""

    text: str = Field(min_length=1)
    better: Partial
    than: Partial
    where: Partial = {}
    metric: str = "test_accuracy"


class Document(_Section):
    """A study file as it is written."""

    name: str = Field(pattern=NAME_PATTERN)
    title: str = ""
    question: str = ""
    prediction: str = ""
    seed: int = Field(default=0, ge=0, le=2**31 - 1, description="root of all random draws")
    grid: dict[str, Any]
    design: Design = Design()
    probes: Probes = Probes()
    report: Report = Report()
    claim: list[Claim] = []


# ------------------------------------------------------------------------------- levels of factors


@dataclass(frozen=True)
class Level:
    """One level of a factor: its fields, and the label that tells it from its siblings."""

    fields: Mapping[str, Scalar] = field(hash=False)
    label: str


@dataclass(frozen=True)
class Study:
    """A validated study. `levels` maps every grid key to its levels, one where it is held fixed."""

    written: Document
    levels: Mapping[str, list[Level]] = field(hash=False)
    listed: frozenset[str]  # keys given as lists: the factors
    seeds: tuple[int, ...]
    vocabulary: Vocabulary = field(hash=False, repr=False)

    @property
    def name(self) -> str:
        """Return the study's name, which is also its results' folder."""
        return self.written.name

    @property
    def factors(self) -> dict[str, list[str]]:
        """Return each factor's level labels, the baseline level first."""
        return {
            key: [level.label for level in self._baseline_first(key)]
            for key in self.levels
            if key in self.listed
        }

    def document(self) -> dict[str, Any]:
        """Return the study as resolved, ready for JSON."""
        written = self.written.model_dump(mode="json")
        written["claims"] = written.pop("claim")
        return written | {"seeds": list(self.seeds), "factors": self.factors}

    @cached_property
    def _cells(self) -> list[Cell]:
        chosen: dict[str, Cell] = {}
        for recipe in self._recipes():
            cell = make_cell(self.name, recipe)
            chosen.setdefault(cell.cell_id, cell)
        if not chosen:
            raise StudyError("[design] exclude leaves no cell: remove one of its entries")
        return list(chosen.values())

    def cells(self) -> list[Cell]:
        """Return the study's cells, in the grid's order, each once."""
        return self._cells

    def _recipes(self) -> Iterator[dict[str, Scalar]]:
        for arm in self._arms():
            base: dict[str, Scalar] = {"study_seed": self.written.seed}
            for level in arm:
                base |= level.fields
            excluded = next(
                (e for e in self.written.design.exclude if matches(base, e.where)), None
            )
            if excluded:
                continue
            try:
                resolved = self.vocabulary.resolve(base)
            except ValueError as problem:
                raise StudyError(f"[grid]: {problem}") from None
            for seed in self.seeds:
                yield resolved | {"seed": seed}

    def _arms(self) -> Iterable[tuple[Level, ...]]:
        design = self.written.design
        lists = [self._baseline_first(key) for key in self.levels]
        if design.kind == "full":
            return itertools.product(*lists)
        if design.kind == "one_factor":
            return self._one_at_a_time(lists)
        return self._sampled(lists, design.n or 1)

    @staticmethod
    def _one_at_a_time(lists: list[list[Level]]) -> Iterator[tuple[Level, ...]]:
        baseline = tuple(levels[0] for levels in lists)
        yield baseline
        for place, levels in enumerate(lists):
            for level in levels[1:]:
                yield (*baseline[:place], level, *baseline[place + 1 :])

    def _sampled(self, lists: list[list[Level]], n: int) -> Iterator[tuple[Level, ...]]:
        """Draw n arms without replacement, by the hash of an arm's place in the full grid."""
        total = math.prod(map(len, lists))
        places: set[int] = set()
        for draw in itertools.count():
            if len(places) == min(n, total):
                break
            text = f"{self.written.seed}/sample/{draw}"
            places.add(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big") % total)
        for place in sorted(places):
            arm = []
            for levels in reversed(lists):
                place, index = divmod(place, len(levels))
                arm.append(levels[index])
            yield tuple(reversed(arm))

    def _baseline_first(self, key: str) -> list[Level]:
        levels = self.levels[key]
        wanted = _about(self.written.design.baseline, key)
        if not wanted:
            return levels
        first = next((level for level in levels if matches(level.fields, wanted)), levels[0])
        return [first, *(level for level in levels if level is not first)]


def matches(recipe: Mapping[str, Scalar], partial: Partial) -> bool:
    """Tell whether a recipe has all that `partial` names; a list means any of its values."""
    return all(_matches_one(recipe, key, wanted) for key, wanted in partial.items())


def _matches_one(recipe: Mapping[str, Scalar], key: str, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        flat = {key: wanted["name"]} if "name" in wanted else {}
        flat |= {f"{key}.{name}": value for name, value in wanted.items() if name != "name"}
        return matches(recipe, flat)
    if isinstance(wanted, list):
        return any(_matches_one(recipe, key, one) for one in wanted)
    return key in recipe and recipe[key] == wanted


def _about(partial: Partial, key: str) -> Partial:
    """Return the part of `partial` that speaks of a grid key or of its parameters."""
    return {name: value for name, value in partial.items() if name.split(".")[0] == key}


# ----------------------------------------------------------------------------------------- reading


def read_study(path: Path, vocabulary: Vocabulary) -> Study:
    """Read and validate a TOML study file. Raises StudyError for any mistake in it."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise StudyError(f"{path}: a study file may have {MAX_FILE_BYTES:,} bytes at most")
        text = path.read_bytes().decode("utf-8-sig")
        content = tomllib.loads(text)
    except FileNotFoundError:
        raise StudyError(f"{path}: there is no such study file") from None
    except OSError as problem:
        raise StudyError(f"{path}: cannot be read ({problem.strerror})") from None
    except UnicodeDecodeError:
        raise StudyError(f"{path}: is not UTF-8 text; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as problem:
        raise StudyError(f"{path}: is not valid TOML: {problem}") from None
    except RecursionError:
        raise StudyError(f"{path}: is nested too deeply to be a study") from None
    return make_study(content, vocabulary)


def make_study(content: Mapping[str, Any], vocabulary: Vocabulary) -> Study:
    """Validate a study given as plain Python data, of the same form as a study file."""
    try:
        written = Document.model_validate(content)
    except ValidationError as problem:
        raise StudyError(_sentence(problem)) from None
    if written.design.kind == "sample" and written.design.n is None:
        raise StudyError("[design] n: a sample needs the number of arms, such as n = 200")
    levels, listed = _read_grid(written.grid, vocabulary)
    study = Study(written, levels, listed, _read_seeds(written.grid), vocabulary)
    _check_size(study)
    _check_names(study)
    _check_claims(study)
    return study


def _sentence(problem: ValidationError) -> str:
    """Turn pydantic's first complaint into one sentence with the key and the way out."""
    error = problem.errors()[0]
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        section = error["loc"][:-1]
        model = {"design": Design, "probes": Probes, "report": Report, "claim": Claim}.get(
            str(section[0]) if section else "", Document
        )
        return f'unknown key "{place}"{nearest(str(error["loc"][-1]), model.model_fields)}'
    if error["type"] == "missing":
        return f'key "{place}" is missing: add it'
    if error["type"] == "string_pattern_mismatch":
        return (
            f"name {str(error['input'])[:80]!r} is not allowed: use 1 to 64 lower-case letters, "
            f"digits, - and _, beginning with a letter or digit"
        )
    return f'key "{place}": {error["msg"][0].lower()}{error["msg"][1:]}'


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean ...?`` with the nearest known name, or the known ones."""
    known = sorted(known)
    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    if close:
        return f'; did you mean "{close[0]}"?'
    return f"; known are {', '.join(known)}"


def _read_seeds(grid: Mapping[str, Any]) -> tuple[int, ...]:
    seeds = grid.get("seeds", 3)
    check = FIELDS["seed"].value
    assert check is not None
    try:
        if isinstance(seeds, list):
            if not seeds or len(set(map(str, seeds))) != len(seeds):
                raise ValueError("must be a number of repeats, or a list of different seeds")
            return tuple(int(check.accept(seed)) for seed in seeds)
        if isinstance(seeds, bool) or not isinstance(seeds, int) or not 1 <= seeds <= MAX_CELLS:
            raise ValueError(f"must be a number of repeats from 1 to {MAX_CELLS:,}")
    except ValueError as problem:
        raise StudyError(f"[grid] seeds = {seeds!r}: {problem}") from None
    return tuple(range(seeds))


def _read_grid(
    grid: Mapping[str, Any], vocabulary: Vocabulary
) -> tuple[dict[str, list[Level]], frozenset[str]]:
    for key in grid:
        if key not in GRID_KEYS and key != "seeds":
            raise StudyError(f'[grid]: unknown key "{key}"{nearest(key, [*GRID_KEYS, "seeds"])}')
    if "data" not in grid:
        raise StudyError('[grid] data is missing: name a data set, such as data = "digits"')
    levels, listed = {}, set()
    for key in GRID_KEYS:
        value = grid.get(key)
        flat = _expand(key, value, vocabulary) if key in grid else [_default(key, vocabulary)]
        levels[key] = _labelled(key, flat)
        if isinstance(value, list) or len(flat) > 1:
            listed.add(key)
    return levels, frozenset(listed)


def _default(key: str, vocabulary: Vocabulary) -> dict[str, Scalar]:
    entry = FIELDS[key]
    if entry.value is not None:
        return {key: entry.value.default}
    if entry.default == "auto":
        return {key: "auto"}
    return _read_variant(key, {"name": entry.default}, vocabulary)[0]


def _expand(key: str, value: Any, vocabulary: Vocabulary) -> list[dict[str, Scalar]]:
    """Return the levels that one grid key's value stands for, each as flat fields."""
    if isinstance(value, list):
        if not value:
            raise StudyError(f"[grid] {key} is an empty list: give it a level, or remove the key")
        return [level for one in value for level in _expand_one(key, one, vocabulary)]
    return _expand_one(key, value, vocabulary)


def _expand_one(key: str, value: Any, vocabulary: Vocabulary) -> list[dict[str, Scalar]]:
    grid_field = FIELDS[key]
    if grid_field.value is not None:
        try:
            return [{key: grid_field.value.accept(value)}]
        except ValueError as problem:
            raise StudyError(f"[grid] {key} = {_short(value)}: {problem}") from None
    if isinstance(value, str):
        value = {"name": value}
    if not isinstance(value, dict):
        raise StudyError(
            f"[grid] {key} = {_short(value)}: must be a name in quotes or a table with a name"
        )
    return _read_variant(key, value, vocabulary)


def _read_variant(
    key: str, table: Mapping[str, Any], vocabulary: Vocabulary
) -> list[dict[str, Scalar]]:
    """Return the levels of a variant's table; a list inside it is a factor too."""
    name = table.get("name")
    kind = FIELDS[key].kind
    if name == FIELDS[key].default == "auto":
        return [{key: "auto"}]
    if not isinstance(name, str):
        raise StudyError(f'[grid] {key} = {_short(table)}: the table needs a name = "..."')
    found = vocabulary.find(kind, name)
    if found is None:
        raise StudyError(f'[grid] {key}: unknown name "{name}"{nearest(name, vocabulary.kinds[kind])}')
    parameters = vocabulary.kinds[kind][found].parameters
    for parameter in table:
        if parameter not in parameters and parameter != "name":
            raise StudyError(_unknown_parameter(key, found, parameter, parameters))
    choices: list[list[tuple[str, Scalar]]] = [[(key, found)]]
    for parameter, check in parameters.items():
        given = table.get(parameter, check.default)
        listed = given if isinstance(given, list) and parameter in table else [given]
        place = f"{key}.{parameter}"
        if not listed:
            raise StudyError(f"[grid] {place} is an empty list: give it a level, or remove it")
        choices.append([(place, _accept(place, one, check)) for one in listed])
    return [dict(choice) for choice in itertools.product(*choices)]


def _accept(place: str, value: Any, check: Any) -> Scalar:
    try:
        accepted: Scalar = check.accept(value)
    except ValueError as problem:
        raise StudyError(f"[grid] {place} = {_short(value)}: {problem}") from None
    return accepted


def _unknown_parameter(key: str, name: str, parameter: str, known: Iterable[str]) -> str:
    if parameter in GRID_KEYS:
        return (
            f'[grid] {key} "{name}": "{parameter}" is a key of [grid] itself, not of the {key}: '
            f"move it up"
        )
    hint = nearest(parameter, known) if list(known) else "; it has no parameters"
    return f'[grid] {key} "{name}": unknown parameter "{parameter}"{hint}'


def _short(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 80 else text[:77] + "..."


def _labelled(key: str, flat: list[dict[str, Scalar]]) -> list[Level]:
    """Label levels by name and by those parameters that tell namesakes apart."""
    levels = []
    for fields in flat:
        namesakes = [other for other in flat if other[key] == fields[key]]
        varying = [
            f"{place.removeprefix(key + '.')}={value_label(value)}"
            for place, value in fields.items()
            if place != key and any(other[place] != value for other in namesakes)
        ]
        levels.append(Level(fields, " ".join([value_label(fields[key]), *varying])))
    return levels


def value_label(value: Scalar) -> str:
    """Return a value as labels show it: ``0.001``, ``true``, ``none``, ``3, 5``."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return ", ".join(map(value_label, value))
    return str(value)


# ---------------------------------------------------------------------------------------- checking


def _check_size(study: Study) -> None:
    counts = {key: len(levels) for key, levels in study.levels.items() if len(levels) > 1}
    design = study.written.design
    arms = {
        "full": math.prod(counts.values()),
        "one_factor": 1 + sum(count - 1 for count in counts.values()),
        "sample": min(design.n or 1, math.prod(counts.values())),
    }[design.kind]
    cells = arms * len(study.seeds)
    if cells > MAX_CELLS:
        product = " x ".join(f"{count} {key}" for key, count in counts.items())
        raise StudyError(
            f"[grid] has {cells:,} cells ({product} x {len(study.seeds)} seeds), over the limit of "
            f'{MAX_CELLS:,}: shorten a list, or use [design] kind = "sample" with n = 200'
        )


def _check_names(study: Study) -> None:
    report = study.written.report
    if report.metric not in METRICS:
        raise StudyError(f'[report] metric: unknown "{report.metric}"{nearest(report.metric, METRICS)}')
    for place in report.tune:
        if place.split(".")[0] not in study.levels:
            raise StudyError(f'[report] tune: unknown "{place}"{nearest(place, GRID_KEYS)}')
    _check_partial(study, "[design] baseline", study.written.design.baseline)
    for exclusion in study.written.design.exclude:
        _check_partial(study, "[design] exclude", exclusion.where)


def _check_partial(study: Study, where: str, partial: Partial) -> None:
    """Refuse a key or a level that the grid does not have: it would silently match nothing."""
    for key, wanted in partial.items():
        factor = key.split(".")[0]
        if factor not in study.levels and key != "seed":
            raise StudyError(f'{where}: unknown key "{key}"{nearest(factor, GRID_KEYS)}')
        if key == "seed":
            continue
        for one in wanted if isinstance(wanted, list) else [wanted]:
            if not any(matches(level.fields, {key: one}) for level in study.levels[factor]):
                labels = ", ".join(level.label for level in study.levels[factor])
                raise StudyError(
                    f"{where}: {key} = {_short(one)} is no level of this grid, which has {labels}"
                )


def _check_claims(study: Study) -> None:
    for number, claim in enumerate(study.written.claim, start=1):
        place = f"[[claim]] {number}"
        if claim.metric not in METRICS:
            raise StudyError(f'{place} metric: unknown "{claim.metric}"{nearest(claim.metric, METRICS)}')
        for side, partial in (("better", claim.better), ("than", claim.than), ("where", claim.where)):
            _check_partial(study, f"{place} {side}", partial)


