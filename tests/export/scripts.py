"""Scripts of cells: made, run, and held against the rows of the reference."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from nnbench.catalog import (
    ACTIVATIONS,
    DATA,
    EXPRESSIONS,
    INITS,
    LANDSCAPES,
    LOSSES,
    NORMS,
    OPTIMIZERS,
    SCHEDULES,
    VOCABULARY,
)
from nnbench.export.find import StoredCell
from nnbench.study.reading import make_study
from nnbench.study.study import Cell
from nnbench.training.reference.train import train_cell
from nnbench.training.reference.walk import walk_cell
from nnbench.training.stacked.sweep import sweep
from tests.helpers import make_cells, small_data, variants

TOLERANCE = 1e-9
NAMES = ("status", "epochs_run", "diverged_at_step", "best_epoch", "weight_norm")
# Runs every script of a folder with nnbench out of reach, and prints what each has printed
DRIVER = """
import contextlib, io, json, pathlib, runpy, sys, traceback, warnings

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "nnbench":
            raise ImportError("nnbench is out of reach")

sys.meta_path.insert(0, Blocked())
import pandas, sklearn.datasets, torch
warnings.simplefilter("error")
said = {}
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.py")):
    sys.argv, printed = [str(path)], io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            runpy.run_path(str(path), run_name="__main__")
        said[path.stem] = printed.getvalue()
    except BaseException:
        said[path.stem] = traceback.format_exc()
assert not any(name.split(".")[0] == "nnbench" for name in sys.modules)
print(json.dumps(said))
"""


def run_scripts(scripts: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Run scripts in one fresh process, and return what each prints."""
    for name, script in scripts.items():
        (folder / f"{name}.py").write_text(script, encoding="utf-8")
    command = [sys.executable, "-I", "-c", DRIVER, str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert ended.returncode == 0, ended.stderr
    said: dict[str, str] = json.loads(ended.stdout)
    return said


def found(cell: Cell, row: Mapping[str, Any] | None = None) -> StoredCell:
    return StoredCell(
        cell.cell_id, cell.study, dict(cell.recipe), dict(row or {"status": "ok"}), True
    )


def row_of(cell: Cell) -> dict[str, Any]:
    """Return a cell's row by the slow twin of its kind, null values left out."""
    trained = {"landscape": walk_cell, "numerics": lambda cell: sweep([cell])}
    (row,) = trained.get(str(cell.recipe.get("kind")), train_cell)(cell).cells
    return {name: value for name, value in row.items() if not pd.isna(value)}


def numbers_of(printed: str) -> dict[str, str]:
    lines = [line.split(" ", 1) for line in printed.splitlines() if not line.startswith("#")]
    assert all(len(line) == 2 for line in lines), printed
    return {name: value for name, value in lines}


def unlike(printed: str, row: Mapping[str, Any]) -> list[str]:
    """Say in what a script's numbers are not a row's; it prints no further scores of tables."""
    if "Traceback" in printed:
        return [printed[-1500:]]
    mine = numbers_of(printed)
    scores = [
        f"{part}_{name}" for part in ("train", "val", "test") for name in ("loss", "accuracy", "r2")
    ]
    wanted = [name for name in (*NAMES, *scores) if row.get(name) is not None]
    complaints = [f"prints no {name}" for name in wanted if name not in mine]
    for name, text in mine.items():
        value = row.get(name)
        if isinstance(value, float):
            alike = math.isclose(float(text), value, rel_tol=TOLERANCE, abs_tol=TOLERANCE * 1e-3)
        else:
            alike = text == str(value)
        complaints += [] if alike else [f"{name} {text} for {value!r}"]
    return complaints


def one(**grid: Any) -> Cell:
    (cell,) = make_cells(**{"epochs": 3, **grid})
    return cell


def of_kind(kind: str, **grid: Any) -> Cell:
    (cell,) = make_study(
        {
            "name": "test",
            "kind": kind,
            "grid": {"seeds": 1, **grid} if kind == "landscape" else grid,
        },
        VOCABULARY,
    ).cells()
    return cell


def every_cell(folder: Path) -> dict[str, Cell]:
    """Return cells with every entry of every kind, as it stands and with other parameters."""
    kinds: dict[str, Mapping[str, Any]] = {
        "activation": ACTIVATIONS,
        "init": INITS,
        "optimizer": OPTIMIZERS,
        "norm": NORMS,
    }
    grids = [
        (f"{kind} {name}", {kind: variants(name, entry)})
        for kind, entries in kinds.items()
        for name, entry in entries.items()
    ]
    grids += [
        (f"schedule {name}", {"schedule": variants(name, entry), "epochs": 6})
        for name, entry in SCHEDULES.items()
        if name not in ("chained", "sequential")  # whose parts must fit: they are in the spread
    ]
    for name, optimizer in OPTIMIZERS.items():
        decays = {"optimizer": name, "weight_decay": 0.1}
        grids.append((f"decay {name}", decays))
        if optimizer.decoupled is None:
            grids.append((f"decoupled {name}", {**decays, "decoupled": True}))
    for name, loss in LOSSES.items():
        data = {"classification": ["iris", {"name": "moons", "n": 60}], "regression": ["diabetes"]}
        grids += [
            (f"loss {name} {task}", {"loss": variants(name, loss), "data": data[task]})
            for task in loss.targets
        ]
    few = {"mnist1d": {"name": "mnist1d", "n": 200}, "blobs": {"name": "blobs", "n": 200}}
    grids += [
        (f"data {name}", {"data": few.get(name) or small_data(name, folder)}) for name in DATA
    ]
    cells = {}
    for name, grid in grids:
        for number, cell in enumerate(make_cells(**{"epochs": 3, **grid})):
            cells[f"{name} {number}"] = cell
    return cells | dict(walks_and_sweeps())


def walks_and_sweeps() -> Iterable[tuple[str, Cell]]:
    for name, entry in LANDSCAPES.items():
        for variant in variants(name, entry):
            cell = of_kind("landscape", landscape=variant, steps=30)
            yield f"landscape {cell.recipe['data']}".replace("=", " "), cell
    for name in OPTIMIZERS:
        yield f"walk {name}", of_kind("landscape", landscape="bowl", optimizer=name, steps=30)
    for name in EXPRESSIONS:
        for dtype in ("float16", "bfloat16", "float32", "float64"):
            grid = {"expression": name, "dtype": dtype, "points": 300}
            yield f"sweep {name} {dtype}", of_kind("numerics", **grid)
