"""Activations with an exponential below zero."""

from nnbench.catalog.activations.base import AT_ZERO, Activation, below
from nnbench.catalog.twin import Twin
from nnbench.catalog.works import KLAMBAUER
from nnbench.lazy import Tensor, torch
from nnbench.study.vocabulary import Parameter

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


def elu(x: Tensor, alpha: Tensor) -> Tensor:
    """x above 0, alpha (e^x - 1) below."""
    # the clamp keeps e^x finite where its branch is not taken: inf * 0 would be a NaN gradient
    return torch.where(x > 0, x, alpha * torch.expm1(x.clamp(max=0)))


def celu(x: Tensor, alpha: Tensor) -> Tensor:
    """x above 0, alpha (e^(x/alpha) - 1) below: smooth at 0 for every alpha."""
    return torch.where(x > 0, x, alpha * torch.expm1(x.clamp(max=0) / alpha))


ELU_LIKE: dict[str, Activation] = {
    "elu": Activation(
        summary="Exponential below zero: negative outputs centre the mean, and no unit dies fast.",
        formula="x if x > 0 else alpha * (exp(x) - 1)",
        reference="Clevert, Unterthiner & Hochreiter (2016), Fast and Accurate Deep Network "
        "Learning by Exponential Linear Units, arXiv:1511.07289",
        parameters={"alpha": Parameter(1.0, "limit at minus infinity, negated", low=0, high=100)},
        function=elu,
        twin=Twin("torch.nn.ELU"),
        saturates="left",
        breaks=AT_ZERO,
        dead_regions=lambda alpha: (below(0.0),) if alpha == 0 else (),
        gain=1.245198,
    ),
    "selu": Activation(
        summary="ELU with the two constants that keep mean 0 and variance 1 through depth.",
        formula=f"lambda * (x if x > 0 else alpha * (exp(x) - 1)), alpha = {SELU_ALPHA:.4f}, "
        f"lambda = {SELU_SCALE:.4f}",
        reference=KLAMBAUER,
        function=lambda x: torch.nn.functional.selu(x),
        twin=Twin("torch.nn.SELU"),
        saturates="left",
        breaks=AT_ZERO,
        gain=0.75,
        max_slope=SELU_ALPHA * SELU_SCALE,
    ),
    "celu": Activation(
        summary="ELU whose exponent is scaled too, so that it is smooth for every alpha.",
        formula="x if x > 0 else alpha * (exp(x / alpha) - 1)",
        reference="Barron (2017), Continuously Differentiable Exponential Linear Units, "
        "arXiv:1704.07483",
        torch="torch.nn.CELU",
        parameters={
            "alpha": Parameter(
                1.0, "limit at minus infinity, negated", low=0, high=100, open_low=True
            )
        },
        function=celu,
        twin=Twin("activations.twins.CELU"),
        saturates="left",
        breaks=AT_ZERO,
        gain=1.245198,
    ),
}
