"""The kinds of study: which keys `[grid]` has in each, and what their cells are called.

A training study trains networks. A landscape study lets optimizers walk on test functions, a
numerics study holds losses against their exact values. All three share one file form.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from nnbench.study.baselines import BASELINE, BASELINE_FIELDS
from nnbench.study.fields import FIELDS, Field, Role
from nnbench.study.vocabulary import Parameter

StudyName = Literal["training", "landscape", "numerics"]
TRAINING, LANDSCAPE, NUMERICS = get_args(StudyName)
FORMATS = ("float16", "bfloat16", "float32", "float64")


def _of_training(*names: str) -> dict[str, Field]:
    return {name: FIELDS[name] for name in names}


LANDSCAPE_FIELDS: dict[str, Field] = {
    "kind": Field(Role.PROGRAM, "kind of study"),
    "landscape": Field(Role.PROGRAM, "test function (required)", registry="landscape"),
    "optimizer": Field(Role.PROGRAM, "update rule", default="sgd", registry="optimizer"),
    **_of_training("schedule", "weight_decay", "decoupled", "clip_norm", "clip_value"),
    "steps": Field(
        Role.PROGRAM, "steps per walk", value=Parameter(300, "steps per walk", 0, 100_000)
    ),
    "noise": Field(
        Role.NUMBER,
        "noise in the gradient",
        value=Parameter(
            0.0, "standard deviation of the Gaussian noise in each gradient component", 0, 1e6
        ),
    ),
    "start": Field(
        Role.DRAW,
        "where walks begin",
        value=Parameter(
            "random",
            "random: drawn anew by each seed; spread: evenly over the seeds from 0",
            choices=("random", "spread"),
        ),
    ),
    "tolerance": Field(
        Role.NUMBER,
        "how near counts as reached",
        value=Parameter(0.1, "distance within which a minimum is reached", 0, 1e6, open_low=True),
    ),
    **_of_training("study_seed", "seed"),
}

# sweeps are computed one after another, so that any can share a stack
NUMERICS_FIELDS: dict[str, Field] = {
    "kind": Field(Role.NUMBER, "kind of study"),
    "expression": Field(Role.NUMBER, "way to write the loss (required)", registry="expression"),
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
        "logits per sweep",
        value=Parameter(4000, "logits per sweep, denser near 0", 100, 100_000),
    ),
    **_of_training("study_seed", "seed"),
}


@dataclass(frozen=True)
class StudyKind:
    """A kind of study. What a stage does with each stands there, in a dict `..._BY_STUDY`.

    `required` is the key that `[grid]` must have, `example` what it names, `noun` what its cells
    are, `verb` and `doing` what is done to them. The data column of its cells repeats the levels of
    `data_from`. `block` is what cells that are compared share: none without chance, where one
    repeat is enough.
    """

    fields: Mapping[str, Field]
    required: str
    example: str
    noun: str
    verb: str
    doing: str
    data_from: str
    block: str = ""

    @property
    def has_chance(self) -> bool:
        """Whether another seed would give another result."""
        return bool(self.block)


STUDY_KINDS: Mapping[str, StudyKind] = {
    TRAINING: StudyKind(
        FIELDS,
        required="data",
        example='name a data set, such as data = "digits"',
        noun="networks",
        verb="train",
        doing="training",
        data_from="data",
        block="one data set and seed",
    ),
    LANDSCAPE: StudyKind(
        LANDSCAPE_FIELDS,
        required="landscape",
        example='name a test function, such as landscape = "rosenbrock"',
        noun="walks",
        verb="walk",
        doing="walking",
        data_from="landscape",
        block="one landscape and start",
    ),
    NUMERICS: StudyKind(
        NUMERICS_FIELDS,
        required="expression",
        example='name a way to write the loss, such as expression = "cross_entropy"',
        noun="sweeps",
        verb="compute",
        doing="computing",
        data_from="answer",
    ),
}

# set outside of [grid]
PROBE_KEYS = ("probe_every", "probe_sharpness", "probe_correlation")
OTHER_KEYS = ("kind", "seed", "study_seed", *PROBE_KEYS)


# the fields of a cell's recipe, by its kind: a study's cells, and the baselines beside networks
CELL_FIELDS: Mapping[str, Mapping[str, Field]] = {
    **{name: kind.fields for name, kind in STUDY_KINDS.items()},
    BASELINE: BASELINE_FIELDS,
}


def study_kind_of(document: Mapping[str, Any]) -> str:
    """The kind of a study, or of a cell's recipe, which says so unless it is of training.

    A baseline beside networks is a cell of a kind of its own, which no study has.
    """
    return str(document.get("kind") or TRAINING)


def grid_keys(study_kind: str) -> list[str]:
    """The keys that `[grid]` may have in a kind of study, `seeds` apart."""
    return [key for key in STUDY_KINDS[study_kind].fields if key not in OTHER_KEYS]
