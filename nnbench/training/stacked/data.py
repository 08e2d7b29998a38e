"""What a stack trains on: every distinct repeat's data, batches and noise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nnbench.catalog.activations.registry import ACTIVATIONS
from nnbench.study.study import Cell
from nnbench.training.draws import Draws, Split, draw_key, split_for
from nnbench.training.splits import PARTS
from nnbench.training.stacked.network import Program

# what a program may read of a cell's split, float64
NUMBERS: Mapping[str, Callable[[Split], Any]] = {
    "class_weight": lambda split: split.class_weights,
    "target_shift": lambda split: np.float64(split.shift),
    "target_unit": lambda split: np.float64(split.unit),
}


class Data:
    """The parts of every distinct repeat in a stack, and which of them each cell has.

    `x[part]` is (repeats * examples, features): a cell's rows are picked by one index.
    """

    def __init__(self, cells: Sequence[Cell], program: Program, device: torch.device) -> None:
        keys = {draw_key(cell.recipe): cell.recipe for cell in cells}
        place = {key: number for number, key in enumerate(keys)}
        self.splits: list[Split] = [split_for(recipe) for recipe in keys.values()]
        self.draws = [Draws(recipe) for recipe in keys.values()]
        self.which = torch.tensor([place[draw_key(cell.recipe)] for cell in cells], device=device)
        self.n = {part: len(self.splits[0].x[part]) for part in PARTS}
        self.x = {part: self._stacked(part, program, device) for part in PARTS}
        self.y = {part: self._targets(part, program, device) for part in PARTS}
        self.device = device

    def numbers(self, names: Sequence[str]) -> dict[str, Tensor]:
        """Return what follows from each cell's split, (cells, ...) float64 each."""
        return {
            name: torch.tensor(
                np.stack([NUMBERS[name](split) for split in self.splits]), device=self.device
            )[self.which]
            for name in names
        }

    def _stacked(self, part: str, program: Program, device: torch.device) -> Tensor:
        x = np.concatenate([split.x[part] for split in self.splits])
        return torch.tensor(x, dtype=program.torch_dtype, device=device)

    def _targets(self, part: str, program: Program, device: torch.device) -> Tensor:
        y = np.concatenate([split.targets(part, program.target) for split in self.splits])
        dtype = torch.int64 if program.target == "class" else program.torch_dtype
        return torch.tensor(y, dtype=dtype, device=device)

    def rows(self, part: str, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return x (cells, batch, features) and y of the rows `index` (repeats, batch)."""
        start = self.n[part] * torch.arange(len(self.splits), device=self.device)
        flat = (index + start[:, None])[self.which].reshape(-1)
        shape = (len(self.which), index.shape[1])
        x, y = self.x[part].index_select(0, flat), self.y[part].index_select(0, flat)
        return x.reshape(*shape, *x.shape[1:]), y.reshape(*shape, *y.shape[1:])

    def next_orders(self) -> Tensor:
        """Return every repeat's order of the training examples (repeats, n) for an epoch."""
        return torch.stack([d.next_order(self.n["train"]) for d in self.draws]).to(self.device)

    def next_noise(self, program: Program, batch: int, purpose_of: str = "{}") -> dict[str, Tensor]:
        """Return the next noise by what it is for and layer, (cells, batch, units) each."""
        drawn = {"dropout": program.dropout, "activation": ACTIVATIONS[program.activation].random}
        return {
            f"{purpose}/{layer}": torch.stack(
                [
                    draws.next_noise(purpose_of.format(purpose), layer, batch, program.width)
                    for draws in self.draws
                ]
            ).to(self.device)[self.which]
            for purpose, wanted in drawn.items()
            if wanted
            for layer in range(program.depth)
        }
