"""What a cell's probes come to: units that die in time, and the columns of the cell's own row.

Plain Python and numpy on what either engine has measured.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Row = Mapping[str, Any]
KEPT = (  # by a cell that diverges, for it was true when it was measured
    "gradient_growth",
    "gradient_drift",
    "signal_growth",
    "signal_drift",
    "dead_fraction_start",
    "saturated_fraction_start",
    "last_unit_died_at_step",
)
AT_END = ("dead_fraction_end", "saturated_fraction_end", "zero_fraction_end", "sharpness_end")


class DeathInTime:
    """Follows which units of each layer are dead from probe to probe."""

    def __init__(self) -> None:
        self.first_empty_step: int | None = None  # when a layer was first found with all units dead
        self._born: NDArray[np.bool_] | None = None
        self._ever: NDArray[np.bool_] | None = None
        self._died_at: list[int | None] = []

    def add(self, step: int, dead: NDArray[np.bool_]) -> dict[str, Sequence[float | int | None]]:
        """Take in which units (layers, units) are dead after `step` steps; return columns by layer.

        A dead unit was born so, which is dead at the first probe, or died; a living one that was
        found dead before has revived. A layer died at the first probe of those, up to this one,
        that found all its units dead: at 0 if it was born dead, never while any unit lives.
        """
        if self._born is None or self._ever is None:
            self._born, self._ever = dead, dead
            self._died_at = [None] * len(dead)
        self._ever = self._ever | dead
        empty = [bool(layer.all()) for layer in dead]
        self._died_at = [
            (step if before is None else before) if now else None
            for now, before in zip(empty, self._died_at, strict=True)
        ]
        if any(empty) and self.first_empty_step is None:
            self.first_empty_step = step
        return {
            "born_dead_fraction": (dead & self._born).mean(1).tolist(),
            "died_fraction": (dead & ~self._born).mean(1).tolist(),
            "revived_fraction": (~dead & self._ever).mean(1).tolist(),
            "layer_died_at_step": list(self._died_at),
        }


def columns_of(layers: Sequence[Row], curves: Sequence[Row], died: DeathInTime) -> dict[str, Any]:
    """Return the columns that a cell's row takes from its rows of layers and its curve.

    All are null where no probe ran; see `growth` for where a growth is.
    """
    if not layers:
        return dict.fromkeys((*KEPT, *AT_END))
    first, last = (
        [row for row in layers if row["epoch"] == layers[place]["epoch"]] for place in (0, -1)
    )
    gradient = growth(first[-1]["act_grad_norm"], first[0]["act_grad_norm"], len(first))
    signal = growth(root_mean_square(first[0]), root_mean_square(first[-1]), len(first))
    sharpness = [row["sharpness"] for row in curves if "sharpness" in row]
    found = {
        "gradient_growth": gradient,
        "gradient_drift": None if gradient is None else abs(math.log10(gradient)),
        "signal_growth": signal,
        "signal_drift": None if signal is None else abs(math.log10(signal)),
        "last_unit_died_at_step": died.first_empty_step,
        "sharpness_end": sharpness[-1] if sharpness else None,
    }
    for name in ("dead_fraction", "saturated_fraction"):
        found[f"{name}_start"] = mean([row[name] for row in first])
        found[f"{name}_end"] = mean([row[name] for row in last])
    found["zero_fraction_end"] = mean([row["zero_fraction"] for row in last])
    return found


def growth(first: float, last: float, layers: int) -> float | None:
    """Return the factor by which a size grows from one layer to the next, over `layers` layers.

    It is null for a single layer, and where a size is zero or not finite.
    """
    sizes_are_fit = all(math.isfinite(size) and size > 0 for size in (first, last))
    if layers < 2 or not sizes_are_fit:
        return None
    # the quotient of the two may be beyond any float; its root is not
    found = math.exp((math.log(last) - math.log(first)) / (layers - 1))
    return found if 0 < found < math.inf else None


def root_mean_square(row: Row) -> float:
    """Return the root mean square of a layer's activations."""
    return math.hypot(row["act_mean"], row["act_std"])


def mean(values: Sequence[float]) -> float:
    """Return the mean of some numbers."""
    return math.fsum(values) / len(values)
