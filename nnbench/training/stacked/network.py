"""One network: the layout of its parameters, their start, and the forward pass."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nnbench.catalog.activations.registry import ACTIVATIONS, SELU_ALPHA, SELU_SCALE
from nnbench.catalog.inits.registry import INITS, keywords
from nnbench.catalog.losses import LOSSES
from nnbench.catalog.norms import NORMS
from nnbench.catalog.optimizers.registry import OPTIMIZERS
from nnbench.study.recipe import Recipe, of_factor
from nnbench.training.draws import Draws, Split, split_for
from nnbench.training.stacked.descent import (
    PULLS,
    Descent,
    Numbers,
    descent_of,
    numbers_of_entries,
)

DTYPES = {"float32": torch.float32, "float64": torch.float64}
VECTOR = 64  # elements: twice the widest vector of a CPU, as torch's kernels unroll by two
Tap = Callable[[str, Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class Program(Descent):
    """All that shapes the tensor program of one network; a stack has one of these."""

    n_features: int
    n_outputs: int
    depth: int
    width: int
    activation: str
    norm: str
    norm_position: str
    loss: str
    target: str  # the form of the targets: class, one_hot or value
    residual: bool
    dtype: str
    dropout_kind: str
    dropout: bool  # whether the network has the thing at all
    l1: bool
    evaluation: str = "eval"
    class_weight: bool = False
    log_target: bool = False
    loss_fixed: tuple[tuple[str, Any], ...] = ()  # parameters of the loss that are no tensors
    aligned: bool = True  # see `aligned`; only a stack that is one tensor needs it

    @property
    def torch_dtype(self) -> torch.dtype:
        """Return the number type as torch names it."""
        return DTYPES[self.dtype]


class Network(NamedTuple):
    """One network's state: parameters (flat), running statistics, optimizer state."""

    params: Tensor  # (P,)
    running: dict[str, Tensor]
    optimizer: Any


def program_of(recipe: Recipe, split: Split) -> Program:
    """Return the program that a recipe asks for on its data."""
    target = LOSSES[recipe["loss"]].targets[split.task]
    return Program(
        **descent_of(recipe),
        n_features=split.n_features,
        n_outputs=split.n_outputs(target),
        depth=recipe["depth"],
        width=recipe["width"],
        activation=recipe["activation"],
        norm=recipe["norm"],
        norm_position=recipe.get("norm.position", "before"),
        loss=recipe["loss"],
        target=target,
        residual=recipe["residual"],
        dtype=recipe["dtype"],
        dropout_kind=recipe["dropout_kind"],
        dropout=recipe["dropout"] > 0,
        l1=recipe["l1"] > 0,
        evaluation=recipe["evaluation"],
        class_weight=recipe.get("class_weight", "none") != "none",
        log_target=split.is_log,
        loss_fixed=tuple(
            (name, recipe[f"loss.{name}"])
            for name, about in LOSSES[recipe["loss"]].parameters.items()
            if about.program
        ),
    )


def number_names(program: Program) -> list[str]:
    """The places in a recipe of the numbers that the program reads."""
    switches = [name for name in ("dropout", "l1", *PULLS) if getattr(program, name)]
    entries = {
        "activation": ACTIVATIONS[program.activation],
        "norm": NORMS[program.norm],
        "loss": LOSSES[program.loss],
        "optimizer": OPTIMIZERS[program.optimizer],
    }
    return [*switches, *numbers_of_entries(entries)]


def split_numbers(program: Program) -> list[str]:
    """The numbers that the program reads and that follow from a cell's split, by name."""
    weights = ["class_weight"] if program.class_weight else []
    return [*weights, *(["target_shift", "target_unit"] if program.log_target else [])]


def layout(program: Program) -> dict[str, tuple[int, ...]]:
    """Return the shape of every parameter by name, in the order of the flat vector."""
    shapes: dict[str, tuple[int, ...]] = {}
    fan_in = program.n_features
    for layer in range(program.depth):
        shapes[f"{layer}.weight"] = (program.width, fan_in)
        shapes[f"{layer}.bias"] = (program.width,)
        for name in NORMS[program.norm].learned:
            shapes[f"{layer}.norm.{name}"] = (program.width,)
        for name in ACTIVATIONS[program.activation].learned:
            shapes[f"{layer}.activation.{name}"] = (1,)
        fan_in = program.width
    shapes["output.weight"] = (program.n_outputs, fan_in)
    shapes["output.bias"] = (program.n_outputs,)
    return shapes


