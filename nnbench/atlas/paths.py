"""Pictures of what goes on in time: optimizers walking downhill, rates over a training."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nnbench.atlas.canvas import Canvas, Margins, Span
from nnbench.atlas.picture import Picture, defaults, numbers
from nnbench.catalog.optimizers.registry import Optimizer
from nnbench.catalog.schedules.registry import Schedule
from nnbench.study.vocabulary import Entry

CURVATURES = (1.0, 25.0)  # of the valley, along it and across it
TURN = math.radians(25)  # no axis of the valley is an axis of the parameters
START = (-4.1, -0.9)
STEPS = 120
RATES = tuple(float(f"{10 ** (-3 + i / 4):.2g}") for i in range(18))  # 0.001 to 18
REACHED = 1e-3  # share of the first height at which a walk counts as finished
WALK_X, WALK_Y = Span(-4.9, 2.2), Span(-2.9, 1.39)  # a unit is as long across as up
EPOCHS = 50
STEPS_OF_EPOCH = 20


class Walk(NamedTuple):
    """An optimizer's way: rate, points (steps + 1, 2), and the averages that are evaluated."""

    lr: float
    points: NDArray[np.float64]
    evaluated: NDArray[np.float64]

    @property
    def heights(self) -> NDArray[np.float64]:
        """The valley's height under each evaluated point."""
        return height(self.evaluated)

    @property
    def steps(self) -> int:
        """The steps until the bottom is reached for good; STEPS + 1 where it is not."""
        heights = np.nan_to_num(self.heights, nan=np.inf)
        return int(np.flatnonzero(heights > REACHED * heights[0])[-1]) + 1

    @property
    def effort(self) -> tuple[bool, int, float]:
        """What is held against a rate: a way out of the picture, steps, the last height."""
        low, high = np.array([WALK_X, WALK_Y]).T
        inside = (self.evaluated >= low) & (self.evaluated <= high)
        return (not inside.all(), self.steps, float(np.nan_to_num(self.heights[-1], nan=np.inf)))


def valley() -> NDArray[np.float64]:
    """The second derivatives (2, 2) of the landscape, a quadratic that is turned."""
    turn = np.array([[math.cos(TURN), -math.sin(TURN)], [math.sin(TURN), math.cos(TURN)]])
    return turn @ np.diag(CURVATURES) @ turn.T


