"""What every picture of the atlas has in common."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nnbench.atlas.canvas import Canvas
from nnbench.catalog import VOCABULARY
from nnbench.study.vocabulary import Parameter


class Picture(NamedTuple):
    """A drawn entry: the canvas, what it shows in words, and a short note for under it."""

    canvas: Canvas
    alt: str
    note: str = ""


def defaults(parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """The parameters' defaults; a part that is an entry itself brings its own along."""
    values: dict[str, Any] = {}
    for name, about in parameters.items():
        values[name] = about.default
        if about.registry and about.default is not None:
            inner = VOCABULARY.registries[about.registry][about.default].parameters
            values |= {f"{name}.{key}": value for key, value in defaults(inner).items()}
    return values


def numbers(parameters: Mapping[str, Parameter]) -> dict[str, Tensor]:
    """The defaults that are no part of the program, as the engine has them: float64 tensors."""
    return {
        name: torch.tensor(about.default, dtype=torch.float64)
        for name, about in parameters.items()
        if not about.program
    }
