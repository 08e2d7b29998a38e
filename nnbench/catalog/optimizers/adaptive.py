"""Optimizers that give each parameter a rate of its own, by the size of its past gradients."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nnbench.catalog.optimizers.base import Hyper, State, number, one_minus_power
from nnbench.catalog.optimizers.descent import base_point, schedule_free, x_of
from nnbench.lazy import lazy_import

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = lazy_import("torch", globals())

NADAM_DECAY = 0.96  # Dozat's constant; torch's `momentum_decay` is an exponent on it


def squares(param: Tensor) -> State:
    """G = 0."""
    return {"sum": torch.zeros_like(param)}


def adagrad(
    grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor
) -> tuple[Tensor, State]:
    """G = G + g^2;  p - lr g / (sqrt(G) + eps)."""
    total = state["sum"] + grad * grad
    return param - hyper["lr"] * grad / (total.sqrt() + hyper["eps"]), {"sum": total}


def mean_square(param: Tensor) -> State:
    """s = 0, v = 0."""
    return {"s": torch.zeros_like(param), "v": torch.zeros_like(param)}


def rmsprop(
    grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor
) -> tuple[Tensor, State]:
    """s = alpha s + (1 - alpha) g^2;  v = mu v + g / (sqrt(s) + eps);  p - lr v."""
    alpha = hyper["alpha"]
    s = alpha * state["s"] + (1 - alpha) * grad * grad
    v = hyper["momentum"] * state["v"] + grad / (s.sqrt() + hyper["eps"])
    return param - hyper["lr"] * v, {"s": s, "v": v}


def mean_and_square(param: Tensor) -> State:
    """m = 0, s = 0, v = 0."""
    return mean_square(param) | {"m": torch.zeros_like(param)}


def rmsprop_centered(
    grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor
) -> tuple[Tensor, State]:
    """m, s: moving means of g, g^2;  v = mu v + g / (sqrt(s - m^2) + eps);  p - lr v."""
    alpha = hyper["alpha"]
    s = alpha * state["s"] + (1 - alpha) * grad * grad
    m = alpha * state["m"] + (1 - alpha) * grad
    v = hyper["momentum"] * state["v"] + grad / ((s - m * m).sqrt() + hyper["eps"])
    return param - hyper["lr"] * v, {"s": s, "m": m, "v": v}


def squares_of_steps(param: Tensor) -> State:
    """s = 0, u = 0."""
    return {"s": torch.zeros_like(param), "u": torch.zeros_like(param)}


def adadelta(
    grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor
) -> tuple[Tensor, State]:
    """d = g sqrt(u + eps) / sqrt(s + eps);  s, u: moving means of g^2, d^2;  p - lr d."""
    rho, eps = hyper["rho"], hyper["eps"]
    s = rho * state["s"] + (1 - rho) * grad * grad
    delta = (state["u"] + eps).sqrt() / (s + eps).sqrt() * grad
    u = rho * state["u"] + (1 - rho) * delta * delta
    return param - hyper["lr"] * delta, {"s": s, "u": u}


def moments(param: Tensor) -> State:
    """m = 0, v = 0."""
    return {"m": torch.zeros_like(param), "v": torch.zeros_like(param)}


def new_moments(grad: Tensor, state: State, hyper: Hyper) -> tuple[Tensor, Tensor]:
    """m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2."""
    beta1, beta2 = hyper["beta1"], hyper["beta2"]
    m = beta1 * state["m"] + (1 - beta1) * grad
    return m, beta2 * state["v"] + (1 - beta2) * grad * grad


def unbiased_root(v: Tensor, hyper: Hyper, step: Tensor) -> Tensor:
    """sqrt(v / (1 - b2^t)) + eps."""
    return v.sqrt() / one_minus_power(hyper["beta2"], step).sqrt() + hyper["eps"]


def adam(
    grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor
) -> tuple[Tensor, State]:
    """m, v: moving means of g, g^2;  p - lr mhat / (sqrt(vhat) + eps), hats unbiased."""
    m, v = new_moments(grad, state, hyper)
    step_size = hyper["lr"] / one_minus_power(hyper["beta1"], step)
    return param - step_size * m / unbiased_root(v, hyper, step), {"m": m, "v": v}


def moments_and_product(param: Tensor) -> State:
    """m = 0, v = 0, product of mu = 1."""
    return moments(param) | {"product": number(param, 1.0)}


def nadam(
    grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor
) -> tuple[Tensor, State]:
    """Adam whose mean looks one step ahead: mu' m / (1 - P mu') + (1 - mu) g / (1 - P).

    mu = b1 (1 - 0.96^(t psi) / 2), mu' the next one, P the product of all mu so far.
    """
    m, v = new_moments(grad, state, hyper)
    mu, mu_next = nadam_mu(hyper, step), nadam_mu(hyper, step + 1)
    product = state["product"] * mu
    from_gradient = hyper["lr"] * (1 - mu) / (1 - product) * grad
    from_mean = hyper["lr"] * mu_next / (1 - product * mu_next) * m
    root = unbiased_root(v, hyper, step)
    return param - from_gradient / root - from_mean / root, {"m": m, "v": v, "product": product}


def nadam_mu(hyper: Hyper, step: Tensor) -> Tensor:
    """b1 (1 - 0.96^(t psi) / 2): the share of the mean grows towards b1."""
    exponent = step * hyper["momentum_decay"] * math.log(NADAM_DECAY)
    return hyper["beta1"] * (1 - 0.5 * torch.exp(exponent))


def radam(
    grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor
) -> tuple[Tensor, State]:
    """Adam times r, the root of the variance's share that is known; plain mean while rho <= 5.

    rho = rho_inf - 2 t b2^t / (1 - b2^t), rho_inf = 2 / (1 - b2) - 1.
    """
    m, v = new_moments(grad, state, hyper)
    beta2 = hyper["beta2"]
    correction = one_minus_power(beta2, step)
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * step * (1 - correction) / correction
    known = (rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)
    scale = known.sqrt() * correction.sqrt() / (v.sqrt() + hyper["eps"])
    step_size = hyper["lr"] / one_minus_power(hyper["beta1"], step)
    return param - step_size * m * torch.where(rho > 5, scale, 1.0), {"m": m, "v": v}


def mean_and_largest(param: Tensor) -> State:
    """m = 0, u = 0."""
    return {"m": torch.zeros_like(param), "u": torch.zeros_like(param)}


def adamax(
    grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor
) -> tuple[Tensor, State]:
    """u = max(b2 u, |g| + eps);  p - lr mhat / u."""
    beta1 = hyper["beta1"]
    m = beta1 * state["m"] + (1 - beta1) * grad
    u = torch.maximum(hyper["beta2"] * state["u"], grad.abs() + hyper["eps"])
    return param - hyper["lr"] / one_minus_power(beta1, step) * m / u, {"m": m, "u": u}


def base_point_and_squares(param: Tensor) -> State:
    """z = p, v = 0, and no weight in the average yet."""
    return base_point(param) | {"v": torch.zeros_like(param)}


def schedulefree_adamw(
    grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor
) -> tuple[Tensor, State]:
    """Schedule-free SGD along g / (sqrt(vhat) + eps) + wd y; beta1 interpolates."""
    beta2 = hyper["beta2"]
    v = beta2 * state["v"] + (1 - beta2) * grad * grad
    direction = grad / unbiased_root(v, hyper, step)
    if "weight_decay" in hyper:
        direction = direction + hyper["weight_decay"] * param
    new, moved = schedule_free(direction, state, param, hyper, hyper["beta1"])
    return new, moved | {"v": v}


def schedulefree_adamw_average(param: Tensor, state: State, hyper: Hyper) -> Tensor:
    """x = (y - (1 - beta1) z) / beta1."""
    return x_of(param, state, hyper["beta1"])
