"""Activations: derivatives, number types in a stack, and all that each entry says of itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.func import grad, jvp, vmap

from nnbench.catalog import ACTIVATIONS
from nnbench.catalog.activations.twins import GivenRReLU
from nnbench.catalog.meanfield import mean_field
from tests.helpers import by_cell, make_cells, other_value, train_all, train_by_reference

COURSE = {
    "None": "identity",
    "Threshold-like": "threshold heaviside sign softsign tanhshrink softshrink hardshrink",
    "Sigmoid-like": "sigmoid logsigmoid tanh hardsigmoid hardtanh erf",
    "ReLU-like": "relu prelu leaky_relu relu6 rrelu relu_squared softplus gelu gelu_tanh swish "
    "hardswish mish",
    "ELU-like": "elu selu celu",
    "Periodic": "sine snake",
    "Softmax-like": "softmax logsoftmax softmin",
}
ELEMENTWISE = [name for name, entry in ACTIVATIONS.items() if entry.elementwise]
TORCH_GAINS = {
    "identity": ("linear",),
    "sigmoid": ("sigmoid",),
    "tanh": ("tanh",),
    "relu": ("relu",),
    "leaky_relu": ("leaky_relu", 0.01),
    "prelu": ("leaky_relu", 0.25),
    "selu": ("selu",),
}

every_activation = pytest.mark.parametrize("name", ACTIVATIONS)
every_elementwise = pytest.mark.parametrize("name", ELEMENTWISE)


def defaults(name: str) -> dict[str, Any]:
    return {key: about.default for key, about in ACTIVATIONS[name].parameters.items()}


def others(name: str) -> dict[str, Any]:
    return {key: other_value(about) for key, about in ACTIVATIONS[name].parameters.items()}


def call(name: str, x: Tensor, parameters: dict[str, Any], noise: float = 0.5) -> Tensor:
    """Apply an activation, its learned numbers at their start and its noise alike everywhere."""
    entry = ACTIVATIONS[name]
    given = [torch.full_like(x, noise)] if entry.random else []
    return entry.function(x, *given, **parameters, **entry.learned)


def slope(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return the derivative of an elementwise function."""
    leaf = x.clone().requires_grad_()
    total = function(leaf).sum()
    return torch.autograd.grad(total, leaf)[0]


def away_from(breaks: tuple[float, ...], x: Tensor, margin: float) -> Tensor:
    """Return those x that are no nearer to a break than the margin."""
    far = torch.ones_like(x, dtype=torch.bool)
    for place in breaks:
        far &= (x - place).abs() > margin
    return x[far]


def test_the_whole_course_is_here() -> None:
    for family, names in COURSE.items():
        assert {ACTIVATIONS[name].family for name in names.split()} == {family}


# --------------------------------------------------------------------------------- derivatives


@every_activation
def test_gradient_is_that_of_the_value(name: str) -> None:
    for parameters in (defaults(name), others(name)):
        breaks = ACTIVATIONS[name].breaks(**parameters)
        x = away_from(breaks, torch.linspace(-7, 7, 60, dtype=torch.float64) + 0.011, 1e-3)
        function = partial(call, name, parameters=parameters)
        rows = x.reshape(1, -1) if ACTIVATIONS[name].elementwise else x[:40].reshape(4, 10)
        assert torch.autograd.gradcheck(function, rows.requires_grad_(), eps=1e-6, atol=1e-6)


