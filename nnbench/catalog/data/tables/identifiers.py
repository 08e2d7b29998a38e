"""Tell columns that number or name the rows, which say nothing of what is to be predicted."""

from __future__ import annotations

import re

import numpy as np

from nnbench.catalog.data.tables.columns import as_numbers
from nnbench.catalog.data.tables.targets import MIN_ROWS
from nnbench.catalog.data.tables.texts import are, first_text, in_arrow, is_text
from nnbench.lazy import pd

NAMED_SO = re.compile(
    r"(?:.*[\W_])?(?:ids?|uuid|guid|index|idx|key|nr|no|row|record|serial)\.?|.*[a-z](?:Id|ID|Nr|No)",
)
UUID = re.compile(r"\{?[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}\}?")
YEARS = (1500, 2100)


def why_identifier(name: str, column: pd.Series, alone: bool) -> str:
    """Why a column is an identifier, or nothing.

    Whole numbers of which each stands once are one where the name says so, whatever their order
    and gaps; or where they count the rows up or down, unless they could be years or the column
    is the only one beside the target (`alone`). Texts are where all are UUIDs.
    """
    if len(column) < MIN_ROWS:
        return ""
    if is_text(column):
        if not UUID.fullmatch(first_text(column)):
            return ""
        texts = column.dropna()
        are_all = are(in_arrow(texts), UUID.pattern).all()
        return "has a UUID for each row" if are_all and texts.is_unique else ""
    if column.dtype.kind not in "iuf":
        return ""
    numbers = as_numbers(column)
    known = numbers[~np.isnan(numbers)]
    if len(known) < MIN_ROWS or not (known == np.round(known)).all():
        return ""
    if len(np.unique(known)) < len(known):
        return ""
    if NAMED_SO.fullmatch(name) or NAMED_SO.fullmatch(name.lower()):
        return "numbers the rows and is named as an identifier"
    steps = np.diff(numbers)
    counts = bool((steps == 1).all() or (steps == -1).all())
    years = YEARS[0] <= known.min() and known.max() <= YEARS[1]
    return "counts the rows" if counts and not years and not alone else ""
