"""The keys and levels of a study file as a sentence holds them, and its signs for numbers."""

import re

MINUS = "\N{MINUS SIGN}"
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
# Levels that mean something else than their number or word, as (factor, level).
WORDS = {
    ("batch_size", "0"): "the full batch",
    ("clip_norm", "0"): "no clipping by norm",
    ("clip_value", "0"): "no clipping by value",
    ("dropout", "0"): "no dropout",
    ("weight_decay", "0"): "no weight decay",
    ("l1", "0"): "no L1",
    ("target_transform", "log"): "the logarithm of the target",
    ("target_transform", "none"): "the target as it is",
    ("class_weight", "balanced"): "balanced classes",
    ("class_weight", "none"): "classes as they are",
    ("residual", "true"): "residual connections",
    ("residual", "false"): "no residual connections",
    ("bias", "true"): "biases",
    ("bias", "false"): "no biases",
}
# Keys of a study file whose name is no English word.
FACTORS = {
    "init": "initialisation",
    "norm": "normalisation",
    "dropout_kind": "kind of dropout",
    "lr": "learning rate",
    "val_fraction": "validation part",
    "test_fraction": "test part",
    "dtype": "number type",
}


def in_words(factor: str) -> str:
    """A key of a study file as a sentence holds it: `initialisation`, `batch size`."""
    name = factor.rpartition(".")[2]  # of a parameter: `optimizer.lr` is the learning rate
    return FACTORS.get(name, name.replace("_", " "))


def spoken(factor: str, level: str) -> str:
    """The level as a sentence can hold it: a bare `8` or `true` takes its factor's name.

    Values that turn something off or have a meaning of their own are said in words, and parameters
    in brackets: `adam (learning rate 0.3)` for `adam lr=0.3`.
    """
    if (factor, level) in WORDS:
        return WORDS[factor, level]
    if level == "none":
        return f"no {in_words(factor)}"
    name, *parameters = re.split(r" (?=[\w.]+=)", level)
    if parameters:
        told = (one.split("=", 1) for one in parameters)
        return f"{name} ({', '.join(f'{in_words(key)} {value}' for key, value in told)})"
    is_bare = level.removeprefix("-")[:1].isdigit() or level in ("true", "false")
    return f"{in_words(factor)} {level}" if is_bare else level
