"""Schedules that change the rate after an epoch."""

import numpy as np

from nnbench.catalog.formulas import Of
from nnbench.catalog.schedules.base import (
    GAMMA,
    LOWEST,
    Counts,
    Rates,
    Schedule,
    always,
    length_parameter,
)
from nnbench.catalog.twin import Twin
from nnbench.catalog.works import GOYAL, HE_RESIDUAL, SGDR
from nnbench.study.vocabulary import Parameter, Term, need


def none(count: Counts, lr: float, total: int) -> Rates:
    """The base rate throughout."""
    return np.full(count.shape, lr)


def constant_lr(count: Counts, lr: float, total: int, factor: float, total_iters: int) -> Rates:
    """factor lr before epoch total_iters, lr from there on."""
    return np.where(count < total_iters, lr * factor, lr)


def step(count: Counts, lr: float, total: int, step_size: int, gamma: float) -> Rates:
    """lr gamma^floor(epoch / step_size)."""
    return np.asarray(lr * gamma ** (count // step_size), dtype=np.float64)


def multistep(
    count: Counts, lr: float, total: int, milestones: tuple[int, ...], gamma: float
) -> Rates:
    """lr gamma^(milestones reached)."""
    reached = (count[:, None] >= np.asarray(milestones)).sum(1)
    return np.asarray(lr * gamma**reached, dtype=np.float64)


def exponential(count: Counts, lr: float, total: int, gamma: float) -> Rates:
    """lr gamma^epoch."""
    return np.asarray(lr * gamma**count, dtype=np.float64)


def linear(
    count: Counts,
    lr: float,
    total: int,
    start_factor: float,
    end_factor: float,
    total_iters: int | None,
) -> Rates:
    """lr times a factor that goes in a line from start_factor to end_factor, and stays there."""
    share = np.minimum(count / (total_iters or max(total, 1)), 1.0)
    return lr * (start_factor + (end_factor - start_factor) * share)


def polynomial(
    count: Counts, lr: float, total: int, total_iters: int | None, power: float
) -> Rates:
    """lr (1 - epoch / total_iters)^power, 0 from there on."""
    share = np.minimum(count / (total_iters or max(total, 1)), 1.0)
    return np.asarray(lr * (1 - share) ** power, dtype=np.float64)


def cosine(count: Counts, lr: float, total: int, t_max: int | None, eta_min: float) -> Rates:
    """eta_min + (lr - eta_min) (1 + cos(pi epoch / t_max)) / 2; t_max defaults to all epochs."""
    return eta_min + (lr - eta_min) * (1 + np.cos(np.pi * count / (t_max or max(total, 1)))) / 2


def cosine_restarts(
    count: Counts, lr: float, total: int, t_0: int, t_mult: int, eta_min: float
) -> Rates:
    """The cosine, begun anew after each cycle; a cycle is t_mult times as long as the last."""
    starts, length = [0], t_0
    while starts[-1] + length <= count.max(initial=0):
        starts.append(starts[-1] + length)
        length *= t_mult
    cycle = np.searchsorted(starts, count, side="right") - 1
    share = (count - np.asarray(starts)[cycle]) / (t_0 * float(t_mult) ** cycle)
    return eta_min + (lr - eta_min) * (1 + np.cos(np.pi * share)) / 2


BY_EPOCH: dict[str, Schedule] = {
    "none": Schedule(
        summary="The same learning rate throughout.",
        formula="lr",
        reference="PyTorch, torch.optim.lr_scheduler.ConstantLR",
        function=none,
        twin=Twin("torch.optim.lr_scheduler.ConstantLR", factor=1.0, total_iters=0),
        scales=always,
    ),
    "constant_lr": Schedule(
        summary="A smaller constant rate for the first epochs, then the base rate.",
        formula="factor lr before epoch total_iters, then lr",
        reference="PyTorch, torch.optim.lr_scheduler.ConstantLR",
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
        twin=Twin("torch.optim.lr_scheduler.ConstantLR"),
        scales=always,
    ),
    "step": Schedule(
        summary="Falls by a factor every few epochs.",
        formula="lr gamma^floor(epoch / step_size)",
        reference=HE_RESIDUAL,
        parameters={
            "step_size": Parameter(10, "epochs between two falls", low=1, high=1e9),
            "gamma": Parameter(0.1, GAMMA, low=0, high=10),
        },
        function=step,
        twin=Twin("torch.optim.lr_scheduler.StepLR"),
        scales=always,
    ),
    "multistep": Schedule(
        summary="Falls by a factor at given epochs.",
        formula="lr gamma^(milestones reached)",
        reference=HE_RESIDUAL,
        parameters={
            "milestones": Parameter((10, 15), "epochs of the falls", low=0, high=1e9),
            "gamma": Parameter(0.1, GAMMA, low=0, high=10),
        },
        function=multistep,
        twin=Twin("torch.optim.lr_scheduler.MultiStepLR", milestones=Of("list(milestones)")),
        scales=always,
    ),
    "exponential": Schedule(
        summary="Falls by the same factor every epoch.",
        formula="lr gamma^epoch",
        reference="PyTorch, torch.optim.lr_scheduler.ExponentialLR",
        parameters={"gamma": Parameter(0.95, GAMMA + " each epoch", low=0, high=10)},
        function=exponential,
        twin=Twin("torch.optim.lr_scheduler.ExponentialLR"),
        scales=always,
    ),
    "linear": Schedule(
        summary="Linear from one factor to another, then constant: by default a warm-up.",
        formula="lr (start_factor + (end_factor - start_factor) min(epoch / total_iters, 1))",
        reference=GOYAL,
        parameters={
            "start_factor": Parameter(1 / 3, GAMMA + " at first", low=0, high=1, open_low=True),
            "end_factor": Parameter(1.0, GAMMA + " at last", low=0, high=1),
            "total_iters": Parameter(
                5, "epochs of the line (none: all)", low=1, high=1e9, optional=True
            ),
        },
        function=linear,
        twin=Twin(
            "torch.optim.lr_scheduler.LinearLR", total_iters=Of("total_iters or max(total, 1)")
        ),
        scales=always,
    ),
    "polynomial": Schedule(
        summary="Falls to zero along a power of the share that is left (0.9 in the paper).",
        formula="lr (1 - min(epoch / total_iters, 1))^power",
        reference="Chen, Papandreou, Kokkinos, Murphy & Yuille (2018), DeepLab, arXiv:1606.00915",
        parameters={
            "total_iters": length_parameter("epochs until zero (none: all)"),
            "power": Parameter(1.0, "power of the share left", low=0, high=100, open_low=True),
        },
        function=polynomial,
        twin=Twin(
            "torch.optim.lr_scheduler.PolynomialLR", total_iters=Of("total_iters or max(total, 1)")
        ),
        scales=always,
    ),
    "cosine": Schedule(
        summary="Falls along half a cosine from the base rate to eta_min.",
        formula="eta_min + (lr - eta_min) (1 + cos(pi epoch / t_max)) / 2",
        reference=SGDR,
        parameters={
            "t_max": length_parameter("epochs to the bottom (none: all of them)"),
            "eta_min": LOWEST,
        },
        function=cosine,
        twin=Twin("torch.optim.lr_scheduler.CosineAnnealingLR", T_max=Of("t_max or max(total, 1)")),
        scales=lambda total, t_max, eta_min: eta_min == 0 and (t_max or total) >= total,
    ),
    "cosine_restarts": Schedule(
        summary="The cosine again and again, each cycle t_mult times as long as the one before.",
        formula="eta_min + (lr - eta_min) (1 + cos(pi epoch in cycle / length of cycle)) / 2",
        reference=SGDR,
        parameters={
            "t_0": Parameter(5, "epochs of the first cycle", low=1, high=1e9),
            "t_mult": Parameter(1, "growth of the cycles", low=1, high=1000),
            "eta_min": LOWEST,
        },
        function=cosine_restarts,
        twin=Twin(
            "torch.optim.lr_scheduler.CosineAnnealingWarmRestarts",
            T_0=Of("t_0"),
            T_mult=Of("t_mult"),
        ),
    ),
}
