"""The programs of a network: which there are, and which networks can share them.

A network's step is two programs, so that n activations and m optimizers make n + m of them and not
n times m. All that a program does not depend on is left out of what it is known by.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from nnbench.catalog.activations.registry import ACTIVATIONS
from nnbench.catalog.norms import NORMS
from nnbench.catalog.optimizers.registry import OPTIMIZERS
from nnbench.training.stacked.network import Program, number_names, split_numbers

OF_UPDATE = ("weight_decay", "clip_norm", "clip_value")
# of no part but the one that evaluates
NO_SCORE: dict[str, Any] = {"log_target": False}
NO_OPTIMIZER: dict[str, Any] = {
    "optimizer": "sgd",
    "decoupled": False,
    "weight_decay": False,
    "clip_norm": False,
    "clip_value": False,
    "aligned": False,
}
NO_NETWORK: dict[str, Any] = {
    "n_features": 1,
    "n_outputs": 1,
    "depth": 1,
    "width": 1,
    "activation": "identity",
    "norm": "none",
}
NO_LOSS: dict[str, Any] = {
    "norm_position": "before",
    "loss": "mse",
    "target": "value",
    "residual": False,
    "dropout_kind": "standard",
    "dropout": False,
    "l1": False,
    "evaluation": "eval",
    "loss_fixed": (),
    "class_weight": False,
    **NO_SCORE,
    "aligned": False,
}


@dataclass(frozen=True)
class Part:
    """One of the programs of a network, known by what it depends on."""

    kind: str
    program: Program

    @property
    def numbers(self) -> list[str]:
        """The names of the numbers that it is given, in order."""
        names = [*number_names(self.program), *split_numbers(self.program)]
        if self.kind in ("update", "average"):
            return [name for name in names if name in OF_UPDATE or name.startswith("optimizer.")]
        return [name for name in names if not name.startswith("optimizer.")]


def parts_of(program: Program) -> dict[str, Part]:
    """The programs of a network, by kind; `average` and `recount` only where it has averages."""
    entry = OPTIMIZERS[program.optimizer]
    of_rule = replace(program, **NO_LOSS, **(NO_NETWORK if entry.elementwise else {}))
    if not program.weight_decay:
        of_rule = replace(of_rule, decoupled=False)
    looked_at = replace(program, **NO_OPTIMIZER, l1=False)
    if program.evaluation == "eval":
        looked_at = replace(looked_at, dropout=False, dropout_kind="standard")
    parts = {
        "gradient": Part(
            "gradient", replace(program, **NO_OPTIMIZER, **NO_SCORE, evaluation="eval")
        ),
        "update": Part("update", of_rule),
        "evaluate": Part("evaluate", looked_at),
    }
    if entry.evaluated is not None:
        plain: dict[str, Any] = {name: False for name in (*OF_UPDATE, "decoupled")}
        parts["average"] = Part("average", replace(of_rule, **plain))
        if NORMS[program.norm].running and program.evaluation == "eval":
            parts["recount"] = Part("recount", looked_at)
    return parts


def noise_purposes(program: Program) -> list[str]:
    """What a network in training draws noise for."""
    drawn = {"dropout": program.dropout, "activation": ACTIVATIONS[program.activation].random}
    return [purpose for purpose, wanted in drawn.items() if wanted]
