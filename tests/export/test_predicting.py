"""Scripts that predict: read as the study reads, and say what the study's model says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from nnbench.catalog.data.tables.table import Choices, kept_table
from nnbench.export.find import ExportError, StoredCell
from nnbench.export.own_table import own_table
from nnbench.export.script import script_of
from nnbench.study.baselines import baseline_recipes
from nnbench.study.study import Cell, make_cell
from nnbench.training import protocol
from nnbench.training.baselines import fit_cell
from nnbench.training.draws import Split, split_for
from nnbench.training.reference.train import train_cell
from tests.command import run_script
from tests.helpers import make_cells

ROWS = 140
SWAPPED = str.maketrans(",.", ".,")


def table_of(folder: Path, name: str = "t.csv", sep: str = ";", encoding: str = "utf-8") -> Path:
    """Write a table with a column of each kind, and gaps in most of them."""
    generator = np.random.default_rng(3)
    size = generator.normal(size=ROWS)
    frame = pd.DataFrame(
        {
            "": range(1, ROWS + 1),
            "größe": [
                f"{1000 + 90 * one:,.1f}".translate(str.maketrans(",.", ".,")) for one in size
            ],
            "share": [f"{30 + 5 * one:.2f} %".replace(".", ",") for one in generator.random(ROWS)],
            "count": generator.integers(0, 9, ROWS).astype(object),
            "plain": generator.integers(0, 9, ROWS),
            "city": generator.choice([f"c{place:02}" for place in range(27)], ROWS),
            "day": pd.date_range("2020-01-30", periods=ROWS).strftime("%d.%m.%Y"),
            "is_new": generator.choice(["yes", "no"], ROWS),
            "kind": np.where(size > 0.8, "big", np.where(size > -0.5, "Some", "none")),
            "price": [f"{9 + one:.3f}".replace(".", ",") for one in size],
        }
    )
    frame.loc[::9, "count"] = "n.a."
    frame.loc[::11, "city"] = ""
    frame.loc[::13, "kind"] = frame["kind"].str.upper()[::13]
    path = folder / name
    path.write_bytes(frame.to_csv(index=False, sep=sep).encode(encoding))
    return path


def cell_of(path: Path, target: str, **grid: Any) -> Cell:
    other = {"kind": "price", "price": "kind"}[target]
    data = {"csv": str(path), "target": target, "drop": [other]}
    fixed = {"dtype": "float64", "epochs": 3, "width": 6, "batch_size": 16}
    (cell,) = make_cells(data=data, **fixed, **grid)
    return cell


def read_by(code: str, path: Path) -> tuple[Any, Any, Any]:
    """The rows, features and targets that a script's code reads."""
    names: dict[str, Any] = {"np": np, "pd": pd}
    exec("import re\nfrom dataclasses import dataclass\nfrom functools import lru_cache", names)
    exec(code, names)
    frame = names["read"](path)
    rows, y = names["examples"](frame)
    return rows, names["encoded"](frame.iloc[rows], names["COLUMNS"]), y


@pytest.mark.parametrize("target", ["kind", "price"])
@pytest.mark.parametrize(("sep", "encoding"), [(";", "utf-8"), ("\t", "cp1252")])
def test_it_reads_what_the_study_reads(
    tmp_path: Path, target: str, sep: str, encoding: str
) -> None:
    path = table_of(tmp_path, sep=sep, encoding=encoding)
    cell = cell_of(path, target)
    found = own_table(cell.recipe, path)
    drop = ("price",) if target == "kind" else ("kind",)
    table = kept_table(path, Choices(target, drop=drop))
    _, x, y = read_by(found.code, path)
    np.testing.assert_array_equal(x, table.x)
    np.testing.assert_array_equal(y, table.y)
    assert found.classes == table.classes and len(found.code.splitlines()) < 260


