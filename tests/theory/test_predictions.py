"""Predictions of layers: against closed forms, and against wide random networks in plain numpy."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nnbench.catalog import VOCABULARY
from nnbench.study.reading import make_study
from nnbench.study.study import Cell
from nnbench.theory.layers import depth_scale, field_of, inputs_of, moments, variances
from nnbench.theory.predictions import predict, predict_arm
from nnbench.training.draws import split_for

MOMENTS = {  # f and its derivative, in numpy
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "sigmoid": (
        lambda x: 1 / (1 + np.exp(-x)),
        lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2,
    ),
    "relu": (lambda x: np.maximum(x, 0), lambda x: (x > 0).astype(float)),
}
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(120)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def cells_of(probes: dict[str, Any] | None = None, **grid: Any) -> list[Cell]:
    held = {"data": "digits", "depth": 4, "width": 32, "epochs": 0, "dtype": "float64", "seeds": 1}
    content = {"name": "test", "grid": held | grid, "probes": {"layers": True} | (probes or {})}
    return make_study(content, VOCABULARY).cells()


def predicted(quantity: str, probes: dict[str, Any] | None = None, **grid: Any) -> list[Any]:
    """Return one recipe's rows of a quantity, layer by layer."""
    (cell,) = cells_of(probes, **grid)
    return [row for row in predict_arm(cell.recipe) if row.quantity == quantity]


def values(quantity: str, **grid: Any) -> list[float]:
    return [row.predicted for row in predicted(quantity, **grid)]


# Closed forms


@pytest.mark.parametrize(
    ("init", "growth"),
    [("he_normal", 1.0), ("he_uniform", 1.0), ("xavier_normal", 1 / 2), ("torch_default", 1 / 6)],
)
def test_relu_grows_by_half_the_weight_variance(init: str, growth: float) -> None:
    assert values("gradient_growth", init=init) == pytest.approx([growth] * 4, rel=1e-9)


@pytest.mark.parametrize(
    ("init", "first", "hidden", "bias"),
    [
        ("he_uniform", 2, 2, 0),
        ("lecun_uniform", 1, 1, 0),
        ("xavier_uniform", 2 * 64 / (64 + 32), 1, 0),
        ("torch_default", 1 / 3, 1 / 3, 1 / (3 * 32)),
        ({"name": "normal", "std": 0.1}, 0.64, 0.32, 0),
        ({"name": "random_small", "bound": 0.1}, 64 * 0.01 / 3, 32 * 0.01 / 3, 0),
        # 1 - 2 * 2 * density(2) / (probability of +-2): the variance that truncation leaves
        ({"name": "truncated_normal", "std": 0.1}, 0.7737413 * 0.64, 0.7737413 * 0.32, 0),
        ({"name": "orthogonal", "gain": 1.5}, 2.25, 2.25, 0),
        ({"name": "he_normal", "gain": 0.9}, 2 * 0.81, 2 * 0.81, 0),
    ],
)
def test_the_variance_of_every_law_is_its_textbook_one(
    init: Any, first: float, hidden: float, bias: float
) -> None:
    (cell,) = cells_of(init=init)
    law = variances(cell.recipe, 64)
    expected = pytest.approx([first, hidden, bias], rel=1e-6)
    assert [law.first, law.hidden, law.bias] == expected
    assert [law.first * 1.05, law.hidden, law.bias] != expected, "5 % would be seen"


def test_batchnorm_grows_by_the_law_of_the_probed_batch() -> None:
    grown = values("gradient_growth", norm="batchnorm")
    assert grown == pytest.approx([1.4732] * 4, abs=5e-5), "256 probed rows"
    assert values("pre_std", norm="batchnorm", activation="tanh") == [1.0] * 4


@pytest.mark.whole
def test_selu_is_at_its_fixed_point() -> None:
    deep = {"activation": "selu", "init": "lecun_normal", "depth": 40}
    assert values("act_mean", **deep)[-1] == pytest.approx(0, abs=0.01)
    assert values("act_std", **deep)[-1] == pytest.approx(1, abs=0.01)
    assert values("gradient_growth", **deep)[-1] == pytest.approx(1.0716, abs=0.01)


