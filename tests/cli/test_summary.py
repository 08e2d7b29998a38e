"""What is told before a run and after it: for people in lines, in few words."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import nnbench as nb
from nnbench.catalog import VOCABULARY
from nnbench.catalog.own.entries import register, withdraw
from nnbench.cli.forecast import forecast
from nnbench.cli.places import open_page
from nnbench.cli.summary import (
    Standing,
    changed_code,
    closing_lines,
    seeds_text,
    standing_of_results,
    wrapped,
)
from nnbench.pipeline import Outcome
from nnbench.report.build import Report
from nnbench.results.fingerprint import fingerprint
from nnbench.results.rows import Rows
from nnbench.results.store import Store
from nnbench.study.reading import make_study
from nnbench.study.study import Study
from nnbench.training.native.compiler import find_compiler
from tests.synthetic import write_results


def small(**grid: object) -> Study:
    content = {"name": "small", "title": "A small one", "grid": {"data": "iris", **grid}}
    return make_study(content, VOCABULARY)


def closing(columns: int = 100, **counts: int) -> list[str]:
    every = {"cells": 12, "ok": 12, "diverged": 0, "crashed": 0, "missing": 0} | counts
    answer = ["A sentence of the answer that is " + "very " * 40 + "long.", "Another.", "A third."]
    report = Report(Path("report.html"), answer, "nnbench run small")
    outcome = Outcome(Path("results/small"), report, every, 4.2)
    return closing_lines(small(), outcome, "small", columns=columns)


@pytest.mark.parametrize(
    ("page", "given", "out", "here"),
    [
        ("nnbench run s.toml", "/far/s.toml", "results", "nnbench run /far/s.toml"),
        ("nnbench run s --with a.py --out b", "s", "a/b", "nnbench run s --with /x/a.py --out a/b"),
        ("nnbench run s", "s", "old/results", "nnbench run s --out old/results"),
        (
            "nnbench run --data t.csv --target y --out b",
            "my data/t.csv",
            "../b",
            "nnbench run --data 'my data/t.csv' --target y --out ../b",
        ),
    ],
)
def test_advice_on_the_terminal_runs_from_here(page: str, given: str, out: str, here: str) -> None:
    every = {"cells": 2, "ok": 2, "diverged": 0, "crashed": 0, "missing": 0}
    report = Report(Path("report.html"), [f"Try {page} --seeds 9.", "It finished."], page)
    outcome = Outcome(Path(out, "small"), report, every, 1.0)
    lines = closing_lines(small(), outcome, given, [Path("/x/a.py")], columns=60)
    assert lines[2:4] == ["  Try", f"    {here} --seeds 9"], "whole, and without the full stop"


def test_a_script_is_advised_from_where_results_and_table_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table = Path("my data", "t.csv")
    table.parent.mkdir()
    rows = "".join(f"{row},{row * row % 7},{'no' if row % 3 else 'yes'}\n" for row in range(60))
    table.write_text(f"a,b,y\n{rows}")
    page = "nnbench export best --from out/small --predict t.csv > model.py"
    every = {"cells": 2, "ok": 2, "diverged": 0, "crashed": 0, "missing": 0}
    report = Report(Path("report.html"), [page], "nnbench run --data t.csv --target y --out out")
    outcome = Outcome(Path("deep/out/small"), report, every, 1.0)
    study = small(data={"csv": str(table), "target": "y"})
    here = "nnbench export best --from deep/out/small --predict 'my data/t.csv' > model.py"
    assert f"    {here}" in closing_lines(study, outcome, table)


def test_many_seeds_are_told_by_their_ends() -> None:
    assert seeds_text((0, 1, 2)) == "0, 1, 2"
    assert seeds_text(tuple(range(200))) == "0, 1, ..., 199 (200 seeds)"


def test_a_forecast_is_short_however_many_seeds() -> None:
    from nnbench.pipeline import Options

    lines = forecast(small(epochs=0, seeds=100), Options(workers=1)).lines()
    assert "  seeds: 0, 1, ..., 99 (100 seeds)" in lines
    assert max(map(len, lines)) < 120


def test_a_forecast_says_where_a_factor_changes_nothing() -> None:
    from nnbench.pipeline import Options

    made = small(dropout=[0.0, 0.2], dropout_kind=["standard", "alpha"], epochs=1)
    told = forecast(made, Options(workers=1))
    note = "dropout_kind changes nothing in 2 of 4 arms: dropout = 0"
    assert f"note: {note}" in told.lines() and told.row()["notes"] == [note]
    assert forecast(small(dropout=[0.0, 0.2], epochs=1), Options(workers=1)).row()["notes"] == []


def test_a_forecast_says_which_engine_trains_what_and_why() -> None:
    from nnbench.pipeline import Options

    steps = {"batch_size": [1, 0], "epochs": 2, "seeds": 1}  # of 105 rows: 210 steps, and 2
    told = forecast(small(**steps), Options(workers=1))
    few = "compiling does not pay off below 100 steps"
    name = f"native-{find_compiler().identity}"
    assert {tuple(share) for share in told.engines} == {(name, 1, None), ("stacked-eager", 1, few)}
    assert f"  engine: stacked-eager for 1 networks: {few}" in told.lines()
    assert {"engine": name, "cells": 1, "why": None} in told.row()["engines"]
    asked = forecast(small(**steps), Options(workers=1, engine="reference"))
    assert asked.engines == [("reference", 2, None)]


def test_a_forecast_by_the_reference_counts_baselines_apart() -> None:
    from nnbench.pipeline import Options

    content = {"name": "b", "baselines": ["linear"], "grid": {"data": "wine", "seeds": 2}}
    told = forecast(make_study(content, VOCABULARY), Options(workers=1, engine="reference"))
    counts = {share.engine: share.cells for share in told.engines}
    assert counts == {"reference": 2, "scikit-learn": 2}


def test_a_forecast_says_that_there_is_no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    from nnbench.pipeline import Options

    monkeypatch.setenv("CC", "/no/such/compiler")
    (share,) = forecast(small(batch_size=1, epochs=2), Options(workers=1)).engines
    assert share.engine == "stacked-eager"
    assert share.why == "CC=/no/such/compiler does not work: /no/such/compiler is not there"


@pytest.mark.whole
def test_a_dry_run_of_the_catalogue_needs_no_torch(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(
        'name = "small"\n[grid]\ndata = "iris"\nepochs = 50\nseeds = 1\n'
    )
    script = (
        "import sys\nfrom nnbench.cli.main import main\n"
        "sys.argv = ['nnbench', 'run', 'small.toml', '--dry-run']\n"
        "try: main()\nexcept SystemExit as end: assert end.code == 0\n"
        "heavy = {'torch', 'matplotlib', 'seaborn', 'jinja2'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    # what this machine refused before is looked into, with torch
    env = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, env=env
    )
    assert ended.returncode == 0, ended.stderr
    assert "engine: native-" in ended.stdout and "expected: about" in ended.stdout


@pytest.mark.whole
def test_a_worker_imports_nothing_that_draws() -> None:
    heavy = "{'matplotlib', 'scipy', 'torch'}"
    script = f"import sys, nnbench.pipeline\nassert not {heavy} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


def test_a_closing_line_counts_as_the_report_does() -> None:
    assert closing()[:2] == ["A small one", "  12 of 12 networks finished, in 4.2 s"]
    told = closing(ok=9, diverged=1, missing=2)[1]
    assert told == "  9 of 12 networks finished, 1 diverged, 2 not run, in 4.2 s"


def test_the_answer_is_wrapped_to_the_terminal() -> None:
    for columns in (40, 80):
        lines = closing(columns)
        assert max(map(len, lines[1:])) <= columns
        assert all(line.startswith("  ") for line in lines[1:])
        assert " ".join(" ".join(lines).split()).count("very") == 40
    assert max(map(len, closing(columns=400)[1:])) <= 100
    assert not any("A third" in line for line in closing())


def test_a_page_is_opened_by_its_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    open_page(tmp_path / "a page.html")
    assert opened == [f"file://{tmp_path.resolve()}/a%20page.html"]


def test_a_number_is_not_broken_at_its_minus() -> None:
    lines = wrapped("lr=0.1e-3 " * 20, 40)
    assert set(" ".join(lines).split()) == {"lr=0.1e-3"}


def test_a_standing_says_only_what_there_is_to_say() -> None:
    done = Standing("small", "networks", 1200, 1200, 0, 0, 0, 0)
    assert done.lines() == ["small: 1,200 of 1,200 networks finished, nothing to run"]
    half = Standing("small", "networks", 12, 7, 1, 2, 1, 3)
    assert half.lines() == [
        "small: 7 of 12 networks finished, 5 to run",
        "  1 crashed: the next run tries again",
        "  2 with results from other sources or versions: stale, the next run replaces them",
        "  3 with results from another engine: kept, not used",
        "  1 damaged part set aside",
    ]
    assert half.row() == {
        "study": "small",
        "cells": 12,
        "finished": 7,
        "crashed": 1,
        "stale": 2,
        "damaged_parts": 1,
        "to_run": 5,
        "other_engine": 3,
        "stale_because": [],
        "changed_entries": {},
    }
    why = replace(half, because=["torch 1 -> 2", "the engine's sources"], changed={"loss.mine": 4})
    assert why.lines()[2:4] == [
        "  2 with results from other sources or versions (torch 1 -> 2; the engine's sources): "
        "stale, the next run replaces them",
        "  4 to run again, because the code of loss.mine has changed",
    ]


def root(power: float) -> nb.Entries:
    return nb.Entries(activations={"root": nb.Activation(lambda x: x.clamp_min(0) ** power)})


@pytest.mark.usefixtures("none_stay")
def test_a_folder_names_the_entries_whose_code_changed(tmp_path: Path) -> None:
    register(root(0.5))
    cells = small(activation=["relu", "root"], seeds=2).cells()
    rows = [
        {"cell_id": cell.cell_id, "status": "ok", "engine": "e", "test_accuracy": 0.5}
        for cell in cells
    ]
    recipes = pd.DataFrame([dict(cell.recipe.items()) for cell in cells])
    folder = write_results(tmp_path / "small", recipes.join(pd.DataFrame(rows)), name="small")
    Store(folder, fingerprint(), lambda engine, ids: True).commit(Rows(cells=rows))
    standing = standing_of_results(folder)
    assert (standing.finished, standing.to_run, standing.changed) == (4, 0, {})
    assert changed_code(folder) == []

    register(root(0.25))
    standing = standing_of_results(folder)
    assert (standing.finished, standing.to_run, standing.stale) == (2, 2, 0)
    assert standing.changed == {"activation.root": 2}
    assert (
        standing.lines()[1] == "  2 to run again, because the code of activation.root has changed"
    )
    assert changed_code(folder) == [
        "small: results from different code of activation.root: 2; run the study again"
    ]
    withdraw()
    assert standing_of_results(folder).changed == {}, "nothing is known without the file"
