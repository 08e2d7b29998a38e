"""What a shell completes: asked as a shell asks, without reading more than names."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import nnbench
from tests.places import ROOT

needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
SCRIPT = f"#!{sys.executable}\nfrom nnbench.cli.main import main\n\nmain()\n"


def run(*command: str, folder: Path, **environment: str) -> str:
    """What a command says in a folder whose bin/ is on the path."""
    path = os.pathsep.join([str(folder / "bin"), os.environ["PATH"]])
    ended = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PATH": path} | environment,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the command, two studies and the results of others."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "nnbench").write_text(SCRIPT)
    (tmp_path / "bin" / "nnbench").chmod(0o755)
    (tmp_path / "studies" / "papers").mkdir(parents=True)
    for name in ("depth", "papers/dropout"):
        (tmp_path / "studies" / f"{name}.toml").touch()
    for out in ("results", "elsewhere"):
        (tmp_path / out / f"data_{out}").mkdir(parents=True)
        (tmp_path / out / f"data_{out}" / "provenance.json").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("nnbench ver", ["verify"]),
        ("nnbench fi", ["figures"]),
        ("nnbench figures --format p", ["pdf", "png"]),
        ("nnbench run ", ["depth", "dropout"]),
        ("nnbench run dr", ["dropout"]),
        ("nnbench run --engine ", ["auto", "native", "stacked", "reference"]),
        ("nnbench status d", ["data_results", "depth", "dropout"]),
        ("nnbench verify --out elsewhere da", ["data_elsewhere"]),
        ("nnbench compare depth dro", ["dropout"]),
        ("nnbench export --from de", ["depth"]),
        ("nnbench list o", ["optimizers"]),
        ("nnbench show o", ["optimizer"]),
        ("nnbench show losses mse", ["mse"]),
        ("nnbench show activation sil", ["silu"]),
        ("nnbench show study dro", ["dropout"]),
        ("nnbench show nothing m", []),
    ],
)
def test_names_are_completed(folder: Path, line: str, words: list[str]) -> None:
    place = len(shlex.split(line)) - (not line.endswith(" "))
    asked = {"_NNBENCH_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(place)}
    said = nnbench(cwd=folder, env=os.environ | asked)
    assert (said.returncode, said.stderr, said.stdout.split()) == (0, "", words)


@needs_bash
def test_bash_completes_with_what_it_is_given(folder: Path) -> None:
    line = "source <(nnbench --show-completion); COMP_WORDS=(nnbench run de); COMP_CWORD=2; "
    line += '_nnbench_completion nnbench; echo "${COMPREPLY[@]}"'
    assert run("bash", "-c", line, folder=folder) == "depth\n"


@needs_bash
def test_completion_is_installed_at_home(folder: Path) -> None:
    said = run("bash", "-c", "nnbench --install-completion; true", folder=folder, HOME=str(folder))
    assert said.startswith("bash completion installed in ")
    assert "_nnbench_completion" in (folder / ".bash_completions" / "nnbench.sh").read_text()
