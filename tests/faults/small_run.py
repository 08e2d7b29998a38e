"""A run of eight small networks, in a module that costs the server's processes no more."""

from pathlib import Path
from typing import Any

from nnbench.catalog import VOCABULARY
from nnbench.pipeline import Options, run
from nnbench.study.reading import make_study
from nnbench.study.study import Study


class Deaf:
    """Listens to a run and takes note of nothing."""

    def planned(self, *_: Any) -> None: ...

    def stage(self, name: str) -> None: ...
    def progressed(self, *_: Any) -> None: ...

    def finished(self, *_: Any) -> None: ...


def small_study() -> Study:
    grid = {
        "data": {"name": "moons", "n": 60},
        "depth": [1, 2],
        "optimizer": {"name": "sgd", "lr": [0.1, 1e9]},
        "width": 4,
        "epochs": 2,
        "seeds": 2,
    }
    return make_study({"name": "small", "grid": grid}, VOCABULARY)


def complete(out: Path) -> None:
    run(small_study(), Options(out=out, workers=1), Deaf())
