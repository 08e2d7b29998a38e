"""A user's table at its worst: every mistake is one sentence, and hostile text passes through."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nnbench.catalog import VOCABULARY
from nnbench.catalog.data.tables.entry import table_levels
from nnbench.catalog.data.tables.table import Choices, read_table
from nnbench.study.mistakes import StudyError
from nnbench.study.reading import make_study
from nnbench.training.draws import DataError, split_for

ROWS = 40
GOOD = "a,y\n" + "".join(f"{n * n},{'pq'[n % 2]}\n" for n in range(ROWS))
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}}",
    "{% raw %}",
    "${HOME} `id` $(id)",
    "=cmd|' /C calc'!A0",
    "../../etc/passwd",
    "'; DROP TABLE cells; --",
    "a\u202eb\u0000c".replace("\u0000", ""),
    "🦄 café Ω",
    "%s%n%d",
    "x" * 5000,
    "__import__('os').system('id')",
    "data.path",
]


def rows(line: str, n: int = ROWS) -> str:
    """Return n lines, in which # is the line's number."""
    return "".join(line.replace("#", str(number)) + "\n" for number in range(n))


def sentence(folder: Path, content: str | bytes, target: str = "y", **choices: Any) -> str:
    """Return what is said about a file of this content."""
    path = folder / "my.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError) as caught:
        read_table(path, Choices(target, **choices))
    text = str(caught.value)
    assert text.startswith('"my.csv": ') and "\n" not in text and len(text) < 500
    return text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("\n\n \n", "is empty"),
        ("a,y\n", "has no rows under its header"),
        ("a,y", "has no rows under its header"),
        ("1,2,3\n4,5,6\n", "has no header: its first line is all numbers"),
        ("a,a,y\n" + rows("#,1,p"), '"a" is the name of more than one column: rename them'),
        ("a, a,b,b,y\n1,2,3,4,5\n", '"a", "b" are names of more than one column'),
        ("a,y\n1,2,3\n4,5\n", "is not a valid CSV file"),
        ("a,y\n1,2\n3,4,5\n", "is not a valid CSV file: Expected 2 fields in line 3, saw 3"),
        ('a,y\n"1,2\n', "has a quote in row 2 (counting the header) that is never closed"),
        ("a\0b,y\n1,2\n", "is not text"),
        (bytes(range(256)), "is neither UTF-8 nor Latin-1 text: save it as UTF-8, if"),
        (b"\xff\xfea\0,\0y\0", "has no rows under its header"),
        (b"\xff\xfea\0,\0y\0\n", "begins as UTF-16 but is not valid"),
        ("y\n" + rows("p") + rows("q"), "no column is left to predict the target from"),
        ("k,y\n" + rows("7,p") + rows("7,q"), '"k" (has one value only)'),
        ("k,y\n" + rows("name #,p") + rows("text #,q"), "a name or free text"),
        ("a,y\n" + rows("#,"), 'the target "y" is missing in every row'),
        ("a,y\n" + rows("#,NaN"), 'the target "y" is missing in every row'),
        ("a,y\n" + rows("#,p"), 'the target has only one class, "p"'),
        ("a,y\n" + rows("#,p") + rows("#,q", 4), "only one class with 5 examples or more"),
        ("a,y\n" + rows("#,3"), 'the target has only one class, "3"'),
        ("a,y\n" + rows("#,name #"), "classification takes at most 100 classes"),
        ("a,y\n" + "".join(rows(f"#,c{k}", 6) for k in range(101)), "has 101 different values"),
        ("a,y\n" + rows("#,p", 9) + rows("#,q", 9), "only 18 rows have a usable target"),
        (
            "a,y\n" + rows("#,") + rows("#,p", 9) + rows("#,q", 9),
            "only 18 rows have a usable target",
        ),
        ("a,y\n" + rows("#,0.#", 19), "only 19 rows have a usable target"),
        ("a,y\n" + rows("#,0.#") + "1,inf\n", "1 targets are infinite or beyond 1e+100"),
        ("a,y\n" + rows("#,0.#") + "1,-1e300\n", "1 targets are infinite or beyond 1e+100"),
        ("a,y\n" + rows("#5,p") + "inf,q\n-inf,q\n" * 5, 'column "a" has 10 values that are inf'),
        ("a,y\n" + rows("#5,p") + "1e101,q\n" + rows("#,q"), 'column "a" has 1 value that is inf'),
    ],
)
def test_a_mistake_in_the_file(tmp_path: Path, content: str | bytes, said: str) -> None:
    assert said in sentence(tmp_path, content)


@pytest.mark.parametrize(
    ("target", "choices", "said"),
    [
        ("Y", {}, 'target: there is no column "Y"; did you mean "y"?'),
        ("yy", {}, 'did you mean "y"?'),
        ("price", {}, 'there is no column "price"; it has "a", "y"'),
        ("y", {"drop": ("b",)}, 'drop: there is no column "b"'),
        ("y", {"drop": ("y",)}, 'column "y" is in target and in drop: choose one of them'),
        ("y", {"drop": ("a",), "numeric": ("a",)}, 'column "a" is in numeric and in drop'),
        ("y", {"drop": ("a",)}, '"a" (as asked, or as another target)'),
        ("y", {"task": "regression"}, 'values that are not numbers, such as "p": regression'),
        ("a", {"task": "classification"}, "classification takes at most 100 classes"),
        ("y", {"rows": 12}, "only 12 rows have a usable target"),
    ],
)
def test_a_mistake_in_the_choices(
    tmp_path: Path, target: str, choices: dict[str, Any], said: str
) -> None:
    assert said in sentence(tmp_path, GOOD, target, **choices)


