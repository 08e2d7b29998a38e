"""Initialisations, schedules, losses and norms of one's own: a function alone is enough."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from nnbench.catalog.inits.base import GAIN
from nnbench.catalog.inits.base import Init as InitEntry
from nnbench.catalog.losses import Loss as LossEntry
from nnbench.catalog.norms import POSITION
from nnbench.catalog.norms import Norm as NormEntry
from nnbench.catalog.own.entries import EntryError
from nnbench.catalog.own.parts import UNSAID, parameters_of
from nnbench.catalog.own.parts import name_of as _name
from nnbench.catalog.own.twin import OwnTwin
from nnbench.catalog.schedules.base import Schedule as ScheduleEntry
from nnbench.study.vocabulary import Parameter

TARGETS = {
    "class": {"classification": "class"},
    "numbers": {"regression": "value", "classification": "one_hot"},
}


class KnowingTwin(OwnTwin):
    """A twin that is also told what an entry's formulas would know: `generator`, `total`, ..."""

    def knowing(self, **names: Any) -> KnowingTwin:
        """The same, with these names."""
        twin = object.__new__(KnowingTwin)
        twin._set(**vars(self) | {"known": {**self.known, **names}})
        return twin

    def __call__(self, *first: Any, **given: Any) -> Any:
        """Make it, with what is known before the entry's parameters."""
        make: Callable[..., Any] = vars(self)["make"]
        return make(self.known, *first, **given)


def Init(
    function: Callable[..., Tensor],
    *,
    summary: str = "",
    formula: str = "",
    reference: str = UNSAID,
    **parameters: float | Parameter,
) -> InitEntry:
    """An initialisation of one's own: `function(noise, **parameters)` returns a weight.

    noise: standard normal, (units, inputs) in float64, of the layer's own generator; the weight has
    its shape. Parameters are plain numbers. `gain` is a parameter of every one, and multiplies what
    is returned; biases are zero. Errors: EntryError where it cannot be called like this.
    """
    given = parameters_of(function, parameters)
    usual = {key: about.default for key, about in given.items()}
    noise = torch.linspace(-2, 2, 12, dtype=torch.float64).reshape(3, 4)
    _expect("init", function, noise.shape, lambda: function(noise, **usual))
    return InitEntry(
        summary=summary or "Your own initialisation.",
        formula=formula or f"W = {_name(function)}({', '.join(['noise', *given])})",
        reference=reference,
        family="One's own",
        parameters={"gain": GAIN, **given},
        law="is of one's own: its law is not told",
        function=partial(_weight, function),
        twin=KnowingTwin(partial(filled_by, function, list(given)), _name(function), applied=True),
    )


def _weight(
    function: Callable[..., Tensor], noise: Tensor, gain: float, **parameters: float
) -> Tensor:
    return gain * function(noise, **parameters)


def filled_by(
    function: Callable[..., Tensor], names: list[str], known: dict[str, Any], weight: Tensor
) -> Tensor:
    """A weight that an initialisation's function fills, from the generator that is known."""
    noise = torch.randn(*weight.shape, generator=known["generator"], dtype=torch.float64)
    return weight.copy_(function(noise, **{name: known[name] for name in names}))


def Schedule(
    function: Callable[..., Any],
    *,
    unit: str = "epoch",
    summary: str = "",
    formula: str = "",
    reference: str = UNSAID,
    **parameters: float | Parameter,
) -> ScheduleEntry:
    """A schedule of one's own: `function(count, lr, total, **parameters)` returns rates.

    count: an array of epochs, or of steps where unit is "step", from 0 on; total: how many there
    are; lr: the optimizer's rate. A rate for each count. Errors: EntryError where it cannot be
    called like this.
    """
    if unit not in ("epoch", "step"):
        raise EntryError(f'schedule {_name(function)}: unit={unit!r}; use "epoch" or "step"')
    given = parameters_of(function, parameters, skip=3)
    usual = {key: about.default for key, about in given.items()}
    counts = np.arange(4)
    _expect("schedule", function, counts.shape, lambda: function(counts, 0.1, 4, **usual))
    return ScheduleEntry(
        summary=summary or "Your own schedule.",
        formula=formula or f"{_name(function)}({', '.join([unit, 'lr', 'total', *given])})",
        reference=reference,
        parameters=given,
        function=function,
        unit=unit,
        twin=KnowingTwin(partial(scheduler_by, function), _name(function), applied=True),
    )


def scheduler_by(
    function: Callable[..., Any], known: dict[str, Any], optimizer: Any, **parameters: Any
) -> LambdaLR:
    """torch's scheduler by a schedule's function of one count after another."""
    lr, total = known["lr"], known["total"]

    def factor(count: int) -> float:
        return float(function(np.array([count]), lr, total, **parameters)[0]) / lr if lr else 0.0

    return LambdaLR(optimizer, factor)


