"""The grid of a study: what the values of `[grid]` stand for, as levels of factors.

One rule: a list is a factor and anything else is held fixed, in a variant's table too.
"""

import itertools
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nnbench.study.fields import FIELDS
from nnbench.study.mistakes import StudyError, as_written, nearest
from nnbench.study.study_kinds import STUDY_KINDS, TRAINING, grid_keys
from nnbench.study.vocabulary import Parameter, Vocabulary

MAX_CELLS = 200_000
MAX_LEVELS = 1000  # of one factor
GRID_KEYS = grid_keys(TRAINING)

Scalar = str | int | float | bool | None | tuple[int | float, ...]
Flat = dict[str, Scalar]  # fields of one level: {"optimizer": "adam", "optimizer.lr": 0.001, ...}


@dataclass(frozen=True)
class Level:
    """One level of a factor: its fields, and the label that tells it from its siblings."""

    fields: Mapping[str, Scalar] = field(hash=False)
    label: str


def read_seeds(grid: Mapping[str, Any]) -> tuple[int, ...]:
    """The repeats that `seeds`, a number or a list, stands for.

    Unless said otherwise 3, or as many as there are folds.
    """
    folds = grid.get("folds")
    seeds = grid.get("seeds", folds if isinstance(folds, int) and folds > 1 else 3)
    check = FIELDS["seed"].value
    assert check is not None
    try:
        if isinstance(seeds, list | tuple):
            accepted = tuple(int(check.accept(seed)) for seed in seeds)
            if not accepted or len(set(accepted)) != len(accepted):
                raise ValueError("must be a number of seeds, or a list of different seeds")
            return accepted
        if isinstance(seeds, bool) or not isinstance(seeds, int) or not 1 <= seeds <= MAX_CELLS:
            raise ValueError(f"must be a number of seeds from 1 to {MAX_CELLS:,}")
    except ValueError as problem:
        raise StudyError(f"[grid] seeds = {as_written(seeds)}: {problem}") from None
    return tuple(range(seeds))


def read_grid(
    grid: Mapping[str, Any], vocabulary: Vocabulary
) -> tuple[dict[str, list[Level]], frozenset[str]]:
    """Every grid key's levels, and the keys that are factors."""
    study_kind = STUDY_KINDS[vocabulary.study_kind]
    known = grid_keys(vocabulary.study_kind)
    allowed = [*known, "seeds"] if study_kind.has_chance else known
    for key in grid:
        if key not in allowed:
            raise StudyError(f"[grid]: unknown key {as_written(key)}{nearest(key, allowed)}")
    if study_kind.required not in grid:
        raise StudyError(f"[grid] {study_kind.required} is missing: {study_kind.example}")
    reader = _Reader(vocabulary)
    levels, listed = {}, set()
    for key in known:
        value = grid.get(key, study_kind.fields[key].usual)
        levels[key] = _labelled(key, reader.levels(key, value))
        if isinstance(grid.get(key), list) or len(levels[key]) > 1:
            listed.add(key)
    return levels, frozenset(listed)


def parameter_at(place: str, fields: Mapping[str, Scalar], vocabulary: Vocabulary) -> Parameter:
    """What is known of a place such as ``schedule.first.gamma`` in a level or recipe."""
    key, *rest = place.split(".")
    entry = STUDY_KINDS[vocabulary.study_kind].fields[key]
    parameter = entry.value or Parameter(entry.default, entry.doc, registry=entry.registry)
    for part in rest:
        parameter = vocabulary.registries[parameter.registry][str(fields[key])].parameters[part]
        key = f"{key}.{part}"
    return parameter


def unsaid_places(fields: Mapping[str, Scalar], vocabulary: Vocabulary) -> set[str]:
    """The places of sparse parameters of entries that are at their default.

    They came later than others: they are no part of a cell's identity, and where no level of a
    factor says anything else no recipe has them.
    """
    found = set()
    for place in fields:
        about = parameter_at(place, fields, vocabulary) if "." in place else None
        if about is not None and about.sparse and fields[place] == about.default:
            found.add(place)
    return found


def accept(parameter: Parameter, value: Any, vocabulary: Vocabulary) -> Scalar:
    """A single value in its canonical form, or raise ValueError saying what is allowed."""
    if not parameter.registry or (parameter.optional and value in (None, "none")):
        return parameter.accept(value)
    if value == parameter.default == "auto":
        return "auto"
    if not isinstance(value, str):
        raise ValueError(
            f'{as_written(value)} must be a name in quotes, or a table with a name = "..."'
        )
    name = vocabulary.find(parameter.registry, value)
    if name is None:
        hint = nearest(value, vocabulary.registries[parameter.registry])
        own = "" if "did you mean" in hint else "; your own entries need --with FILE.py"
        raise ValueError(f"unknown name {as_written(value)}{hint}{own}")
    return name


