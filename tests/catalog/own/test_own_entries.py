"""Entries of one's own: named in a study, trained by every engine, told apart by their code."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

import nnbench as nb
from nnbench.catalog.own.entries import read_entries, register, registered
from nnbench.study.mistakes import StudyError
from nnbench.training.native.choice import train_cells
from nnbench.training.plan import plan
from nnbench.training.reference.train import train_cell
from tests.command import start

pytestmark = pytest.mark.usefixtures("none_stay")

FILE = """
import torch
import nnbench as nb

def signum(grad, state, param, hyper, step):
    m = hyper["momentum"] * state["m"] + (1 - hyper["momentum"]) * grad
    return param - hyper["lr"] * torch.sign(m), {"m": m}

def bumps(generator, n=60):
    x = generator.standard_normal((n, 3))
    return x, x[:, 0] * x[:, 1] > 0

ACTIVATIONS = {"rootplus": nb.Activation(lambda x, b: (x + (x * x + b).sqrt()) / 2, b=4.0)}
OPTIMIZERS = {"signum": nb.Optimizer(
    signum, init=lambda p: {"m": torch.zeros_like(p)}, lr=1e-2, momentum=0.9)}
DATA = {"bumps": nb.Data(bumps)}
"""
GRID: dict[str, Any] = {
    "data": "bumps",
    "activation": ["relu", "rootplus"],
    "optimizer": ["adam", "signum"],
    "weight_decay": 0.01,
    "decoupled": False,
    "norm": ["none", "layernorm"],
    "dtype": "float64",
    "epochs": 3,
    "width": 6,
    "depth": 2,
    "seeds": 2,
}


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    return path


@pytest.mark.whole
def test_every_engine_trains_them_alike(mine: Path) -> None:
    study = nb.read_study({"name": "own", "grid": GRID}, entries=read_entries([mine]))
    cells = study.cells()
    rows = {
        engine: pd.DataFrame(
            row
            for stack in plan(cells, 1)
            for row in train_cells(stack.cells, engine, "cpu", lambda share: None).cells
        )
        for engine in ("native", "stacked")
    }
    rows["reference"] = pd.DataFrame([train_cell(cell).cells[0] for cell in cells])
    assert set(rows["native"]["engine"].str.split("-").str[0]) == {"native"}
    ordered = [frame.set_index("cell_id").sort_index() for frame in rows.values()]
    for other in ordered[1:]:
        for column in ("train_loss", "test_loss", "weight_norm"):
            difference = (ordered[0][column] / other[column] - 1).abs().max()
            assert difference < 1e-9, column


def test_a_recipe_names_the_code_that_it_uses_and_no_other(mine: Path) -> None:
    with pytest.raises(StudyError, match='unknown name "rootplus"'):
        nb.read_study({"name": "own", "grid": GRID | {"data": "iris"}})
    known = {"data": "iris", "activation": "relu", "optimizer": "adam"}
    plain = nb.read_study({"name": "own", "grid": GRID | known})
    before = {cell.cell_id for cell in plain.cells()}
    register(read_entries([mine]))
    both = nb.read_study({"name": "own", "grid": GRID | {"data": "iris"}})
    used = {cell.cell_id: cell.recipe.get("own", "") for cell in both.cells()}
    assert before <= used.keys(), "to add an entry makes nothing stale"
    assert all(used[cell_id] == "" for cell_id in before)
    for cell in both.cells():
        own = cell.recipe.get("own", "")
        assert ("activation.rootplus=" in own) == (cell.recipe["activation"] == "rootplus")
        assert ("optimizer.signum=" in own) == (cell.recipe["optimizer"] == "signum")


@pytest.mark.whole
def test_a_changed_entry_trains_just_its_cells_again(tmp_path: Path, mine: Path) -> None:
    grid = GRID | {"norm": "none", "seeds": 1, "epochs": 1}
    study = {"name": "own", "grid": grid}
    first = nb.run(study, entries=read_entries([mine]), out=tmp_path, progress=False, workers=1)
    mine.write_text(FILE.replace("1 - hyper", "2 - hyper"))
    again = nb.run(study, entries=read_entries([mine]), out=tmp_path, progress=False, workers=1)
    kept = set(first.cells["cell_id"]) & set(again.cells["cell_id"])
    assert len(again.cells) == len(first.cells) == 4
    assert set(again.cells.set_index("cell_id").loc[list(kept), "optimizer"]) == {"adam"}
    assert len(kept) == 2
    assert "Your own entries" in again.page.read_text().replace("&#39;", "'")


def test_what_is_not_said_is_measured() -> None:
    relu = nb.Activation(lambda x: x.clamp_min(0))
    assert math.isclose(relu.gain, math.sqrt(2), rel_tol=1e-4)
    assert relu.dead_regions() == ((-math.inf, 0.0),) and relu.saturates == "left"
    assert relu.max_slope == 1
    hat = nb.Activation(lambda x, w=2.0: torch.clamp(x, -1.0, 1.0) * w)
    assert hat.dead_regions(w=2.0) == ((-math.inf, -1.0), (1.0, math.inf))
    assert (hat.saturates, hat.max_slope) == ("both", 2.0)
    assert nb.Activation(torch.tanh).dead_regions() == (), "flat to rounding is not flat"
    ramp = nb.Activation(lambda x: torch.clamp(5 * x, 0.0, 1.0))
    assert ramp.dead_regions() == ((-math.inf, 0.0), (0.2, math.inf)), "however short what is steep"
    assert nb.Activation(nn.Mish).gain == pytest.approx(1.4868, abs=1e-3)


def test_what_is_nan_everywhere_is_measured_in_silence(recwarn: pytest.WarningsRecorder) -> None:
    assert math.isnan(nb.Activation(lambda x: x * math.nan).max_slope) and not recwarn.list


class Rateless(torch.optim.Optimizer):
    def __init__(self, params: Any, speed: float = 1.0) -> None:
        super().__init__(params, {"speed": speed})


def bad(x: Tensor, b: float) -> Tensor:
    return x


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: nb.Activation(bad), "bad: b has no default"),
        (lambda: nb.Activation(bad, b=1.0, c=2.0), "bad: takes no c"),
        (lambda: nb.Activation(lambda x: x.sum()), "must return a tensor of x's shape"),
        (lambda: nb.Activation(lambda x: x.nothing()), "AttributeError"),
        (
            lambda: nb.Activation(lambda x: x + torch.rand_like(x)),
            "does not converge.*set gain=1.0",
        ),
        (lambda: nb.Activation(nn.PReLU), "PReLU: has a state"),
        (lambda: nb.Optimizer(torch.optim.LBFGS), "LBFGS: cannot take a step: .*closure"),
        (lambda: nb.Optimizer(Rateless), "Rateless: has no lr.*have __init__ take lr"),
        (lambda: nb.Optimizer(nn.Mish), "Mish: is a class, but not a torch.optim"),  # type: ignore[arg-type]
        (lambda: nb.Optimizer(torch.optim.SGD, speed=1.0), "SGD: takes no speed"),
        (lambda: nb.Optimizer(lambda g, s, p, h, t: p), "TypeError|ValueError|must return"),
        (
            lambda: register(nb.Entries(activations={"relu": nb.Activation(torch.relu)})),
            "already has this name",
        ),
        (lambda: register(nb.Entries(activations={"own": torch.relu})), r"nnbench.Activation\("),
        (lambda: register(nb.Entries(activations={"own": 3})), "is an int; make it with"),
        (lambda: register(3), "an int is not an Entries object"),  # type: ignore[arg-type]
        (lambda: nb.Activation(3), "3 is not a function"),  # type: ignore[arg-type]
        (lambda: nb.Data(lambda rng: 1 / 0).function(None), "data f: ZeroDivisionError"),
        (
            lambda: nb.Data(lambda rng: (np.ones((4, 2)), [0, 1])).function(None),
            r"x has the shape \(4, 2\), y \(2,\); return",
        ),
        (lambda: nb.Data(lambda rng: np.ones((4, 2))).function(None), "data f: ValueError"),
    ],
)
def test_a_mistake_is_one_sentence(make: Any, said: str) -> None:
    with pytest.raises(nb.EntryError, match=said) as told:
        make()
    assert "\n" not in str(told.value)
    assert registered() is None


@pytest.mark.whole
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "there is no such file"),
        ("1 / 0", "cannot be run: ZeroDivisionError"),
        ("x = 1", "has none of the dicts ACTIVATIONS"),
        ("DATA = 3", "DATA is an int, not a dict"),
    ],
)
def test_a_bad_file_ends_with_2(tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "mine.py").write_text(text)
    ended = start("list", "activations", "--with", "mine.py", cwd=tmp_path).end()
    assert ended.returncode == 2 and said in ended.stderr and "Traceback" not in ended.stderr


def test_the_command_line_names_them(mine: Path) -> None:
    listed = start("list", "activations", "--with", str(mine), cwd=mine.parent).end()
    assert "rootplus" in listed.stdout
    shown = start("show", "optimizer", "signum", "--with", str(mine), cwd=mine.parent).end()
    assert "momentum = 0.9" in shown.stdout


def test_a_part_of_another_entry_is_named_too(mine: Path) -> None:
    register(read_entries([mine]))
    grid = {"data": {"name": "label_noise", "base": "bumps"}, "optimizer": "signum"}
    (cell,) = nb.read_study({"name": "own", "grid": grid | {"seeds": 1}}).cells()
    assert cell.recipe["own"].startswith("data.bumps=")
