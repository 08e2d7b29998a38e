"""Train a stack with compiled programs: the same protocol, the same draws, another arithmetic.

The networks' state lies in memory as the mapped engine has it, so probes look at it with that
engine's own functions. Each network is trained by itself, so its bits depend on no other.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from nnbench.catalog.optimizers.registry import OPTIMIZERS
from nnbench.results.rows import Rows as ResultRows
from nnbench.study.study import Cell
from nnbench.training.draws import EVALUATION, blocks_of
from nnbench.training.native.choice import native_name
from nnbench.training.native.drive import Call, Rows, Slot, drive
from nnbench.training.native.parts import Part, noise_purposes, parts_of
from nnbench.training.native.programs import function, library, runtime
from nnbench.training.native.trace import leaves
from nnbench.training.splits import PARTS
from nnbench.training.stacked.descent import Numbers
from nnbench.training.stacked.network import Network, initial_running
from nnbench.training.stacked.stack import NOTHING, Stack
from nnbench.training.stacked.train import train_with

ROWS_AT_ONCE = 64  # of an evaluation, so that a block stays in the cache; a sum depends on it
MOST_NOISE = 1 << 25  # bytes of noise drawn ahead


class NativeStack(Stack):
    """A stack whose networks are trained one after the other, each for an epoch."""

    smallest = 1
    shrinks_at = 1.0  # a network that is over leaves at once

    def __init__(self, cells: Sequence[Cell], device: torch.device) -> None:
        super().__init__(cells, device)
        self.network = tree_map(
            lambda leaf: leaf.clone(memory_format=torch.contiguous_format), self.network
        )
        self.parts = parts_of(self.program)
        self.well = list(range(len(cells)))  # the networks that have not diverged in this epoch
        runtime()
        for part in self.parts.values():
            library(part)  # whatever may fail does so before any training
        if self.program.target == "class":
            _check_classes(self)

    @property
    def engine_name(self) -> str:
        """The engine as the tables name it: it is part of a result's numerics."""
        return native_name()

    # ----------------------------------------------------------------------------------- training

    def train_epoch(
        self, rates: Tensor, batch_size: int, done: int, moved: Numbers = NOTHING
    ) -> tuple[Tensor, Tensor]:
        """Train one epoch; return each step's loss and gradient norm, (steps, cells) each.

        After a step that is not finite a network's numbers are NaN: it is trained no further.
        """
        steps, count = rates.shape
        n = self.data.n["train"]
        order = self.data.next_orders() + n * torch.arange(len(self.data.splits))[:, None]
        measured = torch.full((2, steps, count), math.nan, dtype=self.program.torch_dtype)
        self.well = list(range(count))
        at_once = self._steps_at_once(batch_size)
        for first in range(0, steps, at_once):
            last = min(first + at_once, steps)
            rows = order[:, first * batch_size : min(last * batch_size, n)]
            here = Rows(rows.shape[1], batch_size, last - first, rows)
            part = {name: values[first:last] for name, values in moved.items()}
            self._train_steps(here, rates[first:last], done + first, measured[:, first:last], part)
            bad = ~torch.isfinite(measured[:, last - 1]).all(0)
            self.well = [place for place in self.well if not bad[place]]
        return measured[0], measured[1]

    def _steps_at_once(self, batch_size: int) -> int:
        of_step = 4 * batch_size * self.program.width * self.program.depth * len(self.data.splits)
        purposes = len(noise_purposes(self.program))
        return max(1, MOST_NOISE // max(1, of_step * purposes)) if purposes else 1 << 40

    def _train_steps(
        self, rows: Rows, rates: Tensor, done: int, measured: Tensor, moved: Numbers
    ) -> None:
        network, count = self.network, rates.shape[1]
        params = Slot.of_network(network.params)
        running, optimizer = (
            [Slot.of_network(leaf) for leaf in leaves(state)]
            for state in (network.running, network.optimizer)
        )
        gradient = Slot(torch.empty(network.params.shape[1], dtype=network.params.dtype))
        loss, norm = (Slot(one, network=1, step=one.stride(0)) for one in measured)
        noise = self._noise_slots(noise_purposes(self.program), "{}", rows)
        x, y = (Slot(self._data(name)["train"], gathered=True) for name in "xy")
        by_step = {
            name: Slot(values.contiguous(), network=1, step=count) for name, values in moved.items()
        }
        rates = rates.contiguous()
        times = torch.arange(done + 1, done + len(rates) + 1, dtype=torch.float64)
        step = Call(
            function(self.parts["gradient"], "gradient"),
            [
                *(params, *running, *self._numbers(self.parts["gradient"])),
                *(x, y, *noise, gradient, loss, norm),
            ],
        )
        update = Call(
            function(self.parts["update"], "update"),
            [
                *(params, *optimizer, gradient),
                *self._numbers(self.parts["update"], by_step),
                *(Slot(rates, network=1, step=count), Slot(times, step=1)),
            ],
        )
        size = network.params.shape[1]
        drive(self.well, self.data.which, rows, step, update, size, watched=[loss, norm])

    def _numbers(
        self, part: Part, by_step: Mapping[str, Slot] = MappingProxyType({})
    ) -> list[Slot]:
        names = sorted(part.numbers)
        return [by_step.get(name) or Slot.of_network(self.numbers[name]) for name in names]

    def _data(self, name: str) -> dict[str, Tensor]:
        return self.data.x if name == "x" else self.data.y

    def _noise_slots(self, purposes: Sequence[str], of: str, rows: Rows) -> list[Slot]:
        """The next noise of each purpose and layer, for all of these rows."""
        width = self.program.width
        slots = []
        for purpose in sorted(purposes):
            for layer in sorted(range(self.program.depth), key=str):
                noise = torch.stack(
                    [
                        draws.next_noise(of.format(purpose), layer, rows.count, width)
                        for draws in self.data.draws
                    ]
                )
                slots.append(Slot(noise, repeat=noise.stride(0), step=rows.batch * width))
        return slots

    # --------------------------------------------------------------------------------- evaluation

    def _as_evaluated(self) -> Network:
        """The networks with the parameters and running statistics that are evaluated."""
        network = self.network._replace(params=self._average())
        part = self.parts.get("recount")
        if part is None:
            return network
        count, n = len(network.params), self.data.n["train"]
        running = {
            name: value.expand(count, -1).clone()
            for name, value in initial_running(self.program).items()
        }
        for number, block in enumerate(blocks_of(n), start=1):
            rows = torch.as_tensor(block) + n * torch.arange(len(self.data.splits))[:, None]
            share = Slot(torch.tensor(1 / number, dtype=torch.float64))
            slots = [
                *(Slot.of_network(network.params), *map(Slot.of_network, leaves(running))),
                *(*self._numbers(part), share, Slot(self.data.x["train"], gathered=True)),
            ]
            here = Rows(len(block), len(block), 1, rows)
            drive(self.well, self.data.which, here, Call(function(part, "recount"), slots))
        return network._replace(running=running)

    def _average(self) -> Tensor:
        """The parameters that are evaluated, (networks, P)."""
        params = self.network.params
        if OPTIMIZERS[self.program.optimizer].evaluated is None:
            return params
        part, average = self.parts["average"], torch.empty_like(params)
        state = [Slot.of_network(leaf) for leaf in leaves(self.network.optimizer)]
        size = params.shape[1]
        call = Call(
            function(part, "average"),
            [
                *(Slot.of_network(params), *state, *self._numbers(part)),
                Slot.of_network(average),
            ],
        )
        drive(self.well, self.data.which, Rows(size, size, 1), call)
        return average

    def _statistics(self, network: Network) -> dict[str, np.ndarray[Any, Any]]:
        found = torch.full((2, len(network.params)), math.nan, dtype=torch.float64)
        slots = [Slot.of_network(network.params), *(Slot(one, network=1) for one in found)]
        call = Call(function(self.parts["evaluate"], "statistics"), slots)
        drive(self.well, self.data.which, Rows(1, 1, 1), call)
        names = sorted(("weight_norm", "small_weight_fraction"))
        return {name: values.numpy() for name, values in zip(names, found, strict=True)}

    def _sums(
        self, network: Network, part: str
    ) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        n, count, program = self.data.n[part], len(network.params), self.program
        steps = -(-n // ROWS_AT_ONCE)
        rows = Rows(n, ROWS_AT_ONCE, steps)
        loss = torch.full((count, steps), math.nan, dtype=program.torch_dtype)
        counted = program.target != "value"
        score = torch.zeros(count, steps, dtype=torch.int64 if counted else program.torch_dtype)
        purposes = noise_purposes(program) if program.evaluation == "train" else []
        running = [Slot.of_network(leaf) for leaf in leaves(network.running)]
        slots = [
            *(Slot.of_network(network.params), *running, *self._numbers(self.parts["evaluate"])),
            *(self._block_slot(self._data(name)[part], n) for name in "xy"),
            *self._noise_slots(purposes, EVALUATION, rows),
            *(Slot(one, network=one.stride(0), step=1) for one in (loss, score)),
        ]
        call = Call(function(self.parts["evaluate"], "evaluate"), slots)
        drive(self.well, self.data.which, rows, call)
        # row by row: torch's own sum over steps adds in an order that depends on the cells
        return _row_sums(loss), _row_sums(score)

    @staticmethod
    def _block_slot(data: Tensor, n: int) -> Slot:
        width = data[0].numel()
        return Slot(data, repeat=n * width, step=ROWS_AT_ONCE * width)


def _row_sums(values: Tensor) -> np.ndarray[Any, Any]:
    return np.array([_sum(row) for row in values.double().tolist()])


def _sum(row: Sequence[float]) -> float:
    return math.fsum(row) if all(map(math.isfinite, row)) else sum(row)


def _check_classes(stack: Stack) -> None:
    """Demand that every target is a class: C picks by it without looking."""
    for part in PARTS:
        targets = stack.data.y[part]
        if int(targets.min()) < 0 or int(targets.max()) >= stack.program.n_outputs:
            raise IndexError(f"a class in the {part} part that the network has no output for")


def train(
    cells: Sequence[Cell], *, on_progress: Callable[[float], None] = lambda share: None
) -> ResultRows:
    """Train cells that share a program and return their rows, as the mapped engine's `train` does.

    Raises Unsupported or CompilerError where `why_not` has something to say.
    """
    return train_with(NativeStack, cells, "cpu", on_progress)
