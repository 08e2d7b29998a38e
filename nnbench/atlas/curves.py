"""Pictures of functions: activations with their derivatives, losses with their gradients."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nnbench.atlas.canvas import Canvas, Span, ticks
from nnbench.atlas.picture import Picture, defaults, numbers
from nnbench.catalog.activations.registry import Activation
from nnbench.catalog.losses import Loss

INPUTS = Span(-8, 8)  # beyond 6, where relu6 dies again
OTHER_UNITS = (0.0, 1.0)  # inputs at which the other units of a softmax are held
HEIGHTS = Span(-2.2, 4.2)  # of an activation, beyond which a picture is cut off
FLAT = 0.05  # share of the steepest slope under which a function counts as saturated
ERRORS = Span(-4, 4)
Curve = NDArray[np.float64]


class Drawn(NamedTuple):
    """An entry's function as drawn: values, slopes, and what else there is."""

    x: Curve
    y: Curve
    slope: Curve
    others: tuple[Curve, ...] = ()  # the rest of a softmax, or the edges of what chance may do


def activation_pictures(family: Mapping[str, Activation]) -> dict[str, Picture]:
    """Draw activations on the same axes: derivative dashed, saturated and dead sides shaded."""
    drawn = {name: activation_curve(entry) for name, entry in family.items()}
    heights = _heights(drawn.values(), HEIGHTS)
    return {
        name: _activation_picture(name, family[name], curve, heights)
        for name, curve in drawn.items()
    }


def activation_curve(entry: Activation) -> Drawn:
    """The function and its derivative, at the entry's default parameters."""
    x = np.linspace(*INPUTS, 1281) + 1e-9  # a kink at 0 is drawn by the slopes beside it
    given = numbers(entry.parameters)
    learned = {
        name: torch.tensor(start, dtype=torch.float64) for name, start in entry.learned.items()
    }

    def function(inputs: Tensor, chance: float) -> Tensor:
        noise = [torch.full_like(inputs, chance)] if entry.random else []
        return entry.function(inputs, *noise, **given, **learned)

    if not entry.elementwise:
        return _one_unit_among_others(function, x)
    y, slope = _with_slope(lambda inputs: function(inputs, 0.5), x)
    if not entry.random:
        return Drawn(x, y, slope)
    bounds = [function(torch.tensor(x), chance).detach().numpy() for chance in (1e-9, 1 - 1e-9)]
    return Drawn(x, y, slope, tuple(bounds))


def _one_unit_among_others(function: Callable[[Tensor, float], Tensor], x: Curve) -> Drawn:
    """The first unit's output as its input varies, the others' inputs being held."""
    inputs = np.column_stack([x, *(np.full(len(x), at) for at in OTHER_UNITS)])
    given = torch.tensor(inputs, requires_grad=True)
    outputs = function(given, 0.5)
    (gradient,) = torch.autograd.grad(outputs[:, 0].sum(), given)
    values = outputs.detach().numpy()
    return Drawn(x, values[:, 0], gradient[:, 0].numpy(), tuple(values[:, 1:].T))


def _with_slope(function: Callable[[Tensor], Tensor], x: Curve) -> tuple[Curve, Curve]:
    """An elementwise function's values and derivatives; 0 where it has no gradient."""
    given = torch.tensor(x, requires_grad=True)
    outputs = function(given)
    if not outputs.requires_grad:
        return outputs.numpy(), np.zeros_like(x)
    (gradient,) = torch.autograd.grad(outputs.sum(), given)
    return outputs.detach().numpy(), gradient.numpy()


def _heights(drawn: Iterable[Drawn], most: Span) -> Span:
    """Limits that hold all curves of a family, or as much of them as `most` allows."""
    values = np.concatenate([np.concatenate([d.y, d.slope, *d.others]) for d in drawn])
    finite = values[np.isfinite(values)]
    low, high = max(finite.min(), most.low), min(finite.max(), most.high)
    air = 0.08 * (high - low)
    return Span(min(low - air, -air), high + air)


def _activation_picture(name: str, entry: Activation, curve: Drawn, heights: Span) -> Picture:
    canvas = Canvas(INPUTS, heights)
    dead, saturated = dead_regions(entry), saturated_regions(entry, curve)
    for region in saturated + dead:
        canvas.box(region, heights, "wash")
    for region in dead:
        canvas.hatch(region, "hatching")
    canvas.zero_lines()
    if entry.random:
        low, high = curve.others
        canvas.area(curve.x, low, high, "chance")
    else:
        for other in curve.others:
            canvas.line(curve.x, other, "curve second")
    canvas.line(curve.x, curve.slope, "curve slope")
    canvas.line(curve.x, curve.y, "curve")
    _name_regions(canvas, dead, saturated)
    canvas.x_axis([-8, -4, 0, 4, 8], "pre-activation")
    canvas.y_axis(ticks(heights))
    return Picture(canvas, f"{name} and its derivative: {entry.formula}", _activation_note(entry))


