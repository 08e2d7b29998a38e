"""The slow twin: one cell in ordinary torch modules. It may not import the engine.

Read it to see what a cell means; every test holds the engine against it, and every speed figure
is a ratio to it. It is given the split, the batches and the noise under weights and dropout masks,
and does all else with torch.nn, torch.nn.init, torch.optim and torch.optim.lr_scheduler.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from nnbench.catalog import ACTIVATIONS, INITS, LOSSES, NORMS, OPTIMIZERS, SCHEDULES
from nnbench.catalog.activations.twins import GivenRReLU
from nnbench.catalog.inits.registry import keywords
from nnbench.results.rows import Rows
from nnbench.seeds import torch_generator
from nnbench.study.study import Cell
from nnbench.training.draws import EVALUATION, PARTS, Draws, Split, split_for
from nnbench.training.protocol import BLOCK_ROWS, SMALL_WEIGHT, Record, Scores, score_of_task
from nnbench.training.reference.probes import look

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

    def __init__(self, cell: Cell, layer: int, draws: Draws) -> None:
        super().__init__()
        recipe = cell.recipe
        norm = NORMS[str(recipe["norm"])].twin
        numbers = cell.recipe.of("norm")
        before = numbers.pop("position", "before") == "before"
        width = recipe["width"]
        self.linear = nn.LazyLinear(width)
        self.norm_before = norm(width, **numbers) if before else nn.Identity()
        activation = ACTIVATIONS[str(recipe["activation"])]
        given = [partial(draws.next_noise, "activation", layer)] if activation.random else []
        self.activation = activation.twin(*given, **cell.recipe.of("activation"))
        self.norm_after = nn.Identity() if before else norm(width, **numbers)
        dropout = {"standard": GivenDropout, "alpha": GivenAlphaDropout}[recipe["dropout_kind"]]
        self.dropout = dropout(
            recipe["dropout"],
            partial(draws.next_noise, "dropout", layer),
        )
        self.residual = bool(recipe["residual"])

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, features) to (batch, units)."""
        h = self.norm_before(self.linear(x))
        h = self.dropout(self.norm_after(self.activation(h)))
        return x + h if self.residual and x.shape == h.shape else h


def build(cell: Cell, split: Split, draws: Draws) -> nn.Module:
    """Return the cell's network with its initial weights, in the cell's number type."""
    recipe = cell.recipe
    target = LOSSES[recipe["loss"]].targets[split.task]
    hidden = [Hidden(cell, layer, draws) for layer in range(recipe["depth"])]
    output = nn.LazyLinear(split.n_outputs(target))
    network = nn.Sequential(*hidden, output).double()
    network.eval()
    network(torch.zeros(2, split.n_features, dtype=torch.float64))  # lazy layers learn their sizes
    for number, layer in enumerate(hidden):
        initialise(cell, layer.linear, str(number))
    initialise(cell, output, "output")
    if INITS[recipe["init"]].calibrate is not None:
        calibrate(cell, network, split)
    return network.to(DTYPES[recipe["dtype"]])


@torch.no_grad()
def initialise(cell: Cell, linear: nn.Linear, name: str) -> None:
    """Fill one linear layer by torch.nn.init, from the generators that belong to its name."""
    recipe = cell.recipe
    place = (recipe["data"], recipe["seed"])
    init = INITS[recipe["init"]]
    weight = torch_generator(recipe["study_seed"], f"init/{name}.weight", *place)
    init.twin(linear.weight, weight, **keywords(recipe))
    nn.init.constant_(linear.bias, recipe["bias"])
    if init.bias_twin is not None:
        bias = torch_generator(recipe["study_seed"], f"init/{name}.bias", *place)
        noise = torch.empty_like(linear.bias)
        linear.bias.add_(init.bias_twin(noise, bias, linear.in_features, **keywords(recipe)))


@torch.no_grad()
def calibrate(cell: Cell, network: nn.Module, split: Split) -> None:
    """Divide each linear layer's weight in turn by the spread of its outputs on training rows.

    Layer-sequential unit-variance, as Mishkin & Matas (2016) have it, with a forward pass for each
    layer. A copy of the network looks at the data, since BatchNorm keeps what it has seen.
    """
    recipe = cell.recipe
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
        scale = 1 / spread if 0 < spread < math.inf else 1.0
        weight = network.get_parameter(f"{place}.weight")
        weight.copy_(recipe["init.gain"] * scale * linear.get_parameter("weight"))


def build_optimizer(cell: Cell, network: nn.Module) -> torch.optim.Optimizer:
    """Return the cell's optimizer from torch.optim, weight decay included."""
    recipe = cell.recipe
    entry = OPTIMIZERS[recipe["optimizer"]]
    decay = recipe["weight_decay"]
    if recipe["decoupled"] and not entry.decoupled:
        decay = 0.0  # applied by hand: torch's own optimizer couples it
    return entry.twin(network.parameters(), weight_decay=decay, **cell.recipe.of("optimizer"))


