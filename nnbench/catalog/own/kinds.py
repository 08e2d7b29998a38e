"""The least that an entry of one's own takes: a function. What is not said is measured.

Activation(lambda x, b: (x + (x * x + b).sqrt()) / 2, b=4.0)
Optimizer(update, init=zeros("m"), lr=1e-3, momentum=0.9)
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nnbench.catalog.activations.base import Activation as ActivationEntry
from nnbench.catalog.activations.base import nowhere
from nnbench.catalog.data.samples import Data as DataEntry
from nnbench.catalog.data.samples import Sample
from nnbench.catalog.optimizers.base import Optimizer as OptimizerEntry
from nnbench.catalog.optimizers.base import lr_parameter
from nnbench.catalog.own import measured
from nnbench.catalog.own.entries import EntryError
from nnbench.catalog.own.parts import (
    UNSAID,
    Applied,
    AppliedRule,
    as_parameters,
    name_of,
    parameters_of,
    stateless,
)
from nnbench.catalog.own.torch_class import USUAL_LR, optimizer_of_class
from nnbench.catalog.own.twin import OwnTwin
from nnbench.study.vocabulary import Parameter


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
    given = parameters_of(function, parameters)
    usual = {name: about.default for name, about in given.items()}
    name = name_of(function)
    _check(function, usual)
    return ActivationEntry(
        summary=summary or "Your own activation.",
        formula=formula or f"{name}({', '.join(['x', *given])})",
        reference=reference,
        family="One's own",
        parameters=given,
        function=function,
        twin=OwnTwin(twin or partial(Applied, function), name_of(twin or function), twin is None),
        gain=_measured_gain(function, usual) if gain is None else gain,
        saturates=measured.saturates(function, usual) if saturates is None else saturates,
        max_slope=measured.max_slope(function, usual),
        elementwise=elementwise,
        dead_regions=partial(measured.dead_regions, function) if elementwise else nowhere,
    )


def Optimizer(
    update: Callable[..., Any] | type[torch.optim.Optimizer],
    init: Callable[[Tensor], dict[str, Tensor]] = stateless,
    *,
    summary: str = "",
    formula: str = "",
    reference: str = UNSAID,
    lr: float | None = None,
    elementwise: bool = True,
    weight_decay: float | None = None,
    decoupled: bool | None = None,
    twin: Callable[..., torch.optim.Optimizer] | None = None,
    **parameters: Any,
) -> OptimizerEntry:
    """An optimizer of one's own: `update(grad, state, param, hyper, step) -> (param, state)`.

    `init(param)` is the state that it begins with, a dict of tensors. hyper: `lr` and the
    parameters, 0-dimensional tensors; step counts from 1. Nothing may be changed in place. twin: a
    class of torch.optim, told of the parameters by name, for the reference to train with.

    Or a class of torch.optim in place of `update`, whose numbers by default are its parameters: it
    trains one network at a time in plain PyTorch, beside stacked ones. Its step must need no
    closure. decoupled: whether the weight decay that it has of its own stands beside its rule.
    Errors: EntryError where it cannot be called like this.
    """
    if isinstance(update, type):
        about: dict[str, Any] = {"summary": summary, "formula": formula, "reference": reference}
        about |= {"lr": lr, "weight_decay": weight_decay, "decoupled": decoupled}
        return optimizer_of_class(update, **about, given=parameters)
    given = {"lr": lr_parameter(USUAL_LR if lr is None else lr), **as_parameters(parameters)}
    name = name_of(update)
    probe = torch.ones(3, 2, dtype=torch.float64)
    hyper = {key: torch.tensor(about.default, dtype=probe.dtype) for key, about in given.items()}
    try:
        state = init(probe)
        param, after = update(probe, state, probe, hyper, torch.tensor(1.0, dtype=probe.dtype))
    except Exception as error:
        raise EntryError(f"optimizer {name}: {type(error).__name__}: {error}") from error
    if getattr(param, "shape", None) != probe.shape or set(after) != set(state):
        raise EntryError(
            f"optimizer {name}: must return (param, state), each in the form it was given"
        )
    return OptimizerEntry(
        summary=summary or "Your own optimizer.",
        formula=formula or f"p <- {name}(g, state, p)",
        reference=reference,
        family="One's own",
        parameters=given,
        init=init,
        update=update,
        twin=OwnTwin(
            twin or partial(AppliedRule, init, update), name_of(twin or update), twin is None
        ),
        elementwise=elementwise,
        decoupled=decoupled,
        weight_decay=weight_decay or 0.0,
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
    name = name_of(function)
    given = parameters_of(function, parameters)
    return DataEntry(
        summary=summary or "Your own data set.",
        formula=formula or f"x, y = {name}({', '.join(['generator', *given])})",
        reference=reference,
        parameters=given,
        function=partial(_sample, function, task),
        task=task,
    )


def _sample(function: Callable[..., Any], task: str, *given: Any, **parameters: Any) -> Sample:
    name, kind = name_of(function), np.int64 if task == "classification" else np.float64
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
            f"data {name}: {shapes}; return x as examples by features, and one y per example"
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


def _measured_gain(function: Callable[..., Tensor], usual: Mapping[str, float]) -> float:
    try:
        return measured.gain_of(function, usual)
    except ArithmeticError:
        jumps = "its mean square does not converge, as where it jumps"
        raise EntryError(f"activation {name_of(function)}: {jumps}; set gain=1.0") from None


def _check(function: Callable[..., Tensor], usual: Mapping[str, float]) -> None:
    name = name_of(function)
    x = torch.linspace(-2, 2, 12, dtype=torch.float64).reshape(3, 4)
    try:
        y = measured.called(function, x, usual)
    except Exception as error:
        raise EntryError(f"activation {name}: {type(error).__name__}: {error}") from error
    if getattr(y, "shape", None) != x.shape:
        raise EntryError(f"activation {name}: must return a tensor of x's shape")
