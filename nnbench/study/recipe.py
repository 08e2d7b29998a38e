"""A cell's recipe: flat fields such as ``optimizer`` and ``optimizer.lr``, every default filled in.

A leaf that imports nothing of nnbench.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping
from typing import Any, TypeVar

Value = TypeVar("Value")


def of_factor(factor: str, fields: Mapping[str, Value]) -> dict[str, Value]:
    """A factor's parameters by their own names: ``lr`` for ``optimizer.lr``.

    A variant within a variant keeps its place: ``schedule.first.gamma`` is ``first.gamma``.
    """
    prefix = f"{factor}."
    return {
        place.removeprefix(prefix): value
        for place, value in fields.items()
        if place.startswith(prefix)
    }


def has_own_table(fields: Mapping[str, Any]) -> bool:
    """Whether data is a table of the user's own, by a recipe or a level's fields."""
    return "data.sha256" in fields


class Recipe(Mapping[str, Any]):
    """Fields by their place. A recipe never changes; `recipe | fields` is another one."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = dict(fields)

    def of(self, factor: str) -> dict[str, Any]:
        """A factor's parameters by their own names: ``{"lr": 0.001, ...}`` of ``optimizer``."""
        return of_factor(factor, self._fields)

    def __getitem__(self, place: str) -> Any:
        return self._fields[place]

    def get(self, place: str, default: Any = None) -> Any:
        """As of a dictionary."""
        return self._fields.get(place, default)

    def items(self) -> ItemsView[str, Any]:
        """As of a dictionary: many times as fast as a Mapping's own."""
        return self._fields.items()

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __or__(self, fields: Mapping[str, Any]) -> Recipe:
        return Recipe({**self._fields, **fields})

    def __repr__(self) -> str:
        return f"Recipe({self._fields!r})"
