"""Twins as data: what is made, what is printed, and the formulas that both take values from."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from nnbench.atlas.listing import registries
from nnbench.catalog.formulas import Code, Of
from nnbench.catalog.twin import Twin, Twinned
from nnbench.export.twins import twin_code

FAN = Code("linear.in_features")


@pytest.mark.parametrize(
    ("text", "names", "value"),
    [
        ("gain * sqrt(6 / (fan_in + fan_out))", {"gain": 2.0, "fan_in": 4, "fan_out": 2}, 2.0),
        ("-a ^ 2 // 2", {"a": 3}, -5),
        ("a or b or max(total, 1)", {"a": None, "b": 0, "total": 0}, 1),
        ("a / 10 if b is None else b", {"a": 5.0, "b": None}, 0.5),
        ("a / 10 if b is None else b", {"a": 5.0, "b": 0.0}, 0.0),
        ("(None, eps2)", {"eps2": 0.1}, (None, 0.1)),
        ("list(milestones)", {"milestones": (1, 2)}, [1, 2]),
    ],
)
def test_a_formula_has_a_value(text: str, names: dict[str, Any], value: Any) -> None:
    assert Of(text).value(names) == value and Of(text).names == set(names)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("gain * sqrt(6 / fan_in)", "math.sqrt(6 / linear.in_features)"),
        ("half * sqrt(6 / fan_in)", "0.5 * math.sqrt(6 / linear.in_features)"),
        ("half / (fan_in + two * fan_in)", "0.5 / (linear.in_features + 2 * linear.in_features)"),
        ("none or max(fan_in // 8, 1)", "max(linear.in_features // 8, 1)"),
        ("(half, -fan_in)", "(0.5, -linear.in_features)"),
        ("half * two", "1.0"),
    ],
)
def test_what_a_script_alone_knows_stays_code(text: str, code: str) -> None:
    names = {"gain": 1.0, "half": 0.5, "two": 2, "none": None, "fan_in": FAN}
    found = Of(text).value(names)
    assert str(found) == code and isinstance(found, Code) == ("linear" in code)
    if isinstance(found, Code):
        linear = torch.nn.Linear(24, 1)
        computed = Of(text).value(names | {"fan_in": linear.in_features})
        assert eval(found, {"math": math, "linear": linear}) == computed


@pytest.mark.parametrize(
    "text",
    ["__import__('os')", "a.b", "a[0]", "lambda: a", "open(a)", "a if b else a", "a +", "1; 2"],
)
def test_no_more_than_arithmetic_is_read(text: str) -> None:
    with pytest.raises(ValueError, match="no formula"):
        Of(text).value({"a": 1, "b": 2})


def test_a_twin_is_made_and_printed_from_one_telling() -> None:
    twin = Twin("torch.optim.Adam", betas=Of("(beta1, beta2)"), amsgrad=True)
    given = {"lr": 0.1, "beta1": 0.8, "beta2": 0.9, "eps": 1e-6}
    weight = torch.nn.Parameter(torch.zeros(1))
    made = twin([weight], **given)
    assert type(made) is torch.optim.Adam
    assert made.defaults["betas"] == (0.8, 0.9) and made.defaults["amsgrad"] is True
    code = twin_code(twin, "[weight]", **given)
    assert code.needs == ()
    assert code.call == (
        "torch.optim.Adam([weight], lr=0.1, betas=(0.8, 0.9), eps=1e-06, amsgrad=True)"
    )
    assert twin.words == "torch.optim.Adam(amsgrad=True)"


def test_what_is_usual_is_left_out_and_names_are_not_passed_on() -> None:
    twin = Twin("torch.nn.init.orthogonal_", gain=Of("gain", unless=1), generator=Of("source"))
    for gain, told in ((1.0, ""), (0.5, "gain=0.5, ")):
        code = twin_code(twin.knowing(gain=gain, source=Code("g"), fan_in=3), "w")
        assert code.call == f"nn.init.orthogonal_(w, {told}generator=g)"
    composed = Twin("torch.optim.lr_scheduler.ChainedScheduler", Of("parts"), Of("optimizer"))
    known = composed.knowing(parts=Code("parts"), optimizer=Code("optimizer"))
    assert twin_code(known, "lead").call == "lr_scheduler.ChainedScheduler(parts, optimizer)"


def test_our_own_are_named_by_where_they_lie() -> None:
    twin = Twin("activations.twins.Snake")
    assert twin.words == "nnbench.catalog.activations.twins.Snake" and not twin.is_torchs
    assert twin_code(twin, a=2.0) == ("Snake(a=2.0)", ((twin.module, "Snake"),))
    assert type(twin(a=2.0)).__name__ == "Snake"


@pytest.mark.parametrize(
    "path", ["os.system", "torch.load", "nnbench.pipeline.run", "Snake", "torch.nn"]
)
def test_a_twin_lies_in_a_known_module(path: str) -> None:
    with pytest.raises(ValueError, match=r"a twin lies in one of torch\.nn, "):
        Twin(path)


def test_every_twin_is_there() -> None:
    twins = [
        (name, twin)
        for entries in registries().values()
        for name, entry in entries.items()
        if isinstance(entry, Twinned)
        for twin in vars(entry).values()
        if isinstance(twin, Twin)
    ]
    assert len(twins) > 100
    for name, twin in twins:
        module = __import__(twin.module, fromlist=[twin.name])
        assert callable(getattr(module, twin.name, None)), name
