"""Optimizers that step by signs, or by a weight matrix as a whole."""

import math
from dataclasses import replace
from typing import Any

from nnbench.catalog.formulas import Of
from nnbench.catalog.optimizers.base import (
    Hyper,
    Moved,
    Optimizer,
    State,
    decay_parameter,
    eps_parameter,
    lr_parameter,
    one_minus_power,
    zeros,
)
from nnbench.catalog.twin import Twin
from nnbench.lazy import Tensor, torch
from nnbench.study.vocabulary import Parameter, Term, need

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # Jordan's quintic: steep at 0, near 1 on (0, 1]
NEWTON_SCHULZ_STEPS = 5
SMALLEST_NORM = 1e-7
LEAST_EIGENVALUE = 1e-6  # of the largest (Anil et al. 2021): far below is rounding
RMS_OF_ADAMW = 0.2  # root mean square of a typical AdamW step over its rate (Liu et al. 2025)


def rprop(grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor) -> Moved:
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


def lion(grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor) -> Moved:
    """p - lr sign(b1 m + (1 - b1) g);  then m = b2 m + (1 - b2) g."""
    beta1, beta2, m = hyper["beta1"], hyper["beta2"], state["m"]
    direction = torch.sign(beta1 * m + (1 - beta1) * grad)
    return param - hyper["lr"] * direction, {"m": beta2 * m + (1 - beta2) * grad}


def muon(grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor) -> Moved:
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


def gathered(param: Tensor) -> State:
    """Products of gradients: a matrix for rows and one for columns; of a vector the squares."""
    if param.ndim == 1:
        return {"squares": torch.zeros_like(param)}
    rows, columns = (param.new_zeros(n, n) for n in param.shape)
    return {"rows": rows, "columns": columns}


def shampoo(grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor) -> Moved:
    """L = L + G G^T, R = R + G^T G;  W - lr L^(-1/4) G R^(-1/4), both begun at eps I.

    Vectors have the paper's diagonal form, which is AdaGrad. Roots are taken in float64.
    """
    eps = hyper["eps"]
    if param.ndim == 1:
        squares = state["squares"] + grad * grad
        return param - hyper["lr"] * grad / (squares + eps).sqrt(), {"squares": squares}
    rows, columns = state["rows"] + grad @ grad.T, state["columns"] + grad.T @ grad
    left, right = (inverse_fourth_root(side, eps).to(grad.dtype) for side in (rows, columns))
    return param - hyper["lr"] * (left @ grad @ right), {"rows": rows, "columns": columns}


def inverse_fourth_root(matrix: Tensor, eps: Tensor) -> Tensor:
    """(A + eps I)^(-1/4) of a symmetric matrix without negative eigenvalues.

    Eigenvalues count as no less than a millionth of the largest, which the paper does not say.
    What is not finite has none to compute, and stays NaN.
    """
    matrix = matrix.to(torch.float64)
    is_finite = torch.isfinite(matrix).all()
    values, vectors = torch.linalg.eigh(torch.where(is_finite, matrix, 0.0))
    values = values.clamp(min=0.0) + eps
    values = torch.maximum(values, LEAST_EIGENVALUE * values[-1])
    powers = torch.exp(torch.log(values) / -4)
    return torch.where(is_finite, (vectors * powers) @ vectors.T, math.nan)


def unturned(param: Tensor) -> State:
    """No means yet; of a matrix, no products of gradients, and the bases that there are."""
    means = {name: torch.zeros_like(param) for name in ("m", "v")}
    if param.ndim == 1:
        return means
    rows, columns = (param.new_zeros(n, n) for n in param.shape)
    left, right = (torch.eye(n, dtype=param.dtype, device=param.device) for n in param.shape)
    return means | {"rows": rows, "columns": columns, "left": left, "right": right}


