"""Hostile study files: each is one StudyError of one sentence, and soon."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnbench.catalog import VOCABULARY
from nnbench.cli.ends import Failed
from nnbench.cli.places import results_of
from nnbench.results.disk import StoreError
from nnbench.results.files import results_folder
from nnbench.study.mistakes import StudyError
from nnbench.study.reading import make_study, read_study

HEAD = 'name = "bad"\n[grid]\ndata = "moons"\n'
SECONDS = 60.0  # of the processor: what grows with the square of a file takes hours
BOM = b"\xef\xbb\xbf"


def refusal(path: Path) -> str:
    """Return the message for a bad study; it is short, one line, and comes soon."""
    began = time.process_time()
    with pytest.raises(StudyError) as caught:
        read_study(path, VOCABULARY)
    assert time.process_time() - began < SECONDS
    message = str(caught.value)
    assert "\n" not in message and message.isprintable()
    assert 20 < len(message) < 1500 + len(str(path))
    return message


def refusal_of(content: bytes | str, folder: Path) -> str:
    path = folder / "bad.toml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return refusal(path)


def numbers(n: int) -> str:
    return "[" + ",".join(map(str, range(1, n + 1))) + "]"


HOSTILE: dict[str, tuple[str | bytes, str]] = {
    "10 MB": ("#" * 10_000_000, "too large"),
    "1 MB of one key": ("a" * 990_000, "not valid TOML"),
    "lists 1e5 deep": (HEAD + "depth = " + "[" * 100_000, "nested too deeply"),
    "closed lists 1e5 deep": (
        HEAD + "depth = " + "[" * 100_000 + "]" * 100_000,
        "nested too deeply",
    ),
    "tables 1e5 deep": (HEAD + "depth = " + "{ a = " * 100_000, "nested too deeply"),
    "lists 100 deep": (HEAD + "depth = " + "[" * 100 + "]" * 100, "nested too deeply"),
    "a key of 1e5 parts": (HEAD + ".".join("a" * 100_000) + " = 1", "dotted key"),
    "a key of 1e5 quoted parts": (HEAD + ".".join(['"a"'] * 100_000) + " = 1", "dotted key"),
    "a key of 1e5 spaced parts": (HEAD + " . ".join("a" * 100_000) + " = 1", "dotted key"),
    "a table of 1e5 parts": ("[" + ".".join("a" * 100_000) + "]\nb = 1", "dotted key"),
    "a key of 25 parts": (HEAD + "optimizer" + ".a" * 24 + " = 1", "nested too deeply"),
    "a grid of 1e9 cells": (
        HEAD + f"depth = {numbers(1000)}\nwidth = {numbers(1000)}\nepochs = {numbers(1000)}\n",
        "over the limit",
    ),
    "a variant of 1e9 levels": (
        HEAD
        + f"schedule = {{ name = 'plateau', patience = {numbers(1000)}, "
        + f"cooldown = {numbers(1000)}, min_lr = {numbers(1000)} }}",
        "over the limit",
    ),
    "a list of 1e5 levels": (HEAD + f"width = {numbers(100_000)}", "100,000 entries"),
    "1e9 seeds": (HEAD + "seeds = 1000000000", "seeds"),
    "1e5 seeds in a list": (HEAD + f"depth = [1, 2, 3]\nseeds = {numbers(100_000)}", "300,000"),
    "a sample of 1e9": (
        HEAD
        + f"depth = {numbers(1000)}\nwidth = {numbers(1000)}\nepochs = {numbers(1000)}\n"
        + "[design]\nkind = 'sample'\nn = 1000000000",
        "over the limit",
    ),
    "1e5 claims": (HEAD + "[[claim]]\n" * 80_000, "80,000 entries"),
    "duplicate keys": (HEAD + "depth = 1\ndepth = 2", "overwrite"),
    "duplicate sections": (HEAD + "[report]\n[report]", "twice"),
    "not a number": (HEAD + "dropout = nan", "[grid] dropout: is nan"),
    "infinity": (HEAD + "dropout = [0.1, -inf]", "[grid] dropout 2: is -inf"),
    "infinity within a variant": (HEAD + "optimizer = { name = 'sgd', lr = inf }", "lr: is inf"),
    "a number of 1e5 digits": (HEAD + "depth = " + "9" * 100_000, "not valid TOML"),
    "a hexadecimal of 1e5 digits": (HEAD + "depth = 0x" + "f" * 100_000, "too large a number"),
    "1e400": (HEAD + "dropout = 1e400", "is inf"),
    "a date": (HEAD + "depth = 1979-05-27", "give text in quotes, a number"),
    "invalid UTF-8": (HEAD.encode() + b"title = '\xff\xfe'", "not UTF-8"),
    "UTF-16": (HEAD.encode("utf-16"), "not UTF-8"),
    "zeros": (b"\0" * 1000, "not valid TOML"),
    "nothing": (b"", '"name" is missing'),
    "a BOM and nothing": (BOM, '"name" is missing'),
    "JSON": ('{"name": "bad", "grid": {"data": "moons"}}', "not valid TOML"),
    "a title of 1e5 letters": (f'title = "{"x" * 100_000}"\n' + HEAD, "100,000 characters"),
    "an escape sequence in a title": (r'title = "\u001b[31mred"' + "\n" + HEAD, "control"),
    "a name of 9e5 letters": (f'name = "{"x" * 9_000}"\n[grid]\ndata = "moons"', "not allowed"),
    "a level of 9e3 letters": (HEAD + f'activation = "{"x" * 9_000}"', "unknown name"),
    "a key of 1e5 letters": (HEAD + "x" * 100_000 + " = 1", "unknown key"),
    "an escape sequence in a key": (HEAD + r'"\u001b[31m" = 1', "unknown key"),
    "an escape sequence in a level": (HEAD + r'activation = "\u001b[31m"', "control"),
}


@pytest.mark.whole
@pytest.mark.parametrize(("content", "words"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_file(content: str | bytes, words: str, tmp_path: Path) -> None:
    assert words in refusal_of(content, tmp_path)


def test_places_that_are_no_study(tmp_path: Path) -> None:
    assert "no such study file" in refusal(tmp_path / "absent.toml")
    assert "not a file" in refusal(tmp_path)
    assert "not a file" in refusal(Path("/dev/zero"))
    assert "bad" in refusal(Path("bad\0.toml"))
    assert "cannot be read" in refusal(tmp_path / ("x" * 300))
    loop = tmp_path / "loop.toml"
    loop.symlink_to(loop)
    assert "loop.toml" in refusal(loop)


def test_what_looks_odd_and_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "odd.toml"
    path.write_bytes(BOM + HEAD.encode())
    assert read_study(path, VOCABULARY).name == "bad"
    dots = "a.b." * 50
    path.write_text(f'title = "{dots} … 100 %"\n{HEAD}', encoding="utf-8")
    with pytest.raises(StudyError, match="dotted key"):  # the price of not parsing it
        read_study(path, VOCABULARY)
    path.write_text(f'title = "and so on {"." * 80} 1.5, 2.5, 3.5"\n{HEAD}', encoding="utf-8")
    assert read_study(path, VOCABULARY).title.startswith("and so on")
    path.write_text(HEAD + "dropout = [" + ", ".join(f"0.{k}" for k in range(10, 90)) + "]")
    assert len(read_study(path, VOCABULARY).cells()) == 3 * 80


@pytest.mark.whole
def test_memory_stays_small(tmp_path: Path) -> None:
    """The peak of a process that reads them all, as Linux counts it."""
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux tells")
    files = []
    for number, (content, _) in enumerate(HOSTILE.values()):
        files.append(tmp_path / f"{number}.toml")
        files[-1].write_bytes(content.encode() if isinstance(content, str) else content)
    script = """
