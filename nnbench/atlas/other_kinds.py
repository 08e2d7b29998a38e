"""Pictures of what the other kinds of study vary: test functions, and ways to write a loss."""

from itertools import pairwise
from typing import Any

import contourpy
import numpy as np
import torch
from numpy.typing import NDArray

from nnbench.atlas.canvas import Canvas, Margins, Span, ticks
from nnbench.atlas.picture import Picture, defaults
from nnbench.catalog.expressions import Expression, exact
from nnbench.catalog.landscapes import Landscape, height

GRID = 121  # points along an edge of a two-dimensional landscape
LEVELS = 9
LOGITS = Span(-120, 120)
ERRORS = Span(-9, 1.2)  # decimal logarithms of relative errors
MINIMUM = "m-4-4l8 8m-8 0l8-8"


def _heights(name: str, entry: Landscape, points: NDArray[np.float64]) -> NDArray[np.float64]:
    heights = height(name, defaults(entry.parameters), torch.tensor(points))
    return np.asarray(heights.numpy())


def landscape_picture(name: str, entry: Landscape) -> Picture:
    """Draw a landscape over its own domain: a curve, or contours that darken downwards."""
    if entry.dims == 2:
        return _map(name, entry)
    (domain,) = entry.domain
    x = np.linspace(*domain, 801)
    y = _heights(name, entry, x[:, None])
    air = 0.06 * (y.max() - y.min())
    canvas = Canvas(Span(*domain), Span(y.min() - 2 * air, y.max() + air))
    canvas.zero_lines()
    canvas.line(x, y, "curve")
    bottoms = np.array(entry.minima(**defaults(entry.parameters)))
    canvas.points(bottoms[:, 0], _heights(name, entry, bottoms), "bottom", MINIMUM)
    canvas.x_axis(ticks(canvas.x), "x")
    canvas.y_axis(ticks(canvas.y))
    return Picture(canvas, f"{name}: {entry.formula}, its minimum marked")


def _map(name: str, entry: Landscape) -> Picture:
    across, up = (np.linspace(low, high, GRID) for low, high in entry.domain)
    grid = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    values = _heights(name, entry, grid).reshape(GRID, GRID)
    bottoms = np.array(entry.minima(**defaults(entry.parameters)))
    above = values - _heights(name, entry, bottoms).min()
    canvas = Canvas(Span(*entry.domain[0]), Span(*entry.domain[1]))
    generator = contourpy.contour_generator(
        across, up, above, fill_type=contourpy.FillType.OuterOffset
    )
    # each level holds an equal share of the map, so that flat and steep parts both show
    for level in np.quantile(above, np.linspace(0, 1, LEVELS + 2)[1:-1]):
        canvas.patches(outlines(generator.filled(-1.0, float(level))), "level")
    canvas.points(bottoms[:, 0], bottoms[:, 1], "bottom", MINIMUM)
    canvas.x_axis(ticks(canvas.x), "x")
    canvas.y_axis(ticks(canvas.y))
    return Picture(canvas, f"{name}: contours of {entry.formula}, its minima marked")


def outlines(filled: Any) -> list[NDArray[np.float64]]:
    """The closed outlines, holes among them, of contourpy's polygons."""
    polygons, offsets = filled
    return [
        points[start:end]
        for points, cuts in zip(polygons, offsets, strict=True)
        for start, end in pairwise(cuts)
    ]


def relative_errors(entry: Expression) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Logits and the relative errors there; NaN where the loss is no finite number."""
    logits = torch.linspace(*LOGITS, 1201, dtype=torch.float64).float()
    truth, _ = exact(logits.double())
    value = entry.function(logits).double()
    errors = ((value - truth).abs() / truth).masked_fill(~torch.isfinite(value), torch.nan)
    return logits.double().numpy(), errors.numpy()


def expression_picture(name: str, entry: Expression) -> Picture:
    """Draw the relative error of an expression in float32, over logits."""
    logits, errors = relative_errors(entry)
    canvas = Canvas(LOGITS, ERRORS, Margins(top=22))
    broken = np.flatnonzero(np.isnan(errors))
    for run in np.split(broken, np.flatnonzero(np.diff(broken) > 1) + 1):
        if len(run):
            region = Span(float(logits[run[0]]), float(logits[run[-1]]))
            canvas.box(region, ERRORS, "wash")
            canvas.hatch(region, "hatching")
    canvas.zero_lines()
    canvas.line(logits, np.log10(np.maximum(errors, 10.0**ERRORS.low)), "curve thin")
    canvas.x_axis([-100, -50, 0, 50, 100], "logit of the right class")
    canvas.y_axis([-8, -6, -4, -2, 0], "log10 of the relative error")
    return Picture(canvas, f"{name}: relative error in float32 of {entry.formula}")
