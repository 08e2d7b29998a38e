"""Code of one's own as it stands in a script: a function or class, with all that it needs.

It is found by the object itself, so that it may stand in a file, in a cell of a notebook or within
another function: names are looked up where Python would, in what it has captured, in its module.
"""

import ast
import builtins
import linecache
import math
import symtable
import sys
import textwrap
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, NoReturn

from nnbench.catalog.own.code import is_library
from nnbench.export.find import ExportError
from nnbench.export.sources import Module, plain, read_module

MOST_NUMBERS = 10_000  # of an array that is written out
PLAIN = (type(None), bool, int, float, complex, str, bytes)
HOMES = ("torch", "torch.nn.functional", "torch.special", "math", "numpy")  # of functions of C


class OwnSource:
    """Gathers definitions, each after what it needs; `imports` and `texts` are lines by name."""

    def __init__(self, entry: str) -> None:
        self._entry = entry
        self._known: dict[str, Any] = {}
        self.imports: dict[str, str] = {}
        self.texts: dict[str, str] = {}

    def name_of(self, thing: Any, wanted: str = "f") -> str:
        """The name under which a thing is known in the script from here on."""
        own = getattr(thing, "__name__", wanted)
        name = own if own.isidentifier() else wanted
        self.add(name, thing)
        return name

    def add(self, name: str, thing: Any) -> None:
        """Define a name. Errors: ExportError where its code cannot be told, or is another's."""
        if name in self._known:
            if self._known[name] is not thing:
                self._refuse(f"two things in it are called {name}: rename one")
            return
        self._known[name] = thing
        if isinstance(thing, ModuleType):
            self._add_module(name, thing)
        elif isinstance(thing, FunctionType | type) and not _is_library(thing):
            self._add_definition(name, thing)
        elif home := _home_of(thing):
            origin = thing.__name__
            alias = "" if origin == name else f" as {name}"
            self.imports[name] = f"from {home} import {origin}{alias}"
        else:
            self.texts[name] = f"{name} = {self._value(name, thing)}"

    def _add_module(self, name: str, module: ModuleType) -> None:
        if not is_library(module.__name__) or module.__name__.partition(".")[0] == "nnbench":
            away = "a script has none of its own modules: import the names that are used, "
            self._refuse(f"it uses the module {name}; {away}from {module.__name__} import ...")
        alias = "" if module.__name__ == name else f" as {name}"
        self.imports[name] = f"import {module.__name__}{alias}"

    def _add_definition(self, name: str, thing: FunctionType | type) -> None:
        module, node = self._found(name, thing)
        lines = plain(module, node)
        text = textwrap.dedent(" " * node.col_offset + lines)
        if isinstance(node, ast.Lambda):
            text = f"{name} = {f'({text})' if chr(10) in text else text}"
        elif _holds_lines(node):  # which would be indented with the rest
            text = ast.unparse(ast.parse(text))
        within = dict(_names_of(thing))
        for needed in self._free_names(text, name):
            if needed in within:
                self.add(needed, within[needed])
            elif not hasattr(builtins, needed):
                self._refuse(f"{name} uses {needed}, which is defined only where it was made")
        own = getattr(node, "name", name)
        self.texts[name] = text if own == name else f"{text}\n{name} = {own}"

    def _free_names(self, text: str, name: str) -> list[str]:
        top = symtable.symtable(text, "own", "exec")
        found: set[str] = set()
        for table in _tables(top):
            for symbol in table.get_symbols():
                if symbol.is_declared_global() and symbol.is_assigned():
                    self._refuse(f"{name} writes to the global {symbol.get_name()}")
                free = not symbol.is_assigned() if table is top else symbol.is_global()
                if symbol.is_referenced() and free:
                    found.add(symbol.get_name())
        return sorted(found - {name, "__class__"})

    def _found(self, name: str, thing: FunctionType | type) -> tuple[Module, Any]:
        """Where it is defined: the module's text, and the node of its tree."""
        code = _code_of(thing)
        place = code.co_filename if code else getattr(sys.modules[thing.__module__], "__file__", "")
        text = "".join(linecache.getlines(place or ""))
        if not text and place and Path(place).is_file():
            text = Path(place).read_text()
        if not text:
            way = "write it to a file, and name that with --with"
            self._refuse(f"there is no source of {name}: {way}")
        module = read_module(text.encode())
        nodes = [node for node in ast.walk(module.tree) if _is_of(node, thing)]
        if isinstance(thing, FunctionType) and thing.__name__ == "<lambda>":
            nodes = nodes[-1:]  # the innermost
        if len(nodes) != 1:
            self._refuse(f"the source of {name} cannot be told from another's: give it a def")
        return module, nodes[0]

    def _value(self, name: str, thing: Any) -> str:
        """A constant as source."""
        if isinstance(thing, float) and not math.isfinite(thing):
            return f'float("{thing}")'
        if isinstance(thing, PLAIN):
            return repr(thing)
        if type(thing) in (list, tuple, set):
            values = [self._value(name, one) for one in thing]
            if isinstance(thing, tuple):
                return f"({', '.join(values)}{',' * (len(values) == 1)})"
            inner = ", ".join(values)
            return f"[{inner}]" if isinstance(thing, list) else f"set([{inner}])"
        if type(thing) is dict:
            pairs = (f"{self._value(name, k)}: {self._value(name, v)}" for k, v in thing.items())
            return f"{{{', '.join(pairs)}}}"
        if isinstance(thing, partial):
            given = [self._value(name, one) for one in thing.args]
            given += [f"{key}={self._value(name, value)}" for key, value in thing.keywords.items()]
            self.add("partial", partial)
            return f"partial({', '.join([self._value(name, thing.func), *given])})"
        if isinstance(thing, FunctionType | type) or _home_of(thing):
            return self.name_of(thing, f"{name}_part")
        kind = f"{type(thing).__module__}.{type(thing).__name__}"
        arrays = {"torch.Tensor": "torch.tensor", "numpy.ndarray": "numpy.array"}
        if kind in arrays and math.prod(thing.shape) <= MOST_NUMBERS:
            home = arrays[kind].partition(".")[0]
            self.add(home, sys.modules[home])
            of_type = str(thing.dtype) if home == "torch" else repr(str(thing.dtype))
            return f"{arrays[kind]}({thing.tolist()!r}, dtype={of_type})"
        self._refuse(f"{name} is a {type(thing).__name__}, which cannot be written as source")

    def _refuse(self, why: str) -> NoReturn:
        raise ExportError(f"{self._entry} cannot stand in a script: {why}")


