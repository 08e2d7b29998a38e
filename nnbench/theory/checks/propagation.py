"""Checks of plain networks: variances, gradients and correlations, layer by layer."""

import math
from functools import partial

import torch
from torch import Tensor

from nnbench.theory import laws as theory
from nnbench.theory.checks.base import (
    FIVE_PERCENT,
    Check,
    Settings,
    growth_and_error,
    mean_and_error,
)
from nnbench.theory.checks.nets import (
    Law,
    Statistics,
    law_of,
    make_law,
    measure,
    on_sphere,
)

FEATURES = 8  # of one layer's inputs: its law is the same for any number of them
UNITS = 400_000  # that each step of the cosine is measured on


def check_propagation(settings: Settings) -> list[Check]:
    """Hold the growth of signals and gradients against 2^-L, 6^-L and their kin."""
    depth, width = settings.depth, settings.width
    names = ("he_normal", "he_uniform", "xavier_normal", "torch_default", "random_small")
    laws = {name: law_of(settings, "relu", name) for name in names}
    laws["linear"] = law_of(settings, "identity", "lecun_normal")
    count = laws["linear"].count()
    found = measure(laws, "propagation", count, _signals, x=(1, width), v=(1, width))
    growths = {
        "linear": (theory.linear_growth(width, 1 / width), "linear, LeCun: growth of the variance"),
        "he_normal": (theory.relu_growth(2), "ReLU, He: growth of the mean square"),
        "he_uniform": (theory.relu_growth(2), "ReLU, He uniform: growth of the mean square"),
        "xavier_normal": (theory.relu_growth(1), "ReLU, Xavier: growth of the mean square"),
        "random_small": (
            theory.relu_growth(width * 0.01**2 / 3),
            "ReLU, weights within 0.01: growth of the mean square",
        ),
    }
    group = "Variance propagation"
    checks = []
    for name, (predicted, title) in growths.items():
        layers = found[name]["act"]
        growth, error = mean_and_error((layers[:, 1:] / layers[:, :-1]).mean(1))
        law = "n_in Var W" if name == "linear" else "sw2 / 2"
        checks.append(
            Check(title, group, predicted, growth, error, 1.05 * predicted, FIVE_PERCENT, law,
                  networks=count)
        )  # fmt: skip
    for name, predicted in (("he_normal", 1.0), ("xavier_normal", 2.0**-depth)):
        layers = found[name]["act"]
        left, error = mean_and_error(layers[:, -1])
        label = name.partition("_")[0].replace("he", "He").replace("xavier", "Xavier")
        curve = [mean_and_error(layers[:, layer]) for layer in range(depth)]
        growth = theory.relu_growth(2 if name == "he_normal" else 1)
        checks.append(
            Check(f"ReLU, {label}: mean square after {depth} layers", group, predicted, left, error,
                  predicted * 1.05**depth, FIVE_PERCENT, "(sw2 / 2)^L", networks=count,
                  detail={"figure": "depth", "label": label, "growth": growth,
                          "measured": [m for m, _ in curve], "error": [e for _, e in curve]})
        )  # fmt: skip
    for name, sw2, label in (("he_normal", 2.0, "He"), ("torch_default", 1 / 3, "torch's default")):
        g = found[name]["gradient"]
        growth, error = growth_and_error(g[:, -1], g[:, 0], depth - 1)
        predicted = theory.relu_growth(sw2)
        checks.append(
            Check(f"ReLU, {label}: growth of squared gradients", group, predicted, growth, error,
                  1.05 * predicted, FIVE_PERCENT, "sw2 / 2", networks=count)
        )  # fmt: skip
    return [*checks, _unequal_widths(settings)]


def _signals(law: Law, params: Tensor, noise: dict[str, Tensor]) -> Statistics:
    x = on_sphere(noise["x"], 1.0)
    layers = law.by_layer(law.run(params, x), "act")[:, 0]
    slopes = law.by_layer(law.gradients(params, x, noise["v"]), "pre")[:, 0]
    return {"act": layers, "gradient": slopes}


def _unequal_widths(settings: Settings) -> Check:
    """Xavier from n/2 features to n units: fan_in and fan_out can no longer be confused."""
    features = settings.width // 2
    law = make_law(
        features, depth=2, width=settings.width, activation="identity", init="xavier_normal"
    )
    count = law.count(most=1000)

    def statistic(law: Law, params: Tensor, noise: dict[str, Tensor]) -> Statistics:
        x = on_sphere(noise["x"], 1.0)
        return {"pre": law.by_layer(law.run(params, x), "pre")[:, 0]}

    pre = law.measured("unequal", count, statistic, x=(1, features))["pre"]
    mean, error = mean_and_error(pre[:, -1])
    predicted = theory.linear_growth(features, 2 / (features + settings.width))
    return Check(
        "linear, Xavier from n/2 features: variance of layer 2",
        "Variance propagation",
        predicted,
        mean,
        error,
        1.0,
        "fan_in for the mean of fan_in and fan_out",
        "product of n_in Var W",
        networks=count,
    )


def check_correlations(settings: Settings) -> list[Check]:
    """Hold the cosine of two inputs under ReLU and He against Cho and Saul's map."""
    return [*_one_layer_cosines(settings), _deep_cosine(settings)]


