"""A check: a predicted number, the same number as the engine has it, and how near is near."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from torch import Tensor

from nnbench.catalog import VOCABULARY
from nnbench.catalog.activations.registry import ACTIVATIONS
from nnbench.catalog.meanfield import Critical, mean_field
from nnbench.study.mistakes import StudyError, nearest

STANDARD_ERRORS = 4.0  # a true prediction is farther off once in 16,000 checks
ROUNDING = 1e-9  # relative, where nothing is drawn at random
FIVE_PERCENT = "σ_w² 5 % too large"  # the mistake that most checks are held against
QUARTER = "σ_w² 25 % too large"  # where the fixed point answers to sw2 less than linearly
LAYERS_PER_WIDTH = 4  # a network deeper than width / 4 fluctuates by more than its mean
MOST_WEIGHTS = 2_100_000  # of one network: minutes for all checks, where more would take hours


@dataclass(frozen=True)
class Settings:
    """The size of the networks that are measured; StudyError for sizes that make no sense.

    `activation`, with `sw2` and `sb2`, asks for a mean field of one's own beside all others.
    """

    width: int = 128
    depth: int = 16
    batch: int = 64
    activation: str = ""
    sw2: float | None = None
    sb2: float | None = None

    def __post_init__(self) -> None:
        sizes = {"width": (64, 512), "depth": (6, 50), "batch": (8, 256)}
        variances = {"sw2": (0.01, 100), "sb2": (0, 100)}
        for name, (low, high) in (sizes | variances).items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise StudyError(f"{name}={value}: must lie between {low} and {high}")
        if self.depth * LAYERS_PER_WIDTH > self.width:
            raise StudyError(
                f"depth={self.depth} is too deep for width={self.width}: beyond one layer for each "
                f"{LAYERS_PER_WIDTH} units, networks of one law differ too much to measure its "
                f"mean; take width={self.depth * LAYERS_PER_WIDTH} or more"
            )
        if (weights := self.width**2 * self.depth) > MOST_WEIGHTS:
            raise StudyError(
                f"width={self.width},depth={self.depth}: networks of {weights / 1e6:.1f} million "
                f"weights would take hours to measure; keep width² x depth within "
                f"{MOST_WEIGHTS / 1e6:.1f} million"
            )
        given = [bool(self.activation), self.sw2 is not None, self.sb2 is not None]
        if any(given) and not all(given):
            raise StudyError(
                "activation, sw2 and sb2 go together, such as activation=tanh,sw2=1.76,sb2=0.05"
            )
        _ = self.point  # whatever is wrong with it is said before anything is measured

    @property
    def point(self) -> Critical | None:
        """Return the fixed point that was asked for; StudyError where theory has none."""
        if self.sw2 is None or self.sb2 is None:
            return None
        if not (entry := ACTIVATIONS.get(self.activation)) or not entry.elementwise:
            known = [name for name, entry in ACTIVATIONS.items() if entry.elementwise]
            raise StudyError(
                f"activation={self.activation}: no activation with a mean field"
                f"{nearest(self.activation, known)}"
            )
        try:
            q = mean_field(self.activation).fixed_point(self.sw2, self.sb2)
        except ValueError as problem:
            raise StudyError(f"{problem}: take a smaller sw2") from None
        if q == 0:
            raise StudyError(
                f"activation={self.activation},sw2={self.sw2:g},sb2=0: signals die out, so that "
                f"nothing is left to measure; take a larger sw2, or sb2 above 0"
            )
        return Critical(self.sw2, self.sb2, q)


READERS: Mapping[str, tuple[Callable[[str], Any], str]] = {
    **dict.fromkeys(("width", "depth", "batch"), (int, "a whole number")),
    "activation": (lambda name: VOCABULARY.find("activation", name) or name, "a name"),
    **dict.fromkeys(("sw2", "sb2"), (float, "a number")),
}


def read_settings(text: str) -> Settings:
    """Return the settings of ``width=64,depth=12``; what is left out keeps its default.

    Raises StudyError for an unknown name, one given twice, a value of another kind and senseless
    sizes.
    """
    values: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name not in READERS:
            raise StudyError(f'--set {part}: unknown "{name}"; known: {", ".join(READERS)}')
        if name in values:
            raise StudyError(f"--set {part}: {name} is given twice: remove one")
        read, wanted = READERS[name]
        try:
            values[name] = read(value)
        except ValueError:
            raise StudyError(f"--set {part}: {name} must be {wanted}") from None
    return Settings(**values)


@dataclass(frozen=True)
class Check:
    """A prediction held against a measurement.

    `relation` says what is predicted: the number itself, or a bound ("at least", "at most").
    `allowance` is absolute: what the law itself leaves open, said in `allows` (a law of infinite
    width at finite width; one time step at a time). `rival` is what an engine would measure that
    makes the plausible mistake named in `mistake`: a check that would let it pass proves nothing.
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

    def _near(self, predicted: float) -> float:
        """Return the largest difference from a prediction that agrees with it."""
        near = STANDARD_ERRORS * self.standard_error + self.allowance
        return near + ROUNDING * max(abs(predicted), abs(self.measured))

    def accepts(self, predicted: float) -> bool:
        """Tell whether the measurement agrees with a prediction."""
        near = self._near(predicted)
        difference = self.measured - predicted
        if not math.isfinite(difference):
            return False
        if self.relation == "at least":
            return difference >= -near
        if self.relation == "at most":
            return difference <= near
        return abs(difference) <= near

    @property
    def errors_off(self) -> float:
        """How many standard errors off it is, on the side that counts; 0 without chance."""
        off = self.measured - self.predicted
        sign = {"at least": -1, "at most": 1}.get(self.relation)
        off = abs(off) if sign is None else max(sign * off, 0.0)
        return off / self.standard_error if self.standard_error else 0.0

    @property
    def needs_allowance(self) -> bool:
        """Whether it agrees by what its law leaves open, and not by chance alone."""
        return self.agrees and not replace(self, allowance=0.0).agrees

    @property
    def agrees(self) -> bool:
        """Tell whether the prediction holds."""
        return self.accepts(self.predicted)

    @property
    def tells_mistake(self) -> bool:
        """Tell whether the check catches the plausible mistake, however chance falls.

        A wrong engine strays from the rival as far as a right one does from the prediction, so
        that the two have to lie twice that apart, and a bound has to be broken by as much.
        """
        beyond = self.rival - self.predicted
        if self.relation == "at least":
            beyond = -beyond
        elif self.relation == "equals":
            beyond = abs(beyond)
        return beyond > 2 * self._near(self.predicted)

    def row(self) -> dict[str, Any]:
        """Return the check as what `nnbench theory --json` prints."""
        whole = self.document()
        return {
            name: whole[name]
            for name in ("name", "predicted", "measured", "standard_error", "agrees")
        }

    def document(self) -> dict[str, Any]:
        """Return all that is known of the check, for theory.json; no number is a null."""
        whole = asdict(self) | {
            "agrees": self.agrees,
            "tells_mistake": self.tells_mistake,
            "errors_off": self.errors_off,
            "needs_allowance": self.needs_allowance,
        }
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
