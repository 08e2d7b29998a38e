"""Numbers worked out by hand in lectures on training, by the code that trains."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor
from torch.func import grad

from nnbench.catalog import LOSSES, NORMS, OPTIMIZERS, SCHEDULES
from nnbench.study.recipe import Recipe
from nnbench.training.protocol import Rates
from tests.helpers import make_cells, train_all


def real(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def number(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64)


def rates_of(schedule: str, lr: float, epochs: int, **parameters: object) -> list[float]:
    named = {f"schedule.{key.replace('_of_', '.')}": value for key, value in parameters.items()}
    recipe = Recipe({"optimizer.lr": lr, "schedule": schedule, "epochs": epochs} | named)
    rates = Rates(recipe, steps_per_epoch=1)
    return [float(rates.epoch(epoch)[0]) for epoch in range(epochs)]


def test_iterations_of_320_samples_in_batches_of_32_over_20_epochs() -> None:
    # 534 half moons leave 320 to train on
    cells = make_cells(data={"name": "moons", "n": 534}, batch_size=32, epochs=20, depth=1)
    curves = train_all(cells).curves
    assert [row["step"] for row in curves] == [10 * epoch for epoch in range(21)]
    assert curves[-1]["step"] == 200


def test_sums_of_squares_of_adagrad() -> None:
    entry = OPTIMIZERS["adagrad"]
    param = real(0.0)
    state, sums = entry.init(param), []
    hyper = {"lr": number(1.0), "eps": number(0.0)}
    for step, gradient in enumerate((5.0, 6.0, 7.0), start=1):
        before = param
        param, state = entry.update(real(gradient), state, param, hyper, number(step))
        sums.append(state["sum"].item())
        assert (before - param).item() == pytest.approx(gradient / sums[-1] ** 0.5)
    assert sums == [25, 61, 110]


def moving_mean(values: list[float], share: float) -> list[float]:
    """Return BatchNorm's running mean after batches whose means are the values."""
    function = NORMS["batchnorm"].function
    assert function is not None
    running = {"mean": real(values[0]), "var": real(1.0)}
    means = [values[0]]
    for value in values[1:]:
        batch = real(value - 1, value + 1)[:, None]
        given = {"eps": number(1e-5), "momentum": number(share)}
        _, running = function(batch, running, True, weight=real(1.0), bias=real(0.0), **given)
        means.append(running["mean"].item())
    return means


def test_exponential_moving_average() -> None:
    alpha = 2 / (3 + 1)
    assert moving_mean([10, 12, 13, 15, 14], alpha) == [10, 11, 12, 13.5, 13.75]


def test_averages_of_asgd() -> None:
    # without its own decay, and at a rate of 1, a gradient is the way from one iterate to the next
    iterates = [5.0] * 102 + [2, 1.5, 1.2, 1.3, 1.1]
    entry = OPTIMIZERS["asgd"]
    assert entry.evaluated is not None
    hyper = {"lr": 1.0, "lambd": 0.0, "alpha": 0.75, "t0": 100.0}
    numbers = {key: number(value) for key, value in hyper.items()}
    param = real(5.0)
    state, averages = entry.init(param), []
    for step, (here, there) in enumerate(pairwise(iterates), start=1):
        param, state = entry.update(real(here - there), state, param, numbers, number(step))
        assert param.item() == pytest.approx(there)
        averages.append(entry.evaluated(param, state, numbers).item())
    # the average follows the iterate up to step t0 + 1, and begins with the one after
    assert averages[:101] == [5.0] * 101
    assert averages[-5:] == pytest.approx([2, 1.75, 1.57, 1.5, 1.42], abs=0.005)


def test_averages_of_asgd_on_torchs_side() -> None:
    iterates = [5.0] * 102 + [2, 1.5, 1.2, 1.3, 1.1]
    param = torch.nn.Parameter(real(5.0))
    hyper = {"lr": 1.0, "lambd": 0.0, "alpha": 0.75, "t0": 100.0, "weight_decay": 0.0}
    optimizer = OPTIMIZERS["asgd"].twin([param], **hyper)
    averages = []
    for here, there in pairwise(iterates):
        param.grad = real(here - there)
        optimizer.step()
        averages.append(optimizer.state[param]["ax"].item())
    assert averages[-5:] == pytest.approx([2, 1.75, 1.57, 1.5, 1.42], abs=0.005)


