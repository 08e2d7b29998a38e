"""Checks of mean-field theory: q*, chi and the depth scale, activation by activation."""

import math
from functools import partial

import torch
from torch import Tensor

from nnbench.catalog.activations.registry import ACTIVATIONS
from nnbench.catalog.meanfield import Critical, MeanField, mean_field
from nnbench.theory.checks.base import (
    FIVE_PERCENT,
    QUARTER,
    Check,
    Settings,
    growth_and_error,
    mean_and_error,
)
from nnbench.theory.checks.nets import Law, Statistics, law_of, measure, on_sphere
from nnbench.theory.corrections import FiniteWidth, finite_width

INPUTS = 16  # of each network; they share its weights, so a network counts as one measurement
LEVELS = tuple(2.0**power for power in range(11))
FIRST_ORDER = "to first order in 1/n"
OWN = "A mean field of one's own"  # the group of the point that the settings ask for
HIGHER_ORDERS = "higher orders in 1/n: depth / n of the first"
STABLE = 0.95  # slope of the q map below which chance deviations of q do not pile up


def critical_points() -> dict[str, Critical]:
    """Return every activation's critical point at the least q of 1, 2, 4, ..., 1024 that has one.

    Sigmoid's outputs are all positive: its q has to be large before a bias variance can make up
    for them. An activation without slope has none at any q.
    """
    found = {}
    for name, entry in ACTIVATIONS.items():
        for q in LEVELS if entry.elementwise else ():
            try:
                found[name] = mean_field(name).critical_at_q(q)
                break
            except ValueError:
                continue  # there is none at this q
    return found


def q_slope(field: MeanField, weight: float, bias: float, q: float, step: float = 1e-5) -> float:
    """Return the slope of the q map at q: beyond 1, q runs away from its fixed point."""
    low, high = field.q_map([q - step, q + step], weight, bias)
    return float(high - low) / (2 * step)


def expected(
    field: MeanField, point: Critical, depth: int, scale: float = 1.0
) -> tuple[list[float], list[float]]:
    """Return q of each layer, and the growth of squared gradients from each to the one before.

    Started at the point's q exactly, as `measured_at` does. `scale` is that of the weights'
    variance: what an engine measures whose weights are not those of the point.
    """
    weight, bias = scale * point.weight_variance, point.bias_variance
    qs = [scale * (point.q - bias) + bias]
    for _ in range(depth - 1):
        qs.append(float(field.q_map(qs[-1], weight, bias)))
    return qs, [weight * float(slope) for slope in field.slope_moment(qs[:-1])]


def mean_growth(growths: list[float]) -> float:
    """Return the growth a layer that multiplies up to the same."""
    return math.prod(growths) ** (1 / len(growths))


def _law(settings: Settings, name: str, weight: float, bias: float, depth: int) -> Law:
    init = {"name": "lecun_normal", "gain": math.sqrt(weight)}
    return law_of(settings, name, init, depth=depth, sb2=bias)


def _signals(
    points: dict[str, Critical], cut: int, law: Law, params: Tensor, noise: dict[str, Tensor]
) -> Statistics:
    """Return q and squared gradients by layer, mean over inputs; layer 0 starts at q* exactly.

    The gradient enters at ``pre/<cut>``: with a cut at layer 1 both means are exact at any width.
    """
    point = points[law.program.activation]
    inside = (point.q - point.bias_variance) / point.weight_variance
    x = on_sphere(noise["x"], inside)
    masks = {
        f"activation/{layer}": torch.special.ndtr(noise["slopes"][layer])
        for layer in range(law.program.depth)
    }
    pre = law.by_layer(law.run(params, x, masks), "pre").mean(1)
    slopes = law.gradients(params, x, on_sphere(noise["v"], 1.0), f"pre/{cut}", masks)
    kept = torch.stack([slopes[f"pre/{layer}"].square().mean() for layer in range(cut + 1)])
    return {"pre": pre, "gradient": kept}


def check_critical(settings: Settings) -> list[Check]:
    """Hold every activation's critical pair against networks: one step, then many."""
    points = critical_points()
    slopes = {
        name: q_slope(mean_field(name), point.weight_variance, point.bias_variance, point.q)
        for name, point in points.items()
    }
    stable = {
        name: point
        for name, point in points.items()
        if slopes[name] < STABLE and not ACTIVATIONS[name].random
    }
    return [
        *_one_step(settings, points, slopes),
        *_tanh_pairs(settings),
        *_many_steps(settings, stable),
    ]


