"""What a study can be judged by: one record for each metric, which is a column of its cells.

A leaf: the study checks names with it, the tables take their types from it, the statistics their
directions and ranges, the pages their words.
"""

import math
from dataclasses import dataclass
from functools import partial


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A column that arms are ranked by and claims are about.

    `low` and `high` are the ends of what it can be: no interval goes beyond them.
    """

    label: str  # in prose
    meaning: str = ""  # what the label leaves open
    higher_is_better: bool = False
    low: float = -math.inf
    high: float = math.inf
    unit: str = ""
    values: type = float
    studies: tuple[str, ...] = ("training",)  # the kinds of study whose cells have it
    task: str | None = None  # classification or regression, where only one of them has it
    probes: tuple[str, ...] = ()  # the keys of [probes] without which it is not measured
    chosen_by: str = "val_loss"  # what a setting is chosen by where this is judged
    counts_diverged: bool = False  # a cell that diverged has a value, which enters the mean
    null_is_never: bool = False  # null says that it was never reached: worse than any number
    has_chance: bool = True  # False: computed, so that one number is the whole truth
    factor_of: str = ""  # what changes by a factor a layer, of which it is the size of log10
    of_tables: bool = False  # measured of tables of one's own alone
    of_stack: bool = False  # measured of all that trained as one stack, and shared out among them

    @property
    def is_share(self) -> bool:
        """Whether it lies between 0 and 1, and is read as a percentage."""
        return (self.low, self.high) == (0.0, 1.0)

    @property
    def range(self) -> float:
        """The largest difference that two values can have, and two means."""
        return self.high - self.low


_accuracy = partial(Metric, task="classification", higher_is_better=True, low=0.0, high=1.0)
_r2 = partial(Metric, task="regression", higher_is_better=True, high=1.0)
_share = partial(Metric, low=0.0, high=1.0)
_amount = partial(Metric, low=0.0)
_of_tables = partial(Metric, of_tables=True)
_class_score = partial(_of_tables, task="classification", higher_is_better=True, low=0.0, high=1.0)
_class_error = partial(_of_tables, task="classification", low=0.0)
_value_error = partial(_of_tables, task="regression", low=0.0)
_rank_score = partial(_of_tables, task="regression", higher_is_better=True, low=-1.0, high=1.0)


def _further(name: str, make: partial[Metric], label: str, meaning: str) -> dict[str, Metric]:
    """A score of tables on the two parts that have it; on the test it is chosen by validation's."""
    return {
        f"test_{name}": make(label=f"test {label}", meaning=meaning, chosen_by=f"val_{name}"),
        f"val_{name}": make(label=f"validation {label}", meaning=meaning),
    }


_walk, _sweep = ("landscape",), ("numerics",)