def test_batchnorm_of_a_feature_with_mean_4_87_and_deviation_2_71() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1000, 1, generator=generator, dtype=torch.float64)
    x = 4.87 + 2.71 * (x - x.mean()) / x.std(correction=0)
    function = NORMS["batchnorm"].function
    assert function is not None
    start = {"mean": real(0.0), "var": real(1.0)}
    given = {"eps": number(1e-12), "momentum": number(1.0)}
    plain, seen = function(x, start, True, weight=real(1.0), bias=real(0.0), **given)
    assert plain.mean().item() == pytest.approx(0, abs=1e-12)
    assert plain.std(correction=0).item() == pytest.approx(1)
    moved, _ = function(x, start, True, weight=real(1.5), bias=real(-0.5), **given)
    assert moved.mean().item() == pytest.approx(-0.5)
    assert moved.std(correction=0).item() == pytest.approx(1.5)
    # the running statistics, which evaluation uses on one example
    assert seen["mean"].item() == pytest.approx(4.87)
    assert seen["var"].item() ** 0.5 == pytest.approx(2.71, rel=1e-3)
    alone, _ = function(real(4.87)[:, None], seen, False, real(1.5), real(-0.5), **given)
    assert alone.item() == pytest.approx(-0.5)


@pytest.mark.parametrize("name", ["nll", "cross_entropy"])
def test_negative_log_likelihood_of_2_1_and_a_tenth(name: str) -> None:
    entry = LOSSES[name]
    outputs = real(2.0, 1.0, 0.1)[None]
    given = {key: about.default for key, about in entry.parameters.items()}
    if entry.output is not None:
        logs = entry.output(outputs)
        assert logs[0].tolist() == pytest.approx([-0.417, -1.417, -2.317], abs=5e-4)
        outputs = logs
    losses = [entry.function(outputs, torch.tensor([place]), **given).item() for place in range(3)]
    assert losses == pytest.approx([0.417, 1.417, 2.317], abs=5e-4)


def test_slope_of_cross_entropy_is_the_softmax_less_the_target() -> None:
    function = LOSSES["cross_entropy"].function
    given = {"label_smoothing": 0.0}
    slope = grad(lambda o: function(o, torch.tensor([0]), **given))(real(2.0, 1.0, 0.1)[None])
    assert slope[0].tolist() == pytest.approx([0.659 - 1, 0.242, 0.099], abs=5e-4)


UP_AND_DOWN = {
    "first": "exponential",
    "first_of_gamma": 3 / 2,
    "second": "exponential",
    "second_of_gamma": 2 / 3,
}


def test_exponential_schedules_of_three_halves_and_two_thirds_chained_are_constant() -> None:
    assert rates_of("chained", 0.1, 20, **UP_AND_DOWN) == pytest.approx([0.1] * 20, rel=1e-12)


def test_exponential_schedules_of_three_halves_and_two_thirds_in_sequence_rise_then_fall() -> None:
    rates = rates_of("sequential", 0.1, 10, milestones=(5,), **UP_AND_DOWN)
    assert rates[:5] == pytest.approx([0.1 * 1.5**epoch for epoch in range(5)])
    # as in torch, the second begins at the base rate
    assert rates[5:] == pytest.approx([0.1 / 1.5**epoch for epoch in range(5)])
    quotients = [later / earlier for earlier, later in pairwise(rates)]
    assert all(quotient > 1 for quotient in quotients[:4])
    assert all(quotient < 1 for quotient in quotients[4:])


def test_momentum_of_the_lecture_and_of_torch_differ_by_one_factor() -> None:
    # v = beta v + (1 - beta) lr g is torch's v = beta v + g at a rate of (1 - beta) lr
    ends = []
    for name, lr in (("momentum_ema", 1.0), ("momentum", 0.1)):
        entry = OPTIMIZERS[name]
        param = real(3.0)
        state = entry.init(param)
        hyper = {"lr": number(lr), "momentum": number(0.9)}
        for step in range(1, 31):
            param, state = entry.update(2 * param, state, param, hyper, number(step))
        ends.append(param.item())
    assert ends[0] == pytest.approx(ends[1], rel=1e-12)


def test_defaults_of_the_lecture() -> None:
    adam = {key: about.default for key, about in OPTIMIZERS["adam"].parameters.items()}
    assert adam == {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
    assert OPTIMIZERS["asgd"].parameters["t0"].default == 100
    assert OPTIMIZERS["adamw"].weight_decay == 0.01
    assert SCHEDULES["cyclic"].parameters["mode"].choices == (
        "triangular",
        "triangular2",
        "exp_range",
    )
