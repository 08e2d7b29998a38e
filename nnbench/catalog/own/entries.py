"""Read entries of one's own, put them beside the catalogue's, and tell what their code is.

A recipe that uses one names it and its code in the field `own`, which is part of the cell's id: to
add an entry makes no result stale, and to change one makes stale the cells that use it alone.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, cast

from nnbench.catalog.activations.registry import ACTIVATIONS
from nnbench.catalog.data.registry import DATA
from nnbench.catalog.inits.registry import INITS
from nnbench.catalog.losses import LOSSES
from nnbench.catalog.norms import NORMS
from nnbench.catalog.optimizers.registry import OPTIMIZERS
from nnbench.catalog.own.code import code_hash
from nnbench.catalog.schedules.registry import SCHEDULES
from nnbench.study.vocabulary import Entry, find_name

# by the name of the dict in a file: the key of a recipe, and the catalogue's own entries
KINDS: dict[str, tuple[str, MutableMapping[str, Any]]] = {
    "ACTIVATIONS": ("activation", cast("MutableMapping[str, Any]", ACTIVATIONS)),
    "DATA": ("data", cast("MutableMapping[str, Any]", DATA)),
    "INITS": ("init", cast("MutableMapping[str, Any]", INITS)),
    "LOSSES": ("loss", cast("MutableMapping[str, Any]", LOSSES)),
    "NORMS": ("norm", cast("MutableMapping[str, Any]", NORMS)),
    "OPTIMIZERS": ("optimizer", cast("MutableMapping[str, Any]", OPTIMIZERS)),
    "SCHEDULES": ("schedule", cast("MutableMapping[str, Any]", SCHEDULES)),
}
CODES: dict[tuple[str, str], str] = {}  # by key of a recipe and name: those registered now


class EntryError(ValueError):
    """An entry of one's own that cannot be used; the message says why, and the way out."""


@dataclass(frozen=True)
class Entries:
    """Entries of one's own by name, of each kind: `Entries(activations={"rootplus": ...})`."""

    activations: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    inits: Mapping[str, Any] = field(default_factory=dict)
    losses: Mapping[str, Any] = field(default_factory=dict)
    norms: Mapping[str, Any] = field(default_factory=dict)
    optimizers: Mapping[str, Any] = field(default_factory=dict)
    schedules: Mapping[str, Any] = field(default_factory=dict)

    def __or__(self, others: Entries) -> Entries:
        """Both. Errors: EntryError where a name is in both."""
        joined = {}
        for kind in (one.name for one in fields(self)):
            ours, theirs = getattr(self, kind), getattr(others, kind)
            if twice := sorted(ours.keys() & theirs.keys()):
                raise EntryError(f"{kind}: {twice[0]!r} is in two files: rename one")
            joined[kind] = {**ours, **theirs}
        return Entries(**joined)


def read_entries(paths: Sequence[Path]) -> Entries:
    """Run files of Python and take their dicts of entries, named as in the catalogue.

    Errors: EntryError for a file that cannot be run, or has no such dict.
    """
    found = Entries()
    for path in paths:
        found = found | _of_file(path)
    return found


def _of_file(path: Path) -> Entries:
    name = f"nnbench_own_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise EntryError(f"--with {path}: is not a Python file; name one that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.resolve().parent))  # for helpers in files beside it
    try:
        spec.loader.exec_module(module)
    except FileNotFoundError:
        raise EntryError(f"--with {path}: there is no such file") from None
    except EntryError as error:
        raise EntryError(f"--with {path}: {error}") from None
    except Exception as error:
        told = f"{type(error).__name__}: {error}"
        raise EntryError(f"--with {path}: cannot be run: {told}") from error
    finally:
        sys.path.remove(str(path.resolve().parent))
    given = {kind.lower(): getattr(module, kind) for kind in KINDS if hasattr(module, kind)}
    for kind in given:
        if not isinstance(given[kind], Mapping):
            is_no = f"{kind.upper()} is {_thing(given[kind])}, not a dict"
            raise EntryError(f"--with {path}: {is_no}; write a dict of names and entries")
    if not given:
        raise EntryError(f"--with {path}: has none of the dicts {', '.join(KINDS)}")
    return Entries(**given)


