"""The least that an entry of one's own takes: a function. What is not said is measured.

Activation(lambda x, b: (x + (x * x + b).sqrt()) / 2, b=4.0)
Optimizer(update, init=zeros("m"), lr=1e-3, momentum=0.9)
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nnbench.catalog.activations.base import Activation as ActivationEntry
from nnbench.catalog.activations.base import Intervals, nowhere
from nnbench.catalog.data.samples import Data as DataEntry
from nnbench.catalog.data.samples import Sample
from nnbench.catalog.optimizers.base import Optimizer as OptimizerEntry
from nnbench.catalog.optimizers.base import lr_parameter
from nnbench.catalog.own.entries import EntryError
from nnbench.catalog.twin import Twin
from nnbench.study.vocabulary import Parameter

FAR = 30.0  # standard deviations: nothing that is measured looks farther
POINTS = 60_001
FLAT = 1e-6  # a slope far out below which an activation counts as saturated
UNSAID = "(own entry)"


class OwnTwin(Twin):
    """A twin that stands in no module of the catalogue's: a class or function itself."""

    def __init__(self, make: Callable[..., Any], name: str) -> None:
        self._set(path=f"own.{name}", first=(), fixed={}, formulas={}, known={}, make=make)

    @property
    def words(self) -> str:
        """Its name."""
        return self.name

    def knowing(self, **names: Any) -> Twin:
        """The same: it has no formulas."""
        return self

    def __call__(self, *first: Any, **given: Any) -> Any:
        """Make it, with an entry's parameters."""
        make: Callable[..., Any] = vars(self)["make"]
        return make(*first, **given)


class Applied(nn.Module):
    """A function as a module: what an entry without a twin trains with in the reference."""

    def __init__(self, function: Callable[..., Tensor], **parameters: float) -> None:
        super().__init__()
        self.function = partial(function, **parameters)

    def forward(self, x: Tensor) -> Tensor:
        """Map x."""
        return self.function(x)


class AppliedRule(torch.optim.Optimizer):
    """A rule of `init` and `update` as torch's optimizer, its decay added to the gradient."""

    def __init__(
        self,
        init: Callable[..., Any],
        update: Callable[..., Any],
        parameters: Iterable[nn.Parameter],
        weight_decay: float = 0.0,
        **hyper: float,
    ) -> None:
        super().__init__(parameters, {"weight_decay": weight_decay, **hyper})
        self.rule = (init, update)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        init, update = self.rule
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is None:
                    continue
                state = self.state[param]
                if not state:
                    state |= {"count": 0, "of the rule": init(param)}
                state["count"] += 1
                hyper = {
                    name: torch.tensor(value, dtype=param.dtype)
                    for name, value in group.items()
                    if isinstance(value, int | float) and name != "weight_decay"
                }
                grad = param.grad + group["weight_decay"] * param
                count = torch.tensor(state["count"], dtype=param.dtype)
                moved, state["of the rule"] = update(
                    grad, state["of the rule"], param.clone(), hyper, count
                )
                param.copy_(moved)


def Activation(
    function: Callable[..., Tensor] | type[nn.Module],
    *,
    summary: str = "",
    formula: str = "",
    reference: str = UNSAID,
    twin: Callable[..., nn.Module] | None = None,
    gain: float | None = None,
    saturates: str | None = None,
    elementwise: bool = True,
    **parameters: float | Parameter,
) -> ActivationEntry:
    """An activation of one's own: a function of x and of its parameters, or a stateless module.

    parameters: those that a study may vary, with their defaults, which the function's own defaults
    give otherwise; they arrive as 0-dimensional tensors. twin: a module's class that takes the
    parameters, written on its own, for the reference to train with. gain, saturates: measured where
    they are not told, at the defaults; so are the largest slope and the regions without one.
    Errors: EntryError where the function cannot be called like this, or changes the shape.
    """
    if isinstance(function, type):
        twin = twin or function
        function = _stateless(function)
    given = _parameters(function, parameters, takes=1)
    usual = {name: about.default for name, about in given.items()}
    name = _name(function)
    _check(function, usual)
    far, slope = _far_slopes(function, usual), _slopes(function, usual)
    sides = [side for side, value in far.items() if abs(value) < FLAT]
    known = "both" if len(sides) == 2 else (sides or ["none"])[0]
    return ActivationEntry(
        summary=summary or "An activation of one's own.",
        formula=formula or f"{name}({', '.join(['x', *given])})",
        reference=reference,
        family="One's own",
        parameters=given,
        function=function,
        twin=OwnTwin(twin or partial(Applied, function), _name(twin or function)),
        gain=_gain(function, usual) if gain is None else gain,
        saturates=known if saturates is None else saturates,
        max_slope=max(map(float, np.abs(slope[~np.isnan(slope)])), default=float("nan")),
        elementwise=elementwise,
        dead_regions=partial(_dead_regions, function) if elementwise else nowhere,
    )


