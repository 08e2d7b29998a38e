"""Checks of networks that are dead before training begins."""

import math

import torch
from torch import Tensor

from nnbench.theory import laws as theory
from nnbench.theory.checks.base import Check, Settings
from nnbench.theory.checks.nets import Law, Statistics, make_law

NETWORKS = 48_000
WIDTHS = (2, 3, 4, 5)
DEEPEST = 16  # hidden layers: beyond it hardly a narrow network is left alive
GROUP = "Born dead"


def check_born_dead(settings: Settings) -> list[Check]:
    """Hold the share of networks that give zero against the exact law and its bounds."""
    depth = min(settings.depth, DEEPEST)
    checks = []
    for width in WIDTHS:
        layers = min(depth, 2**width)
        alive = _alive(width, layers, 2)[:, :, 0]
        shares = [1 - float(layer.double().mean()) for layer in alive.T]
        laws = [theory.dead_for_one_input([width] * (n + 1)) for n in range(layers)]
        checks.append(
            Check(f"dead for one input: {layers} layers of {width}", GROUP, laws[-1], shares[-1],
                  _error(laws[-1]), laws[-2], "a layer forgotten", "1 - product of (1 - 2^-N)",
                  networks=NETWORKS,
                  detail={"figure": "dead", "width": width, "measured": shares, "predicted": laws,
                          "error": [_error(law) for law in laws]})
        )  # fmt: skip
    return [*checks, *_bounds(depth), _wide_enough(depth)]


def _error(share: float) -> float:
    return math.sqrt(share * (1 - share) / NETWORKS)


def _alive(width: int, depth: int, features: int) -> Tensor:
    """Return whether any unit of a layer is above zero, (networks, layers, inputs).

    The inputs are a vector of ones and its negative: of one feature they stand for all inputs.
    """
    law = make_law(features, depth=depth, width=width, activation="relu", init="he_normal")
    ones = torch.ones(1, features, dtype=torch.float64)

    def statistic(law: Law, params: Tensor, noise: dict[str, Tensor]) -> Statistics:
        seen = law.run(params, torch.cat([ones, -ones]))
        layers = [(seen[f"act/{layer}"] > 0).any(-1) for layer in range(depth)]
        return {"alive": torch.stack(layers)}

    return law.measured(f"dead/{features}/{width}", NETWORKS, statistic)["alive"]


def _bounds(depth: int) -> list[Check]:
    checks = []
    for width in (3, 4):
        dead = 1 - float(_alive(width, depth, 1)[:, -1].any(-1).double().mean())
        lower = theory.dead_at_least(width, depth)
        upper = theory.dead_for_one_input([width] * depth)
        # two units more die less often than their upper bound, two fewer more than their lower
        for bound, relation, wrong, mistake in (
            (lower, "at least", theory.dead_for_one_input([width + 2] * depth), "two units more"),
            (upper, "at most", theory.dead_at_least(width - 2, depth), "two units fewer"),
        ):
            checks.append(
                Check(f"dead for all inputs of one feature: {depth} layers of {width}, {relation}",
                      GROUP, bound, dead, _error(dead), wrong, mistake,
                      "Lu et al.'s lower bound" if relation == "at least" else
                      "1 - product of (1 - 2^-N)", relation=relation, networks=NETWORKS)
            )  # fmt: skip
    return checks


def _wide_enough(depth: int) -> Check:
    probability = depth / 2**6
    width = theory.width_enough(depth, probability)
    dead = 1 - float(_alive(width, depth, 2)[:, -1, 0].double().mean())
    return Check(
        f"dead for one input: {depth} layers of {width}, wide enough for {probability:.3g}",
        GROUP,
        probability,
        dead,
        _error(dead),
        theory.dead_for_one_input([width - 1] * depth),
        "a unit fewer",
        "N >= log2(hidden layers / d)",
        relation="at most",
        networks=NETWORKS,
    )
