"""What an initialisation is: a function of standard normal noise, so that all share one draw.

It takes `noise` (fan_out, fan_in), standard normal in float64, and the entry's parameters as plain
numbers; it returns the weight. Uniform laws use Phi(noise), which is uniform on (0, 1): a network
under `he_uniform` is then the monotone image of the same network under `he_normal`, and a
comparison of the two is paired down to the single weight.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from nnbench.catalog.formulas import Of
from nnbench.catalog.inits.laws import Normal, Uniform
from nnbench.catalog.twin import Kin, Twin
from nnbench.lazy import Generator, Tensor, torch
from nnbench.study.vocabulary import Parameter

GAIN = Parameter(1.0, "factor on every weight", low=0, high=1e6)
GENERATOR = Of("generator")  # the twin draws from it the noise that the function is given


def uniform_noise(noise: Tensor) -> Tensor:
    """Phi(noise): standard normal to uniform on (0, 1), one to one."""
    return torch.special.ndtr(noise)


def symmetric_uniform(noise: Tensor, bound: float) -> Tensor:
    """U(-bound, bound)."""
    return bound * (2 * uniform_noise(noise) - 1)


def drawn(law: Normal | Uniform, noise: Tensor, gain: float, **numbers: float) -> Tensor:
    """A weight (fan_out, fan_in) of a law whose symbols are the fans and an init's numbers."""
    names = {**numbers, "fan_in": noise.shape[1], "fan_out": noise.shape[0]}
    if isinstance(law, Normal):
        return gain * noise * math.sqrt(Of(law.variance).value(names))
    return gain * symmetric_uniform(noise, Of(law.bound).value(names))


@dataclass(frozen=True, kw_only=True)
class Init(Kin):
    """An initialisation.

    `law` is that of a weight at a gain of 1, or says why it has no density; the formula and the
    function follow from it unless told otherwise. `bias` makes the bias from noise (None: zeros,
    plus the study's `bias`).
    A twin fills a tensor in place by torch's own means, from the generator of the same noise. Its
    formulas know what `names` returns, and the generator. One that does not take the gain is
    multiplied by it, but for an init with `calibrate`.
    One that `needs_activation` is also called with the activation's name and its parameters,
    `activation` and `given`; `measured` finds the numbers that its formulas take of it.
    `calibrate`, of the only one that sees data, changes a weight by the outputs that it has on
    `rows` training examples; layers are taken from the first to the last.
    """

    formula: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=lambda: {"gain": GAIN})
    law: Normal | Uniform | str
    function: Callable[..., Tensor] = drawn
    bias: Callable[..., Tensor] | None = None
    bias_twin: Twin | None = None
    needs_activation: bool = False
    measured: Twin | None = None
    calibrate: Callable[..., Tensor] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.law, str):
            return
        object.__setattr__(self, "formula", self.formula or self.law.words)
        if self.function is drawn:
            object.__setattr__(self, "function", partial(drawn, self.law))

    @property
    def scales_its_twin(self) -> bool:
        """Whether the gain is left to be multiplied with what the twin makes."""
        return not self.twin.takes("gain") and self.calibrate is None

    def names(self, keywords: Mapping[str, Any], fan_in: Any, fan_out: Any) -> dict[str, Any]:
        """What the names in the formulas of its law and its twins stand for."""
        measured = self.measured.knowing(**keywords)() if self.measured is not None else {}
        return {**keywords, **measured, "fan_in": fan_in, "fan_out": fan_out}

    def fill(self, weight: Tensor, generator: Generator, keywords: Mapping[str, Any]) -> Tensor:
        """Let its twin fill a weight (fan_out, fan_in)."""
        names = self.names(keywords, *reversed(weight.shape))
        self.twin.knowing(**names, generator=generator)(weight)
        return weight.mul_(keywords["gain"]) if self.scales_its_twin else weight

    def fill_bias(
        self, bias: Tensor, generator: Generator, keywords: Mapping[str, Any], fan_in: int
    ) -> Tensor:
        """Let its twin for biases, if it has one, fill a bias (fan_out,); else leave zeros."""
        if self.bias_twin is None:
            return bias.zero_()
        names = self.names(keywords, fan_in, len(bias))
        self.bias_twin.knowing(**names, generator=generator)(bias)
        return bias
