"""Optimizers: an `init` and an `update` each, with explicit state, after optax's manner.

`init(param)` returns the state of a parameter: a dict of tensors. `update(grad, state, param,
hyper, step)` returns the new parameter and state. `hyper` maps the entry's parameters (`lr` as
scheduled) to 0-dimensional float64 tensors, so that bias corrections lose nothing in float32;
`step` counts from 1. An elementwise rule is given all of a network's parameters as one flat
vector; any other is given one layer's tensor at a time.

Weight decay is applied around the rule, the same for all: coupled (wd * param joins the gradient)
or decoupled (param shrinks by 1 - lr * wd first), as torch does in SGD and in AdamW.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nnbench.vocabulary import Entry, Parameter
from nnbench.lazy import lazy_import

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = lazy_import("torch", globals())

State = dict[str, "Tensor"]
Hyper = Mapping[str, "Tensor"]


@dataclass(frozen=True, kw_only=True)
class Optimizer(Entry):
    """An optimizer. `twin(parameters, **hyper)` is torch's own, `weight_decay` among the hyper.

    `decoupled` fixes the form of weight decay where the name means one; `weight_decay` is the
    default that goes with it. `state_floats` is the memory: floats of state per parameter.
    """

    init: Callable[[Tensor], State]
    update: Callable[[Tensor, State, Tensor, Hyper, Tensor], tuple[Tensor, State]]
    twin: Callable[..., torch.optim.Optimizer]
    elementwise: bool = True
    decoupled: bool | None = None
    weight_decay: float = 0.0
    state_floats: float = 0.0


def no_state(param: Tensor) -> State:
    """Nothing to remember."""
    return {}


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


def nesterov(
    grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor
) -> tuple[Tensor, State]:
    """v = mu v + g;  p - lr (g + mu v)."""
    v = hyper["momentum"] * state["v"] + grad
    return param - hyper["lr"] * (grad + hyper["momentum"] * v), {"v": v}


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


def moments(param: Tensor) -> State:
    """m = 0, v = 0."""
    return {"m": torch.zeros_like(param), "v": torch.zeros_like(param)}


def adam(
    grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor
) -> tuple[Tensor, State]:
    """m, v: moving means of g, g^2;  p - lr mhat / (sqrt(vhat) + eps), hats unbiased."""
    beta1, beta2 = hyper["beta1"], hyper["beta2"]
    m = beta1 * state["m"] + (1 - beta1) * grad
    v = beta2 * state["v"] + (1 - beta2) * grad * grad
    step_size = hyper["lr"] / one_minus_power(beta1, step)
    root = v.sqrt() / one_minus_power(beta2, step).sqrt() + hyper["eps"]
    return param - step_size * m / root, {"m": m, "v": v}


def one_minus_power(beta: Tensor, step: Tensor) -> Tensor:
    """1 - beta^step, by functions that round alike wherever in a vector an element stands.

    torch.pow takes another path for the last few elements, so it would tie a network's result to
    its place in the stack.
    """
    return -torch.expm1(step * torch.log(beta))


def lr_parameter(default: float) -> Parameter:
    """The learning rate, with the entry's own default."""
    return Parameter(default, "learning rate", low=0, high=1e12)


def decay_parameter(default: float, doc: str) -> Parameter:
    """A share in [0, 1), such as a beta."""
    return Parameter(default, doc, low=0, high=1, open_high=True)


def eps_parameter(default: float) -> Parameter:
    """The constant that keeps a divisor from zero."""
    return Parameter(default, "added to the divisor", low=0, high=1)


def _adam_twin(name: str) -> Callable[..., torch.optim.Optimizer]:
    def twin(parameters: Any, beta1: float, beta2: float, **hyper: Any) -> torch.optim.Optimizer:
        return getattr(torch.optim, name)(  # type: ignore[no-any-return]
            parameters, betas=(beta1, beta2), **hyper
        )

    return twin


MOMENTUM = decay_parameter(0.9, "share of the velocity that is kept")
ADAM_PARAMETERS = {
    "lr": lr_parameter(1e-3),
    "beta1": decay_parameter(0.9, "memory of the mean of gradients"),
    "beta2": decay_parameter(0.999, "memory of the mean of squares"),
    "eps": eps_parameter(1e-8),
}
POLYAK = "Polyak (1964), Some Methods of Speeding up the Convergence of Iteration Methods"

OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": Optimizer(
        summary="Stochastic gradient descent on mini-batches.",
        formula="p <- p - lr g",
        reference="Robbins & Monro (1951), A Stochastic Approximation Method",
        torch="torch.optim.SGD",
        parameters={"lr": lr_parameter(0.1)},
        init=no_state,
        update=sgd,
        twin=lambda parameters, **hyper: torch.optim.SGD(parameters, **hyper),
    ),
    "momentum": Optimizer(
        summary="SGD with a velocity that sums past gradients (torch's form).",
        formula="v <- mu v + g;  p <- p - lr v",
        reference=POLYAK,
        torch="torch.optim.SGD(momentum=...)",
        parameters={"lr": lr_parameter(0.01), "momentum": MOMENTUM},
        init=velocity,
        update=momentum,
        twin=lambda parameters, **hyper: torch.optim.SGD(parameters, **hyper),
        state_floats=1,
    ),
    "nesterov": Optimizer(
        summary="Momentum that looks one step ahead.",
        formula="v <- mu v + g;  p <- p - lr (g + mu v)",
        reference="Nesterov (1983), A Method for Solving the Convex Programming Problem with "
        "Convergence Rate O(1/k^2); Sutskever et al. (2013)",
        torch="torch.optim.SGD(nesterov=True)",
        parameters={
            "lr": lr_parameter(0.01),
            "momentum": Parameter(
                0.9,
                "share of the velocity that is kept",
                low=0,
                high=1,
                open_low=True,
                open_high=True,
            ),
        },
        init=velocity,
        update=nesterov,
        twin=lambda parameters, **hyper: torch.optim.SGD(parameters, nesterov=True, **hyper),
        state_floats=1,
    ),
    "adagrad": Optimizer(
        summary="Each parameter's rate falls with the sum of its squared gradients.",
        formula="G <- G + g^2;  p <- p - lr g / (sqrt(G) + eps)",
        reference="Duchi, Hazan & Singer (2011), Adaptive Subgradient Methods",
        torch="torch.optim.Adagrad",
        parameters={"lr": lr_parameter(0.01), "eps": eps_parameter(1e-10)},
        init=squares,
        update=adagrad,
        twin=lambda parameters, **hyper: torch.optim.Adagrad(parameters, **hyper),
        state_floats=1,
    ),
    "rmsprop": Optimizer(
        summary="AdaGrad that forgets: a moving mean of squared gradients in place of the sum.",
        formula="s <- a s + (1-a) g^2;  v <- mu v + g / (sqrt(s) + eps);  p <- p - lr v",
        reference="Tieleman & Hinton (2012), Lecture 6.5 - RMSProp",
        torch="torch.optim.RMSprop",
        parameters={
            "lr": lr_parameter(1e-3),
            "alpha": decay_parameter(0.99, "memory of the mean of squares"),
            "momentum": decay_parameter(0.0, "share of the velocity that is kept"),
            "eps": eps_parameter(1e-8),
        },
        init=mean_square,
        update=rmsprop,
        twin=lambda parameters, **hyper: torch.optim.RMSprop(parameters, **hyper),
        state_floats=2,
    ),
    "adam": Optimizer(
        summary="RMSProp with momentum and unbiased means.",
        formula="m <- b1 m + (1-b1) g;  v <- b2 v + (1-b2) g^2;  "
        "p <- p - lr [m/(1-b1^t)] / (sqrt(v/(1-b2^t)) + eps)",
        reference="Kingma & Ba (2015), Adam: A Method for Stochastic Optimization",
        torch="torch.optim.Adam",
        parameters=ADAM_PARAMETERS,
        init=moments,
        update=adam,
        twin=_adam_twin("Adam"),
        state_floats=2,
    ),
    "adamw": Optimizer(
        summary="Adam with decoupled weight decay, 0.01 unless said otherwise.",
        formula="p <- (1 - lr wd) p, then Adam",
        reference="Loshchilov & Hutter (2019), Decoupled Weight Decay Regularization",
        torch="torch.optim.AdamW",
        parameters=ADAM_PARAMETERS,
        init=moments,
        update=adam,
        twin=_adam_twin("AdamW"),
        decoupled=True,
        weight_decay=0.01,
        state_floats=2,
    ),
}
