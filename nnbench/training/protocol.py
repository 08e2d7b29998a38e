"""The training protocol that both engines keep to: rates, stopping, and what a row says.

Plain Python and numpy on one cell's validation losses; the engines differ in how they train, not
in what they do with an epoch's result.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnbench.catalog.activations.registry import ACTIVATIONS
from nnbench.catalog.optimizers.registry import OPTIMIZERS
from nnbench.catalog.schedules.base import cycles_momentum
from nnbench.catalog.schedules.registry import SCHEDULES
from nnbench.study.recipe import Recipe
from nnbench.training.draws import Split
from nnbench.training.probe_columns import AT_END, DeathInTime, columns_of
from nnbench.training.scores import has_further_scores, scores_of_outputs
from nnbench.training.splits import PARTS

SMALL_WEIGHT = 1e-3  # below it a weight is as good as zero
PROBE_ROWS = 256  # the first training examples of the split; all of them where there are fewer
LANCZOS_STEPS = 24  # of the sharpness
SATURATED_SLOPE = 0.05  # of the activation's largest slope
Scores = dict[str, float]  # "train_loss", "val_loss", "val_accuracy" or "val_r2", ...


class Momenta(NamedTuple):
    """A number of the optimizer that a schedule moves beside the rate, and its values (steps,)."""

    place: str  # in a recipe
    values: NDArray[np.float64]


class Rates:
    """The learning rates of one cell, an epoch at a time, and the momentum where that is cycled."""

    def __init__(self, recipe: Recipe, steps_per_epoch: int) -> None:
        self._base = recipe["optimizer.lr"]
        self._entry = SCHEDULES[recipe["schedule"]]
        self._parameters = recipe.of("schedule")
        self._steps = steps_per_epoch
        self._epochs = recipe["epochs"]
        self._momentum = momentum_place(recipe)
        begin = self._entry.begin
        self._plateau = None if begin is None else begin(self._base, **self._parameters)

    def epoch(self, epoch: int) -> NDArray[np.float64]:
        """Return the rate of each step (steps,) of an epoch, counted from 0."""
        if self._plateau is not None:
            return np.full(self._steps, self._plateau.lr)
        assert self._entry.function is not None
        if self._entry.unit == "step":
            count = np.arange(epoch * self._steps, (epoch + 1) * self._steps)
            return self._entry.function(
                count, self._base, self._epochs * self._steps, **self._parameters
            )
        rate = self._entry.function(np.array([epoch]), self._base, self._epochs, **self._parameters)
        return np.repeat(rate, self._steps)

    def momenta(self, epoch: int) -> Momenta | None:
        """Return the momentum of each step of an epoch, where the schedule cycles it."""
        if self._entry.momentum is None or not self._momentum:
            return None
        count = np.arange(epoch * self._steps, (epoch + 1) * self._steps)
        total = self._epochs * self._steps
        return Momenta(self._momentum, self._entry.momentum(count, total, **self._parameters))

    def after_epoch(self, val_loss: float) -> None:
        """Tell a schedule that answers to the validation loss how the epoch went."""
        if self._entry.after_epoch is not None:
            self._plateau = self._entry.after_epoch(self._plateau, val_loss, **self._parameters)


def momentum_place(recipe: Recipe) -> str:
    """The number of the optimizer that a recipe's schedule moves beside the rate, if any."""
    return (
        f"optimizer.{OPTIMIZERS[recipe['optimizer']].momentum}" if cycles_momentum(recipe) else ""
    )


