"""What is told of many texts at once is what is told of each by itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from nnbench.catalog.data.tables import apart, numbers, reading
from nnbench.catalog.data.tables.date_forms import CLOCK
from nnbench.catalog.data.tables.dates import as_dates
from nnbench.catalog.data.tables.texts import are, in_arrow
from tests.searching import examples

HOSTILE = {
    "decimal commas": ["1,5", "2,25", "-0,5", "1.234,5", ",5", "7"],
    "thousands or fractions": ["1.000", "2.500", "999", "10.000"],
    "both signs": ["1.234,5", "1,234.5", "1.5", "2,5", "1.5", "2,5"],
    "spaces apart": ["1 234", "12 345,6", "1\u202f234", "1\u00a0234,5", "'", "1'234"],
    "signs": ["-5", "+5", "- 5", "\u22125", "--5", "+-5", "-", "+", "-0", "-0,0"],
    "powers": ["1e5", "2E-3", "1e999", "0e999", "1.5e", "e5", "1,5e2"],
    "more around": [
        "12 %",
        "$5",
        "5 kg",
        "6 KG",
        "7 lb",
        "(3.50)",
        "(3",
        "<5",
        ">= 7",
        "CHF 1'000",
    ],
    "many digits": ["1" * 400, "0." + "3" * 40, "9007199254740993", "1" + "0" * 310, "0007"],
    "not quite": ["1,2,3", "1..2", "1.2.3", "12a", "a12", "0x10", "1_000", "1,", ".", ",", "1."],
    "known to pandas": ["inf", "-Infinity", "INF", "nan", "+inf", "infinite"],
    "other digits": ["\u0663", "\u0661\u0662", "\u00b2", "\u00bd", "\uff11\uff12", "5\u20ac"],
    "line breaks": ["1\n", "1\n2", "\n1", "12 %\n"],
    "missing": ["-", "n/a", "Unknown", "UNKNOWN", "\u00b5", "1", "2", "3"],
    "asked for": ["miss\u00dfing", "MISSSSING", "4", "5", "6"],
    "dates": ["2023-01-02", "3.4.2023", "2023"],
    "all missing": ["unknown"],
}
WORDS = ("missssing", "-999")
ALPHABET = "0123456789" * 2 + ".,., '-+eE%$()<> kginfaNt\u00a0\u2212\u0663\u00b5\n"
TEXTS = st.lists(st.text(ALPHABET, min_size=1, max_size=9), min_size=1, max_size=12)


def read(columns: Sequence[Sequence[str]], decimal: str, kind: str) -> tuple[Any, ...]:
    length = max(map(len, columns))
    frame = pd.DataFrame({n: [*c, *[None] * (length - len(c))] for n, c in enumerate(columns)})
    frame.columns = [str(name) for name in frame]
    kinds = {"0": kind} if kind else {}
    found, notes = reading.with_numbers(frame.astype(object), kinds, decimal, WORDS)
    return [found[name].tolist() for name in found], [*found.dtypes], notes


def none(texts: pa.Array, sign: str) -> NDArray[np.bool_]:
    return np.zeros(len(texts), dtype=bool)


def every(texts: pa.Array) -> NDArray[np.bool_]:
    return np.ones(len(texts), dtype=bool)


def by_pandas(texts: pa.Array, those: NDArray[np.bool_]) -> NDArray[np.float64]:
    known = pd.to_numeric(pd.Series(texts.to_pylist(), dtype=object), errors="coerce")
    return known.to_numpy(np.float64)


def read_one_by_one(columns: Sequence[Sequence[str]], decimal: str, kind: str) -> tuple[Any, ...]:
    """What `read` finds where every text is taken apart by itself, as if none were plain."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(apart, "are_plain", none)
        patch.setattr(apart, "may_be_written", every)
        patch.setattr(reading, "may_have_numbers", lambda texts: True)
        patch.setattr(numbers, "pandas_values", by_pandas)
        return read(columns, decimal, kind)


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("decimal", ["auto", ".", ","])
@pytest.mark.parametrize("asked", ["", "number"])
def test_hostile_texts_are_read_as_each_is_by_itself(kind: str, decimal: str, asked: str) -> None:
    columns = [HOSTILE[kind], HOSTILE[kind] * 9, ["1,5", "2,5", "3"] * 9]
    quick, slow = (way(columns, decimal, asked) for way in (read, read_one_by_one))
    assert repr(quick) == repr(slow)


