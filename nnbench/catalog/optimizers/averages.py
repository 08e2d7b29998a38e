"""Optimizers whose result is an average of their iterates."""

from nnbench.catalog.optimizers.adam import ADAM_PARAMETERS, unbiased_root
from nnbench.catalog.optimizers.base import (
    Hyper,
    Moved,
    Optimizer,
    State,
    decay_parameter,
    lr_parameter,
    number,
)
from nnbench.catalog.twin import Twin
from nnbench.lazy import Tensor, torch
from nnbench.study.vocabulary import Parameter, Term, need


def asgd(grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor) -> Moved:
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


def base_point(param: Tensor) -> State:
    """z = p, and no weight in the average yet."""
    return {"z": param.clone(), "weight": number(param, 0.0), "lr_max": number(param, 0.0)}


def schedulefree_sgd(
    grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor
) -> Moved:
    """z = z - lr g(y);  x = (1 - c) x + c z;  y = (1 - beta) z + beta x;  c = lr^2 / sum lr^2.

    The parameter is y, where gradients are taken; x is evaluated, and follows from y and z.
    """
    return schedule_free(grad, state, param, hyper, hyper["beta"])


def schedule_free(direction: Tensor, state: State, y: Tensor, hyper: Hyper, beta: Tensor) -> Moved:
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


def x_of(y: Tensor, state: State, beta: Tensor) -> Tensor:
    """x from y = (1 - beta) z + beta x; at the start, where all three agree, exactly y."""
    return y + (1 - 1 / beta) * (state["z"] - y)


def schedulefree_adamw(
    grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor
) -> Moved:
    """Schedule-free SGD along g / (sqrt(vhat) + eps) + wd y; beta1 interpolates."""
    beta2 = hyper["beta2"]
    v = beta2 * state["v"] + (1 - beta2) * grad * grad
    direction = grad / unbiased_root(v, hyper, step)
    if "weight_decay" in hyper:
        direction = direction + hyper["weight_decay"] * param
    new, moved = schedule_free(direction, state, param, hyper, hyper["beta1"])
    return new, moved | {"v": v}


INTERPOLATION = decay_parameter(
    0.9, "place of the gradient between base (0) and average (1)", open_low=True
)
ROAD = (
    "Defazio, Yang, Mehta, Mishchenko, Khaled & Cutkosky (2024), The Road Less Scheduled, "
    "arXiv:2405.15682"
)

AVERAGES: dict[str, Optimizer] = {
    "asgd": Optimizer(
        summary="SGD whose result is the average of its iterates from step t0 on.",
        formula="p <- (1 - lambd eta) p - eta g;  eta = lr / (1 + lambd lr t)^alpha;  the mean of "
        "all p after step t0 + 1 is evaluated",
        reference="Polyak & Juditsky (1992), Acceleration of Stochastic Approximation by "
        "Averaging, doi:10.1137/0330046; Xu (2011), Towards Optimal One Pass Large Scale Learning "
        "with Averaged Stochastic Gradient Descent, arXiv:1107.2490",
        torch="torch.optim.ASGD",
        parameters={
            "lr": lr_parameter(0.01),
            "lambd": Parameter(1e-4, "decay of parameters and rate", low=0, high=1e6),
            "alpha": Parameter(
                0.75, "power of the rate's decay", low=0, high=10, needs=(need(Term(".lambd")),)
            ),
            # torch's own default, a million, leaves a short training without an average
            "t0": Parameter(100.0, "steps before averaging", low=0, high=1e12),
        },
        init=lambda param: {"ax": param.clone(), "eta": number(param, 0.0)},
        update=asgd,
        evaluated=lambda param, state, hyper: state["ax"],
        twin=Twin("optimizers.twins.ASGD"),
        state_floats=1,
    ),
    "schedulefree_sgd": Optimizer(
        summary="SGD that averages instead of lowering its rate; the average is evaluated.",
        formula="z <- z - lr g(y);  x <- (1-c) x + c z, c = lr^2 / sum lr^2;  "
        "y = (1-beta) z + beta x",
        reference=ROAD,
        parameters={"lr": lr_parameter(1.0), "beta": INTERPOLATION},
        init=base_point,
        update=schedulefree_sgd,
        evaluated=lambda param, state, hyper: x_of(param, state, hyper["beta"]),
        twin=Twin("optimizers.twins.ScheduleFreeSgd"),
        decoupled=False,
        state_floats=1,
    ),
    "schedulefree_adamw": Optimizer(
        summary="AdamW that averages instead of lowering its rate; the average is evaluated.",
        formula="z <- z - lr [g(y) / (sqrt(vhat) + eps) + wd y];  x <- (1-c) x + c z, "
        "c = lr^2 / sum lr^2;  y = (1-b1) z + b1 x",
        reference=ROAD,
        parameters=ADAM_PARAMETERS | {"lr": lr_parameter(2.5e-3), "beta1": INTERPOLATION},
        init=lambda param: base_point(param) | {"v": torch.zeros_like(param)},
        update=schedulefree_adamw,
        evaluated=lambda param, state, hyper: x_of(param, state, hyper["beta1"]),
        twin=Twin("optimizers.twins.ScheduleFreeAdamW"),
        decoupled=True,
        decays=True,
        state_floats=2,
    ),
}
