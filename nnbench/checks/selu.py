"""Checks of SELU: its fixed point, the pull towards it, and what its gradients do there."""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor

from nnbench import theory
from nnbench.checks.base import FIVE_PERCENT, Check, Settings, growth_and_error, mean_and_error
from nnbench.checks.mean_field import INPUTS
from nnbench.checks.nets import (
    Law,
    Statistics,
    by_layer,
    gradients,
    make_law,
    measure,
    on_sphere,
    run,
)

ELU_MEAN = 0.1605  # E elu(z)


def check_selu(settings: Settings) -> list[Check]:
    """Hold SELU's fixed point, its pull towards it, and its gradients' growth."""
    depth, width = settings.depth, settings.width
    law = make_law(width, depth=depth, width=width, activation="selu", init="lecun_normal")
    count = law.count()
    shape = (INPUTS, width)
    found = measure({"": law}, "selu", count, _selu_signals, x=shape, v=shape)[""]
    half = depth // 2
    mean, mean_error = mean_and_error(found["mean"][:, half:].mean(1))
    square, square_error = mean_and_error(found["square"][:, half:].mean(1))
    pulls, pull_error = mean_and_error(found["pull"].mean(1))
    growth, growth_error = growth_and_error(
        found["gradient"][:, -1], found["gradient"][:, 0], depth - 1
    )
    make = partial(Check, group="SELU", networks=count)
    slope = theory.SELU_CONTRACTION
    return [
        make("SELU: mean of activations", predicted=0.0, measured=mean, standard_error=mean_error,
             rival=ELU_MEAN, mistake="ELU without SELU's constants", law="(0, 1) is a fixed point",
             allowance=1 / width, allows="1/n"),
        make("SELU: variance of activations", predicted=1.0, measured=square,
             standard_error=square_error, rival=1 + 0.05 / (1 - slope), mistake=FIVE_PERCENT,
             law="(0, 1) is a fixed point",
             allowance=4 / width, allows="4/n"),
        make("SELU: factor of a variance error, one layer", predicted=slope, measured=pulls,
             standard_error=pull_error, rival=1.05 * slope, mistake=FIVE_PERCENT,
             law="derivative of the variance map", allowance=1 / width, allows="1/n"),
        make("SELU: growth of squared gradients", predicted=theory.selu_gradient_growth(),
             measured=growth, standard_error=growth_error, rival=1.0,
             mistake="gradients taken to keep their size", law="E selu'²",
             allowance=1 / width, allows="1/n"),
    ]  # fmt: skip


def _selu_signals(law: Law, params: Tensor, noise: dict[str, Tensor]) -> Statistics:
    x = on_sphere(noise["x"], 1.0)
    step = 1e-3
    seen = run(law, params, x)
    above = by_layer(law, run(law, params, x * math.sqrt(1 + step)), "act")
    below = by_layer(law, run(law, params, x * math.sqrt(1 - step)), "act")
    errors = torch.cat([torch.full((1,), 2 * step, dtype=x.dtype), (above - below).mean(1)])
    layers = range(law.program.depth)
    slopes = by_layer(law, gradients(law, params, x, on_sphere(noise["v"], 1.0)), "pre")
    return {
        "mean": torch.stack([seen[f"act/{layer}"].mean() for layer in layers]),
        "square": by_layer(law, seen, "act").mean(1),
        "pull": errors[1:4] / errors[:3],
        "gradient": slopes.mean(1),
    }
