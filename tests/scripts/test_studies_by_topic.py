"""What `make help` says of the studies: each once, under its topic, without set-up."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from nnbench.study.shelf import study_files
from scripts.study_times import FILE, seconds_of

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "studies_by_topic.py"


def said(*names: str) -> str:
    # -S and -I: with nothing installed, as before set-up
    asked = [sys.executable, "-I", "-S", str(SCRIPT), *names]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout


def test_every_study_is_said_once_with_nothing_installed() -> None:
    names = list(study_files(ROOT / "studies"))
    words = said(*names).replace(",", " ").replace(":", " ").split()
    assert all(words.count(name) == 1 for name in names if name not in ("dropout", "deep"))
    assert "dropout" in words and "deep" in words
    assert max(map(len, said(*names).splitlines())) <= 96


def test_topics_are_in_the_order_of_the_lecture_and_ones_own_come_last() -> None:
    lines = said("schedules", "mine", "activations").splitlines()
    assert [re.sub(r" \(\d+ (s|min)\)", " (time)", line.strip()) for line in lines] == [
        "Activations: activations (time)",
        "Schedules: schedules (time)",
        "Other studies: mine",
    ]
    assert "no .toml file yet" in said()


def test_every_shipped_study_has_the_time_that_a_dry_run_plans() -> None:
    times = json.loads(FILE.read_text(encoding="utf-8"))
    assert set(times) == set(study_files(ROOT / "studies"))
    planned = seconds_of(["numerics", "landscapes"])
    for name, seconds in planned.items():  # run scripts/study_times.py where this fails
        assert seconds / 2 < times[name] < 2 * seconds, name
