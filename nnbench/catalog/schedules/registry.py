"""Learning-rate schedules: what each is called, its closed form, its parameters and its twin.

A schedule's function takes `count` (an array of epochs, or of steps, as the entry's `unit` says),
the base rate `lr` and `total` (epochs or steps in all); it returns the rate at each count. One that
answers to the validation loss (`plateau`) has `after_epoch` instead. `chained` and `sequential`
are made of other schedules, `first`, `second` and perhaps `third`, whose parameters stand under
`first.gamma` and the like.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from nnbench.catalog.schedules.forms import (
    Counts,
    PlateauState,
    Rates,
    after_plateau,
    constant_lr,
    cosine,
    cosine_restarts,
    cyclic,
    exponential,
    inverse_sqrt,
    linear,
    multistep,
    none,
    onecycle,
    polynomial,
    step,
    warmup_cosine,
    wsd,
)
from nnbench.lazy import lazy_import
from nnbench.study.recipe import of_factor
from nnbench.study.vocabulary import Entry, Parameter, Term, need

if TYPE_CHECKING:
    import torch

    from nnbench.catalog.schedules import twins
else:
    torch = lazy_import("torch", globals())
    twins = lazy_import("nnbench.catalog.schedules.twins", globals())

PARTS = ("first", "second", "third")


def _never(total: int, **parameters: Any) -> bool:
    return False


def _always(total: int, **parameters: Any) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Schedule(Entry):
    """A schedule. `twin(optimizer, total, **parameters)` is torch's scheduler.

    `scales(total, **parameters)` tells whether torch's scheduler multiplies whatever rate it
    finds, so that it may be chained.
    """

    function: Callable[..., Rates] | None
    twin: Callable[..., Any]
    after_epoch: Callable[..., PlateauState] | None = None
    unit: str = "epoch"
    scales: Callable[..., bool] = _never

    def moves(self, recipe: Mapping[str, Any]) -> bool:
        """Tell whether the rate is ever another than the optimizer's, as far as a recipe tells."""
        if self.function is None or (self.unit == "step" and "steps" not in recipe):
            return True
        return bool((self._rates(recipe) != recipe["optimizer.lr"]).any())

    def starts_elsewhere(self, recipe: Mapping[str, Any]) -> bool:
        """Tell whether the first rate of all is another than the optimizer's."""
        return self.function is not None and bool(self._rates(recipe)[0] != recipe["optimizer.lr"])

    def _rates(self, recipe: Mapping[str, Any]) -> Rates:
        """The rates of a walk's steps; of a training its epochs', as if each were one step."""
        assert self.function is not None
        total = recipe["steps"] if "steps" in recipe else recipe["epochs"]
        count, own = np.arange(max(total, 1)), of_factor("schedule", recipe)
        return self.function(count, recipe["optimizer.lr"], total, **own)


