"""Twins: what of torch an entry is held against, told once and as data.

The reference makes a twin, an exported script prints it, and the atlas and `show` name it. Where
torch has no such thing, or rounds differently, the twin is a class or a function of one of the
catalogue's own `twins.py`, written on its own: it shares nothing with the rule it is held against.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from nnbench.catalog.formulas import Of
from nnbench.study.vocabulary import Entry

# A twin comes from one of these and from nowhere else. Those of `nnbench.catalog` are named by what
# follows that.
TORCH = ("torch.nn", "torch.nn.init", "torch.optim", "torch.optim.lr_scheduler")
OWN = (
    *("activations.twins", "inits.twins", "optimizers.twins", "schedules.twins"),
    "loss_twins",
)


@dataclass(frozen=True, init=False)
class Twin:
    """A class or function by its dotted path, and the arguments that it is called with.

    ``Twin("torch.optim.Adam", betas=Of("(beta1, beta2)"))``: an argument is a value or a formula
    over an entry's parameters. A parameter that no formula takes is passed on by its own name.
    Formulas that stand before the named arguments take the place of the caller's first arguments.
    """

    path: str
    first: tuple[Of, ...]
    fixed: Mapping[str, Any]
    formulas: Mapping[str, Of]
    known: Mapping[str, Any]  # names for formulas that are no arguments themselves

    def __init__(self, path: str, *first: Of, **named: Any) -> None:
        if path.rpartition(".")[0] not in TORCH + OWN:
            raise ValueError(f"{path}: a twin lies in one of {', '.join(TORCH + OWN)}")
        formulas = {name: value for name, value in named.items() if isinstance(value, Of)}
        fixed = {name: value for name, value in named.items() if name not in formulas}
        self._set(path=path, first=first, fixed=fixed, formulas=formulas, known={})

    def _set(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def knowing(self, **names: Any) -> Twin:
        """The same twin with more names for its formulas, such as `fan_in`."""
        twin = object.__new__(Twin)
        twin._set(**vars(self) | {"known": {**self.known, **names}})
        return twin

    @property
    def is_torchs(self) -> bool:
        """Whether torch itself has it."""
        return self.path.rpartition(".")[0] in TORCH

    @property
    def module(self) -> str:
        """The module that it lies in, by its full name."""
        module = self.path.rpartition(".")[0]
        return module if self.is_torchs else f"nnbench.catalog.{module}"

    @property
    def name(self) -> str:
        """Its name in that module."""
        return self.path.rpartition(".")[2]

    @property
    def words(self) -> str:
        """The path with what is fixed, as in `torch.optim.SGD(nesterov=True)`."""
        fixed = ", ".join(f"{name}={value!r}" for name, value in self.fixed.items())
        return f"{self.module}.{self.name}" + (f"({fixed})" if fixed else "")

    def takes(self, name: str) -> bool:
        """Whether one of its formulas takes a name."""
        return any(name in formula.names for formula in (*self.first, *self.formulas.values()))

    def arguments(
        self, first: Sequence[Any], given: Mapping[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        """Its arguments by place and by name, from an entry's parameters and in their order."""
        names = {**self.known, **given}
        placed = [formula.value(names) for formula in self.first] or list(first)
        values = {name: formula.value(names) for name, formula in self.formulas.items()}
        named: dict[str, Any] = {}
        for parameter, value in given.items():
            if not self.takes(parameter):
                named[parameter] = value
            named |= {
                name: values[name] for name in values if parameter in self.formulas[name].names
            }
        named |= {**self.fixed, **values}
        usual = {name: formula.unless for name, formula in self.formulas.items()}
        return placed, {k: v for k, v in named.items() if k not in usual or v != usual[k]}

    def __call__(self, *first: Any, **given: Any) -> Any:
        """Make it, with an entry's parameters as the given ones."""
        placed, named = self.arguments(first, given)
        return getattr(importlib.import_module(self.module), self.name)(*placed, **named)


@dataclass(frozen=True, kw_only=True)
class Twinned(Entry):
    """An entry with a twin, whose name it bears as `torch` unless told otherwise."""

    twin: Twin

    def __post_init__(self) -> None:
        if self.twin.is_torchs and not self.torch:
            object.__setattr__(self, "torch", self.twin.words)


@dataclass(frozen=True, kw_only=True)
class Kin(Twinned):
    """An entry that stands in a file with those of its family, which is told by `of_family`."""

    family: str = ""


Entries = TypeVar("Entries", bound=Kin)


def of_family(entries: Mapping[str, Entries], *, family: str) -> dict[str, Entries]:
    """The entries of a family, each with the heading that they stand under."""
    return {name: replace(entry, family=family) for name, entry in entries.items()}