# A metric of the test part is chosen by the same score on the validation part: a network of low
# loss may do worse than one whose few mistakes are costly. The first of a kind of study, and of a
# task, is what a report ranks by unless told.
METRICS: dict[str, Metric] = {
    "test_accuracy": _accuracy(label="test accuracy", chosen_by="val_accuracy"),
    "val_accuracy": _accuracy(label="validation accuracy"),
    "train_accuracy": _accuracy(label="training accuracy"),
    "test_r2": _r2(label="test R²", chosen_by="val_r2"),
    "val_r2": _r2(label="validation R²"),
    "train_r2": _r2(label="training R²"),
    **_further("balanced_accuracy", _class_score, "balanced accuracy", "mean of recalls"),
    **_further("macro_f1", _class_score, "macro F1", "mean F1 of the classes"),
    **_further("roc_auc", _class_score, "ROC AUC", "mean over classes, one against the rest"),
    **_further("average_precision", _class_score, "average precision", "of the rarest class"),
    **_further("log_loss", _class_error, "log loss", "of the true class's probability"),
    **_further("brier", partial(_class_error, high=2.0), "Brier score", "summed over classes"),
    **_further("rmse", _value_error, "RMSE", "in the target's own unit"),
    **_further("mae", _value_error, "mean absolute error", "in the target's own unit"),
    **_further("rank_correlation", _rank_score, "rank correlation", "Spearman's"),
    "test_loss": _amount(label="test loss"),
    "val_loss": _amount(label="validation loss"),
    "train_loss": _amount(label="training loss"),
    "loss_gap": Metric(
        label="gap between test and training loss", meaning="test loss minus training loss"
    ),
    "score_gap": Metric(
        label="gap between training and test score",
        meaning="training accuracy (or R²) minus test accuracy (or R²)",
    ),
    "val_loss_swing": _amount(
        label="swing of the validation loss at the end",
        meaning="standard deviation about a line through the last quarter of the epochs",
    ),
    "state_per_param": _amount(
        label="memory of the optimizer, in floats per parameter",
        unit="floats per parameter",
        has_chance=False,
    ),
    "weight_norm": _amount(label="norm of the weights", meaning="of the linear layers"),
    "small_weight_fraction": _share(
        label="share of weights near zero", meaning="within 1e-3 of zero", higher_is_better=True
    ),
    "gradient_drift": _amount(
        label="drift of the gradient through depth",
        meaning="|log10| of its growth factor per layer, going backward, at the start",
        factor_of="gradient",
        probes=("layers",),
    ),
    "signal_drift": _amount(
        label="drift of the signal through depth",
        meaning="|log10| of its growth factor per layer, going forward, at the start",
        factor_of="signal",
        probes=("layers",),
    ),
    "dead_fraction_start": _share(label="share of dead units at the start", probes=("layers",)),
    "dead_fraction_end": _share(label="share of dead units at the end", probes=("layers",)),
    "saturated_fraction_end": _share(
        label="share of saturated units at the end", probes=("layers",)
    ),
    "zero_fraction_end": _share(
        label="share of activations that are zero at the end",
        higher_is_better=True,
        probes=("layers",),
    ),
    "sharpness_end": Metric(
        label="sharpness at the end",
        meaning="largest curvature of the training loss",
        probes=("layers", "sharpness"),
    ),
    "epochs_to_target": _amount(
        label="epochs to the target",
        meaning="the first whose validation score is at least `target`",
        unit="epochs",
        values=int,
        null_is_never=True,
    ),
    "epochs_run": _amount(label="epochs run", unit="epochs", values=int),
    "reached_global": _share(
        label="share of walks that reach the global minimum",
        meaning="that end within `tolerance` of it; a walk that diverged does not",
        higher_is_better=True,
        values=bool,
        studies=_walk,
        counts_diverged=True,
    ),
    "final_value": Metric(label="height at the end", studies=_walk),
    "distance_to_minimum": _amount(label="distance to the minimum", studies=_walk),
    "steps_to_minimum": _amount(
        label="steps to the minimum",
        meaning="the first from which on the walk stays within `tolerance` of it",
        unit="steps",
        values=int,
        studies=_walk,
        null_is_never=True,
    ),
    "safe_up_to": Metric(
        label="largest safe |logit|",
        meaning="up to which loss and gradient are right",
        higher_is_better=True,
        low=0.0,
        studies=_sweep,
        has_chance=False,
    ),
    "max_relative_error": _amount(
        label="largest relative error of the loss", studies=_sweep, has_chance=False
    ),
    "max_gradient_error": _amount(
        label="largest relative error of the gradient", studies=_sweep, has_chance=False
    ),
    "seconds": _amount(
        label="seconds",
        meaning="a cell's equal share of its stack's time",
        unit="seconds",
        studies=("training", *_walk, *_sweep),
        of_stack=True,
    ),
}


USUAL = next(iter(METRICS))  # of a study of networks


def metrics_of(study_kind: str) -> dict[str, Metric]:
    """The metrics of a kind of study, by name."""
    return {name: metric for name, metric in METRICS.items() if study_kind in metric.studies}


def scores_of(task: str) -> list[str]:
    """The names of every training's metrics that only this task has: of each in the same order."""
    return [n for n, metric in METRICS.items() if metric.task == task and not metric.of_tables]