def register(entries: Entries) -> None:
    """Put entries beside the catalogue's, in place of any that were registered before.

    Errors: EntryError for a name that the catalogue has, and for what is no entry.
    """
    if not isinstance(entries, Entries):
        made = "make them with nnbench.Entries(...)"
        raise EntryError(f"entries: {_thing(entries)} is not an Entries object; {made}")
    checked = [
        (KINDS[one.name.upper()], name, _made(one.name, entry))
        for one in fields(entries)
        for name, entry in getattr(entries, one.name).items()
    ]
    for (key, catalogue), name, entry in checked:
        taken = find_name({n: e for n, e in catalogue.items() if (key, n) not in CODES}, name)
        if taken is not None:
            raise EntryError(f"{key} {name!r}: the catalogue already has this name; choose another")
        if not isinstance(entry, Entry):
            made = f"nnbench.{key.capitalize()}(...)"
            raise EntryError(f"{key} {name!r}: is {_thing(entry)}; make it with {made}")
    withdraw()
    for (key, catalogue), name, entry in checked:
        catalogue[name] = entry
        CODES[key, name] = code_hash(entry)


def _made(kind: str, entry: Any) -> Any:
    """The entry of a bare class of torch.optim; any other as it is."""
    if kind == "optimizers" and isinstance(entry, type):
        from nnbench.catalog.own.kinds import Optimizer  # which needs this module

        return Optimizer(entry)
    return entry


def _thing(value: object) -> str:
    kind = type(value).__name__
    return f"{'an' if kind[0].lower() in 'aeiou' else 'a'} {kind}"


def _catalogue(key: str) -> MutableMapping[str, Any]:
    return next(entries for of, entries in KINDS.values() if of == key)


def entry_of(key: str, name: str) -> Any:
    """The entry that a recipe's key names."""
    return _catalogue(key)[name]


def registered() -> Entries | None:
    """The entries of one's own that are registered now, if any."""
    by_kind: dict[str, dict[str, Any]] = {}
    for kind, (key, catalogue) in KINDS.items():
        names = [name for of, name in CODES if of == key]
        by_kind[kind.lower()] = {name: catalogue[name] for name in names}
    return Entries(**by_kind) if CODES else None


def withdraw() -> None:
    """Take all entries of one's own out of the catalogue, and forget what was computed of them."""
    for key, name in CODES:
        _catalogue(key).pop(name, None)
    if CODES:
        for module in [m for n, m in sys.modules.items() if n.startswith("nnbench.")]:
            for thing in list(vars(module).values()):
                if hasattr(thing, "cache_clear"):
                    thing.cache_clear()
    CODES.clear()


def is_part(recipe: Mapping[str, Any], key: str, name: str) -> bool:
    """Whether an entry is a part of another, such as a base or a schedule of several."""
    return any(recipe[place] == name for place in recipe if place.startswith(f"{key}."))


def own_code(recipe: Mapping[str, Any]) -> str:
    """The entries of one's own that a recipe uses, each with its code; empty where there is none.

    `activation.rootplus=0f3c... optimizer.mine=77ab...`
    """
    used = sorted(one for one in CODES if recipe.get(one[0]) == one[1] or is_part(recipe, *one))
    return " ".join(f"{key}.{name}={CODES[key, name]}" for key, name in used)


def code_now(own: str) -> str:
    """What `own_code` gave, with the code that its entries have now: of those that are registered.

    Of what is not registered nothing is known, so that its code stays.
    """
    words = [word.partition("=") for word in own.split()]
    now = {f"{key}.{name}": code for (key, name), code in CODES.items()}
    return " ".join(f"{name}={now.get(name, code)}" for name, _, code in words)
