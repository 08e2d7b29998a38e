"""The activations' rules: plain functions of the pre-activation.

A function takes `x` (..., units), its parameters as keywords (0-dimensional tensors, so that
networks of one stack may differ in them, or plain numbers) and, where it has any, its learned
numbers. It returns a tensor of x's shape and number type, with torch's derivatives at kinks.
No function mixes two branches with a mask that could hide a NaN: a NaN goes in, a NaN comes out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnbench.lazy import lazy_import

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = lazy_import("torch", globals())

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


def _like(number: Tensor | float, x: Tensor) -> Tensor:
    """A parameter in x's number type: `where` and `clamp` would widen a stack to float64."""
    return torch.as_tensor(number, dtype=x.dtype, device=x.device)


def _zero(x: Tensor) -> Tensor:
    """0 with derivative 0, but NaN for a NaN (and for an infinity: for finite branches only)."""
    return 0 * x


def identity(x: Tensor) -> Tensor:
    """x: a stack of linear layers with it is one linear map."""
    return x


# -------------------------------------------------------------------------------- threshold-like


def threshold(x: Tensor, threshold: Tensor, value: Tensor) -> Tensor:
    """x above the threshold, the value at it and below."""
    return torch.where(x <= _like(threshold, x), _like(value, x), x)


def heaviside(x: Tensor) -> Tensor:
    """1 above 0, 0 at it and below; its derivative is 0."""
    return torch.where(x.isnan(), x, (x > 0).to(x.dtype))


def sign(x: Tensor) -> Tensor:
    """-1, 0 or 1; its derivative is 0."""
    return torch.where(x.isnan(), x, torch.sign(x))  # torch's own sign of a NaN is 0


def softsign(x: Tensor) -> Tensor:
    """x / (1 + |x|), written so that the derivative 1 / (1 + |x|)^2 is no difference of equals.

    Differs from torch: whose derivative in float32 is 2 % off at |x| = 1e6 and 0 from 1e8 on.
    """
    inner = x.clamp(-1, 1)  # an infinity would make a NaN of the gradient
    outer = torch.sign(x) * (1 - 1 / (1 + x.abs()))
    return torch.where(x.abs() < 1, inner / (1 + inner.abs()), outer)


def tanhshrink(x: Tensor) -> Tensor:
    """x - tanh(x)."""
    return x - torch.tanh(x)


def softshrink(x: Tensor, lambd: Tensor) -> Tensor:
    """x moved towards 0 by lambda, and 0 within lambda of it."""
    bound = _like(lambd, x)
    return torch.where(x > bound, x - bound, torch.where(x < -bound, x + bound, _zero(x)))


def hardshrink(x: Tensor, lambd: Tensor) -> Tensor:
    """x, but 0 within lambda of 0."""
    return torch.where(x.abs() > _like(lambd, x), x, _zero(x))


# ---------------------------------------------------------------------------------- sigmoid-like


def sigmoid(x: Tensor) -> Tensor:
    """1 / (1 + e^-x)."""
    return torch.sigmoid(x)


def logsigmoid(x: Tensor) -> Tensor:
    """ln(1 / (1 + e^-x)), which cannot underflow."""
    return torch.nn.functional.logsigmoid(x)


def tanh(x: Tensor) -> Tensor:
    """(e^x - e^-x) / (e^x + e^-x)."""
    return torch.tanh(x)


def hardsigmoid(x: Tensor) -> Tensor:
    """x/6 + 1/2 between -3 and 3, 0 below and 1 above."""
    return torch.nn.functional.relu6(x + 3) / 6


def hardtanh(x: Tensor, min_val: Tensor, max_val: Tensor) -> Tensor:
    """x, clipped to [min_val, max_val]; the derivative is 0 at the bounds already."""
    low, high = _like(min_val, x), _like(max_val, x)
    return torch.where(x <= low, low, torch.where(x >= high, high, x))