def Optimizer(
    update: Callable[..., Any],
    init: Callable[[Tensor], dict[str, Tensor]] = lambda param: {},
    *,
    summary: str = "",
    formula: str = "",
    reference: str = UNSAID,
    lr: float = 1e-3,
    elementwise: bool = True,
    weight_decay: float = 0.0,
    twin: Callable[..., torch.optim.Optimizer] | None = None,
    **parameters: float | Parameter,
) -> OptimizerEntry:
    """An optimizer of one's own: `update(grad, state, param, hyper, step) -> (param, state)`.

    `init(param)` is the state that it begins with, a dict of tensors. hyper: `lr` and the
    parameters, 0-dimensional tensors; step counts from 1. Nothing may be changed in place. twin: a
    class of torch.optim, told of the parameters by name, for the reference to train with.
    Errors: EntryError where it cannot be called like this.
    """
    if isinstance(update, type):
        raise EntryError(
            f"optimizer {update.__name__}: a class of torch.optim cannot train a stack; "
            "write its rule as update(grad, state, param, hyper, step), and give it as the twin"
        )
    given = {"lr": lr_parameter(lr), **_as_parameters(parameters)}
    name = _name(update)
    probe = torch.ones(3, 2, dtype=torch.float64)
    hyper = {key: torch.tensor(about.default, dtype=probe.dtype) for key, about in given.items()}
    try:
        state = init(probe)
        param, after = update(probe, state, probe, hyper, torch.tensor(1.0, dtype=probe.dtype))
    except Exception as error:
        raise EntryError(f"optimizer {name}: {type(error).__name__}: {error}") from error
    if getattr(param, "shape", None) != probe.shape or set(after) != set(state):
        raise EntryError(f"optimizer {name}: must return (param, state), each of the form it had")
    return OptimizerEntry(
        summary=summary or "An optimizer of one's own.",
        formula=formula or f"p <- {name}(g, state, p)",
        reference=reference,
        family="One's own",
        parameters=given,
        init=init,
        update=update,
        twin=OwnTwin(twin or partial(AppliedRule, init, update), _name(twin or update)),
        elementwise=elementwise,
        weight_decay=weight_decay,
        state_floats=sum(one.numel() for one in state.values()) / probe.numel(),
    )


def Data(
    function: Callable[..., Any],
    *,
    task: str = "classification",
    summary: str = "",
    formula: str = "",
    reference: str = UNSAID,
    **parameters: float | Parameter,
) -> DataEntry:
    """A data set of one's own: `function(generator, **parameters)` returns x and y.

    x: (examples, features); y: class indices, or real values where task is regression.
    """
    name = _name(function)
    given = _parameters(function, parameters, takes=1)
    return DataEntry(
        summary=summary or "A data set of one's own.",
        formula=formula or f"x, y = {name}({', '.join(['generator', *given])})",
        reference=reference,
        parameters=given,
        function=partial(_sample, function, task),
        task=task,
    )


def _name(thing: Any) -> str:
    """What a function or class is called, if anything. Errors: EntryError for anything else."""
    if not callable(thing):
        raise EntryError(f"{thing!r} is no function; an entry of one's own is made of one")
    name = str(getattr(thing, "__name__", "f"))
    return name if name.isidentifier() else "f"


def _sample(function: Callable[..., Any], task: str, *given: Any, **parameters: Any) -> Sample:
    name, kind = _name(function), np.int64 if task == "classification" else np.float64
    try:
        found = function(*given, **parameters)
        if isinstance(found, Sample):
            return found
        x, y = found
        sample = Sample(np.asarray(x, dtype=np.float64), np.asarray(y).astype(kind))
    except Exception as error:
        raise EntryError(f"data {name}: {type(error).__name__}: {error}") from error
    if sample.x.ndim != 2 or sample.y.ndim not in (1, 2) or len(sample.x) != len(sample.y):
        shapes = f"x has the shape {sample.x.shape}, y {sample.y.shape}"
        raise EntryError(
            f"data {name}: {shapes}; return x as examples by features, and one y an example"
        )
    return sample


def _stateless(module: type[nn.Module]) -> Callable[..., Tensor]:
    made = module()
    if made.state_dict():
        raise EntryError(f"activation {module.__name__}: has a state; write it as a function")

    def function(x: Tensor) -> Tensor:
        mapped: Tensor = made(x)
        return mapped

    function.__name__ = module.__name__
    return function


def _as_parameters(given: Mapping[str, float | Parameter]) -> dict[str, Parameter]:
    return {
        name: value if isinstance(value, Parameter) else Parameter(value, "of one's own")
        for name, value in given.items()
    }


