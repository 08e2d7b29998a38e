"""The network of a script: its layers, and how its weights start.

Where a module of torch's would draw from the global generator, or rounds a derivative to single
precision, the catalogue's twin of it is written out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nnbench.catalog.activations.registry import ACTIVATIONS
from nnbench.catalog.formulas import Code
from nnbench.catalog.inits.registry import INITS, keywords
from nnbench.catalog.norms import NORMS
from nnbench.catalog.twin import Twin
from nnbench.export.sources import definitions_of, summary
from nnbench.export.text import call
from nnbench.export.twins import TwinCode, twin_code
from nnbench.study.recipe import of_factor

DROPOUTS = {"standard": "GivenDropout", "alpha": "GivenAlphaDropout"}
FANS = {"fan_in": Code("linear.in_features"), "fan_out": Code("linear.out_features")}


@dataclass(frozen=True)
class NetworkCode:
    """Code of a network.

    `definitions` are what torch has not. `modules` are one hidden layer's after the linear one,
    `noisy` the classes of those that take the noise of their layer. `weight` and `bias` are the
    lines that start a linear layer, `constants` what they need.
    """

    definitions: str
    modules: list[str]
    noisy: list[str]
    constants: list[str]
    weight: str
    bias: str

    @property
    def streams(self) -> list[tuple[str, str]]:
        """The generators that starting a layer takes: a variable, and what it is for."""
        lines = {"weight": self.weight, "bias": self.bias}
        return [(f"of_{part}", part) for part, line in lines.items() if f"of_{part}" in line]


def network_code(recipe: Mapping[str, Any]) -> NetworkCode:
    """The code of a recipe's network."""
    modules = _modules(recipe) if recipe["depth"] > 0 else []
    constants, weight, bias = _start(recipe)
    return NetworkCode(
        definitions=definitions_of(p for code in (*modules, weight, bias) for p in code.needs),
        modules=[module.call for module in modules],
        noisy=[module.call.partition("(")[0] for module in modules if " layer)" in module.call],
        constants=constants,
        weight=weight.call,
        bias=bias.call,
    )


def _modules(recipe: Mapping[str, Any]) -> list[TwinCode]:
    """What follows a hidden layer's linear module, in the recipe's order."""
    modules = [activation(recipe)]
    if NORMS[recipe["norm"]].function is not None:
        before = recipe["norm.position"] == "before"
        modules = [_norm(recipe), *modules] if before else [*modules, _norm(recipe)]
    if recipe["dropout"] > 0:
        name = DROPOUTS[recipe["dropout_kind"]]
        source = call(name, repr(recipe["dropout"]), 'noise("dropout", layer)')
        modules.append(TwinCode(source, (("nnbench.training.reference.network", name),)))
    return modules


def activation(recipe: Mapping[str, Any]) -> TwinCode:
    """The activation's module, such as `nn.LeakyReLU(negative_slope=0.01)`."""
    entry = ACTIVATIONS[recipe["activation"]]
    noise = ['noise("activation", layer)'] if entry.random else []
    return twin_code(entry.twin, *noise, **of_factor("activation", recipe))


def _norm(recipe: Mapping[str, Any]) -> TwinCode:
    """The norm's module; a lazy one as that which it becomes, for a script knows the size."""
    numbers = of_factor("norm", recipe)
    del numbers["position"]
    code = twin_code(NORMS[recipe["norm"]].twin.knowing(units=Code("n_out")), **numbers)
    _, lazy, rest = code.call.partition("nn.Lazy")
    return code if not lazy else code._replace(call="nn." + rest.replace("(", "(n_out, ", 1))


def _start(recipe: Mapping[str, Any]) -> tuple[list[str], TwinCode, TwinCode]:
    """Constants, and the lines that start one linear layer's weight and bias."""
    init, given = INITS[recipe["init"]], keywords(recipe)
    names, constants = init.names(given, **FANS), []
    if init.measured is not None:
        values = {name: names[name] for name in names if name not in {**given, **FANS}}
        names |= {name: Code(name.upper()) for name in values}
        constants = _constants(init.measured, values)
    weight = _filled(init.twin, "weight", names)
    if init.scales_its_twin and given["gain"] != 1:
        weight = weight._replace(call=f"{weight.call}.mul_({given['gain']!r})")
    start = repr(recipe["bias"])
    if init.bias_twin is None:
        return constants, weight, TwinCode(call("nn.init.constant_", "linear.bias", start))
    bias = _filled(init.bias_twin, "bias", names)
    if recipe["bias"] != 0:
        bias = bias._replace(call=f"{bias.call}.add_({start})")
    return constants, weight, bias


def _filled(twin: Twin, part: str, names: Mapping[str, Any]) -> TwinCode:
    return twin_code(twin.knowing(**names, generator=Code(f"of_{part}")), f"linear.{part}")


def _constants(measured: Twin, values: Mapping[str, Any]) -> list[str]:
    """What was found out about the activation goes in as numbers."""
    names, numbers = ", ".join(values).upper(), ", ".join(map(repr, values.values()))
    return [f"# {summary(measured.module, measured.name)}", f"{names} = {numbers}"]
