"""Make cells in one line, train them whatever their programs, and compare what two runs say."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from nnbench.catalog import DATA, VOCABULARY
from nnbench.results.rows import Rows
from nnbench.study.reading import make_study
from nnbench.study.recipe import Recipe
from nnbench.study.study import Cell
from nnbench.study.vocabulary import Entry, Parameter
from nnbench.training.draws import Draws, Split
from nnbench.training.plan import program_key
from nnbench.training.reference import train as reference
from nnbench.training.reference.train import train_cell
from nnbench.training.stacked.train import train

BUILD = reference.build
EXAMPLES = 60  # 36 of them to train on: batches of 10, 10, 10 and a ragged 6
SMALL: Mapping[str, Any] = {
    "data": {"name": "moons", "n": EXAMPLES},
    "width": 7,
    "epochs": 5,
    "batch_size": 10,
    "dtype": "float64",
    "seeds": 1,
}
ABOUT_THE_RUN = ("seconds", "engine")  # what a row says of the run rather than of the network


def make_cells(*, document: Mapping[str, Any] | None = None, **grid: Any) -> list[Cell]:
    """Return the cells of a small float64 grid on 60 half moons, changed by `grid`.

    `document` has what else the study says, such as its name or its probes.
    """
    content = {"name": "test", "grid": {**SMALL, **grid}, **(document or {})}
    return make_study(content, VOCABULARY).cells()


def train_all(cells: Sequence[Cell], **options: Any) -> Rows:
    """Train cells that may differ in their programs, one stack for each program."""
    stacks: defaultdict[tuple[Any, ...], list[Cell]] = defaultdict(list)
    for cell in cells:
        stacks[program_key(cell)].append(cell)
    return joined(train(stack, **options) for stack in stacks.values())


def train_by_reference(cells: Sequence[Cell]) -> Rows:
    """Train cells one by one in plain torch."""
    return joined(train_cell(cell) for cell in cells)


def joined(parts: Iterable[Rows]) -> Rows:
    """Return the rows of several trainings as one."""
    rows = Rows()
    for part in parts:
        rows.cells += part.cells
        rows.curves += part.curves
        rows.layers += part.layers
    return rows


def by_cell(rows: Rows) -> dict[str, list[dict[str, Any]]]:
    """Return each cell's rows by its id: its own row first, then its curve."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows.cells:
        network = {key: value for key, value in row.items() if key not in ABOUT_THE_RUN}
        found[row["cell_id"]] = [network]
    for row in rows.curves:
        found[row["cell_id"]].append(row)
    return found


def exactly(rows: Rows) -> dict[str, str]:
    """Return each cell's rows, probes included, as text that tells every bit of every number."""
    found = by_cell(rows)
    for row in rows.layers:
        found[row["cell_id"]].append(row)
    return {cell_id: repr(rows_of_cell) for cell_id, rows_of_cell in found.items()}


def disagreements(cells: Sequence[Cell], tolerance: float = 1e-9) -> list[str]:
    """Say where the stacked engine and the reference differ by more than a relative `tolerance`."""
    return differences(by_cell(train_all(cells)), by_cell(train_by_reference(cells)), tolerance)


def real_disagreements(cells: Sequence[Cell], tolerance: float = 1e-9) -> list[str]:
    """Say the same, but for cells that no two correct programs can agree on."""
    found = disagreements(cells, tolerance)
    blamed = {complaint.split(maxsplit=1)[0] for complaint in found}
    lost = chaotic([cell for cell in cells if cell.cell_id in blamed])
    return [complaint for complaint in found if complaint.split(maxsplit=1)[0] not in lost]


def chaotic(cells: Sequence[Cell], nudges: int = 8) -> set[str]:
    """Return the cells on which plain torch disagrees with itself after some nudge of 1e-15.

    Such a recipe grows rounding a hundred-thousandfold: a sine of a million, say, or BatchNorm on
    units that are all alike. The engine has no part in the judgement.
    """
    plain = by_cell(train_by_reference(cells))
    found = set()
    for nudge in range(nudges):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reference, "build", partial(nudged_build, nudge))
            nudged = by_cell(train_by_reference(cells))
        found |= {
            cell_id
            for cell_id, rows in plain.items()
            if differences({cell_id: nudged[cell_id]}, {cell_id: rows}, 1e-10)
        }
    return found


