"""How fast this machine is beside the one that the plan's seconds were measured on.

Three things are tried in about a second: the import of a large library, a compiler, and what it
makes; in processor time, so that other work on the machine counts little. What was found is kept
with the programs. The import stands for all that is Python: most of that runs once, as a plan and a
page do, and not in a loop of a few lines, in which some machines are far faster.
"""

import ctypes
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from nnbench.training.native import cache
from nnbench.training.native.compiler import Compiler, CompilerError, find_compiler, loaded
from nnbench.training.scratch import scratch_for

TRIAL = Path(__file__).parent / "trial.c"
PREFIX = "nnbench-trial-"  # of the folder that it is compiled in
# seconds of each trial on one core of an AMD EPYC of the first generation, the machine of the plan
IMPORT_SECONDS, COMPILE_SECONDS, STEP_SECONDS = 0.67, 0.10, 12.7e-6
STEPS, TURNS = 2_000, 5
NO_PART = ("PYTHONINSPECT", "PYTHONPROFILEIMPORTTIME")  # what would hold or slow an import
DAYS_KEPT = 30  # a machine's clock and its neighbours change
KEY, ENDING = "machine", "json"


@dataclass(frozen=True)
class Machine:
    """How many times as long each takes as on the plan's machine; Python stands for torch too."""

    python: float = 1.0
    arithmetic: float = 1.0
    compiling: float = 1.0


def known_machine() -> Machine:
    """This machine, as it was measured before, or measured now and kept."""
    who = _identity()
    try:
        kept = json.loads(cache.read(KEY, ENDING) or "{}")
        age = time.time() - kept["measured"]
        if kept["who"] == who and 0 <= age < DAYS_KEPT * 86_400:
            return Machine(**kept["machine"])
    except (ValueError, KeyError, TypeError):
        pass  # none yet, or of another form
    found = measure()
    kept = {"who": who, "measured": time.time(), "machine": asdict(found)}
    cache.write(KEY, ENDING, json.dumps(kept))
    return found


def measure() -> Machine:
    """Try what a study is made of; without a compiler, Python stands for all of it."""
    try:
        python = _least(lambda: _of_children(_import), 2) / IMPORT_SECONDS
    except (OSError, TypeError, subprocess.SubprocessError):  # this Python starts no other
        python = 1.0
    try:
        compiling, arithmetic = _compiled(find_compiler())
    except CompilerError:
        return Machine(python, python, python)
    return Machine(python, arithmetic / STEP_SECONDS, compiling / COMPILE_SECONDS)


def _identity() -> list[str]:
    try:
        compiler = find_compiler().fingerprint
    except CompilerError:
        compiler = "none"
    sources = cache.checksum(Path(__file__).read_bytes() + TRIAL.read_bytes())
    return [platform.node(), platform.machine(), platform.python_version(), compiler, sources]


def _import() -> None:
    env = {name: value for name, value in os.environ.items() if name not in NO_PART}
    command = [sys.executable, "-P", "-c", "import pandas"]
    none = subprocess.DEVNULL
    # in a session of its own: Ctrl-C is for the one who waits
    subprocess.run(
        command, check=True, env=env, start_new_session=True, stdin=none, stdout=none, stderr=none
    )


def _compiled(compiler: Compiler) -> tuple[float, float]:
    """Processor seconds to compile the trial, and of a step of it."""
    trials: list[Callable[[int], float]] = []
    compiling = _least(lambda: _of_children(lambda: trials.append(compiled_trial(compiler))), 2)

    def steps() -> float:
        began = time.process_time()
        trials[0](STEPS)
        return time.process_time() - began

    return compiling, _least(steps) / STEPS


def compiled_trial(compiler: Compiler) -> Callable[[int], float]:
    """The trial as a function of how many steps it takes; raises CompilerError."""
    with scratch_for(PREFIX) as folder:
        target = str(folder / "trial.so")
        compiler.compile(str(TRIAL), target)
        trial: Callable[[int], float] = loaded(target).trial
    trial.argtypes, trial.restype = [ctypes.c_long], ctypes.c_double  # type: ignore[attr-defined]
    return trial


def _of_children(work: Callable[[], None]) -> float:
    """Processor seconds of the processes that some work starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _least(trial: Callable[[], float], turns: int = TURNS) -> float:
    """The least of a few turns: what else runs can only add."""
    return min(trial() for _ in range(turns))
