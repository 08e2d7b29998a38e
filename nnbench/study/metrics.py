"""What each result column means."""

from __future__ import annotations

from typing import Literal

Direction = Literal["higher", "lower"]
OF_NETWORKS: dict[str, Direction] = {
    "test_accuracy": "higher",
    "val_accuracy": "higher",
    "train_accuracy": "higher",
    "test_r2": "higher",
    "val_r2": "higher",
    "train_r2": "higher",
    "test_loss": "lower",
    "val_loss": "lower",
    "train_loss": "lower",
    "loss_gap": "lower",
    "score_gap": "lower",
    "val_loss_swing": "lower",
    "state_per_param": "lower",
    "weight_norm": "lower",
    "small_weight_fraction": "higher",
    "gradient_drift": "lower",
    "signal_drift": "lower",
    "dead_fraction_start": "lower",
    "dead_fraction_end": "lower",
    "saturated_fraction_end": "lower",
    "zero_fraction_end": "higher",
    "sharpness_end": "lower",
    "epochs_to_target": "lower",
    "epochs_run": "lower",
    "seconds": "lower",
}
# metrics that only one kind of task has, in one order: the first is the default
OF_TASK: dict[str, tuple[str, ...]] = {
    "classification": ("test_accuracy", "val_accuracy", "train_accuracy"),
    "regression": ("test_r2", "val_r2", "train_r2"),
}
# metrics that are measured only where these keys of [probes] are true
PROBED: dict[str, tuple[str, ...]] = {
    "gradient_drift": ("layers",),
    "signal_drift": ("layers",),
    "dead_fraction_start": ("layers",),
    "dead_fraction_end": ("layers",),
    "saturated_fraction_end": ("layers",),
    "zero_fraction_end": ("layers",),
    "sharpness_end": ("layers", "sharpness"),
}
OF_WALKS: dict[str, Direction] = {
    "reached_global": "higher",
    "final_value": "lower",
    "distance_to_minimum": "lower",
    "steps_to_minimum": "lower",
    "seconds": "lower",
}
OF_SWEEPS: dict[str, Direction] = {
    "safe_up_to": "higher",
    "max_relative_error": "lower",
    "max_gradient_error": "lower",
    "seconds": "lower",
}
METRICS_OF = {"training": OF_NETWORKS, "landscape": OF_WALKS, "numerics": OF_SWEEPS}
METRICS: dict[str, Direction] = OF_NETWORKS | OF_WALKS | OF_SWEEPS
