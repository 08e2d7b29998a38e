"""What programs come from: the package's own sources, and those of a user's own entries."""

import functools
import hashlib

from nnbench.catalog.activations.registry import ACTIVATIONS
from nnbench.catalog.losses import LOSSES
from nnbench.catalog.norms import NORMS
from nnbench.catalog.optimizers.registry import OPTIMIZERS
from nnbench.catalog.own.code import code_hash, is_library
from nnbench.results.fingerprint import PACKAGE, deciding_files

TRACED = ("activation", "norm", "loss", "optimizer")  # of a network, whose functions are traced

UNWRITTEN = ("shampoo", "soap")  # rules with an operation that no loop can be written for


class Unsupported(Exception):
    """What the engine cannot write as C: one clause that says which operation, or why."""


def own_sources(activation: str, norm: str, loss: str, optimizer: str) -> list[str]:
    """The code of what these compute that is none of the package's: the user's own entries."""
    rule = OPTIMIZERS[optimizer]
    functions = (
        *(ACTIVATIONS[activation].function, NORMS[norm].function),
        *(LOSSES[loss].function, LOSSES[loss].output, rule.init, rule.update, rule.evaluated),
    )
    ours = [one for one in functions if one is not None and not is_library(one.__module__)]
    return sorted({code_hash(one) for one in ours})


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
