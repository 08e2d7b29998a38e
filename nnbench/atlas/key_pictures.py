"""Pictures of what has keys of its own: layers, regularisers, batches and clipping.

Each is drawn by the engine, for a network whose recipe has the entry's levels.
"""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from nnbench.atlas.canvas import Canvas, Margins, Span, ticks
from nnbench.atlas.curves import ERRORS, loss_curve
from nnbench.atlas.paths import START, WALK_X, WALK_Y, valley, valley_canvas
from nnbench.atlas.picture import Picture
from nnbench.catalog import LOSSES, VOCABULARY
from nnbench.catalog.keys import Key
from nnbench.seeds import numpy_generator
from nnbench.study.reading import make_study
from nnbench.study.recipe import Recipe
from nnbench.training.draws import Draws, split_for
from nnbench.training.stacked.descent import clipped
from nnbench.training.stacked.network import (
    Network,
    Program,
    forward,
    initial_params,
    initial_running,
    program_of,
    unflatten,
)
from nnbench.training.stacked.step import start_optimizer, train_step

Values = NDArray[np.float64]
UNITS, EXAMPLES = 64, 512
SIGNAL = {"name": "gaussian_signal", "n": 1000, "features": UNITS}
LAYER_RANGE = Span(-3.5, 3.5)
BINS = 71  # odd, so that zero lies within one
WEIGHTS = tuple(np.linspace(-1, 1, 9))
STEPS = 300
BATCH_EXAMPLES, BATCH_EPOCHS, BATCH_LR = 64, 8, 0.03
BOUNDS = Span(-3.3, 3.3)


class Built(NamedTuple):
    """A recipe as the engine has it: its program, and its numbers as tensors."""

    recipe: Recipe
    program: Program
    numbers: dict[str, torch.Tensor]


def built(**levels: Any) -> Built:
    """The recipe of a study with these levels; noise, in float64, where they do not say."""
    grid = {"data": SIGNAL, "seeds": 1, "dtype": "float64", "width": UNITS} | levels
    recipe = make_study({"name": "atlas", "grid": grid}, VOCABULARY).cells()[0].recipe
    numbers = {
        key: torch.tensor(float(value), dtype=torch.float64)
        for key, value in recipe.items()
        if isinstance(value, int | float)
    }
    return Built(recipe, program_of(recipe, split_for(recipe)), numbers)


# Layers -----------------------------------------------------------------------------------------


def without_and_with(entry: Key) -> tuple[Values, Values]:
    """A hidden layer's outputs (examples, units) without an entry's levels and with them.

    They are those of training, but for an entry that is about evaluation: there the one without
    is evaluated, and both have dropout.
    """
    levels = dict(entry.levels)
    activation, init = ("tanh", "xavier_normal")
    if levels.get("dropout_kind") == "alpha":
        activation, init = ("selu", "lecun_normal")
    base: dict[str, Any] = {"depth": 1, "activation": activation, "init": init}
    if "evaluation" in levels:
        base["dropout"] = 0.5
    return (
        hidden_outputs(built(**base), training="evaluation" not in levels),
        hidden_outputs(built(**base | levels), training=True),
    )


def hidden_outputs(network: Built, *, training: bool) -> Values:
    """What the last hidden layer of a network at its start hands on (examples, units)."""
    recipe, program, numbers = network
    params = unflatten(program, initial_params(program, recipe, Draws(recipe)))
    # the output layer as it is would mix the units: the identity hands them on
    params |= {
        "output.weight": torch.eye(UNITS).double(),
        "output.bias": torch.zeros(UNITS).double(),
    }
    x = torch.tensor(split_for(recipe).x["train"][:EXAMPLES])
    draws = Draws(recipe)
    noise = {
        f"dropout/{layer}": draws.next_noise("dropout", layer, len(x), UNITS)
        for layer in range(program.depth)
    }
    running = initial_running(program)
    outputs, _ = forward(program, params, running, numbers, x, noise if training else None)
    return outputs.numpy()


def layer_picture(name: str, entry: Key) -> Picture:
    """Draw what the last hidden layer hands on, without the entry (grey) and with it (blue)."""
    without, with_it = without_and_with(entry)
    edges = np.linspace(*LAYER_RANGE, BINS + 1)
    canvas = Canvas(LAYER_RANGE, Span(0, 1.5), Margins(left=10))
    for values, look in ((without, "bars faint"), (with_it, "bars")):
        canvas.bars(edges, np.histogram(values, edges, density=True)[0], look)
    words = f"deviation {with_it.std():.2f}"
    canvas.text(LAYER_RANGE.high, 1.5, words, "end quiet haloed", (0, 14))
    canvas.x_axis([-3, -2, -1, 0, 1, 2, 3], "output of a hidden unit")
    return Picture(
        canvas, f"{name}: histograms without and with {entry.formula}", _layer_note(entry)
    )


def _layer_note(entry: Key) -> str:
    levels = entry.levels
    if "depth" in levels:
        return f"Grey: one hidden layer. Blue: the last of {levels['depth']}."
    if "evaluation" in levels:
        return "With dropout 0.5. Grey: at evaluation. Blue: as in training."
    return "SELU units." if levels.get("dropout_kind") == "alpha" else ""


# Regularisers -----------------------------------------------------------------------------------


