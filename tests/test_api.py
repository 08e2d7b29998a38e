"""From Python: light to import, the command line's own results, errors that are exceptions."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure

import nnbench as nb
import nnbench.pipeline
from nnbench.catalog.own.entries import withdraw
from tests.command import start
from tests.places import ROOT

pytestmark = pytest.mark.whole

STUDY = {
    "name": "tiny",
    "grid": {"data": "iris", "activation": ["relu", "tanh"], "width": 4, "epochs": 2, "seeds": 3},
    "claim": [
        {"text": "tanh is better", "better": {"activation": "tanh"}, "than": {"activation": "relu"}}
    ],
}
TOML = """
name = "tiny"
[grid]
data = "iris"
activation = ["relu", "tanh"]
width = 4
epochs = 2
seeds = 3
[[claim]]
text = "tanh is better"
better = { activation = "tanh" }
than = { activation = "relu" }
"""


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> nb.Result:
    return nb.run(STUDY, out=tmp_path_factory.mktemp("api"), workers=1, progress=False)


def test_it_trains_what_the_command_line_trains(result: nb.Result, tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(TOML)
    assert start("run", "tiny.toml", "--workers", "1", cwd=tmp_path).end().returncode == 0
    other = nb.load("tiny", out=tmp_path / "results")
    pd.testing.assert_frame_equal(
        result.cells.drop(columns="seconds"), other.cells.drop(columns="seconds")
    )
    pd.testing.assert_frame_equal(result.curves, other.curves)
    assert result.effects().equals(other.effects())


def test_it_has_the_tables_and_the_statistics_of_the_page(result: nb.Result) -> None:
    assert (len(result.cells), len(result.curves), len(result.layers)) == (6, 18, 0)
    assert list(result.claims["verdict"]) in (["undecided"], ["supported"], ["contradicted"])
    effects = result.effects().set_index("level")
    pairs = result.cells.pivot(index="seed", columns="activation", values="test_accuracy")
    assert effects.loc["tanh", "effect"] == pytest.approx(
        100 * (pairs["tanh"] - pairs["relu"]).mean()
    )
    assert list(result.importance()["factor"]) == ["activation"]
    assert sorted(result.ranks()["activation"]) == ["relu", "tanh"]
    assert isinstance(result.figure("effects"), Figure) and "effects" in result.figures
    assert result.answer[0] in repr(result) and str(result.page) in repr(result)
    assert "<svg" in result._repr_html_() and result.page.is_file()


def test_it_writes_the_script_that_the_command_line_prints(
    result: nb.Result, tmp_path: Path
) -> None:
    place = str(result.folder)
    cell = str(result.cells["cell_id"].iloc[-1])
    ended = start("export", cell, "--from", place, cwd=tmp_path).end()
    script = result.export(cell, tmp_path / "cell.py")
    assert ended.returncode == 0 and script.read_text() == ended.stdout


def test_a_script_with_an_own_entry_trains_to_the_tables_numbers(tmp_path: Path) -> None:
    mine = nb.Entries(activations={"root": nb.Activation(lambda x: x.clamp_min(0).sqrt())})
    study = {"name": "own", "grid": {"data": "iris", "activation": "root", "epochs": 2, "seeds": 1}}
    made = nb.run(study, entries=mine, out=tmp_path, workers=1, progress=False)
    withdraw()
    with pytest.raises(nb.ExportError, match=r"uses your own activation\.root"):
        made.export(made.cells["cell_id"][0], tmp_path / "cell.py")
    script = made.export(made.cells["cell_id"][0], tmp_path / "cell.py", entries=mine)
    ended = subprocess.run([sys.executable, "-I", script], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    told = float(re.findall(r"test_loss +([0-9.e-]+)", ended.stdout)[0])
    assert told == pytest.approx(made.cells["test_loss"].iloc[0], rel=1e-3)
    withdraw()


def test_frames_are_the_callers_own(result: nb.Result) -> None:
    cells = result.cells
    cells["test_accuracy"] = 0
    assert result.cells["test_accuracy"].max() > 0


def test_errors_are_exceptions_with_the_command_lines_sentence(
    result: nb.Result, tmp_path: Path
) -> None:
    with pytest.raises(nb.StudyError, match='unknown name "nowhere"'):
        nb.run({"name": "x", "grid": {"data": "nowhere"}}, out=tmp_path)
    with pytest.raises(nb.ReportError, match="no results there; create them with nnbench run"):
        nb.load(tmp_path / "nothing")
    with pytest.raises(nb.ReportError, match="there is no figure 'x'; the figures are: effects"):
        result.figure("x")
    for wrong, said in (
        ({"engine": "fast"}, "engine='fast': must be one of auto, native, stacked, reference"),
        ({"device": "tpu"}, "device='tpu': must be one of cpu, cuda"),
        ({"workers": 0}, "workers=0: must be a whole number of at least 1"),
        ({"limit": 1.5}, "limit=1.5: must be a whole number of at least 1"),
    ):
        with pytest.raises(nb.StudyError, match=said):
            nb.run(STUDY, out=tmp_path, progress=False, **wrong)
    with pytest.raises(nb.StudyError, match="most_seeds=1: must be a whole number of at least 2"):
        nb.settle(STUDY, out=tmp_path, most_seeds=1)
    with pytest.raises(nb.TimeLimitError, match="the time limit is too short"):
        nb.run(STUDY, out=tmp_path, time_limit=0.001, progress=False)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        nb.nothing  # noqa: B018


def test_more_seeds_train_only_those(result: nb.Result, tmp_path: Path) -> None:
    before = set(result.cells["cell_id"])
    about: dict[str, Any] = {"out": result.folder.parent, "workers": 1, "progress": False}
    more = nb.run(nb.read_study(STUDY), seeds=4, **about)
    assert before < set(more.cells["cell_id"]) and len(more.cells) == 8


@pytest.mark.parametrize("read", ["a file", "standard input"])
def test_a_script_needs_no_guard(tmp_path: Path, read: str) -> None:
    text = f"import nnbench as nb\nprint(len(nb.run({STUDY!r}, workers=1, progress=False).cells))\n"
    (tmp_path / "day.py").write_text(text)
    ended = subprocess.run(
        [sys.executable, *(["day.py"] if read == "a file" else [])],
        input=text,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert (ended.stdout, ended.stderr) == ("6\n", "")


@pytest.mark.whole
def test_the_tutorial_runs_from_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cells = json.loads((ROOT / "docs/tutorial.ipynb").read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert all(not cell.get("outputs") for cell in cells), "outputs are of one machine"
    monkeypatch.setattr(nnbench.pipeline, "cores", lambda: 1)  # a worker less to start
    names: dict[str, Any] = {"__name__": "notebook"}
    for text in code:
        exec(compile(text, "tutorial.ipynb", "exec"), names)
    assert (tmp_path / "effects.pdf").stat().st_size > 1000
    assert "signum" in (tmp_path / "effects.tex").read_text()
    assert set(names["shown"]["name"]) == {"rootplus", "signum"}
    assert "FAILS" not in set(names["shown"]["outcome"])
    assert len(names["result"].cells) >= 40, "settle trains more where the claim is open"
    assert len(names["more"].cells) >= 48
    withdraw()


def test_the_page_on_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/python.md").read_text(), re.DOTALL)
    own = next(block for block in blocks if "nb.Entries(" in block)
    monkeypatch.setattr(nnbench.pipeline, "cores", lambda: 1)
    names: dict[str, Any] = {}
    exec(own, names)
    assert set(names["result"].cells["activation"]) == {"relu", "rootplus"}
    withdraw()


def test_the_package_is_light() -> None:
    heavy = ("torch", "pandas", "numpy", "matplotlib", "sklearn", "pydantic", "typer")
    code = f"import sys, nnbench\nprint([n for n in {heavy} if n in sys.modules], dir(nnbench)[:1])"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert ended.stdout == "[] ['Activation']\n"
