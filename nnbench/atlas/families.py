"""Which entries belong together: the families that the atlas shows side by side on the same axes.

Where an entry's own fields tell its family, they do; elsewhere a family is a list of names, and an
entry on no list stands in the last one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nnbench.study.vocabulary import Entry

Rule = Callable[[str, Any], str]

TITLES = {  # of the kinds
    "activation": "Activations",
    "init": "Initialisations",
    "optimizer": "Optimizers",
    "schedule": "Learning-rate schedules",
    "loss": "Losses",
    "layer": "Layers",
    "norm": "Normalisations",
    "regulariser": "Regularisers",
    "early_stopping": "Early stopping",
    "gradient": "Batches and clipping",
    "data": "Data sets",
    "landscape": "Landscapes",
    "expression": "Ways to write a loss",
}
ACTIVATION_TITLES = {
    "none": "None",
    "threshold-like": "Threshold-like",
    "sigmoid-like": "Sigmoid-like",
    "relu-like": "ReLU-like",
    "elu-like": "ELU-like",
    "softmax-like": "Softmax-like",
}
INIT_FAMILIES = {
    "The same at every width": ("zero", "constant", "random_small", "normal", "truncated_normal"),
    "By the number of inputs and outputs": (
        *("lecun_normal", "lecun_uniform", "xavier_normal", "xavier_uniform"),
        *("he_normal", "he_uniform", "torch_default"),
    ),
    "By the whole matrix, the activation or the data": (),
}
OPTIMIZER_FAMILIES = {
    "Descent and momentum": ("gd", "sgd", "momentum", "momentum_ema", "nesterov"),
    "Averages of the iterates": ("asgd", "schedulefree_sgd", "schedulefree_adamw"),
    "A rate for each parameter": (
        *("adagrad", "rmsprop", "rmsprop_centered", "adadelta", "adafactor"),
    ),
    "Adam and its kin": ("adam", "adamw", "nadam", "radam", "adamax"),
    "Signs and matrices": (),
}


def _listed(families: Mapping[str, tuple[str, ...]]) -> Rule:
    """Return the rule that looks a name up, the last family being everyone else's."""
    by_name = {name: family for family, names in families.items() for name in names}
    rest = list(families)[-1]
    return lambda name, entry: by_name.get(name, rest)


def _of_activation(name: str, entry: Any) -> str:
    return ACTIVATION_TITLES.get(entry.family, entry.family.capitalize())


def _of_schedule(name: str, entry: Any) -> str:
    if "first" in entry.parameters:
        return "Made of others"
    if entry.function is None:
        return "By the validation loss"
    return "Step by step" if entry.unit == "step" else "Epoch by epoch"


def _of_loss(name: str, entry: Any) -> str:
    if "regression" in entry.targets:
        return "Distances between numbers"
    return "Class indices" if "class" in entry.targets.values() else "One output a class"


def _of_norm(name: str, entry: Any) -> str:
    if entry.function is None:
        return "None"
    return "Over the batch" if entry.needs_batch else "Over the units of an example"


def _of_data(name: str, entry: Any) -> str:
    if entry.reader is not None:
        return "One's own"
    return f"{'Real' if entry.real else 'Made'}: {entry.task}"


def _of_key(name: str, entry: Any) -> str:
    family: str = entry.family
    return family


def _of_landscape(name: str, entry: Any) -> str:
    return "One coordinate" if entry.dims == 1 else "Two coordinates"


RULES: Mapping[str, Rule] = {
    "activation": _of_activation,
    "init": _listed(INIT_FAMILIES),
    "optimizer": _listed(OPTIMIZER_FAMILIES),
    "schedule": _of_schedule,
    "loss": _of_loss,
    "layer": _of_key,
    "norm": _of_norm,
    "regulariser": _of_key,
    "gradient": _of_key,
    "data": _of_data,
    "landscape": _of_landscape,
}
ORDERS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "activation": {title: () for title in ACTIVATION_TITLES.values()},
    "init": INIT_FAMILIES,
    "optimizer": OPTIMIZER_FAMILIES,
}


def families(kind: str, entries: Mapping[str, Entry]) -> dict[str, list[str]]:
    """Return the names of each family; both in the order of the lists, then of the registry."""
    rule = RULES.get(kind, lambda name, entry: "")
    order = ORDERS.get(kind, {})
    found: dict[str, list[str]] = {family: [] for family in order}
    for name, entry in entries.items():
        found.setdefault(rule(name, entry), []).append(name)
    for family, listed in order.items():
        found[family].sort(key=lambda name: listed.index(name) if name in listed else len(listed))
    return {family: names for family, names in found.items() if names}
