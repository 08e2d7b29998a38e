"""Adam and its kin: a mean of gradients over the root of a mean of squares, both unbiased."""

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
    number,
    one_minus_power,
    zeros,
)
from nnbench.catalog.twin import Twin
from nnbench.catalog.works import LOSHCHILOV
from nnbench.lazy import Tensor, torch
from nnbench.study.vocabulary import Parameter

MOMENTS = zeros("m", "v")
NADAM_DECAY = 0.96  # Dozat's constant; torch's `momentum_decay` is an exponent on it


def new_moments(grad: Tensor, state: State, hyper: Hyper) -> tuple[Tensor, Tensor]:
    """m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2."""
    beta1, beta2 = hyper["beta1"], hyper["beta2"]
    m = beta1 * state["m"] + (1 - beta1) * grad
    return m, beta2 * state["v"] + (1 - beta2) * grad * grad


def unbiased_root(v: Tensor, hyper: Hyper, step: Tensor) -> Tensor:
    """sqrt(v / (1 - b2^t)) + eps."""
    return v.sqrt() / one_minus_power(hyper["beta2"], step).sqrt() + hyper["eps"]


def adam(grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor) -> Moved:
    """m, v: moving means of g, g^2;  p - lr mhat / (sqrt(vhat) + eps), hats unbiased."""
    m, v = new_moments(grad, state, hyper)
    step_size = hyper["lr"] / one_minus_power(hyper["beta1"], step)
    return param - step_size * m / unbiased_root(v, hyper, step), {"m": m, "v": v}


def nadam(grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor) -> Moved:
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


def radam(grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor) -> Moved:
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


def adamax(grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor) -> Moved:
    """u = max(b2 u, |g| + eps);  p - lr mhat / u."""
    beta1 = hyper["beta1"]
    m = beta1 * state["m"] + (1 - beta1) * grad
    u = torch.maximum(hyper["beta2"] * state["u"], grad.abs() + hyper["eps"])
    return param - hyper["lr"] / one_minus_power(beta1, step) * m / u, {"m": m, "u": u}


def ademamix(grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor) -> Moved:
    """Adam with a second, slow mean:  p - lr (mhat + a slow) / (sqrt(vhat) + eps).

    slow = b3 slow + (1 - b3) g, not unbiased. While t < warmup, a is alpha t / warmup, and b3 has
    a half-life that grows evenly from that of b1 to its own: 1 / ln b3(t) is between the two.
    """
    m, v = new_moments(grad, state, hyper)
    alpha, beta3, warmup = hyper["alpha"], hyper["beta3"], hyper["warmup"]
    share = torch.where(step < warmup, step / warmup.clamp(min=1.0), 1.0)
    life = (1 - share) / torch.log(hyper["beta1"]) + share / torch.log(beta3)
    beta3 = torch.where(share < 1, torch.minimum(torch.exp(1 / life), beta3), beta3)
    slow = beta3 * state["slow"] + (1 - beta3) * grad
    mixed = m / one_minus_power(hyper["beta1"], step) + share * alpha * slow
    moved = param - hyper["lr"] * mixed / unbiased_root(v, hyper, step)
    return moved, {"m": m, "v": v, "slow": slow}


ADAM_PARAMETERS = {
    "lr": lr_parameter(1e-3),
    "beta1": decay_parameter(0.9, "memory of the mean of gradients", KEPT),
    "beta2": decay_parameter(0.999, "memory of the mean of squares"),
    "eps": eps_parameter(1e-8),
}
BETAS = Of("(beta1, beta2)")