@dataclass
class Record:
    """What happened to one cell, epoch by epoch, and what its row will say."""

    cell_id: str
    recipe: Recipe
    score: str  # "accuracy" or "r2"
    one_valued: tuple[str, ...] = ()  # the parts whose targets are all one value
    curves: list[dict[str, Any]] = field(default_factory=list)
    layers: list[dict[str, Any]] = field(default_factory=list)
    scores: list[Scores] = field(default_factory=list)  # by epoch, 0 = before training
    best_epoch: int = 0
    diverged_at_step: int | None = None
    stopped_early: bool = False
    # of what may be the result
    _outputs: tuple[Split, dict[str, NDArray[np.float64]]] | None = None
    _waited: int = 0
    _died: DeathInTime = field(default_factory=DeathInTime)

    def add(self, epoch: int, step: int, lr: float, grad_norm: float, scores: Scores) -> None:
        """Take in an epoch's evaluation. Divergence at evaluation counts from the epoch's end.

        Losses and weights diverge; an R^2 that is not finite is one that is not defined.
        """
        undefined = {name for name, value in scores.items() if not math.isfinite(value)}
        if any(not name.endswith("_r2") for name in undefined):
            self.diverged_at_step = step
            return
        scores = scores | dict.fromkeys(undefined, math.nan)
        self.scores.append(scores)
        self.curves.append(
            {
                "cell_id": self.cell_id,
                "epoch": epoch,
                "step": step,
                "lr": lr,
                "train_loss": scores["train_loss"],
                "val_loss": scores["val_loss"],
                "val_metric": scores[f"val_{self.score}"],
                "grad_norm": grad_norm,
            }
        )
        self._watch(epoch, scores["val_loss"])

    def _watch(self, epoch: int, val_loss: float) -> None:
        """Keep the best epoch; with early stopping, count the epochs since it was beaten."""
        stopping = self.recipe["early_stopping"] == "patience"
        min_delta = self.recipe["early_stopping.min_delta"] if stopping else 0.0
        if epoch == 0:
            return
        best = self.scores[self.best_epoch]["val_loss"] if self.best_epoch else math.inf
        if val_loss < best - min_delta:
            self.best_epoch, self._waited = epoch, 0
            return
        self._waited += 1
        if stopping and self._waited >= self.recipe["early_stopping.patience"]:
            self.stopped_early = True

    def add_layers(
        self,
        epoch: int,
        step: int,
        statistics: Mapping[str, NDArray[np.float64]],
        dead: NDArray[np.bool_],
        sharpness: float | None = None,
    ) -> None:
        """Take in a probe: statistics (layers,) by name, and which units are dead (layers, units).

        `sharpness` goes to the curve, whose row of this epoch there must be.
        """
        columns = {name: values.tolist() for name, values in statistics.items()}
        columns |= self._died.add(step, dead)
        for layer in range(len(dead)):
            place = {"cell_id": self.cell_id, "epoch": epoch, "step": step, "layer": layer + 1}
            self.layers.append(place | {name: values[layer] for name, values in columns.items()})
        if sharpness is not None:
            self.curves[-1]["sharpness"] = sharpness

    def wants_further(self, epoch: int) -> bool:
        """Whether the state after this epoch may be the result, and has further scores."""
        if self.diverged_at_step is not None or len(self.scores) - 1 != epoch:
            return False
        restored = self.recipe["early_stopping"] != "none"
        last = self.best_epoch == epoch if restored else epoch == self.recipe["epochs"]
        return last and has_further_scores(self.recipe)

    def add_further(self, split: Split, outputs: Mapping[str, Any]) -> None:
        """Take in a network's outputs (rows, outputs) for each part of `JUDGED`."""
        # copies, for a stack's are views of all of its networks'; scored once training is over
        kept = {part: np.array(values, dtype=np.float64) for part, values in outputs.items()}
        self._outputs = split, kept

    def _further(self) -> dict[str, Any]:
        """The scores that only outputs tell, of the parts where all of those are finite."""
        found: dict[str, Any] = {}
        if self._outputs is not None:
            split, outputs = self._outputs
            for part, values in outputs.items():
                if np.isfinite(values).all():
                    found |= scores_of_outputs(self.recipe["loss"], split, part, values)
        return found

    def _undefined(self) -> str:
        """Say why a part of a network that is well has no score."""
        if not self.one_valued:
            return "no R²: squares of the errors are too large for the number type"
        return f"no R² where the targets are all one value: {', '.join(self.one_valued)}"

    def ended_before(self, epoch: int) -> bool:
        """Tell whether training stopped early, before the end of this epoch."""
        return self.stopped_early and len(self.scores) - 1 < epoch

    @property
    def over(self) -> bool:
        """Tell whether the cell trains no further."""
        return self.stopped_early or self.diverged_at_step is not None

    def row(self, shapes: Sequence[tuple[int, ...]], seconds: float, engine: str) -> dict[str, Any]:
        """Return the cell's row of results. A diverged cell has a row and no scores.

        shapes: of the network's parameters, from the input to the output.
        """
        diverged = self.diverged_at_step is not None
        epochs_run = len(self.scores) - 1 if self.scores else 0
        restored = self.recipe["early_stopping"] != "none"
        result = self.best_epoch if restored else len(self.scores) - 1
        scores = {} if diverged else self.scores[result]
        at_best = {} if diverged else self.scores[self.best_epoch]
        row: dict[str, Any] = {
            "cell_id": self.cell_id,
            "status": "diverged" if diverged else "ok",
            "diverged_at_step": self.diverged_at_step,
            "epochs_run": epochs_run,
            "best_epoch": None if diverged else self.best_epoch,
            "stopped_early": self.stopped_early,
            "n_params": sum(map(math.prod, shapes)),
            "state_per_param": state_per_parameter(self.recipe["optimizer"], shapes),
        }
        for part in PARTS:
            for name in ("loss", "accuracy", "r2"):
                row[f"{part}_{name}"] = scores.get(f"{part}_{name}")
        for name in ("weight_norm", "small_weight_fraction"):
            row[name] = scores.get(name)
        if not diverged:
            row["loss_gap"] = scores["test_loss"] - scores["train_loss"]
            row["score_gap"] = scores[f"train_{self.score}"] - scores[f"test_{self.score}"]
            row["val_loss_swing"] = swing([one["val_loss"] for one in self.scores[1:]])
            if any(math.isnan(scores[f"{part}_{self.score}"]) for part in PARTS):
                row["reason"] = self._undefined()
        row |= {} if diverged else self._further()
        row["test_accuracy_at_best_epoch"] = at_best.get("test_accuracy")
        row["test_r2_at_best_epoch"] = at_best.get("test_r2")
        row |= columns_of(self.layers, self.curves, self._died)
        if diverged:  # what was seen on the way is no end; what was seen at the start stays true
            row |= dict.fromkeys(AT_END)
        return row | {"seconds": seconds, "engine": engine}


