"""Which rows train, validate and test: at random, by group, by time, or fold by fold.

Plain numpy and scikit-learn, of which a script has the same lines.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnbench.catalog.data.tables.ties import Ties
from nnbench.lazy import model_selection

PARTS = ("train", "val", "test")
Rows = dict[str, NDArray[np.int64]]


def parts_of(
    n: int,
    labels: NDArray[Any] | None,
    state: int,
    val_fraction: float,
    test_fraction: float,
    ties: Ties | None = None,
    fold: tuple[int, int] | None = None,
) -> Rows:
    """Each part's rows, of n.

    labels: (n,), so that every class has its share of every part, as far as `ties` allow. fold:
    which of how many is the test part, of one shuffle by `state`. Raises ValueError.
    """
    if val_fraction + test_fraction >= 1:
        raise ValueError(
            f"val_fraction {val_fraction:g} and test_fraction {test_fraction:g} leave nothing to "
            f"train on: make them smaller"
        )
    if ties is not None and ties.times is not None:
        return by_time(ties, val_fraction, test_fraction)
    if ties is not None and ties.grouped and ties.alike is not None:
        return by_group(ties.alike, labels, state, val_fraction, test_fraction, fold)
    if ties is None or ties.alike is None:
        return at_random(n, labels, state, val_fraction, test_fraction, fold)
    first, unit = np.unique(ties.alike, return_index=True, return_inverse=True)[1:]
    of_units = None if labels is None else labels[first]
    parts = at_random(len(first), of_units, state, val_fraction, test_fraction, fold)
    return {part: _rows_of(units, unit) for part, units in parts.items()}


def at_random(
    n: int,
    labels: NDArray[Any] | None,
    state: int,
    val_fraction: float,
    test_fraction: float,
    fold: tuple[int, int] | None,
) -> Rows:
    """Parts of n rows that nothing ties, shuffled by `state`."""
    try:
        if fold is None:
            rest, test = model_selection.train_test_split(
                np.arange(n), test_size=test_fraction, random_state=state, stratify=labels
            )
        else:
            rest, test = _fold(n, labels, state, *fold)
        train, val = model_selection.train_test_split(
            rest,
            test_size=val_fraction / (1 - test_fraction),
            random_state=state,
            stratify=None if labels is None else labels[rest],
        )
    except ValueError:
        smallest = "" if labels is None else f", the smallest class {np.bincount(labels).min()}"
        tested = f"test_fraction {test_fraction:g}" if fold is None else f"folds = {fold[1]}"
        raise ValueError(
            f"{n} examples{smallest}: too few for training, validation and test parts with "
            f"val_fraction {val_fraction:g} and {tested}"
        ) from None
    return dict(zip(PARTS, (train, val, test), strict=True))


def _fold(
    n: int, labels: NDArray[Any] | None, state: int, number: int, folds: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows outside and inside of a fold, both shuffled."""
    if labels is not None and np.bincount(labels).min() < folds:
        raise ValueError("a class that not every fold can have")
    kind = model_selection.KFold if labels is None else model_selection.StratifiedKFold
    cut = kind(folds, shuffle=True, random_state=state).split(np.zeros(n), labels)
    rest, test = list(cut)[number]
    shuffled = np.random.default_rng(state).permutation(n)
    place = np.argsort(shuffled)
    return rest[np.argsort(place[rest])], test[np.argsort(place[test])]


