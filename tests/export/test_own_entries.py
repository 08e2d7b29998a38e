"""A script carries the code of one's own entries, and trains to the reference's numbers."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

import nnbench as nb
from nnbench.catalog.own.entries import read_entries, register, withdraw
from nnbench.export.find import ExportError
from nnbench.export.own_source import block
from nnbench.export.script import script_of
from nnbench.study.study import Cell
from tests.command import start
from tests.export.scripts import found, row_of, run_scripts, unlike
from tests.own import FURTHER

pytestmark = pytest.mark.usefixtures("none_stay")

HELPERS = """
SHARE = 0.5  # of the root

def halved(x):
    return x * SHARE
"""
FILE = """
import math
import torch
import torch.nn.functional as F
import nnbench as nb
from helpers_of_mine import halved
from nnbench.catalog.optimizers.base import zeros
from torch import Tensor

TABLE = torch.tensor([0.25, 1e-3])

def made(power):
    def network(x: Tensor, b: float = 4.0) -> Tensor:
        \"\"\"A name that the script has, too.\"\"\"
        # REMARK
        return halved(x + (x * x + b).sqrt()) ** power + TABLE[1]
    return network

class Heavy(torch.optim.Optimizer):
    def __init__(self, params, lr=0.05, momentum=0.9):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                mean = self.state[p].setdefault("mean", torch.zeros_like(p))
                p.sub_(mean.mul_(group["momentum"]).add_(p.grad), alpha=group["lr"])

def signum(grad, state, param, hyper, step):
    m = hyper["momentum"] * state["m"] + (1 - hyper["momentum"]) * grad
    return param - hyper["lr"] * torch.sign(m), {"m": m}

def bumps(generator, n=60):
    x = generator.standard_normal((n, 3))
    return x, x[:, 0] * x[:, 1] > 0

