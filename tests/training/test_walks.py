"""Landscapes and walks: known minima, gradients, pairing, agreement with torch.optim, reports."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from nnbench.catalog import LANDSCAPES, OPTIMIZERS, SCHEDULES, VOCABULARY
from nnbench.catalog.landscapes import height
from nnbench.cli.progress import Progress
from nnbench.pipeline import Options, run
from nnbench.plots.walks import path_panels
from nnbench.report.page.svg import figure_svg
from nnbench.results.rows import Rows
from nnbench.results.store import verify
from nnbench.stats import wilson_interval
from nnbench.study.mistakes import StudyError
from nnbench.study.reading import make_study
from nnbench.study.study import Cell, Study
from nnbench.theory.landscapes import landscape_of
from nnbench.training.plan import plan, program_key
from nnbench.training.reference.walk import trace_of, walk_cell
from nnbench.training.stacked import walk as engine_walk
from nnbench.training.stacked.walk import walk
from nnbench.training.walks import MOST_POINTS, kept_steps, noise_of, start_of

KNOWN = {  # the height of the global minimum, from the literature or by hand
    "bowl": 0.0,
    "double_well": -1.0561728852,
    "rippled_bowl": 0.0,
    "gramacy_lee": -0.8690111350,
    "rosenbrock": 0.0,
    "beale": 0.0,
    "himmelblau": 0.0,
    "six_hump_camel": -1.0316284535,
    "rastrigin": 0.0,
    "saddle": -1.0,
}
SLOW_RATES = {name: 1e-3 for name in OPTIMIZERS} | {"adadelta": 0.5, "sgd": 2e-3, "gd": 2e-3}
SIMPLE_SCHEDULES = [
    name
    for name, entry in SCHEDULES.items()
    if "first" not in entry.parameters and entry.function is not None
]
every_landscape = pytest.mark.parametrize("name", LANDSCAPES)
every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)


def study(grid: dict[str, Any], **sections: Any) -> Study:
    content = {"name": "walks", "kind": "landscape", "grid": {"seeds": 2} | grid, **sections}
    return make_study(content, VOCABULARY)


def cells(**grid: Any) -> list[Cell]:
    return study(grid).cells()


def usual(name: str) -> dict[str, Any]:
    return {key: about.default for key, about in LANDSCAPES[name].parameters.items()}


def minima(name: str) -> Tensor:
    return torch.tensor(LANDSCAPES[name].minima(**usual(name)), dtype=torch.float64)


def walk_all(chosen: Sequence[Cell]) -> Rows:
    rows = Rows()
    for stack in plan(chosen):
        one = walk(stack.cells)
        rows.cells += one.cells
        rows.curves += one.curves
    return rows


def exactly(rows: Rows) -> dict[str, str]:
    """Return each cell's numbers as text that tells every bit of them."""
    found = {
        row["cell_id"]: [{k: v for k, v in row.items() if k != "seconds"}] for row in rows.cells
    }
    for row in rows.curves:
        found[row["cell_id"]].append(row)
    return {cell_id: repr(values) for cell_id, values in found.items()}


# ---------------------------------------------------------------------------------- the landscapes


@every_landscape
def test_minima_are_as_low_as_is_known_and_flat(name: str) -> None:
    points = minima(name)
    heights = height(name, usual(name), points)
    assert torch.allclose(heights, torch.full_like(heights, KNOWN[name]), atol=1e-9)
    points.requires_grad_()
    (slopes,) = torch.autograd.grad(height(name, usual(name), points).sum(), points)
    assert slopes.abs().max() < 1e-4  # minima are known to nine digits, curvatures reach thousands


@every_landscape
def test_nothing_in_the_domain_is_lower_and_other_minima_are_listed(name: str) -> None:
    entry = LANDSCAPES[name]
    axes = [torch.linspace(low, high, 401, dtype=torch.float64) for low, high in entry.domain]
    grid = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).reshape(-1, entry.dims)
    heights = height(name, usual(name), grid)
    assert heights.min() >= KNOWN[name] - 1e-9
    low = grid[heights < KNOWN[name] + 1e-3]
    assert torch.cdist(low, minima(name)).min(1).values.max() < 0.5 if len(low) else True