def soap(grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor) -> Moved:
    """Adam in the bases Q_L, Q_R that Shampoo's means of G G^T and G^T G turn into.

    m = b1 m + (1 - b1) G;  v = b2 v + (1 - b2) (Q_L^T G Q_R)^2;
    W - lr c Q_L (Q_L^T m Q_R / (sqrt(v) + eps)) Q_R^T, c = sqrt(1 - b2^t) / (1 - b1^t), t = 0 at
    first; then the means with b2 and, every so many steps, Q = QR(L Q). The first step leaves m, v
    and the weights, and turns the bases for the first time, as in the authors' code; vectors have
    Adam. Differs from it: bases begin at I and not at the eigenvectors of the first means, which
    are not told where an eigenvalue repeats; their columns are not sorted by eigenvalue; L counts
    with a millionth of its trace on its diagonal; and decay comes before, at the first step, too.
    """
    beta1, beta2, count = hyper["beta1"], hyper["beta2"], step - 1
    is_matrix, begun = param.ndim == 2, count > 0

    def turned(matrix: Tensor) -> Tensor:
        return state["left"].T @ matrix @ state["right"] if is_matrix else matrix

    along = turned(grad)
    m = torch.where(begun, beta1 * state["m"] + (1 - beta1) * grad, state["m"])
    v = torch.where(begun, beta2 * state["v"] + (1 - beta2) * along * along, state["v"])
    seen = count.clamp(min=1.0)
    length = one_minus_power(beta2, seen).sqrt() / one_minus_power(beta1, seen)
    move = turned(m) / (v.sqrt() + hyper["eps"])
    moved = {"m": m, "v": v}
    if is_matrix:
        move = state["left"] @ move @ state["right"].T
        turns = is_due(count, hyper["every"])
        for name, basis, gram in (
            ("rows", "left", grad @ grad.T),
            ("columns", "right", grad.T @ grad),
        ):
            mean = beta2 * state[name] + (1 - beta2) * gram
            basis_now = torch.where(turns, nearer_eigenvectors(mean, state[basis]), state[basis])
            moved |= {name: mean, basis: basis_now}
    return torch.where(begun, param - hyper["lr"] * length * move, param), moved


def is_due(count: Tensor, every: Tensor) -> Tensor:
    """Whether a count, from 0 on, is a multiple."""
    return count - every * torch.floor(count / every) == 0


def nearer_eigenvectors(matrix: Tensor, basis: Tensor) -> Tensor:
    """A step of power iteration from a basis, (matrix + ridge I) basis made orthogonal."""
    wide, start = matrix.to(torch.float64), basis.to(torch.float64)
    is_finite = torch.isfinite(wide).all() & torch.isfinite(start).all()
    product = wide @ start + LEAST_EIGENVALUE * wide.trace() * start
    turned = torch.linalg.qr(torch.where(is_finite, product, 0.0))[0]
    return torch.where(is_finite, turned, math.nan).to(basis.dtype)


def sophia_ef(grad: Tensor, state: State, param: Tensor, hyper: Hyper, step: Tensor) -> Moved:
    """m = b1 m + (1 - b1) g;  p - lr clip(m / max(gamma h, eps), 1).

    h = b2 h + (1 - b2) g^2, once in so many steps. Sophia-G has in place of g the gradient for
    labels that the network draws itself, and Sophia-H a product with the Hessian: a rule is given
    neither. The batch's size, by which the paper multiplies g^2, is part of gamma.
    """
    m = hyper["beta1"] * state["m"] + (1 - hyper["beta1"]) * grad
    fresh = hyper["beta2"] * state["h"] + (1 - hyper["beta2"]) * grad * grad
    h = torch.where(is_due(step - 1, hyper["every"]), fresh, state["h"])
    curvature = hyper["gamma"] * h
    eps = hyper["eps"].to(curvature.dtype)
    ratio = m / torch.where(curvature < eps, eps, curvature)
    return param - hyper["lr"] * torch.clamp(ratio, -1.0, 1.0), {"m": m, "h": h}


