"""The words of a study file: what an entry says of itself and which values its numbers take.

A leaf that imports nothing of nnbench: the study reads files with it, the catalogue fills it.
"""

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Term:
    """One thing that a key of a recipe may act on: another key that is more than none.

    Or a key of just this `value`; or one whose chosen entry has this `trait`, a field or a method
    of the recipe. A key that begins with a point is a parameter of the same entry.
    """

    key: str
    value: Any = None
    trait: str = ""


@dataclass(frozen=True)
class Need:
    """What a key of a recipe acts on: where none of `terms` holds, it changes nothing.

    Without terms nothing ever changes. `otherwise` says what is wrong in better words than the
    values of the terms' keys. Where it `rounds`, numbers are added in another order all the same.
    """

    terms: tuple[Term, ...]
    otherwise: str = ""
    rounds: bool = False


def need(*terms: Term, otherwise: str = "", rounds: bool = False) -> Need:
    """One need, its terms one after another."""
    return Need(terms, otherwise, rounds)


@dataclass(frozen=True)
class Parameter:
    """One number or word of an entry that a study file may set, or list.

    `program` says that changing it changes the tensor program, so that cells which differ in it
    cannot share a stack; every other parameter is a number that each network carries for itself.
    """

    default: Any
    doc: str
    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False  # the bound itself is not allowed
    open_high: bool = False
    choices: tuple[str, ...] = ()
    program: bool = False
    optional: bool = False  # "none" is allowed, and is read as None
    whole: bool = False  # a whole number where the default (None, say) does not tell
    flag: bool = False  # true or false, likewise
    registry: str = ""  # the value is one of its entries: a name, or a table with a name
    identity: bool = True  # False: a cell is the same cell whatever the value, such as a path
    sparse: bool = False  # a recipe has it where it is said alone: it came later than others
    needs: tuple[Need, ...] = ()  # all of these, or it changes nothing

    def accept(self, value: Any) -> Any:
        """Return `value` in its canonical type, or raise ValueError saying what is allowed."""
        if self.optional and (value is None or value == "none"):
            return None
        if self.choices:
            return self._accept_choice(value)
        if self.flag or isinstance(self.default, bool):
            if not isinstance(value, bool):
                raise ValueError("must be true or false")
            return value
        if isinstance(self.default, str):
            if not isinstance(value, str):
                raise ValueError("must be text in quotes")
            return value
        if isinstance(self.default, tuple):
            if not isinstance(value, list | tuple) or not value:
                raise ValueError("must be a list in a list, such as [[2, 4]]: a list is one level")
            return tuple(self._accept_number(item) for item in value)
        return self._accept_number(value)

    def _accept_choice(self, value: Any) -> str:
        if value not in self.choices:
            raise ValueError("must be one of " + ", ".join(map(repr, self.choices)))
        return str(value)

    def _accept_number(self, value: Any) -> int | float:
        whole = self.is_whole
        wanted = "a whole number" if whole else "a number"
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"must be {wanted}")
        # inside the bounds first: a whole number may be too large to be compared as a float
        too_low = value < self.low or (self.open_low and value == self.low)
        too_high = value > self.high or (self.open_high and value == self.high)
        if too_low or too_high:
            raise ValueError(f"must lie in {self.interval()}")
        if abs(value) > sys.float_info.max or value != value or (whole and value != int(value)):
            raise ValueError(f"must be {wanted} and finite")
        # adding 0.0 turns -0.0 into 0.0: one number, hence one cell
        return int(value) if whole else float(value) + 0.0

    @property
    def is_whole(self) -> bool:
        """Tell whether its numbers are whole ones."""
        sample = self.default[0] if isinstance(self.default, tuple) else self.default
        return self.whole or (isinstance(sample, int) and not isinstance(sample, bool))

    def interval(self) -> str:
        """The allowed range as mathematics writes it, e.g. ``[0, 1)``."""
        left = "(" if self.open_low or self.low == -math.inf else "["
        right = ")" if self.open_high or self.high == math.inf else "]"
        return f"{left}{self.low:g}, {self.high:g}{right}"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One level of a factor: what `list` and `show` print. Each factor's own kind adds to it."""

    summary: str
    formula: str
    reference: str
    torch: str = ""  # the torch name that it is held against; empty where torch has none
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    # turns a level { <the entry's name> = "file", ... } into flat fields, given the study's folder;
    # raises ValueError. None where a level is a name, or a table with a name.
    reader: Callable[[Mapping[str, Any], Path], list[dict[str, Any]]] | None = None
    written: Mapping[str, Parameter] | None = None  # what such a level may set, if not `parameters`


def find_name(entries: Mapping[str, Entry], name: str) -> str | None:
    """The name that `name`, perhaps an alias, stands for; None where there is none."""
    if name in entries:
        return name
    return next((key for key, entry in entries.items() if name in entry.aliases), None)


@dataclass(frozen=True)
class Vocabulary:
    """All that a study file may name.

    `registries` maps a name (`activation`) to entries by name; `resolve` fills in what one
    factor of a recipe takes from another and raises ValueError for a recipe that cannot be; `task`
    tells of a recipe's data whether it is a classification or a regression; `folder` is what
    relative paths in a study are relative to, `study_kind` the kind of study, which decides the
    keys of `[grid]`.
    """

    registries: Mapping[str, Mapping[str, Entry]]
    resolve: Callable[[Mapping[str, Any]], dict[str, Any]]
    task: Callable[[Mapping[str, Any]], str]
    folder: Path = Path()
    study_kind: str = "training"

    def find(self, registry: str, name: str) -> str | None:
        """The name that `name`, perhaps an alias, stands for."""
        return find_name(self.registries[registry], name)