@every_landscape
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    entry = LANDSCAPES[name]
    low, high = torch.tensor(entry.domain, dtype=torch.float64).T
    generator = torch.Generator().manual_seed(1)
    share = torch.rand(5, entry.dims, generator=generator, dtype=torch.float64)
    points = (low + (high - low) * share).requires_grad_()
    assert torch.autograd.gradcheck(lambda p: height(name, usual(name), p), points, rtol=1e-4)


@every_landscape
def test_a_parameter_changes_the_height(name: str) -> None:
    point = torch.full((1, LANDSCAPES[name].dims), 0.73, dtype=torch.float64)
    before = height(name, usual(name), point)
    for key, value in usual(name).items():
        assert height(name, usual(name) | {key: 1.3 * value}, point) != before


@pytest.mark.parametrize("tilt", [0.3, 1.0, 1.5, 1.6, 5.0])
def test_the_deeper_well_is_found_at_every_tilt(tilt: float) -> None:
    ((x,),) = LANDSCAPES["double_well"].minima(tilt=tilt)
    assert math.isclose(4 * x**3 - 4 * x, tilt, rel_tol=1e-12)


# --------------------------------------------------------------------------------------- the draws


def test_all_optimizers_share_starts_and_noise() -> None:
    chosen = cells(landscape="beale", optimizer=["sgd", "adam"], noise=0.5, steps=7, seeds=3)
    for seed in range(3):
        one, other = (cell.recipe for cell in chosen if cell.recipe["seed"] == seed)
        assert (start_of(one) == start_of(other)).all() and (noise_of(one) == noise_of(other)).all()
    starts = {tuple(start_of(cell.recipe)) for cell in chosen}
    assert len(starts) == 3
    first = {row["cell_id"]: (row["x"], row["y"]) for row in walk_all(chosen).curves
             if row["epoch"] == 0}  # fmt: skip
    assert set(first.values()) == starts


def test_draws_depend_on_landscape_and_study_seed_and_on_nothing_else() -> None:
    def drawn(seed: int = 0, **grid: Any) -> tuple[float, ...]:
        grid = {"landscape": "beale", "noise": 1.0, "seeds": 1} | grid
        (cell,) = study(grid, seed=seed).cells()
        return (*start_of(cell.recipe), *noise_of(cell.recipe)[0])

    same = drawn(optimizer={"name": "adam", "lr": 0.5}, steps=9, weight_decay=0.1, tolerance=1.0)
    assert drawn() == same
    assert drawn(seed=1) != drawn()
    assert drawn(landscape="rastrigin") != drawn()
    bowls = [drawn(landscape={"name": "bowl", "condition": value}) for value in (3.0, 300.0)]
    assert bowls[0] == bowls[1]


@every_landscape
@pytest.mark.parametrize("kind", ["random", "spread"])
def test_starts_fill_their_box(name: str, kind: str) -> None:
    entry = LANDSCAPES[name]
    chosen = cells(landscape=name, start=kind, seeds=64)
    starts = np.array([start_of(cell.recipe) for cell in chosen])
    low, high = np.array(entry.starts).T
    shares = (starts - low) / (high - low)
    assert ((shares >= 0) & (shares <= 1)).all()
    counts = [np.histogram(column, bins=4, range=(0, 1))[0] for column in shares.T]
    assert np.min(counts) >= (14 if kind == "spread" else 6)


# --------------------------------------------------------------------------------------- the walks

HARD = [
    {"schedule": "cosine", "noise": 0.3},
    {"weight_decay": 0.05, "decoupled": False, "clip_norm": 2.0},
    {"clip_value": 0.5, "noise": 0.1, "schedule": {"name": "step", "step_size": 10}},
]


def disagreement(chosen: Sequence[Cell]) -> float:
    """Return the largest relative difference between the engine's walks and torch.optim's."""
    found = walk_all(chosen)
    curves = pd.DataFrame(found.curves).set_index("cell_id")
    worst = 0.0
    for cell, row in zip(chosen, found.cells, strict=True):
        twin = walk_cell(cell)
        other = pd.DataFrame(twin.curves).set_index("cell_id")
        mine = curves.loc[[cell.cell_id], other.columns]
        for key in ("status", "diverged_at_step", "reached_global", "steps_to_minimum"):
            assert row.get(key) == twin.cells[0].get(key), (cell.recipe, key)
        assert len(mine) == len(other)
        gap = np.abs(mine.to_numpy() - other.to_numpy()) / (1e-3 + np.abs(other.to_numpy()))
        worst = max(worst, float(gap.max()))
    return worst


