"""The keys of `[grid]`: which values each takes and what each is to a stack of networks."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from nnbench.study.vocabulary import Need, Parameter, Term, need


class Role(Enum):
    """What a field is to the tensor program that trains a stack."""

    PROGRAM = "program"  # networks that differ in it cannot share a stack
    NUMBER = "number"  # each network of a stack carries its own
    SWITCH = "switch"  # a number whose being zero takes code out of the program
    DRAW = "draw"  # picks the random draws; no part of the program


@dataclass(frozen=True)
class Field:
    """A key of `[grid]`.

    `registry` names the catalogue's entries that the key chooses from, whose parameters have roles
    of their own; without it the key is a plain value, checked by `value`.
    """

    role: Role
    doc: str
    default: str = ""
    registry: str = ""
    value: Parameter | None = None
    needs: tuple[Need, ...] = ()  # all of these, or it changes nothing

    @property
    def usual(self) -> Any:
        """The level that a study has which does not name the key."""
        return self.default if self.value is None else self.value.default


def _entry(registry: str, default: str, role: Role, doc: str, *needs: Need) -> Field:
    return Field(role, doc, default=default, registry=registry, needs=needs)


def _plain(role: Role, value: Parameter, *needs: Need) -> Field:
    return Field(role, value.doc, value=value, needs=needs)


LAYERS = need(Term("depth"))
TRAINING = need(Term("epochs"))
STEPS = need(
    Term("epochs"), Term("steps"), Term("probe_every")
)  # probes tell what the first step would do

FIELDS: dict[str, Field] = {
    "data": _entry("data", "", Role.PROGRAM, "data set (required)"),
    "depth": _plain(Role.PROGRAM, Parameter(2, "hidden layers", low=0, high=1000)),
    "width": _plain(
        Role.PROGRAM, Parameter(32, "units per hidden layer", low=1, high=100_000), LAYERS
    ),
    "activation": _entry(
        "activation",
        "relu",
        Role.PROGRAM,
        "activation of the hidden layers",
        need(Term("depth"), Term("init", trait="needs_activation")),
    ),
    "init": _entry("init", "he_normal", Role.NUMBER, "initialisation of the weights"),
    "bias": _plain(Role.NUMBER, Parameter(0.0, "start of every bias", low=-1e6, high=1e6)),
    "optimizer": _entry("optimizer", "adam", Role.PROGRAM, "update rule"),
    "schedule": _entry(
        "schedule",
        "none",
        Role.NUMBER,
        "learning rate over time",
        STEPS,
        need(
            Term("optimizer", trait="follows_rate"),
            Term("schedule", trait="starts_elsewhere"),
            otherwise="the optimizer reads the rate of its first step alone",
        ),
        need(Term("schedule", trait="moves"), otherwise="the rate is the same throughout"),
    ),
    "norm": _entry("norm", "none", Role.PROGRAM, "normalisation of the hidden layers", LAYERS),
    "dropout": _plain(
        Role.SWITCH,
        Parameter(
            0.0, "fraction of hidden units dropped in training", low=0, high=1, open_high=True
        ),
        LAYERS,
        need(Term("epochs"), Term("evaluation", value="train")),
    ),
    "dropout_kind": _plain(
        Role.PROGRAM,
        Parameter(
            "standard", "alpha keeps SELU's mean and variance", choices=("standard", "alpha")
        ),
        need(Term("dropout")),
    ),
    "weight_decay": _plain(
        Role.SWITCH,
        Parameter(None, "L2 or decoupled decay (none: the optimizer's)", 0, 1e6, optional=True),
        STEPS,
    ),
    "decoupled": _plain(
        Role.PROGRAM,
        Parameter(None, "decay decoupled from the gradient, as in AdamW", optional=True, flag=True),
        need(Term("weight_decay")),
    ),
    "l1": _plain(Role.SWITCH, Parameter(0.0, "L1 penalty on weights, not biases", 0, 1e6), STEPS),
    "clip_norm": _plain(
        Role.SWITCH,
        Parameter(0.0, "largest norm of a network's gradient (0: no limit)", 0, 1e12),
        STEPS,
    ),
    "clip_value": _plain(
        Role.SWITCH,
        Parameter(0.0, "largest absolute entry of a gradient (0: no limit)", 0, 1e12),
        STEPS,
    ),
    "residual": _plain(
        Role.PROGRAM,
        Parameter(False, "add a hidden layer's input to its output where widths match"),
        LAYERS,
    ),
    "loss": _entry("loss", "auto", Role.PROGRAM, "loss (auto: by the data's task)"),
    "class_weight": _plain(
        Role.PROGRAM,
        Parameter(
            "none",
            "balanced: classes weigh equally in the loss, by their shares of the training part",
            choices=("none", "balanced"),
            sparse=True,
        ),
    ),
    "target_transform": _plain(
        Role.PROGRAM,
        Parameter(
            "none",
            "log: a regression learns the logarithm; R² and errors are of the target itself",
            choices=("none", "log"),
            sparse=True,
        ),
    ),
    "epochs": _plain(Role.PROGRAM, Parameter(20, "passes over the training part", 0, 10_000_000)),
    "batch_size": _plain(
        Role.PROGRAM,
        Parameter(32, "examples per step (0: all)", 0, 100_000_000),
        TRAINING,
        need(Term("optimizer", trait="takes_batches")),
    ),
    "evaluation": _plain(
        Role.PROGRAM,
        Parameter(
            "eval",
            "train: as in training, dropout on and each example normalised as a batch of one",
            choices=("eval", "train"),
        ),
        need(
            Term("dropout"),
            Term("norm", trait="needs_batch"),
            Term("activation", trait="random"),
            rounds=True,
        ),
    ),
    "early_stopping": _entry("early_stopping", "none", Role.NUMBER, "when training ends", TRAINING),
    "val_fraction": _plain(
        Role.PROGRAM, Parameter(0.2, "fraction of the examples used for validation", 0.01, 0.9)
    ),
    "test_fraction": _plain(
        Role.PROGRAM, Parameter(0.2, "fraction of the examples used for the test", 0.01, 0.9)
    ),
    "folds": _plain(
        Role.DRAW,
        Parameter(
            0,
            "seeds are the folds of one shuffle, then those of the next (0: random splits)",
            0,
            100,
            sparse=True,
        ),
    ),
    "train_share": _plain(
        Role.PROGRAM,
        Parameter(
            1.0,
            "fraction of the training part to train on; a larger one includes the same rows",
            0,
            1,
            open_low=True,
            sparse=True,
        ),
    ),
    "dtype": _plain(
        Role.PROGRAM, Parameter("float32", "number type", choices=("float32", "float64"))
    ),
    "probe_every": _plain(
        Role.PROGRAM, Parameter(0, "epochs between two probes (0: none)", 0, 10**7)
    ),
    "probe_sharpness": _plain(Role.PROGRAM, Parameter(False, "probe the largest curvature")),
    "probe_correlation": _plain(
        Role.PROGRAM, Parameter(False, "probe the correlation of two inputs through depth")
    ),
    "study_seed": _plain(Role.DRAW, Parameter(0, "seed of all random draws", 0, 2**31 - 1)),
    "seed": _plain(Role.DRAW, Parameter(0, "repeat", 0, 2**31 - 1)),
}

# keys that came later than others: where they are at their default no recipe has them, unless they
# vary, and no cell's identity
SPARSE = {
    key: field.value.default for key, field in FIELDS.items() if field.value and field.value.sparse
}