ACTIVATIONS = {
    "rootplus": nb.Activation(made(1)), "bend": nb.Activation(torch.nn.Hardswish),
    "tangent": nb.Activation(torch.tanh), "bent": nb.Activation(lambda x, b=1.0: x + b * F.relu(x)),
}
OPTIMIZERS = {
    "heavy": Heavy, "signum": nb.Optimizer(signum, zeros("m"), lr=1e-2, momentum=0.9),
    "plain": nb.Optimizer(lambda g, s, p, h, t: (p - h["lr"] * g, s), lr=0.1, twin=torch.optim.SGD),
}
DATA = {"bumps": nb.Data(bumps)}
"""
REMARK = f"(a remark with brackets, {'long, ' * 20}which nothing may break)"
DECAY = {"weight_decay": 0.01}
GRIDS: dict[str, dict[str, Any]] = {
    "coupled": {"activation": "rootplus", "optimizer": "heavy", "schedule": "halving", **DECAY},
    "rule": {"activation": "bend", "optimizer": "signum", "norm": "scaled", **DECAY},
    "twin": {"activation": "tangent", "optimizer": "plain", "loss": "entropy", "init": "narrow"},
    "apart": {"optimizer": "heavy", "decoupled": True, "schedule": "ramp", **DECAY},
    "loss": {"activation": "bent", "loss": "power"},
}


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    (tmp_path / "helpers_of_mine.py").write_text(HELPERS)
    (tmp_path / "mine.py").write_text(FILE.replace("REMARK", REMARK) + FURTHER)
    return tmp_path / "mine.py"


def cell_of(**grid: Any) -> Cell:
    usual = {"data": "bumps", "width": 4, "depth": 2, "epochs": 2, "seeds": 1, "dtype": "float64"}
    return nb.read_study({"name": "own", "grid": usual | grid}).cells()[0]


@pytest.mark.whole
def test_scripts_repeat_what_the_reference_trained(mine: Path, tmp_path: Path) -> None:
    register(read_entries([mine]))
    cells = {name: cell_of(**grid) for name, grid in GRIDS.items()}
    rows = {name: row_of(cell) for name, cell in cells.items()}
    scripts = {name: script_of(found(cell, rows[name])) for name, cell in cells.items()}
    (tmp_path / "scripts").mkdir()
    said = run_scripts(scripts, tmp_path / "scripts")
    assert {name: unlike(said[name], rows[name]) for name in said} == {name: [] for name in GRIDS}


def test_a_script_has_the_code_and_nothing_of_the_package(mine: Path) -> None:
    register(read_entries([mine]))
    script = script_of(found(cell_of(**GRIDS["coupled"])))
    assert "import nnbench" not in script and "from nnbench" not in script
    assert f"# {REMARK}\n" in script
    names = [node.name for node in ast.parse(script).body if isinstance(node, ast.FunctionDef)]
    assert {"make_own_activation", "make_own_optimizer", "make_own_data"} <= set(names)
    assert "network" not in names, "no name of the user's is in the script's way"


def test_entries_that_are_unknown_or_others_by_now_are_refused(mine: Path) -> None:
    register(read_entries([mine]))
    cell = cell_of(activation="bent")
    withdraw()
    with pytest.raises(ExportError, match=r"your own activation\.bent, data\.bumps: name "):
        script_of(found(cell))
    mine.write_text(FILE.replace("x + b * F.relu(x)", "x - b * F.relu(x)"))
    register(read_entries([mine]))
    with pytest.raises(ExportError, match=r"trained with different code of activation\.bent"):
        script_of(found(cell))


def made_of(text: str) -> Any:
    names: dict[str, Any] = {}
    exec(text, names)
    return names["f"]


def writes() -> None:
    global WRITTEN
    WRITTEN = 1  # type: ignore[name-defined]


def captures(thing: Any) -> Any:
    return lambda x: x * thing


def in_a_default(k: float) -> Any:
    def f(x: float, b: float = k) -> float:
        return x + b

    return f


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (made_of("f = lambda x: x"), "no source of .*: write it to a file"),
        (writes, "writes to the global WRITTEN"),
        (captures(Path("/")), "thing is a PosixPath"),
        (in_a_default(2.0), "k, which is defined only where it was made"),
        (captures(ast), ""),
    ],
    ids=["no source", "global", "object", "default", "a module is fine"],
)
def test_what_cannot_stand_in_a_script_is_said(function: Any, why: str) -> None:
    if not why:
        assert "import ast as thing" in block("own", "activation f of one's own", {"f": function})
        return
    with pytest.raises(ExportError, match=f"^activation f of one's own cannot stand.*{why}"):
        block("own", "activation f of one's own", {"f": function})


def test_constants_keep_their_values() -> None:
    things = {"a": [1, (2.5,)], "b": {"c": float("inf")}, "d": {3}, "e": None}
    code = block("own", "data f of one's own", {"f": captures(things)})
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["own"].__closure__[0].cell_contents == things


@pytest.mark.whole
def test_the_command_line_exports_with_the_file(mine: Path, tmp_path: Path) -> None:
    grid = 'data = "bumps"\nactivation = "bent"\nepochs = 1\nseeds = 1\nwidth = 4'
    (tmp_path / "own.toml").write_text(f'name = "own"\n[grid]\n{grid}\n')
    ran = start("run", "own.toml", "--with", "mine.py", cwd=tmp_path).end()
    assert ran.returncode == 0, ran.stderr
    cell_id = str(nb.load("own", out=tmp_path / "results").cells["cell_id"][0])
    refused = start("export", cell_id, "--from", "own", cwd=tmp_path).end()
    assert refused.returncode == 2 and "Traceback" not in refused.stderr
    assert "data.bumps" in refused.stderr and "--with FILE" in refused.stderr
    told = start("export", cell_id, "--from", "own", "--with", "mine.py", cwd=tmp_path).end()
    assert told.returncode == 0, told.stderr
    compile(told.stdout, "cell.py", "exec")
    assert "def make_own_activation():" in told.stdout
    assert start("report", "own", "--with", "mine.py", cwd=tmp_path).end().returncode == 0
