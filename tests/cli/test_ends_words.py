"""A mistake in a flag ends as a sentence does."""

from __future__ import annotations

from pathlib import Path

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
