"""The cell axis: how cells that share a program are put beside each other."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from nnbench.study.study import Cell

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
