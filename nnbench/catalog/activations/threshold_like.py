"""Activations that part what is near a threshold from what is far from it."""

import math

from nnbench.catalog.activations.base import AT_ZERO, Activation, above, always, below, like
from nnbench.catalog.twin import Twin
from nnbench.catalog.works import ROSENBLATT
from nnbench.lazy import Tensor, torch
from nnbench.study.vocabulary import Parameter


def _zero(x: Tensor) -> Tensor:
    """0 with derivative 0, but NaN for a NaN (and for an infinity: for finite branches only)."""
    return 0 * x


def threshold(x: Tensor, threshold: Tensor, value: Tensor) -> Tensor:
    """x above the threshold, the value at it and below."""
    return torch.where(x <= like(threshold, x), like(value, x), x)


def heaviside(x: Tensor) -> Tensor:
    """1 above 0, 0 at it and below; its derivative is 0."""
    return torch.where(x.isnan(), x, (x > 0).to(x.dtype))


def sign(x: Tensor) -> Tensor:
    """-1, 0 or 1; its derivative is 0."""
    return torch.where(x.isnan(), x, torch.sign(x))  # torch's own sign of a NaN is 0


def softsign(x: Tensor) -> Tensor:
    """x / (1 + |x|), written so that the derivative 1 / (1 + |x|)^2 is no difference of equals.

    Differs from torch: whose derivative in float32 is 2 % off at |x| = 1e6 and 0 from 1e8 on.
    """
    inner = x.clamp(-1, 1)  # an infinity would make a NaN of the gradient
    outer = torch.sign(x) * (1 - 1 / (1 + x.abs()))
    return torch.where(x.abs() < 1, inner / (1 + inner.abs()), outer)


def softshrink(x: Tensor, lambd: Tensor) -> Tensor:
    """x moved towards 0 by lambda, and 0 within lambda of it."""
    bound = like(lambd, x)
    return torch.where(x > bound, x - bound, torch.where(x < -bound, x + bound, _zero(x)))


DONOHO = (
    "Donoho & Johnstone (1994), Ideal Spatial Adaptation by Wavelet Shrinkage, "
    "doi:10.1093/biomet/81.3.425"
)
LAMBDA = Parameter(0.5, "half the width of the flat middle", low=0, high=1e6)

THRESHOLD_LIKE: dict[str, Activation] = {
    "threshold": Activation(
        summary="Identity above a threshold, a fixed value below.",
        formula="x if x > threshold else value",
        reference="PyTorch, torch.nn.Threshold",
        parameters={
            "threshold": Parameter(0.0, "from where on x passes", low=-1e6, high=1e6),
            "value": Parameter(0.0, "output elsewhere", low=-1e6, high=1e6),
        },
        function=threshold,
        twin=Twin("torch.nn.Threshold"),
        saturates="left",
        breaks=lambda threshold, value: (threshold,),
        dead_regions=lambda threshold, value: (below(threshold),),
        gain=math.sqrt(2),
    ),
    "heaviside": Activation(
        summary="The step of the first perceptrons: no useful derivative.",
        formula="1 if x > 0 else 0",
        reference="McCulloch & Pitts (1943), A Logical Calculus of the Ideas Immanent in Nervous "
        "Activity, doi:10.1007/BF02478259",
        torch="torch.heaviside",
        aliases=("step",),
        function=heaviside,
        twin=Twin("activations.twins.Heaviside"),
        saturates="both",
        breaks=AT_ZERO,
        dead_regions=always(below(0.0), above(0.0)),
        gain=math.sqrt(2),
        max_slope=0.0,
    ),
    "sign": Activation(
        summary="The step from -1 to 1: no useful derivative.",
        formula="-1, 0 or 1",
        reference=ROSENBLATT,
        torch="torch.sign",
        function=sign,
        twin=Twin("activations.twins.Sign"),
        saturates="both",
        breaks=AT_ZERO,
        dead_regions=always(below(0.0), above(0.0)),
        max_slope=0.0,
    ),
    "softsign": Activation(
        summary="Saturates on both sides as tanh does, but slowly: by 1/x^2.",
        formula="x / (1 + |x|)",
        reference="Turian, Bergstra & Bengio (2009), Quadratic Features and Deep Architectures "
        "for Chunking, https://aclanthology.org/N09-2062/",
        torch="torch.nn.Softsign",
        function=softsign,
        twin=Twin("activations.twins.Softsign"),
        saturates="both",
        breaks=AT_ZERO,
        gain=2.337533,
    ),
    "tanhshrink": Activation(
        summary="What tanh leaves of x: flat at zero, a line far away.",
        formula="x - tanh(x)",
        reference="PyTorch, torch.nn.Tanhshrink",
        function=lambda x: x - torch.tanh(x),
        twin=Twin("torch.nn.Tanhshrink"),
        gain=2.338368,
    ),
    "softshrink": Activation(
        summary="Moves x towards zero by lambda, and kills what is nearer.",
        formula="x - lambd if x > lambd, x + lambd if x < -lambd, else 0",
        reference=DONOHO,
        parameters={"lambd": LAMBDA},
        function=softshrink,
        twin=Twin("torch.nn.Softshrink"),
        breaks=lambda lambd: (-lambd, lambd),
        dead_regions=lambda lambd: ((-lambd, lambd),) if lambd > 0 else (),
        gain=1.544361,
    ),
    "hardshrink": Activation(
        summary="Passes x as it is, but kills what is nearer to zero than lambda.",
        formula="x if |x| > lambd else 0",
        reference=DONOHO,
        parameters={"lambd": LAMBDA},
        function=lambda x, lambd: torch.where(x.abs() > like(lambd, x), x, _zero(x)),
        twin=Twin("torch.nn.Hardshrink"),
        breaks=lambda lambd: (-lambd, lambd),
        dead_regions=lambda lambd: ((-lambd, lambd),) if lambd > 0 else (),
        gain=1.015797,
    ),
}
