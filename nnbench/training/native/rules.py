"""Operations of torch that are written as others: the engine's C has fewer than torch has.

Each rule is what torch's own kernel computes, at kinks and of NaN and infinities too. Whatever has
neither a rule here nor C of its own goes through torch's own table of decompositions.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from nnbench.training.native.graph import Unsupported

aten = torch.ops.aten


def addmm(bias: Tensor, a: Tensor, b: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """Bias + a b."""
    if beta != 1 or alpha != 1:
        raise Unsupported("addmm with factors")
    return torch.mm(a, b) + bias


def mean(x: Tensor, *, dtype: Any = None) -> Tensor:
    """Sum / count."""
    return x.sum() / x.numel()


def mean_over(
    x: Tensor, dim: Sequence[int] | None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """Sum / count, over some axes."""
    if not dim:
        dim = range(x.ndim)
    return x.sum(list(dim), keepdim) / math.prod(x.shape[axis] for axis in dim)


def vector_norm(
    x: Tensor,
    ord: float = 2,
    dim: Sequence[int] | None = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Tensor:
    """sqrt(sum x^2), in x's own number type, in which it may overflow as torch's does."""
    if ord != 2 or dtype not in (None, x.dtype):
        raise Unsupported("a norm that is not Euclidean")
    squares = x * x
    return (squares.sum() if dim is None else squares.sum(list(dim), keepdim)).sqrt()


def log_softmax(x: Tensor, dim: int, half_to_float: bool) -> Tensor:
    """x - max - log sum exp(x - max)."""
    moved = x - x.amax(dim, True)
    return moved - moved.exp().sum(dim, True).log()


def log_softmax_backward(grad: Tensor, output: Tensor, dim: int, input_dtype: Any) -> Tensor:
    """G - exp(o) sum(g)."""
    return grad - output.exp() * grad.sum(dim, True)


def softmax(x: Tensor, dim: int, half_to_float: bool) -> Tensor:
    """exp(x - max) / sum exp(x - max)."""
    grown = (x - x.amax(dim, True)).exp()
    return grown / grown.sum(dim, True)


def softmax_backward(grad: Tensor, output: Tensor, dim: int, input_dtype: Any) -> Tensor:
    """O (g - sum(o g))."""
    return output * (grad - (output * grad).sum(dim, True))


def gelu(x: Tensor, *, approximate: str = "none") -> Tensor:
    """x Phi(x), or its form with tanh."""
    if approximate == "none":
        return x * 0.5 * (1 + torch.erf(x * math.sqrt(0.5)))
    inner = math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))
    return 0.5 * x * (1 + torch.tanh(inner))


def gelu_backward(grad: Tensor, x: Tensor, *, approximate: str = "none") -> Tensor:
    """G (Phi(x) + x phi(x)), or the derivative of the form with tanh."""
    if approximate == "none":
        share = 0.5 * (1 + torch.erf(x * math.sqrt(0.5)))
        density = torch.exp(x * x * -0.5) * (1 / math.sqrt(2 * math.pi))
        return grad * (share + x * density)
    scale, cubic = math.sqrt(2 / math.pi), 0.044715
    curve = torch.tanh(scale * (x + cubic * (x * x * x)))
    slope = 0.5 * x * (1 - curve * curve) * (scale * (1 + 3 * cubic * (x * x)))
    return grad * (0.5 * (1 + curve) + slope)


def elu(x: Tensor, alpha: float = 1, scale: float = 1, input_scale: float = 1) -> Tensor:
    """Scale x above 0, scale alpha (e^(input_scale x) - 1) below."""
    return torch.where(x <= 0, torch.expm1(x * input_scale) * (alpha * scale), x * scale)


def elu_backward(
    grad: Tensor, alpha: float, scale: float, input_scale: float, is_result: bool, x: Tensor
) -> Tensor:
    """The derivative of elu, from its argument or its result."""
    factor = alpha * scale
    if is_result:
        return torch.where(x <= 0, grad * input_scale * (x + factor), grad * scale)
    below = grad * input_scale * factor * torch.exp(x * input_scale)
    return torch.where(x <= 0, below, grad * scale)


def log_sigmoid(x: Tensor) -> tuple[Tensor, Tensor]:
    """min(x, 0) - log(1 + e^-|x|), and e^-|x| for the derivative."""
    small = torch.exp(-x.abs())
    return torch.where(x < 0, x, 0.0) - torch.log1p(small), small


def log_sigmoid_backward(grad: Tensor, x: Tensor, small: Tensor) -> Tensor:
    """G / (1 + e^x), by the e^-|x| of before."""
    share = small / (1 + small)
    return grad * torch.where(x < 0, 1 - share, share)


def logaddexp(a: Tensor, b: Tensor) -> Tensor:
    """log(e^a + e^b), which cannot overflow; of two equal infinities that infinity."""
    grown = torch.maximum(a, b) + torch.log1p(torch.exp(-(a - b).abs()))
    return torch.where(torch.isinf(a) & (a == b), a, grown)


def threshold_backward(grad: Tensor, x: Tensor, threshold: float) -> Tensor:
    """G above the threshold, 0 at it and below."""
    return torch.where(x <= threshold, 0.0, grad)


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Cat along a new axis."""
    return torch.cat([tensor.unsqueeze(dim) for tensor in tensors], dim)