def nudged_build(nudge: int, recipe: Recipe, split: Split, draws: Draws) -> torch.nn.Module:
    """Build a recipe's network and move each of its parameters by about 1e-15."""
    network = BUILD(recipe, split, draws)
    generator = torch.Generator().manual_seed(nudge)
    with torch.no_grad():
        for param in network.parameters():
            noise = torch.randn(param.shape, generator=generator, dtype=param.dtype)
            param.add_(1e-15 * noise)
    return network


def differences(
    found: Mapping[str, list[dict[str, Any]]],
    wanted: Mapping[str, list[dict[str, Any]]],
    tolerance: float,
) -> list[str]:
    """Say where two runs' rows, by cell, differ by more than a relative `tolerance`."""
    assert found.keys() == wanted.keys()
    complaints = []
    for cell_id, rows in wanted.items():
        if len(found[cell_id]) != len(rows):
            complaints.append(f"{cell_id} has {len(found[cell_id])} rows for {len(rows)}")
        for mine, other in zip(found[cell_id], rows, strict=False):
            place = f"{cell_id} epoch {mine.get('epoch', 'last')}"
            complaints += [
                f"{place}: {key} is {mine.get(key)!r} for {value!r}"
                for key, value in other.items()
                if not alike(mine.get(key), value, tolerance, size_of(key, other))
            ]
    return complaints


def size_of(key: str, row: Mapping[str, Any]) -> float:
    """Return the size of the numbers that a number was computed from."""
    if key == "loss_gap":  # a difference, which may be far smaller than its parts
        return max(abs(row["train_loss"]), abs(row["test_loss"]))
    return 1e-3


def alike(mine: Any, other: Any, tolerance: float, size: float) -> bool:
    """Tell whether two values are equal, both NaN, or floats within a relative tolerance.

    Numbers far below `size` may differ by that tolerance of `size`.
    """
    if isinstance(mine, float) and isinstance(other, float):
        both_nan = math.isnan(mine) and math.isnan(other)
        return both_nan or math.isclose(mine, other, rel_tol=tolerance, abs_tol=tolerance * size)
    return type(mine) is type(other) and bool(mine == other)


def variants(name: str, entry: Entry) -> list[dict[str, Any]]:
    """Return the tables of an entry: as it stands, and with every parameter at another value."""
    other = {key: other_value(about) for key, about in entry.parameters.items()}
    changed = {key: value for key, value in other.items() if value is not None}
    return [{"name": name}] if not changed else [{"name": name}, {"name": name, **changed}]


def small_data(name: str, folder: Path | None = None) -> dict[str, Any]:
    """Return the table of a data set, with few examples where it takes their number.

    A data set that is the user's own file is written to `folder`.
    """
    entry = DATA[name]
    if entry.reader is None:
        return {"name": name, "n": EXAMPLES} if "n" in entry.parameters else {"name": name}
    assert folder is not None
    generator = np.random.default_rng(0)
    table = pd.DataFrame(generator.standard_normal((EXAMPLES, 3)), columns=["a", "b", "c"])
    table["kind"] = generator.choice(["red", "green"], EXAMPLES)
    table["label"] = np.where(table["a"] + table["b"] > 0, "yes", "no")
    path = folder / f"table.{name}"
    getattr(table, f"to_{name}")(path, index=False)
    return {name: str(path), "target": "label"}


def other_value(parameter: Parameter) -> Any:
    """Return an allowed value near the default as a study file has it; None where none is known."""
    for value in _candidates(parameter):
        try:
            accepted = parameter.accept(value)
        except ValueError:
            continue
        if accepted != parameter.default:
            return [value] if isinstance(value, list) else value
    return None


def _candidates(parameter: Parameter) -> list[Any]:
    default = parameter.default
    if parameter.registry:
        return []
    if parameter.choices:
        return list(parameter.choices)
    if parameter.flag or isinstance(default, bool):
        return [not default]
    if isinstance(default, tuple):
        return [list(range(1, len(default) + 1))]
    if parameter.whole or isinstance(default, int):
        return [2, 3]
    if default is None:
        return [0.5, 2.0]
    if isinstance(default, str):
        return []
    return [0.7 * default, 1.3 * default, default + 0.1, default - 0.1]
