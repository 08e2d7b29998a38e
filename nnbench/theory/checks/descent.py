"""Checks of optimizers: stability, noise and first steps on a quadratic."""

import math

import torch
from torch import Tensor

from nnbench.seeds import torch_generator
from nnbench.theory import laws
from nnbench.theory.checks.base import Check, Settings, mean_and_error
from nnbench.theory.checks.nets import GivenNoise, Law, make_law
from nnbench.training.stacked.network import Network, initial_params, layout, unflatten

CURVATURE = 3.0
STEPS = 600
GROUP = "Optimizers on a quadratic"


def quadratic(optimizer: str, weight_decay: float = 0.0, **numbers: float) -> Law:
    """Return a network w x + b whose loss, on `_batch`, is h w^2 / 2 and leaves b at 0."""
    variant = {"name": optimizer, **numbers}
    return make_law(1, depth=0, width=1, optimizer=variant, weight_decay=weight_decay)


def _batch(like: Tensor) -> Tensor:
    """x = +-sqrt(h / 2): the mean square of w x is h w^2 / 2, and the mean of x is 0."""
    return like.new_tensor([[1.0], [-1.0]]) * math.sqrt(CURVATURE / 2)


def networks_of(law: Law, w: Tensor) -> Network:
    """Return networks whose first weight is `w` (networks,) and whose bias is 0."""
    params = torch.stack([w, torch.zeros_like(w)], 1)
    return law.network(params)