def parts_of(parameters: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the names and parameters of the schedules that a composition is made of."""
    return [
        (
            parameters[place],
            {
                key.removeprefix(f"{place}."): value
                for key, value in parameters.items()
                if key.startswith(f"{place}.")
            },
        )
        for place in PARTS
        if parameters.get(place) is not None
    ]


def chained(count: Counts, lr: float, total: int, **parameters: Any) -> Rates:
    """lr times the factors of all parts."""
    rates = none(count, lr, total)
    for name, own in parts_of(parameters):
        function = SCHEDULES[name].function
        assert function is not None
        rates = rates * function(count, 1.0, total, **own)
    return rates


def sequential(
    count: Counts, lr: float, total: int, milestones: tuple[int, ...], **parameters: Any
) -> Rates:
    """The first part up to the first milestone, then the second from its beginning, and so on."""
    rates = none(count, lr, total)
    for (name, own), (start, end) in zip(
        parts_of(parameters), spans(milestones, total), strict=True
    ):
        function = SCHEDULES[name].function
        assert function is not None
        here = count >= start
        rates[here] = function(count[here] - start, lr, end - start, **own)
    return rates


def spans(milestones: tuple[int, ...], total: int) -> list[tuple[int, int]]:
    """Return where each part of a sequence begins and ends."""
    ends = [*milestones, max(total, milestones[-1] + 1)]
    return list(pairwise([0, *ends]))


def check_composition(schedule: str, parameters: Mapping[str, Any], total: int) -> None:
    """Raise ValueError where a schedule is made of parts that it cannot have.

    `total` is the epochs of the training.
    """
    parts = parts_of(parameters)
    for name, own in parts:
        entry = SCHEDULES[name]
        if entry.function is None or entry.unit != "epoch" or parts_of(own):
            raise ValueError(
                f'schedule "{schedule}": "{name}" cannot be a part of it: parts count in epochs '
                f"and have no parts of their own"
            )
        if schedule == "chained" and not entry.scales(total, **own):
            raise ValueError(
                f'schedule "chained": "{name}", as it stands, is no factor on a rate: take '
                f'"sequential", or for "cosine" eta_min = 0 and t_max = "none"'
            )
    if schedule == "sequential":
        milestones = parameters["milestones"]
        if len(milestones) != len(parts) - 1 or list(milestones) != sorted(set(milestones)):
            raise ValueError(
                f'schedule "sequential": milestones = {list(milestones)} must rise, one between '
                f"each two of its {len(parts)} parts: [[5]] for two, [[5, 10]] for three"
            )


def _torch_twin(name: str) -> Callable[..., Any]:
    """Return a maker of `torch.optim.lr_scheduler.<name>`, found when it is called."""
    return lambda optimizer, total, **parameters: getattr(torch.optim.lr_scheduler, name)(
        optimizer, **parameters
    )


def _own_twin(name: str) -> Callable[..., Any]:
    """Return a maker of `nnbench.catalog.schedules.twins.<name>`, likewise."""
    return lambda optimizer, total, **parameters: getattr(twins, name)(
        optimizer, total, **parameters
    )


def _chained_twin(optimizer: torch.optim.Optimizer, total: int, **parameters: Any) -> Any:
    made = [SCHEDULES[name].twin(optimizer, total, **own) for name, own in parts_of(parameters)]
    return twins.chained(optimizer, made)


def _sequential_twin(
    optimizer: torch.optim.Optimizer, total: int, milestones: tuple[int, ...], **parameters: Any
) -> Any:
    made = [
        SCHEDULES[name].twin(optimizer, end - start, **own)
        for (name, own), (start, end) in zip(
            parts_of(parameters), spans(milestones, total), strict=True
        )
    ]
    return twins.sequential(optimizer, made, milestones)


def _share(default: float, doc: str) -> Parameter:
    return Parameter(default, doc, low=0, high=1)


def _length(doc: str) -> Parameter:
    return Parameter(None, doc, low=1, high=1e9, optional=True, whole=True)


GAMMA = "factor on the rate"
LOWEST = Parameter(0.0, "lowest rate", low=0, high=1e12)
WARMUP = _share(0.1, "share of all steps in which the rate rises")
COMPOSED = {
    "first": Parameter("exponential", "schedule that it begins with", kind="schedule"),
    "second": Parameter("constant_lr", "schedule that is added", kind="schedule"),
    "third": Parameter(None, "another, if wanted", kind="schedule", optional=True),
}

SCHEDULES: dict[str, Schedule] = {
    "none": Schedule(
        summary="The same learning rate throughout.",
        formula="lr",
        reference="(definition)",
        torch="torch.optim.lr_scheduler.ConstantLR(factor=1)",
        function=none,
        twin=_own_twin("none"),
        scales=_always,
    ),
    "constant_lr": Schedule(
        summary="A smaller constant rate for the first epochs, then the base rate.",
        formula="factor lr before epoch total_iters, then lr",
        reference="PyTorch, torch.optim.lr_scheduler.ConstantLR",
        torch="torch.optim.lr_scheduler.ConstantLR",
        parameters={
            "factor": Parameter(
                1 / 3,
                GAMMA + " at first",
                low=0,
                high=1,
                open_low=True,
                needs=(need(Term(".total_iters")),),
            ),
            "total_iters": Parameter(5, "epochs at that rate", low=0, high=1e9),
        },
        function=constant_lr,
        twin=_torch_twin("ConstantLR"),
        scales=_always,
    ),
    "step": Schedule(
        summary="Falls by a factor every few epochs.",
        formula="lr gamma^floor(epoch / step_size)",
        reference="He, Zhang, Ren & Sun (2016), Deep Residual Learning for Image Recognition",
        torch="torch.optim.lr_scheduler.StepLR",
        parameters={
            "step_size": Parameter(10, "epochs between two falls", low=1, high=1e9),
            "gamma": Parameter(0.1, GAMMA, low=0, high=10),
        },
        function=step,
        twin=_torch_twin("StepLR"),
        scales=_always,
    ),
    "multistep": Schedule(
        summary="Falls by a factor at given epochs.",
        formula="lr gamma^(milestones reached)",
        reference="He, Zhang, Ren & Sun (2016), Deep Residual Learning for Image Recognition",
        torch="torch.optim.lr_scheduler.MultiStepLR",
        parameters={
            "milestones": Parameter((10, 15), "epochs of the falls", low=0, high=1e9),
            "gamma": Parameter(0.1, GAMMA, low=0, high=10),
        },
        function=multistep,
        twin=_torch_twin("MultiStepLR"),
        scales=_always,
    ),
    "exponential": Schedule(
        summary="Falls by the same factor every epoch.",
        formula="lr gamma^epoch",
        reference="PyTorch, torch.optim.lr_scheduler.ExponentialLR",
        torch="torch.optim.lr_scheduler.ExponentialLR",
        parameters={"gamma": Parameter(0.95, GAMMA + " each epoch", low=0, high=10)},
        function=exponential,
        twin=_torch_twin("ExponentialLR"),
        scales=_always,
    ),
    "linear": Schedule(
        summary="From one factor to another in a line, then constant: a warm-up as it stands.",
        formula="lr (start_factor + (end_factor - start_factor) min(epoch / total_iters, 1))",
        reference="Goyal et al. (2017), Accurate, Large Minibatch SGD",
        torch="torch.optim.lr_scheduler.LinearLR",
        parameters={
            "start_factor": Parameter(1 / 3, GAMMA + " at first", low=0, high=1, open_low=True),
            "end_factor": Parameter(1.0, GAMMA + " at last", low=0, high=1),
            "total_iters": Parameter(
                5, "epochs of the line (none: all)", low=1, high=1e9, optional=True
            ),
        },
        function=linear,
        twin=_own_twin("linear"),
        scales=_always,
    ),
    "polynomial": Schedule(
        summary="Falls to zero along a power of the share that is left.",
        formula="lr (1 - min(epoch / total_iters, 1))^power",
        reference="Chen, Papandreou, Kokkinos, Murphy & Yuille (2018), DeepLab",
        torch="torch.optim.lr_scheduler.PolynomialLR",
        parameters={
            "total_iters": _length("epochs until zero (none: all)"),
            "power": Parameter(1.0, "power of the share left", low=0, high=100, open_low=True),
        },
        function=polynomial,
        twin=_own_twin("polynomial"),
        scales=_always,
    ),
    "cosine": Schedule(
        summary="Falls along half a cosine from the base rate to eta_min.",
        formula="eta_min + (lr - eta_min) (1 + cos(pi epoch / t_max)) / 2",
        reference="Loshchilov & Hutter (2017), SGDR: Stochastic Gradient Descent with Warm "
        "Restarts",
        torch="torch.optim.lr_scheduler.CosineAnnealingLR",
        parameters={
            "t_max": _length("epochs to the bottom (none: all of them)"),
            "eta_min": LOWEST,
        },
        function=cosine,
        twin=_own_twin("cosine"),
        scales=lambda total, t_max, eta_min: eta_min == 0 and (t_max or total) >= total,
    ),
    "cosine_restarts": Schedule(
        summary="The cosine again and again, each cycle t_mult times as long as the one before.",
        formula="eta_min + (lr - eta_min) (1 + cos(pi epoch in cycle / length of cycle)) / 2",
        reference="Loshchilov & Hutter (2017), SGDR: Stochastic Gradient Descent with Warm "
        "Restarts",
        torch="torch.optim.lr_scheduler.CosineAnnealingWarmRestarts",
        parameters={
            "t_0": Parameter(5, "epochs of the first cycle", low=1, high=1e9),
            "t_mult": Parameter(1, "growth of the cycles", low=1, high=1000),
            "eta_min": LOWEST,
        },
        function=cosine_restarts,
        twin=_own_twin("cosine_restarts"),
    ),
    "cyclic": Schedule(
        summary="Up and down in lines between two rates, step by step.",
        formula="base_lr + (max_lr - base_lr) triangle(step) height;  height: 1 (triangular), "
        "1 / 2^cycle (triangular2) or gamma^step (exp_range)",
        reference="Smith (2017), Cyclical Learning Rates for Training Neural Networks",
        torch="torch.optim.lr_scheduler.CyclicLR",
        parameters={
            "base_lr": Parameter(
                None, "lowest rate (none: a tenth of max_lr)", low=0, high=1e12, optional=True
            ),
            "max_lr": Parameter(
                None, "highest rate (none: the optimizer's lr)", low=0, high=1e12, optional=True
            ),
            "step_size_up": _length("steps up (none: an eighth of all)"),
            "step_size_down": _length("steps down (none: as up)"),
            "mode": Parameter(
                "triangular",
                "how cycles shrink",
                choices=("triangular", "triangular2", "exp_range"),
            ),
            "gamma": Parameter(
                1.0,
                "factor on the height each step (exp_range)",
                low=0,
                high=1,
                needs=(need(Term(".mode", value="exp_range")),),
            ),
        },
        function=cyclic,
        twin=_own_twin("cyclic"),
        unit="step",
    ),
    "onecycle": Schedule(
        summary="One rise to the base rate and one long fall far below where it began.",
        formula="lr / div_factor up to lr by step pct_start total - 1, then down to "
        "lr / (div_factor final_div_factor)",
        reference="Smith & Topin (2018), Super-Convergence: Very Fast Training of Neural Networks "
        "Using Large Learning Rates",
        torch="torch.optim.lr_scheduler.OneCycleLR",
        parameters={
            "pct_start": Parameter(
                0.3, "share of all steps in which the rate rises", low=0, high=1, open_high=True
            ),
            "anneal_strategy": Parameter(
                "cos", "half a cosine or a line", choices=("cos", "linear")
            ),
            "div_factor": Parameter(25.0, "highest rate over the first", low=1, high=1e12),
            "final_div_factor": Parameter(1e4, "first rate over the last", low=1e-12, high=1e12),
        },
        function=onecycle,
        twin=_own_twin("onecycle"),
        unit="step",
    ),
    "warmup_cosine": Schedule(
        summary="Up in a line for the first steps, then half a cosine down.",
        formula="lr (step + 1) / w up to step w = warmup total, then "
        "lr (f + (1 - f) (1 + cos(pi (step - w) / (total - w))) / 2), f = final_factor",
        reference="Goyal et al. (2017), Accurate, Large Minibatch SGD; Loshchilov & Hutter (2017)",
        parameters={"warmup": WARMUP, "final_factor": _share(0.0, GAMMA + " at the end")},
        function=warmup_cosine,
        twin=_own_twin("warmup_cosine"),
        unit="step",
    ),
    "inverse_sqrt": Schedule(
        summary="Up in a line for the first steps, then down with the root of the step.",
        formula="lr min((step + 1) / w, sqrt(w / (step + 1))), w = warmup total",
        reference="Vaswani et al. (2017), Attention Is All You Need",
        parameters={"warmup": WARMUP},
        function=inverse_sqrt,
        twin=_own_twin("inverse_sqrt"),
        unit="step",
    ),
    "wsd": Schedule(
        summary="Warm-up, stable, decay: up in a line, level, down in a line at the end.",
        formula="lr min((step + 1) / w, 1, f + (1 - f) (total - step) / d), "
        "w = warmup total, d = decay total, f = final_factor",
        reference="Hu et al. (2024), MiniCPM; Hägele et al. (2024), Scaling Laws and "
        "Compute-Optimal Training Beyond Fixed Training Durations",
        parameters={
            "warmup": WARMUP,
            "decay": _share(0.2, "share of all steps in which the rate falls"),
            "final_factor": _share(0.0, GAMMA + " at the end"),
        },
        function=wsd,
        twin=_own_twin("wsd"),
        unit="step",
    ),
    "plateau": Schedule(
        summary="Falls by a factor when the validation loss has stopped falling.",
        formula="lr <- max(factor lr, min_lr) after more than patience epochs without a new best",
        reference="PyTorch, torch.optim.lr_scheduler.ReduceLROnPlateau",
        torch="torch.optim.lr_scheduler.ReduceLROnPlateau",
        parameters={
            "factor": Parameter(0.1, GAMMA, low=0, high=1, open_high=True),
            "patience": Parameter(10, "epochs to wait", low=0, high=1e9),
            "threshold": Parameter(1e-4, "relative fall that counts", low=0, high=1),
            "cooldown": Parameter(0, "epochs to rest after a fall", low=0, high=1e9),
            "min_lr": LOWEST,
        },
        function=None,
        after_epoch=after_plateau,
        twin=_torch_twin("ReduceLROnPlateau"),
    ),
    "chained": Schedule(
        summary="Two or three schedules at once: their factors multiply.",
        formula="lr f1(epoch) f2(epoch) f3(epoch)",
        reference="PyTorch, torch.optim.lr_scheduler.ChainedScheduler",
        torch="torch.optim.lr_scheduler.ChainedScheduler",
        parameters=COMPOSED,
        function=chained,
        twin=_chained_twin,
    ),
    "sequential": Schedule(
        summary="Two or three schedules one after another, each beginning at the base rate.",
        formula="first(epoch) before milestone 1, second(epoch - milestone 1) from there on, ...",
        reference="PyTorch, torch.optim.lr_scheduler.SequentialLR",
        torch="torch.optim.lr_scheduler.SequentialLR",
        parameters=COMPOSED
        | {"milestones": Parameter((10,), "epochs at which the next begins", low=1, high=1e9)},
        function=sequential,
        twin=_sequential_twin,
    ),
}