def slice_backward(
    grad: Tensor, sizes: Sequence[int], dim: int, start: int, end: int, step: int
) -> Tensor:
    """The gradient of a slice: zeros around it."""
    if step != 1:
        raise Unsupported("a slice with steps")
    after = sizes[dim] - min(end, sizes[dim])
    return _amid_zeros(grad, dim, start, after)


def select_backward(grad: Tensor, sizes: Sequence[int], dim: int, index: int) -> Tensor:
    """The gradient of one entry along an axis: zeros around it."""
    place = index % sizes[dim]
    return _amid_zeros(grad.unsqueeze(dim), dim, place, sizes[dim] - place - 1)


def _amid_zeros(middle: Tensor, dim: int, before: int, after: int) -> Tensor:
    def zeros(count: int) -> list[Tensor]:
        shape = [count if axis == dim else size for axis, size in enumerate(middle.shape)]
        return [middle.new_zeros(shape)] if count else []

    return torch.cat([*zeros(before), middle, *zeros(after)], dim)


def mish(x: Tensor) -> Tensor:
    """x tanh(log(1 + e^x))."""
    return x * torch.tanh(torch.log1p(torch.exp(x)))


RULES: dict[Any, Callable[..., Any]] = {
    aten.addmm.default: addmm,
    aten.mean.default: mean,
    aten.mean.dim: mean_over,
    aten.linalg_vector_norm.default: vector_norm,
    aten._log_softmax.default: log_softmax,
    aten._log_softmax_backward_data.default: log_softmax_backward,
    aten._softmax.default: softmax,
    aten._softmax_backward_data.default: softmax_backward,
    aten.gelu.default: gelu,
    aten.gelu_backward.default: gelu_backward,
    aten.elu.default: elu,
    aten.elu_backward.default: elu_backward,
    aten.log_sigmoid_forward.default: log_sigmoid,
    aten.log_sigmoid_backward.default: log_sigmoid_backward,
    aten.logaddexp.default: logaddexp,
    aten.threshold_backward.default: threshold_backward,
    aten.sigmoid_backward.default: lambda grad, s: grad * (1 - s) * s,
    aten.tanh_backward.default: lambda grad, t: grad * (1 - t * t),
    aten.silu.default: lambda x: x / (1 + torch.exp(-x)),
    aten.mish.default: mish,
    aten.square.default: lambda x: x * x,
    aten.stack.default: stack,
    aten.slice_backward.default: slice_backward,
    aten.select_backward.default: select_backward,
    aten.masked_fill.Scalar: lambda x, mask, value: torch.where(mask, value, x),
    aten.masked_fill.Tensor: lambda x, mask, value: torch.where(mask, value.to(x.dtype), x),
}