def test_gradcheck_bites() -> None:
    class Doubled(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            ctx.save_for_backward(x)
            return torch.tanh(x)

        @staticmethod
        def backward(ctx: Any, *gradients: Tensor) -> Tensor:
            (x,) = ctx.saved_tensors
            return gradients[0] * (1 - 1.001 * torch.tanh(x) ** 2)

    x = torch.linspace(-7, 7, 60, dtype=torch.float64).requires_grad_()
    with pytest.raises(RuntimeError, match="Jacobian mismatch"):
        torch.autograd.gradcheck(Doubled.apply, x, eps=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "parameters", "x", "wanted"),
    [
        ("relu", {}, 0.0, 0.0),
        ("relu6", {}, 6.0, 0.0),
        ("leaky_relu", {"negative_slope": 0.2}, 0.0, 0.2),
        ("elu", {"alpha": 0.3}, 0.0, 0.3),
        ("celu", {"alpha": 0.3}, 0.0, 1.0),
        ("threshold", {"threshold": 1.0, "value": 2.0}, 1.0, 0.0),
        ("hardtanh", {"min_val": -2.0, "max_val": 1.0}, 1.0, 0.0),
        ("hardtanh", {"min_val": -2.0, "max_val": 1.0}, -2.0, 0.0),
        ("hardsigmoid", {}, 3.0, 0.0),
        ("hardsigmoid", {}, -3.0, 0.0),
        ("softshrink", {"lambd": 0.5}, 0.5, 0.0),
        ("hardshrink", {"lambd": 0.5}, -0.5, 0.0),
        ("softsign", {}, 0.0, 1.0),
        ("heaviside", {}, 0.0, 0.0),
        ("sign", {}, 0.0, 0.0),
        ("rrelu", {"lower": 0.1, "upper": 0.3}, 0.0, 0.2),
    ],
)
def test_derivative_at_kinks(name: str, parameters: Any, x: float, wanted: float) -> None:
    at = torch.tensor([x], dtype=torch.float64)
    found = slope(partial(call, name, parameters=parameters), at)
    assert float(found) == pytest.approx(wanted, abs=1e-15)


@every_activation
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_far_away_nothing_overflows(name: str, dtype: torch.dtype) -> None:
    x = torch.tensor([-1e10, -1e4, -800.0, -90.0, 90.0, 800.0, 1e4, 1e10], dtype=dtype)
    value = call(name, x, defaults(name))
    assert torch.isfinite(value).all() and value.dtype == dtype
    assert torch.isfinite(slope(partial(call, name, parameters=defaults(name)), x)).all()


def test_softsign_keeps_its_derivative_far_away() -> None:
    x = torch.tensor([1e6, -1e6, 1e8], dtype=torch.float32)
    ours = slope(partial(call, "softsign", parameters={}), x) * (1 + x.abs()) ** 2
    assert ours.tolist() == pytest.approx([1.0] * 3, rel=1e-5)
    # torch's own is a difference of equals
    theirs = slope(torch.nn.functional.softsign, x) * (1 + x.abs()) ** 2
    assert theirs.tolist() != pytest.approx([1.0] * 3, rel=1e-2)


# -------------------------------------------------------------------------------- in a stack


@every_activation
def test_networks_of_a_stack_keep_their_own_numbers_and_type(name: str) -> None:
    entry = ACTIVATIONS[name]
    x = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0))
    stacked = {
        key: torch.tensor([defaults(name)[key], others(name)[key]], dtype=torch.float64)
        for key in entry.parameters
    }

    def one(x: Tensor, parameters: dict[str, Tensor]) -> Tensor:
        return call(name, x, parameters, noise=0.3)

    together = vmap(one)(x, stacked)
    slopes = vmap(grad(lambda x, p: one(x, p).square().sum()))(x, stacked)
    assert together.dtype == slopes.dtype == torch.float32
    for place, parameters in enumerate((defaults(name), others(name))):
        alone = call(name, x[place], parameters, noise=0.3)
        torch.testing.assert_close(together[place], alone, rtol=1e-6, atol=1e-6)


@every_activation
@pytest.mark.filterwarnings("ignore:.torch.jit.script.:DeprecationWarning")
def test_second_derivatives_exist_in_a_stack(name: str) -> None:
    """Sharpness is found by forward derivatives of gradients."""
    x = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    parameters = {
        key: torch.full((2,), float(value), dtype=torch.float64)
        for key, value in defaults(name).items()
    }

    def curvature(x: Tensor, parameters: dict[str, Tensor]) -> Tensor:
        gradient = grad(lambda x: call(name, x, parameters).square().sum())
        return jvp(gradient, (x,), (torch.ones_like(x),))[1]

    assert torch.isfinite(vmap(curvature)(x, parameters)).all()


