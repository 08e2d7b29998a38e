"""Optimizers that find their rate: by how far the solution is, as far as the walk has shown.

They sum over all parameters of a network, which an elementwise rule is given as one vector.
"""

from nnbench.catalog.optimizers.adam import ADAM_PARAMETERS
from nnbench.catalog.optimizers.base import (
    Hyper,
    Moved,
    Optimizer,
    State,
    lr_parameter,
    number,
)
from nnbench.catalog.twin import Twin
from nnbench.lazy import Tensor, torch
from nnbench.study.vocabulary import Parameter


def at_start(param: Tensor) -> State:
    """No mean yet, and no distance: 0 until the first step takes the smallest."""
    means = {name: torch.zeros_like(param) for name in ("m", "v", "s")}
    return means | {"r": number(param, 0.0), "d": number(param, 0.0)}


def dadapt_adam(grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor) -> Moved:
    """m = b1 m + (1 - b1) d lr g;  p - m / A, A = sqrt(v) + eps;  then a larger d, where it shows.

    With b = sqrt(b2): r = b r + (1 - b) d lr <g, s / A>, A of the step before,
    s = b s + (1 - b) d lr g, and d = max(d, r / ((1 - b) |s|_1)), as in the authors' code: the
    paper has A of this step in r. Decay is decoupled, by d lr wd.
    """
    beta1, beta2, root = hyper["beta1"], hyper["beta2"], hyper["beta2"].sqrt()
    d = torch.maximum(state["d"], hyper["d0"])
    rate = d * hyper["lr"]
    m = beta1 * state["m"] + (1 - beta1) * rate * grad
    v = beta2 * state["v"] + (1 - beta2) * grad * grad
    before, scale = (squares.sqrt() + hyper["eps"] for squares in (state["v"], v))
    along = torch.where(before > 0, state["s"] / before, state["s"])  # both 0 at first
    r = root * state["r"] + (1 - root) * rate * total(grad * along)
    s = root * state["s"] + (1 - root) * rate * grad
    reached = quotient(r, (1 - root) * total(s.abs()))
    new = decayed(param, rate, hyper) - m / scale
    return new, {"m": m, "v": v, "s": s, "r": r, "d": torch.maximum(d, reached)}


def from_start(param: Tensor) -> State:
    """As `at_start`, with the place where the walk began."""
    return at_start(param) | {"start": param.clone()}


def prodigy(grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor) -> Moved:
    """Adam along d g, with the rate d lr:  p - lr d m / (sqrt(v) + d eps);  then a larger d.

    With b = sqrt(b2): r = b r + (1 - b) lr d^2 <g, p0 - p>, s = b s + (1 - b) lr d^2 g, and
    d = max(d, r / |s|_1). Decay is decoupled, by d lr wd.
    """
    beta1, beta2, root = hyper["beta1"], hyper["beta2"], hyper["beta2"].sqrt()
    d, lr = torch.maximum(state["d"], hyper["d0"]), hyper["lr"]
    m = beta1 * state["m"] + (1 - beta1) * d * grad
    v = beta2 * state["v"] + (1 - beta2) * d * d * grad * grad
    weight = (1 - root) * lr * d * d
    r = root * state["r"] + weight * total(grad * (state["start"] - param))
    s = root * state["s"] + weight * grad
    new = decayed(param, d * lr, hyper) - lr * d * m / (v.sqrt() + d * hyper["eps"])
    d = torch.maximum(d, quotient(r, total(s.abs())))
    return new, {"m": m, "v": v, "s": s, "r": r, "d": d, "start": state["start"]}


def total(values: Tensor) -> Tensor:
    """The sum of all elements, in float64."""
    return values.to(torch.float64).sum()


def quotient(part: Tensor, whole: Tensor) -> Tensor:
    """The part over the whole, and 0 while there has been no gradient, nor a NaN."""
    return torch.where(whole > 0, part / torch.where(whole > 0, whole, 1.0), 0.0)


def decayed(param: Tensor, rate: Tensor, hyper: Hyper) -> Tensor:
    """The parameter without the share that weight decay takes."""
    return param * (1 - rate * hyper["weight_decay"]) if "weight_decay" in hyper else param


FOUND = ADAM_PARAMETERS | {
    "lr": lr_parameter(1.0),
    "d0": Parameter(1e-6, "distance at the start", low=0, open_low=True, high=1e6),
}

DISTANCE: dict[str, Optimizer] = {
    "dadapt_adam": Optimizer(
        summary="Adam whose rate grows with how far the gradients say that the solution is: lr is "
        "1 by design.",
        formula="m <- b1 m + (1-b1) d lr g;  p <- (1 - d lr wd) p - m / A, A = sqrt(v) + eps;  "
        "d <- max(d, r / ((1-b) |s|_1)), b = sqrt(b2), r <- b r + (1-b) d lr <g, s/A_old>, "
        "s <- b s + (1-b) d lr g",
        reference="Defazio & Mishchenko (2023), Learning-Rate-Free Learning by D-Adaptation, "
        "arXiv:2301.07733",
        parameters=FOUND,
        init=at_start,
        update=dadapt_adam,
        twin=Twin("optimizers.twins.DAdaptAdam"),
        decoupled=True,
        decays=True,
        state_floats=3,
    ),
    "prodigy": Optimizer(
        summary="Adam whose rate grows with how far it has come downhill from its start, faster "
        "than by D-Adaptation: lr is 1 by design.",
        formula="m, v: means of d g, d^2 g^2;  p <- (1 - d lr wd) p - d lr m / (sqrt(v) + d eps);  "
        "d <- max(d, r / |s|_1), b = sqrt(b2), r <- b r + (1-b) lr d^2 <g, p0 - p>, "
        "s <- b s + (1-b) lr d^2 g",
        reference="Mishchenko & Defazio (2024), Prodigy: An Expeditiously Adaptive Parameter-Free "
        "Learner, arXiv:2306.06101",
        parameters=FOUND,
        init=from_start,
        update=prodigy,
        twin=Twin("optimizers.twins.Prodigy"),
        decoupled=True,
        decays=True,
        state_floats=4,
    ),
}