class Criterion(nn.Module):
    """A torch loss on the network's outputs, mapped first (by nn.Sigmoid, say) if it wants that."""

    def __init__(self, output: nn.Module, loss: nn.Module) -> None:
        super().__init__()
        self.output, self.loss = output, loss

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of outputs (batch, outputs)."""
        loss: Tensor = self.loss(self.output(outputs), targets)
        return loss


def build_criterion(cell: Cell) -> nn.Module:
    """Return the cell's loss from torch.nn."""
    entry = LOSSES[str(cell.recipe["loss"])]
    return Criterion(entry.output_twin(), entry.twin(**cell.recipe.of("loss")))


@torch.no_grad()
def decay_by_hand(cell: Cell, optimizer: torch.optim.Optimizer) -> None:
    """Shrink all parameters by 1 - lr * weight_decay, where torch's optimizer does not."""
    recipe = cell.recipe
    if not recipe["decoupled"] or OPTIMIZERS[recipe["optimizer"]].decoupled:
        return
    for group in optimizer.param_groups:
        for param in group["params"]:
            param.mul_(1 - group["lr"] * recipe["weight_decay"])


def minimised(
    cell: Cell, network: nn.Module, criterion: nn.Module, x: Tensor, y: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the loss of a batch, and what training minimises: the loss with its L1 penalty."""
    recipe = cell.recipe
    loss: Tensor = criterion(network(x), y)
    if recipe["l1"] == 0:
        return loss, loss
    weights = [m.weight for m in network.modules() if isinstance(m, nn.Linear)]
    return loss, loss + recipe["l1"] * sum(weight.abs().sum() for weight in weights)


def train_step(
    cell: Cell,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    criterion: nn.Module,
    x: Tensor,
    y: Tensor,
) -> tuple[float, float]:
    """Update the network on one batch; return the loss and the gradient's norm before clipping."""
    recipe = cell.recipe
    optimizer.zero_grad()
    loss, penalised = minimised(cell, network, criterion, x, y)
    penalised.backward()
    params = list(network.parameters())
    grad_norm = nn.utils.get_total_norm([p.grad for p in params if p.grad is not None])
    if recipe["clip_norm"] > 0:
        nn.utils.clip_grad_norm_(params, recipe["clip_norm"])
    if recipe["clip_value"] > 0:
        nn.utils.clip_grad_value_(params, recipe["clip_value"])
    decay_by_hand(cell, optimizer)
    optimizer.step()
    return float(loss.detach()), float(grad_norm)


@contextmanager
def averaged_parameters(optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """Let parameters be the average of their iterates where the optimizer keeps one, as `ax`."""
    averages = {param: kept["ax"] for param, kept in optimizer.state.items() if "ax" in kept}
    iterates = {param: param.detach().clone() for param in averages}
    with torch.no_grad():
        for param, average in averages.items():
            param.copy_(average)
        yield
        for param, iterate in iterates.items():
            param.copy_(iterate)


@torch.no_grad()
def evaluate(
    cell: Cell, network: nn.Module, split: Split, criterion: nn.Module, draws: Draws
) -> Scores:
    """Return loss and score on each part: running statistics, no dropout, unless told otherwise."""
    in_training = cell.recipe["evaluation"] == "train"
    network.train(in_training)
    scores: Scores = {}
    for part in PARTS:
        x, y = tensors(cell, split, part)
        outputs = outputs_in_training(network, x, draws) if in_training else network(x)
        scores[f"{part}_loss"] = float(criterion(outputs, y))
        score = score_of_task(split.task)
        scores[f"{part}_{score}"] = score_outputs(cell, split, part, outputs)
    linear = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
    weights = torch.cat([layer.weight.double().flatten() for layer in linear])
    scores["weight_norm"] = float(weights.norm())
    scores["small_weight_fraction"] = float((weights.abs() < SMALL_WEIGHT).double().mean())
    network.train()
    return scores


def outputs_in_training(network: nn.Module, x: Tensor, draws: Draws) -> Tensor:
    """Return the outputs of a network in training mode, each example a batch of one.

    As torch's BatchNorm refuses a batch of one, an example enters twice: the mean and the variance
    are the same. What the running statistics would learn from it is forgotten again.
    """
    kept = deepcopy(network.state_dict())
    noisy: list[tuple[Any, str, int]] = []
    for layer, hidden in enumerate(m for m in network.children() if isinstance(m, Hidden)):
        noisy.append((hidden.dropout, "dropout", layer))
        if isinstance(hidden.activation, GivenRReLU):
            noisy.append((hidden.activation, "activation", layer))
    of_training = [module.noise for module, _, _ in noisy]
    outputs = []
    for block in x.split(BLOCK_ROWS):
        for module, purpose, layer in noisy:
            width = network.get_submodule(f"{layer}.linear").get_parameter("weight").shape[0]
            drawn = draws.next_noise(EVALUATION.format(purpose), layer, len(block), width)
            rows = iter(drawn)
            module.noise = lambda *shape, rows=rows: next(rows).expand(*shape)
        outputs += [network(row.expand(2, -1))[:1] for row in block]
    for (module, _, _), noise in zip(noisy, of_training, strict=True):
        module.noise = noise
    network.load_state_dict(kept)
    return torch.cat(outputs)


def score_outputs(cell: Cell, split: Split, part: str, outputs: Tensor) -> float:
    """Return accuracy or R^2 of the outputs (n, outputs) on a part."""
    y = torch.as_tensor(split.y[part])
    if split.task == "regression":
        residual = ((outputs.squeeze(-1) - y) ** 2).sum()
        return float(1 - residual / ((y - y.mean()) ** 2).sum())
    if outputs.shape[1] == 1:
        predicted = (outputs.squeeze(-1) > LOSSES[cell.recipe["loss"]].threshold).long()
    else:
        predicted = outputs.argmax(-1)
    return float((predicted == y).double().mean())


def tensors(cell: Cell, split: Split, part: str) -> tuple[Tensor, Tensor]:
    """Return x and the loss's targets of a part as tensors of the cell's number type."""
    target = LOSSES[cell.recipe["loss"]].targets[split.task]
    dtype = DTYPES[cell.recipe["dtype"]]
    y = torch.tensor(split.targets(part, target))
    return torch.tensor(split.x[part], dtype=dtype), y if target == "class" else y.to(dtype)


def train_cell(
    cell: Cell,
    *,
    on_progress: Callable[[float], None] = lambda share: None,
) -> Rows:
    """Train one cell and return its rows, in the same form as the engine's."""
    began = time.perf_counter()
    recipe = cell.recipe
    split = split_for(recipe)
    draws = Draws(recipe)
    network = build(cell, split, draws).train()
    optimizer = build_optimizer(cell, network)
    batch_size = recipe["batch_size"] or split.n_train
    steps = split.steps_per_epoch(batch_size)
    schedule = SCHEDULES[recipe["schedule"]]
    total = recipe["epochs"] * (steps if schedule.unit == "step" else 1)
    scheduler = schedule.twin(optimizer, total, **cell.recipe.of("schedule"))
    criterion = build_criterion(cell)
    record = Record(cell.cell_id, recipe, score_of_task(split.task))

    def rate() -> float:
        return float(optimizer.param_groups[0]["lr"])

    def scored() -> Scores:
        with averaged_parameters(optimizer):
            return evaluate(cell, network, split, criterion, draws)

    x, y = tensors(cell, split, "train")
    every = recipe["probe_every"]

    def probe(epoch: int) -> None:
        is_due = every and (epoch % every == 0 or epoch == recipe["epochs"])
        if is_due and record.diverged_at_step is None:
            ended = 0 < epoch == recipe["epochs"]  # no rate comes next: the last one's goes on
            lr = record.curves[-1]["lr"] if ended else rate()
            seen = look(cell, network, optimizer, lr, criterion, minimised, train_step, x, y)
            record.add_layers(epoch, epoch * steps, *seen)

    record.add(0, 0, rate(), float("nan"), scored())
    probe(0)
    for epoch in range(recipe["epochs"]):
        if record.over:
            break
        order = draws.next_order(split.n_train)
        norms, lr = [], rate()
        for number in range(steps):
            lr = rate()
            rows = order[number * batch_size : (number + 1) * batch_size]
            loss, norm = train_step(cell, network, optimizer, criterion, x[rows], y[rows])
            norms.append(norm)
            if schedule.unit == "step":
                scheduler.step()
            if not is_finite(loss, norm):
                record.diverged_at_step = epoch * steps + number + 1
                break
        if record.over:
            break
        scores = scored()
        record.add(epoch + 1, (epoch + 1) * steps, lr, sum(norms) / len(norms), scores)
        if schedule.after_epoch is not None:
            scheduler.step(scores["val_loss"])
        elif schedule.unit == "epoch":
            scheduler.step()
        probe(epoch + 1)
        on_progress((epoch + 1) / recipe["epochs"])

    shapes = [tuple(param.shape) for param in network.parameters()]
    row = record.row(shapes, time.perf_counter() - began, "reference")
    return Rows(cells=[row], curves=record.curves, layers=record.layers)


def is_finite(loss: float, norm: float) -> bool:
    """Tell whether neither is NaN or infinite, as double precision has it."""
    return math.isfinite(loss) and math.isfinite(norm)
