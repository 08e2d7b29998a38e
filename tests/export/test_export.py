"""Exported scripts, run where nnbench cannot be imported, against the reference in float64."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nnbench.export.find import StoredCell
from nnbench.export.script import script_of
from nnbench.study.study import Cell
from tests.command import run_script
from tests.export.scripts import (
    found,
    numbers_of,
    of_kind,
    one,
    row_of,
    run_scripts,
    unlike,
)
from tests.helpers import small_data

pytestmark = pytest.mark.whole

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
    "a momentum that is cycled": {
        "schedule": {"name": "onecycle", "cycle_momentum": True, "max_momentum": 0.99},
        "optimizer": "momentum",
        "batch_size": 7,
    },
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
    "a share of the rows": {"data": "wine", "train_share": 0.4},
    "a share of numbers and a fold": {"data": "diabetes", "train_share": 0.3, "folds": 5},
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


def test_a_script_finds_its_table_beside_it_or_ends_in_one_sentence(tmp_path: Path) -> None:
    place, cwd = tmp_path / "scripts", tmp_path / "elsewhere"
    place.mkdir()
    cwd.mkdir()
    table = awkward_table(place)
    cell = one(data={"csv": str(table), "target": "y"}, epochs=1)
    recipe = dict(cell.recipe) | {"data.path": table.name}  # as tables of results have it
    script = place / "cell.py"
    script.write_text(script_of(StoredCell(cell.cell_id, "test", recipe, {"status": "ok"}, True)))
    ran = run_script(script, cwd=cwd)
    assert ran.returncode == 0 and "status ok" in ran.stdout, ran.stderr
    table.unlink()
    missed = run_script(script, cwd=cwd)
    sentence = f"{table.name} is neither here nor beside this script: give its path"
    assert (missed.returncode, missed.stderr.splitlines()) == (1, [sentence])


def test_a_script_refuses_another_table(spread: Results) -> None:
    assert "is not the table that the study read" in spread["another table"][1]
