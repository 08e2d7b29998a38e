"""Pictures of what is drawn at random: initial weights, normalised batches, data sets."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nnbench.atlas.canvas import Canvas, Margins, Span, ticks
from nnbench.atlas.picture import Picture, defaults, numbers
from nnbench.catalog.inits.registry import Init
from nnbench.catalog.norms import Norm
from nnbench.seeds import numpy_generator, torch_generator

FAN = 256  # units on both sides of a drawn weight matrix
BINS = 80
SHOWN_FOR = "tanh"  # the activation of a law that depends on one
BATCH, UNITS = 512, 64
NORM_RANGE = Span(-6, 8)


def init_pictures(family: Mapping[str, Init]) -> dict[str, Picture]:
    """Draw each law of weights on the same axes: histogram, and the density of its law."""
    weights = {name: initial_weights(entry) for name, entry in family.items()}
    reach = max(float(np.quantile(np.abs(w), 0.999)) for w in weights.values()) or 1.0
    x = Span(-1.15 * reach, 1.15 * reach)
    return {name: _init_picture(name, entry, weights[name], x) for name, entry in family.items()}


def initial_weights(entry: Init) -> NDArray[np.float64]:
    """A matrix (256, 256) of the entry's weights, at its default parameters.

    One that looks at data is shown rectified noise, as a layer behind ReLU units has it.
    """
    noise, inputs = (
        torch.randn(FAN, FAN, dtype=torch.float64, generator=torch_generator(0, purpose, "init", 0))
        for purpose in ("atlas", "atlas inputs")
    )
    given = _given(entry)
    weights = entry.function(noise, **given)
    if entry.calibrate is not None:
        weights = entry.calibrate(weights, lambda matrix: inputs.relu() @ matrix.T, **given)
    return weights.numpy()


def _given(entry: Init) -> dict[str, Any]:
    """What the entry's functions are called with: its defaults, and perhaps tanh."""
    return defaults(entry.parameters) | (
        {"activation": SHOWN_FOR, "given": {}} if entry.needs_activation else {}
    )


def symbols(entry: Init) -> dict[str, Any]:
    """What the symbols of an initialisation's law stand for in its picture."""
    return entry.names(_given(entry), FAN, FAN) | {"h2": 0.5}  # of rectified normal inputs


def _init_picture(name: str, entry: Init, weights: NDArray[np.float64], x: Span) -> Picture:
    edges = np.linspace(*x, BINS + 1)
    counts, _ = np.histogram(weights, edges)
    heights = counts / counts.max()  # each histogram's own: a density at one point has no height
    canvas = Canvas(x, Span(0, 1.12), Margins(left=10))
    canvas.bars(edges, heights, "bars")
    if not isinstance(entry.law, str):
        grid = np.linspace(*x, 801)
        unit = counts.max() / (weights.size * (edges[1] - edges[0]))
        canvas.line(grid, entry.law.density(grid, symbols(entry)) / unit, "curve slope")
    canvas.x_axis(ticks(x), f"weight, {FAN} inputs and outputs")
    alike = np.ptp(weights) == 0  # where the deviation is mere rounding
    words = f"all {weights.flat[0]:g}" if alike else f"deviation {weights.std():.2g}"
    canvas.text(x.high, 1.12, words, "end quiet haloed", (0, 14))
    note = f"No density: {entry.law}." if isinstance(entry.law, str) else ""
    if entry.needs_activation:
        note = f"For {SHOWN_FOR}."
    if entry.calibrate is not None:
        note = "For a layer behind ReLU units."
    return Picture(canvas, f"{name}: histogram of {weights.size:,} weights, {words}", note)


def norm_pictures(family: Mapping[str, Norm]) -> dict[str, Picture]:
    """Draw a batch's values before (grey) and after (blue), and one unit's after (outline)."""
    before = uneven_batch()
    return {name: _norm_picture(name, entry, before) for name, entry in family.items()}


def uneven_batch() -> NDArray[np.float64]:
    """A batch (512, 64) whose units differ in mean and spread; unit 0 lies far off."""
    generator = numpy_generator(0, "atlas", "norm", 0)
    means = 1 + 1.5 * generator.standard_normal(UNITS)
    means[0] = 4.5
    spreads = np.exp(0.4 * generator.standard_normal(UNITS))
    spreads[0] = 0.8
    return means + spreads * generator.standard_normal((BATCH, UNITS))


def normalised(entry: Norm, batch: NDArray[np.float64]) -> NDArray[np.float64]:
    """The batch (batch, units) as the entry's training form leaves it."""
    if entry.function is None:
        return batch
    units = batch.shape[1]
    learned = {
        name: torch.ones(units) if name == "weight" else torch.zeros(units)
        for name in entry.learned
    }
    running = {name: torch.full((units,), start) for name, start in entry.running}
    given = learned | numbers(entry.parameters)
    return entry.function(torch.tensor(batch), running, True, **given)[0].numpy()


def _norm_picture(name: str, entry: Norm, before: NDArray[np.float64]) -> Picture:
    after = normalised(entry, before)
    edges = np.linspace(*NORM_RANGE, BINS + 1)
    canvas = Canvas(NORM_RANGE, Span(0, 1.05), Margins(left=10))
    for values, look in ((before, "bars faint"), (after, "bars"), (after[:, 0], "outline")):
        canvas.bars(edges, np.histogram(values, edges, density=True)[0], look)
    canvas.x_axis([-6, -4, -2, 0, 2, 4, 6, 8], "value")
    return Picture(canvas, f"{name}: histograms of a batch before and after {entry.formula}")
