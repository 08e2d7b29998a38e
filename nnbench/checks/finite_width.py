"""Checks of how far networks of one law and of finite width stray from each other."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor
from torch.func import jvp

from nnbench import theory
from nnbench.checks.base import FIVE_PERCENT, Check, Settings, mean_and_error
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


def check_finite_width(settings: Settings) -> list[Check]:
    """Hold the spread between networks of one law against 5/n and 2/n a layer."""
    shallow = max(settings.width // 20, 2)
    checks = []
    for activation, init, name in (
        ("relu", "he_normal", "ReLU"),
        ("identity", "lecun_normal", "linear"),
    ):
        law = make_law(
            settings.width,
            depth=settings.depth,
            width=settings.width,
            activation=activation,
            init=init,
        )
        count = law.count()
        seen = measure(
            {"": law}, f"finite/{activation}", count, _ratios,
            x=(1, settings.width), u=(1, settings.width), v=(1, settings.width),
        )[""]  # fmt: skip
        checks += _spread_checks(settings, seen, activation, name, count, shallow)
    return checks


def _ratios(law: Law, params: Tensor, noise: dict[str, Tensor]) -> Statistics:
    """Each layer's squared length over the one before: of the signal, of a perturbation, back."""
    x, u = on_sphere(noise["x"], 1.0), on_sphere(noise["u"], 1.0)

    def acts(x: Tensor) -> Tensor:
        seen = run(law, params, x)
        return torch.stack([seen[f"act/{layer}"] for layer in range(law.program.depth)])

    forward, pushed = jvp(acts, (x,), (u,))[:2]
    slopes = by_layer(law, gradients(law, params, x, on_sphere(noise["v"], 1.0)), "pre")[:, 0]
    one = torch.ones(1, dtype=x.dtype)
    lengths = torch.cat([one, forward.square().mean(-1)[:, 0]])
    pushes = torch.cat([one, pushed.square().mean(-1)[:, 0]])
    return {
        "signal": lengths[1:] / lengths[:-1],
        "pushed": pushes[1:] / pushes[:-1],
        "back": slopes[0],
    }


def _spread_checks(
    settings: Settings, seen: Statistics, activation: str, name: str, count: int, shallow: int
) -> list[Check]:
    group, one_layer = "Finite width", theory.LAYER_VARIANCE[activation]
    make = partial(Check, group=group, networks=count)
    whole, error = mean_and_error(seen["signal"].prod(1))
    squared, squared_error = mean_and_error(seen["signal"][:, :shallow].prod(1).square())
    widths = [settings.width] * shallow
    predicted = theory.second_moment(activation, widths)
    checks = [
        make(f"{name}: E R after {settings.depth} layers", predicted=1.0, measured=whole,
             standard_error=error, rival=1.05**settings.depth, mistake=FIVE_PERCENT, law="E R = 1"),
        make(f"{name}: E R² after {shallow} layers of {settings.width}", predicted=predicted,
             measured=squared, standard_error=squared_error,
             rival=1.05 ** (2 * shallow) * predicted,
             mistake=FIVE_PERCENT, law=f"product of (1 + {one_layer:g}/n)"),
    ]  # fmt: skip
    for kind, title in (("signal", "signal"), ("pushed", "Jacobian-vector product")):
        deviations = settings.width * (seen[kind] - 1).square().mean(1)
        spread, spread_error = mean_and_error(deviations)
        checks.append(
            make(f"{name}: n Var r of one layer, {title}", predicted=one_layer, measured=spread,
                 standard_error=spread_error, rival=one_layer - 1,
                 mistake="a variance one too small", law=f"Var r = {one_layer:g}/n")
        )  # fmt: skip
    half = 0.5 if activation == "relu" else 1.0
    back, back_error = mean_and_error(seen["back"] / half)
    checks.append(
        make(f"{name}: mean of the backward product", predicted=1.0, measured=back,
             standard_error=back_error, rival=1.05 ** (settings.depth - 1), mistake=FIVE_PERCENT,
             law="E R = 1, backward too")
    )  # fmt: skip
    return checks
