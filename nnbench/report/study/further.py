"""More scores of what was chosen: of a rare class, in the target's unit, and where it errs."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from nnbench.report.page.numbers import decimals_for, number
from nnbench.report.page.parts import Column, Part, Table, TableCell, paragraph, table_of
from nnbench.report.page.table_cells import NOTHING
from nnbench.report.page.units import scale_of
from nnbench.report.page.words import capital
from nnbench.study.metrics import METRICS

ERRORS = ("5 %", "25 %", "half", "75 %", "95 %")  # of the test rows have a smaller error


def further_parts(chosen: Mapping[str, pd.DataFrame], provenance: Mapping[str, Any]) -> list[Part]:
    """The parts on a table of one's own; nothing where no further score was measured.

    chosen: each contestant's rows, one a repeat, by its name; the first is what to use.
    """
    names = [
        name
        for name, metric in METRICS.items()
        if name.startswith("test_")
        and (metric.of_tables or metric.task)
        and any(name in rows and rows[name].notna().any() for rows in chosen.values())
    ]
    if not any(METRICS[name].of_tables for name in names):
        return []
    tables = provenance.get("tables") or []
    classes = dict(tables[0].get("classes") or {}) if len(tables) == 1 else {}
    parts: list[Part] = [_base_rate(classes)] if classes else []
    parts.append(_scores(chosen, names))
    name, rows = next(iter(chosen.items()))
    if "test_confusion" in rows and classes:
        parts += _confusion(name, rows["test_confusion"].dropna(), list(classes))
    if "test_errors" in rows:
        parts += _errors(name, rows["test_errors"].dropna(), tables[0]["target"] if tables else "")
    return parts


def _base_rate(classes: Mapping[str, int]) -> Part:
    """How common the classes are, which any score has to be read against."""
    rows = sum(classes.values())
    common, rare = max(classes, key=lambda n: classes[n]), min(classes, key=lambda n: classes[n])
    return paragraph(
        f"Base rate: {_percent(classes[common] / rows)} of the rows are {common}, the most common "
        f"class; {_percent(classes[rare] / rows)} are {rare}, the rarest. Always predicting "
        f"{common} gives an accuracy of {_percent(classes[common] / rows)}, a balanced accuracy of "
        f"{_percent(1 / len(classes))} and a ROC AUC of 50.0 %."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _scores(chosen: Mapping[str, pd.DataFrame], names: list[str]) -> Table:
    """A row for each score, a column for each contestant: means over the repeats."""

    def mean(name: str, contestant: str) -> TableCell:
        rows = chosen[contestant]
        known = rows[name].dropna().astype(float) if name in rows else pd.Series(dtype=float)
        if known.empty:
            return NOTHING
        value = scale_of(name) * float(known.mean())
        return TableCell(number(value, decimals_for([value])), value=value)

    def label(name: str) -> str:
        metric, percent = METRICS[name], " (%)" if scale_of(name) != 1 else ""
        return f"{metric.label}{percent}{f', {metric.meaning}' if metric.meaning else ''}"

    columns = [Column("score, mean over repeats", of=label)]
    for contestant in chosen:
        columns.append(
            Column(contestant, True, lambda name, who=contestant: mean(name, who))  # type: ignore[misc]
        )
    return table_of(names, columns, title="Further scores of the same models")


def _confusion(name: str, texts: pd.Series, classes: list[str]) -> list[Part]:
    """Which class was taken for which, over all repeats, and the recall of each."""
    if texts.empty:
        return []
    counts = np.sum([json.loads(text) for text in texts], axis=0)
    rows = [(label, counts[place]) for place, label in enumerate(classes)]
    columns = [Column("true class", of=lambda row: row[0])]
    for place, label in enumerate(classes):
        columns.append(
            Column(
                f"predicted {label}",
                True,
                lambda row, at=place: TableCell(f"{row[1][at]:,}", value=float(row[1][at])),  # type: ignore[misc]
            )
        )

    def recall(row: Any) -> TableCell:
        place, total = classes.index(row[0]), int(row[1].sum())
        value = 100 * float(row[1][place]) / total if total else float("nan")
        return TableCell(number(value, 1), value=value)

    columns.append(Column("recall (%)", True, recall))
    title = f"{capital(name)}: confusion matrix, test rows of all repeats"
    return [table_of(rows, columns, title=title)]


def _errors(name: str, texts: pd.Series, target: str) -> list[Part]:
    """How far off the predictions are, as quantiles of predicted minus true."""
    if texts.empty:
        return []
    cuts = np.mean([json.loads(text) for text in texts], axis=0)
    places = decimals_for(cuts)
    columns = [
        Column("share of test rows below", of=lambda row: row[0]),
        Column(
            f"predicted minus true {target}".strip(),
            True,
            lambda row: TableCell(number(row[1], places, signed=True), value=float(row[1])),
        ),
    ]
    title = f"{capital(name)}: distribution of its errors, mean over repeats"
    return [table_of(list(zip(ERRORS, cuts, strict=True)), columns, title=title)]
