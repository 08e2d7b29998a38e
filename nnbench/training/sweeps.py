"""The protocol of sweeps: what a row says of a number type's errors along rising logits."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_POINTS = 400  # of a sweep's curve
LOST = 0.01  # share of the exact gradient under which a gradient counts as lost
SAFE_ERROR = 0.01  # relative error up to which a number counts as right, or
SAFE_ROUNDINGS = 4  # so many units of rounding, where that is more: bfloat16 has three digits
Array = NDArray[np.float64]


class Sweep(NamedTuple):
    """One expression along rising |logit|: all (points,) float64.

    `smallest` is the number type's smallest normal number, `epsilon` its unit of rounding.
    """

    logit: Array
    value: Array
    gradient: Array
    exact_value: Array
    exact_gradient: Array
    smallest: float
    epsilon: float


def relative_error(found: Array, truth: Array, smallest: float) -> Array:
    """Return |found - truth| over the larger of the two, at most 1; null where truth is too small.

    1 where nothing of the number is left: zero, infinite, or not a number. A truth that the number
    type cannot hold to its full precision is nobody's fault.
    """
    with np.errstate(invalid="ignore"):
        larger = np.maximum(np.abs(found), np.abs(truth))
        error = np.where(np.isfinite(found), np.abs(found - truth) / np.maximum(larger, 1e-320), 1)
    return np.where(np.abs(truth) < smallest, np.nan, np.minimum(error, 1.0))


def cell_row(cell_id: str, swept: Sweep, seconds: float) -> dict[str, Any]:
    """Return a sweep's row: worst errors, and the |logit| from which on things go wrong.

    `not_finite_from` is about the loss; a gradient that is not finite counts as lost. A |logit| is
    null where nothing goes wrong up to the end; `safe_up_to` is then the end.
    """
    size = np.abs(swept.logit)
    errors = [
        relative_error(found, truth, swept.smallest)
        for found, truth in (
            (swept.value, swept.exact_value),
            (swept.gradient, swept.exact_gradient),
        )
    ]
    finite, sloped = np.isfinite(swept.value), np.isfinite(swept.gradient)
    held = np.abs(swept.exact_gradient) >= swept.smallest
    most = max(SAFE_ERROR, SAFE_ROUNDINGS * swept.epsilon)
    with np.errstate(invalid="ignore"):
        kept = sloped & (np.abs(swept.gradient) >= LOST * np.abs(swept.exact_gradient))
        wrong = (errors[0] > most) | (errors[1] > most) | ~finite | ~sloped
    unsafe = first(size, wrong)
    return {
        "cell_id": cell_id,
        "status": "ok",
        "max_relative_error": float(np.nanmax(errors[0])),
        "max_gradient_error": float(np.nanmax(errors[1])),
        "not_finite_from": first(size, ~finite),
        "gradient_lost_from": first(size, ~kept & held),
        "safe_up_to": float(size[-1]) if unsafe is None else before(size, wrong),
        "seconds": seconds,
        "engine": "stacked-eager",
    }


def first(size: Array, where: NDArray[np.bool_]) -> float | None:
    """Return the smallest |logit| at which something holds, None where it never does."""
    return float(size[where.argmax()]) if where.any() else None


def before(size: Array, where: NDArray[np.bool_]) -> float:
    """Return the largest |logit| before something holds for the first time."""
    return float(size[max(int(where.argmax()) - 1, 0)])


def curve_rows(cell_id: str, swept: Sweep) -> list[dict[str, Any]]:
    """Return a sweep's curve, thinned. What is not finite is told by a column of its own."""
    count = len(swept.logit)
    kept = np.unique(np.linspace(0, count - 1, min(count, MOST_POINTS)).round().astype(int))
    return [
        {
            "cell_id": cell_id,
            "epoch": number,
            "step": place,
            "logit": float(swept.logit[place]),
            "value": float(swept.value[place]),
            "gradient": float(swept.gradient[place]),
            "value64": float(swept.exact_value[place]),
            "gradient64": float(swept.exact_gradient[place]),
            "value_is": kind_of_number(swept.value[place]),
            "gradient_is": kind_of_number(swept.gradient[place]),
        }
        for number, place in enumerate(kept.tolist())
    ]


def kind_of_number(value: float) -> str:
    """Return `finite`, `infinite` or `nan`: in the tables, a nan is a null."""
    if np.isnan(value):
        return "nan"
    return "finite" if np.isfinite(value) else "infinite"
