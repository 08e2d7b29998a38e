"""Initialisations: functions of standard normal noise, so that all of them share one draw.

A function takes `noise` (fan_out, fan_in), standard normal in float64, and the entry's parameters
as plain numbers; it returns the weight. Uniform laws use Phi(noise), which is uniform on (0, 1):
a network under `he_uniform` is then the monotone image of the same network under `he_normal`, and
a comparison of the two is paired down to the single weight. `bias` does the same for the bias
(None: zeros, plus the study's `bias`). `keywords(recipe)` says what both are called with.

A twin fills a tensor by torch's own means, from the generator of the same noise; it serves as the
oracle. The twins are in `init_twins.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from nnbench.catalog.meanfield import mean_field
from nnbench.lazy import lazy_import
from nnbench.study.vocabulary import Entry, Parameter, need

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from nnbench.catalog.inits import twins as twins
else:
    torch = lazy_import("torch", globals())
    twins = lazy_import("nnbench.catalog.inits.twins", globals(), "twins")

GAIN = Parameter(1.0, "factor on every weight", low=0, high=1e6)
STD = Parameter(0.05, "standard deviation", low=0, high=1e6)
CUT = 2.0  # standard deviations of the truncated normal law


@dataclass(frozen=True, kw_only=True)
class Init(Entry):
    """An initialisation.

    `twin(weight, generator, **keywords)` is torch.nn.init's own; `bias_twin` takes the fan_in too.
    One that `needs_activation` is also called with the activation's name and its parameters,
    `activation` and `given`. `calibrate`, of the only one that sees data, changes a weight by the
    outputs that it has on `rows` training examples; layers are taken from the first to the last.
    """

    function: Callable[..., Tensor]
    twin: Callable[..., Tensor]
    bias: Callable[..., Tensor] | None = None
    bias_twin: Callable[..., Tensor] | None = None
    needs_activation: bool = False
    calibrate: Callable[..., Tensor] | None = None


def keywords(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the functions and twins of a recipe's init are called with, by name."""
    found = _numbers(recipe, "init")
    if INITS[recipe["init"]].needs_activation:
        found |= {"activation": recipe["activation"], "given": _numbers(recipe, "activation")}
    return found


def _numbers(recipe: Mapping[str, Any], factor: str) -> dict[str, Any]:
    prefix = f"{factor}."
    return {key.removeprefix(prefix): recipe[key] for key in recipe if key.startswith(prefix)}


def check_activation(recipe: Mapping[str, Any]) -> None:
    """Raise ValueError if the recipe's init has no weights for its activation."""
    if not INITS[recipe["init"]].needs_activation:
        return
    try:
        field = mean_field(recipe["activation"], **_numbers(recipe, "activation"))
        field.critical_at_q(recipe["init.q"])
    except ValueError as problem:
        raise ValueError(
            f'init "{recipe["init"]}" has no weights for this network: {problem}. Take another '
            f"init or another init.q, or leave the pair out with [design] exclude"
        ) from None


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


def constant(noise: Tensor, gain: float, value: float) -> Tensor:
    """W = value: units stay alike, though a gradient reaches them."""
    return torch.full_like(noise, gain * value)


def normal(noise: Tensor, gain: float, std: float) -> Tensor:
    """W ~ N(0, std^2), whatever the fans."""
    return gain * std * noise


def truncated_normal(noise: Tensor, gain: float, std: float) -> Tensor:
    """W ~ N(0, std^2) given |W| <= 2 std, by the inverse of its distribution function.

    The variance that is left is 0.7737 std^2.
    """
    bound = torch.tensor(CUT, dtype=noise.dtype)
    low, high = torch.special.ndtr(-bound), torch.special.ndtr(bound)
    return gain * std * torch.special.ndtri(low + (high - low) * uniform_noise(noise))


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


def critical(
    noise: Tensor, gain: float, q: float, activation: str, given: Mapping[str, float]
) -> Tensor:
    """W ~ N(0, sigma_w^2/fan_in), where chi is 1 at the fixed point q; see `meanfield.py`.

    This is the pair and no more. The first layer has the same variances, so that on standardised
    inputs it starts at q_1 = sigma_w^2 + sigma_b^2 and not at q; and the fixed point need not be
    stable: where the slope of the length map at q is above 1 (GELU 1.07, SiLU 1.10, hardswish 1.13,
    mish 1.02, at q = 1) q leaves it with depth and chi is 1 no longer.
    """
    point = mean_field(activation, **given).critical_at_q(q)
    return gain * noise * math.sqrt(point.weight_variance / noise.shape[1])


