"""A stack: one network's functions mapped over many.

The loss of a stack is the sum over cells of each cell's mean: `vmap` of one network's gradient is
just that, so no network's step depends on how many others there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.func import vmap
from torch.utils._pytree import tree_map

from nnbench.lazy import load_now
from nnbench.study.study import Cell
from nnbench.training.draws import EVALUATION, PARTS, split_for
from nnbench.training.protocol import BLOCK_ROWS, PROBE_ROWS, Scores, can_die, score_of_task
from nnbench.training.stacked.axis import stacked_numbers
from nnbench.training.stacked.data import Data
from nnbench.training.stacked.evaluate import evaluate_block, weight_statistics
from nnbench.training.stacked.network import (
    Network,
    Program,
    initial_params,
    initial_running,
    number_names,
    program_of,
)
from nnbench.training.stacked.probes import probe, sharpness
from nnbench.training.stacked.step import start_optimizer, train_step


def start(cells: Sequence[Cell], program: Program, data: Data, device: torch.device) -> Network:
    """The stack's networks before training: every leaf has a leading cell axis."""
    params = torch.stack(
        [
            initial_params(program, cell.recipe, data.draws[place])
            for cell, place in zip(cells, data.which.tolist(), strict=True)
        ]
    ).to(device)
    running = {
        name: value.to(device).expand(len(cells), -1).clone()
        for name, value in initial_running(program).items()
    }
    optimizer = vmap(partial(start_optimizer, program))(params)
    return Network(params, running, optimizer)


class Probed(NamedTuple):
    """What probes saw of a stack."""

    statistics: dict[str, np.ndarray[Any, Any]]  # (cells, layers) each
    dead: np.ndarray[Any, Any]  # (cells, layers, units)
    sharpness: np.ndarray[Any, Any] | None  # (cells,)