@pytest.mark.slow
@every_optimizer
def test_every_rule_walks_as_torch_does(name: str) -> None:
    entry = OPTIMIZERS[name]
    rule = {"name": name, "lr": SLOW_RATES[name]}
    chosen: list[Cell] = []
    for landscape in ("double_well", "six_hump_camel", "rosenbrock"):
        for more in HARD:
            if entry.decoupled and "decoupled" in more:
                more = more | {"decoupled": True}
            grid = {"landscape": landscape, "optimizer": rule, "steps": 40, "seeds": 1}
            chosen += cells(**grid, **more)
    found = [one for stack in plan(chosen) for one in stack.cells]
    assert disagreement(found) < 1e-9


def test_decoupled_decay_walks_as_torch_does() -> None:
    grid: dict[str, Any] = {"landscape": "himmelblau", "weight_decay": 0.1, "steps": 40}
    chosen = cells(optimizer=[{"name": "sgd", "lr": 1e-3}, "adamw"], decoupled=True, **grid)
    assert disagreement(chosen) < 1e-9
    free = cells(
        optimizer={"name": "sgd", "lr": 1e-3}, decoupled=True, **grid | {"weight_decay": 0}
    )
    assert walk(free).cells[0]["final_value"] != walk(chosen[:2]).cells[0]["final_value"]


def test_a_momentum_that_is_cycled_walks_as_torchs_does() -> None:
    optimizer = [{"name": "momentum", "lr": 1e-2}, {"name": "adam", "lr": 0.1}]
    cycled = {"name": "onecycle", "cycle_momentum": [False, True]}
    chosen = cells(landscape="beale", optimizer=optimizer, schedule=cycled, steps=40, seeds=1)
    assert disagreement(chosen) < 1e-9
    ends = {row["final_value"] for row in walk_all(chosen).cells}
    assert len(ends) == 4, "it matters"


@pytest.mark.parametrize("name", SIMPLE_SCHEDULES)
def test_every_schedule_walks_as_torch_does(name: str) -> None:
    chosen = cells(
        landscape="bowl", optimizer={"name": "sgd", "lr": 1e-2}, schedule=name, steps=30, seeds=1
    )
    assert disagreement(chosen) < 1e-9


