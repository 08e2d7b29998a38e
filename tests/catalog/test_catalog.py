"""Every entry of every registry: what it says of itself, and that torch's twin does the same."""

from __future__ import annotations

import importlib
import inspect
import math
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nnbench.catalog import ACTIVATIONS, INITS, KEYS, SCHEDULES, VOCABULARY
from nnbench.catalog.schedules.registry import PlateauState, scheduler_of
from nnbench.study import fields
from nnbench.study.vocabulary import Entry, Parameter, find_name
from tests.helpers import other_value

ENTRIES = [(kind, name) for kind, entries in VOCABULARY.registries.items() for name in entries]
every_entry = pytest.mark.parametrize(("kind", "name"), ENTRIES, ids=map(".".join, ENTRIES))
LISTED = {**VOCABULARY.registries, **KEYS}  # those that a study names by keys of their own, too
PLACES = [(kind, name) for kind, entries in LISTED.items() for name in entries]
every_listed = pytest.mark.parametrize(("kind", "name"), PLACES, ids=map(".".join, PLACES))


def defaults(entry: Entry) -> dict[str, Any]:
    return {key: about.default for key, about in entry.parameters.items()}


# ---------------------------------------------------------------------- what entries say


@every_listed
def test_entry_says_what_it_is(kind: str, name: str) -> None:
    entry = LISTED[kind][name]
    assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
    assert entry.summary.endswith(".") and len(entry.summary) > 10
    assert entry.formula.strip() == entry.formula != ""
    source = re.search(r"\((1[789]|20)\d\d\)", entry.reference)
    assert source or entry.reference.startswith(("PyTorch, torch.", "scikit-learn, ", "(")), name


@every_entry
def test_parameters_are_sound(kind: str, name: str) -> None:
    entry = VOCABULARY.registries[kind][name]
    for key, about in entry.parameters.items():
        assert key.isidentifier() and key != "name"
        assert about.doc and about.low <= about.high
        if about.registry:
            assert about.registry in VOCABULARY.registries
            assert about.default is None or about.default in VOCABULARY.registries[about.registry]
        else:
            accepted = about.accept(about.default)
            assert accepted == about.default and type(accepted) is type(about.default), key


def test_no_name_means_two_things() -> None:
    for kind, entries in LISTED.items():
        names = [*entries, *(alias for entry in entries.values() for alias in entry.aliases)]
        assert len(names) == len(set(names)), kind
        for name, entry in entries.items():
            assert all(find_name(entries, alias) == name for alias in (name, *entry.aliases))
        assert find_name(entries, "no such thing") is None


def functions_of(entry: Entry) -> dict[str, Callable[..., Any]]:
    """Return an entry's rules: its fields that are functions, those with a name of their own."""
    return {
        key: value
        for key, value in vars(entry).items()
        if inspect.isfunction(value)
        and key != "reader"
        and value.__name__ != "<lambda>"
        and "<locals>" not in value.__qualname__
        and not value.__name__.startswith("_")
    }


@every_entry
def test_rules_have_docstrings(kind: str, name: str) -> None:
    for key, function in functions_of(VOCABULARY.registries[kind][name]).items():
        assert function.__doc__ and len(function.__doc__.strip()) > 3, f"{key}: {function}"


@every_listed
def test_torch_has_what_is_named(kind: str, name: str) -> None:
    """``torch.optim.SGD(momentum=...)`` or ``torch.nn.A on torch.nn.B``: each name exists."""
    said = LISTED[kind][name].torch
    assert said == "" or "torch." in said
    for dotted in re.findall(r"torch(?:\.\w+)+", said):
        parts = dotted.split(".")
        found: Any = torch
        for place in range(1, len(parts)):
            if not hasattr(found, parts[place]):
                found = importlib.import_module(".".join(parts[: place + 1]))
            else:
                found = getattr(found, parts[place])
        assert found is not None


def test_every_field_is_marked_and_explained() -> None:
    for key, field in fields.FIELDS.items():
        assert isinstance(field.role, fields.Role) and field.doc, key
        assert bool(field.registry) != (field.value is not None), key
        if field.registry and field.default not in ("", "auto"):
            assert field.default in VOCABULARY.registries[field.registry], key


# ------------------------------------------------------------------- parameters

FREE = Parameter(0.5, "any")
WHOLE = Parameter(3, "whole", low=1, high=10)
HALF_OPEN = Parameter(0.5, "share", low=0, high=1, open_high=True)


@given(st.floats() | st.integers(-(2**53), 2**53))  # beyond, a float holds no longer each integer
def test_numbers_come_in_one_form(value: float) -> None:
    """What is accepted is finite, in range, of the default's type, and accepted again as it is."""
    for parameter in (FREE, WHOLE, HALF_OPEN):
        try:
            accepted = parameter.accept(value)
        except ValueError as problem:
            assert "must" in str(problem)
            continue
        assert math.isfinite(accepted) and type(accepted) is type(parameter.default)
        assert accepted == value and parameter.accept(accepted) == accepted
        assert parameter.low <= accepted <= parameter.high
        assert not str(accepted).startswith("-0") or accepted != 0


@pytest.mark.parametrize(
    "value", [True, "1", None, [1], float("nan"), math.inf, 10**400, -(10**400)]
)
def test_what_is_no_number(value: Any) -> None:
    for parameter in (FREE, WHOLE, HALF_OPEN):
        with pytest.raises(ValueError, match="must"):
            parameter.accept(value)


def test_bounds_say_themselves() -> None:
    assert HALF_OPEN.interval() == "[0, 1)" and FREE.interval() == "(-inf, inf)"
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\)"):
        HALF_OPEN.accept(1)


