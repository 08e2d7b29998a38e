"""Train a stack, epoch by epoch, and tell each cell's record what came of it."""

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from nnbench.results.rows import Rows
from nnbench.study.study import Cell
from nnbench.training.protocol import Rates, Record, score_of_task
from nnbench.training.scores import JUDGED
from nnbench.training.stacked.axis import MIN_STACK, moved_numbers, padded
from nnbench.training.stacked.network import layout
from nnbench.training.stacked.stack import Stack
from nnbench.training.threads import one_thread


def train(
    cells: Sequence[Cell],
    *,
    device: str = "cpu",
    on_progress: Callable[[float], None] = lambda share: None,
) -> Rows:
    """Train cells that share a program and return their rows.

    `on_progress` is told the share done after each epoch. A cell's rows depend on its recipe alone.
    """
    return train_with(Stack, cells, device, on_progress)


@one_thread()
def train_with(
    make_stack: type[Stack],
    cells: Sequence[Cell],
    device: str,
    on_progress: Callable[[float], None],
) -> Rows:
    """Train cells in an engine's own kind of stack."""
    began = time.perf_counter()
    # probes are mapped whoever trains
    smallest = MIN_STACK if cells[0].recipe["probe_every"] else make_stack.smallest
    stacked = padded(cells, smallest)
    stack = make_stack(stacked, torch.device(device))
    split = stack.data.splits[0]
    recipe = cells[0].recipe
    epochs, batch_size = recipe["epochs"], recipe["batch_size"] or split.n_train
    steps = split.steps_per_epoch(batch_size)
    score = score_of_task(split.task)
    records = [
        Record(cell.cell_id, cell.recipe, score, stack.data.splits[place].one_valued)
        for cell, place in zip(stacked, stack.data.which.tolist(), strict=True)
    ]
    rates = [Rates(cell.recipe, steps) for cell in stacked]
    going = list(range(len(stacked)))  # the cells in training, by their place in `stacked`

    watch = Watch(stack, records, rates, steps)
    watch.evaluate(going, 0, None)
    for epoch in range(epochs):
        going = _drop_finished(stack, going, records, smallest)
        if all(records[place].over for place in going):
            break
        block = np.stack([rates[place].epoch(epoch) for place in going], axis=1)
        moved = moved_numbers(stack.numbers, [rates[place].momenta(epoch) for place in going])
        trained = stack.train_epoch(
            torch.from_numpy(block).to(device), batch_size, epoch * steps, moved
        )
        watch.evaluate(going, epoch + 1, trained)
        on_progress((epoch + 1) / epochs)

    seconds = (time.perf_counter() - began) / len(cells)
    engine = stack.engine_name
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
        self._score(going, epoch)
        if self.every and (epoch % self.every == 0 or epoch == self.epochs):
            self._probe(going, epoch)

    def _score(self, going: Sequence[int], epoch: int) -> None:
        """Take in what only the networks' outputs tell, of those whose result this may be."""
        wanted = [place for place in going if self.records[place].wants_further(epoch)]
        if not wanted:
            return
        outputs = {part: self.stack.outputs(part) for part in JUDGED}
        for column, place in enumerate(going):
            if place in wanted:
                split = self.stack.data.splits[int(self.stack.data.which[column])]
                of_network = {part: values[column] for part, values in outputs.items()}
                self.records[place].add_further(split, of_network)

    def _probe(self, going: Sequence[int], epoch: int) -> None:
        lr = [self._next_rate(place, epoch) for place in going]
        step = epoch * self.steps + 1
        rates = torch.tensor(lr, dtype=torch.float64, device=self.stack.data.device)
        # of the update that would come next; after the last, of that one
        ended = 0 < epoch == self.epochs
        momenta = [self.rates[place].momenta(epoch - ended) for place in going]
        moved = moved_numbers(self.stack.numbers, momenta)
        here = {name: values[-1 if ended else 0] for name, values in moved.items()}
        probed = self.stack.probe(rates, step, self.sharp, self.correlation, here)
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
    stack: Stack, going: list[int], records: Sequence[Record], smallest: int
) -> list[int]:
    """Take finished cells out of the stack once that is worth its while."""
    kept = [column for column, place in enumerate(going) if not records[place].over]
    most = min(len(going) - 1, int(len(going) * stack.shrinks_at))
    if not smallest <= len(kept) <= most:
        return going
    stack.keep(kept)
    return [going[column] for column in kept]
