"""Every statistic of the probes against plain torch with hooks, and wrong ones that must show."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from nnbench.catalog import ACTIVATIONS, NORMS, OPTIMIZERS
from nnbench.results.rows import LAYERS, Rows
from nnbench.study.study import Cell
from nnbench.training.reference import probes as reference_probes
from nnbench.training.stacked import probes
from tests.helpers import (
    make_cells,
    train_all,
    train_by_reference,
    variants,
)

# torch's own, when forward-mode derivatives are first asked for
pytestmark = pytest.mark.filterwarnings(
    "ignore:`torch.jit.script` is deprecated:DeprecationWarning"
)
LAYERS_ONLY = {"layers": True}
ALL = {"layers": True, "sharpness": True, "correlation": True}
PLACE = ("cell_id", "epoch", "step", "layer")
STATISTICS = [name for name in LAYERS if name not in PLACE]
SGD = {"name": "sgd", "lr": 0.1}
# what a statistic that may be zero by cancellation is a sum of
SIZES = {"similarity": 1.0, "correlation": 1.0} | {
    f"{kind}{name}_{one}": f"{kind}{name}_{other}"
    for kind, name, one, other in [
        ("", "pre", "mean", "std"),
        ("", "pre", "std", "mean"),
        ("", "act", "mean", "std"),
        ("", "act", "std", "mean"),
        ("", "grad", "std", "norm"),
        ("pre_", "grad", "std", "norm"),
        ("act_", "grad", "std", "norm"),
    ]
}


def probed(probes: dict[str, Any] = ALL, **grid: Any) -> list[Cell]:
    return make_cells(document={"probes": probes}, **grid)


def rows_by_place(rows: Rows) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Return every layer's row, and every curve's sharpness, by cell, epoch and layer."""
    found = {tuple(row[name] for name in PLACE): row for row in rows.layers}
    for row in rows.curves:
        if "sharpness" in row:
            found[row["cell_id"], row["epoch"], row["step"], 0] = {"sharpness": row["sharpness"]}
    return found


def apart(mine: dict[str, Any], other: dict[str, Any], tolerance: float) -> list[str]:
    """Return the columns in which two rows differ, relative to the size of what was summed."""
    assert mine.keys() == other.keys()
    found = []
    for name, value in other.items():
        if name in PLACE or value is None or mine[name] is None:
            same = mine[name] == value
        else:
            size = SIZES.get(name, 0.0)
            scale = abs(other[size]) if isinstance(size, str) else size
            both_nan = math.isnan(mine[name]) and math.isnan(value)
            bound = tolerance * scale
            same = both_nan or math.isclose(mine[name], value, rel_tol=tolerance, abs_tol=bound)
        found += [] if same else [name]
    return found


def columns_apart(cells: Sequence[Cell], tolerance: float = 1e-9) -> set[str]:
    """Return the columns in which the two engines differ anywhere."""
    mine, other = map(rows_by_place, (train_all(cells), train_by_reference(cells)))
    assert mine and mine.keys() == other.keys()
    return {name for place in mine for name in apart(mine[place], other[place], tolerance)}


@pytest.mark.whole
def test_every_statistic_is_compared() -> None:
    rows = rows_by_place(train_all(probed(depth=2, epochs=1)))
    names = set().union(*rows.values())
    assert names == {*STATISTICS, *PLACE, "sharpness", "correlation"}
    assert columns_apart(probed(depth=3, norm="batchnorm", epochs=2)) == set()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name: str) -> None:
    if ACTIVATIONS[name].twin is None:
        pytest.skip("torch has no twin of it")
    activation = variants(name, ACTIVATIONS[name])
    # a bias of -2 kills some units of those that can die
    cells = probed(LAYERS_ONLY, activation=activation, bias=[0.1, -2.0], optimizer=SGD, epochs=1)
    assert columns_apart(cells) == set()


@pytest.mark.parametrize("name", NORMS)
def test_norm(name: str) -> None:
    norm = [{"name": name, "position": p} for p in ("before", "after")] if name != "none" else name
    cells = probed(LAYERS_ONLY, norm=norm, optimizer=SGD, epochs=1, activation="tanh")
    assert columns_apart(cells) == set()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer(name: str) -> None:
    # the state of two epochs is in the third probe's update
    cells = probed(LAYERS_ONLY, optimizer=name, activation="tanh", epochs=2, weight_decay=0.1)
    assert columns_apart(cells) == set()


RECIPES: dict[str, dict[str, Any]] = {
    "one layer": {"depth": 1},
    "ten layers": {"depth": 10, "activation": "selu", "init": "lecun_normal"},
    "one unit": {"width": 1, "seeds": 3},
    "residual": {"depth": 4, "residual": True, "norm": "batchnorm"},
    "dropout": {"dropout": [0.2, 0.5], "activation": "tanh"},
    "alpha dropout": {"dropout": 0.3, "dropout_kind": "alpha", "activation": "selu"},
    "random slopes": {"activation": "rrelu", "dropout": 0.2},
    "penalties": {"l1": [0.0, 0.01], "weight_decay": 0.1, "optimizer": "momentum"},
    "decoupled": {"weight_decay": 0.1, "decoupled": True, "optimizer": "nesterov"},
    "averaged": {"optimizer": {"name": "asgd", "t0": [1, 4], "lr": 0.1}, "activation": "tanh"},
    "clipped": {"clip_norm": [0.0, 0.01], "clip_value": [0.0, 0.001], "optimizer": SGD},
    "squares": {"loss": "mse", "batch_size": 0, "optimizer": "gd"},
    "numbers": {"data": {"name": "friedman1", "n": 60}},
    "more rows than are looked at": {"data": {"name": "moons", "n": 600}, "batch_size": 100},
    "rate by step": {"schedule": "onecycle", "optimizer": SGD},
    "rate by epoch": {"schedule": "exponential", "optimizer": SGD},
    "rate by validation": {
        "schedule": {"name": "plateau", "patience": 0},
        "optimizer": {"name": "sgd", "lr": 3.0},
        "epochs": 8,
    },
    "stopped": {
        "early_stopping": {"name": "patience", "patience": [1, 3]},
        "optimizer": {"name": "sgd", "lr": [0.01, 3.0]},
        "epochs": 9,
    },
    "diverged": {"optimizer": {"name": "sgd", "lr": [0.8, 1.2, 1e9]}, "loss": "mse",
                 "activation": "identity"},
}  # fmt: skip


