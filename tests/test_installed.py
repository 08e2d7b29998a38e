"""A wheel in an environment of its own, in an empty folder: it runs, reports and exports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.places import ROOT

pytestmark = pytest.mark.slow


def said(*command: str | Path, folder: Path) -> str:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    ended = subprocess.run(
        [str(one) for one in command], cwd=folder, capture_output=True, text=True, env=environment
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def nnbench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of an environment with the wheel, and the libraries of this one by a link."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    offline = ["--no-deps", "--no-index"]
    build = [*offline, "--no-build-isolation", "--wheel-dir", folder, ROOT]
    said(*pip, "wheel", *build, folder=folder)
    (wheel,) = folder.glob("nnbench-*.whl")
    said(sys.executable, "-m", "venv", folder / "env", folder=folder)
    home = folder / "env"
    (packages,) = home.glob("lib/python*/site-packages")
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    said(home / "bin/python", "-m", "pip", "install", *offline, wheel, folder=folder)
    return home / "bin/nnbench"


def test_it_works_in_an_empty_folder(nnbench: Path, tmp_path: Path) -> None:
    where = "import nnbench; print(nnbench.__file__)"
    assert str(nnbench.parents[1]) in said(nnbench.parent / "python", "-c", where, folder=tmp_path)
    assert "he_2015" in said(nnbench, "list", "studies", folder=tmp_path)
    shown = json.loads(said(nnbench, "show", "study", "quickstart", "--json", folder=tmp_path))
    assert str(nnbench.parents[1]) in shown["path"]
    said(nnbench, "run", "quickstart", "--limit", "4", folder=tmp_path)
    said(nnbench, "new", "mine", folder=tmp_path)
    said(nnbench, "run", "mine.toml", "--limit", "4", "--engine", "native", folder=tmp_path)
    assert (tmp_path / "results/mine/report.html").stat().st_size > 10_000
    said(nnbench, "report", "quickstart", folder=tmp_path)
    cells = (tmp_path / "results/mine/cells.csv").read_text().splitlines()
    script = said(nnbench, "export", cells[1].split(",")[0], folder=tmp_path)
    (tmp_path / "cell.py").write_text(script)
    said(nnbench.parent / "python", "cell.py", folder=tmp_path)
