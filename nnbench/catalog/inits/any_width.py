"""Initialisations that are the same at every width."""

from dataclasses import replace

from nnbench.catalog.formulas import Of
from nnbench.catalog.inits.base import GAIN, GENERATOR, Init, uniform_noise
from nnbench.catalog.inits.laws import Normal, Uniform
from nnbench.catalog.twin import Twin
from nnbench.lazy import Tensor, torch
from nnbench.study.vocabulary import Parameter, need

CUT = 2.0  # standard deviations of the truncated normal law


def truncated_normal(noise: Tensor, gain: float, std: float) -> Tensor:
    """W ~ N(0, std^2) given |W| <= 2 std, by the inverse of its distribution function.

    The variance that is left is 0.7737 std^2.
    """
    bound = torch.tensor(CUT, dtype=noise.dtype)
    low, high = torch.special.ndtr(-bound), torch.special.ndtr(bound)
    return gain * std * torch.special.ndtri(low + (high - low) * uniform_noise(noise))


STD = Parameter(0.05, "standard deviation", low=0, high=1e6)

ANY_WIDTH: dict[str, Init] = {
    "zero": Init(
        summary="All weights zero: units stay identical; hidden layers get no gradient.",
        formula="W = 0",
        reference="Goodfellow, Bengio & Courville (2016), Deep Learning, section 8.4, "
        "https://www.deeplearningbook.org",
        law="all weights are alike",
        parameters={"gain": replace(GAIN, needs=(need(),))},  # a factor on nothing
        function=lambda noise, gain: gain * torch.zeros_like(noise),
        twin=Twin("torch.nn.init.zeros_"),
    ),
    "random_small": Init(
        summary="Small uniform weights, whatever the width: signals vanish with depth.",
        reference="Goodfellow, Bengio & Courville (2016), Deep Learning, section 8.4, "
        "https://www.deeplearningbook.org",
        law=Uniform("bound"),
        torch="torch.nn.init.uniform_",
        parameters={"gain": GAIN, "bound": Parameter(0.01, "largest weight", low=0, high=1e6)},
        twin=Twin("inits.twins.uniform_", bound=Of("gain * bound"), generator=GENERATOR),
    ),
    "constant": Init(
        summary="All weights equal: a layer's units stay identical, however long they train.",
        formula="W = value",
        reference="PyTorch, torch.nn.init.constant_",
        law="all weights are alike",
        parameters={"gain": GAIN, "value": Parameter(0.1, "every weight", low=-1e6, high=1e6)},
        function=lambda noise, gain, value: torch.full_like(noise, gain * value),
        twin=Twin("torch.nn.init.constant_", val=Of("gain * value")),
    ),
    "normal": Init(
        summary="Normal weights of a given spread, whatever the width.",
        reference="PyTorch, torch.nn.init.normal_",
        law=Normal("std^2"),
        parameters={"gain": GAIN, "std": STD},
        function=lambda noise, gain, std: gain * std * noise,
        twin=Twin("torch.nn.init.normal_", std=Of("gain * std"), generator=GENERATOR),
    ),
    "truncated_normal": Init(
        summary="Normal weights, drawn anew where they are beyond two standard deviations.",
        reference="PyTorch, torch.nn.init.trunc_normal_",
        law=Normal("std^2", cut=CUT),
        torch="torch.nn.init.trunc_normal_",
        parameters={"gain": GAIN, "std": STD},
        function=truncated_normal,
        twin=Twin("inits.twins.truncated_normal_", std=Of("gain * std"), generator=GENERATOR),
    ),
}
