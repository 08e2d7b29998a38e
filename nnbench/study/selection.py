"""Partial assignments: how `exclude`, `baseline`, and claims name a set of cells.

Written ``{ activation = "silu", optimizer = { name = "adam", lr = 1e-3 }, depth = [2, 8] }``: all
of it must hold, and a list means any of its values. Normalised, keys are fields of a recipe and
values are the recipe's own (``activation = "swish"``), so that equality decides.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from nnbench.study.grid import Level, Scalar, accept, parameter_at
from nnbench.study.mistakes import StudyError, as_written, nearest, printable
from nnbench.study.vocabulary import Parameter, Vocabulary

Partial = dict[str, Any]


def matches(recipe: Mapping[str, Any], partial: Partial) -> bool:
    """Tell whether a recipe has all that a normalised `partial` names; a list means any of it."""
    return all(_matches_one(recipe, key, wanted) for key, wanted in partial.items())


def _matches_one(recipe: Mapping[str, Any], key: str, wanted: Any) -> bool:
    if not isinstance(wanted, list):
        return key in recipe and recipe[key] == wanted
    return any(
        matches(recipe, one) if isinstance(one, dict) else _equal(recipe, key, one)
        for one in wanted
    )


def _equal(recipe: Mapping[str, Any], key: str, value: Any) -> bool:
    # JSON has no tuples: a list within a list was one list-valued level
    return key in recipe and recipe[key] == (tuple(value) if isinstance(value, list) else value)


def about(partial: Partial, factor: str) -> Partial:
    """The part of a normalised `partial` that speaks of a factor or of its parameters."""
    return {key: wanted for key, wanted in partial.items() if key.split(".")[0] == factor}


def may_match(level: Level, partial: Partial) -> bool:
    """Tell whether a level has it all, what is derived from another factor left aside."""
    certain = {
        key: wanted
        for key, wanted in partial.items()
        if key not in level.fields or level.fields[key] not in (None, "auto")
    }
    return matches(level.fields, certain)


def flattened(key: str, table: Mapping[str, Any]) -> Partial:
    """A table as fields: ``{name = "adam", lr = 1}`` is optimizer and optimizer.lr."""
    flat: Partial = {}
    for name, value in table.items():
        place = key if name == "name" else f"{key}.{name}"
        flat |= flattened(place, value) if isinstance(value, Mapping) else {place: value}
    return flat


@dataclass(frozen=True)
class Namer:
    """Normalises partial assignments against the levels of one study, and refuses strangers."""

    levels: Mapping[str, Sequence[Level]] = field(hash=False)
    seeds: tuple[int, ...]
    vocabulary: Vocabulary = field(hash=False)

    def normalised(self, where: str, partial: Mapping[str, Any]) -> Partial:
        """Return `partial` in normal form.

        `where` is the partial's place in the file. Raises StudyError for a key or a level that
        the grid does not have: it would match nothing, in silence.
        """
        normal: Partial = {}
        for key, wanted in partial.items():
            parts = {key: wanted}
            if isinstance(wanted, Mapping):
                parts = flattened(key, wanted)
            for place, value in parts.items():
                if place in normal:
                    raise StudyError(f"{where}: {place} is given twice: remove one of the two")
                normal[place] = self._wanted(where, place, value)
        for factor in {key.split(".")[0] for key in normal} - {"seed"}:
            one = about(normal, factor)
            if not any(may_match(level, one) for level in self.levels[factor]):
                text = ", ".join(f"{place} = {as_written(value)}" for place, value in one.items())
                raise StudyError(f"{where}: no single level of {factor} has {text}")
        return normal

    def _wanted(self, where: str, place: str, value: Any) -> Any:
        if not isinstance(value, list):
            return self._value(where, place, value)
        if not value:
            raise StudyError(f"{where}: {place} is an empty list, which matches nothing: remove it")
        return [
            self.normalised(where, {place: one})
            if isinstance(one, Mapping)
            else self._value(where, place, one)
            for one in value
        ]

    def _value(self, where: str, place: str, value: Any) -> Scalar:
        factor = place.split(".")[0]
        if place == "seed":
            if value in self.seeds and not isinstance(value, bool):
                return int(value)
            raise StudyError(f"{where}: seed = {as_written(value)} is not a seed of this study")
        if factor not in self.levels:
            raise StudyError(
                f"{where}: unknown key {as_written(place)}{nearest(factor, [*self.levels, 'seed'])}"
            )
        problem = ""
        for parameter, values in self._known.get(place, []):
            try:
                accepted = accept(parameter, value, self.vocabulary)
            except ValueError as error:
                problem = str(error)
                continue
            # what is derived from another factor (loss = "auto") is known only in whole cells
            if accepted in values or any(one in (None, "auto") for one in values):
                return accepted
        if place not in self._known:
            raise StudyError(
                f"{where}: unknown key {as_written(place)}{nearest(place, self._places(factor))}"
            )
        labels = ", ".join(printable(level.label) for level in self.levels[factor][:20])
        raise StudyError(
            f"{where}: {as_written(value)} is not in [grid] {place} ({labels})"
            + (f": {problem}" if problem else ": add it there, or change it here")
        )

    @cached_property
    def _known(self) -> Mapping[str, list[tuple[Parameter, set[Scalar]]]]:
        """Return, for each place, the values of all levels by the parameter that accepts them."""
        values_at: defaultdict[str, list[tuple[Parameter, set[Scalar]]]] = defaultdict(list)
        for levels in self.levels.values():
            for level in levels:
                for place, value in level.fields.items():
                    parameter = parameter_at(place, level.fields, self.vocabulary)
                    for known, values in values_at[place]:
                        if known is parameter or known == parameter:
                            values.add(value)
                            break
                    else:
                        values_at[place].append((parameter, {value}))
        return dict(values_at)

    def _places(self, factor: str) -> list[str]:
        return [place for place in self._known if place.split(".")[0] == factor]
