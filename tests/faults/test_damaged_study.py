"""A file of a finished study that is damaged or removed: the next run makes the study sound again.

And it says what it could not make anew.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import nnbench.settling
from nnbench.api import read_study
from nnbench.cli.progress import Silence
from nnbench.pipeline import Options, run_cells
from nnbench.report.claims.table import FILE as CLAIMS
from nnbench.report.claims.table import write_claims
from nnbench.report.other_kinds.walks import LANDSCAPES_FILE
from nnbench.results import files, looks, wall_time
from nnbench.results.more import with_more
from nnbench.results.rows import FILES
from nnbench.results.running import sign_of
from nnbench.results.store import verify
from nnbench.settling import settle
from nnbench.study.study import More, Study
from nnbench.theory.predictions import FILE as PREDICTIONS
from nnbench.training.time_limit import TimeLimit, TimeLimitError
from tests.command import nnbench as command
from tests.faults.test_commit import flip

TOML = """
name = "harmed"
[grid]
data = "iris"
activation = ["relu", "tanh"]
width = 4
epochs = 3
seeds = 2
[[claim]]
text = "tanh is better"
better = { activation = "tanh" }
than = { activation = "relu" }
"""
MORE = {0: More((2, 3), 1)}  # what settling gives the claim
Harm = Callable[[Path], object]


class Heard(Silence):
    """Keeps what a run says."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def noted(self, sentence: str) -> None:
        """Keep it."""
        self.said.append(sentence)