def n_params(program: Program) -> int:
    """Return the number of trained numbers."""
    return sum(math.prod(shape) for shape in layout(program).values())


def unflatten(program: Program, flat: Tensor) -> dict[str, Tensor]:
    """Return views of the flat vector (P,) by name."""
    shapes = layout(program)
    parts = flat.split([math.prod(shape) for shape in shapes.values()])
    return {
        name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)
    }


def flatten(params: Mapping[str, Tensor]) -> Tensor:
    """Return the flat vector of parameters that stand in the layout's order."""
    return torch.cat([param.reshape(-1) for param in params.values()])


def initial_params(program: Program, recipe: Recipe, draws: Draws) -> Tensor:
    """Return the network's first parameters (P,): drawn in float64, then rounded."""
    init = INITS[recipe["init"]]
    numbers = keywords(recipe)
    learned = ACTIVATIONS[program.activation].learned
    params: dict[str, Tensor] = {}
    for name, shape in layout(program).items():
        part = name.partition(".")[2]
        if part == "weight":
            params[name] = init.function(draws.init_noise(name, *shape), **numbers)
            fan_in = shape[1]
        elif part == "bias":
            params[name] = torch.full(shape, recipe["bias"], dtype=torch.float64)
            if init.bias is not None:
                noise = draws.init_noise(name, *shape)
                params[name] = params[name] + init.bias(noise, fan_in, **numbers)
        elif part == "norm.weight":
            params[name] = torch.ones(shape, dtype=torch.float64)
        elif part == "norm.bias":
            params[name] = torch.zeros(shape, dtype=torch.float64)
        else:
            start = learned[part.removeprefix("activation.")]
            params[name] = torch.full(shape, start, dtype=torch.float64)
    if init.calibrate is not None:
        calibrate(program, recipe, params, partial(init.calibrate, **numbers))
    return flatten(params).to(program.torch_dtype)


def calibrate(
    program: Program,
    recipe: Recipe,
    params: dict[str, Tensor],
    rule: Callable[..., Tensor],
) -> None:
    """Change each weight of `params` in turn by what its layer says to the first training rows.

    The layers before it are as they are in training, but for dropout and at the mean of any noise.
    """
    program = replace(program, dropout=False, dtype="float64")
    h = torch.tensor(split_for(recipe).x["train"][: recipe["init.rows"]])
    numbers = {
        key: torch.tensor(value, dtype=torch.float64)
        for key, value in recipe.items()
        if key.startswith(("activation.", "norm.")) and isinstance(value, int | float)
    }
    running = initial_running(program)
    noise = noise_at_its_mean(program, h)
    for layer in [*range(program.depth), "output"]:
        bias = params[f"{layer}.bias"]
        outputs = partial(torch.nn.functional.linear, h, bias=bias)
        params[f"{layer}.weight"] = rule(params[f"{layer}.weight"], outputs)
        if isinstance(layer, int):
            h = hidden_layer(program, params, running, numbers, layer, h, noise, untapped)


def noise_at_its_mean(program: Program, x: Tensor) -> dict[str, Tensor]:
    """The noise of activations at its mean, (rows, units) for each layer: the same each time."""
    middle = x.new_full((len(x), program.width), 0.5)
    return {f"activation/{layer}": middle for layer in range(program.depth)}


def initial_running(program: Program) -> dict[str, Tensor]:
    """Return the running statistics of every normalised layer at their start."""
    return {
        f"{layer}.{name}": torch.full((program.width,), start, dtype=program.torch_dtype)
        for layer in range(program.depth)
        for name, start in NORMS[program.norm].running
    }


def untapped(name: str, h: Tensor) -> Tensor:
    """Pass an activation on as it is."""
    return h


