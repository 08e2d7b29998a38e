"""Optimizers that look at a weight matrix as a whole; both are given one tensor at a time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nnbench.catalog.optimizers.base import Hyper, State, power
from nnbench.lazy import lazy_import

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = lazy_import("torch", globals())

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # Jordan's quintic: steep at 0, near 1 on (0, 1]
NEWTON_SCHULZ_STEPS = 5
SMALLEST_NORM = 1e-7
RMS_OF_ADAMW = 0.2  # root mean square of a typical AdamW step over its rate (Liu et al. 2025)


def factors(param: Tensor) -> State:
    """Row and column means of squares for a matrix (rows, columns); one each for a vector."""
    if param.ndim == 1:
        return {"v": torch.zeros_like(param)}
    return {"row": torch.zeros_like(param[:, :1]), "column": torch.zeros_like(param[:1])}


def floats_of_factors(shape: tuple[int, ...]) -> float:
    """(r + c) / (r c) for a matrix, 1 for a vector."""
    return sum(shape) / math.prod(shape) if len(shape) == 2 else 1.0


def adafactor(
    grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor
) -> tuple[Tensor, State]:
    """V = R C / mean(R);  U = g / sqrt(V);  p - a U / max(1, rms(U) / d).

    R, C: means over rows and columns of g^2, moving with weight t^beta2_decay for the new;
    a = max(eps2, rms(p)) min(lr, 1 / sqrt(t)); squares are kept above eps1^2, eps1 the number
    type's own. Differs from torch: decoupled decay shrinks p before its size is taken.
    """
    eps1 = torch.finfo(param.dtype).eps
    newest = power(step, hyper["beta2_decay"])
    squares = grad * grad
    if param.ndim == 2:
        row = state["row"] + newest * (squares.mean(1, keepdim=True) - state["row"])
        column = state["column"] + newest * (squares.mean(0, keepdim=True) - state["column"])
        new_state = {"row": row, "column": column}
        variance = row * column / row.mean().clamp(min=eps1)
    else:
        variance = state["v"] + newest * (squares - state["v"])
        new_state = {"v": variance}
    direction = torch.rsqrt(variance.clamp(min=eps1 * eps1)) * grad
    rate = torch.minimum(hyper["lr"], torch.rsqrt(step))
    rate = rate * torch.maximum(hyper["eps2"], root_mean_square(param))
    return param - rate / (root_mean_square(direction) / hyper["d"]).clamp(min=1.0) * direction, (
        new_state
    )


def root_mean_square(values: Tensor) -> Tensor:
    """sqrt(mean(x^2)), 0-dimensional."""
    return torch.linalg.vector_norm(values) / math.sqrt(values.numel())


def muon(
    grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor
) -> tuple[Tensor, State]:
    """m = mu m + (1 - mu) g;  p - 0.2 sqrt(max(r, c)) lr O, O: ((1 - mu) g + mu m) orthogonalised.

    The factor gives a step the size of AdamW's, which updates the rest at the same rate:
    torch.optim.Muon(adjust_lr_fn="match_rms_adamw"). Differs from torch: the Newton-Schulz steps
    are taken in the network's own number type, where torch takes bfloat16.
    """
    mu = hyper["momentum"]
    m = mu * state["m"] + (1 - mu) * grad
    direction = orthogonalised(grad + mu * (m - grad))
    scale = RMS_OF_ADAMW * math.sqrt(max(param.shape))
    return param - hyper["lr"] * scale * direction, {"m": m}


def orthogonalised(matrix: Tensor) -> Tensor:
    """Bring all singular values of a matrix (rows, columns) near 1: X = a X + (b A + c A A) X.

    A = X X^T, five times over, from X = matrix / its norm; the vectors of the matrix stay.
    """
    wide = matrix.shape[0] <= matrix.shape[1]
    x = matrix if wide else matrix.T
    x = x / torch.linalg.vector_norm(x).clamp(min=SMALLEST_NORM)
    a, b, c = NEWTON_SCHULZ
    for _ in range(NEWTON_SCHULZ_STEPS):
        gram = x @ x.T
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x if wide else x.T
