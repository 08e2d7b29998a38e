"""How many times faster the engines are than the plain PyTorch loop of `reference.py`.

Both do the same work in one process, on one thread each, and take turns. What is kept is the ratio
of each turn's processor times, which hardly depend on what else the machine does, never a time.
"""

import pytest
import torch

from nnbench.training.native.train import NativeStack
from nnbench.training.stacked.stack import Stack
from scripts.speeds import Loop, cells, seconds, train_stack

TURNS = 7


@pytest.mark.parametrize("networks", [2, 8, 32, 128])
@pytest.mark.parametrize("engine", ["mapped", "native"])
def test_stack_against_loop(benchmark, networks: int, engine: str) -> None:
    torch.set_num_threads(1)
    chosen = cells(networks)
    make_stack = NativeStack if engine == "native" else Stack
    stack = make_stack(chosen, torch.device("cpu"))
    loops = [Loop(cell) for cell in chosen[:4]]
    train_stack(stack)  # warm: compiled, caches filled
    loops[0].train()
    ratios = []

    def turn() -> None:
        slow = sum(seconds(loop.train) for loop in loops) / len(loops)
        fast = seconds(lambda: train_stack(stack)) / networks
        ratios.append(slow / fast)

    benchmark.pedantic(turn, rounds=TURNS)
    benchmark.extra_info["ratio"] = ratios
    benchmark.extra_info["networks"] = networks
    benchmark.extra_info["way"] = engine
    if networks == 128:
        assert sorted(ratios)[TURNS // 2] >= {"mapped": 6, "native": 40}[engine]
