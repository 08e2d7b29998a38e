"""The formulas: the numbers of the literature, and each law by another way than its formula."""

from __future__ import annotations

import ast
import math
from pathlib import Path

import numpy as np
import pytest

from nnbench.catalog.meanfield import mean_field
from nnbench.theory import laws


def test_theory_imports_nothing_of_the_engine_and_no_torch() -> None:
    tree = ast.parse(Path(laws.__file__).read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import)
             for alias in node.names}  # fmt: skip
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names == {"math", "collections.abc"}


@pytest.mark.parametrize(
    ("batch", "growth"),
    [(8, 1.7882), (16, 1.5900), (32, 1.5220), (64, 1.4931), (128, 1.4797), (256, 1.4732)],
)
def test_batchnorm_growth_is_that_of_the_literature(batch: int, growth: float) -> None:
    assert laws.batchnorm_relu_growth(batch) == pytest.approx(growth, abs=6e-5)


def test_batchnorm_growth_tends_to_its_limit() -> None:
    limit = laws.batchnorm_relu_growth(math.inf)
    assert limit == pytest.approx(1.46694, abs=5e-6)
    assert laws.batchnorm_relu_growth(1e7) == pytest.approx(limit, abs=1e-6)


def test_batchnorm_growth_agrees_with_its_expectation_by_simulation() -> None:
    """The definition in the docstring, drawn: tr[D P D (P - uu'/B)] over the spread."""
    generator, batch, n = np.random.default_rng(0), 6, 40_000
    projection = np.eye(batch) - 1 / batch
    y = generator.standard_normal((n, batch)) @ projection
    u = y / np.linalg.norm(y, axis=1, keepdims=True)
    d = (u > 0)[:, :, None] * projection * (u > 0)[:, None, :]
    trace = np.einsum("nij,ij->n", d, projection) - np.einsum("ni,nij,nj->n", u, d, u)
    act = np.maximum(u, 0) * math.sqrt(batch)
    spread = (act - act.mean(1, keepdims=True)) ** 2
    growth = batch / ((batch - 3) * (batch - 1)) * trace.mean()
    growth /= spread.sum(1).mean() / (batch - 1)
    assert laws.batchnorm_relu_growth(batch) == pytest.approx(growth, rel=0.01)


def test_relu_growths() -> None:
    assert laws.relu_growth(2) == 1
    assert laws.relu_growth(1) == 0.5
    assert laws.relu_growth(1 / 3) == pytest.approx(1 / 6)
    assert laws.linear_growth(64, 2 / 96) == pytest.approx(4 / 3)


@pytest.mark.parametrize(("c", "after"), [(0, 1 / math.pi), (1, 1), (-1, 0)])
def test_relu_correlation_at_points_that_are_known(c: float, after: float) -> None:
    assert laws.relu_correlation(c) == pytest.approx(after)


@pytest.mark.parametrize("c", [-0.5, 0.3, 0.9])
def test_relu_correlation_is_that_of_the_mean_field(c: float) -> None:
    expected = float(mean_field("relu").correlation_map(c, 1.0, 2.0, 0.0))
    assert laws.relu_correlation(c) == pytest.approx(expected, abs=1e-9)


def test_relu_correlation_tends_to_nine_pi_squared_over_two() -> None:
    layers = 30_000
    gap = 1 - laws.relu_correlation_after(layers)
    assert gap * layers**2 == pytest.approx(laws.RELU_CORRELATION_LIMIT, rel=0.01)


def test_second_moment_multiplies_over_layers() -> None:
    assert laws.second_moment("relu", [100, 50]) == pytest.approx(1.05 * 1.1)
    assert laws.second_moment("identity", [100, 50]) == pytest.approx(1.02 * 1.04)


@pytest.mark.parametrize(("activation", "constant"), [("relu", 5.0), ("identity", 2.0)])
def test_one_layer_s_variance_by_moments(activation: str, constant: float) -> None:
    """n Var of the mean of n terms phi(z)^2, in units of the mean: E phi^4 / (E phi^2)^2 - 1."""
    fourth, second = (1.5, 0.5) if activation == "relu" else (3.0, 1.0)
    assert laws.LAYER_VARIANCE[activation] == constant == fourth / second**2 - 1


def dead_share(width: int, hidden: int, features: int, both: bool, n: int = 40_000) -> float:
    """Simulate born-dead networks in plain numpy."""
    generator = np.random.default_rng(width)
    h = np.ones((n, features, 1)) * (np.array([1.0, -1.0]) if both else np.ones(1))
    for layer in range(hidden):
        weights = generator.standard_normal((n, width, h.shape[1] if layer else features))
        h = np.maximum(weights @ h, 0)
    return float((h == 0).all((1, 2)).mean())


