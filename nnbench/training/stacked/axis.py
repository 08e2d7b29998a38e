"""The cell axis: how cells that share a program are put beside each other."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from nnbench.study.study import Cell
from nnbench.training.protocol import Momenta

MIN_STACK = 2  # a stack of one runs other kernels, which may round otherwise


def padded(cells: Sequence[Cell], smallest: int = MIN_STACK) -> list[Cell]:
    """The cells, the last of them again where they are too few for a stack."""
    return [*cells, *[cells[-1]] * (smallest - len(cells))]


def stacked_numbers(
    cells: Sequence[Cell], places: Iterable[str], device: torch.device | None = None
) -> dict[str, Tensor]:
    """These fields of the cells' recipes, (cells,) float64 each."""
    return {
        place: torch.tensor(
            [cell.recipe[place] for cell in cells], dtype=torch.float64, device=device
        )
        for place in places
    }


def moved_numbers(
    numbers: Mapping[str, Tensor], momenta: Sequence[Momenta | None]
) -> dict[str, Tensor]:
    """The number of the optimizer that schedules of some cells move, (steps, cells), if any do.

    Of a cell whose schedule does not move it, its own of `numbers` is said again and again.
    """
    moved = next((one for one in momenta if one is not None), None)
    if moved is None:
        return {}
    own = numbers[moved.place]
    columns = [
        np.full(moved.values.shape, value) if one is None else one.values
        for one, value in zip(momenta, own.tolist(), strict=True)
    ]
    return {moved.place: torch.from_numpy(np.stack(columns, axis=1)).to(own.device)}
