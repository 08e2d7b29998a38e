"""Dates of a table become parts of the calendar."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnbench.catalog.data.tables.columns import Column, encode
from nnbench.catalog.data.tables.dates import calendar
from nnbench.catalog.data.tables.table import Choices, Table, read_table
from nnbench.catalog.data.tables.targets import read_target
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
    found = table(tmp_path, [*column[:-1], "soon"], dates=("when",))
    assert np.isnan(found.x[-1, 0]) and found.report["columns"][0]["missing"] == 1
    many = [*column[:-5], "soon", "-", "31 Apr 2024", "later", "soon", "soon"][:ROWS]
    said = (
        'column "when" has 4 values that are not dates, such as "soon": use --missing for what '
        "means missing, or leave the column out of --dates"
    )
    with pytest.raises(ValueError, match=re.escape(said)):
        table(tmp_path, [*column[: ROWS - 8], *column[:3], *many[-5:]], dates=("when",))
    with pytest.raises(ValueError, match='"when" has 40 values that are not dates, such as "a0"'):
        table(tmp_path, [f"a{n}" for n in range(ROWS)], dates=("when",))


MANY = pd.date_range("2010-01-29", periods=300, freq="5D")


def about(values: list[str | None], wanted: str = "") -> Column:
    return encode("when", pd.Series(values, dtype=object), wanted)


@pytest.mark.parametrize("pattern", ["%d.%m.%Y", "%Y-%m-%d", "%m/%d/%Y", "%Y-%m-%d %H:%M"])
@pytest.mark.parametrize("strays", [["31.04.2012", "29.02.2011"], ["0000-00-00"], ["k.A."], ["7"]])
def test_a_few_values_that_are_no_dates_count_as_missing_and_are_told(
    pattern: str, strays: list[str]
) -> None:
    dates = list(MANY.strftime(pattern))
    if pattern == "%m/%d/%Y" or strays == ["0000-00-00"]:
        strays = [stray.replace(".", "/") for stray in strays]
    if pattern.startswith("%Y") and "31.04.2012" in strays:
        strays = ["2012-04-31", "2011-02-29"]
    found = about([*strays, *dates])
    assert found.kind == "date" and found.missing == len(strays)
    assert np.isnan(found.values[: len(strays)]).all()
    assert np.array_equal(found.values[len(strays) :, 0], MANY.year)
    assert np.array_equal(found.values[len(strays) :, 1], MANY.month)
    count = len(strays)
    said = f"values that are not dates (such as {json.dumps(strays[0])})"
    if count == 1:
        said = f"value that is not a date ({json.dumps(strays[0])})"
    assert found.note.endswith(f"; {count} {said} read as missing")


def test_words_for_a_missing_number_stand_for_a_missing_date_too() -> None:
    dates = list(MANY.strftime("%d.%m.%Y"))
    found = about(["unknown", "-", *["n.a."] * 200, *dates])
    assert found.kind == "date" and found.missing == 202
    assert found.note.endswith('"unknown", "-", "n.a." in 202 rows read as missing')


@pytest.mark.parametrize(("count", "kind"), [(33, "date"), (34, "dropped")])
def test_no_more_than_a_tenth_may_be_no_dates(count: int, kind: str) -> None:
    found = about([*[f"odd {n}" for n in range(count)], *MANY.strftime("%Y-%m-%d")])
    assert found.kind == kind
    hint = 'if it is a date, use --missing for the values that are not, such as "odd 0"'
    assert (hint in found.note) == (kind == "dropped")


def test_few_different_dates_are_read_beside_others_only_where_that_is_asked() -> None:
    leap = [f"29.02.{year}" for year in range(1996, 2025, 4)] * 30 + ["31.04.2020", "29.02.2023"]
    found = about(leap)
    assert found.kind == "category" and found.note == "if it is a date or a time, use --dates when"
    found = about(leap, "date")
    assert found.kind == "date" and found.missing == 2
    assert set(found.values[:-2, 0]) == set(range(1996, 2025, 4))


def test_mixed_notations_are_read_rightly_where_that_is_asked() -> None:
    patterns = ["%Y-%m-%d", "%d.%m.%Y", "%d %b %Y"]
    mixed = [day.strftime(patterns[n % 3]) for n, day in enumerate(MANY)]
    found = about(mixed)
    assert found.kind == "dropped"
    assert found.note.endswith("free text; if it is a date or a time, use --dates when")
    found = about(mixed, "date")
    assert found.levels[:2] == ("year", "month") and not found.missing
    assert np.array_equal(found.values[:, :2], np.column_stack([MANY.year, MANY.month]))


def test_one_day_first_does_not_turn_a_column_of_months_first() -> None:
    found = about([*MANY.strftime("%m/%d/%Y"), "13/02/2012"])
    assert np.array_equal(found.values[:-1, 1], MANY.month) and found.missing == 1


def test_times_of_day_are_read_where_that_is_asked_whatever_the_day_is() -> None:
    times = [f"{n // 60:02}:{n % 60:02}" for n in range(0, 1440, 7)]
    assert about(times).note.endswith("if it is a date or a time, use --dates when")
    found = about([*times, "25:00"], "date")
    assert found.levels == ("hour", "days since the first") and found.missing == 1
    assert found.values[:-1, 0].tolist() == [n // 60 for n in range(0, 1440, 7)]
    assert about([f"{n // 12 + 1}:{n % 12:02} AM" for n in range(132)], "date").kind == "date"


@pytest.mark.parametrize("pattern", ["%Y-%m", "%d %b %Y", "%d-%b-%Y", "%B %d, %Y"])
def test_forms_that_can_be_nothing_else_are_dates(pattern: str) -> None:
    found = about([None, "-", *MANY.strftime(pattern)])
    assert found.kind == "date" and found.missing == 2
    assert np.array_equal(found.values[2:, :2], np.column_stack([MANY.year, MANY.month]))


@pytest.mark.parametrize(
    "values",
    [
        [f"{n % 7}.{n % 13}.{n % 31}" for n in range(300)],  # versions
        [f"{n % 7 + 1}.{n % 12 + 1}.{n}" for n in range(300)],
        [f"0{30 + n % 40}-{1234567 + n * 991}" for n in range(300)],  # telephones
        [f"+49 {170 + n % 9} {1000 + n} {10 + n % 80}" for n in range(300)],
        [f"{n % 9 + 1}:{n % 5 + 1}" for n in range(300)],  # ratios
        [f"{n % 9 + 1}/{n % 12 + 1}" for n in range(300)],
        [f"{4000 + n}-{n % 12 + 1:02}" for n in range(300)],  # codes
        [f"{n % 90 + 10}-{n % 87 + 13}-{1000 + n}" for n in range(300)],
        [f"{2000 + n % 12}-{(n + 1) % 12:02}" for n in range(300)],
        [f"{2010 + n // 9}-{n % 9 + 1}" for n in range(300)],  # numbers of a year
        [f"{year}-{year % 100 + 1:02}" for year in range(2000, 2012)] * 25,  # seasons
        [f"May {chr(65 + n % 26)}{n}" for n in range(300)],  # names
        [f"{n}, April Road {2000 + n % 20}" for n in range(300)],
    ],
)
def test_what_looks_a_little_like_dates_stays_what_it_is(values: list[str]) -> None:
    found = about([*values])
    assert found.kind in ("category", "dropped") and "--dates" not in found.note


def test_beside_months_there_is_nothing_else() -> None:
    found = about([f"{2000 + n // 13 % 20}-{n % 13 + 1:02}" for n in range(300)])
    assert found.kind == "dropped"


def test_a_column_without_dates_is_none() -> None:
    with pytest.raises(ValueError, match="has no dates: leave it out of --dates"):
        about([None, None], "date")


def test_a_time_that_rows_are_split_by_has_a_date_in_every_row(tmp_path: Path) -> None:
    column = ["2023-02-30", *DAYS.strftime("%Y-%m-%d")][:ROWS]
    with pytest.raises(ValueError, match='neither dates nor numbers, such as "2023-02-30"'):
        table(tmp_path, column, time="when", dates=("when",))


def test_a_target_of_dates_is_refused_although_one_is_none() -> None:
    column = pd.Series([*MANY.strftime("%d.%m.%Y"), "31.04.2012"])
    with pytest.raises(ValueError, match="dates cannot be predicted"):
        read_target(column, "auto", np.arange(len(column)))


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
