"""The figure of whom to use: every contestant's score with its interval, the best on top."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from nnbench import plots
from nnbench.report.page.numbers import measured_apart
from nnbench.report.page.parts import Picture, picture
from nnbench.report.page.units import in_unit, unit_of
from nnbench.report.page.words import capital
from nnbench.study.metrics import METRICS

NAME = "scores"


def scores_picture(rows: Sequence[dict[str, Any]], metric: str, title: str) -> Picture:
    """Draw the rows of one data set: `who, short, mean, behind, scale`, best first."""
    drawn = pd.DataFrame([_drawn(row, metric) for row in rows])
    label = in_unit(METRICS[metric].label, unit_of(metric))
    caption = (
        "Mean over repeats with its 95 % interval for new rows. Blue square: what to use. The "
        "network is the one of the whole grid that validates best, chosen in each repeat."
    )
    return picture(plots.score_rows(drawn, label), NAME, title, caption)


def _drawn(row: dict[str, Any], metric: str) -> dict[str, Any]:
    value, low, high = row["mean"].scaled(row["scale"])
    size, span = measured_apart(value, low, high)
    text = " ".join(part for part in (size, unit_of(metric), span) if part)
    return {"name": capital(row["short"]), "value": value, "low": low, "high": high,
            "text": text, "first": row["behind"] is None}  # fmt: skip
