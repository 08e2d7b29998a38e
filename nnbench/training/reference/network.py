"""A cell's network in ordinary torch modules, and its start by torch.nn.init.

It is given the noise under its weights and dropout masks, and makes all else itself.
"""

import math
from collections.abc import Callable
from copy import deepcopy
from functools import partial

import torch
from torch import Tensor, nn

from nnbench.catalog import ACTIVATIONS, INITS, LOSSES, NORMS
from nnbench.catalog.activations.twins import GivenRReLU
from nnbench.catalog.inits.registry import keywords
from nnbench.seeds import torch_generator
from nnbench.study.recipe import Recipe
from nnbench.training.draws import Draws, Split

DTYPES = {"float32": torch.float32, "float64": torch.float64}


class GivenDropout(nn.Module):
    """torch.nn.Dropout whose uniform noise is given rather than drawn."""

    def __init__(self, rate: float, noise: Callable[[int, int], Tensor]) -> None:
        super().__init__()
        self.rate, self.noise = rate, noise

    def forward(self, h: Tensor) -> Tensor:
        """Zero the units whose noise is below the rate and scale up the rest, in training."""
        if not self.training or self.rate == 0:
            return h
        kept = self.noise(*h.shape) >= self.rate
        return torch.where(kept, h / (1 - self.rate), 0.0 * h)


class GivenAlphaDropout(GivenDropout):
    """torch.nn.AlphaDropout whose uniform noise is given rather than drawn."""

    def forward(self, h: Tensor) -> Tensor:
        """Send dropped units to SELU's negative limit, then restore mean 0 and variance 1."""
        if not self.training or self.rate == 0:
            return h
        limit = float(nn.functional.selu(torch.tensor(-1e9, dtype=torch.float64)))
        kept = self.noise(*h.shape) >= self.rate
        mean = self.rate * limit
        variance = (1 - self.rate) * (1 + self.rate * limit**2)
        return (torch.where(kept, h, limit) - mean) / variance**0.5


class Hidden(nn.Module):
    """One hidden layer: linear, normalisation, activation and dropout in the cell's order."""

    def __init__(self, recipe: Recipe, layer: int, draws: Draws) -> None:
        super().__init__()
        width = recipe["width"]
        norm = NORMS[recipe["norm"]].twin.knowing(units=width)
        numbers = recipe.of("norm")
        before = numbers.pop("position", "before") == "before"
        self.linear = nn.LazyLinear(width)
        self.norm_before = norm(**numbers) if before else nn.Identity()
        activation = ACTIVATIONS[recipe["activation"]]
        given = [partial(draws.next_noise, "activation", layer)] if activation.random else []
        self.activation = activation.twin(*given, **recipe.of("activation"))
        self.norm_after = nn.Identity() if before else norm(**numbers)
        dropout = {"standard": GivenDropout, "alpha": GivenAlphaDropout}[recipe["dropout_kind"]]
        self.dropout = dropout(recipe["dropout"], partial(draws.next_noise, "dropout", layer))
        self.residual = bool(recipe["residual"])

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, features) to (batch, units)."""
        h = self.norm_before(self.linear(x))
        h = self.dropout(self.norm_after(self.activation(h)))
        return x + h if self.residual and x.shape == h.shape else h


def build(recipe: Recipe, split: Split, draws: Draws) -> nn.Module:
    """Build a recipe's network with its initial weights, in its number type."""
    target = LOSSES[recipe["loss"]].targets[split.task]
    hidden = [Hidden(recipe, layer, draws) for layer in range(recipe["depth"])]
    output = nn.LazyLinear(split.n_outputs(target))
    network = nn.Sequential(*hidden, output).double()
    network.eval()
    network(torch.zeros(2, split.n_features, dtype=torch.float64))  # lazy layers learn their sizes
    for number, layer in enumerate(hidden):
        initialise(recipe, layer.linear, str(number))
    initialise(recipe, output, "output")
    if INITS[recipe["init"]].calibrate is not None:
        calibrate(recipe, network, split)
    return network.to(DTYPES[recipe["dtype"]])


@torch.no_grad()
def initialise(recipe: Recipe, linear: nn.Linear, name: str) -> None:
    """Fill one linear layer by torch.nn.init, from the generators that belong to its name."""
    place = (recipe["data"], recipe["seed"])
    init = INITS[recipe["init"]]
    weight = torch_generator(recipe["study_seed"], f"init/{name}.weight", *place)
    init.fill(linear.weight, weight, keywords(recipe))
    bias = torch_generator(recipe["study_seed"], f"init/{name}.bias", *place)
    init.fill_bias(linear.bias, bias, keywords(recipe), linear.in_features)
    linear.bias.add_(recipe["bias"])


@torch.no_grad()
def calibrate(recipe: Recipe, network: nn.Module, split: Split) -> None:
    """Divide each linear layer's weight in turn by the spread of its outputs on training rows.

    Layer-sequential unit-variance, as Mishkin & Matas (2016) have it, with a forward pass for each
    layer. A copy of the network looks at the data, since BatchNorm keeps what it has seen.
    """
    x = torch.tensor(split.x["train"][: recipe["init.rows"]])
    places = [name for name, module in network.named_modules() if isinstance(module, nn.Linear)]
    for place in places:
        copy = deepcopy(network).train()
        for module in copy.modules():
            if isinstance(module, GivenDropout | GivenRReLU):
                module.eval()
        seen: list[Tensor] = []
        linear = copy.get_submodule(place)
        linear.register_forward_hook(lambda module, inputs, output, seen=seen: seen.append(output))
        copy(x)
        spread = float(seen[0].var(correction=0)) ** 0.5
        alike = 1e-8 * float(seen[0].abs().max())  # as good as constant
        scale = 1 / spread if alike < spread < math.inf else 1.0
        weight = network.get_parameter(f"{place}.weight")
        weight.copy_(recipe["init.gain"] * scale * linear.get_parameter("weight"))
