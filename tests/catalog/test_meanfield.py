"""Mean-field theory: closed forms, numbers of the literature, and networks wide enough to obey."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import integrate

from nnbench.catalog import ACTIVATIONS
from nnbench.catalog.inits.twins import integrals
from nnbench.catalog.meanfield import mean_field, normal_mean

ELEMENTWISE = [name for name, entry in ACTIVATIONS.items() if entry.elementwise]


# ----------------------------------------------------------------------------------- integrals


def test_moments_of_the_normal_law() -> None:
    for power, wanted in ((0, 1.0), (1, 0.0), (2, 1.0), (4, 3.0), (10, 945.0)):
        assert normal_mean(lambda z, p=power: z**p) == pytest.approx(wanted, rel=1e-13, abs=1e-14)


def test_a_sharp_bend_is_found() -> None:
    sharp = normal_mean(lambda z: np.exp(-1e6 * (z - 0.3) ** 2))
    assert sharp == pytest.approx(math.exp(-0.09 / (2 + 1e-6)) / math.sqrt(1 + 2e6), rel=1e-10)


def test_a_jump_has_to_be_named() -> None:
    def step(z: np.ndarray) -> np.ndarray:
        return (z > 0.1234).astype(float)

    wanted = math.erfc(0.1234 / math.sqrt(2)) / 2
    assert normal_mean(step, [0.1234]) == pytest.approx(wanted, rel=1e-12)
    with pytest.raises(ArithmeticError, match="is a jump missing"):
        normal_mean(step)


def test_what_never_settles_is_given_up_before_memory_is() -> None:
    chance = np.random.default_rng(0)
    with pytest.raises(ArithmeticError, match="did not settle"):
        normal_mean(lambda z: chance.random(z.shape))


@pytest.mark.parametrize("q", [1e-4, 0.3, 1.0, 50.0, 1e6])
def test_closed_forms(q: float) -> None:
    close = {"rel": 1e-11}
    for name, value, slope in (
        ("identity", q, 1.0),
        ("relu", q / 2, 0.5),
        ("erf", 2 / math.pi * math.asin(2 * q / (1 + 2 * q)), 4 / math.pi / math.sqrt(1 + 4 * q)),
        ("relu_squared", 1.5 * q * q, 2 * q),
        ("sign", 1.0, 0.0),
        ("heaviside", 0.5, 0.0),
    ):
        field = mean_field(name)
        assert float(field.second_moment(q)) == pytest.approx(value, **close), name
        assert float(field.slope_moment(q)) == pytest.approx(slope, **close), name
    waves = mean_field("sine", omega=2.0)
    if q < 100:
        half = math.exp(-8 * q)
        assert float(waves.second_moment(q)) == pytest.approx((1 - half) / 2, **close)
        assert float(waves.slope_moment(q)) == pytest.approx(4 * (1 + half) / 2, **close)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_moments_equal_scipys_of_the_twin(name: str) -> None:
    given = tuple((key, about.default) for key, about in ACTIVATIONS[name].parameters.items())
    slope, value = integrals(name, given, 1.7)
    assert float(mean_field(name).slope_moment(1.7)) == pytest.approx(slope, rel=1e-9)
    assert float(mean_field(name).second_moment(1.7)) == pytest.approx(value, rel=1e-9)


def test_parameters_count() -> None:
    assert float(mean_field("leaky_relu", negative_slope=0.5).slope_moment(1)) == pytest.approx(
        (1 + 0.25) / 2, rel=1e-12
    )
    low, high = 0.2, 0.8  # the slope is drawn: its mean square counts, not the square of its mean
    drawn = (low * low + low * high + high * high) / 3
    field = mean_field("rrelu", lower=low, upper=high)
    assert float(field.second_moment(3.0)) == pytest.approx(1.5 * (1 + drawn), rel=1e-12)


def test_at_zero_it_is_the_limit() -> None:
    assert float(mean_field("relu").slope_moment(0.0)) == pytest.approx(0.5)
    assert float(mean_field("sigmoid").second_moment(0.0)) == pytest.approx(0.25)
    assert float(mean_field("gelu").slope_moment(0.0)) == pytest.approx(0.25)


def test_arrays_go_in_and_out() -> None:
    q = np.array([[0.5, 1.0], [2.0, 4.0]])
    found = mean_field("relu").q_map(q, 2.0, 0.5)
    assert found.shape == (2, 2) and found.dtype == np.float64
    np.testing.assert_allclose(found, q + 0.5, rtol=1e-12)


# ------------------------------------------------------------------------- points of the theory


@pytest.mark.parametrize(
    ("bias", "weight"), [(0.05, 1.76095), (0.1, 1.98607), (0.25, 2.40149), (0.0, 1.0)]
)
def test_critical_line_of_tanh(bias: float, weight: float) -> None:
    point = mean_field("tanh").critical_at_bias(bias)
    assert point.weight_variance == pytest.approx(weight, abs=5e-6)
    assert point.bias_variance == bias
    again = mean_field("tanh").critical_at_q(point.q) if point.q else point
    assert again.weight_variance == pytest.approx(point.weight_variance, rel=1e-10)


@pytest.mark.parametrize(
    ("name", "weight", "bias"),
    [
        ("relu", 2.0, 0.0),
        ("swish", 2.63517, 0.06247),
        ("gelu", 2.19370, 0.06719),
        ("elu", 1.49678, 0.03466),
        ("tanh", 2.15330, 0.15096),
        ("selu", 0.93321, 0.06679),
    ],
)
def test_critical_pairs_at_one(name: str, weight: float, bias: float) -> None:
    point = mean_field(name).critical_at_q(1.0)
    assert (point.weight_variance, point.bias_variance) == pytest.approx((weight, bias), abs=6e-6)
    field = mean_field(name)
    assert field.fixed_point(point.weight_variance, point.bias_variance) == pytest.approx(1.0)
    assert field.chi(point.weight_variance, point.bias_variance) == pytest.approx(1.0)


def test_critical_pair_of_selu_in_closed_form() -> None:
    alpha, scale = 1.6732632423543772, 1.0507009873554805
    below = math.erfc(math.sqrt(2)) / 2  # Phi(-2)
    slope = scale**2 / 2 + (scale * alpha) ** 2 * math.exp(2) * below
    assert mean_field("selu").critical_at_q(1.0).weight_variance == pytest.approx(1 / slope)


def test_fixed_point_of_selu_under_lecuns_init() -> None:
    """Klambauer et al. (2017): mean square 1 stays, and squared gradients grow a little."""
    field = mean_field("selu")
    assert float(field.q_map(1.0, 1.0, 0.0)) == pytest.approx(1.0, rel=1e-12)
    assert float(field.slope_moment(1.0)) == pytest.approx(1.0716, abs=5e-5)


def test_hes_init_is_not_critical_for_gelu_and_swish() -> None:
    for name in ("gelu", "swish"):
        assert mean_field(name).fixed_point(2.0, 0.0) == 0.0
        assert mean_field(name).chi(2.0, 0.0) == pytest.approx(0.5)


def test_depth_scales() -> None:
    tanh = mean_field("tanh")
    ordered, chaotic = tanh.depth_scale(1.0, 0.05), tanh.depth_scale(4.0, 0.05)
    chi = tanh.chi(1.0, 0.05)
    assert ordered == pytest.approx(-1 / math.log(chi)) and ordered > 0 > chaotic
    critical = tanh.critical_at_bias(0.05)
    near = tanh.depth_scale(critical.weight_variance * 0.999, 0.05)
    assert near > 100 * ordered / 10
    assert mean_field("relu").depth_scale(2.0, 0.0) == math.inf
    assert mean_field("relu").depth_scale(1.0, 0.0) == pytest.approx(1 / math.log(2))


def test_fixed_point_is_stable_and_found_from_both_sides() -> None:
    field = mean_field("tanh")
    for start in (0.01, 1.0, 30.0):
        q = field.fixed_point(2.5, 0.1, start)
        assert float(field.q_map(q, 2.5, 0.1)) == pytest.approx(q, rel=1e-12)
        assert q == pytest.approx(field.fixed_point(2.5, 0.1), rel=1e-9)
    assert mean_field("relu").fixed_point(2.0, 0.0, start=3.5) == 3.5
    assert mean_field("relu").fixed_point(1.0, 1e-9) == pytest.approx(2e-9, rel=1e-6)


# ------------------------------------------------------------------------------- correlations


def test_correlation_map_of_relu() -> None:
    """Cho & Saul (2009): [sqrt(1 - c^2) + c (pi - arccos c)] / pi at (2, 0)."""
    c = np.array([-1.0, -0.5, 0.0, 0.5, 0.999999, 1.0])
    wanted = (np.sqrt(1 - c * c) + c * (np.pi - np.arccos(c))) / np.pi
    np.testing.assert_allclose(
        mean_field("relu").correlation_map(c, 3.0, 2.0, 0.0), wanted, atol=1e-12
    )


def test_correlation_map_of_erf() -> None:
    """Williams (1998): E erf(u) erf(v) = 2/pi arcsin(2 c q / (1 + 2 q))."""
    c, q = np.array([-0.9, 0.2, 0.8, 1.0]), 1.3
    products = 2 / np.pi * np.arcsin(2 * c * q / (1 + 2 * q))
    wanted = (1.5 * products + 0.2) / (1.5 * products[-1] + 0.2)
    found = mean_field("erf").correlation_map(c, q, 1.5, 0.2)
    np.testing.assert_allclose(found, wanted, atol=1e-11)


def test_chi_is_the_slope_of_the_correlation_map_at_one() -> None:
    field = mean_field("tanh")
    q = field.fixed_point(2.5, 0.1)
    step = 1e-5
    behind, at = field.correlation_map(np.array([1 - step, 1.0]), q, 2.5, 0.1)
    assert at == pytest.approx(1.0)
    assert (at - behind) / step == pytest.approx(field.chi(2.5, 0.1), rel=1e-4)


# ------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize("name", ["sign", "heaviside"])
def test_no_slope_no_critical_pair(name: str) -> None:
    with pytest.raises(ValueError, match=f'"{name}".*slope is zero'):
        mean_field(name).critical_at_q(1.0)
    with pytest.raises(ValueError, match="no critical pair"):
        mean_field(name).critical_at_bias(0.1)


def test_a_line_is_critical_without_biases_only() -> None:
    for name in ("identity", "relu", "leaky_relu"):
        with pytest.raises(ValueError, match=r"no critical pair has sigma_b\^2 = 0.1"):
            mean_field(name).critical_at_bias(0.1)
        assert mean_field(name).critical_at_bias(0.0).bias_variance == 0.0


def test_sigmoid_is_critical_at_large_q_only() -> None:
    field = mean_field("sigmoid")
    with pytest.raises(ValueError, match=r'"sigmoid".*q = 1, where sigma_b\^2 .* -5\.54'):
        field.critical_at_q(1.0)
    assert field.critical_at_q(128.0).bias_variance > 0


def test_no_fixed_point() -> None:
    for name, weight, bias in (("relu", 2.5, 0.0), ("identity", 1.0, 0.1), ("snake", 3.0, 0.0)):
        with pytest.raises(ValueError, match="grows without bound"):
            mean_field(name).fixed_point(weight, bias)


def test_softmax_has_no_mean_field() -> None:
    with pytest.raises(ValueError, match=r'"softmax" mixes the units'):
        mean_field("softmax")
    with pytest.raises(ValueError, match="at least 0"):
        mean_field("tanh").second_moment(-1.0)


# ------------------------------------------------------------------------------------ networks


@pytest.mark.parametrize("name", ["tanh", "gelu", "selu", "sine"])
def test_a_wide_network_stays_at_its_fixed_point(name: str) -> None:
    """One network of 2,000 units: q of the tenth layer is 1, within what width allows."""
    point = mean_field(name).critical_at_q(1.0)
    chance = torch.Generator().manual_seed(5)
    width, function = 2000, ACTIVATIONS[name].function
    numbers = {key: about.default for key, about in ACTIVATIONS[name].parameters.items()}
    h = torch.randn(width, generator=chance)
    for _ in range(10):
        weight = torch.randn(width, width, generator=chance)
        weight *= math.sqrt(point.weight_variance / width)
        bias = torch.randn(width, generator=chance) * math.sqrt(point.bias_variance)
        h = weight @ function(h, **numbers) + bias
    assert float(h.square().mean()) == pytest.approx(1.0, abs=0.3)


def test_scipy_agrees_on_a_plain_integral() -> None:
    """Proves that the twin's own quadrature is one: it knows nothing of this file's."""
    density = lambda z: math.exp(-z * z / 2) / math.sqrt(2 * math.pi)  # noqa: E731
    wanted = integrate.quad(lambda z: math.tanh(z) ** 2 * density(z), -12, 12)[0]
    assert integrals("tanh", (), 1.0)[1] == pytest.approx(wanted, rel=1e-10)
