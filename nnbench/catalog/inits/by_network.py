"""Initialisations that look at more than the fans: the whole matrix, the activation, the data."""

import math
from collections.abc import Callable, Mapping

from nnbench.catalog.formulas import Of
from nnbench.catalog.inits.base import GAIN, GENERATOR, Init
from nnbench.catalog.inits.laws import Normal
from nnbench.catalog.meanfield import mean_field
from nnbench.catalog.twin import Twin
from nnbench.catalog.works import POOLE
from nnbench.lazy import Tensor, torch
from nnbench.study.vocabulary import Parameter

ALIKE = 1e-8  # of the largest: outputs that differ by no more tell of rounding, and little else


def orthogonal(noise: Tensor, gain: float) -> Tensor:
    """Q of the QR decomposition of the noise: all singular values are 1."""
    rows, columns = noise.shape
    q, r = torch.linalg.qr(noise.T if rows < columns else noise)
    q = q * torch.sign(torch.diagonal(r))  # without it Q would not be uniform (Mezzadri 2007)
    return gain * (q.T if rows < columns else q).contiguous()


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


def lsuv_calibrated(
    weight: Tensor, outputs: Callable[[Tensor], Tensor], gain: float, rows: int
) -> Tensor:
    """W divided by the standard deviation of the layer's outputs, over rows and units.

    `outputs` maps a weight to (rows, units). Outputs are linear in the weight, so that one division
    does what the paper's loop does. A layer whose outputs do not vary beyond rounding, or overflow,
    stays as it is.
    """
    values = outputs(weight)
    spread = values.std(correction=0)
    usable = torch.isfinite(spread) & (spread > ALIKE * values.abs().max())
    return gain * weight / torch.where(usable, spread, torch.ones_like(spread))


BY_NETWORK: dict[str, Init] = {
    "orthogonal": Init(
        summary="A random rotation: no direction grows or shrinks in a linear network.",
        formula="W = gain * Q, QR of a standard normal matrix; an entry of Q ~ "
        "N(0, 1/max(fan_in, fan_out)), nearly",
        reference="Saxe, McClelland & Ganguli (2014), Exact Solutions to the Nonlinear Dynamics "
        "of Learning in Deep Linear Neural Networks, arXiv:1312.6120",
        law=Normal("1/max(fan_in, fan_out)"),
        function=orthogonal,
        twin=Twin("torch.nn.init.orthogonal_", gain=Of("gain", unless=1), generator=GENERATOR),
    ),
    "critical": Init(
        summary="The edge of chaos for the activation at hand: gradients neither grow nor shrink "
        "at q, from which GELU's and SiLU's signals drift; biases are random too.",
        formula="W ~ N(0, sw2/fan_in), b ~ N(0, sb2); sw2 = 1/E f'(sqrt(q) z)^2, "
        "sb2 = q - sw2 E f(sqrt(q) z)^2",
        reference=POOLE
        + "; Schoenholz et al. (2017), Deep Information Propagation, arXiv:1611.01232",
        law=Normal("1/(slope_moment * fan_in)"),
        parameters={
            "gain": GAIN,
            "q": Parameter(
                1.0, "mean square of the pre-activations", low=0, high=1e6, open_low=True
            ),
        },
        function=critical,
        twin=Twin(
            "torch.nn.init.normal_",
            std=Of("gain / sqrt(slope_moment * fan_in)"),
            generator=GENERATOR,
        ),
        bias=critical_bias,
        bias_twin=Twin(
            "torch.nn.init.normal_",
            std=Of("sqrt(max(0, q - second_moment / slope_moment))"),
            generator=GENERATOR,
        ),
        measured=Twin("inits.twins.moments", Of("activation"), Of("given"), Of("q")),
        needs_activation=True,
    ),
    "lsuv": Init(
        summary="Orthogonal, then each layer in turn scaled until its outputs have variance 1 on "
        "training data.",
        formula="W = gain * Q / std(Q h), h the layer's inputs on the first rows of the training "
        "part; an entry of W ~ N(0, 1/(fan_in h2)), nearly, h2 = mean of h^2",
        reference="Mishkin & Matas (2016), All You Need Is a Good Init, arXiv:1511.06422",
        law=Normal("1/(fan_in * h2)"),
        parameters={
            "gain": GAIN,
            "rows": Parameter(256, "training examples to look at", low=2, high=1_000_000),
        },
        function=lambda noise, gain, rows: orthogonal(noise, 1.0),  # before any data is seen
        twin=Twin("torch.nn.init.orthogonal_", generator=GENERATOR),
        calibrate=lsuv_calibrated,
    ),
}