def test_a_regression_with_one_value(tmp_path: Path) -> None:
    said = sentence(tmp_path, "a,y\n" + rows("#,3"), task="regression")
    assert "the target is 3 in every row: there is nothing to learn" in said


def test_a_header_with_numbers_is_questioned(tmp_path: Path) -> None:
    said = sentence(tmp_path, "5.1,3.5,setosa\n" + rows("#,1,virginica"), "species")
    assert "is its first line a header? It has numbers" in said


def test_a_column_that_cannot_be_what_is_asked(tmp_path: Path) -> None:
    content = "a,b,y\n" + "".join(f"{n * n},w{n},{'pq'[n % 2]}\n" for n in range(ROWS))
    assert 'column "b" cannot be a number: it has no values' in sentence(
        tmp_path, content, numeric=("b",)
    )


def test_files_that_are_none(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo.csv"
    os.mkfifo(fifo)  # to open it would wait forever
    for path, said in (
        (tmp_path / "none.csv", "there is no such file"),
        (tmp_path, "is not a plain file"),
        (fifo, "is not a plain file"),
        (Path("/dev/zero"), "is not a plain file"),
        (tmp_path / ("x" * 300), "cannot be read"),
    ):
        with pytest.raises(ValueError, match=said):
            read_table(path, Choices("y"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "my.csv"
    path.write_text(GOOD)
    path.chmod(0)
    with pytest.raises(ValueError, match="cannot be read"):
        read_table(path, Choices("y"))


BROKEN = (b"", b"PAR1", b"PAR1" * 10, GOOD.encode(), bytes(range(251)) * 2)


@pytest.mark.parametrize("content", BROKEN)
def test_damaged_parquet(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "my.parquet"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r'^"my.parquet": is not a valid Parquet file: '):
        read_table(path, Choices("y"))


@pytest.mark.whole
def test_every_flipped_byte_of_a_parquet_file_is_survived(tmp_path: Path) -> None:
    path = tmp_path / "my.parquet"
    pd.DataFrame({"a": range(0, 80, 2), "y": ["p", "q"] * 20}).to_parquet(path)
    content = bytearray(path.read_bytes())
    chance = np.random.default_rng(0)
    for place in chance.choice(len(content), 200, replace=False):
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(chance.integers(8))
        path.write_bytes(damaged)
        try:
            read_table(path, Choices("y"))
        except ValueError as problem:
            assert str(problem).startswith('"my.parquet": ')


# Levels of a study


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"csv": "my.csv"}, "needs the column to predict"),
        ({"csv": "my.csv", "target": ""}, "needs the column to predict"),
        ({"csv": "my.csv", "target": 3}, "needs the column to predict"),
        ({"csv": 3, "target": "y"}, "must be a path in quotes"),
        ({"csv": "", "target": "y"}, "must be a path in quotes"),
        ({"csv": [], "target": "y"}, "an empty list"),
        ({"csv": "none.csv", "target": "y"}, "there is no such file"),
        ({"csv": "my.csv", "parquet": "my.csv", "target": "y"}, "needs one file"),
        ({"csv": "my.csv", "target": "y", "tasks": "x"}, 'unknown key "tasks"'),
        ({"csv": "my.csv", "target": "y", "task": "x"}, "must be one of auto, classification"),
        ({"csv": "my.csv", "target": "y", "drop": "a"}, "drop must be a list of columns"),
        ({"csv": "my.csv", "target": "y", "drop": [1]}, "drop must be a list of columns"),
        ({"csv": "my.csv", "target": "y", "rows": -1}, r"must lie in \[0, "),
        ({"csv": "my.csv", "target": "y", "rows": True}, "must be a whole number"),
    ],
)
def test_a_mistake_in_a_level(tmp_path: Path, given: dict[str, Any], said: str) -> None:
    (tmp_path / "my.csv").write_text(GOOD)
    with pytest.raises(ValueError, match=said):
        table_levels(given, tmp_path)
    with pytest.raises(StudyError, match=said) as caught:
        make_study({"name": "t", "grid": {"data": given}}, replace(VOCABULARY, folder=tmp_path))
    assert "\n" not in str(caught.value)


def test_a_zero_byte_in_a_path() -> None:
    with pytest.raises(ValueError, match="must be a path in quotes"):
        table_levels({"csv": "my\0.csv", "target": "y"}, Path())


def test_a_name_alone_does_not_make_a_table() -> None:
    for form in ("csv", "parquet"):
        with pytest.raises(StudyError, match="give the file"):
            make_study({"name": "t", "grid": {"data": form}}, VOCABULARY)