@every_activation
def test_nan_stays_where_it_is(name: str) -> None:
    x = torch.zeros(3, 70)
    x[1] = math.nan
    found = call(name, x, defaults(name)).isnan()
    assert found[1].all() and not found[0].any() and not found[2].any()


# --------------------------------------------------------------------------- what entries say


@every_elementwise
def test_largest_slope(name: str) -> None:
    x = torch.linspace(-50, 50, 400_001, dtype=torch.float64) - 1e-7
    if name == "relu_squared":  # its slope has no bound
        x = x[x <= 1]
    found = float(slope(partial(call, name, parameters=defaults(name)), x).abs().max())
    assert found == pytest.approx(ACTIVATIONS[name].max_slope, rel=1e-3)


@pytest.mark.parametrize("name", ["softmax", "softmin"])
def test_largest_slope_of_a_softmax(name: str) -> None:
    x = torch.linspace(-20, 20, 4001, dtype=torch.float64)
    rows = torch.stack([x, torch.zeros_like(x)], -1)
    jacobian = vmap(torch.func.jacrev(lambda row: call(name, row, {})))(rows)
    assert float(jacobian.abs().sum(1).max()) == pytest.approx(ACTIVATIONS[name].max_slope)


@every_elementwise
def test_sides_on_which_it_saturates(name: str) -> None:
    far = torch.tensor([-50.0, 50.0], dtype=torch.float64)
    # a periodic one may happen to be level at a point: nearby ones tell
    near = torch.linspace(-3, 3, 31, dtype=torch.float64)
    around = slope(partial(call, name, parameters=defaults(name)), far[:, None] + near)
    largest = ACTIVATIONS[name].max_slope
    flat = around.abs().amax(1) <= 1e-3 * largest
    both = {(False, False): "none", (True, False): "left", (False, True): "right"}
    assert both.get(tuple(flat.tolist()), "both") == ACTIVATIONS[name].saturates


@every_elementwise
def test_dead_regions_are_constant_and_no_others(name: str) -> None:
    for parameters in (defaults(name), others(name)):
        regions = ACTIVATIONS[name].dead_regions(**parameters)
        function = partial(call, name, parameters=parameters)
        # further left smooth tails underflow: gelu_tanh is -0.0 from -8 on
        x = torch.linspace(-5, 8, 13_001, dtype=torch.float64) + 1e-5
        dead = torch.zeros_like(x, dtype=torch.bool)
        for left, right in regions:
            inside = (x > left) & (x < right)
            assert len(function(x[inside]).unique()) == 1
            dead |= inside
        slopes = slope(function, x)
        assert (slopes[dead] == 0).all()
        assert (slopes[~dead] == 0).sum() == 0


@every_elementwise
def test_a_dead_region_has_a_width(name: str) -> None:
    assert all(left < right for left, right in ACTIVATIONS[name].dead_regions(**defaults(name)))


def test_only_a_slope_of_zero_lets_a_leaky_unit_die() -> None:
    leaky = ACTIVATIONS["leaky_relu"]
    assert leaky.dead_regions(negative_slope=0.0) and not leaky.dead_regions(negative_slope=1e-9)


@every_elementwise
def test_gain_is_torchs_or_keeps_the_second_moment(name: str) -> None:
    gain = ACTIVATIONS[name].gain
    if name in TORCH_GAINS:
        assert gain == pytest.approx(torch.nn.init.calculate_gain(*TORCH_GAINS[name]))
    else:
        second = float(mean_field(name).second_moment(1.0))
        assert gain == pytest.approx(1 / math.sqrt(second), rel=1e-6)