def forward(
    program: Program,
    params: Mapping[str, Tensor],
    running: dict[str, Tensor],
    numbers: Numbers,
    x: Tensor,
    noise: Mapping[str, Tensor] | None,
    tap: Tap = untapped,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return outputs (batch, outputs) and the new running statistics.

    `x` is (batch, features). `noise` is given in training only: uniform (batch, units) for each
    layer that draws, under the names ``dropout/<layer>`` and ``activation/<layer>``. `tap` sees
    each activation's input and output, ``pre/<layer>`` and ``act/<layer>``, and passes them on.
    """
    new_running = dict(running)
    h = x
    for layer in range(program.depth):
        h = hidden_layer(program, params, new_running, numbers, layer, h, noise, tap)
    outputs = torch.nn.functional.linear(h, params["output.weight"], params["output.bias"])
    return outputs, new_running


def hidden_layer(
    program: Program,
    params: Mapping[str, Tensor],
    running: dict[str, Tensor],
    numbers: Numbers,
    layer: int,
    h: Tensor,
    noise: Mapping[str, Tensor] | None,
    tap: Tap,
) -> Tensor:
    """Apply one hidden layer; its entries of `running` are replaced by the new ones."""
    training = noise is not None
    before = h
    h = torch.nn.functional.linear(h, params[f"{layer}.weight"], params[f"{layer}.bias"])
    if program.norm_position == "before":
        h = _normalise(program, params, running, numbers, layer, h, training)
    h = tap(f"pre/{layer}", h)
    h = tap(f"act/{layer}", activate(program, params, numbers, layer, h, noise))
    if program.norm_position == "after":
        h = _normalise(program, params, running, numbers, layer, h, training)
    if program.dropout and noise is not None:
        drop = DROPOUTS[program.dropout_kind]
        h = drop(h, noise[f"dropout/{layer}"], numbers["dropout"])
    if program.residual and before.shape == h.shape:
        h = before + h
    return h


def activate(
    program: Program,
    params: Mapping[str, Tensor],
    numbers: Numbers,
    layer: int,
    h: Tensor,
    noise: Mapping[str, Tensor] | None,
) -> Tensor:
    """Apply a hidden layer's activation to its pre-activation (batch, units)."""
    entry = ACTIVATIONS[program.activation]
    learned = {name: params[f"{layer}.activation.{name}"] for name in entry.learned}
    given = of_factor("activation", numbers) | learned
    inputs = [h]
    if entry.random:
        drawn = torch.full_like(h, 0.5) if noise is None else noise[f"activation/{layer}"]
        inputs.append(drawn.to(h.dtype))
    if not entry.elementwise or not program.aligned:
        return entry.function(*inputs, **given)
    return aligned(partial(entry.function, **given), *inputs)


def aligned(function: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
    """Apply an elementwise function so that its rounding cannot depend on a network's neighbours.

    A vectorised kernel takes the last few elements of a stack one by one, by code that may round
    otherwise. Padding each network's elements to whole vectors leaves no such elements.
    """
    h = inputs[0]
    rest = -h.numel() % VECTOR
    if rest == 0:
        return function(*inputs)
    padded = [torch.nn.functional.pad(one.reshape(-1), (0, rest)) for one in inputs]
    return function(*padded)[: h.numel()].reshape(h.shape)


def _normalise(
    program: Program,
    params: Mapping[str, Tensor],
    running: dict[str, Tensor],
    numbers: Numbers,
    layer: int,
    h: Tensor,
    training: bool,
) -> Tensor:
    """Normalise one layer; its entries of `running` are replaced by the new ones."""
    entry = NORMS[program.norm]
    if entry.function is None:
        return h
    h, new = entry.function(
        h,
        {name: running[f"{layer}.{name}"] for name, _ in entry.running},
        training,
        **{name: params[f"{layer}.norm.{name}"] for name in entry.learned},
        **of_factor("norm", numbers),
    )
    running.update({f"{layer}.{name}": value for name, value in new.items()})
    return h


def dropped(h: Tensor, noise: Tensor, rate: Tensor) -> Tensor:
    """Inverted dropout: zero where the uniform noise is below the rate, the rest scaled up."""
    return h * (noise >= rate) / (1 - rate)


def alpha_dropped(h: Tensor, noise: Tensor, rate: Tensor) -> Tensor:
    """Alpha dropout: dropped units go to SELU's negative limit; mean and variance are kept.

    Klambauer, Unterthiner, Mayr & Hochreiter (2017), Self-Normalizing Neural Networks.
    """
    limit = -SELU_SCALE * SELU_ALPHA
    kept = noise >= rate
    a = 1 / torch.sqrt((1 - rate) * (1 + rate * limit**2))
    # written as a sum of products, so that a NaN is not dropped
    return a * (h * kept + limit * (~kept).to(h.dtype)) - a * rate * limit


DROPOUTS = {"standard": dropped, "alpha": alpha_dropped}