ADAM: dict[str, Optimizer] = {
    "adam": Optimizer(
        summary="RMSProp with momentum and unbiased means.",
        formula="m <- b1 m + (1-b1) g;  v <- b2 v + (1-b2) g^2;  "
        "p <- p - lr [m/(1-b1^t)] / (sqrt(v/(1-b2^t)) + eps)",
        reference="Kingma & Ba (2015), Adam: A Method for Stochastic Optimization, arXiv:1412.6980",
        parameters=ADAM_PARAMETERS,
        init=MOMENTS,
        update=adam,
        twin=Twin("torch.optim.Adam", betas=BETAS),
        state_floats=2,
    ),
    "adamw": Optimizer(
        summary="Adam with decoupled weight decay, 0.01 unless said otherwise; as in torch the "
        "rate multiplies it, of which the paper takes the schedule alone.",
        formula="p <- (1 - lr wd) p, then Adam",
        reference=LOSHCHILOV,
        parameters=ADAM_PARAMETERS,
        init=MOMENTS,
        update=adam,
        twin=Twin("torch.optim.AdamW", betas=BETAS),
        decoupled=True,
        weight_decay=0.01,
        state_floats=2,
    ),
    "nadam": Optimizer(
        summary="Adam with Nesterov's look ahead.",
        formula="p <- p - lr [mu' m/(1 - P mu') + (1-mu) g/(1-P)] / (sqrt(v/(1-b2^t)) + eps);  "
        "mu = b1 (1 - 0.96^(t momentum_decay) / 2), mu' the next, P = product of all mu",
        reference="Dozat (2016), Incorporating Nesterov Momentum into Adam, "
        "https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ",
        torch="torch.optim.NAdam",
        parameters=ADAM_PARAMETERS
        | {
            "lr": lr_parameter(2e-3),
            "momentum_decay": Parameter(4e-3, "growth of the mean's share", low=0, high=1),
        },
        init=lambda param: MOMENTS(param) | {"product": number(param, 1.0)},
        update=nadam,
        twin=Twin("optimizers.twins.NAdam", betas=BETAS),
        state_floats=2,
    ),
    "radam": Optimizer(
        summary="Adam that waits for its variance: plain momentum at first, no warm-up needed "
        "(until rho > 5, as in torch; the paper: 4).",
        formula="p <- p - lr r mhat / sqrt(vhat) once rho > 5, p - lr mhat before;  "
        "r = sqrt((rho-4)(rho-2) rho_inf / ((rho_inf-4)(rho_inf-2) rho)), "
        "rho = rho_inf - 2 t b2^t / (1-b2^t), rho_inf = 2/(1-b2) - 1",
        reference="Liu, Jiang, He, Chen, Liu, Gao & Han (2020), On the Variance of the Adaptive "
        "Learning Rate and Beyond, arXiv:1908.03265",
        parameters=ADAM_PARAMETERS,
        init=MOMENTS,
        update=radam,
        twin=Twin("torch.optim.RAdam", betas=BETAS),
        state_floats=2,
    ),
    "adamax": Optimizer(
        summary="Adam by the largest recent gradient rather than the mean square (eps is torch's).",
        formula="m <- b1 m + (1-b1) g;  u <- max(b2 u, |g| + eps);  p <- p - lr m / ((1-b1^t) u)",
        reference="Kingma & Ba (2015), Adam: A Method for Stochastic Optimization, arXiv:1412.6980",
        parameters=ADAM_PARAMETERS | {"lr": lr_parameter(2e-3), "eps": eps_parameter(1e-8)},
        init=zeros("m", "u"),
        update=adamax,
        twin=Twin("torch.optim.Adamax", betas=BETAS),
        state_floats=2,
    ),
    "ademamix": Optimizer(
        summary="Adam with a second mean, which remembers thousands of gradients.",
        formula="m1, m2, v: means of g, g, g^2 by b1, b3, b2;  p <- (1 - lr wd) p - "
        "lr (m1/(1-b1^t) + alpha m2) / (sqrt(v/(1-b2^t)) + eps);  over the warm-up alpha grows "
        "from 0, and b3 from b1 by its half-life",
        reference="Pagliardini, Ablin & Grangier (2024), The AdEMAMix Optimizer: Better, Faster, "
        "Older, arXiv:2409.03137",
        parameters=ADAM_PARAMETERS
        | {
            "beta1": decay_parameter(0.9, "memory of the quick mean", open_low=True),
            "beta3": decay_parameter(0.9999, "memory of the slow mean", open_low=True),
            "alpha": Parameter(5.0, "weight of the slow mean", low=0, high=1e6),
            "warmup": Parameter(0, "steps of its warm-up", low=0, high=1e9, whole=True),
        },
        init=zeros("m", "v", "slow"),
        update=ademamix,
        twin=Twin("optimizers.twins.AdEMAMix"),
        decoupled=True,
        state_floats=3,
    ),
}