OF_MATRICES = need(
    Term("optimizer", trait="moves_matrices"), otherwise="a point of a landscape is no matrix"
)
STEPS: dict[str, Any] = {"low": 1, "high": 1e9, "whole": True}
RPROP = {"etas": Of("(etaminus, etaplus)"), "step_sizes": Of("(step_min, step_max)")}

SIGNS_AND_MATRICES: dict[str, Optimizer] = {
    "rprop": Optimizer(
        summary="Signs of full gradients: each parameter's step grows until its gradient turns "
        "(iRprop-, as in torch: a turn is never taken back).",
        formula="s <- clip(s * (etaplus if g g_old > 0, etaminus if < 0), step_min, step_max);  "
        "p <- p - s sign(g), none where g turned;  s = lr at first",
        reference="Riedmiller & Braun (1993), A Direct Adaptive Method for Faster Backpropagation "
        "Learning: The RPROP Algorithm, doi:10.1109/ICNN.1993.298623; Igel & Hüsken (2003), "
        "Empirical Evaluation of the Improved Rprop Learning Algorithms, "
        "doi:10.1016/S0925-2312(01)00700-7",
        parameters={
            "lr": lr_parameter(0.01),
            "etaminus": Parameter(0.5, "factor after a turn", 0, 1, open_low=True, open_high=True),
            "etaplus": Parameter(1.2, "factor without one", 1, 100, open_low=True),
            "step_min": Parameter(1e-6, "smallest step", low=0, high=1e6),
            "step_max": Parameter(50.0, "largest step", low=0, high=1e12),
        },
        init=zeros("previous", "size"),
        update=rprop,
        twin=Twin("torch.optim.Rprop", **RPROP),
        decaying=Twin("optimizers.twins.Rprop", **RPROP),
        full_batch=True,
        follows_rate=False,
        state_floats=2,
    ),
    "lion": Optimizer(
        summary="Steps by the sign of a mean: all of one length, so with a small rate.",
        formula="p <- (1 - lr wd) p - lr sign(b1 m + (1-b1) g);  m <- b2 m + (1-b2) g",
        reference="Chen et al. (2023), Symbolic Discovery of Optimization Algorithms, "
        "arXiv:2302.06675",
        parameters={
            "lr": lr_parameter(1e-4),
            "beta1": decay_parameter(0.9, "share of the mean in the sign"),
            "beta2": decay_parameter(0.99, "memory of the mean of gradients"),
        },
        init=zeros("m"),
        update=lion,
        twin=Twin("optimizers.twins.Lion"),
        decoupled=True,
        state_floats=1,
    ),
    "muon": Optimizer(
        summary="Orthogonalised momentum for the hidden layers' weight matrices; AdamW, at the "
        "same rate, for biases, gains and the output layer.",
        formula="m <- mu m + (1-mu) g;  p <- (1 - lr wd) p - 0.2 sqrt(max(r, c)) lr O, "
        "O = Newton-Schulz((1-mu) g + mu m)",
        reference="Jordan et al. (2024), Muon: An Optimizer for Hidden Layers in Neural Networks, "
        "https://kellerjordan.github.io/posts/muon/; Liu et al. (2025), Muon is Scalable for LLM "
        "Training, arXiv:2502.16982",
        torch='torch.optim.Muon(adjust_lr_fn="match_rms_adamw") and torch.optim.AdamW',
        parameters={
            "lr": lr_parameter(1e-3),
            "momentum": replace(
                decay_parameter(0.95, "memory of the mean of gradients"),
                needs=(need(Term("depth")),),
            ),
            "beta1": decay_parameter(0.9, "AdamW's memory of the mean of gradients"),
            "beta2": decay_parameter(0.999, "AdamW's memory of the mean of squares"),
            "eps": eps_parameter(1e-8),
        },
        init=zeros("m"),
        update=muon,
        twin=Twin("optimizers.twins.Muon"),
        elementwise=False,
        rest="adamw",
        decoupled=True,
        weight_decay=0.1,
        state_floats=lambda shape: 1.0 if len(shape) == 2 else 2.0,
    ),
    "shampoo": Optimizer(
        summary="AdaGrad by whole matrices: gradients are evened out over rows and over columns "
        "of a weight matrix; the rest has its diagonal form, AdaGrad.",
        formula="L <- L + G G^T;  R <- R + G^T G;  W <- W - lr (L + eps I)^(-1/4) G "
        "(R + eps I)^(-1/4);  vectors: v <- v + g^2, p <- p - lr g / sqrt(v + eps)",
        reference="Gupta, Koren & Singer (2018), Shampoo: Preconditioned Stochastic Tensor "
        "Optimization, arXiv:1802.09568",
        parameters={
            "lr": lr_parameter(0.1),
            "eps": Parameter(1e-4, "both matrices at the start", low=0, open_low=True, high=1e6),
        },
        init=gathered,
        update=shampoo,
        twin=Twin("optimizers.twins.Shampoo"),
        elementwise=False,
        state_floats=lambda shape: (
            1.0 if len(shape) == 1 else sum(n * n for n in shape) / math.prod(shape)
        ),
    ),
    "soap": Optimizer(
        summary="Adam in the bases that Shampoo finds: the directions in which gradients of rows "
        "and of columns agree; biases have Adam, and the first step only turns the bases.",
        formula="m <- b1 m + (1-b1) G;  v <- b2 v + (1-b2) (Q_L^T G Q_R)^2;  "
        "W <- (1 - lr wd) W - lr c Q_L (Q_L^T m Q_R / (sqrt(v) + eps)) Q_R^T, "
        "c = sqrt(1-b2^t) / (1-b1^t), t = 0 at first;  "
        "L, R: means of G G^T, G^T G;  Q <- QR(L Q) every so many steps",
        reference="Vyas et al. (2024), SOAP: Improving and Stabilizing Shampoo using Adam, "
        "arXiv:2409.11321",
        parameters={
            "lr": lr_parameter(3e-3),
            "beta1": decay_parameter(0.95, "memory of the mean of gradients"),
            "beta2": decay_parameter(0.95, "memory of the mean of squares, and of both matrices"),
            "eps": eps_parameter(1e-8),
            "every": Parameter(
                10,
                "steps from one turn of the bases to the next",
                **STEPS,
                needs=(OF_MATRICES,),
            ),
        },
        init=unturned,
        update=soap,
        twin=Twin("optimizers.twins.Soap"),
        elementwise=False,
        decoupled=True,
        weight_decay=0.01,
        state_floats=lambda shape: (
            2.0 if len(shape) == 1 else 2 + 2 * sum(n * n for n in shape) / math.prod(shape)
        ),
    ),
    "sophia_ef": Optimizer(
        summary="Sophia with the squares of the batch's own gradient for the curvature: a mean "
        "over it, no element longer than the rate.",
        formula="m <- b1 m + (1-b1) g;  h <- b2 h + (1-b2) g^2 every so many steps;  "
        "p <- (1 - lr wd) p - lr clip(m / max(gamma h, eps), 1)",
        reference="Liu, Li, Hall, Liang & Ma (2023), Sophia: A Scalable Stochastic Second-order "
        "Optimizer for Language Model Pre-training, arXiv:2305.14342",
        parameters={
            "lr": lr_parameter(1e-3),
            "beta1": decay_parameter(0.965, "memory of the mean of gradients"),
            "beta2": decay_parameter(0.99, "memory of the curvature"),
            "gamma": Parameter(1.6, "factor of the curvature: 0.05 a row of the batch", 0, 1e12),
            "eps": Parameter(1e-12, "the least curvature", low=0, open_low=True, high=1),
            "every": Parameter(10, "steps from one look at the curvature to the next", **STEPS),
        },
        init=zeros("m", "h"),
        update=sophia_ef,
        twin=Twin("optimizers.twins.SophiaEF"),
        decoupled=True,
        weight_decay=0.1,
        state_floats=2,
    ),
}
