"""Wrong engines on purpose: the comparison that the other tests rest on must catch each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.helpers import disagreements, make_cells
from tests.training.stacked import mistakes as wrong

Patch = pytest.MonkeyPatch
Sabotage = Callable[[Patch], None]
SGD = {"name": "sgd", "lr": [0.1, 0.3]}


@dataclass(frozen=True)
class Mistake:
    """A way to be wrong, and the grid that must show it."""

    name: str
    sabotage: Sabotage
    grid: dict[str, Any] = field(default_factory=dict)


BATCHNORM = {"norm": "batchnorm", "optimizer": SGD}
DROPOUT = {"dropout": 0.3, "optimizer": SGD}
ADAM = {"optimizer": {"name": "adam", "lr": [0.001, 0.01]}}
RISING = {"name": "sgd", "lr": [1.0, 8.0]}  # rates at which the validation loss does not just fall
PATIENCE = {"name": "patience", "patience": 2}

MISTAKES = [
    Mistake("swapped betas", wrong.swapped_betas, ADAM),
    Mistake("no bias correction", wrong.no_bias_correction, ADAM),
    Mistake("steps counted from two", wrong.steps_counted_from_two, ADAM),
    Mistake("eps inside the root", wrong.eps_inside_the_root, {"optimizer": "adagrad", "seeds": 2}),
    Mistake(
        "nesterov as plain momentum",
        wrong.plain_momentum_for_nesterov,
        {"optimizer": {"name": "nesterov", "lr": [0.01, 0.1]}},
    ),
    Mistake(
        "fan_out for fan_in", wrong.fan_out_for_fan_in, {"init": "he_normal", "optimizer": SGD}
    ),
    Mistake("mean over cells", wrong.mean_over_cells, {"optimizer": SGD}),
    Mistake("sum over the batch", wrong.sum_over_the_batch, {"optimizer": SGD}),
    Mistake("dropout not rescaled", wrong.dropout_not_rescaled, DROPOUT),
    Mistake("dropout upside down", wrong.dropout_upside_down, DROPOUT),
    Mistake("BatchNorm over the stack", wrong.statistics_over_the_stack, BATCHNORM),
    Mistake("biased running variance", wrong.biased_running_variance, BATCHNORM),
    Mistake("batch statistics at evaluation", wrong.batch_statistics_at_evaluation, BATCHNORM),
    Mistake(
        "coupled for decoupled decay",
        wrong.coupled_decay,
        {"optimizer": {"name": "adamw", "lr": [0.001, 0.01]}, "weight_decay": 0.1},
    ),
    Mistake("decoupled for coupled decay", wrong.decoupled_decay, {**ADAM, "weight_decay": 0.1}),
    Mistake("decay forgotten", wrong.decay_forgotten, {"optimizer": SGD, "weight_decay": 0.01}),
    Mistake("clip over the stack", wrong.clip_over_the_stack, {"optimizer": SGD, "clip_norm": 0.1}),
    Mistake("l1 on biases", wrong.l1_on_biases_too, {"optimizer": SGD, "l1": 0.01, "bias": 0.1}),
    Mistake(
        "schedule one epoch ahead",
        wrong.schedule_one_epoch_ahead,
        {"optimizer": SGD, "schedule": "exponential"},
    ),
    Mistake(
        "plateau too patient",
        wrong.plateau_too_patient,
        {"optimizer": RISING, "schedule": {"name": "plateau", "patience": 0}, "epochs": 8},
    ),
    Mistake("rate in single precision", wrong.rate_rounded_to_single, {"optimizer": SGD}),
    Mistake(
        "last network for the best",
        wrong.last_network_for_the_best,
        {"optimizer": RISING, "early_stopping": PATIENCE, "epochs": 12},
    ),
    Mistake("ragged batch left out", wrong.ragged_batch_left_out, {"optimizer": SGD}),
    Mistake("seeds mixed up", wrong.seeds_mixed_up, {"seeds": 2}),
]


@pytest.mark.whole
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_mistake_is_caught(mistake: Mistake, monkeypatch: Patch) -> None:
    cells = make_cells(**mistake.grid)
    assert len(cells) == wrong.CELLS
    assert disagreements(cells) == []
    mistake.sabotage(monkeypatch)
    assert disagreements(cells) != []


def test_adam_hides_a_mean_over_cells(monkeypatch: Patch) -> None:
    """The reason why the mistake above is shown with SGD: Adam divides a constant factor out."""
    cells = make_cells(**ADAM)
    wrong.mean_over_cells(monkeypatch)
    assert disagreements(cells, tolerance=1e-5) == []
