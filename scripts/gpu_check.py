"""What a GPU gives: networks a second against two cores, and agreement with the processor.

Trains digits, three layers, Adam, batches of 32, in stacks sized by the GPU's memory, and prints a
table for docs/performance.md. A rate is the best of a few turns after one to warm up; agreement is
of networks trained in float64 on both. Where no GPU is, it says so and measures nothing.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence

import numpy as np
import torch

from nnbench.catalog import VOCABULARY
from nnbench.study.reading import make_study
from nnbench.study.study import Cell
from nnbench.training.draws import split_for
from nnbench.training.native.choice import train_cells
from nnbench.training.plan import cost_of

SHAPES = ((32, 32), (64, 128))  # batch size, width
SIZES = (128, 1024)  # networks of a stack on the GPU, as far as its memory goes
ON_CORES = 64  # networks of a process on the processor
TURNS = 2
HEADS = ("width, batch", "engine", "networks", "µs per network and step", "times two cores, native")
AGREEING = {
    "activation": ["relu", "tanh", "gelu"],
    "optimizer": ["sgd", "momentum", "adam", "adagrad"],
    "norm": ["none", "batchnorm"],
}


def cells(networks: int, batch_size: int, width: int, epochs: int) -> list[Cell]:
    """So many networks that differ in their seeds."""
    grid = {"data": "digits", "depth": 3, "width": width, "optimizer": "adam"}
    rest = {"batch_size": batch_size, "epochs": epochs, "seeds": networks}
    return make_study({"name": "gpu", "grid": grid | rest}, VOCABULARY).cells()


def seconds(chosen: Sequence[Cell], engine: str, device: str) -> float:
    """The shortest of some turns at training these cells."""
    turns = []
    for _ in range(TURNS):
        began = time.perf_counter()
        train_cells(chosen, engine, device, lambda share: None)
        turns.append(time.perf_counter() - began)
    return min(turns)


def per_step(chosen: Sequence[Cell], spent: float) -> float:
    """Microseconds per network and step."""
    recipe = chosen[0].recipe
    steps = recipe["epochs"] * split_for(recipe).steps_per_epoch(recipe["batch_size"])
    return 1e6 * spent / (steps * len(chosen))


def on_a_core(shape: tuple[int, int], engine: str) -> float:
    """Microseconds per network and step, in a process that shares the machine with one more."""
    torch.set_num_threads(1)
    chosen = cells(ON_CORES, *shape, epochs=2)
    return per_step(chosen, seconds(chosen, engine, "cpu"))


def on_two_cores(shape: tuple[int, int], engine: str) -> float:
    """The same for two processes at once: half of what one takes."""
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        return sum(pool.starmap(on_a_core, [(shape, engine)] * 2)) / 4


def fitting(shape: tuple[int, int]) -> list[int]:
    """The sizes of stack that the GPU's free memory holds."""
    free = torch.cuda.mem_get_info()[0]
    cost = cost_of(cells(1, *shape, epochs=1)[0])
    return [size for size in SIZES if cost.networks_in(free // 2, size) >= size]


def disagreement() -> float:
    """The largest relative difference of a test loss between GPU and processor, in float64."""
    grid = AGREEING | {"data": "digits", "depth": 3, "width": 32, "epochs": 3, "dtype": "float64"}
    study = make_study({"name": "gpu", "grid": grid | {"seeds": 1}}, VOCABULARY)
    worst = 0.0
    for cell in study.cells():
        losses = [
            train_cells([cell], "stacked", device, lambda share: None).cells[0]["test_loss"]
            for device in ("cpu", "cuda")
        ]
        worst = max(worst, abs(float(np.log(losses[1] / losses[0]))))
    return worst


def told(shape: tuple[int, int], name: str, networks: int, us: float, base: float) -> None:
    """Print a row."""
    row = (f"{shape[1]}, {shape[0]}", name, f"{networks:,}", f"{us:.3g}", f"{base / us:.2f}")
    print(f"| {' | '.join(row)} |", flush=True)


def main() -> None:
    """Print the table, or that there is no GPU."""
    if not torch.cuda.is_available():
        print("gpu-check: no CUDA device here; nothing was measured.")
        return
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
    print(f"| {' | '.join(HEADS)} |")
    print(len(HEADS) * "|---" + "|")
    for shape in SHAPES:
        base = on_two_cores(shape, "native")
        told(shape, "native, two cores", 2 * ON_CORES, base, base)
        told(shape, "mapped, two cores", 2 * ON_CORES, on_two_cores(shape, "stacked"), base)
        for size in fitting(shape):
            chosen = cells(size, *shape, epochs=2)
            us = per_step(chosen, seconds(chosen, "stacked", "cuda"))
            told(shape, "mapped, GPU", size, us, base)
    print(f"agreement in float64: test losses differ by {disagreement():.1e} at most, relatively")


if __name__ == "__main__":
    main()
