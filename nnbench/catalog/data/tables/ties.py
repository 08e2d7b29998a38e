"""What a split of a table has to keep: rows of one group together, rows in order of time.

And rows with the same features, which a test part must not share with training: a network could
know them by heart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnbench.catalog.data.tables.columns import Column
from nnbench.catalog.data.tables.dates import as_dates, not_dates
from nnbench.catalog.data.tables.words import quoted
from nnbench.lazy import csgraph, pd, sparse

FIRST_LOOK = 3  # columns after which rows may be told apart already
FEWEST = 3  # groups or times: training, validation and test
FACTOR = 6364136223846793005  # odd, of a well-known generator: spreads hashes
GOES_ON = ("year", "days since the first")  # parts of a date that no later row shares


@dataclass(frozen=True, eq=False)
class Ties:
    """What a split of a table's rows keeps to.

    alike: (rows,) from 0 on; rows that share a number stay in one part; None where each is alone.
    grouped: these are groups that the user named, which may be large and uneven. times: (rows,)
    from 0 on, rising with time; None where rows have no order.
    """

    alike: NDArray[np.int64] | None = None
    grouped: bool = False
    times: NDArray[np.int64] | None = None


def ties_of(
    columns: Sequence[Column], rows: int, group: pd.Series | None, time: pd.Series | None
) -> tuple[Ties, list[str]]:
    """What a split keeps to, and sentences that say so.

    columns: of so many rows; group, time: (rows,), where the user named one. Raises ValueError, a
    clause about the column, for one that no split can be made by.
    """
    alike, said = repeats_of(columns, rows)
    if time is not None:
        times, told = _times(time)
        if alike is not None:
            said = [f"{said[0]}: a row repeated in a later part is in that part only."]
        return Ties(alike, times=times), [*said, told]
    if alike is not None:
        said = [f"{said[0]}: such rows stay in one part."]
    if group is None:
        return Ties(alike), said
    groups = _groups(group)
    count, whole = len(np.unique(groups)), groups
    if alike is not None:
        whole = joined(groups, alike)
        if (left := len(np.unique(whole))) < FEWEST:
            raise ValueError(
                f"group: rows with the same features make {left} of the {count} groups of "
                f"{quoted(group.name)}, too few to split: leave repeated rows out"
            )
    told = f"Split by {group.name}: none of its {count:,} groups is in two parts."
    return Ties(whole, grouped=True), [*said, told]


def repeats_of(columns: Sequence[Column], rows: int) -> tuple[NDArray[np.int64] | None, list[str]]:
    """Which rows (rows,) have the same features, or None where none have; and a sentence on it.

    Where features have so few values that by chance alone, were they independent, a row would have
    another like it, such rows are no copies: none are tied, and that is said. Of copies it says how
    many, and the caller what becomes of them.
    """
    hashes = np.zeros(rows, dtype=np.uint64)
    for place, values in enumerate(_values_of(columns), start=1):
        plain = values + 0.0 if values.dtype.kind == "f" else values  # -0.0 is 0.0
        hashes = hashes * np.uint64(FACTOR) + pd.util.hash_array(plain)
        if place == FIRST_LOOK and (np.diff(np.sort(hashes)) > 0).all():
            return None, []  # which is soon told where numbers are fine
    alike, different = pd.factorize(hashes)
    count = rows - len(different)
    if not count:
        return None, []
    said = f"{count:,} {'row has' if count == 1 else 'rows have'} the same features as another"
    if met_by_chance(columns, rows) >= 1:
        return None, [f"{said}, as expected with so few values: they are split like any other."]
    return alike.astype(np.int64), [said]


def _values_of(columns: Sequence[Column]) -> Iterator[NDArray[Any]]:
    """Yield the values (rows,) that tell rows apart, numbers first."""
    for column in sorted(columns, key=lambda column: column.kind != "number"):
        if column.kind != "dropped":
            yield from np.atleast_2d(column.values.T)


def met_by_chance(columns: Sequence[Column], rows: int) -> float:
    """How many rows would be like a row on the mean, were the columns independent."""
    expected = rows - 1.0
    for column in columns:
        if column.kind == "dropped" or expected < 1:
            continue
        # of the parts of a date the last tells most of all of them
        values = column.values if column.values.ndim == 1 else column.values[:, -1]
        counts = np.unique(values, return_counts=True)[1]
        expected *= float(((counts / rows) ** 2).sum())
    return expected


def joined(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows tied by either of two (rows,), through however many others: numbers from 0 on."""
    first = int(one.max()) + 1
    size = first + int(other.max()) + 1
    links = sparse.coo_matrix((np.ones(len(one)), (one, first + other)), shape=(size, size))
    return csgraph.connected_components(links, directed=False)[1][one].astype(np.int64)


def _groups(column: pd.Series) -> NDArray[np.int64]:
    _need_all("group", column)
    codes, names = pd.factorize(column)
    if len(names) < FEWEST:
        only = f"only one group, {quoted(names[0])}" if len(names) == 1 else "only two groups"
        raise ValueError(
            f"group: {quoted(column.name)} has {only}: training, validation and test each need one"
        )
    return codes.astype(np.int64)


def _times(column: pd.Series) -> tuple[NDArray[np.int64], str]:
    _need_all("time", column)
    moments: Any = column
    if not pd.api.types.is_numeric_dtype(column.dtype):
        dates = as_dates(column, asked=True)
        if dates is None or dates.note:
            odd = not_dates(column)[1] if dates is None else column[dates.values.isna()].iloc[0]
            raise ValueError(
                f"time: {quoted(column.name)} has values that are neither dates nor numbers, such "
                f"as {quoted(odd)}: name a column of dates or numbers, or leave out those rows"
            )
        moments = dates.values
    times, names = pd.factorize(moments, sort=True)
    if len(names) < FEWEST:
        raise ValueError(
            f"time: {quoted(column.name)} has fewer than {FEWEST} different times: training, "
            f"validation and test each need one"
        )
    return times.astype(np.int64), (
        f"Split by {column.name}: the test part is the latest rows, the validation part those "
        f"before them, whatever the seed."
    )


def _need_all(part: str, column: pd.Series) -> None:
    missing = int(column.isna().sum())
    if missing:
        raise ValueError(
            f"{part}: {quoted(column.name)} is missing in {missing:,} "
            f"{'row' if missing == 1 else 'rows'} that have a target: fill it in, or leave out "
            f"those rows"
        )


def without_going_on(column: Column) -> Column:
    """A date by which rows are split, as a feature: the parts of it that come again.

    What only rises, the year, is beyond all that was trained on in every row of the test part.
    """
    kept = [number for number, part in enumerate(column.levels) if part not in GOES_ON]
    if column.kind != "date" or len(kept) == len(column.levels):
        return column
    levels = tuple(column.levels[number] for number in kept)
    if not levels:
        note = "orders the rows, and no part of the date recurs"
        return Column(column.name, "dropped", np.empty(0), missing=column.missing, note=note)
    note = f"a date: {', '.join(levels)}; as rows are split by it, what only rises is left out"
    return Column(column.name, "date", column.values[:, kept], levels, column.missing, note)
