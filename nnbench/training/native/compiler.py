"""The C compiler of this machine: which it is, what it makes code for, and how it is called."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nnbench.training.native.libm import FUNCTIONS, TWO

CANDIDATES = ("cc", "gcc", "clang")  # in this order, unless CC names another
# No flag may lose a NaN or an infinity, or change a sum's order by itself; trapping and errno are
# not looked at.
FLAGS = (
    *("-O2", "-ftree-vectorize", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off"),
    *("-fopenmp-simd", "-fPIC", "-shared", "-w"),
)
TUNED = (("-march=native",), ("-mcpu=native",), ())  # the first that the compiler takes
OF_GCC = ("-fvect-cost-model=dynamic",)
TIMEOUT = 600.0  # seconds that a compiler may take for one program
INSTRUCTIONS = (
    ("__AVX512F__", "avx512"),
    ("__AVX2__", "avx2"),
    ("__AVX__", "avx"),
    ("__ARM_NEON", "neon"),
)


class CompilerError(Exception):
    """There is no compiler, or it fails: one sentence that says so."""


@dataclass(frozen=True)
class Compiler:
    """A C compiler that works, and what it makes code for."""

    command: tuple[str, ...]
    flags: tuple[str, ...]
    name: str  # "gcc-12", "clang-14"
    instructions: str  # "avx2"
    fingerprint: str  # of all that it says of itself and of the processor

    @property
    def identity(self) -> str:
        """What decides how its programs round, as the engine's name has it."""
        return f"{self.name}-{self.instructions}"

    def compile(self, source: str, target: str, extra: Sequence[str] = ()) -> None:
        """Make the shared library `target` of the file `source`; raises CompilerError."""
        libraries = ["-lmvec"] if vector_functions() else []
        _run([*self.command, *self.flags, *extra, source, "-o", target, *libraries, "-lm"])


def find_compiler(named: str | None = None) -> Compiler:
    """The compiler that CC names, or else the first there is; raises CompilerError."""
    return _find(named or os.environ.get("CC"), os.environ.get("PATH"))


@functools.cache
def _find(chosen: str | None, path: str | None) -> Compiler:
    problems = []
    for candidate in (chosen,) if chosen else CANDIDATES:
        command = tuple(shlex.split(candidate))
        if not command or shutil.which(command[0], path=path) is None:
            problems.append(f"{candidate} is not there")
            continue
        for tuned in TUNED:
            try:
                return _described(command, (*FLAGS, *tuned))
            except CompilerError as problem:
                problems.append(str(problem))
    if chosen:
        raise CompilerError(f"CC={chosen} does not work: {problems[0]}")
    raise CompilerError(f"there is no C compiler that works: {problems[0]}")


def _described(command: tuple[str, ...], flags: tuple[str, ...]) -> Compiler:
    text = _run([*command, *flags, "-dM", "-E", "-x", "c", os.devnull])
    macros = dict(re.findall(r"^#define (\w+) (.*)$", text, re.MULTILINE))
    is_clang = "__clang__" in macros
    kind = "clang" if is_clang else "gcc"
    version = macros.get("__clang_major__" if is_clang else "__GNUC__", "0")
    found = (name for macro, name in INSTRUCTIONS if macro in macros)
    width: tuple[str, ...] = ()
    if "__AVX512F__" in macros:
        width = ("-mprefer-vector-width=512",)
    return Compiler(
        command,
        (*flags, *width, *(() if is_clang else OF_GCC), *(_vector_library() if is_clang else ())),
        f"{kind}-{version}",
        next(found, platform.machine()),
        hashlib.sha256("\n".join(sorted(text.splitlines())).encode()).hexdigest(),
    )


def _vector_library() -> tuple[str, ...]:
    return ("-fveclib=libmvec",) if vector_functions() else ()


def _run(command: Sequence[str]) -> str:
    """What a command prints; CompilerError with its first complaint where it fails."""
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT, env=environment
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise CompilerError(f"{command[0]} does not run: {problem}") from None
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        first = next(
            (line for line in said if "error" in line), said[0] if said else "no reason given"
        )
        raise CompilerError(f"{command[0]} fails: {first.strip()}")
    return done.stdout


@functools.cache
def vector_functions() -> tuple[str, ...]:
    """The functions of libm that glibc has for whole vectors here, single precision ones with their
    f.

    Without them everything is as right, only slower.
    """
    if platform.machine() != "x86_64":
        return ()
    try:
        library = ctypes.CDLL("libmvec.so.1")
    except OSError:
        return ()
    lanes: Mapping[str, str] = {"f": "8", "": "4"}
    return tuple(
        function + suffix
        for function in (*FUNCTIONS, *TWO)
        for suffix, count in lanes.items()
        if hasattr(library, f"_ZGVdN{count}{'v' * (1 + (function in TWO))}_{function}{suffix}")
    )


def vector_declarations() -> dict[str, str]:
    """The declarations that tell a compiler of these functions, by name."""
    lines = {}
    for name in vector_functions():
        function = name if name in (*FUNCTIONS, *TWO) else name.removesuffix("f")
        ctype = "double" if name == function else "float"
        arguments = f"{ctype}, {ctype}" if function in TWO else ctype
        declared = f"{ctype} {name}({arguments});"
        lines[name] = f'__attribute__((simd("notinbranch"), const)) {declared}'
    return lines
