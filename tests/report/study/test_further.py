"""More scores on the page: the base rate, the recalls, the errors."""

from __future__ import annotations

import json

import pandas as pd

from nnbench.report.page.parts import Paragraph, Table
from nnbench.report.study.further import further_parts

TABLE = {"target": "y", "classes": {"no": 90, "yes": 10}}


def test_classes_have_their_base_rate_scores_and_recalls() -> None:
    counts = [[[9, 1], [2, 0]], [[10, 0], [1, 1]]]
    rows = pd.DataFrame(
        {
            "test_accuracy": [0.75, 0.92],
            "test_roc_auc": [0.5, 0.7],
            "test_confusion": [json.dumps(one) for one in counts],
        }
    )
    other = pd.DataFrame({"test_accuracy": [0.9, 0.9], "test_roc_auc": [None, None]})
    parts = further_parts({"the network": rows, "logistic": other}, {"tables": [TABLE]})
    base, scores, confusion = parts
    assert isinstance(base, Paragraph) and isinstance(scores, Table)
    assert "90.0 % of the rows are no, the most common" in "".join(map(str, base.pieces))
    told = {row[0].text: [cell.text for cell in row[1:]] for row in scores.table_cells}
    assert told["test accuracy (%)"] == ["83.5", "90.0"]
    assert told["test ROC AUC (%), mean over classes, one against the rest"] == ["60.0", "–"]
    assert isinstance(confusion, Table) and confusion.title.startswith(
        "The network: confusion matrix"
    )
    assert [[c.text for c in row] for row in confusion.table_cells] == [
        ["no", "19", "1", "95.0"],
        ["yes", "3", "1", "25.0"],
    ]


def test_numbers_have_their_errors_in_the_targets_unit() -> None:
    errors = [json.dumps([-20, -5, 1, 5, 20]), json.dumps([-30, -5, 3, 5, 30])]
    rows = pd.DataFrame({"test_rmse": [10.0, 12.0], "test_errors": errors})
    scores, told = further_parts({"ridge": rows}, {"tables": [{"target": "price"}]})
    assert isinstance(scores, Table) and scores.table_cells[0][1].text == "11.0"
    assert isinstance(told, Table) and told.columns[1].name == "predicted minus true price"
    assert [row[1].value for row in told.table_cells] == [-25, -5, 2, 5, 25]


def test_data_that_is_no_table_has_no_more_to_say() -> None:
    assert further_parts({"x": pd.DataFrame({"test_accuracy": [0.5]})}, {"tables": []}) == []