@dataclass(frozen=True)
class _Reader:
    """Turns a value of `[grid]` into levels, each as flat fields."""

    vocabulary: Vocabulary

    def levels(self, key: str, value: Any) -> list[Flat]:
        """The levels of one grid key, all different."""
        levels = self._values(key, parameter_at(key, {}, self.vocabulary), value)
        self._leave_out(levels)
        seen = set()
        for fields in levels:
            identity = tuple(fields.items())
            if identity in seen:
                text = " ".join(f"{name} = {as_written(one)}" for name, one in fields.items())
                raise StudyError(f"[grid] {key} lists a level twice: remove one {text}")
            seen.add(identity)
        return levels

    def _leave_out(self, levels: list[Flat]) -> None:
        """Take sparse parameters out of levels where none says anything but the usual."""
        unsaid = [unsaid_places(fields, self.vocabulary) for fields in levels]
        said = {
            (place, *_names_above(place, fields))
            for fields, usual in zip(levels, unsaid, strict=True)
            for place in fields.keys() - usual
        }
        for fields, usual in zip(levels, unsaid, strict=True):
            for place in usual:
                if (place, *_names_above(place, fields)) not in said:
                    del fields[place]

    def _values(self, place: str, parameter: Parameter, value: Any) -> list[Flat]:
        """The levels of a value, or of each value of a list."""
        # a list-valued default, (2, 4), is one level as it stands
        listed = list(value) if isinstance(value, list) else [value]
        if not listed:
            raise StudyError(f"[grid] {place} is an empty list: give it a level, or remove the key")
        levels: list[Flat] = []
        for one in listed:
            if isinstance(one, Mapping) and parameter.registry:
                levels += self._table(place, parameter, one)
            else:
                levels += self._single(place, parameter, one)
            self._check_number(place, len(levels))
        return levels

    def _single(self, place: str, parameter: Parameter, value: Any) -> list[Flat]:
        try:
            accepted = accept(parameter, value, self.vocabulary)
        except ValueError as problem:
            shown = place if parameter.registry else f"{place} = {as_written(value)}"
            raise StudyError(f"[grid] {shown}: {problem}") from None
        if parameter.registry and accepted not in (None, "auto"):
            return self._variant(place, parameter.registry, str(accepted), {})
        return [{place: accepted}]

    def _table(self, place: str, parameter: Parameter, table: Mapping[str, Any]) -> list[Flat]:
        """The levels of a table with a name, or of one that an entry reads by itself."""
        entries = self.vocabulary.registries[parameter.registry]
        readers = [entries[key].reader for key in table if key in entries and "name" not in table]
        for read in filter(None, readers):
            try:
                levels = read(table, self.vocabulary.folder)
            except ValueError as problem:
                raise StudyError(f"[grid] {place}: {problem}") from None
            return [
                {
                    place + name.removeprefix(parameter.registry): value
                    for name, value in one.items()
                }
                for one in levels
            ]
        if "name" not in table:
            raise StudyError(
                f'[grid] {place} = {as_written(table)}: the table needs a name = "..."'
            )
        try:
            name = accept(parameter, table["name"], self.vocabulary)
        except ValueError as problem:
            raise StudyError(f"[grid] {place}: {problem}") from None
        given = {key: value for key, value in table.items() if key != "name"}
        if name in (None, "auto") and not given:
            return [{place: name}]
        return self._variant(place, parameter.registry, str(name), given)

    def _variant(
        self, place: str, registry: str, name: str, given: Mapping[str, Any]
    ) -> list[Flat]:
        """The levels of one entry; a list among the given parameters is a factor too."""
        entry = self.vocabulary.registries[registry].get(name)
        parameters = entry.parameters if entry else {}
        if entry and entry.reader:
            raise StudyError(f'[grid] {place} "{name}": give the file, as {{ {name} = "..." }}')
        for key in given:
            if key not in parameters:
                known = grid_keys(self.vocabulary.study_kind)
                raise StudyError(_unknown_parameter(place, name, key, parameters, known))
        choices: list[list[Flat]] = [[{place: name}]]
        for key, parameter in parameters.items():
            value = given.get(key, parameter.default)
            choices.append(self._values(f"{place}.{key}", parameter, value))
        self._check_number(place, math.prod(map(len, choices)))
        return [
            {key: value for part in choice for key, value in part.items()}
            for choice in itertools.product(*choices)
        ]

    @staticmethod
    def _check_number(place: str, number: int) -> None:
        if number > MAX_LEVELS:
            raise StudyError(
                f"[grid] {place} has {number:,} levels, over the limit of {MAX_LEVELS:,}: shorten "
                f"its lists"
            )


def _unknown_parameter(
    place: str, name: str, key: str, known: Mapping[str, Parameter], keys: Sequence[str]
) -> str:
    if key in keys:
        return (
            f'[grid] {place} "{name}": "{key}" is a key of [grid] itself, not of the {place}: '
            f"move it up"
        )
    hint = nearest(key, known) if known else "; it has no parameters"
    return f'[grid] {place} "{name}": unknown parameter {as_written(key)}{hint}'


def _labelled(key: str, flat: list[Flat]) -> list[Level]:
    """Label levels by name and by those parameters that tell namesakes apart.

    A parameter of a variant within a variant is compared among those with the same names above it.
    """
    values: defaultdict[tuple[Any, ...], set[Scalar]] = defaultdict(set)
    for fields in flat:
        for place, value in fields.items():
            values[place, *_names_above(place, fields)].add(value)
    levels = []
    for fields in flat:
        varying = [
            f"{place.removeprefix(key + '.')}={value_label(value)}"
            for place, value in readable(fields).items()
            if place != key and len(values[place, *_names_above(place, fields)]) > 1
        ]
        levels.append(Level(fields, " ".join([value_label(fields[key]), *varying])))
    return levels


def readable(fields: Mapping[str, Scalar]) -> Flat:
    """Fields as people read them: a file by its name, without its folder and its hash."""
    shown = {place: value for place, value in fields.items() if place != "data.sha256"}
    if isinstance(shown.get("data.path"), str):
        shown["data.path"] = Path(str(shown["data.path"])).name
    return shown


def _names_above(place: str, fields: Flat) -> list[Scalar]:
    parts = place.split(".")
    return [fields[".".join(parts[:depth])] for depth in range(1, len(parts))]


def value_label(value: Scalar) -> str:
    """A value as labels show it, no digit lost: ``0.001``, ``8``, ``true``, ``[2, 4]``."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    if isinstance(value, tuple):
        return f"[{', '.join(map(value_label, value))}]"
    return str(value)
