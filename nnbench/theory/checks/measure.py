"""Theory against measurement: every prediction, measured with the functions that train.

`nnbench.theory.laws` has the formulas, `nnbench.catalog.meanfield` the integrals; here stand the
measurements, a group of laws to a file. Draws are seeded by purpose: the same settings give the
same numbers.
"""

from collections.abc import Callable

from nnbench.lazy import load_now
from nnbench.theory.checks.base import Check, Settings, read_settings
from nnbench.theory.checks.batchnorm import check_batchnorm
from nnbench.theory.checks.death import check_born_dead
from nnbench.theory.checks.descent import check_first_steps, check_noise, check_stability
from nnbench.theory.checks.edge import check_edge
from nnbench.theory.checks.finite_width import check_finite_width
from nnbench.theory.checks.linear import check_linear_modes
from nnbench.theory.checks.mean_field import (
    check_critical,
    check_he_for_smooth,
    check_own_point,
    check_phases,
)
from nnbench.theory.checks.propagation import check_correlations, check_dropout, check_propagation
from nnbench.theory.checks.selu import check_selu
from nnbench.theory.checks.trainability import check_trainability
from nnbench.training.threads import one_thread

__all__ = ["CHECKS", "Check", "Settings", "measure_all", "read_settings"]

CHECKS: dict[str, Callable[[Settings], list[Check]]] = {
    "variance propagation": check_propagation,
    "dropout": check_dropout,
    "finite width": check_finite_width,
    "ReLU correlations": check_correlations,
    "critical pairs": check_critical,
    "phases": check_phases,
    "He's init for smooth activations": check_he_for_smooth,
    "SELU": check_selu,
    "batch normalisation": check_batchnorm,
    "born dead": check_born_dead,
    "linear networks": check_linear_modes,
    "stability": check_stability,
    "gradient noise": check_noise,
    "first steps": check_first_steps,
    "edge of stability": check_edge,
    "trainability": check_trainability,
    "a mean field of one's own": check_own_point,
}


def measure_all(
    settings: Settings, on_progress: Callable[[str, float], None] = lambda name, share: None
) -> list[Check]:
    """Return every check at these settings, in the page's order.

    `on_progress` is told the name of what begins and the share that is done.
    """
    load_now("torch")
    checks: list[Check] = []
    with one_thread():
        for done, (name, measure) in enumerate(CHECKS.items()):
            on_progress(name, done / len(CHECKS))
            checks += measure(settings)
    on_progress("", 1.0)
    return checks
