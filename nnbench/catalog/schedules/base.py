"""What a schedule is: a closed form of the count of epochs or steps.

Its function takes `count` (an array of epochs or steps from 0 on, as the entry's `unit` says), the
base rate `lr`, `total` (epochs or steps in all) and its parameters; it returns the rate at each
count, in the unit of `lr`. One that answers to the validation loss has `after_epoch` instead, and
`begin`, the state that it is in at first. One that can cycle the optimizer's momentum, too, has
`momentum`, which takes `count`, `total` and its parameters.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnbench.catalog.twin import Twinned
from nnbench.study.recipe import of_factor
from nnbench.study.vocabulary import Parameter, Term, need

Rates = NDArray[np.float64]
Counts = NDArray[np.int64]


def never(total: int, **parameters: Any) -> bool:
    """Not for any parameters."""
    return False


def always(total: int, **parameters: Any) -> bool:
    """For all parameters."""
    return True


@dataclass(frozen=True, kw_only=True)
class Schedule(Twinned):
    """A schedule. Its twin takes the optimizer; its formulas know `total`, and the rate as `lr`.

    `scales(total, **parameters)` tells whether torch's scheduler multiplies whatever rate it
    finds, so that it may be chained. `spans(total, parts, **parameters)` is of a schedule that is
    made of others: the epochs between which each part holds. Its twin's formulas know `parts`.
    """

    function: Callable[..., Rates] | None
    momentum: Callable[..., Rates] | None = None
    begin: Callable[..., Any] | None = None
    after_epoch: Callable[..., Any] | None = None
    unit: str = "epoch"
    scales: Callable[..., bool] = never
    spans: Callable[..., list[tuple[int, int]]] | None = None

    def moves(self, recipe: Mapping[str, Any]) -> bool:
        """Tell whether the rate is ever another than the optimizer's, as far as a recipe tells."""
        if self.function is None or (self.unit == "step" and "steps" not in recipe):
            return True
        if cycles_momentum(recipe):
            return True
        return bool((self._rates(recipe) != recipe["optimizer.lr"]).any())

    def starts_elsewhere(self, recipe: Mapping[str, Any]) -> bool:
        """Tell whether the first rate of all is another than the optimizer's."""
        lr = recipe["optimizer.lr"]
        if self.begin is not None:
            return bool(self.begin(lr, **of_factor("schedule", recipe)).lr != lr)
        return bool(self._rates(recipe)[0] != lr)

    def _rates(self, recipe: Mapping[str, Any]) -> Rates:
        """The rates of a walk's steps; of a training its epochs', as if each were one step."""
        assert self.function is not None
        total = recipe["steps"] if "steps" in recipe else recipe["epochs"]
        count, own = np.arange(max(total, 1)), of_factor("schedule", recipe)
        return self.function(count, recipe["optimizer.lr"], total, **own)

    @property
    def family(self) -> str:
        """The heading that it stands under."""
        if self.spans is not None:
            return "Made of others"
        if self.function is None:
            return "By the validation loss"
        return "Step by step" if self.unit == "step" else "Epoch by epoch"


def cycles_momentum(recipe: Mapping[str, Any]) -> bool:
    """Whether a recipe's schedule moves the optimizer's momentum, too."""
    return bool(recipe.get("schedule.cycle_momentum"))


def momentum_parameters(base: float, highest: float) -> dict[str, Parameter]:
    """What a schedule that can cycle momentum takes for it, with torch's defaults."""
    usual = {"base_momentum": base, "max_momentum": highest}
    where = {"base_momentum": "highest", "max_momentum": "lowest"}
    about = "move momentum (Adam: beta1) against the rate, too"
    return {"cycle_momentum": Parameter(False, about, sparse=True)} | {
        name: Parameter(
            value,
            f"momentum where the rate is {where[name]}",
            low=0,
            high=1,
            open_low=True,
            open_high=True,
            sparse=True,
            needs=(need(Term(".cycle_momentum", value=True)),),
        )
        for name, value in usual.items()
    }


def share_parameter(default: float, doc: str) -> Parameter:
    """A parameter between 0 and 1."""
    return Parameter(default, doc, low=0, high=1)


def length_parameter(doc: str) -> Parameter:
    """A number of epochs or steps that follows from the others unless given."""
    return Parameter(None, doc, low=1, high=1e9, optional=True, whole=True)


GAMMA = "factor on the rate"
LOWEST = Parameter(0.0, "lowest rate", low=0, high=1e12)
