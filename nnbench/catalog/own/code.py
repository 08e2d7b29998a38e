"""What code does, as one hash: by its meaning, not by its prose, its layout or its place.

It is read from what Python runs, so that a function of a notebook has one too. It changes with the
function, the helpers and constants that it names, its defaults and what it has captured; and with
Python's own version, which writes other instructions. Libraries count by name: their versions are
part of every result's identity anyway.
"""

import dis
import hashlib
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from functools import partial
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

PACKAGE = Path(__file__).parents[2]
LIBRARIES = [
    Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")
]
BY_PLACE = ("FAST", "DEREF", "CLOSURE", "CELL")  # what these name is local: the name says nothing
PROSE = ("summary", "formula", "reference", "family", "torch", "aliases", "doc", "words")


def code_hash(thing: Any) -> str:
    """The hash of a function, a class, or a value with such in it: 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for word in _Reader().words(thing):
        digest.update(f"{len(word)}:{word}".encode())
    return digest.hexdigest()[:16]


class _Reader:
    """Writes a thing as words; what it has met before, by its number."""

    def __init__(self) -> None:
        self._met: dict[int, Any] = {}

    def words(self, thing: Any) -> Iterator[str]:
        if thing is None or isinstance(thing, str | bytes | bool | int | float | complex):
            yield f"{type(thing).__name__} {thing!r}"
            return
        if id(thing) in self._met:
            yield f"again {list(self._met).index(id(thing))}"
            return
        self._met[id(thing)] = thing  # kept, so that no other takes its id
        yield from self._of_kind(thing)

    def _of_kind(self, thing: Any) -> Iterator[str]:
        if isinstance(thing, ModuleType):
            yield f"module {thing.__name__}"
            if not is_library(thing.__name__):
                yield from self._named(_own_names(thing))
        elif isinstance(thing, BuiltinFunctionType):
            yield f"{thing.__module__}.{thing.__qualname__}"
        elif isinstance(thing, MethodType):
            yield from self.words([thing.__func__, thing.__self__])
        elif isinstance(thing, staticmethod | classmethod):
            yield type(thing).__name__
            yield from self.words(thing.__func__)
        elif isinstance(thing, property):
            yield from self.words([thing.fget, thing.fset, thing.fdel])
        elif isinstance(thing, FunctionType | type) and is_library(thing.__module__):
            yield f"{thing.__module__}.{thing.__qualname__}"
        elif isinstance(thing, FunctionType):
            # torch wraps the `step` of a class when the first of it is made
            hooked = getattr(thing, "hooked", False)
            yield from self._function(getattr(thing, "__wrapped__", thing) if hooked else thing)
        elif isinstance(thing, type):
            yield f"class {thing.__name__}"
            yield from self.words(thing.__bases__)
            yield from self._named({k: v for k, v in vars(thing).items() if not _is_prose(k)})
        elif isinstance(thing, partial):
            yield from self.words([thing.func, thing.args, thing.keywords])
        elif isinstance(thing, Mapping):
            yield "mapping"
            yield from self._named(thing)
        elif isinstance(thing, Sequence):
            yield f"{len(thing)} in order"
            for one in thing:
                yield from self.words(one)
        elif isinstance(thing, Set):
            yield f"set {sorted(map(repr, thing))}"
        elif hasattr(thing, "columns") and hasattr(thing, "to_numpy"):  # a frame
            yield from self.words([list(thing.columns), [thing[c].to_numpy() for c in thing]])
        elif hasattr(thing, "tobytes") or hasattr(thing, "numpy"):  # an array, or a tensor
            yield from self._array(thing if hasattr(thing, "tobytes") else thing.detach().numpy())
        else:
            yield from self._value(thing)

    def _array(self, array: Any) -> Iterator[str]:
        yield f"{array.dtype} {array.shape}"
        if array.dtype.hasobject:  # whose bytes are places in memory
            yield from self.words(array.tolist())
        else:
            yield hashlib.sha256(array.tobytes()).hexdigest()

    def _value(self, thing: Any) -> Iterator[str]:
        yield from self.words(type(thing))
        if is_dataclass(thing):
            names = [one.name for one in fields(thing) if one.name not in PROSE]
            yield from self._named({name: getattr(thing, name) for name in names})
        elif hasattr(thing, "__dict__"):
            yield from self._named(vars(thing))
        elif " at 0x" not in repr(thing):
            yield repr(thing)

    def _named(self, things: Mapping[Any, Any]) -> Iterator[str]:
        for name in sorted(things, key=repr):
            yield f"as {name!r}"
            yield from self.words(things[name])

    def _function(self, function: FunctionType) -> Iterator[str]:
        yield "function"
        yield from self._code(function.__code__, function.__globals__)
        yield from self.words([function.__defaults__, function.__kwdefaults__])
        for cell in function.__closure__ or ():
            try:
                captured = cell.cell_contents
            except ValueError:  # not bound yet
                continue
            yield from self.words(captured)

    def _code(self, code: CodeType, known: Mapping[str, Any]) -> Iterator[str]:
        count = code.co_argcount + code.co_kwonlyargcount
        yield f"takes {code.co_varnames[:count]} {code.co_flags & 0x0C}"
        for step in dis.get_instructions(code):
            if step.opname in ("NOP", "RESUME", "EXTENDED_ARG"):
                continue
            if isinstance(step.argval, CodeType):
                yield from self._code(step.argval, known)
                continue
            local = any(word in step.opname for word in BY_PLACE)
            yield f"{step.opname} {step.arg if local else _constant(step.argval)}"
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME") and step.argval in known:
                yield from self.words(known[step.argval])


def is_library(module: str | None) -> bool:
    """Whether a module is installed, or built in: not code of one's own."""
    found = sys.modules.get(module or "")
    if found is None or module == "__main__":
        return False
    if module in sys.builtin_module_names:
        return True
    file = getattr(found, "__file__", None)
    if file is None:
        return False
    return any(Path(file).is_relative_to(folder) for folder in (PACKAGE, *LIBRARIES))


def _own_names(module: ModuleType) -> dict[str, Any]:
    return {name: value for name, value in vars(module).items() if not name.startswith("__")}


def _is_prose(name: str) -> bool:
    return name in (
        *("__doc__", "__module__", "__dict__", "__weakref__", "__firstlineno__"),
        *("__static_attributes__", "__qualname__", "__annotations__"),
    )


def _constant(value: Any) -> str:
    """A constant as text that does not depend on the run: the order of a set does."""
    return repr(sorted(value, key=repr)) if isinstance(value, frozenset) else repr(value)
