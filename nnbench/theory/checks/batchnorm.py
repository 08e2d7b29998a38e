"""Checks of batch normalisation: how gradients grow through it, and what it does not see."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from nnbench.theory import laws
from nnbench.theory.checks.base import Check, Settings, growth_and_error
from nnbench.theory.checks.nets import Law, Statistics, law_of, make_law, pulled
from nnbench.training.stacked.network import flatten, unflatten

BATCHES = (8, 16, 32, 64, 128, 256)
UNITS = 48_000  # normalised units that a batch size is measured on
UNITS_AN_EXAMPLE = 480  # more for large batches, whose growths differ by less
NORM = {"name": "batchnorm", "eps": 1e-12}  # the law has no eps
GROUP = "Batch normalisation"


def check_batchnorm(settings: Settings) -> list[Check]:
    """Hold gradients through BatchNorm against the growth that Yang et al. predict.

    At the batch sizes of the literature, and at the settings' own.
    """
    checks = []
    found: dict[tuple[str, int], tuple[float, float]] = {}
    for activation, title, law, formula in (
        ("relu", "ReLU", laws.batchnorm_relu_growth, "closed form, to pi / (pi - 1)"),
        ("identity", "linear", laws.batchnorm_linear_growth, "(B - 2) / (B - 3)"),
    ):
        for batch in sorted({*BATCHES, settings.batch}):
            growth, error = found[activation, batch] = _one_layer(settings, batch, activation)
            checks.append(
                Check(f"BatchNorm, {title}, batch of {batch}: growth of squared gradients", GROUP,
                      law(batch), growth, error, law(batch / 2), "half the batch", formula,
                      detail={"figure": "batchnorm", "batch": batch, "activation": activation})
            )  # fmt: skip
    half, full = BATCHES[-2:]
    (at_half, half_error), (at_full, full_error) = found["relu", half], found["relu", full]
    # the limit, up to terms of order 1/B^2
    limit, error = 2 * at_full - at_half, math.hypot(2 * full_error, half_error)
    law = laws.batchnorm_relu_growth
    beyond = 2 * law(full) - law(half) - law(math.inf)
    leak = 0.1
    squares, mean = (1 + leak**2) / 2, (1 - leak) / math.sqrt(2 * math.pi)
    checks.append(
        Check(f"BatchNorm, ReLU, infinite batch (from {half} and {full})", GROUP,
              laws.batchnorm_relu_growth(math.inf), limit, error, squares / (squares - mean**2),
              "a slope of 0.1 below zero", "pi / (pi - 1)",
              allowance=abs(beyond), allows="what the law itself has beyond 1/B")
    )  # fmt: skip
    return [*checks, _deep(settings), *_scale_invariance(settings)]


def _one_layer(settings: Settings, batch: int, activation: str) -> tuple[float, float]:
    """Return the growth through one layer, and its standard error.

    The inputs are orthogonal, so that a unit's batch is isotropic at any width, as at the fixed
    point of wide layers; the weights' gradient is then the pre-activations', to a factor. A layer
    divides by the spread that the layer before it left, so that the growth is the gradient's
    mean square times that spread.
    """
    law = make_law(
        batch, depth=1, width=settings.width, activation=activation, init="lecun_normal",
        norm=NORM,
    )  # fmt: skip
    count = max(UNITS, UNITS_AN_EXAMPLE * batch) // settings.width
    seen = law.measured(f"batchnorm/{batch}", count, _through, v=(batch, settings.width))
    gradient, spread = seen["gradient"], seen["spread"]
    growth = float(gradient.mean() / spread.mean())
    influence = gradient / gradient.mean() - spread / spread.mean()
    return growth, growth * float(influence.std()) / math.sqrt(count)


def _through(law: Law, params: Tensor, noise: dict[str, Tensor]) -> Statistics:
    batch = law.program.n_features
    x = math.sqrt(batch) * torch.eye(batch, dtype=params.dtype)
    cotangent = noise["v"] - noise["v"].mean(0)  # what a normalised layer above sends down

    act, pull = pulled(*_first_output(law, params, x))
    gradient = pull(cotangent)
    centred = act - act.mean(0)
    return {
        # per example and unit, in units of the cotangent's (1 - 1/B); x has mean square 1
        "gradient": gradient.square().sum(1).mean() / batch / (batch - 1),
        "spread": centred.square().sum(0).mean() / (batch - 1),
    }


def _first_output(law: Law, params: Tensor, x: Tensor) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    """The first layer's outputs as a function of its weight, and the weight that it has."""
    parts = unflatten(law.program, params)
    return (
        lambda weight: law.run(flatten(parts | {"0.weight": weight}), x)["act/0"],
        parts["0.weight"],
    )


def _deep(settings: Settings) -> Check:
    """Many layers at a batch of 8, with weights of another size: the growth is the same."""
    batch, depth = 8, settings.depth
    law = law_of(settings, "relu", {"name": "he_normal", "gain": 3.0}, norm=NORM)
    count = law.count()
    shape = (batch, settings.width)

    def statistic(law: Law, params: Tensor, noise: dict[str, Tensor]) -> Statistics:
        found = law.gradients(params, noise["x"], noise["v"])
        return {"gradient": law.by_layer(found, "pre").mean(1)}

    g = law.measured("batchnorm/deep", count, statistic, x=shape, v=shape)["gradient"]
    # two layers at either end are not yet at the fixed point
    growth, error = growth_and_error(g[:, -3], g[:, 1], depth - 4)
    predicted = laws.batchnorm_relu_growth(batch)
    return Check(
        f"BatchNorm, ReLU, batch of {batch}, {depth} layers, sw2 = 18",
        GROUP,
        predicted,
        growth,
        error,
        laws.batchnorm_relu_growth(batch / 2),
        "half the batch",
        "closed form, at any sw2",
        allowance=2 * predicted / settings.width,
        allows="2/n of infinite width",
        networks=count,
    )


def _scale_invariance(settings: Settings) -> list[Check]:
    """BN(aWx) = BN(Wx), and its gradient scales by 1/a."""
    scale = 10.0
    law = law_of(settings, "relu", "lecun_normal", depth=1, norm=NORM)
    shape = (settings.batch, settings.width)

    def statistic(law: Law, params: Tensor, noise: dict[str, Tensor]) -> Statistics:
        output, weight = _first_output(law, params, noise["x"])
        act, pull = pulled(output, weight)
        scaled, scaled_pull = pulled(output, scale * weight)
        sizes = [torch.linalg.vector_norm(each(noise["v"])) for each in (scaled_pull, pull)]
        return {"output": (scaled - act).abs().max(), "gradient": sizes[0] / sizes[1]}

    seen = law.measured("batchnorm/scale", 4, statistic, x=shape, v=shape)
    return [
        Check("BN(aWx) - BN(Wx), largest, a = 10", GROUP, 0.0, float(seen["output"].max()), 0.0,
              1.0, "an output that scales", "BN(aWx) = BN(Wx)", networks=4,
              allowance=1e-8, allows="rounding"),
        Check("gradient of BN(aWx) over that of BN(Wx), a = 10", GROUP, 1 / scale,
              float(seen["gradient"].mean()), 0.0, 1.0, "a gradient that does not scale", "1 / a",
              networks=4, allowance=1e-8, allows="rounding"),
    ]  # fmt: skip
