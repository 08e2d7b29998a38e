"""Whatever a table holds, it is sound or is refused in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnbench.catalog.data.tables.columns import Column, encode
from nnbench.catalog.data.tables.table import Choices, Table, read_table
from tests.catalog.data.made_tables import ROWS, features, frame, table
from tests.searching import examples

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=0, max_size=12)
VALUES = st.one_of(
    TEXTS,
    st.integers(-(10**25), 10**25),
    st.floats(),
    st.booleans(),
    st.none(),
    st.sampled_from(["NA", "inf", "-inf", "1e999", "0x1f", "1_000", "=1+1", "<script>", "TRUE"]),
)


@pytest.mark.whole
@examples(150)
@given(data=st.data())
def test_any_csv_is_a_sound_table_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    width = data.draw(st.integers(1, 5))
    names = data.draw(st.lists(TEXTS, min_size=width, max_size=width))
    pools = [data.draw(st.lists(VALUES, min_size=1, max_size=6)) for _ in range(width)]
    rows = data.draw(st.integers(0, 50))
    chance = np.random.default_rng(data.draw(st.integers(0, 1000)))
    columns = [[pool[chance.integers(len(pool))] for _ in range(rows)] for pool in pools]
    path = tmp_path_factory.mktemp("any") / "my.csv"
    content = pd.DataFrame(dict(enumerate(columns)), dtype=object)
    content.columns = pd.Index(names)
    content.to_csv(path, index=False)
    target = data.draw(st.sampled_from([name.strip() for name in names]))
    try:
        found = read_table(
            path, Choices(target, data.draw(st.sampled_from(["auto", "regression"])))
        )
    except ValueError as problem:
        assert str(problem).startswith('"my.csv": ') and "\n" not in str(problem)
        return
    assert_sound(found)


def assert_sound(found: Table) -> None:
    rows, width = found.x.shape
    assert rows >= 20 and width >= 1 and len(found.y) == rows and len(found.features) == width
    assert not np.isinf(found.x).any() and np.isfinite(found.y).all()
    known = found.x[~np.isnan(found.x)]
    assert np.abs(known).max() <= 1e100
    if found.task == "classification":
        assert np.bincount(found.y, minlength=len(found.classes)).min() >= 5
    assert sum(about["features"] for about in found.report["columns"]) == width
    json.dumps(found.report)


@pytest.mark.whole
@given(
    st.lists(
        st.floats(allow_nan=False, allow_infinity=False, min_value=-1e99, max_value=1e99),
        min_size=2,
        max_size=30,
        unique=True,
    )
)
def test_numbers_survive_the_file(values: list[float]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        many = (values * ROWS)[:ROWS]
        found = table(Path(folder), frame(b=many), numeric=("b",))
        assert np.allclose(features(found, "b")[:, 0], many, rtol=1e-14, atol=0)


@given(st.lists(st.one_of(st.none(), TEXTS), min_size=1, max_size=60))
def test_a_category_is_one_hot(values: list[str | None]) -> None:
    tidy = [None if value is None else "v" + value for value in values]
    found: Column = encode("c", pd.Series(tidy, dtype=object), "category")
    x = np.zeros((len(values), len(found.features)))
    found.fill(x)
    if found.kind == "dropped":
        assert len(set(tidy)) == 1
        return
    assert (x.sum(1) == 1).all() and (x.sum(0) > 0).all()
    for left in range(len(values)):
        same = [right for right, value in enumerate(tidy) if value == tidy[left]]
        assert (x[same] == x[left]).all()
