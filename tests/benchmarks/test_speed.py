"""How many times faster the engines are than the plain PyTorch loop of `reference.py`.

Both do the same work in one process, on one thread each, and take turns. What is kept is the ratio
of each turn's processor times, which hardly depend on what else the machine does, never a time.
"""

import time

import pytest
import torch

from nnbench.catalog import LOSSES, VOCABULARY
from nnbench.study.reading import make_study
from nnbench.study.study import Cell
from nnbench.training.draws import Draws, split_for
from nnbench.training.native.train import NativeStack
from nnbench.training.reference.evaluate import tensors
from nnbench.training.reference.network import build
from nnbench.training.reference.step import Learner, build_optimizer, train_step
from nnbench.training.stacked.stack import Stack

TURNS = 7
STEPS = 33  # an epoch of digits in batches of 32, without its last, smaller one


def cells(networks: int, **grid: object) -> list[Cell]:
    recipe = {
        "data": "digits",
        "depth": 3,
        "width": 32,
        "optimizer": "adam",
        "batch_size": 32,
        "seeds": networks,
    }
    return make_study({"name": "speed", "grid": recipe | grid}, VOCABULARY).cells()


class Loop:
    """The training loop of a page of PyTorch, for one network."""

    def __init__(self, cell: Cell) -> None:
        split = split_for(cell.recipe)
        network = build(cell.recipe, split, Draws(cell.recipe)).train()
        criterion = LOSSES[cell.recipe["loss"]].twin(**cell.recipe.of("loss"))
        optimizer = build_optimizer(cell.recipe, network)
        self.learner = Learner(cell.recipe, network, optimizer, criterion)
        self.x, self.y = tensors(cell.recipe, split, "train")
        self.order = torch.arange(split.n_train)

    def train(self, batch_size: int) -> None:
        for step in range(STEPS):
            rows = self.order[step * batch_size : (step + 1) * batch_size]
            train_step(self.learner, self.x[rows], self.y[rows])


def stack_epoch(stack: Stack, batch_size: int) -> None:
    rates = torch.full((STEPS, len(stack.data.which)), 1e-3, dtype=torch.float64)
    stack.train_epoch(rates, batch_size, done=0)


def seconds(work: object, *args: object) -> float:
    began = time.process_time()
    work(*args)  # type: ignore[operator]
    return time.process_time() - began


@pytest.mark.parametrize("networks", [2, 8, 32, 128])
@pytest.mark.parametrize("engine", ["mapped", "native"])
def test_stack_against_loop(benchmark, networks: int, engine: str) -> None:
    torch.set_num_threads(1)
    chosen = cells(networks)
    make_stack = NativeStack if engine == "native" else Stack
    stack = make_stack(chosen, torch.device("cpu"))
    loops = [Loop(cell) for cell in chosen[:4]]
    stack_epoch(stack, 32)  # warm: compiled, caches filled
    loops[0].train(32)
    ratios = []

    def turn() -> None:
        slow = sum(seconds(loop.train, 32) for loop in loops) / len(loops)
        fast = seconds(stack_epoch, stack, 32) / networks
        ratios.append(slow / fast)

    benchmark.pedantic(turn, rounds=TURNS)
    benchmark.extra_info["ratio"] = ratios
    benchmark.extra_info["networks"] = networks
    benchmark.extra_info["way"] = engine
    if networks == 128:
        assert sorted(ratios)[TURNS // 2] >= {"mapped": 6, "native": 40}[engine]
