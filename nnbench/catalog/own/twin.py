"""The twin of an entry of one's own; without torch, so that scripts are written without it."""

from collections.abc import Callable
from typing import Any

from nnbench.catalog.twin import Twin


class OwnTwin(Twin):
    """A twin that stands in no module of the catalogue's: a class or function itself."""

    def __init__(self, make: Callable[..., Any], name: str, applied: bool = False) -> None:
        """applied: the entry's own function again, so that it proves nothing of it."""
        names: dict[str, Any] = {"first": (), "fixed": {}, "formulas": {}, "known": {}}
        self._set(path=f"own.{name}", make=make, applied=applied, **names)

    @property
    def words(self) -> str:
        """Its name."""
        return self.name

    def knowing(self, **names: Any) -> Twin:
        """The same: it has no formulas."""
        return self

    def __call__(self, *first: Any, **given: Any) -> Any:
        """Make it, with an entry's parameters."""
        make: Callable[..., Any] = vars(self)["make"]
        return make(*first, **given)
