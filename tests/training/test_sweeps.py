"""Sweeps of logits: exact values, what is known of each expression, the study and its report."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from nnbench.catalog import EXPRESSIONS, LOSSES, VOCABULARY
from nnbench.catalog.expressions import exact, right_class, two_classes
from nnbench.cli.progress import Progress
from nnbench.pipeline import Options, run
from nnbench.study.mistakes import StudyError
from nnbench.study.reading import make_study
from nnbench.study.study import Cell, Study
from nnbench.training.stacked.sweep import sweep, swept_cell
from nnbench.training.sweeps import MOST_POINTS, relative_error
from tests.command import nnbench

SAFE = ["bce_with_logits", "cross_entropy", "nll_of_log_softmax"]
UNSAFE = [name for name in EXPRESSIONS if name not in SAFE]
every_expression = pytest.mark.parametrize("name", EXPRESSIONS)


def study(grid: dict[str, Any], **sections: Any) -> Study:
    return make_study({"name": "sweeps", "kind": "numerics", "grid": grid, **sections}, VOCABULARY)


def cell_of(expression: str, **grid: Any) -> Cell:
    (cell,) = study({"expression": expression, **grid}).cells()
    return cell


def row_of(expression: str, **grid: Any) -> dict[str, Any]:
    return sweep([cell_of(expression, **grid)]).cells[0]


# ----------------------------------------------------------------------------------- exact values


@pytest.mark.parametrize("logit", [-1000.0, -745.5, -40.0, -1.0, 0.0, 1e-9, 2.0, 36.0, 40.0, 700.0])
def test_exact_values_are_those_of_the_standard_library(logit: float) -> None:
    value, gradient = exact(torch.tensor([logit], dtype=torch.float64))
    wanted = -logit + math.log1p(math.exp(logit)) if logit < 0 else math.log1p(math.exp(-logit))
    slope = -1 / (1 + math.exp(logit))
    assert math.isclose(value.item(), wanted, rel_tol=1e-15)
    assert math.isclose(gradient.item(), slope, rel_tol=1e-15)


@every_expression
def test_every_expression_states_the_same_number(name: str) -> None:
    logits = torch.linspace(-20, 20, 81, dtype=torch.float64, requires_grad=True)
    value = EXPRESSIONS[name].function(logits)
    (gradient,) = torch.autograd.grad(value.sum(), logits)
    truth, slope = exact(logits.detach())
    assert torch.allclose(value.detach(), truth, rtol=1e-6, atol=1e-15)
    assert torch.allclose(gradient, slope, rtol=1e-6, atol=1e-15)


@pytest.mark.parametrize("name", [name for name, entry in EXPRESSIONS.items() if entry.loss])
def test_an_expression_is_the_loss_that_it_names(name: str) -> None:
    """Networks train on what is swept here, in single precision too, but for its rounding."""
    loss = LOSSES[EXPRESSIONS[name].loss]
    for logit in (-300.0, -95.0, -30.0, -2.0, 0.5, 14.0, 120.0):
        logits = torch.tensor([logit], requires_grad=True)
        one_column = loss.targets["classification"] == "one_hot"
        outputs = logits[:, None] if one_column else two_classes(logits)
        targets = torch.ones(1, 1) if one_column else right_class(logits)
        mapped = outputs if loss.output is None else loss.output(outputs)
        parameters = {key: torch.tensor(p.default) for key, p in loss.parameters.items()}
        trained = loss.function(mapped, targets, **parameters)
        swept = EXPRESSIONS[name].function(logits).sum()
        assert torch.allclose(trained, swept, rtol=1e-6, atol=1e-30)
        slopes = [torch.autograd.grad(one, logits)[0] for one in (trained, swept)]
        assert torch.allclose(*slopes, rtol=1e-6, atol=1e-7)


# --------------------------------------------------------------------------------- what is known


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("name", SAFE)
def test_on_logits_a_wrong_answer_is_right_everywhere(name: str, dtype: str) -> None:
    row = row_of(name, dtype=dtype)
    assert row["safe_up_to"] == 1000.0
    assert row["not_finite_from"] is None and row["gradient_lost_from"] is None
    most = 4 * torch.finfo(getattr(torch, dtype)).eps
    assert row["max_relative_error"] <= most and row["max_gradient_error"] <= most


def test_bce_on_a_sigmoid_saturates_and_loses_its_gradient_but_stays_finite() -> None:
    row = row_of("bce_of_sigmoid")
    assert row["not_finite_from"] is None
    assert 27.6 <= row["safe_up_to"] <= 28  # where p falls under 1e-12, torch's smallest divisor
    assert 32 < row["gradient_lost_from"] < 33  # 1 % of it is left
    swept = swept_cell(cell_of("bce_of_sigmoid"))
    far = swept.logit < -104  # the sigmoid itself is 0
    assert (swept.gradient[far] == 0).all() and (swept.value[far] == 100).all()
    assert row["max_relative_error"] == pytest.approx(0.9)  # 100 where it should be 1000


@pytest.mark.parametrize(
    ("name", "dtype", "value_from", "gradient_from"),
    [
        ("log_of_softmax", "float32", 104, 88.7),  # the smallest of all numbers; 1 / s overflows
        ("log_of_softmax", "float64", 745.2, 709.8),
        ("softmax_by_hand", "float32", 104, 88.7),
        ("log_of_sigmoid", "float32", 88.7, 88.7),
        ("sigmoid_by_hand", "float32", 88.7, 52),
        ("log_of_sigmoid", "float16", 17.3, 11.1),
    ],
)
def test_logarithms_of_small_numbers_overflow(
    name: str, dtype: str, value_from: float, gradient_from: float
) -> None:
    row = row_of(name, dtype=dtype)
    assert row["not_finite_from"] == pytest.approx(value_from, abs=0.8)
    assert row["gradient_lost_from"] == pytest.approx(gradient_from, abs=0.8)
    assert row["max_relative_error"] == row["max_gradient_error"] == 1.0


def test_the_log_of_a_softmax_is_minus_infinity_beyond_104() -> None:
    swept = swept_cell(cell_of("log_of_softmax"))
    assert np.isfinite(swept.value[swept.logit > -103]).all()
    assert np.isposinf(swept.value[swept.logit < -104.1]).all()


def test_a_right_answer_loses_what_little_it_has() -> None:
    for name in EXPRESSIONS:
        row = row_of(name, answer="right")
        assert 11 < row["safe_up_to"] < 17
    assert row_of("sigmoid_by_hand", answer="right")["gradient_lost_from"] is None
    assert row_of("cross_entropy", answer="right")["gradient_lost_from"] == pytest.approx(17, abs=1)
    by_hand = row_of("softmax_by_hand", answer="right")
    assert by_hand["not_finite_from"] == pytest.approx(88.7, abs=0.8)  # infinity over infinity


def test_relative_errors_are_bounded_and_ask_nothing_of_tiny_numbers() -> None:
    found = np.array([1.0, 2.0, 0.0, np.inf, np.nan, 5.0, -1.0])
    truth = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1e-40, 1.0])
    error = relative_error(found, truth, smallest=1e-38)
    assert error[:5].tolist() == [0, 0.5, 1, 1, 1] and np.isnan(error[5]) and error[6] == 1


# ----------------------------------------------------------------------------------------- sweeps


@pytest.mark.parametrize("answer", ["wrong", "right"])
def test_a_sweep_covers_its_side_and_is_thinned(answer: str) -> None:
    rows = sweep([cell_of("cross_entropy", answer=answer, limit=50)])
    logits = [row["logit"] for row in rows.curves]
    assert len(logits) == MOST_POINTS and logits[0] == 0
    assert logits[-1] == (-50 if answer == "wrong" else 50)
    assert sorted(logits, reverse=answer == "wrong") == logits
    assert len(set(logits)) == len(logits)
    assert {"value", "gradient", "value64", "gradient64"} <= set(rows.curves[0])


def test_logits_are_those_that_the_number_type_holds() -> None:
    swept = swept_cell(cell_of("cross_entropy", dtype="bfloat16"))
    rounded = torch.tensor(swept.logit).to(torch.bfloat16).double().numpy()
    assert (rounded == swept.logit).all()


def test_what_is_no_number_is_told_from_what_is_infinite() -> None:
    rows = sweep([cell_of("softmax_by_hand", answer="right"), cell_of("log_of_softmax")]).curves
    assert {row["value_is"] for row in rows} == {"finite", "infinite", "nan"}


# --------------------------------------------------------------------------------------- the study


@pytest.mark.parametrize(
    ("grid", "sections", "words"),
    [
        ({}, {}, "expression is missing"),
        ({"expression": "bce_with_logit"}, {}, 'did you mean "bce_with_logits"'),
        ({"expression": "nll", "seeds": 2}, {}, 'unknown key "seeds"'),
        ({"expression": "nll", "dtype": "float8"}, {}, "must be one of"),
        ({"expression": "nll"}, {"report": {"metric": "reached_global"}}, "[report] metric"),
        ({"expression": "nll"}, {"report": {"target": 0.5}}, "[report] target belongs to training"),
    ],
)
def test_mistakes_are_named(grid: dict[str, Any], sections: dict[str, Any], words: str) -> None:
    with pytest.raises(StudyError) as caught:
        study(grid, **sections)
    assert words in str(caught.value)


def test_aliases_name_the_same_cell() -> None:
    assert cell_of("bce").cell_id == cell_of("bce_of_sigmoid").cell_id


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    grid = {
        "expression": ["bce_with_logits", "bce", "log_of_softmax"],
        "dtype": ["float32", "float16"],
        "answer": ["wrong", "right"],
    }
    out = tmp_path_factory.mktemp("sweeps")
    outcome = run(study(grid), Options(out, workers=1), Progress(kind="numerics"))
    assert outcome.counts == {"cells": 12, "ok": 12, "diverged": 0, "crashed": 0, "missing": 0}
    return outcome.folder


def test_a_run_writes_its_tables(finished: Path) -> None:
    frame = pd.read_parquet(finished / "cells.parquet")
    assert set(frame["data"]) == {"wrong answer", "right answer"}
    safe = frame["expression"] == "bce_with_logits"
    wrong = frame["answer"] == "wrong"
    assert frame.loc[safe & wrong, "not_finite_from"].isna().all()
    assert (frame.loc[safe & wrong, "safe_up_to"] == 1000).all()
    assert np.isinf(pd.read_parquet(finished / "curves.parquet")["value"]).any()


@pytest.mark.whole
def test_the_report_needs_no_torch_and_says_who_is_safe(finished: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom nnbench.report.build import build_report\n"
        f"report = build_report(Path({str(finished)!r}))\n"
        "print(' '.join(report.answer))\nassert 'torch' not in sys.modules\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "for wrong answers, bce_with_logits is right up to a logit of 1,000." in ended.stdout
    assert "bce_of_sigmoid without a gradient from 32" in ended.stdout
    page = (finished / "report.html").read_text()
    assert page.count("<figure id=") == page.count("The numbers behind this figure") == 2
    assert "everywhere" in page and "−27.6" in page


@pytest.mark.whole
def test_a_study_of_safe_expressions_alone_has_a_report(tmp_path: Path) -> None:
    """Then some columns have no value at all, and are in no table."""
    made = study({"expression": SAFE, "points": 300})
    outcome = run(made, Options(tmp_path, workers=1), Progress(kind="numerics"))
    assert "not_finite_from" not in pd.read_parquet(outcome.folder / "cells.parquet")
    assert outcome.report.answer[0].startswith("In float32, for wrong answers, bce_with_logits,")


@pytest.mark.parametrize(
    "arguments", [["--seeds", "3"], ["--engine", "native"], ["--device", "cuda"]], ids=" ".join
)
def test_options_without_a_meaning_are_refused(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(
        'name = "tiny"\nkind = "numerics"\n[grid]\nexpression = "bce"\n'
    )
    ended = nnbench("run", "tiny.toml", *arguments, cwd=tmp_path)
    assert ended.returncode == 2 and "Traceback" not in ended.stderr
    assert arguments[0] in ended.stderr
