"""Checks of which deep networks train at all: by their depth in depth scales, and by their init."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.func import vmap

from nnbench.catalog.meanfield import mean_field
from nnbench.theory.checks.base import Check, Settings, mean_and_error
from nnbench.theory.checks.nets import make_law

NETWORKS, WIDTH = 6, 32
FEATURES, EXAMPLES = 8, 32
STEPS = 100
ORDERED, CRITICAL = 0.7, 1.0  # sigma_w of tanh without biases
BELOW, ABOVE = 6, 18  # depth scales: what can be trained, and three times as many
DEEP = 30  # layers of He et al.'s larger network
LEFT = 0.1  # of the loss: a network of six may be slow, or stray from its law
SCHOENHOLZ = '"trainable" in Schoenholz et al. (2017) has no size'
GROUP = "Trainability"


def check_trainability(settings: Settings) -> list[Check]:
    """Hold what networks learn in a hundred steps against depth scales, and He against Xavier.

    The networks' size is fixed, whatever the settings: what is trained has to be small.
    """
    xi = mean_field("tanh").depth_scale(ORDERED**2, 0.0)
    below, above = round(BELOW * xi), round(ABOVE * xi)
    plain = {"activation": "tanh", "optimizer": {"name": "gd", "lr": 0.1}}
    with_momentum = {"activation": "relu", "optimizer": {"name": "momentum", "lr": 0.003}}
    ordered = {"name": "lecun_normal", "gain": ORDERED}
    critical = {"name": "lecun_normal", "gain": CRITICAL}
    scale, he = "trainable to about 6 xi", "He keeps signals, Xavier leaves 2^-L"
    cases: list[tuple[str, dict[str, Any], float, str, str]] = [
        (f"tanh, sigma_w = {ORDERED:g}, {BELOW} depth scales ({below} layers)",
         plain | {"init": ordered, "depth": below}, 1.0, "a third of the depth scale", scale),
        (f"tanh, sigma_w = {ORDERED:g}, {ABOVE} depth scales ({above} layers)",
         plain | {"init": ordered, "depth": above}, 0.0, "three times the depth scale", scale),
        (f"tanh, sigma_w = {CRITICAL:g}, no depth scale ({above} layers)",
         plain | {"init": critical, "depth": above}, 1.0, "depth taken to decide alone", scale),
        (f"ReLU, He, {DEEP} layers",
         with_momentum | {"init": "he_normal", "depth": DEEP}, 1.0, "He taken for Xavier", he),
        (f"ReLU, Xavier, {DEEP} layers",
         with_momentum | {"init": "xavier_normal", "depth": DEEP}, 0.0, "Xavier taken for He", he),
    ]  # fmt: skip
    checks = []
    for name, grid, predicted, mistake, law in cases:
        learned, error = mean_and_error(share_learned(grid))
        checks.append(
            Check(f"{name}: share of the loss learned", GROUP, predicted, learned, error,
                  1 - predicted, mistake, law, allowance=LEFT,
                  allows=f"what {STEPS} steps leave: {SCHOENHOLZ}", networks=NETWORKS)
        )  # fmt: skip
    return checks


def share_learned(grid: Mapping[str, Any]) -> Tensor:
    """Return the share of its loss that each network has learned after STEPS steps, (networks,).

    The targets are the signs of a linear function, of mean 0 and mean square 1 in each data set,
    so that to know nothing is a loss of 1.
    """
    law = make_law(FEATURES, width=WIDTH, **grid)
    shapes = {"x": (EXAMPLES, FEATURES), "direction": (FEATURES,)}
    (noise,) = law.chunks_of_noise("trainability", NETWORKS, shapes)
    params = vmap(law.start)(noise)
    network = law.network(params)
    x = noise["x"]
    y = torch.sign((x * noise["direction"][:, None]).sum(-1, keepdim=True))
    y = y - y.mean(1, keepdim=True)
    y = y / y.square().mean(1, keepdim=True).sqrt()
    loss, rates = torch.ones(NETWORKS), law.numbers["optimizer.lr"].expand(NETWORKS)
    for step in range(STEPS):
        network, loss = law.step(network, rates, step + 1, x, y)
    return 1 - loss
