"""Which pictures of layers a study gets: those that its factors and probes make tell something."""

from collections.abc import Callable, Collection

from nnbench.report.analysis import Analysis
from nnbench.report.layers.deaths import born_dead, dead_units
from nnbench.report.layers.gradients import gradients_at_end, gradients_at_start
from nnbench.report.layers.growth import growth_over_number, growth_table
from nnbench.report.layers.networks import sharpness, trainability
from nnbench.report.layers.signals import signals, through_training
from nnbench.report.layers.views import Diagnostic, View, view_of
from nnbench.results.read import Results

__all__ = ["Diagnostic", "diagnostics"]

MOST_PICTURES = 6

# In order of preference: those that few studies can have come first, each says itself when it has
# nothing to tell and is then None.
PICTURES: dict[str, Callable[[View], Diagnostic | None]] = {
    "trainability": trainability,
    "sharpness": sharpness,
    "born_dead": born_dead,
    "growth_over_number": growth_over_number,
    "gradients_at_start": gradients_at_start,
    "growth": growth_table,
    "dead_units": dead_units,
    "gradients_at_end": gradients_at_end,
    "through_training": through_training,
    "signals": signals,
}


def diagnostics(
    results: Results, analysis: Analysis, first: str = "", only: Collection[str] | None = None
) -> dict[str, Diagnostic]:
    """At most six pictures of what layers do, by name, the one named `first` in front.

    only: the names of those that are wanted, if not all are.

    None for a study without probes. A picture is left out where the study does not vary what it
    compares, or where a probe that it needs was not taken.
    """
    view = view_of(results, analysis)
    if view is None:
        return {}
    found: dict[str, Diagnostic] = {}
    for name in sorted(PICTURES, key=lambda name: name != first):
        diagnostic = PICTURES[name](view) if only is None or name in only else None
        if diagnostic is not None:
            found[name] = diagnostic
        if len(found) == MOST_PICTURES:
            break
    return found
