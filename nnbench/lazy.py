"""Modules that wait for their first use, so that `--help` and `list` never pay for torch.

Each stands here under the name that it goes by: `from nnbench.lazy import torch`. Until an
attribute of it is read, that is a stand-in.
"""

import importlib
import sys
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Any


class _Waiting:
    """Stands for a module that is not imported yet, and steps aside wherever it stands."""

    def __init__(self, name: str) -> None:
        self._name = name

    def _load(self) -> ModuleType:
        module = importlib.import_module(self._name)
        for name, place in list(sys.modules.items()):
            if name.partition(".")[0] == "nnbench":
                own = vars(place)
                own |= {alias: module for alias, thing in own.items() if thing is self}
        return module

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._load(), attribute)


def _module(name: str) -> Any:
    return sys.modules[name] if name in sys.modules else _Waiting(name)


def load_now(name: str) -> None:
    """Import what stands here under `name`, as before a compiler, which must see no stand-in."""
    waiting = globals()[name]
    if isinstance(waiting, _Waiting):
        waiting._load()


def is_importing(frame: FrameType | None) -> bool:
    """Whether a frame runs in an import: what is raised into one may be swallowed."""
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import threadpoolctl  # type: ignore[import-untyped]
    import torch
    from pyarrow import compute as pc
    from pyarrow import feather, parquet
    from scipy import ndimage, optimize, sparse, special
    from scipy.sparse import csgraph
    from sklearn import datasets, metrics, model_selection, tree
    from torch import Generator, Tensor
else:
    pd, pa, threadpoolctl, torch = map(_module, ("pandas", "pyarrow", "threadpoolctl", "torch"))
    feather, parquet, pc = (
        _module(f"pyarrow.{name}") for name in ("feather", "parquet", "compute")
    )
    ndimage, optimize, sparse, special, csgraph = (
        _module(f"scipy.{name}")
        for name in ("ndimage", "optimize", "sparse", "special", "sparse.csgraph")
    )
    datasets, metrics, model_selection, tree = (
        _module(f"sklearn.{name}") for name in ("datasets", "metrics", "model_selection", "tree")
    )
    Generator = Tensor = Any  # which annotations name, and nothing else
