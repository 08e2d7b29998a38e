"""A stack: one network's functions mapped over many.

The loss of a stack is the sum over cells of each cell's mean: `vmap` of one network's gradient is
just that, so no network's step depends on how many others there are.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.func import vmap
from torch.utils._pytree import tree_map

from nnbench.catalog.norms import NORMS
from nnbench.catalog.optimizers.registry import OPTIMIZERS
from nnbench.study.study import Cell
from nnbench.training.draws import BLOCK_ROWS, EVALUATION, blocks_of, split_for
from nnbench.training.protocol import PROBE_ROWS, Scores, can_die, score_of_task, stacked_name
from nnbench.training.splits import PARTS
from nnbench.training.stacked.axis import MIN_STACK, stacked_numbers
from nnbench.training.stacked.data import Data
from nnbench.training.stacked.descent import Numbers
from nnbench.training.stacked.evaluate import (
    evaluate_block,
    outputs_of_block,
    statistics_of_average,
    weight_statistics,
)
from nnbench.training.stacked.network import (
    Network,
    Program,
    initial_params,
    initial_running,
    number_names,
    program_of,
    split_numbers,
)
from nnbench.training.stacked.probes import probe, sharpness
from nnbench.training.stacked.step import start_optimizer, train_step

NOTHING: Numbers = {}


def start(cells: Sequence[Cell], program: Program, data: Data, device: torch.device) -> Network:
    """Return the stack's networks before training: every leaf has a leading cell axis."""
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

    smallest = MIN_STACK
    shrinks_at = 0.5  # of its cells still in training: from then on it is worth its while

    def __init__(self, cells: Sequence[Cell], device: torch.device) -> None:
        self.program = program_of(cells[0].recipe, split_for(cells[0].recipe))
        self.data = Data(cells, self.program, device)
        self.numbers = stacked_numbers(cells, number_names(self.program), device)
        self.numbers |= self.data.numbers(split_numbers(self.program))
        self.can_die = torch.tensor([can_die(cell.recipe) for cell in cells], device=device)
        self.network = start(cells, self.program, self.data, device)
        self._step = vmap(
            partial(train_step, self.program), in_dims=(0, 0, 0, None, 0, 0, 0), randomness="error"
        )
        self._evaluate = vmap(partial(evaluate_block, self.program))

    @property
    def engine_name(self) -> str:
        """The engine as the tables name it: it is part of a result's numerics."""
        return stacked_name(self.data.device.type)

    def train_epoch(
        self, rates: Tensor, batch_size: int, done: int, moved: Numbers = NOTHING
    ) -> tuple[Tensor, Tensor]:
        """Train one epoch; return each step's loss and gradient norm, (steps, cells) each.

        `rates` is (steps, cells) float64, and so are the numbers of the optimizer that are `moved`
        with them; `done` counts the steps before this epoch.
        """
        order = self.data.next_orders()
        losses, grad_norms = [], []
        for number, lr in enumerate(rates):
            index = order[:, number * batch_size : (number + 1) * batch_size]
            x, y = self.data.rows("train", index)
            noise = self.data.next_noise(self.program, index.shape[1])
            step = torch.tensor(done + number + 1, dtype=torch.float64, device=x.device)
            numbers = self.numbers
            if moved:
                numbers = numbers | {name: values[number] for name, values in moved.items()}
            self.network, measured = self._step(self.network, numbers, lr, step, x, y, noise)
            losses.append(measured.loss)
            grad_norms.append(measured.grad_norm)
        return torch.stack(losses), torch.stack(grad_norms)

    def evaluate(self) -> list[Scores]:
        """Return every cell's loss and score on each part, and what its weights are like."""
        columns: dict[str, np.ndarray[Any, Any]] = {}
        network = self._as_evaluated()
        score = score_of_task(self.data.splits[0].task)
        for part in PARTS:
            loss, total = self._sums(network, part)
            n = self.data.n[part]
            columns[f"{part}_loss"] = loss / self._weight(part)
            if score == "accuracy":
                columns[f"{part}_accuracy"] = total / n
            else:
                with np.errstate(divide="ignore", invalid="ignore"):  # diverged, or one value
                    columns[f"{part}_r2"] = 1 - total / self._spread(part)
        columns |= self._statistics(network)
        return [
            {name: float(values[cell]) for name, values in columns.items()}
            for cell in range(len(self.data.which))
        ]

    def outputs(self, part: str) -> np.ndarray[Any, Any]:
        """Return every cell's outputs (cells, rows, outputs) for a part, without noise."""
        network, numbers, which = Stack._as_evaluated(self), self.numbers, self.data.which
        if alone := len(which) == 1:  # one network alone runs other kernels than several
            pair = torch.zeros(2, dtype=torch.int64, device=self.data.device)
            network, numbers = (
                tree_map(lambda leaf: leaf.index_select(0, pair), tree)
                for tree in (network, numbers)
            )
            which = which.index_select(0, pair)
        mapped = vmap(partial(outputs_of_block, self.program))
        x = self.data.x[part].reshape(len(self.data.splits), self.data.n[part], -1)[which]
        blocks = [
            mapped(network, numbers, x[:, first : first + BLOCK_ROWS])
            for first in range(0, self.data.n[part], BLOCK_ROWS)
        ]
        found = torch.cat(blocks, dim=1).cpu().double().numpy()
        return np.asarray(found[:1] if alone else found)

    def _as_evaluated(self) -> Network:
        """Return the networks with running statistics of the weights that are evaluated."""
        program, network = self.program, self.network
        averages = OPTIMIZERS[program.optimizer].evaluated is not None
        if not averages or not NORMS[program.norm].running or program.evaluation == "train":
            return network
        mapped = vmap(partial(statistics_of_average, program), in_dims=(0, 0, None, 0))
        start = initial_running(program)
        running = {name: start[name].expand_as(old) for name, old in network.running.items()}
        for number, rows in enumerate(blocks_of(self.data.n["train"]), start=1):
            index = torch.as_tensor(rows, device=self.data.device)
            x, _ = self.data.rows("train", index.expand(len(self.data.splits), -1))
            share = torch.tensor(1 / number, dtype=torch.float64, device=x.device)
            running = mapped(network._replace(running=running), self.numbers, share, x)
        return network._replace(running=running)

    def _sums(
        self, network: Network, part: str
    ) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        loss = score = torch.zeros((), dtype=torch.float64, device=self.data.device)
        n, repeats = self.data.n[part], len(self.data.splits)
        for first in range(0, n, BLOCK_ROWS):
            index = torch.arange(first, min(first + BLOCK_ROWS, n), device=self.data.device)
            x, y = self.data.rows(part, index.expand(repeats, -1))
            in_training = self.program.evaluation == "train"
            noise = (
                self.data.next_noise(self.program, len(index), EVALUATION) if in_training else {}
            )
            sums = self._evaluate(network, self.numbers, x, y, noise)
            loss = loss + sums.loss.double()
            score = score + sums.score.double()
        return loss.cpu().numpy(), score.cpu().numpy()

    def _statistics(self, network: Network) -> dict[str, np.ndarray[Any, Any]]:
        statistics = vmap(partial(weight_statistics, self.program))(network, self.numbers)
        return {name: value.cpu().numpy() for name, value in statistics.items()}

    def _weight(self, part: str) -> Any:
        """Return what the rows of a part weigh in its loss: their number, or (cells,)."""
        if not self.program.class_weight:
            return self.data.n[part]
        weights = [split.class_weights[split.y[part]].sum() for split in self.data.splits]
        return np.array(weights)[self.data.which.cpu().numpy()]

    def _spread(self, part: str) -> np.ndarray[Any, Any]:
        """Return the sum of squares of each cell's targets about their mean."""
        spread = [split.spread(part) for split in self.data.splits]
        return np.array(spread)[self.data.which.cpu().numpy()]

    def probe(
        self, lr: Tensor, step: int, sharp: bool, correlation: bool, moved: Numbers = NOTHING
    ) -> Probed:
        """Return every cell's statistics by layer.

        `lr`, `step` and what is `moved` with the rate, (cells,) each, are of the next update.
        """
        rows = torch.arange(min(PROBE_ROWS, self.data.n["train"]), device=self.data.device)
        x, y = self.data.rows("train", rows.expand(len(self.data.splits), -1))
        at = torch.tensor(step, dtype=torch.float64, device=x.device)
        one = partial(probe, self.program, correlation=correlation)
        mapped = vmap(one, in_dims=(0, 0, 0, 0, None, 0, 0))
        numbers = self.numbers | dict(moved)
        statistics, dead = mapped(self.network, numbers, self.can_die, lr, at, x, y)
        return Probed(
            {name: value.cpu().numpy() for name, value in statistics.items()},
            dead.cpu().numpy(),
            self._sharpness() if sharp else None,
        )

    def _sharpness(self) -> np.ndarray[Any, Any]:
        """Return every cell's largest curvature over the whole training part."""
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
