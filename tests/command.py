"""The command line in a process of its own, forked off a server that has imported all it needs.

A command that starts from nothing spends seconds on imports. What is about those imports, about
the shell, or about the interpreter's own options starts one from nothing all the same.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from tests.waiting import HANG

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["tests.imported"])
OUTPUTS = ("stdout", "stderr")


@dataclass(frozen=True)
class Ended:
    """How a command ended; the code is negative where a signal killed it."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Running:
    """A command that has started."""

    process: ForkServerProcess
    said: Path

    @property
    def pid(self) -> int:
        """Of the process, which leads a group of its own."""
        assert self.process.pid is not None
        return self.process.pid

    def end(self) -> Ended:
        """Wait for it."""
        self.process.join(HANG)
        assert self.process.exitcode is not None, "it hangs"
        texts = [(self.said / name).read_text(encoding="utf-8") for name in OUTPUTS]
        shutil.rmtree(self.said)
        return Ended(self.process.exitcode, *texts)


def start(
    *arguments: str,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    first: Callable[[], None] | None = None,
    script: Path | None = None,
) -> Running:
    """Start `nnbench arguments`, or another script with them.

    `first`, a function of a module, runs in it before all else.
    """
    said = Path(tempfile.mkdtemp())
    everything = (arguments, cwd, dict(os.environ if env is None else env), said, first, script)
    process = SERVER.Process(target=_command, args=everything)
    process.start()
    return Running(process, said)


def run_script(script: Path, *arguments: str, cwd: Path | None = None) -> Ended:
    """Run a script of its own, which is no part of nnbench, to its end."""
    return start(*arguments, cwd=cwd or script.parent, script=script).end()


def nnbench(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> Ended:
    """Run `nnbench arguments` to its end."""
    return start(*arguments, cwd=cwd, env=env).end()


def _command(
    arguments: tuple[str, ...],
    cwd: Path,
    env: dict[str, str],
    said: Path,
    first: Callable[[], None] | None,
    script: Path | None,
) -> None:
    """Be the command: its folder, environment, output, process group and arguments."""
    os.setsid()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    tempfile.tempdir = None  # which the server may have found before
    for descriptor, name in enumerate(OUTPUTS, start=1):
        os.dup2(os.open(said / name, os.O_WRONLY | os.O_CREAT), descriptor)
    sys.argv = [str(script or "nnbench"), *arguments]
    if first is not None:
        first()
    if script is not None:
        runpy.run_path(str(script), run_name="__main__")
        return
    from nnbench.cli.main import main

    main()
