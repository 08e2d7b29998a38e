"""Exported scripts, run where nnbench cannot be imported, against the reference in float64."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

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
from nnbench.cli import reading
from nnbench.cli.ends import Exit, Failed
from nnbench.export.find import ExportError, StoredCell, find, folders_of_results, recipe_of
from nnbench.export.script import hints, script_of
from nnbench.export.sources import definitions
from nnbench.export.text import LINE_LENGTH, fitted
from nnbench.results.disk import StoreError
from nnbench.results.files import write_files
from nnbench.results.rows import Rows
from nnbench.results.store import Store
from nnbench.study.reading import make_study
from nnbench.study.study import Cell
from nnbench.training.reference.train import train_cell
from nnbench.training.reference.walk import walk_cell
from nnbench.training.stacked.sweep import sweep
from tests.command import nnbench
from tests.helpers import make_cells, small_data, variants

pytestmark = pytest.mark.whole

TOLERANCE = 1e-9
ORDINARY_LINES, MOST_LINES, MOST_LINES_WITH_A_TABLE = 150, 290, 2200
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


SGD = {"name": "sgd", "lr": 0.1}
SPREAD: dict[str, Any] = {
    "plain": {},
    "bundled data and tanh": {"data": "iris", "activation": "tanh", "init": "xavier_normal"},
    "an activation that torch lacks": {"activation": "snake", "init": "critical", "bias": 0.1},
    "an activation with noise": {"activation": "rrelu", "optimizer": SGD},
    "a learned activation": {"activation": "prelu", "data": "wine"},
    "uniform weights and biases": {"init": {"name": "torch_default", "gain": 0.7}, "bias": 0.2},
    "truncated weights": {"init": {"name": "truncated_normal", "std": 0.3}},
    "weights from data": {"init": "lsuv", "norm": "batchnorm", "dropout": 0.2, "depth": 3},
    "an optimizer that torch lacks": {"optimizer": "lion", "weight_decay": 0.1},
    "two optimizers": {"optimizer": "muon"},
    "an average is evaluated": {"optimizer": "schedulefree_adamw", "evaluation": "train"},
    "an average under BatchNorm": {"optimizer": "asgd", "norm": "batchnorm", "dropout": 0.2},
    "the whole batch": {"optimizer": "rprop", "weight_decay": 0.1},
    "decay by hand": {
        "optimizer": {"name": "momentum", "lr": 0.1},
        "weight_decay": 0.1,
        "decoupled": True,
        "schedule": "exponential",
    },
    "penalty and clipping": {"l1": 0.01, "clip_norm": 0.5, "clip_value": 0.1},
    "a schedule by steps": {"schedule": "onecycle", "batch_size": 7},
    "a schedule that torch lacks": {"schedule": "wsd"},
    "a schedule that waits": {"schedule": {"name": "plateau", "patience": 0, "threshold": 1.0}},
    "chained schedules": {
        "schedule": {"name": "chained", "first": {"name": "step", "step_size": 1}},
    },
    "schedules in sequence": {
        "schedule": {"name": "sequential", "second": "cosine", "milestones": [[2]]},
        "epochs": 5,
    },
    "dropout and residuals": {"dropout": 0.3, "residual": True, "depth": 3},
    "alpha dropout": {"dropout": 0.3, "dropout_kind": "alpha", "activation": "selu"},
    "evaluation as in training": {
        "evaluation": "train",
        "norm": "batchnorm",
        "dropout": 0.3,
        "activation": "rrelu",
        "init": "torch_default",
        "optimizer": SGD,
    },
    "a norm after": {"norm": {"name": "layernorm", "position": "after", "eps": 0.01}},
    "early stopping": {
        "early_stopping": {"name": "patience", "patience": 1},
        "optimizer": {"name": "adam", "lr": 0.3},
        "epochs": 30,
    },
    "divergence": {"optimizer": {"name": "sgd", "lr": 1e12}, "loss": "mse"},
    "divergence before training": {
        "activation": "relu_squared",
        "init": {"name": "normal", "std": 1e5},
        "depth": 12,
    },
    "regression": {"data": "diabetes", "loss": {"name": "huber", "delta": 0.7}},
    "one output for two classes": {"loss": "bce", "data": {"name": "circles", "n": 60}},
    "one against the rest": {"loss": "mae", "data": "iris"},
    "smoothed labels": {"loss": {"name": "cross_entropy", "label_smoothing": 0.2}},
    "log-softmax": {"loss": "nll"},
    "noisy labels": {"data": {"name": "label_noise", "base": {"name": "xor", "n": 60}}},
    "noisy targets": {"data": {"name": "outliers", "n": 60, "parts": "train and val"}},
    "a teacher": {"data": {"name": "teacher", "n": 60, "task": "regression"}},
    "curves": {"data": {"name": "mnist1d", "n": 200}},
    "unscaled data": {"data": {"name": "rare_features", "n": 60}},
    "logarithms": {"data": "diabetes", "target_transform": "log"},
    "balanced classes": {"data": "wine", "class_weight": "balanced"},
    "balanced log-softmax": {"data": "iris", "loss": "nll", "class_weight": "balanced"},
    "a fold": {"data": {"name": "moons", "n": 63}, "folds": 5, "seeds": [8]},
    "a fold of noisy labels": {
        "data": {"name": "label_noise", "base": {"name": "xor", "n": 60}},
        "folds": 3,
        "seeds": [1],
    },
    "other parts": {"val_fraction": 0.13, "test_fraction": 0.31, "batch_size": 1},
    "no hidden layer": {"depth": 0, "batch_size": 0},
    "no training": {"epochs": 0},
}
SPECIAL = {
    "a walk": of_kind("landscape", landscape="rosenbrock", steps=30, noise=0.1, clip_norm=1.0),
    "a walk spread evenly": of_kind(
        "landscape", landscape="rippled_bowl", steps=30, start="spread", schedule="cosine"
    ),
    "a walk under a warm-up": of_kind("landscape", landscape="bowl", steps=30, schedule="wsd"),
    "a walk away": of_kind(
        "landscape", landscape="beale", steps=9, optimizer={"name": "sgd", "lr": 1e3}
    ),
    "a sweep": of_kind("numerics", expression="sigmoid_by_hand", points=300),
    "a safe sweep": of_kind("numerics", expression="bce_with_logits", points=300),
    "a sweep to the right": of_kind(
        "numerics", expression="log_of_softmax", points=300, answer="right", dtype="bfloat16"
    ),
}


def awkward_table(folder: Path) -> Path:
    """Write a table that has something for every rule of reading one."""
    generator, n = np.random.default_rng(1), 160
    table = pd.DataFrame(
        {
            "id": range(1, n + 1),
            " number ": generator.standard_normal(n).round(3),
            "gaps": np.where(generator.random(n) < 0.2, np.nan, generator.integers(0, 9, n)),
            "city": generator.choice([f"c{place:02}" for place in range(27)], n),
            "free": [f"text {place}" for place in range(n)],
            "flag": generator.choice(["True", "False"], n),
            "mark": generator.choice(["m", "f", "?", ""], n),
            "one": 1,
            "code": generator.choice([3, 5, 7], n),
            "dirty": ["x" if place == 7 else str(place % 13) for place in range(n)],
            "either": generator.choice(["a", None], n),
            '"""\\': generator.choice(["10", "9", "2.5", "rare"], n, p=[0.4, 0.3, 0.28, 0.02]),
        }
    )
    table["y"] = np.where(np.arange(n) % 17 == 0, np.nan, 3 * table[" number "])
    path = folder / 'a "table".csv'
    table.to_csv(path, sep=";", encoding="utf-8-sig")
    return path