@every_elementwise
def test_smooth_between_breaks(name: str) -> None:
    """A jump or kink that `breaks` does not name would show in second differences."""
    for parameters in (defaults(name), others(name)):
        step = 1e-4
        x = torch.linspace(-8, 8, 8001, dtype=torch.float64) + 3e-5
        x = away_from(ACTIVATIONS[name].breaks(**parameters), x, 2 * step)
        value = partial(call, name, parameters=parameters)
        bend = value(x + step) - 2 * value(x) + value(x - step)
        assert float(bend.abs().max()) < 20 * step**2


def test_the_search_for_kinks_bites() -> None:
    step = 1e-4
    x = torch.linspace(-8, 8, 8001, dtype=torch.float64) + 3e-5
    bend = torch.relu(x + step) - 2 * torch.relu(x) + torch.relu(x - step)
    assert float(bend.abs().max()) > 20 * step**2


# --------------------------------------------------------------------------------- rrelu


def noise_of(slopes: Tensor, lower: float, upper: float) -> Tensor:
    return (slopes - lower) / (upper - lower)


def test_given_noise_means_what_torch_means() -> None:
    """Recover the slopes that torch drew: given back as noise, they make torch's own output."""
    lower, upper = 0.1, 0.4
    x = torch.randn(200, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    x[0] = 0.0
    leaf = x.clone().requires_grad_()
    torch.manual_seed(3)
    theirs = torch.nn.functional.rrelu(leaf, lower, upper, training=True)
    (their_slopes,) = torch.autograd.grad(theirs.sum(), leaf)
    negative = x <= 0
    assert lower <= their_slopes[negative].min() and their_slopes[negative].max() < upper
    noise = torch.where(negative, noise_of(their_slopes, lower, upper), 0.77)

    module = GivenRReLU(lambda batch, units: noise, lower, upper)
    function = partial(ACTIVATIONS["rrelu"].function, noise=noise, lower=lower, upper=upper)
    for ours in (module, function):
        torch.testing.assert_close(ours(x), theirs.detach(), rtol=1e-12, atol=1e-15)
        torch.testing.assert_close(slope(ours, x), their_slopes, rtol=1e-12, atol=1e-15)


def test_evaluation_takes_the_mean_slope() -> None:
    x = torch.randn(20, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    theirs = torch.nn.RReLU(0.1, 0.4).eval()(x)

    def forbidden(batch: int, units: int) -> Tensor:
        raise AssertionError("noise was drawn at evaluation")

    torch.testing.assert_close(GivenRReLU(forbidden, 0.1, 0.4).eval()(x), theirs)
    torch.testing.assert_close(call("rrelu", x, {"lower": 0.1, "upper": 0.4}), theirs)


def test_training_draws_slopes_and_both_engines_draw_the_same() -> None:
    spread = {"name": "rrelu", "lower": [0.05, 0.2], "upper": [0.2, 0.6]}
    cells = make_cells(activation=spread, dropout=[0.0, 0.3], norm=["none", "batchnorm"], epochs=2)
    mine, theirs = by_cell(train_all(cells)), by_cell(train_by_reference(cells))
    for cell in cells:
        found, wanted = mine[cell.cell_id][-1], theirs[cell.cell_id][-1]
        assert found["train_loss"] == pytest.approx(wanted["train_loss"], rel=1e-10)


def test_a_random_slope_is_not_its_mean() -> None:
    """Without the noise rrelu is leaky_relu: the two part as soon as they train."""
    mean = {"name": "leaky_relu", "negative_slope": 0.3}
    wide = {"name": "rrelu", "lower": 0.1, "upper": 0.5}
    still = {"name": "rrelu", "lower": 0.3, "upper": 0.3}
    cells = make_cells(activation=[mean, wide, still], epochs=1)
    rows = by_cell(train_all(cells))
    before = [rows[cell.cell_id][1]["train_loss"] for cell in cells]
    after = [rows[cell.cell_id][-1]["train_loss"] for cell in cells]
    assert before == pytest.approx([before[0]] * 3, rel=1e-12)
    assert after[2] == pytest.approx(after[0], rel=1e-10)
    assert after[1] != pytest.approx(after[0], rel=1e-4)
