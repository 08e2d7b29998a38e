"""A learner and its step: loss, optimizer, clipping and decay, in torch's own ways."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from nnbench.catalog import LOSSES, OPTIMIZERS
from nnbench.study.recipe import Recipe
from nnbench.training.draws import Split
from nnbench.training.reference.network import DTYPES

Pace = dict[str, Any]  # what a schedule sets of an optimizer's groups, by torch's names


@dataclass(frozen=True)
class Learner:
    """A network in training, and what trains it."""

    recipe: Recipe
    network: nn.Module
    optimizer: torch.optim.Optimizer
    criterion: nn.Module


class Criterion(nn.Module):
    """A torch loss on the network's outputs, mapped first (by nn.Sigmoid, say) if it wants that."""

    def __init__(self, output: nn.Module, loss: nn.Module) -> None:
        super().__init__()
        self.output, self.loss = output, loss

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of outputs (batch, outputs)."""
        return self.loss(self.output(outputs), targets)


def build_criterion(recipe: Recipe, split: Split) -> nn.Module:
    """Build a recipe's loss from torch.nn."""
    entry = LOSSES[recipe["loss"]]
    output = entry.output_twin() if entry.output_twin is not None else nn.Identity()
    weighed: dict[str, Any] = {}
    if recipe.get("class_weight", "none") != "none":
        weighed["weight"] = torch.tensor(split.class_weights, dtype=DTYPES[recipe["dtype"]])
    return Criterion(output, entry.twin(**recipe.of("loss"), **weighed))


def build_optimizer(recipe: Recipe, network: nn.Module) -> torch.optim.Optimizer:
    """Build a recipe's optimizer from torch.optim, weight decay included."""
    twin, decay = OPTIMIZERS[recipe["optimizer"]].twin_for(recipe)
    return twin(network.parameters(), **recipe.of("optimizer"), **decay)


def minimised(learner: Learner, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return the loss of a batch, and what training minimises: the loss with its L1 penalty."""
    loss: Tensor = learner.criterion(learner.network(x), y)
    l1 = learner.recipe["l1"]
    if l1 == 0:
        return loss, loss
    weights = [m.weight for m in learner.network.modules() if isinstance(m, nn.Linear)]
    return loss, loss + l1 * sum(weight.abs().sum() for weight in weights)


def train_step(learner: Learner, x: Tensor, y: Tensor) -> tuple[float, float]:
    """Update the network on one batch; return the loss and the gradient's norm before clipping."""
    learner.optimizer.zero_grad()
    loss, penalised = minimised(learner, x, y)
    penalised.backward()
    gradients = [p.grad for p in learner.network.parameters() if p.grad is not None]
    grad_norm = nn.utils.get_total_norm(gradients)
    update(learner.recipe, learner.network, learner.optimizer)
    return float(loss.detach()), float(grad_norm)


def update(recipe: Recipe, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Clip the gradients, shrink the parameters where torch's optimizer does not, and step."""
    if recipe["clip_norm"] > 0:
        nn.utils.clip_grad_norm_(network.parameters(), recipe["clip_norm"])
    if recipe["clip_value"] > 0:
        nn.utils.clip_grad_value_(network.parameters(), recipe["clip_value"])
    decay_by_hand(optimizer, OPTIMIZERS[recipe["optimizer"]].decay_by_hand(recipe))
    optimizer.step()


@torch.no_grad()
def decay_by_hand(optimizer: torch.optim.Optimizer, decay: float) -> None:
    """Shrink all parameters by 1 - lr * decay."""
    for group in optimizer.param_groups:
        for param in group["params"]:
            param.mul_(1 - group["lr"] * decay)


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
