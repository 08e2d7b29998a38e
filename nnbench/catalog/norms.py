"""Normalisation layers: pure functions of a batch, with running statistics passed in and out.

A function takes `x` (batch, units), the layer's running statistics, whether this is training, its
learned numbers (units,) and its parameters; it returns the output and the new running statistics.
"""

from collections.abc import Callable
from dataclasses import dataclass

from nnbench.catalog.formulas import Of
from nnbench.catalog.twin import Twin, Twinned
from nnbench.catalog.works import IOFFE
from nnbench.lazy import Tensor, torch
from nnbench.study.vocabulary import Parameter, Term, need

POSITION = Parameter(
    "before", "before or after the activation", choices=("before", "after"), program=True
)


@dataclass(frozen=True, kw_only=True)
class Norm(Twinned):
    """A normalisation of (batch, units).

    `function` is None for none; its twin's formulas know `units`; `running` names the running
    statistics, (units,) each, with their start.
    """

    function: Callable[..., tuple[Tensor, dict[str, Tensor]]] | None
    learned: tuple[str, ...] = ("weight", "bias")  # of which the weight starts at 1, the bias at 0
    running: tuple[tuple[str, float], ...] = ()
    needs_batch: bool = False  # one example alone cannot be normalised in training

    @property
    def family(self) -> str:
        """The heading that it stands under."""
        if self.function is None:
            return "None"
        return "Over the batch" if self.needs_batch else "Over the units of an example"


def batchnorm(
    x: Tensor,
    running: dict[str, Tensor],
    training: bool,
    weight: Tensor,
    bias: Tensor,
    eps: Tensor,
    momentum: Tensor,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Normalise each unit over the batch, or over the running statistics at evaluation.

    The batch is divided by its biased variance; the running variance keeps the unbiased one.
    """
    if not training:
        scale = weight * torch.rsqrt(running["var"] + eps)
        return (x - running["mean"]) * scale + bias, running
    batch = x.new_ones(x.shape[0], dtype=torch.float64).sum()  # no constant of a traced program
    mean = x.mean(0)
    centred = x - mean
    var = (centred * centred).mean(0)
    new = {
        "mean": running["mean"] + momentum * (mean - running["mean"]),
        "var": running["var"] + momentum * (var * (batch / (batch - 1)) - running["var"]),
    }
    new = {name: value.detach() for name, value in new.items()}
    return centred * (weight * torch.rsqrt(var + eps)) + bias, new


def layernorm(
    x: Tensor,
    running: dict[str, Tensor],
    training: bool,
    weight: Tensor,
    bias: Tensor,
    eps: Tensor,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Normalise each example over its units, by the biased variance; alike at evaluation."""
    centred = x - x.mean(-1, keepdim=True)
    var = (centred * centred).mean(-1, keepdim=True)
    return centred * torch.rsqrt(var + eps) * weight + bias, running


def rmsnorm(
    x: Tensor, running: dict[str, Tensor], training: bool, weight: Tensor, eps: Tensor
) -> tuple[Tensor, dict[str, Tensor]]:
    """Divide each example by the root mean square of its units; no mean is taken away."""
    return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + eps) * weight, running


def eps_parameter(default: float) -> Parameter:
    """The constant that keeps the variance from zero."""
    return Parameter(default, "added to the variance", low=0, open_low=True, high=1)


NORMS: dict[str, Norm] = {
    "none": Norm(
        summary="No normalisation.",
        formula="x",
        reference="PyTorch, torch.nn.Identity",
        function=None,
        twin=Twin("torch.nn.Identity"),
        learned=(),
    ),
    "batchnorm": Norm(
        summary="Each unit to mean 0 and variance 1 over the batch, then a learned scale and "
        "shift; running statistics at evaluation.",
        formula="weight * (x - mean) / sqrt(var + eps) + bias",
        reference=IOFFE,
        parameters={
            "position": POSITION,
            "eps": eps_parameter(1e-5),
            "momentum": Parameter(
                0.1,
                "share of a batch in the running statistics",
                low=0,
                high=1,
                needs=(need(Term("epochs")), need(Term("evaluation", value="eval"))),
            ),
        },
        function=batchnorm,
        twin=Twin("torch.nn.LazyBatchNorm1d"),
        running=(("mean", 0.0), ("var", 1.0)),
        needs_batch=True,
    ),
    "layernorm": Norm(
        summary="Each example to mean 0 and variance 1 over its units, then a learned scale and "
        "shift; no batch, no running statistics.",
        formula="weight * (x - mean) / sqrt(var + eps) + bias, over units",
        reference="Ba, Kiros & Hinton (2016), Layer Normalization, arXiv:1607.06450",
        parameters={"position": POSITION, "eps": eps_parameter(1e-5)},
        function=layernorm,
        twin=Twin("torch.nn.LayerNorm", Of("units")),
    ),
    "rmsnorm": Norm(
        summary="Layer normalisation without the mean: each example to root mean square 1, then a "
        "learned scale.",
        formula="weight * x / sqrt(mean(x^2) + eps), over units",
        reference="Zhang & Sennrich (2019), Root Mean Square Layer Normalization, arXiv:1910.07467",
        parameters={"position": POSITION, "eps": eps_parameter(1e-6)},
        function=rmsnorm,
        twin=Twin("torch.nn.RMSNorm", Of("units")),
        learned=("weight",),
    ),
}