def test_the_twin_bites(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = cells(
        landscape="bowl", optimizer={"name": "momentum", "lr": 0.01}, noise=0.1, steps=20
    )
    assert disagreement(chosen) < 1e-9
    rates = engine_walk.rates_of
    monkeypatch.setattr(engine_walk, "rates_of", lambda recipe: 1.0001 * rates(recipe))
    assert disagreement(chosen) > 1e-6


@pytest.mark.whole
@every_optimizer
def test_a_walk_is_the_same_bit_for_bit_in_any_stack(name: str) -> None:
    rule = {"name": name, "lr": [SLOW_RATES[name], 7 * SLOW_RATES[name]]}
    chosen = cells(landscape="rastrigin", optimizer=rule, noise=0.3, steps=25, seeds=8)
    assert len({program_key(cell) for cell in chosen}) == 1
    whole = exactly(walk(chosen))
    for size in (1, 2, 3, 7):
        for cell_id, text in exactly(walk(chosen[3 : 3 + size])).items():
            assert text == whole[cell_id]


@every_landscape
def test_a_landscape_is_the_same_bit_for_bit_in_any_stack(name: str) -> None:
    chosen = cells(landscape=name, optimizer={"name": "adam", "lr": 0.01}, steps=25, seeds=19)
    whole = exactly(walk(chosen))
    for places in (slice(0, 1), slice(4, 9), slice(2, 19)):
        for cell_id, text in exactly(walk(chosen[places])).items():
            assert text == whole[cell_id]


def test_divergence_is_recorded_and_stays_with_its_walk() -> None:
    chosen = cells(
        landscape="rosenbrock", optimizer={"name": "sgd", "lr": [1e-4, 1.0]}, steps=40, seeds=1
    )
    tame, wild = walk(chosen).cells
    assert tame["status"] == "ok" and math.isfinite(tame["final_value"])
    assert wild["status"] == "diverged" and wild["reached_global"] is False
    assert "final_value" not in wild and 2 <= wild["diverged_at_step"] <= 10
    assert wild["diverged_at_step"] == trace_of(chosen[1].recipe).diverged_at_step
    curve = [row for row in walk(chosen).curves if row["cell_id"] == wild["cell_id"]]
    assert len(curve) == wild["diverged_at_step"]
    assert all(math.isfinite(row["train_loss"]) for row in curve)


def test_arrival_is_when_a_walk_comes_to_stay() -> None:
    rule = {"name": "momentum", "lr": 0.02}  # overshoots the bottom before it settles
    (cell,) = cells(landscape="bowl", optimizer=rule, steps=400, tolerance=0.5, seeds=1)
    trace = trace_of(cell.recipe)
    near = np.linalg.norm(trace.points, axis=1) <= 0.5
    row = walk([cell]).cells[0]
    assert row["reached_global"] is True
    assert near[row["steps_to_minimum"] :].all() and not near[row["steps_to_minimum"] - 1]
    assert near[: row["steps_to_minimum"]].any()  # it had been there, and left again
    (short,) = cells(landscape="bowl", optimizer=rule, steps=3, tolerance=0.5, seeds=1)
    assert walk([short]).cells[0]["reached_global"] is False
    assert walk([short]).cells[0]["steps_to_minimum"] is None


def test_curves_are_thinned_after_their_beginning() -> None:
    assert kept_steps(10) == list(range(11))
    kept = kept_steps(5000)
    assert len(kept) == MOST_POINTS <= 200 and kept[:20] == list(range(20)) and kept[-1] == 5000
    assert sorted(set(kept)) == kept


def test_no_steps_are_a_walk_too() -> None:
    (cell,) = cells(landscape="bowl", steps=0, seeds=1)
    rows = walk([cell])
    assert len(rows.curves) == 1 and "lr" not in rows.curves[0]
    assert rows.cells[0]["final_value"] == rows.curves[0]["train_loss"]


def test_momentum_leaves_a_shallow_minimum_that_descent_stays_in() -> None:
    chosen = cells(
        landscape="rippled_bowl",
        optimizer=[{"name": "sgd", "lr": 0.03}, {"name": "momentum", "lr": 0.03}],
        seeds=5,
    )
    reached = {
        (cell.recipe["optimizer"], cell.recipe["seed"]): row["reached_global"]
        for cell, row in zip(chosen, walk_all(chosen).cells, strict=True)
    }
    assert not any(reached["sgd", seed] for seed in range(5))
    assert all(reached["momentum", seed] for seed in range(5))


# ---------------------------------------------------------------------------------------- the study


@pytest.mark.parametrize(
    ("grid", "sections", "words"),
    [
        ({}, {}, "landscape is missing"),
        ({"landscape": "bowl", "width": 3}, {}, 'unknown key "width"'),
        ({"landscape": "bowll"}, {}, 'did you mean "bowl"'),
        ({"landscape": "bowl", "schedule": "plateau"}, {}, "waits for a validation loss"),
        ({"landscape": "bowl"}, {"probes": {"layers": True}}, "[probes] belongs to training"),
        ({"landscape": "bowl"}, {"report": {"tune": ["optimizer.lr"]}}, "[report] tune belongs"),
        ({"landscape": "bowl"}, {"report": {"metric": "test_accuracy"}}, 'unknown "test_accuracy"'),
        ({"landscape": {"name": "bowl", "condition": 0.5}}, {}, "must lie in [1, 1e+09]"),
    ],
)
def test_mistakes_are_named(grid: dict[str, Any], sections: dict[str, Any], words: str) -> None:
    with pytest.raises(StudyError) as caught:
        study(grid, **sections)
    assert words in str(caught.value)


def test_metrics_belong_to_their_kind() -> None:
    assert study({"landscape": "bowl"}).report.metric == "reached_global"
    with pytest.raises(StudyError, match='unknown "reached_global"'):
        content = {"name": "t", "grid": {"data": "iris"}, "report": {"metric": "reached_global"}}
        make_study(content, VOCABULARY)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("walks")
    outcome = run(small(), Options(out, workers=1), Progress(kind="landscape"))
    assert outcome.counts == {"cells": 24, "ok": 20, "diverged": 4, "crashed": 0, "missing": 0}
    return outcome.folder


def small() -> Study:
    return study(
        {
            "landscape": ["double_well", {"name": "rosenbrock", "b": 30.0}],
            "optimizer": [{"name": "sgd", "lr": [0.001, 0.04]}, {"name": "adam", "lr": 0.1}],
            "noise": [0.0, 0.5],
            "steps": 60,
        }
    )


@pytest.mark.whole
def test_a_run_writes_tables_grounds_and_a_sound_folder(finished: Path) -> None:
    frame = pd.read_parquet(finished / "cells.parquet")
    assert list(frame.columns[:4]) == ["cell_id", "study", "data", "seed"]
    assert set(frame["data"]) == {"double_well", "rosenbrock b=30"}
    assert not frame.loc[frame["status"] == "diverged", "reached_global"].any()
    curves = pd.read_parquet(finished / "curves.parquet")
    assert set(curves["cell_id"]) == set(frame["cell_id"])
    here = frame.loc[frame["data"] == "double_well", "cell_id"]
    assert curves.loc[curves["cell_id"].isin(here), "y"].isna().all()
    landscapes = json.loads((finished / "landscapes.json").read_text())
    assert set(landscapes) == set(frame["data"])
    low = np.array(landscapes["rosenbrock b=30"]["heights"])
    assert low.shape == (81, 81) and 0 <= low.min() < 0.1
    assert np.allclose(low[0, 0], 9 + 30 * 25)  # x = -2, y = -1: the first axis is y
    assert verify(finished) == []


@pytest.mark.whole
def test_a_second_run_does_nothing_and_says_the_same(finished: Path) -> None:
    before = (finished / "report.html").read_bytes()
    parts = sorted((finished / "parts").iterdir())
    outcome = run(small(), Options(finished.parent, workers=1), Progress(kind="landscape"))
    assert outcome.counts["missing"] == 0
    assert sorted((finished / "parts").iterdir()) == parts
    after = (finished / "report.html").read_text()
    assert b"How they walk" in before and "How they walk" in after


@pytest.mark.whole
def test_the_report_needs_no_torch_and_tells_shares(finished: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom nnbench.report.build import build_report\n"
        f"report = build_report(Path({str(finished)!r}))\n"
        "print(report.answer[0])\nassert 'torch' not in sys.modules\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "global minimum" in ended.stdout
    page = (finished / "report.html").read_text()
    assert "20 of 24 walks stayed finite; 4 diverged." in page
    for words in ("How they walk", "rosenbrock b=30", "global minimum", "sgd lr=0.04"):
        assert words in page
    shown = re.sub("<(style|script).*?</\\1>", "", page, flags=re.DOTALL)
    assert "nan" not in shown.replace("Fernand", "").lower()


def test_every_picture_of_the_report_has_its_numbers(finished: Path) -> None:
    page = (finished / "report.html").read_text()
    assert page.count("<figure id=") == page.count("The numbers behind this figure") >= 4


@pytest.mark.whole
def test_paths_over_the_busiest_landscape_are_small_enough_for_a_page_of_ten() -> None:
    (cell,) = cells(landscape="rastrigin", seeds=1)
    generator = np.random.default_rng(0)
    walks = pd.DataFrame(
        {
            "panel": np.repeat([f"rule {i}" for i in range(7)], 4 * MOST_POINTS),
            "cell_id": np.repeat([f"{i}" for i in range(28)], MOST_POINTS),
            "x": generator.uniform(-5, 5, 28 * MOST_POINTS),
            "y": generator.uniform(-5, 5, 28 * MOST_POINTS),
            "reached": False,
        }
    )
    panels = pd.DataFrame({"panel": walks["panel"].unique(), "text": "0 of 20"})
    figure = path_panels(landscape_of(cell.recipe), walks, panels)
    assert len(figure_svg(figure, "paths", "a finding")) < 450_000


def test_wilson_intervals_are_those_of_the_textbook() -> None:
    one = wilson_interval(0, 10)
    assert (one.low, round(one.high, 4)) == (0.0, 0.2775)
    half = wilson_interval(8, 10)
    assert (round(half.low, 4), round(half.high, 4)) == (0.4902, 0.9433)
    assert wilson_interval(10, 10).high == pytest.approx(1.0)
    assert math.isnan(wilson_interval(0, 0).low)
