"""A study to start from runs as it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnbench.catalog import VOCABULARY
from nnbench.cli.ends import Failed
from nnbench.cli.new_study import write_study
from nnbench.study.reading import read_study


def test_what_is_written_is_a_study_with_a_claim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    study = read_study(write_study("mine"), VOCABULARY)
    assert study.name == "mine" and len(study.claims) == 1
    assert set(study.factors) == {"activation", "optimizer"} and len(study.cells()) == 20


@pytest.mark.parametrize("name", ["", "Mine", "../mine", "a b", "x" * 65])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(Failed, match="a study's name consists of at most 64 lower-case letters"):
        write_study(name)


def test_a_file_is_never_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text("kept")
    with pytest.raises(Failed, match="exists already"):
        write_study("mine")
    assert Path("mine.toml").read_text() == "kept"
