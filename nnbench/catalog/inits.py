"""Initialisations: functions of standard normal noise, so that all of them share one draw.

A function takes `noise` (fan_out, fan_in), standard normal in float64, and the entry's parameters
as plain numbers; it returns the weight. Uniform laws use Phi(noise), which is uniform on (0, 1):
a network under `he_uniform` is then the monotone image of the same network under `he_normal`, and
a comparison of the two is paired down to the single weight. `bias` does the same for the bias
(None: zeros, plus the study's `bias`).

A twin fills a weight that holds the noise by torch's own means; it serves as the oracle.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnbench.vocabulary import Entry, Parameter
from nnbench.lazy import lazy_import

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = lazy_import("torch", globals())

GAIN = Parameter(1.0, "factor on every weight", low=0, high=1e6)


@dataclass(frozen=True, kw_only=True)
class Init(Entry):
    """An initialisation. `twin(weight, generator, **parameters)` is torch.nn.init's own."""

    function: Callable[..., Tensor]
    twin: Callable[..., Tensor]
    bias: Callable[..., Tensor] | None = None


def uniform_noise(noise: Tensor) -> Tensor:
    """Phi(noise): standard normal to uniform on (0, 1), one to one."""
    return torch.special.ndtr(noise)


def _symmetric_uniform(noise: Tensor, bound: float) -> Tensor:
    """U(-bound, bound)."""
    return bound * (2 * uniform_noise(noise) - 1)


def zero(noise: Tensor, gain: float) -> Tensor:
    """W = 0: every unit of a layer stays like every other."""
    return gain * torch.zeros_like(noise)


def random_small(noise: Tensor, gain: float, bound: float) -> Tensor:
    """W ~ U(-bound, bound), 0.01 unless said otherwise."""
    return gain * _symmetric_uniform(noise, bound)


def lecun_normal(noise: Tensor, gain: float) -> Tensor:
    """W ~ N(0, 1/fan_in)."""
    fan_in = noise.shape[1]
    return gain * noise * math.sqrt(1 / fan_in)


def lecun_uniform(noise: Tensor, gain: float) -> Tensor:
    """W ~ U(+-sqrt(3/fan_in)), variance 1/fan_in."""
    fan_in = noise.shape[1]
    return gain * _symmetric_uniform(noise, math.sqrt(3 / fan_in))


def xavier_normal(noise: Tensor, gain: float) -> Tensor:
    """W ~ N(0, 2/(fan_in + fan_out))."""
    fan_out, fan_in = noise.shape
    return gain * noise * math.sqrt(2 / (fan_in + fan_out))


def xavier_uniform(noise: Tensor, gain: float) -> Tensor:
    """W ~ U(+-sqrt(6/(fan_in + fan_out))), variance 2/(fan_in + fan_out)."""
    fan_out, fan_in = noise.shape
    return gain * _symmetric_uniform(noise, math.sqrt(6 / (fan_in + fan_out)))


def he_normal(noise: Tensor, gain: float) -> Tensor:
    """W ~ N(0, 2/fan_in)."""
    fan_in = noise.shape[1]
    return gain * noise * math.sqrt(2 / fan_in)


def he_uniform(noise: Tensor, gain: float) -> Tensor:
    """W ~ U(+-sqrt(6/fan_in)), variance 2/fan_in."""
    fan_in = noise.shape[1]
    return gain * _symmetric_uniform(noise, math.sqrt(6 / fan_in))


def orthogonal(noise: Tensor, gain: float) -> Tensor:
    """Q of the QR decomposition of the noise: all singular values are 1."""
    rows, columns = noise.shape
    q, r = torch.linalg.qr(noise.T if rows < columns else noise)
    q = q * torch.sign(torch.diagonal(r))  # without it Q would not be uniform (Mezzadri 2007)
    return gain * (q.T if rows < columns else q).contiguous()


def torch_default(noise: Tensor, gain: float) -> Tensor:
    """W ~ U(+-1/sqrt(fan_in)), variance 1/(3 fan_in): what torch.nn.Linear does."""
    fan_in = noise.shape[1]
    return gain * _symmetric_uniform(noise, 1 / math.sqrt(fan_in))


def torch_default_bias(noise: Tensor, fan_in: int, gain: float) -> Tensor:
    """b ~ U(+-1/sqrt(fan_in)); the gain is the weights' alone."""
    return _symmetric_uniform(noise, 1 / math.sqrt(fan_in))


def _normal_twin(fill: str, **fixed: str) -> Callable[..., Tensor]:
    """torch.nn.init's own normal law: it draws the same noise from the same generator."""

    def twin(weight: Tensor, generator: torch.Generator, gain: float) -> Tensor:
        getattr(torch.nn.init, fill)(weight, generator=generator, **fixed)
        return weight.mul_(gain)

    return twin


def _uniform_twin(fan: str, scale: float) -> Callable[..., Tensor]:
    """The uniform law from torch's own fans; torch draws other noise for it, of the same law."""

    def twin(weight: Tensor, generator: torch.Generator, gain: float) -> Tensor:
        fan_in, fan_out = torch.nn.init._calculate_fan_in_and_fan_out(weight)
        bound = gain * math.sqrt(scale / {"in": fan_in, "both": fan_in + fan_out}[fan])
        return torch.nn.init.normal_(weight, generator=generator).div_(math.sqrt(2)).erf_().mul_(
            bound
        )

    return twin


