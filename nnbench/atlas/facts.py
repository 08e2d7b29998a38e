"""What the catalogue knows of an entry beyond its formula and parameters, in words.

Each kind has its own facts; `facts` returns them as {label: words}, at default parameters.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from nnbench.study.vocabulary import Entry

Facts = dict[str, str]
MATRIX = (64, 64)  # shape for a memory that depends on one
NOWHERE = "nowhere"
SIDES = {
    "none": NOWHERE,
    "left": "on the left",
    "right": "on the right",
    "both": "on both sides",
}
# How a card says a fact that reads badly as its label and its words.
SAID = {
    ("saturates", NOWHERE): "does not saturate",
    ("units die", NOWHERE): "no dead region",
}
KINK = "bends"
TARGETS = {"class": "class indices", "one_hot": "one-hot codes", "value": "numbers"}


def facts(kind: str, entry: Entry) -> Facts:
    """What is known of an entry of a kind; empty for a kind of which no more is known."""
    known = OF_KIND[kind](entry) if kind in OF_KIND else {}
    return {label: words for label, words in known.items() if words}


def in_a_line(known: Facts) -> str:
    """`does not saturate · no dead region · kink at 0 · gain 1.544`."""
    return " · ".join(
        SAID.get((label, words), f"{'kink' if label == KINK else label} {words}")
        for label, words in known.items()
    )


def _defaults(entry: Entry) -> dict[str, Any]:
    return {name: about.default for name, about in entry.parameters.items()}


def _number(value: float) -> str:
    return f"{value + 0.0:.4g}"  # + 0.0: no minus before a zero


def _region(low: float, high: float) -> str:
    if low == -math.inf:
        return f"below {_number(high)}"
    if high == math.inf:
        return f"above {_number(low)}"
    return f"between {_number(low)} and {_number(high)}"


def _of_activation(entry: Any) -> Facts:
    given = _defaults(entry)
    dead = " and ".join(_region(*region) for region in entry.dead_regions(**given))
    slope = entry.max_slope
    return {
        "saturates": SIDES[entry.saturates],
        "units die": dead or NOWHERE,
        KINK: "at " + ", ".join(map(_number, entry.breaks(**given)))
        if entry.breaks(**given)
        else "",
        "gain": _number(entry.gain),
        "max slope": _number(slope) if math.isfinite(slope) else "grows with the number of units",
        "learned": ", ".join(
            f"{name}, {_number(start)} at first" for name, start in entry.learned.items()
        ),
        "random": "in training" if entry.random else "",
        "units": "" if entry.elementwise else "each depends on the others",
    }


def _of_init(entry: Any) -> Facts:
    looks_at = [
        words
        for words, does in (
            ("the activation", entry.needs_activation),
            ("the first training examples", entry.calibrate is not None),
        )
        if does
    ]
    return {
        "looks at": ", ".join(looks_at),
        "bias": "drawn too" if entry.bias is not None else "0, unless the study says otherwise",
    }


def _of_optimizer(entry: Any) -> Facts:
    form = {None: "coupled unless the study says otherwise", True: "decoupled", False: "coupled"}
    return {
        "memory": _memory(entry),
        "weight decay": f"{entry.weight_decay:g} by default, {form[entry.decoupled]}",
        "training": "one network at a time, in plain PyTorch" if entry.alone else "",
        "batch": "all examples at each step" if entry.full_batch else "",
        "evaluated": "the average of the iterates" if entry.evaluated is not None else "",
        "other parameters": f"{entry.rest}: all but the hidden layers' weights"
        if entry.rest
        else "",
    }


def _memory(entry: Any) -> str:
    floats = entry.floats_per_parameter(*MATRIX)
    words = f"{_number(floats)} float{'s' * (floats != 1)} of state per parameter"
    if callable(entry.state_floats):
        words += f" of a {MATRIX[0]} x {MATRIX[1]} matrix"
    if entry.unused_floats:
        rest = _number(floats - entry.unused_floats)
        words += f"; {rest} would do while momentum is 0, as in torch"
    return words


def _of_schedule(entry: Any) -> Facts:
    if entry.function is None:
        return {"changes": "after an epoch, by its validation loss"}
    return {"changes": "every step" if entry.unit == "step" else "every epoch"}


def _of_loss(entry: Any) -> Facts:
    trains = "; ".join(f"{task}, on {TARGETS[form]}" for task, form in entry.targets.items())
    return {"trains": trains, "outputs": entry.output.__name__ if entry.output else "as they are"}


def _of_norm(entry: Any) -> Facts:
    return {
        "learned": ", ".join(entry.learned),
        "running": ", ".join(name for name, _ in entry.running),
        "batch": "two examples at least" if entry.needs_batch else "",
    }


def _of_data(entry: Any) -> Facts:
    tasks = entry.parameters.get("task")
    return {
        "task": " or ".join(tasks.choices) if tasks else entry.task,
        "made": "" if entry.real else "from the study's seed",
        "features": "" if entry.scaled else "not scaled",
    }


def _of_landscape(entry: Any) -> Facts:
    low_high = (f"[{_number(low)}, {_number(high)}]" for low, high in entry.domain)
    minima = entry.minima(**_defaults(entry))
    places = (f"({', '.join(map(_number, place))})" for place in minima)
    return {"domain": " x ".join(low_high), "minima": ", ".join(places)}


OF_KIND: Mapping[str, Callable[[Any], Facts]] = {
    "activation": _of_activation,
    "init": _of_init,
    "optimizer": _of_optimizer,
    "schedule": _of_schedule,
    "loss": _of_loss,
    "norm": _of_norm,
    "data": _of_data,
    "landscape": _of_landscape,
    "expression": lambda entry: {"loss": entry.loss},
}
