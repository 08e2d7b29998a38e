"""Optimizers with one rate for all parameters: descent, momentum, averages and signs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnbench.catalog.optimizers.base import Hyper, State, number
from nnbench.lazy import lazy_import

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = lazy_import("torch", globals())


def sgd(
    grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor
) -> tuple[Tensor, State]:
    """p - lr g."""
    return param - hyper["lr"] * grad, state


def velocity(param: Tensor) -> State:
    """v = 0."""
    return {"v": torch.zeros_like(param)}


def momentum(
    grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor
) -> tuple[Tensor, State]:
    """v = mu v + g;  p - lr v (torch's form)."""
    v = hyper["momentum"] * state["v"] + grad
    return param - hyper["lr"] * v, {"v": v}


def momentum_ema(
    grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor
) -> tuple[Tensor, State]:
    """v = beta v + (1 - beta) lr g;  p - v (a moving mean of steps: its size does not grow)."""
    beta = hyper["momentum"]
    v = beta * state["v"] + (1 - beta) * hyper["lr"] * grad
    return param - v, {"v": v}


def nesterov(
    grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor
) -> tuple[Tensor, State]:
    """v = mu v + g;  p - lr (g + mu v)."""
    v = hyper["momentum"] * state["v"] + grad
    return param - hyper["lr"] * (grad + hyper["momentum"] * v), {"v": v}


def average(param: Tensor) -> State:
    """The average begins as the parameter; eta is set at the first step."""
    return {"ax": param.clone(), "eta": number(param, 0.0)}


def asgd(
    grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor
) -> tuple[Tensor, State]:
    """p = (1 - lambd eta) p - eta g;  ax = mean of the iterates from step t0 + 2 on.

    eta = lr / (1 + lambd lr t)^alpha after step t; as in torch, a scheduled rate shows in the
    next step, since eta is set at the end of each.
    """
    lr, lambd = hyper["lr"], hyper["lambd"]
    eta = torch.where(step == 1, lr, state["eta"])
    new = param * (1 - lambd * eta) - eta * grad
    share = 1 / torch.clamp(step - 1 - hyper["t0"], min=1.0)
    ax = torch.where(share < 1, state["ax"] + share * (new - state["ax"]), new)
    eta = lr * torch.exp(-hyper["alpha"] * torch.log1p(lambd * lr * step))
    return new, {"ax": ax, "eta": eta}


def average_of(param: Tensor, state: State, hyper: Hyper) -> Tensor:
    """The mean of the iterates."""
    return state["ax"]


def own_steps(param: Tensor) -> State:
    """Previous gradient 0; each parameter's step size is set at the first step."""
    return {"previous": torch.zeros_like(param), "size": torch.zeros_like(param)}


def rprop(
    grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor
) -> tuple[Tensor, State]:
    """Step size grows while the gradient keeps its sign, shrinks (and rests) when it turns.

    The rate is the size of the first step; a schedule has nothing more to say, as in torch.
    """
    low, high, shrink, grow, lr = (
        hyper[name].to(grad.dtype) for name in ("step_min", "step_max", "etaminus", "etaplus", "lr")
    )
    agreement = grad * state["previous"]
    factor = torch.where(agreement > 0, grow, torch.where(agreement < 0, shrink, 1.0))
    size = torch.where(step == 1, lr, state["size"]) * factor
    size = torch.minimum(torch.maximum(size, low), high)
    used = torch.where(agreement < 0, 0.0, grad)
    return param - torch.sign(used) * size, {"previous": used, "size": size}


def mean_gradient(param: Tensor) -> State:
    """m = 0."""
    return {"m": torch.zeros_like(param)}


def lion(
    grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor
) -> tuple[Tensor, State]:
    """p - lr sign(b1 m + (1 - b1) g);  then m = b2 m + (1 - b2) g."""
    beta1, beta2, m = hyper["beta1"], hyper["beta2"], state["m"]
    direction = torch.sign(beta1 * m + (1 - beta1) * grad)
    return param - hyper["lr"] * direction, {"m": beta2 * m + (1 - beta2) * grad}


def base_point(param: Tensor) -> State:
    """z = p, and no weight in the average yet."""
    return {"z": param.clone(), "weight": number(param, 0.0), "lr_max": number(param, 0.0)}


def schedulefree_sgd(
    grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor
) -> tuple[Tensor, State]:
    """z = z - lr g(y);  x = (1 - c) x + c z;  y = (1 - beta) z + beta x;  c = lr^2 / sum lr^2.

    The parameter is y, where gradients are taken; x is evaluated, and follows from y and z.
    """
    return schedule_free(grad, state, param, hyper, hyper["beta"])


def schedule_free(
    direction: Tensor, state: State, y: Tensor, hyper: Hyper, beta: Tensor
) -> tuple[Tensor, State]:
    """Move z against `direction`, and y with it, so that x is the weighted mean of all z.

    Weights are the squares of the largest rate so far: a warm-up counts for little, and a rate
    that falls takes no weight from what comes late.
    """
    lr, z = hyper["lr"], state["z"]
    lr_max = torch.maximum(lr, state["lr_max"])
    weight = state["weight"] + lr_max * lr_max
    c = torch.where(weight > 0, lr_max * lr_max / weight, 0.0)
    new_y = y + c * (z - y) - lr * (1 - beta * (1 - c)) * direction
    return new_y, {"z": z - lr * direction, "weight": weight, "lr_max": lr_max}


def schedulefree_average(param: Tensor, state: State, hyper: Hyper) -> Tensor:
    """x = (y - (1 - beta) z) / beta."""
    return x_of(param, state, hyper["beta"])


def x_of(y: Tensor, state: State, beta: Tensor) -> Tensor:
    """x from y = (1 - beta) z + beta x; at the start, where all three agree, exactly y."""
    return y + (1 - 1 / beta) * (state["z"] - y)