def test_a_file_that_is_gone_when_a_cell_is_trained(tmp_path: Path) -> None:
    (tmp_path / "my.csv").write_text(GOOD)
    data = {"csv": str(tmp_path / "my.csv"), "target": "y"}
    grid = {"data": data, "val_fraction": 0.25}
    (cell, *_) = make_study({"name": "t", "grid": grid}, VOCABULARY).cells()
    (tmp_path / "my.csv").unlink()
    with pytest.raises(DataError, match="there is no such file"):
        split_for(cell.recipe)


# Hostile text


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_hostile_names_and_values_pass_through(tmp_path: Path, form: str) -> None:
    chance = np.random.default_rng(0)
    rows = 30 * len(HOSTILE)
    values = HOSTILE * 30
    content = pd.DataFrame({name: chance.normal(size=rows) for name in HOSTILE})
    content["text"] = chance.permutation(np.array(values, dtype=object))
    content["label"] = values
    path = tmp_path / f"{HOSTILE[0].replace('/', '')}.{form}"
    content.to_csv(path, index=False) if form == "csv" else content.to_parquet(path)
    found = read_table(path, Choices("label"))
    assert found.features[: len(HOSTILE)] == tuple(HOSTILE)
    assert set(found.classes) == set(HOSTILE)
    assert set(found.features[len(HOSTILE) :]) == {f"text = {value}" for value in HOSTILE}
    for target in HOSTILE:
        levels = table_levels({form: str(path), "target": target}, tmp_path)
        assert levels[0]["data.target"] == target


def test_hostile_names_in_messages_are_quoted_and_short(tmp_path: Path) -> None:
    for name in HOSTILE:
        said = sentence(tmp_path, GOOD, name + "\n\x1b[31m")
        assert said.isprintable()


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    import pickle

    class Bomb:
        def __reduce__(self) -> Any:
            return (os.mkdir, (str(tmp_path / "exploded"),))

    for name in ("my.csv", "my.parquet"):
        (tmp_path / name).write_bytes(pickle.dumps(Bomb()))
        with pytest.raises(ValueError):
            read_table(tmp_path / name, Choices("y"))
    assert not (tmp_path / "exploded").exists()


# Size

SIZES = """
import sys
from pathlib import Path
from nnbench.catalog.data.tables.entry import table_levels
from nnbench.training.draws import split_for
(fields,) = table_levels({"csv": sys.argv[1], "target": "y"}, Path())
split = split_for(fields | {"study_seed": 0, "seed": 0, "val_fraction": 0.2, "test_fraction": 0.2})
# not ru_maxrss, which counts what the process that started this one had
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
memory = int(peak.split()[1]) / 1e6
print(split.n_train, split.n_features, memory)
"""


def read_apart(path: Path) -> list[float]:
    """Read and split a table in a process of its own; return rows, features and GB."""
    command = [sys.executable, "-W", "error", "-c", SIZES, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [float(number) for number in done.stdout.split()]


@pytest.mark.slow
def test_two_thousand_columns(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(500, 2000)).round(3)
    content = pd.DataFrame(x, columns=[f"c{n}" for n in range(2000)])
    content["y"] = ["p", "q"] * 250
    content.to_csv(tmp_path / "wide.csv", index=False)
    n_train, n_features, gigabytes = read_apart(tmp_path / "wide.csv")
    assert (n_train, n_features) == (300, 2000) and gigabytes < 2


@pytest.mark.slow
def test_a_million_rows(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    n = 1_000_000
    content = pd.DataFrame({f"f{k}": chance.normal(size=n).round(4) for k in range(8)})
    content["gap"] = np.where(
        chance.uniform(size=n) < 0.1, np.nan, 1.0 * chance.integers(9, size=n)
    )
    content["few"] = chance.choice(list("abcdef"), n)
    content["many"] = ["k" + str(k) for k in chance.integers(0, 5000, n)]
    content["y"] = chance.choice(["p", "q"], n)
    content.to_csv(tmp_path / "long.csv", index=False)
    n_train, n_features, gigabytes = read_apart(tmp_path / "long.csv")
    assert (n_train, n_features) == (600_000, 37) and gigabytes < 3


def test_a_table_that_cannot_fit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nnbench.catalog.data.tables import files, table

    monkeypatch.setattr(table, "MAX_NUMBERS", 39)
    assert "read fewer, such as rows = 39, or drop columns" in sentence(tmp_path, GOOD)
    monkeypatch.setattr(files, "MAX_BYTES", 10)
    with pytest.raises(ValueError, match="take a sample of its rows"):
        read_table(tmp_path / "my.csv", Choices("y"))


@pytest.mark.whole
def test_long_texts_do_not_multiply(tmp_path: Path) -> None:
    words = ["x" * 200_000] + ["y"] * 2000  # as an array of equal widths: 1.6 GB
    lines = [f"{n * n},{word},{'pq'[n % 2]}" for n, word in enumerate(words)]
    (tmp_path / "my.csv").write_text("a,w,y\n" + "\n".join(lines))
    _, n_features, gigabytes = read_apart(tmp_path / "my.csv")
    assert n_features == 3 and gigabytes < 0.5