def state_per_parameter(optimizer: str, shapes: Sequence[tuple[int, ...]]) -> float:
    """Return the floats of state that an optimizer keeps, over the number of parameters.

    shapes: from the input to the output, so that the last matrix is no hidden layer's.
    """
    entry = OPTIMIZERS[optimizer]
    rest = OPTIMIZERS[entry.rest] if entry.rest else entry
    last_matrix = max(place for place, shape in enumerate(shapes) if len(shape) == 2)
    floats = 0.0
    for place, shape in enumerate(shapes):
        is_hidden = len(shape) == 2 and place != last_matrix
        rule = entry if is_hidden else rest
        floats += rule.floats_per_parameter(*shape) * math.prod(shape)
    return floats / sum(map(math.prod, shapes))


def swing(losses: Sequence[float]) -> float | None:
    """Return the standard deviation of the last quarter of the losses about a line through them.

    So that a loss which falls steadily does not swing. Null where the quarter has under 3 epochs.
    """
    quarter = len(losses) // 4
    if quarter < 3:
        return None
    last = np.array(losses[-quarter:])
    time = np.arange(quarter) - (quarter - 1) / 2
    level = last - last.mean()
    return float(np.std(level - time * (time @ level) / (time @ time)))


def score_of_task(task: str) -> str:
    """Return the score that goes with a task: accuracy, or R^2."""
    return "accuracy" if task == "classification" else "r2"


def can_die(recipe: Recipe) -> bool:
    """Tell whether the recipe's activation, with its own parameters, has a flat piece."""
    activation = ACTIVATIONS[recipe["activation"]]
    return bool(activation.dead_regions(**recipe.of("activation")))


def stacked_name(device: str) -> str:
    """The mapped engine as the tables name it: an engine is part of a result's numerics."""
    return "stacked-eager" if device == "cpu" else f"stacked-eager-{device}"
