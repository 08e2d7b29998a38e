"""What programs come from: the package's own sources, and those of a user's own entries."""

from __future__ import annotations

import functools
import hashlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nnbench.catalog.activations.registry import ACTIVATIONS
from nnbench.catalog.losses import LOSSES
from nnbench.catalog.norms import NORMS
from nnbench.catalog.optimizers.registry import OPTIMIZERS
from nnbench.results.fingerprint import deciding_files

PACKAGE = Path(__file__).parents[2]
ENTRIES = ("activation", "norm", "loss", "optimizer")  # of a network, whose functions are traced


class Unsupported(Exception):
    """What the engine cannot write as C: one clause that says which operation, or why."""


def own_sources(activation: str, norm: str, loss: str, optimizer: str) -> list[str]:
    """The files outside of the package that entries come from, such as the user's own."""
    rule = OPTIMIZERS[optimizer]
    functions = (
        *(ACTIVATIONS[activation].function, NORMS[norm].function),
        *(LOSSES[loss].function, LOSSES[loss].output, rule.init, rule.update, rule.evaluated),
    )
    return sorted({source_of(one) for one in functions if one is not None} - {""})


def source_of(function: Callable[..., Any]) -> str:
    """The file of a function, from outside of the package; empty for one of the package.

    Raises Unsupported where it is of no file: what it does could not be told from what it did.
    """
    function = inspect.unwrap(function)
    code = getattr(function, "__code__", None)
    if code is None:  # of C, such as torch.sin: its library's version is known
        return str(getattr(function, "__qualname__", type(function)))
    path = Path(code.co_filename)
    if path.is_relative_to(PACKAGE):
        return ""
    if not path.is_file():
        raise Unsupported(f"{function.__name__} stands in no file")
    return path.read_text()


def digest(*texts: str) -> str:
    """One name for a sequence of texts."""
    found = hashlib.sha256()
    for text in texts:
        found.update(f"{len(text)}:{text}".encode())
    return found.hexdigest()[:40]


@functools.cache
def sources() -> str:
    """The package's own sources that a program is traced from or written by."""
    return digest(*(path.read_text() for path in deciding_files(PACKAGE)))