# ------------------------------------------------------------------- activations

SPECIAL = [0.0, -0.0, 1e-300, -1e-300, 1e-8, -1e-8, 0.5, -0.5, 1, -1, 3, -3, 6, -6]
POINTS = [*SPECIAL, 20.0, -20.0, 30.0, -30.0, 800.0, -800.0]
ELEMENTWISE = [name for name, entry in ACTIVATIONS.items() if entry.elementwise]
RIGHT = [name for name in ELEMENTWISE if not ACTIVATIONS[name].random]


def points() -> torch.Tensor:
    many = torch.linspace(-12, 12, 997, dtype=torch.float64)  # no kink but 0 is on this grid
    return torch.cat([torch.tensor(POINTS, dtype=torch.float64), many]).requires_grad_()


def settings_of(name: str) -> list[dict[str, Any]]:
    entry = ACTIVATIONS[name]
    return [defaults(entry), {key: other_value(about) for key, about in entry.parameters.items()}]


def ours(name: str, x: torch.Tensor, parameters: dict[str, Any]) -> torch.Tensor:
    given = {key: torch.tensor(value, dtype=torch.float64) for key, value in parameters.items()}
    learned = ACTIVATIONS[name].learned
    start = {key: torch.tensor([value], dtype=torch.float64) for key, value in learned.items()}
    return ACTIVATIONS[name].function(x, **given, **start)


def value_and_slope(function: Callable[..., torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    x = points()
    value = function(x)
    (slope,) = torch.autograd.grad(value.sum(), x, allow_unused=True, materialize_grads=True)
    return value.detach(), slope


@pytest.mark.parametrize("name", RIGHT)
def test_activation_equals_its_twin(name: str) -> None:
    for parameters in settings_of(name):
        twin = ACTIVATIONS[name].twin(**parameters).double()
        for mine, wanted in zip(
            value_and_slope(lambda x, p=parameters: ours(name, x, p)),
            value_and_slope(twin),
            strict=True,
        ):
            assert torch.isfinite(mine).all()
            torch.testing.assert_close(mine, wanted, rtol=1e-9, atol=1e-12)


def test_the_comparison_of_activations_bites() -> None:
    twin = ACTIVATIONS["leaky_relu"].twin(negative_slope=0.011).double()
    mine, _ = value_and_slope(lambda x: ours("leaky_relu", x, {"negative_slope": 0.01}))
    assert not torch.allclose(mine, twin(points()).detach(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", RIGHT)
def test_activation_keeps_nan_and_survives_infinity(name: str) -> None:
    parameters = settings_of(name)[0]
    x = torch.tensor([math.nan, 1.0, math.nan], dtype=torch.float64)
    assert ours(name, x, parameters).isnan().tolist() == [True, False, True]
    ends = torch.tensor([math.inf, -math.inf], dtype=torch.float64)
    mine, wanted = ours(name, ends, parameters), ACTIVATIONS[name].twin(**parameters).double()(ends)
    for value, twins in zip(mine.tolist(), wanted.detach().tolist(), strict=True):
        assert math.isnan(value) or value == twins  # a NaN is loud; a wrong number would not be


# ------------------------------------------------------------------- initialisations

SHAPES = [(40, 25), (25, 40), (100, 90)]


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(20)


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=generator(), dtype=torch.float64)


def keywords_of(name: str) -> dict[str, Any]:
    """Return what an init is called with by default; an activation, where it asks for one."""
    known = {"activation": "tanh", "given": {}} if INITS[name].needs_activation else {}
    return defaults(INITS[name]) | known


@pytest.mark.parametrize("name", INITS)
@pytest.mark.parametrize("shape", SHAPES)
def test_init_equals_its_twin(name: str, shape: tuple[int, int]) -> None:
    entry = INITS[name]
    others = {key: other_value(about) for key, about in entry.parameters.items()}
    for parameters in (keywords_of(name), keywords_of(name) | others):
        weight = entry.function(noise(*shape), **parameters)
        twin = torch.empty(*shape, dtype=torch.float64)
        entry.fill(twin, generator(), parameters)
        assert weight.shape == shape and weight.dtype == torch.float64 and weight.is_contiguous()
        torch.testing.assert_close(weight, twin, rtol=1e-12, atol=1e-12)


# ------------------------------------------------------------------- the plateau schedule

LOSSES = st.lists(
    st.sampled_from([1.0, 0.5, 0.4999, 0.49, 2.0, math.inf, math.nan]) | st.floats(0, 10),
    min_size=1,
    max_size=40,
)


@given(
    LOSSES,
    st.sampled_from([0.0, 0.1, 0.5, 0.9]),
    st.integers(0, 4),
    st.sampled_from([0.0, 1e-4, 0.1, 1.0]),
    st.integers(0, 3),
    st.sampled_from([0.0, 1e-3, 0.04]),
)
def test_plateau_equals_torch_on_any_losses(
    losses: list[float],
    factor: float,
    patience: int,
    threshold: float,
    cooldown: int,
    min_lr: float,
) -> None:
    parameters = {
        "factor": factor,
        "patience": patience,
        "threshold": threshold,
        "cooldown": cooldown,
        "min_lr": min_lr,
    }
    entry = SCHEDULES["plateau"]
    assert entry.after_epoch is not None and set(parameters) == set(entry.parameters)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = scheduler_of("plateau", parameters, optimizer, len(losses))
    state = PlateauState(0.1)
    for loss in losses:
        scheduler.step(loss)
        state = entry.after_epoch(state, loss, **parameters)
        assert state.lr == optimizer.param_groups[0]["lr"]