FORMS_OF_DATES: dict[str, tuple[str, list[str], dict[str, Any]]] = {
    "impossible days": ("%d.%m.%Y", ["31.04.2012", "unknown", "12", "today"], {}),
    "months first": ("%m/%d/%Y", ["13/02/2012", "-"], {}),
    "months": ("%Y-%m", ["-"], {}),
    "spelled": ("%d %b %Y", ["soon"], {}),
    "in any form": ("%d.%m.%y", ["2021-03-04", "3 May 2021", "soon"], {"dates": ["when"]}),
    "times": ("%H:%M", ["25:00", "9:06 AM"], {"dates": ["when"]}),
}


@pytest.mark.parametrize("how", FORMS_OF_DATES)
def test_it_reads_dates_as_the_study_does_and_strays_in_new_rows_as_missing(
    tmp_path: Path, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pattern, odd, said = FORMS_OF_DATES[how]
    path = tmp_path / "t.csv"
    when = [*pd.date_range("2009-01-30", periods=200, freq="19D5h7min").strftime(pattern), *odd]
    frame = pd.DataFrame({"when": when, "y": np.arange(len(when)) % 7 + 0.5})
    frame.to_csv(path, index=False)
    (cell,) = make_cells(data={"csv": str(path), "target": "y", **said})
    code = own_table(cell.recipe, path).code
    rows, x, _ = read_by(code, path)
    table = kept_table(path, Choices("y", dates=tuple(said.get("dates", ()))))
    np.testing.assert_array_equal(x, table.x)
    assert len(rows) == len(when) and "when is missing" in table.features
    frame["when"] = "later"
    frame.loc[0, "when"] = when[0]
    frame.to_csv(path, index=False)
    capsys.readouterr()
    _, new, _ = read_by(code, path)
    told = f"when: {len(when) - 1} not read as a date, such as 'later'\n"
    assert capsys.readouterr().out == told
    np.testing.assert_array_equal(new[0], x[0])
    assert np.isnan(new[1:, :-1]).all() and (new[1:, -1] == 1).all()


def test_of_many_rows_it_draws_those_of_the_study(tmp_path: Path) -> None:
    path = table_of(tmp_path)
    recipe = dict(cell_of(path, "price").recipe) | {"data.rows": 50}
    rows, x, _ = read_by(own_table(recipe, path).code, path)
    assert len(rows) == len(x) == 50


def test_a_table_without_odd_columns_has_no_code_for_them(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    pd.DataFrame({"a": np.arange(60) % 7, "y": np.arange(60) % 2}).to_csv(path, index=False)
    (cell,) = make_cells(data={"csv": str(path), "target": "y"})
    code = own_table(cell.recipe, path).code
    assert "calendar" not in code and "WRITTEN" not in code and len(code.splitlines()) < 113


def test_what_only_the_whole_reader_reads_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = [(n % 7, n * n % 11) for n in range(60)]
    total = f"Total;{sum(a for a, _ in rows)};{sum(y for _, y in rows)}"
    lines = ["who;a;y", *(f"{'ab'[a % 2]};{a};{y}" for a, y in rows), total]
    path.write_text("\n".join(lines))
    (cell,) = make_cells(data={"csv": str(path), "target": "y", "task": "regression"})
    with pytest.raises(ExportError, match=r"t\.csv is read by more rules than a short script has"):
        own_table(cell.recipe, path)
    path.write_text(path.read_text() + "\na;3;4")
    with pytest.raises(ExportError, match="is not the table that the study read"):
        own_table(cell.recipe, path)
    with pytest.raises(ExportError, match=r"--predict .*no such file"):
        own_table(cell.recipe, tmp_path / "gone.csv")


def test_only_of_a_table_are_there_rows_to_predict(tmp_path: Path) -> None:
    (cell,) = make_cells(data="iris")
    stored = StoredCell(cell.cell_id, "s", dict(cell.recipe), {"status": "ok"}, True)
    with pytest.raises(ExportError, match="is about iris, not a table of your own"):
        script_of(stored, tmp_path / "iris.csv")


# ------------------------------------------------------------------------------ whole scripts


def ran_from_nothing(script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=script.parent)


def written(folder: Path, cell: Cell, row: dict[str, Any], table: Path) -> Path:
    row = {name: value for name, value in row.items() if not pd.isna(value)}
    stored = StoredCell(cell.cell_id, "s", dict(cell.recipe), row, True)
    script = folder / "model.py"
    script.write_text(script_of(stored, table), encoding="utf-8")
    return script


def rows_of_test(split: Split, path: Path, target: str) -> Any:
    """The places in the file of a split's test rows: days rise, and are all different."""
    drop = ("price",) if target == "kind" else ("kind",)
    features = kept_table(path, Choices(target, drop=drop)).features
    place = features.index("day days since the first")
    every = np.concatenate([split.x[part][:, place] for part in ("train", "val", "test")])
    return np.argsort(np.argsort(every))[-len(split.x["test"]) :]


NEW = """is_new;count;plain;größe;share;city;day
yes;n.a.;3;1.234,5;31,20 %;c03;30.01.2020
maybe;;;-;31,20 %;nowhere;
"""


@pytest.mark.whole
@pytest.mark.parametrize("target", ["kind", "price"])
def test_a_networks_predictions_are_the_studys(
    tmp_path: Path, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("safetensors")
    path = table_of(tmp_path)
    early = {"name": "patience", "patience": 2}
    cell = cell_of(path, target, norm="batchnorm", dropout=0.2, early_stopping=early)
    outputs: dict[str, Any] = {}

    def seen(loss: str, split: Split, part: str, values: Any) -> dict[str, Any]:
        outputs[part] = values
        return {}

    monkeypatch.setattr(protocol, "scores_of_outputs", seen)
    (row,) = train_cell(cell).cells
    script = written(tmp_path, cell, row, path)
    trained = ran_from_nothing(script, "train", str(path))
    assert "# as in the table" in trained.stdout, trained.stdout + trained.stderr
    said = run_script(script, "predict", str(path))
    split = split_for(cell.recipe)
    found = pd.read_csv(StringIO(said.stdout)).iloc[rows_of_test(split, path, target)]
    if target == "kind":
        wanted = softmax(outputs["test"], axis=1)
        classes = ["Some", "big", "none"]
        np.testing.assert_allclose(found[[f"probability of {c}" for c in classes]], wanted, 1e-7)
        assert list(found["kind"]) == [classes[place] for place in wanted.argmax(1)]
    else:
        y = 9 + (pd.read_csv(path, sep=";", decimal=",")["price"] - 9)
        errors = found["price"] - y.iloc[found.index]
        assert 1 - (errors**2).mean() / y.iloc[found.index].var(ddof=0) == pytest.approx(
            row["test_r2"], rel=1e-6
        )
        scaled = (found["price"] - found["price"].mean()) / found["price"].std()
        theirs = pd.Series(outputs["test"][:, 0])
        wanted = (theirs - theirs.mean()) / theirs.std()
        np.testing.assert_allclose(scaled, wanted, 1e-6)
    refused_and_said(script, path, target)
    stopped_reading(script, path)


def stopped_reading(script: Path, path: Path) -> None:
    """Who reads no further, as `head` does, ends it without a word."""
    reads, writes = os.pipe()
    os.close(reads)
    command = [sys.executable, script, "predict", path]
    told = subprocess.run(command, stdout=writes, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writes)
    assert told.returncode == -signal.SIGPIPE and "Error" not in told.stderr, told.stderr


def refused_and_said(script: Path, path: Path, target: str) -> None:
    """What is new in a table is said, and what is lacking ends in one sentence."""
    new = path.with_name("new.csv")
    new.write_text(NEW)
    told = run_script(script, "predict", str(new))
    assert len(told.stdout.splitlines()) == 3 and told.returncode == 0
    assert "# is_new: unknown, so none of its levels: maybe" in told.stderr
    assert "# plain: missing in 1 of 2 rows" in told.stderr and "city" not in told.stderr
    frame = pd.read_csv(new, sep=";").drop(columns=["city", "day"])
    frame.to_csv(new, sep=";", index=False)
    lacking = run_script(script, "predict", str(new))
    assert (lacking.returncode, lacking.stdout) == (1, "")
    assert lacking.stderr.splitlines() == ["the table has no column 'city', 'day'"]
    new.write_text(NEW.splitlines()[0])
    assert run_script(script, "predict", str(new)).stderr == f"{new} has no rows\n"
    more = path.with_name("more.csv")
    more.write_text(f"{path.read_text()}{path.read_text().splitlines()[-1]}\n")
    other = run_script(script, "train", str(more))
    assert "# another table than the study read: these numbers are its own" in other.stdout
    assert "as in the table" not in other.stdout and other.returncode == 0
    assert run_script(script, "predict").stderr.startswith("python ")


def score_of_predictions(script: Path, path: Path, cell: Cell, target: str) -> tuple[str, float]:
    """The test score of what a script predicts of the table that it learned from, and its name."""
    found = pd.read_csv(StringIO(run_script(script, "predict", str(path)).stdout))[target]
    found = found.iloc[rows_of_test(split_for(cell.recipe), path, target)]
    own = pd.read_csv(path, sep=";", decimal=",")[target].iloc[found.index]
    if target == "kind":
        right = found.str.casefold().to_numpy() == own.str.casefold().to_numpy()
        return "test_accuracy", right.mean()
    return "test_r2", 1 - ((found - own) ** 2).mean() / own.var(ddof=0)


@pytest.mark.whole
@pytest.mark.parametrize(("target", "name"), [("kind", "forest"), ("price", "linear")])
def test_a_baselines_predictions_are_the_studys(tmp_path: Path, target: str, name: str) -> None:
    path = table_of(tmp_path)
    recipe = dict(cell_of(path, target).recipe)
    by = "val_accuracy" if target == "kind" else "val_r2"
    (about,) = baseline_recipes([recipe], [name], by)
    cell = make_cell("s", about)
    row = fit_cell(cell)
    script = written(tmp_path, cell, row, path)
    untrained = run_script(script, "predict", str(path))
    assert untrained.stderr.splitlines() == [
        "there is no model.json beside this script: train first"
    ]
    trained = ran_from_nothing(script, "train", str(path))
    assert "# as in the table" in trained.stdout, trained.stdout + trained.stderr
    metric, score = score_of_predictions(script, path, cell, target)
    assert score == pytest.approx(row[metric], rel=1e-9)
    refused_and_said(script, path, target)


def test_a_script_is_clean_code_that_carries_no_more_than_it_needs(tmp_path: Path) -> None:
    path = table_of(tmp_path)
    for target in ("kind", "price"):
        cell = cell_of(path, target)
        script = written(tmp_path, cell, {"status": "ok"}, path)
        text = script.read_text()
        assert "nnbench." not in text and len(text.splitlines()) < 480
        rules = ["--isolated", "--select", "F,E,W,I,UP", "--target-version", "py311"]
        command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--line-length", "100"]
        checked = subprocess.run([*command, *rules, script], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stdout[-2000:]


@pytest.mark.whole
@pytest.mark.parametrize("target", ["kind", "price"])
def test_rows_that_are_alike_stay_in_one_part(tmp_path: Path, target: str) -> None:
    frame = pd.read_csv(table_of(tmp_path), sep=";")
    path = tmp_path / "twice.csv"
    pd.concat([frame, frame[::3]]).to_csv(path, sep=";", index=False)
    (about,) = baseline_recipes([dict(cell_of(path, target).recipe)], ["linear"], "val_loss")
    cell = make_cell("s", about)
    script = written(tmp_path, cell, fit_cell(cell), path)
    assert own_table(cell.recipe, path).alike and "unit = pd.factorize" in script.read_text()
    trained = run_script(script, "train", str(path))
    assert "# as in the table" in trained.stdout, trained.stdout + trained.stderr


SPLITS: dict[str, dict[str, Any]] = {
    "folds": {"folds": 4, "seed": 6},
    "a share of the rows": {"train_share": 0.4},
    "a group of numbers": {"data.group": "plain", "seed": 2, "train_share": 0.5},
    "groups in folds": {"data.group": "city", "folds": 3, "seed": 1},
    "dates": {"data.time": "day", "train_share": 0.5},
    "times that are numbers": {"data.time": "größe"},
}


def split_as(path: Path, target: str, how: str) -> dict[str, Any]:
    """A network's recipe whose rows are split so. The table has some rows twice."""
    frame = pd.read_csv(path, sep=";", dtype=str, keep_default_na=False)
    frame.loc[:, "city"] = frame["city"].replace("", "c00")
    pd.concat([frame, frame[::7]]).to_csv(path, sep=";", index=False)
    said = SPLITS[how]
    of_data = {key.removeprefix("data."): said[key] for key in said if key.startswith("data.")}
    other = {"kind": "price", "price": "kind"}[target]
    data = {"csv": str(path), "target": target, "drop": [other], **of_data}
    fixed = {"dtype": "float64", "epochs": 3, "width": 6, "batch_size": 16}
    (cell,) = make_cells(
        data=data,
        seeds=[said.get("seed", 0)],
        folds=said.get("folds", 0),
        train_share=said.get("train_share", 1.0),
        **fixed,
    )
    return dict(cell.recipe)


@pytest.mark.whole
@pytest.mark.parametrize(("how", "target"), [*zip(SPLITS, ["kind", "price"] * 3, strict=False)])
def test_rows_are_split_as_the_study_splits_them(tmp_path: Path, how: str, target: str) -> None:
    path = table_of(tmp_path)
    (about,) = baseline_recipes([split_as(path, target, how)], ["linear"], "val_loss")
    cell = make_cell("s", about)
    script = written(tmp_path, cell, fit_cell(cell), path)
    trained = run_script(script, "train", str(path))
    assert "# as in the table" in trained.stdout, trained.stdout + trained.stderr


@pytest.mark.whole
def test_a_network_is_split_so_too(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    path = table_of(tmp_path)
    cell = make_cell("s", split_as(path, "kind", "groups in folds"))
    (row,) = train_cell(cell).cells
    script = written(tmp_path, cell, row, path)
    trained = run_script(script, "train", str(path))
    assert "# as in the table" in trained.stdout, trained.stdout + trained.stderr


@pytest.mark.whole
@pytest.mark.parametrize(
    ("target", "more"),
    [
        ("kind", {"class_weight": "balanced"}),
        ("price", {"target_transform": "either"}),
    ],
)
def test_a_baseline_weighs_classes_and_learns_logarithms(
    tmp_path: Path, target: str, more: dict[str, Any]
) -> None:
    path = table_of(tmp_path)
    by = "val_accuracy" if target == "kind" else "val_r2"
    (about,) = baseline_recipes([dict(cell_of(path, target).recipe)], ["linear"], by)
    cell = make_cell("s", about | more)
    row = fit_cell(cell)
    script = written(tmp_path, cell, row, path)
    trained = run_script(script, "train", str(path))
    assert "# as in the table" in trained.stdout, trained.stdout + trained.stderr
    metric, score = score_of_predictions(script, path, cell, target)
    assert score == pytest.approx(row[metric], rel=1e-9)


def test_of_many_rows_of_a_rare_class_it_draws_those_of_the_study(tmp_path: Path) -> None:
    path = table_of(tmp_path)
    recipe = dict(cell_of(path, "kind").recipe) | {"data.rows": 60}
    table = kept_table(path, Choices("kind", drop=("price",), rows=60))
    _, x, y = read_by(own_table(recipe, path).code, path)
    np.testing.assert_array_equal(x, table.x)
    np.testing.assert_array_equal(y, table.y)