def zero_inflated(folder: Path) -> str:
    """Write a table of claims so rare that all those of the validation part are zero."""
    path = folder / "claims.csv"
    claims = [7.0 if place in (3, 5) else 0.0 for place in range(30)]
    pd.DataFrame({"a": range(30), "b": np.arange(30) % 7 / 7, "claim": claims}).to_csv(path)
    return str(path)


def cells_of_tables(folder: Path) -> dict[str, Cell]:
    path = str(awkward_table(folder))
    asked = {"drop": ["number"], "categorical": ["code", "gaps"], "numeric": ["dirty"]}
    return {
        "classes of a table": one(data={"csv": path, "target": '"""\\'}),
        "values of a table": one(data={"csv": path, "target": "y", "rows": 90}),
        "columns as asked": one(data={"csv": path, "target": "mark", **asked}),
        "values all alike": one(
            data={"csv": zero_inflated(folder), "target": "claim", "task": "regression"}
        ),
        "a Parquet table": one(data=small_data("parquet", folder)),
        "a table by group": one(data={"csv": path, "target": "y", "group": "city"}, seeds=[7]),
        "a table by time": one(data={"csv": path, "target": "mark", "time": "id"}),
        "a fold of a table with repeats": one(
            data={"csv": twice(folder), "target": "y"}, folds=4, seeds=[6]
        ),
    }


