"""Checks of how far networks of one law and of finite width stray from each other."""

from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.func import jvp

from nnbench.theory import laws
from nnbench.theory.checks.base import FIVE_PERCENT, Check, Settings, mean_and_error
from nnbench.theory.checks.nets import Law, Statistics, law_of, make_law, on_sphere

NARROW, LAYERS, NETWORKS = 32, 4, 10_000
GROUP = "Finite width"


def check_finite_width(settings: Settings) -> list[Check]:
    """Hold the mean and the spread of networks of one law against E R = 1, 5/n and 2/n a layer.

    The mean at the settings' size; the spread where it is large, so that few layers show it and
    many networks can be had.
    """
    checks = []
    for activation, init, name in (
        ("relu", "he_normal", "ReLU"),
        ("identity", "lecun_normal", "linear"),
    ):
        grid = {"activation": activation, "init": init}
        checks += _mean_checks(settings, grid, name)
        checks += _spread_checks(grid, name)
    return checks


def _mean_checks(settings: Settings, grid: dict[str, Any], name: str) -> list[Check]:
    width, depth = settings.width, settings.depth
    law = law_of(settings, **grid)
    count = law.count()
    purpose, shape = f"finite/{law.program.activation}", (1, width)
    seen = law.measured(purpose, count, _both_ways, x=shape, v=shape)
    make = partial(Check, group=GROUP, networks=count, predicted=1.0, mistake=FIVE_PERCENT)
    whole, error = mean_and_error(seen["signal"])
    back, back_error = mean_and_error(seen["back"] / (0.5 if name == "ReLU" else 1.0))
    return [
        make(f"{name}, {depth} layers: mean ratio of output to input norm²", measured=whole,
             standard_error=error, rival=1.05**depth, law="E R = 1 for the ratio R"),
        make(f"{name}: mean of the backward product", measured=back, standard_error=back_error,
             rival=1.05 ** (depth - 1), law="E R = 1, backward too"),
    ]  # fmt: skip


def _both_ways(law: Law, params: Tensor, noise: dict[str, Tensor]) -> Statistics:
    """The mean square of the last layer over the input's, and that of the gradient coming back."""
    x = on_sphere(noise["x"], 1.0)
    slopes = law.by_layer(law.gradients(params, x, on_sphere(noise["v"], 1.0)), "pre")
    return {"signal": law.by_layer(law.run(params, x), "act")[-1, 0], "back": slopes[0, 0]}


def _ratios(law: Law, params: Tensor, noise: dict[str, Tensor]) -> Statistics:
    """Each layer's squared length over the one before: of the signal, and of a perturbation."""
    x, u = on_sphere(noise["x"], 1.0), on_sphere(noise["u"], 1.0)

    def acts(x: Tensor) -> Tensor:
        seen = law.run(params, x)
        return torch.stack([seen[f"act/{layer}"] for layer in range(law.program.depth)])

    forward, pushed = jvp(acts, (x,), (u,))[:2]
    one = torch.ones(1, dtype=x.dtype)
    lengths = torch.cat([one, forward.square().mean(-1)[:, 0]])
    pushes = torch.cat([one, pushed.square().mean(-1)[:, 0]])
    return {
        "signal": lengths[1:] / lengths[:-1],
        "pushed": pushes[1:] / pushes[:-1],
    }


def _spread_checks(grid: dict[str, Any], name: str) -> list[Check]:
    law = make_law(NARROW, depth=LAYERS, width=NARROW, **grid)
    one_layer = laws.LAYER_VARIANCE[grid["activation"]]
    shape = (1, NARROW)
    seen = law.measured(f"finite/narrow/{name}", NETWORKS, _ratios, x=shape, u=shape)
    make = partial(Check, group=GROUP, networks=NETWORKS)
    squared, error = mean_and_error(seen["signal"].prod(1).square())
    other = {"ReLU": 2.0, "linear": 5.0}[name]
    wrong = "the linear network's 2/n" if name == "ReLU" else "ReLU's 5/n"
    checks = [
        make(f"{name}, {LAYERS} layers of {NARROW}: mean square of that ratio",
             predicted=laws.second_moment(grid["activation"], [NARROW] * LAYERS),
             measured=squared, standard_error=error, rival=(1 + other / NARROW) ** LAYERS,
             mistake=wrong, law=f"product of (1 + {one_layer:g}/n)")
    ]  # fmt: skip
    for kind, title in (("signal", "signal"), ("pushed", "Jacobian-vector product")):
        spread, error = mean_and_error(NARROW * (seen[kind] - 1).square().mean(1))
        checks.append(
            make(f"{name}: n Var r of one layer, {title}", predicted=one_layer, measured=spread,
                 standard_error=error, rival=one_layer - 1,
                 mistake="a variance one too small", law=f"Var r = {one_layer:g}/n")
        )  # fmt: skip
    return checks
