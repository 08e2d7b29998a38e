"""Train a stack: one network's functions mapped over many. The only file with a cell axis.

The loss of a stack is the sum over cells of each cell's mean: `vmap` of one network's gradient is
just that, so no network's step depends on how many others there are.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.func import vmap
from torch.utils._pytree import tree_map

from nnbench.catalog.activations.registry import ACTIVATIONS
from nnbench.catalog.losses import LOSSES
from nnbench.catalog.norms import NORMS
from nnbench.catalog.optimizers.registry import OPTIMIZERS
from nnbench.lazy import load_now
from nnbench.results.rows import Rows
from nnbench.study.study import Cell
from nnbench.training.draws import EVALUATION, PARTS, Draws, Split, draw_key, split_for
from nnbench.training.protocol import (
    BLOCK_ROWS,
    PROBE_ROWS,
    Rates,
    Record,
    Scores,
    engine_name,
    score_of_task,
)
from nnbench.training.stacked.evaluate import evaluate_block, weight_statistics
from nnbench.training.stacked.network import (
    Network,
    Program,
    initial_params,
    initial_running,
    layout,
    program_of,
)
from nnbench.training.stacked.probes import probe, sharpness
from nnbench.training.stacked.step import start_optimizer, train_step

MIN_STACK = 2  # a stack of one runs other kernels, which round otherwise


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


def numbers_of(cells: Sequence[Cell], program: Program, device: torch.device) -> dict[str, Tensor]:
    """Return every number that the program reads, (cells,) float64 each."""
    names = ["dropout", "weight_decay", "l1", "clip_norm", "clip_value"]
    wanted = [name for name in names if getattr(program, name)]
    for factor, entry in (
        ("activation", ACTIVATIONS[program.activation]),
        ("norm", NORMS[program.norm]),
        ("loss", LOSSES[program.loss]),
        ("optimizer", OPTIMIZERS[program.optimizer]),
    ):
        wanted += [f"{factor}.{name}" for name, p in entry.parameters.items() if not p.program]
    return {
        name: torch.tensor(
            [cell.recipe[name] for cell in cells], dtype=torch.float64, device=device
        )
        for name in wanted
    }


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


def can_die(cell: Cell) -> bool:
    """Tell whether the cell's activation, with its own parameters, has a flat piece."""
    activation = ACTIVATIONS[str(cell.recipe["activation"])]
    return bool(activation.dead_regions(**cell.recipe.of("activation")))


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
        self.numbers = numbers_of(cells, self.program, device)
        self.can_die = torch.tensor([can_die(cell) for cell in cells], device=device)
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
        """Return the step with the new state copied over the old inside the program."""

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
        """Return every cell's loss and score on each part, and what its weights are like."""
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
        """Return the sum of squares of each cell's targets about their mean."""
        spread = [((s.y[part] - s.y[part].mean()) ** 2).sum() for s in self.data.splits]
        return np.array(spread)[self.data.which.cpu().numpy()]

    def probe(self, lr: Tensor, step: int, sharp: bool, correlation: bool) -> Probed:
        """Return every cell's statistics by layer; `lr` (cells,) and `step` of the next update."""
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


def train(
    cells: Sequence[Cell],
    *,
    compiled: bool = False,
    device: str = "cpu",
    on_progress: Callable[[float], None] = lambda share: None,
) -> Rows:
    """Train cells that share a program and return their rows.

    `on_progress` is told the share done after each epoch. A cell's rows depend on its recipe alone,
    and on `compiled`, which rounds otherwise.
    """
    # processes share the cores; and a kernel cut in two for two threads may round otherwise
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _train(cells, compiled, device, on_progress)
    finally:
        torch.set_num_threads(threads)


def _train(
    cells: Sequence[Cell], compiled: bool, device: str, on_progress: Callable[[float], None]
) -> Rows:
    began = time.perf_counter()
    padded = [*cells, *[cells[-1]] * (MIN_STACK - len(cells))]
    stack = Stack(padded, torch.device(device), compiled)
    split = stack.data.splits[0]
    recipe = cells[0].recipe
    epochs, batch_size = recipe["epochs"], recipe["batch_size"] or split.n_train
    steps = split.steps_per_epoch(batch_size)
    score = score_of_task(split.task)
    records = [Record(cell.cell_id, cell.recipe, score) for cell in padded]
    rates = [Rates(cell.recipe, steps) for cell in padded]
    going = list(range(len(padded)))  # the cells in the stack, by their place in `padded`

    watch = Watch(stack, records, rates, steps)
    watch.evaluate(going, 0, None)
    for epoch in range(epochs):
        going = _drop_finished(stack, going, records, compiled)
        if all(records[place].over for place in going):
            break
        block = np.stack([rates[place].epoch(epoch) for place in going], axis=1)
        trained = stack.train_epoch(torch.from_numpy(block).to(device), batch_size, epoch * steps)
        watch.evaluate(going, epoch + 1, trained)
        on_progress((epoch + 1) / epochs)

    seconds = (time.perf_counter() - began) / len(cells)
    engine = engine_name(compiled, device)
    shapes = list(layout(stack.program).values())
    kept = records[: len(cells)]
    return Rows(
        cells=[record.row(shapes, seconds, engine) for record in kept],
        curves=[curve for record in kept for curve in record.curves],
        layers=[row for record in kept for row in record.layers],
    )


