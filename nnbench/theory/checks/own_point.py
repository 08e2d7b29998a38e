"""Checks of a mean field that the user asks for: one activation at a pair of variances."""

import math

from nnbench.catalog.meanfield import mean_field
from nnbench.theory.checks.base import FIVE_PERCENT, Check, Settings, mean_and_error
from nnbench.theory.checks.mean_field import expected, q_slope, through_a_layer
from nnbench.theory.checks.nets import Statistics

GROUP = "A mean field of one's own"


def check_own_point(settings: Settings) -> list[Check]:
    """Hold q*, chi and the depth scale at the settings' own pair; nothing where none is given.

    Through one layer from the fixed point, where the laws are exact at any width.
    """
    point = settings.point
    if point is None:
        return []
    name = settings.activation
    field, weight = mean_field(name), point.weight_variance
    chi = weight * float(field.slope_moment(point.q))
    slope = q_slope(field, weight, point.bias_variance, point.q)
    title = f"{name} at sw2 = {weight:g}, sb2 = {point.bias_variance:g}"
    found, count = through_a_layer(settings, {name: point})
    one = found[name]
    wrong_qs, (wrong_chi,) = expected(field, point, 2, 1.05)
    q, error = mean_and_error(one["pre"][:, 1])
    checks = [
        Check(f"{title}: q*, by what a layer makes of it", GROUP, point.q, q, error, wrong_qs[1],
              FIVE_PERCENT, "q* = sw2 E phi² + sb2", networks=count, detail={"slope": slope})
    ]  # fmt: skip
    if chi:  # without a slope nothing comes back
        checks += _one_chi(title, chi, wrong_chi, one, count)
    return checks


def _one_chi(title: str, chi: float, wrong: float, seen: Statistics, count: int) -> list[Check]:
    """Return the checks of chi through one layer, and of xi where there is one."""
    growth, error = mean_and_error(seen["gradient"][:, 0] / seen["gradient"][:, 1])
    checks = [
        Check(f"{title}: chi", GROUP, chi, growth, error, wrong, FIVE_PERCENT,
              "chi = sw2 E phi'²", networks=count)
    ]  # fmt: skip
    if not chi < 0.99:  # at the critical point xi is infinite, beyond it there is none
        return checks
    if not 0 < growth < 1:
        growth = math.nan  # which agrees with nothing
    scale = 1 / math.log(chi) ** 2  # of xi to the relative error of chi
    found = -1 / math.log(growth)
    wrong = -1 / math.log(wrong) if wrong < 1 else math.inf
    checks.append(
        Check(f"{title}: depth scale xi in layers", GROUP, -1 / math.log(chi), found,
              scale * error / chi, wrong, FIVE_PERCENT, "xi = -1 / ln chi", networks=count)
    )  # fmt: skip
    return checks
