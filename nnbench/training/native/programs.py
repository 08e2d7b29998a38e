"""Compiled programs in this process: from the cache, or traced, written and compiled."""

import ctypes
import functools
from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path

import torch

from nnbench.training.native import cache
from nnbench.training.native.compiler import (
    Compiler,
    RefusalError,
    find_compiler,
    loaded,
    vector_declarations,
)
from nnbench.training.native.functions import traced
from nnbench.training.native.origins import (
    TRACED,
    Unsupported,
    digest,
    own_sources,
    sources,
)
from nnbench.training.native.parts import Part
from nnbench.training.native.text import program_text

UNTRACED = "untraced"  # why no text can be written; "why" is what a compiler says of one
RUNTIME = Path(__file__).parent / "runtime.c"


@dataclass(frozen=True)
class Loaded:
    """A function of C in this process, and the scratch memory that it needs."""

    address: int
    scratch: Callable[[int], int]  # bytes, at a size


@functools.cache
def library(part: Part) -> ctypes.CDLL:
    """A program as a library in this process: from the cache, or traced, written and compiled.

    Raises Unsupported where it cannot be written or this compiler refuses it, and CompilerError
    where there is no compiler, or it fails for a reason of the moment.
    """
    compiler = find_compiler()
    key = key_of(part, compiler)

    def make(draft: Path) -> None:
        try:
            compile_text(text_of(part, key), draft, compiler)
        except RefusalError as problem:
            cache.write(key, "why", str(problem))
            raise Unsupported(str(problem)) from None
        finally:
            cache.remove(key, "c")

    return loaded(str(cache.cached(key, make)))


def function(part: Part, name: str) -> Loaded:
    """One function of a program."""
    found = library(part)
    address = ctypes.cast(getattr(found, name), ctypes.c_void_p).value
    scratch = getattr(found, f"{name}_scratch")
    scratch.restype, scratch.argtypes = ctypes.c_long, [ctypes.c_long]
    return Loaded(address or 0, scratch)


def text_of(part: Part, key: str) -> str:
    """The C text of a program, which waits in the cache until it is compiled.

    Raises Unsupported where it cannot be written.
    """
    known = cache.read(key, "c")
    if known is not None:
        return known
    vector = vector_declarations()
    text = "\n".join(
        program_text(name, graph, in_place, vector, with_head=first == 0)
        for first, (name, graph, in_place) in enumerate(traced(part))
    )
    cache.write(key, "c", text)
    return text


def compile_text(text: str, target: Path, compiler: Compiler) -> None:
    """Compile a text to a library."""
    source = target.with_suffix(".c")
    try:
        source.write_text(text)
        compiler.compile(str(source), str(target))
    finally:
        source.unlink(missing_ok=True)


@functools.cache
def runtime() -> ctypes.CDLL:
    """What does not depend on a network, as a library in this process."""
    compiler = find_compiler()
    texts = [path.read_text() for path in sorted(RUNTIME.parent.glob("*.[ch]"))]
    key = digest("runtime", *texts, compiler.fingerprint)

    def make(draft: Path) -> None:
        compiler.compile(str(RUNTIME), str(draft), extra=["-ffp-contract=fast"])

    return loaded(str(cache.cached(key, make)))


def why_not_part(part: Part) -> str | None:
    """Why a program cannot be written, as one clause; None where it can."""
    try:
        key = key_of(part, find_compiler())
    except Unsupported as problem:
        return str(problem)
    known = cache.read(key, "why") or cache.read(key, UNTRACED)
    if known is not None or cache.find(key, "so") or cache.find(key, "c"):
        return known
    try:
        text_of(part, key)
    except Unsupported as problem:
        cache.write(key, UNTRACED, str(problem))
        return str(problem)
    return None


def key_of(part: Part, compiler: Compiler) -> str:
    """What a compiled program is known by: all that its instructions depend on."""
    return digest(
        part.kind,
        repr(astuple(part.program)),
        sources(),
        *own_sources(*(getattr(part.program, name) for name in TRACED)),
        torch.__version__,
        *vector_declarations().values(),
        compiler.fingerprint,
    )
