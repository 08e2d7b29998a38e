"""A mistake in a flag ends as a sentence does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nnbench.cli.ends import code_of
from tests.command import nnbench


def test_a_flags_mistake_ends_with_a_full_stop(tmp_path: Path) -> None:
    ended = nnbench("run", "quickstart", "--seeds", "0", cwd=tmp_path)
    assert ended.returncode == 2
    assert "or equal to 1. See nnbench --help." in ended.stderr


def test_nnbench_alone_is_helped(tmp_path: Path) -> None:
    ended = nnbench(cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("Usage: ") and "\n  run " in ended.stderr


def test_a_target_without_a_table_says_what_is_missing(tmp_path: Path) -> None:
    for more in ([], ["--drop", "a"]):
        ended = nnbench("run", "quickstart", "--target", "y", *more, cwd=tmp_path)
        assert ended.returncode == 2
        assert ended.stderr.startswith("nnbench: --target needs a table, --data FILE; ")


@pytest.mark.parametrize("words", ["schema", "list --json", "show activation relu", "--help"])
def test_a_reader_that_leaves_is_no_error(words: str, tmp_path: Path) -> None:
    nobody, output = os.pipe()
    os.close(nobody)
    command = [sys.executable, "-m", "nnbench.cli", *words.split()]
    ended = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, cwd=tmp_path)
    os.close(output)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_no_other_end_is_taken_for_a_reader_that_leaves() -> None:
    with pytest.raises(SystemExit) as ended:
        code_of(lambda: sys.exit(1))
    assert ended.value.code == 1
