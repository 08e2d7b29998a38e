"""Metrics: one record each, in which everything that is asked of a metric agrees."""

from __future__ import annotations

import numpy as np
import pytest

from nnbench import stats
from nnbench.results.rows import CELLS
from nnbench.study.document import Probes
from nnbench.study.metrics import METRICS, Metric, metrics_of, scores_of
from nnbench.study.study_kinds import STUDY_KINDS
from nnbench.training.walks import Trace, cell_row

EACH = pytest.mark.parametrize(("name", "metric"), METRICS.items(), ids=list(METRICS))


def test_the_statistics_take_the_very_same_records() -> None:
    assert stats.METRICS is METRICS and stats.Metric is Metric


@EACH
def test_a_record_names_what_there_is(name: str, metric: Metric) -> None:
    assert metric.studies and set(metric.studies) <= set(STUDY_KINDS)
    assert set(metric.probes) <= set(Probes.model_fields)
    assert METRICS[metric.chosen_by].task in (None, metric.task)
    assert metric.low < metric.high and metric.label == metric.label.strip(" .")


@EACH
def test_a_metric_of_the_test_is_chosen_by_the_same_on_validation(
    name: str, metric: Metric
) -> None:
    same = name.replace("test_", "val_")
    assert metric.chosen_by == (same if name.startswith("test_") else "val_loss")


@EACH
def test_a_metric_of_training_is_a_column_of_that_type(name: str, metric: Metric) -> None:
    if "training" in metric.studies and not metric.of_tables:
        assert CELLS[name] is metric.values


@pytest.mark.parametrize(
    ("kind", "metric"),
    [("training", "test_accuracy"), ("landscape", "reached_global"), ("numerics", "safe_up_to")],
)
def test_the_usual_metric_of_a_kind_of_study_is_its_first(kind: str, metric: str) -> None:
    assert next(iter(metrics_of(kind))) == metric


def test_scores_of_the_tasks_correspond() -> None:
    ends = [
        [name.split("_")[0] for name in scores_of(task)]
        for task in ("classification", "regression")
    ]
    assert ends[0] == ends[1] == ["test", "val", "train"]


def test_of_a_walk_that_diverged_just_the_metrics_that_count_it_are_known() -> None:
    lost = np.array([0.0, np.inf])
    trace = Trace(points=lost[:, None], heights=lost, grad_norms=lost, rates=np.ones(1))
    row = cell_row("0", {}, trace, 0.1, "stacked-eager")
    assert row["status"] == "diverged"
    known = {name for name in metrics_of("landscape") if row.get(name) is not None}
    assert known == {name for name, metric in METRICS.items() if metric.counts_diverged} | {
        "seconds"
    }