@examples(30)
@given(st.lists(TEXTS, min_size=1, max_size=3), st.sampled_from(["auto", ".", ","]))
def test_any_texts_are_read_as_each_is_by_itself(columns: list[list[str]], decimal: str) -> None:
    for asked in ("", "number"):
        quick, slow = (way(columns, decimal, asked) for way in (read, read_one_by_one))
        assert repr(quick) == repr(slow)


def test_the_slow_way_tells_a_wrong_quick_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "are_plain", lambda texts, sign: are(texts, r"\d+[.,]\d+"))
    columns = [["1.5", "2,5", "3.5"] * 9]
    quick, slow = (way(columns, "auto", "") for way in (read, read_one_by_one))
    assert repr(quick) != repr(slow)


@given(st.text(ALPHABET, max_size=9))
def test_what_pandas_takes_for_a_number_is_not_passed_over(text: str) -> None:
    value = pd.to_numeric(pd.Series([text], dtype=object), errors="coerce").iloc[0]
    if not np.isnan(value):
        assert apart.may_have_numbers(pa.array([text], pa.large_string()))


YEAR_FIRST = re.compile(r"\d{4}([-/.])\d{1,2}\1\d{1,2}")
YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2\d{4}")


def plainly(texts: list[str]) -> pd.Series | None:
    """Texts as dates, by pandas, each as a whole."""
    parted = [re.fullmatch(r"([^ T]*)((?s:.)*)", text) for text in texts]
    days = [part[1] for part in parted if part]
    if not all(part and CLOCK.fullmatch(part[2]) for part in parted):
        return None
    day_first = False
    if not all(YEAR_FIRST.fullmatch(day) for day in days):
        forms = [YEAR_LAST.fullmatch(day) for day in days]
        if not all(forms):
            return None
        day_first = any(form[2] == "." or int(form[1]) > 12 for form in forms if form)
    dates = pd.to_datetime(
        pd.Series(texts), format="mixed", errors="coerce", utc=True, dayfirst=day_first
    )
    return None if dates.isna().any() else dates


DAYS = st.sampled_from(
    ["2023-01-31", "2023/2/3", "1.2.2023", "31.01.2023", "1/2/2023", "13/2/2023", "30.2.2023"]
)
CLOCKS = st.sampled_from(
    ["", "", " 14:05", "T14:05:59", " 9:05", " 24:00", " 23:60", " 10:00:00.25", " 10:00Z", " noon"]
)


@examples(50)
@given(st.lists(st.tuples(DAYS, CLOCKS).map("".join), min_size=1, max_size=5))
def test_dates_are_read_as_each_is_by_itself(texts: list[str]) -> None:
    wanted, found = plainly(texts), as_dates(pd.Series([*texts, None]))
    assert (wanted is None) == (found is None)
    if wanted is not None and found is not None:
        assert (found.values.iloc[:-1].array == wanted.array).all()
        assert pd.isna(found.values.iloc[-1])


def test_dates_that_are_asked_for_are_read_by_the_same_rule() -> None:
    dates = as_dates(pd.Series(["1.2.2023", "2.1.2023"]), asked=True)
    assert dates is not None
    assert dates.values.dt.month.tolist() == [2, 1]


@given(st.text(max_size=4))
def test_arrow_strips_and_matches_as_python_does(text: str) -> None:
    import pyarrow.compute as pc

    assert pc.utf8_trim_whitespace(pa.array([text])).to_pylist() == [text.strip()]
    assert are(in_arrow([text]), "[0-9]+")[0] == bool(re.fullmatch("[0-9]+", text))