@pytest.mark.parametrize("name", RECIPES)
def test_recipe(name: str) -> None:
    cells = probed({**LAYERS_ONLY, "every": 2, "correlation": True}, **RECIPES[name])
    assert columns_apart(cells) == set()


@pytest.mark.parametrize("name", ["tanh", "relu", "softmax"])
def test_sharpness_of_a_larger_network(name: str) -> None:
    # 24 steps of Lanczos' method do not reach the last digits in a space of 306 dimensions
    cells = probed(depth=2, width=15, activation=name, optimizer="gd", batch_size=0, epochs=1)
    assert train_all(cells).cells[0]["n_params"] > reference_probes.DENSE_UP_TO
    assert columns_apart(cells, tolerance=1e-4) == set()


# ------------------------------------------------------------------------- wrong on purpose


def squares(values: Tensor) -> Tensor:
    return values.double().square().sum()


def unbiased(kind: str, values: Tensor) -> dict[str, Tensor]:
    return {f"{kind}_mean": values.mean(), f"{kind}_std": values.std()}


def of_first_row(kind: str, values: Tensor) -> dict[str, Tensor]:
    first = values[:1].double()
    return {f"{kind}grad_norm": probes.norm(values), f"{kind}grad_std": first.std(correction=0)}


def over_units(act: Tensor, slope: Tensor, can_die: Tensor) -> Tensor:
    constant = (act == act[:, :1]).all(1) & (slope == 0).all(1) & can_die
    return constant[: act.shape[1]]


def any_flat(act: Tensor, slope: Tensor, can_die: Tensor) -> Tensor:
    return (slope == 0).any(0)


def of_no_slope_only(program: Any, slope: Tensor) -> Tensor:
    return (slope == 0).double().mean()


def energy_rank(act: Tensor) -> Tensor:
    values = torch.linalg.svdvals(act).square()
    return torch.exp(torch.special.entr(values / values.sum()).sum())


def with_itself(act: Tensor) -> Tensor:
    unit, has_direction = probes._directions(act)
    return (unit.sum(0) / has_direction.sum()).square().sum()


def centred(pre: Tensor) -> Tensor:
    return PAIR_CORRELATION(pre - pre.mean(-1, keepdim=True))


PAIR_CORRELATION = probes.pair_correlation
UPDATE, SHARPNESS = probes.update, probes.sharpness


def without_clipping(program: Any, network: Any, gradient: Tensor, numbers: Any, *rest: Any) -> Any:
    return UPDATE(program, network, 2 * gradient, numbers, *rest)


def one_step_late(program: Any, network: Any, gradient: Tensor, numbers: Any, *rest: Any) -> Any:
    lr, step = rest
    return UPDATE(program, network, gradient, numbers, lr, step + 1)


NORM_COLUMNS = {"grad_norm", "pre_grad_norm", "act_grad_norm", "weight_norm", "update_ratio"}
WRONG: list[tuple[str, Callable[..., Any], set[str]]] = [
    ("norm", squares, NORM_COLUMNS),
    ("_spread", unbiased, {"pre_std", "act_std"}),
    ("_gradient", of_first_row, {"grad_std", "pre_grad_std", "act_grad_std"}),
    ("dead_units", over_units, {"dead_fraction"}),
    ("dead_units", any_flat, {"dead_fraction"}),
    ("saturated", of_no_slope_only, {"saturated_fraction"}),
    ("effective_rank", energy_rank, {"effective_rank"}),
    ("mean_similarity", with_itself, {"similarity"}),
    ("pair_correlation", centred, {"correlation"}),
    ("update", without_clipping, {"update_ratio"}),
    ("update", one_step_late, {"update_ratio"}),
]


@pytest.mark.parametrize(("name", "wrong", "columns"), WRONG)
def test_wrong_statistic_is_noticed(
    name: str, wrong: Callable[..., Any], columns: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probes, name, wrong)
    # hard tanh stuck at its ends has slopes of zero that are not a unit's whole life
    grid = {"activation": "hardtanh" if name == "dead_units" else "swish", "bias": -2.0}
    found = columns_apart(probed({**LAYERS_ONLY, "correlation": True}, epochs=1, **grid))
    in_time = {"born_dead_fraction", "died_fraction", "revived_fraction", "layer_died_at_step"}
    assert columns <= found <= columns | in_time


@pytest.mark.parametrize("wrong", [1, 2])
def test_too_few_steps_of_lanczos_are_noticed(wrong: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "LANCZOS_STEPS", wrong)
    assert columns_apart(probed(epochs=0), tolerance=1e-3) == {"sharpness"}


def test_a_probe_with_dropout_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = probed(LAYERS_ONLY, dropout=0.5, epochs=0, activation="tanh")
    before = [row["grad_norm"] for row in train_all(cells).layers]
    without = probed(LAYERS_ONLY, dropout=0.0, epochs=0, activation="tanh")
    assert [row["grad_norm"] for row in train_all(without).layers] == before
