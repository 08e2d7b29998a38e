"""The edge of stability: where full-batch descent drives the loss's largest curvature."""

from functools import partial

import torch
from torch import Tensor
from torch.func import vmap

from nnbench.theory import laws
from nnbench.theory.checks.base import Check, Settings, mean_and_error
from nnbench.theory.checks.nets import Law, make_law
from nnbench.training.stacked.network import Network, n_params
from nnbench.training.stacked.probes import sharpness

RATES = (0.08, 0.1, 0.3)  # the sharpness has to rise to the first two, and to fall to the last
NETWORKS = 8  # of each rate, the same for all
FEATURES, EXAMPLES, WIDTH = 8, 64, 32
STEPS, LOOK_EVERY, FIRST_KEPT = 600, 25, 300
HOVERING = 0.03  # no theory has its size
COHEN = '"just above" in Cohen et al. (2021)'


def check_edge(settings: Settings) -> list[Check]:
    """Hold the sharpness of tanh networks, trained on random targets by gd, against 2 / lr."""
    steps, curves = _trained()
    checks = []
    kept = [place for place, step in enumerate(steps) if step >= FIRST_KEPT]
    for number, rate in enumerate(RATES):
        curve = curves[:, number]  # (looks, networks)
        mean, error = mean_and_error(curve[kept].mean(0))
        predicted = laws.edge_of_stability(rate)
        checks.append(
            Check(f"gradient descent at lr = {rate:g}: sharpness", "Edge of stability", predicted,
                  mean, error, float(curve[0].mean()), "a sharpness that stays as it starts",
                  "just above 2 / lr",
                  allowance=HOVERING * predicted,
                  allows=f"{100 * HOVERING:g} % for hovering: {COHEN}", networks=NETWORKS,
                  detail={"figure": "edge", "rate": rate, "steps": steps,
                          "measured": curve.mean(1).tolist(),
                          "low": curve.amin(1).tolist(), "high": curve.amax(1).tolist()})
        )  # fmt: skip
    return checks


def _trained() -> tuple[list[int], Tensor]:
    """Train; return the steps looked at, and each look's sharpness (looks, rates, networks)."""
    law = make_law(
        FEATURES, depth=2, width=WIDTH, activation="tanh", init="xavier_normal", optimizer="gd"
    )
    count = n_params(law.program)
    shapes = {"x": (EXAMPLES, FEATURES), "y": (EXAMPLES, 1), "first": (count,)}
    (noise,) = law.chunks_of_noise("edge", NETWORKS, shapes)

    def for_each_rate(values: Tensor) -> Tensor:
        return values.repeat(len(RATES), *[1] * (values.ndim - 1))

    params = for_each_rate(vmap(law.start)(noise))
    network = law.network(params)
    rates = torch.tensor(RATES, dtype=torch.float64).repeat_interleave(NETWORKS)
    x, y, first = (for_each_rate(noise[name]) for name in ("x", "y", "first"))
    steps, looks = [], []
    for step in range(STEPS + 1):
        if step % LOOK_EVERY == 0:
            steps.append(step)
            look = vmap(partial(_sharpness, law))(network, first, x, y)
            looks.append(look.reshape(len(RATES), NETWORKS))
        network, _ = law.step(network, rates, step + 1, x, y)
    return steps, torch.stack(looks)


def _sharpness(law: Law, network: Network, first: Tensor, x: Tensor, y: Tensor) -> Tensor:
    return sharpness(law.program, network, law.numbers, first, x, y)