def measured_at(
    settings: Settings, points: dict[str, Critical], purpose: str, depth: int, count: int
) -> dict[str, Statistics]:
    """Return q and squared gradients by layer of `count` networks started at each point.

    The keys of `points` are names of activations.
    """
    laws = {
        name: _law(settings, name, point.weight_variance, point.bias_variance, depth)
        for name, point in points.items()
    }
    shape = (INPUTS, settings.width)
    return measure(
        laws, purpose, count, partial(_signals, points, depth - 1),
        x=shape, v=shape, slopes=(depth, *shape),
    )  # fmt: skip


def through_a_layer(
    settings: Settings, points: dict[str, Critical]
) -> tuple[dict[str, Statistics], int]:
    """Return what one layer makes of each point, and of how many networks."""
    count = max(90_000 // settings.width, 64)
    return measured_at(settings, points, "mean field", 2, count), count


def _critical_weight(name: str, title: str, point: Critical, seen: Statistics, count: int) -> Check:
    chi, error = mean_and_error(seen["gradient"][:, 0] / seen["gradient"][:, 1])
    weight = point.weight_variance
    (wrong,) = expected(mean_field(name), point, 2, 1.05)[1]
    return Check(f"{name}: critical sw2 at {title}", "Critical pairs", weight,
                 weight / chi, weight * error / chi**2, weight / wrong, FIVE_PERCENT,
                 "sw2 = 1 / E phi'²", networks=count)  # fmt: skip


def _one_step(
    settings: Settings, points: dict[str, Critical], slopes: dict[str, float]
) -> list[Check]:
    found, count = through_a_layer(settings, points)
    checks = []
    for name, point in points.items():
        checks.append(_critical_weight(name, f"q = {point.q:g}", point, found[name], count))
        q, error = mean_and_error(found[name]["pre"][:, 1])
        wrong_qs = expected(mean_field(name), point, 2, 1.05)[0]
        checks.append(
            Check(f"{name}: q after a layer at its critical pair", "Critical pairs", point.q, q,
                  error, wrong_qs[1], FIVE_PERCENT, "q = sw2 E phi² + sb2", networks=count,
                  detail={"activation": name, "slope": slopes[name]})
        )  # fmt: skip
    return checks


def _chi(
    title: str, label: str, finite: FiniteWidth, wrong: float,
    seen: Statistics, count: int, mistake: str = QUARTER, law: str = "chi = sw2 E phi'²",
) -> Check:  # fmt: skip
    """The growth of squared gradients by layer, as the figure of chi shows it under a label."""
    gradient = seen["gradient"]
    growth, error = growth_and_error(gradient[:, -1], gradient[:, 0], gradient.shape[1] - 1)
    return Check(title, "Fixed points and gradients", finite.growth, growth, error, wrong, mistake,
                 f"{law}, {FIRST_ORDER}", allowance=finite.growth_beyond, allows=HIGHER_ORDERS,
                 networks=count, detail={"figure": "chi", "activation": label})  # fmt: skip


def _many_steps(settings: Settings, points: dict[str, Critical]) -> list[Check]:
    depth = settings.depth
    any_law = _law(settings, "tanh", 1.0, 0.0, depth)
    count = any_law.count() // 2
    found = measured_at(settings, points, "mean field, deep", depth, count)
    checks, half = [], depth // 2
    for name, point in points.items():
        q, error = mean_and_error(found[name]["pre"][:, half:].mean(1))
        variances = point.weight_variance, point.bias_variance
        finite = finite_width(mean_field(name), *variances, point.q, depth, settings.width)
        wrong_qs, wrong_chis = expected(mean_field(name), point, depth, 1.25)
        wrong = sum(wrong_qs[half:]) / (depth - half)
        checks.append(
            Check(f"{name}: q* over {depth} layers", "Fixed points and gradients",
                  sum(finite.q[half:]) / (depth - half), q, error, wrong, QUARTER,
                  f"q* = sw2 E phi² + sb2, {FIRST_ORDER}", networks=count,
                  allowance=finite.q_beyond(half), allows=HIGHER_ORDERS)
        )  # fmt: skip
        wrong, title = mean_growth(wrong_chis), f"{name}: chi over {depth} layers"
        checks.append(_chi(title, name, finite, wrong, found[name], count))
    return checks


def _tanh_pairs(settings: Settings) -> list[Check]:
    """Tanh's critical sw2 for given sb2, of the literature."""
    checks = []
    for bias in (0.05, 0.1, 0.25):
        point = mean_field("tanh").critical_at_bias(bias)
        found, count = through_a_layer(settings, {"tanh": point})
        checks.append(_critical_weight("tanh", f"sb2 = {bias:g}", point, found["tanh"], count))
    return checks


def check_phases(settings: Settings) -> list[Check]:
    """Hold chi and the depth scale away from criticality against deep networks of tanh."""
    depth, width = settings.depth, settings.width
    field = mean_field("tanh")
    default = (1 / 3, 1 / (3 * width))
    checks = []
    for weight, bias, title in (
        (1.3, 0.1, "ordered"),
        (3.0, 0.05, "chaotic"),
        (*default, "torch's default"),
    ):
        q = field.fixed_point(weight, bias)
        point = Critical(weight, bias, q)
        count = _law(settings, "tanh", weight, bias, depth).count()
        found = measured_at(settings, {"tanh": point}, "phases", depth, count)["tanh"]
        finite = finite_width(field, weight, bias, q, depth, width)
        predicted = finite.growth
        wrong = mean_growth(expected(field, point, depth, 1.25)[1])
        name = f"tanh, {title} (sw2 = {weight:.3g}, sb2 = {bias:.2g}): chi"
        checks.append(_chi(name, f"tanh, {title}", finite, wrong, found, count))
        if title == "ordered":
            chi, error = checks[-1].measured, checks[-1].standard_error
            scales = [1 / (one * math.log(one) ** 2) for one in (chi, predicted)]  # d xi / d chi
            checks.append(
                Check("tanh, ordered: depth scale xi in layers", "Fixed points and gradients",
                      -1 / math.log(predicted), -1 / math.log(chi), scales[0] * error,
                      -1 / math.log(wrong), QUARTER, "xi = -1 / ln chi",
                      allowance=scales[1] * finite.growth_beyond,
                      allows=HIGHER_ORDERS, networks=count)
            )  # fmt: skip
    return checks


def check_he_for_smooth(settings: Settings) -> list[Check]:
    """Hold He's init under GELU and SiLU, whose q goes to 0 and whose chi goes to 1/2."""
    depth, width = settings.depth, settings.width
    checks = []
    for name in ("gelu", "swish"):
        point = Critical(2.0, 0.0, 0.02)  # from q = 1 some take long to leave: the mean is theirs
        finite = finite_width(mean_field(name), 2.0, 0.0, point.q, depth, width)
        count = _law(settings, name, 2.0, 0.0, depth).count()
        found = measured_at(settings, {name: point}, "he", depth, count)[name]
        q, error = growth_and_error(found["pre"][:, 0], found["pre"][:, -1], depth - 1)
        predicted = (finite.q[-1] / point.q) ** (1 / (depth - 1))
        beyond = abs(finite.shift[-1] / finite.q[-1]) * finite.order / (depth - 1)
        checks.append(
            Check(f"{name}, He: growth of q over {depth} layers", "Fixed points and gradients",
                  predicted, q, error, 1.0, f"{name} taken for ReLU",
                  f"q' = 2 E phi², {FIRST_ORDER}", networks=count,
                  allowance=predicted * beyond, allows=HIGHER_ORDERS)
        )  # fmt: skip
        title = f"{name}, He: growth of squared gradients over {depth} layers"
        law = "chi = 2 E phi'², to 1/2 as q goes to 0"
        checks.append(
            _chi(title, f"{name}, He", finite, 1.0, found, count, f"{name} taken for ReLU", law)
        )  # fmt: skip
    return checks


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
        Check(f"{title}: q*, by what a layer makes of it", OWN, point.q, q, error, wrong_qs[1],
              FIVE_PERCENT, "q* = sw2 E phi² + sb2", networks=count, detail={"slope": slope})
    ]  # fmt: skip
    if chi:  # without a slope nothing comes back
        checks += _one_chi(title, chi, wrong_chi, one, count)
    return checks


def _one_chi(title: str, chi: float, wrong: float, seen: Statistics, count: int) -> list[Check]:
    """Return the checks of chi through one layer, and of xi where there is one."""
    growth, error = mean_and_error(seen["gradient"][:, 0] / seen["gradient"][:, 1])
    checks = [
        Check(f"{title}: chi", OWN, chi, growth, error, wrong, FIVE_PERCENT,
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
        Check(f"{title}: depth scale xi in layers", OWN, -1 / math.log(chi), found,
              scale * error / chi, wrong, FIVE_PERCENT, "xi = -1 / ln chi", networks=count)
    )  # fmt: skip
    return checks
