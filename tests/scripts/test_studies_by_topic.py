"""What `make help` says of the studies: each once, under its topic, without set-up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from nnbench.study.shelf import study_files

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
    assert [line.strip() for line in lines] == [
        "Activations: activations", "Schedules: schedules", "Other studies: mine",
    ]  # fmt: skip
    assert "no .toml file yet" in said()