def critical_bias(
    noise: Tensor, fan_in: int, gain: float, q: float, activation: str, given: Mapping[str, float]
) -> Tensor:
    """b ~ N(0, sigma_b^2); the gain is the weights' alone."""
    return noise * math.sqrt(mean_field(activation, **given).critical_at_q(q).bias_variance)


def lsuv(noise: Tensor, gain: float, rows: int) -> Tensor:
    """Q of the QR decomposition of the noise, before any data is seen."""
    return orthogonal(noise, 1.0)


def lsuv_calibrated(
    weight: Tensor, outputs: Callable[[Tensor], Tensor], gain: float, rows: int
) -> Tensor:
    """W divided by the standard deviation of the layer's outputs, over rows and units.

    `outputs` maps a weight to (rows, units). Outputs are linear in the weight, so that one division
    does what the paper's loop does. A layer whose outputs do not vary, or overflow, stays as it is.
    """
    spread = outputs(weight).std(correction=0)
    usable = torch.isfinite(spread) & (spread > 0)
    return gain * weight / torch.where(usable, spread, torch.ones_like(spread))


def _twin(name: str, **fixed: Any) -> Callable[..., Tensor]:
    """Return the function of `init_twins.py`, which imports torch."""

    def fill(
        tensor: Tensor, generator: torch.Generator, *arguments: Any, **keywords: Any
    ) -> Tensor:
        twin: Callable[..., Tensor] = getattr(twins, name)
        return twin(tensor, generator, *arguments, **fixed, **keywords)

    return fill


GLOROT = (
    "Glorot & Bengio (2010), Understanding the Difficulty of Training Deep Feedforward Networks"
)
HE = "He, Zhang, Ren & Sun (2015), Delving Deep into Rectifiers"
LECUN = "LeCun, Bottou, Orr & Müller (1998), Efficient BackProp"
SAXE = (
    "Saxe, McClelland & Ganguli (2014), Exact Solutions to the Nonlinear Dynamics of Learning in "
    "Deep Linear Neural Networks"
)