def _one_layer_cosines(settings: Settings) -> list[Check]:
    """The map, and the limit of (1 - c) l^2 from its step near c = 1.

    There the map takes k (1 - c)^(3/2) off 1 - c, so that 1 / sqrt(1 - c) grows by k / 2 a layer
    and (1 - c) l^2 tends to (2 / k)^2; the next term is smaller by a factor 1 - c.
    """
    law = make_law(FEATURES, depth=1, width=settings.width, activation="relu", init="he_normal")
    count = UNITS // settings.width
    group, near_one = "ReLU correlations", 0.99
    checks = []
    for c in (0.0, 0.5, 0.9, near_one):
        seen = law.measured("correlation", count, partial(_kept, c), x=(2, FEATURES))
        kept, error = growth_and_error(seen["before"], seen["after"], 1)
        if c != near_one:
            checks.append(
                Check(f"ReLU: cosine after one layer from {c:g}", group, theory.relu_correlation(c),
                      1 - (1 - c) * kept, (1 - c) * error, c, "no activation, which keeps it",
                      "[sqrt(1-c²) + c (pi - arccos c)] / pi", networks=count)
            )  # fmt: skip
            continue
        limit = 4 * (1 - c) / (1 - kept) ** 2
        exact = 4 * (1 - c) / (1 - (1 - theory.relu_correlation(c)) / (1 - c)) ** 2
        checks.append(
            Check(f"ReLU: (1 - c) l² for many layers, by the step of one at c = {c:g}", group,
                  theory.RELU_CORRELATION_LIMIT, limit, 2 * limit * error / (1 - kept),
                  theory.RELU_CORRELATION_LIMIT * (1.01 / 0.81) ** 2, "a slope of 0.1 below zero",
                  "9 pi²/2", allowance=abs(exact - theory.RELU_CORRELATION_LIMIT),
                  allows="what the map itself has beyond its limit",
                  networks=count)
        )  # fmt: skip
    return checks


def _kept(c: float, law: Law, params: Tensor, noise: dict[str, Tensor]) -> Statistics:
    """Return 1 - c after a layer, and before its activation, in the same units.

    With each input goes its negative: relu(u) and relu(-u) together are u, so that all that
    chance does to the pre-activations does as much to both numbers.
    """
    first, other = on_sphere(noise["x"], 1.0)
    other = on_sphere(other - (other @ first) / (first @ first) * first, 1.0)
    second = c * first + math.sqrt(1 - c * c) * other
    seen = law.run(params, torch.stack([first, second, -first, -second]))
    act, pre = seen["act/0"], seen["pre/0"]
    size = act.square().sum() / pre.square().sum()
    return {
        "after": (act[::2] - act[1::2]).square().sum() / size,
        "before": (pre[::2] - pre[1::2]).square().sum(),
    }


def _deep_cosine(settings: Settings) -> Check:
    depth, width = settings.depth, settings.width
    law = law_of(settings, "relu", "he_normal")
    count = law.count()
    gaps = 1 - law.measured("correlation, deep", count, _cosines, x=(2, width))["cosine"]
    gap, error = mean_and_error(gaps[:, -1])
    laws = [1 - theory.relu_correlation_after(layers + 1) for layers in range(depth)]
    curve = [mean_and_error(gaps[:, layer]) for layer in range(depth)]
    return Check(
        f"ReLU: (1 - c) l² after {depth} layers from 0",
        "ReLU correlations",
        depth**2 * laws[-1],
        depth**2 * gap,
        depth**2 * error,
        depth**2,
        "no activation, which keeps c",
        "the map, iterated",
        allowance=depth**2 * laws[-1] * depth / width,
        allows="l/n of infinite width",
        networks=count,
        detail={
            "figure": "correlation",
            "measured": [mean for mean, _ in curve],
            "error": [error for _, error in curve],
            "predicted": laws,
        },
    )


def _cosines(law: Law, params: Tensor, noise: dict[str, Tensor]) -> Statistics:
    first, other = on_sphere(noise["x"], 1.0)
    other = on_sphere(other - (other @ first) / (first @ first) * first, 1.0)
    seen = law.run(params, torch.stack([first, other]))
    layers = torch.stack([seen[f"act/{layer}"] for layer in range(law.program.depth)])
    sizes = layers.square().mean(-1).sqrt()
    return {"cosine": (layers[:, 0] * layers[:, 1]).mean(-1) / (sizes[:, 0] * sizes[:, 1])}


def check_dropout(settings: Settings) -> list[Check]:
    """Hold the mean square under dropout, kept in training mode, against 1/p."""
    keep, width, depth = 0.8, settings.width, settings.depth
    checks = []
    for sw2, title in (
        (2.0, "He, 20 % dropped: growth of the mean square"),
        (theory.dropout_critical(keep), "sw2 = 2p, 20 % dropped: growth of the mean square"),
    ):
        gain = (sw2 / 2) ** 0.5
        init = {"name": "he_normal", "gain": gain}
        law = law_of(settings, "relu", init, dropout=1 - keep)
        count = law.count()
        shapes = {"x": (1, width), "drop": (depth, 1, width)}
        layers = law.measured("dropout", count, _dropped, **shapes)["act"]
        growth, error = mean_and_error((layers[:, 1:] / layers[:, :-1]).mean(1))
        predicted = theory.dropout_growth(sw2, keep)
        checks.append(
            Check(title, "Dropout", predicted, growth, error, predicted * keep,
                  "the second moment not times 1/p", "sw2 / (2 p)", networks=count)
        )  # fmt: skip
    return checks


def _dropped(law: Law, params: Tensor, noise: dict[str, Tensor]) -> Statistics:
    uniform = torch.special.ndtr(noise["drop"])
    masks = {f"dropout/{layer}": uniform[layer] for layer in range(law.program.depth)}
    seen = law.run(params, on_sphere(noise["x"], 1.0), masks)
    return {"act": law.by_layer(seen, "act")[:, 0]}