class Stack:
    """A stack in training: its networks, its numbers, and the mapped functions."""

    def __init__(self, cells: Sequence[Cell], device: torch.device, compiled: bool) -> None:
        load_now("torch")  # the compiler must find torch itself in the catalogue's files
        self.program = program_of(cells[0].recipe, split_for(cells[0].recipe))
        self.data = Data(cells, self.program, device)
        self.numbers = stacked_numbers(cells, number_names(self.program), device)
        self.can_die = torch.tensor([can_die(cell.recipe) for cell in cells], device=device)
        self.network = start(cells, self.program, self.data, device)
        self._step = vmap(
            partial(train_step, self.program), in_dims=(0, 0, 0, None, 0, 0, 0), randomness="error"
        )
        self._evaluate = vmap(partial(evaluate_block, self.program))
        self._compiled = compiled
        if compiled:
            self._step = torch.compile(self._in_place(self._step), fullgraph=True, dynamic=False)

    @staticmethod
    def _in_place(step: Callable[..., Any]) -> Callable[..., Any]:
        """The step with the new state copied over the old inside the program."""

        def in_place(network: Network, *rest: Any) -> tuple[Network, Any]:
            new, measured = step(network, *rest)
            tree_map(lambda old, value: old.copy_(value), network, new)
            return network, measured

        return in_place

    def train_epoch(self, rates: Tensor, batch_size: int, done: int) -> tuple[Tensor, Tensor]:
        """Train one epoch; return each step's loss and gradient norm, (steps, cells) each.

        `rates` is (steps, cells) float64; `done` counts the steps before this epoch.
        """
        order = self.data.next_orders()
        losses, grad_norms = [], []
        for number, lr in enumerate(rates):
            index = order[:, number * batch_size : (number + 1) * batch_size]
            x, y = self.data.rows("train", index)
            noise = self.data.next_noise(self.program, index.shape[1])
            step = torch.tensor(done + number + 1, dtype=torch.float64, device=x.device)
            self.network, measured = self._step(self.network, self.numbers, lr, step, x, y, noise)
            losses.append(measured.loss)
            grad_norms.append(measured.grad_norm)
        return torch.stack(losses), torch.stack(grad_norms)

    def evaluate(self) -> list[Scores]:
        """Every cell's loss and score on each part, and what its weights are like."""
        columns: dict[str, np.ndarray[Any, Any]] = {}
        score = score_of_task(self.data.splits[0].task)
        for part in PARTS:
            loss, total = self._sums(part)
            n = self.data.n[part]
            columns[f"{part}_loss"] = loss / n
            if score == "accuracy":
                columns[f"{part}_accuracy"] = total / n
            else:
                columns[f"{part}_r2"] = 1 - total / self._spread(part)
        statistics = vmap(partial(weight_statistics, self.program))(self.network, self.numbers)
        columns |= {name: value.cpu().numpy() for name, value in statistics.items()}
        return [
            {name: float(values[cell]) for name, values in columns.items()}
            for cell in range(len(self.data.which))
        ]

    def _sums(self, part: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        loss = score = torch.zeros((), dtype=torch.float64, device=self.data.device)
        n, repeats = self.data.n[part], len(self.data.splits)
        for first in range(0, n, BLOCK_ROWS):
            index = torch.arange(first, min(first + BLOCK_ROWS, n), device=self.data.device)
            x, y = self.data.rows(part, index.expand(repeats, -1))
            in_training = self.program.evaluation == "train"
            noise = (
                self.data.next_noise(self.program, len(index), EVALUATION) if in_training else {}
            )
            sums = self._evaluate(self.network, self.numbers, x, y, noise)
            loss = loss + sums.loss.double()
            score = score + sums.score.double()
        return loss.cpu().numpy(), score.cpu().numpy()

    def _spread(self, part: str) -> np.ndarray[Any, Any]:
        """The sum of squares of each cell's targets about their mean."""
        spread = [((s.y[part] - s.y[part].mean()) ** 2).sum() for s in self.data.splits]
        return np.array(spread)[self.data.which.cpu().numpy()]

    def probe(self, lr: Tensor, step: int, sharp: bool, correlation: bool) -> Probed:
        """Every cell's statistics by layer; `lr` (cells,) and `step` of the next update."""
        rows = torch.arange(min(PROBE_ROWS, self.data.n["train"]), device=self.data.device)
        x, y = self.data.rows("train", rows.expand(len(self.data.splits), -1))
        at = torch.tensor(step, dtype=torch.float64, device=x.device)
        one = partial(probe, self.program, correlation=correlation)
        mapped = vmap(one, in_dims=(0, 0, 0, 0, None, 0, 0))
        statistics, dead = mapped(self.network, self.numbers, self.can_die, lr, at, x, y)
        return Probed(
            {name: value.cpu().numpy() for name, value in statistics.items()},
            dead.cpu().numpy(),
            self._sharpness() if sharp else None,
        )

    def _sharpness(self) -> np.ndarray[Any, Any]:
        """Every cell's largest curvature over the whole training part."""
        rows = torch.arange(self.data.n["train"], device=self.data.device)
        x, y = self.data.rows("train", rows.expand(len(self.data.splits), -1))
        count = self.network.params.shape[1]
        starts = torch.stack([draws.init_noise("lanczos", count) for draws in self.data.draws])
        start = starts.to(self.network.params)[self.data.which]
        mapped = vmap(partial(sharpness, self.program))
        return np.asarray(mapped(self.network, self.numbers, start, x, y).cpu())

    def keep(self, places: Sequence[int]) -> None:
        """Go on with some of the cells only."""
        index = torch.tensor(places, device=self.data.device)

        def pick(leaf: Tensor) -> Tensor:
            return leaf.index_select(0, index)

        self.network = tree_map(pick, self.network)
        self.numbers = tree_map(pick, self.numbers)
        self.can_die = pick(self.can_die)
        self.data.which = pick(self.data.which)
