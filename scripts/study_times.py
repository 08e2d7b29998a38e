"""Write how long each study is expected to take on two cores: for `make help`, without set-up.

python -m scripts.study_times [NAME...]

Seconds are those of a dry run on the machine that the plan was measured on, from the first start
to the page, every program still to be made. They go to scripts/study_times.json.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path

from nnbench.catalog import VOCABULARY
from nnbench.cli.forecast import forecast
from nnbench.pipeline import Options
from nnbench.study.reading import read_study
from nnbench.study.shelf import study_files
from nnbench.training.native import wall
from nnbench.training.native.machine import Machine

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "scripts/study_times.json"
WORKERS = 2


def seconds_of(names: Iterable[str]) -> dict[str, int]:
    """The seconds of each study of a name, to two digits."""
    files = study_files(ROOT / "studies")
    found = {}
    for name in names:
        study = read_study(files[name], VOCABULARY)
        planned = forecast(study, Options(workers=WORKERS)).stacks
        found[name] = int(float(f"{wall.wall_seconds(planned, WORKERS, Machine()):.2g}"))
    return found


def main(names: list[str]) -> None:
    """Measure all studies, or those of some names, beside what is known of the rest."""
    wall.cache.find = lambda *_: None  # as where no program has been made yet
    known = json.loads(FILE.read_text(encoding="utf-8")) if FILE.is_file() else {}
    every = study_files(ROOT / "studies")
    found = {name: known[name] for name in every if name in known} | seconds_of(names or every)
    FILE.write_text(json.dumps(dict(sorted(found.items())), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
