"""Code of the catalogue as it stands in a script: whole definitions, and what they need.

Only text is read here, nothing is imported. Annotations, remarks to the type checker and the
docstrings of methods are left out, so that what remains is what a textbook would print.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from nnbench.export.text import LINE_LENGTH

CONSTANTS = (ast.Assign, ast.AnnAssign)
Edit = tuple[int, int, str]  # from, to, and what stands there instead
OURS = re.compile(r"nnbench\b(?!\.lazy$)")  # what stands there is of libraries
CHECKERS_ONLY = re.compile(r"  # type: ignore\[.*?\]|^ *assert .* is not None\n", re.MULTILINE)


@dataclass(frozen=True)
class Module:
    """A module's text, where its lines begin, and its top-level definitions and imports by name.

    Everything counts in bytes of UTF-8, as `ast` does.
    """

    text: bytes
    starts: tuple[int, ...]
    definitions: dict[str, ast.stmt]
    imported: dict[str, str]  # a name, and the module of nnbench that it comes from
    tree: ast.Module

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Where a node begins and ends in the text."""
        assert isinstance(node, ast.expr | ast.stmt | ast.arg)
        assert node.end_lineno is not None and node.end_col_offset is not None
        first = self.starts[node.lineno - 1] + node.col_offset
        return first, self.starts[node.end_lineno - 1] + node.end_col_offset

    def code(self, node: ast.AST) -> str:
        """A node's own text."""
        first, last = self.span(node)
        return self.text[first:last].decode()


@lru_cache
def module_of(name: str) -> Module:
    """Read a module of nnbench by its dotted name."""
    spec = find_spec(name)
    assert spec is not None and spec.origin is not None
    return read_module(Path(spec.origin).read_bytes())


def read_module(text: bytes) -> Module:
    """A module of this text."""
    tree = ast.parse(text)
    lengths = [0, *(len(line) for line in text.splitlines(keepends=True))]
    definitions: dict[str, ast.stmt] = {}
    imported: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and OURS.match(node.module or ""):
            imported |= {alias.name: str(node.module) for alias in node.names}
    for statement in tree.body:
        for defined in _names_of(statement):
            definitions[defined] = statement
    starts = tuple(sum(lengths[:count]) for count in range(1, len(lengths)))
    return Module(text, starts, definitions, imported, tree)


def _names_of(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    if not isinstance(statement, CONSTANTS):
        return []
    targets = [statement.target] if isinstance(statement, ast.AnnAssign) else statement.targets
    names = [node for target in targets for node in ast.walk(target)]
    return [node.id for node in names if isinstance(node, ast.Name)]


def definitions(module: str, *names: str) -> str:
    """The source of some definitions of a module, after all that they need of nnbench."""
    return definitions_of((module, name) for name in names)


def definitions_of(places: Iterable[tuple[str, str]]) -> str:
    """The same of modules and names: each definition once."""
    collected: dict[ast.stmt, str] = {}
    for module, name in places:
        _collect(module, name, collected)
    constants = [text for node, text in collected.items() if isinstance(node, CONSTANTS)]
    others = [text for node, text in collected.items() if not isinstance(node, CONSTANTS)]
    return "\n\n\n".join(["\n".join(constants), *others] if constants else others)


def summary(module: str, name: str) -> str:
    """The first line of a function's docstring."""
    function = module_of(module).definitions[name]
    assert isinstance(function, ast.FunctionDef)
    return str(ast.get_docstring(function)).partition("\n")[0].rstrip(".")


def _collect(place: str, name: str, collected: dict[ast.stmt, str]) -> None:
    """Add a definition to those collected, what it needs before it."""
    module = module_of(place)
    if name not in module.definitions:
        return _collect(module.imported[name], name, collected)
    statement = module.definitions[name]
    if statement in collected:
        return None
    text = plain(module, statement)
    used = {
        node.id
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    for needed in sorted(used - {name}, key=text.index):
        if needed in module.definitions or needed in module.imported:
            _collect(place, needed, collected)
    collected[statement] = text
    return None


def plain(module: Module, statement: ast.stmt | ast.expr) -> str:
    """A statement's text without what is there for type checkers and readers of nnbench."""
    first, last = module.span(statement)
    decorators = getattr(statement, "decorator_list", [])
    if decorators:
        first = module.span(decorators[0])[0] - 1  # the sign before its name
    text = module.text
    for begin, end, instead in sorted(_edits(module, statement), reverse=True):
        text = text[:begin] + instead.encode() + text[end:]
        last += len(instead.encode()) - (end - begin)
    return CHECKERS_ONLY.sub("", text[first:last].decode())


def _edits(module: Module, statement: ast.stmt | ast.expr) -> Iterator[Edit]:
    methods = statement.body if isinstance(statement, ast.ClassDef) else []
    for node in ast.walk(statement):
        if isinstance(node, ast.FunctionDef):
            yield _header(module, node)
            if node in methods and len(node.body) > 1 and ast.get_docstring(node):
                yield module.span(node.body[0])[0], module.span(node.body[1])[0], ""
        elif isinstance(node, ast.AnnAssign) and node.value is not None and node not in methods:
            yield module.span(node.target)[1], module.span(node.annotation)[1], ""
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "Sample":
            yield _as_tuple(module, node)


def _header(module: Module, node: ast.FunctionDef) -> Edit:
    """Write a function's first line anew, without annotations."""
    given = node.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    kept = [(argument, argument.annotation) for argument in every if argument is not None]
    for argument, _ in kept:
        argument.annotation = None
    arguments = ast.unparse(given)
    for argument, annotation in kept:
        argument.annotation = annotation
    indent = " " * node.col_offset
    line = f"def {node.name}({arguments}):"
    if len(indent + line) > LINE_LENGTH:
        line = f"def {node.name}(\n{indent}    {arguments}\n{indent}):"
    first, body = module.span(node)[0], module.span(node.body[0])[0]
    return first, body, f"{line}\n{' ' * node.body[0].col_offset}"


def _as_tuple(module: Module, call: ast.Call) -> Edit:
    """Write a data set's arrays as a plain tuple: x, y and perhaps y with its errors."""
    parts = [module.code(argument) for argument in call.args]
    parts += [module.code(keyword.value) for keyword in call.keywords if keyword.arg == "observed"]
    first, last = module.span(call)
    return first, last, ", ".join(parts)
