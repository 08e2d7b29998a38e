"""A long file is read in blocks of rows: nothing may hang on where those end."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nnbench.catalog.data.tables.files import read_frame

ROWS = 150_000  # more than one block, in one thread or several


@pytest.fixture(scope="module")
def texts() -> pd.DataFrame:
    """Columns whose last rows are of another kind than all before; one of each is as before."""
    rows = np.arange(ROWS)
    columns = {
        "codes": [f"{row % 1000:04}" for row in rows[:-1]] + ["none of them"],
        "answers": ["True"] * (ROWS - 1) + ["perhaps"],
        "late": [""] * (ROWS - 1) + ["said at last"],
        "vast": [str(2**53 + 1 + row) for row in rows[:-1]] + ["0.5"],
        "beyond": [str(row) for row in rows[:-1]] + [str(2**63 + 1)],
        "gaps": [str(row) for row in rows[:-1]] + [""],
        "fractions": [f"{row / 7:.3f}" for row in rows],
        "names": [f"name {row % 5}" for row in rows],
    }
    return pd.DataFrame(columns)


@pytest.mark.parametrize("packed", [False, True])
def test_a_column_is_of_one_type_wherever_its_odd_value_stands(
    tmp_path: Path, texts: pd.DataFrame, packed: bool
) -> None:
    content = texts.to_csv(index=False).encode()
    path = tmp_path / ("many.csv.gz" if packed else "many.csv")
    path.write_bytes(gzip.compress(content, 1) if packed else content)
    found = read_frame(path, "csv")
    first = pd.concat([texts.iloc[-1:], texts.iloc[:-1]])  # which one block would show at once
    (tmp_path / "few.csv").write_bytes(pd.concat([first.iloc[:3]] * 2).to_csv(index=False).encode())
    kinds = read_frame(tmp_path / "few.csv", "csv").dtypes
    assert found.dtypes.to_dict() == kinds.to_dict()
    for name in ("codes", "answers", "late", "names"):
        assert found[name].fillna("").tolist() == texts[name].tolist(), name
    for name in ("vast", "beyond", "gaps", "fractions"):
        expected = pd.to_numeric(texts[name])
        np.testing.assert_array_equal(found[name].to_numpy(np.float64), expected, err_msg=name)
