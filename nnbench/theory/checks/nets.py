"""Many networks of one law: drawn by purpose, started and run by the functions that train."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import vjp, vmap

from nnbench.catalog import VOCABULARY
from nnbench.seeds import torch_generator
from nnbench.study.reading import make_study
from nnbench.study.recipe import Recipe
from nnbench.theory.checks.base import Settings
from nnbench.training.draws import Draws, Split
from nnbench.training.stacked.axis import stacked_numbers
from nnbench.training.stacked.network import (
    Network,
    Program,
    flatten,
    forward,
    initial_params,
    initial_running,
    layout,
    n_params,
    number_names,
    program_of,
    unflatten,
)
from nnbench.training.stacked.step import start_optimizer, train_step

CHUNK_NUMBERS = 2_000_000  # numbers of all networks at once: 16 MB
WEIGHTS_A_CHECK = 40_000_000  # a wide network averages more by itself, so fewer of them do
Statistics = dict[str, Tensor]
NOTHING: Mapping[str, Tensor] = {}


@dataclass(frozen=True)
class Law:
    """What networks of one law share; `recipe` has every grid field filled in.

    `sb2` gives every hidden bias that variance, which a study does by the init it names.
    """

    program: Program
    recipe: Recipe
    numbers: dict[str, Tensor]
    sb2: float = 0.0

    def count(self, least: int = 64, most: int = 4000) -> int:
        """Return how many networks to measure: fewer if they are large."""
        return min(max(round(WEIGHTS_A_CHECK / n_params(self.program)), least), most)

    def start(self, noise: Mapping[str, Tensor]) -> Tensor:
        """Return one network's first parameters (P,) from standard normal noise by name."""
        params = initial_params(self.program, self.recipe, GivenNoise(noise))
        if not self.sb2:
            return params
        parts = unflatten(self.program, params)
        biases = {
            name: noise[name] * self.sb2**0.5
            for name in parts
            if name.endswith(".bias") and name.count(".") == 1 and not name.startswith("output")
        }
        return flatten(parts | biases)

    def network(self, params: Tensor) -> Network:
        """Networks at the start of training, by their parameters (networks, P)."""
        return Network(params, {}, vmap(partial(start_optimizer, self.program))(params))

    def step(
        self, network: Network, rates: Tensor, step: int, x: Tensor, y: Tensor
    ) -> tuple[Network, Tensor]:
        """One step of the engine for every network, and the losses (networks,) before it.

        Each has its rate (networks,) and its targets y (networks, examples, 1), and its own inputs
        x too, unless these are the same for all (examples, features).
        """

        def one(network: Network, lr: Tensor, x: Tensor, y: Tensor) -> tuple[Network, Tensor]:
            at = torch.tensor(float(step), dtype=torch.float64)
            new, seen = train_step(self.program, network, self.numbers, lr, at, x, y, {})
            return new, seen.loss

        mapped = vmap(one, (0, 0, None if x.ndim == 2 else 0, 0))
        return mapped(network, rates, x, y)

    def chunks_of_noise(
        self, purpose: str, count: int, more: Mapping[str, Sequence[int]]
    ) -> Iterator[dict[str, Tensor]]:
        """Yield standard normal noise for `count` networks, (networks, *shape) by name.

        Each name (a parameter's, or one of `more`) has a stream of its own, seeded by the purpose.
        """
        shapes = {name: tuple(shape) for name, shape in (layout(self.program) | dict(more)).items()}
        generators = {name: torch_generator(0, f"{purpose}/{name}", "theory", 0) for name in shapes}
        numbers = sum(int(np.prod(shape)) for shape in shapes.values())
        size = max(CHUNK_NUMBERS // numbers, 2)
        for first in range(0, count, size):
            here = min(size, count - first)
            yield {
                name: torch.randn(here, *shape, generator=generators[name], dtype=torch.float64)
                for name, shape in shapes.items()
            }

    def run(
        self,
        params: Tensor,
        x: Tensor,
        noise: Mapping[str, Tensor] = NOTHING,
        nudges: Mapping[str, Tensor] = NOTHING,
    ) -> dict[str, Tensor]:
        """Return ``pre/<layer>`` and ``act/<layer>``, (batch, units) each, of a forward pass.

        In training mode; `noise` is the uniform noise of dropout, where there is any, and `nudges`
        are added to what has their name.
        """
        program, running, seen = self.program, initial_running(self.program), dict[str, Tensor]()

        def tap(name: str, h: Tensor) -> Tensor:
            seen[name] = h + nudges[name] if name in nudges else h
            return seen[name]

        forward(program, unflatten(program, params), running, self.numbers, x, noise, tap)
        return seen

    def gradients(
        self,
        params: Tensor,
        x: Tensor,
        cotangent: Tensor,
        at: str = "",
        noise: Mapping[str, Tensor] = NOTHING,
    ) -> dict[str, Tensor]:
        """Return the gradient of each ``pre/<layer>``, (batch, units) each.

        It is that of the sum of `cotangent` (batch, units) times what is tapped at `at`: the last
        hidden layer's output, unless said otherwise.
        """
        layers = range(self.program.depth)
        nudges = {f"pre/{layer}": x.new_zeros(x.shape[0], self.program.width) for layer in layers}
        at = at or f"act/{self.program.depth - 1}"

        def there(nudges: dict[str, Tensor]) -> Tensor:
            return self.run(params, x, noise, nudges)[at]

        return pulled(there, nudges)[1](cotangent)

    def by_layer(self, values: Mapping[str, Tensor], kind: str) -> Tensor:
        """Return the mean square over units of ``<kind>/<layer>``, (layers, batch)."""
        layers = range(self.program.depth)
        return torch.stack([values[f"{kind}/{layer}"].square().mean(-1) for layer in layers])

    def measured(
        self,
        purpose: str,
        count: int,
        statistic: Callable[[Law, Tensor, dict[str, Tensor]], Statistics],
        **more: Sequence[int],
    ) -> Statistics:
        """Return what `measure` finds of this law alone."""
        return measure({"": self}, purpose, count, statistic, **more)[""]


def make_law(n_features: int, *, n_outputs: int = 1, sb2: float = 0.0, **grid: Any) -> Law:
    """Return the law of a float64 network for regression, by the keys of a study's `[grid]`."""
    held = {"data": "sine_wave", "seeds": 1, "dtype": "float64"} | grid
    cell = make_study({"name": "theory", "grid": held}, VOCABULARY).cells()[0]
    x = {part: np.zeros((2, n_features)) for part in ("train", "val", "test")}
    split = Split(x, {part: rows[:, 0] for part, rows in x.items()}, "regression", 0)
    program = replace(program_of(cell.recipe, split), n_outputs=n_outputs)
    numbers = stacked_numbers([cell], number_names(program))
    return Law(program, cell.recipe, {key: value[0] for key, value in numbers.items()}, sb2)


def law_of(settings: Settings, activation: str, init: Any, **grid: Any) -> Law:
    """Return the law of networks of the settings' size, and of as many features as units."""
    grid = {"depth": settings.depth, "width": settings.width} | grid
    return make_law(settings.width, activation=activation, init=init, **grid)


class GivenNoise(Draws):
    """Initial noise that is given by name, instead of drawn by a cell's seed."""

    def __init__(self, noise: Mapping[str, Tensor]) -> None:
        self._noise = noise

    def init_noise(self, layer: str, *shape: int) -> Tensor:
        """Return the noise under the layer's weight or bias."""
        return self._noise[layer]


def measure(
    laws: Mapping[str, Law],
    purpose: str,
    count: int,
    statistic: Callable[[Law, Tensor, dict[str, Tensor]], Statistics],
    **more: Sequence[int],
) -> dict[str, Statistics]:
    """Return a statistic of `count` networks of each law, (networks, ...) each, by law.

    The laws share shapes and noise, so they are paired. `statistic(law, params, noise)` is of one
    network; `more` are shapes of further noise that it wants, such as its inputs.
    """
    found: dict[str, list[Statistics]] = {name: [] for name in laws}
    any_law = next(iter(laws.values()))
    for noise in any_law.chunks_of_noise(purpose, count, more):
        for name, law in laws.items():
            params = vmap(law.start)(noise)
            found[name].append(vmap(partial(statistic, law))(params, noise))
    return {
        name: {each: torch.cat([part[each] for part in parts]) for each in parts[0]}
        for name, parts in found.items()
    }


def on_sphere(x: Tensor, mean_square: float) -> Tensor:
    """Scale each row (features,) to this mean square exactly."""
    return x * torch.sqrt(mean_square / x.square().mean(-1, keepdim=True))


def pulled(function: Callable[[Any], Tensor], at: Any) -> tuple[Tensor, Callable[[Tensor], Any]]:
    """Return a function's value, and the map from a cotangent of it to that of its argument."""
    value, pull = vjp(function, at)[:2]
    return value, lambda cotangent: pull(cotangent)[0]
