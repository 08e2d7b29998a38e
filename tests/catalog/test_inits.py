"""Initialisations: each one's law, torch's own numbers, and the two that know their network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from nnbench.catalog import ACTIVATIONS, INITS
from nnbench.catalog.formulas import Of
from nnbench.catalog.inits.by_network import lsuv_calibrated
from nnbench.catalog.inits.laws import Normal, Uniform
from nnbench.catalog.inits.registry import check_activation, keywords
from nnbench.catalog.meanfield import mean_field
from nnbench.study.study import Cell
from nnbench.training.draws import Draws, split_for
from nnbench.training.stacked.network import initial_params, program_of, unflatten
from tests.helpers import disagreements, make_cells, other_value

ROWS, COLUMNS = 180, 250  # fan_out, fan_in
KNOWN = {"activation": "tanh", "given": {}}
CRITICAL = mean_field("tanh").critical_at_q(1.0)


def uniform(bound: float) -> Any:
    return stats.uniform(-bound, 2 * bound)


def symbols(name: str) -> dict[str, Any]:
    """Return what the names in a law stand for, at the default parameters."""
    return INITS[name].names(keywords_of(name), COLUMNS, ROWS)


def law_of(name: str) -> Any:
    """Return the law that an entry states as scipy has it."""
    law = INITS[name].law
    if isinstance(law, Uniform):
        return uniform(Of(law.bound).value(symbols(name)))
    assert isinstance(law, Normal)
    std = math.sqrt(Of(law.variance).value(symbols(name)))
    return stats.norm(0, std) if law.cut == math.inf else stats.truncnorm(-law.cut, law.cut, 0, std)


BIASES: Mapping[str, Any] = {
    "torch_default": uniform(math.sqrt(1 / COLUMNS)),
    "critical": stats.norm(0, math.sqrt(CRITICAL.bias_variance)),
}
FIXED = ("zero", "constant")

every_init = pytest.mark.parametrize("name", INITS)
# a law that data has a part in is held against the weights of a picture, in tests/atlas
LAWS = [n for n, e in INITS.items() if not isinstance(e.law, str) and e.calibrate is None]
every_law = pytest.mark.parametrize("name", LAWS)


def generator(seed: int = 7) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=generator(), dtype=torch.float64)


def keywords_of(name: str, **changes: Any) -> dict[str, Any]:
    found = {key: about.default for key, about in INITS[name].parameters.items()}
    return found | (KNOWN if INITS[name].needs_activation else {}) | changes


def weights(name: str, **changes: Any) -> Tensor:
    return INITS[name].function(noise(ROWS, COLUMNS), **keywords_of(name, **changes))


@every_init
def test_every_init_has_a_law_or_says_why_it_has_none(name: str) -> None:
    entry = INITS[name]
    assert (entry.bias is None) == (entry.bias_twin is None)
    assert not isinstance(entry.law, str) or len(entry.law) > 10


@every_law
def test_a_law_knows_its_deviation_and_its_density(name: str) -> None:
    law, wanted = INITS[name].law, law_of(name)
    assert not isinstance(law, str)
    assert law.deviation(symbols(name)) == pytest.approx(wanted.std(), rel=1e-12)
    grid = np.linspace(-4, 4, 100) * wanted.std()
    assert law.density(grid, symbols(name)) == pytest.approx(wanted.pdf(grid), rel=1e-12)


# ------------------------------------------------------------------------------------- the laws


@every_law
def test_law(name: str) -> None:
    values, law = weights(name).flatten().numpy(), law_of(name)
    assert stats.kstest(values, law.cdf).pvalue > 0.01
    n = len(values)
    assert abs(values.mean()) < 4 * law.std() / math.sqrt(n)
    spread_of_variance = math.sqrt((float(law.moment(4)) / law.var() ** 2 - 1) / n)
    assert values.var() == pytest.approx(law.var(), rel=4 * spread_of_variance)
    low, high = law.support()
    assert low <= values.min() and values.max() <= high


@every_law
def test_the_test_of_laws_bites(name: str) -> None:
    """A tenth more spread, or fan_out for fan_in, must show."""
    values = 1.1 * weights(name).flatten().numpy()
    assert stats.kstest(values, law_of(name).cdf).pvalue < 1e-6


@pytest.mark.parametrize("name", BIASES)
def test_law_of_biases(name: str) -> None:
    entry = INITS[name]
    assert entry.bias is not None
    values = entry.bias(noise(20_000), COLUMNS, **keywords_of(name, gain=3.0))
    assert stats.kstest(values.numpy(), BIASES[name].cdf).pvalue > 0.01
    twin = torch.empty(20_000, dtype=torch.float64)
    entry.fill_bias(twin, generator(), keywords_of(name, gain=3.0), COLUMNS)
    torch.testing.assert_close(values, twin, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", FIXED)
def test_fixed_weights(name: str) -> None:
    wanted = 0.0 if name == "zero" else 0.1
    assert (weights(name) == wanted).all()
    assert (weights("constant", value=-0.3, gain=2.0) == -0.6).all()


@pytest.mark.parametrize("shape", [(30, 30), (30, 12), (12, 30)])
def test_rotations_have_unit_singular_values(shape: tuple[int, int]) -> None:
    weight = INITS["orthogonal"].function(noise(*shape), gain=1.5)
    singular = torch.linalg.svdvals(weight)
    torch.testing.assert_close(singular, torch.full_like(singular, 1.5))
    torch.testing.assert_close(
        INITS["lsuv"].function(noise(*shape), gain=9.0, rows=5), weight / 1.5
    )


@every_init
def test_gain_is_a_factor(name: str) -> None:
    if INITS[name].calibrate is not None:
        pytest.skip("its gain is applied to what the data says")
    torch.testing.assert_close(weights(name, gain=2.5), 2.5 * weights(name), rtol=1e-14, atol=0)
    assert (weights(name, gain=0.0) == 0).all()


@every_init
def test_shapes_of_one_do_no_harm(name: str) -> None:
    for shape in ((1, 1), (1, 9), (9, 1)):
        weight = INITS[name].function(noise(*shape), **keywords_of(name))
        assert weight.shape == shape and torch.isfinite(weight).all()


def test_laws_of_one_variance_are_images_of_one_draw() -> None:
    order = noise(ROWS, COLUMNS).flatten().argsort()
    for name in ("he_uniform", "he_normal", "truncated_normal", "torch_default"):
        assert (weights(name).flatten()[order].diff() >= 0).all()
    correlation = np.corrcoef(weights("he_normal").flatten(), weights("he_uniform").flatten())
    assert correlation[0, 1] == pytest.approx(math.sqrt(3 / math.pi), abs=0.003)


# ------------------------------------------------------------------------------- torch's numbers


@pytest.mark.parametrize(
    ("name", "fill", "settings"),
    [
        ("normal", "normal_", {"std": 0.05}),
        ("lecun_normal", "kaiming_normal_", {"nonlinearity": "linear"}),
        ("he_normal", "kaiming_normal_", {"nonlinearity": "relu"}),
        ("xavier_normal", "xavier_normal_", {}),
        ("orthogonal", "orthogonal_", {}),
    ],
)
def test_same_generator_same_weights_as_torch(name: str, fill: str, settings: Any) -> None:
    theirs = torch.empty(ROWS, COLUMNS, dtype=torch.float64)
    getattr(torch.nn.init, fill)(theirs, generator=generator(), **settings)
    torch.testing.assert_close(weights(name), theirs, rtol=4e-16, atol=0)


@pytest.mark.parametrize(
    ("name", "fill", "settings"),
    [
        ("lecun_uniform", "kaiming_uniform_", {"nonlinearity": "linear"}),
        ("he_uniform", "kaiming_uniform_", {"nonlinearity": "relu"}),
        ("torch_default", "kaiming_uniform_", {"a": math.sqrt(5)}),
        ("xavier_uniform", "xavier_uniform_", {}),
        ("random_small", "uniform_", {"a": -0.01, "b": 0.01}),
        ("truncated_normal", "trunc_normal_", {"std": 0.05, "a": -0.1, "b": 0.1}),
    ],
)
def test_same_law_as_torch(name: str, fill: str, settings: Any) -> None:
    theirs = torch.empty(ROWS, COLUMNS, dtype=torch.float64)
    getattr(torch.nn.init, fill)(theirs, generator=generator(11), **settings)
    ours = weights(name).flatten().numpy()
    assert stats.ks_2samp(ours, theirs.flatten().numpy()).pvalue > 0.01
    assert stats.ks_2samp(1.1 * ours, theirs.flatten().numpy()).pvalue < 1e-6


def test_default_of_a_linear_layer_is_torch_default() -> None:
    torch.manual_seed(0)
    layer = torch.nn.Linear(COLUMNS, ROWS, dtype=torch.float64)
    ours = weights("torch_default").flatten().numpy()
    assert stats.ks_2samp(ours, layer.weight.detach().flatten().numpy()).pvalue > 0.01
    bound = 1 / math.sqrt(COLUMNS)
    assert float(layer.bias.detach().abs().max()) <= bound


# ------------------------------------------------------------------------------------- critical


def one_cell(**grid: Any) -> Cell:
    (cell,) = make_cells(**grid)
    return cell


def params_of(cell: Cell) -> dict[str, Tensor]:
    program = program_of(cell.recipe, split_for(cell.recipe))
    return unflatten(program, initial_params(program, cell.recipe, Draws(cell.recipe)))


def test_keywords_bring_the_activation_to_those_that_ask() -> None:
    leaky = {"name": "leaky_relu", "negative_slope": 0.3}
    recipe = one_cell(activation=leaky, init={"name": "critical", "q": 2.0}).recipe
    assert keywords(recipe) == {
        "gain": 1.0,
        "q": 2.0,
        "activation": "leaky_relu",
        "given": {"negative_slope": 0.3},
    }
    assert keywords(one_cell(activation=leaky, init="he_normal").recipe) == {"gain": 1.0}


def test_critical_follows_the_activation() -> None:
    init = {"name": "critical", "q": 2.0}
    for name in ("tanh", "relu", "swish", "rrelu"):
        cell = one_cell(activation=name, init=init, width=60, depth=3)
        point, found = mean_field(name).critical_at_q(2.0), params_of(cell)
        standard = Draws(cell.recipe).init_noise("1.weight", 60, 60)
        wanted = standard * math.sqrt(point.weight_variance / 60)
        torch.testing.assert_close(found["1.weight"], wanted)
        bias = Draws(cell.recipe).init_noise("1.bias", 60) * math.sqrt(point.bias_variance)
        torch.testing.assert_close(found["1.bias"], bias)


@pytest.mark.parametrize("name", ["tanh", "gelu", "rrelu", "hardtanh", "softshrink", "selu"])
def test_critical_agrees_with_the_reference(name: str) -> None:
    init = {"name": "critical", "q": [0.8, 2.0], "gain": 0.9}
    optimizer = {"name": "sgd", "lr": 0.1}
    assert disagreements(make_cells(activation=name, init=init, optimizer=optimizer)) == []


@pytest.mark.parametrize("name", ["sigmoid", "sign", "softmax"])
def test_critical_refuses_what_it_cannot_start(name: str) -> None:
    critical = {"activation": name, "init": "critical", "init.gain": 1.0, "init.q": 1.0}
    with pytest.raises(ValueError, match=rf'^init "critical" has no weights .*"{name}".*exclude$'):
        check_activation(critical)
    check_activation(critical | {"init": "he_normal"})
    check_activation(critical | {"activation": "tanh"})


# ----------------------------------------------------------------------------------------- lsuv


def spreads(cell: Cell, rows: int) -> list[float]:
    """Return the standard deviation of each linear layer's outputs, worked out from scratch."""
    params, recipe = params_of(cell), cell.recipe
    h = torch.tensor(split_for(recipe).x["train"][:rows])
    found = []
    for layer in [*map(str, range(int(str(recipe["depth"])))), "output"]:
        h = h @ params[f"{layer}.weight"].T + params[f"{layer}.bias"]
        found.append(float(h.std(correction=0)))
        h = ACTIVATIONS[str(recipe["activation"])].function(h)
    return found


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "relu_squared", "identity"])
@pytest.mark.parametrize("bias", [0.0, 0.3])
def test_lsuv_gives_every_layer_unit_variance(activation: str, bias: float) -> None:
    init = {"name": "lsuv", "rows": 20}
    cell = one_cell(activation=activation, init=init, depth=6, width=11, bias=bias)
    assert spreads(cell, 20) == pytest.approx([1.0] * 7, rel=1e-10)
    assert spreads(cell, 36) != pytest.approx([1.0] * 7, rel=1e-3)  # those rows it did not see
    plain = one_cell(activation=activation, init="orthogonal", depth=6, width=11, bias=bias)
    assert spreads(plain, 20) != pytest.approx([1.0] * 7, rel=0.1)


