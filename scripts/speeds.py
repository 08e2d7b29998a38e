"""Measure how many times as fast the engines are as a plain PyTorch loop, in turns.

    python -m scripts.speeds MEASURED.json [--turns 25] [--most 400] [--extra 0]

A turn times, one after the other in one process and in processor time: the loop, a native stack, a
mapped one, arithmetic that never changes, the loop again. The second loop over the first should be
1. The arithmetic, a small C program, is slowed as compiled code is by a neighbour on the same core.
It ends after 25 turns if those tell a slowdown of a quarter from none; where it is noisy, later.
`--extra` adds so many steps to each 33 of the engines without saying so, which is how
`bench_gate.py` is shown to notice.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from nnbench.catalog import LOSSES, VOCABULARY
from nnbench.results.provenance import machine
from nnbench.study.reading import make_study
from nnbench.study.study import Cell
from nnbench.training.draws import Draws, split_for
from nnbench.training.native.compiler import find_compiler
from nnbench.training.native.machine import compiled_trial
from nnbench.training.native.train import NativeStack
from nnbench.training.reference.evaluate import tensors
from nnbench.training.reference.network import build
from nnbench.training.reference.step import Learner, build_optimizer, train_step
from nnbench.training.stacked.stack import Stack
from scripts.bench_gate import ARITHMETIC, CONTROL, is_told

STEPS = 33  # an epoch of digits in batches of 32, without its last, smaller one
BATCH = 32
NETWORKS = {"native": 32, "mapped": 16}  # of a stack: enough for a steady speed, in a short turn
TRIAL_STEPS = 4_000
FEWEST = 8  # turns, whose interval is known


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

    def train(self, batch_size: int = BATCH, steps: int = STEPS) -> None:
        """Some steps, of an epoch at most."""
        for step in range(steps):
            rows = self.order[step * batch_size : (step + 1) * batch_size]
            train_step(self.learner, self.x[rows], self.y[rows])


def cells(networks: int, **grid: object) -> list[Cell]:
    """So many networks of three layers on digits, which differ in their seeds."""
    recipe = {"data": "digits", "depth": 3, "width": 32, "optimizer": "adam", "batch_size": BATCH}
    content = {"name": "speed", "grid": recipe | {"seeds": networks} | grid}
    return make_study(content, VOCABULARY).cells()


def train_stack(stack: Stack, batch_size: int = BATCH, steps: int = STEPS) -> None:
    """Some steps of every network, of an epoch at most."""
    rates = torch.full((steps, len(stack.data.which)), 1e-3, dtype=torch.float64)
    stack.train_epoch(rates, batch_size, done=0)


def seconds(work: Callable[[], object]) -> float:
    """The processor time of this process that some work takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def measure(turns: int, most: int, extra: int = 0) -> dict[str, list[float]]:
    """The logarithm of each turn's ratios: engines to the loop, and the loop to itself.

    turns: after how many it is asked whether they are enough. most: how many there are at most.
    """
    torch.set_num_threads(1)
    loop = Loop(cells(1)[0])
    makers = {"native": NativeStack, "mapped": Stack}
    stacks = {
        name: make(cells(NETWORKS[name]), torch.device("cpu")) for name, make in makers.items()
    }

    def train(name: str) -> None:
        train_stack(stacks[name])
        if extra:
            train_stack(stacks[name], steps=extra)

    trial = compiled_trial(find_compiler())
    found: dict[str, list[float]] = {name: [] for name in (*makers, ARITHMETIC, CONTROL)}
    for turn in range(most + 1):  # the first warms up
        before = seconds(loop.train)
        taken = {name: seconds(partial(train, name)) for name in makers}
        arithmetic = seconds(lambda: trial(TRIAL_STEPS))
        after = seconds(loop.train)
        if not turn:
            continue
        for name, spent in taken.items():
            found[name].append(math.log((before + after) / 2 * NETWORKS[name] / spent))
        found[ARITHMETIC].append(math.log((before + after) / 2 / arithmetic))
        found[CONTROL].append(math.log(before / after))
        if turn % turns == 0 and is_told(found):
            break
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(description="Measure the engines' speed over a plain loop.")
    parser.add_argument("measured", type=Path, help="the JSON file to write")
    parser.add_argument("--turns", type=int, default=25, help="after which it may end")
    parser.add_argument("--most", type=int, default=400, help="turns on a noisy machine")
    parser.add_argument("--extra", type=int, default=0, help="steps added to each 33, unsaid")
    options = parser.parse_args(arguments)
    if not FEWEST <= options.turns <= options.most:
        parser.error(f"--turns is from {FEWEST} to --most")
    found = measure(options.turns, options.most, options.extra)
    document = {"processor": machine()["processor"], "log_ratios": found}
    options.measured.parent.mkdir(parents=True, exist_ok=True)
    options.measured.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