@pytest.mark.parametrize(("width", "hidden"), [(1, 1), (2, 4), (3, 6)])
def test_born_dead_law_by_simulation(width: int, hidden: int) -> None:
    law = laws.dead_for_one_input([width] * hidden)
    share = dead_share(width, hidden, 3, both=False)
    assert abs(share - law) < 4 * math.sqrt(law * (1 - law) / 40_000)
    assert abs(share - laws.dead_for_one_input([width] * (hidden + 1))) > 0.02


@pytest.mark.parametrize(("width", "hidden"), [(2, 3), (3, 10), (4, 10)])
def test_born_dead_bounds_enclose_a_simulation(width: int, hidden: int) -> None:
    share = dead_share(width, hidden, 1, both=True)
    assert laws.dead_at_least(width, hidden) < share + 0.01
    assert share < laws.dead_for_one_input([width] * hidden) + 0.01


def test_one_hidden_layer_of_one_feature_is_never_dead() -> None:
    assert laws.dead_at_least(3, 1) == 0


@pytest.mark.parametrize(("hidden", "probability", "width"), [(8, 0.125, 6), (9, 0.125, 7)])
def test_width_enough(hidden: int, probability: float, width: int) -> None:
    assert laws.width_enough(hidden, probability) == width
    assert laws.dead_for_one_input([width] * hidden) <= probability


def test_selu_constants_are_those_of_the_quadrature() -> None:
    field, step = mean_field("selu"), 1e-4
    low, high = field.second_moment([1 - step, 1 + step])
    assert (high - low) / (2 * step) == pytest.approx(laws.SELU_CONTRACTION, abs=2e-6)
    assert float(field.slope_moment(1.0)) == pytest.approx(laws.selu_gradient_growth(), abs=1e-9)
    assert float(field.second_moment(1.0)) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "pair"),
    [
        ("swish", (2.63517, 0.06247)),
        ("gelu", (2.19370, 0.06719)),
        ("elu", (1.49678, 0.03466)),
        ("tanh", (2.15330, 0.15096)),
    ],
)
def test_critical_pairs_of_the_literature(name: str, pair: tuple[float, float]) -> None:
    point = mean_field(name).critical_at_q(1.0)
    assert (point.weight_variance, point.bias_variance) == pytest.approx(pair, abs=1e-5)


def test_dropout() -> None:
    assert laws.dropout_growth(2.0, 0.8) == pytest.approx(1.25)
    assert laws.dropout_growth(laws.dropout_critical(0.3), 0.3) == pytest.approx(1)


@pytest.mark.parametrize("time", [0.5, 1.0, 2.0])
def test_linear_mode_solves_its_equation(time: float) -> None:
    s, u0, step = 3.0, 0.01, 1e-5
    before, u, after = (laws.linear_mode(s, u0, time + d) for d in (-step, 0.0, step))
    assert (after - before) / (2 * step) == pytest.approx(2 * u * (s - u), rel=1e-4)
    assert laws.linear_mode(s, u0, 0.0) == pytest.approx(u0)


def transition(rate: float, curvature: float, momentum: float, nesterov: bool) -> np.ndarray:
    """The step (p, v) -> (p, v) of torch's SGD on a quadratic."""
    look = (1 + momentum, momentum**2) if nesterov else (1.0, momentum)
    return np.array([[1 - rate * curvature * look[0], -rate * look[1]], [curvature, momentum]])


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("nesterov", [False, True])
def test_largest_rate_is_where_an_eigenvalue_reaches_one(momentum: float, nesterov: bool) -> None:
    law = laws.largest_rate_nesterov if nesterov else laws.largest_rate
    edge = law(3.0, momentum)
    for factor, stable in ((0.999, True), (1.001, False)):
        step = transition(factor * edge, 3.0, momentum, nesterov)
        assert bool(max(abs(np.linalg.eigvals(step))) < 1) is stable


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_stationary_variance_solves_the_covariance_equation(momentum: float) -> None:
    rate, curvature, noise = 0.2, 3.0, 0.7
    step = transition(rate, curvature, momentum, nesterov=False)
    kick = np.array([-rate, 1.0])
    kron = np.eye(4) - np.kron(step, step)
    covariance = np.linalg.solve(kron, noise * np.outer(kick, kick).ravel()).reshape(2, 2)
    expected = laws.stationary_variance(rate, curvature, noise, momentum)
    assert covariance[0, 0] == pytest.approx(expected, rel=1e-9)


def test_first_steps_and_decay() -> None:
    assert laws.adam_first_step(0.1, -2.0, 0.0) == pytest.approx(-0.1)
    assert laws.adam_first_step(0.1, 1e-8, 1e-8) == pytest.approx(0.05)
    assert laws.decayed(0.1, 0.5, 3) == pytest.approx(0.95**3)
    assert laws.edge_of_stability(0.1) == pytest.approx(20)
