"""Twins of activations that torch has no module for: ordinary modules, written on their own.

The slow reference trains with these; nothing here is shared with the functions that they are held
against.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


class _Flat(torch.autograd.Function):
    """A function of steps: constant pieces, hence a derivative of 0 wherever there is one."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, pieces: Callable[[Tensor], Tensor]) -> Tensor:
        return pieces(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return torch.zeros_like(gradients[0]), None


class Heaviside(nn.Module):
    """1 above 0, 0 elsewhere, by torch.heaviside, which has no derivative."""

    def forward(self, x: Tensor) -> Tensor:
        """Map each element."""
        flat: Tensor = _Flat.apply(x, lambda x: torch.heaviside(x, x.new_zeros(())))
        return flat.masked_fill(x.isnan(), float("nan"))


class Sign(nn.Module):
    """The difference of two steps."""

    def forward(self, x: Tensor) -> Tensor:
        """Map each element."""
        flat: Tensor = _Flat.apply(x, lambda x: x.gt(0).to(x.dtype) - x.lt(0).to(x.dtype))
        return flat.masked_fill(x.isnan(), float("nan"))


class _Softsign(torch.autograd.Function):
    """x / (1 + |x|), whose derivative is written down rather than found by the quotient rule."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return torch.where(x.isinf(), x.sign(), x / (1 + x.abs()))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return gradients[0] / (1 + x.abs()) ** 2


class Softsign(nn.Module):
    """torch.nn.Softsign, whose derivative drowns in rounding far from 0."""

    def forward(self, x: Tensor) -> Tensor:
        """Map each element."""
        return _Softsign.apply(x)


class CELU(nn.Module):
    """torch.nn.CELU, which rounds alpha to single precision for its derivative."""

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self.alpha, self.elu = alpha, nn.ELU()

    def forward(self, x: Tensor) -> Tensor:
        """Map each element."""
        return self.alpha * self.elu(x / self.alpha)


class Hardsigmoid(nn.Module):
    """torch.nn.Hardsigmoid, whose derivative is 1/6 in single precision even for float64."""

    def __init__(self) -> None:
        super().__init__()
        self.clip = nn.Hardtanh(-3.0, 3.0)

    def forward(self, x: Tensor) -> Tensor:
        """Map each element."""
        return self.clip(x) / 6 + 0.5


class SquaredReLU(nn.Module):
    """The square of torch.nn.ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.rectifier = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map each element."""
        return torch.pow(self.rectifier(x), 2)


class Sine(nn.Module):
    """sin(omega x)."""

    def __init__(self, omega: float = 1.0) -> None:
        super().__init__()
        self.omega = omega

    def forward(self, x: Tensor) -> Tensor:
        """Map each element."""
        return torch.sin(x * self.omega)


class Snake(nn.Module):
    """x + sin^2(a x) / a."""

    def __init__(self, a: float = 1.0) -> None:
        super().__init__()
        self.a = a

    def forward(self, x: Tensor) -> Tensor:
        """Map each element."""
        return x + torch.pow(torch.sin(x * self.a), 2) / self.a


class Erf(nn.Module):
    """2 Phi(sqrt(2) x) - 1, Phi the standard normal distribution function."""

    def forward(self, x: Tensor) -> Tensor:
        """Map each element."""
        return 2 * torch.special.ndtr(math.sqrt(2) * x) - 1


class GivenRReLU(nn.Module):
    """torch.nn.RReLU whose uniform noise is given, rather than drawn where x is negative.

    `noise(batch, units)` returns the next step's.
    """

    def __init__(
        self, noise: Callable[[int, int], Tensor], lower: float = 1 / 8, upper: float = 1 / 3
    ) -> None:
        super().__init__()
        self.noise, self.lower, self.upper = noise, lower, upper

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, units) with the given slopes in training, with their mean at evaluation."""
        if not self.training:
            return nn.functional.leaky_relu(x, (self.lower + self.upper) / 2)
        slope = torch.lerp(
            torch.full_like(x, self.lower),
            torch.full_like(x, self.upper),
            self.noise(*x.shape).to(x.dtype),
        )
        return torch.where(x <= 0, slope * x, x)


class Squareplus(nn.Module):
    """sqrt(b) / 2 times e^asinh(x / sqrt(b))."""

    def __init__(self, b: float = 4.0) -> None:
        super().__init__()
        self.b = b

    def forward(self, x: Tensor) -> Tensor:
        """Map each element."""
        root = math.sqrt(self.b)
        return torch.exp(torch.asinh(x / root)) * root / 2
