"""What all scripts are put together with: literals, calls, imports, lines that fit, templates."""

import ast
import json
import re
import symtable
import textwrap
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from nnbench.catalog.formulas import Code
from nnbench.study.baselines import BASELINES

LINE_LENGTH = 100
IMPORTS_MARK = "# ---- imports\n"  # in a template: what follows is code, what precedes a docstring
OWN_MARK = "# ---- own entries\n"  # in a template: where the code of one's own entries stands
# The names that a script may import: by the module that they come from, or by the whole statement
MODULES = (
    *("bz2", "copy", "csv", "difflib", "functools", "gzip", "hashlib", "importlib", "io"),
    *("itertools", "json", "lzma", "math", "re", "shlex", "signal", "sys", "warnings", "zipfile"),
    "zlib",
)
STANDARD = {name: f"import {name}" for name in MODULES} | {
    "Any": "typing",
    "contextmanager": "contextlib",
    "Counter": "collections",
    "Path": "pathlib",
    "dataclass": "dataclasses",
    "field": "dataclasses",
    "datetime": "datetime",
    "lru_cache": "functools",
    "nullcontext": "contextlib",
    "partial": "functools",
    "replace": "dataclasses",
}
LIBRARIES = {
    "LambdaLR": "torch.optim.lr_scheduler",
    "NDArray": "numpy.typing",
    "Optimizer": "torch.optim",
    "datasets": "sklearn",
    "feather": "pyarrow",
    "csgraph": "scipy.sparse",
    "load_file": "safetensors.torch",
    "lr_scheduler": "torch.optim",
    "model_selection": "sklearn",
    "sparse": "scipy",
    "ndimage": "scipy",
    "nn": "torch",
    "np": "import numpy as np",
    "pa": "import pyarrow as pa",
    "parquet": "pyarrow",
    "pc": "import pyarrow.compute as pc",
    "pd": "import pandas as pd",
    "save_file": "safetensors.torch",
    "torch": "import torch",
    "train_test_split": "sklearn.model_selection",
    **{model.name: model.module for one in BASELINES.values() for model in vars(one).values()},
}
CLOSING = {"(": ")", "[": "]", "{": "}"}


def literal(value: Any) -> str:
    """A value as source, texts in double quotes."""
    if isinstance(value, Code):
        return value
    if isinstance(value, dict):
        return f"{{{', '.join(f'{literal(key)}: {literal(one)}' for key, one in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    return json.dumps(value) if isinstance(value, str) and value.isascii() else repr(value)


def call(name: str, *arguments: str, **keywords: Any) -> str:
    """The source of a call; arguments are source, keyword arguments are values."""
    given = [*arguments, *(f"{key}={literal(value)}" for key, value in keywords.items())]
    return f"{name}({', '.join(given)})"


def sentence(words: Iterable[str]) -> str:
    """Words as the lines of a docstring."""
    return textwrap.fill(", ".join(words) + ".", LINE_LENGTH)


def fill(template: str, **values: Any) -> str:
    """Fill in a template of this folder."""
    return _templates().get_template(template).render(**values)


def render(template: str, **values: Any) -> str:
    """Fill in a script's template, add the imports that its code needs, and break long lines."""
    head, mark, body = fill(template, **values).partition(IMPORTS_MARK)
    assert mark
    used = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
    used -= _only_local(body)
    blocks = [_block(known, used) for known in (STANDARD, LIBRARIES)]
    text = head + "\n\n".join(block for block in blocks if block) + "\n\n" + body
    lines = [fitted(line.rstrip()) for line in text.split("\n")]
    whole = re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines)).strip("\n") + "\n"
    own = str(values.get("own", ""))  # a user's code, not to be touched
    return whole.replace(OWN_MARK, own and f"\n\n{own}\n\n\n")


def _only_local(code: str) -> set[str]:
    """The names that are a function's own wherever they stand: no import is meant by them."""
    local: set[str] = set()
    others: set[str] = set()
    tables = [symtable.symtable(code, "script", "exec")]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        for symbol in table.get_symbols():
            (local if symbol.is_local() or symbol.is_free() else others).add(symbol.get_name())
    return local - others


def _block(known: Mapping[str, str], used: set[str]) -> str:
    """A block of imports in the usual order: whole modules, then names by module."""
    whole: list[str] = []
    names: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(used & known.keys()):
        if known[name].startswith("import "):
            whole.append(known[name])
        else:
            names[known[name]].append(name)
    parts = [f"from {module} import {', '.join(names[module])}" for module in sorted(names)]
    return "\n".join([*sorted(whole), *parts])


def fitted(line: str) -> str:
    """Break a line of code that is too long, at its largest bracket, as formatters do."""
    if len(line) <= LINE_LENGTH:
        return line
    first, last = max(_brackets(line), key=lambda pair: pair[1] - pair[0], default=(0, 0))
    if first == last:
        return line
    margin = " " * (len(line) - len(line.lstrip()))
    inner = line[first + 1 : last]
    rows = [inner] if len(margin) + 4 + len(inner) <= LINE_LENGTH else _rows(inner)
    broken = "\n".join(fitted(f"{margin}    {row}") for row in rows)
    return f"{line[: first + 1]}\n{broken}\n{margin}{line[last:]}"


def _rows(inner: str) -> list[str]:
    """What stands in a bracket in rows: a comprehension's parts, or one item in each."""
    outside = {place: sign for place, sign, depth in _signs(inner) if depth == 0}
    loops = [loop.start() for loop in re.finditer(" for ", inner) if loop.start() in outside]
    if loops:
        return [inner[: loops[0]], inner[loops[0] + 1 :]]
    ends = [-1, *(place for place, sign in outside.items() if sign == ","), len(inner)]
    return [inner[a + 1 : b].strip() + "," for a, b in pairwise(ends)]


def _brackets(line: str) -> Iterator[tuple[int, int]]:
    """Yield where each outermost bracket of a line opens and closes."""
    opened = 0
    for place, sign, depth in _signs(line):
        if sign in CLOSING and depth == 1:
            opened = place
        elif sign in CLOSING.values() and depth == 0:
            yield opened, place


def _signs(line: str) -> Iterator[tuple[int, str, int]]:
    """Yield each sign outside of quotes, its place, and how many brackets are open after it."""
    depth, quote = 0, ""
    for place, sign in enumerate(line):
        if quote:
            quote = "" if sign == quote and line[place - 1] != "\\" else quote
        elif sign in "\"'":
            quote = sign
        else:
            depth += (sign in CLOSING) - (sign in CLOSING.values())
            yield place, sign, depth


@lru_cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Python, not HTML: whatever is a user's text goes in as a literal
    )
    environment.filters["literal"] = literal
    return environment