def largest_stable_rate(law: Law, guess: float) -> tuple[float, float]:
    """Return the largest stable rate by bisection and half the last interval.

    64 rates at a time: a rate is stable if the parameter is nearer to its minimum after STEPS
    steps than after half of them, by its largest distance over the last ten.
    """
    low, high = 0.0, 4 * guess
    while high - low > 1e-3 * guess:
        rates = torch.linspace(low, high, 66, dtype=torch.float64)[1:-1]
        network = networks_of(law, torch.ones_like(rates))
        x, y = _batch(rates), rates.new_zeros(len(rates), 2, 1)
        sizes = []
        for step in range(1, STEPS + 1):
            network, _ = law.step(network, rates, step, x, y)
            if (step - 1) % (STEPS // 2) >= STEPS // 2 - 10:
                sizes.append(network.params[:, 0].abs())
        early, late = torch.stack(sizes).reshape(2, 10, -1).amax(1)
        unstable = ~((late < early) | (late < 1e-12))
        first = int(unstable.int().argmax())
        low, high = (float(rates[first - 1]) if first else low), float(rates[first])
    return (low + high) / 2, (high - low) / 2


def check_stability(settings: Settings) -> list[Check]:
    """Hold the largest stable rates against 2/h, 2(1 + b)/h and their kin."""
    h = CURVATURE
    cases = [
        ("gradient descent", quadratic("sgd"), laws.largest_rate(h), 1 / h,
         "a gradient twice as large", "2 / h"),
        *[
            (f"heavy ball, b = {b:g}", quadratic("momentum", momentum=b), laws.largest_rate(h, b),
             laws.largest_rate(h), "no momentum", "2 (1 + b) / h")
            for b in (0.5, 0.9)
        ],
        ("Nesterov, b = 0.9", quadratic("nesterov", momentum=0.9),
         laws.largest_rate_nesterov(h, 0.9), laws.largest_rate(h, 0.9), "the heavy ball's",
         "2 (1 + b) / [h (1 + 2 b)]"),
    ]  # fmt: skip
    checks = []
    for name, law, predicted, wrong, mistake, formula in cases:
        rate, half = largest_stable_rate(law, predicted)
        checks.append(
            Check(f"{name}: largest stable rate, h = {h:g}", GROUP, predicted, rate, 0.0, wrong,
                  mistake, formula, allowance=half + 1e-3 * predicted, networks=64,
                  allows="the last interval of the bisection",
                  detail={"figure": "stability", "label": name, "curvature": h})
        )  # fmt: skip
    return checks


def check_noise(settings: Settings) -> list[Check]:
    """Hold the stationary variance under gradient noise against theory; noise by the targets."""
    h, s2, count = CURVATURE, 1.0, 4000
    checks = []
    for name, law, b, wrong_rate, mistake in (
        ("SGD", quadratic("sgd"), 0.0, 0.5, "half the rate"),
        ("heavy ball, b = 0.9", quadratic("momentum", momentum=0.9), 0.9, 0.1,
         "momentum as a moving average"),
    ):  # fmt: skip
        rate = 1 / h
        generator = torch_generator(0, f"noise/{name}", "theory", 0)
        rates = torch.full((count,), rate, dtype=torch.float64)
        network = networks_of(law, torch.zeros_like(rates))
        x = _batch(rates)
        squares = torch.zeros_like(rates)
        warm, kept = 150, 50
        for step in range(1, warm + kept + 1):
            # the gradient's noise is the mean of -2 x y over the batch
            drawn = torch.randn(count, generator=generator, dtype=torch.float64)
            y = drawn[:, None, None] * x.sign() * math.sqrt(s2 / (2 * h))
            network, _ = law.step(network, rates, step, x, y)
            if step > warm:
                squares += network.params[:, 0].square() / kept
        variance, error = mean_and_error(squares)
        wrong = laws.stationary_variance(wrong_rate * rate, h, s2, b)
        checks.append(
            Check(f"{name}: stationary variance, h = {h:g}, lr = 1/h", GROUP,
                  laws.stationary_variance(rate, h, s2, b), variance, error, wrong, mistake,
                  "lr s² (1 + b) / {(1 - b) h [2 (1 + b) - lr h]}", networks=count)
        )  # fmt: skip
    return checks


def check_first_steps(settings: Settings) -> list[Check]:
    """Hold Adam's first step, AdamW's decay without gradients and zero init's silence."""
    rate, eps = 0.01, 1e-8
    checks = []
    for gradient in (0.3, eps):
        law = quadratic("adam", eps=eps)
        w = torch.full((2,), gradient / CURVATURE, dtype=torch.float64)
        rates = torch.full_like(w, rate)
        new, _ = law.step(networks_of(law, w), rates, 1, _batch(w), w.new_zeros(2, 2, 1))
        checks.append(
            Check(f"Adam's first step, gradient {gradient:g}, lr = {rate:g}", GROUP,
                  laws.adam_first_step(rate, gradient, eps), float(w[0] - new.params[0, 0]), 0.0,
                  rate * 0.1 * gradient / (math.sqrt(0.001) * gradient + eps),
                  "no bias correction", "lr g / (|g| + eps)", allowance=1e-6 * rate,
                  allows="rounding")
        )  # fmt: skip
    steps, decay = 20, 0.5
    law = quadratic("adamw", weight_decay=decay)
    w = torch.ones(2, dtype=torch.float64)
    network = networks_of(law, w)
    for step in range(1, steps + 1):
        nothing = torch.zeros_like(_batch(w))
        network, _ = law.step(
            network, torch.full_like(w, rate), step, nothing, w.new_zeros(2, 2, 1)
        )
    checks.append(
        Check(f"AdamW without gradient: what is left after {steps} steps", GROUP,
              laws.decayed(rate, decay, steps), float(network.params[0, 0]), 0.0,
              1 - rate * steps, "decay as part of Adam's gradient", "(1 - lr wd)^t",
              allowance=1e-9, allows="rounding")
    )  # fmt: skip
    return [*checks, _zero_init(settings)]


def _zero_init(settings: Settings) -> Check:
    """Zero weights: no gradient reaches a hidden layer, whatever the activation, at any step."""
    law = make_law(4, depth=2, width=8, activation="tanh", init="zero", optimizer="sgd")
    noise = {name: torch.zeros(shape) for name, shape in layout(law.program).items()}
    params = initial_params(law.program, law.recipe, GivenNoise(noise)).expand(2, -1).clone()
    network = law.network(params)
    generator = torch_generator(0, "zero", "theory", 0)
    x = torch.randn(16, 4, generator=generator, dtype=torch.float64)
    y = torch.randn(2, 16, 1, generator=generator, dtype=torch.float64)
    for step in range(1, 11):
        network, _ = law.step(network, torch.full((2,), 0.1, dtype=torch.float64), step, x, y)
    parts = unflatten(law.program, network.params[0])
    moved = max(float(part.abs().max()) for name, part in parts.items() if name != "output.bias")
    return Check(
        "zero init: largest weight after 10 steps of SGD",
        GROUP,
        0.0,
        moved,
        0.0,
        0.1 * float(parts["output.bias"].abs().max()),
        "a gradient that gets through",
        "no gradient reaches the weights",
        allowance=1e-12,
        allows="rounding",
    )