def flipped(path: Path) -> None:
    flip(path, random.Random(path.name))


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study of eight networks and its results: settled, without its page."""
    root = tmp_path_factory.mktemp("settled")
    (root / "harmed.toml").write_text(TOML)
    out = root / "results"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nnbench.settling, "reported", lambda *about: write_claims(out / "harmed"))
        settle(study(root), options(root), Silence(), 4)
    assert with_more(study(root), out).more == MORE and verify(out / "harmed") == []
    return root


def study(root: Path) -> Study:
    return read_study(root / "harmed.toml")


def options(root: Path) -> Options:
    return Options(root / "results", workers=1, engine="stacked")


def run_again(root: Path, **changes: object) -> list[str]:
    """Run a study as a command does, without its page; returns what the run says."""
    chosen, heard = replace(options(root), **changes), Heard()  # type: ignore[arg-type]
    folder = root / "results" / "harmed"
    again = study(root) if chosen.fresh else with_more(study(root), chosen.out)
    with sign_of(folder) as sign:
        run_cells(again, chosen, heard, sign)
    write_claims(folder)
    return heard.said


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.whole
@pytest.mark.parametrize("harm", [flipped, Path.unlink])
@pytest.mark.parametrize("fresh", [False, True])
def test_the_next_run_makes_it_sound(
    settled: Path, tmp_path: Path, harm: Harm, fresh: bool
) -> None:
    whole = files_of(settled / "results" / "harmed")
    names = {path.name for path in whole}
    assert {files.CHECKSUMS, *files.TOLD, CLAIMS, "cells.csv", "manifest.json"} <= names
    for number, path in enumerate(whole):
        root = shutil.copytree(settled, tmp_path / str(number))
        folder = root / "results" / "harmed"
        harmed = root / path.relative_to(settled)
        harm(harmed)
        assert verify(folder), f"{harmed} is damaged, and nothing says so"
        said = run_again(root, fresh=fresh)
        assert verify(folder) == [], harmed
        assert (folder / wall_time.FILE).is_file() and (folder / looks.FILE).is_file()
        forgotten = [
            f"{looks.FILE} was damaged or missing: earlier looks at the claims are forgotten"
        ]
        assert said == (forgotten if harmed.name == looks.FILE else []), harmed
        assert with_more(study(root), root / "results").more == ({} if fresh else MORE), harmed
        shutil.rmtree(root)


@pytest.mark.whole
def test_what_was_settled_is_lost_only_with_both_files_that_tell_of_it(
    settled: Path, tmp_path: Path
) -> None:
    root = shutil.copytree(settled, tmp_path / "both")
    folder = root / "results" / "harmed"
    flipped(folder / files.PROVENANCE)
    flipped(folder / files.LOOKS)
    said = run_again(root)
    assert [sentence.partition(" ")[0] for sentence in said] == [files.LOOKS, files.PROVENANCE]
    assert "seeds that `nnbench settle` may have given the claims are forgotten" in said[1]
    assert verify(folder) == [] and run_again(root) == []


@pytest.mark.whole
def test_a_fresh_run_that_is_refused_deletes_nothing(settled: Path, tmp_path: Path) -> None:
    root = shutil.copytree(settled, tmp_path / "refused")
    folder = root / "results" / "harmed"
    before = [path.read_bytes() for path in files_of(folder)]
    with pytest.raises(TimeLimitError):
        run_again(root, fresh=True, time_limit=TimeLimit.of(0.01))
    assert [path.read_bytes() for path in files_of(folder)] == before


@pytest.mark.whole
@pytest.mark.parametrize("name", [files.LOOKS, files.CHECKSUMS])
def test_the_commands_agree(settled: Path, tmp_path: Path, name: str) -> None:
    root = shutil.copytree(settled, tmp_path / "commands")
    flipped(root / "results" / "harmed" / name)
    assert command("verify", "harmed", cwd=root).returncode == 5
    standing = command("status", "harmed.toml", cwd=root).stdout.splitlines()
    assert "1 damaged file: nnbench verify names them" in standing[-1]
    ended = command("run", "harmed.toml", "--engine", "stacked", "--workers", "1", cwd=root)
    assert ended.returncode == 0, ended.stderr
    assert (f"{name} was damaged or missing" in ended.stderr) == (name == files.LOOKS)
    assert command("verify", "harmed", cwd=root).stdout.endswith(": sound\n")


def test_every_file_with_a_checksum_is_known_by_name() -> None:
    told = (files.PROVENANCE, looks.FILE, wall_time.FILE, CLAIMS, PREDICTIONS, LANDSCAPES_FILE)
    assert {*told, "cells.csv", *FILES.values()} == set(files.ALL)


def test_a_file_without_a_checksum_is_named_and_forgotten(tmp_path: Path) -> None:
    files.write_files(tmp_path, {CLAIMS: b"a"})
    (tmp_path / looks.FILE).write_text("{}")
    (tmp_path / "notes.csv").write_text("of the user's own")
    assert verify(tmp_path) == [f"{looks.FILE} has no checksum"]
    assert files.forget_damaged(tmp_path) == [looks.FILE]
    assert verify(tmp_path) == [] and (tmp_path / "notes.csv").is_file()


def test_a_lost_checksum_forgets_nothing_that_can_be_read(tmp_path: Path) -> None:
    files.write_files(tmp_path, {files.PROVENANCE: b"{}", looks.FILE: b"{}", "cells.csv": b"c"})
    checksums = tmp_path / files.CHECKSUMS
    checksums.write_bytes(checksums.read_bytes()[:40])
    (tmp_path / looks.FILE).write_text("{")
    assert files.forget_damaged(tmp_path) == ["cells.csv", looks.FILE]
    assert files.sound_files(tmp_path, files.ALL) == {files.PROVENANCE: b"{}"}
    assert verify(tmp_path) == []


def test_damaged_checksums_keep_those_of_files_that_match(tmp_path: Path) -> None:
    files.write_files(tmp_path, {CLAIMS: b"a", looks.FILE: b"{}", "cells.csv": b"c"})
    (tmp_path / "cells.csv").write_bytes(b"d")
    checksums = tmp_path / files.CHECKSUMS
    checksums.write_bytes(checksums.read_bytes().replace(b"{", b"[", 1))
    assert files.sound_files(tmp_path, files.ALL) == {CLAIMS: b"a", looks.FILE: b"{}"}
    files.write_files(tmp_path, {"cells.csv": b"e"})
    assert verify(tmp_path) == []
