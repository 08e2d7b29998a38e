"""Time one training among its peers: a plain loop, that loop on all cores, mapped, native, and JAX.

    bench_peers.py MEASURED.json [--turns 5] [--only WIDTH]

Digits, three hidden layers, an epoch of whole batches and an evaluation of all three parts. Peers
take turns; what counts is processor time of all their threads, for one network and step, which
other work on the machine hardly changes: on free cores it is wall time. Then, each in a process of
its own, what a peer takes to prepare and to train, by the number of networks. Prints the tables of
docs/performance.md. Without JAX and optax, `pip install nnbench[peers]`, their rows say so.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch

from nnbench.results.provenance import cores, machine
from nnbench.training.draws import Draws, split_for
from nnbench.training.native.train import NativeStack
from nnbench.training.reference.evaluate import evaluate
from nnbench.training.splits import PARTS
from nnbench.training.stacked.stack import Stack
from scripts.roofline import Roofline, measure_roofline
from scripts.speeds import Loop, cells, seconds, train_stack

SHAPES = ((8, 16), (32, 32), (64, 128), (128, 256))  # width, batch
RULES = ("adam", "momentum")
NETWORKS = {8: 64, 32: 64, 64: 16, 128: 8}  # of a stack, by width
SIZES = (16, 128, 1_024, 4_096, 16_384)  # of stacks of (32, 32), for the cost by their number
MOST_MAPPED = 4_096  # networks of `vmap`, which holds the layers of all rows of all at once
PEERS = ("loop", "loop, all cores", "mapped", "native", "JAX, vmap", "JAX, map")


class Setting(NamedTuple):
    """What all peers train."""

    width: int
    batch: int
    rule: str
    networks: int
    rates: int = 1  # learning rates; the networks of one have each a seed of its own

    def cells(self, networks: int | None = None) -> list[Any]:
        """The networks, or so many of them."""
        rates = [{"name": self.rule, "lr": 1e-3 * 2**step} for step in range(self.rates)]
        grid = {"width": self.width, "batch_size": self.batch, "optimizer": rates}
        return cells((networks or self.networks) // self.rates, **grid)

    @property
    def steps(self) -> int:
        """Whole batches of an epoch."""
        return int(split_for(self.cells(self.rates)[0].recipe).n_train // self.batch)

    @property
    def operations(self) -> float:
        """Floating-point operations of the products of a network's step, and of its share of an
        evaluation of all rows.
        """
        split = split_for(self.cells(self.rates)[0].recipe)
        first, rest = split.n_features * self.width, 2 * self.width**2 + self.width * 10
        rows = sum(len(split.x[part]) for part in PARTS) / self.steps
        return 2 * (self.batch * (2 * first + 3 * rest) + rows * (first + rest))


def loop_seconds(setting: Setting) -> float:
    """The plain loop's processor time for a network's epoch and evaluation."""
    torch.set_num_threads(1)
    if setting not in _loops:
        cell = setting.cells(1)[0]
        _loops[setting] = (Loop(cell), split_for(cell.recipe), Draws(cell.recipe))
    loop, split, draws = _loops[setting]

    def epoch() -> None:
        loop.train(setting.batch, setting.steps)
        evaluate(loop.learner, split, draws)

    return seconds(epoch)


_loops: dict[Setting, Any] = {}


def stack_epoch(stack: Stack, setting: Setting) -> None:
    """An epoch and an evaluation of every network of a stack."""
    train_stack(stack, setting.batch, setting.steps)
    stack.evaluate()


def peers_of(setting: Setting, pool: Any, names: tuple[str, ...]) -> dict[str, Callable[[], float]]:
    """What takes a turn: each returns a network's processor seconds, over the cores it uses."""
    makers: dict[str, type[Stack]] = {"mapped": Stack, "native": NativeStack}
    found: dict[str, Callable[[], float]] = {}
    for name in names:
        if name == "loop":
            found[name] = partial(loop_seconds, setting)
        elif name == "loop, all cores":
            found[name] = partial(_on_all_cores, pool, setting)
        elif name in makers:
            stack = makers[name](setting.cells(), torch.device("cpu"))
            found[name] = partial(_each, partial(stack_epoch, stack, setting), setting)
        elif find_spec("jax") and find_spec("optax"):
            from scripts.jax_peer import JaxPeer

            split = split_for(setting.cells(setting.rates)[0].recipe)
            shape = (setting.networks, setting.width, setting.batch, setting.rule)
            peer = JaxPeer(split, *shape, mapped=name.endswith("vmap"))
            found[name] = partial(_each, peer.epoch, setting)
    return found


def _each(epoch: Callable[[], None], setting: Setting) -> float:
    return seconds(epoch) / setting.networks


def _on_all_cores(pool: Any, setting: Setting) -> float:
    taken = pool.map(loop_seconds, [setting] * cores(), chunksize=1)
    return sum(taken) / len(taken) / cores()


