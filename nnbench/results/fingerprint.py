"""One hash of the sources and libraries that decide a result, by which a stale one is known."""

import ast
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1]
DECIDING_SOURCES = ("catalog", "training", "seeds.py", "study/recipe.py")
DECIDING_ENDINGS = (".py", ".c", ".h")
# who trains with whom, and where; what that takes; where programs are kept
NOT_DECIDING = (
    *("training/plan.py", "training/tasks.py", "training/worker.py", "training/workers.py"),
    *("training/native/cache.py", "training/native/machine.py", "training/native/trial.c"),
    *("training/native/folders.py", "training/native/wall.py", "training/time_limit.py"),
    *("training/scratch.py", "training/cluster"),
)
DECIDING_LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn", "pandas")
# what an entry and its parameters tell people of themselves
PROSE = ("summary", "formula", "reference", "family", "torch", "aliases", "doc")
PLACE_OF_DOC = {"Parameter": 1}  # among the arguments of a call; the sources tell of other calls


@dataclass(frozen=True)
class Origin:
    """What results come from: one hash of it all, and by which each part of it is known.

    sources: a hash of each file's code; libraries: their versions.
    """

    fingerprint: str
    sources: Mapping[str, str]
    libraries: Mapping[str, str]


def fingerprint(package: Path = PACKAGE) -> str:
    """One hash of everything but the recipe that a cell's numbers depend on.

    Those are the sources under `DECIDING_SOURCES`, without comments, docstrings, layout and the
    prose of entries, and the versions of the libraries that compute. Results with another
    fingerprint are stale.
    """
    return origin(package).fingerprint


def origin(package: Path = PACKAGE) -> Origin:
    """What results come from that are computed now."""
    digest = hashlib.sha256()
    files = deciding_files(package)
    codes = _codes(
        tuple((path.relative_to(package).as_posix(), path.read_bytes()) for path in files)
    )
    for name, code in codes.items():
        digest.update(f"{name}\n{code}\n".encode())
    libraries = versions(DECIDING_LIBRARIES)
    for name, found in libraries.items():
        digest.update(f"{name}=={found}\n".encode())
    sources = {name: hashlib.sha256(code.encode()).hexdigest()[:12] for name, code in codes.items()}
    return Origin(digest.hexdigest(), sources, libraries)


@lru_cache(maxsize=1)  # to parse them all takes the better part of a second
def _codes(files: tuple[tuple[str, bytes], ...]) -> dict[str, str]:
    python = {name: content for name, content in files if name.endswith(".py")}
    others = {name: content.decode() for name, content in files if name not in python}
    return dict(zip(python, canonical(list(python.values())), strict=True)) | others


def deciding_files(package: Path) -> list[Path]:
    """The deciding sources that are there, in an order that does not depend on the disk's."""
    roots = [package / name for name in DECIDING_SOURCES]
    files = {
        path
        for root in roots
        for path in (root, *root.rglob("*"))
        if path.suffix in DECIDING_ENDINGS
    }
    left_out = [package / name for name in NOT_DECIDING]
    return sorted(
        path
        for path in files
        if path.is_file() and not any(path.is_relative_to(one) for one in left_out)
    )


def versions(libraries: tuple[str, ...]) -> dict[str, str]:
    """Installed versions, from the package metadata: nothing is imported."""
    found = {}
    for name in libraries:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def canonical(sources: Sequence[bytes]) -> list[str]:
    """Each of some sources as text that depends on the code alone, prose left out.

    With the text of an argument goes a constant of the module that no other code names.
    """
    bodies = [ast.parse(source).body for source in sources]
    statements = [node for body in bodies for node in body]
    reader = _Reader(PLACE_OF_DOC | _places_of_doc(statements))
    written = [[(node, reader.text(node)) for node in body] for body in bodies]
    return ["\n".join(text for node, text in body if not reader.is_prose(node)) for body in written]


def _places_of_doc(statements: Sequence[ast.stmt]) -> dict[str, int]:
    """The place of the argument `doc` in the functions that have one."""
    functions = [node for node in statements if isinstance(node, ast.FunctionDef)]
    names = {node.name: [one.arg for one in node.args.args] for node in functions}
    return {name: one.index("doc") for name, one in names.items() if "doc" in one}


class _Reader:
    """Writes syntax trees as text, and notes every name that they read or look up."""

    def __init__(self, places_of_doc: Mapping[str, int]) -> None:
        self._places = places_of_doc
        self._named: set[str] = set()

    def text(self, node: Any) -> str:
        """A tree as text. Unlike `ast.dump`, whose form changes with Python's version, it leaves
        out what is empty; and docstrings, so that a body with nothing else looks empty too.
        """
        if isinstance(node, list):
            return "[" + ",".join(map(self.text, node)) + "]"
        if not isinstance(node, ast.AST):
            return f"{type(node).__name__}:{node!r}"
        if isinstance(node, ast.Call):
            self._take_prose_out(node)
        self._note(node)
        fields = []
        for name, value in ast.iter_fields(node):
            if name == "body" and _has_docstring(node):
                value = value[1:]
            if value not in (None, []):
                fields.append(f"{name}={self.text(value)}")
        return f"{type(node).__name__}({','.join(fields)})"

    def is_prose(self, node: ast.stmt) -> bool:
        """Whether a statement of a module is a docstring, or a text that no code names.

        So is an import of nothing but such texts.
        """
        if isinstance(node, ast.Expr):
            return _is_text(node.value)
        if isinstance(node, ast.ImportFrom):
            return all(_is_constant(one) and one.name not in self._named for one in node.names)
        return (
            isinstance(node, ast.Assign)
            and _is_text(node.value)
            and all(isinstance(one, ast.Name) and one.id not in self._named for one in node.targets)
        )

    def _take_prose_out(self, call: ast.Call) -> None:
        call.keywords = [
            one for one in call.keywords if one.arg not in PROSE or not _is_text(one.value)
        ]
        place = self._places.get(call.func.id) if isinstance(call.func, ast.Name) else None
        if place is not None and len(call.args) > place and _is_text(call.args[place]):
            del call.args[place]

    def _note(self, node: ast.AST) -> None:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            self._named.add(node.id)
        elif isinstance(node, ast.Attribute):
            self._named.add(node.attr)
        elif isinstance(node, ast.alias) and not _is_constant(node):
            self._named.add(node.name)


def _is_constant(imported: ast.alias) -> bool:
    """Whether what is imported is a constant by its name, so that code that reads it names it."""
    return imported.name.isupper() and imported.asname is None


def _is_text(node: ast.expr) -> bool:
    """Whether it is text, a constant's name, or made of nothing but these."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str)
    if isinstance(node, ast.Name):
        return node.id.isupper()
    if isinstance(node, ast.BinOp):
        return _is_text(node.left) and _is_text(node.right)
    return isinstance(node, ast.Tuple) and all(map(_is_text, node.elts))


def _has_docstring(node: ast.AST) -> bool:
    documented = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None
