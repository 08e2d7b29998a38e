"""A run of eight small networks, in a module that costs the server's processes no more."""

from pathlib import Path

from nnbench.catalog import VOCABULARY
from nnbench.cli.progress import Silence
from nnbench.pipeline import Options, run, run_cells
from nnbench.results.running import sign_of
from nnbench.study.reading import make_study
from nnbench.study.study import Study


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


def complete(out: Path, with_page: bool = True) -> None:
    about = small_study(), Options(out=out, workers=1), Silence()
    if with_page:
        run(*about)
        return
    with sign_of(out / "small") as sign:
        run_cells(*about, sign)