def erf(x: Tensor) -> Tensor:
    """2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x."""
    return torch.erf(x)


# ------------------------------------------------------------------------------------- ReLU-like


def relu(x: Tensor) -> Tensor:
    """max(0, x), with derivative 0 at 0, as in torch."""
    return torch.relu(x)


def leaky_relu(x: Tensor, negative_slope: Tensor) -> Tensor:
    """x above 0, negative_slope x below."""
    return torch.where(x > 0, x, negative_slope * x)


def prelu(x: Tensor, slope: Tensor) -> Tensor:
    """x above 0, slope x below; the slope is learned, one for a layer."""
    return torch.where(x > 0, x, slope * x)


def rrelu(x: Tensor, noise: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
    """x above 0, slope x below; the slope is lower + (upper - lower) noise, one for each element.

    `noise` is uniform on [0, 1) in training and 1/2 at evaluation, which gives the mean slope.
    """
    return torch.where(x > 0, x, (lower + (upper - lower) * noise) * x)


def relu6(x: Tensor) -> Tensor:
    """min(max(0, x), 6)."""
    return torch.nn.functional.relu6(x)


def relu_squared(x: Tensor) -> Tensor:
    """max(0, x)^2."""
    return torch.relu(x).square()


def softplus(x: Tensor, beta: Tensor) -> Tensor:
    """ln(1 + e^(beta x)) / beta, written so that it cannot overflow."""
    return torch.logaddexp(beta * x, torch.zeros_like(x)) / beta


def gelu(x: Tensor) -> Tensor:
    """x Phi(x), Phi the standard normal distribution function."""
    return torch.nn.functional.gelu(x)


def gelu_tanh(x: Tensor) -> Tensor:
    """0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))."""
    return torch.nn.functional.gelu(x, approximate="tanh")


def swish(x: Tensor) -> Tensor:
    """x sigmoid(x)."""
    return torch.nn.functional.silu(x)


def hardswish(x: Tensor) -> Tensor:
    """x min(max(0, x + 3), 6) / 6."""
    return torch.nn.functional.hardswish(x)


def mish(x: Tensor) -> Tensor:
    """x tanh(ln(1 + e^x))."""
    return torch.nn.functional.mish(x)


# -------------------------------------------------------------------------------------- ELU-like


def elu(x: Tensor, alpha: Tensor) -> Tensor:
    """x above 0, alpha (e^x - 1) below."""
    # the clamp keeps e^x finite where its branch is not taken: inf * 0 would be a NaN gradient
    return torch.where(x > 0, x, alpha * torch.expm1(x.clamp(max=0)))


def selu(x: Tensor) -> Tensor:
    """lambda (x above 0, alpha (e^x - 1) below), with the two constants of the paper."""
    return torch.nn.functional.selu(x)


def celu(x: Tensor, alpha: Tensor) -> Tensor:
    """x above 0, alpha (e^(x/alpha) - 1) below: smooth at 0 for every alpha."""
    return torch.where(x > 0, x, alpha * torch.expm1(x.clamp(max=0) / alpha))


# -------------------------------------------------------------------------------------- periodic


def sine(x: Tensor, omega: Tensor) -> Tensor:
    """sin(omega x)."""
    return torch.sin(omega * x)


def snake(x: Tensor, a: Tensor) -> Tensor:
    """x + sin^2(a x) / a."""
    return x + torch.sin(a * x).square() / a


# ---------------------------------------------------------------------------------- softmax-like


def softmax(x: Tensor) -> Tensor:
    """e^x_i / sum over the units of e^x_j."""
    return torch.softmax(x, -1)


def logsoftmax(x: Tensor) -> Tensor:
    """x_i - ln sum over the units of e^x_j."""
    return torch.log_softmax(x, -1)


def softmin(x: Tensor) -> Tensor:
    """e^-x_i / sum over the units of e^-x_j."""
    return torch.softmax(-x, -1)