def Loss(
    function: Callable[..., Tensor],
    *,
    targets: str = "class",
    summary: str = "",
    formula: str = "",
    reference: str = UNSAID,
    twin: Callable[..., nn.Module] | None = None,
    **parameters: float | Parameter,
) -> LossEntry:
    """A loss of one's own: `function(outputs, targets, **parameters)` returns a batch's mean.

    outputs: (batch, outputs). targets: "class" for classification by indices (batch,), "numbers"
    for regression, and for classification by numbers (batch, outputs), 1 for the class and 0 for
    the rest. twin: a module's class that takes the parameters, for the reference to train with.
    Errors: EntryError where it cannot be called like this.
    """
    if targets not in TARGETS:
        raise EntryError(
            f"loss {_name(function)}: targets={targets!r}; use one of {', '.join(TARGETS)}"
        )
    given = parameters_of(function, parameters, skip=2)
    usual = {key: torch.tensor(about.default) for key, about in given.items()}
    outputs = torch.linspace(-1, 1, 6, dtype=torch.float64).reshape(3, 2)
    wanted = torch.tensor([0, 1, 0]) if targets == "class" else outputs.flip(0)
    _expect("loss", function, (), lambda: function(outputs, wanted, **usual))
    applied = partial(AppliedToTwo, function)
    return LossEntry(
        summary=summary or "Your own loss.",
        formula=formula or f"{_name(function)}({', '.join(['outputs', 'targets', *given])})",
        reference=reference,
        parameters=given,
        function=function,
        targets=TARGETS[targets],
        twin=OwnTwin(twin or applied, _name(twin or function), applied=twin is None),
    )


class AppliedToTwo(nn.Module):
    """A loss's function as a module."""

    def __init__(self, function: Callable[..., Tensor], **parameters: float) -> None:
        super().__init__()
        numbers = {key: torch.tensor(value) for key, value in parameters.items()}
        self.function = partial(function, **numbers)

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean loss of a batch."""
        return self.function(outputs, targets)


def Norm(
    function: Callable[..., Tensor],
    *,
    summary: str = "",
    formula: str = "",
    reference: str = UNSAID,
    **parameters: float | Parameter,
) -> NormEntry:
    """A normalisation of one's own: `function(x, weight, bias, **parameters)` returns x's shape.

    x: (batch, units); weight and bias: (units,), learned, from 1 and from 0. Parameters are
    0-dimensional tensors. It has no running statistics, and trains and evaluates alike.
    Errors: EntryError where it cannot be called like this.
    """
    given = parameters_of(function, parameters, skip=3)
    usual = {key: torch.tensor(about.default) for key, about in given.items()}
    x = torch.linspace(-2, 2, 12, dtype=torch.float64).reshape(3, 4)
    one, zero = torch.ones_like(x[0]), torch.zeros_like(x[0])
    _expect("norm", function, x.shape, lambda: function(x, one, zero, **usual))
    return NormEntry(
        summary=summary or "Your own normalisation.",
        formula=formula or f"{_name(function)}({', '.join(['x', 'weight', 'bias', *given])})",
        reference=reference,
        parameters={"position": POSITION, **given},
        function=partial(_normalised, function),
        twin=KnowingTwin(partial(AppliedNorm, function), _name(function), applied=True),
    )


def _normalised(
    function: Callable[..., Tensor],
    x: Tensor,
    running: dict[str, Tensor],
    training: bool,
    **numbers: Tensor,
) -> tuple[Tensor, dict[str, Tensor]]:
    return function(x, numbers.pop("weight"), numbers.pop("bias"), **numbers), running


class AppliedNorm(nn.Module):
    """A normalisation's function as a module."""

    def __init__(
        self, function: Callable[..., Tensor], known: dict[str, Any], **parameters: float
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(known["units"]))
        self.bias = nn.Parameter(torch.zeros(known["units"]))
        numbers = {key: torch.tensor(value) for key, value in parameters.items()}
        self.function = partial(function, **numbers)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, units)."""
        return self.function(x, self.weight, self.bias)


def _expect(
    kind: str, function: Callable[..., Any], shape: tuple[int, ...], call: Callable[[], Any]
) -> None:
    """See that a call can be made, and returns this shape. Errors: EntryError."""
    try:
        found = call()
    except Exception as error:
        raise EntryError(f"{kind} {_name(function)}: {type(error).__name__}: {error}") from error
    if getattr(found, "shape", None) != shape:
        wanted = "a single number" if shape == () else "a tensor of its first argument's shape"
        raise EntryError(f"{kind} {_name(function)}: must return {wanted}")
