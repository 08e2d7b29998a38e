"""Waits that a person would notice, on a machine that does nothing else: `make bench` holds them.

A limit of processor time is that of the process which does the work, its imports included.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nnbench.atlas.build import build_atlas
from tests.faults.test_bad_studies import HOSTILE, refusal_of
from tests.places import ROOT
from tests.synthetic import make_many, write_results
from tests.training.test_workers import lines, start

ANALYSE = "from tests.stats.test_large import analyse; analyse(100_000)"
REPORT = """
import sys
from pathlib import Path
from nnbench.report.build import build_report
build_report(Path(sys.argv[1]))
"""


def processor_seconds(*command: str) -> float:
    """What a program takes, which must succeed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *command], check=True, capture_output=True, cwd=ROOT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def processor_seconds_here(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


@pytest.mark.parametrize("words", [("--help",), ("list", "--json")], ids=" ".join)
def test_help_and_lists_take_under_a_second(words: tuple[str, ...]) -> None:
    assert min(processor_seconds("-m", "nnbench.cli", *words) for _ in range(3)) < 1


def test_hostile_studies_are_refused_in_under_a_second(tmp_path: Path) -> None:
    for content, _ in HOSTILE.values():
        assert processor_seconds_here(lambda content=content: refusal_of(content, tmp_path)) < 1


def test_the_atlas_is_drawn_in_under_a_minute(tmp_path: Path) -> None:
    assert processor_seconds_here(lambda: build_atlas(tmp_path / "atlas")) < 60


def test_a_hundred_thousand_cells_are_analysed_in_half_a_minute() -> None:
    assert processor_seconds("-c", ANALYSE) < 30


def test_a_hundred_thousand_cells_are_reported_in_a_minute(tmp_path: Path) -> None:
    cells, curves = make_many()
    names = ("data", "activation", "init", "optimizer", "norm")
    factors = {name: list(dict.fromkeys(cells[name])) for name in names}
    write_results(tmp_path, cells, curves, factors=factors, name="many")
    assert processor_seconds("-c", REPORT, str(tmp_path)) < 60


def test_ctrl_c_stops_a_run_within_five_seconds(tmp_path: Path) -> None:
    program = start(tmp_path, "deaf")  # its workers have to be killed
    assert lines(program, 2).count("") == 0
    began = time.monotonic()
    os.killpg(program.pid, signal.SIGINT)
    program.communicate()
    assert time.monotonic() - began < 5


def test_a_hundred_thousand_cells_take_little_from_the_grid_to_the_page(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.benchmarks.many_cells", str(tmp_path)]
    run = subprocess.run(command, check=True, capture_output=True, cwd=ROOT, text=True)
    found = json.loads(run.stdout)
    assert found["cells"] == 100_000
    assert sum(found["seconds"].values()) < 90 and found["gigabytes"] < 1.5, found