import re, sys
from pathlib import Path
from nnbench.catalog import VOCABULARY
from nnbench.cli.ends import Failed
from nnbench.cli.places import results_of
from nnbench.results.disk import StoreError
from nnbench.results.files import results_folder
from nnbench.study.mistakes import StudyError
from nnbench.study.reading import read_study
refused = 0
for path in sys.argv[1:]:
    try:
        read_study(Path(path), VOCABULARY)
    except StudyError:
        refused += 1
status = Path("/proc/self/status").read_text()
print(refused, int(re.search("VmHWM:\\s*(.*) kB", status)[1]) // 1024)
"""
    ended = subprocess.run(
        [sys.executable, "-c", script, *map(str, files)], capture_output=True, text=True, check=True
    )
    refused, megabytes = map(int, ended.stdout.split())
    assert refused == len(HOSTILE) and megabytes < 200


# ------------------------------------------------------------------------------------------- names

BAD_NAMES = [
    "../x",
    "/etc/x",
    "",
    ".",
    "..",
    "a/b",
    "a\\b",
    "a\0b",
    "a\nb",
    "a\n",
    "x" * 65,
    "x" * 300,
    "-rf",
    "_x",
    "a b",
    "A",
    "é",
    "a.b",
    "~",
    "C:",
    "a\u202eb",
    "١",
    None,
    3,
    True,
    ["a"],
    {"a": 1},
]


def named(name: Any) -> str:
    return make_study({"name": name, "grid": {"data": "moons"}}, VOCABULARY).name


@pytest.mark.parametrize("name", BAD_NAMES, ids=repr)
def test_bad_name(name: Any) -> None:
    with pytest.raises(StudyError) as caught:
        named(name)
    assert "name" in str(caught.value) and str(caught.value).isprintable()


@pytest.mark.parametrize("name", ["a", "0", "a-b_c", "x" * 64, "9-lives"])
def test_good_name(name: str) -> None:
    assert named(name) == name


ALMOST = st.text(st.sampled_from("ab0-_./\\~ \n\0é:*"), max_size=70)


@given(st.one_of(st.text(max_size=80), ALMOST))
def test_no_accepted_name_escapes(name: str) -> None:
    try:
        accepted = named(name)
    except StudyError:
        return
    root = Path("/results")
    folder = (root / accepted).resolve()
    assert folder.parent == root and folder.name == accepted == name
    assert accepted.isascii() and not accepted.startswith(("-", ".", "_")) and len(accepted) <= 64


LETTERS = "ab0-_./\\~ \n\0\té:*?$<>|'\"`&;\u202e\ud7ff\U0001f4a9"


@pytest.mark.parametrize("count", [500, pytest.param(10_000, marks=pytest.mark.slow)])
def test_no_hostile_name_leaves_the_root(count: int, tmp_path: Path, chance: random.Random) -> None:
    """As a study's name, as a folder of results, and as a place on the command line."""
    root = tmp_path / "results"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    heads = ["", "../", "/", "./", "-", ".", "~/", "link", "link/", "a/../../", "C:\\", "\0"]
    accepted = 0
    for number in range(count):
        body = "".join(chance.choices(LETTERS, k=chance.choice([0, 1, 3, 9, 40, 300])))
        name = chance.choice(heads) + body
        with suppress(StoreError):
            assert results_folder(root, name).parent == root
        with suppress(StudyError):
            accepted += bool((root / named(name)).relative_to(root))
        if number % 20 == 0:  # which takes the longest
            with pytest.raises(Failed, match="no results there"):
                results_of(name, root)
    assert list(root.iterdir()) == [root / "link"] and list(tmp_path.iterdir()) == [root]
    assert 0 < accepted < count


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
KEYS = ["data", "depth", "activation", "optimizer", "schedule", "seeds", "loss", "dropout", "norm"]
NAMES = st.sampled_from(["adam", "none", "auto", "relu", "moons", "chained", "batchnorm"])
TABLE = st.dictionaries(st.sampled_from(["name", "lr", "first", "gamma", "csv"]), NAMES | JUNK)
VALUE = JUNK | NAMES | TABLE | st.lists(NAMES | TABLE, max_size=2)
GRID = st.dictionaries(st.sampled_from(KEYS), VALUE, max_size=4)
SECTIONS = st.fixed_dictionaries(
    {"name": st.just("junk"), "grid": GRID.map(lambda grid: {"data": "moons"} | grid)},
    optional={
        "design": JUNK | st.fixed_dictionaries({"baseline": GRID, "exclude": st.lists(GRID)}),
        "report": JUNK,
        "claim": JUNK | st.lists(st.fixed_dictionaries({"text": st.just("t"), "better": GRID})),
        "seed": JUNK,
    },
)


@pytest.mark.whole
@given(SECTIONS)
def test_junk_is_a_study_or_a_study_error(content: dict[str, Any]) -> None:
    try:
        study = make_study(content, VOCABULARY)
    except StudyError as problem:
        assert str(problem).isprintable() and len(str(problem)) < 1500
        return
    assert study.cells()
