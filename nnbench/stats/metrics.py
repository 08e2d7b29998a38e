"""What each result column means: its name in prose, its direction, where it applies."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """What a result column means: its name in prose, its better direction, where it applies.

    low, high: the ends of what the metric can be; no interval goes beyond them.
    """

    label: str
    higher_is_better: bool
    task: str | None = None  # "classification" or "regression"; None applies everywhere
    low: float = -math.inf
    high: float = math.inf

    @property
    def range(self) -> float:
        """The largest difference that two values can have, and two means."""
        return self.high - self.low


def _share(label: str, higher_is_better: bool, task: str | None = None) -> Metric:
    return Metric(label, higher_is_better, task, low=0.0, high=1.0)


def _amount(label: str) -> Metric:
    """Return a metric that is never negative and better when small."""
    return Metric(label, False, low=0.0)


METRICS: dict[str, Metric] = {
    "test_accuracy": _share("test accuracy", True, "classification"),
    "val_accuracy": _share("validation accuracy", True, "classification"),
    "train_accuracy": _share("training accuracy", True, "classification"),
    "test_r2": Metric("test R²", True, "regression", high=1.0),
    "val_r2": Metric("validation R²", True, "regression", high=1.0),
    "train_r2": Metric("training R²", True, "regression", high=1.0),
    "test_loss": _amount("test loss"),
    "val_loss": _amount("validation loss"),
    "train_loss": _amount("training loss"),
    "loss_gap": Metric("gap between test and training loss", False),
    "score_gap": Metric("gap between training and test score", False),
    "val_loss_swing": _amount("swing of the validation loss at the end"),
    "state_per_param": _amount("memory of the optimizer, in floats a parameter"),
    "weight_norm": _amount("norm of the weights"),
    "small_weight_fraction": _share("share of weights near zero", True),
    "epochs_to_target": _amount("epochs to the target"),
    "epochs_run": _amount("epochs run"),
    "seconds": _amount("seconds"),
    "gradient_drift": _amount("drift of the gradient through depth"),
    "signal_drift": _amount("drift of the signal through depth"),
    "dead_fraction_start": _share("share of dead units at the start", False),
    "dead_fraction_end": _share("share of dead units at the end", False),
    "saturated_fraction_end": _share("share of saturated units at the end", False),
    "zero_fraction_end": _share("share of activations that are zero at the end", True),
    "sharpness_end": Metric("sharpness at the end", False),
    "reached_global": _share("share of walks that reach the global minimum", True),
    "final_value": Metric("height at the end", False),
    "distance_to_minimum": _amount("distance to the minimum"),
    "steps_to_minimum": _amount("steps to the minimum"),
    "safe_up_to": Metric("largest safe |logit|", True, low=0.0),
    "max_relative_error": _amount("largest relative error of the loss"),
    "max_gradient_error": _amount("largest relative error of the gradient"),
}


def selects(metric: str) -> str:
    """Return the column of validation by which a setting is chosen where this metric is judged.

    The same score on the validation part where the metric is one of the test part: a network of
    low loss may do worse than one whose few mistakes are costly. Otherwise `val_loss`.
    """
    of_validation = metric.replace("test_", "val_", 1)
    return of_validation if metric.startswith("test_") and of_validation in METRICS else "val_loss"