def twice(folder: Path) -> str:
    """Write a table of which some rows stand twice."""
    a = np.random.default_rng(2).normal(size=50).round(5)
    path = folder / "twice.csv"
    pd.DataFrame({"a": [*a, *a[:20]], "y": [*(3 * a), *(2 * a[:20])]}).to_csv(path, index=False)
    return str(path)


WRONG = {
    "a rate": ("lr=0.01", "lr=0.0100001"),
    "a beta": ("betas=(0.9, 0.999)", "betas=(0.9, 0.998)"),
    "an order": ('generator("batches")', 'generator("batch")'),
    "weights": ('nonlinearity="relu"', 'nonlinearity="linear"'),
    "scaling": ("x = (x - mean) / scale", "x = x - mean"),
    "noise": ('noise("dropout", layer)', 'noise("dropout", "layer")'),
    "an import": ("import math", "import math\nimport nnbench"),
}
Results = dict[str, tuple[dict[str, Any], str]]


@pytest.fixture(scope="module")
def spread(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Rows of cells by the reference, and what their scripts print: all run in one process."""
    folder = tmp_path_factory.mktemp("tables")
    cells = {name: one(**grid) for name, grid in SPREAD.items()} | SPECIAL | cells_of_tables(folder)
    cells["single precision"] = one(dtype="float32", dropout=0.2)
    rows = {name: row_of(cell) for name, cell in cells.items()}
    scripts = {name: script_of(found(cell, rows[name])) for name, cell in cells.items()}
    cell = one(optimizer={"name": "adam", "lr": 0.01}, dropout=0.2)
    rows |= dict.fromkeys(("right", *WRONG), row_of(cell))
    scripts["right"] = script_of(found(cell, rows["right"]))
    for name, (old, new) in WRONG.items():
        assert old in scripts["right"], name
        scripts[name] = scripts["right"].replace(old, new)
    other = folder / "other"
    other.mkdir()
    scripts["another table"] = script_of(found(cells_of_tables(other)["values of a table"]))
    with awkward_table(other).open("a") as table:
        table.write("\n")
    rows["another table"] = {}
    single = one(dtype="float32", dropout=0.2)
    for name, column in (("a loss a bit off", "test_loss"), ("a score a bit off", "test_accuracy")):
        rows[name] = rows["single precision"] | {"engine": "stacked-eager"}
        rows[name][column] -= min(0.04, 0.8 * rows[name][column])
        scripts[name] = script_of(found(single, rows[name]))
    said = run_scripts(scripts, tmp_path_factory.mktemp("scripts"))
    return {name: (rows[name], said[name]) for name in scripts}


TABLES = (
    "values all alike",
    "classes of a table",
    "values of a table",
    "columns as asked",
    "a Parquet table",
    "a table by group",
    "a table by time",
    "a fold of a table with repeats",
)


@pytest.mark.parametrize("name", [*SPREAD, *SPECIAL, *TABLES])
def test_a_script_prints_the_numbers_of_the_reference(spread: Results, name: str) -> None:
    row, said = spread[name]
    assert unlike(said, row) == []
    assert said.splitlines()[-1] == "# as in the table, within the tolerance"


def test_the_spread_has_both_ends(spread: Results) -> None:
    rows = {name: row for name, (row, _) in spread.items()}
    assert rows["divergence"]["status"] == "diverged"
    assert rows["divergence before training"]["diverged_at_step"] == 0
    assert rows["a walk away"]["status"] == "diverged"
    assert rows["early stopping"]["stopped_early"]
    assert rows["a sweep"]["safe_up_to"] < 1000 <= rows["a safe sweep"]["safe_up_to"]


def test_a_wrong_script_is_told(spread: Results) -> None:
    row, said = spread["right"]
    assert unlike(said, row) == []
    assert all(unlike(spread[name][1], row) for name in WRONG)
    assert "nnbench is out of reach" in spread["an import"][1]
    assert spread["scaling"][1].splitlines()[-1].startswith("# unlike the table: ")


def test_single_precision_says_how_near_it_comes(spread: Results) -> None:
    row, said = spread["single precision"]
    assert numbers_of(said)["train_loss"] == repr(row["train_loss"])  # plain torch, both of them
    by_engine = {
        engine: script_of(found(one(dtype="float32"), row | {"engine": engine}))
        for engine in ("stacked-eager", "reference")
    }
    assert "TOLERANCE = 0.05" in by_engine["stacked-eager"]
    assert "losses may differ by a few per cent" in by_engine["stacked-eager"]
    assert "TOLERANCE = 1e-06" in by_engine["reference"]
    assert "Hardly a digit should differ" in by_engine["reference"]


def test_a_loss_is_judged_by_its_own_size_and_an_accuracy_by_examples(spread: Results) -> None:
    last = {name: spread[name][1].splitlines()[-1] for name in spread}
    assert last["a loss a bit off"] == "# unlike the table: test_loss"
    assert last["a score a bit off"] == "# as in the table, within the tolerance"


def run_elsewhere(script: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(script)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


def test_a_script_finds_its_table_beside_it_or_ends_in_one_sentence(tmp_path: Path) -> None:
    place, cwd = tmp_path / "scripts", tmp_path / "elsewhere"
    place.mkdir()
    cwd.mkdir()
    table = awkward_table(place)
    cell = one(data={"csv": str(table), "target": "y"}, epochs=1)
    recipe = dict(cell.recipe) | {"data.path": table.name}  # as tables of results have it
    script = place / "cell.py"
    script.write_text(script_of(StoredCell(cell.cell_id, "test", recipe, {"status": "ok"}, True)))
    ran = run_elsewhere(script, cwd)
    assert ran.returncode == 0 and "status ok" in ran.stdout, ran.stderr
    table.unlink()
    missed = run_elsewhere(script, cwd)
    sentence = f"{table.name} is neither here nor beside this script: give its path"
    assert (missed.returncode, missed.stderr.splitlines()) == (1, [sentence])


def test_a_script_refuses_another_table(spread: Results) -> None:
    assert "is not the table that the study read" in spread["another table"][1]


# ------------------------------------------------------------------------- all that can be exported


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


@pytest.fixture(scope="module")
def every_script(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Cell], Path]:
    folder = tmp_path_factory.mktemp("every")
    cells = every_cell(tmp_path_factory.mktemp("data"))
    for name, cell in cells.items():
        (folder / f"{name}.py").write_text(script_of(found(cell)), encoding="utf-8")
    return cells, folder


def test_every_entry_can_be_exported(every_script: tuple[dict[str, Cell], Path]) -> None:
    cells, folder = every_script
    told = {
        (key, cell.recipe[key])
        for cell in cells.values()
        for key in VOCABULARY.registries
        if key in cell.recipe
    }
    missing = {
        (kind, name) for kind, entries in VOCABULARY.registries.items() for name in entries
    } - told
    assert missing <= {
        ("schedule", "chained"),
        ("schedule", "sequential"),
        ("early_stopping", "patience"),
    }
    for path in folder.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        compile(text, str(path), "exec")
        assert "import nnbench" not in text and "from nnbench" not in text, path
        assert "{%" not in text, path


def test_scripts_are_clean_code(every_script: tuple[dict[str, Cell], Path]) -> None:
    _, folder = every_script
    rules = ["--isolated", "--select", "F,E,W,I,UP", "--target-version", "py311"]
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", *rules]
    command += ["--line-length", str(LINE_LENGTH), str(folder)]
    checked = subprocess.run(command, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout[-3000:]


def test_scripts_are_a_page_or_two(every_script: tuple[dict[str, Cell], Path]) -> None:
    _, folder = every_script
    texts = {path.stem: path.read_text() for path in folder.glob("*.py")}
    lines = {name: len(text.splitlines()) for name, text in texts.items()}
    # with a table comes all that reads it as the study did
    tables = [name for name, text in texts.items() if "def read_table(" in text]
    assert tables and max(lines[name] for name in tables) <= MOST_LINES_WITH_A_TABLE
    assert max(count for name, count in lines.items() if name not in tables) <= MOST_LINES
    ordinary = ("data digits", "data iris", "data wine", "data breast_cancer", "landscape", "sweep")
    named = {name: count for name, count in lines.items() if name.startswith(ordinary)}
    assert len(named) > 40
    assert {name: count for name, count in named.items() if count > ORDINARY_LINES} == {}


@pytest.mark.slow
def test_every_script_prints_the_numbers_of_the_reference(
    every_script: tuple[dict[str, Cell], Path],
) -> None:
    cells, folder = every_script
    said = run_scripts({}, folder)
    complaints = {name: unlike(said[name], row_of(cell)) for name, cell in cells.items()}
    assert {name: told for name, told in complaints.items() if told} == {}


def test_nothing_unused_is_written() -> None:
    plain = script_of(found(one(data="iris")))
    for word in ("scheduler", "Dropout", "clip", "waited", "observed", "no_grad():  #", "penalty"):
        assert word not in plain
    assert "nn.ReLU()" in plain and "datasets.load_iris" in plain


# ------------------------------------------------------------------------------- from the tables


def results_in(folder: Path, cells: list[Cell], rows: list[dict[str, Any]]) -> Path:
    store = Store(folder, "sources", lambda engine, cell_ids: True)
    store.commit(Rows(cells=rows))
    store.write_tables(cells)
    return folder


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Cell]]:
    """A folder of results with all kinds of columns; their numbers are made up."""
    out = tmp_path_factory.mktemp("results")
    cells = [*every_cell(out).values(), *(one(**grid) for grid in SPREAD.values())]
    cells = list({cell.cell_id: cell for cell in cells}.values())
    for kind in ("training", "landscape", "numerics"):
        chosen = [cell for cell in cells if cell.recipe.get("kind", "training") == kind]
        rows = [{"cell_id": one.cell_id, "status": "ok", "engine": "reference"} for one in chosen]
        results_in(out / kind, chosen, rows)
    return out, cells


def test_a_recipe_survives_the_table(results: tuple[Path, list[Cell]]) -> None:
    out, cells = results
    rows = {
        row["cell_id"]: row
        for folder in folders_of_results(out)
        for row in pq.read_table(folder / "cells.parquet").to_pylist()
    }
    assert len(rows) == len(cells) > 200
    for cell in cells:
        wanted = {**cell.recipe}
        if "data.path" in wanted:  # tables name a file, not the folders above it
            wanted["data.path"] = Path(str(wanted["data.path"])).name
        mine = recipe_of(rows[cell.cell_id])
        assert mine == wanted
        assert [type(mine[key]) for key in wanted] == [type(value) for value in wanted.values()]


def test_a_cell_is_found_by_the_beginning_of_its_id(results: tuple[Path, list[Cell]]) -> None:
    out, cells = results
    folders = folders_of_results(out)
    for cell in cells[::40]:
        hit = find(cell.cell_id[:12], folders)
        assert (hit.cell_id, hit.study, hit.is_sound) == (cell.cell_id, "test", True)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("zzzz", 'there is no cell "zzzz" among'),
        ("", 'there is no cell "" among'),
        ("\x1b[31m", 'there is no cell "\\u001b'),
    ],
)
def test_an_unknown_cell_is_one_sentence(
    results: tuple[Path, list[Cell]], wanted: str, words: str
) -> None:
    with pytest.raises(ExportError) as caught:
        find(wanted, folders_of_results(results[0]))
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_near_and_ambiguous_ids_name_candidates(results: tuple[Path, list[Cell]]) -> None:
    out, cells = results
    folders, cell_id = folders_of_results(out), cells[0].cell_id
    with pytest.raises(ExportError, match=f'did you mean "{cell_id}"'):
        find(f"{cell_id[:-1]}z", folders)
    shared = sorted(cell.cell_id for cell in cells if cell.cell_id[0] == cell_id[0])
    with pytest.raises(ExportError, match=f'{len(shared)} cells begin with ".": {shared[0]}, '):
        find(cell_id[0], folders)


def test_without_results_the_sentence_says_how_to_make_some(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="nnbench run STUDY makes them"):
        find("0", folders_of_results(tmp_path))
    (tmp_path / "broken").mkdir()
    write_files(tmp_path / "broken", {"cells.parquet": b"no table"})
    (tmp_path / "broken" / "cells.parquet").write_text("another")
    with pytest.raises(StoreError, match=r"cells\.parquet does not match its checksum"):
        find("0", folders_of_results(tmp_path))


def test_a_table_older_than_a_field_is_sound(tmp_path: Path) -> None:
    cell = one()
    rows = [{"cell_id": cell.cell_id, "status": "ok", "engine": "reference"}]
    path = results_in(tmp_path / "test", [cell], rows) / "cells.parquet"
    table = pd.read_parquet(path)
    older = {key: value for key, value in cell.recipe.items() if key != "evaluation"}
    from nnbench.study.study import make_cell

    old_id = make_cell("test", older).cell_id
    older_table = table.drop(columns="evaluation").assign(cell_id=old_id)
    write_files(path.parent, {path.name: older_table.to_parquet()})
    assert find(old_id, [tmp_path / "test"]).is_sound
    write_files(path.parent, {path.name: table.assign(**{"optimizer.lr": 0.5}).to_parquet()})
    changed = find(cell.cell_id, [tmp_path / "test"])
    assert not changed.is_sound and changed.recipe["optimizer.lr"] == 0.5
    assert "is not what its id was made from" in hints(changed)[0]
    write_files(path.parent, {path.name: table.assign(study='"""').to_parquet()})
    with pytest.raises(ExportError, match="is no study's name"):
        find(cell.cell_id, [tmp_path / "test"])


def test_a_crashed_cell_has_nothing_to_compare_with() -> None:
    crashed = found(one(), {"status": "crashed"})
    assert "EXPECTED = {}  # its run crashed" in script_of(crashed)
    assert "crashed" in hints(crashed)[0]


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = list(cells_of_tables(tmp_path).values())[:2]
    rows = [{"cell_id": cell.cell_id, "status": "ok", "engine": "reference"} for cell in cells]
    folder = results_in(tmp_path / "results" / "test", cells, rows)
    monkeypatch.chdir(tmp_path)
    cell_id = cells[0].cell_id
    assert reading.export(cell_id[:8]) == Exit.DONE
    printed = capsys.readouterr()
    assert printed.out == script_of(find(cell_id, [folder]))
    assert "python cell.py PATH" in printed.err
    reading.export(cell_id, place="test", out=tmp_path / "results")
    assert capsys.readouterr().out == printed.out
    with pytest.raises(Failed, match="nnbench run other makes them"):
        reading.export(cell_id, place="other", out=tmp_path / "results")


def test_the_command_ends_with_2_on_a_mistake(tmp_path: Path) -> None:
    failed = nnbench("export", "zzzz", cwd=tmp_path)
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr.startswith("nnbench: there are no results here to export from; ")


def test_a_script_is_written_without_torch(results: tuple[Path, list[Cell]]) -> None:
    out, cells = results
    code = (
        "import sys\nfrom nnbench.export.find import find, folders_of_results\n"
        "from nnbench.export.script import script_of\nfrom pathlib import Path\n"
        f"script_of(find({cells[0].cell_id!r}, folders_of_results(Path({str(out)!r}))))\n"
        "print(*[name for name in ('torch', 'sklearn') if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout.strip()) == (0, ""), ended.stderr


# ----------------------------------------------------------------------- how it is put together


def test_definitions_come_with_what_they_need_and_without_types() -> None:
    text = definitions("nnbench.catalog.optimizers.twins", "Lion")
    assert text.index("class _Rule(Optimizer):") < text.index("class Lion(_Rule):")
    assert "    def change(self, param, grad, state, group):\n        mean = " in text
    for word in ("Tensor", "Callable", "type: ignore", "->", "Change one parameter"):
        assert word not in text
    assert "return x, y" in definitions("nnbench.catalog.data.synthetic", "outliers")


@pytest.mark.parametrize(
    ("line", "broken"),
    [
        ("short(1, 2)", "short(1, 2)"),
        (f"longer({'a' * 60}, {'b' * 32})", f"longer(\n    {'a' * 60}, {'b' * 32}\n)"),
        (f"  f(g(1, 2), '{'(' * 99}')", f"  f(\n      g(1, 2),\n      '{'(' * 99}',\n  )"),
        (
            f"[{'a' * 60} for b, c in {'d' * 60}]",
            f"[\n    {'a' * 60}\n    for b, c in {'d' * 60}\n]",
        ),
        ("a" * 120, "a" * 120),
    ],
)
def test_long_lines_are_broken_at_their_largest_bracket(line: str, broken: str) -> None:
    assert fitted(line) == broken
