"""Checks of networks without an activation: how their modes are learned, and rotations kept."""

import math

import torch
from torch import Tensor

from nnbench.seeds import torch_generator
from nnbench.theory import laws
from nnbench.theory.checks.base import Check, Settings
from nnbench.theory.checks.nets import GivenNoise, Law, Statistics, law_of, make_law
from nnbench.training.stacked.network import flatten, initial_params, layout, unflatten


def check_linear_modes(settings: Settings) -> list[Check]:
    """Hold the modes of a linear network, trained by the engine's gd, against Saxe et al."""
    strengths, u0, rate = (3.0, 2.0, 1.0), 1e-3, 2e-3
    modes = len(strengths)
    law = make_law(
        modes, n_outputs=modes, depth=1, width=modes, activation="identity", init="orthogonal",
        optimizer="gd",
    )  # fmt: skip
    generator = torch_generator(0, "modes", "theory", 0)
    turns = [
        torch.linalg.qr(torch.randn(modes, modes, generator=generator, dtype=torch.float64))[0]
        for _ in range(3)
    ]
    left, middle, right = turns
    parts = unflatten(law.program, initial_params(law.program, law.recipe, _zeros(law)))
    parts |= {
        "0.weight": math.sqrt(u0) * middle @ right.T,
        "output.weight": math.sqrt(u0) * left @ middle.T,
    }
    params = flatten(parts).expand(2, -1).clone()
    network = law.network(params)
    # rows of +-sqrt(k) e_i: mean zero, covariance the identity
    x = math.sqrt(modes) * torch.cat([torch.eye(modes), -torch.eye(modes)]).double()
    y = (x @ right @ torch.diag(x.new_tensor(strengths)) @ left.T).expand(2, -1, -1)
    # the loss is the mean over outputs too: du/dt = 4 u (s - u) / k, so that tau = k / 2
    tau = modes / 2
    times = {s: tau / (2 * s) * math.log(s / u0) for s in strengths}
    checks, done = [], 0
    for strength in sorted(times, key=times.__getitem__):
        steps = round(times[strength] / rate)
        while done < steps:
            done += 1
            network, _ = law.step(network, x.new_full((2,), rate), done, x, y)
        now = unflatten(law.program, network.params[0])
        product = left.T @ now["output.weight"] @ now["0.weight"] @ right
        place = strengths.index(strength)
        time = steps * rate / tau
        predicted = laws.linear_mode(strength, u0, time)
        checks.append(
            Check(f"linear network: mode of strength {strength:g} at t = {time:.3g} tau",
                  "Linear networks", predicted, float(product[place, place]), 0.0,
                  laws.linear_mode(strength, u0, time / 2), "time taken half as fast",
                  "s e^(2st) / (e^(2st) - 1 + s/u0)",
                  allowance=_of_steps(strength, u0, rate / tau, steps),
                  allows="steps of this size, by what half as large ones change")
        )  # fmt: skip
    return [*checks, *_orthogonal(settings)]


def _of_steps(strength: float, start: float, rate: float, steps: int) -> float:
    """How far steps of this size end from gradient flow, without knowing where that ends.

    Twice what steps half as large change, by Richardson; a hundredth for the second order.
    """
    whole = _stepped(strength, start, rate, steps)
    return 2.02 * abs(whole - _stepped(strength, start, rate / 2, 2 * steps))


def _stepped(strength: float, start: float, rate: float, steps: int) -> float:
    """Return the mode after so many steps of descent: both weights of it are equal, and stay so."""
    weight = math.sqrt(start)
    for _ in range(steps):
        weight += rate * (strength - weight**2) * weight
    return weight**2


def _zeros(law: Law) -> GivenNoise:
    """Noise of ones on the diagonal, which any init can take; the weights are set afterwards."""
    shapes = layout(law.program)
    return GivenNoise(
        {
            name: torch.eye(*shape, dtype=torch.float64)
            if len(shape) == 2
            else torch.zeros(shape, dtype=torch.float64)
            for name, shape in shapes.items()
        }
    )


def _orthogonal(settings: Settings) -> list[Check]:
    """All singular values of a deep linear network under orthogonal init are 1."""
    law = law_of(settings, "identity", "orthogonal")

    def statistic(law: Law, params: Tensor, noise: dict[str, Tensor]) -> Statistics:
        x = torch.eye(settings.width, dtype=params.dtype)
        product = law.run(params, x)[f"act/{settings.depth - 1}"]
        values = torch.linalg.svdvals(product)
        return {"least": values[-1], "largest": values[0]}

    found = law.measured("orthogonal", 2, statistic)
    return [
        Check(f"orthogonal init: {which} singular value of {settings.depth} layers",
              "Linear networks", 1.0, float(getattr(found[which], pick)()), 0.0,
              1.05**settings.depth, "a gain of 1.05", "the product of rotations is one",
              allowance=1e-10, allows="rounding", networks=2)
        for which, pick in (("least", "min"), ("largest", "max"))
    ]  # fmt: skip