def test_born_dead_follows_the_exact_law_and_its_bound() -> None:
    assert values("born_dead", width=3) == pytest.approx([1 - (7 / 8) ** n for n in (1, 2, 3, 4)])
    assert values("born_dead_at_least", width=3) == [], "digits have more than one feature"
    one = values("born_dead_at_least", width=3, data="sine_wave")
    both = values("born_dead", width=3, data="sine_wave")
    assert all(low < high for low, high in zip(one, both, strict=True))
    assert values("born_dead", activation="leaky_relu", width=3) == [0.0] * 4
    assert predicted("born_dead", activation="relu6", width=3)[0].predicted is None


@pytest.mark.whole
@pytest.mark.parametrize(
    "flat",
    [
        {"name": "leaky_relu", "negative_slope": 0.0},
        {"name": "elu", "alpha": 0.0},
        {"name": "rrelu", "lower": 0.0, "upper": 0.0},
    ],
)
def test_an_activation_that_its_parameters_make_flat_may_be_dead(flat: dict[str, Any]) -> None:
    (row,) = predicted("born_dead", activation=flat, width=3)
    assert row.predicted is None and "plain relu" in str(row.reason)
    assert values("born_dead", activation=flat["name"], width=3) == [0.0] * 4


@pytest.mark.parametrize(
    ("optimizer", "edge"),
    [
        ({"name": "sgd", "lr": 0.1}, 20.0),
        ({"name": "momentum", "lr": 0.1, "momentum": 0.9}, 38.0),
        ({"name": "nesterov", "lr": 0.1, "momentum": 0.9}, 38 / 2.8),
        ({"name": "adam", "lr": 0.1}, None),
    ],
)
def test_the_edge_of_stability_is_that_of_the_optimizer(optimizer: Any, edge: float | None) -> None:
    given = {"optimizer": optimizer, "probes": {"sharpness": True}}
    (full,) = predicted("sharpness", batch_size=0, **given)
    assert full.predicted == (None if edge is None else pytest.approx(edge))
    (mini,) = predicted("sharpness", batch_size=32, **given)
    assert mini.predicted is None
    assert "mini-batches" in str(mini.reason)


# Against numpy


@pytest.mark.whole
@pytest.mark.parametrize("activation", MOMENTS)
def test_signals_and_gradients_are_those_of_a_wide_random_network(activation: str) -> None:
    (cell,) = cells_of(activation=activation, init={"name": "lecun_normal", "gain": 1.2}, depth=4)
    measured = wide_network(cell, activation, width=1600)
    for quantity, found in measured.items():
        known = [row.predicted for row in predict_arm(cell.recipe) if row.quantity == quantity]
        known = known[: len(found)]
        assert found == pytest.approx(known, rel=0.06, abs=0.01), quantity
    assert measured["pre_std"][0] != pytest.approx(1.2**2 * 0.98, rel=0.06), (
        "a squared gain is seen"
    )


def wide_network(cell: Cell, activation: str, width: int) -> dict[str, list[float]]:
    """Return what a random network of that many units does with the probed examples."""
    generator = np.random.default_rng(0)
    phi, slope = MOMENTS[activation]
    h = split_for(cell.recipe).x["train"][:256].astype(float)
    weights, pres, found = [], [], {"pre_std": [], "act_mean": [], "act_std": []}
    for _ in range(4):
        weights.append(generator.normal(0, 1.2 / math.sqrt(h.shape[1]), (width, h.shape[1])))
        pres.append(h @ weights[-1].T)
        h = phi(pres[-1])
        found["pre_std"].append(pres[-1].std())
        found["act_mean"].append(h.mean())
        found["act_std"].append(h.std())
    delta = generator.normal(size=h.shape) * slope(pres[3])
    squares = [np.square(delta).sum()]
    for layer in (2, 1, 0):
        delta = (delta @ weights[layer + 1]) * slope(pres[layer])
        squares.append(np.square(delta).sum())
    growth = [below / above for above, below in itertools.pairwise(squares)]
    return found | {"gradient_growth": growth[::-1]}


def test_the_table_of_moments_is_the_quadrature() -> None:
    (cell,) = cells_of(activation="tanh")
    qs = np.array([1e-9, 0.003, 0.4, 1.7, 30.0])
    for name, function in (("second", lambda x: np.tanh(x) ** 2),
                           ("slope", lambda x: (1 - np.tanh(x) ** 2) ** 2)):  # fmt: skip
        known = [float(WEIGHTS @ function(math.sqrt(q) * NODES)) for q in qs[:-1]]
        assert moments(field_of(cell.recipe), name, qs)[:-1] == pytest.approx(known, rel=1e-3)


