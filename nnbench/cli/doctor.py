"""Looks at the machine: what nnbench needs, what makes it faster, and how to mend what is missing.

Nothing is changed but for a file that is written into the results folder and removed again.
"""

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from nnbench import __version__
from nnbench.cli.listing import WIDEST

OLDEST_PYTHON = (3, 11)
LITTLE_MEMORY = 2e9  # bytes in which a worker with torch and a large stack is at home
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Finding:
    """One thing looked at. word: "ok", "warn" (works without it) or "broken" (does not)."""

    name: str
    found: str
    word: str = "ok"
    mend: str = ""


def examine(out: Path) -> list[Finding]:
    """Look at everything; `out` is the folder that results go to."""
    looks: list[Callable[[], Finding]] = [
        python,
        libraries,
        processor,
        memory,
        compiler,
        cuda,
        arithmetic,
        mkl_setting,
        lambda: results(out),
        browser,
    ]
    return [look() for look in looks]


def is_broken(findings: list[Finding]) -> bool:
    """Tell whether anything that nnbench needs is missing."""
    return any(one.word == "broken" for one in findings)


def as_rows(findings: list[Finding]) -> list[dict[str, Any]]:
    """For programs: plain data."""
    return [asdict(one) for one in findings]


def as_text(findings: list[Finding], columns: int) -> str:
    """For people: word, name, what was found in a line; how to mend it under it."""
    import textwrap

    lines = []
    for one in findings:
        head = f"{one.word:<7}{one.name:<11}"
        lines.append(head + one.found)
        if one.mend:
            indent = " " * (len(head) if columns >= 60 else 2)
            room = max(min(columns, WIDEST), len(indent) + 20)
            lines += textwrap.wrap(one.mend, room, initial_indent=indent, subsequent_indent=indent)
    return "\n".join(lines)


def python() -> Finding:
    """Look at the interpreter."""
    versions = f"{platform.python_version()}, nnbench {__version__}"
    if sys.version_info < OLDEST_PYTHON:
        return Finding("python", versions, "broken", "Install Python 3.11 or newer.")
    return Finding("python", versions)


def libraries() -> Finding:
    """Look for every library that the installed nnbench says it requires."""
    try:
        required = requires("nnbench") or []
    except PackageNotFoundError:
        return Finding("libraries", "unknown", "warn", "Install nnbench itself: pip install -e .")
    there, missing = [], []
    for one in (line for line in required if "extra ==" not in line):
        name = one.split(";")[0].strip()
        name = next((name[:i] for i, c in enumerate(name) if c in "<>=!~[ "), name)
        try:
            there.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        return Finding(
            "libraries",
            "missing: " + ", ".join(missing),
            "broken",
            "Install them: pip install " + " ".join(missing),
        )
    shown = [one for one in there if one.split()[0] in ("torch", "numpy", "pandas")]
    return Finding("libraries", f"{', '.join(shown)}; all {len(there)} installed")


def processor() -> Finding:
    """Count the processor's cores that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if cores == 1:
        return Finding("cores", "1", "warn", "Studies train with one worker only.")
    return Finding("cores", str(cores))


def memory() -> Finding:
    """Look at the machine's memory."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    size = f"{total / 1e9:.0f} GB"
    if total < LITTLE_MEMORY:
        return Finding("memory", size, "warn", "Little memory: run with --workers 1.")
    return Finding("memory", size)


def compiler() -> Finding:
    """Look for the C compiler that the native engine calls."""
    from nnbench.training.native.compiler import CompilerError, find_compiler

    try:
        found = find_compiler()
    except CompilerError as problem:
        way = (
            "unset CC"
            if "CC" in os.environ
            else "apt-get install gcc libc6-dev, or clang, or else pip install ziglang"
        )
        mend = f"{problem}. PyTorch trains all networks instead, which is slower. To fix it: {way}."
        return Finding("compiler", "none", "warn", mend)
    return Finding("compiler", f"{' '.join(found.command)}: engine {found.identity}")


def cuda() -> Finding:
    """Ask torch for a CUDA device."""
    import torch

    if not torch.cuda.is_available():
        return Finding("cuda", "none; not needed, small networks are faster on the CPU")
    return Finding("cuda", f"{torch.cuda.get_device_name()}: nnbench run STUDY --device cuda")


def arithmetic() -> Finding:
    """Name the library that multiplies torch's matrices."""
    import torch

    names = {
        "MKL": torch.backends.mkl.is_available(),
        "oneDNN": torch.backends.mkldnn.is_available(),
    }
    known = ", ".join(name for name, there in names.items() if there) or "OpenBLAS or another"
    return Finding("arithmetic", f"{known}; {torch.get_num_threads()} threads by default")


def mkl_setting() -> Finding:
    """Look at MKL_CBWR, by which MKL rounds alike on unlike processors."""
    unset = "not set: results repeat on this machine; other machines may round differently"
    return Finding("MKL_CBWR", os.environ.get("MKL_CBWR") or unset)


def results(out: Path) -> Finding:
    """Write a file where results go, and remove it."""
    place = out
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        with tempfile.NamedTemporaryFile(dir=place):
            free = shutil.disk_usage(place).free
    except OSError as error:
        reason = error.strerror or str(error)
        mend = f"Make {place} writable, or name another folder: nnbench run STUDY --out FOLDER"
        return Finding("results", f"{out}: {reason}", "broken", mend)
    return Finding("results", f"{out} is writable, {free / 1e9:.0f} GB free")


def browser() -> Finding:
    """Look for the browser and driver that the browser tests open pages in."""
    path = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if path and shutil.which("chromedriver"):
        return Finding("browser", f"{path} and chromedriver, for the browser tests")
    missing = "chromium" if not path else "chromedriver"
    mend = "Only the browser tests need them: apt-get install chromium chromium-driver."
    return Finding("browser", f"no {missing}", "warn", mend)
