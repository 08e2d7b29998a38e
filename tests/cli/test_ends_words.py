"""A mistake in a flag ends as a sentence does."""

from __future__ import annotations

from pathlib import Path

from tests.command import nnbench


def test_a_flags_mistake_ends_with_a_full_stop(tmp_path: Path) -> None:
    ended = nnbench("run", "quickstart", "--seeds", "0", cwd=tmp_path)
    assert ended.returncode == 2
    assert "or equal to 1. See nnbench --help." in ended.stderr
