"""Optimizers that give each parameter a rate of its own, by the size of its past gradients."""

import math

from nnbench.catalog.formulas import Of
from nnbench.catalog.optimizers.base import (
    KEPT,
    Hyper,
    Moved,
    Optimizer,
    State,
    decay_parameter,
    eps_parameter,
    lr_parameter,
    power,
    zeros,
)
from nnbench.catalog.twin import Twin
from nnbench.catalog.works import DUCHI
from nnbench.lazy import Tensor, torch
from nnbench.study.vocabulary import Parameter


def adagrad(grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor) -> Moved:
    """G = G + g^2;  p - lr g / (sqrt(G) + eps)."""
    total = state["sum"] + grad * grad
    return param - hyper["lr"] * grad / (total.sqrt() + hyper["eps"]), {"sum": total}


def rmsprop(grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor) -> Moved:
    """s = alpha s + (1 - alpha) g^2;  v = mu v + g / (sqrt(s) + eps);  p - lr v."""
    alpha = hyper["alpha"]
    s = alpha * state["s"] + (1 - alpha) * grad * grad
    v = hyper["momentum"] * state["v"] + grad / (s.sqrt() + hyper["eps"])
    return param - hyper["lr"] * v, {"s": s, "v": v}


def rmsprop_centered(
    grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor
) -> Moved:
    """m, s: moving means of g, g^2;  v = mu v + g / (sqrt(s - m^2) + eps);  p - lr v."""
    alpha = hyper["alpha"]
    s = alpha * state["s"] + (1 - alpha) * grad * grad
    m = alpha * state["m"] + (1 - alpha) * grad
    v = hyper["momentum"] * state["v"] + grad / ((s - m * m).sqrt() + hyper["eps"])
    return param - hyper["lr"] * v, {"s": s, "m": m, "v": v}


def adadelta(grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor) -> Moved:
    """d = g sqrt(u + eps) / sqrt(s + eps);  s, u: moving means of g^2, d^2;  p - lr d."""
    rho, eps = hyper["rho"], hyper["eps"]
    s = rho * state["s"] + (1 - rho) * grad * grad
    delta = (state["u"] + eps).sqrt() / (s + eps).sqrt() * grad
    u = rho * state["u"] + (1 - rho) * delta * delta
    return param - hyper["lr"] * delta, {"s": s, "u": u}


def factors(param: Tensor) -> State:
    """Row and column means of squares for a matrix (rows, columns); one each for a vector."""
    if param.ndim == 1:
        return {"v": torch.zeros_like(param)}
    return {"row": torch.zeros_like(param[:, :1]), "column": torch.zeros_like(param[:1])}


def adafactor(grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor) -> Moved:
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


RMSPROP_PARAMETERS = {
    "lr": lr_parameter(1e-3),
    "alpha": decay_parameter(0.99, "memory of the mean of squares"),
    "momentum": decay_parameter(0.0, "share of the velocity that is kept", KEPT),
    "eps": eps_parameter(1e-8),
}
ADAFACTOR = {"eps": Of("(None, eps2)")}  # eps1 is the number type's own

ADAPTIVE: dict[str, Optimizer] = {
    "adagrad": Optimizer(
        summary="Each parameter's rate falls with the sum of its squared gradients.",
        formula="G <- G + g^2;  p <- p - lr g / (sqrt(G) + eps)",
        reference=DUCHI,
        parameters={"lr": lr_parameter(0.01), "eps": eps_parameter(1e-10)},
        init=zeros("sum"),
        update=adagrad,
        twin=Twin("torch.optim.Adagrad"),
        state_floats=1,
    ),
    "rmsprop": Optimizer(
        summary="AdaGrad that forgets: a moving mean of squared gradients in place of the sum.",
        formula="s <- a s + (1-a) g^2;  v <- mu v + g / (sqrt(s) + eps);  p <- p - lr v",
        reference="Tieleman & Hinton (2012), Lecture 6.5 - RMSProp, "
        "https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf",
        parameters=RMSPROP_PARAMETERS,
        init=zeros("s", "v"),
        update=rmsprop,
        twin=Twin("torch.optim.RMSprop"),
        state_floats=2,
        unused_floats=1,
    ),
    "rmsprop_centered": Optimizer(
        summary="RMSProp by the gradients' variance rather than their mean square; eps stands "
        "outside the root, as in torch, where the paper has it inside.",
        formula="m, s: moving means of g, g^2;  v <- mu v + g / (sqrt(s - m^2) + eps);  "
        "p <- p - lr v",
        reference="Graves (2013), Generating Sequences with Recurrent Neural Networks, "
        "arXiv:1308.0850",
        parameters=RMSPROP_PARAMETERS,
        init=zeros("s", "v", "m"),
        update=rmsprop_centered,
        twin=Twin("torch.optim.RMSprop", centered=True),
        state_floats=3,
        unused_floats=1,
    ),
    "adadelta": Optimizer(
        summary="RMSProp whose rate is the size of its own past steps: lr is 1 by design.",
        formula="d = g sqrt(u + eps) / sqrt(s + eps);  s, u: moving means of g^2, d^2;  "
        "p <- p - lr d",
        reference="Zeiler (2012), ADADELTA: An Adaptive Learning Rate Method, arXiv:1212.5701",
        parameters={
            "lr": lr_parameter(1.0),
            "rho": decay_parameter(0.9, "memory of both means"),
            "eps": eps_parameter(1e-6),
        },
        init=zeros("s", "u"),
        update=adadelta,
        twin=Twin("torch.optim.Adadelta"),
        state_floats=2,
    ),
    "adafactor": Optimizer(
        summary="Adam-like steps from row and column means of squares: hardly any memory.",
        formula="V = R C / mean(R);  U = g / sqrt(V);  "
        "p <- p - max(eps2, rms(p)) min(lr, 1/sqrt(t)) U / max(1, rms(U) / d)",
        reference="Shazeer & Stern (2018), Adafactor: Adaptive Learning Rates with Sublinear "
        "Memory Cost, arXiv:1804.04235",
        parameters={
            "lr": lr_parameter(0.01),
            "beta2_decay": Parameter(-0.8, "power of t that weighs the newest squares", -10, 0),
            "eps2": Parameter(1e-3, "least size of a tensor, for its rate", low=0, high=1e6),
            "d": Parameter(1.0, "largest root mean square of U", low=1, high=1e6),
        },
        init=factors,
        update=adafactor,
        twin=Twin("torch.optim.Adafactor", **ADAFACTOR),
        decaying=Twin("optimizers.twins.Adafactor", **ADAFACTOR),
        elementwise=False,
        state_floats=lambda shape: sum(shape) / math.prod(shape) if len(shape) == 2 else 1.0,
    ),
}
