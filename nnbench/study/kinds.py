"""The kinds of study: which keys `[grid]` has in each, and what their cells are called.

A training study trains networks. A landscape study lets optimizers walk on test functions, a
numerics study holds losses against their exact values. All three share one file form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nnbench.study.fields import FIELDS, Field, Role
from nnbench.study.vocabulary import Parameter

TRAINING, LANDSCAPE, NUMERICS = "training", "landscape", "numerics"
FORMATS = ("float16", "bfloat16", "float32", "float64")


def _of_training(*names: str) -> dict[str, Field]:
    return {name: FIELDS[name] for name in names}


LANDSCAPE_FIELDS: dict[str, Field] = {
    "kind": Field(Role.PROGRAM, "kind of study"),
    "landscape": Field(Role.PROGRAM, "test function (required)", kind="landscape"),
    "optimizer": Field(Role.PROGRAM, "rule of the update", default="sgd", kind="optimizer"),
    **_of_training("schedule", "weight_decay", "decoupled", "clip_norm", "clip_value"),
    "steps": Field(
        Role.PROGRAM, "steps of a walk", value=Parameter(300, "steps of a walk", 0, 100_000)
    ),
    "noise": Field(
        Role.NUMBER,
        "noise in the gradient",
        value=Parameter(0.0, "standard deviation of the normal noise in each slope", 0, 1e6),
    ),
    "start": Field(
        Role.DRAW,
        "where walks begin",
        value=Parameter(
            "random",
            "drawn anew by each seed, or spread evenly over the seeds from 0",
            choices=("random", "spread"),
        ),
    ),
    "tolerance": Field(
        Role.NUMBER,
        "how near is there",
        value=Parameter(0.1, "distance within which a minimum is reached", 0, 1e6, open_low=True),
    ),
    **_of_training("study_seed", "seed"),
}

# sweeps are computed one after another, so that any can share a stack
NUMERICS_FIELDS: dict[str, Field] = {
    "kind": Field(Role.NUMBER, "kind of study"),
    "expression": Field(Role.NUMBER, "way to write the loss (required)", kind="expression"),
    "dtype": Field(
        Role.NUMBER, "number type", value=Parameter("float32", "number type", choices=FORMATS)
    ),
    "answer": Field(
        Role.NUMBER,
        "side of the sweep",
        value=Parameter(
            "wrong",
            "wrong: logits from 0 down, against the right class; right: from 0 up",
            choices=("wrong", "right"),
        ),
    ),
    "limit": Field(
        Role.NUMBER,
        "largest logit",
        value=Parameter(1000.0, "absolute logit at which the sweep ends", 1, 1e4),
    ),
    "points": Field(
        Role.NUMBER,
        "logits of a sweep",
        value=Parameter(4000, "logits of a sweep, denser near 0", 100, 100_000),
    ),
    **_of_training("study_seed", "seed"),
}


@dataclass(frozen=True)
class Kind:
    """A kind of study.

    `required` is the key that `[grid]` must have and what it names, `noun` what its cells are,
    `metric` what its report ranks on unless told; without chance there is one repeat.
    """

    fields: Mapping[str, Field]
    required: tuple[str, str]
    noun: str
    verb: str
    metric: str
    has_chance: bool = True


KINDS: dict[str, Kind] = {
    TRAINING: Kind(
        FIELDS,
        ("data", 'name a data set, such as data = "digits"'),
        "networks",
        "train",
        "test_accuracy",
    ),
    LANDSCAPE: Kind(
        LANDSCAPE_FIELDS,
        ("landscape", 'name a test function, such as landscape = "rosenbrock"'),
        "walks",
        "walk",
        "reached_global",
    ),
    NUMERICS: Kind(
        NUMERICS_FIELDS,
        ("expression", 'name a way to write the loss, such as expression = "cross_entropy"'),
        "sweeps",
        "compute",
        "safe_up_to",
        has_chance=False,
    ),
}

# set outside of [grid]
PROBE_KEYS = ("probe_every", "probe_sharpness", "probe_correlation")
OTHER_KEYS = ("kind", "seed", "study_seed", *PROBE_KEYS)


def kind_of(recipe: Mapping[str, Any]) -> str:
    """Return the kind of study that a cell's recipe belongs to."""
    return str(recipe.get("kind", TRAINING))


def grid_keys(kind: str) -> list[str]:
    """Return the keys that `[grid]` may have in a kind of study, `seeds` apart."""
    return [key for key in KINDS[kind].fields if key not in OTHER_KEYS]
