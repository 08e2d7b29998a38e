"""What one core can do at best: its rate of products, and its bandwidth by cache level."""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch

from nnbench.training.native.compiler import find_compiler
from scripts.speeds import seconds

SIZES = (16 << 10, 256 << 10, 4 << 20, 256 << 20)  # bytes: three levels of cache, memory
TURNS = 5
COPY = """
#include <string.h>
void copy_all(char *to, const char *from, long count, long times)
{
    for (long time = 0; time < times; time++) {
        memcpy(to, from, count);
        __asm__ volatile("" : : "r"(to), "r"(from) : "memory");
    }
}
"""


class Roofline(NamedTuple):
    """The best of one core."""

    product: float  # floating-point operations a second, of large float32 products
    bandwidth: dict[str, float]  # bytes read and written a second, by the size of both

    def text(self) -> str:
        """In a line."""
        rates = (f"{rate / 1e9:.0f} GB/s in {size}" for size, rate in self.bandwidth.items())
        return f"one core: products {self.product / 1e9:.0f} Gflop/s; copies {', '.join(rates)}"


def measure_roofline() -> Roofline:
    """The best of a few turns each, in processor time."""
    size = 768
    a, b = torch.randn(size, size), torch.randn(size, size)
    best = min(seconds(lambda: torch.mm(a, b)) for _ in range(TURNS))
    with tempfile.TemporaryDirectory(prefix="nnbench-") as folder:
        source, target = Path(folder) / "copy.c", Path(folder) / "copy.so"
        source.write_text(COPY)
        find_compiler().compile(str(source), str(target))
        copy = ctypes.CDLL(str(target)).copy_all
    copy.restype = None
    copy.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_long, ctypes.c_long]
    return Roofline(2 * size**3 / best, {_told(size): _bandwidth(copy, size) for size in SIZES})


def _bandwidth(copy: Callable[..., None], size: int) -> float:
    half = size // 2
    source, target = (torch.ones(half, dtype=torch.uint8) for _ in range(2))
    times = max(1, (256 << 20) // size)

    def work() -> None:
        copy(target.data_ptr(), source.data_ptr(), half, times)

    return size * times / min(seconds(work) for _ in range(TURNS))


def _told(size: int) -> str:
    return f"{size >> 20} MiB" if size >> 20 else f"{size >> 10} KiB"
