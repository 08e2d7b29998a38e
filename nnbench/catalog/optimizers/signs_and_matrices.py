"""Optimizers that step by signs, or by a weight matrix as a whole."""

import math
from dataclasses import replace

from nnbench.catalog.formulas import Of
from nnbench.catalog.optimizers.base import (
    Hyper,
    Moved,
    Optimizer,
    State,
    decay_parameter,
    eps_parameter,
    lr_parameter,
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
}