def shrinking(lr: float, optimizer: str = "sgd", **levels: Any) -> Values:
    """Weights (steps + 1, weights) that a loss without gradient leaves to their penalty."""
    data = {"name": "linear_sparse", "features": len(WEIGHTS)}
    network = built(data=data, depth=0, optimizer={"name": optimizer, "lr": lr}, **levels)
    _, program, numbers = network
    params = torch.tensor([*WEIGHTS, 0.0], dtype=torch.float64)  # the last one is the bias
    state = Network(params, {}, start_optimizer(program, params))
    x, y = torch.zeros(1, len(WEIGHTS)).double(), torch.zeros(1, 1).double()
    every = [params]
    for step in range(1, STEPS + 1):
        count = torch.tensor(float(step), dtype=torch.float64)
        state, _ = train_step(program, state, numbers, torch.tensor(lr).double(), count, x, y, {})
        every.append(state.params)
    return torch.stack(every)[:, :-1].numpy()


def regulariser_picture(name: str, entry: Key) -> Picture:
    """Draw how weights shrink where the loss has no say; of a smoothed target, its loss."""
    if "loss" in entry.levels:
        return _smoothed_picture(name, entry)
    canvas = Canvas(Span(0, STEPS), Span(-1.1, 1.1), Margins(top=22, right=14))
    canvas.zero_lines()
    note = "SGD at lr 1."
    if entry.levels.get("decoupled"):
        note = "Adam at lr 0.01, decay 1. Dashed: coupled, where all weights fall alike."
        for weight in shrinking(0.01, "adam", weight_decay=1.0, decoupled=False).T:
            canvas.line(range(STEPS + 1), weight, "curve slope")
        weights = shrinking(0.01, "adam", weight_decay=1.0, decoupled=True)
    else:
        weights = shrinking(1.0, **entry.levels)
    for weight in weights.T:
        canvas.line(range(STEPS + 1), weight, "curve thin")
    canvas.x_axis([0, 100, 200, 300], "step")
    canvas.y_axis([-1, 0, 1], "weight")
    return Picture(canvas, f"{name}: weights over {STEPS} steps of {entry.formula}", note)


def _smoothed_picture(name: str, entry: Key) -> Picture:
    plain = LOSSES[entry.levels["loss"]["name"]]
    smoothing = entry.levels["loss"]["label_smoothing"]
    about = replace(plain.parameters["label_smoothing"], default=smoothing)
    smoothed = loss_curve(replace(plain, parameters={"label_smoothing": about}))
    heights = Span(-1.4, 4.6)
    canvas = Canvas(ERRORS, heights)
    canvas.zero_lines()
    unsmoothed = loss_curve(plain)
    canvas.line(unsmoothed.x, unsmoothed.y, "curve second")
    canvas.line(smoothed.x, smoothed.slope, "curve slope")
    canvas.line(smoothed.x, smoothed.y, "curve")
    canvas.x_axis([-4, -2, 0, 2, 4], "right class's output less the other's")
    canvas.y_axis(ticks(heights))
    note = f"s = {smoothing:g}: to be surer than the target costs. Orange: s = 0. Dashed: gradient."
    return Picture(canvas, f"{name}: cross-entropy with smoothed targets, {entry.formula}", note)


# Batches and clipping ---------------------------------------------------------------------------


def noisy_path(batch_size: int) -> Values:
    """SGD's points (steps + 1, 2) on the mean of many valleys, around one bottom."""
    generator = numpy_generator(0, "atlas", "batches", 0)
    bottoms = 0.7 * generator.standard_normal((BATCH_EXAMPLES, 2))
    bottoms -= bottoms.mean(0)
    point = np.array(START)
    points = [point]
    for _ in range(BATCH_EPOCHS):
        order = generator.permutation(BATCH_EXAMPLES)
        for first in range(0, BATCH_EXAMPLES, batch_size or BATCH_EXAMPLES):
            batch = bottoms[order[first : first + (batch_size or BATCH_EXAMPLES)]]
            point = point - BATCH_LR * valley() @ (point - batch.mean(0))
            points.append(point)
    return np.array(points)


def gradient_picture(name: str, entry: Key) -> Picture:
    """Draw SGD's path by its batches; of clipping, gradients before (grey) and after (blue)."""
    if "batch_size" not in entry.levels:
        return _clipping_picture(name, entry)
    points, canvas = noisy_path(entry.levels["batch_size"]), valley_canvas()
    canvas.line(points[:, 0], points[:, 1], "path")
    canvas.points(points[:61, 0], points[:61, 1], "mark dot s1")
    canvas.points([START[0]], [START[1]], "start")
    words = f"{BATCH_EPOCHS} epochs of {BATCH_EXAMPLES} examples: {len(points) - 1} steps"
    canvas.text(WALK_X.low, WALK_Y.low, words, "quiet", (2, 15))
    return Picture(canvas, f"{name}: SGD's path down a narrow valley, {words}")


def gradients(entry: Key) -> tuple[Values, Values]:
    """Gradients (draws, 2), before and after clipping, in units of the bound."""
    (bound,) = entry.levels.values()
    _, program, numbers = built(**entry.levels)
    before = 1.2 * numpy_generator(0, "atlas", "clipping", 0).standard_normal((300, 2))
    after = [clipped(program, torch.tensor(bound * one), numbers) for one in before]
    return before, torch.stack(after).numpy() / bound


def _clipping_picture(name: str, entry: Key) -> Picture:
    before, after = gradients(entry)
    across = BOUNDS.length / 2 * 1.33  # a unit is about as long across as up
    canvas = Canvas(Span(-across, across), BOUNDS)
    canvas.zero_lines()
    canvas.points(before[:, 0], before[:, 1], "mark dot faint")
    canvas.points(after[:, 0], after[:, 1], "mark dot s1")
    canvas.x_axis([-4, -2, 0, 2, 4], "first entry, in units of the bound")
    canvas.y_axis([-2, 0, 2])
    return Picture(canvas, f"{name}: gradients of two entries before and after {entry.formula}")
