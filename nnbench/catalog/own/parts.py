"""What entries of one's own are made of: twins without a module, parameters by signature."""

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from nnbench.catalog.optimizers.twins import Rule
from nnbench.catalog.own.entries import EntryError
from nnbench.study.vocabulary import Parameter

UNSAID = "(own entry)"


def stateless(param: Tensor) -> dict[str, Tensor]:
    """The state of a rule that has none."""
    return {}


class Applied(nn.Module):
    """A function as a module: what an entry without a twin trains with in the reference."""

    def __init__(self, function: Callable[..., Tensor], **parameters: float) -> None:
        super().__init__()
        self.function = partial(function, **parameters)

    def forward(self, x: Tensor) -> Tensor:
        """Map x."""
        return self.function(x)


class AppliedRule(Rule):
    """A rule of `init` and `update` as torch's optimizer, its decay added to the gradient."""

    def __init__(
        self,
        init: Callable[..., Any],
        update: Callable[..., Any],
        parameters: Iterable[Tensor],
        **hyper: float,
    ) -> None:
        super().__init__(parameters, **hyper)
        self._init, self._update = init, update

    def change(self, param: Tensor, grad: Tensor, state: dict[str, Any], group: Any) -> None:
        """Change one parameter in place."""
        if not state:
            state |= {"count": 0, "of the rule": self._init(param)}
        state["count"] += 1
        numbers = {k: v for k, v in group.items() if isinstance(v, int | float)}
        hyper = {k: torch.tensor(v, dtype=param.dtype) for k, v in numbers.items()}
        grad = grad + hyper.pop("weight_decay") * param
        count = torch.tensor(state["count"], dtype=param.dtype)
        before = state["of the rule"]
        moved, state["of the rule"] = self._update(grad, before, param.clone(), hyper, count)
        param.copy_(moved)


def name_of(thing: Any) -> str:
    """What a function or class is called, if anything. Errors: EntryError for anything else."""
    if not callable(thing):
        raise EntryError(f"{thing!r} is not a function; an own entry is made from one")
    name = str(getattr(thing, "__name__", "f"))
    return name if name.isidentifier() else "f"


def as_parameters(given: Mapping[str, float | Parameter]) -> dict[str, Parameter]:
    """Parameters by name, of defaults or of what is said of them in full."""
    return {
        name: value if isinstance(value, Parameter) else Parameter(value, "of one's own")
        for name, value in given.items()
    }


def parameters_of(
    function: Callable[..., Any],
    given: Mapping[str, float | Parameter],
    skip: int = 1,
    fixed: Collection[str] = (),
) -> dict[str, Parameter]:
    """The parameters by name: as given, else by the function's own defaults.

    skip: how many arguments come first that are no parameters. A default that is no number stays
    the function's own. fixed: the names of what it is given that is no parameter.
    """
    name = name_of(function)
    try:
        about = list(inspect.signature(function).parameters.values())[skip:]
    except ValueError:  # of C, as torch's own functions are: called with x alone
        about = []
    usual = {one.name: one.default for one in about if one.default is not one.empty}
    numbers = {name: value for name, value in usual.items() if type(value) in (int, float)}
    named = as_parameters({k: v for k, v in {**numbers, **given}.items() if k not in fixed})
    known = {*usual, *named, *fixed}
    lacking = [one.name for one in about if one.name not in known and one.kind != one.VAR_KEYWORD]
    if lacking:
        raise EntryError(f"{name}: {lacking[0]} has no default: give it one, {lacking[0]}=1.0")
    unknown = sorted({*given, *fixed} - {one.name for one in about})
    if unknown and not any(one.kind == one.VAR_KEYWORD for one in about):
        raise EntryError(f"{name}: takes no {unknown[0]}")
    return named
