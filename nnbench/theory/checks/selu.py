"""Checks of SELU: its fixed point, the pull towards it, and what its gradients do there."""

import math
from functools import partial

import torch
from torch import Tensor

from nnbench.catalog.meanfield import Critical, mean_field
from nnbench.theory import laws
from nnbench.theory.checks.base import (
    FIVE_PERCENT,
    QUARTER,
    Check,
    Settings,
    growth_and_error,
    mean_and_error,
)
from nnbench.theory.checks.mean_field import (
    FIRST_ORDER,
    HIGHER_ORDERS,
    INPUTS,
    expected,
    mean_growth,
)
from nnbench.theory.checks.nets import Law, Statistics, law_of, on_sphere
from nnbench.theory.corrections import finite_width

ELU_MEAN = 0.1605  # E elu(z)
STEP = 1e-3  # of the variance, to either side


def check_selu(settings: Settings) -> list[Check]:
    """Hold SELU's fixed point, its pull towards it, and its gradients' growth."""
    depth, width = settings.depth, settings.width
    law = law_of(settings, "selu", "lecun_normal")
    count = law.count()
    shape = (INPUTS, width)
    found = law.measured("selu", count, _selu_signals, x=shape, v=shape)
    half = depth // 2
    mean, mean_error = mean_and_error(found["mean"][:, half:].mean(1))
    square, square_error = mean_and_error(found["square"][:, half:].mean(1))
    pulls, pull_error = mean_and_error(found["pull"])
    growth, growth_error = growth_and_error(
        found["gradient"][:, -1], found["gradient"][:, 0], depth - 1
    )
    make = partial(Check, group="SELU", networks=count)
    field, point = mean_field("selu"), Critical(1.0, 0.0, 1.0)
    # of the acts' mean square, as networks of this width have it
    wrong_qs = finite_width(field, 1.05, 0.0, 1.05, depth + 1, width).q[half + 1 :]
    wrong_growth = mean_growth(expected(field, point, depth, 1.25)[1])
    finite = finite_width(field, 1.0, 0.0, 1.0, depth + 1, width)
    acts = finite_width(field, 1.0, 0.0, 1.0, depth, width)
    shifts = [laws.selu_mean_shift(b, v) for b, v in zip(acts.shift, acts.variance, strict=True)][
        half:
    ]
    predicted_mean, order = sum(shifts) / len(shifts), depth / width
    squares = finite.q[half + 1 :]  # a layer's mean square is the next one's q
    predicted_square = sum(squares) / len(squares)
    low, high = field.second_moment([1.05 * (1 - STEP), 1.05 * (1 + STEP)])
    return [
        make("SELU: mean of activations", predicted=predicted_mean, measured=mean,
             standard_error=mean_error, rival=ELU_MEAN, mistake="ELU without SELU's constants",
             law=f"(0, 1) is a fixed point, {FIRST_ORDER}",
             allowance=abs(predicted_mean) * order, allows=HIGHER_ORDERS),
        make("SELU: variance of activations", predicted=predicted_square, measured=square,
             standard_error=square_error, rival=sum(wrong_qs) / 1.05 / len(wrong_qs),
             mistake=FIVE_PERCENT, law=f"(0, 1) is a fixed point, {FIRST_ORDER}",
             allowance=finite.q_beyond(half + 1), allows=HIGHER_ORDERS),
        make("SELU: factor of a variance error, one layer", predicted=laws.SELU_CONTRACTION,
             measured=pulls, standard_error=pull_error, rival=float(high - low) / (2 * STEP),
             mistake=FIVE_PERCENT, law="derivative of the variance map"),
        make("SELU: growth of squared gradients",
             predicted=laws.selu_gradient_growth() * acts.growth / acts.wide, measured=growth,
             standard_error=growth_error, rival=wrong_growth, mistake=QUARTER,
             law=f"E selu'², {FIRST_ORDER}", allowance=acts.growth_beyond,
             allows=HIGHER_ORDERS),
    ]  # fmt: skip


def _selu_signals(law: Law, params: Tensor, noise: dict[str, Tensor]) -> Statistics:
    x = on_sphere(noise["x"], 1.0)
    seen = law.run(params, x)
    # of the first layer, whose inputs have their length exactly: the law holds at any width
    high, low = (law.run(params, x * math.sqrt(1 + step))["act/0"] for step in (STEP, -STEP))
    layers = range(law.program.depth)
    slopes = law.by_layer(law.gradients(params, x, on_sphere(noise["v"], 1.0)), "pre")
    return {
        "mean": torch.stack([seen[f"act/{layer}"].mean() for layer in layers]),
        "square": law.by_layer(seen, "act").mean(1),
        "pull": (high.square() - low.square()).mean() / (2 * STEP),
        "gradient": slopes.mean(1),
    }
