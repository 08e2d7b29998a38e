"""Which entries belong together: those that the atlas shows side by side, on the same axes."""

from collections.abc import Mapping

from nnbench.study.vocabulary import Entry

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


def families(entries: Mapping[str, Entry]) -> dict[str, list[str]]:
    """The names of each family, in the order of the registry; "" where a kind has no families."""
    grouped: dict[str, list[str]] = {}
    for name, entry in entries.items():
        grouped.setdefault(getattr(entry, "family", ""), []).append(name)
    return grouped
