"""Checks of batch normalisation: how gradients grow through it, and what it does not see."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from nnbench import theory
from nnbench.checks.base import Check, Settings, growth_and_error
from nnbench.checks.nets import (
    Law,
    Statistics,
    by_layer,
    gradients,
    make_law,
    measure,
    pulled,
    run,
)
from nnbench.engine.network import flatten, unflatten

BATCHES = (8, 16, 32, 64, 128, 256)
UNITS = 48_000  # normalised units that each batch size is measured on
TINY_EPS = 1e-12  # the law has none
GROUP = "Batch normalisation"


def check_batchnorm(settings: Settings) -> list[Check]:
    """Hold gradients through BatchNorm against the growth that Yang et al. predict."""
    checks = []
    found: dict[int, tuple[float, float]] = {}
    for batch in BATCHES:
        found[batch] = _one_layer(settings, batch, "relu")
        predicted = theory.batchnorm_relu_growth(batch)
        checks.append(
            _growth_check(f"BatchNorm, ReLU, batch of {batch}", predicted, found[batch],
                          theory.batchnorm_relu_growth(batch / 2) if batch > 8 else 1.46694,
                          "half the batch" if batch > 8 else "a large batch's growth",
                          {"figure": "batchnorm", "batch": batch, "activation": "relu"})
        )  # fmt: skip
    for batch in (8, 16):
        rival = (batch - 2) / (batch - 1)
        checks.append(
            _growth_check(f"BatchNorm, linear, batch of {batch}",
                          theory.batchnorm_linear_growth(batch),
                          _one_layer(settings, batch, "identity"),
                          rival, "(B - 2) / (B - 1)",
                          {"figure": "batchnorm", "batch": batch, "activation": "identity"})
        )  # fmt: skip
    limit, error = _extrapolated(found)
    checks.append(
        Check("BatchNorm, ReLU, infinite batch (from 128 and 256)", GROUP,
              theory.batchnorm_relu_growth(math.inf), limit, error, 1.5, "the limit 3/2",
              "pi / (pi - 1)", allowance=0.001, allows="terms of order 1/B²")
    )  # fmt: skip
    return [*checks, _deep(settings), *_scale_invariance(settings)]


def _growth_check(
    name: str,
    predicted: float,
    measured: tuple[float, float],
    rival: float,
    mistake: str,
    detail: dict[str, object],
) -> Check:
    law = "(B - 2) / (B - 3)" if "linear" in name else "closed form, to pi / (pi - 1)"
    growth, error = measured
    return Check(
        f"{name}: growth of squared gradients",
        GROUP,
        predicted,
        growth,
        error,
        rival,
        mistake,
        law,
        detail=detail,
    )


def _one_layer(settings: Settings, batch: int, activation: str) -> tuple[float, float]:
    """Return the growth through one layer, and its standard error.

    The inputs are orthogonal, so that a unit's batch is isotropic at any width, as at the fixed
    point of wide layers; the weights' gradient is then the pre-activations', to a factor. A layer
    divides by the spread that the layer before it left, so that the growth is the gradient's
    mean square times that spread.
    """
    law = make_law(
        batch, depth=1, width=settings.width, activation=activation, init="lecun_normal",
        norm={"name": "batchnorm", "eps": TINY_EPS},
    )  # fmt: skip
    count = max(UNITS // settings.width, 32)
    seen = measure(
        {"": law}, f"batchnorm/{batch}", count, _through, v=(batch, settings.width)
    )[""]  # fmt: skip
    gradient, spread = seen["gradient"], seen["spread"]
    growth = float(gradient.mean() / spread.mean())
    influence = gradient / gradient.mean() - spread / spread.mean()
    return growth, growth * float(influence.std()) / math.sqrt(count)


def _through(law: Law, params: Tensor, noise: dict[str, Tensor]) -> Statistics:
    batch = law.program.n_features
    x = math.sqrt(batch) * torch.eye(batch, dtype=params.dtype)
    cotangent = noise["v"] - noise["v"].mean(0)  # what a normalised layer above sends down

    def output(weight: Tensor) -> Tensor:
        changed = flatten(unflatten(law.program, params) | {"0.weight": weight})
        return run(law, changed, x)["act/0"]

    act, pull = pulled(output, unflatten(law.program, params)["0.weight"])
    gradient = pull(cotangent)
    centred = act - act.mean(0)
    return {
        # per example and unit, in units of the cotangent's (1 - 1/B); x has mean square 1
        "gradient": gradient.square().sum(1).mean() / batch / (batch - 1),
        "spread": centred.square().sum(0).mean() / (batch - 1),
    }


def _extrapolated(found: dict[int, tuple[float, float]]) -> tuple[float, float]:
    """Return 2 g(256) - g(128): the limit, up to terms of order 1/B^2."""
    (half, half_error), (full, full_error) = found[128], found[256]
    return 2 * full - half, math.hypot(2 * full_error, half_error)


def _deep(settings: Settings) -> Check:
    """Many layers at a batch of 8, with weights of another size: the growth is the same."""
    batch, depth = 8, settings.depth
    law = make_law(
        settings.width, depth=depth, width=settings.width, activation="relu",
        init={"name": "he_normal", "gain": 3.0}, norm={"name": "batchnorm", "eps": TINY_EPS},
    )  # fmt: skip
    count = law.count()
    shape = (batch, settings.width)

    def statistic(law: Law, params: Tensor, noise: dict[str, Tensor]) -> Statistics:
        found = gradients(law, params, noise["x"], noise["v"])
        return {"gradient": by_layer(law, found, "pre").mean(1)}

    g = measure({"": law}, "batchnorm/deep", count, statistic, x=shape, v=shape)[""]["gradient"]
    # two layers at either end are not yet at the fixed point
    growth, error = growth_and_error(g[:, -3], g[:, 1], depth - 4)
    predicted = theory.batchnorm_relu_growth(batch)
    return Check(
        f"BatchNorm, ReLU, batch of {batch}, {depth} layers, sw2 = 18",
        GROUP,
        predicted,
        growth,
        error,
        theory.batchnorm_relu_growth(math.inf),
        "a large batch's growth",
        "closed form, at any sw2",
        allowance=2 * predicted / settings.width,
        allows="2/n of infinite width",
        networks=count,
    )


def _scale_invariance(settings: Settings) -> list[Check]:
    """BN(aWx) = BN(Wx), and its gradient scales by 1/a."""
    scale = 10.0
    law = make_law(
        settings.width, depth=1, width=settings.width, activation="relu", init="lecun_normal",
        norm={"name": "batchnorm", "eps": TINY_EPS},
    )  # fmt: skip
    shape = (settings.batch, settings.width)

    def statistic(law: Law, params: Tensor, noise: dict[str, Tensor]) -> Statistics:
        def output(weight: Tensor) -> Tensor:
            changed = flatten(unflatten(law.program, params) | {"0.weight": weight})
            return run(law, changed, noise["x"])["act/0"]

        weight = unflatten(law.program, params)["0.weight"]
        act, pull = pulled(output, weight)
        scaled, scaled_pull = pulled(output, scale * weight)
        sizes = [torch.linalg.vector_norm(each(noise["v"])) for each in (scaled_pull, pull)]
        return {"output": (scaled - act).abs().max(), "gradient": sizes[0] / sizes[1]}

    seen = measure({"": law}, "batchnorm/scale", 4, statistic, x=shape, v=shape)[""]
    return [
        Check("BN(aWx) - BN(Wx), largest, a = 10", GROUP, 0.0, float(seen["output"].max()), 0.0,
              1.0, "an output that scales", "BN(aWx) = BN(Wx)", networks=4,
              allowance=1e-8, allows="rounding"),
        Check("gradient of BN(aWx) over that of BN(Wx), a = 10", GROUP, 1 / scale,
              float(seen["gradient"].mean()), 0.0, 1.0, "a gradient that does not scale", "1 / a",
              networks=4, allowance=1e-8, allows="rounding"),
    ]  # fmt: skip
