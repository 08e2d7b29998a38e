"""The tables of a study: rows of results as Arrow tables, frames and Parquet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from nnbench.results.rows import CELLS, Schema, as_type, column_type, plain

if TYPE_CHECKING:
    from nnbench.study.study import Cell

ARROW = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}
HEAD, REPEATS = 2048, 8  # rows by which a column is judged; of each value, a dictionary pays
NULLABLE = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}


class Tables(NamedTuple):
    """The result tables of a study, in study order."""

    cells: pd.DataFrame
    curves: pd.DataFrame
    layers: pd.DataFrame


def recipe_table(cells: Sequence[Cell]) -> pa.Table:
    """One row per cell: cell_id, study, data, seed, then each field beside the one it refines."""
    names = list(dict.fromkeys(name for cell in cells for name in cell.recipe))
    heads = list(dict.fromkeys(name.partition(".")[0] for name in names))
    first = [name for name in ("data", "seed") if name in names]
    names.sort(key=lambda name: heads.index(name.partition(".")[0]))
    names = first + [name for name in names if name not in first]
    if clash := {"study", *CELLS} & set(names):
        raise ValueError(f"recipe fields that are columns of results too: {sorted(clash)}")
    columns = {
        "cell_id": pa.array([cell.cell_id for cell in cells], pa.string()),
        "study": pa.array([cell.study for cell in cells], pa.string()),
    }
    for name in names:
        values = [cell.recipe.get(name) for cell in cells]
        if name == "data.path":  # tables travel: they name a user's file, not the folders above it
            values = [value and Path(value).name for value in values]
        columns[name] = _column(values)
    return pa.table(columns)


def result_table(rows: Sequence[Mapping[str, Any]], schema: Schema) -> pa.Table:
    """Rows as a table: the schema's columns, then any others by name."""
    others = sorted(
        {
            name
            for row in rows
            for name in row.keys() - schema.keys()
            if plain(row[name]) is not None
        }
    )
    columns = {name: _column([row.get(name) for row in rows], schema[name]) for name in schema}
    columns |= {name: _column([row.get(name) for row in rows]) for name in others}
    return pa.table(columns)


def _column(values: Sequence[Any], wanted: type | None = None) -> pa.Array:
    types = {*map(type, values)} - {NoneType}
    if len(types) == 1 and types <= ARROW.keys() and wanted in (None, *types):
        return pa.array(values, ARROW[types.pop()], from_pandas=True)  # NaN is null
    wanted = wanted or column_type(values)
    return pa.array([as_type(value, wanted) for value in values], ARROW[wanted])


def epochs_to_target(tables: Tables, target: float | None) -> pd.Series:
    """Each cell's first epoch whose validation score is at least `target`; null where none is.

    It is made here, not in training: a cell's own results do not depend on a study's target. A
    diverged cell has none, whatever it reached on its way.
    """
    reached = tables.curves[tables.curves["val_metric"] >= (np.inf if target is None else target)]
    first = reached.groupby("cell_id")["epoch"].min()
    epochs = tables.cells["cell_id"].map(first).where(tables.cells["status"] == "ok")
    return epochs.astype(NULLABLE[pa.int64()])


def frame_of(table: pa.Table) -> pd.DataFrame:
    """A table in pandas: integers and flags stay what they are where some are missing."""
    return table.to_pandas(types_mapper=NULLABLE.get)


def parquet(table: pa.Table, with_schema: bool = True) -> bytes:
    """A table as the content of a small Parquet file.

    Of floats that hardly repeat, the bytes of one place stand together: most are of single
    precision, so that half of their bytes are zero. Statistics would be read by nobody.
    with_schema: with Arrow's own, by which pandas knows its types again.
    """
    head = table.slice(0, HEAD)
    many = [
        name
        for name, column in zip(head.column_names, head.columns, strict=True)
        if pa.types.is_floating(column.type)
        and REPEATS * pc.count_distinct(column).as_py() > len(head)
    ]
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        compression="zstd",
        use_dictionary=[name for name in table.column_names if name not in many],
        use_byte_stream_split=many,
        write_statistics=False,
        store_schema=with_schema,
    )
    return bytes(sink.getvalue())
