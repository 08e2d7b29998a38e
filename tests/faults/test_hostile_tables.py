"""Files that are broken, absurd or meant to harm: each is read, or refused in one sentence."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nnbench.catalog.data.tables.table import Choices, Table, read_table
from nnbench.report.page.table_notes import column_lines, table_sentences

ROWS = 60
MEMORY = 4_000_000_000  # bytes of addresses, most of which the libraries take


def lines(head: str, row: Callable[[int], str], rows: int = ROWS) -> str:
    return f"{head}\n" + "".join(f"{row(n)}\n" for n in range(rows))


def plain(n: int) -> str:
    return f"{n * n},{n % 7},{'pq'[n % 2]}"


def long_row(n: int) -> str:
    return f"{n * n},{'pq'[n % 2]}" + ",1" * 1_500


def junk() -> bytes:
    return random.Random(0).randbytes(1_000_000)


def columns(count: int) -> str:
    return ",".join(f"c{n}" for n in range(count)) + "\n" + "1," * (count - 1) + "1\n"


def read(folder: Path, content: str | bytes) -> Table:
    path = folder / "my.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(path, Choices("y"))


REFUSED: dict[str, tuple[Callable[[], str | bytes], str]] = {
    "bytes of chance": (junk, "is neither UTF-8 nor Latin-1 text"),
    "a million columns": (
        lambda: columns(1_000_000),
        "has 1,000,000 columns, and a table may have at most 100,000",
    ),
    "one line without end": (lambda: "a" * 20_000_000, "has a first line of over 16,777,216"),
    "empty lines": (lambda: "\n" * 1_000_000, "is empty"),
    "a quote that stays open": (
        lambda: lines("a,b,y", lambda n: f"{n},{chr(34) if n == 30 else ''}{n % 7},p"),
        "has a quote in row 32 (counting the header) that is never closed",
    ),
    "an open quote in the header": (
        lambda: lines('a,"b,y', plain),
        'has a quote in its header that is not closed there, before "b,y"',
    ),
    "half a character": (
        lambda: "".join(f'{{"a": "\\ud800 {n}", "y": {n}}}\n' for n in range(ROWS)),
        r"is JSON in which \ud800 stands without its other half, and so is no character",
    ),
    "half a character in a name": (
        lambda: "".join(f'{{"a\\udfff": {n}, "y": {n}}}\n' for n in range(ROWS)),
        r"is JSON in which \udfff stands without its other half, and so is no character",
    ),
    "one column": (lambda: lines("y", str), "no column is left to predict the target from"),
    "names twice": (
        lambda: lines("a,a,y,y", lambda n: f"{n},3,{n},{n}"),
        '"a", "y" are names of more than one column: rename them',
    ),
    "all missing": (lambda: lines("a,b,y", lambda _: "NA,,"), "is missing in every row"),
    "all features missing": (
        lambda: lines("a,b,y", lambda n: f"NA,?,{n / 2}"),
        '"a" (has no values), "b" (has no values)',
    ),
    "infinities": (
        lambda: lines("a,b,y", lambda n: f"{'inf' if n % 3 else n},{n},{n / 2}"),
        'column "a" has 40 values that are infinite or beyond 1e+100',
    ),
    "infinite targets": (
        lambda: lines("a,y", lambda n: f"{n * n},{n / 2 if n % 3 else '-Infinity'}"),
        "20 targets are infinite",
    ),
    "100,000 classes": (
        lambda: lines("a,y", lambda n: f"{n % 77},class {n}", 100_000),
        "has 100000 different values",
    ),
    "300 digits": (
        lambda: lines("a,y", lambda n: f"{'9' * 300 if n == 4 else n},{n / 2}"),
        'column "a" has 1 value that is infinite or beyond 1e+100',
    ),
    "5,000 digits": (
        lambda: lines("a,y", lambda n: f"{'9' * 5000 if n == 4 else n},{n / 2}"),
        'column "a" has 1 value that is infinite or beyond 1e+100',
    ),
    "300 digits in the target": (
        lambda: lines("a,y", lambda n: f"{n * n},{'9' * 300 if n == 4 else n / 2}"),
        "1 targets are infinite",
    ),
    "JSON nested without end": (
        lambda: '{"a":' + "[" * 100_000 + "]" * 100_000 + "}\n",
        "is JSON but not a table",
    ),
    "a name of 140,000 letters": (
        lambda: lines(f"a,{'b' * 140_000},y", plain),
        "is not a valid CSV file: field larger than field limit (131072)",
    ),
    "rows of any length": (
        lambda: lines("a,b,y", lambda n: "1," * (n % 9) + "1"),
        "is not a valid CSV file: Expected 3 fields",
    ),
}
READ: dict[str, tuple[Callable[[], str], tuple[str, ...], int]] = {
    "zero bytes in a row": (lambda: lines("a,b,y", plain) + "\0" * 4096, ("a", "b"), ROWS),
    "line ends of old": (lambda: lines("a,b,y", plain).replace("\n", "\r"), ("a", "b"), ROWS),
    "a field of 200,000 letters": (
        lambda: lines("a,b,y", lambda n: f"{n},{n % 50},{'pq'[n % 2]}") + f"7,{'z' * 200_000},p\n",
        ("a", "b", "b is missing"),
        ROWS + 1,
    ),
    "a header of 150,000 letters": (
        lambda: lines("a,y," + ",".join(f"{n}{'c' * 100}" for n in range(1_500)), long_row),
        ("a",),
        ROWS,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_in_one_sentence(tmp_path: Path, name: str) -> None:
    make, said = REFUSED[name]
    with pytest.raises(ValueError) as caught:
        read(tmp_path, make())
    text = str(caught.value)
    assert text.startswith('"my.csv": ') and said in text
    assert text.isprintable() and len(text) < 500


@pytest.mark.parametrize("name", READ)
def test_what_can_be_read_is(tmp_path: Path, name: str) -> None:
    make, features, rows = READ[name]
    found = read(tmp_path, make())
    assert found.features == features and len(found.x) == rows


def test_what_is_no_number_is_said_without_its_controls(tmp_path: Path) -> None:
    row = lines("a,b,y", lambda n: f"{n},{n * 3 if n != 7 else chr(27) + '[31m'},{n / 2}")
    said = table_sentences(read(tmp_path, row).report)[-1]
    assert '1 value that is not a number ("\\u001b[31m")' in said and said.isprintable()


def test_memory_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "wide.csv").write_text(columns(1_000_000))
    (tmp_path / "long.csv").write_text("a" * 100_000_000)
    (tmp_path / "junk.csv").write_bytes(junk() * 50)
    code = (
        "import resource, sys\n"
        f"resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))\n"
        "from pathlib import Path\n"
        "from nnbench.catalog.data.tables.table import Choices, read_table\n"
        "for name in sys.argv[1:]:\n"
        "    try:\n"
        "        read_table(Path(name), Choices('y'))\n"
        "    except ValueError as problem:\n"
        "        print(problem)\n"
    )
    names = [str(tmp_path / name) for name in ("wide.csv", "long.csv", "junk.csv")]
    ended = subprocess.run(
        [sys.executable, "-c", code, *names], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    said = ended.stdout.splitlines()
    assert [line.split('"')[1] for line in said] == ["wide.csv", "long.csv", "junk.csv"]


def test_names_reach_a_terminal_without_their_controls(tmp_path: Path) -> None:
    found = read(tmp_path, lines("a\u202e\x1b[31m,b\x07,y", plain))
    told = [*table_sentences(found.report), *column_lines(found.report)]
    assert all(text.isprintable() for text in told)
    assert found.features[0] == "a\u202e\x1b[31m" and "a\\u202e\\u001b[31m" in " ".join(told)