def _parameters(
    function: Callable[..., Any], given: Mapping[str, float | Parameter], takes: int
) -> dict[str, Parameter]:
    """The parameters by name: as given, else by the function's own defaults."""
    name = _name(function)
    try:
        about = list(inspect.signature(function).parameters.values())[takes:]
    except ValueError:  # of C, as torch's own functions are: called with x alone
        about = []
    usual = {one.name: one.default for one in about if one.default is not one.empty}
    named = _as_parameters({**usual, **given})
    lacking = [one.name for one in about if one.name not in named and one.kind != one.VAR_KEYWORD]
    if lacking:
        raise EntryError(f"{name}: {lacking[0]} has no default: give one, {lacking[0]}=1.0")
    unknown = sorted(given.keys() - {one.name for one in about})
    if unknown and not any(one.kind == one.VAR_KEYWORD for one in about):
        raise EntryError(f"{name}: takes no {unknown[0]}")
    return named


def _check(function: Callable[..., Tensor], usual: Mapping[str, float]) -> None:
    name = _name(function)
    x = torch.linspace(-2, 2, 12, dtype=torch.float64).reshape(3, 4)
    try:
        y = _called(function, x, usual)
    except Exception as error:
        raise EntryError(f"activation {name}: {type(error).__name__}: {error}") from error
    if getattr(y, "shape", None) != x.shape:
        raise EntryError(f"activation {name}: must return a tensor of x's shape")


def _called(function: Callable[..., Tensor], x: Tensor, given: Mapping[str, float]) -> Tensor:
    return function(x, **{k: torch.tensor(v, dtype=x.dtype) for k, v in given.items()})


def _slope_at(
    function: Callable[..., Tensor], points: np.ndarray, given: Mapping[str, float]
) -> np.ndarray:
    """The derivative at some points (points,)."""
    x = torch.tensor(points, dtype=torch.float64).requires_grad_()
    y = _called(function, x, given)
    if not y.requires_grad:
        return np.zeros(len(points))
    (slope,) = torch.autograd.grad(y.sum(), x)
    return slope.numpy()


def _slopes(function: Callable[..., Tensor], given: Mapping[str, float]) -> np.ndarray:
    return _slope_at(function, np.linspace(-FAR, FAR, POINTS), given)


def _far_slopes(function: Callable[..., Tensor], given: Mapping[str, float]) -> dict[str, float]:
    left, right = _slope_at(function, np.array([-FAR, FAR]), given)
    return {"left": float(left), "right": float(right)}


def _gain(function: Callable[..., Tensor], given: Mapping[str, float]) -> float:
    """1 / sqrt(E f(z)^2) for a standard normal z, by the trapezoidal rule."""
    z = np.linspace(-12, 12, POINTS)
    y = _called(function, torch.tensor(z, dtype=torch.float64), given).detach().numpy()
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    second = float(np.trapezoid(y**2 * density, z))
    return 1 / math.sqrt(second) if second > 0 and math.isfinite(second) else 1.0


def _dead_regions(function: Callable[..., Tensor], **parameters: float) -> Intervals:
    return _flat_intervals(function, tuple((k, float(v)) for k, v in sorted(parameters.items())))


@lru_cache(maxsize=1024)
def _flat_intervals(
    function: Callable[..., Tensor], parameters: tuple[tuple[str, float], ...]
) -> Intervals:
    """The intervals of slope zero, found on a grid."""
    given, points = dict(parameters), np.linspace(-FAR, FAR, POINTS)
    flat = _slopes(function, given) == 0
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flat, [False]]).astype(int)))
    intervals = []
    for first, past in edges.reshape(-1, 2):
        if past - first < 10:  # a point or so where the slope crosses zero
            continue
        low, high = -math.inf, math.inf
        if first > 0:
            low = _edge(function, given, points[first], points[first - 1])
        if past < len(points):
            high = _edge(function, given, points[past - 1], points[past])
        if _stays(function, given, low, high):
            intervals.append((low, high))
    return tuple(intervals)


def _edge(
    function: Callable[..., Tensor], given: Mapping[str, float], flat: float, steep: float
) -> float:
    """Where between two points the slope is zero no more, by halving, to six digits."""
    while abs(steep - flat) > 1e-8:
        middle = (flat + steep) / 2
        if _slope_at(function, np.array([middle]), given)[0] == 0:
            flat = middle
        else:
            steep = middle
    return round(float(flat), 6) + 0.0


def _stays(
    function: Callable[..., Tensor], given: Mapping[str, float], low: float, high: float
) -> bool:
    """Whether the value is the same all over an interval: a slope may be lost to rounding."""
    ends = np.linspace(max(low, -FAR), min(high, FAR), 101)
    values = _called(function, torch.tensor(ends, dtype=torch.float64), given).detach().numpy()
    return bool(np.ptp(values) == 0)
