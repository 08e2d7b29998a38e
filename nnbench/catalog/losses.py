"""Losses: functions of one network's outputs (batch, outputs) and targets, mean over the batch.

`targets` says what a loss is given: `class` (indices), `one_hot` (0 and 1; a single column when
there are two classes) or `value` (real numbers, one column).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnbench.vocabulary import Entry
from nnbench.lazy import lazy_import

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = lazy_import("torch", globals())


@dataclass(frozen=True, kw_only=True)
class Loss(Entry):
    """A loss. `tasks` are those it can train; `targets` maps a task to the form of its target."""

    function: Callable[..., Tensor]
    twin: Callable[..., torch.nn.Module]
    targets: dict[str, str]
    threshold: float = 0.0  # of a single output, between the two classes


def cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """-log softmax(outputs)[target]; targets are class indices (batch,)."""
    picked = outputs.log_softmax(-1).gather(-1, targets.unsqueeze(-1))
    return -picked.mean()


def mse(outputs: Tensor, targets: Tensor) -> Tensor:
    """(outputs - targets)^2, mean over batch and outputs."""
    return ((outputs - targets) ** 2).mean()


def bce_with_logits(outputs: Tensor, targets: Tensor) -> Tensor:
    """-[t log sigmoid(o) + (1 - t) log(1 - sigmoid(o))], safe at any logit."""
    return ((1 - targets) * outputs - torch.nn.functional.logsigmoid(outputs)).mean()


LOSSES: dict[str, Loss] = {
    "cross_entropy": Loss(
        summary="Negative log-likelihood of the right class under the softmax of the logits.",
        formula="-log softmax(o)[t]",
        reference="Bridle (1990), Probabilistic Interpretation of Feedforward Classification "
        "Network Outputs",
        torch="torch.nn.CrossEntropyLoss",
        function=cross_entropy,
        twin=lambda: torch.nn.CrossEntropyLoss(),
        targets={"classification": "class"},
    ),
    "mse": Loss(
        summary="Mean squared error; on classes, against their one-hot code (the Brier score).",
        formula="mean (o - t)^2",
        reference="Legendre (1805), Nouvelles méthodes pour la détermination des orbites des "
        "comètes",
        torch="torch.nn.MSELoss",
        function=mse,
        twin=lambda: torch.nn.MSELoss(),
        targets={"classification": "one_hot", "regression": "value"},
        threshold=0.5,
    ),
    "bce_with_logits": Loss(
        summary="Binary cross-entropy on logits; with more than two classes, one against the rest.",
        formula="(1 - t) o - log sigmoid(o)",
        reference="PyTorch, torch.nn.BCEWithLogitsLoss",
        torch="torch.nn.BCEWithLogitsLoss",
        function=bce_with_logits,
        twin=lambda: torch.nn.BCEWithLogitsLoss(),
        targets={"classification": "one_hot"},
    ),
}
