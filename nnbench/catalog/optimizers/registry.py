"""Optimizers: what each is called, its rule, its parameters and its twin.

The rules stand in `optimizer_descent`, `optimizer_adaptive` and `optimizer_matrix`; what a rule is
given and what it returns stands in `optimizer_base`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nnbench.catalog.optimizers.adaptive import (
    adadelta,
    adagrad,
    adam,
    adamax,
    base_point_and_squares,
    mean_and_largest,
    mean_and_square,
    mean_square,
    moments,
    moments_and_product,
    nadam,
    radam,
    rmsprop,
    rmsprop_centered,
    schedulefree_adamw,
    schedulefree_adamw_average,
    squares,
    squares_of_steps,
)
from nnbench.catalog.optimizers.base import (
    Optimizer,
    decay_parameter,
    eps_parameter,
    lr_parameter,
    no_state,
)
from nnbench.catalog.optimizers.descent import (
    asgd,
    average,
    average_of,
    base_point,
    lion,
    mean_gradient,
    momentum,
    momentum_ema,
    nesterov,
    own_steps,
    rprop,
    schedulefree_average,
    schedulefree_sgd,
    sgd,
    velocity,
)
from nnbench.catalog.optimizers.matrix import adafactor, factors, floats_of_factors, muon
from nnbench.lazy import lazy_import
from nnbench.study.vocabulary import Parameter, Term, need

if TYPE_CHECKING:
    import torch

    from nnbench.catalog.optimizers import twins
else:
    torch = lazy_import("torch", globals())
    twins = lazy_import("nnbench.catalog.optimizers.twins", globals())

Twin = Callable[..., "torch.optim.Optimizer"]


def _torch_twin(name: str, **fixed: Any) -> Twin:
    """Return a maker of `torch.optim.<name>`, found when it is called; betas go in a pair."""
    return lambda parameters, **hyper: getattr(torch.optim, name)(
        parameters, **fixed, **_paired(hyper)
    )


def _own_twin(name: str) -> Twin:
    """Return a maker of `nnbench.catalog.optimizers.twins.<name>`, likewise."""
    return lambda parameters, **hyper: getattr(twins, name)(parameters, **hyper)


def _paired(hyper: dict[str, Any]) -> dict[str, Any]:
    """Return torch's form of the hyper-parameters: beta1 and beta2 as one pair."""
    if "beta2" not in hyper:
        return hyper
    rest = {name: value for name, value in hyper.items() if name not in ("beta1", "beta2")}
    return rest | {"betas": (hyper["beta1"], hyper["beta2"])}


def _asgd_twin(parameters: Any, **hyper: Any) -> torch.optim.Optimizer:
    return twins.ASGD(parameters, **hyper)


def _nadam_twin(parameters: Any, **hyper: Any) -> torch.optim.Optimizer:
    return twins.NAdam(parameters, **_paired(hyper))


def _adafactor_twin(parameters: Any, eps2: float, **hyper: Any) -> torch.optim.Optimizer:
    return twins.Adafactor(parameters, eps=(None, eps2), **hyper)


def _rprop_twin(
    parameters: Any,
    etaminus: float,
    etaplus: float,
    step_min: float,
    step_max: float,
    **hyper: Any,
) -> torch.optim.Optimizer:
    return twins.Rprop(
        parameters, etas=(etaminus, etaplus), step_sizes=(step_min, step_max), **hyper
    )


MOMENTUM = decay_parameter(0.9, "share of the velocity that is kept")
BETA1 = decay_parameter(0.9, "memory of the mean of gradients")
BETA2 = decay_parameter(0.999, "memory of the mean of squares")
EPS = eps_parameter(1e-8)
ADAM_PARAMETERS = {"lr": lr_parameter(1e-3), "beta1": BETA1, "beta2": BETA2, "eps": EPS}
RMSPROP_PARAMETERS = {
    "lr": lr_parameter(1e-3),
    "alpha": decay_parameter(0.99, "memory of the mean of squares"),
    "momentum": decay_parameter(0.0, "share of the velocity that is kept"),
    "eps": EPS,
}
INTERPOLATION = decay_parameter(
    0.9, "place of the gradient between base (0) and average (1)", open_low=True
)
POLYAK = "Polyak (1964), Some Methods of Speeding up the Convergence of Iteration Methods"
ROAD = "Defazio, Yang, Mehta, Mishchenko, Khaled & Cutkosky (2024), The Road Less Scheduled"

OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": Optimizer(
        summary="Stochastic gradient descent on mini-batches.",
        formula="p <- p - lr g",
        reference="Robbins & Monro (1951), A Stochastic Approximation Method",
        torch="torch.optim.SGD",
        parameters={"lr": lr_parameter(0.1)},
        init=no_state,
        update=sgd,
        twin=_torch_twin("SGD"),
    ),
    "gd": Optimizer(
        summary="Gradient descent: the whole training part at each step, one step an epoch.",
        formula="p <- p - lr g, g over all examples",
        reference="Cauchy (1847), Méthode générale pour la résolution des systèmes d'équations "
        "simultanées",
        torch="torch.optim.SGD",
        parameters={"lr": lr_parameter(0.1)},
        init=no_state,
        update=sgd,
        twin=_torch_twin("SGD"),
        full_batch=True,
    ),
    "momentum": Optimizer(
        summary="SGD with a velocity that sums past gradients (torch's form).",
        formula="v <- mu v + g;  p <- p - lr v",
        reference=POLYAK,
        torch="torch.optim.SGD(momentum=...)",
        parameters={"lr": lr_parameter(0.01), "momentum": MOMENTUM},
        init=velocity,
        update=momentum,
        twin=_torch_twin("SGD"),
        state_floats=1,
    ),
    "momentum_ema": Optimizer(
        summary="SGD with a velocity that is a moving mean of past steps: steps as long as SGD's.",
        formula="v <- beta v + (1 - beta) lr g;  p <- p - v",
        reference=POLYAK + "; as a moving mean, it is 1 - beta times the usual form",
        parameters={"lr": lr_parameter(0.1), "momentum": MOMENTUM},
        init=velocity,
        update=momentum_ema,
        twin=_own_twin("MomentumEma"),
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
            "momentum": decay_parameter(0.9, "share of the velocity that is kept", open_low=True),
        },
        init=velocity,
        update=nesterov,
        twin=_torch_twin("SGD", nesterov=True),
        state_floats=1,
    ),
    "asgd": Optimizer(
        summary="SGD whose result is the average of its iterates from step t0 on.",
        formula="p <- (1 - lambd eta) p - eta g;  eta = lr / (1 + lambd lr t)^alpha;  the mean of "
        "all p after step t0 + 1 is evaluated",
        reference="Polyak & Juditsky (1992), Acceleration of Stochastic Approximation by Averaging",
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
        init=average,
        update=asgd,
        evaluated=average_of,
        twin=_asgd_twin,
        state_floats=1,
    ),
    "rprop": Optimizer(
        summary="Signs of full gradients: each parameter's step grows until its gradient turns.",
        formula="s <- clip(s * (etaplus if g g_old > 0, etaminus if < 0), step_min, step_max);  "
        "p <- p - s sign(g), none where g turned;  s = lr at first",
        reference="Riedmiller & Braun (1993), A Direct Adaptive Method for Faster Backpropagation "
        "Learning: The RPROP Algorithm",
        torch="torch.optim.Rprop",
        parameters={
            "lr": lr_parameter(0.01),
            "etaminus": Parameter(0.5, "factor after a turn", 0, 1, open_low=True, open_high=True),
            "etaplus": Parameter(1.2, "factor without one", 1, 100, open_low=True),
            "step_min": Parameter(1e-6, "smallest step", low=0, high=1e6),
            "step_max": Parameter(50.0, "largest step", low=0, high=1e12),
        },
        init=own_steps,
        update=rprop,
        twin=_rprop_twin,
        full_batch=True,
        follows_rate=False,
        state_floats=2,
    ),
    "adagrad": Optimizer(
        summary="Each parameter's rate falls with the sum of its squared gradients.",
        formula="G <- G + g^2;  p <- p - lr g / (sqrt(G) + eps)",
        reference="Duchi, Hazan & Singer (2011), Adaptive Subgradient Methods",
        torch="torch.optim.Adagrad",
        parameters={"lr": lr_parameter(0.01), "eps": eps_parameter(1e-10)},
        init=squares,
        update=adagrad,
        twin=_torch_twin("Adagrad"),
        state_floats=1,
    ),
    "rmsprop": Optimizer(
        summary="AdaGrad that forgets: a moving mean of squared gradients in place of the sum.",
        formula="s <- a s + (1-a) g^2;  v <- mu v + g / (sqrt(s) + eps);  p <- p - lr v",
        reference="Tieleman & Hinton (2012), Lecture 6.5 - RMSProp",
        torch="torch.optim.RMSprop",
        parameters=RMSPROP_PARAMETERS,
        init=mean_square,
        update=rmsprop,
        twin=_torch_twin("RMSprop"),
        state_floats=2,
        unused_floats=1,
    ),
    "rmsprop_centered": Optimizer(
        summary="RMSProp by the gradients' variance rather than their mean square.",
        formula="m, s: moving means of g, g^2;  v <- mu v + g / (sqrt(s - m^2) + eps);  "
        "p <- p - lr v",
        reference="Graves (2013), Generating Sequences with Recurrent Neural Networks",
        torch="torch.optim.RMSprop(centered=True)",
        parameters=RMSPROP_PARAMETERS,
        init=mean_and_square,
        update=rmsprop_centered,
        twin=_torch_twin("RMSprop", centered=True),
        state_floats=3,
        unused_floats=1,
    ),
    "adadelta": Optimizer(
        summary="RMSProp whose rate is the size of its own past steps: lr is 1 by design.",
        formula="d = g sqrt(u + eps) / sqrt(s + eps);  s, u: moving means of g^2, d^2;  "
        "p <- p - lr d",
        reference="Zeiler (2012), ADADELTA: An Adaptive Learning Rate Method",
        torch="torch.optim.Adadelta",
        parameters={
            "lr": lr_parameter(1.0),
            "rho": decay_parameter(0.9, "memory of both means"),
            "eps": eps_parameter(1e-6),
        },
        init=squares_of_steps,
        update=adadelta,
        twin=_torch_twin("Adadelta"),
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
        twin=_torch_twin("Adam"),
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
        twin=_torch_twin("AdamW"),
        decoupled=True,
        weight_decay=0.01,
        state_floats=2,
    ),
    "nadam": Optimizer(
        summary="Adam with Nesterov's look ahead.",
        formula="p <- p - lr [mu' m/(1 - P mu') + (1-mu) g/(1-P)] / (sqrt(v/(1-b2^t)) + eps);  "
        "mu = b1 (1 - 0.96^(t momentum_decay) / 2), mu' the next, P = product of all mu",
        reference="Dozat (2016), Incorporating Nesterov Momentum into Adam",
        torch="torch.optim.NAdam",
        parameters=ADAM_PARAMETERS
        | {
            "lr": lr_parameter(2e-3),
            "momentum_decay": Parameter(4e-3, "growth of the mean's share", low=0, high=1),
        },
        init=moments_and_product,
        update=nadam,
        twin=_nadam_twin,
        state_floats=2,
    ),
    "radam": Optimizer(
        summary="Adam that waits for its variance: plain momentum at first, no warm-up needed.",
        formula="p <- p - lr r mhat / sqrt(vhat) once rho > 5, p - lr mhat before;  "
        "r = sqrt((rho-4)(rho-2) rho_inf / ((rho_inf-4)(rho_inf-2) rho)), "
        "rho = rho_inf - 2 t b2^t / (1-b2^t), rho_inf = 2/(1-b2) - 1",
        reference="Liu, Jiang, He, Chen, Liu, Gao & Han (2020), On the Variance of the Adaptive "
        "Learning Rate and Beyond",
        torch="torch.optim.RAdam",
        parameters=ADAM_PARAMETERS,
        init=moments,
        update=radam,
        twin=_torch_twin("RAdam"),
        state_floats=2,
    ),
    "adamax": Optimizer(
        summary="Adam by the largest recent gradient rather than the mean square.",
        formula="m <- b1 m + (1-b1) g;  u <- max(b2 u, |g| + eps);  p <- p - lr m / ((1-b1^t) u)",
        reference="Kingma & Ba (2015), Adam: A Method for Stochastic Optimization",
        torch="torch.optim.Adamax",
        parameters=ADAM_PARAMETERS | {"lr": lr_parameter(2e-3), "eps": eps_parameter(1e-8)},
        init=mean_and_largest,
        update=adamax,
        twin=_torch_twin("Adamax"),
        state_floats=2,
    ),
    "lion": Optimizer(
        summary="Steps by the sign of a mean: all of one length, so with a small rate.",
        formula="p <- (1 - lr wd) p - lr sign(b1 m + (1-b1) g);  m <- b2 m + (1-b2) g",
        reference="Chen et al. (2023), Symbolic Discovery of Optimization Algorithms",
        parameters={
            "lr": lr_parameter(1e-4),
            "beta1": decay_parameter(0.9, "share of the mean in the sign"),
            "beta2": decay_parameter(0.99, "memory of the mean of gradients"),
        },
        init=mean_gradient,
        update=lion,
        twin=_own_twin("Lion"),
        decoupled=True,
        state_floats=1,
    ),
    "adafactor": Optimizer(
        summary="Adam-like steps from row and column means of squares: hardly any memory.",
        formula="V = R C / mean(R);  U = g / sqrt(V);  "
        "p <- p - max(eps2, rms(p)) min(lr, 1/sqrt(t)) U / max(1, rms(U) / d)",
        reference="Shazeer & Stern (2018), Adafactor: Adaptive Learning Rates with Sublinear "
        "Memory Cost",
        torch="torch.optim.Adafactor",
        parameters={
            "lr": lr_parameter(0.01),
            "beta2_decay": Parameter(-0.8, "power of t that weighs the newest squares", -10, 0),
            "eps2": Parameter(1e-3, "least size of a tensor, for its rate", low=0, high=1e6),
            "d": Parameter(1.0, "largest root mean square of U", low=1, high=1e6),
        },
        init=factors,
        update=adafactor,
        twin=_adafactor_twin,
        elementwise=False,
        state_floats=floats_of_factors,
    ),
    "muon": Optimizer(
        summary="Orthogonalised momentum for the hidden layers' weight matrices; AdamW, at the "
        "same rate, for biases, gains and the output layer.",
        formula="m <- mu m + (1-mu) g;  p <- (1 - lr wd) p - 0.2 sqrt(max(r, c)) lr O, "
        "O = Newton-Schulz((1-mu) g + mu m)",
        reference="Jordan et al. (2024), Muon: An Optimizer for Hidden Layers in Neural Networks; "
        "Liu et al. (2025), Muon is Scalable for LLM Training",
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
        init=mean_gradient,
        update=muon,
        twin=_own_twin("Muon"),
        elementwise=False,
        rest="adamw",
        decoupled=True,
        weight_decay=0.1,
        state_floats=lambda shape: 1.0 if len(shape) == 2 else 2.0,
    ),
    "schedulefree_sgd": Optimizer(
        summary="SGD that averages instead of lowering its rate; the average is evaluated.",
        formula="z <- z - lr g(y);  x <- (1-c) x + c z, c = lr^2 / sum lr^2;  "
        "y = (1-beta) z + beta x",
        reference=ROAD,
        parameters={"lr": lr_parameter(1.0), "beta": INTERPOLATION},
        init=base_point,
        update=schedulefree_sgd,
        evaluated=schedulefree_average,
        twin=_own_twin("ScheduleFreeSgd"),
        decoupled=False,
        state_floats=1,
    ),
    "schedulefree_adamw": Optimizer(
        summary="AdamW that averages instead of lowering its rate; the average is evaluated.",
        formula="z <- z - lr [g(y) / (sqrt(vhat) + eps) + wd y];  x <- (1-c) x + c z, "
        "c = lr^2 / sum lr^2;  y = (1-b1) z + b1 x",
        reference=ROAD,
        parameters=ADAM_PARAMETERS | {"lr": lr_parameter(2.5e-3), "beta1": INTERPOLATION},
        init=base_point_and_squares,
        update=schedulefree_adamw,
        evaluated=schedulefree_adamw_average,
        twin=_own_twin("ScheduleFreeAdamW"),
        decoupled=True,
        decays=True,
        state_floats=2,
    ),
}
