"""A check: a predicted number, the same number as the engine has it, and how near is near."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import torch
from torch import Tensor

from nnbench.study import StudyError

STANDARD_ERRORS = 4.0  # a true prediction is farther off once in 16,000 checks
ROUNDING = 1e-9  # relative, where nothing is drawn at random
FIVE_PERCENT = "sw2 taken 5 % too large"  # the mistake that most checks are held against
LAYERS_PER_WIDTH = 4  # a network deeper than width / 4 fluctuates by more than its mean


@dataclass(frozen=True)
class Settings:
    """The size of the networks that are measured; StudyError for sizes that make no sense."""

    width: int = 128
    depth: int = 16
    batch: int = 64

    def __post_init__(self) -> None:
        allowed = {"width": (32, 1024), "depth": (6, 256), "batch": (8, 1024)}
        for name, (low, high) in allowed.items():
            if not low <= getattr(self, name) <= high:
                raise StudyError(f"{name}={getattr(self, name)}: must lie between {low} and {high}")
        if self.depth * LAYERS_PER_WIDTH > self.width:
            raise StudyError(
                f"depth={self.depth} is too deep for width={self.width}: beyond one layer for each "
                f"{LAYERS_PER_WIDTH} units, networks of one law differ too much to measure its "
                f"mean; take width={self.depth * LAYERS_PER_WIDTH} or more"
            )


def read_settings(text: str) -> Settings:
    """Return the settings of ``width=64,depth=12``; what is left out keeps its default.

    Raises StudyError for an unknown name, for what is no whole number and for senseless sizes.
    """
    known = [each.name for each in fields(Settings)]
    values: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name not in known:
            raise StudyError(f'--set {part}: unknown "{name}"; known: {", ".join(known)}')
        try:
            values[name] = int(value)
        except ValueError:
            raise StudyError(f"--set {part}: {name} must be a whole number") from None
    return Settings(**values)


@dataclass(frozen=True)
class Check:
    """A prediction held against a measurement.

    `relation` says what is predicted: the number itself, or a bound ("at least", "at most").
    `allowance` is absolute: what the law itself leaves open, said in `allows` (a law of infinite
    width at finite width; one time step at a time). `rival` is what a plausible mistake would
    predict, named in `mistake`: a check that cannot tell it from the measurement proves nothing.
    """

    name: str
    group: str
    predicted: float
    measured: float
    standard_error: float
    rival: float
    mistake: str
    law: str  # the formula
    allowance: float = 0.0
    allows: str = ""
    relation: str = "equals"
    networks: int = 1
    detail: Mapping[str, Any] = field(default_factory=dict)  # what a figure needs to place it

    def accepts(self, predicted: float) -> bool:
        """Tell whether the measurement agrees with a prediction."""
        near = STANDARD_ERRORS * self.standard_error + self.allowance
        near += ROUNDING * max(abs(predicted), abs(self.measured))
        difference = self.measured - predicted
        if not math.isfinite(difference):
            return False
        if self.relation == "at least":
            return difference >= -near
        if self.relation == "at most":
            return difference <= near
        return abs(difference) <= near

    @property
    def agrees(self) -> bool:
        """Tell whether the prediction holds."""
        return self.accepts(self.predicted)

    @property
    def tells_mistake(self) -> bool:
        """Tell whether the check would have caught the plausible mistake."""
        return not self.accepts(self.rival)

    def row(self) -> dict[str, Any]:
        """Return the check as what `nnbench theory --json` prints."""
        whole = self.document()
        return {
            name: whole[name]
            for name in ("name", "predicted", "measured", "standard_error", "agrees")
        }

    def document(self) -> dict[str, Any]:
        """Return all that is known of the check, for theory.json; no number is a null."""
        whole = asdict(self) | {"agrees": self.agrees, "tells_mistake": self.tells_mistake}
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in whole.items()
        }


def mean_and_error(values: Tensor) -> tuple[float, float]:
    """Return the mean over networks (networks,) and its standard error."""
    return float(values.mean()), float(values.std()) / math.sqrt(len(values))


def growth_and_error(first: Tensor, last: Tensor, steps: int) -> tuple[float, float]:
    """Return (mean last / mean first)^(1/steps) over networks (networks,) and its standard error.

    The error is that of the ratio's logarithm to first order (the delta method).
    """
    growth = float((last.mean() / first.mean()) ** (1 / steps))
    influence = (last / last.mean() - first / first.mean()) / steps
    return growth, growth * float(influence.std()) / math.sqrt(len(first))


def concatenated(parts: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return the statistics of several chunks of networks as one, networks first."""
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
