"""A signal at any time of a command's life: one sentence, its exit code, never a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.signal_at import watch_as_told
from tests.command import Ended, start

HERE = Path(__file__).parent
STUDY = """
name = "tiny"
[grid]
data = "iris"
activation = ["relu", "tanh"]
width = 4
epochs = 1
seeds = 2
"""
WORDS = {"INT": "stopped", "TERM": "terminated"}
GO_ON = "run the same command again to resume"


def run(points: str, *arguments: str, folder: Path) -> Ended:
    """Run a command from nothing, imports and all."""
    ended = subprocess.run(
        [sys.executable, str(HERE / "signal_at.py"), points, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(HERE.parents[1])},
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def run_study(points: str, workers: int, folder: Path) -> Ended:
    """Run a study in a process that has imported what it needs."""
    (folder / "tiny.toml").write_text(STUDY)
    arguments = ("run", "tiny.toml", "--workers", str(workers))
    env = os.environ | {"POINTS": points}
    return start(*arguments, cwd=folder, env=env, first=watch_as_told).end()


def assert_stopped(ended: Ended, name: str, way_on: str = GO_ON) -> None:
    assert ended.returncode == 128 + signal.Signals[f"SIG{name}"], ended.stderr
    *before, last = ended.stderr.splitlines()
    assert last == f"nnbench: {WORDS[name]}; {way_on}."
    assert "Traceback" not in ended.stderr and "Exception ignored" not in ended.stderr
    assert not any(line.startswith("nnbench: ") for line in before)


@pytest.mark.parametrize(
    ("point", "name"),
    [
        ("call:listen", "TERM"),
        ("return:listen", "INT"),
        ("import:nnbench.cli.ends", "INT"),
        ("import:typer", "TERM"),
        ("import:typer", "INT"),
        ("call:code_of", "INT"),
        ("import:pydantic", "TERM"),
        ("import:nnbench.catalog", "INT"),
        ("import:nnbench.cli.listing", "TERM"),
    ],
)
def test_from_the_first_moment_on(tmp_path: Path, point: str, name: str) -> None:
    ended = run(f"{point}:self:{name}", "list", folder=tmp_path)
    if point == "call:listen":  # the last moment at which the system answers
        assert (ended.returncode, ended.stderr) == (-signal.SIGTERM, "")
    else:
        assert_stopped(ended, name)
    assert not ended.stdout


@pytest.mark.whole
@pytest.mark.parametrize(
    ("point", "name"),
    [("import:pandas", "INT"), ("import:matplotlib", "TERM"), ("call:run", "INT")],
)
def test_before_a_study_runs(tmp_path: Path, point: str, name: str) -> None:
    (tmp_path / "tiny.toml").write_text(STUDY)
    arguments = ("run", "tiny.toml", "--workers", "1")
    assert_stopped(run(f"{point}:self:{name}", *arguments, folder=tmp_path), name)


@pytest.mark.whole
@pytest.mark.parametrize(
    ("points", "name"),
    [
        ("call:train_task:self:INT", "INT"),
        ("call:Store.commit:self:TERM", "TERM"),
        ("call:write_claims:self:INT", "INT"),
        ("call:Store.commit:self:INT,call:Progress.close:self:INT", "INT"),
        ("call:train_task:self:INT,call:end_now:self:TERM", "INT"),
    ],
)
def test_while_a_study_runs(tmp_path: Path, points: str, name: str) -> None:
    assert_stopped(run_study(points, 1, tmp_path), name)


@pytest.mark.whole
def test_who_forgot_what_was_there_goes_on_without_forgetting_again(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(STUDY)
    fresh = ("run", "tiny.toml", "--workers", "1", "--fresh")
    before = run("call:open_store:self:TERM", *fresh, folder=tmp_path)
    assert_stopped(before, "TERM")  # nothing is forgotten by then
    stopped = run("call:write_tables:self:INT", *fresh, folder=tmp_path)
    assert_stopped(stopped, "INT", "run the same command without --fresh to resume")
    again = start(*fresh[:-1], cwd=tmp_path).end()
    assert again.returncode == 0 and "already finished, 0 to train." in again.stderr, again.stderr


@pytest.mark.whole
@pytest.mark.parametrize("more", [(), ("--fresh",)])
def test_who_wrote_a_study_goes_on_with_its_file(tmp_path: Path, more: tuple[str, ...]) -> None:
    rows = "".join(f"{n % 7},{n % 5},{'ab'[n % 2]}\n" for n in range(60))
    (tmp_path / "t.csv").write_text(f"x,z,y\n{rows}")
    words = ("run", "--data", "t.csv", "--target", "y", "--write-study", "my own.toml", *more)
    stopped = run("call:Store.survey:self:INT", *words, folder=tmp_path)
    told, _, rest = stopped.stderr.partition("\n")
    assert told == (
        "nnbench: wrote my own.toml; to repeat this run: nnbench run 'my own.toml', with the same "
        "--out and other options"
    )
    assert_stopped(
        replace(stopped, stderr=rest),
        "INT",
        "to resume: nnbench run 'my own.toml', with the same --out and other options",
    )
    assert (tmp_path / "my own.toml").is_file()
    refused = start(*words, cwd=tmp_path).end()
    assert refused.returncode == 2 and "the file exists: run it" in refused.stderr


@pytest.mark.whole
@pytest.mark.parametrize(
    ("points", "name"),
    [
        ("call:Pool.receive:self:TERM,call:Pool.stop:self:TERM", "TERM"),
        ("call:Pool.receive:self:INT,call:_Worker.end:all:TERM", "INT"),
        ("call:Pool.receive:all:TERM,call:end_now:all:TERM", "TERM"),
        ("call:Pool.receive:all:INT,call:Progress.close:all:INT", "INT"),
    ],
)
def test_a_second_signal_while_workers_end(tmp_path: Path, points: str, name: str) -> None:
    assert_stopped(run_study(points, 2, tmp_path), name)


@pytest.mark.whole
@pytest.mark.parametrize(
    ("point", "name"),
    [
        (
            "return:Popen._execute_child:self:TERM",
            "TERM",
        ),  # when a worker has been told nothing yet
        ("return:Popen._execute_child:self:INT", "INT"),
        ("return:Popen._execute_child:all:TERM", "TERM"),
        ("call:Pool.receive:all:INT", "INT"),
    ],
)
def test_workers_that_start_are_silent(tmp_path: Path, point: str, name: str) -> None:
    assert_stopped(run_study(f"call:held_back,{point}", 2, tmp_path), name)


@pytest.mark.whole
@pytest.mark.parametrize("name", ["INT", "TERM"])
def test_what_is_done_stays_done(tmp_path: Path, name: str) -> None:
    ended = run(f"call:_shutdown:self:{name}", "list", "losses", folder=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "cross_entropy" in ended.stdout


@pytest.mark.whole
def test_a_mistake_that_was_said_stays_one(tmp_path: Path) -> None:
    ended = run("return:_ended:self:TERM", "list", "activatons", folder=tmp_path)
    assert ended.returncode == 2 and ended.stderr.count("\n") == 1


COLLECTED = """
class Collected:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        [None for _ in range(9)]
Collected()
"""
SWALLOWED = """
try:
    os.kill(os.getpid(), signal.SIGTERM)
    [None for _ in range(9)]
except BaseException:
    os.kill(os.getpid(), signal.SIGINT)
"""
IMPORTED = """
with open("greedy.py", "w") as file:
    file.write("import os, signal" + SWALLOWED)
import greedy
"""


@pytest.mark.parametrize("script", [COLLECTED, SWALLOWED, IMPORTED], ids=["gc", "except", "import"])
def test_a_stop_that_is_swallowed_still_stops(tmp_path: Path, script: str) -> None:
    begin = "import os, signal, sys\nfrom nnbench.cli import stops\nstops.listen()\n"
    code = f"{begin}sys.path.insert(0, '')\nSWALLOWED = {SWALLOWED!r}\n{script}\nprint('lost')"
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(HERE.parents[1])},
    )
    assert_stopped(Ended(ended.returncode, ended.stdout, ended.stderr), "TERM")
    assert not ended.stdout


def test_theory_says_that_it_begins_anew(tmp_path: Path) -> None:
    env = os.environ | {"POINTS": "call:measure_all:self:INT"}
    ended = start("theory", cwd=tmp_path, env=env, first=watch_as_told).end()
    assert_stopped(ended, "INT", "nothing was kept: the same command starts over")
