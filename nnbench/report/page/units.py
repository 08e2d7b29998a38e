"""In which unit a metric is read: scores and shares in percent, their differences in points."""

import pandas as pd

from nnbench.study.metrics import METRICS

# Columns of a frame of statistics that are in the metric's own unit.
OF_METRIC = (
    *("mean", "mean_low", "mean_high", "median", "iqm", "sd", "standing", "best_mean"),
    *("tolerance", "effect", "effect_low", "effect_high", "difference", "detectable"),
)


def scale_of(metric: str) -> float:
    """What a value is multiplied by: 100 for one between 0 and 1, which is read as a percentage."""
    return 100.0 if METRICS[metric].is_share else 1.0


def unit_of(metric: str) -> str:
    """The unit of a value: `%`, `epochs`, or nothing."""
    return "%" if scale_of(metric) != 1 else METRICS[metric].unit


def difference_unit(metric: str) -> str:
    """The unit of a difference: `points`, percentage points, where values are percentages."""
    return "points" if scale_of(metric) != 1 else METRICS[metric].unit


def in_unit(label: str, unit: str) -> str:
    """`test accuracy (%)`: a label of an axis or a column."""
    return f"{label} ({unit})" if unit and unit != label.split()[0] else label


def scaled(frame: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The frame with what is in the metric's own unit in the one that is read."""
    scale = scale_of(metric)
    columns = [column for column in OF_METRIC if column in frame]
    if scale == 1 or not columns:
        return frame
    return frame.assign(**{column: scale * frame[column].astype(float) for column in columns})
