"""What the catalogue knows of an activation."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nnbench.study.vocabulary import Entry

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Intervals = tuple[tuple[float, float], ...]
FAMILIES = (
    "none",
    "threshold-like",
    "sigmoid-like",
    "relu-like",
    "elu-like",
    "periodic",
    "softmax-like",
)


def nowhere(**parameters: float) -> tuple[()]:
    """No point and no interval, whatever the parameters."""
    return ()


def always(*found: Any) -> Callable[..., tuple[Any, ...]]:
    """Return the same points or intervals, whatever the parameters."""
    return lambda **parameters: found


def below(bound: float) -> tuple[float, float]:
    """The open interval from minus infinity to the bound."""
    return (-math.inf, bound)


def above(bound: float) -> tuple[float, float]:
    """The open interval from the bound to infinity."""
    return (bound, math.inf)


@dataclass(frozen=True, kw_only=True)
class Activation(Entry):
    """An activation function.

    `learned` names the numbers that training adjusts, one of each per layer, with their start.
    `saturates` is the side on which the derivative goes to zero: none, left, right or both.
    `breaks` and `dead_regions` are functions of the parameters: the points where it is not smooth,
    and the open intervals where it is constant, so that its derivative is exactly zero.
    `gain` is torch's factor on 1/sqrt(fan_in) (`torch.nn.init.calculate_gain`) and, where torch has
    none, 1/sqrt(E f(z)^2) for standard normal z, which keeps the second moment.
    `max_slope` is the largest |derivative|, or its limit; of `relu_squared`, which has none, that
    at 1; of a softmax, the sum over outputs. Both are those of the default parameters.
    `random` ones take uniform noise of x's shape as their second argument, 0.5 throughout at
    evaluation; their twin takes the noise's source first. `elementwise` is False where a unit's
    output depends on others.
    """

    family: str
    function: Callable[..., Tensor]
    twin: Callable[..., torch.nn.Module]
    learned: Mapping[str, float] = field(default_factory=dict)
    saturates: str = "none"
    breaks: Callable[..., tuple[float, ...]] = nowhere
    dead_regions: Callable[..., Intervals] = nowhere
    gain: float = 1.0
    max_slope: float = 1.0
    elementwise: bool = True
    random: bool = False

    @property
    def can_die(self) -> bool:
        """Whether a unit can be constant, with no gradient, over a bounded data set."""
        return bool(self.dead_regions(**{name: p.default for name, p in self.parameters.items()}))
