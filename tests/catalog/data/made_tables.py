"""Tables that tests make, and what they ask of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nnbench.catalog import VOCABULARY
from nnbench.catalog.data.tables.table import Choices, Table, read_table
from nnbench.study.reading import make_study
from nnbench.study.study import Cell

ROWS = 60


def frame(**columns: Any) -> pd.DataFrame:
    """Return 60 rows: noise `a`, two even classes `y`, and what else is given."""
    noise = np.random.default_rng(0).normal(size=ROWS)
    return pd.DataFrame({"a": noise, "y": ["yes", "no"] * (ROWS // 2), **columns})


def table(folder: Path, content: pd.DataFrame, target: str = "y", **choices: Any) -> Table:
    path = folder / "my.csv"
    content.to_csv(path, index=False)
    return read_table(path, Choices(target, **choices))


def column(found: Table, name: str) -> dict[str, Any]:
    """Return what the report says of a column."""
    (about,) = [about for about in found.report["columns"] if about["name"] == name]
    return about  # type: ignore[no-any-return]


def features(found: Table, name: str) -> NDArray[np.float64]:
    """Return the features (rows, k) that a column became."""
    names = [f for f in found.features if f.startswith(f"{name} ") or f == name]
    return found.x[:, [found.features.index(f) for f in names]]


def cells_of(path: Path, target: str = "y", **grid: Any) -> list[Cell]:
    data = {path.suffix.removeprefix("."): str(path), "target": target}
    return make_study({"name": "t", "grid": {"data": data, "seeds": 1} | grid}, VOCABULARY).cells()
