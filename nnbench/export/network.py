"""The network of a script: its layers, in torch's own modules where torch has them, and its start.

Where a module of torch's would draw from the global generator, or rounds a derivative to single
precision, the catalogue's twin of it is written out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nnbench.catalog.activations.registry import ACTIVATIONS
from nnbench.catalog.inits.registry import CUT, INITS
from nnbench.catalog.meanfield import mean_field
from nnbench.catalog.norms import NORMS
from nnbench.export.sources import definitions
from nnbench.export.text import call

OWN_ACTIVATIONS = {
    "heaviside": "Heaviside",
    "sign": "Sign",
    "softsign": "Softsign",
    "hardsigmoid": "Hardsigmoid",
    "celu": "CELU",
    "erf": "Erf",
    "relu_squared": "SquaredReLU",
    "sine": "Sine",
    "snake": "Snake",
}
FIXED = {"softplus": {"threshold": 40.0}}  # torch would turn linear sooner than the formula
NORM_MODULES = {"batchnorm": "BatchNorm1d", "layernorm": "LayerNorm", "rmsnorm": "RMSNorm"}
WEIGHT, GENERATOR = "linear.weight", "of_weight"
BIAS_GENERATOR = "of_bias"
# laws of torch.nn.init that draw what the study draws
NORMAL_LAWS = {
    "lecun_normal": ("kaiming_normal_", {"nonlinearity": "linear"}),
    "xavier_normal": ("xavier_normal_", {}),
    "he_normal": ("kaiming_normal_", {"nonlinearity": "relu"}),
}
# laws of variance scale / 3 / fan
UNIFORM_LAWS = {
    "lecun_uniform": (3, "linear.in_features"),
    "xavier_uniform": (6, "(linear.in_features + linear.out_features)"),
    "he_uniform": (6, "linear.in_features"),
    "torch_default": (1, "linear.in_features"),
}


@dataclass(frozen=True)
class NetworkCode:
    """Code of a network.

    `definitions` are classes that torch has not. `modules` are one hidden layer's after the linear
    one, and `noisy` says which noise they take: those modules name their layer's number.
    `weights` and `biases` are the lines that start a linear layer, `constants` what they need.
    """

    definitions: str
    modules: list[str]
    noisy: list[str]
    constants: list[str]
    weights: list[str]
    biases: list[str]

    @property
    def streams(self) -> list[tuple[str, str]]:
        """Return the generators that starting a layer takes: a variable, and what it is for."""
        lines = [*self.weights, *self.biases]
        both = ((GENERATOR, "weight"), (BIAS_GENERATOR, "bias"))
        return [(name, what) for name, what in both if any(name in line for line in lines)]

    @property
    def noisy_modules(self) -> str:
        """Return the classes that take noise, as `isinstance` does."""
        classes = [module.partition("(")[0] for module in self.modules if "layer" in module]
        return " | ".join(one for one in classes if "." not in one) if self.noisy else ""

    @property
    def uses_uniform(self) -> bool:
        """Tell whether a linear layer is started by `uniform_`."""
        return any(line.startswith("uniform_(") for line in [*self.weights, *self.biases])


def network_code(recipe: Mapping[str, Any]) -> NetworkCode:
    """Return the code of a recipe's network."""
    noisy = []
    if ACTIVATIONS[recipe["activation"]].random:
        noisy.append("activation")
    if recipe["dropout"] > 0:
        noisy.append("dropout")
    constants, weights, biases = _start(recipe)
    name = str(recipe["activation"])
    defined = ""
    if name in OWN_ACTIVATIONS and recipe["depth"] > 0:
        defined = definitions("nnbench.catalog.activations.twins", OWN_ACTIVATIONS[name])
    return NetworkCode(
        definitions=defined,
        modules=_modules(recipe),
        noisy=noisy if recipe["depth"] > 0 else [],
        constants=constants,
        weights=weights,
        biases=biases,
    )


def _numbers(recipe: Mapping[str, Any], factor: str) -> dict[str, Any]:
    prefix = f"{factor}."
    return {key.removeprefix(prefix): recipe[key] for key in recipe if key.startswith(prefix)}


def _modules(recipe: Mapping[str, Any]) -> list[str]:
    """Return what follows a hidden layer's linear module, in the recipe's order."""
    modules = [activation(recipe)]
    norm = _norm(recipe)
    if norm:
        before = recipe["norm.position"] == "before"
        modules = [norm, *modules] if before else [*modules, norm]
    if recipe["dropout"] > 0:
        alpha = recipe["dropout_kind"] == "alpha"
        modules.append(
            call("AlphaDropout" if alpha else "Dropout", repr(recipe["dropout"]), "layer")
        )
    return modules


