"""The protocol of walks that both engines keep to: starts, noise, rates, and what a row says.

A walk is one optimizer's way over a landscape. All that is random in it depends on the landscape,
the study's seed and the repeat, never on the optimizer: walks of one repeat share start and noise.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnbench.catalog.landscapes import LANDSCAPES, Point, minima_of
from nnbench.catalog.schedules.registry import SCHEDULES
from nnbench.seeds import numpy_generator
from nnbench.study.recipe import Recipe
from nnbench.training.protocol import Momenta, momentum_place

MOST_POINTS = 120  # of a walk's curve: a longer walk is thinned after the first half of them
ROOTS = {1: 1.6180339887498949, 2: 1.3247179572447460}  # of g^(dims + 1) = g + 1
Array = NDArray[np.float64]


def start_of(recipe: Recipe) -> Array:
    """Return where a walk begins (dims,): drawn by its repeat, or the repeat's place in an even
    sequence over the box of starts.

    Evenly: the fractions of 1/2 + n g^-i, g the root of g^(dims + 1) = g + 1 (Roberts 2018, The
    Unreasonable Effectiveness of Quasirandom Sequences).
    """
    entry = LANDSCAPES[recipe["landscape"]]
    low, high = np.array(entry.starts).T
    if recipe["start"] == "spread":
        share = (0.5 + recipe["seed"] * ROOTS[entry.dims] ** -np.arange(1.0, entry.dims + 1)) % 1
    else:
        share = _generator(recipe, "start").random(entry.dims)
    return np.asarray(low + (high - low) * share)


def noise_of(recipe: Recipe) -> Array:
    """Return the noise in each step's gradient (steps, dims), of standard deviation `noise`."""
    entry = LANDSCAPES[recipe["landscape"]]
    drawn = _generator(recipe, "noise").standard_normal((recipe["steps"], entry.dims))
    return recipe["noise"] * drawn


def _generator(recipe: Recipe, purpose: str) -> np.random.Generator:
    return numpy_generator(
        recipe["study_seed"], f"walk/{purpose}", recipe["landscape"], recipe["seed"]
    )


def rates_of(recipe: Recipe) -> Array:
    """Return the learning rate of each step (steps,); schedules count steps for epochs here."""
    function = SCHEDULES[recipe["schedule"]].function
    assert function is not None  # no recipe of a walk has a schedule that waits for a validation
    steps = recipe["steps"]
    rates = function(np.arange(steps), recipe["optimizer.lr"], steps, **recipe.of("schedule"))
    return np.asarray(rates, dtype=np.float64)


def momenta_of(recipe: Recipe) -> Momenta | None:
    """Return the momentum of each step, where the schedule cycles it."""
    function, place = SCHEDULES[recipe["schedule"]].momentum, momentum_place(recipe)
    if function is None or not place:
        return None
    steps = recipe["steps"]
    return Momenta(place, function(np.arange(steps), steps, **recipe.of("schedule")))


@dataclass(frozen=True)
class Trace:
    """One walk, state by state from the start: heights, points that are evaluated, gradients.

    `points` is (steps + 1, dims); `heights`, at those points, and `grad_norms`, of the gradient at
    the iterate without noise, are (steps + 1,); `rates` is (steps,).
    """

    points: Array
    heights: Array
    grad_norms: Array
    rates: Array

    @property
    def diverged_at_step(self) -> int | None:
        """Return the first step after which a height, gradient or point is not finite."""
        finite = np.isfinite(self.points).all(1)
        bad = ~(finite & np.isfinite(self.heights) & np.isfinite(self.grad_norms))
        return int(bad.argmax()) if bad.any() else None


def cell_row(
    cell_id: str, recipe: Recipe, trace: Trace, seconds: float, engine: str
) -> dict[str, Any]:
    """Return a walk's row of results.

    `reached_global` says whether it ends within the tolerance of a global minimum, which a walk
    that diverged does not; `steps_to_minimum` is the first step from which on it stays there.
    """
    diverged = trace.diverged_at_step
    row: dict[str, Any] = {
        "cell_id": cell_id,
        "status": "ok" if diverged is None else "diverged",
        "diverged_at_step": diverged,
        "epochs_run": len(trace.rates) if diverged is None else max(diverged - 1, 0),
        "n_params": trace.points.shape[1],
        "reached_global": False,
        "seconds": seconds,
        "engine": engine,
    }
    if diverged is not None:
        return row
    distances = distances_to(minima_of(recipe), trace.points)
    outside = np.flatnonzero(distances > recipe["tolerance"])
    arrival = int(outside[-1]) + 1 if len(outside) else 0
    reached = arrival < len(distances)
    return row | {
        "final_value": float(trace.heights[-1]),
        "distance_to_minimum": float(distances[-1]),
        "reached_global": reached,
        "steps_to_minimum": arrival if reached else None,
    }


def distances_to(minima: list[Point], points: Array) -> Array:
    """Return the distance (points,) of points (points, dims) from the nearest of the minima."""
    gaps = points[:, None, :] - np.array(minima)[None, :, :]
    return np.asarray(np.sqrt((gaps * gaps).sum(-1)).min(1))


def kept_steps(end: int) -> list[int]:
    """Return the steps from 0 to `end` that a curve keeps: the first ones all, then evenly."""
    if end < MOST_POINTS:
        return list(range(end + 1))
    half = MOST_POINTS // 2
    later = np.linspace(half, end, MOST_POINTS - half).round().astype(int)
    return [*range(half), *later.tolist()]


def curve_rows(cell_id: str, trace: Trace) -> list[dict[str, Any]]:
    """Return a walk's curve, thinned; of a walk that diverged, what comes before."""
    last = len(trace.rates)
    end = last if trace.diverged_at_step is None else trace.diverged_at_step - 1
    if end < 0:
        return []
    rows = []
    for step in kept_steps(end):
        row = {
            "cell_id": cell_id,
            "epoch": step,
            "step": step,
            "train_loss": float(trace.heights[step]),
            "grad_norm": float(trace.grad_norms[step]),
        }
        if last:
            row["lr"] = float(trace.rates[max(step - 1, 0)])
        row |= dict(zip(("x", "y"), trace.points[step].tolist(), strict=False))
        rows.append(row)
    return rows
