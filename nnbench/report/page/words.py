"""Words that every page has in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

MOST_FINDINGS = 2  # above the figure that shows them
# Levels that mean something else than their number or word, as (factor, level).
WORDS = {
    ("batch_size", "0"): "the full batch",
    ("clip_norm", "0"): "no clipping by norm",
    ("clip_value", "0"): "no clipping by value",
    ("dropout", "0"): "no dropout",
    ("weight_decay", "0"): "no weight decay",
    ("l1", "0"): "no L1",
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


def capital(text: str) -> str:
    """The text with its first letter as a sentence has it."""
    return text[:1].upper() + text[1:]


def is_plural(label: str) -> bool:
    """Tell whether a metric's label is of several, as `epochs to the target` is."""
    noun = label.split()[0]
    return noun.endswith("s") and not noun.endswith("ss")


def amount(count: int, noun: str) -> str:
    """`1 walk` or `20 walks`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def tallied(counts: Mapping[str, int]) -> str:
    """`3 are supported and 1 undecided`, of those that there are."""
    (first, count), *rest = [(word, count) for word, count in counts.items() if count]
    verb = "is" if count == 1 else "are"
    return listed([f"{count} {verb} {first}", *(f"{count} {word}" for word, count in rest)])


def spoken(factor: str, level: str) -> str:
    """The level as a sentence can hold it: a bare `8` or `true` takes its factor's name.

    Values that turn something off or have a meaning of their own are said in words.
    """
    if (factor, level) in WORDS:
        return WORDS[factor, level]
    if level == "none":
        return f"no {in_words(factor)}"
    is_bare = level.removeprefix("-")[:1].isdigit() or level in ("true", "false")
    return f"{in_words(factor)} {level}" if is_bare else level


def listed(parts: Sequence[str]) -> str:
    """`a`, `a and b` or `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