def activation(recipe: Mapping[str, Any]) -> str:
    """Return the activation's module, such as `nn.LeakyReLU(negative_slope=0.01)`."""
    name = str(recipe["activation"])
    parameters = _numbers(recipe, "activation")
    if name in OWN_ACTIVATIONS:
        return call(OWN_ACTIVATIONS[name], **parameters)
    if ACTIVATIONS[name].random:
        return call("RReLU", "layer", **parameters)
    module, _, fixed = ACTIVATIONS[name].torch.removeprefix("torch.").partition("(")
    given = [fixed.removesuffix(")").replace("'", '"')] if fixed else []
    return call(module, *given, **parameters, **FIXED.get(name, {}))


def _norm(recipe: Mapping[str, Any]) -> str:
    name = str(recipe["norm"])
    if NORMS[name].function is None:
        return ""
    parameters = _numbers(recipe, "norm")
    del parameters["position"]
    return call(f"nn.{NORM_MODULES[name]}", "n_out", **parameters)


def _start(recipe: Mapping[str, Any]) -> tuple[list[str], list[str], list[str]]:
    """Return constants, and the lines that start one linear layer's weight and bias."""
    name, numbers = str(recipe["init"]), _numbers(recipe, "init")
    bias = [call("nn.init.constant_", "linear.bias", repr(recipe["bias"]))]
    gain = numbers["gain"]
    factor = "" if gain == 1 else f".mul_({gain!r})"
    if name == "critical":
        return _critical(recipe, factor, bias)
    if name in NORMAL_LAWS:
        law, fixed = NORMAL_LAWS[name]
        fixed_given = [f'{key}="{value}"' for key, value in fixed.items()]
        given = [WEIGHT, *fixed_given, f"generator={GENERATOR}"]
        return [], [call(f"nn.init.{law}", *given) + factor], bias
    if name in UNIFORM_LAWS:
        scale, fan = UNIFORM_LAWS[name]
        bound = f"math.sqrt({scale} / {fan})"
        bound = bound if gain == 1 else f"{gain!r} * {bound}"
        if INITS[name].bias is not None:
            bias = [_uniform_bias(recipe["bias"])]
        return [], [call("uniform_", WEIGHT, GENERATOR, bound)], bias
    return [], _other_weights(name, numbers), bias


def _uniform_bias(start: float) -> str:
    line = call("uniform_", "linear.bias", BIAS_GENERATOR, "1 / math.sqrt(linear.in_features)")
    return line if start == 0 else f"{line}.add_({start!r})"


def _critical(
    recipe: Mapping[str, Any], factor: str, bias: list[str]
) -> tuple[list[str], list[str], list[str]]:
    """The variances at the edge of chaos are the activation's integrals: they go in as numbers."""
    field = mean_field(recipe["activation"], **_numbers(recipe, "activation"))
    point = field.critical_at_q(recipe["init.q"])
    constants = [
        f"# the edge of chaos for {recipe['activation']} at q = {recipe['init.q']:g} (Poole et al. "
        f"2016); of weights, times the inputs",
        f"WEIGHT_VARIANCE, BIAS_VARIANCE = {point.weight_variance!r}, {point.bias_variance!r}",
    ]
    std = "std=math.sqrt(WEIGHT_VARIANCE / linear.in_features)"
    weight = call("nn.init.normal_", WEIGHT, std, f"generator={GENERATOR}") + factor
    std = "std=math.sqrt(BIAS_VARIANCE)"
    noise = call("nn.init.normal_", "linear.bias", std, f"generator={BIAS_GENERATOR}")
    start = recipe["bias"]
    return constants, [weight], [noise if start == 0 else f"{noise}.add_({start!r})"]


def _other_weights(name: str, numbers: Mapping[str, Any]) -> list[str]:
    """Return the lines of the laws that do not look at the fans, or are no law."""
    gain, seeded = numbers["gain"], f"generator={GENERATOR}"
    if name == "zero":
        return [call("nn.init.zeros_", WEIGHT)]
    if name == "constant":
        return [call("nn.init.constant_", WEIGHT, repr(gain * numbers["value"]))]
    if name == "random_small":
        return [call("uniform_", WEIGHT, GENERATOR, repr(gain * numbers["bound"]))]
    if name == "normal":
        return [call("nn.init.normal_", WEIGHT, f"std={gain * numbers['std']!r}", seeded)]
    if name == "orthogonal":
        given = [] if gain == 1 else [f"gain={gain!r}"]
        return [call("nn.init.orthogonal_", WEIGHT, *given, seeded)]
    if name == "lsuv":
        return [call("nn.init.orthogonal_", WEIGHT, seeded)]
    assert name == "truncated_normal", name
    spread = gain * numbers["std"]
    return [
        f"share = math.erf({CUT:g} / math.sqrt(2))  # of the normal law, between the cuts",
        call("uniform_", WEIGHT, GENERATOR, "share"),
        f"{WEIGHT}.erfinv_().mul_({spread!r} * math.sqrt(2))",
    ]
