"""What a landscape study's report draws walks over: heights on a grid, minima, formulas.

Written by the run, so that the report needs no torch.
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from nnbench.catalog.landscapes import LANDSCAPES, height, minima_of
from nnbench.lazy import torch
from nnbench.study.recipe import Recipe
from nnbench.study.study import Cell

FILE = "landscapes.json"
ALONG_CURVE = 401  # points of a curve
ALONG_SIDE = 81  # points of a side of a map
DIGITS = 6  # significant ones of a height


def landscape_files(cells: Sequence[Cell]) -> dict[str, bytes]:
    """Return the file that has every landscape of these cells, by the label in their `data`."""
    recipes = {str(cell.recipe["data"]): cell.recipe for cell in cells}
    content = {label: landscape_of(recipe) for label, recipe in recipes.items()}
    return {FILE: f"{json.dumps(content)}\n".encode()}


def landscape_of(recipe: Recipe) -> dict[str, Any]:
    """Return one landscape: `axes` has the coordinates, `heights` is by x, or by y and then x."""
    entry = LANDSCAPES[recipe["landscape"]]
    count = ALONG_CURVE if entry.dims == 1 else ALONG_SIDE
    axes = [np.linspace(low, high, count) for low, high in entry.domain]
    grid = np.stack(np.meshgrid(*axes), axis=-1)
    parameters = recipe.of("landscape")
    heights = height(
        recipe["landscape"], parameters, torch.from_numpy(grid.reshape(-1, entry.dims))
    )
    return {
        "summary": entry.summary,
        "formula": entry.formula,
        "dims": entry.dims,
        "axes": [_short(axis) for axis in axes],
        "heights": _short(heights.reshape(grid.shape[:-1]).numpy()),
        "minima": [list(minimum) for minimum in minima_of(recipe)],
        "starts": [list(side) for side in entry.starts],
    }


def _short(values: Any) -> Any:
    """Return numbers as nested lists, rounded to `DIGITS` significant digits."""
    if values.ndim > 1:
        return [_short(row) for row in values]
    return [float(f"{value:.{DIGITS}g}") for value in values]
