"""Dates of a table become parts of the calendar."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnbench.catalog.data.tables.dates import calendar
from nnbench.catalog.data.tables.table import Choices, Table, read_table
from nnbench.catalog.data.tables.texts import MOST_DIGITS, coded, coded_by_digits, in_arrow

ROWS = 40
DAYS = pd.date_range("2023-12-20 06:00", periods=ROWS, freq="31h")


def table(
    folder: Path, column: pd.Series | list[object], form: str = "csv", **said: object
) -> Table:
    frame = pd.DataFrame({"when": column, "y": np.arange(ROWS) % 7 + 0.5})
    path = folder / f"t.{form}"
    frame.to_csv(path, index=False) if form == "csv" else frame.to_parquet(path)
    return read_table(path, Choices("y", **said))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("form", "pattern"),
    [
        ("csv", "%Y-%m-%d %H:%M"),
        ("csv", "%d.%m.%Y %H:%M"),
        ("csv", "%m/%d/%Y %H:%M"),
        ("parquet", ""),
    ],
)
def test_the_usual_forms_have_every_part(tmp_path: Path, form: str, pattern: str) -> None:
    column = DAYS.strftime(pattern) if pattern else DAYS
    found = table(tmp_path, column.to_series(index=range(ROWS)), form)
    parts = ("year", "month", "day of week", "day of year", "hour", "days since the first")
    assert found.features == tuple(f"when {part}" for part in parts)
    columns = [DAYS.year, DAYS.month, DAYS.day_of_week, DAYS.day_of_year, DAYS.hour]
    assert np.array_equal(found.x[:, :5], np.column_stack(columns))
    assert np.allclose(found.x[:, 5], np.arange(ROWS) * 31 / 24)
    (about,) = found.report["columns"]
    assert about["kind"] == "date" and about["features"] == 6
    assert about["example"].startswith(DAYS[0].strftime(pattern or "%Y-%m-%d"))


def test_parts_that_do_not_vary_are_left_out_and_missing_dates_are_marked(tmp_path: Path) -> None:
    days = pd.date_range("2024-03-01", periods=ROWS, freq="6h").strftime("%Y-%m-%d")
    column = [None if row % 9 == 4 else day for row, day in enumerate(days)]
    found = table(tmp_path, column)
    assert found.features == (
        "when day of week",
        "when day of year",
        "when days since the first",
        "when is missing",
    )
    gone = np.arange(ROWS) % 9 == 4
    assert np.array_equal(found.x[:, 3], gone)
    assert np.isnan(found.x[gone, :3]).all() and not np.isnan(found.x[~gone]).any()


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_dates_far_apart_are_as_many_days_apart(unit: str) -> None:
    dates = pd.Series(np.array(["1690-01-01", "NaT", "2250-06-01T03"], dtype=f"datetime64[{unit}]"))
    days = calendar(dates.dt.tz_localize("UTC"))["days since the first"]
    expected = (np.datetime64("2250-06-01T03") - np.datetime64("1690-01-01T00")).astype(float) / 24
    assert days[0] == 0 and np.isnan(days[1]) and days[2] == pytest.approx(expected, rel=1e-15)


def test_a_form_that_is_not_usual_is_read_where_it_is_asked_for(tmp_path: Path) -> None:
    column = list(DAYS.strftime("%d %b %Y %H:%M"))
    (about,) = table(tmp_path, [*column[:-1], "3 May 2024"], dates=("when",)).report["columns"]
    assert about["kind"] == "date"
    with pytest.raises(ValueError, match='column "when" has values that are not dates'):
        table(tmp_path, [*column[:-1], "soon"], dates=("when",))


def test_a_date_that_is_asked_to_be_a_category_is_one(tmp_path: Path) -> None:
    column = ["2024-01-01", "2024-01-02"] * (ROWS // 2)
    found = table(tmp_path, column, categorical=("when",))
    assert found.features == ("when = 2024-01-01", "when = 2024-01-02")


FORM = st.lists(st.sampled_from(["#", "#", "-", " ", ":", "T", "é"]), min_size=1, max_size=24)


@given(form=FORM, seed=st.integers(0, 2**32 - 1), odd=st.sampled_from(["", "x", "1", "é", None]))
@settings(max_examples=100)
def test_parts_told_by_their_digits_are_those_cut_out(
    form: list[str], seed: int, odd: str | None
) -> None:
    generator = np.random.default_rng(seed)
    written = [
        "".join(str(generator.integers(3)) if sign == "#" else sign for sign in form)
        for _ in range(12)
    ]
    texts = in_arrow(pa.array([None, "cut off", *written, *([] if odd == "" else [odd])])[2:])
    cut = int(generator.integers(len(form) + 1))
    found = coded_by_digits(texts, (cut, len(form)))
    parts = [coded(pc.utf8_slice_codeunits(texts, *ends)) for ends in ((0, cut), (cut, len(form)))]
    same = odd in ("", None) or (form == ["#"] and odd == "1")
    digits = max(form[:cut].count("#"), form[cut:].count("#"))
    if "é" in form or not same or digits > MOST_DIGITS:
        assert found is None
        return
    assert found is not None
    for (codes, values), (expected, whole) in zip(found, parts, strict=True):
        assert codes.tolist() == expected.tolist() and values.to_pylist() == whole.to_pylist()