def test_the_depth_scale_of_an_ordered_network_is_one_over_ln_chi() -> None:
    (row,) = predicted("depth_scale", activation="tanh", init={"name": "lecun_normal", "gain": 0.9})
    assert row.predicted == pytest.approx(-1 / math.log(0.81))
    assert values("depth_scale", activation="relu") == [math.inf]


def test_the_depth_scale_in_chaos_is_that_of_the_correlations_fixed_point() -> None:
    (cell,) = cells_of(activation="tanh")
    sw2, sb2 = 3.0, 0.05
    field = field_of(cell.recipe)
    q = field.fixed_point(sw2, sb2)
    u, v = NODES[:, None], NODES[None, :]
    both = WEIGHTS[:, None] * WEIGHTS[None, :]

    def mapped(c: float, function: Any) -> float:
        second = c * u + math.sqrt(1 - c * c) * v
        return float((both * function(math.sqrt(q) * u) * function(math.sqrt(q) * second)).sum())

    c = 0.5
    for _ in range(200):
        c = (sw2 * mapped(c, np.tanh) + sb2) / q
    slope = sw2 * mapped(c, MOMENTS["tanh"][1])
    assert depth_scale(field, sw2, sb2, 1.0) == pytest.approx(-1 / math.log(slope), rel=0.02)


# What is not predicted, and how often what is


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        ({"residual": True}, "residual"),
        ({"activation": "softmax"}, "mixes the units"),
        ({"init": "lsuv"}, "fitted to the data"),
        ({"init": "zero"}, "stay alike"),
        ({"bias": 0.1}, "every bias"),
        ({"norm": "layernorm"}, "layernorm"),
        ({"norm": "batchnorm", "activation": "tanh"}, "batchnorm with tanh"),
        ({"norm": {"name": "batchnorm", "position": "after"}}, "before the activation"),
    ],
)
def test_where_theory_is_silent_the_row_says_why(grid: dict[str, Any], words: str) -> None:
    (row,) = predicted("gradient_growth", **grid)
    assert row.predicted is None
    assert words in str(row.reason)


def test_an_arm_has_its_rows_once() -> None:
    grid = {"optimizer": {"name": "sgd", "lr": [0.1, 0.2]}, "seeds": 3}
    assert predict(cells_of(**grid))["cell_id"].nunique() == 1
    assert predict(cells_of(init=["he_normal", "xavier_normal"], **grid))["cell_id"].nunique() == 2
    sharp = predict(cells_of(probes={"sharpness": True}, **grid))
    assert sharp["cell_id"].nunique() == 2, "each learning rate has an edge of its own"
    assert not sharp.duplicated(["cell_id", "layer", "quantity"]).any()


def test_inputs_are_measured_as_they_are_probed() -> None:
    (cell,) = cells_of()
    squares, n_features, count = inputs_of(cell.recipe)
    x = split_for(cell.recipe).x["train"][:256]
    assert (n_features, count) == (64, 256)
    assert squares.mean() == pytest.approx(float((x**2).mean()))
    assert (np.diff(squares) > 0).all()


@pytest.mark.whole
def test_a_run_with_probes_writes_the_predictions(tmp_path: Path) -> None:
    from nnbench.cli.progress import Silence
    from nnbench.pipeline import Options, run

    for probed in (True, False):
        grid = {"data": "moons", "depth": 3, "width": 8, "epochs": 0, "seeds": 2}
        content = {"name": f"p{probed}".lower(), "grid": grid, "probes": {"layers": probed}}
        outcome = run(make_study(content, VOCABULARY), Options(out=tmp_path, workers=1), Silence())
        written = outcome.folder / "predictions.parquet"
        assert written.is_file() == probed
    frame = pd.read_parquet(tmp_path / "ptrue" / "predictions.parquet")
    assert list(frame.columns) == ["cell_id", "layer", "quantity", "predicted", "law", "reason"]
    assert set(frame["cell_id"]) <= set(
        pd.read_parquet(tmp_path / "ptrue" / "cells.parquet")["cell_id"]
    )