INITS: dict[str, Init] = {
    "zero": Init(
        summary="All weights zero: units stay alike, and no gradient reaches the hidden layers.",
        formula="W = 0",
        reference="(the lecture's first mistake)",
        torch="torch.nn.init.zeros_",
        parameters={"gain": replace(GAIN, needs=(need(),))},  # a factor on nothing
        function=zero,
        twin=_twin("constant", value=0.0),
    ),
    "random_small": Init(
        summary="Small uniform weights, whatever the width: signals vanish with depth.",
        formula="W ~ U(-bound, bound), bound = 0.01",
        reference="(the lecture's second mistake)",
        torch="torch.nn.init.uniform_",
        parameters={"gain": GAIN, "bound": Parameter(0.01, "largest weight", low=0, high=1e6)},
        function=random_small,
        twin=_twin("small"),
    ),
    "constant": Init(
        summary="All weights alike: a layer's units stay alike, however long they train.",
        formula="W = value",
        reference="PyTorch, torch.nn.init.constant_",
        torch="torch.nn.init.constant_",
        parameters={"gain": GAIN, "value": Parameter(0.1, "every weight", low=-1e6, high=1e6)},
        function=constant,
        twin=_twin("constant"),
    ),
    "normal": Init(
        summary="Normal weights of a given spread, whatever the width.",
        formula="W ~ N(0, std^2)",
        reference="PyTorch, torch.nn.init.normal_",
        torch="torch.nn.init.normal_",
        parameters={"gain": GAIN, "std": STD},
        function=normal,
        twin=_twin("normal"),
    ),
    "truncated_normal": Init(
        summary="Normal weights, drawn anew where they are beyond two standard deviations.",
        formula="W ~ N(0, std^2) given |W| <= 2 std",
        reference="PyTorch, torch.nn.init.trunc_normal_",
        torch="torch.nn.init.trunc_normal_",
        parameters={"gain": GAIN, "std": STD},
        function=truncated_normal,
        twin=_twin("truncated_normal"),
    ),
    "lecun_normal": Init(
        summary="Variance 1/fan_in: keeps the variance of a linear layer; SELU's own.",
        formula="W ~ N(0, 1/fan_in)",
        reference=LECUN,
        torch="torch.nn.init.kaiming_normal_(nonlinearity='linear')",
        parameters={"gain": GAIN},
        function=lecun_normal,
        twin=_twin("normal_law", fill="kaiming_normal_", nonlinearity="linear"),
    ),
    "lecun_uniform": Init(
        summary="The uniform law of variance 1/fan_in.",
        formula="W ~ U(-sqrt(3/fan_in), sqrt(3/fan_in))",
        reference=LECUN,
        torch="torch.nn.init.kaiming_uniform_(nonlinearity='linear')",
        parameters={"gain": GAIN},
        function=lecun_uniform,
        twin=_twin("uniform_law", fan="in", scale=3),
    ),
    "xavier_normal": Init(
        summary="Variance 2/(fan_in + fan_out): a compromise of forward and backward variance.",
        formula="W ~ N(0, 2/(fan_in + fan_out))",
        reference=GLOROT,
        torch="torch.nn.init.xavier_normal_",
        parameters={"gain": GAIN},
        function=xavier_normal,
        twin=_twin("normal_law", fill="xavier_normal_"),
        aliases=("glorot_normal",),
    ),
    "xavier_uniform": Init(
        summary="The uniform law of variance 2/(fan_in + fan_out).",
        formula="W ~ U(-sqrt(6/(fan_in + fan_out)), sqrt(6/(fan_in + fan_out)))",
        reference=GLOROT,
        torch="torch.nn.init.xavier_uniform_",
        parameters={"gain": GAIN},
        function=xavier_uniform,
        twin=_twin("uniform_law", fan="both", scale=6),
        aliases=("glorot_uniform",),
    ),
    "he_normal": Init(
        summary="Variance 2/fan_in: makes up for the half that a ReLU throws away.",
        formula="W ~ N(0, 2/fan_in)",
        reference=HE,
        torch="torch.nn.init.kaiming_normal_(nonlinearity='relu')",
        parameters={"gain": GAIN},
        function=he_normal,
        twin=_twin("normal_law", fill="kaiming_normal_", nonlinearity="relu"),
        aliases=("kaiming_normal",),
    ),
    "he_uniform": Init(
        summary="The uniform law of variance 2/fan_in.",
        formula="W ~ U(-sqrt(6/fan_in), sqrt(6/fan_in))",
        reference=HE,
        torch="torch.nn.init.kaiming_uniform_(nonlinearity='relu')",
        parameters={"gain": GAIN},
        function=he_uniform,
        twin=_twin("uniform_law", fan="in", scale=6),
        aliases=("kaiming_uniform",),
    ),
    "orthogonal": Init(
        summary="A random rotation: no direction grows or shrinks in a linear network.",
        formula="W = gain * Q, QR of a standard normal matrix; an entry of Q ~ "
        "N(0, 1/max(fan_in, fan_out)), nearly",
        reference=SAXE,
        torch="torch.nn.init.orthogonal_",
        parameters={"gain": GAIN},
        function=orthogonal,
        twin=_twin("orthogonal"),
    ),
    "torch_default": Init(
        summary="What torch.nn.Linear does when nobody says otherwise; biases are random too.",
        formula="W, b ~ U(-1/sqrt(fan_in), 1/sqrt(fan_in))",
        reference="PyTorch, torch.nn.Linear.reset_parameters",
        torch="torch.nn.init.kaiming_uniform_(a=sqrt(5))",
        parameters={"gain": GAIN},
        function=torch_default,
        twin=_twin("uniform_law", fan="in", scale=1),
        bias=torch_default_bias,
        bias_twin=_twin("uniform_bias"),
    ),
    "critical": Init(
        summary="The edge of chaos for the activation at hand: gradients neither grow nor shrink "
        "at q, from which GELU's and SiLU's signals drift; biases are random too.",
        formula="W ~ N(0, sw2/fan_in), b ~ N(0, sb2); sw2 = 1/E f'(sqrt(q) z)^2, "
        "sb2 = q - sw2 E f(sqrt(q) z)^2",
        reference="Poole et al. (2016), Exponential Expressivity in Deep Neural Networks through "
        "Transient Chaos; Schoenholz et al. (2017), Deep Information Propagation",
        parameters={
            "gain": GAIN,
            "q": Parameter(
                1.0, "mean square of the pre-activations", low=0, high=1e6, open_low=True
            ),
        },
        function=critical,
        twin=_twin("critical"),
        bias=critical_bias,
        bias_twin=_twin("critical_bias"),
        needs_activation=True,
    ),
    "lsuv": Init(
        summary="Orthogonal, then each layer in turn scaled until its outputs have variance 1 on "
        "training data.",
        formula="W = gain * Q / std(Q h), h the layer's inputs on the first rows of the training "
        "part",
        reference="Mishkin & Matas (2016), All You Need Is a Good Init",
        parameters={
            "gain": GAIN,
            "rows": Parameter(256, "training examples to look at", low=2, high=1_000_000),
        },
        function=lsuv,
        twin=_twin("lsuv"),
        calibrate=lsuv_calibrated,
    ),
}
