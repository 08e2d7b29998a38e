"""Initialisations whose spread follows from the number of a layer's inputs and outputs."""

import math

from nnbench.catalog.formulas import Of
from nnbench.catalog.inits.base import GENERATOR, Init, symmetric_uniform
from nnbench.catalog.inits.laws import Normal, Uniform
from nnbench.catalog.twin import Twin
from nnbench.catalog.works import HE_RECTIFIERS, LECUN

GLOROT = (
    "Glorot & Bengio (2010), Understanding the Difficulty of Training Deep Feedforward Networks, "
    "https://proceedings.mlr.press/v9/glorot10a.html"
)

BY_FANS: dict[str, Init] = {
    "lecun_normal": Init(
        summary="Variance 1/fan_in: keeps the variance of a linear layer; SELU's own.",
        reference=LECUN,
        law=Normal("1/fan_in"),
        twin=Twin("torch.nn.init.kaiming_normal_", nonlinearity="linear", generator=GENERATOR),
    ),
    "lecun_uniform": Init(
        summary="The uniform law of variance 1/fan_in.",
        reference=LECUN,
        law=Uniform("sqrt(3/fan_in)"),
        torch="torch.nn.init.kaiming_uniform_(nonlinearity='linear')",
        twin=Twin("inits.twins.uniform_", bound=Of("gain * sqrt(3 / fan_in)"), generator=GENERATOR),
    ),
    "xavier_normal": Init(
        summary="Variance 2/(fan_in + fan_out): a compromise of forward and backward variance (the "
        "paper draws the uniform law).",
        reference=GLOROT,
        law=Normal("2/(fan_in + fan_out)"),
        twin=Twin("torch.nn.init.xavier_normal_", generator=GENERATOR),
        aliases=("glorot_normal",),
    ),
    "xavier_uniform": Init(
        summary="The uniform law of variance 2/(fan_in + fan_out).",
        reference=GLOROT,
        law=Uniform("sqrt(6/(fan_in + fan_out))"),
        torch="torch.nn.init.xavier_uniform_",
        twin=Twin(
            "inits.twins.uniform_",
            bound=Of("gain * sqrt(6 / (fan_in + fan_out))"),
            generator=GENERATOR,
        ),
        aliases=("glorot_uniform",),
    ),
    "he_normal": Init(
        summary="Variance 2/fan_in: compensates for the half that a ReLU discards.",
        reference=HE_RECTIFIERS,
        law=Normal("2/fan_in"),
        twin=Twin("torch.nn.init.kaiming_normal_", nonlinearity="relu", generator=GENERATOR),
        aliases=("kaiming_normal",),
    ),
    "he_uniform": Init(
        summary="The uniform law of variance 2/fan_in.",
        reference=HE_RECTIFIERS,
        law=Uniform("sqrt(6/fan_in)"),
        torch="torch.nn.init.kaiming_uniform_(nonlinearity='relu')",
        twin=Twin("inits.twins.uniform_", bound=Of("gain * sqrt(6 / fan_in)"), generator=GENERATOR),
        aliases=("kaiming_uniform",),
    ),
    "torch_default": Init(
        summary="The default of torch.nn.Linear; biases are random too.",
        formula="W, b ~ U(-1/sqrt(fan_in), 1/sqrt(fan_in))",
        reference="PyTorch, torch.nn.Linear.reset_parameters",
        law=Uniform("1/sqrt(fan_in)"),
        torch="torch.nn.init.kaiming_uniform_(a=sqrt(5))",
        twin=Twin("inits.twins.uniform_", bound=Of("gain * sqrt(1 / fan_in)"), generator=GENERATOR),
        bias=lambda noise, fan_in, gain: symmetric_uniform(noise, 1 / math.sqrt(fan_in)),
        bias_twin=Twin("inits.twins.linear_bias_", fan_in=Of("fan_in"), generator=GENERATOR),
    ),
}