def measure(setting: Setting, pool: Any, turns: int, names: tuple[str, ...]) -> dict[str, Any]:
    """Microseconds of a network's step by peer and turn, after a first turn that compiles."""
    peers = peers_of(setting, pool, names)
    taken: dict[str, list[float]] = {name: [] for name in peers}
    for turn in range(turns + 1):
        for name, work in peers.items():
            spent = work()
            if turn:
                taken[name].append(1e6 * spent / setting.steps)
    return {**setting._asdict(), "operations": setting.operations, "us": taken}


def cold_and_warm(setting: Setting, name: str) -> dict[str, float]:
    """A peer's seconds from nothing to the end of its first epoch, and of a second one.

    In a process of its own, which finds no program that was kept. Imports and reading digits do
    not count.
    """
    spawned = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory(prefix="nnbench-") as folder,
        spawned.Pool(1, _keep_programs_in, [folder]) as pool,
    ):
        return pool.apply(_cold_and_warm, (setting, name))


def _keep_programs_in(folder: str) -> None:
    os.environ["XDG_CACHE_HOME"] = folder


def _cold_and_warm(setting: Setting, name: str) -> dict[str, float]:
    torch.set_num_threads(1)
    split_for(setting.cells(setting.rates)[0].recipe)
    if name.startswith("JAX"):
        import_module("scripts.jax_peer")
    began = _processor_seconds()
    (work,) = peers_of(setting, None, (name,)).values()
    work()
    cold = _processor_seconds() - began
    return {"cold": cold, "warm": work() * setting.networks}


def _processor_seconds() -> float:
    """Of this process and of those that it waited for, such as compilers."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in spent)


def table(rows: list[dict[str, Any]], roofline: Roofline) -> list[str]:
    """Lines of Markdown: what a step takes, beside the loop and beside the arithmetic limit."""
    heads = ("width, batch", "rule", "peer", "µs", "times the loop", "times the limit")
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for row in rows:
        limit = 1e6 * row["operations"] / roofline.product
        for name in PEERS:
            us = row["us"].get(name)
            if us is None:
                if "loop" in row["us"]:
                    lines.append(_line(row, name, "JAX or optax is not there", "", ""))
                continue
            base = row["us"].get("loop", us)
            ratios = sorted(slow / fast for slow, fast in zip(base, us, strict=True))
            spread = f"{median(ratios):.3g} ({ratios[0]:.3g} to {ratios[-1]:.3g})"
            taken = median(us)
            lines.append(
                _line(
                    row,
                    name,
                    f"{taken:,.{0 if taken >= 100 else 1}f}",
                    spread,
                    f"{taken / limit:.1f}",
                )
            )
    return lines


def _line(row: dict[str, Any], *parts: str) -> str:
    return f"| {row['width']}, {row['batch']} | {row['rule']} | {' | '.join(parts)} |"


def by_number(rows: list[dict[str, Any]]) -> list[str]:
    """Lines of Markdown: seconds of the first and of each further epoch, by number of networks."""
    names = [name for name in PEERS if any(name in row["seconds"] for row in rows)]
    lines = [f"| networks | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for row in rows:
        found = [row["seconds"].get(name) for name in names]
        told = [f"{one['cold']:.3g}, {one['warm']:.3g}" if one else "" for one in found]
        lines.append(f"| {row['networks']:,} | {' | '.join(told)} |")
    return lines


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(description="Time one training among its peers.")
    parser.add_argument("measured", type=Path, help="the JSON file to write")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--only", type=int, help="one width alone")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    about = machine()
    print(f"{about['processor']}, {about['cores']} cores, torch {torch.__version__}")
    roofline = measure_roofline()
    print(roofline.text(), flush=True)
    document: dict[str, Any] = {"machine": about, "roofline": roofline._asdict()}
    document |= {"rows": [], "numbers": []}
    shapes = [shape for shape in SHAPES if options.only in (None, shape[0])]
    with multiprocessing.get_context("spawn").Pool(cores()) as pool:
        for width, batch in shapes:
            for rule in RULES:
                setting = Setting(width, batch, rule, NETWORKS[width])
                document["rows"].append(measure(setting, pool, options.turns, PEERS))
                _keep(document, options.measured)
                print("\n".join(table(document["rows"][-1:], roofline)[2:]), flush=True)
    for size in SIZES if options.only is None else ():
        setting = Setting(32, 32, "adam", size, rates=8)
        document["numbers"].append({"networks": size, "seconds": {}})
        for name in peers_at(size):
            document["numbers"][-1]["seconds"][name] = cold_and_warm(setting, name)
            _keep(document, options.measured)
        print("\n".join(by_number(document["numbers"][-1:])), flush=True)
    lines = [*table(document["rows"], roofline), "", *by_number(document["numbers"])]
    print("\n".join(lines))
    return 0


def peers_at(networks: int) -> list[str]:
    """The peers that train so many at once, of those that are there."""
    there = PEERS if find_spec("jax") and find_spec("optax") else PEERS[:4]
    return [name for name in there[2:] if networks <= MOST_MAPPED or name != "JAX, vmap"]


def _keep(document: dict[str, Any], path: Path) -> None:
    """Write what is measured so far, so that a run that is cut short was not in vain."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
