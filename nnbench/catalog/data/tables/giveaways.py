"""Columns that give the target away: one alone tells it as well as could be.

Nothing is left out for it, since a feature may be just that good; it is named, for most often such
a column was made from the target, or is known only after it.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnbench.catalog.data.tables.table import Table
from nnbench.lazy import model_selection, tree

MOST_ROWS, MOST_COLUMNS = 2_000, 300  # that are looked at
FOLDS = 4
ENOUGH = 0.98  # of what there is to be told beyond the commonest class or the mean
NOTE = "alone predicts the target almost surely, as if made from it or known only after it"


@lru_cache(maxsize=4)
def with_giveaways(table: Table) -> dict[str, Any]:
    """A table's report, in which the columns that give the target away have a note."""
    places = np.random.default_rng(0).permutation(len(table.x))[:MOST_ROWS]
    y, columns, first = table.y[places], [], 0
    for number, about in enumerate(table.report["columns"]):
        last = first + about["features"]
        note = about["note"]
        if about["features"] and number < MOST_COLUMNS:
            share = told_alone(table.x[places, first:last], y, table.task)
            if share >= ENOUGH:
                note = "; ".join(part for part in (note, NOTE) if part)
        columns.append({**about, "note": note})
        first = last
    return {**table.report, "columns": columns}


def told_alone(x: NDArray[np.float64], y: NDArray[Any], task: str) -> float:
    """How much of the target a tree tells from x (rows, features) alone, on rows that it has not
    seen: 1 is all of it, 0 no more than the commonest class or the mean does.
    """
    filled = np.where(np.isnan(x), np.nanmin(x, initial=0.0) - 1, x)
    if task == "classification":
        model: Any = tree.DecisionTreeClassifier(random_state=0)
        base = np.bincount(y).max() / len(y)
        folds: Any = model_selection.StratifiedKFold(FOLDS, shuffle=True, random_state=0)
        scoring = "accuracy"
    else:
        model, base, scoring = tree.DecisionTreeRegressor(random_state=0), 0.0, "r2"
        folds = model_selection.KFold(FOLDS, shuffle=True, random_state=0)
    score = float(
        model_selection.cross_val_score(model, filled, y, cv=folds, scoring=scoring).mean()
    )
    return (score - base) / (1 - base)
