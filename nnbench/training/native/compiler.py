"""The C compiler of this machine: which it is, what it makes code for, and how it is called."""

import ctypes
import errno
import functools
import hashlib
import importlib.util
import os
import platform
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nnbench.training.native.libm import FUNCTIONS, TWO

CANDIDATES = ("cc", "gcc", "clang")  # in this order, unless CC names another
WHEEL = "ziglang"  # the package that brings a compiler, `nnbench[native]`: the last of them
# No flag may lose a NaN or an infinity, or change a sum's order by itself; trapping and errno are
# not looked at.
FLAGS = (
    *("-O2", "-ftree-vectorize", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off"),
    *("-fopenmp-simd", "-fPIC", "-shared", "-w"),
)
TUNED = (("-march=native",), ("-mcpu=native",), ())  # the first that the compiler takes
OF_GCC = ("-fvect-cost-model=dynamic",)
TRIAL = "#include <string.h>\n#include <math.h>\ndouble trial(double x) { return exp(x); }\n"
MARK = 6  # characters of a fingerprint that tell two compilers of one name apart
OF_A_TEXT = re.compile(r"\.[ch]:\d+:.*\berror:")  # not of a full disk, or of memory
NO_ROOM = os.strerror(errno.ENOSPC)  # of the linker, before the compiler's own "error"
TIMEOUT = 600.0  # seconds that a compiler may take for one program
INSTRUCTIONS = (
    ("__AVX512F__", "avx512"),
    ("__AVX2__", "avx2"),
    ("__AVX__", "avx"),
    ("__ARM_NEON", "neon"),
)


class CompilerError(Exception):
    """There is no compiler, or it fails: one sentence that says so."""


class RefusalError(CompilerError):
    """The compiler finds a mistake in a text, and would each time."""


@dataclass(frozen=True)
class Compiler:
    """A C compiler that works, and what it makes code for."""

    command: tuple[str, ...]
    flags: tuple[str, ...]
    name: str  # "gcc-12.2.0", "clang-14.0.6"
    instructions: str  # "avx2"
    macros: str  # all that it says of itself and of the processor

    @property
    def fingerprint(self) -> str:
        """One hash of all that decides what it makes of a text: flags and libraries too."""
        said = (self.macros, *self.flags, *vector_functions(), _libc())
        return hashlib.sha256("\n".join(said).encode()).hexdigest()

    @property
    def identity(self) -> str:
        """What decides how its programs round, as the engine's name has it."""
        return f"{self.name}-{self.instructions}-{self.fingerprint[:MARK]}"

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
    named = (chosen,) if chosen else CANDIDATES
    commands = [tuple(shlex.split(name)) for name in named]
    for command in commands if chosen else [*commands, *_of_the_wheel()]:
        if not command or shutil.which(command[0], path=path) is None:
            problems.append(f"{shlex.join(command)} is not there")
            continue
        for tuned in TUNED:
            try:
                compiler = _described(command, (*FLAGS, *tuned))
                _try(compiler)
                return compiler
            except CompilerError as problem:
                problems.append(str(problem))
    if chosen:
        raise CompilerError(f"CC={chosen} does not work: {problems[0]}")
    raise CompilerError(f"there is no C compiler that works: {problems[0]}")


def _of_the_wheel() -> list[tuple[str, ...]]:
    """The command of the compiler that a Python package brings, where it is installed."""
    found = importlib.util.find_spec(WHEEL)
    folders = (found.submodule_search_locations if found else None) or ()
    return [(os.path.join(folder, "zig"), "cc") for folder in folders]


def _described(command: tuple[str, ...], flags: tuple[str, ...]) -> Compiler:
    text = _run([*command, *flags, "-dM", "-E", "-x", "c", os.devnull])
    macros = dict(re.findall(r"^#define (\w+) (.*)$", text, re.MULTILINE))
    is_clang = "__clang__" in macros
    kind = "clang" if is_clang else "gcc"
    numbers = (
        ("__clang_major__", "__clang_minor__", "__clang_patchlevel__")
        if is_clang
        else ("__GNUC__", "__GNUC_MINOR__", "__GNUC_PATCHLEVEL__")
    )
    version = ".".join(macros.get(number, "0") for number in numbers)
    found = (name for macro, name in INSTRUCTIONS if macro in macros)
    width: tuple[str, ...] = ()
    if "__AVX512F__" in macros:
        width = ("-mprefer-vector-width=512",)
    return Compiler(
        command,
        (*flags, *width, *(() if is_clang else OF_GCC), *(_vector_library() if is_clang else ())),
        f"{kind}-{version}",
        next(found, platform.machine()),
        "\n".join(sorted(text.splitlines())),
    )


def _try(compiler: Compiler) -> None:
    """Compile a line, so that a missing linker or header is known before any program."""
    with tempfile.TemporaryDirectory(prefix="nnbench-") as folder:
        source = os.path.join(folder, "trial.c")
        with open(source, "w") as file:
            file.write(TRIAL)
        compiler.compile(source, os.path.join(folder, "trial.so"))


def _libc() -> str:
    """The version of the C library, whose functions round as it likes."""
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, OSError, ValueError):
        return platform.libc_ver()[1]


def loaded(path: str) -> ctypes.CDLL:
    """A library in this process; CompilerError where the system forbids it."""
    try:
        return ctypes.CDLL(path)
    except OSError as problem:
        raise CompilerError(f"compiled programs cannot be loaded: {problem}") from None


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
        telling = [line for word in (NO_ROOM, "error") for line in said if word in line]
        first = next(iter([*telling, *said]), "no reason given")
        kind = RefusalError if OF_A_TEXT.search(first) else CompilerError
        raise kind(f"{command[0]} fails: {first.strip()}")
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
