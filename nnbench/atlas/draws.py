"""Pictures of what is drawn at random: initial weights, normalised batches, data sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nnbench.atlas.canvas import Canvas, Margins, Span, ticks
from nnbench.atlas.laws import Law, law_of
from nnbench.atlas.picture import Picture
from nnbench.catalog.inits import Init
from nnbench.catalog.norms import Norm
from nnbench.lazy import lazy_import
from nnbench.seeds import numpy_generator, torch_generator

if TYPE_CHECKING:
    import torch
else:
    torch = lazy_import("torch", globals())

FAN = 256  # units on both sides of a drawn weight matrix
BINS = 80
UNITS = ((-2.0, 0.5), (0.5, 1.0), (3.0, 1.6))  # mean and deviation of the three units of a batch
BATCH = 4000
NORM_RANGE = Span(-5, 8)


def init_pictures(family: Mapping[str, Init]) -> dict[str, Picture]:
    """Draw each law of weights on the same axes: histogram, and the density of its formula."""
    weights = {name: initial_weights(entry) for name, entry in family.items()}
    reach = max(float(np.quantile(np.abs(w), 0.999)) for w in weights.values()) or 1.0
    laws = {name: law_of(entry.formula, symbols(entry)) for name, entry in family.items()}
    x = Span(-1.15 * reach, 1.15 * reach)
    return {name: _init_picture(name, weights[name], laws[name], x) for name in family}


def initial_weights(entry: Init) -> NDArray[np.float64]:
    """Return a matrix (256, 256) of the entry's weights, at its default parameters."""
    noise = torch.randn(
        FAN, FAN, dtype=torch.float64, generator=torch_generator(0, "atlas", "init", 0)
    )
    values = {name: about.default for name, about in entry.parameters.items()}
    return entry.function(noise, **values).numpy()


def symbols(entry: Init) -> dict[str, float]:
    """Return what the symbols of an initialisation's formula stand for in its picture."""
    values = {name: about.default for name, about in entry.parameters.items()}
    return {"fan_in": FAN, "fan_out": FAN, "n_in": FAN, "n_out": FAN} | {
        name: float(value) for name, value in values.items() if isinstance(value, int | float)
    }


def _init_picture(name: str, weights: NDArray[np.float64], law: Law | None, x: Span) -> Picture:
    edges = np.linspace(*x, BINS + 1)
    counts, _ = np.histogram(weights, edges)
    heights = counts / counts.max()  # each histogram's own: a density at one point has no height
    canvas = Canvas(x, Span(0, 1.12), Margins(left=10))
    canvas.bars(edges, heights, "bars")
    if law is not None:
        grid = np.linspace(*x, 801)
        unit = counts.max() / (weights.size * (edges[1] - edges[0]))
        canvas.line(grid, law.density(grid) / unit, "curve slope")
    canvas.x_axis(ticks(x), f"weight, {FAN} inputs and outputs")
    deviation = float(weights.std())
    words = f"deviation {deviation:.2g}" if deviation else f"all {weights.flat[0]:g}"
    canvas.text(x.high, 1.12, words, "end quiet haloed", (0, 14))
    return Picture(canvas, f"{name}: histogram of {weights.size:,} weights, {words}")


def norm_pictures(family: Mapping[str, Norm]) -> dict[str, Picture]:
    """Draw a batch of three units before (grey) and after (blue), on the same axes."""
    generator = numpy_generator(0, "atlas", "norm", 0)
    means, deviations = np.array(UNITS).T
    before = means + deviations * generator.standard_normal((BATCH, len(UNITS)))
    return {name: _norm_picture(name, entry, before) for name, entry in family.items()}


def normalised(entry: Norm, batch: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the batch (batch, units) as the entry's training form leaves it."""
    if entry.function is None:
        return batch
    units = batch.shape[1]
    given = {
        name: torch.tensor(about.default, dtype=torch.float64)
        for name, about in entry.parameters.items()
        if not about.program
    }
    learned = {
        name: torch.ones(units) if name == "weight" else torch.zeros(units)
        for name in entry.learned
    }
    running = {name: torch.full((units,), start) for name, start in entry.running}
    return entry.function(torch.tensor(batch), running, True, **learned, **given)[0].numpy()


def _norm_picture(name: str, entry: Norm, before: NDArray[np.float64]) -> Picture:
    after = normalised(entry, before)
    edges = np.linspace(*NORM_RANGE, BINS + 1)
    histograms = [[np.histogram(unit, edges)[0] for unit in part.T] for part in (before, after)]
    tallest = BATCH * 0.075
    canvas = Canvas(NORM_RANGE, Span(0, 1.12), Margins(left=10))
    for part, look in zip(histograms, ("bars faint", "outline"), strict=True):
        for counts in part:
            canvas.bars(edges, np.minimum(counts / tallest, 1.0), look)
    canvas.x_axis([-4, -2, 0, 2, 4, 6, 8], "three units, before (grey) and after (lines)")
    return Picture(canvas, f"{name}: histograms of three units before and after {entry.formula}")
