"""Counts that depend on no clock: what a program does, a run writes, and help imports."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from nnbench.results.parts import packed
from nnbench.results.rows import Rows
from nnbench.study.recipe import Recipe
from nnbench.training.draws import split_for
from nnbench.training.native.functions import traced
from nnbench.training.native.parts import Part, parts_of
from nnbench.training.native.text import program_text
from nnbench.training.stacked.network import program_of

ROWS = 32  # of a batch, and what n is for every program but an update
LOOP = re.compile(r"for \(long \w+ = 0; \w+ < ([^;]+);")
KERNEL = re.compile(r"^static void (\w+_k\d+)\(")
CALL = re.compile(r"^(\w+_k\d+)\(")
PRODUCT = re.compile(r"x->product_\w+\((.*)\);")
OPERATOR = re.compile(r" [-+*/] |\b(?:exp|log|sqrt|tanh|erf|expm1|log1p|pow|sin|cos)f?\(|[-+]= ")


class Work(NamedTuple):
    """Loops that a program's text has, and floating-point operations that one call of it takes."""

    loops: int
    operations: int


def text_of(part: Part) -> str:
    """The C text of a program, as it is before the compiler's own declarations."""
    return "\n".join(
        program_text(name, graph, in_place, {}, with_head=first == 0)
        for first, (name, graph, in_place) in enumerate(traced(part))
    )


def parts(recipe: Recipe) -> dict[str, Part]:
    """The programs of a recipe, by kind."""
    return parts_of(program_of(recipe, split_for(recipe)))


def work_of(text: str, n: int = ROWS) -> Work:
    """Count a text's loops and, at a size, its operations."""
    kernels: dict[str, int] = {}
    total, name = 0, ""
    depth: list[int] = []  # the trips of each open brace
    pending = 1  # of a loop whose body is the next line alone, or opens a brace
    for line in text.splitlines():
        if found := KERNEL.match(line):
            name = found[1]
            kernels[name] = 0
        trips = pending
        pending = 1
        for bound in LOOP.findall(line):
            trips *= int(eval(bound, {"n": n}))
        body = LOOP.sub("", line)
        if line.startswith("for ") and not line.rstrip().endswith(("{", ";")):
            pending = trips
            continue
        here = trips
        for one in depth:
            here *= one
        count = here * len(OPERATOR.findall(re.sub(r"\[[^]]*\]|i\d\+\+|^for \(.*?\)", "", body)))
        if product := PRODUCT.search(line):
            m, k, r = (int(eval(size, {"n": n})) for size in product[1].split(", ")[-3:])
            total += 2 * m * k * r
        elif called := CALL.match(line):
            total += kernels[called[1]]
        elif depth:
            if name:
                kernels[name] += count
            else:
                total += count
        if line.endswith("{"):
            depth.append(trips)
        elif line == "}":
            depth.pop()
            if not depth:
                name = ""
    return Work(len(LOOP.findall(text)), total)


def written(rows: Rows) -> tuple[int, int]:
    """The files and bytes that a stack's results take on disk."""
    _, contents = packed(rows, "f" * 64)
    return len(contents), sum(map(len, contents.values()))


def modules_of(*words: str, cwd: Path) -> int:
    """How many modules a command has imported when it ends."""
    script = (
        "import sys\nfrom nnbench.cli.main import main\n"
        f"sys.argv = ['nnbench', *{list(words)!r}]\n"
        "try: main()\nexcept SystemExit: pass\nprint(len(sys.modules), file=sys.stderr)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=cwd
    )
    return int(ended.stderr.split()[-1])