def test_gain_of_lsuv_is_the_spread_that_it_aims_at() -> None:
    cell = one_cell(activation="tanh", init={"name": "lsuv", "gain": 1.7}, depth=4)
    assert spreads(cell, 256) == pytest.approx([1.7] * 5, rel=1e-10)


def test_lsuv_keeps_directions() -> None:
    cell = one_cell(init="lsuv", depth=3, width=9)
    weight = params_of(cell)["1.weight"]
    singular = torch.linalg.svdvals(weight)
    torch.testing.assert_close(singular, singular[:1].expand(9))


def test_lsuv_leaves_silent_layers_alone() -> None:
    weight = noise(4, 3)
    rounded = 2 + 1e-13 * torch.arange(10.0, dtype=torch.float64)[:, None]
    silent = (torch.zeros(10, 4), torch.full((10, 4), math.nan), torch.ones(10, 4) * 2, rounded)
    for outputs in silent:
        found = lsuv_calibrated(weight, lambda w, outputs=outputs: outputs, gain=1.0, rows=10)
        assert torch.equal(found, weight)


@pytest.mark.parametrize(
    "grid",
    [
        {"norm": ["batchnorm", "layernorm"], "activation": "tanh"},
        {"norm": {"name": "batchnorm", "position": "after"}},
        {"activation": {"name": "rrelu", "lower": 0.1, "upper": 0.6}, "dropout": 0.3},
        {"residual": True, "activation": ["prelu", "softmax"], "depth": 4},
        {"bias": [0.0, 0.2], "depth": [0, 1], "dtype": "float32"},
    ],
)
def test_lsuv_agrees_with_the_reference(grid: dict[str, Any]) -> None:
    init = {"name": "lsuv", "rows": [5, 30], "gain": [1.0, 1.3]}
    optimizer = {"name": "sgd", "lr": 0.05}
    tolerance = 1e-3 if grid.get("dtype") == "float32" else 1e-9
    cells = make_cells(init=init, optimizer=optimizer, epochs=2, **grid)
    assert disagreements(cells, tolerance) == []


def test_the_comparison_of_lsuv_bites(monkeypatch: pytest.MonkeyPatch) -> None:
    def over_rows_only(weight: Tensor, outputs: Any, gain: float, rows: int) -> Tensor:
        return gain * weight / outputs(weight).std(0, correction=0).mean()

    monkeypatch.setitem(INITS, "lsuv", replace(INITS["lsuv"], calibrate=over_rows_only))
    assert disagreements(make_cells(init="lsuv", optimizer={"name": "sgd", "lr": 0.05})) != []


@every_init
def test_other_parameters_change_the_weights(name: str) -> None:
    for key, about in INITS[name].parameters.items():
        if name == "zero" or INITS[name].calibrate is not None:
            continue
        changed = weights(name, **{key: other_value(about)})
        assert not torch.equal(changed, weights(name)), key