def _is_library(thing: FunctionType | type) -> bool:
    """Installed, but not the package's own: no script imports that."""
    return is_library(thing.__module__) and thing.__module__.partition(".")[0] != "nnbench"


def _home_of(thing: Any) -> str:
    """The module that a library's function or class is imported from, if it is one."""
    name = getattr(thing, "__name__", None)
    if isinstance(thing, ModuleType) or not isinstance(name, str) or not callable(thing):
        return ""
    homes = [getattr(thing, "__module__", None), *HOMES]
    known = (home for home in homes if home and home.partition(".")[0] != "nnbench")
    return next((h for h in known if getattr(sys.modules.get(h), name, None) is thing), "")


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)


def _functions_of(thing: FunctionType | type) -> list[FunctionType]:
    """A function, or those of a class; torch wraps the `step` of an optimizer's."""
    if isinstance(thing, FunctionType):
        return [thing]
    found = [getattr(one, "__func__", getattr(one, "fget", one)) for one in vars(thing).values()]
    found = [getattr(one, "__wrapped__", one) for one in found]
    own = thing.__module__
    return [one for one in found if isinstance(one, FunctionType) and one.__module__ == own]


def _code_of(thing: FunctionType | type) -> CodeType | None:
    return next((one.__code__ for one in _functions_of(thing)), None)


def _names_of(thing: FunctionType | type) -> Iterator[tuple[str, Any]]:
    """What is in reach of a function's or a class's code, the nearest last."""
    functions = _functions_of(thing)
    if not functions:
        yield from vars(sys.modules[thing.__module__]).items()
    for function in functions:
        yield from function.__globals__.items()
    for function in functions:
        for name, cell in zip(
            function.__code__.co_freevars, function.__closure__ or (), strict=True
        ):
            if name != "__class__":
                yield name, cell.cell_contents


def _is_of(node: ast.AST, thing: FunctionType | type) -> bool:
    """Whether a node is what defines a function or class."""
    code = _code_of(thing)
    if isinstance(thing, type):
        if not isinstance(node, ast.ClassDef) or node.name != thing.__name__:
            return False
        lines = range(node.lineno, (node.end_lineno or 0) + 1)
        return code is None or code.co_firstlineno in lines
    assert code is not None
    if isinstance(node, ast.FunctionDef):
        line = min([node.lineno, *(one.lineno for one in node.decorator_list)])
        return node.name == code.co_name and line == code.co_firstlineno
    if not isinstance(node, ast.Lambda) or code.co_name != "<lambda>":
        return False
    first = (node.body.lineno, node.body.col_offset)
    last = (node.body.end_lineno, node.body.end_col_offset)
    spans = [place for place in code.co_positions() if None not in place and any(place[2:])]
    return bool(spans) and all(first <= (a, c) and (b, d) <= last for a, b, c, d in spans)


def _holds_lines(node: ast.AST) -> bool:
    """Whether a text of several lines stands in it that is more than a docstring."""
    texts = [one for one in ast.walk(node) if isinstance(one, ast.Constant | ast.JoinedStr)]
    prose = [one.value for one in ast.walk(node) if isinstance(one, ast.Expr)]
    return any(one.lineno != one.end_lineno and one not in prose for one in texts)


def block(name: str, entry: str, things: Mapping[str, Any]) -> str:
    """The function that makes what a script calls `name`: in its own scope, no name is in the way.

    things: functions or classes by the name that they have where they have none; several are a
    tuple. Errors: ExportError.
    """
    source = OwnSource(entry)
    names = [source.name_of(thing, wanted) for wanted, thing in things.items()]
    lines = [f'"""{entry[0].upper()}{entry[1:]}."""', *sorted(source.imports.values())]
    lines += [f"\n{text}\n" if "\n" in text else text for text in source.texts.values()]
    body = "\n".join([*lines, f"return {', '.join(names)}"]).replace("\n\n\n", "\n\n")
    return f"def make_{name}():\n{textwrap.indent(body, '    ')}\n\n\n{name} = make_{name}()"
