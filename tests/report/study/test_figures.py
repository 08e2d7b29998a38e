"""Figures of a study's page: what is printed in them."""

import pandas as pd
import pytest

from nnbench.report.study.figures import _places


@pytest.mark.parametrize(
    ("means", "places"),
    [
        ([100.0, 97.4, 97.0, 88.0], 1),  # three that a reader would see as 97, in three colours
        ([100.0, 99.96, 99.94], 3),
        ([100.0, 12.0], 0),
        ([0.9731, 0.41], 3),
        ([5.0], 2),
        ([], 2),
    ],
)
def test_what_looks_different_is_printed_differently(means: list[float], places: int) -> None:
    assert _places(pd.Series(means, dtype=float)) == places