def height(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The valley's height at points (points, 2); its bottom, 0, is at the origin."""
    with np.errstate(over="ignore", invalid="ignore"):
        return ((points @ valley()) * points).sum(1) / 2


def best_walk(entry: Optimizer) -> Walk:
    """The walk that reaches the bottom first, of those that stay in the picture."""
    walks = [walk(entry, lr) for lr in RATES]
    return min(walks, key=lambda one: one.effort)


def walk(entry: Optimizer, lr: float) -> Walk:
    """The entry's walk at one rate, its other parameters at their defaults."""
    slopes = torch.tensor(valley())
    hyper = numbers(entry.parameters) | {"lr": torch.tensor(lr, dtype=torch.float64)}
    hyper |= {"weight_decay": torch.tensor(0.0, dtype=torch.float64)} if entry.decays else {}
    place = torch.tensor([START] if not entry.elementwise else START, dtype=torch.float64)
    state: dict[str, Tensor] = entry.init(place)
    points, evaluated = [place], [place]
    for step in range(1, STEPS + 1):
        at = torch.tensor(step, dtype=torch.float64)
        place, state = entry.update(place @ slopes, state, place, hyper, at)
        points.append(place)
        average = entry.evaluated
        evaluated.append(place if average is None else average(place, state, hyper))
    both = (torch.stack(part).reshape(-1, 2).numpy() for part in (points, evaluated))
    return Walk(lr, *both)


def valley_canvas() -> Canvas:
    """The valley's contours and its bottom, for a path to be drawn over."""
    canvas = Canvas(WALK_X, WALK_Y, Margins(2, 2, 2, 20))
    for level in 4.0 ** np.arange(-3, 4):
        radii = tuple(math.sqrt(2 * level / curvature) for curvature in CURVATURES)
        canvas.ellipse((0, 0), (radii[0], radii[1]), math.degrees(TURN))
    canvas.points([0], [0], "bottom", "m-4 0h8m-4-4v8")
    return canvas


def optimizer_picture(name: str, entry: Optimizer) -> Picture:
    """Draw an optimizer's path from the same start as all, at the best of the same rates for it."""
    way, canvas = best_walk(entry), valley_canvas()
    x, y = way.evaluated.T
    averaged = not np.array_equal(way.points, way.evaluated)
    if averaged:
        canvas.line(way.points[:, 0], way.points[:, 1], "path faint")
    canvas.line(x, y, "path")
    canvas.points(x[:61], y[:61], "mark dot s1")
    canvas.points([START[0]], [START[1]], "start")
    there = way.steps <= STEPS
    words = f"there in {way.steps} steps" if there else f"not there in {STEPS} steps"
    canvas.text(WALK_X.low, WALK_Y.low, f"lr {way.lr:g}: {words}", "quiet", (2, 15))
    note = "The average, which is evaluated; thin: the iterates." if averaged else ""
    return Picture(canvas, f"{name}: path down a narrow valley, lr {way.lr:g}, {words}", note)


def rates(entry: Schedule) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Epochs and the share of the base rate at each, at default parameters."""
    given = defaults(entry.parameters)
    if entry.function is None:
        return np.arange(float(EPOCHS)), plateau_rates(entry, given)
    unit = STEPS_OF_EPOCH if entry.unit == "step" else 1
    count = np.arange(EPOCHS * unit)
    return count / unit, entry.function(count, 1.0, EPOCHS * unit, **given)


def plateau_rates(entry: Schedule, given: Mapping[str, Any]) -> NDArray[np.float64]:
    """The rates (epochs,) under `made_losses`; each epoch's is set after the one before."""
    assert entry.begin is not None and entry.after_epoch is not None
    state, rates = entry.begin(1.0, **given), []
    for loss in made_losses():
        rates.append(state.lr)
        state = entry.after_epoch(state, loss, **given)
    return np.array(rates)


def made_losses() -> NDArray[np.float64]:
    """A validation loss (epochs,) that falls, then rises a little: made up for pictures."""
    epoch = np.arange(EPOCHS)
    return 0.25 + 0.7 * np.exp(-epoch / 4) + 0.004 * epoch


def schedule_picture(name: str, entry: Schedule) -> Picture:
    """Draw a schedule's rate over 50 epochs of 20 steps, as a share of the base rate."""
    epoch, share = rates(entry)
    canvas = Canvas(Span(0, EPOCHS), Span(-0.04, 1.09))
    canvas.line([0, EPOCHS], [1, 1], "rule")
    note = ""
    if entry.function is None:
        canvas.line(epoch, made_losses(), "curve slope")
        note = "Dashed: a made-up validation loss, past its best."
    elif entry.momentum is not None:
        count, total = np.arange(len(epoch)), len(epoch)
        momentum = entry.momentum(count, total, **defaults(entry.parameters))
        canvas.line(epoch, momentum, "curve slope")
        note = "Dashed: the momentum, with cycle_momentum = true."
    stairs = entry.unit == "epoch"
    if stairs:
        epoch, share = np.append(np.repeat(epoch, 2)[1:], EPOCHS), np.repeat(share, 2)
    canvas.line(epoch, share, "curve")
    canvas.x_axis([0, 10, 20, 30, 40, 50], "epoch")
    canvas.y_axis([0, 0.5, 1])
    return Picture(canvas, f"{name}: learning rate over {EPOCHS} epochs, {entry.formula}", note)


def stopping_picture(name: str, entry: Entry) -> Picture:
    """Draw where a rule ends a training whose validation loss is past its best."""
    losses = made_losses()
    best = int(losses.argmin())
    patience = entry.parameters.get("patience")
    last = EPOCHS - 1 if patience is None else best + int(patience.default)
    result = last if patience is None else best
    canvas = Canvas(Span(0, EPOCHS), Span(0.2, 1.0), Margins(top=22))
    if last < EPOCHS - 1:
        canvas.box(Span(last, EPOCHS), canvas.y, "wash")
        canvas.text((last + EPOCHS) / 2, canvas.y.high, "not trained", "mid quiet haloed", (0, 14))
    canvas.line(np.arange(EPOCHS), losses, "curve slope")
    canvas.line(np.arange(last + 1), losses[: last + 1], "curve")
    canvas.points([result], [losses[result]], "start")
    anchor = "end" if result > EPOCHS / 2 else ""
    canvas.text(
        result, losses[result], f"epoch {result}: the result", anchor, (-8 if anchor else -2, -18)
    )
    canvas.x_axis([0, 10, 20, 30, 40, 50], "epoch")
    canvas.y_axis([0.2, 0.6, 1], "validation loss")
    return Picture(canvas, f"{name}: the network of epoch {result} of {last} is the result")
