"""One thread a process: processes share the cores, whichever engine trains in them."""

from collections.abc import Iterator
from contextlib import contextmanager

from nnbench.lazy import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread: more wait for each other, and half a kernel may round otherwise."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
