"""Normalisation layers: pure functions of a batch, with running statistics passed in and out.

A function takes `x` (batch, units), the layer's learned `weight` and `bias` (units,), its running
statistics, and whether this is training; it returns the output and the new running statistics.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnbench.vocabulary import Entry, Parameter
from nnbench.lazy import lazy_import

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = lazy_import("torch", globals())

POSITION = Parameter(
    "before", "before or after the activation", choices=("before", "after"), program=True
)


@dataclass(frozen=True, kw_only=True)
class Norm(Entry):
    """A normalisation. `function` is None for none; `running` names its statistics and start."""

    function: Callable[..., tuple[Tensor, dict[str, Tensor]]] | None
    twin: Callable[..., torch.nn.Module]
    running: tuple[tuple[str, float], ...] = ()
    needs_batch: bool = False  # one example alone cannot be normalised in training


def batchnorm(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    running: dict[str, Tensor],
    training: bool,
    eps: Tensor,
    momentum: Tensor,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Normalise each unit over the batch, or over the running statistics at evaluation.

    The batch is divided by its biased variance; the running variance keeps the unbiased one.
    """
    if not training:
        scale = weight * torch.rsqrt(running["var"] + eps)
        return (x - running["mean"]) * scale + bias, running
    batch = x.shape[0]
    mean = x.mean(0)
    centred = x - mean
    var = (centred * centred).mean(0)
    new = {
        "mean": running["mean"] + momentum * (mean - running["mean"]),
        "var": running["var"] + momentum * (var * (batch / (batch - 1)) - running["var"]),
    }
    new = {name: value.detach() for name, value in new.items()}
    return centred * (weight * torch.rsqrt(var + eps)) + bias, new


NORMS: dict[str, Norm] = {
    "none": Norm(
        summary="No normalisation.",
        formula="x",
        reference="(definition)",
        torch="torch.nn.Identity",
        function=None,
        twin=lambda: torch.nn.Identity(),
    ),
    "batchnorm": Norm(
        summary="Each unit to mean 0 and variance 1 over the batch, then a learned scale and "
        "shift; running statistics at evaluation.",
        formula="weight * (x - mean) / sqrt(var + eps) + bias",
        reference="Ioffe & Szegedy (2015), Batch Normalization",
        torch="torch.nn.BatchNorm1d",
        parameters={
            "position": POSITION,
            "eps": Parameter(1e-5, "added to the variance", low=0, open_low=True, high=1),
            "momentum": Parameter(0.1, "share of a batch in the running statistics", 0, 1),
        },
        function=batchnorm,
        twin=lambda eps, momentum: torch.nn.LazyBatchNorm1d(eps=eps, momentum=momentum),
        running=(("mean", 0.0), ("var", 1.0)),
        needs_batch=True,
    ),
}
