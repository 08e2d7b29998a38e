"""nnbench: paired benchmarks and ablation studies of the basics of training neural networks.

    import nnbench as nb

    result = nb.run("quickstart", seeds=5)
    result.effects()

What it offers from Python is imported when it is first used; `docs/python.md` tells of it.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnbench.api import Result, load, prove, read_study, run, settle
    from nnbench.catalog.own.entries import Entries, EntryError
    from nnbench.catalog.own.further import Init, Loss, Norm, Schedule
    from nnbench.catalog.own.kinds import Activation, Data, Optimizer
    from nnbench.export.find import ExportError
    from nnbench.results.disk import StoreError
    from nnbench.results.read import ReportError
    from nnbench.study.mistakes import StudyError
    from nnbench.study.study import Study
    from nnbench.training.cluster.errors import ClusterError
    from nnbench.training.time_limit import TimeLimitError
    from nnbench.training.workers import WorkerError

__version__ = "0.1.0"
__all__ = [
    "Activation",
    "ClusterError",
    "Data",
    "Entries",
    "EntryError",
    "ExportError",
    "Init",
    "Loss",
    "Norm",
    "Optimizer",
    "ReportError",
    "Result",
    "Schedule",
    "StoreError",
    "Study",
    "StudyError",
    "TimeLimitError",
    "WorkerError",
    "load",
    "prove",
    "read_study",
    "run",
    "settle",
]

# MKL rounds a matrix product by how its memory is aligned, which depends on a network's place in
# its stack; the strict mode does not. MKL reads this once, at its first product.
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")

_PLACES = {
    **dict.fromkeys(("Activation", "Data", "Optimizer"), "nnbench.catalog.own.kinds"),
    **dict.fromkeys(("Init", "Loss", "Norm", "Schedule"), "nnbench.catalog.own.further"),
    **dict.fromkeys(("Entries", "EntryError"), "nnbench.catalog.own.entries"),
    "ClusterError": "nnbench.training.cluster.errors",
    "ExportError": "nnbench.export.find",
    "ReportError": "nnbench.results.read",
    "StoreError": "nnbench.results.disk",
    "Study": "nnbench.study.study",
    "StudyError": "nnbench.study.mistakes",
    "TimeLimitError": "nnbench.training.time_limit",
    "WorkerError": "nnbench.training.workers",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_PLACES.get(name, "nnbench.api")), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
