"""Where the results of a place lie: a folder that is given itself, or a study's."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnbench.cli.ends import Failed
from nnbench.cli.places import folder_of, results_of
from nnbench.results.read import ReportError, read_results
from nnbench.results.running import Pace, sign_of

OUT = Path("results")
OWN = 'name = "mine"\n[grid]\ndata = "digits"\nactivation = "of_my_own"\n'


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results/mine/parts").mkdir(parents=True)
    (tmp_path / "mine.toml").write_text(OWN)


def test_a_path_is_never_taken_for_a_study_of_its_last_name() -> None:
    assert folder_of("elsewhere/mine", OUT) == Path("elsewhere/mine")
    with pytest.raises(Failed, match=r"^elsewhere/mine: no results there"):
        results_of("elsewhere/mine", OUT)


@pytest.mark.parametrize("place", ["mine", "mine.toml", "results/mine"])
def test_results_are_found_without_the_entries_that_their_study_names(place: str) -> None:
    assert results_of(place, OUT).resolve() == Path("results/mine").resolve()


def test_where_there_are_none_the_command_that_makes_them_is_named() -> None:
    with pytest.raises(Failed, match=r"create them with nnbench run mine\.toml$"):
        results_of("mine.toml", Path("another"))
    with pytest.raises(Failed, match=r"create them with nnbench run STUDY$"):
        results_of("nobody", OUT)


def test_a_run_that_has_just_begun_is_not_called_stopped() -> None:
    folder = Path("results/new")
    with sign_of(folder, Pace("new", "networks", 1, 1)):
        with pytest.raises(Failed, match="has just begun and has no results yet"):
            results_of("results/new", OUT)
        (folder / "parts").mkdir()
        with pytest.raises(ReportError, match="its run is in progress"):
            read_results(folder)
    with pytest.raises(ReportError, match="its run was stopped"):
        read_results(folder)
