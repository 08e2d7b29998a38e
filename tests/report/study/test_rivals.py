"""What to use: the first sentence of a study with baselines, and its table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nnbench.report.analysis import analyse
from nnbench.report.build import page_of
from nnbench.report.page.parts import Table
from nnbench.report.page.table_notes import table_title
from nnbench.report.study.method import TIMED, of_splits
from nnbench.report.study.rivals import Advice, advice_of, cell_to_use
from nnbench.results.read import ReportError, Results
from tests.synthetic import make_cells, study_document

COMMAND = "nnbench run synthetic"
TABLE = {"file": "my t.csv", "target": "y"}
NOISE = np.array([0.0, 0.004, -0.004, 0.002, -0.002])


def results(tmp_path: Path, scores: dict[str, float], network: float | None = None) -> Results:
    """Five repeats on one data set: the planted networks, and baselines with these scores."""
    cells = make_cells(range(5), optimizers=[("adam", 0.001)])
    cells = cells[cells["data"] == "digits"].reset_index(drop=True)
    fixed = {"width": 8, "norm": "none", "dropout": 0.0, "val_fraction": 0.2, "test_fraction": 0.2}
    cells = cells.assign(**fixed, val_accuracy=cells["test_accuracy"])
    front = [name for name in cells if name in fixed]
    order = [c for c in cells if c not in front]
    place = order.index("status")
    cells = cells[[*order[:place], *front, *order[place:]]]
    if network is not None:
        cells["test_accuracy"] = network + NOISE[cells["seed"]] * 1.5
        cells["val_accuracy"] = cells["test_accuracy"]
    rows: list[dict[str, Any]] = [
        {"cell_id": f"b{name}{seed}", "data": "digits", "seed": seed, "status": "ok"}
        | {"baseline": name, "val_fraction": 0.2, "test_fraction": 0.2, "test_rows": 200}
        | {"test_accuracy": score + NOISE[seed] * (1 + place / 5), "val_loss": 1 - score}
        | {"val_accuracy": score, "setting": f"C = {seed % 2}"}
        for place, (name, score) in enumerate(scores.items())
        for seed in range(5)
    ]
    document = study_document(factors={"activation": ["relu", "tanh", "sigmoid"]})
    document["factors"]["init"] = ["he_normal", "xavier_normal"]
    provenance = {"study": document, "counts": {"missing": 0}}
    curves = pd.DataFrame({"cell_id": [], "epoch": [], "val_metric": [], "val_loss": []})
    return Results(tmp_path, cells, curves, provenance, baselines=pd.DataFrame(rows))


def advice(found: Results) -> Advice:
    told = advice_of(found, analyse(found), COMMAND)
    assert told is not None
    return told


def test_a_simple_model_that_no_network_surely_beats_is_named_first(tmp_path: Path) -> None:
    found = advice(results(tmp_path, {"constant": 0.3, "linear": 0.95, "forest": 0.953}, 0.955))
    first, second, script = found.said
    assert first.startswith("Logistic regression: test accuracy 95 % [94")
    assert "; no network clearly beats it (by at most " in first and first.endswith("95 % CI).")
    assert second.startswith("The commonest class alone scores 30 % [29")
    assert "The network is ahead by 0.5 points (95 % CI" in second
    assert script == "Logistic regression is scikit-learn's LogisticRegression."


def test_one_repeat_has_no_interval_and_says_how_to_have_more(tmp_path: Path) -> None:
    whole = results(tmp_path, {"constant": 0.3, "linear": 0.8}, 0.9)
    cells, models = (one[one["seed"] == 0] for one in (whole.cells, whole.baselines))
    one = replace(whole, cells=cells.reset_index(drop=True), baselines=models)
    said = " ".join(advice(one).said)
    assert "One repeat cannot rule out chance: here the network and the commonest" in said
    assert f"{COMMAND} --seeds 5." in said and "– to –" not in said and "1 repeats" not in said


def test_a_network_that_is_ahead_of_all_is_named_with_its_settings(tmp_path: Path) -> None:
    found = advice(results(tmp_path, {"constant": 0.3, "linear": 0.7, "boosting": 0.8}, 0.95))
    first, _, script = found.said
    assert first.startswith("A network with 2 hidden layers of 8 units, ")
    assert "adam at 0.001: test accuracy 95 % [94" in first
    assert "; gradient boosting 80 % [79" in first and "behind by 15 points (95 % CI" in first
    assert "nnbench export " in script


def test_a_network_that_is_behind_says_by_how_much(tmp_path: Path) -> None:
    first, *_ = advice(results(tmp_path, {"constant": 0.3, "linear": 0.99}, 0.8)).said
    assert "; every network is behind, the best by 19 points (95 % CI 18" in first


def test_where_nothing_helps_the_base_rate_is_the_answer(tmp_path: Path) -> None:
    (first, second) = advice(results(tmp_path, {"constant": 0.5, "linear": 0.499}, 0.498)).said
    assert first.startswith("The commonest class: test accuracy 50 %")
    assert "check in the table of columns" in second


def test_without_the_constant_nothing_is_called_worth_using(tmp_path: Path) -> None:
    found = results(tmp_path, {"linear": 0.7, "forest": 0.9}, 0.8)
    told = advice(found)
    assert told.said[0] == (
        "Not settled: a random forest has a test accuracy of 90 % [89, 91], but the commonest "
        "class was not run, so there may be nothing to learn."
    )
    assert told.said[1:] == ['To settle it, add "constant" to baselines.']
    table = told.section.parts[1]
    assert isinstance(table, Table) and "what to use" not in str(table)
    with pytest.raises(ReportError, match="lacks the results of the commonest class"):
        cell_to_use(found, analyse(found))


def test_a_difference_of_fewer_repeats_than_the_mean_says_so(tmp_path: Path) -> None:
    found = results(tmp_path, {"constant": 0.3, "linear": 0.7}, 0.95)
    rare = found.baselines[
        (found.baselines["baseline"] != "linear") | (found.baselines["seed"] < 2)
    ]
    table = advice(replace(found, baselines=rare.reset_index(drop=True))).section.parts[1]
    assert isinstance(table, Table)
    told = {row[0].words: row for row in table.table_cells}
    assert told["Logistic regression"][1].count == "n 2"
    assert told["The commonest class"][2].count == "" != told["The commonest class"][1].count


@pytest.mark.whole
def test_the_table_has_everyone_best_first_and_the_page_opens_with_the_answer(
    tmp_path: Path,
) -> None:
    planted = results(tmp_path, {"constant": 0.3, "linear": 0.7, "boosting": 0.8}, 0.95)
    table = advice(planted).section.parts[1]
    assert isinstance(table, Table)
    names = [row[0].words for row in table.table_cells]
    assert [name.split(" with")[0] for name in names] == [
        "A network",
        "Gradient boosting",
        "Logistic regression",
        "The commonest class",
    ]
    assert table.table_cells[0][2].text == "what to use"
    assert table.table_cells[1][2].text == "\N{MINUS SIGN}15"
    page = page_of(planted)
    assert page.answer[0] == advice(planted).said[0] and len(page.answer) == 3
    assert [section.title for section in page.sections[:2]] == ["Setup", "What to use"]


@pytest.mark.parametrize("how", ["none", "no score"])
def test_without_baselines_there_is_no_advice(tmp_path: Path, how: str) -> None:
    planted = results(tmp_path, {"linear": 0.7})
    beside = pd.DataFrame() if how == "none" else planted.baselines.assign(test_accuracy=None)
    bare = Results(tmp_path, planted.cells, planted.curves, planted.provenance, baselines=beside)
    assert advice_of(bare, analyse(bare), COMMAND) is None


def test_what_an_interval_means_is_said_of_folds_and_of_a_split_by_time(tmp_path: Path) -> None:
    plain = results(tmp_path, {"constant": 0.3, "linear": 0.8}, 0.9)
    assert of_splits(plain.cells) == []
    folded = plain.cells.assign(folds=5)
    assert of_splits(folded)[0].startswith("Seeds are the folds of a shuffle: each row is tested ")
    of_time = {"data.time": "date"}
    both = {"cells": plain.cells.assign(**of_time), "baselines": plain.baselines.assign(**of_time)}
    timed = replace(plain, **both)
    assert of_splits(timed.cells) == [TIMED]
    texts = [str(part) for part in advice(timed).section.parts]
    assert any("an interval covers other seeds only" in text for text in texts)
    assert not any("covers other seeds only" in str(part) for part in advice(plain).section.parts)


def test_the_cell_to_use_is_one_of_what_is_named_first(tmp_path: Path) -> None:
    simple = results(tmp_path, {"constant": 0.3, "linear": 0.95, "forest": 0.953}, 0.955)
    assert cell_to_use(simple, analyse(simple)) == "blinear0"
    network = results(tmp_path, {"constant": 0.3, "linear": 0.7}, 0.95)
    cell = cell_to_use(network, analyse(network))
    assert cell in set(network.cells["cell_id"])
    of_table = replace(network, provenance=dict(network.provenance) | {"tables": [TABLE]})
    place = f"{tmp_path.parent.name}/{tmp_path.name}"
    command = f"nnbench export best --from {place} --predict 'my t.csv' > model.py"
    assert f"As a script that predicts new rows: {command}" == advice(of_table).said[2]
    of_table = replace(simple, provenance=dict(simple.provenance) | {"tables": [TABLE]})
    (_, _, script) = advice(of_table).said
    assert f"new rows with scikit-learn's LogisticRegression: {command}" in script
    assert "Logistic regression is" not in script
    drawn = advice(of_table).picture
    assert drawn is not None and "95 % [94, 96]" in drawn.svg and "Logistic regression" in drawn.svg


def test_what_the_constant_has_in_every_split_has_no_interval(tmp_path: Path) -> None:
    found = results(tmp_path, {"constant": 0.3, "linear": 0.95}, 0.94)
    fixed = found.baselines["test_accuracy"].mask(found.baselines["baseline"] == "constant", 0.3)
    same = replace(found, baselines=found.baselines.assign(test_accuracy=fixed))
    assert advice(same).said[1].startswith("The commonest class alone scores 30.0 %.")


def test_what_is_alike_in_each_repeat_has_no_interval_of_dashes(tmp_path: Path) -> None:
    """Split by time each repeat has the same parts, and a linear model the same numbers."""
    found = results(tmp_path, {"constant": 0.3, "linear": 0.4}, 0.2)
    same = found.baselines.assign(
        test_accuracy=found.baselines["baseline"].map({"constant": 0.3, "linear": 0.4}),
        test_rows=10**15,  # as good as no grain
    )
    said = " ".join(advice(replace(found, baselines=same)).said)
    assert "logistic regression has a test accuracy of 40.0 %, the commonest class of 30" in said
    assert "ahead by 10.0 points (no interval: the same in every repeat), which 5 repeats" in said
    assert "\N{EN DASH}" not in said


@pytest.mark.whole
@pytest.mark.parametrize("split", [{"data.group": "who"}, {"data.time": "when"}, {"folds": 5}])
def test_a_script_is_promised_however_rows_are_split(tmp_path: Path, split: dict[str, Any]) -> None:
    provenance = {"tables": [TABLE]}
    for scores, network in (({"constant": 0.3, "linear": 0.95}, 0.94), ({"constant": 0.3}, 0.95)):
        found = results(tmp_path, scores, network)
        found = replace(
            found,
            cells=found.cells.assign(**split),
            baselines=found.baselines.assign(**split),
            provenance=dict(found.provenance) | provenance,
        )
        (*_, script) = advice(found).said
        by = " with scikit-learn's LogisticRegression" if "linear" in scores else ""
        assert f"As a script that predicts new rows{by}: nnbench export best" in script


def test_a_lead_that_may_be_chance_is_no_reason_to_name_the_constant(tmp_path: Path) -> None:
    found = results(tmp_path, {"constant": 0.3, "linear": 0.4}, 0.3)
    swings = found.baselines["baseline"] == "linear"
    scores = found.baselines["test_accuracy"] + swings * 25 * NOISE[found.baselines["seed"]]
    found = replace(found, baselines=found.baselines.assign(test_accuracy=scores))
    first, second = advice(found).said
    assert first.startswith("Not settled: logistic regression has a test accuracy of 40 % [")
    assert ", the commonest class of 30 % [" in first and first.endswith("may be chance.")
    assert second.startswith("Logistic regression is ahead by 10")
    assert "which 5 repeats cannot distinguish from chance" in second


def test_a_network_that_surely_learns_is_named_before_a_model_whose_lead_may_be_chance(
    tmp_path: Path,
) -> None:
    found = results(tmp_path, {"constant": 0.3, "linear": 0.4}, 0.35)
    swings = found.baselines["baseline"] == "linear"
    scores = found.baselines["test_accuracy"] + swings * 25 * NOISE[found.baselines["seed"]]
    found = replace(found, baselines=found.baselines.assign(test_accuracy=scores))
    first, second, *_ = advice(found).said
    assert first.startswith("A network with ") and first.endswith("ahead of the commonest class.")
    assert (
        "Logistic regression is ahead by 5" in second and "cannot distinguish from chance" in second
    )


def test_the_logarithm_of_a_heavy_tailed_target_is_offered_until_it_is_learned(
    tmp_path: Path,
) -> None:
    found = results(tmp_path, {"constant": 0.3, "linear": 0.9})
    offer = f"{COMMAND} --dry-run --write-study synthetic-log.toml."

    def said(grid: dict[str, Any], **table: Any) -> list[str]:
        title = table_title(TABLE["file"], TABLE["target"])
        study = found.study | {"title": title, "grid": {"data": {}, **grid}}
        tables = [TABLE | table]
        known = found.provenance | {"study": study, "tables": tables}
        return [one for one in advice(replace(found, provenance=known)).said if offer in one]

    assert len(said({}, heavy_tail=True)) == 1
    assert not said({"target_transform": "log"}, heavy_tail=True) and not said({})


def test_where_nothing_is_to_be_used_no_cell_is_named(tmp_path: Path) -> None:
    alike = results(tmp_path, {"constant": 0.5, "linear": 0.5}, 0.5)
    with pytest.raises(ReportError, match="nothing clearly beats the commonest class"):
        cell_to_use(alike, analyse(alike))
    without = replace(alike, baselines=pd.DataFrame())
    with pytest.raises(ReportError, match=r"no scikit-learn models.*: name a cell"):
        cell_to_use(without, analyse(without))
