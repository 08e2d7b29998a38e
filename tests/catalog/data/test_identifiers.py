"""Columns that number or name the rows are left out; years and populations are not."""

from __future__ import annotations

import uuid

import numpy as np
import pandas as pd
import pytest

from nnbench.catalog.data.tables.identifiers import why_identifier

ROWS = 60
SHUFFLED = np.random.default_rng(0).permutation(ROWS) + 5000
GAPS = [n + (n > 30) for n in range(1, ROWS + 1)]
NAMED = "numbers the rows and is named as an identifier"


@pytest.mark.parametrize(
    ("name", "values", "why"),
    [
        ("customer_id", SHUFFLED, NAMED),
        ("PatientId", SHUFFLED, NAMED),
        ("ID", GAPS, NAMED),
        ("Kunden-Nr.", SHUFFLED, NAMED),
        ("index", range(ROWS)[::-1], NAMED),
        ("a", range(ROWS), "counts the rows"),
        ("a", range(ROWS)[::-1], "counts the rows"),
        ("a", [str(uuid.UUID(int=n)) for n in range(ROWS)], "has a UUID for each row"),
        ("year", range(1950, 1950 + ROWS), ""),
        ("population", SHUFFLED * 1000, ""),
        ("humid", SHUFFLED, ""),
        ("grid", SHUFFLED, ""),
        ("a", GAPS, ""),
        ("shop_id", [n % 30 for n in range(ROWS)], ""),
        ("id", [n + 0.5 for n in range(ROWS)], ""),
    ],
)
def test_what_is_an_identifier(name: str, values: list[object], why: str) -> None:
    assert why_identifier(name, pd.Series(list(values)).infer_objects(), alone=False) == why


def test_the_only_column_is_no_row_number_unless_it_is_named_so() -> None:
    column = pd.Series(range(ROWS))
    assert why_identifier("x", column, alone=True) == ""
    assert why_identifier("id", column, alone=True) == NAMED
