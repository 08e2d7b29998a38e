"""What an optimizer is: an `init` and an `update` with explicit state, and what is known of it.

`init(param)` returns the state of a parameter: a dict of tensors. `update(grad, state, param,
hyper, step)` returns the new parameter and state. `hyper` maps the entry's parameters (`lr` as
scheduled) to 0-dimensional float64 tensors, so that bias corrections lose nothing in float32;
`step` counts from 1. An elementwise rule is given all of a network's parameters as one flat
vector; any other is given one layer's tensor at a time: weights (units, features), the rest (n,).

Weight decay is applied around the rule, the same for all: coupled (wd * param joins the gradient)
or decoupled (param shrinks by 1 - lr * wd first), as torch does in SGD and in AdamW. (Loshchilov &
Hutter shrink by the schedule's factor times wd, whatever the rate.)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nnbench.catalog.twin import Kin, Twin
from nnbench.lazy import Tensor, torch
from nnbench.study.vocabulary import Need, Parameter, Term, need

State = dict[str, "Tensor"]
Moved = tuple["Tensor", State]  # the new parameter and the new state
Hyper = Mapping[str, "Tensor"]


@dataclass(frozen=True, kw_only=True)
class Optimizer(Kin):
    """An optimizer.

    Its twin takes the parameters first. Where the rule evaluates an average of its iterates, the
    twin keeps it in its state as `ax`, as torch.optim.ASGD does, and `evaluated(param, state,
    hyper)` returns it here. `decaying` is the twin with weight decay where `twin` has no such
    thing, or another.
    `decoupled` fixes the form of weight decay where the name means one; `weight_decay` is the
    default that goes with it. A rule that `decays` applies decoupled decay itself, and finds
    `weight_decay` among its hyper when there is any.
    `rest` names the rule for what is not the weight matrix of a hidden layer, if that is another.
    One that is `alone` is a class of torch.optim, which trains one network at a time in plain
    PyTorch. `full_batch` rules take the whole training part at each step. One whose steps grow by
    themselves does not follow the rate: it reads that of the first step alone.
    `state_floats` is the memory: floats of state per parameter, by the tensor's shape if need be;
    `unused_floats` of them would not be needed while momentum is 0, its default: networks of a
    stack may differ in momentum, so that all of them keep a velocity.
    """

    init: Callable[[Tensor], State]
    update: Callable[[Tensor, State, Tensor, Hyper, Tensor], Moved]
    decaying: Twin | None = None
    evaluated: Callable[[Tensor, State, Hyper], Tensor] | None = None
    elementwise: bool = True
    alone: bool = False
    full_batch: bool = False
    follows_rate: bool = True
    decays: bool = False
    rest: str = ""
    decoupled: bool | None = None
    weight_decay: float = 0.0
    state_floats: float | Callable[[tuple[int, ...]], float] = 0.0
    unused_floats: float = 0.0

    @property
    def momentum(self) -> str:
        """The parameter that a schedule may cycle as torch's do: SGD's momentum or Adam's beta1."""
        if self.alone or self.rest:
            return ""
        if "betas" in self.twin.formulas:
            return "beta1"
        return "momentum" if "momentum" in self.parameters else ""

    def moves_matrices(self, recipe: Mapping[str, Any]) -> bool:
        """Whether it moves a network, which has matrices of weights, and not a single point."""
        return "loss" in recipe

    def keeps_momentum(self, recipe: Mapping[str, Any]) -> bool:
        """Whether a recipe's momentum is its own, and no schedule's that cycles it."""
        return not recipe.get("schedule.cycle_momentum")

    @property
    def takes_batches(self) -> bool:
        """Tell whether a batch size has any say."""
        return not self.full_batch

    def floats_per_parameter(self, *shape: int) -> float:
        """The floats of state per parameter of a tensor of this shape."""
        floats = self.state_floats
        return floats(shape) if callable(floats) else floats

    def decay_by_hand(self, recipe: Mapping[str, Any]) -> float:
        """The weight decay that the twin cannot apply, which couples what is to be decoupled."""
        by_hand = recipe["decoupled"] and not self.decoupled
        return float(recipe["weight_decay"]) if by_hand else 0.0

    def twin_for(self, recipe: Mapping[str, Any]) -> tuple[Twin, dict[str, Any]]:
        """The twin that a recipe asks for, and what it is told of weight decay."""
        decay = recipe["weight_decay"] - self.decay_by_hand(recipe)
        if not decay and not self.decoupled:
            return self.twin, {}
        return self.decaying or self.twin, {"weight_decay": decay}


def zeros(*names: str) -> Callable[[Tensor], State]:
    """A state of so many tensors of the parameter's shape, all 0 at the start."""
    return lambda param: {name: torch.zeros_like(param) for name in names}


def number(param: Tensor, value: float) -> Tensor:
    """One number of a network, 0-dimensional and float64 whatever the network's number type."""
    return param.new_full((), value, dtype=torch.float64)


def power(base: Tensor, exponent: Tensor) -> Tensor:
    """base^exponent, base >= 0, by functions that round alike wherever an element stands.

    torch.pow takes another path for the last few elements of a vector, so it would tie a network's
    result to its place in the stack.
    """
    return torch.exp(exponent * torch.log(base))


def one_minus_power(beta: Tensor, step: Tensor) -> Tensor:
    """1 - beta^step, exact for a beta near 1; see `power` for why not torch.pow."""
    return -torch.expm1(step * torch.log(beta))


def lr_parameter(default: float) -> Parameter:
    """The learning rate, with the entry's own default."""
    return Parameter(default, "learning rate", low=0, high=1e12)


def decay_parameter(default: float, doc: str, *needs: Need, open_low: bool = False) -> Parameter:
    """A share in [0, 1), such as a beta."""
    return Parameter(default, doc, low=0, high=1, open_low=open_low, open_high=True, needs=needs)


# of a momentum that schedules may cycle
KEPT = need(Term("optimizer", trait="keeps_momentum"), otherwise="the schedule cycles it")


def eps_parameter(default: float) -> Parameter:
    """The constant that keeps a divisor from zero."""
    return Parameter(default, "added to the divisor", low=0, high=1)