def _rows_of(units: NDArray[np.int64], unit: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows of some units, in the units' order. unit: (rows,), that of each row."""
    place = np.full(int(unit.max()) + 1, -1)
    place[units] = np.arange(len(units))
    rows = np.flatnonzero(place[unit] >= 0)
    return rows[np.argsort(place[unit[rows]], kind="stable")]


def by_group(
    groups: NDArray[np.int64],
    labels: NDArray[Any] | None,
    state: int,
    val_fraction: float,
    test_fraction: float,
    fold: tuple[int, int] | None,
) -> Rows:
    """Parts that no group is in two of, as near to their shares of each class as groups allow."""
    generator = np.random.default_rng(state)
    classes = np.zeros(len(groups), dtype=np.int64) if labels is None else labels
    sizes = np.zeros((int(groups.max()) + 1, int(classes.max()) + 1))
    np.add.at(sizes, (groups, classes), 1)
    if fold is None:
        shares = [1 - val_fraction - test_fraction, val_fraction, test_fraction]
        part = dealt(sizes, shares, generator)
    else:
        number, folds = fold
        tested = dealt(sizes, [1 / folds] * folds, generator) == number
        part = np.full(len(sizes), 2)
        val = val_fraction / (1 - test_fraction)
        part[~tested] = dealt(sizes[~tested], [1 - val, val], generator)
    shuffled = generator.permutation(len(groups))
    of_row = part[groups[shuffled]]
    parts = {name: shuffled[of_row == number] for number, name in enumerate(PARTS)}
    if not all(map(len, parts.values())) or (fold and len(sizes) < fold[1]):
        raise ValueError(
            f"{len(sizes)} groups are too few for folds = {fold[1] if fold else 1} with a "
            f"validation part beside each: take fewer folds"
        )
    return parts


def dealt(
    sizes: NDArray[np.float64], shares: list[float], generator: np.random.Generator
) -> NDArray[np.int64]:
    """To which part each group goes: in random order, to the one that lacks most of its rows.

    sizes: (groups, classes), the rows of each. What a part lacks is relative to its share: of the
    group's classes, and of all rows. So every part has a group where there are as many groups.
    """
    wanted = np.outer(shares, np.maximum(sizes.sum(0), 1))  # (parts, classes)
    held = np.zeros_like(wanted)
    part = np.zeros(len(sizes), dtype=np.int64)
    for group in generator.permutation(len(sizes)):
        own = sizes[group]
        lack = (1 - held / wanted) @ own / own.sum() + 1 - held.sum(1) / wanted.sum(1)
        part[group] = lack.argmax()
        held[part[group]] += own
    return part


def by_time(ties: Ties, val_fraction: float, test_fraction: float) -> Rows:
    """The latest rows as the test part, those before as the validation part.

    Rows of one time stay together, so that each cut is the nearest between two times. A row whose
    features come again in a later part is left out of the earlier one.
    """
    assert ties.times is not None
    order = np.argsort(ties.times, kind="stable")
    times = ties.times[order]
    cuts = np.flatnonzero(np.diff(times)) + 1  # the places before which the time changes
    n = len(order)
    last = _nearest(cuts[1:], n * (1 - test_fraction))
    first = _nearest(cuts[cuts < last], n * (1 - test_fraction - val_fraction))
    parts = dict(zip(PARTS, np.split(order, [first, last]), strict=True))
    if ties.alike is None:
        return parts
    seen = np.zeros(int(ties.alike.max()) + 1, dtype=bool)
    for part in reversed(PARTS):
        rows = parts[part]
        parts[part] = rows[~seen[ties.alike[rows]]]
        seen[ties.alike[rows]] = True
        if not len(parts[part]):
            raise ValueError(
                f"every row of the {part} part has the features of a later one: a split by time "
                f"leaves nothing of it"
            )
    return parts


def share_of(
    rows: NDArray[np.int64],
    labels: NDArray[Any] | None,
    share: float,
    ties: Ties | None = None,
) -> NDArray[np.int64]:
    """A share of the training part's rows: of a larger share it is a part.

    By time the latest ones, of groups whole ones, else the first, of each class alike and one at
    least. rows: in the order of `parts_of`, labels: those of all rows. Raises ValueError.
    """
    kinds = np.zeros(len(rows), dtype=np.int64) if labels is None else labels[rows]
    most = max(round(share * len(rows)), 1)
    if ties is not None and ties.times is not None:
        kept = np.arange(len(rows)) >= len(rows) - most
    elif ties is not None and ties.grouped and ties.alike is not None:
        first, group = np.unique(ties.alike[rows], return_index=True, return_inverse=True)[1:]
        order = np.argsort(first)
        before = np.cumsum(np.bincount(group)[order]) - np.bincount(group)[order]
        kept = np.isin(group, order[before < most])
    else:
        place = np.zeros(len(rows))
        for kind in np.unique(kinds):
            place[kinds == kind] = np.linspace(0, 1, (kinds == kind).sum(), endpoint=False)
        kept = np.zeros(len(rows), dtype=bool)
        kept[np.argsort(place, kind="stable")[: max(most, len(np.unique(kinds)))]] = True
    if len(np.unique(kinds[kept])) < min(2, len(np.unique(kinds))):
        raise ValueError(f"train_share {share:g} leaves rows of one class alone: make it larger")
    return rows[kept]


def _nearest(cuts: NDArray[np.int64], wanted: float) -> int:
    return int(cuts[np.abs(cuts - wanted).argmin()])