def _activation_note(entry: Activation) -> str:
    if entry.random:
        return "Line: at evaluation. Band: slopes that training may draw."
    if not entry.elementwise:
        held = " and ".join(f"{at:g}" for at in OTHER_UNITS)
        return f"One unit of three; the inputs of the others (orange) are held at {held}."
    return ""


def dead_regions(entry: Activation) -> list[Span]:
    """Where the function is constant, as the entry says, within the picture."""
    clipped = (
        Span(max(low, INPUTS.low), min(high, INPUTS.high))
        for low, high in entry.dead_regions(**defaults(entry.parameters))
    )
    return [region for region in clipped if region.length > 0]


def saturated_regions(entry: Activation, curve: Drawn) -> list[Span]:
    """The stretches at the picture's edges, on sides that saturate, that are nearly flat.

    Nearly flat: the slope stays under 5 % of the steepest in the picture.
    """
    steepest = np.abs(curve.slope).max()
    flat_ends = []
    for side in ("left", "right"):
        if entry.saturates not in (side, "both"):
            continue
        flat = np.abs(curve.slope if side == "left" else curve.slope[::-1]) <= FLAT * steepest
        length = len(flat) if flat.all() else int(flat.argmin())
        if length:
            edge = float(curve.x[length - 1] if side == "left" else curve.x[-length])
            flat_ends.append(Span(INPUTS.low, edge) if side == "left" else Span(edge, INPUTS.high))
    return [region for region in flat_ends if region.length > 0]


def _name_regions(canvas: Canvas, dead: list[Span], saturated: list[Span]) -> None:
    """Write each region's word; one that is dead and saturated is called dead."""
    for region in dead:
        _name_region(canvas, region, "dead")
    for region in saturated:
        if not any(min(region.high, one.high) > max(region.low, one.low) for one in dead):
            _name_region(canvas, region, "saturated")


def _name_region(canvas: Canvas, region: Span, word: str) -> None:
    half = 4.2 * len(word) / canvas.inner_width * INPUTS.length  # so that it stays in the frame
    middle = (region.low + region.high) / 2
    place = min(max(middle, INPUTS.low + half), INPUTS.high - half)
    canvas.text(place, canvas.y.high, word, "mid quiet haloed", (0, 14))


def loss_pictures(family: Mapping[str, Loss]) -> dict[str, Picture]:
    """Draw losses of one example on the same axes: the gradient dashed."""
    drawn = {name: loss_curve(entry) for name, entry in family.items()}
    heights = _heights(drawn.values(), Span(-4, 6))
    return {
        name: _loss_picture(name, family[name], curve, heights) for name, curve in drawn.items()
    }


def loss_curve(entry: Loss) -> Drawn:
    """A loss and its derivative by the output, for one example.

    A regression loss has target 0. One on classes has two outputs, o and 0, and the first is the
    right one; one on a single output has target 1.
    """
    given = {**defaults(entry.parameters), **numbers(entry.parameters)}
    x = np.linspace(*ERRORS, 401) + 1e-9
    values, slopes = [], []
    for at in x:
        output = torch.tensor([[at]], dtype=torch.float64, requires_grad=True)
        outputs, target = _example(entry, output)
        mapped = outputs if entry.output is None else entry.output(outputs)
        loss = entry.function(mapped, target, **given)
        (gradient,) = torch.autograd.grad(loss, output)
        values.append(loss.item())
        slopes.append(gradient.item())
    return Drawn(x, np.array(values), np.array(slopes))


def _example(entry: Loss, output: Tensor) -> tuple[Tensor, Tensor]:
    if "regression" in entry.targets:
        return output, torch.zeros_like(output)
    if "class" in entry.targets.values():
        return torch.cat([output, torch.zeros_like(output)], 1), torch.tensor([0])
    return output, torch.ones_like(output)


def _loss_picture(name: str, entry: Loss, curve: Drawn, heights: Span) -> Picture:
    canvas = Canvas(ERRORS, heights)
    canvas.zero_lines()
    canvas.line(curve.x, curve.slope, "curve slope")
    canvas.line(curve.x, curve.y, "curve")
    canvas.x_axis([-4, -2, 0, 2, 4], _loss_axis(entry))
    canvas.y_axis(ticks(heights))
    return Picture(canvas, f"{name} and its gradient: {entry.formula}")


def _loss_axis(entry: Loss) -> str:
    if "regression" in entry.targets:
        return "output less target"
    if "class" in entry.targets.values():
        return "right class's output less the other's"
    return "output, target 1"
