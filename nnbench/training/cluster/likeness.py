"""Whether another machine computes what this one would, and if not, how it differs."""

import json
import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from nnbench import __version__
from nnbench.results.fingerprint import DECIDING_LIBRARIES, origin, versions
from nnbench.training.native.cache import checksum
from nnbench.training.native.choice import native_name
from nnbench.training.native.compiler import CompilerError

SOURCES, COMPILER, PROCESSOR, PYTHON = "sources", "compiler", "processor", "Python"
SETTINGS = ("MKL_CBWR", "ATEN_CPU_CAPABILITY")  # by which a library rounds
WIDEST = ("avx512f", "avx2", "avx")  # of an x86 processor's instructions, the widest first
SHOWN = 8  # characters of a hash that a sentence shows

Likeness = Mapping[str, str]


def likeness() -> dict[str, str]:
    """All of this machine and its installation that a result's bits may depend on."""
    try:
        compiler = native_name()
    except CompilerError:
        compiler = "none"
    settings = {name: os.environ.get(name, "unset") for name in SETTINGS}
    return {
        "nnbench": __version__,
        SOURCES: checksum(json.dumps(origin().sources).encode())[:SHOWN],
        PYTHON: ".".join(platform.python_version_tuple()[:2]),
        **versions(DECIDING_LIBRARIES),
        PROCESSOR: processor_family(),
        **settings,
        COMPILER: compiler,
    }


def processor_family() -> str:
    """What decides which of their routines the libraries choose: `x86_64 AuthenticAMD avx2`."""
    about: dict[str, str] = {}
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = line.partition(":")
            about.setdefault(key.strip(), value.strip())
    vendor = about.get("vendor_id") or about.get("CPU implementer") or ""
    flags = set(about.get("flags", about.get("Features", "")).split())
    width = next((name for name in (*WIDEST, "sve") if name in flags), "")
    return " ".join(word for word in (platform.machine(), vendor, width) if word)


def differences(theirs: Likeness, ours: Likeness, compiles: bool) -> list[str]:
    """What another machine has that this one has not, each as a word and its value.

    compiles: whether networks are trained by compiled programs, so that the compiler counts.
    """
    names = [name for name in ours if compiles or name != COMPILER]
    differ = [name for name in names if theirs.get(name) != ours[name]]
    return [f"{name} {theirs.get(name, 'unknown')}" for name in differ]
