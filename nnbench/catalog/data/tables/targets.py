"""Turn a table's target column into classes or real values, and say which rows can be used."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnbench.catalog.data.tables.columns import LARGEST, as_numbers, as_texts, is_of_another_type
from nnbench.catalog.data.tables.dates import as_dates
from nnbench.catalog.data.tables.words import listed, quoted
from nnbench.lazy import pd

MIN_ROWS = 20
MIN_CLASS = 5  # examples, so that a fifth of them for test and for validation is one each
MAX_CLASSES = 100
FEW_VALUES = 20  # so many different whole numbers, at most, are taken for classes
LEAST_OF_CLASS = 20  # rows that are drawn of a class, if it has them
SKEWED, STRAIGHT = 2.0, 1.0  # skewness of a heavy tail, and of what has none
TASKS = ("classification", "regression")
OFTEN_MISSING = ("na", "n/a", "n.a.", "nan", "null", "#n/a", "<na>", "?", "-")  # and classes, too


@dataclass(frozen=True)
class Target:
    """The rows that can be used, and their targets.

    rows: (rows,) places in the file, rising. y: (rows,) class indices int64, or real
    values float64.
    """

    rows: NDArray[np.int64]
    y: NDArray[Any]
    task: str
    classes: tuple[str, ...]
    report: dict[str, Any]
    note: str = ""


def read_target(column: pd.Series, task: str, rows: NDArray[np.int64]) -> Target:
    """Read the targets of some rows, all of which have one.

    `task` "auto" means what `infer_task` says. Classes that differ in capitals alone are one.
    Classes of fewer than 5 examples are left out, and counted. Raises ValueError where nothing is
    left to learn: fewer than 20 rows, one class, one value, too many classes, text in a regression.
    """
    column = column.iloc[rows]
    if as_dates(column) is not None:
        example = column.dropna().iloc[0]
        raise ValueError(
            f"the target is a date, such as {quoted(example)}, and dates cannot be predicted: turn "
            f"it into a number, such as the days since another date, or choose another target"
        )
    if is_of_another_type(column):
        raise ValueError(f"the target is of type {column.dtype}, neither number nor text")
    if len(column) < MIN_ROWS:
        raise _too_few(len(column))
    inferred, why = infer_task(column)
    if task not in ("auto", inferred):
        inferred, why = task, "given"
    task = inferred
    read = _values(column, rows) if task == "regression" else _classes(column, rows)
    if len(read.rows) < MIN_ROWS:
        raise _too_few(len(read.rows))
    return replace(read, report={"task": task, "task_why": why, **read.report})


def drawn(target: Target, most: int) -> Target:
    """The same of so many rows at most, drawn at random; of all where that is 0.

    By class: each has its share of them, but `LEAST_OF_CLASS` rows or all that it has, so that a
    rare class is not lost. What they have too much the larger ones give, by their size.
    """
    count = len(target.rows)
    if not most or count <= most:
        return target
    if most < MIN_ROWS:
        raise _too_few(most)
    classes = target.y if target.task == "classification" else None
    places = drawn_places(count, classes, most)
    report, note = target.report, target.note
    if classes is not None:
        counts = np.bincount(classes)
        wanted = shares_of(counts, most)
        sizes = np.bincount(classes[places], minlength=len(wanted)).tolist()
        report = {**report, "classes": dict(zip(target.classes, sizes, strict=True))}
        more = [
            target.classes[place] for place in np.flatnonzero(wanted * count > 2 * counts * most)
        ]
        lifted = f"more rows of {listed(more)} are drawn than their share, so that none is lost"
        note = "; ".join(part for part in (note, lifted if more else "") if part)
    return replace(target, rows=target.rows[places], y=target.y[places], report=report, note=note)


def drawn_places(count: int, classes: NDArray[Any] | None, most: int) -> NDArray[np.int64]:
    """The places, rising, of the rows that are drawn of so many: `most` of them, or all.

    classes: (count,) indices; of each its share is drawn.
    """
    if count <= most:
        return np.arange(count)
    order = np.random.default_rng(0).permutation(count)
    if classes is None:
        return np.sort(order[:most])
    wanted = shares_of(np.bincount(classes), most)
    before = np.zeros(count, dtype=np.int64)  # how many of its class come before, in order
    for number in range(len(wanted)):
        own = classes[order] == number
        before[own] = np.arange(own.sum())
    return np.sort(order[before < wanted[classes[order]]])


def shares_of(counts: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """How many rows of each class are drawn, of these counts (classes,): `most` in all."""
    least = np.minimum(counts, min(LEAST_OF_CLASS, most // len(counts)))
    lifted = np.zeros(len(counts), dtype=bool)
    while True:
        left = most - least[lifted].sum()
        shares = np.where(lifted, least, counts * (left / counts[~lifted].sum()))
        if not (shares < least).any():
            break
        lifted |= shares < least
    wanted = np.floor(shares).astype(np.int64)
    order = np.argsort(wanted - shares, kind="stable")  # the largest rests first
    wanted[order[: most - int(wanted.sum())]] += 1
    return wanted


def _too_few(rows: int) -> ValueError:
    return ValueError(
        f"only {rows} rows have a usable target; a split into training, validation and test needs "
        f"{MIN_ROWS}"
    )


def infer_task(column: pd.Series) -> tuple[str, str]:
    """A target's task and the reason.

    Classification for text, true/false, two values, and whole numbers of which at most 20 are
    different and each stands in 5 rows on the mean; regression for all other numbers.
    """
    if pd.api.types.is_bool_dtype(column.dtype):
        return "classification", "the target is true or false"
    numbers = as_numbers(column)
    if np.isnan(numbers).any():
        return "classification", "the target has text"
    count = len(np.unique(numbers))
    whole = bool(np.all(np.isfinite(numbers)) and np.all(numbers == np.round(numbers)))
    few = whole and count <= FEW_VALUES and MIN_CLASS * count <= len(numbers)
    task = TASKS[0] if few or count == 2 else TASKS[1]
    kind = "different whole numbers" if whole else "fractions" if count > 2 else "different numbers"
    said = f"{count:,} {kind} in {len(numbers):,} rows" if whole or count <= 2 else kind
    other = TASKS[1] if task == TASKS[0] else TASKS[0]
    return task, f"the target has {said} ({_asked(other)} overrides it)"


def _asked(task: str) -> str:
    """How one asks for a task: as a flag, and as a study file has it."""
    return f"--task {task} or task = {quoted(task)}"


def _values(column: pd.Series, rows: NDArray[np.int64]) -> Target:
    numbers = as_numbers(column)
    if np.isnan(numbers).any():
        example = column[np.isnan(numbers)].iloc[0]
        few = (column.value_counts() >= MIN_CLASS).sum() in range(2, MAX_CLASSES + 1)
        way = f"{_asked(TASKS[0])}, or another target" if few else "another target"
        raise ValueError(
            f"the target has values that are not numbers, such as {quoted(example)}: regression "
            f"needs numbers; use {way}"
        )
    vast = int((~(np.abs(numbers) <= LARGEST)).sum())
    if vast:
        raise ValueError(f"{vast} targets are infinite or beyond {LARGEST:g}: leave them empty")
    if numbers.min() == numbers.max():
        raise ValueError(f"the target is {numbers[0]:g} in every row: there is nothing to learn")
    note = _tail(numbers)
    report = {"rare_classes": {}, **({"heavy_tail": True} if note else {})}
    return Target(rows, numbers, "regression", (), report, note)


def _tail(numbers: NDArray[np.float64]) -> str:
    """What is to be said of a target that its logarithm would suit better, or nothing.

    All are above 0, their skewness is over `SKEWED`, and that of their logarithms under
    `STRAIGHT`, either way.
    """
    if numbers.min() <= 0 or (skew := skewness(numbers)) <= SKEWED:
        return ""
    straight = skewness(np.log(numbers))
    if abs(straight) >= STRAIGHT:
        return ""
    return (
        f"heavy-tailed and above 0 (skewness {skew:.1f}, of its logarithm {straight:.1f}): "
        f'target_transform = "log" in the [grid] of a study may help (--write-study writes one)'
    )


def skewness(numbers: NDArray[np.float64]) -> float:
    """The third standardised moment; 0 where all are alike."""
    away = numbers - numbers.mean()
    deviation = float(np.sqrt((away**2).mean()))
    return float(((away / deviation) ** 3).mean()) if deviation else 0.0


def _classes(column: pd.Series, rows: NDArray[np.int64]) -> Target:
    codes, values, note = _one_spelling(*as_texts(column))
    counts = np.bincount(codes, minlength=len(values))
    sizes = {str(name): int(count) for name, count in zip(values, counts, strict=True)}
    kept = in_order([name for name, count in sizes.items() if count >= MIN_CLASS])
    if len(kept) > MAX_CLASSES or (not kept and len(values) > 1):
        numbers = not np.isnan(as_numbers(column)).any()
        way = f"{_asked(TASKS[1])}, or another target" if numbers else "another target"
        raise ValueError(
            f"the target has {len(values)} different values, such as {listed(list(values[:3]))}: "
            f"classification takes at most {MAX_CLASSES} classes, each with at least {MIN_CLASS} "
            f"examples; use {way}"
        )
    if len(kept) < 2:
        only = quoted(kept[0] if kept else values[0])
        rest = f" with {MIN_CLASS} examples or more" if len(values) > 1 else ""
        raise ValueError(
            f"the target has only one class{rest}, {only}: classification needs two or more"
        )
    index = np.array([kept.index(name) if name in kept else -1 for name in sizes])[codes]
    report = {
        "classes": {name: sizes[name] for name in kept},
        "rare_classes": {name: count for name, count in sizes.items() if name not in kept},
    }
    used = index >= 0
    said = "; ".join(part for part in (note, _perhaps_missing(kept, sizes)) if part)
    return Target(rows[used], index[used], "classification", kept, report, said)


def _perhaps_missing(kept: tuple[str, ...], sizes: dict[str, int]) -> str:
    """What is to be said of a class whose name is mostly that of a missing value."""
    found = [name for name in kept if name.casefold() in OFTEN_MISSING]
    return "; ".join(
        f"{quoted(name)} is a class of {sizes[name]:,} rows: if it means missing, use "
        f"--missing={name}, or missing = [{quoted(name)}]"
        for name in found
    )


def _one_spelling(
    codes: NDArray[np.int64], texts: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[Any], str]:
    """Texts with one spelling for all that differ in capitals alone, if they have two letters.

    codes: (rows,) each row's place among the different texts, as those that are returned are.
    """
    sizes = np.bincount(codes, minlength=len(texts))
    counts = dict(zip(texts.tolist(), sizes.tolist(), strict=True))
    spelling: dict[str, str] = {}
    for text in sorted(counts, key=lambda text: (-counts[text], text)):
        spelling.setdefault(text.casefold() if len(text) > 1 else text, text)
    merged = {t: spelling[t.casefold() if len(t) > 1 else t] for t in counts}
    changed = [f'"{old}" as "{new}"' for old, new in merged.items() if old != new]
    if not changed:
        return codes, texts, ""
    places, fewer = pd.factorize(np.array([*merged.values()], dtype=object))
    return places[codes], fewer, f"read {', '.join(sorted(changed)[:5])}"


def in_order(names: list[str]) -> tuple[str, ...]:
    """Class names in their own order: numbers by value, texts by alphabet."""
    try:
        values = {name: float(name) for name in names}
    except ValueError:
        return tuple(sorted(names))
    if not all(map(math.isfinite, values.values())):
        return tuple(sorted(names))
    return tuple(sorted(names, key=lambda name: (values[name], name)))
