"""A class of torch.optim as an entry: it trains one network at a time, in plain PyTorch.

The reference makes it as it is. The rule that the entry has besides, for what looks at a rule alone
(the atlas, `prove`), steps a copy of it.
"""

import inspect
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from nnbench.catalog.optimizers.base import Optimizer as OptimizerEntry
from nnbench.catalog.optimizers.base import lr_parameter
from nnbench.catalog.own.entries import EntryError
from nnbench.catalog.own.parts import parameters_of, stateless
from nnbench.catalog.own.twin import OwnTwin
from nnbench.study.vocabulary import Parameter

USUAL_LR = 1e-3
STUDYS = {"lr": USUAL_LR, "weight_decay": 0.0}  # what a study sets; where a class has no default


@dataclass(frozen=True)
class Make:
    """Makes an optimizer of a class, with weight decay by hand where the class takes none.

    fixed: what it is called with that no study varies.
    """

    of: type[Optimizer]
    fixed: Mapping[str, Any]
    decays: bool

    def __call__(self, parameters: Any, weight_decay: float = 0.0, **given: Any) -> Optimizer:
        """Make it, of a network's parameters."""
        if self.decays:
            given |= {"weight_decay": weight_decay}
        made = self.of(parameters, **self.fixed, **given)
        if weight_decay and not self.decays:
            made.register_step_pre_hook(partial(couple, weight_decay))
        return made


@torch.no_grad()
def couple(decay: float, optimizer: Optimizer, *called: Any) -> None:
    """Add weight decay to the gradients."""
    for group in optimizer.param_groups:
        for param in group["params"]:
            if param.grad is not None:
                param.grad.add_(param, alpha=decay)


def optimizer_of_class(
    of: type[Optimizer],
    *,
    summary: str,
    formula: str,
    reference: str,
    lr: float | None,
    weight_decay: float | None,
    decoupled: bool | None,
    given: Mapping[str, Any],
) -> OptimizerEntry:
    """The entry of a class. Errors: EntryError where it cannot be made, or take a step."""
    name = of.__name__
    if not issubclass(of, Optimizer):
        raise EntryError(f"optimizer {name}: is a class, but not a torch.optim.Optimizer")
    takes = inspect.signature(of).parameters
    if "lr" not in takes and not any(one.kind == one.VAR_KEYWORD for one in takes.values()):
        raise EntryError(f"optimizer {name}: has no lr, which schedules set: have __init__ take lr")
    numbers = {k: v for k, v in given.items() if isinstance(v, int | float | Parameter)}
    fixed = {k: v for k, v in given.items() if k not in numbers}
    decays = "weight_decay" in takes
    said = {"lr": lr, "weight_decay": weight_decay}
    defaults = {k: one.default for k, one in takes.items() if type(one.default) in (int, float)}
    studys = STUDYS | defaults | {k: value for k, value in said.items() if value is not None}
    theirs = {k: studys[k] for k in STUDYS if k == "lr" or decays}
    own = parameters_of(of, {**numbers, **theirs}, fixed=set(fixed))
    parameters = {"lr": lr_parameter(studys["lr"])}
    parameters |= {k: about for k, about in own.items() if k not in STUDYS}
    make = Make(of, fixed, decays)
    usual = {key: about.default for key, about in parameters.items()}
    _try(name, make, usual)
    return OptimizerEntry(
        summary=summary or "A torch.optim class: trains one network at a time, which is slower.",
        formula=formula or f"{name}.step()",
        reference=reference,
        family="One's own",
        parameters=parameters,
        init=stateless,
        update=partial(_moved, make),
        twin=OwnTwin(make, name, applied=True),
        elementwise=False,
        alone=True,
        decoupled=decoupled,
        weight_decay=studys["weight_decay"],
        state_floats=partial(_state_floats, make, usual),
    )


def _try(name: str, make: Make, usual: Mapping[str, float]) -> None:
    try:
        optimizer = _stepped(make, usual, (3, 2))
    except Exception as error:
        told = f"{type(error).__name__}: {error}".splitlines()[0]
        raise EntryError(f"optimizer {name}: cannot take a step: {told}") from error
    if "lr" not in optimizer.param_groups[0]:
        raise EntryError(f"optimizer {name}: has no lr in its groups, which schedules set")


def _stepped(make: Make, usual: Mapping[str, float], shape: tuple[int, ...]) -> Optimizer:
    """An optimizer of a parameter of this shape after a step."""
    param = nn.Parameter(torch.ones(shape))
    param.grad = torch.ones(shape)
    optimizer = make([param], **usual)
    optimizer.step()
    return optimizer


def _state_floats(make: Make, usual: Mapping[str, float], shape: tuple[int, ...]) -> float:
    """The floats of state per parameter that it keeps for a tensor of this shape."""
    optimizer = _stepped(make, usual, shape)
    kept = [one for state in optimizer.state.values() for one in state.values()]
    numbers = (one.numel() for one in kept if isinstance(one, Tensor) and one.ndim)
    return sum(numbers) / torch.Size(shape).numel()


def _moved(
    make: Callable[..., Optimizer],
    grad: Tensor,
    state: Mapping[str, Any],
    param: Tensor,
    hyper: Mapping[str, Tensor],
    step: Tensor,
) -> tuple[Tensor, dict[str, Any]]:
    """A step as a rule takes it: of a copy, so that what is given stays as it is."""
    known: dict[int, Any] = {}
    if state:
        place = deepcopy(state["place"], known)
        optimizer = copied_optimizer(state["optimizer"], known)
    else:
        place = nn.Parameter(param.detach().clone())
        optimizer = make([place], **{name: float(value) for name, value in hyper.items()})
    place.grad = grad.detach().clone()
    for group in optimizer.param_groups:
        group["lr"] = float(hyper["lr"])
    with torch.no_grad():
        place.copy_(param)
    optimizer.step()
    return place.detach().clone(), {"place": place, "optimizer": optimizer}


def copied_optimizer(optimizer: Optimizer, known: dict[int, Any]) -> Optimizer:
    """A copy of an optimizer, of the parameters that are copied already.

    By hand, since an optimizer leaves attributes of its own out when it is copied, and since a
    scheduler ties the method `step` to the original.
    """
    attributes = {name: value for name, value in vars(optimizer).items() if name != "step"}
    copy = object.__new__(type(optimizer))
    vars(copy).update(deepcopy(attributes, known))
    return copy
