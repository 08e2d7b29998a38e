"""What an activation is, and what is known of it.

Its function takes `x` (..., units), its parameters as keywords (0-dimensional tensors, so that
networks of one stack may differ in them, or plain numbers) and, where it has any, its learned
numbers. It returns a tensor of x's shape and number type, with torch's derivatives at kinks.
No function mixes two branches with a mask that could hide a NaN: a NaN goes in, a NaN comes out.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nnbench.catalog.twin import Kin
from nnbench.lazy import Tensor, torch

Intervals = tuple[tuple[float, float], ...]


def nowhere(**parameters: float) -> tuple[()]:
    """No point and no interval, whatever the parameters."""
    return ()


def always(*places: Any) -> Callable[..., tuple[Any, ...]]:
    """The same points or intervals, whatever the parameters."""
    return lambda **parameters: places


def below(bound: float) -> tuple[float, float]:
    """The open interval from minus infinity to the bound."""
    return (-math.inf, bound)


def above(bound: float) -> tuple[float, float]:
    """The open interval from the bound to infinity."""
    return (bound, math.inf)


AT_ZERO = always(0.0)
NEGATIVE = always(below(0.0))


def like(number: Tensor | float, x: Tensor) -> Tensor:
    """A parameter in x's number type: `where` and `clamp` would widen a stack to float64."""
    return torch.as_tensor(number, dtype=x.dtype, device=x.device)


@dataclass(frozen=True, kw_only=True)
class Activation(Kin):
    """An activation function. Whatever it says of slopes and regions is measured by the tests.

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

    function: Callable[..., Tensor]
    learned: Mapping[str, float] = field(default_factory=dict)
    saturates: str = "none"
    breaks: Callable[..., tuple[float, ...]] = nowhere
    dead_regions: Callable[..., Intervals] = nowhere
    gain: float = 1.0
    max_slope: float = 1.0
    elementwise: bool = True
    random: bool = False