def _small_twin(weight: Tensor, generator: torch.Generator, gain: float, bound: float) -> Tensor:
    noise = torch.nn.init.normal_(weight, generator=generator)
    return noise.div_(math.sqrt(2)).erf_().mul_(gain * bound)


GLOROT = "Glorot & Bengio (2010), Understanding the Difficulty of Training Deep Feedforward Networks"
HE = "He, Zhang, Ren & Sun (2015), Delving Deep into Rectifiers"
LECUN = "LeCun, Bottou, Orr & Müller (1998), Efficient BackProp"

INITS: dict[str, Init] = {
    "zero": Init(
        summary="All weights zero: units stay alike, and no gradient reaches the hidden layers.",
        formula="W = 0",
        reference="(the lecture's first mistake)",
        torch="torch.nn.init.zeros_",
        parameters={"gain": GAIN},
        function=zero,
        twin=lambda weight, generator, gain: torch.nn.init.zeros_(weight),
    ),
    "random_small": Init(
        summary="Small uniform weights, whatever the width: signals vanish with depth.",
        formula="W ~ U(-bound, bound), bound = 0.01",
        reference="(the lecture's second mistake)",
        torch="torch.nn.init.uniform_",
        parameters={"gain": GAIN, "bound": Parameter(0.01, "largest weight", low=0, high=1e6)},
        function=random_small,
        twin=_small_twin,
    ),
    "lecun_normal": Init(
        summary="Variance 1/fan_in: keeps the variance of a linear layer; SELU's own.",
        formula="W ~ N(0, 1/fan_in)",
        reference=LECUN,
        torch="torch.nn.init.kaiming_normal_(nonlinearity='linear')",
        parameters={"gain": GAIN},
        function=lecun_normal,
        twin=_normal_twin("kaiming_normal_", nonlinearity="linear"),
    ),
    "lecun_uniform": Init(
        summary="The uniform law of variance 1/fan_in.",
        formula="W ~ U(-sqrt(3/fan_in), sqrt(3/fan_in))",
        reference=LECUN,
        torch="torch.nn.init.kaiming_uniform_(nonlinearity='linear')",
        parameters={"gain": GAIN},
        function=lecun_uniform,
        twin=_uniform_twin("in", 3),
    ),
    "xavier_normal": Init(
        summary="Variance 2/(fan_in + fan_out): a compromise of forward and backward variance.",
        formula="W ~ N(0, 2/(fan_in + fan_out))",
        reference=GLOROT,
        torch="torch.nn.init.xavier_normal_",
        parameters={"gain": GAIN},
        function=xavier_normal,
        twin=_normal_twin("xavier_normal_"),
        aliases=("glorot_normal",),
    ),
    "xavier_uniform": Init(
        summary="The uniform law of variance 2/(fan_in + fan_out).",
        formula="W ~ U(-sqrt(6/(fan_in + fan_out)), sqrt(6/(fan_in + fan_out)))",
        reference=GLOROT,
        torch="torch.nn.init.xavier_uniform_",
        parameters={"gain": GAIN},
        function=xavier_uniform,
        twin=_uniform_twin("both", 6),
        aliases=("glorot_uniform",),
    ),
    "he_normal": Init(
        summary="Variance 2/fan_in: makes up for the half that a ReLU throws away.",
        formula="W ~ N(0, 2/fan_in)",
        reference=HE,
        torch="torch.nn.init.kaiming_normal_(nonlinearity='relu')",
        parameters={"gain": GAIN},
        function=he_normal,
        twin=_normal_twin("kaiming_normal_", nonlinearity="relu"),
        aliases=("kaiming_normal",),
    ),
    "he_uniform": Init(
        summary="The uniform law of variance 2/fan_in.",
        formula="W ~ U(-sqrt(6/fan_in), sqrt(6/fan_in))",
        reference=HE,
        torch="torch.nn.init.kaiming_uniform_(nonlinearity='relu')",
        parameters={"gain": GAIN},
        function=he_uniform,
        twin=_uniform_twin("in", 6),
        aliases=("kaiming_uniform",),
    ),
    "orthogonal": Init(
        summary="A random rotation: no direction grows or shrinks in a linear network.",
        formula="W = gain * Q, QR of a standard normal matrix",
        reference="Saxe, McClelland & Ganguli (2014), Exact Solutions to the Nonlinear Dynamics "
        "of Learning in Deep Linear Neural Networks",
        torch="torch.nn.init.orthogonal_",
        parameters={"gain": GAIN},
        function=orthogonal,
        twin=lambda weight, generator, gain: torch.nn.init.orthogonal_(
            weight, gain=gain, generator=generator
        ),
    ),
    "torch_default": Init(
        summary="What torch.nn.Linear does when nobody says otherwise; biases are random too.",
        formula="W, b ~ U(-1/sqrt(fan_in), 1/sqrt(fan_in))",
        reference="PyTorch, torch.nn.Linear.reset_parameters",
        torch="torch.nn.init.kaiming_uniform_(a=sqrt(5))",
        parameters={"gain": GAIN},
        function=torch_default,
        twin=_uniform_twin("in", 1),
        bias=torch_default_bias,
    ),
}