class Watch:
    """Looks at a stack after each epoch and tells each cell's record what it saw."""

    def __init__(
        self, stack: Stack, records: Sequence[Record], rates: Sequence[Rates], steps: int
    ) -> None:
        self.stack, self.records, self.rates, self.steps = stack, records, rates, steps
        recipe = records[0].recipe
        self.every, self.epochs = recipe["probe_every"], recipe["epochs"]
        self.sharp, self.correlation = recipe["probe_sharpness"], recipe["probe_correlation"]

    def evaluate(
        self, going: Sequence[int], epoch: int, trained: tuple[Tensor, Tensor] | None
    ) -> None:
        """Take in the state after `epoch` epochs; `trained` has its losses and gradient norms."""
        first_bad: list[int | None] = [None] * len(going)
        mean_norms = [float("nan")] * len(going)
        if trained is not None:
            first_bad = first_not_finite(*trained)
            # one by one: torch's own mean over steps adds in an order that depends on the cells
            columns = trained[1].double().T.tolist()
            mean_norms = [sum(column) / len(column) for column in columns]
        last = max(epoch - 1, 0)  # the epoch whose rates were used last; the first, before any
        for column, (place, scores) in enumerate(zip(going, self.stack.evaluate(), strict=True)):
            record, rates = self.records[place], self.rates[place]
            bad = first_bad[column]
            if record.over:
                continue
            if bad is not None:
                record.diverged_at_step = last * self.steps + bad + 1
                continue
            lr = float(rates.epoch(last)[-1 if epoch else 0])
            record.add(epoch, epoch * self.steps, lr, mean_norms[column], scores)
            if epoch:
                rates.after_epoch(scores["val_loss"])
        if self.every and (epoch % self.every == 0 or epoch == self.epochs):
            self._probe(going, epoch)

    def _probe(self, going: Sequence[int], epoch: int) -> None:
        lr = [self._next_rate(place, epoch) for place in going]
        step = epoch * self.steps + 1
        rates = torch.tensor(lr, dtype=torch.float64, device=self.stack.data.device)
        probed = self.stack.probe(rates, step, self.sharp, self.correlation)
        for column, place in enumerate(going):
            record = self.records[place]
            if record.diverged_at_step is not None or record.ended_before(epoch):
                continue
            statistics = {name: value[column] for name, value in probed.statistics.items()}
            sharp = None if probed.sharpness is None else float(probed.sharpness[column])
            record.add_layers(epoch, epoch * self.steps, statistics, probed.dead[column], sharp)

    def _next_rate(self, place: int, epoch: int) -> float:
        """Return the rate of the update after `epoch` epochs; after the last, the last one's."""
        curve = self.records[place].curves
        if 0 < epoch == self.epochs and curve:
            return float(curve[-1]["lr"])
        return float(self.rates[place].epoch(epoch)[0])


def first_not_finite(losses: Tensor, grad_norms: Tensor) -> list[int | None]:
    """Return, for each cell, the first step (from 0) whose loss or gradient is not finite."""
    bad = ~(torch.isfinite(losses) & torch.isfinite(grad_norms))
    first = bad.to(torch.uint8).argmax(0).tolist()
    return [
        step if any_bad else None for step, any_bad in zip(first, bad.any(0).tolist(), strict=True)
    ]


def _drop_finished(
    stack: Stack, going: list[int], records: Sequence[Record], compiled: bool
) -> list[int]:
    """Take finished cells out once they are half of the stack; a compiled stack keeps its shape."""
    kept = [column for column, place in enumerate(going) if not records[place].over]
    if compiled or not MIN_STACK <= len(kept) <= len(going) // 2:
        return going
    stack.keep(kept)
    return [going[column] for column in kept]
